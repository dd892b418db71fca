"""``trellis probe``: whether a server keeps to what it is asked to enforce."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trellis.cli.report import stdout, write
from trellis.models.probe import probe as probe_of

_COLOURS = {"kept": "green", "ignored": "red", "refused": "yellow", "failed": "yellow"}


def probe(model: Annotated[str, typer.Argument(help="The model, as in trellis generate.")]) -> None:
    """Ask in each mode for a word that only enforcement brings: kept, ignored, refused or failed.

    The exit code is 1 when a mode is ignored.
    """
    found = probe_of(model)
    console = stdout()
    if console.is_terminal:
        table = Table("mode", "outcome", "said", box=None, header_style="bold")
        for one in found:
            table.add_row(one.mode, Text(one.outcome, style=_COLOURS[one.outcome]), Text(one.said[:100]))
        console.print(table)
    else:
        for one in found:
            write(f"{one.mode}\t{one.outcome}\t{' '.join(one.said.split())[:200]}")
    if any(one.outcome == "ignored" for one in found):
        raise typer.Exit(1)

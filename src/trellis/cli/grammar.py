"""``trellis grammar``: look at a Lark grammar before it is used."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trellis.cli.report import stderr
from trellis.errors import caret

app = typer.Typer(no_args_is_help=True, help="Look at a Lark grammar before it is used.")


class Parser(StrEnum):
    earley = "earley"
    lalr = "lalr"


@app.callback()
def root() -> None:
    """Look at a Lark grammar before it is used."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A .lark file.")],
    start: Annotated[str, typer.Option(help="The start rule.")] = "start",
    parser: Annotated[Parser, typer.Option(help="Which of Lark's parsers decides.")] = Parser.earley,
    text: Annotated[
        str | None, typer.Option(help="A text to try; says whether it is accepted, or where it stops.")
    ] = None,
) -> None:
    """Load a grammar as the masker does; with --text, try it. Exit code 1 when the text is not accepted."""
    from trellis.masking import Grammar

    grammar = Grammar.from_lark(file, start=start, parser=parser.value)
    console = stderr()
    console.print(Text.assemble(("ok: ", "bold green"), f"{file}: {grammar.description}"))
    if text is None:
        return
    if grammar.accepts(text):
        console.print(Text.assemble(("accepted: ", "bold green"), text))
        return
    good = grammar.accepted_prefix(text)
    line, column = text.count("\n", 0, good) + 1, good - text.rfind("\n", 0, good)
    what = (f"the text stops too early, after character {good}" if good == len(text) else
            f"nothing in the grammar goes on with {text[good]!r} (character {good + 1})")
    console.print(Text.assemble(("refused: ", "bold red"), what))
    console.print(Text(caret(text, line, column)))
    raise typer.Exit(1)

"""``trellis export`` and ``trellis report``: what is made of run logs."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from trellis.cli.report import stderr, write
from trellis.errors import UsageError
from trellis.runlog.export import export as export_of
from trellis.runlog.page import page
from trellis.runlog.reader import Log, read_log


class Purpose(StrEnum):
    sft = "sft"
    dpo = "dpo"


class Shape(StrEnum):
    openai = "openai"
    trl = "trl"


Logs = Annotated[list[Path], typer.Argument(help="Run logs, as Session(log=...) writes them.")]


def export(
    logs: Logs,
    format_: Annotated[Purpose, typer.Option("--format", help="Accepted answers, or pairs of them.")] = Purpose.sft,
    shape: Annotated[Shape, typer.Option(help="Who takes the records: OpenAI's chat files, or TRL.")] = Shape.openai,
    held_out: Annotated[float, typer.Option(min=0, max=1, help="The share of prompts to keep back, by their hash; "
                                            "needs --out.")] = 0.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; held-out records go beside it, "
                                             "as NAME.held_out.jsonl.")] = None,
) -> None:
    """Make training data of run logs: one JSON record a line, each once, split by prompt."""
    if held_out and out is None:
        raise UsageError("--held-out makes two files", hint="--out train.jsonl says where")
    log = _read(logs)
    made = export_of(log, format_.value, shape.value, held_out)
    if out is None:
        for record in made.train:
            write(json.dumps(record, ensure_ascii=False))
    else:
        _save(out, made.train)
        if held_out:
            _save(out.with_suffix(".held_out.jsonl"), made.held_out)
    split = f" and {len(made.held_out)} held out" if held_out else ""
    stderr().print(Text(f"{len(made.train)} records{split}, of {made.prompts} prompts in {len(log.runs)} calls",
                        style="dim"))


def report(
    logs: Logs,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page to write; default: beside the first log, "
                                             "as NAME.html. - is standard output.")] = None,
) -> None:
    """Make one HTML page of run logs: every attempt, what was repaired, what was wrong, what it cost."""
    html = page(_read(logs), ", ".join(path.name for path in logs))
    if out == Path("-"):
        write(html)
        return
    target = out or logs[0].with_suffix(".html")
    _write(target, html)
    stderr().print(Text(f"wrote {target}", style="dim"))


def _read(paths: list[Path]) -> Log:
    log = read_log(paths)
    for line in log.damaged[:10]:
        stderr().print(Text.assemble(("warning: ", "bold yellow"), f"passed over {line}"))
    if len(log.damaged) > 10:
        stderr().print(Text(f"and {len(log.damaged) - 10} more lines", style="yellow"))
    if log.damaged and not log.runs:
        raise UsageError(f"no call is logged in {', '.join(map(str, paths))}", hint="Session(log=...) writes run logs")
    return log


def _save(path: Path, records: tuple[dict[str, Any], ...]) -> None:
    _write(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error

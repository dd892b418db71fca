"""``trellis repair``: mend JSON, YAML and CSV that a model wrote."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from trellis.cli.generate import read_schema
from trellis.cli.report import exit_code, read_input, show_error, stderr, write
from trellis.errors import RepairError, TrellisError, UsageError


class Format(StrEnum):
    auto = "auto"
    json = "json"
    yaml = "yaml"
    csv = "csv"


class Level(StrEnum):
    safe = "safe"
    normal = "normal"
    salvage = "salvage"


def repair(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to repair; none or - is standard input.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="What the text is meant to be.")] = Format.auto,
    schema: Annotated[Path | None, typer.Option(help="A JSON Schema that the value should satisfy.")] = None,
    level: Annotated[Level, typer.Option(help="How much may be changed.")] = Level.normal,
    check: Annotated[bool, typer.Option("--check", help="Print nothing; exit code 1 if a repair is needed.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="List every edit on standard error.")] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write each repaired text back to its file.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the repaired text to a file.")] = None,
) -> None:
    """Print the repaired text; every change has a rule, a place and a cost (--explain)."""
    paths = files or [Path("-")]
    _check_options(paths, in_place, output)
    wanted = read_schema(schema) if schema else None
    code = 0
    with _progress(paths) as advance:
        for path in paths:
            code = max(code, _one(path, format_, wanted, level, check, explain, in_place, output))
            advance()
    raise typer.Exit(code)


def _check_options(paths: list[Path], in_place: bool, output: Path | None) -> None:
    if in_place and output:
        raise UsageError("--in-place and --output exclude each other")
    if in_place and Path("-") in paths:
        raise UsageError("--in-place needs files")
    if output and len(paths) > 1:
        raise UsageError("--output takes one input")


def _one(
    path: Path,
    format_: Format,
    schema: Any,
    level: Level,
    check: bool,
    explain: bool,
    in_place: bool,
    output: Path | None,
) -> int:
    from trellis import repair as repairers

    read = {
        Format.auto: repairers.repair,
        Format.json: repairers.repair_json,
        Format.yaml: repairers.repair_yaml,
        Format.csv: repairers.repair_csv,
    }[format_]
    name = "standard input" if path == Path("-") else str(path)
    try:
        text = _read(path)
        repaired = read(text, schema, level=level.value)
    except TrellisError as error:
        stderr().print(Text(f"{name}:", style="bold"))
        show_error(error)
        return exit_code(error)
    if explain:
        _explain(name, repaired)
    if check:
        return 1 if repaired.edits else 0
    if in_place:
        if repaired.edits:
            _write(path, repaired.text)
    elif output:
        _write(output, repaired.text)
    else:
        write(repaired.text)
    return 0


def _read(path: Path) -> str:
    try:
        data = read_input() if path == Path("-") else path.read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RepairError(f"byte {error.start} is not UTF-8", hint="convert the file to UTF-8 first") from error


def _write(path: Path, text: str) -> None:
    """Atomically: a reader sees the old text or the new one, never a part. A link stays one, its target is written."""
    try:
        path = path.resolve()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            if path.exists():
                os.chmod(temporary, path.stat().st_mode & 0o7777)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _explain(name: str, repaired: Any) -> None:
    console = stderr()
    count = len(repaired.edits)
    console.print(
        Text(f"{name}: {count} edit{'' if count == 1 else 's'}, confidence {repaired.confidence:.2f}", style="bold")
    )
    for edit in repaired.edits:
        console.print(
            Text.assemble(
                (f"  {edit.line}:{edit.column} ", "dim"),
                (edit.rule, "cyan"),
                "  ",
                (_clip(edit.before), "red strike" if console.is_terminal else ""),
                " -> ",
                (_clip(edit.after), "green"),
            )
        )


def _clip(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:40]}...{shown[-15:]}"


@contextmanager
def _progress(paths: list[Path]) -> Iterator[Any]:
    console = stderr()
    if len(paths) < 2 or not console.is_terminal:
        yield lambda: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("repairing", total=len(paths))
        yield lambda: progress.advance(task)

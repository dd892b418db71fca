"""``trellis repair``: mend JSON, YAML and CSV that a model wrote."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from trellis.cli.options import read_schema
from trellis.cli.repair_run import Outcome, Task, as_format, load_rules, read_file, run_all, run_text
from trellis.cli.repair_show import Statistics, diff, explain, explain_json
from trellis.cli.report import exit_code, show_error, stderr, stdout, write
from trellis.errors import UsageError

if TYPE_CHECKING:
    from trellis.repair import Limits, Policies, Repaired


class Format(StrEnum):
    auto = "auto"
    json = "json"
    yaml = "yaml"
    csv = "csv"


class Level(StrEnum):
    safe = "safe"
    normal = "normal"
    salvage = "salvage"


class Select(StrEnum):
    best = "best"
    first = "first"
    last = "last"
    all = "all"


class Explain(StrEnum):
    none = "none"
    text = "text"
    json = "json"


class To(StrEnum):
    json = "json"
    yaml = "yaml"


@dataclass(frozen=True)
class Output:
    """What is done with each result."""

    check: bool
    diff: bool
    explain: Explain
    in_place: bool
    file: Path | None
    to: str | None


def repair(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders to repair; none or - is standard input.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What the text is meant to be.")] = Format.auto,
    schema: Annotated[Path | None, typer.Option(help="A JSON Schema that the value should satisfy.")] = None,
    level: Annotated[Level, typer.Option(help="How much may be changed.")] = Level.normal,
    rules: Annotated[Path | None, typer.Option(help="A Python file with RULES, a list of UserRule.")] = None,
    select: Annotated[Select, typer.Option(help="Which of several values in a text.")] = Select.best,
    check: Annotated[bool, typer.Option("--check", help="Print nothing; exit code 1 if a repair is needed.")] = False,
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Print a unified diff; exit code 1 if there is one.")
    ] = False,
    as_text: Annotated[
        bool, typer.Option("--explain", help="List every edit on standard error; --explain=json: as lines of JSON.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--explain-json", hidden=True)] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write each repaired text back to its file.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the repaired text to a file.")] = None,
    to: Annotated[To | None, typer.Option(help="Print the value as JSON or YAML, not the repaired text.")] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line is a text of its own; each result is a line of JSON.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Print which mistakes the texts have, and how often.")] = False,
    policy: Annotated[
        list[str] | None, typer.Option(metavar="NAME=CHOICE", help="A policy other than ours, as in docs/repair.md.")
    ] = None,
    max_size: Annotated[int | None, typer.Option(min=1, help="Refuse longer texts (characters).")] = None,
    max_depth: Annotated[int | None, typer.Option(min=1, help="Refuse more open brackets at once.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Refuse more search steps for each character.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes for many files; by default one a core.")] = None,
) -> None:
    """Print the repaired text; every change has a rule, a place and a cost (--explain)."""
    paths = list(_expanded(files or [Path("-")]))
    if not paths:
        raise UsageError(f"no file in {', '.join(map(str, files or []))}", hint="hidden files are passed over")
    if sum((check, show_diff, in_place, output is not None, stats, lines and to is not None)) > 1:
        raise UsageError("--check, --diff, --in-place, --output and --stats exclude each other")
    if stats and to is not None:
        raise UsageError("--stats prints what was found, and no value: it takes no --to")
    if in_place and (Path("-") in paths or lines or to):
        raise UsageError("--in-place needs files, and writes their own format")
    if output and (len(paths) > 1 or lines):
        raise UsageError("--output takes one input")
    load_rules(rules)
    task = Task(
        format_.value,
        read_schema(schema) if schema else None,
        level.value,
        select.value,
        rules,
        _limits(max_size, max_depth, max_steps),
        _policies(policy or []),
    )
    how = Explain.json if as_json else Explain.text if as_text else Explain.none
    out = Output(check, show_diff, how, in_place, output, to.value if to else None)
    outcomes = _lines(paths, task) if lines else run_all(paths, task, workers)
    shown = outcomes if lines else _progress(outcomes, len(paths))
    if stats:
        raise typer.Exit(_stats(shown))
    code = 0
    for place, outcome in enumerate(shown):
        if place and out.to == "yaml" and outcome.repaired is not None:
            write("---")
        code = max(code, _line(outcome, out) if lines else _one(outcome, out))
    raise typer.Exit(code)


def _limits(size: int | None, depth: int | None, steps: int | None) -> Limits:
    from trellis.repair import Limits

    given = {"size": size, "depth": depth, "steps": steps}
    return Limits(**{name: value for name, value in given.items() if value is not None})


def _policies(pairs: list[str]) -> Policies:
    from trellis.repair import Policies

    return Policies.parse(pairs)


def _expanded(paths: list[Path]) -> Iterator[Path]:
    """The files, those in folders too."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file
                for file in path.rglob("*")
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        else:
            yield path


def _fail(outcome: Outcome) -> int:
    assert outcome.error is not None
    if not outcome.error.message.startswith(f"{outcome.name}: "):
        stderr().print(Text(f"{outcome.name}:", style="bold"))
    show_error(outcome.error)
    return exit_code(outcome.error)


def _explained(outcome: Outcome, out: Output) -> None:
    assert outcome.repaired is not None
    if out.explain is Explain.text:
        explain(outcome.name, outcome.repaired)
    elif out.explain is Explain.json:
        explain_json(outcome.name, outcome.repaired)


def _one(outcome: Outcome, out: Output) -> int:
    """Show or write one result; returns its exit code."""
    repaired = outcome.repaired
    if repaired is None:
        return _fail(outcome)
    _explained(outcome, out)
    needed = 1 if repaired.edits else 0
    if out.diff:
        diff(outcome)
        return needed
    if out.check:
        return needed
    if out.in_place:
        if repaired.edits:
            _write(Path(outcome.name), repaired.text)
    elif out.file:
        _write(out.file, as_format(repaired, out.to))
    else:
        write(as_format(repaired, out.to))
    return 0


def _lines(paths: Iterable[Path], task: Task) -> Iterator[Outcome]:
    for path in paths:
        name = "standard input" if path == Path("-") else str(path)
        for number, line in enumerate(read_file(path).split("\n"), 1):
            if line.strip():
                yield run_text(f"{name}:{number}", line, task)


def _line(outcome: Outcome, out: Output) -> int:
    """One record: its value on a line, or the error in its place, so that the lines still match."""
    repaired = outcome.repaired
    if repaired is None:
        assert outcome.error is not None
        if not (out.check or out.diff):
            row = {"error": outcome.error.message.split("\n")[0], "input": outcome.text}
            write(json.dumps(row, ensure_ascii=False))
        return _fail(outcome)
    _explained(outcome, out)
    if out.diff:
        diff(outcome)
    elif not out.check:
        write(_on_a_line(repaired))
    return 1 if (out.check or out.diff) and repaired.edits else 0


def _on_a_line(repaired: Repaired[Any]) -> str:
    """The repaired text where it is JSON on one line, so that numbers and escapes stay as they were written."""
    text = repaired.text.strip()
    try:
        is_kept = "\n" not in text and json.loads(text) == repaired.value
    except (ValueError, RecursionError):
        is_kept = False  # YAML or CSV
    return text if is_kept else json.dumps(repaired.value, ensure_ascii=False)


def _stats(outcomes: Iterable[Outcome]) -> int:
    found = Statistics()
    for outcome in outcomes:
        found.add(outcome)
    found.show(stdout())
    return 0


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


def _progress(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """The outcomes, with a progress bar on a terminal when they are many."""
    console = stderr()
    if total < 2 or not console.is_terminal:
        yield from outcomes
        return
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("repairing", total=total)
        for outcome in outcomes:
            yield outcome
            progress.advance(bar)

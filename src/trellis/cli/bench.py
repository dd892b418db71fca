"""``trellis bench``: what each layer is worth on a model."""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.progress import Progress
from rich.table import Table as Shown

from trellis.cli.blas import one_thread_for
from trellis.cli.report import stderr, stdout, write
from trellis.errors import UsageError

if TYPE_CHECKING:
    from trellis.bench import Bench, Case, Table

T = TypeVar("T")

app = typer.Typer(help="Measure what each layer is worth, on the built-in model or any other.", no_args_is_help=True)

Model = Annotated[str, typer.Option(help="The model, as in trellis generate.")]
Cases = Annotated[Path | None, typer.Option(help="JSON Lines with prompt, schema, value, and format if it is not json; "
                                            "default: made-up texts that the built-in model has not seen.")]
Count = Annotated[int, typer.Option(min=1, help="Cases of each format and kind at most.")]
Seed = Annotated[int, typer.Option(help="Chooses the cases and the draws.")]
Temperature = Annotated[float, typer.Option(min=0, help="0 is greedy.")]
Parallel = Annotated[int, typer.Option(min=1, help="Calls at the same time; 1 suits local models.")]
Resume = Annotated[Path | None, typer.Option(help="A file of outcomes, written as they come: what stands in it is not "
                                             "asked again.")]
Only = Annotated[list[str] | None, typer.Option(help="A layer, by its name in the table, such as \"prompt only\"; may "
                                                "be given again. Default: all.")]
Log = Annotated[Path | None, typer.Option(help="A run log to write.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="A folder for the table (.md, .json) and plot (.svg).")]


@app.command()
def layers(model: Model = "trellis/nano", cases: Cases = None, count: Count = 100, seed: Seed = 1,
           temperature: Temperature = 1.0, parallel: Parallel = 1, resume: Resume = None, log: Log = None,
           out: Out = None, only: Only = None) -> None:
    """Prompt only, + repair, + retry, + vote, + mask: valid, fields right, calls, tokens, seconds."""
    one_thread_for(model)
    from trellis import bench

    found = bench.layers(_chosen(cases, count, seed), _bench(model, seed, temperature, parallel, resume, log),
                         only or ())
    _show(found, "layers", out)


@app.command()
def retries(model: Model = "trellis/nano", cases: Cases = None, count: Count = 100, seed: Seed = 1,
            temperature: Temperature = 1.0, parallel: Parallel = 1, resume: Resume = None, log: Log = None,
            out: Out = None) -> None:
    """Retry against resample against vote against mask, by the tokens that they cost."""
    one_thread_for(model)
    from trellis import bench

    found = bench.retries(_chosen(cases, count, seed), _bench(model, seed, temperature, parallel, resume, log))
    _show(found, "retries", out)


@app.command()
def consistency(model: Model = "trellis/nano", cases: Cases = None, count: Count = 30, seed: Seed = 1,
                temperature: Temperature = 1.0, parallel: Parallel = 1, resume: Resume = None, log: Log = None,
                out: Out = None) -> None:
    """Agreement of answers over seeds and over paraphrases: one answer, a vote, a mask."""
    one_thread_for(model)
    from trellis import bench

    found = bench.consistency(_chosen(cases, count, seed), _bench(model, seed, temperature, parallel, resume, log))
    _show(found, "consistency", out)


def _bench(model: str, seed: int, temperature: float, parallel: int, resume: Path | None, log: Path | None) -> Bench:
    from trellis import Session
    from trellis.bench import Bench, Journal

    return Bench(Session(model=model, log=log), seed, temperature, parallel, _progress,
                 None if resume is None else Journal(resume))


def _chosen(path: Path | None, count: int, seed: int) -> Sequence[Case]:
    """So many cases of each format and kind, drawn with the seed, in the order of the file."""
    from trellis.bench import read_cases

    warnings.simplefilter("ignore", UserWarning)
    groups: dict[tuple[str, str], list[int]] = {}
    cases = read_cases(path)
    for place, case in enumerate(cases):
        groups.setdefault((case.kind, case.format), []).append(place)
    kept = {place for group in groups.values() for place in random.Random(seed).sample(group, min(count, len(group)))}
    return [cases[place] for place in sorted(kept)]


def _progress(outcomes: Iterable[T], label: str, count: int) -> Iterable[T]:
    console = stderr()
    if not console.is_terminal:
        yield from outcomes
        return
    with Progress(console=console, transient=True) as bar:
        yield from bar.track(outcomes, total=count, description=label)


def _show(table: Table, name: str, out: Path | None) -> None:
    console = stdout()
    if console.is_terminal:
        shown = Shown(*table.columns, box=None, header_style="bold")
        for row in table.text():
            shown.add_row(*row)
        console.print(shown)
    else:
        write(table.markdown())
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for ending, text in (("md", table.markdown()), ("svg", table.svg()),
                             ("json", json.dumps(table.data(), indent=1) + "\n")):
            (out / f"{name}.{ending}").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    print(f"wrote {out}/{name}.md, .svg and .json", file=sys.stderr)


"""``trellis generate-many``: a value of a type for each row of a file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.text import Text

from trellis.cli import options
from trellis.cli.options import Asking, Format, Level, Mode, Shape, output_type, settings
from trellis.cli.report import stderr, usage_line, write
from trellis.cli.rows import From, Source, count_of, kind_of, sources
from trellis.errors import TrellisError, UsageError
from trellis.prompt import Template

SAID = 10
"""Rows that failed which are told one by one on standard error."""


@dataclass(frozen=True)
class RowTemplate(Template):
    """The prompt of a row; one that could not be read is told when its turn comes."""

    source_row: Source = Source(0, {})  # noqa: RUF009  frozen

    def messages(self, shape: Any) -> Any:
        if self.source_row.fault:
            raise UsageError(self.source_row.fault)
        if not self.prompt:
            raise UsageError(f"line {self.source_row.line} has no 'text' or 'prompt' that is a text",
                             hint="--prompt 'Read this: {{ column }}' makes a prompt of a row's fields")
        return super().messages(shape)


class Sized:
    """Rows as they are read, whose number is known beforehand."""

    def __init__(self, rows: Iterable[Template], count: int) -> None:
        self._rows, self._count = rows, count

    def __iter__(self) -> Iterator[Template]:
        return iter(self._rows)

    def __len__(self) -> int:
        return self._count


def generate_many(
    rows: Annotated[Path, typer.Argument(help="A file of rows: .jsonl, .csv, .tsv, or a prompt a line; - reads "
                                         "standard input.")],
    prompt: Annotated[str | None, typer.Option(help="What to do with a row, as a Jinja template of its fields: 'Read "
                                               "this: {{ text }}'; else its field text, or prompt, is the prompt."
                                               )] = None,
    fields: options.Fields = None,
    schema: options.SchemaFile = None,
    type_: options.TypeName = None,
    choice: options.Choices = None,
    regex: options.Pattern = None,
    grammar: options.GrammarFile = None,
    format_: options.Written = Format.json,
    model: options.ModelName = None,
    mode: options.ModeName = Mode.auto,
    strategy: options.StrategyText = None,
    retries: options.Retries = None,
    draft: options.DraftFirst = False,
    judge: options.Criteria = None,
    judge_model: options.JudgeName = None,
    repair: options.RepairLevel = Level.normal,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    top_k: options.TopK = None,
    min_p: options.MinP = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    budget: options.BudgetText = None,
    log: options.LogFile = None,
    cache: options.CacheFile = None,
    from_: Annotated[From, typer.Option("--from", help="How the rows are written, if their file's name does not say."
                                        )] = From.auto,
    in_flight: Annotated[int, typer.Option(min=1, help="Rows that are asked at the same time.")] = 16,
    rate: Annotated[int | None, typer.Option(min=1, help="Requests in a minute at most.")] = None,
    token_rate: Annotated[int | None, typer.Option(min=1, help="Tokens in a minute at most.")] = None,
    resume: Annotated[Path | None, typer.Option(help="A file for every reply: the same command again, after an "
                                                "interruption, asks for nothing that is in it.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write, else standard output.")] = None,
    in_order: Annotated[bool, typer.Option("--in-order", help="Write rows in the order of the file.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask a model for a value for each row of a file: one JSON object a line, with index, and value or error.

    Rows are written as they are done. One that fails is reported and stops nothing; the exit code is then 1.
    """
    import trellis

    wanted = output_type(Shape(fields, schema, type_, choice, regex, grammar, format_))
    arguments = settings(model, mode, repair, Asking(strategy, retries, draft, judge, judge_model), budget, log, cache,
                         temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, seed=seed,
                         max_tokens=max_tokens)
    limit = None if rate is None and token_rate is None else trellis.RateLimit(requests=rate, tokens=token_rate)
    kind = kind_of(rows, from_)
    prompts: Iterable[Template] = (_template(source, prompt) for source in sources(rows, kind))
    if (count := count_of(rows, kind)) is not None:
        prompts = Sized(prompts, count)
    tally = trellis.Tally()
    failed: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", UserWarning)
        done = stack.enter_context(closing(trellis.generate_many(
            prompts, wanted, **arguments, concurrency=in_flight, rate_limit=limit, resume=resume, progress=not quiet)))
        file = None if out is None else stack.enter_context(_opened(out))
        try:
            for row in _ordered(done) if in_order else done:
                tally.add(row)
                if row.error is not None and len(failed) < SAID:
                    failed.append(f"row {row.index}: {type(row.error).__name__}: {row.error.message}")
                _put(file, out, json.dumps(_record(row), ensure_ascii=False))
        finally:
            if tally.rows and not quiet:
                _summary(tally, failed)
    if tally.failed:
        raise typer.Exit(1)


def _template(source: Source, prompt: str | None) -> Template:
    fields = source.fields
    if prompt is not None:
        return RowTemplate(prompt, variables=fields or {"text": ""}, source_row=source)
    text = next((fields[name] for name in ("text", "prompt") if isinstance(fields.get(name), str)), "")
    return RowTemplate(text, source_row=source)


def _record(row: Any) -> dict[str, Any]:
    known = {"id": row.prompt.source_row.fields["id"]} if "id" in row.prompt.source_row.fields else {}
    if row.error is not None:
        said = {"class": type(row.error).__name__, "message": row.error.message, "raw": row.error.last_raw}
        return {"index": row.index, **known, "error": said}
    return {"index": row.index, **known, "value": to_jsonable_python(row.value)}


def _ordered(rows: Iterable[Any]) -> Iterator[Any]:
    waiting: dict[int, Any] = {}
    following = 0
    try:
        for row in rows:
            waiting[row.index] = row
            while following in waiting:
                yield waiting.pop(following)
                following += 1
    except TrellisError:  # the batch ends; what was paid for is written
        yield from (waiting[index] for index in sorted(waiting))
        raise


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


def _put(file: IO[str] | None, path: Path | None, line: str) -> None:
    if file is None:
        return write(line)
    try:
        file.write(line + "\n")
        file.flush()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


def _summary(tally: Any, failed: list[str]) -> None:
    console = stderr()
    for line in failed:
        console.print(Text.assemble(("failed: ", "bold red"), line))
    if tally.failed.total() > len(failed):
        console.print(Text(f"and {tally.failed.total() - len(failed)} more rows, in the output", style="red"))
    console.print(Text(f"{tally.rows} {'row' if tally.rows == 1 else 'rows'}: {tally}"))
    console.print(Text(usage_line(tally.usage), style="dim"))

"""``trellis generate``: a value of a type, from a prompt."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.text import Text

from trellis.cli import options
from trellis.cli.options import Asking, Format, Level, Mode, Shape, output_type, settings
from trellis.cli.report import attempts_table, read_input, show_value, stderr, usage_line, write
from trellis.errors import UsageError


def generate(
    prompt: Annotated[str, typer.Argument(help="What to do, with the text to do it on; - reads standard input.")],
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
    preview: Annotated[bool, typer.Option("--preview", help="Print the exact prompt and ask no model.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask a model for a value of a type, and print the validated value as JSON."""
    import trellis

    text = read_prompt() if prompt == "-" else prompt
    wanted = output_type(Shape(fields, schema, type_, choice, regex, grammar, format_))
    if preview:
        shown = trellis.Template(text).preview(wanted)
        write(shown.text)
        if not quiet:
            stderr().print(Text(str(shown)[len(shown.text) :].strip(), style="dim"))
        return
    arguments = settings(model, mode, repair, Asking(strategy, retries, draft, judge, judge_model), budget, log, cache,
                         temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, seed=seed,
                         max_tokens=max_tokens)
    console = stderr()
    with (
        console.status("generating") if console.is_terminal and not quiet else nullcontext(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)  # they are in result.warnings too
        result = trellis.generate_structured(text, wanted, **arguments)
    if not quiet:
        for warning in result.warnings:
            console.print(Text.assemble(("warning: ", "bold yellow"), warning))
        console.print(attempts_table(result.attempts))
        said = f", {result.agreement:.0%} agree" if result.agreement is not None else ""
        console.print(Text(usage_line(result.usage) + said, style="dim"))
    show_value(result.value)


def read_prompt() -> str:
    """Standard input as text.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_input().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input: byte {error.start} is not UTF-8") from error

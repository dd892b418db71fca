"""``trellis grammar``: look at a Lark grammar before it is used."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from trellis.cli.report import stderr, write
from trellis.errors import caret

if TYPE_CHECKING:
    from trellis.masking import Grammar, Vocabulary

app = typer.Typer(no_args_is_help=True, help="Look at a Lark grammar before it is used.")


class Parser(StrEnum):
    earley = "earley"
    lalr = "lalr"


File = Annotated[Path, typer.Argument(help="A .lark file.")]
Start = Annotated[str, typer.Option(help="The start rule.")]
Parsers = Annotated[Parser, typer.Option(help="Which of Lark's parsers decides.")]


@app.callback()
def root() -> None:
    """Look at a Lark grammar before it is used."""


@app.command()
def check(
    file: File,
    start: Start = "start",
    parser: Parsers = Parser.earley,
    text: Annotated[
        str | None, typer.Option(help="A text to try; says whether it is accepted, or where it stops.")
    ] = None,
) -> None:
    """Load a grammar as the masker does, and say what may surprise; with --text, try it.

    Exit code 1 when the text is not accepted.
    """
    from trellis.masking import Grammar

    grammar = Grammar.from_lark(file, start=start, parser=parser.value)
    console = stderr()
    console.print(Text.assemble(("ok: ", "bold green"), f"{file}: {grammar.description}"))
    if text is None:
        from trellis.masking.grammar_warnings import warnings_of

        for warning in warnings_of(grammar, default_vocabulary()):
            console.print(Text.assemble((f"warning: {warning.kind}: ", "bold yellow"), warning.message))
        return
    if grammar.accepts(text):
        console.print(Text.assemble(("accepted: ", "bold green"), text))
        return
    show_refusal(grammar, text)
    raise typer.Exit(1)


@app.command()
def sample(
    file: File,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many texts.")] = 5,
    start: Start = "start",
    parser: Parsers = Parser.earley,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of one text, where the grammar can.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same texts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Each text as a JSON string on a line of its own.")] = False,
) -> None:
    """Texts of a grammar, drawn at random under its mask: what a model without any sense could write."""
    from trellis.masking import Grammar
    from trellis.masking.walk import Walker

    grammar = Grammar.from_lark(file, start=start, parser=parser.value)
    walker = Walker(grammar.compile(default_vocabulary()), seed)
    for _ in range(count):
        text = walker.text(max_tokens).decode("utf-8", "replace")
        write(json.dumps(text, ensure_ascii=False) if as_json else text)


def default_vocabulary() -> Vocabulary:
    """The vocabulary of the built-in model: small, with tokens as real models have them."""
    from trellis.models.nano.model import NanoModel

    return NanoModel().vocabulary


def show_refusal(grammar: Grammar, text: str) -> None:
    """Where a text leaves a grammar, with a caret below its line."""
    good = grammar.accepted_prefix(text)
    line, column = text.count("\n", 0, good) + 1, good - text.rfind("\n", 0, good)
    what = (f"the text stops too early, after character {good}" if good == len(text) else
            f"nothing in the grammar goes on with {text[good]!r} (character {good + 1}, line {line}, column {column})")
    console = stderr()
    console.print(Text.assemble(("refused: ", "bold red"), what))
    console.print(Text(caret(text, line, column)))

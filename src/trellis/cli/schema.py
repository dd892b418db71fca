"""``trellis schema``: look at a JSON Schema before it is used."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from trellis.cli.report import read_input, stderr, write
from trellis.errors import TrellisError, UsageError

if TYPE_CHECKING:
    from trellis.masking import Grammar

ROOT = "(root)"  # a JSON pointer of its own, the empty text, is not seen in a table; "/" is the member named ""
app = typer.Typer(no_args_is_help=True, help="Look at a JSON Schema before it is used.")


class Order(StrEnum):
    schema = "schema"
    any = "any"


class Formats(StrEnum):
    enforce = "enforce"
    annotate = "annotate"


@app.callback()
def root() -> None:
    """Look at a JSON Schema before it is used."""


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A JSON Schema; - for standard input.")],
    formats: Annotated[Formats, typer.Option(help="Whether format restricts strings.")] = Formats.enforce,
    order: Annotated[Order, typer.Option(help="The order of properties.")] = Order.schema,
    samples: Annotated[int, typer.Option(help="So many sample outputs.", min=0, max=100)] = 3,
    every: Annotated[bool, typer.Option("--all", help="Also what does not restrict values.")] = False,
) -> None:
    """Say of each keyword whether masks enforce it; then some outputs that they allow.

    Lines on standard output: enforced, relaxed (left to a validator with on_unsupported="relax", an error without),
    refused, annotation or unknown (what is refused comes first); the JSON pointer; why. Exit code 1 when something is
    not enforced.
    """
    from trellis.masking.schema_explain import explain as explained

    result = explained(_read(file), formats=formats.value, property_order=order.value)
    lines = [f"{it.status}\t{it.pointer or ROOT}\t{it.reason}".rstrip() for it in result.keywords
             if every or it.meant or it.status != "annotation"]
    write("\n".join(lines) if lines else f"enforced\t{ROOT}\tany value is valid")
    console = stderr()
    if result.grammar is not None:
        for sample in _samples(result.grammar, samples):
            console.print(Text.assemble(("sample: ", "bold"), sample))
    if result.error is not None:
        raise result.error
    if any(it.status == "relaxed" for it in result.keywords):
        raise typer.Exit(1)


def _read(file: Path) -> Any:
    try:
        return json.loads(read_input() if file == Path("-") else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} holds no JSON: {error}") from error


def _samples(grammar: Grammar, count: int) -> list[str]:
    """Random texts that the masks allow; fewer where they are too long to be shown."""
    from trellis.masking import Vocabulary
    from trellis.masking.walk import Walker

    pieces = [b'"', b'":', b'",', b"{", b"}", b"[", b"]", b", ", b"true", b"false", b"null", b"the ", b"and "]
    vocabulary = Vocabulary([*pieces, *(bytes([byte]) for byte in range(256)), b"<end>"],
                            special_ids=[len(pieces) + 256], eos_ids=[len(pieces) + 256])
    found: dict[str, None] = {}
    try:
        for seed in range(count):
            walker = Walker(grammar.compile(vocabulary), seed)
            found[walker.text().decode("utf-8", "replace")] = None
    except TrellisError as error:
        found[f"none: {error.message}"] = None
    return list(found)

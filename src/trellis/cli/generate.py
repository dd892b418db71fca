"""``trellis generate``: a value of a type, from a prompt."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from trellis.cli.blas import one_thread_for
from trellis.cli.fields import schema_of_fields
from trellis.cli.report import attempts_table, read_input, show_value, stderr, usage_line, write
from trellis.errors import SchemaError, TypeNotSupportedError, UsageError


class Format(StrEnum):
    json = "json"
    yaml = "yaml"
    csv = "csv"


class Mode(StrEnum):
    auto = "auto"
    mask = "mask"
    native = "native"
    tools = "tools"
    json = "json"
    prompt = "prompt"


class Level(StrEnum):
    off = "off"
    safe = "safe"
    normal = "normal"
    salvage = "salvage"


def generate(
    prompt: Annotated[str, typer.Argument(help="What to do, with the text to do it on; - reads standard input.")],
    fields: Annotated[
        str | None, typer.Option(help="The fields of an object: 'name, age: int, mood: good|bad'.")
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="A file with a JSON Schema.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="A Python type, as module:Name.")] = None,
    choice: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="One of the answers to choose from; repeat it.")
    ] = None,
    regex: Annotated[str | None, typer.Option(help="A regular expression that the whole answer matches.")] = None,
    grammar: Annotated[Path | None, typer.Option(help="A Lark grammar that the whole answer parses under.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the model writes the value.")] = Format.json,
    model: Annotated[str | None, typer.Option(help="'openai/NAME', or 'trellis/nano' (built in).")] = None,
    mode: Annotated[Mode, typer.Option(help="How the shape is enforced.")] = Mode.auto,
    retries: Annotated[int, typer.Option(min=0, help="Extra attempts after a bad answer.")] = 2,
    repair: Annotated[Level, typer.Option(help="How far a broken answer may be mended.")] = Level.normal,
    temperature: Annotated[float | None, typer.Option(min=0, help="0 is greedy.")] = None,
    top_p: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    top_k: Annotated[int | None, typer.Option(min=1)] = None,
    min_p: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Makes a local model's draws reproducible.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="At most so many tokens in an answer.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Print the exact prompt and ask no model.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on standard error.")] = False,
) -> None:
    """Ask a model for a value of a type, and print the validated value as JSON."""
    one_thread_for(model)
    import trellis

    text = read_prompt() if prompt == "-" else prompt
    wanted = _output_type(fields, schema, type_, choice, regex, grammar, format_)
    if preview:
        shown = trellis.Template(text).preview(wanted)
        write(shown.text)
        if not quiet:
            stderr().print(Text(str(shown)[len(shown.text) :].strip(), style="dim"))
        return
    console = stderr()
    with (
        console.status("generating") if console.is_terminal and not quiet else nullcontext(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)  # they are in result.warnings too
        result = trellis.generate_structured(
            text,
            wanted,
            model=model,
            mode=mode.value,
            strategy=trellis.Retry(retries),
            repair=repair.value,
            sampling=trellis.Sampling(
                temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, seed=seed, max_tokens=max_tokens
            ),
        )
    if not quiet:
        for warning in result.warnings:
            console.print(Text.assemble(("warning: ", "bold yellow"), warning))
        console.print(attempts_table(result.attempts))
        console.print(Text(usage_line(result.usage), style="dim"))
    show_value(result.value)


def _output_type(
    fields: str | None,
    schema: Path | None,
    type_: str | None,
    choice: list[str] | None,
    regex: str | None,
    grammar: Path | None,
    format_: Format,
) -> Any:
    import trellis

    given = {
        "--fields": fields,
        "--schema": schema,
        "--type": type_,
        "--choice": choice,
        "--regex": regex,
        "--grammar": grammar,
    }
    named = [name for name, value in given.items() if value is not None and value != []]
    if len(named) != 1:
        raise TypeNotSupportedError(
            f"one of {', '.join(given)} says what to make; given: {' and '.join(named) or 'none'}",
            hint="such as --fields 'name, age: int', or --choice yes --choice no",
        )
    if choice:
        return trellis.Choice(choice)
    if regex is not None:
        return trellis.Regex(regex)
    if grammar is not None:
        return trellis.Grammar.from_lark(grammar)
    shape = (schema_of_fields(fields) if fields is not None else
             read_schema(schema) if schema is not None else _import_type(type_ or ""))
    if format_ is Format.yaml:
        return trellis.Yaml(shape)
    return trellis.Csv(shape) if format_ is Format.csv else shape


def read_schema(path: Path) -> Any:
    """A JSON Schema from a file.

    Raises:
        UsageError: the file cannot be read or holds no JSON.
        SchemaError: what it holds is no schema.
    """
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} holds no JSON: {error}") from error
    if not isinstance(schema, dict | bool):
        raise SchemaError(f"{path}: a schema is an object or a boolean, not {type(schema).__name__}")
    return schema


def read_prompt() -> str:
    """Standard input as text.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_input().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input: byte {error.start} is not UTF-8") from error


def _import_type(name: str) -> Any:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # the module is anybody's code
        said = f"{error}" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: {error}"
        raise TypeNotSupportedError(f"--type {name}: {said}", hint="write it as package.module:Name") from error
    finally:
        sys.path.remove("")

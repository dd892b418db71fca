"""What ``generate`` and ``generate-many`` have in common: the options, and what they name."""

from __future__ import annotations

import importlib
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from trellis.cli.fields import schema_of_fields
from trellis.cli.strategies import FORMS, budget_of, strategy_from
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


Fields = Annotated[str | None, typer.Option(help="The fields of an object: 'name, age: int, mood: good|bad'.")]
SchemaFile = Annotated[Path | None, typer.Option("--schema", help="A file with a JSON Schema.")]
TypeName = Annotated[str | None, typer.Option("--type", help="A Python type, as module:Name.")]
Choices = Annotated[
    list[str] | None, typer.Option("--choice", metavar="TEXT", help="One of the answers to choose from; repeat it.")
]
Pattern = Annotated[str | None, typer.Option("--regex", help="A regular expression that the whole answer matches.")]
GrammarFile = Annotated[Path | None, typer.Option("--grammar", help="A Lark grammar that the answer parses under.")]
Written = Annotated[Format, typer.Option("--format", help="How the model writes the value.")]
ModelName = Annotated[str | None, typer.Option("--model", help="'openai/NAME', or 'trellis/nano' (built in).")]
ModeName = Annotated[Mode, typer.Option("--mode", help="How the shape is enforced.")]
Retries = Annotated[int | None, typer.Option(min=0, help="Extra attempts after a bad answer; 2 if nothing is said.")]
StrategyText = Annotated[str | None, typer.Option("--strategy", metavar="TEXT", help=f"{FORMS}.")]
DraftFirst = Annotated[bool, typer.Option("--draft", help="Think in words first, then answer in shape.")]
Criteria = Annotated[str | None, typer.Option("--judge", metavar="TEXT", help="Have the answer judged by this.")]
JudgeName = Annotated[str | None, typer.Option("--judge-model", help="Who judges; default: the model itself.")]
RepairLevel = Annotated[Level, typer.Option("--repair", help="How far a broken answer may be mended.")]
Temperature = Annotated[float | None, typer.Option(min=0, help="0 is greedy.")]
TopP = Annotated[float | None, typer.Option(min=0, max=1)]
TopK = Annotated[int | None, typer.Option(min=1)]
MinP = Annotated[float | None, typer.Option(min=0, max=1)]
Seed = Annotated[int | None, typer.Option(help="Makes a local model's draws reproducible.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="At most so many tokens in an answer.")]
BudgetText = Annotated[
    str | None, typer.Option("--budget", metavar="TEXT", help="What all calls may spend: calls=N,tokens=N,seconds=N.")
]
LogFile = Annotated[Path | None, typer.Option("--log", help="A run log to write every attempt to.")]
CacheFile = Annotated[Path | None, typer.Option("--cache", help="A file to answer the same request from.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on standard error.")]


class Shape(NamedTuple):
    """The options that say what to make."""

    fields: str | None
    schema: Path | None
    type: str | None
    choice: list[str] | None
    regex: str | None
    grammar: Path | None
    format: Format


class Asking(NamedTuple):
    """The options that say how often and in what way to ask."""

    strategy: str | None
    retries: int | None
    draft: bool
    judge: str | None
    judge_model: str | None


def output_type(shape: Shape) -> Any:
    """The type that one of the options names.

    Raises:
        TypeNotSupportedError: none does, or several do.
    """
    import trellis

    named = [f"--{name}" for name, value in shape._asdict().items() if name != "format" and value not in (None, [])]
    if len(named) != 1:
        options = ", ".join(f"--{name}" for name in Shape._fields if name != "format")
        raise TypeNotSupportedError(
            f"one of {options} says what to make; given: {' and '.join(named) or 'none'}",
            hint="such as --fields 'name, age: int', or --choice yes --choice no",
        )
    if shape.choice:
        return trellis.Choice(shape.choice)
    if shape.regex is not None:
        return trellis.Regex(shape.regex)
    if shape.grammar is not None:
        return trellis.Grammar.from_lark(shape.grammar)
    found = (schema_of_fields(shape.fields) if shape.fields is not None else
             read_schema(shape.schema) if shape.schema is not None else _import_type(shape.type or ""))
    if shape.format is Format.yaml:
        return trellis.Yaml(found)
    return trellis.Csv(found) if shape.format is Format.csv else found


def settings(model: str | None, mode: Mode, repair: Level, asking: Asking, budget: str | None, log: Path | None,
             cache: Path | None, **sampling: Any) -> dict[str, Any]:
    """The arguments of ``generate_structured`` that options name.

    Raises:
        UsageError: an option is wrong, or a file cannot be used.
    """
    import trellis

    return {
        "model": model, "mode": mode.value, "repair": repair.value, "strategy": strategy_from(*asking),
        "sampling": trellis.Sampling(**sampling),
        "session": trellis.Session(budget=budget_of(budget), log=log, cache=cache),
    }


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

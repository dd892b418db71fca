"""Commands whose modules are loaded when they are called: to start all of them takes several times as long as one."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from trellis.cli.report import EXIT_CODES


class Lazy(NamedTuple):
    """Where a command is, and what ``trellis --help`` says of it: the first paragraph of its own help."""

    module: str
    name: str
    help: str


COMMANDS = {
    "generate": Lazy("generate", "generate", "Ask a model for a value of a type, and print the validated value as "
                     "JSON."),
    "generate-many": Lazy("many", "generate_many", "Ask a model for a value for each row of a file: one JSON object a "
                          "line, with index, and value or error."),
    "repair": Lazy("repair", "repair", "Print the repaired text; every change has a rule, a place and a cost "
                   "(--explain)."),
    "probe": Lazy("probe", "probe", "Ask in each mode for a word that only enforcement brings: kept, ignored, refused "
                  "or failed."),
    "export": Lazy("runs", "export", "Make training data of run logs: one JSON record a line, each once, split by "
                   "prompt."),
    "report": Lazy("runs", "report", "Make one HTML page of run logs: every attempt, what was repaired, what was "
                   "wrong, what it cost."),
    "mask": Lazy("mask", "mask", "What may come next: the allowed tokens on standard output, the terminals and counts "
                 "on standard error."),
    "grammar": Lazy("grammar", "app", "Look at a Lark grammar before it is used."),
    "schema": Lazy("schema", "app", "Look at a JSON Schema before it is used."),
    "bench": Lazy("bench", "app", "Measure what each layer is worth, on the built-in model or any other."),
}


def stub() -> None:
    """Stands for a command that is not loaded."""


class LazyGroup(TyperGroup):
    """A group whose commands are stubs, as far as help is concerned, until one of them is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else loaded(name), rest


def loaded(name: str) -> Any:
    """The command, to be called."""
    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(f"trellis.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name, epilog=EXIT_CODES)(found)
    return typer.main.get_command(alone)

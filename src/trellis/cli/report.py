"""How the command line speaks: values on standard output, the rest on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from io import TextIOWrapper
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trellis.errors import GenerationError, LimitError, ModelError, RepairError, TrellisError, UsageError
from trellis.result import Attempt, Usage, brief

EXIT_CODES = (
    "Exit codes: 0 done; 1 the model gave nothing acceptable, or a check found something; 2 the call is wrong, or a "
    "file cannot be read or written; 3 the text cannot be repaired; 4 it was read, but is against the schema; 5 a "
    "limit was hit; 130 interrupted; 141 the reader of standard output went away."
)
READER_GONE = 141
"""As a shell sees a program that a signal SIGPIPE ended."""


def write(text: str) -> None:
    """Text on standard output, in UTF-8 whatever the locale; one half of a surrogate pair is written as its escape.

    Raises:
        UsageError: it is closed, or cannot be written.
        typer.Exit: the reader went away, which is its right.
    """
    text = text if text.endswith("\n") else text + "\n"
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    try:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes when it ends
        raise typer.Exit(READER_GONE) from None
    except OSError as error:
        raise UsageError(f"standard output: {error.strerror or error}") from error


def read_input() -> bytes:
    """Standard input to its end.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"standard input: {error.strerror or error}") from error


def stdout() -> Console:
    return Console(soft_wrap=True, highlight=False)


def stderr() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


def exit_code(error: TrellisError) -> int:
    """The exit code for an error that ended the command."""
    if isinstance(error, LimitError) or (isinstance(error, RepairError) and error.limit):
        return 5
    if isinstance(error, RepairError):
        return 4 if error.against_schema else 3
    return 1 if isinstance(error, (GenerationError, ModelError)) else 2


def show_error(error: TrellisError) -> None:
    """The message, the attempts if there were any, the last text, and the hint."""
    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if isinstance(error, GenerationError):
        if error.attempts:
            console.print(attempts_table(error.attempts))
        if error.last_raw:
            console.print(Text("the last answer was:", style="bold"))
            console.print(Text(error.last_raw))
    if error.hint:
        console.print(Text.assemble(("hint: ", "bold cyan"), _as_options(error.hint)))


def _as_options(hint: str) -> str:
    """A hint names arguments; here they are options."""
    hint = re.sub(r"""\b(level|mode|repair)=(["'])(\w+)\2""", r"--\1 \3", hint)
    return re.sub(r"\bmax_tokens\b(?!=)", "--max-tokens", hint)


def show_value(value: Any) -> None:
    """A value as JSON: indented and coloured on a terminal, one line in a pipe; bare text stays text."""
    from pydantic_core import to_jsonable_python

    console = stdout()
    plain = to_jsonable_python(value)
    if isinstance(plain, str):
        write(plain)
    elif console.is_terminal:
        console.print_json(json.dumps(plain, ensure_ascii=False).encode("utf-8", "backslashreplace").decode())
    else:
        write(json.dumps(plain, ensure_ascii=False))


def attempts_table(attempts: tuple[Attempt, ...]) -> Table:
    """One row an attempt: what it cost, what was repaired, what was wrong."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("attempt", "enforced", "tokens", "seconds", "repairs", "outcome"):
        table.add_column(name)
    for attempt in attempts:
        rules = ", ".join(dict.fromkeys(edit.rule for edit in attempt.repairs)) or "none"
        wrong = "; ".join(map(brief, attempt.errors[:3])) or (attempt.failure or "")
        outcome = (
            Text("accepted", style="green")
            if attempt.failure is None
            else Text(f"{attempt.failure}: {wrong}"[:200], style="red")
        )
        table.add_row(
            str(attempt.index + 1),
            attempt.enforced,
            str(attempt.usage.completion_tokens),
            f"{attempt.usage.seconds:.2f}",
            rules,
            outcome,
        )
    return table


def usage_line(usage: Usage) -> str:
    calls = "1 call" if usage.calls == 1 else f"{usage.calls} calls"
    masks = f", {usage.mask_seconds:.2f} s of it in masks" if usage.mask_seconds else ""
    return f"{calls}, {usage.prompt_tokens} + {usage.completion_tokens} tokens, {usage.seconds:.2f} s{masks}"

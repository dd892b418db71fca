"""How the command line speaks: values on standard output, the rest on standard error."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trellis.errors import GenerationError, LimitError, ModelError, RepairError, TrellisError
from trellis.result import Attempt, Usage


def stdout() -> Console:
    return Console(soft_wrap=True, highlight=False)


def stderr() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


def exit_code(error: TrellisError) -> int:
    """The exit code for an error that ended the command."""
    if isinstance(error, LimitError) or (isinstance(error, RepairError) and error.limit):
        return 5
    if isinstance(error, RepairError):
        return 3
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
        console.print(Text.assemble(("hint: ", "bold cyan"), error.hint))


def show_value(value: Any) -> None:
    """A value as JSON: indented and coloured on a terminal, one line in a pipe; bare text stays text."""
    console = stdout()
    plain = to_jsonable_python(value)
    if isinstance(plain, str):
        print(plain)
    elif console.is_terminal:
        console.print_json(json.dumps(plain, ensure_ascii=False))
    else:
        print(json.dumps(plain, ensure_ascii=False))


def attempts_table(attempts: tuple[Attempt, ...]) -> Table:
    """One row an attempt: what it cost, what was repaired, what was wrong."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("attempt", "enforced", "tokens", "seconds", "repairs", "outcome"):
        table.add_column(name)
    for attempt in attempts:
        rules = ", ".join(dict.fromkeys(edit.rule for edit in attempt.repairs)) or "none"
        wrong = "; ".join(map(str, attempt.errors[:3])) or (attempt.failure or "")
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

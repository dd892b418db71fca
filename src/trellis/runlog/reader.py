"""Reads run logs, also those of processes that were killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from trellis.errors import UsageError, shown
from trellis.runlog.log import VERSION

Line = dict[str, Any]
_NEEDED: dict[str, dict[str, Any]] = {
    "run": {"at": str, "model": str, "type": str, "strategy": str, "modes": list, "messages": list,
            "prompt_hash": str},
    "attempt": {"index": int, "mode": str, "enforced": str, "raw": str | None, "failure": str | None, "repairs": list,
                "errors": list, "usage": dict, "sampling": dict, "warnings": list},
    "end": {"ok": bool},
}
"""What readers of a log rely on."""


@dataclass
class LoggedRun:
    """One call.

    Attributes:
        head: the line that began it.
        attempts: its attempts, oldest first.
        end: the line that ended it; ``None`` when the process ended first.
    """

    head: Line
    attempts: list[Line] = field(default_factory=list)
    end: Line | None = None

    @property
    def ok(self) -> bool:
        return bool(self.end and self.end.get("ok"))

    @property
    def messages(self) -> list[dict[str, str]]:
        messages: list[dict[str, str]] = self.head["messages"]
        return messages


@dataclass
class Log:
    """The calls of one or more files.

    Attributes:
        runs: in the order in which they began.
        damaged: ``FILE:LINE: why`` of each line that was passed over.
    """

    runs: list[LoggedRun] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def read_log(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Log:
    """The calls that are logged in files.

    A line that is no whole JSON object, of an unknown version, or about a call that is not there, is passed over and
    listed in ``damaged``.

    Raises:
        UsageError: a file cannot be read.
    """
    log = Log()
    runs: dict[str, LoggedRun] = {}
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        for number, line in _lines(path):
            fault = _take(line, runs)
            if fault:
                log.damaged.append(f"{os.fspath(path)}:{number}: {fault}")
    log.runs = list(runs.values())
    return log


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(f"the run log {os.fspath(path)} cannot be read: {error.strerror or error}") from error


def _take(data: bytes, runs: dict[str, LoggedRun]) -> str:
    """Puts a line where it belongs, or says what is wrong with it."""
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        return "no whole line of JSON (the process was killed while it wrote?)"
    if not isinstance(line, dict) or not isinstance(line.get("run"), str):
        return "no line of a run log"
    if line.get("v") != VERSION:
        return f"version {line.get('v')!r:.20} is not known here"
    kind, run = line.get("kind"), runs.get(line["run"])
    needed = _NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None:
        return f"no line of a known kind: {shown(kind)}"
    wrong = [name for name, right in needed.items() if not isinstance(line.get(name), right)]
    if wrong:
        return f"a line of kind {kind} without {', '.join(wrong)}"
    if kind == "run":
        runs[line["run"]] = LoggedRun(line)
    elif run is None:
        return "the line that began its call is missing"
    elif kind == "attempt":
        run.attempts.append(line)
    else:
        run.end = line
    return ""

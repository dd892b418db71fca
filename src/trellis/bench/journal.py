"""What came of each call of a benchmark, one line of JSON each, so that a run that was ended is taken up again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.outcome import Outcome
from trellis.errors import UsageError

_HEADER = {"trellis": "bench", "version": 1}
_KEPT = [field.name for field in fields(Outcome) if field.name != "case"]


class Journal:
    """Outcomes in a file, by all that they depend on: model, case, wording, settings, sampling.

    Lines are only appended, each by one write, so processes that each do a part may share a file. Half a line, which a
    process that was killed leaves, is passed over.

    Args:
        path: the file; made if it is not there.

    Raises:
        UsageError: it cannot be opened, or is no such file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._known: dict[str, dict[str, Any]] = {}
        try:
            with open(path, "a+b") as file:
                file.seek(0)
                lines = file.read().split(b"\n")
        except OSError as error:
            raise UsageError(f"{path} cannot be opened: {error.strerror or error}") from error
        if lines != [b""] and _read(lines[0]) != _HEADER:
            raise UsageError(f"{path} is no file of outcomes", hint="--resume names one that is not there yet")
        if lines == [b""]:
            self._write(_HEADER)
        elif lines[-1]:
            self._write_line(b"")
        for line in lines[1:]:
            found = _read(line)
            if isinstance(found, dict) and set(found) == {"key", *_KEPT}:
                self._known[found.pop("key")] = found

    def get(self, key: str, case: Case) -> Outcome | None:
        """The outcome that is known."""
        found = self._known.get(key)
        if found is None:
            return None
        return Outcome(**{**found, "case": case, "usage": trellis.Usage(**found["usage"]),
                          "tokens": tuple(found["tokens"])})

    def put(self, key: str, outcome: Outcome) -> None:
        """Notes an outcome.

        Raises:
            UsageError: the file cannot be written.
        """
        self._write({"key": key, **{name: getattr(outcome, name) for name in _KEPT}, "usage": asdict(outcome.usage)})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._write_line(json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode())

    def _write_line(self, line: bytes) -> None:
        try:
            with open(self._path, "ab", buffering=0) as file:
                file.write(line + b"\n")
        except OSError as error:
            raise UsageError(f"{self._path} cannot be written: {error.strerror or error}") from error


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None

"""The journal of a batch: every request before it is sent, every reply as soon as it is there, one line each.

A process that is killed at any moment leaves whole lines and perhaps half a line at the end, which is cut off when the
journal is opened again. Replies that stand in it are not asked for again; a request without a reply was in flight when
the process ended, or failed, and is sent again.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from trellis.errors import UsageError, shown
from trellis.models.base import Model, Reply, Request, WrappedModel
from trellis.store.codec import reply_data, reply_of, request_key

_HEADER = {"trellis": "resume", "version": 1}


class Journal:
    """Replies of a batch in a file of JSON Lines.

    Args:
        path: the file; made if it is not there.

    Attributes:
        replies: how many replies were there when it was opened.
        damaged: how many lines could not be read then.

    Raises:
        UsageError: it cannot be opened, is no journal, or is in use by another process.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"resume={shown(path)} is no file", hint='resume="batch.jsonl"')
        self.path = os.fspath(path)
        self._places: dict[str, int] = {}
        self._in_flight: set[str] = set()
        self.damaged = 0
        self.fault = ""
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise UsageError(f"the resume file {self.path} cannot be opened: {error.strerror or error}",
                             hint="a file in a folder that exists and may be written to") from error
        try:
            if not stat.S_ISREG(os.fstat(self._file).st_mode):  # a device may have no end
                raise UsageError(f"{self.path} is no file that can be read again",
                                 hint="name a file that is not there yet")
            _lock(self._file, self.path)
            self._read()
        except BaseException:
            os.close(self._file)
            raise
        self.replies = len(self._places)

    def close(self) -> None:
        os.close(self._file)

    def get(self, key: str) -> Reply | None:
        """The reply that stands in the journal."""
        place = self._places.get(key)
        if place is None:
            return None
        with suppress(OSError, ValueError):
            return reply_of(json.loads(self._line(place)).get("reply"))
        return None

    def sent(self, key: str) -> bool:
        """Notes that a request is being sent; whether it was in flight when an earlier process ended."""
        self._write({"sent": key})
        repeated = key in self._in_flight
        self._in_flight.discard(key)
        return repeated

    def put(self, key: str, reply: Reply) -> None:
        """Notes a reply."""
        self._write({"key": key, "reply": reply_data(reply)})

    def _read(self) -> None:
        end = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                self._take(number, line, end)
                end += len(line)
        if end < os.fstat(self._file).st_size:  # killed in the middle of a line
            os.ftruncate(self._file, end)
        if end == 0:
            self._write(_HEADER)

    def _take(self, number: int, line: bytes, place: int) -> None:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if number == 0 and entry != _HEADER:
            raise UsageError(f"{self.path} is no resume file", hint="name a file that is not there yet")
        if not isinstance(entry, dict):
            self.damaged += 1
        elif isinstance(sent := entry.get("sent"), str):
            self._in_flight.add(sent)
        elif isinstance(key := entry.get("key"), str) and reply_of(entry.get("reply")) is not None:
            self._places[key] = place
            self._in_flight.discard(key)

    def _line(self, place: int) -> bytes:
        parts: list[bytes] = []
        while not (parts and parts[-1].find(b"\n") >= 0):
            part = os.pread(self._file, 65_536, place)
            if not part:
                break
            parts.append(part)
            place += len(part)
        return b"".join(parts).partition(b"\n")[0]

    def _write(self, entry: dict[str, Any]) -> None:
        """One line in one write: a process that is killed has written it, or has not."""
        line = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes were written")
        except OSError as error:
            self.fault = f"the resume file {self.path} cannot be written: {error.strerror or error}"


def _lock(file: int, path: str) -> None:
    try:
        import fcntl
    except ImportError:  # not on this system: two processes on one file are the caller's care
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(f"the resume file {path} is in use by another process",
                         hint="wait for it, or name another file") from error


class JournaledModel(WrappedModel):
    """A model for one row of a batch, with the journal before it.

    Attributes:
        repeated: how many requests were sent that had been in flight when an earlier process ended.
    """

    def __init__(self, inner: Model, journal: Journal, row: str) -> None:
        self.inner, self._journal, self._row = inner, journal, row
        self.repeated = 0

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        return asyncio.run(self.acomplete(requests))

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        if len(requests) == 1:
            return [await self._one(requests[0])]
        return list(await asyncio.gather(*map(self._one, requests)))

    async def _one(self, request: Request) -> Reply | Exception:
        key = request_key(self.name, request, self._row)
        kept = self._journal.get(key)
        if kept is not None:
            return kept
        self.repeated += self._journal.sent(key)
        [reply] = await self.inner.acomplete([request])
        if isinstance(reply, Reply):
            self._journal.put(key, reply)
            if self._journal.fault:
                reply = replace(reply, warnings=(*reply.warnings, self._journal.fault))
        return reply

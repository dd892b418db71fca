"""The file of a run log: one JSON object a line, each written whole by one system call at the end of the file.

What a killed process leaves is at most one line without its end. The next one to open the file ends that line, and
readers pass over it and say so. A line that cannot be written (a full disk) does not take an answer away that was paid
for: it is counted in ``failures``, and the call's result has a warning.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from typing import Any

from trellis.errors import UsageError, shown
from trellis.runlog.redact import Redactor

VERSION = 1
"""Of what stands in a line; readers leave out lines of versions that they do not know, and say so."""


class RunLog:
    """A file that calls are logged to. May be shared between threads, tasks and processes.

    Args:
        path: the file; it is appended to, and made if there is none.
        redact: regular expressions of what else is secret, beside keys, tokens and passwords.
        sync: whether each line is on the disk before the call goes on, which survives a loss of power and takes
            milliseconds; without, lines survive the end of the process only.

    Attributes:
        failures: what went wrong with lines that could not be written, oldest first.

    Raises:
        UsageError: the file cannot be opened for writing, or a pattern is none.
    """

    def __init__(self, path: str | os.PathLike[str], *, redact: Iterable[str] = (), sync: bool = False) -> None:
        self.redactor = Redactor(redact)
        self.failures: list[str] = []
        self._sync = sync
        self._lock = threading.Lock()
        try:
            self.path = os.fspath(path)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if size := os.fstat(self._file).st_size:
                os.lseek(self._file, size - 1, os.SEEK_SET)
                if os.read(self._file, 1) != b"\n":
                    os.write(self._file, b"\n")
        except (OSError, TypeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"the run log {shown(path)} cannot be written: {reason}",
                             hint="name a file in a folder that exists and may be written to") from error

    def write(self, record: dict[str, Any]) -> bool:
        """Appends a record, redacted; whether that went well."""
        line = json.dumps({"v": VERSION, **self.redactor(record)}, ensure_ascii=False, separators=(",", ":"))
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            with self._lock:
                self._append(data)
        except OSError as error:
            self.failures.append(f"{self.path}: {error.strerror or error}")
            return False
        return True

    def _append(self, data: bytes) -> None:
        done = os.write(self._file, data)
        while done < len(data):  # a signal, or a disk that is nearly full
            done += os.write(self._file, data[done:])
        if self._sync:
            os.fsync(self._file)

    def close(self) -> None:
        """Closes the file; what is written after that is counted in ``failures``."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()

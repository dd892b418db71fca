"""An exact cache of replies in an SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from trellis.errors import UsageError, shown
from trellis.models.base import Model, Reply, Request, WrappedModel, identity_of
from trellis.store.codec import reply_data, reply_of, request_key

_APPLICATION = 0x74726C73  # "trls", in the file's header
_TABLE = ("CREATE TABLE IF NOT EXISTS replies "
          "(key TEXT PRIMARY KEY, reply TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID")
_TOTAL = "SELECT coalesce(sum(length(key) + length(reply)), 0) FROM replies"
KEPT = 0.9
"""When the bound is reached, the replies that were used last are kept, up to this share of it."""


class Cache:
    """Replies by request: the same request to the same model gets the same reply, without being sent.

    Everything that an answer depends on is in the key (model, messages, mode, type, sampling, sample). Errors are not
    kept, nor are the samples of ``Vote`` and ``BestOf`` unless ``Sampling(seed=...)`` makes them repeatable. What comes
    from the cache costs nothing: ``attempt.cached`` says so. May be shared between threads and processes.

    Args:
        path: the file; made if it is not there.
        max_bytes: how much may be kept; what was not used for longest then makes room. ``None`` is no bound. The file
            itself is larger by SQLite's own pages and its log, by some ten percent and a few megabytes.

    Raises:
        UsageError: the file cannot be opened, is no cache, or the bound is none.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int | None = None) -> None:
        if max_bytes is not None and (isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1):
            raise UsageError(f"Cache(max_bytes={shown(max_bytes)}): a number of bytes, 1 or more",
                             hint="None, the default, is no bound")
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"{shown(path)} is no file", hint='Cache("replies.sqlite")')
        self.path = os.fspath(path)
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._fault = ""
        try:
            self._database = sqlite3.connect(self.path, check_same_thread=False, timeout=10, isolation_level=None)
            [(application,)] = self._database.execute("PRAGMA application_id")
            [(tables,)] = self._database.execute("SELECT count(*) FROM sqlite_master")
            if application != _APPLICATION and tables:
                raise UsageError(f"{self.path} is a database, but no cache of replies",
                                 hint="name a file that is not there yet")
            if not tables:
                self._database.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that the file shrinks, too
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(f"PRAGMA application_id={_APPLICATION}")
            self._database.execute(_TABLE)
            if "used" not in [column[1] for column in self._database.execute("PRAGMA table_info(replies)")]:
                self._database.execute("ALTER TABLE replies ADD COLUMN used INTEGER NOT NULL DEFAULT 0")
            self._bytes = 0 if max_bytes is None else self._total()
        except (sqlite3.Error, OSError, ValueError) as error:
            raise UsageError(f"the cache {self.path} cannot be opened: {error}",
                             hint="a file that can be written, or one that is not there yet") from error

    def get(self, key: str) -> Reply | None:
        """The reply that is kept for a key."""
        with self._lock, self._noted():
            row = self._database.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
            if row and self.max_bytes is not None:  # without a bound nobody asks when it was used
                self._database.execute("UPDATE replies SET used = ? WHERE key = ?", (_now(), key))
            return reply_of(json.loads(row[0])) if row else None
        return None

    def put(self, key: str, reply: Reply) -> None:
        """Keeps a reply; the first one stays."""
        text = json.dumps(reply_data(reply), ensure_ascii=True, separators=(",", ":"))
        with self._lock, self._noted():
            done = self._database.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?)", (key, text, _now()))
            self._bytes += done.rowcount * (len(key) + len(text))
            if self.max_bytes is not None and self._bytes > self.max_bytes:
                self._make_room(self.max_bytes)

    def _total(self) -> int:
        return int(self._database.execute(_TOTAL).fetchone()[0])

    def _make_room(self, most: int) -> None:
        self._bytes = self._total()  # other processes have written, too
        if self._bytes <= most:
            return
        self._database.execute("""DELETE FROM replies WHERE key IN (SELECT key FROM (
            SELECT key, sum(length(key) + length(reply)) OVER (ORDER BY used DESC, key) AS kept FROM replies)
            WHERE kept > ?)""", (int(KEPT * most),))
        self._bytes = self._total()
        self._database.execute("PRAGMA incremental_vacuum").fetchall()

    def __len__(self) -> int:
        with self._lock, self._noted():
            return int(self._database.execute("SELECT count(*) FROM replies").fetchone()[0])
        return 0

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @property
    def fault(self) -> str:
        """Why replies are not kept, if the file failed later on; calls then go on without it, with a warning."""
        return self._fault

    def _noted(self) -> _Noted:
        return _Noted(self)


def _now() -> int:
    return time.time_ns() // 1_000


class _Noted(suppress):
    """Notes a failure of the file, and goes on as if it had nothing."""

    def __init__(self, cache: Cache) -> None:
        super().__init__(sqlite3.Error, OSError, ValueError)
        self._cache = cache

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        suppressed = bool(super().__exit__(kind, error, trace))
        if suppressed:
            self._cache._fault = f"the cache {self._cache.path} failed: {error}"
        return suppressed


class CachedModel(WrappedModel):
    """A model with a cache before it."""

    def __init__(self, inner: Model, cache: Cache) -> None:
        self.inner, self.cache = inner, cache
        self._identity = identity_of(inner)

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        found, missing = self._look_up(requests)
        return self._filled(requests, found, self.inner.complete(missing) if missing else [])

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        found, missing = self._look_up(requests)  # a fraction of a millisecond: a thread would cost more
        return self._filled(requests, found, await self.inner.acomplete(missing) if missing else [])

    def _key(self, request: Request) -> str:
        return request_key(self._identity, request)

    def _look_up(self, requests: Sequence[Request]) -> tuple[list[Reply | None], list[Request]]:
        found = [None if request.fresh else self.cache.get(self._key(request)) for request in requests]
        return found, [request for request, reply in zip(requests, found, strict=True) if reply is None]

    def _filled(self, requests: Sequence[Request], found: list[Reply | None],
                answered: Sequence[Reply | Exception]) -> list[Reply | Exception]:
        new = iter(answered)
        replies: list[Reply | Exception] = []
        for request, kept in zip(requests, found, strict=True):
            reply = kept if kept is not None else next(new)
            if kept is None and isinstance(reply, Reply) and not request.fresh:
                self.cache.put(self._key(request), reply)
            if self.cache.fault and isinstance(reply, Reply):
                reply = replace(reply, warnings=(*reply.warnings, self.cache.fault))
            replies.append(reply)
        return replies

"""``generate_many``: a value of a type for each of many prompts."""

from __future__ import annotations

import asyncio
import hashlib
import os
import queue
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

from trellis.api import RETRY, SAMPLING, Options, Prompt, plan
from trellis.batch.pacing import PacedModel, RateLimit
from trellis.batch.progress import bar
from trellis.contract import RepairLevel
from trellis.drive import adrive
from trellis.errors import (
    AuthenticationError,
    BudgetError,
    TrellisError,
    UsageError,
    looking_at_arguments,
    message_of,
    shown,
)
from trellis.models import Model
from trellis.models.base import WrappedModel
from trellis.models.threads import Threads, share
from trellis.result import Mode, Result, Sampling, Usage
from trellis.session import Session
from trellis.store.journal import Journal, JournaledModel
from trellis.strategy import Strategy, Validator

T = TypeVar("T")

class ManyOptions(Options, total=False):
    """What may be said of many calls besides their prompts and their type, as ``generate_many`` describes it."""

    concurrency: int
    rate_limit: RateLimit | None
    resume: str | os.PathLike[str] | None
    progress: bool


PATIENCE = 0.005
"""Seconds between two looks at a queue that is full."""


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """What came of one prompt.

    Attributes:
        index: its place among the prompts, from 0.
        prompt: the prompt.
        result: the result, or ``None``.
        error: why there is none; it has the attempts.
        repeated: requests that had been in flight when an earlier process ended, and were sent again.
    """

    index: int
    prompt: Prompt
    result: Result[T] | None = None
    error: TrellisError | None = None
    repeated: int = 0

    @property
    def value(self) -> T:
        """The value.

        Raises:
            TrellisError: there is none; the row's error.
        """
        if self.result is None:
            raise self.error or UsageError("the row has no result")
        return self.result.value


@dataclass(slots=True)
class Tally:
    """Rows counted by what became of them.

    Attributes:
        answered: rows with a value, and nothing in it unknown.
        abstained: rows whose value is ``Unknown``, or has it in it.
        failed: rows with an error, by its class.
        repeated: requests sent again because an earlier process ended while they were in flight.
        usage: what all of them cost.
    """

    answered: int = 0
    abstained: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def rows(self) -> int:
        return self.answered + self.abstained + self.failed.total()

    def add(self, row: Row[Any]) -> None:
        """Counts a row."""
        self.repeated += row.repeated
        if row.result is None:
            self.failed[type(row.error).__name__] += 1
            self.usage += getattr(row.error, "usage", None) or Usage()
            return
        self.abstained += bool(row.result.abstained)
        self.answered += not row.result.abstained
        self.usage += row.result.usage

    def __str__(self) -> str:
        failed = ", ".join(f"{count} {name}" for name, count in self.failed.most_common())
        parts = [f"{self.answered} answered", f"{self.abstained} abstained" if self.abstained else "", failed,
                 f"{self.repeated} request{'' if self.repeated == 1 else 's'} repeated" if self.repeated else ""]
        return ", ".join(filter(None, parts))


@overload
def generate_many(
    prompts: Iterable[Prompt], output_type: type[T], **options: Unpack[ManyOptions],
) -> Generator[Row[T], None, None]: ...
@overload
def generate_many(
    prompts: Iterable[Prompt], output_type: Any, **options: Unpack[ManyOptions],
) -> Generator[Row[Any], None, None]: ...
def generate_many(
    prompts: Iterable[Prompt],
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
    concurrency: int = 16,
    rate_limit: RateLimit | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Generator[Row[Any], None, None]:
    """Asks for a value of a type for each prompt, several at a time.

    Rows come as they are done, each with its ``index``; a row that fails has its ``error`` and stops nothing. What
    would fail for every row (a wrong key, a budget at its end) is raised once the rows in flight are done.

    Args:
        prompts: what ``generate_structured`` takes, for each row; read as they are needed.
        output_type, model, mode, strategy, sampling, validators, repair, session: as in ``generate_structured``.
        concurrency: rows in flight.
        rate_limit: what may be sent in a window of time.
        resume: a file for every reply as it comes. Called again with the same prompts and settings after an
            interruption, also ``kill -9``, nothing that is in it is asked again.
        progress: whether to show a progress bar where standard error is a terminal.

    Raises:
        UsageError: the call is wrong, or the resume file cannot be used.
    """
    work = _Work(prompts, output_type, model, mode, strategy, sampling, validators, repair, session, concurrency,
                 rate_limit, resume, progress)
    return _in_thread(work)


@overload
def agenerate_many(
    prompts: Iterable[Prompt], output_type: type[T], **options: Unpack[ManyOptions],
) -> AsyncGenerator[Row[T], None]: ...
@overload
def agenerate_many(
    prompts: Iterable[Prompt], output_type: Any, **options: Unpack[ManyOptions],
) -> AsyncGenerator[Row[Any], None]: ...
def agenerate_many(
    prompts: Iterable[Prompt],
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
    concurrency: int = 16,
    rate_limit: RateLimit | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> AsyncGenerator[Row[Any], None]:
    """``generate_many`` for ``async for``."""
    return _Work(prompts, output_type, model, mode, strategy, sampling, validators, repair, session, concurrency,
                 rate_limit, resume, progress).rows()


class _Work:
    """A batch, checked and ready to run."""

    def __init__(self, prompts: Iterable[Prompt], output_type: Any, model: Any, mode: str, strategy: Strategy,
                 sampling: Sampling, validators: Sequence[Validator], repair: str, session: Session | None,
                 concurrency: int, rate_limit: RateLimit | None, resume: str | os.PathLike[str] | None,
                 progress: bool) -> None:
        if isinstance(prompts, str) or not isinstance(prompts, Iterable):
            raise UsageError(f"prompts={shown(prompts)} is no list of prompts", hint="one prompt: generate_structured")
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise UsageError(f"concurrency={shown(concurrency)}: a whole number, 1 or more")
        if rate_limit is not None and not isinstance(rate_limit, RateLimit):
            raise UsageError(f"rate_limit={shown(rate_limit)} is no RateLimit", hint="RateLimit(requests=500)")
        self.session = Session() if session is None else session
        self.plan = plan(output_type, model, mode, strategy, sampling, validators, repair, self.session)
        found = self.plan.model
        self.model: Model = found if rate_limit is None else PacedModel(found, rate_limit)
        self.journal = None if resume is None else Journal(resume)
        with looking_at_arguments():
            self.prompts = iter(prompts)
        self.concurrency = concurrency
        self._bar = bar(len(prompts) if isinstance(prompts, Sized) else None, progress)
        self._occurrences: Counter[bytes] = Counter()

    async def rows(self) -> AsyncGenerator[Row[Any], None]:
        """Each row, as it is done."""
        done: asyncio.Queue[Row[Any] | None] = asyncio.Queue(self.concurrency)
        numbered = enumerate(self.prompts)
        stopped: list[BaseException] = []
        known = asyncio.Event()  # what a row costs, where that is bounded: the first goes alone
        if not self.session.meter.costs_are_unknown:
            known.set()

        async def work(is_first: bool) -> None:
            try:
                if not is_first:
                    await known.wait()
                for index, prompt in numbered:
                    row = await self._row(index, prompt)
                    known.set()
                    if isinstance(row.error, AuthenticationError | BudgetError):
                        stopped.append(row.error)
                    await done.put(row)
                    if stopped:
                        break
            except Exception as error:  # the caller's prompts raised
                stopped.append(error)
            known.set()
            await done.put(None)

        tally = Tally()
        workers = [asyncio.create_task(work(place == 0)) for place in range(self.concurrency)]
        try:
            running = len(workers)
            while running:
                row = await done.get()
                if row is None:
                    running -= 1
                    continue
                if self._bar is not None:
                    tally.add(row)
                    self._bar.show(tally.rows, str(tally))
                yield row
            if stopped:
                raise _typed(stopped[0])
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if self._bar is not None:
                self._bar.close()
            if self.journal is not None:
                self.journal.close()

    async def _row(self, index: int, prompt: Any) -> Row[Any]:
        asked = self.model
        journaled: JournaledModel | None = None
        if self.journal is not None:
            asked = journaled = JournaledModel(self.model, self.journal, self._name(prompt))
        try:
            call = self.plan.call(prompt, asked)
            with call.record:
                result = call.record.kept(await adrive(call.flow, call.model))
        except TrellisError as error:
            return Row(index, prompt, error=error, repeated=journaled.repeated if journaled else 0)
        except Exception as error:  # a strategy or a template of the caller's
            return Row(index, prompt, error=_typed(error), repeated=journaled.repeated if journaled else 0)
        return Row(index, prompt, result, repeated=journaled.repeated if journaled else 0)

    def _name(self, prompt: Any) -> str:
        """What tells a row from others with the same messages: how often they came before."""
        text = repr(prompt) if not isinstance(prompt, str) else prompt
        digest = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).digest()
        self._occurrences[digest] += 1
        return str(self._occurrences[digest])


async def _release(model: Model) -> None:
    """Closes what a model has opened for this event loop, which ends with the batch."""
    while isinstance(model, WrappedModel):
        model = model.inner
    if (release := getattr(model, "release", None)) is not None:
        with suppress(Exception):  # what breaks when connections are closed is of no consequence
            await release()


def _typed(error: BaseException) -> TrellisError:
    if isinstance(error, TrellisError):
        return error
    wrapped = UsageError(f"the prompts, or a part of the call, raised {type(error).__name__}: {message_of(error)}",
                         hint="error.__cause__ has the traceback of it")
    wrapped.__cause__ = error
    return wrapped


class _Thread(threading.Thread):
    """An event loop in a thread of its own: requests go on while the caller looks at a row."""

    def __init__(self, work: _Work) -> None:
        super().__init__(daemon=True, name="generate_many")
        self._work = work
        self._loop = asyncio.new_event_loop()
        threads = Threads(work.concurrency)  # for models that block
        self._loop.set_default_executor(threads)
        share(self._loop, threads)
        self._task: asyncio.Task[None] | None = None
        self.rows: queue.Queue[Row[Any] | BaseException | None] = queue.Queue(work.concurrency)

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, suppress(asyncio.CancelledError):
            runner.run(self._pump())

    def stop(self) -> None:
        """Ends the loop, with what is in flight."""
        if self._task is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._task.cancel)
        self.join()

    async def _pump(self) -> None:
        self._task = asyncio.current_task()
        source = self._work.rows()
        try:
            async for row in source:
                await self._put(row)
            await self._put(None)
        except Exception as error:
            await self._put(error)
        finally:
            await source.aclose()
            await _release(self._work.model)

    async def _put(self, item: Row[Any] | BaseException | None) -> None:
        while True:
            try:
                return self.rows.put_nowait(item)
            except queue.Full:
                await asyncio.sleep(PATIENCE)


def _in_thread(work: _Work) -> Generator[Row[Any], None, None]:
    thread = _Thread(work)
    thread.start()
    try:
        while (item := thread.rows.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        thread.stop()

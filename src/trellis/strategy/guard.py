"""Runs a strategy and answers for it: what it raises is typed, and nothing that was paid for is lost with it."""

from __future__ import annotations

from trellis.errors import TrellisError, UsageError, message_of, shown
from trellis.models.base import Request
from trellis.result import Result
from trellis.strategy.task import Flow, Replies, Strategy, T, Task

_HINT = "run(task) is a generator that yields lists of requests, through task.ask, and returns task.result(attempt)"


def guarded(strategy: Strategy, task: Task[T]) -> Flow[T]:
    """The strategy's run on a task, whoever wrote it.

    Raises:
        UsageError: it raised what is no TrellisError, asked for what is no request, or returned no result; with all
            attempts so far.
    """
    try:
        flow = strategy.run(task)
        replies: Replies | None = None
        try:
            while True:
                try:
                    requests = flow.send(replies)  # type: ignore[arg-type]
                except StopIteration as stop:
                    result = stop.value
                    break
                if not isinstance(requests, list | tuple) or not all(isinstance(one, Request) for one in requests):
                    raise UsageError(f"strategy {_name(strategy)} asked for {shown(requests)}, not a list of requests",
                                     hint=_HINT)
                replies = yield list(requests)
        finally:
            flow.close()
        if not isinstance(result, Result):
            raise UsageError(f"strategy {_name(strategy)} returned {shown(result)}, not a Result", hint=_HINT)
        return result
    except TrellisError as error:
        if not error.attempts:
            task.ended(error)
        raise
    except Exception as error:
        raise task.ended(UsageError(f"strategy {_name(strategy)} raised {type(error).__name__}: {message_of(error)}",
                                    hint=_HINT)) from error


def _name(strategy: Strategy) -> str:
    return type(strategy).__name__

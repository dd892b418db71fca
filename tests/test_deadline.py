"""A budget of seconds that runs out in the middle of a call: what there is by then is kept."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from typing import Any

import pytest

import trellis
from trellis import BudgetError
from trellis.models.base import Reply, Request
from trellis.testing import FakeServer, answer, hang

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}}, "required": ["n", "m"]}


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What nobody sets while a test runs; a model that waits for it ends with the test."""
    event = threading.Event()
    yield event
    event.set()


class Stuck:
    """Says a part of its answer, and no more."""

    name, modes = "stuck", ("prompt",)

    def __init__(self, said: str, never: threading.Event) -> None:
        self.said, self.never = said, never

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        self.never.wait(20)
        return [Reply(self.said) for _ in requests]

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        await asyncio.sleep(20)
        return [Reply(self.said) for _ in requests]

    def stream(self, request: Request) -> Generator[str | Reply, None, None]:
        if self.said:
            yield self.said
        self.never.wait(20)
        yield Reply(self.said)

    async def astream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        if self.said:
            yield self.said
        await asyncio.sleep(20)
        yield Reply(self.said)


def call(model: Any, session: trellis.Session) -> None:
    trellis.generate_structured("x", SCHEMA, model=model, session=session)


def acall(model: Any, session: trellis.Session) -> None:
    asyncio.run(trellis.agenerate_structured("x", SCHEMA, model=model, session=session))


def stream(model: Any, session: trellis.Session) -> None:
    list(trellis.stream_structured("x", SCHEMA, model=model, session=session))


def astream(model: Any, session: trellis.Session) -> None:
    async def all_of_it() -> None:
        async for _ in trellis.astream_structured("x", SCHEMA, model=model, session=session):
            pass

    asyncio.run(all_of_it())


def session() -> trellis.Session:
    return trellis.Session(budget=trellis.Budget(seconds=0.05))


@pytest.mark.parametrize("run", [call, acall, stream, astream])
def test_what_says_nothing_is_not_waited_for(run: Callable[..., None], never: threading.Event) -> None:
    with pytest.raises(BudgetError, match=r"the budget of 0\.05 seconds") as caught:
        run(Stuck("", never), session())
    assert [attempt.failure for attempt in caught.value.attempts] == ["budget"]
    assert not never.is_set()


def test_the_last_attempt_that_time_ends_is_a_matter_of_the_budget(never: threading.Event) -> None:
    with pytest.raises(BudgetError, match="did not answer in the"):
        trellis.generate_structured("x", SCHEMA, model=Stuck("", never), session=session(), strategy=trellis.Retry(0))


@pytest.mark.parametrize("run", [stream, astream])
def test_what_was_said_by_then_is_kept(run: Callable[..., None], never: threading.Event) -> None:
    shared = session()
    with pytest.raises(BudgetError) as caught:
        run(Stuck('{"n": 1, "m"', never), shared)
    [attempt] = caught.value.attempts
    assert (attempt.failure, attempt.finish, attempt.raw) == ("truncated", "timeout", '{"n": 1, "m"')
    assert caught.value.best_effort["n"] == 1
    assert shared.usage.completion_tokens > 0


def test_a_whole_answer_is_taken_though_its_end_was_not_told(never: threading.Event) -> None:
    [*_, last] = trellis.stream_structured("x", SCHEMA, model=Stuck('{"n": 1, "m": 2}', never), session=session())
    assert last.value == {"n": 1, "m": 2}


def test_a_server_that_hangs() -> None:
    with FakeServer([hang(20, answer('{"n":1,"m":2}'))]) as server:
        model = trellis.OpenAIModel("m", base_url=server.base_url, api_key="none")
        with pytest.raises(BudgetError) as caught:
            call(model, session())
    assert [attempt.failure for attempt in caught.value.attempts] == ["budget"]


class Digits:
    """A token model that writes ones, slowly, and never ends."""

    name, context = "digits", 10_000

    def __init__(self) -> None:
        from trellis.masking.vocabulary import Vocabulary

        self.vocabulary = Vocabulary([*(bytes([byte]) for byte in range(256)), b"<|end|>"], eos_ids=[256])

    def encode(self, messages: Sequence[trellis.Message]) -> list[int]:
        return [1]

    def start(self) -> "Digits":
        return self

    def fork(self) -> "Digits":
        return self

    def step(self, tokens: Sequence[int]) -> Any:
        import numpy as np

        time.sleep(0.0 if tokens == [1] else 0.01)
        return np.eye(257, dtype=np.float32)[ord("1")]


def streamed(*arguments: Any, **settings: Any) -> None:
    list(trellis.stream_structured(*arguments, **settings))


@pytest.mark.parametrize("ask", [trellis.generate_structured, streamed])
def test_a_model_in_this_process_stops_and_says_what_it_has(ask: Callable[..., object]) -> None:
    pytest.importorskip("numpy")
    with pytest.raises(BudgetError) as caught:
        ask("Count.", int, model=Digits(), mode="prompt", session=session())
    assert set(caught.value.last_raw or "") == {"1"}
    assert caught.value.attempts[0].finish == "timeout"


def test_errors_of_a_late_thread_are_those_of_the_call() -> None:
    def broken(prompt: str) -> str:
        raise ZeroDivisionError("not today")

    with pytest.raises(trellis.ModelError, match="not today"):
        call(broken, trellis.Session(budget=trellis.Budget(seconds=5)))

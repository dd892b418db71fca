"""What servers do to a run: each mishap ends in a typed error with all that was paid for, or in a recorded attempt."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import trellis
from trellis import BestOf, Draft, Judge, OpenAIModel, Retry, ScriptedModel, Session, Vote, errors, generate_many
from trellis.models.base import Reply
from trellis.result import Usage
from trellis.testing import (
    Canned,
    FakeServer,
    answer,
    broken_stream,
    dropped,
    error,
    hang,
    rate_limited,
    raw,
    refusal,
    tool_call,
)

pytest.importorskip("openai")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
RIGHT = answer('{"n":1}')
HALF = b'{"choices":[{"index":0,"finish_reason":"stop","message":{"content":"{\\"n\\": '
TOO_LONG = error(400, "This model's maximum context length is 8 tokens", code="context_length_exceeded")

RECOVERED: dict[str, Canned] = {
    "dropped": dropped(),
    "hang": hang(3.0),
    "half JSON": raw(HALF),
    "a page of a proxy": raw(b"<html>bad gateway</html>", 502),
    "429": rate_limited(0.01),
    "another schema": answer('{"name": "Ann", "tags": []}'),
    "half an answer": answer('{"n": "'),
    "empty": answer(""),
    "prose": answer("I would say one."),
}
FATAL: dict[str, tuple[Canned, type[Exception]]] = {
    "refusal": (refusal("I cannot do that"), errors.RefusedError),
    "context length": (TOO_LONG, errors.ContextLengthError),
    "wrong key": (error(401, "no such key"), errors.AuthenticationError),
}


def ask(script: Sequence[Canned], strategy: Any, mode: Any = "native") -> trellis.Result[Any]:
    with FakeServer(script) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", timeout=0.5)
        return trellis.generate_structured("How many?", SCHEMA, model=model, mode=mode, strategy=strategy)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trellis.strategy.retry.BACKOFF", 0.01)


@pytest.mark.parametrize("mishap", RECOVERED)
def test_a_retry_recovers_and_the_mishap_is_recorded(mishap: str) -> None:
    result = ask([RECOVERED[mishap], RIGHT], Retry(1))
    assert result.value == {"n": 1}
    assert len(result.attempts) == result.usage.calls == 2
    assert result.attempts[0].failure is not None
    assert result.attempts[0].errors


@pytest.mark.parametrize("mishap", RECOVERED)
def test_a_mishap_that_goes_on_is_a_typed_error_with_all_attempts(mishap: str) -> None:
    with pytest.raises((trellis.GenerationError, trellis.ModelError)) as caught:
        ask([RECOVERED[mishap]] * 2, Retry(1))
    assert len(caught.value.attempts) == 2
    assert caught.value.usage.calls == 2


@pytest.mark.parametrize("mishap", RECOVERED)
def test_a_vote_goes_on_without_the_samples_that_met_a_mishap(mishap: str) -> None:
    result = ask([RECOVERED[mishap], RIGHT, RIGHT], Vote(3, early_stop=False))
    assert result.value == {"n": 1}
    assert sorted(attempt.failure is None for attempt in result.attempts) == [False, True, True]


@pytest.mark.parametrize("mishap", FATAL)
@pytest.mark.parametrize("strategy", [Retry(3), Draft(), Judge(None, "right"), BestOf(1, "shortest")], ids=repr)
def test_what_asking_again_does_not_help_is_told_at_once(mishap: str, strategy: Any) -> None:
    canned, kind = FATAL[mishap]
    with pytest.raises(kind) as caught:
        ask([canned], strategy)
    assert len(caught.value.attempts) == 1  # type: ignore[attr-defined]


def test_an_empty_tool_call_is_asked_again() -> None:
    result = ask([tool_call(""), tool_call('{"n":1}')], Retry(1), mode="tools")
    assert [attempt.failure for attempt in result.attempts] == ["empty", None]


def test_a_storm_of_429_ends_within_the_attempts_that_were_allowed() -> None:
    with pytest.raises(trellis.RateLimitError) as caught:
        ask([rate_limited(0.01)] * 4, Retry(3))
    assert [attempt.failure for attempt in caught.value.attempts] == ["rate_limit"] * 4
    with pytest.raises(trellis.RateLimitError) as waiting:
        ask([rate_limited(600)], Retry(3))
    assert "600 seconds" in waiting.value.hint


def test_rows_of_a_batch_meet_mishaps_alone() -> None:
    script = [RIGHT, dropped(), refusal("no"), answer("prose"), RIGHT]
    with FakeServer(script) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", timeout=20)
        rows = list(generate_many(["x"] * 5, SCHEMA, model=model, mode="native", strategy=Retry(0), concurrency=1,
                                  progress=False))
    assert [type(row.error).__name__ for row in rows] == [
        "NoneType", "TransportError", "RefusedError", "UnrepairableError", "NoneType"]


@pytest.mark.parametrize("broken", [broken_stream(RIGHT, 2), broken_stream(RIGHT, 2, b"data: {\"choi\n\n"), dropped(),
                                    broken_stream(RIGHT, 0, b"\xff\xfe\n\n")])
def test_a_stream_that_breaks_off_is_asked_for_again(broken: Canned) -> None:
    with FakeServer([broken, RIGHT]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", timeout=20)
        seen = list(trellis.stream_structured("How many?", SCHEMA, model=model, mode="native"))
    assert seen[-1].value == {"n": 1}
    assert seen[-1].result is not None
    assert [attempt.failure for attempt in seen[-1].result.attempts] == ["transport", None]


# What the caller's own parts do


def burst(*_: Any) -> Any:
    raise KeyError("burst")


PAID = Reply('{"n":1}', usage=Usage(1, 7, 3))


@pytest.mark.parametrize("settings", [
    {"validators": [burst]}, {"strategy": BestOf(1, burst)}, {"strategy": Vote(1, weight=burst)},
    {"strategy": Vote(1, key=burst)}, {"validators": [trellis.Verifier(burst)]},
    {"strategy": Judge(ScriptedModel([KeyError("burst")]), "right")},
    {"strategy": Judge(burst, "right")},
])
def test_validators_scorers_keys_and_judges_that_raise(settings: dict[str, Any]) -> None:
    session = Session(model=ScriptedModel([PAID]))
    with pytest.raises(trellis.TrellisError, match="burst") as caught:
        trellis.generate_structured("x", SCHEMA, session=session, **settings)
    assert caught.value.last_raw == PAID.text
    assert caught.value.usage.total_tokens == session.usage.total_tokens == 10


class Rude:
    """A strategy of the caller's."""

    def __init__(self, run: Callable[[Any], Any]) -> None:
        self.run = run


def test_a_strategy_that_raises_in_a_batch_is_the_error_of_its_row() -> None:
    def run(task: Any) -> Any:
        yield from task.ask(task.request())
        raise ZeroDivisionError("mine")

    [row] = generate_many(["x"], SCHEMA, model=ScriptedModel([PAID]), strategy=Rude(run), progress=False)
    assert isinstance(row.error, trellis.UsageError)
    assert "mine" in row.error.message

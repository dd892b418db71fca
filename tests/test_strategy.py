"""Retry and budgets: conversations as data, and the protocol that all strategies share, driven by hand."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import Budget, Message, Retry, Sampling, ScriptedModel, Session, errors
from trellis.contract import contract_of
from trellis.drive import adrive, drive
from trellis.models.base import Reply, Request
from trellis.result import Result, Usage
from trellis.strategy import Meter, Task, derive_seed

ROOT = Path(__file__).parent.parent
TRANSCRIPTS = json.loads((ROOT / "fixtures" / "transcripts" / "retry.json").read_text(encoding="utf-8"))
COUNT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def said(item: Any) -> str | Reply | Exception:
    if isinstance(item, str):
        return item
    if "error" in item:
        keywords = {key: value for key, value in item.items() if key != "error"}
        error: Exception = getattr(errors, item["error"])("as scripted", **keywords)
        return error
    return Reply(**item)


def play(case: dict[str, Any], model: ScriptedModel, asynchronous: bool) -> Result[Any]:
    task = Task(contract_of(case.get("type", COUNT)), (Message("user", "How many?"),),
                sampling=Sampling(**case.get("sampling", {})))
    flow = Retry(case.get("n", 2)).run(task)
    if asynchronous:
        return asyncio.run(adrive(flow, model))
    return drive(flow, model, sleep=lambda seconds: None)


@pytest.mark.parametrize("case", TRANSCRIPTS, ids=[case["name"] for case in TRANSCRIPTS])
def test_transcript(case: dict[str, Any]) -> None:
    model = ScriptedModel([said(item) for item in case["script"]], name="played")
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"])) as caught:
            play(case, model, False)
        assert type(caught.value).__name__ == case["error"]
        attempts = caught.value.attempts
        assert caught.value.usage.calls == len(attempts)
    else:
        result = play(case, model, False)
        assert result.value == case["value"]
        attempts = result.attempts
        assert result.usage.calls == len(attempts)
    assert [attempt.failure for attempt in attempts] == case["failures"]
    assert [attempt.index for attempt in attempts] == list(range(len(attempts)))
    assert len(model.requests) == len(case["script"])
    for request, sent in zip(model.requests, case.get("sent", []), strict=False):
        after = [message.content for message in request.messages[1:]]
        assert after == sent.get("after", after)
        for name in ("temperature", "max_tokens", "seed"):
            if name in sent:
                assert getattr(request.sampling, name) == sent[name]
        assert request.delay == sent.get("delay", request.delay)
        if "same_seed_as" in sent:
            assert request.sampling.seed == model.requests[sent["same_seed_as"]].sampling.seed


WITHOUT_WAITING = [case for case in TRANSCRIPTS if not any("delay" in one for one in case.get("sent", []))]


@pytest.mark.parametrize("case", WITHOUT_WAITING, ids=[case["name"] for case in WITHOUT_WAITING])
def test_async_is_the_same(case: dict[str, Any]) -> None:
    outcomes = []
    for asynchronous in (False, True):
        model = ScriptedModel([said(item) for item in case["script"]])
        try:
            outcome: Any = play(case, model, asynchronous).value
        except errors.TrellisError as error:
            outcome = type(error), str(error)
        outcomes.append((outcome, model.requests))
    assert outcomes[0] == outcomes[1]


def test_the_size_of_a_correction_does_not_grow_with_the_attempts() -> None:
    bad = json.dumps({"n": ["x" * 50] * 2_000})
    model = ScriptedModel([bad.replace("x", letter) for letter in "abcdefgh"])
    with pytest.raises(trellis.SchemaMismatchError):
        trellis.generate_structured("How many?", COUNT, model=model, strategy=Retry(7))
    sizes = [sum(len(message.content) for message in request.messages) for request in model.requests]
    assert len(sizes) == 8
    assert max(sizes[1:]) == min(sizes[1:])
    assert sizes[1] < sizes[0] + 2_000 + 1_000


def test_many_errors_are_cut_and_told_once() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}
    model = ScriptedModel([json.dumps({f"k{i}": "many" for i in range(50)}), "{}"])
    trellis.generate_structured("How many?", schema, model=model)
    feedback = model.requests[1].messages[-1].content
    assert feedback.count("\n- /") == 12
    assert "and 38 more" in feedback


def test_nothing_is_lost_when_all_fail() -> None:
    model = ScriptedModel([Reply('{"n": "a"}', usage=Usage(1, 10, 3, 0.5)), Reply("hm", usage=Usage(1, 20, 1, 0.25))])
    with pytest.raises(trellis.UnrepairableError) as caught:
        trellis.generate_structured("How many?", COUNT, model=model, strategy=Retry(1))
    error = caught.value
    assert [attempt.raw for attempt in error.attempts] == ['{"n": "a"}', "hm"]
    assert error.last_raw == "hm"
    assert error.best_effort == {"n": "a"}
    assert error.usage == Usage(2, 30, 4, 0.75)
    assert "last_raw" in error.hint
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
    assert (again.attempts, again.usage) == (error.attempts, error.usage)


def test_a_model_error_after_paid_attempts_carries_them() -> None:
    model = ScriptedModel(["hm", trellis.AuthenticationError("the key has expired")])
    with pytest.raises(trellis.AuthenticationError) as caught:
        trellis.generate_structured("How many?", COUNT, model=model)
    assert [attempt.failure for attempt in caught.value.attempts] == ["syntax", "rejected"]
    assert caught.value.last_raw == "hm"


def test_seeds_come_from_the_seed_and_the_attempt() -> None:
    model = ScriptedModel(["a", "b", "c"])
    with pytest.raises(trellis.UnrepairableError):
        trellis.generate_structured("x", COUNT, model=model, sampling=Sampling(seed=5))
    seeds = [request.sampling.seed for request in model.requests]
    assert seeds == [5, derive_seed(5, 1), derive_seed(5, 2)]
    assert len(set(seeds)) == 3
    assert [request.sample for request in model.requests] == [0, 1, 2]


# Validators


def at_least_two(value: dict[str, int]) -> None:
    if value["n"] < 2:
        raise ValueError("n must be 2 or more")


def test_validators_run_in_order_and_may_replace_the_value() -> None:
    model = ScriptedModel(['{"n": 1}', '{"n": 3}'])
    result = trellis.generate_structured("x", dict[str, int], model=model,
                                         validators=[at_least_two, lambda value: value["n"], lambda n: n * 2])
    assert result.value == 6
    assert [attempt.failure for attempt in result.attempts] == ["validator", None]
    assert "n must be 2 or more" in model.requests[1].messages[-1].content


def test_a_value_that_a_validator_refuses_is_in_the_error() -> None:
    with pytest.raises(trellis.ValidatorError, match="2 or more") as caught:
        trellis.generate_structured("x", dict[str, int], model=ScriptedModel(['{"n": 1}']), strategy=Retry(0),
                                    validators=[at_least_two])
    assert caught.value.best_effort == {"n": 1}


@pytest.mark.parametrize(("validator", "words"), [
    (lambda value: value["m"], "KeyError"),
    (lambda value: value["n"] > 2, "returned False"),
])
def test_a_validator_that_is_wrong_itself_is_told_at_once(validator: Any, words: str) -> None:
    with pytest.raises(trellis.UsageError, match=words) as caught:
        trellis.generate_structured("x", dict[str, int], model=ScriptedModel(['{"n": 1}']), validators=[validator])
    assert "raise ValueError" in caught.value.hint


# Budgets


def test_a_budget_of_calls_is_shared_by_the_session() -> None:
    model = ScriptedModel(['{"n": 1}', "bad", "bad", '{"n": 1}'])
    session = Session(model=model, budget=Budget(calls=3))
    assert trellis.generate_structured("x", COUNT, session=session).value == {"n": 1}
    with pytest.raises(trellis.BudgetError, match="3 calls") as caught:
        trellis.generate_structured("x", COUNT, session=session)
    assert len(model.requests) == 3
    assert len(caught.value.attempts) == 2
    assert caught.value.last_raw == "bad"
    assert session.usage.calls == 3


def test_a_budget_of_tokens_ends_before_the_next_call() -> None:
    model = ScriptedModel([Reply("bad", usage=Usage(1, 90, 20))] * 3)
    with pytest.raises(trellis.BudgetError, match="100 tokens"):
        trellis.generate_structured("x", COUNT, session=Session(model=model, budget=Budget(tokens=100)))
    assert len(model.requests) == 1


def test_a_budget_of_seconds_counts_waiting_and_bounds_requests() -> None:
    now = [100.0]
    meter = Meter(Budget(seconds=10), clock=lambda: now[0])
    task = Task(contract_of(COUNT), (Message("user", "x"),), meter=meter)
    flow = Retry(2).run(task)
    [request] = next(flow)
    assert request.timeout == 10
    now[0] += 4
    with pytest.raises(trellis.BudgetError, match="10 seconds"):
        flow.send([trellis.RateLimitError("slow down", retry_after=7)])
    assert [attempt.failure for attempt in task.attempts] == ["rate_limit"]


def test_budgets_and_retries_are_not_negative() -> None:
    with pytest.raises(trellis.UsageError):
        Budget(calls=-1)
    with pytest.raises(trellis.UsageError):
        Retry(-1)


# The protocol of strategies


class Best:
    """A strategy in a few lines, to hold the protocol to its word: asks twice at once, takes the larger number."""

    def run(self, task: Task[Any]) -> Any:
        attempts = yield from task.ask(task.request(sample=0), task.request(sample=1))
        good = [attempt for attempt in attempts if attempt.failure is None]
        if not good:
            raise task.failed(attempts[-1])
        return task.result(max(good, key=lambda attempt: attempt.value["n"]))


def test_another_strategy_asks_several_at_once() -> None:
    model = ScriptedModel(['{"n": 2}', '{"n": 5}'])
    result = trellis.generate_structured("x", COUNT, model=model, strategy=Best(), sampling=Sampling(seed=1))
    assert result.value == {"n": 5}
    assert len(result.attempts) == 2
    assert model.requests[0].sampling.seed != model.requests[1].sampling.seed
    one_fails = ScriptedModel(["hm", '{"n": 2}'])
    assert trellis.generate_structured("x", COUNT, model=one_fails, strategy=Best()).value == {"n": 2}


def test_a_stop_iteration_of_a_model_is_not_taken_for_the_answer() -> None:
    replies: Iterator[str] = iter(["bad"])

    class Running:
        name = "running out"
        modes = ("prompt",)

        def complete(self, requests: list[Request]) -> list[Any]:
            return [Reply(next(replies)) for _ in requests]

        async def acomplete(self, requests: list[Request]) -> list[Any]:
            return self.complete(requests)

    with pytest.raises(trellis.ModelError, match="StopIteration") as caught:
        trellis.generate_structured("x", COUNT, model=Running())
    assert caught.value.last_raw == "bad"


def test_a_model_that_loses_replies_is_told() -> None:
    class Forgetful(ScriptedModel):
        def complete(self, requests: Any) -> list[Any]:
            return []

    with pytest.raises(trellis.ModelError, match="0 replies to 1 request"):
        trellis.generate_structured("x", COUNT, model=Forgetful([]))

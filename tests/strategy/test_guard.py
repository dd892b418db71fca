"""Strategies that somebody wrote: whatever they do, errors are typed, and what was paid for is in them."""

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import Retry, ScriptedModel, UsageError
from trellis.models.base import Reply
from trellis.result import Usage


class Raises:
    def run(self, task: Any) -> Any:
        yield from task.ask(task.request())
        raise ZeroDivisionError("by me")


class RaisesAtOnce:
    def run(self, task: Any) -> Any:
        raise KeyError("before anything")


class ReturnsNothing:
    def run(self, task: Any) -> Any:
        yield from task.ask(task.request())


class NoGenerator:
    def run(self, task: Any) -> Any:
        return 3


class AsksNonsense:
    def run(self, task: Any) -> Any:
        yield from task.ask(task.request())
        yield ["what is it?"]


class LosesItsErrors:
    def run(self, task: Any) -> Any:
        yield from task.ask(task.request())
        raise trellis.VerifierError("my own words")


@pytest.mark.parametrize(("strategy", "words", "paid"), [
    (Raises(), "raised ZeroDivisionError: by me", 1),
    (RaisesAtOnce(), "raised KeyError", 0),
    (ReturnsNothing(), "returned None, not a Result", 1),
    (NoGenerator(), "raised AttributeError", 0),
    (AsksNonsense(), "asked for ", 1),
])
@pytest.mark.parametrize("many", [False, True])
def test_what_it_does_wrong_is_told_with_what_was_paid(strategy: Any, words: str, paid: int, many: bool) -> None:
    with pytest.raises(UsageError) as caught:
        run(strategy, many)
    assert words in caught.value.message
    assert caught.value.hint
    assert len(caught.value.attempts) == paid
    assert caught.value.last_raw == ("3" if paid else None)


def run(strategy: Any, many: bool) -> None:
    model = ScriptedModel(["3"])
    if not many:
        trellis.generate_structured("x", int, model=model, strategy=strategy)
    for row in trellis.generate_many(["x"], int, model=model, strategy=strategy) if many else []:
        assert row.value


def test_its_own_typed_errors_get_the_attempts() -> None:
    with pytest.raises(trellis.VerifierError, match="my own words") as caught:
        trellis.generate_structured("x", int, model=ScriptedModel(["3"]), strategy=LosesItsErrors())
    assert caught.value.best_effort == 3


class Evil:
    """An object that raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no items")

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no likeness")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


EVIL: Any = Evil()


@pytest.mark.parametrize("make", [
    lambda: trellis.generate_structured(EVIL, int, model=ScriptedModel(["3"])),
    lambda: trellis.generate_structured("x", EVIL, model=ScriptedModel(["3"])),
    lambda: trellis.generate_structured("x", int, model=EVIL),
    lambda: trellis.generate_structured("x", int, model=ScriptedModel(["3"]), strategy=EVIL),
    lambda: trellis.generate_structured("x", int, model=ScriptedModel(["3"]), validators=EVIL),
    lambda: next(trellis.stream_structured("x", EVIL, model=ScriptedModel(["3"]))),
    lambda: list(trellis.generate_many(EVIL, int, model=ScriptedModel(["3"]))),
    lambda: list(trellis.generate_many(["x"], int, model=ScriptedModel(["3"]), resume=EVIL)),
    lambda: trellis.Choice(EVIL),
    lambda: trellis.Template(EVIL).preview(int),
    lambda: trellis.Template("x", examples=EVIL).preview(int),
    lambda: trellis.Session(cache=EVIL),
    lambda: trellis.Session(model=EVIL),
    lambda: trellis.Vote(3, of=EVIL),
    lambda: trellis.BestOf(3, EVIL),
    lambda: trellis.Judge(None, "x", action=EVIL),
    lambda: trellis.grounded_in("x", ignore=EVIL),
    lambda: trellis.RateLimit(requests=EVIL),
    lambda: Retry(EVIL),
])
def test_objects_that_raise_when_they_are_looked_at(make: Any) -> None:
    with pytest.raises(trellis.TrellisError):
        make()


@pytest.mark.parametrize(("said", "kept"), [
    (10**400, float("inf")), (float("nan"), None), (-5, 0.0), (True, None), ("3", None), (0.01, 0.01), (None, None),
])
def test_a_waiting_time_is_one_or_none(said: Any, kept: float | None) -> None:
    assert trellis.RateLimitError("slow", retry_after=said).retry_after == kept


def test_a_server_that_asks_to_wait_for_ever_is_not_waited_for() -> None:
    model = ScriptedModel([trellis.RateLimitError("slow", retry_after=10**400), "3"])
    with pytest.raises(trellis.RateLimitError) as caught:
        trellis.generate_structured("x", int, model=model)
    assert "asks to wait inf seconds" in caught.value.hint


@pytest.mark.parametrize("bound", [
    {"seconds": float("inf")}, {"seconds": float("nan")}, {"money": float("inf")}, {"calls": 10**400}, {"tokens": 1.5},
    {"calls": True}, {"seconds": -1}, {"seconds": 10**400},
])
def test_a_budget_is_finite_and_no_bound_is_none(bound: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="0 or more, and finite") as caught:
        trellis.Budget(**bound)
    assert "None" in caught.value.hint


def test_data_that_repair_would_leave_out_is_asked_for_again() -> None:
    model = ScriptedModel(['[1, 2, "lots", 4]', "[1, 2, 3, 4]"])
    result = trellis.generate_structured("x", list[int], model=model)
    assert result.value == [1, 2, 3, 4]
    assert [error.pointer for error in result.attempts[0].errors] == ["/2"]
    salvaged = trellis.generate_structured("x", list[int], model=ScriptedModel(['[1, 2, "lots", 4]']), repair="salvage")
    assert salvaged.value == [1, 2, 4]
    assert [edit.rule for edit in salvaged.repairs] == ["dropped_item"]


def test_a_number_is_not_rounded_while_it_can_be_asked_for() -> None:
    result = trellis.generate_structured("x", {"type": "integer"}, model=ScriptedModel(["3.7", "4"]))
    assert [attempt.failure for attempt in result.attempts] == ["schema", None]


def test_the_first_call_of_a_bounded_session_goes_alone() -> None:
    paid = Reply('3', usage=Usage(1, 1_000, 1_000))
    budget, prices = trellis.Budget(money=0.005), {"m": trellis.Price(1, 1)}
    session = trellis.Session(model=ScriptedModel([paid] * 9, name="m"), budget=budget, prices=prices)
    result = trellis.generate_structured("x", int, session=session, strategy=trellis.Vote(9, early_stop=False))
    assert result.usage.calls == 3
    assert result.warnings == ("the budget ended after 3 of 9 samples",)
    batch = trellis.Session(model=ScriptedModel([paid] * 9, name="m"), budget=budget, prices=prices)
    rows = []
    with pytest.raises(trellis.BudgetError):
        rows += trellis.generate_many(["x"] * 9, int, session=batch)
    assert batch.usage.calls == 3


def test_samples_of_a_function_are_made_at_the_same_time() -> None:
    barrier = threading.Barrier(5, timeout=20)

    def model(prompt: str) -> str:
        barrier.wait()
        return "3"

    result = trellis.generate_structured("x", int, model=model, strategy=trellis.Vote(5, early_stop=False))
    assert result.agreement == 1


STRATEGIES: list[Any] = [
    trellis.BestOf(3, trellis.Verifier(lambda value: value["n"] / 3, threshold=0.3), of=trellis.Vote(3, of=Retry(2))),
    trellis.Vote(5, of=trellis.BestOf(2, "shortest", of=Retry(1))),
    trellis.Vote(3, of=trellis.Vote(3, of=Retry(1))),
    trellis.Judge(None, "good", of=trellis.Vote(3, of=Retry(2))),
    trellis.Vote(3, of=trellis.Draft(of=Retry(2))),
]


def erratic(request: trellis.Request) -> str:
    """An answer that depends on the seed and the prompt, right in three of five cases."""
    drawn = random.Random(f"{request.sampling.seed} {request.messages[-1].content}")
    if request.name == "Verdict":
        return '{"reason": "why not", "accept": true}'
    if drawn.random() < 0.4:
        return drawn.choice(["rubbish", '{"n": "x", "w": 3}', ""])
    return json.dumps({"n": drawn.choice([1, 1, 2, 3]), "w": drawn.choice("aab")})


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: type(strategy).__name__)
def test_composed_strategies_are_the_same_again_and_draw_different_samples(strategy: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "w": {"type": "string"}},
              "required": ["n", "w"]}
    settings: dict[str, Any] = {"model": erratic, "strategy": strategy, "sampling": trellis.Sampling(seed=5)}
    first, again = (trellis.generate_structured("Q", schema, **settings) for _ in range(2))
    awaited = asyncio.run(trellis.agenerate_structured("Q", schema, **settings))
    said = [[(one.raw, one.sampling.seed, one.purpose) for one in result.attempts]
            for result in (first, again, awaited)]
    assert said[0] == said[1] == said[2]
    assert first.value == again.value == awaited.value
    seeds = [attempt.sampling.seed for attempt in first.attempts if attempt.purpose == "answer"]
    assert len(set(seeds)) == len(seeds) > 2


def test_sql_is_asked_for_until_it_parses_and_passes_also_async() -> None:
    pytest.importorskip("lark")
    grammar = trellis.Grammar.from_lark(Path(__file__).parents[2] / "grammars" / "sql_select.lark")
    answers = ["SELECT a FRM t", "```sql\nSELECT a FROM t\n```", "SELECT a FROM t LIMIT 3"]

    def bounded(sql: str) -> None:
        if "LIMIT" not in sql:
            raise ValueError("add a LIMIT")

    settings: dict[str, Any] = {"mode": "prompt", "strategy": Retry(2), "validators": [bounded]}
    results = [trellis.generate_structured("q", grammar, model=ScriptedModel(answers), **settings),
               asyncio.run(trellis.agenerate_structured("q", grammar, model=ScriptedModel(answers), **settings))]
    for result in results:
        assert result.value == answers[2]
        assert [attempt.failure for attempt in result.attempts] == ["schema", "validator", None]

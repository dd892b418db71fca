"""Votes: what is merged, when they stop, what nests in them. The oracle counts with ``collections.Counter``."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, model_validator
from typing_extensions import TypedDict

import trellis
from trellis import BestOf, Budget, Choice, Regex, Retry, Sampling, ScriptedModel, Session, Verifier, Vote, errors
from trellis.models.base import Reply
from trellis.result import Usage


class Contact(TypedDict):
    name: str
    age: int
    city: str


def vote(answers: Sequence[Any], output_type: Any = Contact, strategy: Vote | None = None,
         **arguments: Any) -> trellis.Result[Any]:
    model = ScriptedModel([one if isinstance(one, str | Reply | Exception) else json.dumps(one) for one in answers])
    return trellis.generate_structured("x", output_type, model=model, strategy=strategy or Vote(len(answers)),
                                       **arguments)


ANN, BO = {"name": "Ann", "age": 1, "city": "Rome"}, {"name": "Bo", "age": 1, "city": "Rome"}
CONTACTS = st.fixed_dictionaries({"name": st.sampled_from(["Ann", "Bo", "Cy"]), "age": st.integers(0, 2),
                                  "city": st.sampled_from(["Rome", "Oslo"])})


def plurality(values: Sequence[Any]) -> Any:
    return Counter(values).most_common(1)[0][0]  # of equals, the first seen


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTACTS, min_size=1, max_size=7))
def test_each_field_is_what_most_samples_say_and_stopping_early_changes_nothing(samples: list[dict[str, Any]]) -> None:
    expected = {name: plurality([sample[name] for sample in samples]) for name in Contact.__annotations__}
    for early_stop in (False, True):
        result = vote(samples, strategy=Vote(len(samples), early_stop=early_stop))
        assert result.value == expected
    shares = {name: sum(s[name] == expected[name] for s in samples) / len(samples) for name in expected}
    whole = vote(samples, strategy=Vote(len(samples), early_stop=False))
    assert whole.field_agreement == {f"/{name}": pytest.approx(share) for name, share in shares.items()}
    assert whole.agreement == pytest.approx(sum(shares.values()) / 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["yes", "no", "maybe"]), min_size=1, max_size=9))
def test_whole_values_are_counted_and_stopping_early_changes_nothing(answers: list[str]) -> None:
    for early_stop in (False, True):
        strategy = Vote(len(answers), per_field=False, early_stop=early_stop)
        result = vote(answers, Choice(["yes", "no", "maybe"]), strategy)
        assert result.value == plurality(answers)
        assert result.field_agreement == {}


def test_a_vote_stops_when_nothing_can_change() -> None:
    agree = vote([ANN] * 5)
    assert len(agree.attempts) == 3
    assert agree.agreement == 1
    doubt = vote([ANN, BO, ANN, ANN, BO])
    assert len(doubt.attempts) == 4
    assert doubt.value == ANN
    assert len(vote([ANN] * 5, strategy=Vote(5, early_stop=False)).attempts) == 5


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


def cat(name: str, lives: int) -> dict[str, Any]:
    return {"kind": "cat", "name": name, "lives": lives}


DOG = {"kind": "dog", "name": "Rex"}


@pytest.mark.parametrize(("output_type", "samples", "value"), [
    # of a union, members are never mixed
    (Cat | Dog, [cat("Tom", 9), DOG, cat("Tim", 9), cat("Tom", 7), DOG], Cat(kind="cat", name="Tom", lives=9)),
    (Cat | Dog, [DOG, cat("Rex", 9), cat("Tim", 9), DOG], Dog(kind="dog", name="Rex")),
    (int | str, ["1", '"1"', '"1"'], "1"),
    (list[Cat | Dog], [[DOG, cat("Tom", 9)], [DOG], [DOG, cat("Tim", 9)], [cat("A", 1), cat("Tim", 9)]],
     [Dog(kind="dog", name="Rex"), Cat(kind="cat", name="Tim", lives=9)]),
    # arrays: the commonest length, then place by place
    (list[int], [[1, 2], [1, 3], [5], [4, 3]], [1, 3]),
    (list[int], [[], [1], []], []),
    # properties that more than half have
    (dict[str, int], [{"a": 1, "b": 2}, {"a": 1}, {"a": 3, "b": 2}], {"a": 1, "b": 2}),
    (dict[str, int], [{"a": 1, "b": 2}, {"a": 1}], {"a": 1}),
    # JSON's numbers
    ({"type": "number"}, [1, 1.0, 2, 2.5], 1),
    ({"enum": [1, True]}, [True, 1, True], True),
    (int | None, [None, 5, None], None),
    (Regex("[ab]+"), ["ab", "a", "ab"], "ab"),
])
def test_the_rule_of_merging(output_type: Any, samples: list[Any], value: Any) -> None:
    result = vote(samples, output_type, Vote(len(samples), early_stop=False))
    assert (type(result.value), result.value) == (type(value), value)


def test_items_of_lists_are_matched_by_a_property() -> None:
    samples = [[{"id": 1, "n": 5}, {"id": 2, "n": 5}], [{"id": 2, "n": 5}, {"id": 1, "n": 6}, {"id": 3, "n": 0}],
               [{"id": 1, "n": 6}, {"id": 2, "n": 4}]]
    result = vote(samples, list[dict[str, int]], Vote(3, match_items="id"))
    assert result.value == [{"id": 1, "n": 6}, {"id": 2, "n": 5}]


def test_a_key_says_what_counts_as_the_same() -> None:
    answers = ["Rome", "rome", "Oslo", "ROME", "Oslo", "Oslo"]
    texts = [{"name": "A", "age": 1, "city": city} for city in answers]

    def folded(value: Any) -> Any:
        return value.casefold() if isinstance(value, str) else value

    assert vote(texts, strategy=Vote(6, key=folded)).value["city"] == "Rome"
    assert vote(texts).value["city"] == "Oslo"
    by_city = Vote(6, per_field=False, key=lambda value: value["city"].casefold())
    assert vote(texts, strategy=by_city).value == texts[0]


def test_a_verifier_weighs_votes() -> None:
    adult = Verifier(lambda value: 1.0 if value["age"] >= 18 else 0.25)
    old, young = {**ANN, "age": 40}, {**ANN, "age": 4}
    assert vote([young, young, old], strategy=Vote(3, weight=adult)).value == old
    with pytest.raises(trellis.UsageError, match="from 0 to 1"):
        vote([young], strategy=Vote(1, weight=lambda value: 7))


class Sum(BaseModel):
    a: int
    b: int
    total: int

    @model_validator(mode="after")
    def adds_up(self) -> "Sum":
        if self.a + self.b != self.total:
            raise ValueError("it does not add up")
        return self


def test_a_merged_value_is_validated_and_one_sample_stands_in_for_it_when_it_fails() -> None:
    samples = [{"a": 1, "b": 1, "total": 2}, {"a": 1, "b": 2, "total": 3}, {"a": 2, "b": 1, "total": 3}]
    result = vote(samples, Sum, Vote(3, early_stop=False))  # field by field: 1 + 1 = 3
    assert result.value == Sum(a=1, b=1, total=2)
    assert "does not add up" in result.warnings[0]
    assert json.loads(result.raw) == samples[0]


def test_validators_judge_the_merged_value_too_and_make_something_else_of_it() -> None:
    samples = [{**ANN, "age": 2}, {**ANN, "name": "Bo"}, {**BO, "age": 2, "name": "Cy"}]
    result = vote(samples, validators=[lambda value: f'{value["name"]} {value["age"]}'])
    assert result.value == "Ann 2"
    merged = vote([{**ANN, "age": 2}, {**BO, "age": 3}, {**BO, "age": 2, "city": "Oslo"}],
                  validators=[lambda value: f'{value["name"]} {value["age"]} {value["city"]}'])
    assert (merged.value, merged.accepted) == ("Bo 2 Rome", None)


def test_samples_that_fail_are_no_votes_and_are_kept() -> None:
    result = vote(["hm", json.dumps(ANN), errors.TransportError("gone"), json.dumps(ANN), json.dumps(BO)],
                  strategy=Vote(5, early_stop=False))
    assert result.value == ANN
    assert [attempt.failure for attempt in result.attempts] == ["syntax", None, "transport", None, None]
    assert result.agreement == pytest.approx((2 / 3 + 1 + 1) / 3)
    with pytest.raises(trellis.UnrepairableError) as caught:
        vote(["hm", "ha", "ho"])
    assert len(caught.value.attempts) == 3
    with pytest.raises(trellis.AuthenticationError) as refused:
        vote([json.dumps(ANN), errors.AuthenticationError("no key"), json.dumps(ANN)])
    assert refused.value.best_effort == ANN


def test_votes_of_retries_draw_different_samples_and_correct_their_own_answers() -> None:
    model = ScriptedModel(["bad 0", json.dumps(ANN), "bad 2", json.dumps(ANN), json.dumps(ANN)])
    result = trellis.generate_structured("x", Contact, model=model, strategy=Vote(3, of=Retry(1), early_stop=False),
                                         sampling=Sampling(seed=3))
    assert result.value == ANN
    assert [request.sample for request in model.requests] == [0, 1, 2, 3, 5]
    assert len({request.sampling.seed for request in model.requests}) == 5
    assert [request.messages[1].content for request in model.requests[3:]] == ["bad 0", "bad 2"]
    nested = ScriptedModel([json.dumps(ANN)] * 6)
    trellis.generate_structured("x", Contact, model=nested, sampling=Sampling(seed=3),
                                strategy=BestOf(2, "shortest", of=Vote(3, early_stop=False)))
    assert sorted(request.sample for request in nested.requests) == list(range(6))


def test_what_is_asked_at_the_same_time_goes_out_in_one_batch() -> None:
    sizes = []

    class Batches(ScriptedModel):
        def complete(self, requests: Any) -> Any:
            sizes.append(len(requests))
            return super().complete(requests)

    trellis.generate_structured("x", Contact, model=Batches([json.dumps(ANN)] * 5), strategy=Vote(5, early_stop=False))
    assert sizes == [5]


def test_samples_differ_unless_the_caller_says_otherwise() -> None:
    model = ScriptedModel([json.dumps(ANN)] * 3)
    trellis.generate_structured("x", Contact, model=model, strategy=Vote(3, early_stop=False))
    assert {request.sampling.temperature for request in model.requests} == {1.0}
    cold = vote([ANN] * 3, sampling=Sampling(temperature=0))
    assert "alike" in cold.warnings[0]


def test_a_budget_ends_a_vote_with_what_there_is() -> None:
    replies = [Reply(json.dumps(ANN), usage=Usage(1, 10, 10))] * 5
    session = Session(model=ScriptedModel(replies), budget=Budget(calls=4))
    result = trellis.generate_structured("x", Contact, session=session, strategy=Vote(5, early_stop=False))
    assert result.value == ANN
    assert len(result.attempts) == 4
    assert result.warnings == ("the budget ended after 4 of 5 samples",)
    with pytest.raises(trellis.BudgetError):
        trellis.generate_structured("x", Contact, session=session, strategy=Vote(5))


def test_async_votes_are_the_same() -> None:
    async def run() -> trellis.Result[Any]:
        model = ScriptedModel([json.dumps(one) for one in (ANN, BO, BO)])
        return await trellis.agenerate_structured("x", Contact, model=model, strategy=Vote(3))

    assert asyncio.run(run()).value == vote([ANN, BO, BO]).value == BO


@pytest.mark.parametrize("make", [
    lambda: Vote(0), lambda: Vote(True), lambda: Vote(3, of=Retry), lambda: Vote(3, key="a"),  # type: ignore[arg-type]
    lambda: BestOf(2, "longest"), lambda: Verifier("x"), lambda: Verifier(bool, 2.0),  # type: ignore[arg-type]
])
def test_arguments_of_the_wrong_kind(make: Any) -> None:
    with pytest.raises(trellis.UsageError):
        make()


@pytest.mark.parametrize("strategy", [
    Vote(2, key=lambda value: value["nothing"]), Vote(2, key=lambda value: [value]),
    Vote(2, weight=lambda value: value["nothing"]), Vote(2, weight=lambda value: "much"),
    BestOf(2, lambda value: value["nothing"]), BestOf(2, lambda value: None),
])
def test_functions_of_the_callers_that_raise(strategy: Any) -> None:
    model = ScriptedModel([json.dumps(ANN), json.dumps(BO)])
    with pytest.raises(trellis.UsageError) as caught:
        trellis.generate_structured("x", Contact, model=model, strategy=strategy)
    assert len(caught.value.attempts) == 2
    assert caught.value.best_effort == BO

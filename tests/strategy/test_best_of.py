"""Best-of-n, verifiers, corrections of single fields, and money."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

import trellis
from trellis import BestOf, Budget, Grammar, Message, Price, Retry, ScriptedModel, Session, Verifier, Yaml, errors
from trellis.models.base import Reply
from trellis.result import Usage


def best(answers: list[Any], strategy: Any, output_type: Any = dict[str, int], **arguments: Any) -> trellis.Result[Any]:
    return trellis.generate_structured("x", output_type, model=ScriptedModel(answers), strategy=strategy, **arguments)


def test_the_likeliest_answer() -> None:
    replies = [Reply('{"n":1}', token_logprobs=(-1.0, -1.0)), Reply('{"n":2}', token_logprobs=(-0.5, -0.25)),
               Reply('{"n":3}', token_logprobs=(-0.5, -0.25)), Reply("bad", token_logprobs=(0.0,))]
    model = ScriptedModel(replies)
    result = trellis.generate_structured("x", dict[str, int], model=model, strategy=BestOf(4))
    assert result.value == {"n": 2}
    assert result.accepted == 1
    assert len(result.attempts) == 4
    assert all(request.sampling.logprobs for request in model.requests)
    with pytest.raises(trellis.CapabilityError, match="log-prob") as caught:
        best(['{"n":1}'], BestOf(1))
    assert caught.value.last_raw == '{"n":1}'


def test_the_shortest_answer_and_the_one_that_a_function_likes() -> None:
    answers = ['{"n":100}', '{"n":  7}', '{"n":7}']
    assert best(answers, BestOf(3, "shortest")).raw == '{"n":7}'
    assert best(answers, BestOf(3, lambda value: value["n"])).value == {"n": 100}


def test_a_verifier_chooses_and_its_threshold_holds() -> None:
    near_ten = Verifier(lambda value: max(0.0, 1 - abs(value["n"] - 10) / 10), 0.8, name="near ten")
    assert best(['{"n":1}', '{"n":9}', '{"n":5}'], BestOf(3, near_ten)).value == {"n": 9}
    with pytest.raises(trellis.VerifierError, match="near ten") as caught:
        best(['{"n":1}', '{"n":5}'], BestOf(2, near_ten))
    assert caught.value.best_effort == {"n": 5}


def test_a_verifier_as_validator_tells_the_model_what_is_wrong() -> None:
    even = Verifier(lambda value: value["n"] % 2 == 0, name="evenness")
    model = ScriptedModel(['{"n":1}', '{"n":2}'])
    result = trellis.generate_structured("x", dict[str, int], model=model, validators=[even])
    assert result.value == {"n": 2}
    assert result.attempts[0].failure == "verifier"
    assert "evenness" in model.requests[1].messages[-1].content
    with pytest.raises(trellis.VerifierError, match="evenness") as caught:
        best(['{"n":1}'], Retry(0), validators=[even])
    assert caught.value.best_effort == {"n": 1}
    with pytest.raises(trellis.UsageError, match="KeyError"):
        best(['{"n":1}'], Retry(0), validators=[Verifier(lambda value: value["m"])])


# Corrections


class Line(BaseModel):
    product: str
    price: float = Field(gt=0)


class Order(BaseModel):
    customer: str
    lines: list[Line]


BAD = {"customer": "Ann", "lines": [{"product": "tea", "price": 1}, {"product": "jam", "price": "dear"}]}


def test_a_patch_asks_for_the_wrong_fields_only() -> None:
    model = ScriptedModel([json.dumps(BAD), '{"/lines/1/price": -1}', '{"/lines/1/price": 2}'],
                          modes=("native", "prompt"))
    result = trellis.generate_structured("x", Order, model=model, strategy=Retry(2, feedback="patch"))
    assert result.value.lines[1] == Line(product="jam", price=2)
    assert result.value.customer == "Ann"
    assert [attempt.purpose for attempt in result.attempts] == ["answer", "patch", "patch"]
    asked = model.requests[1]
    assert list(asked.schema["properties"]) == ["/lines/1/price"]  # type: ignore[index]
    assert asked.mode == "native"
    assert "/lines/1/price" in asked.messages[-1].content
    assert "customer" not in asked.messages[-1].content
    assert "greater than 0" in model.requests[2].messages[-1].content


@pytest.mark.parametrize(("output_type", "answer", "patch", "value"), [
    (Order, '{"customer":"Ann"}', '{"/lines": []}', Order(customer="Ann", lines=[])),
    (Yaml(Order), "customer: Ann\nlines:\n  - product: tea\n    price: -1", '{"/lines/0/price": 1}',
     Order(customer="Ann", lines=[Line(product="tea", price=1)])),
    (dict[str, int], '{"a": 1, "b~/": "x y"}', '{"/b~0~1": 2}', {"a": 1, "b~/": 2}),
])
def test_fields_that_are_missing_and_other_formats(output_type: Any, answer: str, patch: str, value: Any) -> None:
    result = best([answer, patch], Retry(1, feedback="patch"), output_type)
    assert result.value == value
    assert result.attempts[1].purpose == "patch"


@pytest.mark.parametrize(("output_type", "answer"), [
    (Order, "no data at all"), (list[int], '"x"'), ({"type": "object", "additionalProperties": False}, '{"a": 1}'),
    (Order, "[]"),
])
def test_what_no_patch_can_mend_is_asked_for_as_a_whole(output_type: Any, answer: str) -> None:
    model = ScriptedModel([answer, "hm"])
    with pytest.raises(trellis.GenerationError):
        trellis.generate_structured("x", output_type, model=model, strategy=Retry(1, feedback="patch"), repair="safe")
    assert "Answer again" in model.requests[1].messages[-1].content


def test_patches_of_ten_attempts_stay_small() -> None:
    rows = {"customer": "Ann" * 5_000, "lines": [{"product": f"p{i}", "price": -1} for i in range(15)]}
    fix = {f"/lines/{i}/price": -2 for i in range(15)}
    model = ScriptedModel([json.dumps(rows), *[json.dumps({**fix, "/lines/0/price": -i}) for i in range(10, 20)]])
    with pytest.raises(trellis.SchemaMismatchError):
        trellis.generate_structured("x", Order, model=model, strategy=Retry(10, feedback="patch"))
    sizes = [sum(len(message.content) for message in request.messages) for request in model.requests[1:]]
    assert max(sizes) < 8_000
    assert len(set(sizes[1:])) == 1


def test_without_feedback_the_prompt_is_sent_again() -> None:
    model = ScriptedModel(["bad", "bad", '{"n":1}'])
    trellis.generate_structured("x", dict[str, int], model=model, strategy=Retry(2, feedback="none"),
                                sampling=trellis.Sampling(temperature=0, seed=1))
    assert len({request.messages for request in model.requests}) == 1
    assert [request.sampling.temperature for request in model.requests] == [0, 0.7, 0.7]
    assert len({request.sampling.seed for request in model.requests}) == 3
    with pytest.raises(trellis.UsageError, match="last, patch, none"):
        Retry(1, feedback="loud")  # type: ignore[arg-type]


SQL = """
start: "SELECT " NAME " FROM " NAME
NAME: /[a-z]+/
"""


def test_text_in_a_grammar_is_asked_for_until_it_parses_and_passes_a_check() -> None:
    def known_table(query: str) -> None:
        if not query.endswith("users"):
            raise ValueError("there is no such table; known: users")

    model = ScriptedModel(["SELECT name OF users", "SELECT name FROM people", "SELECT name FROM users"])
    result = trellis.generate_structured("Who?", Grammar.from_lark(SQL), model=model, validators=[known_table])
    assert result.value == "SELECT name FROM users"
    assert [attempt.failure for attempt in result.attempts] == ["schema", "validator", None]
    assert "known: users" in model.requests[2].messages[-1].content


# Money


def test_money_is_counted_and_bounds_calls() -> None:
    bad = Reply("bad", usage=Usage(1, 500_000, 100_000))
    session = Session(model=ScriptedModel([bad] * 5, name="openai/big"), budget=Budget(money=4),
                      prices={"openai/big": Price(prompt=2, completion=10)})
    with pytest.raises(trellis.BudgetError, match="4 in money") as caught:
        trellis.generate_structured("x", int, session=session, strategy=Retry(9))
    assert [attempt.usage.money for attempt in caught.value.attempts] == [2, 2]
    assert session.usage.money == caught.value.usage.money == 4
    assert caught.value.last_raw == "bad"


def test_a_price_that_is_missing_is_told_before_anything_is_bought() -> None:
    model = ScriptedModel(["1"], name="big")
    with pytest.raises(trellis.UsageError, match="price of big"):
        trellis.generate_structured("x", int, session=Session(model=model, budget=Budget(money=1)))
    assert model.requests == []
    with pytest.raises(trellis.UsageError, match="prices"):
        Session(prices={"big": 3})  # type: ignore[dict-item]
    with pytest.raises(trellis.UsageError):
        Price(prompt=-1, completion=0)


def test_calls_under_way_count_for_a_budget_of_tokens() -> None:
    replies = [Reply("1", usage=Usage(1, 10, 10))] * 9
    session = Session(model=ScriptedModel(replies), budget=Budget(tokens=60))
    trellis.generate_structured("x", int, session=session)
    result = trellis.generate_structured("x", int, session=session, strategy=trellis.Vote(5, early_stop=False))
    assert len(result.attempts) == 2
    assert session.usage.total_tokens == 60


def test_a_reply_that_a_broken_validator_met_is_not_lost() -> None:
    def broken(value: int) -> None:
        raise KeyError("oh")

    session = Session(model=ScriptedModel([Reply("1", usage=Usage(1, 10, 10))]))
    with pytest.raises(trellis.UsageError, match="KeyError") as caught:
        trellis.generate_structured("x", int, session=session, validators=[broken])
    assert caught.value.last_raw == "1"
    assert caught.value.usage.total_tokens == session.usage.total_tokens == 20


def test_a_mode_that_the_server_refuses_is_left_by_all_branches() -> None:
    refused = [errors.RequestRejectedError("unknown parameter", status=400)] * 3
    model = ScriptedModel([*refused, "1", "1", "2"], modes=("native", "prompt"))
    result = trellis.generate_structured("x", int, model=model, strategy=trellis.Vote(3, early_stop=False))
    assert result.value == 1
    assert [request.mode for request in model.requests] == ["native"] * 3 + ["prompt"] * 3
    assert len(result.warnings) == 1


def test_conversations_keep_their_turns_in_a_correction() -> None:
    turns = [Message("system", "Be brief."), Message("user", "How many?")]
    model = ScriptedModel(['{"n":"x y"}', '{"/n":1}'])
    trellis.generate_structured(turns, dict[str, int], model=model, strategy=Retry(1, feedback="patch"))
    assert [message.role for message in model.requests[1].messages] == ["system", "user", "assistant", "user"]

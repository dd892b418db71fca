"""Contracts: how a type reads, how an answer is written, read and judged."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator
from typing_extensions import TypedDict

import trellis
from trellis import Choice, Csv, Regex, Yaml, contract_of
from trellis.errors import GrammarError, RepairError, SchemaError, TypeNotSupportedError, UnsupportedError, UsageError
from trellis.result import FieldError


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Party(BaseModel):
    name: str


class Invoice(BaseModel):
    model_config = ConfigDict(strict=True)
    seller: Party
    total: Decimal
    mood: Mood
    tags: list[str] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Movie(TypedDict):
    title: str
    year: int | None


class Node(BaseModel):
    label: str
    children: list["Node"] = []


@pytest.mark.parametrize(("output_type", "text", "value"), [
    (Invoice, '{"seller":{"name":"Ann"},"total":"1.10","mood":"bad"}',
     Invoice(seller=Party(name="Ann"), total=Decimal("1.10"), mood=Mood.BAD)),
    (Point, '{"x":1}', Point(1)),
    (Movie, '{"title":"Alien","year":1979}', {"title": "Alien", "year": 1979}),
    (Node, '{"label":"a","children":[{"label":"b"}]}', Node(label="a", children=[Node(label="b")])),
    (Mood, '"good"', Mood.GOOD),
    (Literal["a", 1], "1", 1),
    (int, "42", 42),
    (str, '"x"', "x"),
    (bool, "true", True),
    (list[Point], '[{"x":1},{"x":2}]', [Point(1), Point(2)]),
    (Point | Movie, '{"title":"Alien","year":null}', {"title": "Alien", "year": None}),
    (int | None, "null", None),
    (dict[str, int], '{"a":1}', {"a": 1}),
    (tuple[int, str], '[1,"a"]', (1, "a")),
    ({"type": "array", "items": {"type": "integer"}}, "[1,2]", [1, 2]),
    (Csv(Point), "x,y\n1,2\n3,4", [Point(1, 2), Point(3, 4)]),
    (Csv(Movie), "title,year\nAlien,1979\nHer,", [{"title": "Alien", "year": 1979}, {"title": "Her", "year": None}]),
    (Yaml(Point), "x: 1\ny: 2", Point(1, 2)),
    (Yaml(list[Movie]), "- title: Alien\n  year: 1979", [{"title": "Alien", "year": 1979}]),
    (Regex(r"\d{3}-\d{4}"), "555-0182", "555-0182"),
    (Choice(["yes", "no"]), "no", "no"),
])
def test_an_answer_becomes_a_value_and_back(output_type: Any, text: str, value: Any) -> None:
    contract = contract_of(output_type)
    repaired = contract.read(text, "off")
    verdict = contract.validate(repaired.value)
    assert verdict.ok, verdict.errors
    assert verdict.value == value
    assert type(verdict.value) is type(value)
    again = contract.validate(contract.read(contract.write(value), "off").value)
    assert again.value == value


def test_a_strict_model_stays_strict_and_its_enum_is_read_by_value() -> None:
    contract = contract_of(Invoice)
    assert contract.validate({"seller": {"name": "A"}, "total": "1", "mood": "good"}).ok
    verdict = contract.validate({"seller": {"name": 5}, "total": "1", "mood": "good"})
    assert [error.pointer for error in verdict.errors] == ["/seller/name"]


class Aliased(BaseModel):
    from_: str = Field(alias="from")
    a_b: int = Field(default=0, alias="a/b~c", ge=0)

    @field_validator("from_")
    @classmethod
    def no_home(cls, value: str) -> str:
        if value == "home":
            raise ValueError("home is not a place to come from")
        return value


@pytest.mark.parametrize(("output_type", "value", "errors"), [
    (Point, {"y": "x"}, ["/x: Field required",
                         "/y: Input should be a valid integer, unable to parse string as an integer, got \"x\""]),
    (list[Point], [{"x": 1}, {}], ["/1/x: Field required"]),
    (Aliased, {"from": "home", "a/b~c": -1},
     ["/from: home is not a place to come from",
      "/a~1b~0c: Input should be greater than or equal to 0, got -1"]),
    (Point | Movie, {"x": "?"},
     ["/x: Input should be a valid integer, unable to parse string as an integer, got \"?\"",
      "/title: Field required", "/year: Field required"]),
    (Node, {"label": "a", "children": [{"label": "b", "children": [{}]}]},
     ["/children/0/children/0/label: Field required"]),
    ({"type": "object", "properties": {"n": {"minimum": 3}}, "required": ["n", "m"]}, {"n": 1},
     ['(whole value): "m" is a required property', "/n: 1 is less than the minimum of 3"]),
    ({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "integer"}}}]}, {"a": "x"},
     ['/a: "x" is not of type "integer"']),
    ({"type": "string", "format": "date"}, "tomorrow", ['(whole value): "tomorrow" is not a "date"']),
    ({"type": "string", "format": "date-time"}, "2024-01-01 12:00",
     ['(whole value): "2024-01-01 12:00" is not a "date-time"']),
    ({"type": "string", "format": "uri"}, "no uri", ['(whole value): "no uri" is not a "uri"']),
    (Choice(["yes", "no"]), "maybe", ["(whole value): is none of yes, no"]),
    (Regex("[ab]+"), "abc", ["(whole value): does not match /[ab]+/"]),
])
def test_errors_have_a_place_and_a_short_message(output_type: Any, value: Any, errors: list[str]) -> None:
    verdict = contract_of(output_type).validate(value)
    assert not verdict.ok
    assert [str(error) for error in verdict.errors] == errors


def test_a_long_value_is_not_repeated_in_the_message() -> None:
    [error] = contract_of({"type": "integer"}).validate("x" * 10_000).errors
    assert len(error.message) <= 200


@pytest.mark.parametrize(("output_type", "name", "text"), [
    (Point, "Point", "interface Point {\n  x: integer\n  y?: integer\n}"),
    (list[Point], "PointList", "interface Point {\n  x: integer\n  y?: integer\n}\ntype PointList = Point[]"),
    (RootModel[list[int]], "RootModelListInt", "type RootModelListInt = integer[]"),
    (Mood, "Mood", 'type Mood = "good" | "bad"'),
    (int, "Answer", "type Answer = integer"),
    ({"title": "Ticket", "type": "object", "properties": {"a": {}}}, "Ticket", "interface Ticket {\n  a?: any\n}"),
    (Csv(Point), "Point", "interface Point {\n  x: integer\n  y?: integer\n}"),
    (Yaml(Mood), "Mood", 'type Mood = "good" | "bad"'),
    (Regex("a+"), "Answer", "text that matches the regular expression /a+/"),
    (Choice(["yes", "no"]), "Answer", "one of yes, no"),
])
def test_how_a_type_reads_in_a_prompt(output_type: Any, name: str, text: str) -> None:
    contract = contract_of(output_type)
    assert (contract.name, contract.type_text()) == (name, text)


def test_answers_are_written_small() -> None:
    assert contract_of(Invoice).write({"seller": {"name": "Zoë"}, "total": "1.10", "mood": "good"}) == \
        '{"seller":{"name":"Zoë"},"total":"1.10","mood":"good","tags":[]}'
    invoice = {"seller": {"name": "no"}, "total": "1.10", "mood": "bad", "tags": ["a: b"]}
    assert contract_of(Yaml(Invoice)).write(invoice) == \
        'seller:\n  name: "no"\ntotal: "1.10"\nmood: bad\ntags:\n  - "a: b"'
    assert contract_of(Csv(Movie)).write([{"title": 'Say "hi", you', "year": None}]) == 'title,year\n"Say ""hi"", you",'


class Order(BaseModel):
    name: str
    n: int
    price: float | None
    paid: bool
    mood: Mood
    size: Literal["S, M", "L"]


@pytest.mark.parametrize(("row", "accepted"), [
    ('Ann,1,,true,good,"S, M"', True),
    ('"Ann ""B"", C",-5,1.50,false,bad,L', True),
    ("Zoë,0,0.5,true,good,L\nBo,2,,false,bad,L\n", True),
    ("Ann,1,,yes,good,L", False),
    ("Ann,01,,true,good,L", False),
    ("Ann,,1,true,good,L", False),
    ("Ann,1,,true,good", False),
    ("Ann,1,,true,good,S, M", False),
    ("Ann,1,,true,good,L,", False),
])
def test_masks_of_csv_accept_what_reads_back_as_the_type(row: str, accepted: bool) -> None:
    contract = contract_of(Csv(Order))
    text = f"name,n,price,paid,mood,size\n{row}"
    assert contract.grammar().accepts(text, engine="reference") is accepted
    if accepted:
        assert contract.validate(contract.read(text, "off").value).ok
        value = contract.validate(contract.read(text).value).value
        assert contract.grammar().accepts(contract.write(value), engine="reference")


def test_what_a_mask_of_csv_cannot_say_is_an_error_or_a_relaxation() -> None:
    class Mixed(BaseModel):
        text: Literal["1", 1]

    contract = contract_of(Csv(Mixed))
    with pytest.raises(UnsupportedError, match="text from other values"):
        contract.grammar()
    (relaxation,) = contract.grammar("relax").relaxations
    assert relaxation.pointer.startswith("/properties/text")


def test_a_value_of_another_type_is_not_written() -> None:
    for output_type, value in ((Point, {"x": "?"}), (Choice(["a"]), "b"), ({"type": "integer"}, "x"), (Regex("a"), 5)):
        with pytest.raises(UsageError):
            contract_of(output_type).write(value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)


@given(PLAIN)
def test_what_is_written_as_yaml_is_read_as_it_was(value: Any) -> None:
    from trellis.repair import read_yaml

    text = contract_of(Yaml({})).write(value)
    assert read_yaml(text) == value, text


@pytest.mark.parametrize(("reply", "value", "rules"), [
    ("yes", "yes", []),
    (" yes\n", "yes", ["whitespace", "whitespace"]),
    ("```\nyes\n```", "yes", ["fence", "fence"]),
    ("'yes'", "yes", ["quote_style", "quote_style"]),
    ("<think>no or yes?</think>\nyes", "yes", ["prose"]),
    ("**Yes.**", "yes", ["enum_form"]),
])
def test_around_plain_text_little_is_taken_away_and_all_of_it_is_told(reply: str, value: str, rules: list[str]) -> None:
    repaired = contract_of(Choice(["yes", "no"])).read(reply)
    assert repaired.value == value
    assert [edit.rule for edit in repaired.edits] == rules
    assert trellis.repair.apply_edits(reply, repaired.edits) == repaired.text == value


@pytest.mark.parametrize("reply", ["not yes", "yes and no", "I do not know", "yesno"])
def test_a_choice_is_not_guessed_out_of_a_sentence(reply: str) -> None:
    contract = contract_of(Choice(["yes", "no"]))
    assert not contract.validate(contract.read(reply).value).ok


def test_off_takes_only_the_standard_reading() -> None:
    contract = contract_of(Point)
    assert contract.read(' {"x": 1} ', "off").value == {"x": 1}
    for reply in ('```json\n{"x":1}\n```', "{'x':1}", '{"x":1'):
        with pytest.raises(RepairError):
            contract.read(reply, "off")


def test_a_value_against_the_schema_is_read_all_the_same() -> None:
    """So that validation can say what is wrong with which field."""
    contract = contract_of(Invoice)
    repaired = contract.read('{"seller": {"name": "A"}, "total": "x", "mood": "angry",}')
    assert repaired.value["mood"] == "angry"
    assert {error.pointer for error in contract.validate(repaired.value).errors} == {"/total", "/mood"}


def test_the_same_type_has_the_same_contract_but_order_counts() -> None:
    assert contract_of(Point) is contract_of(Point)
    assert contract_of(list[Point]) is contract_of(list[Point])
    assert contract_of(Literal["a", "b"]).type_text() != contract_of(Literal["b", "a"]).type_text()
    assert contract_of(Regex("a")) is contract_of(Regex("a"))
    contract = contract_of(Point)
    assert contract_of(contract) is contract


def test_a_schema_that_is_changed_later_does_not_change_its_contract() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    contract = contract_of(schema)
    schema["type"] = "string"
    assert contract.validate(1).ok


class Undefined(BaseModel):
    x: "NoSuchName"  # type: ignore[name-defined]  # noqa: F821


class Nested(BaseModel):
    inner: Party


@pytest.mark.parametrize(("output_type", "error", "words"), [
    (Callable[[int], int], TypeNotSupportedError, "JSON form"),
    (object(), TypeNotSupportedError, "no type"),
    (5, TypeNotSupportedError, "is a value"),
    ("Point", TypeNotSupportedError, "is a value"),
    (["yes", "no"], TypeNotSupportedError, "Choice"),
    (Undefined, TypeNotSupportedError, "not fully defined"),
    (Csv(Nested), TypeNotSupportedError, "'inner'"),
    (Csv(int), TypeNotSupportedError, "no named fields"),
    ({"type": "strin"}, SchemaError, "'strin' is not one of ['array', 'boolean'"),
    ({"properties": {"a": {"minimum": "3"}}}, SchemaError, "/properties/a/minimum"),
    ({"$ref": "#/$defs/missing"}, SchemaError, "#/$defs/missing"),
    ({"properties": {"a": {"$ref": "http://example.org/x"}}}, SchemaError, "leaves the document"),
    ({"properties": {"a": {"pattern": "("}}}, SchemaError, "'(' is not a 'regex' (at /properties/a/pattern)"),
])
def test_what_is_no_type_is_told_with_its_place(output_type: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        contract_of(output_type)
    assert words in str(caught.value)


@pytest.mark.parametrize(("make", "error"), [
    (lambda: Regex("a("), GrammarError), (lambda: Regex(5), TypeNotSupportedError),  # type: ignore[arg-type]
    (lambda: Choice([]), TypeNotSupportedError), (lambda: Choice(["a", "a"]), TypeNotSupportedError),
    (lambda: Choice([1]), TypeNotSupportedError),  # type: ignore[list-item]
])
def test_malformed_markers(make: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_a_validator_of_the_model_that_breaks_is_told_as_such() -> None:
    class Broken(BaseModel):
        x: int

        @field_validator("x")
        @classmethod
        def lookup(cls, value: int) -> int:
            return {}[value]  # type: ignore[no-any-return]

    with pytest.raises(UsageError, match="KeyError"):
        contract_of(Broken).validate({"x": 1})


def test_a_value_nested_too_deeply_is_refused() -> None:
    text = "[" * 5000 + "]" * 5000
    for output_type in ({"type": "array"}, list[Any]):
        contract = contract_of(output_type)
        try:
            repaired = contract.read(text)
        except RepairError:
            continue
        assert contract.validate(repaired.value).errors


def test_annotated_bounds_are_in_prompt_and_verdict() -> None:
    contract = contract_of(Annotated[int, Field(ge=1, le=5)])
    assert contract.type_text() == "type Answer = integer // >= 1, <= 5"
    assert contract.validate(9).errors == (FieldError("", "Input should be less than or equal to 5, got 9"),)


def test_an_object_at_the_root_is_known_also_behind_a_reference() -> None:
    assert contract_of(Node).is_object
    assert not contract_of(list[Node]).is_object
    assert not contract_of(Yaml(Node)).is_object
    assert json.loads(contract_of(Node).write({"label": "x"})) == {"label": "x", "children": []}


@pytest.mark.parametrize(("schema", "right", "wrong"), [
    ({"pattern": r"^\p{Lu}\p{L}*$"}, "Émile", "émile"),
    ({"pattern": r"^\d+$"}, "12", "١٢"),
    ({"pattern": "^a$"}, "a", "a\n"),
    ({"pattern": r"^(?<year>\d{4})-\d\d$"}, "2024-05", "24-05"),
    ({"pattern": r"^(?!tmp_)\w+$"}, "name", "tmp_name"),
    ({"patternProperties": {r"^\p{L}+$": {"type": "integer"}}, "additionalProperties": False}, {"é": 1}, {"é1": 1}),
    ({"patternProperties": {r"^\p{L}+$": {"type": "integer"}}}, {"é1": "x"}, {"é": "x"}),
    ({"patternProperties": {"^x": {}}, "additionalProperties": {"type": "null"}}, {"x": 1, "y": None}, {"y": 1}),
])
def test_patterns_of_a_schema_are_ecmas(schema: Any, right: Any, wrong: Any) -> None:
    contract = contract_of(schema)
    assert contract.validate(right).ok
    assert not contract.validate(wrong).ok

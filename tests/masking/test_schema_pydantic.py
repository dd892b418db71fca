"""What pydantic makes of Python types goes through, and gives back values of those types."""

from __future__ import annotations

import datetime
import enum
import json
import random
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary
from trellis.schema.types import adapter_of, json_schema_of

PIECES = ["{", "}", "[", "]", '"', '":', '", "', ",", ":", "null", "true", "false", "1", "42", "-", ".5", "a", "é",
          "2024-", "01-", "T12:", "00", "Z", "red", " ", '"kind"', "\\n"]
VOCABULARY = Vocabulary([*(piece.encode() for piece in PIECES), *(bytes([byte]) for byte in range(256)), b"<end>"],
                        special_ids=[len(PIECES) + 256], eos_ids=[len(PIECES) + 256])

ENDINGS = [VOCABULARY.eos_ids[0], *map(VOCABULARY.tokens.index, (b'"', b"}", b"]", b"null", b"0", b"1"))]


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"
    NONE = None


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Address(BaseModel):
    street: Annotated[str, Field(min_length=1, max_length=40)]
    zip: Annotated[str, Field(pattern=r"^\d{5}$")]


class Person(BaseModel):
    """A person."""

    name: str = Field(description="full name", max_length=20)
    age: Annotated[int, Field(ge=0, lt=150)]
    score: Annotated[float, Field(gt=0, le=1)] = 0.5
    email: Optional[str] = None  # noqa: UP045
    address: Address
    tags: Annotated[list[str], Field(max_length=3)] = []
    color: Color = Color.RED
    level: Level
    mode: Literal["fast", "slow", 3]
    counts: dict[str, int] = {}


class Node(BaseModel):
    value: int
    children: list[Node] = []
    parent: Node | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    other: Cat | Dog | None


class Event(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at: datetime.datetime
    day: datetime.date
    id: uuid.UUID
    took: datetime.timedelta
    pair: tuple[int, str]
    matrix: list[list[float]]


CASES: list[tuple[Any, list[Any]]] = [
    (Person, [Person(name="Zoë", age=1, address=Address(street="x", zip="12345"), level=Level.HIGH, mode=3),
              Person(name="A", age=149, score=1e-7, email="?", address=Address(street="x", zip="00000"),
                     tags=["a", "b"], color=Color.NONE, level=Level.LOW, mode="fast", counts={"a": 1, "": -5})]),
    (Node, [Node(value=1), Node(value=1, children=[Node(value=2, children=[Node(value=3)])], parent=Node(value=4))]),
    (Owner, [Owner(pet=Cat(kind="cat", lives=9), other=None),
             Owner(pet=Dog(kind="dog", tricks=["sit"]), other=Cat(kind="cat", lives=1))]),
    (Event, [Event(at=datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC), day=datetime.date(2024, 2, 29),
                   id=uuid.UUID(int=5), took=datetime.timedelta(days=1, seconds=5), pair=(1, "a"),
                   matrix=[[1.5], []])]),
    (list[int], [[], [1, 2]]),
    (dict[str, list[bool]], [{}, {"a": [True]}]),
    (Union[int, str, None], [1, "a", None]),  # noqa: UP007
    (Literal["a", 1, True], ["a", 1, True]),
    (Annotated[int, Field(gt=-5, le=5)], [-4, 5]),
    (tuple[int, ...], [(), (1, 2)]),
    (Color, [Color.RED, Color.NONE]),
    (bool, [True]),
]
IDS = [str(getattr(case[0], "__name__", case[0])) for case in CASES]


def grammar_of(output_type: Any) -> Grammar:
    return Grammar.from_json_schema(json_schema_of(adapter_of(output_type), "Answer"))


@pytest.mark.parametrize(("output_type", "values"), CASES, ids=IDS)
def test_values_of_the_type_are_accepted_as_pydantic_and_json_spell_them(output_type: Any, values: list[Any]) -> None:
    grammar = grammar_of(output_type)
    adapter = TypeAdapter(output_type)
    for value in values:
        text = adapter.dump_json(value).decode()
        assert grammar.accepts(text, engine="reference"), text
        assert grammar.accepts(json.dumps(json.loads(text)), engine="reference") or not text.isascii()


@pytest.mark.parametrize("output_type", [case[0] for case in CASES], ids=IDS)
def test_masked_random_walks_end_in_values_of_the_type(output_type: Any) -> None:
    compiled = grammar_of(output_type).compile(VOCABULARY, engine="reference")
    adapter = TypeAdapter(output_type)
    for seed in range(3):
        chooser = random.Random(seed)
        matcher = compiled.matcher()
        text = b""
        for step in range(500):
            ids = list(range(len(VOCABULARY)))
            chooser.shuffle(ids)
            if step >= 25:  # time to come to an end
                ids = ENDINGS + ids
            token = next(token for token in ids if matcher.accept(token))
            if matcher.finished:
                break
            text += VOCABULARY.tokens[token]
        assert matcher.finished, text
        adapter.validate_json(text)


@pytest.mark.parametrize(("output_type", "text"), [
    (Person, '{"name":"A","age":150,"address":{"street":"x","zip":"12345"},"level":1,"mode":"fast"}'),
    (Person, '{"name":"A","age":15,"address":{"street":"","zip":"12345"},"level":1,"mode":"fast"}'),
    (Person, '{"name":"A","age":15,"address":{"street":"x","zip":"12345"},"level":3,"mode":"fast"}'),
    (Owner, '{"pet":{"kind":"cat","tricks":[]},"other":null}'),
    (Node, '{"value":1,"child":[]}'),
    (tuple[int, str], '[1]'),
    (Annotated[Decimal, Field(gt=0, max_digits=3)], '-1'),
])
def test_other_texts_are_refused(output_type: Any, text: str) -> None:
    assert not grammar_of(output_type).accepts(text, engine="reference")

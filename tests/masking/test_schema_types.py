"""Any Python type: its values are accepted as json.dumps spells them, and what masks allow is a value of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import ipaddress
import json
import os
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    UUID4,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    NaiveDatetime,
    TypeAdapter,
    create_model,
)
from tests.masking.portable_readers import TOKENS
from typing_extensions import TypedDict

from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary
from trellis.masking.walk import Walker
from trellis.schema.types import adapter_of, json_schema_of

pytest.importorskip("trellis_kernel")

VOCABULARY = Vocabulary(TOKENS, special_ids=[256], eos_ids=[256])
SETTINGS = settings(max_examples=int(os.environ.get("TYPES_EXAMPLES", "15")), deadline=None,
                    suppress_health_check=list(HealthCheck))
NAMES = ["a", "b", "kind_"]


class Typed(NamedTuple):
    """A type, and a strategy for its values."""

    type: Any
    values: st.SearchStrategy[Any]


class Color(enum.Enum):
    RED = "red"
    ONE = 1
    HALF = 0.5
    NONE = None


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 20


class Word(enum.StrEnum):
    YES = "yes"
    NO = 'n"o'


def utc(seconds: int) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(minutes=seconds))


ZONED = st.datetimes(timezones=st.integers(-23 * 60, 23 * 60).map(utc))
SCALARS = [
    Typed(int, st.integers()),
    Typed(float, st.floats(allow_nan=False, allow_infinity=False)),
    Typed(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
    Typed(bool, st.booleans()),
    Typed(None, st.none()),
    Typed(Color, st.sampled_from(Color)),
    Typed(Level, st.sampled_from(Level)),
    Typed(Word, st.sampled_from(Word)),
    Typed(Literal["x", 1, True, None], st.sampled_from(["x", 1, True, None])),
    Typed(datetime.date, st.dates()),
    Typed(datetime.datetime, st.one_of(ZONED, st.datetimes())),
    Typed(AwareDatetime, ZONED),
    Typed(NaiveDatetime, st.datetimes()),
    Typed(datetime.time, st.times(timezones=st.one_of(st.none(), st.integers(-23 * 60, 23 * 60).map(utc)))),
    Typed(datetime.timedelta, st.timedeltas(datetime.timedelta(-999_734_000), datetime.timedelta(999_734_000))),
    Typed(ipaddress.IPv4Address, st.ip_addresses(v=4)),
    Typed(ipaddress.IPv4Network, st.integers(0, 32).flatmap(lambda bits: st.ip_addresses(v=4).map(
        lambda it: ipaddress.IPv4Network((int(it) >> bits << bits, 32 - bits))))),
    Typed(ipaddress.IPv6Interface, st.ip_addresses(v=6).map(ipaddress.IPv6Interface)),
    Typed(UUID4, st.uuids(version=4)),
    Typed(Base64Bytes, st.binary(max_size=9)),
    Typed(HttpUrl, st.sampled_from(["http://a", "https://a.b-c.de:443/x?y=1#z", "http://127.0.0.1/"]).map(HttpUrl)),
    Typed(uuid.UUID, st.uuids()),
    Typed(Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Typed(Annotated[Decimal, Field(max_digits=5, decimal_places=2)], st.decimals(-999, 999, places=2)),
    Typed(Annotated[Decimal, Field(max_digits=4)], st.decimals(-99, 99, places=2)),
    Typed(Annotated[Decimal, Field(decimal_places=3)], st.decimals(-10**6, 10**6, places=3)),
    Typed(Annotated[int, Field(ge=-5, lt=300)], st.integers(-5, 299)),
    Typed(Annotated[int, Field(multiple_of=7)], st.integers(-1000, 1000).map(lambda it: it * 7)),
    Typed(Annotated[float, Field(gt=0, le=1)], st.floats(0, 1, exclude_min=True)),
    Typed(Annotated[str, Field(min_length=1, max_length=4)], st.text("aé\"\\\n😀", min_size=1, max_size=4)),
    Typed(Annotated[str, Field(pattern=r"^[A-Z]{2}\d+$")], st.from_regex(r"\A[A-Z]{2}[0-9]+\Z")),
]


KEYS = [
    Typed(int, st.integers()),
    Typed(Annotated[int, Field(ge=0)], st.integers(0)),
    Typed(float, st.floats(allow_nan=False, allow_infinity=False)),
    Typed(bool, st.booleans()),
    Typed(Level, st.sampled_from(Level)),
    Typed(Word, st.sampled_from(Word)),
    Typed(Literal["x", 2], st.just("x")),
    Typed(datetime.date, st.dates()),
    Typed(uuid.UUID, st.uuids()),
    Typed(Annotated[str, Field(pattern="^[ab]", min_length=2)], st.text("abc", min_size=1).map("a".__add__)),
]


SETS = [KEYS[0], KEYS[3], KEYS[4], KEYS[5], KEYS[7], SCALARS[2]]


def json_of(value: Any) -> bytes:
    return TypeAdapter(Any).dump_json(value)


def records(fields: list[tuple[str, Typed, bool]], kind: str) -> Typed:
    """A class with fields, some of which may be left out."""
    values = {name: inner.values for name, inner, needed in fields if needed}
    optional = {name: inner.values for name, inner, needed in fields if not needed}
    if kind == "model":
        made: Any = create_model("Model", **{name: (inner.type, ... if needed else None)  # type: ignore[call-overload]
                                             for name, inner, needed in fields})
        return Typed(made, st.fixed_dictionaries(values).map(lambda it: made.model_construct(**it)))
    if kind == "aliased":
        made = create_model("Aliased", __config__=ConfigDict(extra="forbid", populate_by_name=True), **{  # type: ignore
            name: (inner.type, Field(..., alias=f"the {name}")) for name, inner, _ in fields})
        return Typed(made, st.fixed_dictionaries(values | optional).map(lambda it: made.model_construct(**it)))
    if kind == "dataclass":
        made = dataclasses.make_dataclass("Record", [(name, inner.type) for name, inner, _ in fields])
        return Typed(made, st.fixed_dictionaries(values | optional).map(lambda it: made(**it)))
    made = TypedDict("Row", {name: inner.type if needed else NotRequired[inner.type]  # type: ignore[misc, valid-type]
                             for name, inner, needed in fields})
    return Typed(made, st.fixed_dictionaries(values, optional=optional))


def collections(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    fields = st.lists(st.tuples(st.sampled_from(NAMES), inner, st.booleans()), min_size=1, max_size=3,
                      unique_by=lambda field: field[0])
    return st.one_of(
        inner.map(lambda it: Typed(list[it.type], st.lists(it.values, max_size=3))),  # type: ignore[name-defined]
        inner.map(lambda it: Typed(dict[str, it.type],  # type: ignore[name-defined]
                                   st.dictionaries(st.text("ab\"é", max_size=3), it.values, max_size=3))),
        st.tuples(st.sampled_from(KEYS), inner).map(lambda it: Typed(
            dict[it[0].type, it[1].type],  # type: ignore[name-defined]
            st.dictionaries(it[0].values, it[1].values, max_size=2))),
        st.sampled_from(SETS).flatmap(lambda it: st.sampled_from([set, frozenset]).map(
            lambda kind: Typed(kind[it.type], st.lists(it.values, max_size=3, unique_by=json_of)))),  # type: ignore[index]
        st.tuples(inner, inner).map(lambda it: Typed(tuple[it[0].type, it[1].type],  # type: ignore[name-defined]
                                                     st.tuples(it[0].values, it[1].values))),
        st.tuples(inner, inner).map(lambda it: Typed(it[0].type | it[1].type if it[0].type is not None or it[1].type
                                                     is not None else None, it[0].values)),
        st.tuples(fields, st.sampled_from(["model", "aliased", "dataclass", "typed dict"])).map(
            lambda it: records(*it)),
    )


@st.composite
def types(draw: st.DrawFn, depth: int = 2) -> Typed:
    """A scalar, or a collection of types that are less deep."""
    return draw(st.one_of(st.sampled_from(SCALARS), *([collections(types(depth - 1))] if depth else [])))


def grammar_of(output_type: Any) -> Grammar:
    return Grammar.from_json_schema(json_schema_of(adapter_of(output_type), "Answer"), property_order="any")


@SETTINGS
@given(types(), st.data())
def test_values_are_accepted_as_pydantic_and_json_spell_them(typed: Typed, data: st.DataObject) -> None:
    text = TypeAdapter(typed.type).dump_json(data.draw(typed.values), by_alias=True, exclude_unset=True,
                                            warnings=False).decode()
    value = json.loads(text)
    grammar = grammar_of(typed.type)
    assert grammar.accepts(text), text
    assert grammar.accepts(json.dumps(value, ensure_ascii=False)), value


@SETTINGS
@given(types(), st.integers(0, 1000))
def test_what_masks_allow_is_a_value(typed: Typed, seed: int) -> None:
    walker = Walker(grammar_of(typed.type).compile(VOCABULARY), seed)
    adapter = TypeAdapter(typed.type)
    for _ in range(3):
        text = walker.text(80)
        adapter.validate_json(text)


class Tree(BaseModel):
    value: int
    left: Tree | None = None
    others: dict[str, Tree] = {}


def test_recursive_models_too() -> None:
    tree = Tree(value=1, left=Tree(value=2, others={"x": Tree(value=3)}))
    assert grammar_of(Tree).accepts(tree.model_dump_json())
    walker = Walker(grammar_of(Tree).compile(VOCABULARY), 3)
    for _ in range(5):
        Tree.model_validate_json(walker.text(120))

"""Masks of YAML and CSV for typed values: what they allow reads back, with ruamel, PyYAML and csv, as what is valid."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from ruamel.yaml import YAML

from trellis import Csv, Yaml, generate_structured
from trellis.contract import contract_of
from trellis.errors import UnsupportedError
from trellis.masking.vocabulary import Vocabulary
from trellis.masking.walk import Walker
from trellis.models.nano.model import NanoModel
from trellis.schema import yaml_text

pytest.importorskip("trellis_kernel")


@cache
def nano() -> Vocabulary:
    return NanoModel().vocabulary


class Color(Enum):
    red = "red"
    yes = "yes"
    version = "1.10"
    sentence = "a: b # c"


class Item(BaseModel):
    name: str
    qty: int = Field(ge=0, le=99)
    price: float | None = None
    tags: list[str] = []


class Order(BaseModel):
    id: int
    color: Color
    items: list[Item] = Field(min_length=1, max_length=3)
    grid: list[list[float]] = []
    note: str | int | bool | None = None
    code: Annotated[str, Field(pattern="^[A-Z]{2}-[0-9]+$")]
    short: Annotated[str, Field(max_length=5)] = ""


class Tree(BaseModel):
    label: str
    children: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


FIXED = {"type": "array", "prefixItems": [{"const": {"a": [1, {"b": "no"}], "c d": {}}},
                                          {"enum": [1.5, "x: y", [], {}]}],
         "items": False, "minItems": 2}
TYPES: list[Any] = [int, float, str, bool, list[int], list[list[str]], Order, Tree, list[Item], Cat | Dog,
                    list[Cat | Dog], Literal["a", "no", 3, None], FIXED, {"type": "number", "minimum": 0, "maximum": 1},
                    {"type": "integer", "exclusiveMinimum": -3}, {"type": "string", "format": "date"},
                    {"type": "integer", "multipleOf": 15}, {"type": "number", "multipleOf": 0.25, "minimum": -3},
                    {"type": "string", "format": "uri"}, {"type": "string", "pattern": "[^a-z]", "maxLength": 6},
                    {"type": "string", "minLength": 2, "not": {"pattern": "^[ -~]*$"}}]


def data(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def check_texts(schema_or_type: Any, seed: int, texts: int) -> None:
    contract = contract_of(Yaml(schema_or_type))
    walker = Walker(contract.grammar().compile(nano()), seed)
    for _ in range(texts):
        text = walker.text(70).decode()
        value = contract.read(text, "off").value  # the standard reading, nothing repaired
        assert contract.validate(value).ok, text
        assert data(text) == value, text


@pytest.mark.parametrize("output_type", TYPES, ids=str)
def test_what_the_mask_allows_reads_back_as_a_valid_value(output_type: Any) -> None:
    check_texts(output_type, seed=5, texts=20)


SCALARS = st.sampled_from([
    ({"type": "integer"}, st.integers(-10**12, 10**12)), ({"type": "boolean"}, st.booleans()),
    ({"type": "number"}, st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: "e" not in repr(x))),
    ({"type": "string"}, st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
    ({"type": ["string", "null"]}, st.sampled_from(["no", "null", "Null", "12", "a: b", "x #y", "é", " ", "", None])),
    ({"enum": ["a", "no", "1", 1, None, True]}, st.sampled_from(["a", "no", "1", 1, None, True])),
])


def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.lists(st.sampled_from(["a", "no", "first name", "b-c", "ü", "0", "x:"]), min_size=1, max_size=3,
                     unique=True)

    @st.composite
    def objects(draw: Any) -> Any:
        members = {name: draw(inner) for name in draw(names)}
        needed = [name for name in members if draw(st.booleans())]
        schema = {"type": "object", "properties": {name: member[0] for name, member in members.items()},
                  "required": needed, "additionalProperties": False}
        values = st.fixed_dictionaries({name: members[name][1] for name in members if name in needed},
                                       optional={name: members[name][1] for name in members if name not in needed})
        return schema, values.map(lambda value: {name: value[name] for name in members if name in value})

    @st.composite
    def arrays(draw: Any) -> Any:
        schema, values = draw(inner)
        low = draw(st.integers(0, 2))
        return {"type": "array", "items": schema, "minItems": low, "maxItems": 4}, st.lists(values, min_size=low,
                                                                                             max_size=4)

    return objects() | arrays()


SCHEMAS = st.recursive(SCALARS, extend, max_leaves=5)


@settings(deadline=None, max_examples=25)
@given(SCHEMAS, st.integers(0, 100))
def test_texts_of_any_schema_read_back(case: tuple[dict[str, Any], Any], seed: int) -> None:
    check_texts(case[0], seed, texts=3)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_the_contract_writes_is_allowed_and_means_the_same(draw: st.DataObject) -> None:
    schema, values = draw.draw(SCHEMAS)
    value = draw.draw(values)
    contract = contract_of(Yaml(schema))
    text = contract.write(value)
    assert contract.grammar().accepts(text), text
    assert contract.grammar().accepts(text + "\n"), text
    assert data(text) == value
    assert jsonschema.Draft202012Validator(schema).is_valid(data(text))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=10) | st.sampled_from(yaml_text.WORDS).map(str.title))
def test_the_quoting_rule_holds_for_readers_of_both_versions(text: str) -> None:
    versions = [data]
    try:
        import yaml
    except ImportError:
        pass
    else:
        versions.append(yaml.safe_load)
    for load in versions:
        assert load(yaml_text.scalar(text)) == text
        assert load(f"{yaml_text.key(text)}: 1") == {text: 1}


def test_a_type_that_contains_itself_goes_down_to_a_bound() -> None:
    grammar = contract_of(Yaml(Tree)).grammar()

    def nested(levels: int) -> str:
        value: dict[str, Any] = {"label": "x"}
        for _ in range(levels):
            value = {"label": "x", "children": [value]}
        return contract_of(Yaml(Tree)).write(value)

    assert grammar.accepts(nested(5))
    assert not grammar.accepts_prefix(nested(6))
    assert not grammar.accepts("label: x\nchildren:\n- label: y")  # two blanks inside the key
    assert not grammar.accepts_prefix("label: x\nlabel")


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema, "minItems": 1}
    return schema


def test_as_many_levels_as_are_stated() -> None:
    assert contract_of(Yaml(deep(12))).grammar().accepts("- " * 12 + "1")


@pytest.mark.parametrize(("output_type", "message"), [
    (dict[str, int], "a name comes twice"),
    ({"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}}, "contains"),
    ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "no value"),
    (deep(13), "12 levels"),
], ids=["dict", "contains", "endless", "deep"])
def test_what_cannot_be_masked_is_an_error(output_type: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        contract_of(Yaml(output_type)).grammar()


def test_a_dictionary_is_masked_when_relaxed() -> None:
    grammar = contract_of(Yaml(dict[str, int])).grammar("relax")
    assert [relaxation.pointer for relaxation in grammar.relaxations] == [""]
    assert grammar.accepts('a: 1\n"b c": 2')
    assert not grammar.accepts_prefix("a: x")
    assert not grammar.accepts_prefix("no:")


def test_dictionaries_of_no_name_or_one_need_no_count() -> None:
    empty = {"type": "object", "additionalProperties": False}
    assert contract_of(Yaml(empty)).grammar().accepts("{}")
    assert not contract_of(Yaml(empty)).grammar().accepts_prefix("a")
    one = {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1}
    assert contract_of(Yaml(one)).grammar().accepts("a: 1")
    assert not contract_of(Yaml(one)).grammar().accepts_prefix("a: 1\nb")
    with pytest.raises(UnsupportedError, match="names"):
        contract_of(Yaml({**one, "propertyNames": {"pattern": "^b"}})).grammar()


def test_a_model_is_masked_to_yaml() -> None:
    result = generate_structured("Extract the item: three red pens at 1.20", Yaml(Item), model="trellis/nano",
                                 mode="mask")
    assert result.enforced == "mask"
    assert isinstance(result.value, Item)
    assert data(result.raw)["name"] == result.value.name


# CSV
# -------------------------------------------------------------------------------------------------------

class Row(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    color: Color | None = None
    ok: bool
    score: float | None = None


class Sparse(BaseModel):
    a: str | None = None
    b: int | None = None


class Text(BaseModel):
    text: str


class Exact(BaseModel):
    code: str = Field(pattern=r"^[A-Z]{2}-\d+$")
    day: date | None
    note: str = Field(min_length=2, max_length=5)
    step: int = Field(multiple_of=5)
    quoted: str = Field(pattern='^".*,$', max_length=20)
    price: Decimal = Field(max_digits=5, decimal_places=2)


@pytest.mark.parametrize("row", [Row, Sparse, Text, Exact])
def test_rows_that_the_mask_allows_read_back(row: type[BaseModel]) -> None:
    contract = contract_of(Csv(row))
    walker = Walker(contract.grammar().compile(nano()), seed=11)
    rows = 0
    for _ in range(25):
        text = walker.text(70).decode()
        found = contract.read(text, "off")
        assert contract.validate(found.value).ok, text
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert tuple(header) == contract.columns  # type: ignore[attr-defined]
        assert len(found.value) == len(lines)
        for cells, value in zip(lines, found.value, strict=True):
            for cell, (name, member) in zip(cells, value.items(), strict=True):
                assert (cell == member) if isinstance(member, str) else (member is None) == (cell == ""), (text, name)
        rows += len(lines)
    assert rows > 3


def test_what_the_contract_writes_as_csv_is_allowed() -> None:
    contract = contract_of(Csv(Row))
    rows = [{"name": 'a "b", c', "age": 3, "color": "yes", "ok": True, "score": 1.5},
            {"name": "", "age": 0, "color": None, "ok": False, "score": None}]
    assert contract.grammar().accepts(contract.write(rows))
    assert not contract.grammar().accepts("name,age,color,ok,score\nx,151,,true,")
    assert not contract.grammar().accepts("name,age,color,ok,score\nx,1,blue,true,")
    assert not contract_of(Csv(Sparse)).grammar().accepts("a,b\n,")  # readers drop a blank row


def test_a_cell_has_what_its_type_says() -> None:
    contract = contract_of(Csv(Exact))
    grammar = contract.grammar()
    assert not grammar.relaxations
    head = "code,day,note,step,quoted,price\n"
    row = 'AB-12,2024-02-29,"a,""",15,"""x,",1.50'
    assert grammar.accepts(head + row)
    assert grammar.accepts(head + row.replace("2024-02-29", ""))
    for right, wrong in [("AB", "A"), ("02-29", "02-30"), ('"a,"""', "a"), ('"a,"""', "abcdef"), ("15", "16"),
                         ('"""x,"', "x"), ("1.50", "1.505")]:
        text = head + row.replace(right, wrong, 1)
        assert not grammar.accepts(text), wrong
        assert not contract.validate(contract.read(text, "off").value).ok

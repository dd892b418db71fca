"""Partial values of CSV and YAML. The oracle is the reading of the whole answer."""

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

import trellis
from trellis import Csv, Retry, ScriptedModel, Yaml, stream_structured
from trellis.contract import contract_of
from trellis.repair import StreamRepairer

TEXTS = st.text(st.sampled_from('ab ,;"\n:#-é1'), min_size=1, max_size=7).map(str.strip).filter(bool)


class Line(BaseModel):
    product: str
    note: str | None
    count: int


class Order(BaseModel):
    customer: str
    lines: list[Line]
    version: str
    tags: list[str] = []


LINES = st.builds(Line, product=TEXTS, note=st.none() | TEXTS, count=st.integers(-9, 99))
ORDERS = st.builds(Order, customer=TEXTS, lines=st.lists(LINES, max_size=3), tags=st.lists(TEXTS, max_size=2),
                   version=st.sampled_from(["1.10", "no", "x"]))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), before=st.sampled_from(["", "Sure, here it is:\n```\n"]),
       after=st.sampled_from(["\n", "\n```\nDone."]), kind=st.sampled_from(["csv", "members", "items"]))
def test_parts_are_those_of_the_whole(data: st.DataObject, before: str, after: str, kind: str) -> None:
    output_type: Any = {"csv": Csv(Line), "members": Yaml(Order), "items": Yaml(list[Line])}[kind]
    value = data.draw(ORDERS if kind == "members" else st.lists(LINES, min_size=1, max_size=4))
    contract = contract_of(output_type)
    text = before + contract.write(value) + after
    assume(not re.search(r'(?<![\w\\])[A-Za-z]:\\', text))  # in damaged text "b:\n1" is taken for a path, and flagged
    whole = contract.read(text).value
    stream, seen = StreamRepairer(contract.schema, format=contract.format), []  # type: ignore[arg-type]
    while text:
        piece, text = text[: (size := data.draw(st.integers(1, 30)))], text[size:]
        for part in stream.feed(piece):
            step = part.pointer[1:].replace("~1", "/").replace("~0", "~")
            place = int(step) if isinstance(whole, list) else step
            assert part.value == stream.value[place] == whole[place]
            seen.append(place)
    places = list(whole) if isinstance(whole, dict) else list(range(len(whole)))
    assert seen == places[: len(seen)]
    assert len(seen) >= len(places) - 1


@pytest.mark.parametrize(("output_type", "text", "parts"), [
    (Csv(Line), "note;count;product\n;3;tea\nhot;1;\"milk\nwhite\"\n", 2),
    (Csv(Line), "product,note,count\ntea,,many\nmilk,,1\n", 0),  # no number: the whole text has to say
    (Csv(Line), "There is none.\n\n", None),
    (Yaml(list[Line]), "- product: tea\n  note: null\n  count: 3\n- product: milk\n  note:\n  count: 1\n", 1),
    (Yaml(Order), "customer: Ann\ncustomer: Bo\nversion: 1\nlines: []\n", 1),  # twice: the whole text has to say
    (Yaml(Order), "Note: I am not sure.\nversion: 1.10\ntags:\n- a\nlines: []\n", 2),
    (Yaml(dict[str, int]), "a: 1\nb: 2\nc: 3\n", 2),
])
def test_what_is_complete_by_then(output_type: Any, text: str, parts: int | None) -> None:
    contract = contract_of(output_type)
    stream = StreamRepairer(contract.schema, format=contract.format)  # type: ignore[arg-type]
    for character in text:
        stream.feed(character)
    found = stream.value
    assert (None if found is None else len(found)) == parts


def test_partial_values_are_of_the_type() -> None:
    order = "customer: Ann\nversion: 1.10\nlines:\n- product: tea\n  note: hot\n  count: 3\ntags: []\n"
    seen = list(stream_structured("x", Yaml(Order), model=ScriptedModel([order])))
    lines = [partial.value.lines for partial in seen if partial.data and partial.is_complete("/lines")]
    assert lines[0] == [Line(product="tea", note="hot", count=3)]
    assert {type(partial.value) for partial in seen if partial.data} == {Order}
    rows = list(stream_structured("x", Csv(Line), model=ScriptedModel(["product,note,count\ntea,hot,3\nmilk,,1\n"])))
    assert [Line(product="tea", note="hot", count=3)] in [partial.value for partial in rows]


def test_an_object_that_is_refused_is_shown_as_far_as_it_goes() -> None:
    class Refusing(Line):
        count: int = Field(ge=1)

    class Lines(BaseModel):
        lines: list[Refusing]
        more: str

    model = ScriptedModel(['{"lines":[{"product":"a","note":null,"count":0}],"more":"b"}'])
    parts = stream_structured("x", Lines, model=model, strategy=Retry(0))
    seen = []
    with pytest.raises(trellis.SchemaMismatchError):
        seen.extend(part.value for part in parts)
    assert [(line.product, line.count) for line in seen[-1].lines] == [("a", 0)]


@pytest.mark.parametrize(("level", "asked_early"), [("normal", True), ("salvage", False)])
def test_an_item_without_hope_ends_the_answer_unless_it_may_be_left_out(level: Any, asked_early: bool) -> None:
    text = "[1, 2, \"many\"," + " 4," * 40 + " 5]"
    model = ScriptedModel([text, "[1]"])
    seen = list(stream_structured("x", list[int], model=model, repair=level, strategy=Retry(1)))
    assert len(model.requests) == 1 + asked_early
    assert (len(seen[-1].result.attempts[0].raw) < 30) == asked_early  # type: ignore[union-attr]

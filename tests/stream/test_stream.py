"""Partial values: complete, monotone, typed; and answers that are given up early. The oracle is ``json``."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import trellis
from trellis import Csv, Partial, Regex, Retry, ScriptedModel, Session, Vote, errors, stream_structured
from trellis.models.base import Reply, Request
from trellis.repair import StreamRepairer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=12)
ROOTS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=5), VALUES, max_size=4)


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in parts:
        yield from paths(inner, (*at, step))
    yield at


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def steps_of(pointer: str | None, value: Any) -> tuple[str | int, ...] | None:
    """A pointer into a value as the keys and places on its way; the last may not be there yet."""
    steps: list[str | int] = []
    for step in [] if pointer is None else pointer.split("/")[1:]:
        steps.append(int(step) if isinstance(value, list) else step.replace("~1", "/").replace("~0", "~"))
        value = value[steps[-1]] if isinstance(value, list | dict) and _has(value, steps[-1]) else None
    return None if pointer is None else tuple(steps)


def _has(value: Any, step: Any) -> bool:
    return step < len(value) if isinstance(value, list) else step in value


def grows(before: Any, after: Any, open_: tuple[str | int, ...] | None, path: tuple[str | int, ...] = ()) -> bool:
    """Whether a later snapshot keeps what an earlier one had, and adds only on the way to what was open."""
    if open_ is None or path != open_[: len(path)]:
        return bool(before == after)
    if isinstance(before, str):
        return isinstance(after, str) and after.startswith(before)
    if isinstance(before, dict):
        return all(grows(value, after[key], open_, (*path, key)) for key, value in before.items())
    if isinstance(before, list):
        return all(grows(value, after[i], open_, (*path, i)) for i, value in enumerate(before))
    return before is None or bool(before == after)


@settings(max_examples=150, deadline=None)
@given(value=ROOTS, ascii_=st.booleans(), indent=st.sampled_from([None, 1]), data=st.data(),
       around=st.sampled_from([("", ""), ("Sure:\n```json\n", "\n```"), ("<think>a b</think> ", " Done.")]))
def test_whatever_the_pieces_the_repairer_says_what_json_says(
        value: Any, ascii_: bool, indent: int | None, data: Any, around: tuple[str, str]) -> None:
    text = around[0] + json.dumps(value, ensure_ascii=ascii_, indent=indent) + around[1]
    stream, completed = StreamRepairer(), []
    before, open_, kept = None, None, []
    while text:
        piece = text[: data.draw(st.integers(1, 9))]
        text = text[len(piece):]
        new = [steps_of(part.pointer, value) for part in stream.feed(piece)]
        snapshot = stream.value
        if before is not None:
            assert grows(before, snapshot, open_)
        for path in new:
            assert path is not None
            assert at(snapshot, path) == at(value, path)
        completed += new
        kept.append((stream.snapshot(), json.dumps(snapshot)))
        before, open_ = snapshot, steps_of(stream.open, snapshot)
    assert stream.done
    assert stream.value == value
    assert sorted(map(repr, completed)) == sorted(map(repr, paths(value)))
    assert [json.dumps(one.value()) for one, _ in kept] == [written for _, written in kept]


class Line(BaseModel):
    product: str
    price: float


class Order(BaseModel):
    customer: str
    lines: list[Line]
    note: str | None = None


ORDER = Order(customer="Ann Müller", lines=[Line(product="tea", price=1.5), Line(product="jam", price=2)], note="soon")
TEXT = ORDER.model_dump_json()


def partials(answers: list[Any], output_type: Any = Order, **arguments: Any) -> list[Partial[Any]]:
    return list(stream_structured("x", output_type, model=ScriptedModel(answers), **arguments))


def test_a_value_as_it_is_written() -> None:
    seen = partials([TEXT])
    assert seen[-1].result is not None
    assert seen[-1].value == seen[-1].result.value == ORDER
    middle = next(one for one in seen if one.data and len(one.data.get("lines", [])) == 2)
    assert middle.is_complete("/customer")
    assert middle.is_complete("/lines/0")
    assert not middle.is_complete("/lines")
    assert not middle.is_complete("/note")
    assert not middle.is_complete("")
    assert isinstance(middle.value, Order)
    assert middle.value.lines[0] == Line(product="tea", price=1.5)
    assert isinstance(middle.value.lines[1], Line)
    assert "note" not in middle.value.model_fields_set
    assert all(one.is_complete("/customer") for one in seen[seen.index(middle):])
    assert "".join(one.text for one in seen[-1:]) == TEXT
    begun = next(one for one in seen if one.data)
    assert "Ann Müller".startswith(begun.data["customer"])


def test_async_is_the_same() -> None:
    async def collect() -> list[Partial[Any]]:
        return [one async for one in trellis.astream_structured("x", Order, model=ScriptedModel([TEXT]))]

    key = [(one.text, one.data, one.open) for one in asyncio.run(collect())]
    assert key == [(one.text, one.data, one.open) for one in partials([TEXT])]


@pytest.mark.parametrize(("output_type", "answer", "value"), [
    (list[int], "[1, 22, 333]", [1, 22, 333]), (int, "42", 42), (Regex("a+"), "aaaaaaaa", "aaaaaaaa"),
    (Csv(Line), "product,price\ntea,1.5", [Line(product="tea", price=1.5)]),
    ({"type": "array"}, "Sure: [1, {'a': 2}]", [1, {"a": 2}]),
])
def test_other_types(output_type: Any, answer: str, value: Any) -> None:
    seen = partials([answer], output_type)
    assert seen[-1].value == value
    assert len(seen) > 1
    assert all(answer.startswith(one.text) for one in seen)


def test_an_answer_without_hope_is_not_waited_for() -> None:
    hopeless = '{"lines": {"a": []}, "customer": [' + '{"product": "tea", "price": 1},' * 50
    model = ScriptedModel([hopeless, TEXT])
    seen = list(stream_structured("x", Order, model=model))
    assert seen[-1].value == ORDER
    first = seen[-1].result.attempts[0]  # type: ignore[union-attr]
    assert (first.failure, first.errors[0].pointer) == ("schema", "/lines")
    assert len(first.raw) < 50
    assert "/lines" in model.requests[1].messages[-1].content
    assert {one.attempt for one in seen} == {0, 1}


@pytest.mark.parametrize("answer", [
    '{"customer": "Ann", "lines": [{"product": "tea", "price": "1.5"}]}',  # repair makes a number of it
    '{"customer": "Ann", "lines": [], "note": 5}', '{"customer": 12, "lines": []}',
])
def test_what_repair_can_mend_is_waited_for(answer: str) -> None:
    wanted = trellis.generate_structured("x", Order, model=ScriptedModel([answer])).value
    assert partials([answer])[-1].value == wanted


def test_failures_are_those_of_a_call() -> None:
    with pytest.raises(trellis.UnrepairableError) as caught:
        partials(["hm", "ha", "no"])
    assert len(caught.value.attempts) == 3
    with pytest.raises(trellis.AuthenticationError):
        partials([errors.AuthenticationError("no")])
    assert partials([errors.TransportError("gone"), TEXT])[-1].value == ORDER


class Broken(ScriptedModel):
    """Its streams break off: without an error, or with one."""

    error: Exception | None = None

    def stream(self, request: Request) -> Any:
        for piece in super().stream(request):
            if isinstance(piece, Reply):
                if self.error is not None:
                    raise self.error
                return
            yield piece


@pytest.mark.parametrize("error", [None, RuntimeError("cut"), errors.TransportError("cut")])
def test_a_stream_that_breaks_off_is_an_error(error: Exception | None) -> None:
    model = Broken([TEXT])
    model.error = error
    with pytest.raises(trellis.ModelError):
        list(stream_structured("x", Order, model=model, strategy=Retry(0)))


def test_what_cannot_be_streamed_gives_the_last_partial(tmp_path: Any) -> None:
    assert len(partials([TEXT] * 3, strategy=Vote(3))) == 1
    session = Session(model=ScriptedModel([TEXT]), cache=tmp_path / "c.sqlite")
    assert [one.value for one in stream_structured("x", Order, session=session)] == [ORDER]
    [only] = stream_structured("x", Order, model=lambda prompt: TEXT)
    assert only.value == ORDER


def test_the_built_in_model_streams_the_same_answer() -> None:
    model = trellis.models.resolve_model("trellis/nano")
    prompt, sampling = "Extract the contact: Ann Lee, +34 555 0182.", trellis.Sampling(temperature=1, seed=3)
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "phone": {"type": "string"}},
              "required": ["name", "phone"]}
    settings_ = {"model": model, "mode": "prompt", "sampling": sampling, "strategy": Retry(3)}
    seen = list(stream_structured(prompt, schema, **settings_))
    whole = trellis.generate_structured(prompt, schema, **settings_)
    assert seen[-1].value == whole.value
    assert seen[-1].text == whole.raw
    assert len(seen) > 3


def test_giving_up_a_stream_closes_it() -> None:
    closed = []

    class Watched(ScriptedModel):
        def stream(self, request: Request) -> Any:
            try:
                yield from super().stream(request)
            finally:
                closed.append(True)

    rows = stream_structured("x", Order, model=Watched([TEXT]))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert closed == [True]

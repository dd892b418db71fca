"""Answers of servers that are read while they are written, whole and broken."""

import asyncio
from typing import Any

import openai
import pytest

import trellis
from trellis import Message, OpenAIModel, Reply, Request
from trellis.testing import FakeServer, answer, broken_stream, error, hang, raw, refusal, tool_call

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {
    "type": "string"}}}, "required": ["name", "tags"], "additionalProperties": False}
TEXT = '{"name":"Ann Lee","tags":["kind","tall"]}'


def request(mode: Any = "native", **settings: Any) -> Request:
    return Request((Message("user", "Who?"),), mode, schema=SCHEMA, **settings)


def streamed(canned: Any, asked: Request, **settings: Any) -> list[str | Reply]:
    """Sync and async, which say the same."""
    async def collect(model: OpenAIModel) -> list[str | Reply]:
        return [piece async for piece in model.astream(asked)]

    with FakeServer([canned] * 2) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", **settings)
        pieces, again = list(model.stream(asked)), asyncio.run(collect(model))
    assert [piece for piece in pieces if isinstance(piece, str)] == [one for one in again if isinstance(one, str)]
    return pieces


@pytest.mark.parametrize(("mode", "canned"), [("native", answer(TEXT)), ("prompt", answer(TEXT)),
                                              ("tools", tool_call(TEXT))])
def test_pieces_and_then_the_reply(mode: Any, canned: Any) -> None:
    *pieces, reply = streamed(canned, request(mode))
    assert isinstance(reply, Reply)
    assert "".join(map(str, pieces)) == reply.text == TEXT
    assert len(pieces) > 3
    assert (reply.enforced, reply.finish, reply.usage.prompt_tokens) == (mode, "stop", 10)


def test_what_is_taken_out_again_is_not_shown_before() -> None:
    nullable = {**SCHEMA, "required": ["name"]}
    asked = Request((Message("user", "Who?"),), "native", schema=nullable)
    [reply] = streamed(answer('{"name":"Ann","tags":null}'), asked, dialect="openai")
    assert isinstance(reply, Reply)
    assert reply.text == '{"name":"Ann"}'


def test_a_protocol_without_streams_gives_one_piece() -> None:
    text, reply = streamed(answer(TEXT), request(), api="responses")
    assert text == TEXT
    assert isinstance(reply, Reply)


def test_refusals_and_limits_are_told_in_the_reply() -> None:
    [reply] = streamed(refusal("I cannot"), request())
    assert isinstance(reply, Reply)
    assert (reply.finish, reply.refusal, reply.text) == ("refusal", "I cannot", "")
    *_, cut = streamed(answer(TEXT[:20], finish="length"), request())
    assert isinstance(cut, Reply)
    assert cut.finish == "length"


@pytest.mark.parametrize(("canned", "kind"), [
    (broken_stream(answer(TEXT), 3), trellis.TransportError),
    (broken_stream(answer(TEXT), 0), trellis.TransportError),
    (broken_stream(answer(TEXT), 3, b'data: {"choices": [{"del\n\n'), trellis.TransportError),
    (broken_stream(answer(TEXT), 3, b'data: {"error": {"message": "out of memory"}}\n\n'), trellis.TransportError),
    (broken_stream(answer(TEXT), 2, b'data: 3\n\n'), trellis.TransportError),
    (broken_stream(answer(TEXT), 2, b'\xff\xfe\x00'), trellis.TransportError),
    (raw(b"<html>"), trellis.TransportError),
    (error(429, "slow down"), trellis.RateLimitError),
    (error(400, "maximum context length"), trellis.ContextLengthError),
    (error(401, "bad key"), trellis.AuthenticationError),
])
def test_streams_that_break(canned: Any, kind: type[Exception]) -> None:
    with FakeServer([canned]) as server, pytest.raises(kind):
        list(OpenAIModel("m", base_url=server.base_url, api_key="none").stream(request()))


def test_a_stream_that_hangs_is_left_in_time() -> None:
    with FakeServer([hang(20)]) as server, pytest.raises(trellis.TransportError, match="in time"):
        list(OpenAIModel("m", base_url=server.base_url, api_key="none").stream(request(timeout=0.2)))


def test_a_reader_may_go_away() -> None:
    with FakeServer([answer(TEXT), answer(TEXT)], models=["only"]) as server, openai.OpenAI(
            base_url=server.base_url, api_key="none") as client:
        model = OpenAIModel(client=client)
        pieces = model.stream(request())
        next(pieces)
        pieces.close()
        assert isinstance(list(model.stream(request()))[-1], Reply)

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


def of_responses(server: FakeServer) -> Any:
    return OpenAIModel("m", base_url=server.base_url, api_key="none", api="responses")


def of_messages(server: FakeServer) -> Any:
    pytest.importorskip("anthropic")
    from trellis.models.anthropic import AnthropicModel

    return AnthropicModel("m", base_url=server.base_url.removesuffix("/v1"), api_key="none")


def of_litellm(server: FakeServer) -> Any:
    pytest.importorskip("litellm")
    from trellis.models.litellm import LiteLLMModel

    return LiteLLMModel("openai/m", api_base=server.base_url, api_key="none", timeout=5)


def of_ollama(server: FakeServer) -> Any:
    pytest.importorskip("ollama")
    from trellis.models.ollama import OllamaModel

    return OllamaModel("m", host=server.base_url.removesuffix("/v1"))


OTHERS = [of_responses, of_messages, of_ollama, pytest.param(of_litellm, marks=pytest.mark.filterwarnings("ignore"))]


@pytest.mark.parametrize("make", OTHERS)
@pytest.mark.parametrize(("mode", "canned"), [
    ("native", answer(TEXT)), ("tools", tool_call(TEXT)), ("prompt", answer(TEXT))])
def test_other_protocols_stream_as_well(make: Any, mode: Any, canned: Any) -> None:
    async def collect(model: Any) -> list[str | Reply]:
        return [piece async for piece in model.astream(request(mode))]

    if make is of_ollama and mode == "tools":
        pytest.skip("Ollama's protocol cannot force a tool")
    with FakeServer([canned] * 3) as server:
        model = make(server)
        *pieces, reply = model.stream(request(mode))
        *again, last = asyncio.run(collect(model))
        [whole] = model.complete([request(mode)])
    assert "".join(pieces) == "".join(map(str, again)) == TEXT
    assert len(pieces) > 3
    assert isinstance(last, Reply)
    for said in (reply, last):
        assert (said.text, said.enforced, said.finish, said.usage.prompt_tokens, said.usage.completion_tokens) == (
            TEXT, whole.enforced, whole.finish, whole.usage.prompt_tokens, whole.usage.completion_tokens)
    assert server.requests[0]["stream"] is True


@pytest.mark.parametrize("make", OTHERS)
def test_other_protocols_streams_that_break_or_refuse(make: Any) -> None:
    script = [broken_stream(answer(TEXT), 4), error(429, "slow down"), refusal("I cannot"),
              answer(TEXT[:20], finish="length")]
    with FakeServer(script) as server:
        model = make(server)
        with pytest.raises(trellis.TransportError):
            list(model.stream(request("prompt")))
        with pytest.raises(trellis.RateLimitError):
            list(model.stream(request("prompt")))
        [*_, refused], [*_, cut] = (list(model.stream(request("prompt"))) for _ in range(2))
    assert refused.text == ("I cannot" if make is of_ollama else "")
    assert cut.finish == "length"
    if make not in (of_litellm, of_ollama):  # LiteLLM leaves refusals out of streams, Ollama's protocol has none
        assert refused.finish == "refusal"


@pytest.mark.parametrize("garbage", [b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
                                     b'"message":"busy"}}\n\n', b"data: 3\n\n", b'data: {"type"'])
@pytest.mark.parametrize("make", OTHERS[:3])
def test_garbage_in_other_protocols_streams(make: Any, garbage: bytes) -> None:
    with FakeServer([broken_stream(answer(TEXT), 4, garbage)]) as server, pytest.raises(trellis.ModelError):
        list(make(server).stream(request("prompt")))


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

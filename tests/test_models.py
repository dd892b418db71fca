"""Models: what names and objects stand for, functions, and OpenAI-compatible servers over real HTTP."""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import openai
import pytest
from pydantic import BaseModel

import trellis
from trellis import FunctionModel, OpenAIModel, Reply, Request, Sampling, ScriptedModel
from trellis.models import known_models, resolve_model
from trellis.models.lowering import lower
from trellis.schema.types import adapter_of, json_schema_of
from trellis.testing import FakeServer, answer, dropped, error, hang, rate_limited, raw, refusal, tool_call


class Person(BaseModel):
    name: str
    age: int


GOOD = '{"name":"Ann","age":30}'
ANN = Person(name="Ann", age=30)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRELLIS_MODEL", "OLLAMA_HOST", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def ask(server: FakeServer, **arguments: Any) -> trellis.Result[Person]:
    settings = {key: arguments.pop(key) for key in ("timeout", "dialect") if key in arguments}
    model = OpenAIModel("m", base_url=server.base_url, api_key="none", **settings)
    return trellis.generate_structured("Who is it?", Person, model=model, **arguments)


# Servers: each mode


@pytest.mark.parametrize(("mode", "canned", "sent"), [
    ("native", answer(GOOD), {"response_format"}),
    ("tools", tool_call(GOOD), {"tools", "tool_choice"}),
    ("json", answer(GOOD), {"response_format"}),
    ("prompt", answer(f"Here: {GOOD}"), set()),
])
def test_each_mode_over_http(mode: Any, canned: Any, sent: set[str]) -> None:
    with FakeServer([canned]) as server:
        sampling = Sampling(temperature=0, max_tokens=50, seed=3, stop=("\n\n",), top_k=5)
        result = ask(server, mode=mode, sampling=sampling)
    [body] = server.requests
    assert result.value == ANN
    assert result.enforced == mode
    assert set(body) - {"model", "messages", "temperature", "max_tokens", "seed", "stop", "top_k"} == sent
    assert [body[name] for name in ("temperature", "max_tokens", "seed", "stop", "top_k")] == [0, 50, 3, ["\n\n"], 5]
    assert body["messages"][0]["content"].startswith("Who is it?")
    assert (result.usage.calls, result.usage.prompt_tokens) == (1, 10)
    assert result.usage.seconds > 0
    if mode == "native":
        assert body["response_format"]["json_schema"]["schema"]["required"] == ["name", "age"]


def test_auto_takes_the_servers_schema_mode_and_async_is_the_same() -> None:
    async def both(server: FakeServer) -> list[Any]:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none")
        return await asyncio.gather(*(trellis.agenerate_structured("Who?", Person, model=model) for _ in range(3)))

    with FakeServer([answer(GOOD)] * 4) as server:
        assert ask(server).enforced == "native"
        results = asyncio.run(both(server))
    assert [result.value for result in results] == [ANN] * 3
    assert all(body["response_format"]["type"] == "json_schema" for body in server.requests)


def test_a_mode_that_the_server_refuses_gives_way_to_the_next_with_a_warning() -> None:
    with FakeServer([error(400, "response_format is not supported"), tool_call(GOOD)]) as server:
        result = ask(server)
    assert result.value == ANN
    assert result.enforced == "tools"
    assert [attempt.failure for attempt in result.attempts] == ["rejected", None]
    [warning] = result.warnings
    assert "'native' was refused" in warning
    assert "response_format is not supported" in warning


def test_a_mode_that_was_named_does_not_give_way() -> None:
    with FakeServer([error(400, "response_format is not supported")]) as server, \
            pytest.raises(trellis.RequestRejectedError, match="not supported") as caught:
        ask(server, mode="native")
    assert caught.value.status == 400
    assert len(server.requests) == 1


def test_a_server_that_ignores_the_schema_is_told_of() -> None:
    with FakeServer([answer('{"nome":"Ann"}'), answer(GOOD)]) as server:
        result = ask(server, mode="native")
    assert "may ignore the schema" in result.warnings[0]


def test_no_tool_call_is_recorded_as_not_enforced() -> None:
    with FakeServer([answer(GOOD)]) as server:
        result = ask(server, mode="tools")
    assert (result.value, result.enforced) == (ANN, "prompt")


def test_a_root_that_is_no_object_is_wrapped_for_tool_calls_and_unwrapped() -> None:
    with FakeServer([tool_call('{"value": [1, 2.50]}')]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none")
        result = trellis.generate_structured("x", list[float], model=model, mode="tools")
    assert result.value == [1, 2.5]
    assert result.raw == "[1, 2.50]"
    assert server.requests[0]["tools"][0]["function"]["parameters"]["required"] == ["value"]


# Servers: mishaps


def test_a_rate_limit_is_waited_for_once_and_only_by_us() -> None:
    with FakeServer([rate_limited(0.2), answer(GOOD)]) as server:
        started = time.monotonic()
        result = ask(server)
        assert time.monotonic() - started >= 0.2
    assert result.value == ANN
    assert len(server.requests) == 2
    assert [attempt.failure for attempt in result.attempts] == ["rate_limit", None]


@pytest.mark.parametrize(("canned", "kind", "words"), [
    (rate_limited(3600), trellis.RateLimitError, "429"),
    (error(429, "no credit", code="insufficient_quota"), trellis.RequestRejectedError, "no credit"),
    (error(401, "bad key"), trellis.AuthenticationError, "bad key"),
    (error(404, "no such model"), trellis.RequestRejectedError, "no such model"),
    (error(400, "context too long"), trellis.RequestRejectedError, "context too long"),
    (refusal("I cannot help with that."), trellis.RefusedError, "I cannot help"),
    (answer("", finish="content_filter"), trellis.RefusedError, "content filter"),
    (answer('{"name":"An', finish="length"), trellis.TruncatedError, "cut off"),
])
def test_what_asking_again_does_not_help_is_asked_once(canned: Any, kind: type[Exception], words: str) -> None:
    with FakeServer([canned, answer(GOOD)]) as server, pytest.raises(kind, match=words):
        ask(server, mode="json")
    assert len(server.requests) == 1


@pytest.mark.parametrize(("canned", "words"), [
    (error(500, "it broke"), "it broke"),
    (error(503, "busy", Retry_After="0.01"), "busy"),
    (dropped(), "broke off"),
    (raw(b'{"choices": ['), "cannot be read"),
    (raw(b"<html>proxy</html>"), "cannot be read"),
    (raw(b'{"choices": []}'), "cannot be read"),
    (raw(b"null"), "cannot be read"),
])
def test_what_may_work_later_is_asked_again(canned: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trellis.strategy.retry.BACKOFF", 0.01)
    with FakeServer([canned, answer(GOOD), canned, canned]) as server:
        assert ask(server).value == ANN
        with pytest.raises(trellis.TransportError, match=words) as caught:
            ask(server, strategy=trellis.Retry(1))
    assert len(caught.value.attempts) == 2
    assert caught.value.retryable


def test_a_server_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer([hang(30)]) as server, pytest.raises(trellis.TransportError, match="in time"):
        ask(server, timeout=0.2, strategy=trellis.Retry(0))
    with FakeServer([hang(30)] * 3) as server:
        started = time.monotonic()
        session = trellis.Session(model=OpenAIModel("m", base_url=server.base_url, api_key="none"),
                                  budget=trellis.Budget(seconds=0.3))
        with pytest.raises(trellis.BudgetError, match=r"0\.3 seconds"):
            trellis.generate_structured("x", Person, session=session)
        assert time.monotonic() - started < 5


def test_a_server_that_is_down() -> None:
    with FakeServer([]) as server:
        url = server.base_url
    with pytest.raises(trellis.TransportError, match="could not be reached") as caught:
        trellis.generate_structured("x", Person, model=OpenAIModel("m", base_url=url, api_key="none"),
                                    strategy=trellis.Retry(0))
    assert "base_url" in caught.value.hint


def test_a_cut_off_answer_is_asked_for_with_more_tokens() -> None:
    with FakeServer([answer('{"name":"An', finish="length"), answer(GOOD)]) as server:
        result = ask(server, sampling=Sampling(max_tokens=5))
    assert result.value == ANN
    assert [body["max_tokens"] for body in server.requests] == [5, 10]


# Servers: clients


def test_a_client_object_is_used_as_it_is_but_without_its_retries() -> None:
    with FakeServer([error(500), answer(GOOD), answer(GOOD)], models=["only"]) as server, \
            openai.OpenAI(base_url=server.base_url, api_key="secret", max_retries=5) as client:
        result = trellis.generate_structured("x", Person, model=client)
        assert asyncio.run(trellis.agenerate_structured("x", Person, model=client)).value == ANN
        assert client.max_retries == 5
    assert [attempt.failure for attempt in result.attempts] == ["transport", None]
    assert server.requests[0]["model"] == "only"
    assert server.headers[0]["authorization"] == "Bearer secret"


def test_an_async_client_is_for_async_calls() -> None:
    async def call(server: FakeServer) -> Any:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none") as client:
            with pytest.raises(trellis.CapabilityError, match="AsyncOpenAI"):
                trellis.generate_structured("x", Person, model=client)
            return await trellis.agenerate_structured("x", Person, model=client)

    with FakeServer([answer(GOOD)], models=["only"]) as server:
        assert asyncio.run(call(server)).value == ANN


def test_a_client_of_a_server_with_several_models_needs_a_name() -> None:
    with FakeServer([answer(GOOD)], models=["a", "b"]) as server, \
            openai.OpenAI(base_url=server.base_url, api_key="x") as client:
        with pytest.raises(trellis.UnknownModelError, match="a, b"):
            trellis.generate_structured("x", Person, model=client)
        assert trellis.generate_structured("x", Person, model=OpenAIModel("b", client=client)).value == ANN
    assert server.requests[0]["model"] == "b"


def test_several_requests_at_once_keep_their_order() -> None:
    with FakeServer([hang(0.2, answer('{"n":0}')), answer('{"n":1}')]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none")
        first = Request((trellis.Message("user", "x"),))
        started = time.monotonic()
        replies = model.complete([first, first])
        assert time.monotonic() - started < 2
    assert sorted(reply.text for reply in replies if isinstance(reply, Reply)) == ['{"n":0}', '{"n":1}']


@pytest.mark.parametrize("canned", [answer("Hello, world: a longer text"), tool_call('{"city":"Oslo","days":3}')])
def test_the_fake_server_streams_to_the_official_client(canned: Any) -> None:
    with FakeServer([canned]) as server, openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        text, finish, usage = "", None, None
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                text += "".join(call.function.arguments or "" for call in choice.delta.tool_calls or ())
                finish = choice.finish_reason or finish
    message = canned.body["choices"][0]["message"]
    assert text == (message["content"] or message["tool_calls"][0]["function"]["arguments"])
    assert finish == canned.body["choices"][0]["finish_reason"]
    assert usage.total_tokens > 10


# Strict schemas


def lowered(output_type: Any) -> Any:
    return lower(output_type if isinstance(output_type, dict) else json_schema_of(adapter_of(output_type), "T"))


class Profile(BaseModel):
    name: str
    nick: str = "none"
    note: str | None = None
    friends: "list[Profile]" = []


def test_strict_objects_are_closed_and_whole_and_nulls_are_taken_back() -> None:
    low = lowered(Profile)
    schema = low.schema
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "nick", "note", "friends"]
    assert schema["properties"]["nick"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert schema["properties"]["friends"]["anyOf"][0]["items"] == {"$ref": "#/$defs/Profile"}
    assert low.dropped == ()
    text = '{"name":"A","nick":null,"note":null,"friends":[{"name":"B","nick":null,"note":null,"friends":null}]}'
    assert json.loads(low.restore(text)) == {"name": "A", "note": None, "friends": [{"name": "B", "note": None}]}
    untouched = '{"name": "A", "nick": "x", "note": null, "friends": []}'
    assert low.restore(untouched) == untouched
    assert low.restore('{"name": "A", "nick": nu') == '{"name": "A", "nick": nu'


def test_what_strict_mode_does_not_know_is_dropped_and_reported() -> None:
    low = lowered({"type": "object", "properties": {
        "a": {"type": "string", "minLength": 3, "pattern": "x", "format": "uri"},
        "b": {"type": "array", "items": {"type": "integer", "minimum": 1}, "uniqueItems": True},
        "c": {"enum": ["x", 1, None]},
        "d": {"oneOf": [{"const": "x"}, {"type": "integer"}]},
    }, "required": ["a", "b", "c", "d"], "minProperties": 2, "title": "T"})
    assert set(low.dropped) == {"/minProperties", "/properties/a/minLength", "/properties/a/format",
                                "/properties/b/uniqueItems", "/properties/d/oneOf (sent as anyOf)"}
    properties = low.schema["properties"]
    assert properties["a"] == {"pattern": "x", "type": "string"}
    assert properties["c"] == {"enum": ["x", 1, None], "type": ["integer", "null", "string"]}
    assert properties["d"] == {"anyOf": [{"const": "x", "type": "string"}, {"type": "integer"}]}


@pytest.mark.parametrize(("schema", "pointer"), [
    ({"type": "object", "additionalProperties": {"type": "integer"}}, ""),
    ({"type": "object", "properties": {"a": {}}}, "/properties/a"),
    ({"type": "array", "items": {"type": "array"}}, "/items"),
    ({"allOf": [{"type": "object"}, {"type": "object"}]}, ""),
    ({"type": "object", "properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "string"}}}, "/properties/a"),
])
def test_shapes_without_a_strict_form_are_refused_with_their_place(schema: Any, pointer: str) -> None:
    with pytest.raises(trellis.UnsupportedError) as caught:
        lowered(schema)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("output_type", [
    list[Profile], int, Profile | Person, {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}},
])
def test_a_strict_root_is_an_object(output_type: Any) -> None:
    low = lowered(output_type)
    assert low.schema["type"] == "object"
    assert low.wrapped
    assert low.restore(' { "value" : [1,  2.0] } ') == "[1,  2.0]"
    assert low.restore('{"value":{"a":{"b":1}}}') == '{"a":{"b":1}}'
    assert low.restore('{"value":[1, ') == "[1,"


def test_a_strict_server_is_sent_the_subset_and_what_it_leaves_out_is_a_warning() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}, "b": {"type": "integer"}},
              "required": ["a"]}
    with FakeServer([answer('{"a":"xx","b":null}'), answer('{"a":"xxx","b":null}')]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", dialect="openai")
        result = trellis.generate_structured("x", schema, model=model)
    assert result.value == {"a": "xxx"}
    assert result.attempts[0].failure == "schema"
    assert result.warnings == ("the server does not enforce /properties/a/minLength; checked here",)


def test_free_keys_go_down_the_ladder_on_a_strict_server() -> None:
    with FakeServer([tool_call('{"a":1}')]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", dialect="openai")
        result = trellis.generate_structured("x", dict[str, int], model=model)
    assert result.enforced == "tools"
    assert "strict" not in server.requests[0]["tools"][0]["function"]
    assert len(server.requests) == 1
    assert result.usage.calls == 1
    assert len(result.warnings) == 2


# Names and objects


def test_names_with_slash_or_colon(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ollama")
    with FakeServer([answer(GOOD)] * 3) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OLLAMA_HOST", server.base_url.removeprefix("http://").removesuffix("/v1"))
        for name in ("openai/gpt-5.5", "openai:gpt-5.5", "ollama/llama3:8b"):
            assert trellis.generate_structured("x", Person, model=name).value == ANN
    assert [body["model"] for body in server.requests] == ["gpt-5.5", "gpt-5.5", "llama3:8b"]


def test_the_model_of_the_environment_and_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer([answer(GOOD)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("TRELLIS_MODEL", "openai/from-environment")
        trellis.generate_structured("x", Person)
    assert server.requests[0]["model"] == "from-environment"
    model = ScriptedModel([GOOD])
    assert trellis.generate_structured("x", Person, session=trellis.Session(model=model)).value == ANN


@pytest.mark.parametrize("name", ["nobody/home", "gpt-5.5", "", "openai/", "trellis/large"])
def test_an_unknown_name_lists_what_is_known(name: str) -> None:
    with pytest.raises(trellis.UnknownModelError) as caught:
        trellis.generate_structured("x", Person, model=name)
    assert all(known in str(caught.value) for known in known_models())


@pytest.mark.parametrize("model", [5, None, ScriptedModel, object()])
def test_what_is_no_model(model: Any) -> None:
    with pytest.raises(trellis.UnknownModelError, match="is no model"):
        resolve_model(model)


def test_a_key_is_needed_and_not_borrowed_from_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(trellis.AuthenticationError, match="openai") as caught:
        trellis.generate_structured("x", Person, model="openai/gpt-5.5")
    assert "OPENAI_API_KEY" in caught.value.hint
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with pytest.raises(trellis.AuthenticationError) as caught:
        trellis.generate_structured("x", Person, model="openrouter/some/model")
    assert "OPENROUTER_API_KEY" in caught.value.hint


def test_without_the_openai_package_the_extra_is_named() -> None:
    code = """
import sys; sys.modules["openai"] = None
import trellis
try:
    trellis.generate_structured("x", int, model="openai/gpt-5.5")
except trellis.MissingExtraError as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "trellis-llm[openai]" in done.stdout


# Functions


def takes_text(prompt: str) -> str:
    assert prompt.startswith("Who")
    return GOOD


def takes_request(request: Request) -> Reply:
    return Reply(GOOD, enforced=request.mode, usage=trellis.Usage(1, 5, 7))


async def takes_text_later(prompt: str) -> str:
    await asyncio.sleep(0)
    return GOOD


def test_functions_are_models() -> None:
    assert trellis.generate_structured("Who?", Person, model=takes_text).value == ANN
    result = trellis.generate_structured("Who?", Person, model=FunctionModel(takes_request, modes=("native", "prompt")))
    assert (result.value, result.enforced, result.usage.total_tokens) == (ANN, "native", 12)
    assert asyncio.run(trellis.agenerate_structured("Who?", Person, model=takes_text)).value == ANN
    assert asyncio.run(trellis.agenerate_structured("Who?", Person, model=takes_text_later)).value == ANN
    with pytest.raises(trellis.CapabilityError, match="coroutine"):
        trellis.generate_structured("Who?", Person, model=takes_text_later)


def test_a_function_that_breaks_is_a_model_error() -> None:
    def broken(prompt: str) -> str:
        raise ZeroDivisionError("oops")

    with pytest.raises(trellis.ModelError, match="broken raised ZeroDivisionError: oops") as caught:
        trellis.generate_structured("x", Person, model=broken)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(trellis.ModelError, match="returned int"):
        trellis.generate_structured("x", Person, model=lambda prompt: 5)


def test_a_script_that_is_over_says_so() -> None:
    model = ScriptedModel(["hm"])
    with pytest.raises(trellis.ModelError, match="the script has 1 answer, and this is request 2"):
        trellis.generate_structured("x", Person, model=model)
    assert len(model.requests) == 2



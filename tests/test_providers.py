"""Protocols and providers over real HTTP, each with its official client: what is sent, what comes back, what fails."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

import trellis
from trellis import Choice, Grammar, OpenAIModel, Regex, Retry, Sampling
from trellis.models import known_models, resolve_model
from trellis.models.dialects import DIALECTS
from trellis.models.lowering import ANTHROPIC, lower
from trellis.models.refusals import refusals_of
from trellis.testing import Canned, FakeServer, answer, dropped, error, hang, rate_limited, raw, refusal, tool_call


class Person(BaseModel):
    name: str
    age: int


class Pet(BaseModel):
    kind: str


GOOD = '{"name":"Ann","age":30}'
ANN = Person(name="Ann", age=30)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals_of.cache_clear()
    monkeypatch.setattr("trellis.strategy.retry.BACKOFF", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GEMINI_API_KEY",
                 "GOOGLE_API_KEY", "VLLM_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


def chat(server: FakeServer, **settings: Any) -> OpenAIModel:
    return OpenAIModel("m", base_url=server.base_url, api_key="none", **settings)


def responses(server: FakeServer) -> OpenAIModel:
    return OpenAIModel("m", base_url=server.base_url, api_key="none", api="responses")


def messages(server: FakeServer, **settings: Any) -> Any:
    pytest.importorskip("anthropic")
    from trellis.models.anthropic import AnthropicModel

    return AnthropicModel("m", base_url=server.base_url.removesuffix("/v1"), api_key="none", **settings)


def litellm(server: FakeServer) -> Any:
    pytest.importorskip("litellm")
    from trellis.models.litellm import LiteLLMModel

    return LiteLLMModel("openai/m", api_base=server.base_url, api_key="none", timeout=5)


def ollama(server: FakeServer, **settings: Any) -> Any:
    pytest.importorskip("ollama")
    from trellis.models.ollama import OllamaModel

    return OllamaModel("m", host=server.base_url.removesuffix("/v1"), **settings)


EVERY = [chat, responses, messages, ollama, pytest.param(litellm, marks=pytest.mark.filterwarnings("ignore"))]


# What all protocols share


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(("mode", "canned"), [
    ("native", answer(GOOD)), ("tools", tool_call(GOOD)), ("prompt", answer(f"Here: {GOOD}"))])
def test_each_protocol_in_each_mode(make: Any, mode: Any, canned: Canned) -> None:
    if make is ollama and mode == "tools":
        pytest.skip("Ollama's protocol cannot force a tool")
    with FakeServer([canned] * 2) as server:
        model = make(server)
        sampling = Sampling(max_tokens=50, temperature=0.5, top_p=0.9)
        result = trellis.generate_structured("Who?", Person, model=model, mode=mode, sampling=sampling)
        again = asyncio.run(trellis.agenerate_structured("Who?", Person, model=model, mode=mode, sampling=sampling))
    assert result.value == again.value == ANN
    assert result.enforced == mode
    assert (result.usage.calls, result.usage.prompt_tokens) == (1, 10)
    assert result.usage.completion_tokens > 0
    first, second = server.requests
    assert first == second
    drawn = first.get("options", first)
    assert (drawn["temperature"], drawn["top_p"]) == (0.5, 0.9)
    names = ("max_tokens", "max_output_tokens", "max_completion_tokens", "num_predict")
    assert 50 in [drawn.get(name) for name in names]


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(("canned", "kind", "words"), [
    (rate_limited(3600), trellis.RateLimitError, "429"),
    (error(401, "bad key"), trellis.AuthenticationError, "bad key"),
    (error(404, "no such model"), trellis.RequestRejectedError, "no such model"),
    (error(400, "This model's maximum context length is 8 tokens", code="context_length_exceeded"),
     trellis.ContextLengthError, "maximum context"),
    (refusal("I cannot help with that."), trellis.RefusedError, "I cannot help"),
    (answer("", finish="content_filter"), trellis.RefusedError, "filter|refused"),
    (answer('{"name":"An', finish="length"), trellis.TruncatedError, "cut off"),
])
def test_what_asking_again_does_not_help(make: Any, canned: Canned, kind: type[Exception], words: str) -> None:
    if make is ollama and kind in (trellis.RefusedError, trellis.RateLimitError):
        pytest.skip("Ollama's protocol has no refusals, and its client does not tell how long to wait")
    with FakeServer([canned, answer(GOOD)]) as server, pytest.raises(kind, match=words):
        trellis.generate_structured("x", Person, model=make(server), mode="prompt")
    assert len(server.requests) == 1


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("canned", [
    error(500, "it broke"), error(503, "busy", Retry_After="0.01"), rate_limited(0.01), dropped(),
    raw(b'{"choices": ['), raw(b"<html>proxy</html>"), raw(b"null"), raw(b"{}"), tool_call("", name="Answer"),
    answer(""), answer("   \n")])
def test_what_may_go_better_next_time(make: Any, canned: Canned) -> None:
    with FakeServer([canned, answer(GOOD)]) as server:
        result = trellis.generate_structured("x", Person, model=make(server), mode="prompt", strategy=Retry(1))
    assert result.value == ANN
    assert [attempt.failure is None for attempt in result.attempts] == [False, True]


TWICE = {"id": "1", "type": "function", "function": {"name": "Person", "arguments": GOOD}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_second_tool_call_is_told(stream: bool) -> None:
    [canned] = [tool_call(GOOD, name="Person")]
    assert isinstance(canned.body, dict)
    message = canned.body["choices"][0]["message"]
    message["tool_calls"] = [message["tool_calls"][0], TWICE]
    with FakeServer([canned]) as server:
        if stream:
            result = list(trellis.stream_structured("x", Person, model=chat(server), mode="tools"))[-1].result
        else:
            result = trellis.generate_structured("x", Person, model=chat(server), mode="tools")
    assert result is not None
    assert result.value == ANN
    assert any("2 times" in warning for warning in result.warnings)


@pytest.mark.parametrize("make", EVERY)
def test_a_storm_of_rate_limits_ends(make: Any) -> None:
    with FakeServer([rate_limited(0.001)] * 9) as server, pytest.raises(trellis.RateLimitError) as caught:
        trellis.generate_structured("x", Person, model=make(server), strategy=Retry(4))
    assert len(server.requests) == 5  # one owner of retries
    assert [attempt.failure for attempt in caught.value.attempts] == ["rate_limit"] * 5


@pytest.mark.parametrize("make", [chat, responses, messages])
def test_a_server_that_hangs_is_left_when_the_budget_ends(make: Any) -> None:
    with FakeServer([hang(20)] * 3) as server:
        session = trellis.Session(model=make(server), budget=trellis.Budget(seconds=0.3))
        with pytest.raises(trellis.BudgetError):
            trellis.generate_structured("x", Person, session=session)


def test_the_words_of_servers_that_have_no_code_for_a_context_that_is_too_long() -> None:
    for words in ("prompt is too long: 210000 tokens > 200000 maximum", "request (9000 tokens) exceeds the available "
                  "context size (4096 tokens)", "Please reduce the length of the messages"):
        with FakeServer([error(400, words), answer(GOOD)]) as server, pytest.raises(trellis.ContextLengthError):
            trellis.generate_structured("x", Person, model=chat(server))
        assert len(server.requests) == 1  # no other mode is tried: none would help


# Particular to one


def test_responses_are_sent_what_they_take_and_not_kept() -> None:
    with FakeServer([answer(GOOD), tool_call(GOOD)]) as server:
        trellis.generate_structured("Who?", Person, model=responses(server))
        trellis.generate_structured("Who?", Person, model=responses(server), mode="tools")
        with pytest.raises(trellis.UnsupportedError, match="stop"):
            trellis.generate_structured("Who?", Person, model=responses(server), mode="json",
                                        sampling=Sampling(stop=("x",)))
    first, second = server.requests
    assert first["store"] is False
    assert first["input"][0]["role"] == "user"
    assert first["text"]["format"]["schema"]["required"] == ["name", "age"]
    assert second["tools"][0]["name"] == second["tool_choice"]["name"] == "Person"


def test_messages_have_their_system_text_apart_and_a_limit_always() -> None:
    conversation = [trellis.Message("system", "Be exact."), trellis.Message("user", "Who?")]
    with FakeServer([answer(GOOD)]) as server:
        result = trellis.generate_structured(conversation, Person, model=messages(server), sampling=Sampling(seed=3))
    [body] = server.requests
    assert (body["system"], [one["role"] for one in body["messages"]]) == ("Be exact.", ["user"])
    assert body["max_tokens"] > 1000
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert "seed" in result.warnings[0]


def test_a_client_of_anthropic_is_used_without_its_retries() -> None:
    anthropic = pytest.importorskip("anthropic")
    from trellis.models.anthropic import AnthropicModel

    with FakeServer([error(500), answer(GOOD)]) as server, anthropic.Anthropic(
            base_url=server.base_url.removesuffix("/v1"), api_key="secret", max_retries=4) as client:
        result = trellis.generate_structured("x", Person, model=AnthropicModel("m", client=client))
        with pytest.raises(trellis.UnknownModelError, match="AnthropicModel"):
            resolve_model(client)
    assert [attempt.failure for attempt in result.attempts] == ["transport", None]
    assert "secret" in str(server.headers[0].values())


def test_anthropics_subset() -> None:
    low = lower({"type": "object", "properties": {
        "a": {"type": "string", "minLength": 3, "format": "uri"},
        "b": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2},
    }, "required": ["a"]}, ANTHROPIC)
    assert low.schema["required"] == ["a"]
    assert low.schema["properties"] == {"a": {"type": "string", "format": "uri"},
                                        "b": {"type": "array", "items": {"type": "integer"}}}
    assert set(low.dropped) == {"/properties/a/minLength", "/properties/b/minItems", "/properties/b/items/minimum"}
    recursive = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {
        "next": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}, "required": ["next"]}}}
    with pytest.raises(trellis.UnsupportedError, match="holds itself"):
        lower(recursive, ANTHROPIC)


def test_ollama_is_told_the_size_of_its_context_and_the_schema() -> None:
    wanted = Sampling(top_k=5, min_p=0.1, seed=3, stop=("END",))
    with FakeServer([answer(GOOD), answer(GOOD), answer(GOOD)]) as server:
        model = ollama(server, options={"num_ctx": 16384})
        result = trellis.generate_structured("Who?", Person, model=model, sampling=wanted, mode="native")
        trellis.generate_structured("Who?", Person, model=model, mode="json")
        trellis.generate_structured("Who?", Person, model=model, mode="prompt")
    native, json_mode, prompt = server.requests
    assert (result.value, result.enforced) == (ANN, "native")
    assert native["format"]["required"] == ["name", "age"]
    assert native["options"] == {"num_ctx": 16384, "top_k": 5, "min_p": 0.1, "seed": 3, "stop": ["END"]}
    assert (json_mode["format"], "format" in prompt) == ("json", False)


def test_what_ollama_has_not() -> None:
    with FakeServer([]) as server:
        model = ollama(server)
        with pytest.raises(trellis.CapabilityError, match="'tools'"):
            trellis.generate_structured("Who?", Person, model=model, mode="tools")
        for settings in ({"timeout": 0}, {"client": 3}, {"options": 3}):
            with pytest.raises(trellis.UsageError):
                ollama(server, **settings)


def test_a_client_of_ollama_is_used() -> None:
    sdk = pytest.importorskip("ollama")
    from trellis.models.ollama import OllamaModel

    with FakeServer([answer(GOOD)] * 2) as server:
        host = server.base_url.removesuffix("/v1")
        assert trellis.generate_structured("x", Person, model=OllamaModel("m", client=sdk.Client(host))).value == ANN
        model = OllamaModel("m", client=sdk.AsyncClient(host))
        assert asyncio.run(trellis.agenerate_structured("x", Person, model=model)).value == ANN
        with pytest.raises(trellis.CapabilityError):
            trellis.generate_structured("x", Person, model=model)
        with pytest.raises(trellis.UnknownModelError, match="which model is meant"):
            resolve_model(sdk.Client(host))


# Servers with fields of their own

YES_NO = 'root ::= (YES | NO)\nYES ::= "yes"\nNO ::= "no"\n'


@pytest.mark.parametrize(("dialect", "output_type", "expected"), [
    ("vllm", Choice(["yes", "no"]), {"structured_outputs": {"choice": ["yes", "no"]}}),
    ("vllm", Regex("[0-9]+"), {"structured_outputs": {"regex": "[0-9]+"}}),
    ("vllm", 'start: "yes" | "no"', {"structured_outputs": {"grammar": YES_NO}}),
    ("vllm-guided", 'start: "yes" | "no"', {"guided_grammar": YES_NO}),
    ("sglang", 'start: "yes" | "no"', {"ebnf": YES_NO}),
    ("llama-server", 'start: "yes" | "no"', {"grammar": YES_NO}),
    ("vllm-guided", Choice(["yes", "no"]), {"guided_choice": ["yes", "no"]}),
    ("vllm-guided", Regex("[0-9]+"), {"guided_regex": "[0-9]+"}),
    ("sglang", Choice(["yes", "n.o"]), {"regex": r"yes|n\.o"}),
    ("sglang", Regex("[0-9]+"), {"regex": "[0-9]+"}),
    ("llama-server", Choice(["yes", 'n"o']), {"grammar": 'root ::= "yes" | "n\\"o"\n'}),
    ("llama-server", Regex("(a|b)[0-9]{2,}x?"), {"grammar": 'root ::= [a-b] ([0-9]){2,} ([x])?\n'}),
])
def test_text_types_are_enforced_by_a_servers_own_field(dialect: str, output_type: Any,
                                                        expected: dict[str, Any]) -> None:
    wanted = Grammar.from_lark(output_type) if isinstance(output_type, str) else output_type
    said = {"[0-9]+": "12", "(a|b)[0-9]{2,}x?": "b123"}.get(getattr(output_type, "pattern", ""), "yes")
    with FakeServer([answer(said)]) as server:
        result = trellis.generate_structured("x", wanted, model=chat(server, dialect=dialect))
    assert (result.value, result.enforced) == (said, "mask")
    assert {key: server.requests[0][key] for key in expected} == expected


def test_a_grammar_that_a_server_has_no_field_for_is_left_to_words_with_a_warning() -> None:
    rows = trellis.Csv(Person)
    with FakeServer([answer("name,age\nAnn,30")]) as server:
        result = trellis.generate_structured("x", rows, model=chat(server, dialect="sglang"))
        with pytest.raises(trellis.UnsupportedError, match="no form in GBNF"):
            trellis.generate_structured("x", rows, model=chat(server, dialect="sglang"), mode="mask")
    assert (result.value, result.enforced, len(server.requests)) == ([ANN], "prompt", 1)
    assert "response_format" not in server.requests[0]
    assert "no form in GBNF" in result.warnings[0]


def test_what_a_servers_notation_does_not_hold_an_answer_to_is_checked_here() -> None:
    grammar = Grammar.from_lark('start: WORD "!"\nWORD: /(?!no)[a-z]+/')
    with FakeServer([answer("no!"), answer("yes!")]) as server:
        result = trellis.generate_structured("x", grammar, model=chat(server, dialect="llama-server"))
    assert (result.value, result.enforced) == ("yes!", "mask")
    assert [attempt.failure for attempt in result.attempts] == ["schema", None]
    assert "does not enforce what has to stand beside WORD" in result.warnings[0]


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "openai"])
def test_every_server_takes_schemas_by_its_schema_mode(dialect: str) -> None:
    with FakeServer([answer(GOOD)]) as server:
        result = trellis.generate_structured("x", Person, model=chat(server, dialect=dialect))
    assert (result.value, result.enforced) == (ANN, "native")
    assert "response_format" in server.requests[0] or "guided_json" in server.requests[0]


# What was refused is remembered


def test_a_mode_that_was_refused_for_a_type_is_not_asked_for_again() -> None:
    with FakeServer([error(400, "no"), tool_call(GOOD), tool_call(GOOD), answer('{"kind":"cat"}')]) as server:
        for model in (chat(server), chat(server)):  # two objects, one server
            assert trellis.generate_structured("x", Person, model=model).value == ANN
        assert trellis.generate_structured("x", Pet, model=chat(server)).enforced == "native"
        assert len(server.requests) == 4


def test_a_mode_that_was_refused_for_two_types_and_never_answered_is_given_up() -> None:
    script = [error(400, "no"), tool_call(GOOD), error(400, "no"), tool_call('{"kind":"cat"}'), tool_call('{"a":1}')]
    with FakeServer(script) as server:
        model = chat(server)
        trellis.generate_structured("x", Person, model=model)
        trellis.generate_structured("x", Pet, model=model)
        assert "native" not in model.modes
        assert trellis.generate_structured("x", dict[str, int], model=model).enforced == "tools"
        assert len(server.requests) == 5


def test_an_error_of_another_kind_gives_nothing_up() -> None:
    with FakeServer([error(400, "no"), error(400, "no"), error(400, "no"), error(400, "no"), answer(GOOD)]) as server:
        model = chat(server)
        with pytest.raises(trellis.RequestRejectedError):
            trellis.generate_structured("x", Person, model=model)
        assert trellis.generate_structured("y", Person, model=model).enforced == "native"


# Names


@pytest.mark.parametrize(("name", "variables", "expected"), [
    ("openai:gpt", {"OPENAI_API_KEY": "k"}, "openai/gpt"),
    ("openai-responses/gpt", {"OPENAI_API_KEY": "k"}, "openai/gpt"),
    ("vllm/org/name", {"VLLM_BASE_URL": "http://there:1"}, "openai/org/name"),
    ("gemini/flash", {"GOOGLE_API_KEY": "k"}, "openai/flash"),
    ("anthropic:claude", {"ANTHROPIC_API_KEY": "k"}, "anthropic/claude"),
])
def test_names_of_providers(name: str, variables: dict[str, str], expected: str,
                            monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("anthropic"):
        pytest.importorskip("anthropic")
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert resolve_model(name).name == expected
    assert resolve_model(name) is resolve_model(name)


@pytest.mark.parametrize("name", ["anthropic/claude", "gemini/flash"])
def test_a_provider_without_its_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("anthropic"):
        pytest.importorskip("anthropic")
    with pytest.raises(trellis.AuthenticationError, match="key"):
        resolve_model(name)
    assert f"{name.split('/')[0]}/NAME" in known_models()


@pytest.mark.parametrize("settings", [{"api": "soap"}, {"dialect": "klingon"}, {"timeout": -1}, {"client": 3}])
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(trellis.UsageError):
        OpenAIModel("m", base_url="http://localhost:1/v1", api_key="k", **settings)

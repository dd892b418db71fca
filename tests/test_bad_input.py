"""Bad input to prompts, types, models, strategies and settings: a typed error that says what is wrong, every time."""

import asyncio
import enum
import math
import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, model_validator

import trellis
from trellis import (
    Budget,
    Choice,
    Csv,
    FunctionModel,
    Message,
    Regex,
    Retry,
    Sampling,
    ScriptedModel,
    Session,
    Template,
    Usage,
    Yaml,
    errors,
)
from trellis.models.base import Reply, Request
from trellis.models.openai import OpenAIModel
from trellis.models.registry import resolve_model
from trellis.repair import repair, repair_csv, repair_json, repair_yaml
from trellis.testing import Canned, FakeServer, answer, raw


class Person(BaseModel):
    name: str
    age: int


class Lazy(BaseModel):
    rows: Iterable[int]


class Odd(enum.Enum):
    A = object()


class Bursting:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        raise KeyError("burst")


class Secretive(type):
    def __repr__(cls) -> str:
        raise ValueError("no name")


class Anonymous(metaclass=Secretive):
    pass


def ask(output_type: Any = int, reply: Any = "1", prompt: Any = "x", **arguments: Any) -> trellis.Result[Any]:
    arguments = {"model": ScriptedModel([reply] * 5), "strategy": Retry(0), **arguments}
    return trellis.generate_structured(prompt, output_type, **arguments)


@pytest.mark.parametrize(("output_type", "words"), [
    (Lazy, "list"), (lambda: 1, "function"), (type[int], "class"), (Odd, "serialize"), (Bursting, "burst"),
    (Anonymous, "no name"), (Annotated[str, Field(pattern="(")], "unclosed group"), (Csv(Choice(["a"])), "Choice"),
    (Yaml(Csv(Person)), "Csv"),
])
def test_types_of_which_no_value_can_be_made(output_type: Any, words: str) -> None:
    with pytest.raises(errors.TypeNotSupportedError, match=words):
        ask(output_type)


@pytest.mark.parametrize("make", [
    lambda: Choice(None), lambda: Choice(5), lambda: Regex(b"a"), lambda: Regex(None),  # type: ignore[arg-type]
    lambda: Regex("a{99999999999999999999}"),
])
def test_markers_of_the_wrong_kind(make: Callable[[], object]) -> None:
    with pytest.raises(errors.TypeNotSupportedError):
        make()


CYCLE: dict[str, Any] = {"type": "object"}
CYCLE["properties"] = {"again": CYCLE}


@pytest.mark.parametrize(("schema", "words"), [
    ({"minimum": math.nan}, "not JSON"), ({"const": b"a"}, "not JSON"), ({"const": object()}, "not JSON"),
    (CYCLE, "not JSON"), ({"$schema": 5}, r"string \(at /\$schema\)"), ({"$schema": []}, "string"),
    ({"$ref": "#"}, "itself"), ({"anyOf": [{"$ref": "#"}]}, "itself"), ({"type": "strin"}, "/type"),
    ([], "list"), (5, "int"),
])
def test_schemas_that_are_none(schema: Any, words: str) -> None:
    for read in (repair_json, repair_yaml, repair_csv):
        with pytest.raises(errors.SchemaError, match=words):
            read("a: 1", schema)
    if isinstance(schema, dict):
        with pytest.raises(errors.SchemaError, match=words):
            ask(schema)


def test_a_schema_is_taken_as_the_json_that_it_is() -> None:
    assert ask({"enum": ("a", "b")}, '"a"').value == "a"


def test_a_pattern_that_backtracks_without_end_comes_to_an_end() -> None:
    hopeless = "a" * 60 + "!"
    with pytest.raises(errors.SchemaMismatchError):
        ask(Regex("(a|a)*b"), hopeless)
    schema = {"type": "string", "pattern": "^(a|aa)+$"}
    with pytest.raises(errors.SchemaMismatchError):
        ask(schema, f'"{hopeless}"')
    with pytest.raises(errors.RepairError) as caught:
        repair_json(f'"{hopeless}"', schema)
    assert caught.value.against_schema


def test_braces_in_a_pattern_mean_what_they_mean_in_python() -> None:
    assert ask(Regex("(?:ab){e}"), "ab{e}").value == "ab{e}"
    with pytest.raises(errors.SchemaMismatchError):
        ask(Regex("(?:abcd){e<=1}"), "abxd")


@pytest.mark.parametrize(("number", "step", "accepted"), [
    ("0.3", 0.1, True), ("0.35", 0.1, False), ("1e300", 1e-300, True), ("19.99", 0.01, True), ("7", 2, False),
])
def test_multiples_are_judged_on_numbers_as_they_are_written(number: str, step: float, accepted: bool) -> None:
    schema = {"type": "number", "multipleOf": step}
    if accepted:
        assert ask(schema, number).value == float(number)
        assert repair_json(number, schema).edits == ()
    else:
        with pytest.raises(errors.SchemaMismatchError, match="multiple"):
            ask(schema, number)


@pytest.mark.parametrize(("reply", "output_type", "kind"), [
    ("1" * 5000, int, errors.UnrepairableError), ("1e999", float, errors.SchemaMismatchError),
    ('{"a":1e999}', {"type": "object"}, errors.SchemaMismatchError), ("[" * 100_000, list, errors.UnrepairableError),
    ("\x00", int, errors.UnrepairableError), ("[" * 900 + "]" * 900, list, errors.SchemaMismatchError),
])
def test_replies_beyond_what_python_reads(reply: str, output_type: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(output_type, reply)


def test_half_of_a_surrogate_pair_is_not_sent_on() -> None:
    with pytest.raises(errors.UsageError, match="character 2"):
        ask(prompt="x\ud800")
    model = ScriptedModel(['{"name":"\\ud800"}', '{"name\ud800":1}', '{"name":"Ann","age":3}'])
    assert trellis.generate_structured("x", Person, model=model).value == Person(name="Ann", age=3)
    for request in model.requests:
        assert all(message.content.encode() for message in request.messages)


@pytest.mark.parametrize("prompt", [
    None, 5, b"x", Message("user", "x"), {"role": "user"}, ["x"], Template(5),  # type: ignore[arg-type]
    Template("x", system=5), Template("x", source=5), Template("x", variables=5),  # type: ignore[arg-type]
    Template("x", variables={1: 2}), Template("x", examples=5), Template("x", examples=[5]),  # type: ignore
    Template("x", examples=[("a",)]), Template("x", examples=[(None, 1)]), Template("x", examples={"a": 1}),  # type: ignore
    Template("x", source="{{ 'a' * 10**10 }}"), Template("x", source="{{ 10**(10**10) }}"),
    Template("x", source="{{ [0] * 10**9 }}"),
])
def test_prompts_that_are_none(prompt: Any) -> None:
    with pytest.raises(errors.TemplateError):
        ask(prompt=prompt)


def test_an_example_is_refused_in_few_words() -> None:
    with pytest.raises(errors.TemplateError) as caught:
        ask(Person, prompt=Template("x", examples=[("y", {"name": "Ann"})]))
    assert caught.value.message == "example 0 is not of type Person: {'name': 'Ann'} is no Person: /age: Field required"


@pytest.mark.parametrize("arguments", [("tool", "x"), (None, "x"), ("user", None), ("user", 5)])
def test_messages_that_are_none(arguments: Any) -> None:
    with pytest.raises(errors.UsageError):
        Message(*arguments)


@pytest.mark.parametrize("setting", [
    {"temperature": -1}, {"temperature": math.nan}, {"temperature": math.inf}, {"temperature": "1"}, {"top_p": 0},
    {"top_p": 1.5}, {"top_k": 0}, {"top_k": 1.5}, {"min_p": -0.1}, {"seed": "a"}, {"seed": True}, {"stop": "END"},
    {"stop": ("",)}, {"stop": None}, {"max_tokens": 0}, {"max_tokens": 1.5}, {"max_tokens": True},
    {"temperature": 10**400}, {"seed": "1" * 10**6}, {"max_tokens": -(10**5000)}, {"logprobs": "yes"},
])
def test_sampling_out_of_range(setting: dict[str, Any]) -> None:
    with pytest.raises(errors.UsageError, match=next(iter(setting))) as caught:
        Sampling(**setting)
    assert len(str(caught.value)) < 200


def test_half_of_a_surrogate_pair_is_no_stop_string() -> None:
    with pytest.raises(errors.UsageError, match="character 2 of a stop string"):
        Sampling(stop=("END", "x\ud800"))


@pytest.mark.parametrize("make", [
    lambda: Retry(-1), lambda: Retry("x"), lambda: Retry(True), lambda: Retry(1, max_wait=math.nan),  # type: ignore
    lambda: Retry(1, max_tokens=0), lambda: Budget(calls="x"), lambda: Budget(seconds=math.nan),  # type: ignore
    lambda: Budget(tokens=1.5), lambda: Session(budget=5), lambda: ScriptedModel("abc"),  # type: ignore
    lambda: ScriptedModel(None), lambda: ScriptedModel([5]), lambda: OpenAIModel("m", client=5),  # type: ignore
    lambda: OpenAIModel("m", base_url="http://x:y:z", api_key="k"),
    lambda: OpenAIModel("m", base_url="http://x/v1", api_key="k", timeout="long"),  # type: ignore
    lambda: repair_json("{", limits=5),  # type: ignore
    lambda: Budget(seconds=10**400), lambda: FunctionModel(5), lambda: FunctionModel(len, modes=None),  # type: ignore
    lambda: FunctionModel(len, modes=("tool",)), lambda: ScriptedModel([], modes="prompt"),  # type: ignore
    lambda: ScriptedModel([], modes=5), lambda: trellis.preview("x"), lambda: trellis.preview(5),  # type: ignore
])
def test_settings_of_the_wrong_kind(make: Callable[[], object]) -> None:
    with pytest.raises(errors.UsageError):
        make()


@pytest.mark.parametrize("arguments", [
    {"strategy": None}, {"strategy": Retry}, {"strategy": 3}, {"sampling": None}, {"sampling": {"temperature": 0}},
    {"session": "x"}, {"session": {}}, {"session": Session}, {"validators": None}, {"validators": len},
    {"validators": ["x"]}, {"mode": None}, {"repair": None}, {"mode": "x" * 10**6}, {"repair": "x" * 10**6},
    {"mode": ["auto"]},
])
def test_arguments_of_the_wrong_kind(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.UsageError, match=next(iter(arguments))) as caught:
        ask(**arguments)
    assert len(str(caught.value)) < 200


class Hostile:
    """What answers every question with an error."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    __hash__ = object.__hash__


@pytest.mark.parametrize("argument", ["prompt", "output_type", "model", "mode", "strategy", "sampling", "validators",
                                      "repair", "session"])
def test_an_argument_that_is_not_even_a_value(argument: str) -> None:
    with pytest.raises(errors.UsageError):
        ask(**{argument: Hostile()})


@pytest.mark.parametrize("make", [
    lambda: Sampling(seed=Hostile()), lambda: Sampling(stop=Hostile()), lambda: Budget(calls=Hostile()),  # type: ignore
    lambda: Retry(Hostile()), lambda: FunctionModel(len, modes=Hostile()), lambda: repair_json("{", level=Hostile()),  # type: ignore
    lambda: repair_yaml("a: 1", level=Hostile()), lambda: Reply("1", finish=[]),  # type: ignore
    lambda: ask(prompt=Template("x", source=Hostile())), lambda: ScriptedModel([Hostile()]),  # type: ignore
    lambda: trellis.Draft(Hostile()), lambda: trellis.Judge(len, Hostile()),  # type: ignore[arg-type]
])
def test_a_setting_that_is_not_even_a_value(make: Callable[[], object]) -> None:
    with pytest.raises(errors.UsageError):
        make()


class Modelled:
    """A model of which a part is wrong."""

    def __init__(self, replies: Any = (), modes: Any = ("prompt",)) -> None:
        self.name, self.modes, self.replies = "modelled", modes, replies

    def complete(self, requests: Sequence[Request]) -> Any:
        return self.replies

    async def acomplete(self, requests: Sequence[Request]) -> Any:
        return self.replies


@pytest.mark.parametrize("replies", [
    None, [], ["text"], [None], [ValueError], "abc", iter([Reply("1")]), [Reply("1"), Reply("2")],
    [KeyboardInterrupt()],
])
def test_what_is_no_reply_is_told_of_the_model(replies: Any) -> None:
    with pytest.raises(errors.ModelError, match="modelled gave"):
        ask(model=Modelled(replies))
    with pytest.raises(errors.ModelError, match="modelled gave"):
        asyncio.run(trellis.agenerate_structured("x", int, model=Modelled(replies)))


@pytest.mark.parametrize("fields", [
    {"text": None}, {"text": b"1"}, {"finish": "weird"}, {"enforced": "much"}, {"usage": None}, {"warnings": None},
    {"token_logprobs": ("a",)}, {"token_logprobs": [1.0]}, {"usage": Usage(prompt_tokens=None)},  # type: ignore
    {"refusal": 5}, {"model": None}, {"warnings": (5,)},
])
def test_replies_with_a_field_of_the_wrong_kind(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.UsageError, match=next(iter(fields))):
        Reply(**{"text": "1", **fields})


@pytest.mark.parametrize("model", [Modelled, Modelled(modes=None), Modelled(modes="prompt"), b"openai/x", ["a"]])
def test_objects_that_are_no_model(model: Any) -> None:
    with pytest.raises(errors.UnknownModelError):
        resolve_model(model)


def test_a_model_with_a_property_that_fails() -> None:
    class Unready(Modelled):
        @property
        def name(self) -> str:  # type: ignore[override]
            raise FileNotFoundError("weights.bin")

        @name.setter
        def name(self, value: str) -> None: ...

    with pytest.raises(errors.UnknownModelError, match=r"weights\.bin"):
        ask(model=Unready())


def test_a_long_name_is_not_said_in_full() -> None:
    with pytest.raises(errors.UnknownModelError) as caught:
        resolve_model("x" * 10_000)
    assert str(caught.value).count("x") < 200


def test_a_validator_whose_error_cannot_speak() -> None:
    class Mute(ValueError):
        def __str__(self) -> str:
            raise RuntimeError("mute")

    def mute(value: int) -> None:
        raise Mute

    with pytest.raises(errors.ValidatorError, match="Mute"):
        ask(validators=[mute])

    class Strict(BaseModel):
        @model_validator(mode="after")
        def check(self) -> "Strict":
            raise Broken

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("mute")

    with pytest.raises(errors.UsageError, match="Broken"):
        ask(Strict, "{}")
    with pytest.raises(errors.ModelError, match="Broken"):
        ask(model=Modelled([Broken()]))


def test_waiting_for_a_server_that_is_down_never_overflows() -> None:
    class Down(Modelled):
        def complete(self, requests: Sequence[Request]) -> Any:
            return [errors.RateLimitError("down", retry_after="soon")]  # type: ignore[arg-type]

    with pytest.raises(errors.RateLimitError) as caught:
        ask(model=Down(), strategy=Retry(1100, max_wait=0))
    assert len(caught.value.attempts) == 1101


def test_what_an_error_quotes_is_sound_text() -> None:
    for raised in ("refused \ud800", "x"):
        with pytest.raises(errors.RefusedError) as caught:
            ask(reply=Reply("", finish="refusal", refusal=raised))
        assert str(caught.value).encode()
    for read in (repair_json, repair_yaml, repair_csv):
        with pytest.raises(errors.RepairError) as found:
            read("\ud800")
        assert str(found.value).encode()


def test_a_long_type_is_not_quoted_in_full() -> None:
    for output_type in (Choice(["x" * 10**5, "y"]), Regex("x" * 10**4)):
        with pytest.raises(errors.SchemaMismatchError) as caught:
            ask(output_type)
        assert len(str(caught.value)) < 1_000


def test_a_validator_that_validates_with_pydantic_is_quoted_in_few_words() -> None:
    def nested(value: int) -> None:
        Person.model_validate({"name": value, "age": 1})

    with pytest.raises(errors.ValidatorError) as caught:
        ask(validators=[nested])
    assert caught.value.message == "name: Input should be a valid string (after 1 attempt)"


def test_a_coroutine_function_is_no_validator() -> None:
    async def check(value: int) -> None:
        raise ValueError

    with pytest.raises(errors.UsageError, match="coroutine"):
        ask(validators=[check])


def test_a_budget_of_seconds_ends_a_coroutine_that_does_not() -> None:
    async def silent(prompt: str) -> str:
        await asyncio.sleep(60)
        return "1"

    async def late(prompt: str) -> str:
        raise TimeoutError("its own")

    session = Session(budget=Budget(seconds=0.2))
    with pytest.raises(errors.BudgetError, match="the budget left"):
        asyncio.run(trellis.agenerate_structured("x", int, model=silent, session=session, strategy=Retry(0)))
    with pytest.raises(errors.ModelError, match="its own"):
        asyncio.run(trellis.agenerate_structured("x", int, model=late, session=Session(budget=Budget(seconds=9))))


COMPLETION = b'{"choices":[{"index":0,"finish_reason":"stop","message":%s}],"usage":%s}'
RIGHT = b'{"content":"{\\"name\\":\\"Ann\\",\\"age\\":3}"}'


def served(canned: Canned, **arguments: Any) -> trellis.Result[Any]:
    with FakeServer([canned]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", timeout=5)
        return trellis.generate_structured("x", Person, model=model, strategy=Retry(0), **arguments)


@pytest.mark.parametrize("body", [
    b"null", b"[]", b'"x"', b"{}", b'{"choices":null}', b'{"choices":[]}', b'{"choices":[null]}',
    b'{"choices":[{"message":null}]}', COMPLETION % (b'{"content":5}', b"null"),
    COMPLETION % (b'{"content":[{"type":"text","text":"{}"}]}', b"null"),
    b'{"choices":[{"message":{"content":"\xff"}}]}',
])
def test_a_body_that_is_no_completion(body: bytes) -> None:
    with pytest.raises(errors.TransportError, match="cannot be read") as caught:
        served(raw(body))
    assert "attribute" not in str(caught.value)


def test_an_error_with_status_200_is_told_in_its_words() -> None:
    with pytest.raises(errors.TransportError, match="overloaded"):
        served(raw(b'{"error":{"message":"overloaded"}}'))


@pytest.mark.parametrize("usage", [b"null", b'"x"', b'{"prompt_tokens":null,"completion_tokens":"y"}'])
def test_a_server_that_does_not_count(usage: bytes) -> None:
    result = served(raw(COMPLETION % (RIGHT, usage)))
    assert (result.usage.calls, result.usage.total_tokens) == (1, 0)


def test_a_tool_call_whose_arguments_are_an_object_and_not_text() -> None:
    call = b'{"tool_calls":[{"id":"1","type":"function","function":{"name":"P","arguments":{"name":"Ann","age":3}}}]}'
    assert served(raw(COMPLETION % (call, b"null")), mode="tools").value == Person(name="Ann", age=3)


def test_a_refusal_that_is_no_text() -> None:
    with pytest.raises(errors.RefusedError, match="5"):
        served(raw(COMPLETION % (b'{"content":null,"refusal":5}', b"null")))


def test_a_repair_error_keeps_all_it_carries_in_a_pickle() -> None:
    with pytest.raises(errors.RepairError) as caught:
        repair_json('{"a": 1}', {"required": ["b"]})
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.against_schema, again.line) == (str(caught.value), True, 1)


def test_a_correction_stays_the_same_size_over_ten_attempts() -> None:
    script = [str([{"name": f"{i}", "age": f"bad{i}_{j}"} for j in range(200)]) for i in range(10)]
    model = ScriptedModel(script)
    with pytest.raises(errors.SchemaMismatchError) as caught:
        trellis.generate_structured("x", list[Person], model=model, strategy=Retry(9))
    sizes = [sum(len(message.content) for message in request.messages) for request in model.requests[1:]]
    assert max(sizes) - min(sizes) < 20
    assert [attempt.messages for attempt in caught.value.attempts] == [request.messages for request in model.requests]


def test_the_server_double_is_reached_at_all() -> None:
    assert served(answer('{"name":"Ann","age":3}')).value == Person(name="Ann", age=3)


def test_json_against_the_schema_is_not_read_as_the_header_of_an_empty_table() -> None:
    with pytest.raises(errors.RepairError, match="'z' is a required property"):
        repair('{"a": 1,}', {"required": ["z"]})


@pytest.mark.parametrize("bracket", ["[", "{", '{"a": ', "[{a: "])
def test_brackets_without_end_in_yaml_are_a_limit_at_once(bracket: str) -> None:
    with pytest.raises(errors.RepairError) as caught:
        repair_yaml(bracket * 20_000)
    assert caught.value.limit == "depth"

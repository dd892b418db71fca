"""``generate_structured`` as a user sees it: what comes back, how the mode is chosen, what is told when it cannot."""

import inspect
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import trellis
from trellis import Choice, Csv, Grammar, Message, Regex, Sampling, ScriptedModel, Template, Vocabulary, Yaml, errors
from trellis.models.base import TokenState
from trellis.models.local import LocalModel


class Person(BaseModel):
    name: str
    age: int


def generate(reply: str, output_type: Any, **arguments: Any) -> trellis.Result[Any]:
    return trellis.generate_structured("Who is it?", output_type, model=ScriptedModel([reply]), **arguments)


@pytest.mark.parametrize(("output_type", "reply", "value"), [
    (Person, 'Sure!\n```json\n{"name": "Ann", "age": 30,}\n```', Person(name="Ann", age=30)),
    (list[Person], '[{"name":"Ann","age":"30"}', [Person(name="Ann", age=30)]),
    (Yaml(Person), "Here you are:\n```yaml\nname: Ann\nage: 30\n```", Person(name="Ann", age=30)),
    (Csv(Person), "```csv\nname,age\nAnn,30\n```", [Person(name="Ann", age=30)]),
    (Choice(["yes", "no"]), "Yes.", "yes"),
    (Regex(r"\d+ EUR"), "`12 EUR`", "12 EUR"),
    (int, "```\n42\n```", 42),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, "['a', 'b']", ["a", "b"]),
])
def test_each_kind_of_type_with_a_reply_as_models_write_them(output_type: Any, reply: str, value: Any) -> None:
    result = generate(reply, output_type)
    assert result.value == value
    assert result.raw == reply
    assert result.repairs
    assert result.repairs == result.attempts[0].repairs
    assert trellis.generate_structured.__doc__


def test_repair_off_and_levels() -> None:
    assert generate('{"name":"Ann","age":30}', Person, repair="off").repairs == ()
    with pytest.raises(trellis.UnrepairableError):
        generate('{"name":"Ann","age":30,}', Person, repair="off", strategy=trellis.Retry(0))
    with pytest.raises(trellis.UsageError, match="no level"):
        generate("{}", Person, repair="heroic")


def test_a_result_is_frozen() -> None:
    result = generate('{"name":"Ann","age":30}', Person)
    with pytest.raises(AttributeError):
        result.value = None  # type: ignore[misc]


def test_arguments_after_the_type_are_keyword_only_and_the_twins_agree() -> None:
    both = [inspect.signature(function) for function in (trellis.generate_structured, trellis.agenerate_structured)]
    assert both[0] == both[1]
    names = list(both[0].parameters)
    assert names[:2] == ["prompt", "output_type"]
    assert names[2:] == ["model", "mode", "strategy", "sampling", "validators", "repair", "session"]
    assert all(both[0].parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in names[2:])


# Modes


@pytest.mark.parametrize(("modes", "output_type", "reply", "used"), [
    (("native", "tools", "json", "prompt"), Person, '{"name":"A","age":1}', "native"),
    (("json", "prompt"), Person, '{"name":"A","age":1}', "json"),
    (("json", "prompt"), list[int], "[1]", "prompt"),
    (("native", "prompt"), Yaml(Person), "name: A\nage: 1", "prompt"),
    (("native", "json"), Choice(["a"]), "a", "prompt"),
])
def test_auto_takes_the_strongest_mode_that_model_and_type_allow(
        modes: Any, output_type: Any, reply: str, used: str) -> None:
    model = ScriptedModel([reply], modes=modes)
    result = trellis.generate_structured("x", output_type, model=model)
    assert result.enforced == used == model.requests[0].mode
    assert result.warnings == ()


@pytest.mark.parametrize(("mode", "output_type", "words"), [
    ("mask", Person, "scripted"), ("tools", Person, "scripted"), ("native", Yaml(Person), "yaml of type Person"),
    ("json", list[int], "json of type Answer"),
])
def test_a_mode_that_is_impossible_is_told_before_anything_is_asked(mode: Any, output_type: Any, words: str) -> None:
    model = ScriptedModel([], modes=("native", "json", "prompt"))
    with pytest.raises(trellis.CapabilityError, match=words) as caught:
        trellis.generate_structured("x", output_type, model=model, mode=mode)
    assert "possible: auto, " in caught.value.hint
    assert model.requests == []


def test_a_mode_that_does_not_exist() -> None:
    with pytest.raises(trellis.UsageError, match="no mode"):
        generate("{}", Person, mode="magic")


class Zeros:
    """Logits that prefer nothing."""

    def __init__(self, size: int) -> None:
        self.size = size

    def step(self, tokens: Sequence[int]) -> Any:
        return np.zeros(self.size, dtype=np.float32)

    def fork(self) -> TokenState:
        return self


@dataclass
class Aimless:
    """A token model that writes any bytes: what comes out right is the mask's work alone."""

    name: str = "aimless"
    context: int = 1_000
    vocabulary: Any = None

    def __post_init__(self) -> None:
        tokens = [*(bytes([byte]) for byte in range(256)), b"<end>"]
        self.vocabulary = Vocabulary(tokens, special_ids=[256], eos_ids=[256])

    def encode(self, messages: Sequence[Message]) -> list[int]:
        return list("".join(message.content for message in messages).encode())

    def start(self) -> TokenState:
        return Zeros(257)


def local(engine: str) -> LocalModel:
    if engine == "kernel":
        pytest.importorskip("trellis_kernel")
    return LocalModel(Aimless(), engine=engine)


MAX = Sampling(temperature=1.0, seed=1, max_tokens=60)


MASKED = [Choice(["left", "right"]), Regex("[ab]{3,5}c"), Grammar.from_lark('start: "(" start? ")"'),
          {"enum": [1, "two", None]}, list[bool], Person, Csv(Person)]


@pytest.mark.parametrize(("engine", "output_type"), [
    *(("reference", output_type) for output_type in MASKED[:2]), *(("kernel", output_type) for output_type in MASKED),
])
def test_masks_make_a_model_that_knows_nothing_answer_in_shape(engine: str, output_type: Any) -> None:
    model = local(engine)
    result = trellis.generate_structured("x", output_type, model=model, sampling=MAX, repair="off",
                                         strategy=trellis.Retry(0))
    assert result.enforced == "mask"
    assert result.usage.mask_seconds > 0 or result.value in result.probabilities  # of few choices, each is scored
    again = trellis.generate_structured("x", output_type, model=model, sampling=MAX, mode="mask", repair="off")
    assert again.raw == result.raw


NOT_MASKED = {"type": "string", "enum": ["a+"], "pattern": r"^(?=(a)\1?)"}


def test_what_a_mask_cannot_enforce_is_a_warning_in_auto_and_an_error_when_masks_are_asked_for() -> None:
    result = trellis.generate_structured("x", NOT_MASKED, model=local("reference"), sampling=MAX)
    assert (result.value, result.enforced) == ("a+", "mask")
    assert "back-reference" in result.warnings[0]
    with pytest.raises(trellis.UnsupportedError, match="back-reference"):
        trellis.generate_structured("x", NOT_MASKED, model=local("reference"), mode="mask")


def test_a_format_that_a_server_does_not_know_goes_on_with_words_and_a_mode_that_was_named_does_not() -> None:
    model = ScriptedModel(["name: A\nage: 1"], modes=("native", "prompt"))
    assert trellis.generate_structured("x", Yaml(Person), model=model).enforced == "prompt"
    with pytest.raises(trellis.CapabilityError, match="yaml"):
        trellis.generate_structured("x", Yaml(Person), model=model, mode="native")


def test_without_the_kernel_masks_are_an_error_with_two_ways_out() -> None:
    code = """
import sys; sys.modules["trellis_kernel"] = None
sys.path.insert(0, "tests")
import trellis
from test_api import Aimless
try:
    trellis.generate_structured("x", int, model=Aimless())
except trellis.MaskError as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "pip install ./rust" in done.stdout, done.stderr
    assert 'mode="prompt"' in done.stdout


# Bad input, through the public API


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda: generate("{}", {"type": "strin"}), errors.SchemaError, "/type"),
    (lambda: generate("{}", object()), errors.TypeNotSupportedError, "no type"),
    (lambda: generate("{}", Grammar.from_lark("start: (")), errors.GrammarError, "line 1"),
    (lambda: generate("{}", Regex("(")), errors.GrammarError, "("),
    (lambda: generate("  ", Person, strategy=trellis.Retry(0)), errors.EmptyReplyError, "empty"),
    (lambda: trellis.generate_structured("x", Person, model="nobody/home"), errors.UnknownModelError, "nobody/home"),
    (lambda: trellis.generate_structured([], Person, model=ScriptedModel([])), errors.TemplateError, "conversation"),
    (lambda: trellis.generate_structured(Template("x", examples=[("y", {"name": 1})]), Person, model=ScriptedModel([])),
     errors.TemplateError, "example 0"),
])
def test_bad_input_is_a_typed_error_that_says_what(call: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)
    assert isinstance(caught.value, trellis.TrellisError)


def test_a_conversation_keeps_its_turns() -> None:
    model = ScriptedModel(['{"name":"Ann","age":30}'])
    turns = [Message("system", "Exactly."), Message("user", "Hi"), Message("assistant", "Hi!"), Message("user", "Who?")]
    trellis.generate_structured(turns, Person, model=model)
    sent = model.requests[0].messages
    assert sent[:3] == tuple(turns[:3])
    assert sent[3].content.startswith("Who?\n\nAnswer with minified JSON of type Person")


def test_the_built_in_model_by_default_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRELLIS_MODEL", raising=False)
    built_in = ScriptedModel(['{"name":"Ann","age":30}'])
    monkeypatch.setattr("trellis.session.resolve_model", lambda name: built_in if name == "trellis/nano" else None)
    with pytest.warns(UserWarning, match="built-in") as caught:
        result = trellis.generate_structured("x", Person)
    assert caught[0].filename == __file__
    assert "built-in" in result.warnings[0]


DAMAGED = st.builds(
    lambda text, at, piece, length: text[:at] + piece + text[at + length :],
    st.sampled_from(['{"name":"Ann","age":30}', "name: Ann\nage: 30", "name,age\nAnn,30", "```\n[1,2]\n```", "yes"]),
    st.integers(0, 24), st.text(max_size=4) | st.sampled_from(['"', "{", "]", ",", "\n", "```", "\\", "null"]),
    st.integers(0, 6))


@pytest.mark.parametrize("output_type", [Person, list[Person], Yaml(Person), Csv(Person), Choice(["yes", "no"]),
                                         Regex("(?i)yes|no"), int, dict[str, Any], {"enum": [1, "a", None]}], ids=str)
@settings(max_examples=60, deadline=None)
@given(reply=DAMAGED | st.text(max_size=30))
def test_whatever_a_model_says_is_a_value_of_the_type_or_an_error_of_ours(output_type: Any, reply: str) -> None:
    failed: trellis.GenerationError | None = None
    try:
        result = generate(reply, output_type, strategy=trellis.Retry(0))
    except trellis.GenerationError as error:
        failed = error
    if failed:
        assert failed.last_raw == reply
        assert failed.attempts[0].failure in ("empty", "syntax", "schema")
        return
    contract = trellis.contract_of(output_type)
    again = contract.validate(contract.read(contract.write(result.value), "off").value)
    assert again.value == result.value

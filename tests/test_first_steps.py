"""What a new user does first, wrongly: each error says what is wrong and what to do; and results can be printed."""

import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trellis
from trellis.errors import TrellisError
from trellis.masking import apply_bitmask


@dataclass
class Order:
    item: str
    qty: int


class Part(typing.TypedDict):
    name: str


class Tree(typing.TypedDict, total=False):
    parts: "typing.Required[list[Part]]"
    trees: "list[Tree]"


class Deep(Tree):
    depth: typing.Annotated[int, "levels"] | None


@dataclass
class Holder:
    part: Part


def ask(output_type: Any, *script: str | trellis.Reply, **more: Any) -> Any:
    return trellis.generate_structured("Go.", output_type, **{"model": trellis.ScriptedModel(script), **more})


def byte_matcher(engine: str) -> Any:
    vocabulary = trellis.Vocabulary([*(bytes([byte]) for byte in range(256)), b"<end>"], eos_ids=[256])
    return trellis.Grammar.from_choices(["a"]).compile(vocabulary, engine=engine).matcher()


WRONG: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "a bad pattern": (lambda: trellis.Regex("(a"), "GrammarError", "line 1, column 1", "re.escape"),
    "a bad pattern for a grammar": (lambda: trellis.Grammar.from_regex("a["), "GrammarError", "line 1", "re.escape"),
    "choices that are no list": (lambda: trellis.Choice("a", "b"), "TypeNotSupportedError", "one list",
                                 'Choice(["yes", "no"])'),
    "a choice in a union": (lambda: trellis.Choice(["a"]) | trellis.Unknown, "TypeNotSupportedError", "a union",
                            "Literal"),
    "none or a pattern": (lambda: None | trellis.Regex("a"), "TypeNotSupportedError", "a union", "pattern="),
    "a text that ends before its grammar": (lambda: trellis.Grammar.from_lark('start: "a"+ "b"').parse("aa"),
                                            "GrammarError", "too early at line 1, column 3", "trellis mask"),
    "too few answers": (lambda: ask(int, "many"), "ModelError", "the script has 1 answer,", "Retry(0)"),
    "a model's name for its tokenizer": (lambda: trellis.Vocabulary.from_tokenizer("gpt2"), "VocabularyError", "'gpt2'",
                                         "tokenizer.json"),
    "preview of text": (lambda: trellis.preview("x"),  # type: ignore[arg-type]
                        "TemplateError", "messages", "preview(output_type)"),
    "a budget that is too small": (lambda: ask(Order, model="trellis/nano", sampling=trellis.Sampling(max_tokens=3)),
                                   "LimitError", "max_tokens is 3", 'a larger max_tokens; or go without masks: mode='),
    "one row as an example of CSV": (
        lambda: trellis.Template("x", examples=[("a", Order("b", 1))]).preview(trellis.Csv(Order)), "TemplateError",
        "example 0 is not of type Order", "an example for Csv(Order) is a list of rows: [Order(...)]"),
    "a template with a stray brace": (
        lambda: trellis.Template("{{ text", variables={"text": "x"}).preview(int), "TemplateError", "line 1",
        "{% raw %}"),
    "logits that are integers": (lambda: apply_bitmask(np.zeros(32, np.int64), np.zeros(1, np.int32)), "UsageError",
                                 "floats", "astype"),
    "a model without its server": (lambda: ask(int, model="gpt-4o"), "UnknownModelError", "'gpt-4o'",
                                   '"openai/gpt-4o", with $OPENAI_BASE_URL'),
}


@pytest.mark.parametrize(("call", "kind", "said", "hint"), WRONG.values(), ids=WRONG)
def test_the_error_says_what_to_do(call: Callable[[], Any], kind: str, said: str, hint: str) -> None:
    with pytest.raises(TrellisError) as caught:
        call()
    assert type(caught.value).__name__ == kind
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_what_masks_cannot_enforce_has_a_way_out() -> None:
    with pytest.raises(trellis.UnsupportedError) as caught:
        trellis.Grammar.from_json_schema({"type": "string", "pattern": r"(a|b)\1"})
    assert 'on_unsupported="relax"' in caught.value.hint


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize(("bitmask", "row"), [
    (np.zeros(3), 0), (np.zeros(3, np.int32), 0), ([1], 0), (np.zeros(9, np.int32), 1), (np.zeros(9, np.int32), -1),
], ids=["floats", "too short", "a list", "no such row", "a negative row"])
def test_a_wrong_bitmask_leads_to_allocate_bitmask(engine: str, bitmask: Any, row: int) -> None:
    if engine == "kernel":
        pytest.importorskip("trellis_kernel")
    matcher = byte_matcher(engine)
    with pytest.raises(trellis.MaskError) as caught:
        matcher.fill_bitmask(bitmask, row)
    assert "allocate_bitmask(rows, 257)" in caught.value.hint


def test_an_examples_error_is_one_error() -> None:
    with pytest.raises(trellis.TemplateError) as caught:
        trellis.Template("x", examples=[("a", Order("b", 1))]).preview(trellis.Csv(Order))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "JSON" not in str(caught.value)


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for package, variable, model in (("openai", "VLLM_BASE_URL", "vllm/m"), ("ollama", "OLLAMA_HOST", "ollama/m")):
        pytest.importorskip(package)
        monkeypatch.setenv(variable, "http://someone:secret@127.0.0.1:9")
        with pytest.raises(trellis.TransportError) as caught:
            ask(int, model=model, strategy=trellis.Retry(0))
        assert "http://127.0.0.1:9" in caught.value.message
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("output_type", "value"), [
    (Part, {"name": "leaf"}),
    (list[Part], [{"name": "leaf"}]),
    (dict[str, Part | None], {"a": {"name": "leaf"}, "b": None}),
    (Tree | None, {"parts": [{"name": "leaf"}], "trees": [{"parts": []}]}),
    (Deep, {"parts": [], "depth": 3}),
    (trellis.Yaml(Part), {"name": "leaf"}),
    (trellis.Csv(Part), [{"name": "leaf"}]),
], ids=str)
def test_typed_dicts_of_typing(output_type: Any, value: Any) -> None:
    contract = trellis.contract_of(output_type)
    assert contract.validate(value).value == value
    assert ask(output_type, contract.write(value)).value == value


@pytest.mark.parametrize(("output_type", "value", "pointer"), [
    (Part, {}, "/name"), (Tree, {"trees": []}, "/parts"), (Deep, {"parts": []}, "/depth"),
    (Tree, {"parts": [], "trees": [{"parts": [{}]}]}, "/trees/0/parts/0/name"),
])
def test_typed_dicts_of_typing_keep_what_they_require(output_type: Any, value: Any, pointer: str) -> None:
    assert [error.pointer for error in trellis.contract_of(output_type).validate(value).errors] == [pointer]


def test_a_typed_dict_in_a_class_works_or_says_what_to_write() -> None:
    if sys.version_info >= (3, 12):
        assert trellis.contract_of(Holder).validate({"part": {"name": "leaf"}}).ok
        return
    with pytest.raises(trellis.TypeNotSupportedError) as caught:
        trellis.contract_of(Holder)
    assert "from typing_extensions import TypedDict" in caught.value.hint


def test_choices_with_commas_can_be_told_apart() -> None:
    def said(*values: str) -> str:
        return trellis.Template("Which?").preview(trellis.Choice(values)).text.splitlines()[-1]

    assert said("a", "b c") == "Answer with one of a, b c and nothing else."
    assert said("a", "b, c") == 'Answer with one of "a", "b, c", without the quotes, and nothing else.'
    assert ask(trellis.Choice(["a", "b, c"]), '"b, c"').value == "b, c"


def test_the_prompt_for_a_grammar_ends_with_the_grammar() -> None:
    grammar = trellis.Grammar.from_lark('start: "a" start? "b"')
    assert trellis.Template("Go.").preview(grammar).text == (
        '[user]\nGo.\n\nAnswer with nothing but text in the language of this grammar:\nstart: "a" start? "b"')


def test_a_result_is_short_to_look_at() -> None:
    result = ask(int, "many", "3")
    assert repr(result) == "Result(value=3, enforced='prompt', attempts=2)"
    assert repr(result.attempts[0]) == "Attempt(0, syntax, enforced='prompt', raw='many', errors=1, repairs=0)"
    first, second = str(result).splitlines()[1:]
    assert first.startswith("  attempt 1 (prompt, 0 tokens, 0.00 s): syntax: no valid JSON")
    assert second == "  attempt 2 (prompt, 0 tokens, 0.00 s): accepted"


def test_a_printed_result_has_warnings_and_says_what_came_from_the_cache(tmp_path: Path) -> None:
    session = trellis.Session(model=trellis.ScriptedModel(['{"item": "tea", "qty": 1, "of": 2}']),
                              cache=tmp_path / "replies.sqlite")
    first, again = (str(trellis.generate_structured("Go.", Order, session=session)) for _ in range(2))
    assert first.splitlines()[-1] == "  warning: the answer can be read in more than one way (dropped_member)"
    assert "attempt 1 (prompt, from the cache): accepted" in again


@pytest.mark.parametrize(("answer", "is_warned"), [
    ('{"item": "green te', True), ('{"item": "tea", "qty": 1', True), ('{"item": "tea", "qty": 1}', False),
])
def test_an_answer_that_stops_before_its_end_is_warned_of(answer: str, is_warned: bool) -> None:
    result = ask({"type": "object", "properties": {"item": {"type": "string"}}}, answer)
    assert [warning[:31] for warning in result.warnings] == ["the answer stops before its end"] * is_warned


@pytest.mark.parametrize(("output_type", "choices"), [
    (bool, {True, False}), (bool | None, {True, False, None}), (typing.Literal["a", "b"] | None, {"a", "b", None}),
    (list[bool], set()), (int | None, set()), (bool | trellis.Unknown, set()),
])
def test_every_type_of_few_values_has_their_probabilities(output_type: Any, choices: set[Any]) -> None:
    result = ask(output_type, model="trellis/nano", sampling=trellis.Sampling(max_tokens=20))
    assert set(result.probabilities) == choices
    assert not choices or sum(result.probabilities.values()) == pytest.approx(1)


def test_a_model_is_told_of_json_and_a_refusal_is_called_one() -> None:
    model = trellis.ScriptedModel(['{"item": null, "qty": 1}', '{"item": "tea", "qty": 1}'])
    ask(Order, model=model)
    assert "/item: Input should be a valid string, got null" in model.requests[1].messages[-1].content
    with pytest.raises(trellis.RefusedError, match=r"^the model refused: no way"):
        ask(Order, trellis.Reply("", finish="refusal", refusal="no way"))


def test_the_repair_that_finds_the_format() -> None:
    text = "{'a': 1,}"
    repaired = trellis.repair_any(text)
    assert repaired.value == {"a": 1}
    assert trellis.apply_edits(text, repaired.edits) == repaired.text

"""Prompts: exactly what a model is sent."""

from typing import Any

import pytest
from pydantic import BaseModel

import trellis
from trellis import Choice, Csv, FieldError, Message, Template, Yaml, contract_of, preview
from trellis.prompt import MAX_FEEDBACK_CHARACTERS, correction, messages_for


class Party(BaseModel):
    name: str
    vat: str | None = None


class Invoice(BaseModel):
    seller: Party
    buyer: Party
    total: float


def test_the_prompt_for_a_model() -> None:
    assert Template("Read this invoice: ...").preview(Invoice) == """[user]
Read this invoice: ...

Answer with minified JSON of type Invoice and nothing else.
interface Party {
  name: string
  vat?: string | null
}
interface Invoice {
  seller: Party
  buyer: Party
  total: number
}"""


@pytest.mark.parametrize(("output_type", "words"), [
    (Yaml(Party), "Answer with YAML of type Party and nothing else."),
    (Csv(Party), "Answer with CSV and nothing else: one header line, then one line for each Party."),
    (Choice(["good", "bad"]), "Answer with one of good, bad and nothing else."),
    (dict[str, int], "minified JSON of type Answer and nothing else.\ntype Answer = Record<string, integer>"),
])
def test_each_format_says_what_it_wants(output_type: Any, words: str) -> None:
    assert words in Template("x").preview(output_type)


@pytest.mark.parametrize(("schema", "text"), [
    ({"type": "array", "items": {"$ref": "#"}}, "type Answer = Answer[]"),
    ({"$ref": "#/$defs/j", "$defs": {"j": {"anyOf": [{"type": "null"}, {"additionalProperties": {"$ref": "#/$defs/j"},
                                                                         "type": "object"}]}}},
     "type Answer = null | Record<string, Answer>"),
    ({"type": "object", "properties": {"a": {"$ref": "#/$defs/j"}}, "$defs": {
        "j": {"type": "array", "items": {"$ref": "#/$defs/j"}}}}, "type J = J[]\ninterface Answer {\n  a?: J\n}"),
    ({"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "integer"}]},
     "interface Answer_ {\n  a?: string\n}\ntype Answer = Answer_ | integer"),
    ({"type": "object", "properties": {"c": {"$ref": "#"}}}, "interface Answer {\n  c?: Answer\n}"),
])
def test_types_that_contain_themselves_and_unions_at_the_root(schema: Any, text: str) -> None:
    assert contract_of(schema).type_text() == text


def test_a_schema_nested_too_deeply_is_told() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(3_000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(trellis.SchemaError, match="too deeply"):
        contract_of(schema)


def test_examples_are_written_as_answers_should_be_and_checked() -> None:
    template = Template("Who?", examples=[("Ann of Ltd", Party(name="Ann")), ("Bo", {"name": "Bo", "vat": "5"})],
                        system="Be exact.")
    system, user = template.messages(contract_of(Party))
    assert system == Message("system", "Be exact.")
    assert user.content.endswith('Examples:\nInput: Ann of Ltd\nOutput: {"name":"Ann","vat":null}\n'
                                 'Input: Bo\nOutput: {"name":"Bo","vat":"5"}')
    with pytest.raises(trellis.TemplateError, match="example 0"):
        Template("Who?", examples=[("x", {"nome": "x"})]).messages(contract_of(Party))


def test_variables_and_own_templates() -> None:
    template = Template("Who is {{ name_of }}?", variables={"name_of": "Ann"},
                        source="{{ prompt }} ({{ name }}: {{ type | length }})")
    assert template.messages(contract_of(Party))[0].content == "Who is Ann? (Party: 56)"
    assert Template("100 {{ % }}").messages(contract_of(Party))[0].content.startswith("100 {{ % }}")


@pytest.mark.parametrize(("template", "words"), [
    (Template("{{ missing }}", variables={"a": 1}), "'missing' is undefined"),
    (Template("{% if %}", variables={"a": 1}), "line 1"),
    (Template("x", source="{{ 1 / 0 }}"), "ZeroDivisionError"),
    (Template("x", source="{{ ''.__class__.__mro__ }}"), "unsafe"),
])
def test_a_template_that_does_not_render(template: Template, words: str) -> None:
    with pytest.raises(trellis.TemplateError, match=words):
        template.messages(contract_of(Party))


@pytest.mark.parametrize("turns", [[], ["hello"], [Message("user", "x"), Message("assistant", "y")]])
def test_what_is_no_conversation(turns: Any) -> None:
    with pytest.raises(trellis.TemplateError, match="conversation"):
        messages_for(turns, contract_of(Party))


def test_a_correction_shows_the_last_answer_and_each_error_once() -> None:
    prompt = (Message("user", "Who?"),)
    first, answer, feedback = correction(prompt, "x" * 10_000, [FieldError("/a", "is wrong")] * 3)
    assert first == prompt[0]
    assert answer.content == "x" * MAX_FEEDBACK_CHARACTERS + " [...]"
    assert feedback.content.count("/a: is wrong") == 1
    assert "[assistant]" in preview([first, answer, feedback])


def test_a_bound_of_zero_is_told() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "uniqueItems": False}}}
    assert "n?: integer // >= 0\n" in contract_of(schema).type_text()

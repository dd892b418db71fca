"""Every keyword changes the language, or is said not to; ``explain`` and the docs say the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trellis import generate_structured
from trellis.cli import main
from trellis.errors import SchemaError, UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.masking.schema_explain import explain
from trellis.models.scripted import ScriptedModel
from trellis.schema.keywords import ANNOTATIONS, KEYWORDS, REFUSED

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "fixtures" / "schema_keywords.json").read_text(encoding="utf-8"))
RELAXED = {"type": "array", "items": {"type": "string", "pattern": r"^(?!(a)\1?)"}}


def without(schema: Any, keyword: str, pointer: str) -> Any:
    """A copy of a schema less one keyword."""
    copy = json.loads(json.dumps(schema))
    inner = copy
    for token in pointer.split("/")[1:]:
        inner = inner[int(token) if isinstance(inner, list) else token]
    del inner[keyword]
    return copy


@pytest.mark.parametrize("case", [pytest.param(case, id=case["keyword"]) for case in CASES])
def test_a_keyword_that_is_deleted_changes_the_language(case: dict[str, Any]) -> None:
    assert not Grammar.from_json_schema(case["schema"]).accepts(case["refused"], engine="reference")
    rest = without(case["schema"], case["keyword"], case.get("at", ""))
    assert Grammar.from_json_schema(rest).accepts(case["refused"], engine="reference")


def test_every_keyword_has_a_case() -> None:
    assert {case["keyword"] for case in CASES} == (KEYWORDS - ANNOTATIONS - REFUSED) | {"then", "else"}


@pytest.mark.parametrize("draft", ["draft-03", "draft-04", "draft-07"])
@pytest.mark.parametrize(("keyword", "value"), [("extends", {"type": "integer"}), ("disallow", "string"),
                                                ("divisibleBy", 2)])
def test_words_of_draft_3_are_refused_or_listed(keyword: str, value: Any, draft: str) -> None:
    schema = {"$schema": f"http://json-schema.org/{draft}/schema#", "properties": {"a/b": {keyword: value}}}
    with pytest.raises(UnsupportedError) as caught:
        Grammar.from_json_schema(schema)
    assert caught.value.pointer == f"/properties/a~1b/{keyword}"
    relaxed = Grammar.from_json_schema(schema, on_unsupported="relax").relaxations
    assert [it.pointer for it in relaxed] == [f"/properties/a~1b/{keyword}"]


def test_there_are_no_other_keywords_in_any_draft() -> None:
    registry = pytest.importorskip("jsonschema_specifications").REGISTRY
    names = {name for uri in registry for name in registry.contents(uri).get("properties", {})}
    assert len(names) > 50
    assert names <= KEYWORDS


def test_words_that_say_where_things_are_change_the_language_or_are_missed() -> None:
    anchored = {"$ref": "#x", "$defs": {"a": {"$anchor": "x", "type": "integer"}}}
    assert not Grammar.from_json_schema(anchored).accepts('"a"')
    addressed = {"$ref": "other", "$defs": {"a": {"$id": "other", "type": "integer"}}}
    assert not Grammar.from_json_schema(addressed).accepts('"a"')
    for schema, keyword in ((anchored, "$anchor"), (addressed, "$id")):
        with pytest.raises((SchemaError, UnsupportedError)):
            Grammar.from_json_schema(without(schema, keyword, "/$defs/a"))
        with pytest.raises((SchemaError, UnsupportedError)):
            Grammar.from_json_schema(without(schema, "$defs", ""))
    dated = {"$schema": "http://json-schema.org/draft-07/schema#", "contentEncoding": "base64"}
    assert not Grammar.from_json_schema(dated).accepts('"?"')
    assert Grammar.from_json_schema(without(dated, "$schema", "")).accepts('"?"')  # an annotation by now


@pytest.mark.parametrize("case", [pytest.param(case, id=case["keyword"]) for case in CASES])
def test_explain_says_that_it_is_enforced(case: dict[str, Any]) -> None:
    explained = {it.pointer: it.status for it in explain(case["schema"]).keywords}
    assert explained[f"{case.get('at', '')}/{case['keyword']}"] == "enforced"


def test_explain_tells_what_is_relaxed_and_what_says_nothing() -> None:
    schema = {"title": "x", "properties": {"a": RELAXED, "b": {"format": "colour", "minlength_": 3}}, "required": ["a"]}
    explained = {it.pointer: it.status for it in explain(schema).keywords}
    assert explained["/properties/a/items/pattern"] == "relaxed"
    assert explained["/properties/a/items/type"] == "enforced"
    assert explained["/required"] == "enforced"
    assert {pointer for pointer, status in explained.items() if status == "annotation"} == {
        "/title", "/properties/b/format", "/properties/b/minlength_"}


def test_explain_says_where_contents_of_strings_are_asserted() -> None:
    content = {"contentEncoding": "base64", "contentMediaType": "application/json"}
    old = explain({"$schema": "http://json-schema.org/draft-07/schema#", **content})
    assert [it.status for it in old.keywords][1:] == ["enforced", "relaxed"]
    assert [it.status for it in explain(content).keywords] == ["annotation", "annotation"]


def test_explain_says_what_has_no_mask_at_all() -> None:
    result = explain({"properties": {"a": {"minLength": -1}}})
    assert isinstance(result.error, SchemaError)
    assert ("/properties/a/minLength", "refused") in [it[:2] for it in result.keywords]
    assert "enforced" not in {it.status for it in result.keywords}  # nobody looked


def test_explain_says_of_no_keyword_that_it_is_enforced_where_nobody_got_to_it() -> None:
    result = explain({"properties": {"a": RELAXED, "b": {"$ref": "#/nowhere"}, "c": {"title": "x", "divisibleBy": 2}}})
    found = {it.pointer: it.status for it in result.keywords}
    assert found["/properties/b/$ref"] == "refused"
    assert found["/properties/a/items/pattern"] == found["/properties/c/divisibleBy"] == "unknown"
    assert found["/properties/c/title"] == "annotation"


def test_explain_says_what_a_draft_would_ignore_and_what_speaks_of_other_types() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "array"}},
              "properties": {"a": {"$ref": "#/definitions/a", "maxItems": 1}, "b": {"type": "string", "maximum": 3},
                             "c": {"type": "string", "required": True, "nullable": True}},
              "dependentRequired": {"a": ["b"]}}
    found = {it.pointer: it for it in explain(schema).keywords}
    for pointer, status, word in [("/properties/a/maxItems", "enforced", "beside $ref"),
                                  ("/properties/a/$ref", "enforced", ""),
                                  ("/dependentRequired", "enforced", "newer"),
                                  ("/properties/b/maximum", "annotation", "type string"),
                                  ("/properties/c/required", "annotation", "draft 3"),
                                  ("/properties/c/nullable", "annotation", "OpenAPI")]:
        assert found[pointer].status == status
        assert word in found[pointer].reason


@pytest.mark.parametrize("mode", ["error", "relax"])
def test_misspelt_keywords_are_annotations_and_listed(mode: Any) -> None:
    schema = {"properties": {"a/b": {"type": "string", "maxlength": 3}}, "type": "object"}
    grammar = Grammar.from_json_schema(schema, on_unsupported=mode)
    assert [it.pointer for it in grammar.relaxations] == ["/properties/a~1b/maxlength"]
    assert "'maxLength'" in grammar.relaxations[0].reason
    assert grammar.accepts('{"a/b":"long enough"}', engine="reference")
    model = ScriptedModel(['{"a/b": "long enough"}'])
    assert generate_structured("?", schema, model=model, mode="prompt").value == {"a/b": "long enough"}
    assert {it.pointer: it.status for it in explain(schema).keywords}["/properties/a~1b/maxlength"] == "relaxed"


@pytest.mark.parametrize(("definition", "pointer"), [
    ({"name": "f", "description": "d", "parameters": {"type": "object"}}, "/parameters"),
    ({"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}, "/function/parameters"),
    ({"name": "f", "input_schema": {"type": "object"}}, "/input_schema"),
    ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#"}}}, "/json_schema/schema"),
])
def test_a_definition_of_a_tool_is_no_schema(definition: dict[str, Any], pointer: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Grammar.from_json_schema(definition)
    assert caught.value.pointer == pointer
    assert "[" in (caught.value.hint or "")


def test_the_command_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"type": "object", "properties": {"a": RELAXED}}))
    assert main(["schema", "explain", str(file), "--samples", "0"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "enforced\t/type" in lines
    assert any(line.startswith("relaxed\t/properties/a/items/pattern\t") for line in lines)
    file.write_text('{"type": "string", "minLenght": 3, "x-note": 1}')
    assert main(["schema", "explain", str(file), "--samples", "0"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "enforced\t/type", "annotation\t/minLenght\tit is no keyword; is 'minLength' meant?"]
    file.write_text("{")
    assert main(["schema", "explain", str(file)]) == 2
    assert "no JSON" in capsys.readouterr().err


def test_what_is_relaxed_is_checked_after_generation() -> None:
    model = ScriptedModel(['["a", "b"]', '["b"]'], modes=["mask", "prompt"])
    result = generate_structured("Two letters.", RELAXED, model=model)
    assert result.value == ["b"]
    assert model.requests[0].mode == "mask"
    assert len(result.attempts) == 2
    assert model.requests[0].grammar is not None
    assert [it.pointer for it in model.requests[0].grammar.relaxations] == ["/items/pattern"]


def test_a_name_that_comes_twice_in_an_answer_is_told() -> None:
    model = ScriptedModel(['{"a": {"x": 1, "x": 2}, "b": {"x": 1}}'])
    result = generate_structured("?", {"type": "object"}, model=model)
    assert result.value == {"a": {"x": 2}, "b": {"x": 1}}
    assert [warning for warning in result.warnings if "'x' comes twice" in warning]
    result = generate_structured("?", {"type": "object"}, model=ScriptedModel(['{"a": {"x": 1}, "b": {"x": 1}}']))
    assert not [warning for warning in result.warnings if "twice" in warning]


def test_the_page_has_the_tables_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import json_schema_matrix  # type: ignore[import-not-found, unused-ignore]

    text = json_schema_matrix.PAGE.read_text(encoding="utf-8")
    assert json_schema_matrix.page(text) == text
    assert "**ignored**" not in text
    sys.modules.pop("json_schema_matrix")

"""Portable Lark text: lark, xgrammar and llguidance read the language of the mask, or it is an error that says why."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.masking.portable_readers import READERS, TOKENS, Accepts

from trellis.errors import LimitError, UnsupportedError, UsageError
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary
from trellis.masking.walk import Walker

ROOT = Path(__file__).parents[2]
SCHEMAS = json.loads((ROOT / "fixtures" / "masking" / "json_schema.json").read_text(encoding="utf-8"))["exact"]
NOT_SAID = {"any white space", "minContains and maxContains", "maxContains alone", "multiples of a fraction",
            "no integer", "multiples of none", "oneOf that overlaps", "a name like no other one has",
            "a format and a length", "words in a length", "$dynamicRef beside not",
            "multiples of a day in seconds", "multiples of numbers together"}
VOCABULARY = Vocabulary(TOKENS, special_ids=[256], eos_ids=[256])
EACH_READER = pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())

PERSON = {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 200}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
    "score": {"type": "number", "exclusiveMinimum": -2.5, "maximum": 1000}, "day": {"type": "string", "format": "date"},
    "tags": {"type": "array", "items": {"enum": ["a", "é", "è", 1, 12, None]}, "minItems": 1},
    "friends": {"type": "array", "items": {"$ref": "#"}}}, "required": ["name", "day"]}
GRAMMARS: dict[str, Callable[[], Grammar]] = {
    "schema": lambda: Grammar.from_json_schema(PERSON),
    "closed in any order": lambda: Grammar.from_json_schema({**PERSON, "additionalProperties": False},
                                                            property_order="any"),
    "automaton": lambda: Grammar.from_json_schema({"anyOf": [
        {"type": "string", "pattern": "^[a-z]+@[a-z]+$", "maxLength": 12}, {"type": "string", "format": "uuid"}]}),
    "choices": lambda: Grammar.from_choices(["a", "ab", "é", "è", 'c"\\\n', "\U0001f600"]),
    "regex": lambda: Grammar.from_regex(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,3})?|[a-c\-\]^/]{2,40}\\x"),
    "lark": lambda: Grammar.from_lark("""
        start: item ("," item)*
        item: NUMBER | STRING | "(" start? ")"
        NUMBER: /[0-9]+/
        STRING: /"(?:[^"\\\\]|\\\\.)*"/
        %ignore /[ \\t]+/
        %ignore /#[a-z]*;/
    """),
    "json.lark": lambda: Grammar.from_lark(ROOT / "grammars" / "json.lark"),
    "csv.lark": lambda: Grammar.from_lark(ROOT / "grammars" / "csv.lark"),
}
REFUSED: dict[str, tuple[Callable[[], Grammar], str]] = {
    "lazy": (lambda: Grammar.from_lark('start: A\nA: /".*?"/'), "different lengths for terminal A"),
    "a short one first": (lambda: Grammar.from_lark("start: A\nA: /a|ab/"), "different lengths for terminal A"),
    "lookahead": (lambda: Grammar.from_lark('start: A "!"\nA: /a(?!b)/'), "no lookaround.*terminal A"),
    "special tokens": (lambda: Grammar.from_lark('%declare END\nstart: "a" END', special_tokens={"END": "<end>"}),
                       "special tokens.*terminal END"),
    "keyword beside a name": (lambda: Grammar.from_lark('start: "if" NAME | NAME\nNAME: /[a-z]+/'), "NAME may go on"),
    "lalr": (lambda: Grammar.from_lark('start: "a"', parser="lalr"), "LALR"),
}


def accepted(reader: Callable[[str], Accepts], grammar: Grammar) -> Accepts:
    return reader(grammar.to_lark())


def mutants(text: str, chooser: random.Random) -> list[str]:
    """Texts near one: a character left out, put in or exchanged."""
    found = []
    for _ in range(4):
        at, new = chooser.randrange(len(text) + 1), chooser.choice('",:{}[]01-ab .\\\né')
        found.append(chooser.choice([text[:at] + text[at + 1 :], text[:at] + new + text[at:],
                                     text[:at] + new + text[at + 1 :]]))
    return found


@EACH_READER
def test_readers_accept_what_schemas_allow_and_refuse_the_rest(reader: Callable[[str], Accepts]) -> None:
    for case in SCHEMAS[:: 1 if reader is READERS["lark"] else 4]:
        if case["name"] not in NOT_SAID:
            portable = Grammar.from_json_schema(case["schema"], **case.get("options", {})).to_lark()
            accepts = reader(portable)
            assert [text for text in case["accept"] if not accepts(text)] == [], case["name"]
            if "// not enforced: no item comes twice" not in portable:
                assert [text for text in case["refuse"] if accepts(text)] == [], case["name"]


@pytest.mark.parametrize("name", sorted(NOT_SAID))
def test_what_the_text_cannot_say_of_these_schemas_is_an_error(name: str) -> None:
    (case,) = (case for case in SCHEMAS if case["name"] == name)
    with pytest.raises((UnsupportedError, LimitError)):
        Grammar.from_json_schema(case["schema"], **case.get("options", {})).to_lark()


@EACH_READER
@pytest.mark.parametrize("make", GRAMMARS.values(), ids=GRAMMARS.keys())
def test_readers_agree_with_the_mask_on_walks_and_on_texts_near_them(
        make: Callable[[], Grammar], reader: Callable[[str], Accepts]) -> None:
    grammar = make()
    accepts, walker, chooser = accepted(reader, grammar), Walker(grammar.compile(VOCABULARY), 1), random.Random(1)
    for _ in range(5):
        text = walker.text(40).decode()
        assert accepts(text), text
        for other in mutants(text, chooser):
            assert accepts(other) == grammar.accepts(other), other


@pytest.mark.parametrize("make", GRAMMARS.values(), ids=GRAMMARS.keys())
def test_walks_of_the_text_belong_to_the_grammar(make: Callable[[], Grammar]) -> None:
    grammar = make()
    walker = Walker(Grammar.from_lark(grammar.to_lark()).compile(VOCABULARY), 2)
    for _ in range(5):
        text = walker.text(40)
        assert grammar.accepts(text), text


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_readers_would_not_read_alike_is_an_error(make: Callable[[], Grammar], why: str) -> None:
    with pytest.raises(UnsupportedError, match=why):
        make().to_lark()


def test_what_masks_do_not_enforce_is_said_in_the_text() -> None:
    schema: dict[str, Any] = {"type": "string", "pattern": "^(a)?\\1b"}
    text = Grammar.from_json_schema(schema, on_unsupported="relax").to_lark()
    assert text.startswith("// not enforced: /pattern: ")
    assert READERS["lark"](text)('"b"')


def test_there_is_one_dialect() -> None:
    with pytest.raises(UsageError, match="no dialect"):
        Grammar.from_choices(["a"]).to_lark("gbnf")  # type: ignore[arg-type]


def test_a_large_grammar_is_written() -> None:
    names = {f"property_{i}": {"type": "string"} for i in range(300)}
    grammar = Grammar.from_json_schema({"properties": names, "type": "object", "additionalProperties": False})
    assert len(grammar.to_lark()) < 60_000

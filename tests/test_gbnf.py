"""Grammars in the notation of llama.cpp: what they look like, and that another reader of it takes the same texts."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import Grammar
from trellis.models.gbnf import gbnf_of

SHIPPED = sorted(Path("grammars").glob("*.lark"), key=lambda path: path.name)


@pytest.mark.parametrize("pattern", ["[^a]", r"\d{3}", "é|ß", "(?:ab)*c+", "", "[\\]\\-^]", "a\"b"])
def test_gbnf_of_a_pattern_is_one_rule(pattern: str) -> None:
    text = gbnf_of(Grammar.from_regex(pattern)).text
    assert re.fullmatch(r"root ::= [^\n]+\n", text)


def test_escapes_are_those_that_every_reader_takes_alike() -> None:
    text = gbnf_of(Grammar.from_choices(['say "x"', "a\\b", "\x0b1\n"])).text
    assert text == 'root ::= "say \\"x\\"" | "a\\\\b" | "\\x0B" "1\\n"\n'
    assert gbnf_of(Grammar.from_regex(r"[\x00-\x7f]")).text == (
        r"root ::= [0-9A-Za-z\x00-\x2F\x3A-\x40\x5B-\x60\x7B-\x7F]" + "\n")
    assert gbnf_of(Grammar.from_regex("[_a-é😀]")).text == r"root ::= [a-z\x80-é😀\x5F\x7B-\x7F]".replace(
        r"\x80", "\x80") + "\n"


def test_what_has_no_gbnf() -> None:
    for grammar in (Grammar.from_json_schema({"type": "integer"}), Grammar.from_regex("(?=.*x)[a-z]+"),
                    Grammar.from_lark("start: A\n%declare A", special_tokens={"A": 3})):
        with pytest.raises(trellis.UnsupportedError):
            gbnf_of(grammar)


@pytest.mark.parametrize(("text", "parser"), [
    ('start: start "a" | "b"', "earley"), ('start: start "a" | "b"', "lalr"),
    ('start: e\ne: e? "+" e | n*\nn: "n"', "earley"), ('start: a b\na: "x"*\nb: a b? "y" | a', "earley"),
    ('start: a "z"\na: b b\nb: \n', "earley")])
def test_no_rule_is_left_recursive_or_empty_where_it_is_called(text: str, parser: str) -> None:
    lines = gbnf_of(Grammar.from_lark(text, parser=parser)).text.split("\n")[:-1]
    begins = {name: {way.split()[0] for way in body.strip("()").split(" | ")}
              for name, _, body in (line.partition(" ::= ") for line in lines)}
    assert all('""' not in ways for name, ways in begins.items() if name.startswith("begin"))
    assert all(begins.values())
    for name in begins:
        seen, work = set[str](), [name]
        while work:
            new = (begins.get(work.pop(), set()) & begins.keys()) - seen
            seen |= new
            work += new
        assert name not in seen


def test_ignored_terminals_stand_between_all_others() -> None:
    text = gbnf_of(Grammar.from_lark('start: "a" B\nB: "b"\n%ignore " "')).text
    assert text.split("\n")[:-1][0] == "root ::= skip (A after-1)"
    assert "A ::= [a] skip" in text.split("\n")[:-1]
    assert text.split("\n")[:-1][-1].startswith("skip ::= (")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_grammar_is_taken_by_another_reader_of_the_notation(path: Path) -> None:
    xgrammar: Any = pytest.importorskip("xgrammar")
    from xgrammar.testing import _is_grammar_accept_string as takes

    written = gbnf_of(Grammar.from_lark(path))
    read = xgrammar.Grammar.from_ebnf(written.text)
    cases = tomllib.loads(Path(f"fixtures/grammars/{path.stem}.toml").read_text(encoding="utf-8"))
    assert [text for text in cases["accept"] if not takes(read, text)] == []
    wrong = [text for text in cases["reject"] if takes(read, text)]
    assert not wrong or written.dropped  # only what lookaround forbids
    assert len(wrong) < len(cases["reject"]) / 2

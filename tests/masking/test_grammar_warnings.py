"""What ``trellis grammar check`` warns of: each kind once where it is, and not where it is not. Real Lark is asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from trellis.errors import GrammarError
from trellis.masking import Grammar, Vocabulary
from trellis.masking.grammar_warnings import warnings_of
from trellis.models.nano.model import NanoModel

pytest.importorskip("trellis_kernel")
ROOT = Path(__file__).parents[2]
BLANKS = '%ignore " "\n'
QUERY = 'start: "select" NAME ("from" NAME)?\nNAME: /[a-z]+/\n' + BLANKS


@cache
def nano() -> Vocabulary:
    return NanoModel().vocabulary


def kinds(grammar: str, parser: str) -> dict[str, str]:
    return {warning.kind: warning.message for warning in reversed(warnings_of(
        Grammar.from_lark(grammar, parser=parser), nano()))}


@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_keywords_that_do_not_end(parser: str) -> None:
    assert Grammar.from_lark(QUERY, parser=parser).parse("select a fromx")  # the trap is there
    assert "x' is read as '" in kinds(QUERY, parser)["white space"]
    ended = QUERY.replace('"select"', "/select\\b/").replace('"from"', "/from\\b/")
    assert "at once" not in kinds(ended, parser)["white space"]
    assert kinds(QUERY.replace(BLANKS, "").replace('"select"', '"select "').replace('"from"', '" from "'), parser) == {}


def test_a_keyword_before_a_keyword() -> None:
    text = 'start: "not" "null" | "(" start ")"\n' + BLANKS
    assert "'notnull'" in kinds(text, "lalr")["white space"]
    assert "'notnull'" in kinds(text, "earley")["white space"]
    assert "at once" not in kinds(text.replace('"not" "null"', '"not" "(" "null" ")"'), "earley")["white space"]


def test_a_name_that_takes_the_whole_word_is_no_trap_for_lalr() -> None:
    text = 'start: ("let" NAME | NAME "=" "1")+\nNAME: /[a-z]+/\n' + BLANKS
    assert Grammar.from_lark(text, parser="lalr").parse("letx = 1").children[0] == "letx"
    assert "at once" not in kinds(text, "lalr")["white space"]
    assert "'letx'" in kinds(text, "earley")["white space"]


def test_ambiguity_is_shown_with_a_text() -> None:
    text = 'start: sum\nsum: sum "+" sum | "n"\n'
    message = kinds(text, "earley")["ambiguity"]
    assert "rule sum" in message
    assert "'n+n+n'" in message
    assert "ambiguity" not in kinds('start: sum\nsum: sum "+" "n" | "n"\n', "earley")


def test_ambiguity_deep_in_a_grammar_is_found() -> None:
    text = ('start: ("select" NAME ["where" cond] ";")+\ncond: cond "and" cond | NAME "=" VALUE\n'
            'NAME: /[a-z]+/\nVALUE: /"[^"]*"|\\d+/\n' + BLANKS)
    assert "rule cond" in kinds(text, "earley")["ambiguity"]


def test_a_conflict_that_lalr_resolves_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    text = 'start: "if" start ("else" start)? | "x"\n'
    assert "ELSE" in kinds(text, "lalr")["conflict"]
    assert "conflict" not in kinds(text, "earley")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "parser"), [("markdown_table", "lalr"), ("tsv", "lalr"), ("iso8601", "earley"),
                                              ("csv", "earley")])
def test_shipped_grammars_without_ignored_white_space_give_no_warning(name: str, parser: str) -> None:
    assert warnings_of(Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser), nano()) == []


def test_only_lark_grammars_have_warnings() -> None:
    with pytest.raises(GrammarError, match="no rules"):
        warnings_of(Grammar.from_regex("a"), nano())

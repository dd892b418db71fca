"""Lark grammars: the shipped ones, one for each feature, and those that do not load. Real Lark is asked each time."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trellis import errors
from trellis.errors import GrammarError
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures" / "grammars"
SHIPPED = ["json", "arithmetic", "csv"]
PARSERS = ["earley", "lalr"]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((FIXTURES / f"{name}.toml").read_text(encoding="utf-8"))


FEATURES = [pytest.param(case, parser, id=f"{case['name']}-{parser}")
            for case in read("features")["case"] for parser in case.get("parsers", PARSERS)]
FOUND = [pytest.param(case, parser, id=f"{case['name']}-{parser}")
         for case in read("found")["case"] for parser in case.get("parsers", PARSERS)]
PEOPLE = [pytest.param(case, parser, id=f"{case['name']}-{parser}")
          for case in read("people")["case"] for parser in case.get("parsers", PARSERS)]
ERRORS = [pytest.param(case, parser, id=f"{case['name']}-{parser}")
          for case in read("errors")["case"] for parser in case.get("parsers", PARSERS)]


def lark_parses(grammar: Grammar, text: str) -> bool:
    try:
        grammar.parse(text)
    except GrammarError:
        return False
    return True


def check(grammar: Grammar, accept: list[str], reject: list[str], engine: str) -> None:
    for text in accept:
        assert lark_parses(grammar, text), f"the fixture is wrong: Lark refuses {text!r}"
        assert grammar.accepts(text, engine=engine), text
        data = text.encode()
        for end in range(len(data) + 1):
            assert grammar.accepts_prefix(data[:end], engine=engine), (text, end)
    for text in reject:
        assert not lark_parses(grammar, text), f"the fixture is wrong: Lark parses {text!r}"
        assert not grammar.accepts(text, engine=engine), text


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_grammar(name: str, parser: str, engine: str) -> None:
    grammar = Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser)
    texts = read(name)
    check(grammar, texts["accept"], texts["reject"], engine)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_grammar_says_what_it_is(name: str) -> None:
    assert (ROOT / "grammars" / f"{name}.lark").read_text(encoding="utf-8").startswith("// ")


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize(("case", "parser"), FEATURES)
def test_feature(case: dict[str, Any], parser: str, engine: str) -> None:
    check(Grammar.from_lark(case["grammar"], parser=parser), case["accept"], case["reject"], engine)


@pytest.mark.parametrize(("case", "parser"), FOUND)
def test_what_was_wrong_once(case: dict[str, Any], parser: str) -> None:
    check(Grammar.from_lark(case["grammar"], parser=parser), case["accept"], case["reject"], "kernel")


@pytest.mark.parametrize(("case", "parser"), PEOPLE)
def test_a_grammar_as_people_write_them(case: dict[str, Any], parser: str) -> None:
    check(Grammar.from_lark(case["grammar"], parser=parser), case["accept"], case["reject"], "kernel")


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("name", SHIPPED)
def test_sentences_cut_into_tokens_at_random_are_allowed_all_the_way(name: str, parser: str, engine: str) -> None:
    grammar = Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser)
    choose = random.Random(7)
    cuts = []
    for text in read(name)["accept"]:
        data, pieces = text.encode(), []
        while data:
            size = choose.randint(1, 4)
            pieces.append(data[:size])
            data = data[size:]
        cuts.append(pieces)
    tokens = sorted({piece for pieces in cuts for piece in pieces})
    vocabulary = Vocabulary([*tokens, b"<end>"], special_ids=[len(tokens)], eos_ids=[len(tokens)])
    for pieces in cuts:
        matcher = grammar.compile(vocabulary, engine=engine).matcher()
        for piece in pieces:
            assert matcher.accept(tokens.index(piece)), (pieces, piece)
        assert matcher.accept(len(tokens))


@pytest.mark.parametrize(("case", "parser"), ERRORS)
def test_error(case: dict[str, Any], parser: str) -> None:
    kind = getattr(errors, case["error"])
    if case.get("when") == "compile":
        grammar = Grammar.from_lark(case["grammar"], parser=parser)
        for engine in ("kernel", "reference"):
            with pytest.raises(kind, match=case["message"]):
                grammar.accepts("", engine=engine)
        return
    with pytest.raises(kind) as caught:
        Grammar.from_lark(case["grammar"], parser=parser)
    error = caught.value
    assert type(error) is kind
    assert case["message"] in str(error)
    for attribute in ("line", "column", "rule"):
        if attribute in case:
            assert getattr(error, attribute) == case[attribute]
    if "line" in case:
        source, caret = error.context.split("\n")
        assert source == case["grammar"].split("\n")[case["line"] - 1]
        assert caret.index("^") == case["column"] - 1


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read("habits")["case"]])
def test_a_habit_of_another_notation_is_told_what_to_write(case: dict[str, Any]) -> None:
    with pytest.raises(GrammarError) as caught:
        Grammar.from_lark(case["grammar"], **{key: case[key] for key in ("parser", "start") if key in case})
    error = caught.value
    assert (error.line, error.column, error.rule) == (case["line"], case["column"], case.get("rule"))
    assert error.hint == case["hint"]
    source, caret = error.context.split("\n")
    assert (source, caret) == (case["grammar"].split("\n")[case["line"] - 1], " " * (case["column"] - 1) + "^")


def test_the_table_of_the_documentation_is_that_of_the_cases() -> None:
    rows = ["| a grammar with | `parser=\"earley\"` | `parser=\"lalr\"` |", "|---|---|---|"]
    for case in read("features")["case"]:
        said = ("exact" if parser in case.get("parsers", PARSERS) else "–" for parser in PARSERS)
        rows.append(f"| {case['name']} | {' | '.join(said)} |")
    for case in read("errors")["case"]:
        if case["error"] == "UnsupportedError":
            said = ("refused" if parser in case.get("parsers", PARSERS) else "exact" for parser in PARSERS)
            rows.append(f"| {case['name']} | {' | '.join(said)} |")
    table = "\n".join(rows)
    text = (ROOT / "docs" / "masks.md").read_text(encoding="utf-8")
    written = text.split("<!-- cases -->\n", 1)[1].split("\n<!-- end of cases -->", 1)[0]
    assert written == table, f"docs/masks.md has to say:\n{table}"


def test_a_text_that_does_not_parse_is_an_error_with_its_place() -> None:
    grammar = Grammar.from_lark('start: "a" "b"\n', parser="lalr")
    with pytest.raises(GrammarError) as caught:
        grammar.parse("ac")
    assert (caught.value.line, caught.value.column) == (1, 2)


def test_only_lark_grammars_have_trees() -> None:
    assert Grammar.from_lark('start: "a"\n').parse("a").data == "start"
    with pytest.raises(GrammarError, match="no parse trees"):
        Grammar.from_regex("a").parse("a")


def test_relative_imports_are_read_next_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "base.lark").write_text('WORD: /[a-z]+/\npair: WORD ":" WORD\n')
    (tmp_path / "top.lark").write_text('start: pair ("," pair)*\n%import .base.pair\n')
    grammar = Grammar.from_lark(tmp_path / "top.lark")
    assert grammar.accepts("a:b,c:d", engine="reference")
    assert not grammar.accepts("a:b,c", engine="reference")


def test_a_missing_file_and_an_unknown_parser_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="cannot read"):
        Grammar.from_lark(tmp_path / "none.lark")
    with pytest.raises(errors.UsageError, match="cyk"):
        Grammar.from_lark('start: "a"\n', parser="cyk")


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize("parser", PARSERS)
def test_a_rule_of_hundreds_of_symbols(parser: str, engine: str) -> None:
    """The short search for an ending does not reach it; the exact one has to."""
    grammar = Grammar.from_lark("start: " + "x " * 300 + '\nx: "a"', parser=parser)
    assert grammar.accepts("a" * 300, engine=engine)
    assert not grammar.accepts("a" * 299, engine=engine)
    assert not grammar.accepts_prefix("a" * 301, engine=engine)


def test_a_conflict_decided_by_shifting_may_lead_nowhere() -> None:
    """Behind an x, Lark reads on forever and ends nowhere: no proof for all stacks may hide that."""
    pytest.importorskip("trellis_kernel")
    grammar = Grammar.from_lark('start: "y" | l "x"\nl: "x" l | "x"\n%ignore " "\n', parser="lalr")
    assert not any(lark_parses(grammar, "x" * n) for n in range(1, 6))
    assert not grammar.accepts_prefix(b"x", engine="kernel")
    assert not grammar.accepts_prefix(b" x", engine="kernel")
    assert grammar.accepts(" y ", engine="kernel")

"""Grammars that ask for more time or memory than there is: each is done, or ends in a typed error that says where."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from trellis.errors import LimitError, UsageError
from trellis.masking import Grammar
from trellis.schema import clock

PARSERS = ["earley", "lalr"]
NESTED = 'start: list\nlist: "[" (item ("," item)*)? "]"\nitem: list | WORD\nWORD: /[a-z]+/\n'


def lines(count: int, line: str, *others: str) -> str:
    """Lines with {i} and the number that follows it, {j}."""
    return "\n".join([*(line.format(i=i, j=i + 1) for i in range(count)), *others]) + "\n"


# Grammar, what is named (a rule, a terminal), what the error says of it; nothing where the grammar is done.
HOSTILE = {
    "rules nested in brackets": ("start: " + "(" * 2_000 + '"a"' + ")" * 2_000, "start", "nested too deeply"),
    "a regex nested in brackets": ("start: A\nA: /" + "(" * 2_000 + "a" + ")" * 2_000 + "/", "", "nested too"),
    "optional parts": ("start: " + '["a"] ' * 30, "start", "alternatives"),
    "an alternation, repeated": ('start: ("a" | "b" | "c")~12', "start", "531,441 alternatives"),
    "repetitions of optional parts": ('start: "x" a\na: (["a"] ["b"] "c")~0..12', "a", "alternatives"),
    "a repetition of many": ('start: "a"~1..100000', "", ""),
    "a repetition of very many": ('start: ("a" | "b")~1..1000000000000', "", ""),
    "very many repetitions": ('start: ("a" | "b")~1000000000000', "start", "at least 1,000,000,000,000 times"),
    "a repetition within a terminal": ('start: A\nA: ("a"~1..1000)~1..1000', "A", "repeats unrolled"),
    "repetitions within a regex": (r"start: /((((a{1,99}){1,99}){1,99}){1,99}){1,99}/", "((((a", "repeats unrolled"),
    "a terminal with exponentially many states": ("start: /(.*a.{200})/", ".*a", "states hold more than"),
    "many alternatives in a regex": ("start: A\nA: /" + "|".join(map(str, range(20_000))) + "/", "A", "positions"),
    "terminals in terminals": (lines(40, "T{j}: T{i} T{i}", 'T0: "a"', "start: T30"), "T1", "written out"),
    "many large terminals": (lines(9, "T{i}: A A A A A", 'A: "' + "x" * 90_000 + '"', "start: T0"), "",
                             "2,000,000 characters"),
    "templates that grow": ('start: t{"a"}\nt{x}: x | t{s{x}}\ns{x}: x x', "t", "without end"),
    "templates that double": ("start: t0{A}\n" + lines(14, "t{i}{{x}}: t{j}{{p{{x,x}}}} t{j}{{x}}", "t14{x}: x",
                                                      "p{x,y}: x y", 'A: "a"'), "", ""),
    "a text of many strings": ("start: " + " | ".join(f'"{i}"' for i in range(11_000)), "", "more than 10,000 strings"),
    "a text of many names": ("start: " + "a " * 100_001 + '\na: "x"', "", "more than 100,000 names"),
    "a long string": ('start: "' + "x" * 600_000 + '"', "", "500,000 characters"),
    "a long text": ('start: "a"\n' + "//\n" * 3_400_000, "", "10,000,000 characters"),
    "a rule of many symbols": ("start: " + "x " * 20_000 + '\nx: "a" | "b"', "start", "in a row"),
    "rules in rules in rules": (lines(1_500, 'a{i}: a{j} "x" | "y"', 'a1500: "z"', "start: a0"), "", ""),
    "rules that nothing uses, each for the next": (lines(3_000, "a{i}: a{j}", "a3000: A", "A: /a/", 'start: "b"'),
                                                   "start", "2 s to load, at last on"),
}

# With LALR some end otherwise: Lark's own analysis has more to do.
HOSTILE_LALR = {
    "rules in rules in rules": (HOSTILE["rules in rules in rules"][0], "a", "2 s to load, at last on a"),
    "rules that are each other": (lines(40, "a{i}: " + " | ".join(f"a{k}" for k in range(40)) + ' | "x{i}"',
                                        "start: a0 (" + " | ".join(f'"{k}"' for k in range(20)) + ")"), "a",
                                  "reduce/reduce collisions"),
}
CASES = [*(pytest.param("earley", *case, id=f"{name}-earley") for name, case in HOSTILE.items()),
         *(pytest.param("lalr", *case, id=f"{name}-lalr") for name, case in {**HOSTILE, **HOSTILE_LALR}.items())]


@pytest.mark.parametrize(("parser", "text", "name", "said"), CASES)
def test_hostile_grammar(parser: str, text: str, name: str, said: str) -> None:
    pytest.importorskip("trellis_kernel")
    if not said:
        Grammar.from_lark(text + "\n", parser=parser).accepts_prefix("a")
        return
    with pytest.raises(LimitError) as caught:
        Grammar.from_lark(text + "\n", parser=parser, max_seconds=2).accepts_prefix("a")
    assert said in str(caught.value)
    assert name in caught.value.message.replace(said, "")
    assert re.search(r"line \d+, column \d+", caught.value.message) or not name
    assert caught.value.hint or not name


@pytest.mark.parametrize("parser", PARSERS)
def test_loading_has_a_clock_at_every_stage(parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the time is, it ends somewhere: with a rule or terminal of the grammar, its place, and a hint."""
    Grammar.from_lark(NESTED, parser=parser)  # imports are made, Lark's own grammar is loaded
    named = set()
    for seconds in itertools.count(1):
        looks = itertools.count(-seconds)  # one second passes from each look to the next
        monkeypatch.setattr(clock, "thread_time", lambda looks=looks: float(next(looks)))
        try:
            Grammar.from_lark(NESTED, parser=parser, max_seconds=seconds)
        except LimitError as error:
            found = error
        else:
            break
        said = re.fullmatch(rf"the grammar takes more than {seconds} s to load, at last on (\S*)( \(line .*\))?",
                            found.message)
        assert said
        assert said[2] or said[1] in ("LSQB", "RSQB", "COMMA")
        assert (found.limit, "max_seconds" in found.hint) == ("seconds", True)
        named.add(said[1])
    assert {"start", "WORD"} <= named


def test_the_clock_of_one_grammar_is_not_that_of_the_next() -> None:
    with pytest.raises(LimitError):
        Grammar.from_lark(NESTED, max_seconds=1e-9)
    Grammar.from_lark(NESTED)
    clock.spend(10_000)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), "1", None])
def test_what_is_no_time_to_load_is_refused(seconds: Any) -> None:
    with pytest.raises(UsageError, match="max_seconds"):
        Grammar.from_lark(NESTED, max_seconds=seconds)


def test_a_tree_of_a_grammar_whose_parser_takes_too_long_is_a_limit_error(monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = Grammar.from_lark(NESTED)
    monkeypatch.setattr("trellis.masking.lark_front.MAX_SECONDS", 1e-9)
    with pytest.raises(LimitError, match="parser of the grammar takes more than"):
        grammar.parse("[]")
    monkeypatch.undo()
    assert grammar.parse("[]").data == "start"

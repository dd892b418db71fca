"""A short run of each fuzz target; benchmarks/fuzz.py runs them for as long as one likes."""

from __future__ import annotations

from random import Random

import pytest
from fuzzing import TARGETS, Fuzz
from lark import Lark
from processor_clock import at_most

from trellis.errors import GrammarError
from trellis.masking import Grammar, Matcher

pytest.importorskip("trellis_kernel")


@pytest.mark.parametrize(("target", "cases"), [("grammar", 14), ("stream", 14), ("twin", 5)])
def test_nothing_is_found(target: str, cases: int) -> None:
    fuzz = Fuzz()
    for seed in range(10, 10 + cases):
        TARGETS[target](fuzz, Random(seed))
    assert fuzz.counts["masks"] + fuzz.counts["masks compared with the slow engine"] > 10
    assert not fuzz.found


def test_what_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets themselves: masks that let too much through, and an exception of another library, are seen."""
    accept = Matcher.accept
    monkeypatch.setattr(Matcher, "accept", lambda matcher, token: token % 7 > 0 and accept(matcher, token))
    fuzz = Fuzz()
    TARGETS["stream"](fuzz, Random(0))
    assert any("differ" in found.what for found in fuzz.found)

    def fails(*_: object, **__: object) -> Grammar:
        raise KeyError("foreign")

    monkeypatch.setattr(Grammar, "from_lark", fails)
    fuzz = Fuzz()
    TARGETS["grammar"](fuzz, Random(0))
    assert any("foreign exception KeyError" in found.what for found in fuzz.found)


def test_a_text_that_larks_earley_gives_up_on_is_an_error_of_ours() -> None:
    """It finds two ends of the text, over what is ignored."""
    text = 'start: "a" B?\nB: " "\n%ignore " "\n'
    try:
        Lark(text, parser="earley", ambiguity="explicit").parse("a ")
    except RuntimeError:
        pass
    else:
        pytest.skip("this version of Lark reads it")
    grammar = Grammar.from_lark(text)
    with pytest.raises(GrammarError, match="Lark failed on the text"):
        grammar.ambiguous_rule("a ")
    with pytest.raises(GrammarError, match="Lark failed on the text"):
        grammar.ambiguous_rule("x")


def test_readings_that_share_parts_are_looked_through_once() -> None:
    """Lark's own walk over such a tree queues its 15,000 nodes more than three million times."""
    grammar = Grammar.from_lark('start: T1 "b" T1 "b" | r0 r1 r0 [T0]\nr0: T1 "b" T1 "b" | "b" |\n'
                                '?r1: T0 [start] "b" | (start r1)~0..2 | T0\nT1: /a(?=.*c)/\n'
                                'T0: /(?<!a)b(?!a)/\n%ignore " "\n')
    with at_most(20):
        assert grammar.ambiguous_rule(" b    b   b   b b b b") in {"start", "r0", "r1"}

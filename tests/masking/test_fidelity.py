"""Some grammars of each hard kind against Lark; benchmarks/fidelity.py does the same for as long as one likes."""

from __future__ import annotations

from random import Random

import pytest
from hard_grammars import KINDS, draw
from lark_judge import Judge

pytest.importorskip("trellis_kernel")


@pytest.mark.parametrize("parser", ["earley", "lalr"])
@pytest.mark.parametrize("kind", KINDS)
def test_hard_grammars(kind: str, parser: str) -> None:
    judge, choose = Judge(), Random(kind)
    while not judge.counts["grammars"]:  # some drawn grammars have no text, or Lark refuses them
        judge.examine(draw(choose, kind), parser, choose)
    assert not judge.found


def test_what_is_wrong_is_found() -> None:
    """The judge itself: a mask of another grammar is caught."""
    judge = Judge()
    drawn = draw(Random(1), "plain")._replace(text='start: "a"+\n')
    other = draw(Random(1), "plain")._replace(text='start: "a"*\n')
    judge.examine(drawn, "earley", Random(1), instead=other.text)
    assert judge.found

"""Grammars with several directives each against Lark, in brief; ``benchmarks/fidelity.py --combined`` does more."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from combined_grammars import Combined, combined
from lark_judge import Judge

pytest.importorskip("trellis_kernel")
CASES = [pytest.param(case, parser, id=f"{case.name}-{parser}") for case in combined() for parser in ("earley", "lalr")]


@pytest.mark.parametrize(("case", "parser"), CASES)
def test_a_grammar_with_several_directives(case: Combined, parser: str, tmp_path: Path) -> None:
    judge = Judge(texts=20, walks=1)
    judge.examine(case.drawn(tmp_path), parser, Random(case.name))
    assert not judge.found
    assert judge.counts["grammars" if parser in case.parsers else "grammars that Lark refuses"] == 1

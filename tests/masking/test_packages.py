"""Grammars that other packages ship: texts, prefixes, damaged texts and random walks, with Lark as the judge."""

from __future__ import annotations

import importlib.util
import logging
import os
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from generated_grammars import mask

from trellis.errors import GrammarError, LimitError
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

logging.getLogger("lark").setLevel(logging.CRITICAL)
ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("LARK_GRAMMARS", Path.home() / ".cache" / "trellis-grammars"))
CASES = [pytest.param(case, parser, id=f"{case['package']}-{Path(case['path']).stem}-{case['start']}-{parser}")
         for case in tomllib.loads((ROOT / "fixtures" / "grammars" / "packages.toml").read_text("utf-8"))["grammar"]
         for parser in case.get("parsers", ["earley", "lalr"])]


def find(case: dict[str, Any]) -> Path:
    """The grammar file, of an installed package or of those that were fetched."""
    package, *below = Path(case["path"]).parts
    found = importlib.util.find_spec(package)
    folders = (found.submodule_search_locations if found else None) or ()
    places = [Path(folder).joinpath(*below) for folder in folders]
    path = next((place for place in [*places, FOLDER / case["package"] / case["path"]] if place.exists()), None)
    if path is None:
        pytest.skip(f"{case['package']} is not here: python benchmarks/fetch_grammars.py")
    return path


def parses(grammar: Grammar, text: str) -> bool:
    try:
        grammar.parse(text)
    except (GrammarError, LimitError):
        return False
    return True


@pytest.mark.parametrize(("case", "parser"), CASES)
def test_a_grammar_of_another_package(case: dict[str, Any], parser: str) -> None:
    path = find(case)
    if "refused" in case:
        with pytest.raises(GrammarError, match=case["refused"]):
            Grammar.from_lark(path, start=case["start"], parser=parser)
        return
    grammar = Grammar.from_lark(path, start=case["start"], parser=parser)
    choose = random.Random(5)
    pieces = set()
    for text in case["texts"]:
        assert grammar.accepts(text) == parses(grammar, text), text
        data = text.encode()
        if parses(grammar, text):
            for end in range(len(data)):
                assert grammar.accepts_prefix(data[:end]), data[:end]
        for _ in range(12):
            at = choose.randrange(len(text))
            damaged = text[:at] + choose.choice(["", "", " ", text[choose.randrange(len(text))]]) + text[at + 1:]
            assert grammar.accepts(damaged) == parses(grammar, damaged), damaged
        pieces |= {data[at : at + choose.randint(1, 6)] for at in range(len(data))}
    tokens = sorted(pieces | {bytes([byte]) for byte in range(32, 127)} | {b"\n"})
    end = len(tokens)
    compiled = grammar.compile(Vocabulary([*tokens, b"<end>"], special_ids=[end], eos_ids=[end]))
    for _ in range(case.get("walks", 3)):
        matcher, text = compiled.matcher(compiled.min_tokens() + 30), b""
        while not matcher.finished:
            token = choose.choice(mask(matcher))
            assert matcher.accept(token)
            text += b"" if token == end else tokens[token]
        assert parses(grammar, text.decode()), text

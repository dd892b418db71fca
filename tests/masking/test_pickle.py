"""Grammars, vocabularies and compiled grammars go to other processes; matchers say that they do not."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from generated_grammars import mask

import trellis
from trellis.errors import GrammarError, UsageError
from trellis.masking.compiled import CompiledGrammar
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

TOKENS = [*(bytes([byte]) for byte in range(256)), b"ab", b'{"', b"<|turn|>", b"<end>"]
GRAMMARS = {
    "earley": lambda: Grammar.from_lark('start: "a" start "b" | "ab"'),
    "lalr": lambda: Grammar.from_lark('start: NAME ("," NAME)*\nNAME: /[a-z]+/\n%ignore " "', parser="lalr"),
    "schema": lambda: Grammar.from_json_schema({"type": "object", "properties": {"a": {"type": "integer"}}}),
    "regex": lambda: Grammar.from_regex("a+(?=b)b"),
    "choices": lambda: Grammar.from_choices(["yes", "no"]),
    "special": lambda: Grammar.from_lark('start: "a" TURN\n%declare TURN', special_tokens={"TURN": "<|turn|>"}),
}


def vocabulary() -> Vocabulary:
    return Vocabulary(TOKENS, special_ids=[258, 259], eos_ids=[259], width=300)


def first_mask(compiled: CompiledGrammar) -> list[int]:
    return mask(compiled.matcher())


@pytest.mark.parametrize("name", GRAMMARS)
def test_there_and_back(name: str) -> None:
    compiled = GRAMMARS[name]().compile(vocabulary(), engine="reference")
    again = pickle.loads(pickle.dumps(compiled))
    assert first_mask(again) == first_mask(compiled)
    assert again.grammar.description == compiled.grammar.description
    assert again.vocabulary.eos_ids == compiled.vocabulary.eos_ids


def test_a_grammar_that_was_pickled_still_parses(tmp_path: Path) -> None:
    (tmp_path / "base.lark").write_text("WORD: /[a-z]+/\n")
    (tmp_path / "top.lark").write_text('start: WORD ("," WORD)*\n%import .base.WORD\n')
    data = pickle.dumps(Grammar.from_lark(tmp_path / "top.lark", parser="lalr"))
    for file in tmp_path.iterdir():
        file.unlink()
    grammar = pickle.loads(data)
    assert grammar.parse("a,b").data == "start"
    with pytest.raises(GrammarError):
        grammar.parse("a,")


def test_a_vocabulary_is_built_once_in_a_process() -> None:
    data = pickle.dumps(vocabulary())
    assert pickle.loads(data) is (known := pickle.loads(data))
    assert (known.tokens, known.special_ids, known.size) == (vocabulary().tokens, vocabulary().special_ids, 300)


def test_another_process_makes_the_same_masks() -> None:
    compiled = GRAMMARS["lalr"]().compile(vocabulary(), engine="reference")
    # Not a pool of multiprocessing's: its workers die of what they cannot read, and it waits for them for ever.
    there = subprocess.run([sys.executable, "-c", FIRST_MASK], input=pickle.dumps(compiled), capture_output=True,
                           timeout=120, check=True)
    assert json.loads(there.stdout) == first_mask(compiled)


FIRST_MASK = """
import json, pickle, sys
from trellis.masking import allocate_bitmask, allowed_tokens
matcher = pickle.load(sys.stdin.buffer).matcher()
bitmask = allocate_bitmask(1, matcher.compiled.vocabulary.size)
matcher.fill_bitmask(bitmask)
json.dump([int(token) for token in allowed_tokens(bitmask[0])], sys.stdout)
"""


def test_a_matcher_is_copied_but_not_pickled() -> None:
    matcher = GRAMMARS["earley"]().compile(vocabulary(), engine="reference").matcher()
    for other in (copy.copy(matcher), copy.deepcopy(matcher)):
        assert other.accept(97)
        assert mask(other) != mask(matcher)
        assert other.compiled is matcher.compiled
    with pytest.raises(UsageError, match="lives in its process"):
        pickle.dumps(matcher)
    with pytest.raises(UsageError, match="session cannot be pickled"):
        pickle.dumps(trellis.Session())

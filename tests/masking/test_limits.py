"""Limits on the clock, text under a budget, and memory over many grammars."""

from __future__ import annotations

import random
from typing import Any

import pytest
from generated_grammars import mask

from trellis.errors import LimitError, UsageError
from trellis.masking import Grammar, Matcher, Vocabulary

ENGINES = ["kernel", "reference"]
NESTED = """
start: list
list: "[" (item ("," item)*)? "]"
item: list | WORD | NUMBER
WORD: /[a-z]+/
NUMBER: /[0-9]+/
"""


def vocabulary_of(*words: str) -> Vocabulary:
    tokens = [bytes([byte]) for byte in range(256)] + [word.encode() for word in words] + [b"<end>"]
    return Vocabulary(tokens, special_ids=[len(tokens) - 1], eos_ids=[len(tokens) - 1])


@pytest.fixture
def vocabulary() -> Vocabulary:
    pytest.importorskip("trellis_kernel")
    choose = random.Random(4)
    words = {"".join(choose.choices("abc019[],", k=choose.randint(2, 5))) for _ in range(400)}
    return vocabulary_of(*sorted(words))


def walk(matcher: Matcher, tokens: bytes) -> None:
    for token in tokens:
        mask(matcher)
        assert matcher.accept(token)


@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_a_step_that_takes_too_long_says_what_was_expected_and_leaves_nothing_behind(parser: str,
                                                                                     vocabulary: Vocabulary) -> None:
    compiled = Grammar.from_lark(NESTED, parser=parser).compile(vocabulary)
    matcher = compiled.matcher(step_seconds=1e-9)
    with pytest.raises(LimitError, match=r"took longer than .*expected .*(LSQB|WORD)") as caught:
        walk(matcher, b"[abc,[0,1]")
    assert caught.value.limit == "step_seconds"
    assert "step_seconds" in caught.value.hint
    matcher, judge = compiled.matcher(), Grammar.from_lark(NESTED, parser=parser).compile(
        vocabulary, engine="reference").matcher()
    for token in b"[abc,[":
        assert mask(matcher) == mask(judge)
        assert matcher.accept(token)
        assert judge.accept(token)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), "1", None])
def test_what_is_no_time_is_refused(seconds: Any, vocabulary: Vocabulary) -> None:
    with pytest.raises(UsageError, match="step_seconds"):
        Grammar.from_lark(NESTED).compile(vocabulary).matcher(step_seconds=seconds)


@pytest.mark.parametrize("engine", ENGINES)
def test_text_uses_up_its_tokens_of_the_budget(engine: str, vocabulary: Vocabulary) -> None:
    compiled = Grammar.from_lark(NESTED).compile(vocabulary_of("[[", "]]", "ab"), engine=engine)
    matcher = compiled.matcher(7)
    assert matcher.accept_bytes(b"[[ab") == 4  # two tokens; "]]" and the end are left
    assert matcher.tokens_needed() == 2
    assert matcher.accept_bytes(b",ab,ab") == 3  # three would be left for "," and "ab", but none for the rest
    assert matcher.accept_bytes(b"]]") == 2
    assert matcher.can_end
    assert mask(matcher) == [compiled.vocabulary.size - 1]
    matcher.rollback(2)
    assert matcher.accept_bytes(b",a") == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_text_that_would_leave_too_little_is_taken_as_far_as_it_may(engine: str, vocabulary: Vocabulary) -> None:
    matcher = Grammar.from_lark(NESTED).compile(vocabulary_of(), engine=engine).matcher(6)
    assert matcher.accept_bytes(b"[[[[[[") == 2  # "]]" and the end are left
    assert matcher.accept_bytes(b"1") == 1
    assert matcher.accept_bytes(b"1") == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_run_of_tokens_and_texts_ends_within_its_budget(seed: int, vocabulary: Vocabulary) -> None:
    choose = random.Random(seed)
    compiled = Grammar.from_lark(NESTED, parser=choose.choice(["earley", "lalr"])).compile(vocabulary)
    for _ in range(20):
        budget = compiled.min_tokens() + choose.randint(0, 12)
        matcher, used, text = compiled.matcher(budget), 0, b""
        while not matcher.finished:
            if choose.random() < 0.4:
                piece = "".join(choose.choices("ab1[],", k=choose.randint(1, 4))).encode()
                taken = piece[:matcher.accept_bytes(piece)]
                text, used = text + taken, used + tokens_in(vocabulary, taken)
                continue
            token = choose.choice(mask(matcher))
            assert matcher.accept(token)
            text, used = text + (vocabulary.tokens[token] if not matcher.finished else b""), used + 1
        assert used <= budget
        assert Grammar.from_lark(NESTED).accepts(text)


def tokens_in(vocabulary: Vocabulary, data: bytes) -> int:
    count, known = 0, set(vocabulary.tokens)
    while data:
        data = data[next(size for size in range(len(data), 0, -1) if data[:size] in known):]
        count += 1
    return count


def test_what_grammars_share_does_not_grow_with_their_number(vocabulary: Vocabulary) -> None:
    """Grammars with terminals of their own, each dropped: nothing of theirs is left but what the vocabulary learnt."""
    sizes = []
    for number in range(60):
        text = NESTED.replace("WORD:", f'KEY: "key{number:03}"\nWORD:').replace("| WORD", "| KEY | WORD")
        matcher = Grammar.from_lark(text).compile(vocabulary).matcher()
        for token in b"[1,[ab,key%03d],c" % number:
            assert token in mask(matcher)
            assert matcher.accept(token)
        counts = matcher.compiled.stats()
        assert counts["bytes"] < 10e6
        sizes.append(counts["vocabulary_bytes"])
    early, late = sizes[19] - sizes[9], sizes[59] - sizes[49]
    assert late <= 1.2 * early + 10_000  # the same for every grammar

"""What users do with grammars, compiled grammars and matchers."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError, MaskError, UsageError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens, apply_bitmask
from trellis.masking.compiled import Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

ENGINES = ["kernel", "reference"]
LIST = 'start: "[" (NUMBER ("," NUMBER)*)? "]"\nNUMBER: /-?[0-9]+/\n'
WORDS = [b"[", b"]", b",", b"0", b"23", b"],", b"0]", b"-", b"x", "é".encode()[:1]]


@pytest.fixture
def vocabulary() -> Vocabulary:
    """Nine words and half a character; then two ends, another special token, and an id that nothing uses."""
    return Vocabulary([*WORDS, b"<end>", b"<eot>", b"<pad>", b""], special_ids=[10, 11, 12], eos_ids=[10, 11])


def matcher_of(vocabulary: Vocabulary, engine: str, text: str = LIST, max_tokens: int | None = None) -> Matcher:
    return Grammar.from_lark(text).compile(vocabulary, engine=engine).matcher(max_tokens)


def mask(matcher: Matcher) -> list[int]:
    bitmask = allocate_bitmask(1, matcher.compiled.vocabulary.size)
    matcher.fill_bitmask(bitmask)
    return [int(token) for token in allowed_tokens(bitmask[0])]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_generation_step_by_step(vocabulary: Vocabulary, engine: str) -> None:
    matcher = matcher_of(vocabulary, engine)
    assert mask(matcher) == [0]
    assert not matcher.accept(1)
    assert matcher.accept(0)
    assert mask(matcher) == [1, 3, 4, 6, 7]
    assert matcher.expected == ["NUMBER", "RSQB"]
    assert matcher.accept(4)
    assert mask(matcher) == [1, 2, 3, 4, 6]
    assert not matcher.can_end
    assert matcher.witness() == b"]"
    assert matcher.tokens_needed() == 2
    assert matcher.accept(6)
    assert matcher.can_end
    assert mask(matcher) == [10, 11]
    assert matcher.expected == []
    assert matcher.witness() == b""
    assert not matcher.finished
    assert matcher.accept(11)
    assert matcher.finished
    assert mask(matcher) == [10, 11]
    assert matcher.accept(10)
    assert not matcher.accept(1)
    matcher.rollback(2)
    assert not matcher.finished
    matcher.rollback(1)
    assert mask(matcher) == [1, 2, 3, 4, 6]
    matcher.rollback(2)
    assert mask(matcher) == [0]
    with pytest.raises(MaskError, match="roll"):
        matcher.rollback(1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refused_token_changes_nothing(vocabulary: Vocabulary, engine: str) -> None:
    matcher = matcher_of(vocabulary, engine)
    assert matcher.accept(0)
    for token in (5, 8, 9, 10, 12, 13, 14, 99):
        assert not matcher.accept(token)
        assert mask(matcher) == [1, 3, 4, 6, 7]
    matcher.rollback(1)
    assert mask(matcher) == [0]


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_of_one_bitmask(vocabulary: Vocabulary, engine: str) -> None:
    bitmask = allocate_bitmask(3, vocabulary.size)
    bitmask[:] = -1
    matcher = matcher_of(vocabulary, engine)
    matcher.fill_bitmask(bitmask, row=1)
    assert bitmask.tolist() == [[-1], [1], [-1]]
    with pytest.raises(MaskError):
        matcher.fill_bitmask(bitmask, row=3)
    with pytest.raises(MaskError):
        matcher.fill_bitmask(bytearray(1))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mask_without_a_token_is_an_error_that_names_the_state(vocabulary: Vocabulary, engine: str) -> None:
    matcher = matcher_of(vocabulary, engine, 'start: "[" WORD "]"\nWORD: /[a-w]+/\n')
    assert matcher.accept(0)
    with pytest.raises(MaskError, match="WORD"):
        mask(matcher)


@pytest.mark.parametrize("engine", ENGINES)
def test_explanations(vocabulary: Vocabulary, engine: str) -> None:
    matcher = matcher_of(vocabulary, engine)
    assert matcher.explain(0) == "token 0 '[' is allowed"
    assert matcher.explain(3) == "token 3 '0' is refused at its byte 0 ('0'): expected LSQB"
    assert matcher.explain(10) == "token 10 '<end>' is refused: the output is not complete; expected LSQB"
    assert matcher.explain(12) == "token 12 '<pad>' is refused: a special token never matches text; expected LSQB"
    assert matcher.explain(99) == "token 99 is outside the vocabulary of 14 tokens"
    matcher.accept(0)
    assert matcher.explain(5) == "token 5 '],' is refused at its byte 1 (','): expected after ']' the end"
    matcher.accept(1)
    matcher.accept(10)
    assert matcher.explain(0) == "token 0 '[' is refused: the output has ended"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_budget_that_is_too_small_is_an_error_before_the_first_token(vocabulary: Vocabulary, engine: str) -> None:
    compiled = Grammar.from_lark(LIST).compile(vocabulary, engine=engine)
    assert compiled.min_tokens() == 3
    with pytest.raises(LimitError, match="2"):
        compiled.matcher(2)
    matcher = compiled.matcher(4)
    assert matcher.accept(0)
    assert mask(matcher) == [1, 3, 4, 6, 7]  # after "-", "0]" and the end are two tokens
    assert matcher.accept(3)
    assert mask(matcher) == [1, 6]
    assert matcher.explain(3) == "token 3 '0' is refused: after it the output could not end within the token budget"


def test_compiled_grammars_are_kept(vocabulary: Vocabulary) -> None:
    grammar = Grammar.from_lark(LIST)
    assert grammar.compile(vocabulary) is grammar.compile(vocabulary)
    assert grammar.compile(vocabulary) is not grammar.compile(vocabulary, engine="reference")
    assert grammar.compile(vocabulary).grammar is grammar
    assert "kernel" in repr(grammar.compile(vocabulary))
    with pytest.raises(UsageError, match="gpu"):
        grammar.compile(vocabulary, engine="gpu")


def test_one_compiled_grammar_in_many_threads(vocabulary: Vocabulary) -> None:
    compiled = Grammar.from_lark(LIST).compile(vocabulary)
    failed: list[BaseException] = []

    def generate(seed: int) -> None:
        try:
            choose = np.random.default_rng(seed)
            for _ in range(30):
                matcher, text = compiled.matcher(20), b""
                while not matcher.finished:
                    token = int(choose.choice(mask(matcher)))
                    assert matcher.accept(token)
                    text += vocabulary.tokens[token] if token < 10 else b""
                assert compiled.grammar.accepts(text)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=generate, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.text(st.sampled_from("abé{"), max_size=4), min_size=1, max_size=12),
       others=st.lists(st.text(st.sampled_from("abé{"), max_size=5), max_size=6))
def test_choices_are_exactly_those_texts(values: list[str], others: list[str], engine: str) -> None:
    grammar = Grammar.from_choices(values)
    for text in [*values, *others]:
        assert grammar.accepts(text, engine=engine) == (text in values)
        assert grammar.accepts_prefix(text, engine=engine) == any(value.startswith(text) for value in values)


def test_five_thousand_choices() -> None:
    values = [f"item-{number:05}" for number in range(5000)]
    grammar = Grammar.from_choices(values)
    assert grammar.accepts("item-04999")
    assert not grammar.accepts("item-05000")
    assert grammar.accepts_prefix("item-0")


def test_no_choices_is_an_error() -> None:
    with pytest.raises(GrammarError, match="nothing to choose"):
        Grammar.from_choices([])


@pytest.mark.parametrize("engine", ENGINES)
def test_text_or_bytes(engine: str) -> None:
    grammar = Grammar.from_regex("é+")
    assert grammar.accepts("éé", engine=engine)
    assert grammar.accepts("éé".encode(), engine=engine)
    assert grammar.accepts_prefix("é".encode()[:1], engine=engine)
    assert not grammar.accepts("é".encode()[:1], engine=engine)
    assert not grammar.accepts("é\ud800", engine=engine)
    assert not grammar.accepts_prefix("\ud800", engine=engine)


def test_allocate_and_read_a_bitmask() -> None:
    bitmask = allocate_bitmask(2, 65)
    assert (bitmask.dtype, bitmask.shape) == (np.int32, (2, 3))
    bitmask[1, 0], bitmask[1, 2] = -(2**31) + 1, 1
    assert allowed_tokens(bitmask[0]).tolist() == []
    assert allowed_tokens(bitmask[1]).tolist() == [0, 31, 64]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_apply_a_bitmask_to_logits(dtype: type[np.floating]) -> None:
    bitmask = allocate_bitmask(2, 40)
    bitmask[0, 0], bitmask[1, 1] = 0b101, 1 << 7
    logits = np.zeros((2, 70), dtype=dtype)  # wider than the bitmask
    apply_bitmask(logits, bitmask)
    assert np.flatnonzero(logits[0] == 0).tolist() == [0, 2]
    assert np.flatnonzero(logits[1] == 0).tolist() == [39]
    assert np.isneginf(logits).sum() == 137
    narrow = np.zeros(3, dtype=dtype)
    apply_bitmask(narrow, bitmask[0])
    assert np.isneginf(narrow).tolist() == [False, True, False]


def test_shapes_that_do_not_belong_together_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="shape"):
        apply_bitmask(np.zeros((3, 32)), allocate_bitmask(2, 32))
    with pytest.raises(UsageError, match="floats"):
        apply_bitmask(np.zeros(32, dtype=np.int64), allocate_bitmask(1, 32)[0])
    allowed = allocate_bitmask(2, 40)
    allowed[1, 1] = 1 << 7
    with pytest.raises(UsageError, match="39 logits"):
        apply_bitmask(np.zeros((2, 39)), allowed)
    apply_bitmask(np.zeros((2, 40)), allowed)
    torch = pytest.importorskip("torch")
    with pytest.raises(UsageError, match="39 logits"):
        apply_bitmask(torch.zeros((2, 39)), allowed)


def test_apply_a_bitmask_to_torch_logits() -> None:
    torch = pytest.importorskip("torch")
    bitmask = allocate_bitmask(1, 40)
    bitmask[0, 0] = -(2**31) + 1
    logits = torch.zeros((1, 50))
    apply_bitmask(logits, bitmask)
    assert torch.nonzero(logits[0] == 0).flatten().tolist() == [0, 31]

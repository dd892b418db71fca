"""Masks over generated grammars and vocabularies: kernel against reference, both against real Lark, and the laws."""

from __future__ import annotations

import random

import pytest
from generated_grammars import ALPHABET, PARSERS, grammars, load, mask, sentences, vocabulary_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError, MaskError
from trellis.masking.grammar import Grammar

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(grammars(), PARSERS, st.randoms(use_true_random=False))
def test_masks_of_the_kernel_are_those_of_the_reference(text: str, parser: str, choose: random.Random) -> None:
    grammar = load(text, parser)
    try:
        vocabulary = vocabulary_of(list(sentences(grammar, choose, 3)), choose)
        for _ in range(3):
            reference = grammar.compile(vocabulary, engine="reference").matcher()
            kernel = grammar.compile(vocabulary).matcher()
            for _ in range(6):
                allowed = mask(reference)
                assert mask(kernel) == allowed
                assert kernel.can_end == reference.can_end
                if parser == "earley":  # scanners may disagree about keywords that are shadowed
                    assert kernel.expected == reference.expected
                for token in choose.sample(range(vocabulary.size), 20):
                    assert kernel.fork().accept(token) == (token in allowed)
                token = choose.choice(allowed)
                assert reference.accept(token)
                assert kernel.accept(token)
                ending, trial = kernel.witness(), reference.fork()
                if not reference.finished:
                    assert trial.accept_bytes(ending) == len(ending)
                    assert trial.can_end
    except LimitError:
        assume(False)


@SLOW
@given(grammars(), PARSERS, st.randoms(use_true_random=False), st.sampled_from(["kernel", "reference"]))
def test_whole_texts_and_prefixes_are_decided_as_lark_decides(text: str, parser: str, choose: random.Random,
                                                              engine: str) -> None:
    grammar = load(text, parser)
    try:
        good = [sentence.decode() for sentence in sentences(grammar, choose, 3)]
        mutated = [mutate(sentence, choose) for sentence in good]
        noise = ["".join(choose.choice(ALPHABET) for _ in range(choose.randrange(7))) for _ in range(4)]
        for sample in [*good, *mutated, *noise]:
            parses = lark_parses(grammar, sample)
            assert grammar.accepts(sample, engine=engine) == parses, sample
            assert parses or sample not in good, f"the reference believes in {sample!r}"
            data = sample.encode()
            for end in range(len(data) + 1 if parses else 0):
                assert grammar.accepts_prefix(data[:end], engine=engine), (sample, end)
    except LimitError:
        assume(False)


def mutate(text: str, choose: random.Random) -> str:
    at = choose.randint(0, len(text))
    return text[:at] + choose.choice(["", *ALPHABET]) + text[at + choose.randint(0, 1):]


def lark_parses(grammar: Grammar, text: str) -> bool:
    try:
        grammar.parse(text)
    except GrammarError as error:
        # With a completed start symbol carried over ignored text, Lark 1.x may find two and gives up on the tree.
        return "multiple start symbol items" in str(error)
    return True


@SLOW
@given(grammars(), PARSERS, st.randoms(use_true_random=False), st.sampled_from(["kernel", "reference"]))
def test_sentences_cut_at_random_are_allowed_all_the_way(text: str, parser: str, choose: random.Random,
                                                        engine: str) -> None:
    grammar = load(text, parser)
    try:
        texts = list(sentences(grammar, choose, 3))
        vocabulary = vocabulary_of(texts, choose)
        for sentence in texts:
            matcher = grammar.compile(vocabulary, engine=engine).matcher()
            at = 0
            while at < len(sentence):
                fitting = [token for token in range(vocabulary.size - 3)
                           if sentence.startswith(vocabulary.tokens[token], at)]
                token = choose.choice(fitting)
                assert token in mask(matcher)
                assert matcher.accept(token)
                at += len(vocabulary.tokens[token])
            assert matcher.can_end
            assert vocabulary.eos_ids[0] in mask(matcher)
    except LimitError:
        assume(False)


@SLOW
@given(grammars(), PARSERS, st.randoms(use_true_random=False), st.sampled_from(["kernel", "reference"]))
def test_rollback_and_fork(text: str, parser: str, choose: random.Random, engine: str) -> None:
    grammar = load(text, parser)
    try:
        vocabulary = vocabulary_of(list(sentences(grammar, choose, 3)), choose)
        matcher = grammar.compile(vocabulary, engine=engine).matcher()
        masks = [mask(matcher)]
        for _ in range(6):
            if matcher.finished:
                break
            assert matcher.accept(choose.choice(masks[-1]))
            masks.append(mask(matcher))
        fork = matcher.fork()
        with pytest.raises(MaskError):
            fork.rollback(len(masks))
        assert mask(fork) == masks[-1]
        while len(masks) > 1:
            steps = choose.randint(1, len(masks) - 1)
            del masks[-steps:]
            fork.rollback(steps)
            assert mask(fork) == masks[-1]
            assert not fork.finished
        trial = fork.fork()
        trial.accept(choose.choice(masks[0]))
        assert mask(fork) == masks[0]
    except LimitError:
        assume(False)


@SLOW
@given(grammars(), PARSERS, st.randoms(use_true_random=False), st.sampled_from(["kernel", "reference"]),
       st.integers(0, 4))
def test_a_budget_is_kept_and_the_output_ends_within_it(text: str, parser: str, choose: random.Random, engine: str,
                                                        spare: int) -> None:
    grammar = load(text, parser)
    try:
        vocabulary = vocabulary_of(list(sentences(grammar, choose, 3)), choose)
        compiled = grammar.compile(vocabulary, engine=engine)
        budget = compiled.min_tokens() + spare
        matcher, free, used = compiled.matcher(budget), compiled.matcher(), 0
        while not matcher.finished:
            allowed = mask(matcher)
            assert allowed
            assert set(allowed) <= set(mask(free))
            token = choose.choice(allowed)
            assert matcher.accept(token)
            assert free.accept(token)
            used += 1
        assert used <= budget
    except LimitError as error:
        if error.limit == "max_tokens":
            raise
        assume(False)

"""Special tokens that stand in grammars, batches of masks, and forced text."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from generated_grammars import PARSERS, grammars, load, mask, sentences, vocabulary_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError, UsageError, VocabularyError
from trellis.masking.batch import fill_bitmasks
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

ENGINES = ["kernel", "reference"]
CHAT = """
%declare TURN CALL END
start: TURN text (CALL "(" NAME ")" text?)* END
text: NAME+
NAME: /[a-z]+/
%ignore " "
"""
BINDINGS: dict[str, str | int] = {"TURN": "<turn>", "CALL": "<call>", "END": 257}
BYTES = [bytes([byte]) for byte in range(256)]
VOCABULARY = Vocabulary([*BYTES, b"<turn>", b"<end>", b"<call>", b"ab", b"b) ", b"<turn>"], special_ids=[256, 257, 258],
                        eos_ids=[257])
TURN, END, CALL, AB, B_CLOSE, SPELLED_TURN = range(256, 262)


def names(tokens: list[int]) -> list[str]:
    return [VOCABULARY.tokens[token].decode("latin-1") for token in tokens]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_a_declared_terminal_is_a_special_token(parser: str, engine: str) -> None:
    grammar = Grammar.from_lark(CHAT, parser=parser, special_tokens=BINDINGS)
    matcher = grammar.compile(VOCABULARY, engine=engine).matcher()
    assert not matcher.fork().accept(SPELLED_TURN), "a special token never matches its text"
    assert sorted(set(mask(matcher)) & {TURN, END, CALL, AB, SPELLED_TURN}) == [TURN]
    assert "TURN" in matcher.expected
    assert matcher.accept(TURN)
    assert matcher.accept(AB)
    assert {END, CALL, AB} <= set(mask(matcher))
    assert matcher.fork().accept(END)
    assert matcher.accept(CALL)
    assert not matcher.accept(END)
    assert matcher.accept(ord("("))
    assert matcher.accept(ord("a"))
    assert matcher.accept(B_CLOSE)
    assert not matcher.finished
    assert matcher.accept(END), "an end token that stands in the grammar"
    assert matcher.finished
    assert mask(matcher) == [END]
    matcher.rollback(1)
    assert not matcher.finished
    assert {END, CALL, AB} <= set(mask(matcher))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_a_budget_counts_special_tokens(parser: str, engine: str) -> None:
    compiled = Grammar.from_lark(CHAT, parser=parser, special_tokens=BINDINGS).compile(VOCABULARY, engine=engine)
    assert compiled.min_tokens() == 4  # <turn> a <end>, and one that ends the output
    with pytest.raises(LimitError, match="max_tokens"):
        compiled.matcher(3)
    choose = random.Random(3)
    for _ in range(10):
        matcher, used = compiled.matcher(9), 0
        while not matcher.finished:
            assert matcher.accept(choose.choice(mask(matcher)))
            used += 1
        assert used <= 9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_nothing_looks_across_a_special_token(parser: str, engine: str) -> None:
    grammar = Grammar.from_lark(r"""
        %declare CUT
        start: (A | B | C | CUT)+
        A: /a(?=b)/
        B: /(?<!b)b/
        C: /c(?!b)/
    """, parser=parser, special_tokens={"CUT": "<call>"})
    compiled = grammar.compile(VOCABULARY, engine=engine)

    def allowed(*tokens: int | str) -> bool:
        matcher = compiled.matcher()
        taken = [matcher.accept(ord(token) if isinstance(token, str) else token) for token in tokens]
        return all(taken) and matcher.can_end

    assert allowed("a", "b")
    assert not allowed("a", CALL)
    assert not allowed("b", "b")
    assert allowed("b", CALL, "b")
    assert not allowed("c", "b")
    assert allowed("c", CALL, "b", CALL)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(grammars(), PARSERS, st.randoms(use_true_random=False))
def test_masks_with_special_tokens_are_those_of_the_reference(text: str, parser: str, choose: random.Random) -> None:
    rule, rest = text.split("\n", 1)
    text = f"%declare S1 S2\n{rule} | S1 r0 S2 | S2\n{rest}"
    try:
        grammar = Grammar.from_lark(text, start="r0", parser=parser, special_tokens={"S1": 256, "S2": "<call>"})
        matcher = grammar.compile(VOCABULARY, engine="reference").matcher()
        kernel = grammar.compile(VOCABULARY).matcher()
        for _ in range(8):
            allowed = mask(matcher)
            assert mask(kernel) == allowed
            token = choose.choice([token for token in allowed if token > 255] or allowed)
            assert matcher.accept(token)
            assert kernel.accept(token)
            assert kernel.tokens_needed() == matcher.tokens_needed()
    except (GrammarError, LimitError):
        assume(False)


def test_bindings_that_do_not_fit_are_errors() -> None:
    with pytest.raises(GrammarError, match="terminal TURN is declared") as caught:
        Grammar.from_lark(CHAT)
    assert (caught.value.line, caught.value.column) == (2, 10)
    with pytest.raises(GrammarError, match="NAME is to be a special token"):
        Grammar.from_lark(CHAT, special_tokens={**BINDINGS, "NAME": "<turn>"})
    with pytest.raises(UsageError, match="special_tokens"):
        Grammar.from_lark(CHAT, special_tokens=["TURN"])  # type: ignore[arg-type]
    grammar = Grammar.from_lark(CHAT, special_tokens={**BINDINGS, "END": "<over>"})
    with pytest.raises(VocabularyError, match="<over>"):
        grammar.compile(VOCABULARY)
    with pytest.raises(VocabularyError, match="token 97"):
        Grammar.from_lark(CHAT, special_tokens={**BINDINGS, "END": 97}).compile(VOCABULARY)
    with pytest.raises(GrammarError, match="special tokens cannot parse text"):
        grammar.parse("a")


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(grammars(), PARSERS, st.randoms(use_true_random=False), st.sampled_from(ENGINES))
def test_a_batch_is_what_its_rows_are(text: str, parser: str, choose: random.Random, engine: str) -> None:
    grammar = load(text, parser)
    other = Grammar.from_regex("(a|b)*c")
    try:
        vocabulary = vocabulary_of(list(sentences(grammar, choose, 2)), choose)
        matchers = []
        for source in (grammar, other, grammar, grammar, other):
            matcher = source.compile(vocabulary, engine=engine).matcher()
            for _ in range(choose.randrange(4)):
                matcher.accept(choose.choice(mask(matcher)))
            matchers.append(matcher)
        bitmask = allocate_bitmask(len(matchers), vocabulary.size)
        fill_bitmasks(matchers, bitmask, threads=3)
        for row, matcher in zip(bitmask, matchers, strict=True):
            assert [int(token) for token in allowed_tokens(row)] == mask(matcher)
    except LimitError:
        assume(False)


def test_a_batch_over_two_vocabularies_is_an_error() -> None:
    other = Vocabulary([*BYTES, b"<end>"], special_ids=[256], eos_ids=[256])
    grammar = Grammar.from_regex("a+")
    with pytest.raises(UsageError, match="one vocabulary"):
        fill_bitmasks([grammar.compile(VOCABULARY).matcher(), grammar.compile(other).matcher()],
                      allocate_bitmask(2, VOCABULARY.size))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(grammars(), PARSERS, st.randoms(use_true_random=False))
def test_forced_bytes_are_those_of_the_reference(text: str, parser: str, choose: random.Random) -> None:
    grammar = load(text, parser)
    try:
        vocabulary = vocabulary_of(list(sentences(grammar, choose, 2)), choose)
        reference = grammar.compile(vocabulary, engine="reference").matcher()
        kernel = grammar.compile(vocabulary).matcher()
        for _ in range(4):
            forced = reference.forced_bytes(9)
            assert kernel.forced_bytes(9) == forced
            token = choose.choice(mask(reference))
            assert vocabulary.tokens[token].startswith(forced[: len(vocabulary.tokens[token])])
            assert reference.accept(token)
            assert kernel.accept(token)
    except LimitError:
        assume(False)


@pytest.mark.parametrize("engine", ENGINES)
def test_forced_text_is_written_as_the_tokenizer_writes_it(engine: str) -> None:
    vocabulary = Vocabulary([*BYTES, b"<end>", b"na", b"me", b'":', b'": ', b'": "'], special_ids=[256], eos_ids=[256])
    matcher = Grammar.from_regex('[{]"name": ("a"|[0-9])').compile(vocabulary, engine=engine).matcher()

    def encode(text: str) -> list[int]:
        pieces, tokens = ['": "', '": ', '":', "na", "me"], []
        while text:
            piece = next((piece for piece in pieces if text.startswith(piece)), text[0])
            tokens.append(vocabulary.tokens.index(piece.encode()))
            text = text[len(piece):]
        return tokens

    assert matcher.forced_bytes() == b'{"name": '
    assert [vocabulary.tokens[token] for token in matcher.forced_tokens(encode)] == [b"{", b'"', b"na", b"me"]
    with pytest.raises(VocabularyError, match="encode"):
        matcher.forced_tokens(lambda text: [0])


def test_threads_share_a_grammar() -> None:
    grammar = Grammar.from_lark('start: "[" (start ("," start)*)? "]" | WORD\nWORD: /[a-z]+(?!x)/\n%ignore " "\n')
    compiled = grammar.compile(VOCABULARY)
    alone, failures = grammar.compile(Vocabulary(VOCABULARY.tokens, special_ids=[256], eos_ids=[257])), list[str]()

    def work(seed: int) -> None:
        choose, bitmask = random.Random(seed), allocate_bitmask(1, VOCABULARY.size)
        for _ in range(5):
            matcher, single = compiled.matcher(40), alone.matcher(40)
            while not matcher.finished:
                matcher.fill_bitmask(bitmask)
                expected = np.zeros_like(bitmask)
                single.fill_bitmask(expected)
                if (bitmask != expected).any():
                    failures.append("masks differ")
                token = int(choose.choice(allowed_tokens(bitmask[0])))
                if not matcher.accept(token) or not single.accept(token):
                    failures.append("an allowed token was refused")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures

"""Generated grammars, texts of their languages, and vocabularies that cut them badly."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from functools import lru_cache

from hypothesis import assume
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

logging.getLogger("lark").setLevel(logging.CRITICAL)  # it reports each shift-reduce conflict
ALPHABET = "aabbc ,é"
REGEXES = ["a", "b", "a+", "b+", "ab", "a|ab", "ab|a", "a+?b", "[ab]+", "a*b", "(a|b){2}", "aa?", "b??a", "[^a]", "é",
           ".", "a{1,2}", "(ab)+", "a(b|ba)?", r"\w", "(?i:b)", "(a*?|b)c", '"[^"]*"', "a(?!b)", "a+(?=b|$)", r"\ba",
           r"[ab]+\b", "(?<=a)b+", "(?<!ab)a", "a(?=[^c]*c)", "(?>a|ab)c?", "(?:ab?)*+b?", "^a|b", "b$",
           "b(?!.?a)"]
LITERALS = ["a", "b", "ab", "ba", "aa", "c", ",", "é", " "]
PARSERS = st.sampled_from(["earley", "lalr"])


@st.composite
def grammars(draw: st.DrawFn) -> str:
    """The text of a small grammar: recursion of all sorts, empty rules, ambiguity, EBNF, ignored terminals."""
    rules = [f"r{i}" for i in range(draw(st.integers(1, 3)))]
    terminals = [f"T{i}" for i in range(draw(st.integers(1, 3)))]
    literals = [f'"{text}"' for text in draw(st.lists(st.sampled_from(LITERALS), min_size=1, max_size=2))]
    symbols = st.sampled_from([*rules, *terminals, *terminals, *literals])
    expressions = st.recursive(symbols, lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: f"({' | '.join(parts)})"),
        inner.map(lambda part: f"[{part}]"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "~2", "~1..2"])).map(lambda pair: f"({pair[0]}){pair[1]}")),
        max_leaves=5)
    lines = []
    for rule in rules:
        alternatives = draw(st.lists(expressions, min_size=1, max_size=3))
        if draw(st.integers(0, 6)) == 0:
            alternatives.append("")
        lines.append(f"{rule}: {' | '.join(alternatives)}")
    for terminal in terminals:
        pattern = draw(st.one_of(st.sampled_from(REGEXES).map(lambda regex: f"/{regex}/"),
                                 st.tuples(st.sampled_from(LITERALS), st.sampled_from(["", "i"])).map(
                                     lambda pair: f'"{pair[0]}"{pair[1]}')))
        lines.append(f"{terminal}{draw(st.sampled_from(['', '', '.2', '.-1']))}: {pattern}")
    ignored = draw(st.sampled_from(["", "", "", '" "', "/ +/", "/,|c/", "T0"]))
    return "\n".join([*lines, f"%ignore {ignored}"] if ignored else lines) + "\n"


@lru_cache(maxsize=512)
def loaded(text: str, parser: str) -> Grammar | None:
    """The grammar, or None when Lark or we refuse it or it is too much for the reference."""
    try:
        grammar = Grammar.from_lark(text, start="r0", parser=parser)
        grammar.accepts("", engine="reference")
    except (GrammarError, LimitError):
        return None
    return grammar


def load(text: str, parser: str) -> Grammar:
    grammar = loaded(text, parser)
    assume(grammar is not None)
    assert grammar is not None
    return grammar


def sentences(grammar: Grammar, choose: random.Random, count: int) -> Iterator[bytes]:
    """Texts of the language: a random allowed beginning, then the shortest ending (both the reference's)."""
    for _ in range(count):
        matcher, text = grammar._bytewise("reference"), b""
        for _ in range(choose.randrange(6)):
            piece = choose.choice(ALPHABET).encode()
            if matcher.fork().accept_bytes(piece) == len(piece):
                matcher.accept_bytes(piece)
                text += piece
        yield text + matcher.witness()


def vocabulary_of(texts: list[bytes], choose: random.Random) -> Vocabulary:
    """Tokens cut from texts at any byte, random ones, each byte, a duplicate, an unused id, an EOS."""
    tokens = {bytes([byte]) for byte in range(256)}
    for text in texts:
        for _ in range(6 if text else 0):
            at = choose.randrange(len(text))
            tokens.add(text[at : at + choose.randint(1, 5)])
    tokens |= {bytes(choose.choice(ALPHABET.encode()) for _ in range(choose.randint(1, 4))) for _ in range(12)}
    shuffled = sorted(tokens)
    choose.shuffle(shuffled)
    end = len(shuffled)
    return Vocabulary([*shuffled, b"<end>", shuffled[0], b""], special_ids=[end], eos_ids=[end])


def mask(matcher: Matcher) -> list[int]:
    bitmask = allocate_bitmask(1, matcher.compiled.vocabulary.size)
    matcher.fill_bitmask(bitmask)
    return [int(token) for token in allowed_tokens(bitmask[0])]

"""What reads Lark text, each as a function from the text to one that says whether a text belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Accepts = Callable[[str], bool]
TOKENS = [*(bytes([byte]) for byte in range(256)), b"<end>"]


def by_lark(grammar: str) -> Accepts:
    import lark

    parser = lark.Lark(grammar)

    def accepts(text: str) -> bool:
        try:
            parser.parse(text)
        except lark.exceptions.LarkError:
            return False
        return True

    return accepts


def by_xgrammar(grammar: str) -> Accepts:
    xgrammar = pytest.importorskip("xgrammar")
    info = xgrammar.TokenizerInfo(TOKENS, vocab_type=xgrammar.VocabType.RAW, vocab_size=257, stop_token_ids=[256])
    compiled = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False).compile_grammar(
        xgrammar.Grammar.from_lark(grammar))

    def accepts(text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(compiled)
        return all(map(matcher.accept_token, text.encode())) and bool(matcher.is_completed())

    return accepts


def by_llguidance(grammar: str) -> Accepts:
    llguidance = pytest.importorskip("llguidance")

    class Bytes:
        eos_token_id, bos_token_id, tokens, special_token_ids = 256, None, TOKENS, [256]

        def __call__(self, text: Any) -> list[int]:
            return list(text.encode() if isinstance(text, str) else text)

    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))
    first = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not first.is_error(), first.get_error()

    def accepts(text: str) -> bool:
        matcher = first.deep_copy()
        return all(matcher.try_consume_tokens([byte]) == 1 for byte in text.encode()) and bool(matcher.is_accepting())

    return accepts


READERS = {"lark": by_lark, "xgrammar": by_xgrammar, "llguidance": by_llguidance}

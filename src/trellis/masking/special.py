"""Special tokens that stand in a grammar: bound to the ids of a vocabulary when a program meets one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trellis.errors import UsageError, VocabularyError
from trellis.masking import terminals
from trellis.masking.program import Program
from trellis.masking.vocabulary import Vocabulary

SpecialToken = str | int  # a token's name, or its id


def checked(bindings: Any) -> dict[str, SpecialToken]:
    """Terminals and the special tokens that they are."""
    if bindings is None:
        return {}
    if not isinstance(bindings, Mapping) or not all(
            isinstance(name, str) and isinstance(token, str | int) and not isinstance(token, bool)
            for name, token in bindings.items()):
        raise UsageError("special_tokens maps names of declared terminals to names or ids of special tokens",
                         hint='special_tokens={"END_OF_TURN": "<|eot_id|>"}')
    return dict(bindings)


def bind(program: Program, tokens: Sequence[SpecialToken], vocabulary: Vocabulary) -> Program:
    """The program with the vocabulary's ids in place of numbers of special tokens.

    Raises:
        VocabularyError: the vocabulary has no such special token.
    """
    if not tokens:
        return program
    ids = [_id(token, vocabulary) for token in tokens]
    codes = (terminals.special(ids[terminals.special_number(code)]) if code[0] == terminals.SPECIAL else code
             for code in program.terminals)
    return replace(program, terminals=tuple(codes))


def _id(token: SpecialToken, vocabulary: Vocabulary) -> int:
    if isinstance(token, int):
        if token not in vocabulary.special_ids:
            raise VocabularyError(f"token {token} is no special token of the vocabulary", token_id=token)
        return token
    found = [token_id for token_id in sorted(vocabulary.special_ids) if vocabulary.tokens[token_id] == token.encode()]
    if not found:
        raise VocabularyError(f"the vocabulary has no special token {token!r}",
                              hint="a grammar with special tokens is for vocabularies that have them")
    return found[0]

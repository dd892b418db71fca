"""Grammars in GBNF, the notation of llama.cpp, which is also the EBNF that xgrammar (vLLM, SGLang) reads.

GBNF is context-free: it knows neither the priority of alternatives and terminals nor lazy loops, which tell how a text
is read, and mostly not whether it may be written; nor lookaround. So a Lark grammar in GBNF may allow more than Lark
does, never less; ``dropped`` says where, and answers are checked here in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.errors import UnsupportedError

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar
    from trellis.masking.regex_tree import Node

_SURROGATES = (0xD800, 0xDFFF)


@dataclass(frozen=True)
class Written:
    """A grammar in GBNF.

    Attributes:
        text: its rules; the first is ``root``.
        dropped: what it does not hold an answer to, in words.
    """

    text: str
    dropped: tuple[str, ...] = ()


def gbnf_of(grammar: Grammar) -> Written:
    """The grammar in GBNF.

    Raises:
        UnsupportedError: it was made neither of choices nor of a regular expression without lookaround, and is not
            Lark's.
    """
    if grammar.choices is not None:
        return Written(f"root ::= {' | '.join(map(literal, grammar.choices))}\n")
    if grammar.pattern is not None:
        from trellis.masking.regex_front import fullmatch_tree

        return Written(f"root ::= {expression(fullmatch_tree(grammar.pattern))}\n")
    if grammar.text is not None:
        from trellis.models.gbnf_rules import written

        return written(grammar.network())
    raise UnsupportedError(f"a {grammar.description} has no form in GBNF",
                           hint="choices, regular expressions and Lark grammars have one; others mask local models")


def expression(node: Node) -> str:
    """A regular expression.

    Raises:
        UnsupportedError: it looks around.
    """
    from trellis.masking.regex_tree import Chars, Choice, Loop, Sequence

    match node:
        case Chars(ranges):
            return _characters(ranges)
        case Sequence(parts):
            return " ".join(_sequence(parts)) if parts else '""'
        case Choice(parts):
            if not parts:
                raise UnsupportedError("an alternative of nothing has no form in GBNF")
            return f"({' | '.join(map(expression, parts))})"
        case Loop(body, minimum, maximum, _):
            return f"({expression(body)}){_times(minimum, maximum)}"
    raise UnsupportedError(f"{type(node).__name__} of a regular expression has no form in GBNF",
                           hint="lookaround, anchors and atomic groups have none")


def _sequence(parts: Iterable[Node]) -> list[str]:
    """The parts, with characters that follow each other as one literal."""
    from trellis.masking.regex_tree import Chars

    out: list[str] = []
    text = ""
    for part in parts:
        if isinstance(part, Chars) and len(part.ranges) == 1 and part.ranges[0][0] == part.ranges[0][1] and not (
                _SURROGATES[0] <= part.ranges[0][0] <= _SURROGATES[1]):
            text += chr(part.ranges[0][0])
            continue
        out += [literal(text)] * bool(text) + [expression(part)]
        text = ""
    return out + [literal(text)] * bool(text)


def _times(minimum: int, maximum: int | None) -> str:
    common = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    return common.get((minimum, maximum), f"{{{minimum},{'' if maximum is None else maximum}}}")


def _characters(ranges: tuple[tuple[int, int], ...]) -> str:
    """A class; the halves of surrogate pairs, which no UTF-8 text has, are left out."""
    first, last = _SURROGATES
    parts = [(low, high) for start, end in ranges
             for low, high in ((start, min(end, first - 1)), (max(start, last + 1), end)) if low <= high]
    if not parts:
        raise UnsupportedError("a class of nothing but surrogates has no form in GBNF")
    return "[" + "".join(_point(low) if low == high else f"{_point(low)}-{_point(high)}" for low, high in parts) + "]"


def _point(point: int) -> str:
    """Escapes of a fixed length: of ``\\x``, xgrammar takes as many digits as there are."""
    char = chr(point)
    return char if char.isascii() and char.isalnum() else (
        f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}")


def literal(text: str) -> str:
    """A text that stands for itself."""
    return '"' + "".join(char if char.isprintable() and char not in '"\\' else _point(ord(char)) for char in text) + '"'

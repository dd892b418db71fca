"""Choices and regular expressions in GBNF, the grammar notation of llama.cpp.

GBNF knows neither the priority of alternatives nor lazy loops, which do not matter for whole texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.errors import UnsupportedError

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar
    from trellis.masking.regex_tree import Node

_SURROGATES = (0xD800, 0xDFFF)


def gbnf_of(grammar: Grammar) -> str:
    """The grammar as GBNF, root rule ``root``.

    Raises:
        UnsupportedError: it was made neither of choices nor of a regular expression.
    """
    if grammar.choices is not None:
        return "root ::= " + " | ".join(map(_literal, grammar.choices)) + "\n"
    if grammar.pattern is not None:
        from trellis.masking.regex_front import fullmatch_tree

        return f"root ::= {_expression(fullmatch_tree(grammar.pattern))}\n"
    raise UnsupportedError(f"a {grammar.description} has no form in GBNF",
                           hint="choices and regular expressions have one; other grammars mask local models")


def _expression(node: Node) -> str:
    from trellis.masking.regex_tree import Chars, Choice, Loop, Sequence

    match node:
        case Chars(ranges):
            return _characters(ranges)
        case Sequence(parts):
            return " ".join(map(_expression, parts)) if parts else '""'
        case Choice(parts):
            if not parts:
                raise UnsupportedError("an alternative of nothing has no form in GBNF")
            return f"({' | '.join(map(_expression, parts))})"
        case Loop(body, minimum, maximum, _):
            return f"({_expression(body)}){_times(minimum, maximum)}"
    raise UnsupportedError(f"{type(node).__name__} of a regular expression has no form in GBNF",
                           hint="lookaround, anchors and atomic groups have none")


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
    char = chr(point)
    return char if char.isascii() and char.isalnum() else (
        f"\\x{point:02X}" if point < 0x80 else f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}")


def _literal(text: str) -> str:
    return '"' + "".join(char if char.isprintable() and char not in '"\\' else _point(ord(char)) for char in text) + '"'

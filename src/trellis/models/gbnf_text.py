"""How GBNF spells characters, texts and regular expressions, alike for llama.cpp, xgrammar and llguidance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.errors import UnsupportedError

if TYPE_CHECKING:
    from trellis.masking.regex_tree import Chars, Node

_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True)
class Written:
    """A grammar in GBNF.

    Attributes:
        text: its rules; the first is ``root``.
        dropped: what it does not hold an answer to, in words.
    """

    text: str
    dropped: tuple[str, ...] = ()


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
        if isinstance(part, Chars) and (point := _only(part)) is not None:
            text += chr(point)
            continue
        out += [literal(text)] * bool(text) + [expression(part)]
        text = ""
    return out + [literal(text)] * bool(text)


def _only(chars: Chars) -> int | None:
    """The one character of a set that has no other."""
    low, high = chars.ranges[0]
    return low if len(chars.ranges) == 1 and low == high and low not in _SURROGATES else None


def _times(minimum: int, maximum: int | None) -> str:
    common = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    return common.get((minimum, maximum), f"{{{minimum},{'' if maximum is None else maximum}}}")


def _characters(ranges: tuple[tuple[int, int], ...]) -> str:
    """A class; the halves of surrogate pairs, which no UTF-8 text has, are left out.

    Readers differ in escapes: of ``\\x``, xgrammar takes as many digits as there are, and llguidance reads no longer
    ones. So letters and digits stand first, characters beyond ASCII as they are, and all others last, as ``\\xHH``.
    """
    kinds: dict[str, list[str]] = {"plain": [], "beyond": [], "escaped": []}
    for start, end in ranges:
        for kind, first, last in _BLOCKS:
            low, high = max(start, first), min(end, last)
            if low <= high:
                points = (low,) if low == high else (low, high)
                kinds[kind].append("-".join(f"\\x{one:02X}" if kind == "escaped" else chr(one) for one in points))
    parts = [part for kind in kinds.values() for part in kind]
    if not parts:
        raise UnsupportedError("a class of nothing but surrogates has no form in GBNF")
    return f"[{''.join(parts)}]"


_BLOCKS = (("escaped", 0x00, 0x2F), ("plain", 0x30, 0x39), ("escaped", 0x3A, 0x40), ("plain", 0x41, 0x5A),
           ("escaped", 0x5B, 0x60), ("plain", 0x61, 0x7A), ("escaped", 0x7B, 0x7F), ("beyond", 0x80, 0xD7FF),
           ("beyond", 0xE000, 0x10FFFF))
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def literal(text: str) -> str:
    """A text that stands for itself."""
    out = ""
    for char in text:
        if char.isascii() and not char.isprintable() and char not in _NAMED:
            out += f'\\x{ord(char):02X}" "'  # the next character may look like one more digit
        else:
            out += _NAMED.get(char, char)
    return f'"{out}"'.removesuffix(' ""') or '""'

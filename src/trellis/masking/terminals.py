"""Terminals as content-addressed byte codes: what a lexeme of a grammar may be, over bytes.

Two codes are the same terminal if and only if they are the same bytes, in any grammar. A *regex code* is postfix
over bytes (classes are sets of bytes, UTF-8 is already lowered); a *terminal* is one kind byte and its operands::

    kind 0  LITERAL      the bytes
    kind 1  REGEX_SET    regex code; a lexeme may end at every accepting position
    kind 2  REGEX_FIRST  regex code; leftmost-first: the one end that CPython's ``re`` finds, given the whole text
    kind 3  COUNTED      u32 minimum, u32 maximum, prefix, suffix, regex code of one unit; REGEX_SET semantics
    kind 4  EXCEPT       words that are left out, then a REGEX_SET terminal
    kind 5  SPECIAL      u32 id of a special token; nothing looks across it: it is like an end of the text
    kind 6  AUTOMATON    a deterministic automaton over characters, each a regex code; REGEX_SET semantics

Integers are little-endian. A lexeme is never empty: an empty match of a terminal does not count.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

LITERAL, REGEX_SET, REGEX_FIRST, COUNTED, EXCEPT, SPECIAL, AUTOMATON = range(7)
UNBOUNDED = 0xFFFFFFFF
MAX_OPERANDS = 0xFFFF
_NOTHING = b"C" + bytes(32)
_SURROGATES = (0xD800, 0xDFFF)
_UTF8_LENGTHS = ((0x7F, 0, 0x00), (0x7FF, 1, 0xC0), (0xFFFF, 2, 0xE0), (0x10FFFF, 3, 0xF0))  # last, tail, lead


# Regex codes -----------------------------------------------------------------------------------------------------

def empty() -> bytes:
    """The regex code of the empty string."""
    return b"E"


def text(data: bytes) -> bytes:
    """The regex code of exactly these bytes."""
    if len(data) > MAX_OPERANDS:
        return concat(*(text(data[i : i + MAX_OPERANDS]) for i in range(0, len(data), MAX_OPERANDS)))
    return b"L" + struct.pack("<H", len(data)) + data if data else b"E"


def byte_class(values: Iterable[int]) -> bytes:
    """The regex code of one byte out of a set; the empty set matches nothing."""
    bits = 0
    for value in values:
        bits |= 1 << value
    return b"C" + bits.to_bytes(32, "little")


def byte_range(low: int, high: int) -> bytes:
    """The regex code of one byte from ``low`` to ``high``, both included."""
    return b"C" + ((1 << (high + 1)) - (1 << low)).to_bytes(32, "little")


def nothing() -> bytes:
    """The regex code that matches no string at all."""
    return _NOTHING


def concat(*codes: bytes) -> bytes:
    """One code after the other."""
    if _NOTHING in codes:
        return _NOTHING
    return _combine(b".", [code for code in codes if code != b"E"], b"E")


def alternate(*codes: bytes) -> bytes:
    """One code or another; an earlier one is preferred (which matters for REGEX_FIRST only)."""
    return _combine(b"|", [code for code in codes if code != _NOTHING], _NOTHING)


def _combine(operator: bytes, codes: Sequence[bytes], neutral: bytes) -> bytes:
    if len(codes) < 2:
        return codes[0] if codes else neutral
    if len(codes) > MAX_OPERANDS:
        codes = [_combine(operator, codes[i : i + MAX_OPERANDS], neutral) for i in range(0, len(codes), MAX_OPERANDS)]
    return b"".join(codes) + operator + struct.pack("<H", len(codes))


def repeat(code: bytes, minimum: int, maximum: int | None, greedy: bool = True) -> bytes:
    """``code{minimum,maximum}``; ``None`` is no upper bound; a lazy loop prefers to leave."""
    if code in (b"E", _NOTHING) or maximum == 0:
        return b"E" if code == b"E" or minimum == 0 else _NOTHING
    return code + struct.pack("<sIIB", b"{", minimum, UNBOUNDED if maximum is None else maximum, greedy)


def ahead(code: bytes, negative: bool = False) -> bytes:
    """Nothing, where ``code`` matches from here on (where it does not, when negative). For REGEX_FIRST only."""
    if code == b"E" or code == _NOTHING:
        return b"E" if (code == b"E") != negative else _NOTHING
    return code + (b"=\1" if negative else b"=\0")


def behind(code: bytes, negative: bool = False) -> bytes:
    """Nothing, where a match of ``code`` ends here (where none does, when negative). For REGEX_FIRST only.

    ``code`` is not empty and does not look around itself; it may match text of earlier lexemes.
    """
    return struct.pack("<sBI", b"<", negative, len(code)) + code


def atomic(code: bytes) -> bytes:
    """The most preferred match of ``code`` and no other, whatever follows. For REGEX_FIRST only."""
    return code if code in (b"E", _NOTHING) else code + b">"


def universal(code: bytes) -> bytes:
    """``code*``, marked as a loop over any character: states inside it share one bitmap.

    No lexeme of the terminal may end among such characters, or right behind them.
    """
    return code + b"U"


@lru_cache(maxsize=4096)
def code_points(ranges: tuple[tuple[int, int], ...]) -> bytes:
    """The regex code of one code point out of sorted, disjoint ranges ``(low, high)``, as UTF-8.

    Surrogates have no UTF-8 form and are left out. Lead bytes with the same tails share one class.
    """
    return alternate(*(_lead(ranges, i) for i in range(4) if _clip(ranges, _first(i), _UTF8_LENGTHS[i][0])))


def _first(i: int) -> int:
    return _UTF8_LENGTHS[i - 1][0] + 1 if i else 0


def _clip(ranges: tuple[tuple[int, int], ...], low: int, high: int) -> tuple[tuple[int, int], ...]:
    """The part of the ranges within low..high, less the surrogates."""
    clipped = []
    for start, end in ranges:
        start, end = max(start, low), min(end, high)
        if start < _SURROGATES[0] and start <= end:
            clipped.append((start, min(end, _SURROGATES[0] - 1)))
        if end > _SURROGATES[1] and start <= end:
            clipped.append((max(start, _SURROGATES[1] + 1), end))
    return tuple(clipped)


def _lead(ranges: tuple[tuple[int, int], ...], i: int) -> bytes:
    last, tail, lead = _UTF8_LENGTHS[i]
    return _bytes_of(_clip(ranges, _first(i), last), tail, lead)


@lru_cache(maxsize=4096)
def _bytes_of(ranges: tuple[tuple[int, int], ...], tail: int, offset: int) -> bytes:
    """Numbers as one byte (offset + the high bits) and ``tail`` continuation bytes of six bits each."""
    if tail == 0:
        return byte_class(offset + value for low, high in ranges for value in range(low, high + 1))
    size = 64**tail
    below: dict[int, list[tuple[int, int]]] = {}
    for low, high in ranges:
        for top in range(low // size, high // size + 1):
            base = top * size
            below.setdefault(top, []).append((max(low - base, 0), min(high - base, size - 1)))
    same: dict[bytes, list[int]] = {}
    for top, parts in below.items():
        same.setdefault(_bytes_of(tuple(parts), tail - 1, 0x80), []).append(offset + top)
    return alternate(*(concat(byte_class(leads), code) for code, leads in same.items()))


# Terminals -------------------------------------------------------------------------------------------------------

def literal(data: bytes) -> bytes:
    """The terminal of exactly these bytes (not empty)."""
    if not data:
        raise ValueError("a literal terminal must not be empty")
    return b"\0" + data


def regex_set(code: bytes) -> bytes:
    """A terminal whose lexeme may end wherever the whole of it matches."""
    return b"\1" + code


def another(code: bytes) -> bytes:
    """A terminal with the lexemes of a literal or a regex by sets that is not the same one."""
    return regex_set(repeat(text(code[1:]) if code[0] == LITERAL else code[1:], 1, 1))


def regex_first(code: bytes) -> bytes:
    """A terminal whose lexeme ends where a backtracking matcher ends: one place, given the whole text."""
    return b"\2" + code


def counted(prefix: bytes, unit: bytes, suffix: bytes, minimum: int, maximum: int | None) -> bytes:
    """``prefix unit{minimum,maximum} suffix``, kept as a counter: bounds may be large.

    ``unit`` is a regex code that does not match the empty string; the suffix's first byte never starts a unit.
    """
    bounds = struct.pack("<II", minimum, UNBOUNDED if maximum is None else maximum)
    return b"\3" + bounds + _sized(prefix) + _sized(suffix) + unit


def excluding(base: bytes, words: Collection[bytes]) -> bytes:
    """The REGEX_SET terminal ``base`` without some whole lexemes (sorted and deduplicated here)."""
    if base[0] != REGEX_SET:
        raise ValueError("only a regex_set terminal can exclude words")
    return b"\4" + struct.pack("<I", len(set(words))) + b"".join(map(_sized, sorted(set(words)))) + base


def automaton(characters: Sequence[bytes], accepting: bytes, edges: Sequence[int], start: int = 0,
              anything: int = -1) -> bytes:
    """The terminal of a deterministic automaton.

    Args:
        characters: regex codes, none of them empty; of those that one state reads, none begins like another.
        accepting: one byte for each state.
        edges: three integers each: state, index of a character, state.
        anything: which of the characters is any character (``universal``), -1 for none.
    """
    codes = b"".join(struct.pack("<I", len(code)) + code for code in characters)
    head = struct.pack("<IiI", start, anything, len(characters))
    return b"".join((b"\6", head, codes, struct.pack("<I", len(accepting)), accepting,
                     struct.pack(f"<{len(edges)}I", *edges)))


def automaton_parts(terminal: bytes) -> tuple[list[bytes], bytes, list[tuple[int, int, int]], int]:
    """Characters, accepting states, edges one by one, and start of an :func:`automaton`."""
    (start, _, count), at = struct.unpack_from("<IiI", terminal, 1), 13
    characters = []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", terminal, at)
        characters.append(terminal[at + 4 : at + 4 + size])
        at += 4 + size
    (size,) = struct.unpack_from("<I", terminal, at)
    edges = list(struct.iter_unpack("<3I", terminal[at + 4 + size :]))
    return characters, terminal[at + 4 : at + 4 + size], edges, start


class Counted(NamedTuple):
    """What a COUNTED terminal is made of."""

    minimum: int
    maximum: int | None
    prefix: bytes
    suffix: bytes
    unit: bytes


def counted_parts(terminal: bytes) -> Counted:
    """The parts of a COUNTED terminal."""
    minimum, maximum = struct.unpack_from("<II", terminal, 1)
    prefix, at = _sized_at(terminal, 9)
    suffix, at = _sized_at(terminal, at)
    return Counted(minimum, None if maximum == UNBOUNDED else maximum, prefix, suffix, terminal[at:])


def except_parts(terminal: bytes) -> tuple[list[bytes], bytes]:
    """The words that an EXCEPT terminal leaves out, and the terminal that it leaves them out of."""
    (count,) = struct.unpack_from("<I", terminal, 1)
    words, at = [], 5
    for _ in range(count):
        word, at = _sized_at(terminal, at)
        words.append(word)
    return words, terminal[at:]


def special(number: int) -> bytes:
    """The terminal that is one special token, and never its text.

    For an engine, ``number`` is the id of the token; in a program without a vocabulary, its place in a list.
    """
    return b"\5" + struct.pack("<I", number)


def special_number(terminal: bytes) -> int:
    """The number of a special token."""
    return int.from_bytes(terminal[1:], "little")


def _sized(data: bytes) -> bytes:
    return struct.pack("<H", len(data)) + data


def _sized_at(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("<H", data, at)
    return data[at + 2 : at + 2 + size], at + 2 + size


# Questions about codes -------------------------------------------------------------------------------------------

def operations(code: bytes) -> Iterable[tuple[str, object]]:
    """The operations of a regex code in postfix order: ``(operator, operand)``.

    Operands: ``L`` bytes, ``C`` int (bit b = byte b), ``.`` and ``|`` int, ``{`` (minimum, maximum or None, greedy),
    ``=`` whether it is negative, ``<`` (whether it is negative, regex code).
    """
    i = 0
    while i < len(code):
        operator = chr(code[i])
        i += 1
        if operator == "L":
            size = int.from_bytes(code[i : i + 2], "little")
            yield operator, code[i + 2 : i + 2 + size]
            i += 2 + size
        elif operator == "C":
            yield operator, int.from_bytes(code[i : i + 32], "little")
            i += 32
        elif operator in ".|":
            yield operator, int.from_bytes(code[i : i + 2], "little")
            i += 2
        elif operator == "{":
            minimum, maximum, greedy = struct.unpack_from("<IIB", code, i)
            yield operator, (minimum, None if maximum == UNBOUNDED else maximum, bool(greedy))
            i += 9
        elif operator == "=":
            yield operator, bool(code[i])
            i += 1
        elif operator == "<":
            negative, size = struct.unpack_from("<BI", code, i)
            yield operator, (bool(negative), code[i + 5 : i + 5 + size])
            i += 5 + size
        elif operator in "EU>":
            yield operator, None
        else:
            raise ValueError(f"not a regex code: operator {operator!r} at {i - 1}")


@lru_cache(maxsize=65536)
def emptiness(code: bytes) -> tuple[bool, bool]:
    """Of a regex code: (matches the empty string, matches some other string), whatever it looks around at."""
    stack: list[tuple[bool, bool]] = []
    for operator, operand in operations(code):
        if operator == "E":
            stack.append((True, False))
        elif operator in "LC":
            stack.append((False, bool(operand)))
        elif operator == "=":
            stack[-1] = (True, False)
        elif operator == "<":
            stack.append((True, False))
        elif operator == ">":
            pass
        elif operator == "U":
            stack[-1] = (True, stack[-1][1])
        elif operator == "{":
            minimum, maximum = operand[:2]  # type: ignore[index]
            null, some = stack[-1]
            stack[-1] = (null or minimum == 0, some and maximum != 0)
        else:
            count: int = operand  # type: ignore[assignment]
            parts = stack[-count:]
            del stack[-count:]
            if operator == "|":
                stack.append((any(null for null, _ in parts), any(some for _, some in parts)))
            else:
                stack.append((all(null for null, _ in parts),
                              all(null or some for null, some in parts) and any(some for _, some in parts)))
    return stack[0]


@lru_cache(maxsize=65536)
def looks_around(code: bytes) -> bool:
    """Whether a regex code has lookarounds or atomic groups."""
    return any(operator in "=<>" for operator, _ in operations(code))


def matches_empty(terminal: bytes) -> bool:
    """Whether the regex of a terminal also matches the empty string (which never is a lexeme).

    What looks around is not said to: that would depend on the place.
    """
    if terminal[0] == AUTOMATON:
        (start, _, count), at = struct.unpack_from("<IiI", terminal, 1), 13
        for _ in range(count):
            at += 4 + int.from_bytes(terminal[at : at + 4], "little")
        return bool(terminal[at + 4 + start])
    return (terminal[0] in (REGEX_SET, REGEX_FIRST) and emptiness(terminal[1:])[0]
            and not looks_around(terminal[1:]))


def matches_something(terminal: bytes) -> bool:
    """Whether a terminal has any lexeme (EXCEPT and AUTOMATON are not looked into)."""
    return terminal[0] not in (REGEX_SET, REGEX_FIRST) or emptiness(terminal[1:])[1]

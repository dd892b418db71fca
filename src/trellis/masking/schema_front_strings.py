"""JSON strings as terminals: plain, of some length, with a pattern, and names of properties.

A string's value may be spelled in several ways (``"a"``, ``"\\u0061"``). Where any character fits, every spelling does.
Where the characters matter (patterns, names, literals), there is one spelling of each: the one of
``json.dumps(ensure_ascii=False)``. Half a surrogate pair is no character, so no spelling of one is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from trellis.errors import LimitError
from trellis.masking.schema_front_automata import terminal_of
from trellis.masking.terminals import (
    MAX_OPERANDS,
    UNBOUNDED,
    alternate,
    byte_class,
    code_points,
    concat,
    counted,
    excluding,
    literal,
    regex_set,
    repeat,
    text,
    universal,
)
from trellis.schema import clock, patterns
from trellis.schema.languages import automaton, number_of_words, words_of
from trellis.schema.minimal import minimal
from trellis.schema.patterns import Automaton, Chars, Choice, Node, Pattern, Repeat
from trellis.schema.patterns import Sequence as Seq
from trellis.schema.shapes import Strings

MAX_POSITIONS = 20_000  # of one pattern, with its repetitions written out
FEW_WORDS = 20  # names that are written out where their number matters
MAX_WORDS = 30_000  # bytes of the words of one terminal
MAX_PARTINGS = 100  # of words that share their beginnings; codes nest as deep
_SHORT = {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r", 0x22: b'\\"', 0x5C: b"\\\\"}
_QUOTE = text(b'"')

_HEX = byte_class(b"0123456789abcdefABCDEF")
_UNIT = alternate(concat(byte_class(b"0123456789abcefABCEF"), _HEX, _HEX, _HEX),
                  concat(byte_class(b"dD"), byte_class(b"01234567"), _HEX, _HEX))
_PAIR = concat(byte_class(b"dD"), byte_class(b"89abAB"), _HEX, _HEX, text(b"\\u"),
               byte_class(b"dD"), byte_class(b"cdefCDEF"), _HEX, _HEX)
_ESCAPE = concat(text(b"\\"), alternate(byte_class(b'"\\/bfnrt'), concat(text(b"u"), alternate(_UNIT, _PAIR))))
#: One character of a string, in any spelling.
CHARACTER = alternate(code_points(((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF))), _ESCAPE)
#: Any string.
STRING = regex_set(concat(_QUOTE, universal(CHARACTER), _QUOTE))


@lru_cache(maxsize=4096)
def spelled(ranges: patterns.Ranges) -> bytes | None:
    """The regex code of one character out of a set, each in its one spelling; None when there is none."""
    plain, escapes = [], []
    for low, high in ranges:
        for code in range(low, min(high, 0x5C) + 1):
            if code < 0x20 or code in (0x22, 0x5C):
                escapes.append(text(_SHORT.get(code) or b"\\u%04x" % code))
        for start, end in ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF)):
            if low <= end and high >= start:
                plain.append((max(low, start), min(high, end)))
    if not plain and not escapes:
        return None
    return alternate(*([code_points(patterns.normal_ranges(plain))] if plain else []), *escapes)


#: The regex code of the name of a property.
_NAME = concat(_QUOTE, universal(spelled(patterns.EVERYTHING) or b""), _QUOTE)
#: The terminal of any name.
NAME = regex_set(_NAME)


def spell(value: Any) -> bytes:
    """The one spelling of a scalar: that of ``json.dumps(ensure_ascii=False)``, with escapes for halves of pairs."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return b'"%s"' % value.encode()
    if isinstance(value, int) and not isinstance(value, bool):
        return format(Decimal(value), "f").encode()  # json.dumps and str refuse more than 4,300 digits
    spelling = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", spelling).encode()


def some_of(spellings: Iterable[bytes]) -> list[bytes]:
    """The terminals of some literal texts: one, or where they are thousands a few."""
    groups: list[list[bytes]] = []
    size = MAX_WORDS
    for word in sorted(set(spellings)):
        size += len(word)
        if size > MAX_WORDS:
            groups.append([])
            size = len(word)
        groups[-1].append(word)
    return [one_of(group) for group in groups]


def one_of(spellings: Iterable[bytes]) -> bytes:
    """The terminal of some literal texts: they share their beginnings, so that thousands are no burden."""
    words = sorted(set(spellings))
    if len(words) == 1 and len(words[0]) <= MAX_OPERANDS:
        return literal(words[0])
    return regex_set(_trie(words))


def _trie(words: list[bytes]) -> bytes:
    """The regex code of sorted, different words; where they part too often, the rest of them side by side."""
    results: list[bytes] = []
    # Post-order without recursion: make the code of words first..last from a depth on, or combine the last results.
    work: list[tuple[str, int, int, int, int]] = [("words", 0, len(words), 0, 0)]
    while work:
        task, first, last, depth, parted = work.pop()
        if task == "concat":
            tail, head = results.pop(), results.pop()
            results.append(concat(head, tail))
        elif task == "alternate":
            options = results[len(results) - first :]
            del results[len(results) - first :]
            results.append(alternate(*options))
        elif last - first == 1 or parted == MAX_PARTINGS:
            results.append(alternate(*(text(word[depth:]) for word in words[first:last])))
        else:
            shared = _shared(words[first], words[last - 1], depth)
            if shared > depth:
                results.append(text(words[first][depth:shared]))
                work.append(("concat", 0, 0, 0, 0))
            groups: list[tuple[int, int]] = []
            start = first
            for i in range(first + 1, last + 1):
                if i == last or words[i][shared : shared + 1] != words[start][shared : shared + 1]:
                    groups.append((start, i))
                    start = i
            work.append(("alternate", len(groups), 0, 0, 0))
            work.extend(("words", start, end, shared, parted + 1) for start, end in reversed(groups))
    return results[0]


def _shared(left: bytes, right: bytes, depth: int) -> int:
    """How many bytes two words have in common, at least ``depth``."""
    while depth < len(left) and depth < len(right) and left[depth] == right[depth]:
        depth += 1
    return depth


# Restricted strings -------------------------------------------------------------------------------------------------

def terminals_of(strings: Strings) -> list[bytes]:
    """The terminals of the strings of a case; none when there is no such string.

    Raises:
        LimitError: lengths and patterns together are too large.
    """
    low, high = strings.minimum, strings.maximum
    if high is not None and high >= UNBOUNDED:
        high = None
    if low >= UNBOUNDED:
        raise LimitError(f"a length of {low} characters is too large for a mask", limit="length")
    return list(_restricted(strings._replace(maximum=high, pointer="")))


@lru_cache(maxsize=4096)
def _restricted(strings: Strings) -> tuple[bytes, ...]:
    low, high = strings.minimum, strings.maximum
    if not strings.patterns and not strings.forbidden:
        words = [word for word in strings.excluded if len(word) >= low and (high is None or len(word) <= high)]
        if not words:
            return (STRING,) if low == 0 and high is None else (counted(b'"', CHARACTER, b'"', low, high),)
        if low == 0 and high is None:
            return (excluding(NAME, [spell(word) for word in words]),)
    if len(strings.patterns) == 1 and not (strings.forbidden or strings.excluded or strings.patterns[0].automaton):
        (wanted,) = strings.patterns
        fitted = [_fit(node, low, high) for branch in wanted.branches for node in _alternatives(branch.whole())]
        if None not in fitted:
            return tuple(dict.fromkeys(code for nodes in fitted for code in _terminals(nodes or [])))
    try:
        found = minimal(automaton(strings._replace(minimum=0, maximum=None)))
        code = None if found is None else terminal_of(found, character, b'"', low, high)
    except LimitError as error:  # of patterns that need many states, a few lengths may not
        if (low == 0 and high is None) or clock.is_over(error):
            raise
        found = automaton(strings)
        code = None if found is None else terminal_of(found, character, b'"')
    return () if code is None else (code,)


def _alternatives(node: Node) -> list[Node]:
    """A node as several, when it is a choice: each can then be fitted to the lengths for itself."""
    if isinstance(node, Choice):
        return [inner for option in node.options for inner in _alternatives(option)]
    if isinstance(node, Seq) and len(node.items) == 1:
        return _alternatives(node.items[0])
    return [node]


def _fit(node: Node, low: int, high: int | None) -> list[Node] | None:
    """What is left of a node within these lengths ([] for nothing), or None when that is no simple expression.

    Simple are: lengths that the node has anyway, and one repetition of a fixed length among parts of fixed lengths.
    """
    least, most = patterns.lengths(node)
    if least >= low and (high is None or (most is not None and most <= high)):
        return [node]
    if (high is not None and least > high) or (most is not None and most < low):
        return []
    items = list(node.items) if isinstance(node, Seq) else [node]
    bounds = [patterns.lengths(item) for item in items]
    loose = [i for i, (least, most) in enumerate(bounds) if least != most]
    if len(loose) != 1:
        return None
    at = items[loose[0]]
    fixed = sum(least for i, (least, _) in enumerate(bounds) if i != loose[0])
    low, high = max(low - fixed, 0), None if high is None else high - fixed
    if isinstance(at, Choice | Seq) and at is not node:
        parts = [_fit(option, low, high) for option in _alternatives(at)]
        if None in parts:
            return None
        return [Seq((*items[: loose[0]], part, *items[loose[0] + 1 :])) for inner in parts for part in inner or ()]
    if not isinstance(at, Repeat):
        return None
    width, widest = patterns.lengths(at.item)
    if width != widest or width == 0:
        return None
    minimum = max(at.minimum, -(-low // width))
    maximum = at.maximum if high is None else high // width if at.maximum is None else min(at.maximum, high // width)
    if maximum is not None and maximum < minimum:
        return []
    return [Seq((*items[: loose[0]], Repeat(at.item, minimum, maximum), *items[loose[0] + 1 :]))]


def _terminals(nodes: list[Node]) -> list[bytes]:
    """The terminals of quoted strings that are one of the nodes."""
    found: list[bytes] = []
    for node in nodes:
        unit = _one_loop(node)
        if unit is not None:
            code = character(unit.item.ranges) if isinstance(unit.item, Chars) else None
            if code is not None:
                found.append(counted(b'"', code, b'"', unit.minimum, unit.maximum))
                continue
        if _positions(node) > MAX_POSITIONS:
            raise LimitError(f"a pattern with more than {MAX_POSITIONS} positions is too large for a mask",
                             limit="positions")
        code = _code(node, character)
        if code is not None:
            found.append(regex_set(concat(_QUOTE, code, _QUOTE)))
    return found


def _one_loop(node: Node) -> Repeat | None:
    """The repetition of one character that a node is, when counting it is worth while."""
    while isinstance(node, Seq) and len(node.items) == 1:
        node = node.items[0]
    if not isinstance(node, Repeat) or not isinstance(node.item, Chars) or node.maximum == 0:
        return None
    return node if node.minimum > 1 or node.maximum is not None else None


def _positions(node: Node) -> int:
    match node:
        case Seq(items):
            return sum(map(_positions, items))
        case Choice(options):
            return sum(map(_positions, options))
        case Repeat(item, minimum, maximum):
            return _positions(item) * max(minimum if maximum is None else maximum, 1)
    return 1


def character(ranges: patterns.Ranges) -> bytes | None:
    """The regex code of one character out of a set; of any, in any spelling."""
    return CHARACTER if ranges == patterns.EVERYTHING else spelled(ranges)


def _code(node: Node, character: Callable[[patterns.Ranges], bytes | None]) -> bytes | None:
    """The regex code of a node, given that of one character out of a set; None when nothing matches it."""
    match node:
        case Chars(ranges):
            return character(ranges)
        case Seq(items):
            parts = [_code(item, character) for item in _merged(items)]
            return None if None in parts else concat(*(part for part in parts if part is not None))
        case Choice(options):
            found = [code for option in options if (code := _code(option, character)) is not None]
            return alternate(*found) if found else None
        case Repeat(item, minimum, maximum):
            code = _code(item, character)
            if code is None or maximum == 0:
                return concat() if minimum == 0 else None
            if isinstance(item, Chars) and item.ranges == patterns.EVERYTHING and minimum == 0 and maximum is None:
                return universal(code)
            return repeat(code, minimum, maximum)
    raise AssertionError("anchors are taken out before")


def _merged(items: tuple[Node, ...]) -> list[Node]:
    """Neighbouring loops over anything as one: ``.*`` at an open end adds nothing to it."""
    merged: list[Node] = []
    for item in items:
        if not (item == patterns.ANYTHING and merged and merged[-1] == patterns.ANYTHING):
            merged.append(item)
    return merged


# Names of properties --------------------------------------------------------------------------------------------------

class Names(NamedTuple):
    """Many names.

    Attributes:
        code: their terminal.
        number: how many they are; ``UNBOUNDED - 1`` when they have no end, ``UNBOUNDED`` when also none of them has
            begun in a way that has an end.
        words: the names themselves, where they are a few.
    """

    code: bytes
    number: int = UNBOUNDED
    words: tuple[str, ...] = ()


def names_of(found: Automaton | None) -> list[Names]:
    """An automaton's names, if there are any."""
    code = None if found is None else terminal_of(found, spelled, b'"')
    return [] if code is None or found is None else [_names(code, found)]


def _names(code: bytes, found: Automaton) -> Names:
    number = number_of_words(found)
    return Names(code, number, words_of(found) if number <= FEW_WORDS else ())


def names_outside(declared: Sequence[str]) -> Names:
    """Names other than some."""
    return Names(excluding(NAME, [spell(name) for name in declared]) if declared else NAME)


def names_with(pattern: Pattern, declared: Sequence[str]) -> list[Names]:
    """Names that have a pattern and are not declared.

    A declared name is left out of a regular expression as a word. That must not leave the beginning of the word without
    an end, so the word has to go on: with any character, or where the pattern ends in a loop.
    """
    left_out = [name for name in declared if pattern.matches(name)]
    if pattern.automaton is not None or any(not any(
            _goes_on(branch.whole()) and pattern._replace(branches=(branch,)).matches(name)
            for branch in pattern.branches) for name in left_out):
        return names_of(automaton(Strings(patterns=(pattern,), excluded=tuple(left_out))))
    codes = [code for branch in pattern.branches if (code := _code(branch.whole(), spelled)) is not None]
    if not codes:
        return []
    terminal = regex_set(concat(_QUOTE, alternate(*codes), _QUOTE))
    endless = all(_goes_on(branch.whole()) for branch in pattern.branches)
    found = None if endless else automaton(Strings(patterns=(pattern,), excluded=tuple(left_out)))
    code = excluding(terminal, [spell(name) for name in left_out]) if left_out else terminal
    return [_names(code, found) if found else Names(code)]


def _goes_on(whole: Seq) -> bool:
    """Whether one more character can follow whatever matches."""
    last = whole.items[-1] if whole.items else None
    return isinstance(last, Repeat) and last.maximum is None and isinstance(last.item, Chars) and bool(last.item.ranges)

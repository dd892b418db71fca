"""The ``pattern`` keyword: a subset of ECMA-262 regular expressions, read into a small syntax tree.

JSON Schema patterns are ECMA's, not Python's: ``\\d`` is ASCII, ``$`` is the very end, ``.`` leaves out four line
terminators. Patterns that assert something other than at their ends become automata (``lookaround.py``). What is no
regular language (back-references) or means different things to different engines is refused with its place.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from trellis.errors import LimitError, UnsupportedError
from trellis.schema import clock, lookaround
from trellis.schema.patterns import (
    EMPTY,
    EVERYTHING,
    LAST,
    WORD,
    Anchor,
    Boundary,
    Branch,
    Chars,
    Choice,
    Look,
    Node,
    Pattern,
    Ranges,
    Repeat,
    Sequence,
    complement,
    normal_ranges,
)


@lru_cache(maxsize=4096)
def parse(source: str) -> Pattern:
    """Read a pattern.

    Raises:
        UnsupportedError: it is malformed, or uses what masks cannot enforce; says what and where.
    """
    node = _Reader(source).read()
    branches = _anchored(node)
    if branches is not None:
        return Pattern(source, tuple(branches))
    try:
        return Pattern(source, (), lookaround.automaton_of(node))
    except LimitError as error:
        if clock.is_over(error):
            raise
        raise UnsupportedError(f"the pattern {source!r} asserts too much: {error.message}", hint=_HINT) from None


DIGITS = normal_ranges([(0x30, 0x39)])
SPACE = normal_ranges([(9, 13), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
                       (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)])
DOT = complement(normal_ranges([(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]))
_CLASSES = {"d": DIGITS, "D": complement(DIGITS), "w": WORD, "W": complement(WORD), "s": SPACE, "S": complement(SPACE)}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_COUNT_DIGITS = 12
_QUANTIFIER = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_LOOK = re.compile(r"\?(<?)([=!])")
_NAME = re.compile(r"\?<[A-Za-z_$][A-Za-z0-9_$]*>")
_MAX_DEPTH = 100
_HINT = "masks take plain ECMA-262 regular expressions"


class _Reader:
    """Recursive descent over the source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def read(self) -> Node:
        node = self.choice()
        if self.at < len(self.source):
            raise self.refuse("has an unmatched ')'", self.at)
        return node

    def refuse(self, what: str, at: int) -> UnsupportedError:
        return UnsupportedError(f"the pattern {self.source!r} {what} at position {at}",
                                hint=_HINT)

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.refuse(f"is nested deeper than {_MAX_DEPTH} groups", self.at)
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            item = self.quantified(self.atom())
            items.extend(item.items if isinstance(item, Sequence) else (item,))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def quantified(self, node: Node) -> Node:
        start = self.at
        match self.peek():
            case "*":
                bounds: tuple[int, int | None] = (0, None)
                self.at += 1
            case "+":
                bounds = (1, None)
                self.at += 1
            case "?":
                bounds = (0, 1)
                self.at += 1
            case "{":
                found = _QUANTIFIER.match(self.source, self.at)
                if found is None:
                    return node
                if len(found[1]) > _COUNT_DIGITS or len(found[3] or "") > _COUNT_DIGITS:
                    raise self.refuse("repeats something more often than masks count", start)
                low = int(found[1])
                bounds = (low, low if found[2] is None else int(found[3]) if found[3] else None)
                if bounds[1] is not None and bounds[1] < low:
                    raise self.refuse("has a quantifier whose bounds are out of order", start)
                self.at = found.end()
            case _:
                return node
        if self.peek() == "?":
            self.at += 1  # lazy or greedy finds the same strings
        if self.peek() in ("*", "+") or _QUANTIFIER.match(self.source, self.at) or self.peek() == "?":
            raise self.refuse("repeats a quantifier", self.at)
        if isinstance(node, Anchor | Boundary | Look):
            raise self.refuse("repeats what has no length", start)
        return node if bounds == (1, 1) else Repeat(node, *bounds)

    def atom(self) -> Node:
        start = self.at
        character = self.source[start]
        self.at += 1
        match character:
            case "^" | "$":
                return Anchor(character == "^")
            case ".":
                return Chars(DOT)
            case "(":
                return self.group(start)
            case "[":
                return Chars(self.character_class(start))
            case "\\" if self.peek() in ("b", "B"):
                self.at += 1
                return Boundary(self.source[start + 1] == "B")
            case "\\":
                return Chars(self.escape(start, in_class=False))
            case "*" | "+" | "?":
                raise self.refuse("has nothing to repeat", start)
            case "{" if _QUANTIFIER.match(self.source, start):
                raise self.refuse("has nothing to repeat", start)
            case _:
                return Chars(((ord(character), ord(character)),))

    def group(self, start: int) -> Node:
        if self.peek() == "?":
            named, look = _NAME.match(self.source, self.at), _LOOK.match(self.source, self.at)
            if look:
                self.at = look.end()
                return self.look(look, start)
            if self.source.startswith("?:", self.at):
                self.at += 2
            elif named:
                self.at = named.end()
            else:
                raise self.refuse("uses a flag or group that masks cannot enforce", start)
        node = self.choice()
        if self.peek() != ")":
            raise self.refuse("has an unmatched '('", start)
        self.at += 1
        return Sequence((node,)) if isinstance(node, Sequence) else node

    def look(self, found: re.Match[str], start: int) -> Look:
        node = self.choice()
        if self.peek() != ")":
            raise self.refuse("has an unmatched '('", start)
        self.at += 1
        return Look(node, not found[1], found[2] == "!")

    def character_class(self, start: int) -> Ranges:
        negated = self.peek() == "^"
        self.at += negated
        if self.peek() == "]":
            raise self.refuse("has an empty class, which engines read in different ways,", start)
        ranges: list[tuple[int, int]] = []
        while True:
            if not self.peek():
                raise self.refuse("has an unmatched '['", start)
            if self.peek() == "]":
                self.at += 1
                break
            low = self.class_atom()
            if self.peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                place = self.at
                self.at += 1
                high = self.class_atom()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
                    raise self.refuse("has a class as an end of a range", place)
                if low[0][0] > high[0][0]:
                    raise self.refuse("has a range whose ends are out of order", place)
                ranges.append((low[0][0], high[0][0]))
            else:
                ranges.extend(low)
        normal = normal_ranges(ranges)
        return complement(normal) if negated else normal

    def class_atom(self) -> Ranges:
        start = self.at
        character = self.source[start]
        self.at += 1
        if character == "\\":
            return self.escape(start, in_class=True)
        if character == "[" and self.peek() == ":":
            raise self.refuse("has a POSIX class, which ECMA does not know,", start)
        return ((ord(character), ord(character)),)

    def escape(self, start: int, in_class: bool) -> Ranges:
        character = self.peek()
        self.at += 1
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return ((_CONTROLS[character], _CONTROLS[character]),)
        if character in ("x", "u", "c", "0"):
            code = self.coded(character, start)
            return ((code, code),)
        if character in ("p", "P"):
            found = re.compile(r"\{(?:(?:gc|General_Category)=)?([A-Za-z_]+)\}").match(self.source, self.at)
            ranges = _category(found[1]) if found else None
            if found is None or ranges is None:
                raise self.refuse("uses a Unicode property that masks do not know", start)
            self.at = found.end()
            return ranges if character == "p" else complement(ranges)
        if in_class and character == "b":
            return ((8, 8),)
        if character == "" or character.isalnum():
            what = "a back-reference" if character.isdigit() else f"the escape \\{character}"
            raise self.refuse(f"uses {what}, which masks cannot enforce,", start)
        return ((ord(character), ord(character)),)

    def coded(self, kind: str, start: int) -> int:
        forms = {"x": r"([0-9A-Fa-f]{2})", "u": r"(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{4}))",
                 "c": r"([A-Za-z])", "0": r"()(?![0-9])"}
        found = re.compile(forms[kind]).match(self.source, self.at)
        if found is None:
            raise self.refuse(f"has a malformed escape \\{kind}", start)
        self.at = found.end()
        if kind == "0":
            return 0
        if kind == "c":
            return ord(found[1]) % 32
        code = int(next(group for group in found.groups() if group), 16)
        low = re.compile(r"\\u(D[C-Fc-f][0-9A-Fa-f]{2})", re.IGNORECASE).match(self.source, self.at)
        if 0xD800 <= code < 0xDC00 and low:
            self.at = low.end()
            return 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        if code > LAST:
            raise self.refuse("names a code point that does not exist", start)
        return code


#: The long names of general categories, as ECMA-262 takes them from the Unicode character database.
_CATEGORIES = {name: short for short, names in {
    "L": "Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter", "M": "Mark Combining_Mark", "Mn": "Nonspacing_Mark",
    "Mc": "Spacing_Mark", "Me": "Enclosing_Mark", "N": "Number", "Nd": "Decimal_Number digit", "Nl": "Letter_Number",
    "No": "Other_Number", "P": "Punctuation punct", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation",
    "Ps": "Open_Punctuation", "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation",
    "Po": "Other_Punctuation", "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol",
    "So": "Other_Symbol", "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator", "C": "Other", "Cc": "Control cntrl", "Cf": "Format", "Co": "Private_Use",
    "Cn": "Unassigned"}.items() for name in names.split()}


@lru_cache(maxsize=64)
def _category(name: str) -> Ranges | None:
    """The code points of a Unicode general category, by its short or long name (L, Lu, Letter, ...)."""
    name = _CATEGORIES.get(name, name)
    if not re.fullmatch(r"[CLMNPSZ][a-z]?", name):
        return {"Any": EVERYTHING, "ASCII": ((0, 0x7F),)}.get(name)
    found = normal_ranges((code, code) for code in range(LAST + 1) if unicodedata.category(chr(code)).startswith(name))
    return found or None


def _asserts(node: Node) -> bool:
    """Whether a node that asserts something is left anywhere in a node."""
    match node:
        case Anchor() | Boundary() | Look():
            return True
        case Sequence(items):
            return any(map(_asserts, items))
        case Choice(options):
            return any(map(_asserts, options))
        case Repeat(item):
            return _asserts(item)
    return False


def _anchored(node: Node) -> list[Branch] | None:
    """Take the anchors out: every alternative says for itself whether it is bound to an end of the string. None where
    more is asserted."""
    match node:
        case Anchor(start):
            return [Branch(start, EMPTY, not start)]
        case Choice(options) if _asserts(node):
            found = [_anchored(option) for option in options]
            return None if None in found else [branch for some in found for branch in some or ()]
        case Sequence(items) if _asserts(node):
            branches = [Branch(False, EMPTY, False)]
            for item in items:
                inner = _anchored(item)
                joined = [_joined(left, right) for left in branches for right in inner or ()]
                if inner is None or None in joined:
                    return None
                branches = [branch for branch in joined if branch]
            return branches
    return None if _asserts(node) else [Branch(False, node, False)]


def _joined(left: Branch, right: Branch) -> Branch | None:
    if (right.at_start and left.node != EMPTY) or (left.at_end and right.node != EMPTY):
        return None
    both = [*(left.node.items if isinstance(left.node, Sequence) else (left.node,)),
            *(right.node.items if isinstance(right.node, Sequence) else (right.node,))]
    return Branch(left.at_start or right.at_start, both[0] if len(both) == 1 else Sequence(tuple(both)),
                  left.at_end or right.at_end)

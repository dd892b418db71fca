"""Regular expressions as CPython's ``re`` means them, lowered to regex codes over UTF-8.

The pattern is read by CPython's own parser, and what a character class means under its flags is asked of CPython's own
matcher, so nothing is interpreted twice. This is the only file that sees the private parts of ``re``.

How trees of patterns are rewritten is in ``regex_tree``.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import re
import warnings
from array import array
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from re import _casefix, _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from trellis.errors import GrammarError, LimitError, UnsupportedError, UsageError
from trellis.masking import terminals
from trellis.masking.regex_tree import (
    EMPTY,
    LAST,
    NOTHING,
    Atomic,
    Boundary,
    Chars,
    Choice,
    Look,
    Loop,
    Node,
    Ranges,
    Sequence,
    beginning_in,
    choice,
    complement,
    edge,
    ending_in,
    looks_around,
    nullable,
    resolve,
    size,
    split,
    union,
    zero_width,
)

MAX_NODES = 100_000
MAX_LENGTH = 500_000  # characters of a pattern
_KNOWN_FLAGS = int(re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII | re.UNICODE)
_CASED_BELOW = 0x20000  # no plane above has letters with case


def to_code(pattern: str, flags: int = 0) -> bytes:
    """The regex code of what ``re.match(pattern, …, flags)`` matches at a position.

    Raises:
        GrammarError: the pattern is malformed (column: where).
        UnsupportedError: back-references, conditional groups, a lookbehind that looks around itself, a loop over what
            may be empty and looks around.
    """
    return _checked(pattern, flags, whole=False)


def fullmatch_terminal(pattern: str, flags: int = 0) -> bytes:
    """The terminal of what ``re.fullmatch(pattern, …, flags)`` matches: ``^`` in front and ``$`` at the end go."""
    code = _checked(pattern, flags, whole=True)
    if not terminals.looks_around(code):
        return terminals.regex_set(code)
    return terminals.regex_first(terminals.concat(code, terminals.ahead(terminals.byte_range(0, 255), negative=True)))


def _checked(pattern: Any, flags: Any, whole: bool) -> bytes:
    if not isinstance(pattern, str):
        raise UsageError(f"a regular expression is a string, not {type(pattern).__name__}")
    if not isinstance(flags, int) or isinstance(flags, bool) or int(flags) & ~_KNOWN_FLAGS:
        raise UsageError(f"{flags!r} are no flags that masks know", hint="re.IGNORECASE, MULTILINE, DOTALL, VERBOSE, "
                         "ASCII and UNICODE go")
    if len(pattern) > MAX_LENGTH:
        raise LimitError(f"a regular expression of more than {MAX_LENGTH:,} characters", limit="regex size")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # "[[" in a class
        return _lower(pattern, int(flags), whole)


def fullmatch_tree(pattern: str, flags: int = 0) -> Node:
    """The tree of what ``re.fullmatch(pattern, …, flags)`` matches, for other notations of grammars.

    Raises:
        GrammarError, UnsupportedError: as ``fullmatch_terminal``.
    """
    fullmatch_terminal(pattern, flags)  # its checks
    return _tree(pattern, flags, whole=True)


@lru_cache(maxsize=4096)
def _lower(pattern: str, flags: int, whole: bool) -> bytes:
    try:
        return _code(_tree(pattern, flags, whole))
    except RecursionError:
        raise LimitError("a regular expression is nested too deeply", limit="regex depth") from None


_PATTERNS = "patterns are Python's re; re.escape(...) writes signs that stand for themselves"


def _tree(pattern: str, flags: int, whole: bool) -> Node:
    try:
        tree = _parser.parse(pattern, flags)
    except re.error as error:
        raise GrammarError(f"not a regular expression: {error.msg}", line=error.lineno, column=error.colno,
                           source=pattern, hint=_PATTERNS) from None
    except RecursionError:
        raise LimitError("a regular expression is nested too deeply", limit="regex depth") from None
    except (OverflowError, ValueError) as error:
        raise GrammarError(f"not a regular expression: {error}", hint=_PATTERNS) from None
    items = list(tree)
    if whole and items and items[0] in (_AT_START, _AT_START_STRING):
        items = items[1:]
    if whole and items and items[-1] in (_AT_END, _AT_END_STRING):
        items = items[:-1]
    return _Reader(pattern).sequence(items, tree.state.flags)


_AT_START = (_constants.AT, _constants.AT_BEGINNING)
_AT_START_STRING = (_constants.AT, _constants.AT_BEGINNING_STRING)
_AT_END = (_constants.AT, _constants.AT_END)
_AT_END_STRING = (_constants.AT, _constants.AT_END_STRING)


class _Reader:
    """CPython's parse tree -> our tree."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.nodes = 0

    def sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> Node:
        raw = [self.item(operator, value, flags) for operator, value in items]
        parts: list[Node] = []
        for at, node in enumerate(raw):
            if isinstance(node, Boundary):
                node = resolve(node, edge(parts, last=True), edge(raw[at + 1:], last=False))
            restricted = None
            if isinstance(node, Look) and node.behind and isinstance(node.body, Chars):
                restricted = ending_in(parts, complement(node.body.ranges) if node.negative else node.body.ranges)
            parts = [*parts, node] if restricted is None else restricted
        for at in reversed(range(len(parts))):
            node = parts[at]
            if isinstance(node, Look) and not node.behind and isinstance(node.body, Chars):
                following = beginning_in(tuple(parts[at + 1:]),
                                         complement(node.body.ranges) if node.negative else node.body.ranges)
                if following is not None:
                    parts[at:] = [following]
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def look(self, operator: Any, value: Any, flags: int) -> Node:
        """A lookahead or lookbehind."""
        behind, negative = value[0] < 0, operator is _constants.ASSERT_NOT
        body = self.sequence(value[1], flags)
        if behind and zero_width(body):
            behind = False  # (?<!^): what it asks, it asks of this place
        if behind and looks_around(body):
            raise self.unsupported(operator, value, "a lookaround inside")
        if nullable(body) and not looks_around(body):
            return NOTHING if negative else EMPTY  # what may be empty matches everywhere; no lookbehind varies in width
        return NOTHING if body == NOTHING and not negative else EMPTY if body == NOTHING else Look(
            body, behind, negative)

    def anchor(self, value: Any, flags: int) -> Node:
        """An anchor or word boundary, as lookarounds."""
        lines = bool(flags & re.MULTILINE)
        if value in (_constants.AT_BOUNDARY, _constants.AT_NON_BOUNDARY):
            return Boundary(_category(r"\w", flags & re.ASCII), value is _constants.AT_NON_BOUNDARY)
        if value in (_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING):
            lines = lines and value is _constants.AT_BEGINNING
            return Look(_NOT_NEWLINE if lines else _ANY, behind=True, negative=True)
        if value is _constants.AT_END_STRING or lines:
            return Look(_ANY if value is _constants.AT_END_STRING else _NOT_NEWLINE, behind=False, negative=True)
        return Look(Choice((_NOT_NEWLINE, Sequence((_NEWLINE, _ANY)))), behind=False, negative=True)

    def item(self, operator: Any, value: Any, flags: int) -> Node:
        self.nodes += 1
        if operator in (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN):
            ranges = characters(operator, _frozen(value), flags & _CLASS_FLAGS)
            return Chars(ranges) if ranges else NOTHING
        if operator is _constants.BRANCH:
            return Choice(tuple(self.sequence(branch, flags) for branch in value[1]))
        if operator is _constants.SUBPATTERN:
            _, added, removed, inner = value
            if added & _parser.TYPE_FLAGS:
                flags &= ~_parser.TYPE_FLAGS
            return self.sequence(inner, (flags | added) & ~removed)
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            minimum, maximum, inner = value
            return self.loop(self.sequence(inner, flags), int(minimum),
                             None if maximum is _constants.MAXREPEAT else int(maximum),
                             operator is _constants.MAX_REPEAT)
        if operator is _constants.FAILURE:
            return NOTHING
        if operator in (_constants.ASSERT, _constants.ASSERT_NOT):
            return self.look(operator, value, flags)
        if operator is _constants.AT:
            return self.anchor(value, flags)
        if operator is _constants.ATOMIC_GROUP:
            return _atomic(self.sequence(value, flags))
        if operator is _constants.POSSESSIVE_REPEAT:
            minimum, maximum, inner = value
            return _atomic(self.loop(self.sequence(inner, flags), int(minimum),
                                     None if maximum is _constants.MAXREPEAT else int(maximum), greedy=True))
        raise self.unsupported(operator, value)

    def loop(self, body: Node, minimum: int, maximum: int | None, greedy: bool) -> Node:
        """A loop whose body, in the result, is never empty."""
        if max(minimum, 0 if maximum is None else maximum) >= terminals.UNBOUNDED:
            raise LimitError("a repetition count in a regular expression is too large", limit="regex repetitions")
        if not nullable(body):
            return Loop(body, minimum, maximum, greedy)
        if looks_around(body):
            raise UnsupportedError("a loop over what may be empty and looks around cannot be masked",
                                   source=self.pattern, hint="let the body of the loop match at least one character")
        before, _, after = split(body)
        forced = (body,) * minimum
        optional: Node
        if not greedy:
            optional = Loop(choice(before, after), 0, None if maximum is None else maximum - minimum, False)
        elif maximum is None:
            inner = Loop(before, 0, None, True)
            optional = Sequence((inner, Loop(Sequence((after, inner)), 0, None, False)))
        else:
            optional = EMPTY
            for _ in range(maximum - minimum):
                optional = choice(Sequence((before, optional)), EMPTY, Sequence((after, optional)))
                if after == NOTHING:
                    optional = Loop(before, 0, maximum - minimum, True)
                    break
                self.spend(optional)
        result = Sequence((*forced, optional))
        self.spend(result)
        return result

    def spend(self, node: Node) -> None:
        """Splitting copies bodies; not without end."""
        self.nodes += size(node, MAX_NODES)
        if self.nodes > MAX_NODES:
            raise LimitError("a regular expression has too large loops over what may be empty", limit="regex size",
                             hint="let the body of each loop match at least one character")

    def unsupported(self, operator: Any, value: Any, why: str = "") -> UnsupportedError:
        name, spelling = _UNSUPPORTED.get(operator, (str(operator).lower(), r"(?!)"))
        name += f" with {why}" if why else ""
        offset = _find(self.pattern, spelling)
        line = self.pattern.count("\n", 0, offset) + 1 if offset is not None else None
        column = offset - self.pattern.rfind("\n", 0, offset) if offset is not None else None
        return UnsupportedError(f"{name} in a regular expression cannot be masked yet", line=line, column=column,
                                source=self.pattern, hint="write the terminal without it")


_UNSUPPORTED = {
    _constants.ASSERT: ("a lookbehind", r"\(\?<="),
    _constants.ASSERT_NOT: ("a lookbehind", r"\(\?<!"),
    _constants.GROUPREF: ("a back-reference", r"\\[1-9]|\(\?P="),
    _constants.GROUPREF_EXISTS: ("a conditional group", r"\(\?\("),
}
_SKIPPED = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.", re.DOTALL)


def _find(pattern: str, spelling: str) -> int | None:
    """Where a construct stands in a pattern: not in a class, not escaped."""
    wanted = re.compile(spelling)
    at = 0
    while at < len(pattern):
        if wanted.match(pattern, at):
            return at
        skipped = _SKIPPED.match(pattern, at)
        at = skipped.end() if skipped else at + 1
    return None


_ANY, _NEWLINE, _NOT_NEWLINE = Chars(((0, LAST),)), Chars(((10, 10),)), Chars(((0, 9), (11, LAST)))


def _atomic(body: Node) -> Node:
    """What has one way through only needs no atomic group."""
    return body if isinstance(body, Chars) or body in (EMPTY, NOTHING) else Atomic(body)


def _code(node: Node) -> bytes:
    match node:
        case Look(body, behind, negative):
            return terminals.behind(_code(body), negative) if behind else terminals.ahead(_code(body), negative)
        case Atomic(body):
            return terminals.atomic(_code(body))
        case Boundary():
            raise AssertionError("a sequence resolves its word boundaries")
        case Chars(ranges):
            return terminals.code_points(ranges)
        case Sequence(parts):
            return terminals.concat(*_joined(_code(part) for part in parts))
        case Choice(parts):
            return terminals.alternate(*(_code(part) for part in parts))
        case Loop(body, minimum, maximum, greedy):
            if body == NOTHING or maximum == 0:
                return terminals.empty() if minimum == 0 else terminals.nothing()
            return terminals.repeat(_code(body), minimum, maximum, greedy)


def _joined(codes: Iterable[bytes]) -> Iterator[bytes]:
    """Neighbouring literals as one."""
    text = bytearray()
    for code in codes:
        single = _single_byte(code)
        if single is not None:
            text += single
            continue
        if text:
            yield terminals.text(bytes(text))
            text.clear()
        yield code
    if text:
        yield terminals.text(bytes(text))


def _single_byte(code: bytes) -> bytes | None:
    """The byte of a class of one, the bytes of a literal."""
    if code[:1] == b"C" and len(code) == 33:
        bits = int.from_bytes(code[1:], "little")
        return bytes([bits.bit_length() - 1]) if bits and bits & (bits - 1) == 0 else None
    return code[3:] if code[:1] == b"L" and len(code) == 3 + int.from_bytes(code[1:3], "little") else None


# Character sets --------------------------------------------------------------------------------------------------

_CLASS_FLAGS = re.IGNORECASE | re.DOTALL | re.ASCII | re.UNICODE


def _frozen(value: Any) -> Any:
    return tuple((operator, operand) for operator, operand in value) if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def characters(operator: Any, value: Any, flags: int) -> Ranges:
    """The code points that one node of CPython's parse tree matches under flags."""
    if operator is _constants.IN:
        items: list[tuple[Any, Any]] = list(value)
    elif operator is _constants.ANY:
        items = [(_constants.RANGE, (0, LAST))] if flags & re.DOTALL else [(_constants.NEGATE, None), (_LITERAL, 10)]
    else:
        items = [(_LITERAL, value)] if operator is _LITERAL else [(_constants.NEGATE, None), (_LITERAL, value)]
    plain = union(_plain(*item, flags) for item in items)
    if items[0][0] is _constants.NEGATE:
        plain = complement(plain)
    if not flags & re.IGNORECASE or operator is _constants.ANY:
        return plain
    state = _parser.State()
    state.flags = flags
    node = _parser.SubPattern(state, [(operator, list(value) if operator is _constants.IN else value)])
    folded = _compiler.compile(node, flags).findall(_cased())
    caseless = complement(union([complement(plain), _points(_cased())]))
    return union([caseless, _points(folded)])


_LITERAL = _constants.LITERAL


def spellings(char: str, flags: int) -> list[str]:
    """The characters that one literal character matches under flags."""
    return [chr(point) for low, high in characters(_LITERAL, ord(char), flags & _CLASS_FLAGS)
            for point in range(low, high + 1)]


def _plain(operator: Any, value: Any, flags: int) -> Ranges:
    """The code points of one member of a class, regardless of case."""
    if operator is _LITERAL:
        return ((value, value),)
    if operator is _constants.RANGE:
        return (value,)
    if operator is _constants.CATEGORY:
        return _category(_CATEGORIES[value], flags & re.ASCII)
    return ()


_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d", _constants.CATEGORY_NOT_DIGIT: r"\D", _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S", _constants.CATEGORY_WORD: r"\w", _constants.CATEGORY_NOT_WORD: r"\W",
}


@cache
def _category(name: str, flags: int) -> Ranges:
    everything = array("I", range(LAST + 1)).tobytes().decode("utf-32-le", "surrogatepass")
    return tuple((match.start(), match.end() - 1) for match in re.finditer(name + "+", everything, flags))


@lru_cache(maxsize=1)
def _cased() -> str:
    """All characters that a letter of another case may stand for."""
    extra = {point for pair in _casefix._EXTRA_CASES.items() for point in (pair[0], *pair[1])}
    return "".join(chr(point) for point in range(_CASED_BELOW) if _sre.unicode_iscased(point) or point in extra)


def _points(chars: Iterable[str]) -> Ranges:
    return union([[(ord(char), ord(char)) for char in chars]])

"""Terminals as regular expressions that lark, xgrammar and llguidance read alike.

A terminal's code is over bytes; here it becomes a syntax tree over characters again, and that is written in what the
three regex dialects share: classes, groups, ``|``, ``?``, ``*``, ``+``, ``{m,n}`` and ``\\u`` escapes, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from trellis.errors import LimitError, UnsupportedError
from trellis.masking import terminals
from trellis.schema.languages import automaton
from trellis.schema.patterns import (
    EMPTY,
    EVERYTHING,
    Automaton,
    Branch,
    Chars,
    Choice,
    Node,
    Pattern,
    Ranges,
    Repeat,
    Sequence,
    complement,
    lengths,
    normal_ranges,
)
from trellis.schema.shapes import Strings

MAX_TEXT = 200_000  # characters of one expression
MAX_TREE = 20_000  # nodes of one that is made of an automaton
MAX_ELIMINATED = 4_000  # states of an automaton; the next one to take out is searched among all
_NO_MATCH = Choice(())  # a node is told by its type: as tuples, empty nodes are all equal
_Pending = tuple[int, ...]  # sets of bytes that a character begins with so far
_Ways = dict[_Pending, Node]


class Lexemes(NamedTuple):
    """What a terminal matches.

    Attributes:
        node: the texts, none of them empty.
        first: whether one match is preferred to others (the terminal is REGEX_FIRST), so that the order counts.
        lazy: whether the preferred match is a short one somewhere.
    """

    node: Node
    first: bool
    lazy: bool


@lru_cache(maxsize=1024)
def lexemes(terminal: bytes) -> Lexemes:
    """The texts of a terminal.

    Raises:
        UnsupportedError: it looks around, is a special token, or is no text in UTF-8.
        LimitError: words that are left out make it too large.
    """
    kind = terminal[0]
    if kind == terminals.LITERAL:
        return Lexemes(_characters(terminals.text(terminal[1:])), False, False)
    if kind in (terminals.REGEX_SET, terminals.REGEX_FIRST):
        node = _characters(terminal[1:])
        lazy = _stops_early(node) or any(operator == "{" and not operand[2]  # type: ignore[index]
                                         for operator, operand in terminals.operations(terminal[1:]))
        return Lexemes(_not_empty(node), kind == terminals.REGEX_FIRST, lazy)
    if kind == terminals.COUNTED:
        minimum, maximum, prefix, suffix, unit = terminals.counted_parts(terminal)
        loop = Repeat(_characters(unit), minimum, maximum)
        return Lexemes(_not_empty(_in_order([_characters(terminals.text(prefix)), loop,
                                             _characters(terminals.text(suffix))])), False, False)
    if kind == terminals.EXCEPT:
        words, base = terminals.except_parts(terminal)
        whole = Pattern("", (Branch(True, lexemes(base).node, True),))
        found = automaton(Strings(patterns=(whole,), excluded=tuple(word.decode() for word in words)))
        return Lexemes(_NO_MATCH if found is None else node_of(found), False, False)
    if kind == terminals.AUTOMATON:
        characters, accepting, edges, start = terminals.automaton_parts(terminal)
        nodes = [_characters(code) for code in characters]
        finals = [state for state, final in enumerate(accepting) if final]
        return Lexemes(eliminated(len(accepting), [(source, target, nodes[it]) for source, it, target in edges],
                                  start, finals), False, False)
    raise UnsupportedError("the portable dialect has no special tokens",
                           hint="give the server the grammar without them")


# From bytes to characters ---------------------------------------------------------------------------------------------

def _characters(code: bytes) -> Node:
    """The tree of a regex code, over characters."""
    stack: list[tuple[Any, ...]] = []
    for operator, operand in terminals.operations(code):
        if operator in ".|":
            count: int = operand  # type: ignore[assignment]
            stack[-count:] = [(operator, tuple(stack[-count:]))]
        elif operator in "{U":
            stack[-1] = ("{", stack[-1], operand or (0, None, True))
        elif operator in "LCE":
            stack.append((operator, operand))
        else:
            raise UnsupportedError("the portable dialect has no lookaround and no atomic groups")
    ways = _lifted(stack[0], ())
    if set(ways) - {()}:
        raise _no_text()
    return ways.get((), _NO_MATCH)


def _lifted(tree: tuple[Any, ...], pending: _Pending) -> _Ways:
    """What a tree matches behind bytes that begin a character, by the bytes that then begin the next."""
    match tree:
        case ("E", _):
            return {pending: EMPTY}
        case ("L", data):
            return _joined([("C", 1 << byte) for byte in data], pending)
        case ("C", members):
            return _read((*pending, members))
        case (".", parts):
            return _joined(parts, pending)
        case ("|", parts):
            found: dict[_Pending, list[Node]] = {}
            for part in parts:
                for rest, node in _lifted(part, pending).items():
                    found.setdefault(rest, []).append(node)
            return {rest: _one_of(nodes) for rest, nodes in found.items()}
        case ("{", body, (minimum, maximum, _)):
            inner = _lifted(body, ())
            if pending or set(inner) - {()}:
                raise _no_text()
            return {(): Repeat(inner[()], minimum, maximum)} if inner else {}
    raise AssertionError(tree)


def _joined(parts: Iterable[tuple[Any, ...]], pending: _Pending) -> _Ways:
    ways: dict[_Pending, list[list[Node]]] = {pending: [[]]}
    for part in parts:
        grown: dict[_Pending, list[list[Node]]] = {}
        for before, heads in ways.items():
            for rest, node in _lifted(part, before).items():
                head: list[Node] = heads[0] if len(heads) == 1 else [_one_of([_in_order(one) for one in heads])]
                grown.setdefault(rest, []).append([*head, node])
        ways = grown
    return {rest: _one_of([_in_order(nodes) for nodes in heads]) for rest, heads in ways.items()}


def _read(pending: _Pending) -> _Ways:
    """A character, where the bytes make one; else they are kept for the next."""
    ways: _Ways = {}
    for length, (low, high) in enumerate(((0, 0x7F), (0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4)), 1):
        lead = pending[0] & ((1 << high + 1) - (1 << low))
        if lead and len(pending) == length:
            ways[()] = Chars(_decoded((lead, *pending[1:])))
        elif lead:
            ways[lead, *pending[1:]] = EMPTY
    covered = (1 << 0x80) - 1 | ((1 << 0xF5) - (1 << 0xC2))
    if pending[0] & ~covered or any(byte_set & ~((1 << 0xC0) - (1 << 0x80)) for byte_set in pending[1:]):
        raise _no_text()
    return ways


@lru_cache(maxsize=1024)
def _decoded(sets: _Pending) -> Ranges:
    """The code points whose bytes are one of each set."""
    if len(sets) == 1:
        return _runs(sets[0])
    mask = 0x7F >> len(sets)
    points = [(code & mask, code & mask) for low, high in _runs(sets[0]) for code in range(low, high + 1)]
    for tail in sets[1:]:
        runs = [(low - 0x80, high - 0x80) for low, high in _runs(tail)]
        points = list(normal_ranges((code * 64 + low, code * 64 + high) for first, last in points
                                    for code in range(first, last + 1) for low, high in runs))
    least = (0, 0x80, 0x800, 0x10000)[len(sets) - 1]
    if points[0][0] < least or points[-1][1] > EVERYTHING[0][1]:
        raise _no_text()
    return normal_ranges(points)


def _runs(members: int) -> Ranges:
    return normal_ranges((byte, byte) for byte in range(256) if members >> byte & 1)


def _no_text() -> UnsupportedError:
    return UnsupportedError("the portable dialect is text, and a terminal matches bytes that are no UTF-8")


def _in_order(nodes: Iterable[Node]) -> Node:
    items: list[Node] = []
    for node in nodes:
        items += node.items if isinstance(node, Sequence) else (node,)
    return items[0] if len(items) == 1 else Sequence(tuple(items))


def _one_of(nodes: Iterable[Node]) -> Node:
    """A choice; neighbouring sets of characters are one set."""
    options: list[Node] = []
    for node in nodes:
        for option in node.options if isinstance(node, Choice) else (node,):
            if isinstance(option, Chars) and options and isinstance(options[-1], Chars):
                options[-1] = Chars(normal_ranges((*options[-1].ranges, *option.ranges)))
            elif not any(type(other) is type(option) and other == option for other in options):
                options.append(option)
    return options[0] if len(options) == 1 else Choice(tuple(options))


def _stops_early(node: Node) -> bool:
    """Whether nothing at all is preferred to something anywhere (it is written the other way round)."""
    match node:
        case Choice(options):
            return any(map(_is_empty, options[:-1])) or any(map(_stops_early, options))
        case Sequence(items):
            return any(map(_stops_early, items))
        case Repeat(item):
            return _stops_early(item)
    return False


def _not_empty(node: Node) -> Node:
    """What a node matches, less the empty string."""
    if lengths(node)[0]:
        return node
    match node:
        case Sequence(items):
            ways = []
            for i, item in enumerate(items):
                ways.append(_in_order((_not_empty(item), *items[i + 1 :])))
                if lengths(item)[0]:
                    break
            return _one_of(ways) if ways else _NO_MATCH
        case Choice(options):
            return _one_of(map(_not_empty, options))
        case Repeat(item, _, maximum):
            if maximum == 0:
                return _NO_MATCH
            return _in_order((_not_empty(item), Repeat(item, 0, None if maximum is None else maximum - 1)))
    raise AssertionError(node)


# From automata to trees -----------------------------------------------------------------------------------------------

def node_of(found: Automaton) -> Node:
    """The tree of an automaton.

    Raises:
        LimitError: the tree grows too large.
    """
    edges = [(source, target, Chars(ranges)) for source, out in enumerate(found.edges) for ranges, target in out]
    return eliminated(len(found.edges), edges, 0, found.accepting)


def eliminated(count: int, edges: Iterable[tuple[int, int, Node]], start: int, finals: Iterable[int]) -> Node:
    """The tree of a graph of trees: states are taken out one by one (Brzozowski and McCluskey, "Signal flow graph
    techniques for sequential circuit state diagrams", 1963).

    Args:
        count: how many states there are.
        edges: source, target and what is read on the way.

    Raises:
        LimitError: the tree grows too large.
    """
    if count > MAX_ELIMINATED:
        raise LimitError("a terminal is too large for a regular expression", limit="states")
    begin, end = count, count + 1
    ways: dict[int, dict[int, Node]] = {state: {} for state in range(count + 2)}
    sizes: dict[tuple[int, int], int] = {}  # trees share their parts, but are written and read without
    into: dict[int, set[int]] = {state: set() for state in range(count + 2)}

    def add(source: int, target: int, node: Node, size: int) -> None:
        known = ways[source].get(target)
        ways[source][target] = node if known is None else _one_of((known, node))
        size = sizes[source, target] = size + (0 if known is None else sizes[source, target])
        if size > MAX_TREE:
            raise LimitError("a terminal is too large for a regular expression", limit="text")
        into[target].add(source)

    add(begin, start, EMPTY, 1)
    for source, target, node in edges:
        add(source, target, node, 1)
    for state in finals:
        add(state, end, EMPTY, 1)
    left = set(range(count))
    while left:
        state = min(left, key=lambda one: len(into[one] - {one}) * (len(ways[one]) - (one in ways[one])))
        left.discard(state)
        loop = ways[state].pop(state, None)
        again, longer = ([], 0) if loop is None else ([Repeat(loop, 0, None)], sizes[state, state])
        for source in into.pop(state) - {state}:
            before = ways[source].pop(state)
            for target, after in ways[state].items():
                add(source, target, _in_order((before, *again, after)),
                    sizes[source, state] + longer + sizes[state, target])
        for target in ways.pop(state):
            into[target].discard(state)
    return ways[begin].get(end, _NO_MATCH)


# Writing --------------------------------------------------------------------------------------------------------------

def written(node: Node) -> str:
    """The regular expression of a node, in the syntax that the three dialects share.

    Raises:
        LimitError: it is too long.
    """
    parts: list[str] = []
    size = 0
    work: list[Node | str] = [node]
    while work:
        part = work.pop()
        if isinstance(part, str):
            parts.append(part)
            size += len(part)
            if size > MAX_TEXT:
                raise LimitError(f"a terminal would be longer than {MAX_TEXT} characters", limit="text")
            continue
        match part:
            case Chars(ranges):
                work.append(_class(ranges))
            case Sequence(items):
                work += [piece for item in reversed(items) for piece in reversed(_grouped(item, Choice))]
            case Choice(options):
                may_stop = any(map(_is_empty, options))
                pieces: list[Node | str] = []
                for option in options:
                    if not _is_empty(option):
                        pieces += ["|", option] if pieces else [option]
                work += reversed(["(?:", *pieces, ")?"] if may_stop else pieces)
            case Repeat(item, minimum, maximum):
                work += [_times(minimum, maximum), *reversed(_grouped(item, Choice, Sequence, Repeat))]
    return "".join(parts).replace('\\\\"', '\\\\\\u0022')  # lark takes a backslash before a quotation mark away


def _grouped(node: Node, *kinds: type) -> list[Node | str]:
    if isinstance(node, Choice) and any(map(_is_empty, node.options)) and Sequence not in kinds:
        return [node]  # it has a group of its own
    return ["(?:", node, ")"] if isinstance(node, kinds) else [node]


def _is_empty(node: Node) -> bool:
    return isinstance(node, Sequence) and not node.items


def _times(minimum: int, maximum: int | None) -> str:
    known = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}
    if (minimum, maximum) in known:
        return known[minimum, maximum]
    return f"{{{minimum}}}" if minimum == maximum else f"{{{minimum},{'' if maximum is None else maximum}}}"


def _class(ranges: Ranges) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _escaped(ranges[0][0], "\\.[]{}()*+?^$|/")
    outside = complement(normal_ranges((*ranges, (0xD800, 0xDFFF))))
    if not outside:
        return r"[\u0000-\U0010ffff]"
    shown, sign = (outside, "^") if len(outside) < len(ranges) or ranges[-1][1] == EVERYTHING[0][1] else (ranges, "")
    inner = "".join(_escaped(low, "\\[]^-/") + ("" if low == high else ("-" if high > low + 1 else "")
                                                 + _escaped(high, "\\[]^-/")) for low, high in shown)
    return f"[{sign}{inner}]"


def _escaped(code: int, special: str) -> str:
    character = chr(code)
    if character in special:
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

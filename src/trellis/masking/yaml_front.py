"""JSON Schema to a program: which texts are block YAML of a valid value, in the subset of ``trellis.schema.yaml_text``.

The normal form decides what is valid, as for JSON; this module lays it out. A place in the schema has a known depth, so
indentation is text like any other: the rule of an object is made once for each depth at which it occurs. Types that
contain themselves go down to ``MAX_DEPTH`` levels.

Sound: every text reads back as a value that is valid. Names that an object does not declare are not written; where an
object declares none (a dict), a mask cannot see that a name comes twice, which YAML forbids, so that is refused or
relaxed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, NamedTuple

from trellis.errors import GrammarError, LimitError, UnsupportedError
from trellis.masking import regex_front, terminals
from trellis.masking import schema_front_multiples as multiples
from trellis.masking import schema_front_numbers as numbers
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import AutomatonBuilder, GeneralProgram
from trellis.masking.schema_front_automata import terminal_of
from trellis.masking.terminals import concat, counted, excluding, literal, regex_set, repeat, text
from trellis.schema import patterns, yaml_text
from trellis.schema.languages import automaton
from trellis.schema.minimal import minimal
from trellis.schema.normal import Normalizer, Relaxation
from trellis.schema.resolve import Document, Place
from trellis.schema.scopes import with_document
from trellis.schema.shapes import Arrays, Conjunction, Literals, Numbers, Objects, Strings, key_of

MAX_DEPTH = 12
MAX_STATES = 500_000
MAX_COUNTED = 2_000
MAX_KEY = 128
"""Characters of a name in quotes that a schema does not fix; YAML takes 1,024."""

_HEX = terminals.byte_class(b"0123456789abcdef")
_BELOW_D = concat(text(b"\\u"), terminals.alternate(
    concat(terminals.byte_class(b"0123456789abcef"), _HEX, _HEX, _HEX),
    concat(text(b"d"), terminals.byte_class(b"01234567"), _HEX, _HEX)))
_RAW = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0xA0, 0x2027), (0x202A, 0xD7FF), (0xE000, 0xFEFE),
        (0xFF00, 0xFFFD), (0x10000, 0x10FFFF))
_CHARACTER = terminals.alternate(terminals.code_points(_RAW), _BELOW_D,
                                 concat(text(b"\\"), terminals.byte_class(b'"\\/bfnrt')))
_QUOTED = regex_set(concat(text(b'"'), terminals.universal(_CHARACTER), text(b'"')))


def _spellings(words: tuple[str, ...]) -> list[bytes]:
    return ["".join(letters).encode() for word in words for letters in product(*({c, c.upper()} for c in word))]


_PLAIN = excluding(regex_front.fullmatch_terminal(yaml_text.PLAIN), _spellings(yaml_text.WORDS))
_KEY = excluding(regex_front.fullmatch_terminal(yaml_text.PLAIN_KEY), _spellings(yaml_text.WORDS))
_QUOTED_KEY = counted(b'"', _CHARACTER, b'"', 0, MAX_KEY)
# No exponents: readers of YAML 1.1 take 1e5 for text. As many digits as a double needs, and some more.
_DIGIT = terminals.byte_range(0x30, 0x39)
_NATURAL = terminals.alternate(text(b"0"), concat(terminals.byte_range(0x31, 0x39), repeat(_DIGIT, 0, 39)))
_NUMBER = concat(repeat(text(b"-"), 0, 1), _NATURAL, repeat(concat(text(b"."), repeat(_DIGIT, 1, 40)), 0, 1))
_INTEGER = terminals.alternate(text(b"0"), concat(repeat(text(b"-"), 0, 1), terminals.byte_range(0x31, 0x39),
                                                  repeat(_DIGIT, 0, 39)))
#: Bytes that begin characters some of which YAML does not print; strings with patterns go without them.
_DOUBTFUL = 1 << 0x7F | 1 << 0xC2 | 1 << 0xE2 | 1 << 0xEF
_LEVELS = f"masks of YAML go down {MAX_DEPTH} levels"

Scalars = list[tuple[bytes, str]]  # terminals and their names for messages
Block = Objects | Arrays | list[Any] | dict[str, Any]  # what takes lines of its own; the last two are given whole


class LoweredYaml(NamedTuple):
    """A schema's program, and what the program does not enforce (only when asked to relax)."""

    program: GeneralProgram
    relaxations: tuple[Relaxation, ...]


def compile_yaml(schema: Mapping[str, Any] | bool, *, relax: bool = False) -> LoweredYaml:
    """The program of the texts that are block YAML of the valid values of a schema.

    Args:
        relax: whether what cannot be enforced is left out of the masks and listed in ``relaxations``, or an error.

    Raises:
        UnsupportedError: something cannot be enforced, or no value fits into the levels that masks have.
        SchemaError: the schema is malformed.
        LimitError: it is too large.
    """

    def lowered(document: Document) -> LoweredYaml:
        normal = Normalizer(document, relax=relax)
        program = _Lowering(normal).program()
        return LoweredYaml(program, tuple(dict.fromkeys(normal.relaxations)))

    try:
        return with_document(schema, None, lowered)
    except RecursionError:
        raise LimitError("the schema's alternatives are nested too deep", limit="depth") from None


class _Lowering:
    def __init__(self, normal: Normalizer) -> None:
        self.normal = normal
        self.builder = AutomatonBuilder()
        self._ways: dict[tuple[int, ...], tuple[Scalars, list[Block]]] = {}
        self._rules: dict[tuple[int, int], tuple[int, Block]] = {}
        self._queue: list[tuple[int, Block, int]] = []

    def program(self) -> GeneralProgram:
        builder = self.builder
        start, end, ended = builder.state(), builder.state(), builder.state()
        root = builder.rule("the value")
        builder.set_start(root, start)
        self.value((Place(self.normal.document.root, ""),), start, end, 0, None)
        builder.terminal(end, literal(b"\n"), ended, "a line end")
        builder.final(end)
        builder.final(ended)
        while self._queue:
            rule, block, depth = self._queue.pop()
            first, last = builder.state(), builder.state()
            builder.set_start(rule, first)
            builder.final(last)
            self.body(block, first, last, depth)
            if first > MAX_STATES:
                raise LimitError(f"the schema needs more than {MAX_STATES} states", limit="states")
        try:
            return builder.build(root)
        except UnsupportedError:
            raise
        except GrammarError as error:
            raise UnsupportedError(f"no value of the type can be written as YAML: {_LEVELS}",
                                   hint="leave out Yaml(...) for JSON") from error

    def value(self, conjunction: Conjunction, source: int, target: int, depth: int, before: bytes | None) -> None:
        """Every way across a value.

        Args:
            depth: levels of indentation of the value's own lines.
            before: what stands between a key and a block; None where a block goes on in the line (an item, the root).
        """
        builder = self.builder
        scalars, blocks = self.ways(conjunction)
        inline = source if before is None or not scalars else self.step(source, literal(b" "), "a blank")
        for code, name in scalars:
            builder.terminal(inline, code, target, name)
        if blocks and depth < MAX_DEPTH:
            below = source if before is None else self.step(source, literal(before), "a line end and its indentation")
            for block in blocks:
                builder.call(below, self.rule(block, depth), target)

    def ways(self, conjunction: Conjunction) -> tuple[Scalars, list[Block]]:
        """The scalars of a conjunction, empty collections among them, and what takes lines of its own."""
        key = key_of(conjunction)
        if key not in self._ways:
            scalars: dict[tuple[bytes, str], None] = {}
            blocks: list[Block] = []
            words: list[str] = []
            for case in self.normal.shape(conjunction):
                match case:
                    case Literals(values):
                        words += [yaml_text.scalar(value) for value in values if not isinstance(value, dict | list)]
                        words += [yaml_text.scalar(value) for value in values if value in ({}, [])]
                        blocks += [value for value in values if isinstance(value, dict | list) and value]
                    case Numbers():
                        scalars |= dict.fromkeys(self.numbers(case))
                    case Strings():
                        scalars |= dict.fromkeys((code, "a string") for code in self.strings(case))
                    case Arrays():
                        words += ["[]"] * (case.minimum == 0)
                        blocks.append(case)
                    case Objects():
                        words += ["{}"] * (case.minimum == 0 and not case.required)
                        blocks.append(case)
            if words:
                name = " or ".join(words[:3]) + (" or another" if len(words) > 3 else "")
                scalars[strings.one_of(word.encode() for word in words), name] = None
            self._ways[key] = (list(scalars), blocks)
        return self._ways[key]

    def numbers(self, case: Numbers) -> Scalars:
        """The ways across a number, at most as many digits as a double has some use for."""
        name = "an integer" if case.integer else "a number"
        if case.multiples or case.unlike:
            terminal = multiples.terminal(case._replace(pointer=""))
            return [] if terminal is None else [(terminal, name)]
        if case.minimum is None and case.maximum is None:
            return [(regex_set(_INTEGER if case.integer else _NUMBER), name)]
        code = numbers.code(Numbers(*case[:6]))
        return [] if code is None else [(regex_set(code), name)]

    def strings(self, case: Strings) -> list[bytes]:
        """The terminals of a string: plain where nothing restricts it, else in quotes."""
        if not case.patterns and not any(case[4:]):
            if case.minimum == 0 and case.maximum is None:
                return [_PLAIN, _QUOTED]
            return [counted(b'"', _CHARACTER, b'"', case.minimum, case.maximum)]
        codes = [_printable(code) for code in strings.terminals_of(case)]
        if None not in codes:
            return [code for code in codes if code is not None]
        found = minimal(automaton(case._replace(minimum=0, maximum=None, pointer="")))
        code = None if found is None else terminal_of(found, _character, b'"', case.minimum, case.maximum)
        return [] if code is None else [code]

    def rule(self, block: Block, depth: int) -> int:
        """The rule of a block at a depth; its body is made later."""
        known = self._rules.get((id(block), depth))
        if known is None:
            known = self._rules[id(block), depth] = (self.builder.rule("the value"), block)
            self._queue.append((known[0], block, depth))
        return known[0]

    def step(self, source: int, code: bytes, name: str) -> int:
        target = self.builder.state()
        self.builder.terminal(source, code, target, name)
        return target

    def body(self, block: Block, source: int, target: int, depth: int) -> None:
        """The lines of a block, less the indentation of the first and the line end of the last."""
        if isinstance(block, Arrays):
            self.array(block, source, target, depth)
        elif isinstance(block, Objects):
            self.object(block, source, target, depth)
        else:
            written = "\n".join(yaml_text.lines(block, yaml_text.INDENT * depth))
            self.builder.terminal(source, literal(written[2 * depth :].encode()), target, "a fixed value")

    def array(self, arrays: Arrays, source: int, target: int, depth: int) -> None:
        """Items one by one while their position or number matters, then a loop."""
        if getattr(arrays, "contains", ()) or getattr(arrays, "unique", False):
            self.normal.refuse("masks of YAML cannot enforce 'contains' or 'uniqueItems'", arrays.pointer)
        last = arrays.maximum
        counted_items = max(len(arrays.prefix), arrays.minimum, 1) if last is None else last
        if counted_items > MAX_COUNTED:
            raise LimitError(f"masks of YAML count at most {MAX_COUNTED} items (at {arrays.pointer or 'the root'})",
                             limit="items")
        line_end = literal(b"\n" + b"  " * depth)
        before = source
        for index in range(counted_items + (last is None)):
            item = self.step(before, literal(b"- "), "-")
            after = self.builder.state()
            self.value(arrays.item(index), item, after, depth + 1, None)
            if index + 1 >= arrays.minimum:
                self.builder.epsilon(after, target)
            if index == counted_items:
                self.builder.terminal(after, line_end, before, "a line end")
            else:
                before = self.step(after, line_end, "a line end")

    def object(self, objects: Objects, source: int, target: int, depth: int) -> None:
        """The declared properties as a chain in which optional ones are skipped."""
        declared = [*objects.properties, *(name for name in objects.required if name not in objects.properties)]
        if not declared:
            self.dictionary(objects, source, target, depth)
            return
        if any(getattr(objects, restriction, ()) for restriction in ("some", "implied")):
            self.normal.refuse("masks of YAML cannot enforce dependencies between properties", objects.pointer)
        if objects.minimum > max(len(objects.required), 1) or (
                objects.maximum is not None and objects.maximum < len(declared)):
            self.normal.refuse("masks of YAML do not count properties", objects.pointer)
        builder, required = self.builder, set(objects.required)
        ends_from = max((i + 1 for i, name in enumerate(declared) if name in required), default=0)
        line_end = literal(b"\n" + b"  " * depth)
        choose = [[builder.state() for _ in range(len(declared) + 1)] for _ in range(2)]  # first one, later ones
        builder.epsilon(source, choose[0][0])
        for i, name in enumerate(declared):
            after = builder.state()
            named = builder.state()
            for begins in choose:
                label = yaml_text.key(name) + ":"
                builder.terminal(begins[i], literal(label.encode()), named, label)
                if name not in required:
                    builder.epsilon(begins[i], begins[i + 1])
            self.value(objects.member(name), named, after, depth + 1, b"\n" + b"  " * (depth + 1))
            if i + 1 >= ends_from:
                builder.epsilon(after, target)
            builder.terminal(after, line_end, choose[1][i + 1], "a line end")

    def dictionary(self, objects: Objects, source: int, target: int, depth: int) -> None:
        """Any names, with values that are all alike."""
        if any(any(names[:3]) or any(names[4:]) for names, _ in objects.rules):
            self.normal.refuse("masks of YAML cannot restrict names", objects.pointer)
        several = objects.maximum is None or objects.maximum > 1
        if objects.maximum == 0 or not self.normal.shape(objects.member("a name")):
            return
        if several:
            self.normal.refuse("masks of YAML cannot see that a name comes twice", objects.pointer,
                               "declare the fields, or write a list of entries with a field for the name")
        line_end = literal(b"\n" + b"  " * depth)
        named, after = self.builder.state(), self.builder.state()
        colon = self.builder.state()
        for code in (_KEY, _QUOTED_KEY):
            self.builder.terminal(source, code, colon, "a name")
        self.builder.terminal(colon, literal(b":"), named, ":")
        self.value(objects.member("a name"), named, after, depth + 1, b"\n" + b"  " * (depth + 1))
        if several:
            self.builder.terminal(after, line_end, source, "a line end")
        self.builder.epsilon(after, target)


def _character(ranges: patterns.Ranges) -> bytes | None:
    """One character out of a set between double quotes, in its one spelling."""
    below = tuple((low, min(high, 0x7E)) for low, high in ranges if low <= 0x7E)
    above = [(max(low, start, 0x7F), min(high, end)) for low, high in ranges for start, end in _RAW
             if max(low, start, 0x7F) <= min(high, end)]
    ways = [strings.spelled(below), terminals.code_points(tuple(above)) if above else None]
    codes = [way for way in ways if way is not None]
    return terminals.alternate(*codes) if codes else None


def _printable(terminal: bytes) -> bytes | None:
    """A terminal without the characters that YAML does not print, and some beside them; None when nothing is left or
    it is of another kind than a regular expression."""
    if terminal[0] != terminals.REGEX_SET:
        return None
    stack: list[bytes] = []
    rebuild: dict[str, Callable[..., bytes]] = {".": concat, "|": terminals.alternate}
    for operator, operand in terminals.operations(terminal[1:]):
        if operator == "C":
            bits = int(operand) & ~_DOUBTFUL  # type: ignore[call-overload]
            stack.append(terminals.byte_class(byte for byte in range(256) if bits >> byte & 1))
        elif operator == "L":
            stack.append(text(operand))  # type: ignore[arg-type]
        elif operator == "E":
            stack.append(terminals.empty())
        elif operator == "U":
            stack[-1] = repeat(stack[-1], 0, None)
        elif operator == "{":
            stack[-1] = repeat(stack[-1], *operand)  # type: ignore[misc]
        else:
            count = int(operand)  # type: ignore[call-overload]
            parts = stack[len(stack) - count :]
            stack[len(stack) - count :] = [rebuild[operator](*parts)]
    return regex_set(stack[0]) if terminals.emptiness(stack[0])[1] else None

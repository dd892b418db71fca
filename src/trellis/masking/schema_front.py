"""JSON Schema to a program: which texts are JSON that validates.

The schema's normal form (``trellis.schema``) decides what is valid; this module spells it. Sound: every text of the
program parses to a valid instance. Complete over values: every valid instance has a spelling,
``json.dumps(ensure_ascii=False)`` with its properties in the schema's order among them (a number that is an integer
in the schema is spelled as one).

What the schema leaves open is decided so: properties come in the order of the schema, those that it does not declare
come last, in any order (a name among these may come twice, as JSON allows; every value is checked). White space is
bounded.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from trellis.errors import GrammarError, LimitError, SchemaError, UnsupportedError, UsageError
from trellis.masking import schema_front_numbers as numbers
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import AutomatonBuilder, GeneralProgram
from trellis.masking.terminals import byte_class, concat, literal, regex_set, repeat, text
from trellis.schema.normal import Normalizer, Relaxation
from trellis.schema.resolve import Document, Place
from trellis.schema.shapes import Arrays, Case, Conjunction, Literals, Numbers, Objects, Strings, key_of

Whitespace = Literal["compact", "none", "flexible"]
MAX_STATES = 500_000
MAX_COUNTED = 10_000  # items or properties that are counted one by one


class Separators(NamedTuple):
    """The terminals between values, with the white space that may stand there."""

    open_object: bytes
    close_object: bytes
    open_array: bytes
    close_array: bytes
    comma: bytes
    colon: bytes


def _separators(before: bytes, after_open: bytes, after: bytes) -> Separators:
    def terminal(mark: bytes, left: bytes, right: bytes) -> bytes:
        return literal(mark) if left == right == b"E" else regex_set(concat(left, text(mark), right))

    return Separators(terminal(b"{", b"E", after_open), terminal(b"}", before, b"E"), terminal(b"[", b"E", after_open),
                      terminal(b"]", before, b"E"), terminal(b",", before, after), terminal(b":", before, after))


_BLANK = repeat(text(b" "), 0, 1)
_BLANKS = repeat(byte_class(b" \t\r\n"), 0, 16)
SEPARATORS: dict[str, Separators] = {
    "compact": _separators(b"E", b"E", _BLANK),
    "none": _separators(b"E", b"E", b"E"),
    "flexible": _separators(_BLANKS, _BLANKS, _BLANKS),
}


class LoweredSchema(NamedTuple):
    """A schema's program, and what the program does not enforce (only when asked to relax)."""

    program: GeneralProgram
    relaxations: tuple[Relaxation, ...]


def compile_schema(schema: Mapping[str, Any] | bool, *, whitespace: Whitespace = "compact",
                   formats: Literal["enforce", "annotate"] = "enforce",
                   on_unsupported: Literal["error", "relax"] = "error") -> LoweredSchema:
    """The program of the texts that are valid JSON for a schema.

    Args:
        schema: a JSON Schema (2020-12; drafts 4 to 2019-09 where they mean the same); references stay within it.
        whitespace: ``compact`` allows one blank after ``,`` and ``:``, ``none`` allows none, ``flexible`` allows up
            to 16 white-space characters around every bracket, comma and colon (indented JSON among them).
        formats: whether ``format`` restricts strings, or is an annotation as in the core of JSON Schema.
        on_unsupported: whether what cannot be enforced exactly is an error, or is left out of the masks and listed in
            ``relaxations``; values then have to be validated afterwards.

    Raises:
        UnsupportedError: a keyword, or a value of it, that cannot be enforced exactly (``pointer`` says where).
        SchemaError: the schema is malformed, or no instance at all satisfies it (``pointer``).
        LimitError: the schema is too large or too deep.
    """
    options = (("whitespace", whitespace, (*SEPARATORS,)), ("formats", formats, ("enforce", "annotate")),
               ("on_unsupported", on_unsupported, ("error", "relax")))
    for name, value, known in options:
        if value not in known:
            raise UsageError(f"{name} cannot be {value!r}", hint=f"one of {', '.join(known)}")
    normal = Normalizer(Document(schema), enforce_formats=formats == "enforce", relax=on_unsupported == "relax")
    try:
        program = _Lowering(normal, SEPARATORS[whitespace]).program()
    except RecursionError:
        raise LimitError("the schema's alternatives are nested too deep", limit="depth") from None
    return LoweredSchema(program, tuple(normal.relaxations))


def lower(schema: Mapping[str, Any] | bool, *, whitespace: Whitespace = "compact",
          formats: Literal["enforce", "annotate"] = "enforce") -> GeneralProgram:
    """The program of :func:`compile_schema`, where everything is enforced."""
    return compile_schema(schema, whitespace=whitespace, formats=formats).program


Port = tuple[bool, Any, str]  # (is a call, terminal code or rule, name for messages)


class _Lowering:
    """One schema on its way. Each different conjunction is lowered once, into *ports*: ways to get across one value.

    Scalars become terminals. Arrays and objects become rules, made from a queue, so that neither recursion in the
    schema nor its depth matter.
    """

    def __init__(self, normal: Normalizer, separators: Separators) -> None:
        self.root: Conjunction = (Place(normal.document.root, ""),)
        self.separators = separators
        self.normal = normal
        self.builder = AutomatonBuilder()
        self._ports: dict[tuple[int, ...], list[Port]] = {}
        self._rules: dict[int, tuple[int, Any]] = {}  # by id of a case or a literal value, which is kept alive here
        self._queue: list[tuple[int, Callable[[int, int], None]]] = []

    def program(self) -> GeneralProgram:
        start, end = self.builder.state(), self.builder.state()
        self.builder.final(end)
        root = self.builder.rule("the schema")
        self.builder.set_start(root, start)
        self.value(self.root, start, end)
        while self._queue:
            rule, body = self._queue.pop()
            first, last = self.builder.state(), self.builder.state()
            self.builder.set_start(rule, first)
            self.builder.final(last)
            body(first, last)
            if first > MAX_STATES:
                raise LimitError(f"the schema needs more than {MAX_STATES} states", limit="states")
        try:
            return self.builder.build(root)
        except UnsupportedError:
            raise
        except GrammarError as error:
            pointer = _Emptiness(self.normal).culprit(self.root)
            raise SchemaError("no instance at all satisfies the schema", pointer=pointer,
                              hint="a required part of it recurses for ever, or contradicts another") from error

    def value(self, conjunction: Conjunction, source: int, target: int) -> None:
        """Every way across a value."""
        key = key_of(conjunction)
        ports = self._ports.get(key)
        if ports is None:
            ports = self._ports[key] = self.ports(conjunction)
        for is_call, argument, name in ports:
            if is_call:
                self.builder.call(source, argument, target)
            else:
                self.builder.terminal(source, argument, target, name)

    def ports(self, conjunction: Conjunction) -> list[Port]:
        """One port for each case of a shape; scalar literals share one."""
        ports: dict[Port, None] = {}
        spellings: list[bytes] = []
        for case in self.normal.shape(conjunction):
            match case:
                case Literals(values):
                    for value in values:
                        if isinstance(value, (list, tuple, Mapping)):
                            ports[True, self.rule(value, case.pointer, self.literal_body(value)), ""] = None
                        else:
                            spellings += self.spellings(value, case.pointer)
                case Numbers():
                    code = numbers.code(case)
                    if code is not None:
                        ports[False, regex_set(code), "an integer" if case.integer else "a number"] = None
                case Strings():
                    found = strings.terminals_of(case)
                    if isinstance(found, str):
                        self.normal.refuse(found, case.pointer)
                        found = strings.terminals_of(case._replace(patterns=()))
                    ports |= {(False, code, "a string"): None for code in found}
                case Arrays():
                    ports[True, self.rule(case, case.pointer, self.array_body(case)), ""] = None
                case Objects():
                    ports[True, self.rule(case, case.pointer, self.object_body(case)), ""] = None
        if spellings:
            name = b" or ".join(spellings[:3]).decode() + (" or another" if len(spellings) > 3 else "")
            ports[False, strings.one_of(spellings), name] = None
        return list(ports)

    def rule(self, thing: Any, pointer: str, body: Callable[[int, int], None]) -> int:
        """The rule of a case or of a literal value; its body is made later."""
        known = self._rules.get(id(thing))
        if known is None:
            known = self._rules[id(thing)] = (self.builder.rule(pointer or "the schema"), thing)
            self._queue.append((known[0], body))
        return known[0]

    # Literals -------------------------------------------------------------------------------------------------------

    def spellings(self, value: Any, pointer: str) -> list[bytes]:
        """The spellings of a scalar literal: a number that is an integer is also spelled as one."""
        try:
            spelling = strings.spell(value)
        except (TypeError, ValueError):
            raise SchemaError(f"{reprlib.repr(value)} is no JSON value", pointer=pointer) from None
        if isinstance(value, float) and value.is_integer():
            return [spelling, strings.spell(int(value))]
        return [spelling]

    def literal_body(self, value: Any) -> Callable[[int, int], None]:
        """An array or object that is given whole."""

        def body(source: int, target: int) -> None:
            builder, marks = self.builder, self.separators
            is_object = isinstance(value, Mapping)
            if is_object and not all(isinstance(name, str) for name in value):
                raise SchemaError(f"{reprlib.repr(value)} is no JSON value: names must be strings")
            members: list[tuple[str | None, Any]] = list(value.items()) if is_object else [(None, item)
                                                                                           for item in value]
            at = builder.state()
            builder.terminal(source, marks.open_object if is_object else marks.open_array, at,
                             "{" if is_object else "[")
            for i, (name, member) in enumerate(members):
                if i:
                    at = self.step(at, marks.comma, ",")
                if name is not None:
                    at = self.step(self.name(at, name), marks.colon, ":")
                after = builder.state()
                if isinstance(member, (list, tuple, Mapping)):
                    builder.call(at, self.rule(member, "", self.literal_body(member)), after)
                else:
                    spellings = self.spellings(member, "")
                    builder.terminal(at, strings.one_of(spellings), after, spellings[0].decode())
                at = after
            builder.terminal(at, marks.close_object if is_object else marks.close_array, target,
                             "}" if is_object else "]")

        return body

    def step(self, source: int, code: bytes, name: str) -> int:
        """A new state behind one terminal."""
        target = self.builder.state()
        self.builder.terminal(source, code, target, name)
        return target

    def name(self, source: int, name: str) -> int:
        """A new state behind the name of a property."""
        spelling = strings.spell(name)
        return self.step(source, literal(spelling), spelling.decode())

    # Arrays ---------------------------------------------------------------------------------------------------------

    def array_body(self, arrays: Arrays) -> Callable[[int, int], None]:
        """``[``, items one by one while their position or number matters, then a loop."""

        def body(source: int, target: int) -> None:
            builder, marks = self.builder, self.separators
            last = arrays.maximum
            counted = max(len(arrays.prefix), arrays.minimum) if last is None else last
            if counted > MAX_COUNTED:
                raise LimitError(f"masks count at most {MAX_COUNTED} items (at {arrays.pointer or '/'})", limit="items")
            begin = self.step(source, marks.open_array, "[")
            if arrays.minimum == 0:
                builder.terminal(begin, marks.close_array, target, "]")
            after = begin
            for index in range(counted):
                before = begin if index == 0 else self.step(after, marks.comma, ",")
                after = builder.state()
                self.value(arrays.item(index), before, after)
                if index + 1 >= arrays.minimum:
                    builder.terminal(after, marks.close_array, target, "]")
            if last is None:
                if counted == 0:
                    after = builder.state()
                    self.value(arrays.items, begin, after)
                    builder.terminal(after, marks.close_array, target, "]")
                again = self.step(after, marks.comma, ",")
                if counted == 0:
                    self.value(arrays.items, again, after)
                else:
                    loop = builder.state()
                    self.value(arrays.items, again, loop)
                    builder.terminal(loop, marks.comma, again, ",")
                    builder.terminal(loop, marks.close_array, target, "]")

        return body

    # Objects --------------------------------------------------------------------------------------------------------

    def object_body(self, objects: Objects) -> Callable[[int, int], None]:
        """``{``, the properties as a chain in which optional ones are skipped, then a loop over all others.

        State ``choose[i]`` stands where the name of property ``i`` or of a later one has to come; it is reached by
        ``{`` (for 0) and by the comma after an earlier property, so no comma comes first and none comes last.
        """
        declared = [*objects.properties, *(name for name in objects.required if name not in objects.properties)]
        if objects.minimum > 1 or (objects.maximum is not None and not self.always_below(objects, declared)):
            return self.counted_object_body(objects, declared)

        def body(source: int, target: int) -> None:
            builder, marks = self.builder, self.separators
            required = set(objects.required)
            count = len(declared)
            choose = [builder.state() for _ in range(count + 1)]
            after = [builder.state() for _ in range(count + 1)]  # after[i]: property i - 1 was the last one so far
            ends_from = max((i + 1 for i, name in enumerate(declared) if name in required), default=0)
            begin = self.step(source, marks.open_object, "{")
            builder.epsilon(begin, choose[0])
            if ends_from == 0 and objects.minimum == 0:
                builder.terminal(begin, marks.close_object, target, "}")
            for i, name in enumerate(declared):
                named = self.name(choose[i], name)
                self.value(objects.member(name), self.step(named, marks.colon, ":"), after[i + 1])
                if name not in required:
                    builder.epsilon(choose[i], choose[i + 1])
                if i + 1 >= ends_from:
                    builder.terminal(after[i + 1], marks.close_object, target, "}")
                builder.terminal(after[i + 1], marks.comma, choose[i + 1], ",")
            self.others(objects, declared, choose[count], loop := builder.state())
            builder.terminal(loop, marks.close_object, target, "}")
            builder.terminal(loop, marks.comma, choose[count], ",")

        return body

    def others(self, objects: Objects, declared: list[str], source: int, target: int) -> None:
        """A property that is not declared."""
        if objects.additional and objects.additional[-1].schema is False:
            return
        name = strings.other_name(declared, objects.names)
        if isinstance(name, str):
            self.normal.refuse(name, objects.pointer)
            name = strings.other_name(declared, ())
        if isinstance(name, bytes):
            named = self.step(source, name, "a name")
            self.value(objects.additional, self.step(named, self.separators.colon, ":"), target)

    def always_below(self, objects: Objects, declared: list[str]) -> bool:
        """Whether there can be no more properties than the maximum anyway."""
        closed = bool(objects.additional) and not self.normal.shape(objects.additional)
        return closed and objects.maximum is not None and len(declared) <= objects.maximum

    def counted_object_body(self, objects: Objects, declared: list[str]) -> Callable[[int, int], None]:
        """As ``object_body``, with the number of properties so far in every state."""
        closed = bool(objects.additional) and not self.normal.shape(objects.additional)
        required = set(objects.required)
        if not closed and objects.minimum > max(len(required), 1):
            self.normal.refuse("masks cannot enforce 'minProperties' yet where undeclared names may come twice",
                               objects.pointer)
            return self.object_body(objects._replace(minimum=min(len(required), 1)))
        top = objects.minimum if objects.maximum is None else objects.maximum
        if objects.maximum is None:
            top = min(top, len(declared) + 1)
        if (top + 1) * (len(declared) + 1) > MAX_COUNTED:
            raise LimitError(f"masks count at most {MAX_COUNTED} properties (at {objects.pointer or '/'})",
                             limit="properties")

        def body(source: int, target: int) -> None:
            builder, marks = self.builder, self.separators
            states: dict[tuple[str, int, int], int] = {}

            def at(kind: str, i: int, seen: int) -> int:
                """The state before (choose) or after the choice of property ``i``, with so many seen."""
                if objects.maximum is None:
                    seen = min(seen, top)
                key = (kind, i, seen)
                if key not in states:
                    states[key] = builder.state()
                    work.append(key)
                return states[key]

            work: list[tuple[str, int, int]] = []
            begin = self.step(source, marks.open_object, "{")
            builder.epsilon(begin, at("choose", 0, 0))
            if objects.minimum == 0 and not required:
                builder.terminal(begin, marks.close_object, target, "}")
            while work:
                kind, i, seen = key = work.pop()
                state = states[key]
                if kind == "after":
                    if seen >= objects.minimum and not any(name in required for name in declared[i:]):
                        builder.terminal(state, marks.close_object, target, "}")
                    builder.terminal(state, marks.comma, at("choose", i, seen), ",")
                elif objects.maximum is not None and seen >= objects.maximum:
                    continue
                elif i < len(declared):
                    name = declared[i]
                    named = self.name(state, name)
                    self.value(objects.member(name), self.step(named, marks.colon, ":"), at("after", i + 1, seen + 1))
                    if name not in required:
                        builder.epsilon(state, at("choose", i + 1, seen))
                else:
                    self.others(objects, declared, state, at("after", i, seen + 1))

        return body


class _Emptiness:
    """Finds out why nothing satisfies a schema; only asked when that is so."""

    def __init__(self, normal: Normalizer) -> None:
        self.normal = normal

    def culprit(self, root: Conjunction) -> str:
        """The pointer of a part that is empty by itself, or where a recursion without an end comes back to."""
        satisfied = self.satisfied(root)
        seen: set[tuple[int, ...]] = set()
        at, pointer = root, ""
        while key_of(at) not in seen:
            seen.add(key_of(at))
            pointer = at[-1].pointer if at else ""
            shape = self.normal.shape(at)
            missing = [inner for inner in (self.needed(shape[0]) if len(shape) == 1 else [])
                       if key_of(inner) not in satisfied]
            if not missing:  # empty by itself, or several alternatives that are all empty
                break
            at = missing[0]
        return pointer

    def satisfied(self, root: Conjunction) -> set[tuple[int, ...]]:
        """The conjunctions below the root that have a value, as a least fixed point."""
        needs: dict[tuple[int, ...], list[list[tuple[int, ...]]]] = {}
        work = [root]
        while work:
            conjunction = work.pop()
            if key_of(conjunction) in needs:
                continue
            cases = [case for case in self.normal.shape(conjunction) if not self.barren(case)]
            needs[key_of(conjunction)] = [[key_of(inner) for inner in self.needed(case)] for case in cases]
            work += [inner for case in cases for inner in self.needed(case)]
        good: set[tuple[int, ...]] = set()
        while True:
            more = {key for key, cases in needs.items()
                    if key not in good and any(good.issuperset(case) for case in cases)}
            if not more:
                return good
            good |= more

    def needed(self, case: Case) -> list[Conjunction]:
        """What a value of a case has to hold."""
        if isinstance(case, Objects):
            return [case.member(name) for name in case.required]
        if isinstance(case, Arrays):
            return [case.item(i) for i in range(min(case.minimum, len(case.prefix) + 1))]
        return []

    def barren(self, case: Case) -> bool:
        """Whether a case has no value, whatever it holds."""
        return (isinstance(case, Strings) and not strings.terminals_of(case)) or (
            isinstance(case, Numbers) and numbers.code(case) is None)

"""JSON Schema to a program: which texts are JSON that validates.

The schema's normal form (``trellis.schema``) decides what is valid; this module spells it. Sound: every text of the
program parses to a valid instance. Complete over values: every valid instance has a spelling,
``json.dumps(ensure_ascii=False)`` with its properties in the schema's order among them (a number that is an integer
in the schema is spelled as one; multiples are spelled without exponents).

What the schema leaves open is decided so: properties come in the order of the schema, those that it does not declare
come last, in any order; or, where asked for, all come in any order. No name comes twice in an object. White space is
bounded.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from trellis.collector import collector_paused
from trellis.errors import GrammarError, LimitError, SchemaError, UnsupportedError, UsageError
from trellis.masking import schema_front_multiples as multiples
from trellis.masking import schema_front_numbers as numbers
from trellis.masking import schema_front_plain as plain
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import GeneralProgram
from trellis.masking.schema_front_arrays import array_body
from trellis.masking.schema_front_emptiness import Emptiness
from trellis.masking.schema_front_objects import ObjectAutomaton, Order
from trellis.masking.schema_front_writer import SEPARATORS, Body, Port, Writer
from trellis.masking.terminals import UNBOUNDED, regex_set
from trellis.schema import clock
from trellis.schema.complement import spelled_out
from trellis.schema.keywords import ARRAY, GENERAL, OBJECT
from trellis.schema.normal import Normalizer, Relaxation
from trellis.schema.resolve import Document, Place, join
from trellis.schema.scopes import with_document
from trellis.schema.shapes import Arrays, Conjunction, Literals, Numbers, Objects, Strings

Whitespace = Literal["compact", "none", "indented", "flexible"]

MAX_REORDERED = 6  # members of an object that is given whole, in any order
MAX_MULTIPLES = 3_000_000  # bytes of their terminals in one schema
_WRAPPING = ("function", "parameters", "input_schema", "inputSchema", "json_schema", "schema")
_WRAPPED = ("function", "json_schema", "custom")
_SAYING = (GENERAL | OBJECT | ARRAY) - {"type"}
_SIMPLER = 'simplify this part of the schema; or mode="prompt": values are checked after generation'


class LoweredSchema(NamedTuple):
    """A schema's program.

    Attributes:
        relaxations: what the program does not enforce (only when asked to relax).
        in_order: pointers of objects whose properties come in the schema's order although any was asked for.
    """

    program: GeneralProgram
    relaxations: tuple[Relaxation, ...]
    in_order: tuple[str, ...] = ()


def compile_schema(schema: Mapping[str, Any] | bool, *, whitespace: Whitespace = "compact",
                   formats: Literal["enforce", "annotate"] = "enforce", property_order: Order = "schema",
                   on_unsupported: Literal["error", "relax"] = "error",
                   registry: Mapping[str, Mapping[str, Any] | bool] | None = None,
                   max_seconds: float = 1.0) -> LoweredSchema:
    """The program of the texts that are valid JSON for a schema.

    Args:
        schema: a JSON Schema (2020-12; drafts 4 to 2019-09 as ``$schema`` says).
        whitespace: ``compact`` allows one blank after ``,`` and ``:``, ``none`` allows none; ``indented``
            asks for a line break and up to 64 blanks or 32 tabs where ``json.dumps(indent=...)`` has them, and a blank
            after ``:``; ``flexible`` allows up to 16 white-space characters around every bracket, comma and colon.
        formats: whether ``format`` restricts strings, or is an annotation as in the core of JSON Schema.
        property_order: ``schema`` for the schema's order, ``any`` for any. Large objects of which many alternatives
            ask for different properties may keep the schema's: ``in_order`` lists them.
        on_unsupported: whether what cannot be enforced exactly is an error, or is left out of the masks and listed in
            ``relaxations``; values then have to be validated afterwards.
        registry: other documents that references may lead to, by their addresses.
        max_seconds: of processor time.

    Raises:
        UnsupportedError: a keyword, or a value of it, that cannot be enforced exactly (``pointer`` says where).
        SchemaError: the schema is malformed, or no instance at all satisfies it (``pointer``).
        LimitError: the schema is too large or too deep, or lowering it takes too long.
    """
    options = (("whitespace", whitespace, (*SEPARATORS,)), ("formats", formats, ("enforce", "annotate")),
               ("property_order", property_order, ("schema", "any")),
               ("on_unsupported", on_unsupported, ("error", "relax")))
    for name, value, known in options:
        if value not in known:
            raise UsageError(f"{name} cannot be {value!r}", hint=f"one of {', '.join(known)}")

    if registry is not None and not (isinstance(registry, Mapping) and all(isinstance(uri, str) for uri in registry)):
        raise UsageError("registry must have documents by their addresses", hint='{"https://...": {...}}')
    _check_root(schema)

    def lowered(document: Document) -> LoweredSchema:
        normal = Normalizer(document, enforce_formats=formats == "enforce", relax=on_unsupported == "relax")
        lowering = _Lowering(normal, whitespace, property_order, _anything(whitespace))
        lower = _plain(whitespace, document.dialect) if type(document) is Document else None
        try:
            program = lower and plain.program_of(lower, normal, lowering)
            return LoweredSchema(program or lowering.program(), tuple(normal.relaxations), tuple(normal.in_order))
        finally:  # no garbage is left that only a collection of the whole heap would find
            normal.forget()
            vars(lowering).clear()

    try:
        with collector_paused(), clock.limited(max_seconds):
            return with_document(schema, registry, lowered)
    except RecursionError:
        raise LimitError("the schema's alternatives are nested too deep", limit="depth", hint=_SIMPLER) from None
    except LimitError as error:
        error.hint = error.hint or _SIMPLER
        raise


@cache
def _anything(whitespace: Whitespace) -> GeneralProgram:
    """The program of any value at all: where names are free, so are their values."""
    return _Lowering(Normalizer(Document(True)), whitespace, "any", None).program()


@cache
def _plain(whitespace: Whitespace, dialect: int) -> plain.Plain | None:
    """The kernel's half of lowering plain schemas; None where there is none."""
    if SEPARATORS[whitespace].indented:
        return None
    scalars = {}
    for types in plain.SCALARS:
        schema = {"type": types.split()}
        normal = Normalizer(Document(schema))
        scalars[types] = _Lowering(normal, whitespace, "any", None).ports((Place(schema, ""),))[0]
    return plain.kernel(SEPARATORS[whitespace], _anything(whitespace), scalars, dialect)


def _check_root(schema: Any) -> None:
    """A tool's definition, or another wrapping of a schema, says nothing as a schema: any value would do.

    Raises:
        SchemaError: it is one; ``pointer`` leads to the schema in it.
    """
    pointer, inner = "", schema
    while isinstance(inner, Mapping) and (inner.get("type", "function") in _WRAPPED or not inner.keys().isdisjoint(
            _WRAPPING)) and inner.keys().isdisjoint(_SAYING):
        name = next((name for name in _WRAPPING if isinstance(inner.get(name), Mapping)), None)
        if name is None:
            return
        pointer, inner = join(pointer, name), inner[name]
    if pointer and isinstance(inner, Mapping) and not inner.keys().isdisjoint({"type", *_SAYING}):
        raise SchemaError("this is a definition that has a schema in it, not the schema", pointer=pointer,
                          hint="give " + "".join(f"[{name!r}]" for name in pointer[1:].split("/")) + " of it")


def _check_names(value: Mapping[Any, Any]) -> None:
    if not all(isinstance(name, str) for name in value):
        raise SchemaError(f"{reprlib.repr(value)} is no JSON value: names must be strings")


class _Lowering:
    """One schema on its way. Each different conjunction is lowered once, into *ports*: ways to get across one value.

    Scalars become terminals, arrays and objects rules.

    Args:
        anything: the program of any value, if it is known.
    """

    def __init__(self, normal: Normalizer, whitespace: Whitespace, order: Order,
                 anything: GeneralProgram | None) -> None:
        self.root: Conjunction = (Place(normal.document.root, ""),)
        self.normal = normal
        self.order = order
        self.emptiness = Emptiness(normal)
        self.anything = anything
        self.multiples_size = 0
        self.writer = Writer(SEPARATORS[whitespace], self.ports)

    def program(self) -> GeneralProgram:
        builder = self.writer.builder
        start, end = builder.state(), builder.state()
        builder.final(end)
        root = builder.rule("the schema")
        builder.set_start(root, start)
        self.writer.value(self.root, start, end)
        self.writer.write_rules()
        try:
            return builder.build(root)
        except UnsupportedError:
            raise
        except GrammarError as error:
            pointer = self.emptiness.culprit(self.root)
            raise SchemaError("no instance at all satisfies the schema", pointer=pointer,
                              hint="a required part of it recurses for ever, or contradicts another") from error

    def ports(self, conjunction: Conjunction) -> list[Port]:
        """One port for each case of a shape; scalar literals share one."""
        if not conjunction and self.anything is not None:
            return [(True, self.writer.builder.embed(self.anything, "any value"), "")]
        ports: dict[Port, None] = {}
        scalars: list[tuple[Any, str]] = []
        for case in self.normal.shape(conjunction):
            match case:
                case Literals(values):
                    for value in values:
                        if isinstance(value, (list, tuple, Mapping)):
                            ports[True, self.literal(value, case.pointer), ""] = None
                        else:
                            scalars.append((value, case.pointer))
                case Numbers() | Strings():
                    ports |= dict.fromkeys(self.scalars(case))
                case Arrays():
                    body = array_body(case, self.writer, self.normal)
                    ports[True, self.writer.rule(id(case), case.pointer or "the schema", body, case), ""] = None
                case Objects():
                    ports[True, self.writer.rule(id(case), case.pointer or "the schema", self.object_body(case), case),
                          ""] = None
        if scalars:
            ports |= dict.fromkeys(self.choice(scalars))
        return list(ports)

    def choice(self, values: list[tuple[Any, str]]) -> list[Port]:
        """The ways across some scalars, each with the pointer to it."""
        spellings = [spelling for value, pointer in values for spelling in self.spellings(value, pointer)]
        name = b" or ".join(spellings[:3]).decode() + (" or another" if len(spellings) > 3 else "")
        return [(False, code, name) for code in strings.some_of(spellings)]

    def scalars(self, case: Numbers | Strings) -> list[Port]:
        """The ways across a number or a string."""
        return self.numbers(case) if isinstance(case, Numbers) else self.strings(case)

    def object_body(self, objects: Objects) -> Body:
        def body(source: int, target: int) -> None:
            ObjectAutomaton(objects, self.writer, self.normal, self.order, self.emptiness).write(source, target)

        return body

    def numbers(self, case: Numbers) -> list[Port]:
        """The ways across a number."""
        name = "an integer" if case.integer else "a number"
        if not case.multiples and not case.unlike:
            code = numbers.code(case)
        else:  # exponents are written out, but for the numbers that are too small to be a multiple of anything
            try:
                found = multiples.terminal(case._replace(pointer=""))
            except LimitError as error:
                self.too_much(error, case.pointer)
                return self.numbers(case._replace(multiples=(), unlike=()))
            self.multiples_size += len(found or b"")
            if self.multiples_size > MAX_MULTIPLES:
                raise LimitError(f"multiples of too many kinds (at {case.pointer or 'the root'})", limit="multiples")
            tiny: list[Port] = [(False, regex_set(code), name) for code in multiples.tiny(case)]
            return tiny if found is None else [(False, found, name), *tiny]
        return [] if code is None else [(False, regex_set(code), name)]

    def strings(self, case: Strings) -> list[Port]:
        """The ways across a string."""
        try:
            found = strings.terminals_of(case)
        except LimitError as error:
            self.too_much(error, case.pointer)
            lengths = Strings(case.minimum, case.maximum) if case.minimum < UNBOUNDED else Strings()
            found = strings.terminals_of(lengths)
        return [(False, one, "a string") for one in found]

    def too_much(self, error: LimitError, pointer: str) -> None:
        """Refuse what takes too much, or leave it out where that is wanted; time that is over ends all."""
        if clock.is_over(error):
            raise error
        self.normal.refuse(error.message, pointer)

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

    def literal(self, value: Any, pointer: str) -> int:
        """The rule of an array or object that is given whole."""
        if self.order == "any" and isinstance(value, Mapping) and 1 < len(value) <= MAX_REORDERED:
            _check_names(value)
            case = spelled_out(value)
            assert isinstance(case, Objects)
            return self.writer.rule(id(value), pointer or "the schema", self.object_body(case), (value, case))
        return self.writer.rule(id(value), pointer or "the schema", self.literal_body(value), value)

    def literal_body(self, value: Any) -> Body:
        def body(source: int, target: int) -> None:
            writer, builder, marks = self.writer, self.writer.builder, self.writer.separators
            is_object = isinstance(value, Mapping)
            if is_object:
                _check_names(value)
            members: list[tuple[str | None, Any]] = list(value.items()) if is_object else [(None, item)
                                                                                           for item in value]
            if not value:
                writer.empty(source, writer.step(source, marks.open_object if is_object else marks.open_array,
                                                 "{" if is_object else "["), target, "{}" if is_object else "[]")
                return
            at = builder.state()
            builder.terminal(source, marks.open_object if is_object else marks.open_array, at,
                             "{" if is_object else "[")
            for i, (name, member) in enumerate(members):
                if i:
                    at = writer.step(at, marks.comma, ",")
                if name is not None:
                    at = writer.name(at, name)
                after = builder.state()
                if isinstance(member, (list, tuple, Mapping)):
                    builder.call(at, self.literal(member, ""), after)
                else:
                    spellings = self.spellings(member, "")
                    builder.terminal(at, strings.one_of(spellings), after, spellings[0].decode())
                at = after
            builder.terminal(at, marks.close_object if is_object else marks.close_array, target,
                             "}" if is_object else "]")

        return body

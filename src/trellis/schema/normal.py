"""From schemas to their normal form: what keywords say together, as the algebra of shapes.

``Normalizer.shape`` turns a conjunction of places into a shape. What a schema says itself, what it refers to (``$ref``,
``allOf``) and its alternatives (``anyOf``, ``oneOf``, ``if``) are intersected, so keywords beside each other all count;
``not``, ``oneOf`` and ``else`` take differences. Everything that cannot be said exactly is refused with its place;
nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import Any, NamedTuple

from trellis.errors import LimitError, SchemaError, UnsupportedError
from trellis.schema import clock, unevaluated
from trellis.schema.algebra import Algebra, either
from trellis.schema.complement import strings_outside
from trellis.schema.keyword_values import dependent_schemas, literals_of, members_of, type_name, types_of
from trellis.schema.keywords import ANNOTATIONS, ARRAY, CONTENT, GENERAL, NUMBER, OBJECT, REFUSED, SPELLINGS, STRING
from trellis.schema.questions import Circular
from trellis.schema.resolve import Document, DynamicScopeError, Place, join, negate
from trellis.schema.sameness import Sameness
from trellis.schema.shapes import (
    ANY,
    UNRESTRICTED,
    Arrays,
    Case,
    Conjunction,
    Literals,
    Numbers,
    Objects,
    Shape,
    Strings,
    absent,
    identity,
    key_of,
)
from trellis.schema.typed import TypedKeywords

MAX_APART = 200  # pairs of cases that are intersected before differences are kept together
MAX_SHAPES = 50_000
MAX_POINTER = 20_000  # characters; in what is nested deeper, pointers alone would fill the memory
_RELAX = ('on_unsupported="relax" masks the rest and leaves this to a validator; '
          'generate_structured(..., mode="auto") does both')
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "not", "if"})
_TYPES = tuple(name for name in UNRESTRICTED if name != "integer")
_KINDS = (NUMBER, STRING, ARRAY, OBJECT, ANNOTATIONS, REFUSED)
_KIND = {name: kind for kind, names in enumerate(_KINDS) for name in names}
_NUMBER, _STRING, _ARRAY, _OBJECT, _ANNOTATION, _REFUSED = range(6)


class Relaxation(NamedTuple):
    """Something that a schema demands, or seems to, and masks do not enforce: where, and what."""

    pointer: str
    reason: str


class _Memory:
    """Shapes that are made already, and those that are being made."""

    def __init__(self) -> None:
        self.conjunctions: dict[tuple[int, ...], Shape] = {}
        self.single: dict[int, Shape] = {}
        self.open: set[int] = set()


class Normalizer:
    """Shapes of the schemas of one document, each made once.

    Args:
        document: where references lead.
        enforce_formats: whether ``format`` restricts strings; otherwise it is an annotation.
        relax: whether what cannot be enforced is left out and noted in ``relaxations``, instead of being an error.
            Shapes then hold every valid value and maybe more.
    """

    def __init__(self, document: Document, *, enforce_formats: bool = True, relax: bool = False) -> None:
        self.document = document
        self.relax = relax
        self.relaxations: dict[Relaxation, None] = {}
        self.in_order: dict[str, None] = {}  # objects whose properties come in the schema's order though any will do
        self.typed = TypedKeywords(self.refuse, self.note, document.dialect_at, enforce_formats, self._not_named)
        self.algebra = Algebra(self.known, self.refuse, lambda: self.relax)
        self.sameness = Sameness(document)
        self.branches = unevaluated.Branches(self)
        self._memory, self._exact = _Memory(), _Memory()
        self._kept: list[Place] = []  # places with schemas of their own, which have to stay alive

    def forget(self) -> None:
        """Let everything go; its parts know each other, so it would stay until the garbage collector finds it."""
        vars(self.algebra).clear()
        vars(self).clear()

    def shape(self, conjunction: Conjunction) -> Shape:
        """The shape of a conjunction; the empty shape when nothing satisfies it (not every empty one is found here).

        Raises:
            SchemaError: a keyword has a value that it cannot have, or a schema is defined by itself alone.
            UnsupportedError: something cannot be enforced exactly.
        """
        try:
            return self.known(conjunction)
        except Circular:
            raise SchemaError("the schema is defined by nothing but itself",
                              pointer=conjunction[0].pointer if conjunction else "") from None

    def known(self, conjunction: Conjunction) -> Shape:
        """As ``shape``, for use while shapes are being made.

        Raises:
            Circular: it is itself being made.
        """
        if not conjunction:
            return ANY
        if len(conjunction) == 1:
            return self._of(conjunction[0])
        key = key_of(conjunction)
        shape = self._memory.conjunctions.get(key)
        if shape is None:
            shape = self._memory.conjunctions.get(key[:-1])
            rest = conjunction if shape is None else conjunction[-1:]
            if any(place.negated for place in conjunction) and self.sameness.contradiction(conjunction):
                shape = ()
            shape = ANY if shape is None else shape
            for place in rest:
                if not shape:
                    break
                shape = self.algebra.meet(shape, self._of(place))
            self._keep(len(self._memory.conjunctions))
            self._memory.conjunctions[key] = shape
        return shape

    def _of(self, place: Place) -> Shape:
        """The shape of one schema, or of what does not satisfy it."""
        schema = place.schema
        if isinstance(schema, bool):
            return ANY if schema is not place.negated else ()
        if len(place.pointer) > MAX_POINTER:
            raise LimitError(f"the schema is nested too deep (at {place.pointer[:60]}...)", limit="depth")
        key, memory = place.key, self._memory
        shape = memory.single.get(key)
        if shape is None:
            if not isinstance(schema, dict | Mapping):
                raise SchemaError(f"a schema must be an object or a boolean, not {type_name(schema)}",
                                  pointer=place.pointer)
            if key in memory.open:
                raise Circular
            memory.open.add(key)
            try:
                shape = (self._outside if place.negated else self._read)(schema, place.pointer)
            finally:
                memory.open.discard(key)
            self._keep(len(memory.single))
            memory.single[key] = shape
        return shape

    @contextmanager
    def _strictly(self) -> Iterator[None]:
        """Without relaxing: what is taken away has to be known exactly."""
        relax, memory = self.relax, self._memory
        if relax:
            self.relax, self._memory = False, self._exact
        try:
            yield
        finally:
            self.relax, self._memory = relax, memory

    def refuse(self, what: str, pointer: str, hint: str = "") -> None:
        """Raise what is outside the masks' reach, with its place; or note it, where that is wanted.

        Raises:
            UnsupportedError: unless relaxing.
        """
        if not self.relax:
            raise UnsupportedError(f"{what} (at {pointer or 'the root'})", pointer=pointer,
                                   hint=f"{hint}; or {_RELAX}" if hint else _RELAX)
        self.note(pointer, what)

    def note(self, pointer: str, what: str) -> None:
        """List what masks do not enforce."""
        self.relaxations[Relaxation(pointer, what)] = None

    def _keep(self, count: int) -> None:
        clock.spend()
        if count >= MAX_SHAPES:
            raise LimitError(f"the schema has more than {MAX_SHAPES} different parts", limit="shapes")

    # One schema -----------------------------------------------------------------------------------------------------

    def _read(self, schema: Mapping[str, Any], pointer: str) -> Shape:
        return self._within(ANY, Place(schema, pointer), _ALTERNATIVES)

    def _within(self, shape: Shape, place: Place, late: frozenset[str] = frozenset()) -> Shape:
        """What of a shape a schema allows. Alternatives come last, when it is known what they stand beside.

        Args:
            late: members of ``allOf`` with one of these keywords are alternatives.
        """
        schema, pointer = place.schema, place.pointer
        assert isinstance(schema, Mapping)
        if any(keyword in schema for keyword in unevaluated.KEYWORDS):
            return self.algebra.meet(shape, either(*(branch for branch, _ in self.branches.of(place))))
        kinds, general = self.inventory(schema, pointer)
        shape = self.algebra.meet(shape, self.own(schema, kinds, general, pointer))
        for other in self.referred(schema, general, pointer):
            shape = self.algebra.meet(shape, self._of(other))
        if "allOf" in general:
            members = members_of(schema, "allOf", pointer)
            waits = [isinstance(member.schema, dict | Mapping) and not late.isdisjoint(member.schema)
                     for member in members]
            for member, later in zip(members, waits, strict=True):
                if not later:
                    shape = self.algebra.meet(shape, self._of(member))
            for member, later in zip(members, waits, strict=True):
                if later:
                    shape = self._within(shape, member)
        if "anyOf" in general:
            alternatives = members_of(schema, "anyOf", pointer)
            shape = either(*(self.algebra.meet(shape, self._of(other)) for other in alternatives))
        if "oneOf" in general:
            shape = self._exactly_one_of(shape, members_of(schema, "oneOf", pointer))
        if "not" in general:
            shape = self.less(shape, Place(schema["not"], join(pointer, "not")), "not")
        if "if" in general:
            shape = self._conditional(shape, schema, pointer)
        for name, inner in dependent_schemas(schema, general, pointer):
            shape = either(self.algebra.meet(shape, absent(name)),
                           self.algebra.meet(self.algebra.meet(shape, (Objects(required=(name,)),)), self._of(inner)))
        return shape

    def _outside(self, schema: Mapping[str, Any], pointer: str) -> Shape:
        """What does not satisfy a schema; everything, where that is unknown and relaxing is wanted."""
        try:
            with self._strictly():
                return self._opposite(schema, pointer)
        except UnsupportedError as error:
            if not self.relax or isinstance(error, DynamicScopeError):
                raise
            self.refuse(error.message, error.pointer or pointer)
            return ANY

    def _not_named(self, place: Place) -> Shape:
        """The strings that do not satisfy a place as masks take it: what they allow is neither more nor less."""
        shape: Shape = (UNRESTRICTED["string"],)
        for case in self._of(place):
            if isinstance(case, Strings):
                shape = self.algebra.meet(shape, tuple(strings_outside(case, lambda pattern: pattern)))
            elif isinstance(case, Literals):
                for value in case.values:
                    if isinstance(value, str):
                        shape = self.algebra.subtract(shape, (case._replace(values=(value,)),))
        return shape

    def _opposite(self, schema: Mapping[str, Any], pointer: str) -> Shape:
        """By De Morgan: whatever fails one of the keywords."""
        if any(keyword in schema for keyword in unevaluated.KEYWORDS):
            return self.algebra.subtract(ANY, self._of(Place(schema, pointer)))
        kinds, general = self.inventory(schema, pointer)
        parts = [self.algebra.subtract(ANY, self.own(schema, kinds, general, pointer))]
        parts += [self._of(negate(place)) for place in self.referred(schema, general, pointer)]
        if "allOf" in general:
            parts += [self._of(negate(place)) for place in members_of(schema, "allOf", pointer)]
        if "anyOf" in general:
            parts.append(self._none_of(members_of(schema, "anyOf", pointer)))
        if "oneOf" in general:  # none, or two
            alternatives = members_of(schema, "oneOf", pointer)
            parts.append(self._none_of(alternatives))
            parts += [self.algebra.meet(self._of(one), self._of(other)) for one, other in combinations(alternatives, 2)
                      if not self.algebra.questions.disjoint(self._of(one), self._of(other))]
        if "not" in general:
            parts.append(self._of(Place(schema["not"], join(pointer, "not"))))
        if "if" in general:
            condition = Place(schema["if"], join(pointer, "if"))
            for keyword, holds in (("then", condition), ("else", negate(condition))):
                if keyword in schema:
                    branch = negate(Place(schema[keyword], join(pointer, keyword)))
                    parts.append(self.algebra.meet(self._of(holds), self._of(branch)))
        for name, place in dependent_schemas(schema, general, pointer):
            parts.append(self.algebra.meet((Objects(required=(name,)),), self._of(negate(place))))
        return either(*parts)

    def _none_of(self, alternatives: Iterable[Place]) -> Shape:
        """What satisfies none of some schemas."""
        shape = ANY
        for place in alternatives:
            opposite = self._of(negate(place))
            if len(shape) * len(opposite) <= MAX_APART:
                shape = self.algebra.meet(shape, opposite)
            else:
                shape = self.algebra.subtract(shape, self._of(place), place.pointer)
        return shape

    def referred(self, schema: Mapping[str, Any], general: set[str], pointer: str) -> list[Place]:
        """Where $ref and $dynamicRef lead."""
        found = []
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in general:
                try:
                    found.append(self.document.resolve(schema[keyword], pointer, keyword, schema))
                except DynamicScopeError:
                    raise
                except UnsupportedError as error:
                    self.refuse(error.message, error.pointer or pointer, error.hint)
        return found

    def inventory(self, schema: Mapping[str, Any], pointer: str) -> tuple[set[int], set[str]]:
        """Which kinds of keywords there are; refuses those that masks cannot enforce."""
        kinds: set[int] = set()
        general: set[str] = set()
        for name in schema:
            kind = _KIND.get(name)
            if kind is None:
                if name in GENERAL:
                    general.add(name)
                    if name == "dependencies":
                        kinds.add(_OBJECT)
                elif not isinstance(name, str):
                    raise SchemaError(f"the name {name!r} is no string", pointer=pointer)
                elif name.lower() in SPELLINGS:
                    # By every draft an annotation, so nothing is left out of the masks; but it may not be meant so.
                    self.note(join(pointer, name), f"{name!r} is no keyword, and restricts nothing: "
                              f"{SPELLINGS[name.lower()]!r} may be meant")
            elif kind == _REFUSED:
                self.refuse(f"masks cannot enforce {name!r} yet", join(pointer, name))
            elif kind != _ANNOTATION:
                kinds.add(kind)
            elif name in CONTENT and self.document.dialect_at(pointer) == 7:
                kinds.add(_STRING)
        return kinds, general

    def own(self, schema: Mapping[str, Any], kinds: set[int], general: set[str], pointer: str) -> Shape:
        """What a schema says without its references and alternatives."""
        if "type" not in general:
            shape = self._cases(_TYPES, schema, kinds, pointer) if kinds else ANY
        else:
            shape = self._cases(types_of(schema["type"], pointer), schema, kinds, pointer)
        if "const" in general:
            values = literals_of([schema["const"]], join(pointer, "const"))
            shape = self.algebra.meet(shape, (Literals(values, pointer),))
        if "enum" in general:
            values = schema["enum"]
            if not isinstance(values, (list, tuple)):
                raise SchemaError("enum must be an array", pointer=join(pointer, "enum"))
            shape = self.algebra.meet(shape, (Literals(literals_of(values, join(pointer, "enum")), pointer),))
        return shape

    def _cases(self, types: tuple[str, ...], schema: Mapping[str, Any], kinds: set[int], pointer: str) -> Shape:
        cases: list[Case] = []
        for name in types:
            case: Case | None = UNRESTRICTED[name]
            if isinstance(case, Numbers):
                if _NUMBER in kinds:
                    case = self.typed.numbers(schema, pointer, case.integer)
            elif isinstance(case, Strings):
                if _STRING in kinds:
                    case = self.typed.strings(schema, pointer)
            elif isinstance(case, Arrays):
                if _ARRAY in kinds:
                    case = self.typed.arrays(schema, pointer)
            elif isinstance(case, Objects) and _OBJECT in kinds:
                case = self.typed.objects(schema, pointer)
            if case is not None:
                cases.append(case)
        return tuple(cases)

    def _conditional(self, shape: Shape, schema: Mapping[str, Any], pointer: str) -> Shape:
        """if, then, else: the condition and what then follows, or not the condition and what follows else."""
        condition = Place(schema["if"], join(pointer, "if"))
        branches = {keyword: Place(schema[keyword], join(pointer, keyword)) for keyword in ("then", "else")
                    if keyword in schema}
        if not branches:
            return shape
        holds, fails = self.algebra.meet(shape, self._of(condition)), self.less(shape, condition, "if")
        if "then" in branches:
            holds = self.algebra.meet(holds, self._of(branches["then"]))
        if "else" in branches:
            fails = self.algebra.meet(fails, self._of(branches["else"]))
        return either(holds, fails)

    def _exactly_one_of(self, shape: Shape, alternatives: list[Place]) -> Shape:
        """oneOf: each alternative less all others that it is not known to exclude."""
        branches = [self.algebra.meet(shape, self._of(place)) for place in alternatives]
        found: list[Shape] = []
        for i, branch in enumerate(branches):
            rest = branch
            for j, place in enumerate(alternatives):
                if i != j and rest and branches[j] and not self.algebra.questions.disjoint(rest, branches[j]):
                    rest = self.less(rest, place, "oneOf")
            found.append(rest)
        return either(*found)

    def less(self, shape: Shape, place: Place, keyword: str) -> Shape:
        """A shape without what satisfies a place; all of it, where that is unknown and relaxing is wanted."""
        try:
            with self._strictly():
                try:
                    with self.algebra.attempt():
                        taken = self._of(place)
                        if not any(isinstance(case, Objects) and len(case.some) > 1 for case in taken):
                            return self.algebra.subtract(shape, taken, place.pointer)
                except LimitError:
                    pass
                # alternatives that multiply are few where all of them are left out
                return self.algebra.meet(shape, self._of(negate(place)))
        except UnsupportedError as error:
            if not self.relax or isinstance(error, DynamicScopeError):
                raise
            self.refuse(f"{keyword!r}: {error.message}", error.pointer or place.pointer)
            return shape

    def owner(self, case: Arrays | Objects) -> dict[str, Any] | None:
        """The schema that a case was read from, where its pointer leads to it."""
        schema = self.document.at(case.pointer)
        known = self._memory.single.get(id(schema), ()) if type(schema) is dict else ()
        return schema if any(one is case for one in known) else None

    def values_of(self, conjunctions: list[Conjunction]) -> list[Place] | None:
        """All values that satisfy one of some conjunctions, as places; None when they are not given one by one."""
        found: dict[Any, Place] = {}
        for conjunction in conjunctions:
            for case in self.shape(conjunction):
                if not isinstance(case, Literals):
                    return None
                for value in case.values:
                    found.setdefault(identity(value), Place({"const": value}, case.pointer))
        self._kept += found.values()
        return list(found.values())

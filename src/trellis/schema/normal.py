"""From schemas to their normal form: one function for each type's keywords, and the algebra that joins them.

``Normalizer.shape`` turns a conjunction of places into a shape. What a schema says itself, what it refers to (``$ref``,
``allOf``) and its alternatives (``anyOf``, ``oneOf``) are intersected, so keywords beside each other all count.
Everything that cannot be said exactly is refused with its place; nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from trellis.errors import LimitError, SchemaError, UnsupportedError
from trellis.schema import formats
from trellis.schema.keyword_values import count_of, members_of, number_of, place_of, type_name, types_of
from trellis.schema.keywords import ANNOTATIONS, ARRAY, NUMBER, OBJECT, REFUSED, SPELLINGS, STRING
from trellis.schema.patterns import Pattern, parse
from trellis.schema.resolve import Document, Place, join
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
    both,
    distinct,
    exact,
    identity,
    key_of,
    meet,
    no_number,
    same,
)

MAX_SHAPES = 50_000
MAX_CASES = 5_000
MAX_WORK = 2_000_000  # cases that meet, and properties in them
MAX_POINTER = 20_000  # characters; in what is nested deeper, pointers alone would fill the memory
_TYPES = tuple(name for name in UNRESTRICTED if name != "integer")
_KINDS = (NUMBER, STRING, ARRAY, OBJECT, ANNOTATIONS, REFUSED)
_KIND = {name: kind for kind, names in enumerate(_KINDS) for name in names}
_NUMBER, _STRING, _ARRAY, _OBJECT, _ANNOTATION, _REFUSED = range(6)
_GENERAL = {"type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"}


class _Circular(Exception):
    """A shape was asked for while it was being made."""


class Relaxation(NamedTuple):
    """Something that a schema demands and masks do not enforce: where, and what."""

    pointer: str
    reason: str


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
        self.enforce_formats = enforce_formats
        self.relax = relax
        self.relaxations: dict[Relaxation, None] = {}
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._single: dict[int, Shape] = {}
        self._open: set[int] = set()
        self._literals: dict[int, tuple[Literals, dict[Any, Any]]] = {}  # by id of a case, which is kept alive here
        self._work = 0

    def shape(self, conjunction: Conjunction) -> Shape:
        """The shape of a conjunction; the empty shape when nothing satisfies it (not every empty one is found here).

        Raises:
            SchemaError: a keyword has a value that it cannot have, or a schema is defined by itself alone.
            UnsupportedError: something cannot be enforced exactly.
        """
        try:
            return self._shape(conjunction)
        except _Circular:
            raise SchemaError("the schema is defined by nothing but itself",
                              pointer=conjunction[0].pointer if conjunction else "") from None

    def _shape(self, conjunction: Conjunction) -> Shape:
        if not conjunction:
            return ANY
        if len(conjunction) == 1:
            return self._of(conjunction[0])
        key = key_of(conjunction)
        shape = self._shapes.get(key)
        if shape is None:
            shape = ANY
            for place in conjunction:
                shape = self._meet(shape, self._of(place))
            self._keep(len(self._shapes))
            self._shapes[key] = shape
        return shape

    def _of(self, place: Place) -> Shape:
        """The shape of one schema."""
        schema = place.schema
        if schema is True:
            return ANY
        if schema is False:
            return ()
        if len(place.pointer) > MAX_POINTER:
            raise LimitError(f"the schema is nested too deep (at {place.pointer[:60]}...)", limit="depth")
        key = id(schema)
        shape = self._single.get(key)
        if shape is None:
            if not isinstance(schema, Mapping):
                raise SchemaError(f"a schema must be an object or a boolean, not {type_name(schema)}",
                                  pointer=place.pointer)
            if key in self._open:
                raise _Circular
            self._open.add(key)
            try:
                shape = self._read(schema, place.pointer)
            finally:
                self._open.discard(key)
            self._keep(len(self._single))
            self._single[key] = shape
        return shape

    def refuse(self, what: str, pointer: str, hint: str = "") -> None:
        """Raise what is outside the masks' reach, with its place; or note it, where that is wanted.

        Raises:
            UnsupportedError: unless relaxing.
        """
        if not self.relax:
            raise UnsupportedError(f"{what} (at {pointer or '/'})", pointer=pointer, hint=hint)
        self.relaxations[Relaxation(pointer, what)] = None

    def _keep(self, count: int) -> None:
        if count >= MAX_SHAPES:
            raise LimitError(f"the schema has more than {MAX_SHAPES} different parts", limit="shapes")

    # One schema -----------------------------------------------------------------------------------------------------

    def _read(self, schema: Mapping[str, Any], pointer: str) -> Shape:
        kinds, general = self._inventory(schema, pointer)
        if "$ref" in general:
            target = self._referred(schema["$ref"], pointer)
            if self.document.dialect <= 7 and (kinds or len(general) > 1):
                return self._beside_reference(schema, kinds, general, target, pointer)
            shape = self._meet(self._own(schema, kinds, general, pointer), target)
        else:
            shape = self._own(schema, kinds, general, pointer)
        if "allOf" in general:
            for place in members_of(schema, "allOf", pointer):
                shape = self._meet(shape, self._of(place))
        if "anyOf" in general:
            shape = self._one_of(shape, members_of(schema, "anyOf", pointer))
        if "oneOf" in general:
            shape = self._exactly_one_of(shape, members_of(schema, "oneOf", pointer), pointer)
        return shape

    def _referred(self, reference: Any, pointer: str) -> Shape:
        try:
            place = self.document.resolve(reference, pointer)
        except UnsupportedError as error:
            self.refuse(error.message, error.pointer or pointer, error.hint)
            return ANY
        return self._of(place)

    def _beside_reference(self, schema: Mapping[str, Any], kinds: set[int], general: set[str], target: Shape,
                          pointer: str) -> Shape:
        """Before draft 2019, keywords beside ``$ref`` are ignored. Whoever writes them there means them, so they are
        refused, unless they say nothing new."""
        own = self._own(schema, kinds, general, pointer)
        if len(general - {"type", "enum", "const"}) > 1 or self._meet(own, target) != target:
            self.refuse("keywords beside $ref are ignored in this draft, and surely meant", pointer,
                        "move them into allOf, or name a later draft in $schema")
        return target

    def _inventory(self, schema: Mapping[str, Any], pointer: str) -> tuple[set[int], set[str]]:
        """Which kinds of keywords there are; refuses those that masks cannot enforce."""
        kinds: set[int] = set()
        general: set[str] = set()
        for name in schema:
            kind = _KIND.get(name)
            if kind is None:
                if name in _GENERAL:
                    general.add(name)
                elif isinstance(name, str) and name.lower() in SPELLINGS:
                    raise SchemaError(f"{name!r} is no keyword", pointer=join(pointer, name),
                                      hint=f"write {SPELLINGS[name.lower()]!r}")
            elif kind == _REFUSED:
                self.refuse(f"masks cannot enforce {name!r} yet", join(pointer, name))
            elif kind != _ANNOTATION:
                kinds.add(kind)
        return kinds, general

    def _own(self, schema: Mapping[str, Any], kinds: set[int], general: set[str], pointer: str) -> Shape:
        """What a schema says without its references and alternatives."""
        if "type" not in general:
            shape = self._cases(_TYPES, schema, kinds, pointer) if kinds else ANY
        else:
            shape = self._cases(types_of(schema["type"], pointer), schema, kinds, pointer)
        if "const" in general:
            shape = self._meet(shape, (Literals((schema["const"],), pointer),))
        if "enum" in general:
            values = schema["enum"]
            if not isinstance(values, (list, tuple)):
                raise SchemaError("enum must be an array", pointer=join(pointer, "enum"))
            shape = self._meet(shape, (Literals(distinct(values), pointer),))
        return shape

    def _cases(self, types: tuple[str, ...], schema: Mapping[str, Any], kinds: set[int], pointer: str) -> Shape:
        cases: list[Case] = []
        for name in types:
            case: Case | None = UNRESTRICTED[name]
            if isinstance(case, Numbers):
                if _NUMBER in kinds:
                    case = self.numbers(schema, pointer, case.integer)
            elif isinstance(case, Strings):
                if _STRING in kinds:
                    case = self.strings(schema, pointer)
            elif isinstance(case, Arrays):
                if _ARRAY in kinds:
                    case = self.arrays(schema, pointer)
            elif isinstance(case, Objects) and _OBJECT in kinds:
                case = self.objects(schema, pointer)
            if case is not None:
                cases.append(case)
        return tuple(cases)

    # One type each --------------------------------------------------------------------------------------------------

    def numbers(self, schema: Mapping[str, Any], pointer: str, integer: bool) -> Case | None:
        """minimum, maximum, exclusiveMinimum, exclusiveMaximum (also draft 4's booleans), multipleOf 1."""
        low = number_of(schema, "minimum", pointer)
        high = number_of(schema, "maximum", pointer)
        low_open = high_open = False
        if isinstance(schema.get("exclusiveMinimum"), bool):
            low_open = schema["exclusiveMinimum"]
        elif (limit := number_of(schema, "exclusiveMinimum", pointer)) is not None and (low is None or limit >= low):
            low, low_open = limit, True
        if isinstance(schema.get("exclusiveMaximum"), bool):
            high_open = schema["exclusiveMaximum"]
        elif (limit := number_of(schema, "exclusiveMaximum", pointer)) is not None and (high is None or limit <= high):
            high, high_open = limit, True
        if "multipleOf" in schema:
            multiple = number_of(schema, "multipleOf", pointer)
            if multiple is None or multiple <= 0:
                raise SchemaError("multipleOf must be greater than 0", pointer=join(pointer, "multipleOf"))
            if multiple == 1:
                integer = True
            elif not (integer and (1 / multiple) % 1 == 0 and multiple * (1 / multiple) == 1):
                self.refuse("masks cannot enforce 'multipleOf' yet", join(pointer, "multipleOf"))
        numbers = Numbers(integer, low, low_open, high, high_open, pointer)
        return None if no_number(numbers) else numbers

    def strings(self, schema: Mapping[str, Any], pointer: str) -> Case | None:
        """minLength, maxLength, pattern, format."""
        low, high = count_of(schema, "minLength", pointer) or 0, count_of(schema, "maxLength", pointer)
        patterns = []
        if "pattern" in schema:
            source = schema["pattern"]
            if not isinstance(source, str):
                raise SchemaError("pattern must be a string", pointer=join(pointer, "pattern"))
            try:
                patterns.append(parse(source))
            except UnsupportedError as error:
                self.refuse(error.message, join(pointer, "pattern"), error.hint)
        if self.enforce_formats and "format" in schema:
            name = schema["format"]
            if not isinstance(name, str):
                raise SchemaError("format must be a string", pointer=join(pointer, "format"))
            pattern = formats.pattern_of(name)
            if pattern is not None:
                patterns.append(pattern)
            elif name in formats.REFUSED:
                self.refuse(f"masks cannot enforce the format {name!r}", join(pointer, "format"),
                            'drop it, or lower the schema with formats="annotate"')
        if high is not None and high < low:
            return None
        return Strings(low, high, tuple(patterns), pointer)

    def arrays(self, schema: Mapping[str, Any], pointer: str) -> Case | None:
        """prefixItems, items, additionalItems, minItems, maxItems; uniqueItems only where it says nothing."""
        low, high = count_of(schema, "minItems", pointer) or 0, count_of(schema, "maxItems", pointer)
        prefix: list[Conjunction] = []
        items: Conjunction = ()
        tuple_form = isinstance(schema.get("items"), list)
        listed, rest = ("items", "additionalItems") if tuple_form else ("prefixItems", "items")
        if tuple_form and "prefixItems" in schema:
            raise SchemaError("items must be a schema beside prefixItems", pointer=join(pointer, "items"))
        if listed in schema:
            members = schema[listed]
            if not isinstance(members, list):
                raise SchemaError(f"{listed} must be an array of schemas", pointer=join(pointer, listed))
            prefix = [(Place(member, join(pointer, listed, i)),) for i, member in enumerate(members)]
        if rest in schema:
            items = place_of(schema[rest], join(pointer, rest))
        if schema.get("uniqueItems") and (high is None or high > 1):
            self.refuse("masks cannot enforce 'uniqueItems' yet", join(pointer, "uniqueItems"))
        if high is not None and high < low:
            return None
        return Arrays(tuple(prefix), items, low, high, pointer)

    def objects(self, schema: Mapping[str, Any], pointer: str) -> Case | None:
        """properties, required, additionalProperties, minProperties, maxProperties."""
        low, high = count_of(schema, "minProperties", pointer) or 0, count_of(schema, "maxProperties", pointer)
        declared = schema.get("properties", {})
        if not isinstance(declared, Mapping):
            raise SchemaError("properties must be an object", pointer=join(pointer, "properties"))
        if not all(isinstance(name, str) for name in declared):
            raise SchemaError("names of properties must be strings", pointer=join(pointer, "properties"))
        required = schema.get("required", ())
        if isinstance(required, bool):
            raise SchemaError("required must be an array of names (a boolean is draft 3)",
                              pointer=join(pointer, "required"))
        if not isinstance(required, (list, tuple)) or not all(isinstance(name, str) for name in required):
            raise SchemaError("required must be an array of strings", pointer=join(pointer, "required"))
        at = join(pointer, "properties") + "/"
        properties: dict[str, Conjunction] = {
            name: (Place(member, at + (join("", name)[1:] if "/" in name or "~" in name else name)),)
            for name, member in declared.items()
        }
        additional: Conjunction = ()
        names: tuple[Pattern, ...] = ()
        if "additionalProperties" in schema:
            additional = place_of(schema["additionalProperties"], join(pointer, "additionalProperties"))
        if schema.get("patternProperties"):
            patterned = self.patterned(schema, pointer)
            for name in required:  # a name that has a pattern is no additional one, so it is written out
                if name not in properties and any(pattern.matches(name) for pattern, _ in patterned):
                    properties[name] = ()
            for name, place in properties.items():
                for pattern, inner in patterned:
                    if pattern.matches(name):
                        properties[name] = place = both(place, inner)
            additional, names = self.other_names(patterned, additional, pointer)
        if high is not None and high < low:
            return None
        return Objects(properties, tuple(dict.fromkeys(required)), additional, names, low, high, pointer)

    def patterned(self, schema: Mapping[str, Any], pointer: str) -> list[tuple[Pattern, Conjunction]]:
        """patternProperties: each pattern, and what the values under such names have to be."""
        at = join(pointer, "patternProperties")
        if not isinstance(schema["patternProperties"], Mapping):
            raise SchemaError("patternProperties must be an object", pointer=at)
        found: list[tuple[Pattern, Conjunction]] = []
        for source, inner in schema["patternProperties"].items():
            try:
                found.append((parse(source), place_of(inner, join(at, source))))
            except UnsupportedError as error:
                self.refuse(error.message, join(at, source), error.hint)
                return []
        return found

    def other_names(self, patterned: list[tuple[Pattern, Conjunction]], additional: Conjunction,
                    pointer: str) -> tuple[Conjunction, tuple[Pattern, ...]]:
        """What names may be beside those that are written out, and what the values under them have to be.

        Exact when each name has the same to satisfy: one pattern (or all with the same schema) that every name has, or
        that every name must have because others are forbidden, or that says nothing.
        """
        if not patterned:  # relaxed
            return (), ()
        inner = patterned[0][1]
        alike = all([it.schema for it in other] == [it.schema for it in inner] for _, other in patterned)
        if alike and any(pattern.is_total() for pattern, _ in patterned):
            return inner, ()
        if alike and not inner and not additional:
            return (), ()
        if alike and additional and additional[-1].schema is False:
            sources = "|".join(pattern.source for pattern, _ in patterned)
            return inner, (Pattern(sources, tuple(branch for pattern, _ in patterned for branch in pattern.branches)),)
        self.refuse("masks cannot enforce this 'patternProperties' yet: names differ in what they allow",
                    join(pointer, "patternProperties"))
        return (), ()

    # The algebra ----------------------------------------------------------------------------------------------------

    def _meet(self, left: Shape, right: Shape) -> Shape:
        """The intersection of two shapes."""
        if left is ANY or not right:
            return right
        if right is ANY or not left:
            return left
        self._spend(left, right)
        cases = [case for one in left for other in right if (case := self._meet_cases(one, other)) is not None]
        if len(cases) > MAX_CASES:
            raise LimitError(f"a part of the schema has more than {MAX_CASES} alternatives", limit="cases")
        return tuple(cases)

    def _spend(self, left: Shape, right: Shape) -> None:
        """Alternatives beside alternatives multiply: not without end."""
        self._work += sum(map(_weight, left)) * len(right) + sum(map(_weight, right)) * len(left)
        if self._work > MAX_WORK:
            raise LimitError("the schema has too many alternatives that have to be compared with each other",
                             limit="alternatives", hint="put fewer anyOf and oneOf beside each other")

    def _identities(self, literals: Literals) -> dict[Any, Any]:
        """The values of a case by what makes them the same."""
        known = self._literals.get(id(literals))
        if known is None:
            known = self._literals[id(literals)] = (literals, {identity(value): value for value in literals.values})
        return known[1]

    def _meet_cases(self, left: Case, right: Case) -> Case | None:
        if not isinstance(left, Literals):
            if not isinstance(right, Literals):
                return meet(left, right)
            left, right = right, left
        if isinstance(right, Literals):
            ours, others = self._identities(left), self._identities(right)
            few, many = (ours, others) if len(ours) <= len(others) else (others, ours)
            values = tuple(ours[key] for key in few if key in many)
        else:
            try:
                values = tuple(value for value in left.values if self.admits_case(right, value))
            except _Circular:
                self.refuse("masks cannot enforce literal values in a schema that refers to itself beside them",
                            left.pointer)
                values = left.values
        return Literals(values, left.pointer) if values else None

    def _one_of(self, shape: Shape, alternatives: list[Place]) -> Shape:
        cases: dict[int, Case] = {}
        for place in alternatives:
            cases |= {id(case): case for case in self._meet(shape, self._of(place))}
        return tuple(cases.values())

    def _exactly_one_of(self, shape: Shape, alternatives: list[Place], pointer: str) -> Shape:
        """oneOf, where the alternatives are proved to exclude each other."""
        branches = [self._meet(shape, self._of(place)) for place in alternatives]
        for i, branch in enumerate(branches):
            for j in range(i):
                if not self.disjoint(branch, branches[j]):
                    self.refuse(f"masks cannot tell alternatives {j} and {i} of 'oneOf' apart: a value might fit both",
                                join(pointer, "oneOf"),
                                "write anyOf, or give each alternative a property of its own const")
        return tuple({id(case): case for branch in branches for case in branch}.values())

    # Questions ------------------------------------------------------------------------------------------------------

    def disjoint(self, left: Shape, right: Shape, depth: int = 3) -> bool:
        """Whether it is certain that no value has both shapes."""
        self._spend(left, right)
        return all(self._disjoint_cases(one, other, depth) for one in left for other in right)

    def _disjoint_cases(self, left: Case, right: Case, depth: int) -> bool:
        if isinstance(left, Literals) or isinstance(right, Literals):
            return self._meet_cases(left, right) is None
        common = meet(left, right)
        if common is None:
            return True
        if depth == 0:
            return False
        if isinstance(left, Objects) and isinstance(right, Objects) and isinstance(common, Objects):
            return any(self._parted(left.member(name), right.member(name), depth) for name in common.required)
        if isinstance(left, Arrays) and isinstance(right, Arrays) and isinstance(common, Arrays):
            certain = range(min(common.minimum, len(common.prefix) + 1))
            return any(self._parted(left.item(i), right.item(i), depth) for i in certain)
        return False

    def _parted(self, left: Conjunction, right: Conjunction, depth: int) -> bool:
        try:
            return self.disjoint(self._shape(left), self._shape(right), depth - 1)
        except _Circular:  # not known yet, so not certain
            return False

    def admits(self, conjunction: Conjunction, value: Any) -> bool:
        """Whether a value satisfies a conjunction."""
        # Place by place: the shape of the conjunction itself may be what is being made.
        return all(any(self.admits_case(case, value) for case in self._of(place)) for place in conjunction)

    def admits_case(self, case: Case, value: Any) -> bool:
        """Whether a value is one of a case's."""
        match case:
            case Literals(values):
                return any(same(value, other) for other in values)
            case Numbers():
                if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
                    return False
                number = exact(value)
                if case.integer and number != number.to_integral_value():
                    return False
                return meet(case, Numbers(False, number, False, number, False)) is not None
            case Strings():
                return isinstance(value, str) and case.minimum <= len(value) and (
                    case.maximum is None or len(value) <= case.maximum) and all(p.matches(value) for p in case.patterns)
            case Arrays():
                return isinstance(value, (list, tuple)) and case.minimum <= len(value) and (
                    case.maximum is None or len(value) <= case.maximum) and all(
                    self.admits(case.item(i), item) for i, item in enumerate(value))
            case Objects():
                return isinstance(value, Mapping) and case.minimum <= len(value) and (
                    case.maximum is None or len(value) <= case.maximum) and all(
                    name in value for name in case.required) and all(
                    self.admits(case.member(name), member) for name, member in value.items())


def _weight(case: Case) -> int:
    """What it costs to intersect a case."""
    return 1 + len(case.properties) if isinstance(case, Objects) else 1

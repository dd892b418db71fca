"""Schemas in normal form: a *shape* is a union of typed *cases*, closed under intersection.

A case speaks of one JSON type only. Sub-schemas stay unresolved inside a case, as a *conjunction* of places in the
document (all of them have to hold; none at all means anything goes), so intersecting two objects is linear in their
properties, recursion needs no special care, and the same conjunction at two places is one thing.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from trellis.schema.patterns import Pattern
from trellis.schema.resolve import Place

Conjunction = tuple[Place, ...]
NEVER: Conjunction = (Place(False, ""),)


class Literals(NamedTuple):
    """Some values, of any types (null and the booleans are written so as well). Equality is JSON's: 1 is 1.0."""

    values: tuple[Any, ...]
    pointer: str = ""


class Numbers(NamedTuple):
    """Numbers between two bounds (None: no bound), or only the integers among them; multiples of all of some numbers
    and of none of some others."""

    integer: bool = False
    minimum: Decimal | None = None
    minimum_open: bool = False
    maximum: Decimal | None = None
    maximum_open: bool = False
    pointer: str = ""
    multiples: tuple[Decimal, ...] = ()
    unlike: tuple[Decimal, ...] = ()


class Strings(NamedTuple):
    """Strings of a length in code points (None: no bound), in which every one of the patterns is found and no
    forbidden one, and which are none of the excluded words."""

    minimum: int = 0
    maximum: int | None = None
    patterns: tuple[Pattern, ...] = ()
    pointer: str = ""
    forbidden: tuple[Pattern, ...] = ()
    excluded: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether a string is one of these."""
        return self.minimum <= len(text) and (self.maximum is None or len(text) <= self.maximum) and all(
            pattern.matches(text) for pattern in self.patterns) and text not in self.excluded and not any(
            pattern.matches(text) for pattern in self.forbidden)


class Contains(NamedTuple):
    """From an index on, how many items satisfy a conjunction (None: no bound)."""

    wanted: Conjunction
    minimum: int = 1
    maximum: int | None = None
    start: int = 0


class Arrays(NamedTuple):
    """Arrays: the first items by position, all others alike, how many there are, how many of a kind, and whether all
    differ."""

    prefix: tuple[Conjunction, ...] = ()
    items: Conjunction = ()
    minimum: int = 0
    maximum: int | None = None
    pointer: str = ""
    contains: tuple[Contains, ...] = ()
    unique: bool = False

    def item(self, index: int) -> Conjunction:
        """What the item at an index has to be."""
        return self.prefix[index] if index < len(self.prefix) else self.items


Rule = tuple[Strings, Conjunction]  # names, and what the values under them have to be


class Clause(NamedTuple):
    """At least one of these holds: a property is there and has a value, one among some names does, or a property is
    not there."""

    values: tuple[tuple[str, Conjunction], ...] = ()
    rules: tuple[Rule, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many ways there are to satisfy it."""
        return len(self.values) + len(self.rules) + len(self.absent)


class Objects(NamedTuple):
    """Objects: properties by name, rules for all other names, the names that must be there, and how many there are.

    Attributes:
        some: of each of these clauses something holds.
        implied: pairs of names; when the first is there, so must be the second.
    """

    properties: Mapping[str, Conjunction] = {}
    required: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    pointer: str = ""
    some: tuple[Clause, ...] = ()
    implied: tuple[tuple[str, str], ...] = ()

    def member(self, name: str) -> Conjunction:
        """What the value under a name has to be."""
        known = self.properties.get(name)
        if known is not None:
            return known
        value: Conjunction = ()
        for names, inner in self.rules:
            if names.has(name):
                value = both(value, inner)
        return value


Case = Literals | Numbers | Strings | Arrays | Objects
Shape = tuple[Case, ...]

NULL = Literals((None,))
BOOLEANS = Literals((True, False))
ANY_NAME = Strings()
#: Each type's case without any restriction.
UNRESTRICTED: dict[str, Case] = {
    "null": NULL, "boolean": BOOLEANS, "integer": Numbers(integer=True), "number": Numbers(), "string": Strings(),
    "array": Arrays(), "object": Objects(),
}
ANY: Shape = tuple(case for name, case in UNRESTRICTED.items() if name != "integer")


def absent(name: str) -> Shape:
    """What has no property of this name."""
    return (*(case for case in ANY if not isinstance(case, Objects)), Objects({name: NEVER}))


def both(left: Conjunction, right: Conjunction) -> Conjunction:
    """The conjunction of two conjunctions; what is in both stands once."""
    if not right or left == right:
        return left
    if not left:
        return right
    known = set(key_of(left))
    return left + tuple(place for place in right if place.key not in known)


def key_of(conjunction: Conjunction) -> tuple[int, ...]:
    """What makes two conjunctions the same, while their document is alive."""
    return tuple([~id(schema) if negated else id(schema) for schema, _, negated in conjunction])


def is_never(conjunction: Conjunction) -> bool:
    """Whether it is plain that nothing satisfies a conjunction (not every such case is found)."""
    if len(conjunction) == 1:
        return conjunction[0].schema is False
    return any(place.schema is False for place in conjunction)


def meet(left: Case, right: Case) -> Case | None:
    """What two cases other than literals have in common, or None when that is nothing for certain."""
    match left, right:
        case Numbers(), Numbers():
            return _meet_numbers(left, right)
        case Strings(), Strings():
            patterns = joined(left.patterns, right.patterns)
            strings = Strings(max(left.minimum, right.minimum), _least(left.maximum, right.maximum), patterns,
                              left.pointer if left.patterns else right.pointer, joined(left.forbidden, right.forbidden),
                              joined(left.excluded, right.excluded))
            contradiction = bool(strings.forbidden) and not set(patterns).isdisjoint(strings.forbidden)
            return None if contradiction or _crossed(strings.minimum, strings.maximum) else strings
        case Arrays(), Arrays():
            positions = range(max(len(left.prefix), len(right.prefix)))
            return settled_arrays(Arrays(
                tuple(both(left.item(i), right.item(i)) for i in positions), both(left.items, right.items),
                max(left.minimum, right.minimum), _least(left.maximum, right.maximum), left.pointer or right.pointer,
                joined(left.contains, right.contains, _contains_key), left.unique or right.unique))
        case Objects(), Objects():
            return settled_objects(Objects(
                _meet_properties(left, right),
                joined(left.required, right.required), joined(left.rules, right.rules, _rule_key),
                max(left.minimum, right.minimum), _least(left.maximum, right.maximum), left.pointer or right.pointer,
                joined(left.some, right.some, _clause_key), joined(left.implied, right.implied)))
    return None


def _meet_properties(left: Objects, right: Objects) -> dict[str, Conjunction]:
    met = dict(left.properties)
    if right.rules:
        for name, value in left.properties.items():
            if name not in right.properties:
                met[name] = both(value, right.member(name))
    for name, value in right.properties.items():
        known = left.properties.get(name)
        met[name] = both(left.member(name) if known is None else known, value)
    return met


def apart(left: Objects, right: Objects) -> bool:
    """Whether two cases of objects have certainly nothing in common: ``meet`` would be None."""
    required = {*left.required, *right.required}
    highest = _least(left.maximum, right.maximum)
    if highest is not None and highest < max(left.minimum, right.minimum, len(required)):
        return True
    for name in required:
        for values in (left.member(name), right.member(name)):
            if values and is_never(values):
                return True
    return False


def settled_arrays(arrays: Arrays) -> Arrays | None:
    """Arrays whose number of items says what their forbidden positions mean; None when there are none for certain."""
    for index, item in enumerate((*arrays.prefix, arrays.items)):
        if is_never(item) and (arrays.maximum is None or index < arrays.maximum):
            arrays = arrays._replace(maximum=index, prefix=arrays.prefix[:index])
            break
    return None if _crossed(arrays.minimum, arrays.maximum) else arrays


def settled_objects(objects: Objects) -> Objects | None:
    """Objects, or None when there are none for certain. A clause that has one way left says so in plain words."""
    while True:
        if objects.maximum is not None and objects.maximum < max(objects.minimum, len(objects.required)):
            return None
        if any(is_never(objects.member(name)) for name in objects.required):
            return None
        if not objects.some:
            return objects
        clauses = [left for clause in objects.some if (left := _open(clause, objects)) is not None]
        if any(clause.size == 0 for clause in clauses):
            return None
        plain = next((clause for clause in clauses if _is_plain(clause)), None)
        if plain is None:
            return objects._replace(some=tuple(clauses))
        objects = _said(plain, objects._replace(some=tuple(clause for clause in clauses if clause is not plain)))


def _open(clause: Clause, objects: Objects) -> Clause | None:
    """What is open of a clause among some objects; None when it holds."""
    values, absent = [], []
    for name in clause.absent:
        if name not in objects.required:
            if is_never(objects.member(name)):
                return None
            absent.append(name)
    for name, wanted in clause.values:
        member = key_of(objects.member(name))
        if name in objects.required and set(member).issuperset(key_of(wanted)):
            return None
        if not is_never(wanted) and not is_never(objects.member(name)) and not any(
                ~key in member for key in key_of(wanted)):
            values.append((name, wanted))
    rules = tuple(rule for rule in clause.rules if not is_never(rule[1]))
    return clause._replace(values=tuple(values), rules=rules, absent=tuple(absent))


def _is_plain(clause: Clause) -> bool:
    """Whether a clause says no more than what a property has to be, or that it is there or not."""
    if clause.rules or not clause.size:
        return False
    return clause.size == 1 or (clause.size == 2 and clause.absent == tuple(name for name, _ in clause.values))


def _said(clause: Clause, objects: Objects) -> Objects:
    """Objects of which a plain clause holds."""
    if not clause.values:
        return objects._replace(properties={**objects.properties, clause.absent[0]: NEVER})
    [(name, wanted)] = clause.values
    objects = objects._replace(properties={**objects.properties, name: both(objects.member(name), wanted)})
    return objects if clause.absent else objects._replace(required=joined(objects.required, (name,)))


def joined(left: tuple[Any, ...], right: tuple[Any, ...],
           key: Callable[[Any], Any] | None = None) -> tuple[Any, ...]:
    """Both, in this order, what is in both once."""
    if not right or not left:
        return left or right
    return tuple({thing if key is None else key(thing): thing for thing in left + right}.values())


def _rule_key(rule: Rule) -> Any:
    return rule[0]._replace(pointer=""), key_of(rule[1])


def _clause_key(clause: Clause) -> Any:
    return (tuple((name, key_of(wanted)) for name, wanted in clause.values), tuple(map(_rule_key, clause.rules)),
            clause.absent)


def _contains_key(contains: Contains) -> Any:
    return key_of(contains.wanted), contains[1:]


def _crossed(minimum: int, maximum: int | None) -> bool:
    return maximum is not None and maximum < minimum


def _least(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else min(left, right)


def _meet_numbers(left: Numbers, right: Numbers) -> Numbers | None:
    # Of two bounds the tighter one; where they are equal, the open one is.
    lows = [(it.minimum, it.minimum_open) for it in (left, right) if it.minimum is not None]
    highs = [(it.maximum, not it.maximum_open) for it in (left, right) if it.maximum is not None]
    low, low_open = max(lows) if lows else (None, False)
    high, closed = min(highs) if highs else (None, True)
    numbers = Numbers(left.integer or right.integer, low, low_open, high, not closed, left.pointer or right.pointer,
                      joined(left.multiples, right.multiples), joined(left.unlike, right.unlike))
    return None if no_number(numbers) else numbers


def integer_bounds(numbers: Numbers) -> tuple[int | None, int | None]:
    """The least and the greatest integer within the bounds (None: no bound)."""
    low = high = None
    if numbers.minimum is not None:
        low = int(numbers.minimum.to_integral_value("ROUND_CEILING"))
        low += numbers.minimum_open and low == numbers.minimum
    if numbers.maximum is not None:
        high = int(numbers.maximum.to_integral_value("ROUND_FLOOR"))
        high -= numbers.maximum_open and high == numbers.maximum
    return low, high


def no_number(numbers: Numbers) -> bool:
    """Whether it is certain that there is no such number."""
    if numbers.unlike and any(is_multiple(multiple, other) for other in numbers.unlike
                              for multiple in (*numbers.multiples, *([Decimal(1)] if numbers.integer else []))):
        return True
    if numbers.minimum is None or numbers.maximum is None:
        return False
    if numbers.integer:
        low, high = integer_bounds(numbers)
        return low is not None and high is not None and low > high
    if numbers.minimum == numbers.maximum:
        return numbers.minimum_open or numbers.maximum_open
    return numbers.minimum > numbers.maximum


def is_multiple(number: Decimal, other: Decimal) -> bool:
    """Whether a number is a multiple of another; both of any size."""
    (above, below), (times, parts) = number.as_integer_ratio(), other.as_integer_ratio()
    return above * parts % (times * below) == 0


def exact(value: int | float | Decimal) -> Decimal:
    """A JSON number as written: a float means its shortest spelling, so 0.1 is one tenth."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def same(left: Any, right: Any) -> bool:
    """JSON's equality: numbers by value, true is not 1, objects without order."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float, Decimal)) and isinstance(right, (int, float, Decimal)):
        return exact(left) == exact(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values without those that JSON's equality calls the same."""
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(identity(value), value)
    return tuple(found.values())


def identity(value: Any) -> Any:
    """Something hashable that two values share exactly when they are the ``same``.

    Raises:
        ValueError: there is something in it that is no JSON: NaN, an infinity, a name that is no string.
    """
    if value is None or isinstance(value, (bool, str)):
        return type(value), value
    if isinstance(value, (int, float, Decimal)):
        number = exact(value)
        if not number.is_finite():
            raise ValueError(f"{number} is no JSON value")
        return Decimal, number
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise ValueError(f"{reprlib.repr(value)} is no JSON value: names must be strings")
        return Mapping, frozenset((name, identity(member)) for name, member in value.items())
    if isinstance(value, (list, tuple)):
        return list, tuple(map(identity, value))
    return None, id(value)  # no JSON value; refused when it is spelled

"""What a case leaves out: of each type, what is not one of its values, as other cases of that type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from trellis.schema.formats import counterpart
from trellis.schema.patterns import Pattern
from trellis.schema.resolve import Place, negate
from trellis.schema.shapes import (
    ANY_NAME,
    NEVER,
    Arrays,
    Case,
    Clause,
    Conjunction,
    Contains,
    Literals,
    Numbers,
    Objects,
    Strings,
    both,
    exact,
    meet,
    settled_arrays,
    settled_objects,
)

ONE = Decimal(1)


def type_of(case: Case) -> type | None:
    """What makes two cases speak of the same type; None for literals, which may be of any."""
    return None if isinstance(case, Literals) else type(case)


def outside(case: Case, together: bool) -> list[Case] | None:
    """The values of a case's type that it leaves out; None where the algebra has no cases for them.

    Args:
        together: whether the ways in which objects can fail become one case, instead of one each.
    """
    match case:
        case Numbers():
            return _numbers(case)
        case Strings():
            return list(strings_outside(case))
        case Arrays():
            return _arrays(case)
        case Objects():
            return _objects(case, together)
    raise AssertionError("literals are left out value by value")


def without(case: Case, value: Any) -> list[Case]:
    """A case other than literals less one value of its type, for scalars."""
    match case:
        case Numbers():
            number = exact(value)
            parts = (case._replace(maximum=number, maximum_open=True), case._replace(minimum=number, minimum_open=True))
            inside = (case.minimum is None or case.minimum <= number) and (
                case.maximum is None or number <= case.maximum)
            return list(parts) if inside else [case]
        case Strings():
            return [case._replace(excluded=(*case.excluded, value))] if case.has(value) else [case]
    return [case]


def spelled_out(value: Any) -> Case:
    """An array or object that is given whole, as a case. (The schemas in it are new: keep the case.)"""
    if isinstance(value, Mapping):
        return Objects({name: (Place({"const": member}, ""),) for name, member in value.items()}, tuple(value),
                       ((ANY_NAME, NEVER),))
    return Arrays(tuple((Place({"const": item}, ""),) for item in value), (), len(value), len(value))


def _numbers(case: Numbers) -> list[Case]:
    found: list[Case] = []
    if case.minimum is not None:
        found.append(Numbers(maximum=case.minimum, maximum_open=not case.minimum_open, pointer=case.pointer))
    if case.maximum is not None:
        found.append(Numbers(minimum=case.maximum, minimum_open=not case.maximum_open, pointer=case.pointer))
    if case.integer:
        found.append(Numbers(unlike=(ONE,), pointer=case.pointer))
    found += [Numbers(unlike=(multiple,), pointer=case.pointer) for multiple in case.multiples]
    found += [Numbers(integer=multiple == ONE, multiples=() if multiple == ONE else (multiple,), pointer=case.pointer)
              for multiple in case.unlike]
    return found


def strings_outside(case: Strings, other: Callable[[Pattern], Pattern] = counterpart) -> list[Strings | Literals]:
    """The strings that a case leaves out.

    Args:
        other: what stands for a pattern on the other side.
    """
    found: list[Strings | Literals] = []
    if case.minimum > 0:
        found.append(Strings(maximum=case.minimum - 1, pointer=case.pointer))
    if case.maximum is not None:
        found.append(Strings(case.maximum + 1, pointer=case.pointer))
    found += [Strings(forbidden=(other(pattern),), pointer=case.pointer) for pattern in case.patterns]
    found += [Strings(patterns=(other(pattern),), pointer=case.pointer) for pattern in case.forbidden]
    if case.excluded:
        found.append(Literals(case.excluded, case.pointer))
    return found


def on_other_side(strings: Strings) -> Strings:
    """What stands for some strings on the other side of a ``not``: formats are taken wider or narrower there."""
    return strings._replace(patterns=tuple(map(counterpart, strings.patterns)),
                            forbidden=tuple(map(counterpart, strings.forbidden)))


def _arrays(case: Arrays) -> list[Case] | None:
    if case.unique:
        return None
    found: list[Arrays | None] = []
    if case.minimum > 0:
        found.append(settled_arrays(case_of(maximum=case.minimum - 1)))
    if case.maximum is not None:
        found.append(settled_arrays(case_of(minimum=case.maximum + 1)))
    for index, item in enumerate(case.prefix):
        found += [settled_arrays(case_of((*((),) * index, (negate(place),)), minimum=index + 1)) for place in item]
    start = len(case.prefix)
    found += [case_of(contains=(Contains((negate(place),), start=start),), minimum=start + 1) for place in case.items]
    for contains in case.contains:
        if contains.minimum > 0:
            found.append(case_of(contains=(contains._replace(minimum=0, maximum=contains.minimum - 1),)))
        if contains.maximum is not None:
            found.append(case_of(contains=(contains._replace(minimum=contains.maximum + 1, maximum=None),)))
    return [arrays for arrays in found if arrays is not None]


def case_of(prefix: tuple[Any, ...] = (), minimum: int = 0, maximum: int | None = None,
            contains: tuple[Contains, ...] = ()) -> Arrays:
    """Arrays of which only this is known."""
    return Arrays(prefix, (), minimum, maximum, "", contains)


def _objects(case: Objects, together: bool) -> list[Case] | None:
    found: list[Objects | None] = []
    if case.minimum > 0:
        found.append(settled_objects(Objects(maximum=case.minimum - 1)))
    if case.maximum is not None:
        found.append(Objects(minimum=case.maximum + 1))
    for clause in case.some:
        if any(len(value) > 1 for _, value in (*clause.values, *clause.rules)):
            return None
        found.append(_none_of(clause))
    found += [Objects({name: (), other: NEVER}, (name,)) for name, other in case.implied]
    listed = tuple(case.properties)
    failed = Clause(
        tuple((name, (negate(place),)) for name, value in case.properties.items() for place in value),
        tuple((on_other_side(names)._replace(excluded=(*names.excluded, *listed)), (negate(place),))
              for names, value in case.rules for place in value), case.required)
    ways = [failed] if together else [
        *(Clause(absent=(name,)) for name in failed.absent), *(Clause((value,)) for value in failed.values),
        *(Clause((), (rule,)) for rule in failed.rules)]
    found += [settled_objects(Objects(some=(way,), minimum=0 if way.absent else 1)) for way in ways]
    return [objects for objects in found if objects is not None]


def _none_of(clause: Clause) -> Objects | None:
    """Objects of which nothing holds that a clause asks for."""
    properties: dict[str, Conjunction] = {}
    for name, value in clause.values:
        properties[name] = both(properties.get(name, ()), _opposite(value))
    found: Case | None = Objects(properties, clause.absent)
    for names, value in clause.rules:  # what a rule leaves out is written out, so that only others are in its reach
        rule = Objects(dict.fromkeys(names.excluded, ()),
                       rules=((on_other_side(names)._replace(excluded=()), _opposite(value)),))
        found = found and meet(found, rule)
    return settled_objects(found) if isinstance(found, Objects) else None


def _opposite(value: Conjunction) -> Conjunction:
    return (negate(value[0]),) if value else NEVER

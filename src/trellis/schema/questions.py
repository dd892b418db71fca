"""Questions about shapes: whether a value has one, whether two of them certainly share no value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis.schema.complement import on_other_side
from trellis.schema.languages import is_empty
from trellis.schema.resolve import negate
from trellis.schema.shapes import (
    Arrays,
    Case,
    Clause,
    Conjunction,
    Literals,
    Numbers,
    Objects,
    Shape,
    Strings,
    apart,
    exact,
    identity,
    is_multiple,
    is_never,
    key_of,
    meet,
    same,
)

if TYPE_CHECKING:
    from trellis.schema.algebra import Algebra


class Circular(Exception):
    """A shape was asked for while it was being made."""


class Questions:
    """What can be asked of shapes while they are made.

    Args:
        algebra: what joins them.
        known: the shape of a conjunction.
        relaxing: whether shapes may hold more than what is valid.
    """

    def __init__(self, algebra: Algebra, known: Callable[[Conjunction], Shape], relaxing: Callable[[], bool]) -> None:
        self.algebra, self.known, self.relaxing = algebra, known, relaxing
        self._looking = False
        self._literals: dict[tuple[int, ...], frozenset[Any] | None] = {}

    def disjoint(self, left: Shape, right: Shape, depth: int = 3) -> bool:
        """Whether it is certain that no value has both shapes."""
        self.algebra.spend(left, right)
        return all(self.disjoint_cases(one, other, depth) for one in left for other in right)

    def disjoint_cases(self, left: Case, right: Case, depth: int) -> bool:
        """Whether it is certain that no value is of both cases."""
        if isinstance(left, Literals) or isinstance(right, Literals):
            return self.algebra.meet_cases(left, right) is None
        if isinstance(left, Objects) and isinstance(right, Objects):
            return self._apart(left, right, depth)
        common = meet(left, right)
        if common is None:
            return True
        match common:
            case Strings():
                return len(common.patterns) + len(common.forbidden) > 1 and is_empty(common)
            case Arrays() if depth and isinstance(left, Arrays) and isinstance(right, Arrays):
                certain = range(min(common.minimum, len(common.prefix) + 1))
                return any(self._parted(left.item(i), right.item(i), depth) for i in certain)
        return False

    def _apart(self, left: Objects, right: Objects, depth: int) -> bool:
        if apart(left, right):
            return True
        if depth == 0:
            return False
        for name in {*left.required, *right.required}:
            one, other = left.member(name), right.member(name)
            if one and other and self._parted(one, other, depth):
                return True
        return False

    def _parted(self, left: Conjunction, right: Conjunction, depth: int) -> bool:
        if is_never(left) or is_never(right):
            return True
        if not left or not right:
            return False
        try:
            return self.disjoint(self.known(left), self.known(right), depth - 1)
        except Circular:  # not known yet, so not certain
            return False

    def told_apart(self, left: Case, right: Case) -> bool:
        """Whether a property that one of them must have is among other literal values in the other one."""
        if self._looking or not (isinstance(left, Objects) and isinstance(right, Objects)):
            return False
        for name in {*left.required, *right.required}:
            one, other = left.member(name), right.member(name)
            if one and other:
                few = self._few(one)
                if few is not None and (many := self._few(other)) is not None and few.isdisjoint(many):
                    return True
        return False

    def _few(self, conjunction: Conjunction) -> frozenset[Any] | None:
        """What tells the values of a conjunction from others, where these are a few literals."""
        key = key_of(conjunction)
        if key not in self._literals:
            self._looking = True
            try:
                shape = self.known(conjunction)
            except Circular:
                return None
            finally:
                self._looking = False
            values = [value for case in shape if isinstance(case, Literals) for value in case.values]
            few = len(values) <= 50 and all(isinstance(case, Literals) for case in shape)
            self._literals[key] = frozenset(map(identity, values)) if few else None
        return self._literals[key]

    def not_barren(self, cases: list[Case]) -> list[Case]:
        """Cases without those in which a property has to be there and has certainly no value."""
        if self._looking:  # one level down is enough
            return cases
        self._looking = True
        try:
            return [case for case in cases if not (isinstance(case, Objects) and self._barren(case))]
        finally:
            self._looking = False

    def _barren(self, objects: Objects) -> bool:
        for name in objects.required:
            value = objects.member(name)
            try:
                if len(value) > 1 and not self.known(value):
                    return True
            except Circular:  # not known yet
                continue
        return False

    def admits(self, conjunction: Conjunction, value: Any, perhaps: bool = False) -> bool:
        """Whether a value satisfies a conjunction.

        Args:
            perhaps: whether a format that masks take narrower than it is may be there: for what ``not`` leaves over.
        """
        # Place by place: the shape of the conjunction itself may be what is being made.
        for place in conjunction:
            other_side = place.negated and not self.relaxing()
            positive = negate(place) if other_side else place
            found = any(self.admits_case(case, value, perhaps is not other_side) for case in self.known((positive,)))
            if found is other_side:
                return False
        return True

    def is_of(self, case: Case, value: Any) -> bool:
        """Whether a value is of the type that a case other than literals speaks of."""
        match case:
            case Numbers():
                return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
            case Strings():
                return isinstance(value, str)
            case Arrays():
                return isinstance(value, (list, tuple))
            case Objects():
                return not isinstance(value, str) and isinstance(value, Mapping)  # strings are told at once
        raise AssertionError("literals are of any type")

    def admits_case(self, case: Case, value: Any, perhaps: bool = False) -> bool:
        """Whether a value is one of a case's; ``perhaps`` as in ``admits``."""
        if isinstance(case, Literals):
            return any(same(value, other) for other in case.values)
        if not self.is_of(case, value):
            return False
        match case:
            case Numbers():
                number = exact(value)
                if case.integer and number != number.to_integral_value():
                    return False
                return meet(case, Numbers(False, number, False, number, False)) is not None and all(
                    is_multiple(number, other) for other in case.multiples) and not any(
                    is_multiple(number, other) for other in case.unlike)
            case Strings():
                return (on_other_side(case) if perhaps else case).has(value)
            case Arrays():
                return case.minimum <= len(value) and (case.maximum is None or len(value) <= case.maximum) and all(
                    self.admits(case.item(i), item, perhaps) for i, item in enumerate(value)) and self._counts(
                    case, value, perhaps)
            case Objects():
                if perhaps and case.rules:
                    case = case._replace(rules=tuple((on_other_side(names), inner) for names, inner in case.rules))
                return case.minimum <= len(value) and (
                    case.maximum is None or len(value) <= case.maximum) and all(
                    name in value for name in case.required) and not any(
                    name in value and other not in value for name, other in case.implied) and all(
                    self.admits(case.member(name), member, perhaps) for name, member in value.items()) and all(
                    self._holds(clause, value, perhaps) for clause in case.some)
        raise AssertionError("there are no other cases")

    def _holds(self, clause: Clause, value: Mapping[str, Any], perhaps: bool) -> bool:
        """Whether an object satisfies a clause."""
        return any(name not in value for name in clause.absent) or any(
            name in value and self.admits(inner, value[name], perhaps) for name, inner in clause.values) or any(
            (on_other_side(names) if perhaps else names).has(name) and self.admits(inner, member, perhaps)
            for names, inner in clause.rules for name, member in value.items())

    def _counts(self, arrays: Arrays, value: Any, perhaps: bool) -> bool:
        """Whether contains and uniqueItems hold."""
        for contains in arrays.contains:
            items = value[contains.start :]
            if sum(self.admits(contains.wanted, item, perhaps) for item in items) < contains.minimum:
                return False
            if contains.maximum is not None and sum(
                    self.admits(contains.wanted, item, not perhaps) for item in items) > contains.maximum:
                return False
        return not arrays.unique or len(set(map(identity, value))) == len(value)

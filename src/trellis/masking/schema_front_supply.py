"""How many values there are, at least: whether arrays whose items have to differ can always be filled."""

from __future__ import annotations

from decimal import Decimal
from math import ceil, floor, prod
from typing import NamedTuple

from trellis.errors import LimitError
from trellis.masking.schema_front_emptiness import Emptiness
from trellis.schema import clock
from trellis.schema.languages import automaton, number_of_words
from trellis.schema.normal import Normalizer
from trellis.schema.shapes import (
    ANY_NAME,
    Arrays,
    Case,
    Conjunction,
    Literals,
    Numbers,
    Objects,
    Strings,
    both,
    exact,
    identity,
    is_multiple,
    key_of,
)

ENDLESS = 1 << 40  # and all that are more than anybody asks for
MAX_TRIED = 20_000  # integers that are tried one by one


class Number(NamedTuple):
    """How many values there are: so many, or at least so many."""

    values: int
    is_exact: bool = True


class Supply:
    """Counts the values of conjunctions; only asked where arrays must have several items that differ."""

    def __init__(self, normal: Normalizer) -> None:
        self.normal = normal
        self._emptiness = Emptiness(normal)
        self._known: dict[tuple[int, ...], Number] = {}

    def of(self, conjunction: Conjunction) -> Number:
        """How many values satisfy a conjunction."""
        key = key_of(conjunction)
        if key not in self._known:
            self._known[key] = Number(0, False)  # a recursion adds nothing to what is certain
            clock.spend()
            self._known[key] = self._of_cases([*filter(self._has_value, self.normal.shape(conjunction))])
        return self._known[key]

    def rivals(self, arrays: Arrays, index: int) -> int:
        """How many items before one may have a value that it can have."""
        shape = self.normal.shape(arrays.item(index))
        listed = len(arrays.prefix)
        may_share = [not self.normal.algebra.questions.disjoint(self.normal.shape(item), shape)
                     for item in (*arrays.prefix[:index], *([arrays.items] if index > listed else []))]
        return sum(may_share[:listed]) + (max(index - listed, 0) if index > listed and may_share[-1] else 0)

    def _has_value(self, case: Case) -> bool:
        return not self._emptiness.barren(case) and not self._emptiness.lacks(self._emptiness.needed(case))

    def _of_cases(self, cases: list[Case]) -> Number:
        literals = {identity(value) for case in cases if isinstance(case, Literals) for value in case.values}
        others: dict[type, list[Number]] = {}
        for case in cases:
            if not isinstance(case, Literals):
                others.setdefault(type(case), []).append(self._of_case(case))
        if not others:
            return Number(len(literals))
        # Cases of one type, and literals beside them, may have values in common.
        values = sum(max(numbers).values for numbers in others.values())
        only = next(iter(others.values()))[0]
        is_single = not literals and len(others) == 1 and len(next(iter(others.values()))) == 1
        return Number(min(max(values, len(literals)), ENDLESS), is_single and only.is_exact)

    def _of_case(self, case: Case) -> Number:
        match case:
            case Numbers():
                return _numbers(case)
            case Strings():
                return _strings(case)
            case Arrays():
                return self._arrays(case)
            case Objects():
                return self._objects(case)
        raise AssertionError("literals are counted together")

    def _arrays(self, arrays: Arrays) -> Number:
        if arrays.contains:
            return Number(1, False)
        if arrays.maximum is None and not arrays.unique:
            return Number(ENDLESS) if self.of(arrays.items).values else Number(1, False)
        last = len(arrays.prefix) + 1 + arrays.minimum if arrays.maximum is None else arrays.maximum
        total, ways = 0, 1
        for length in range(min(last, 1_000) + 1):
            total += ways if length >= arrays.minimum else 0
            ways *= max(self.of(arrays.item(length)).values - (length if arrays.unique else 0), 0)
            if not ways or total >= ENDLESS:
                break
        return Number(min(max(total, 1), ENDLESS), False)

    def _objects(self, objects: Objects) -> Number:
        anything_else = any(names._replace(pointer="", excluded=()) == ANY_NAME and self.of(value).values
                            for names, value in objects.rules) or not objects.rules
        if anything_else and (objects.maximum is None or (
                not objects.some and not objects.implied and max(objects.minimum, len(objects.required))
                < objects.maximum)):
            return Number(ENDLESS)
        asked = {name for clause in objects.some for name in (*clause.absent, *(name for name, _ in clause.values))}
        if any(clause.rules for clause in objects.some):
            asked |= set(objects.required)
        ways = prod(self.of(objects.member(name)).values for name in objects.required if name not in asked)
        free = not objects.some and not objects.implied and objects.maximum is None and (
            objects.minimum <= len(objects.required))
        if free:
            ways *= prod(1 + self.of(value).values for name, value in objects.properties.items()
                         if name not in objects.required)
        return Number(min(max(ways, 1), ENDLESS), False)


def enough(arrays: Arrays, supply: Supply) -> bool | None:
    """Whether such arrays, with items that differ, can be filled whatever their first items are; None when that is
    not known, False when there are none at all."""
    positions = [*range(min(arrays.minimum, len(arrays.prefix))), arrays.minimum - 1]
    short = [found for i in positions if i > 0 and (found := supply.of(arrays.item(i))).values <= i
             and found.values <= supply.rivals(arrays, i)]
    if short:
        return False if not arrays.prefix and all(found.is_exact for found in short) else None
    for contains in arrays.contains:
        kinds = [supply.of(both(contains.wanted, item)) for item in (*arrays.prefix, arrays.items)]
        if all(found.values >= ENDLESS for found in kinds):
            continue
        only = len(kinds) == len(arrays.contains) == 1 and contains.start == 0
        if only and kinds[0].is_exact and kinds[0].values < contains.minimum:
            return False
        finite = arrays.minimum > 1 and any(supply.of(item).values < ENDLESS for item in (*arrays.prefix, arrays.items))
        if not only or kinds[0].values < contains.minimum or finite:
            return None
    return True


def _strings(strings: Strings) -> Number:
    if not strings.patterns and not strings.forbidden:
        if strings.maximum is None:
            return Number(ENDLESS)
        if strings.maximum > 0:
            return Number(1_000_000 - len(strings.excluded), False)
    try:
        found = automaton(strings)
        return Number(0 if found is None else min(number_of_words(found), ENDLESS))
    except LimitError as error:
        if clock.is_over(error):
            raise
        return Number(1, False)


def _numbers(numbers: Numbers) -> Number:
    if numbers.minimum is None or numbers.maximum is None:
        return Number(ENDLESS) if len(numbers.multiples) + len(numbers.unlike) < 2 else Number(ENDLESS, False)
    if numbers.minimum == numbers.maximum:
        return Number(1)
    if not numbers.integer:
        if not numbers.multiples:
            return Number(ENDLESS)
        if len(numbers.multiples) > 1 or numbers.unlike:
            return Number(1, False)
        step = numbers.multiples[0]
        return Number(_between(numbers, step))
    number = _between(numbers, Decimal(1))
    if not numbers.multiples and not numbers.unlike:
        return Number(min(number, ENDLESS))
    first = ceil(numbers.minimum)
    tried = range(first, first + min(number + 2, MAX_TRIED))
    fitting = sum(_fits(numbers, Decimal(value)) for value in tried)
    return Number(fitting, number + 2 <= MAX_TRIED)


def _between(numbers: Numbers, step: Decimal) -> int:
    """How many multiples of a step lie between the bounds."""
    assert numbers.minimum is not None
    assert numbers.maximum is not None
    low, high = exact(numbers.minimum) / step, exact(numbers.maximum) / step
    first = floor(low) + 1 if numbers.minimum_open else ceil(low)
    last = ceil(high) - 1 if numbers.maximum_open else floor(high)
    return max(last - first + 1, 0)


def _fits(numbers: Numbers, value: Decimal) -> bool:
    assert numbers.minimum is not None
    assert numbers.maximum is not None
    low = value > numbers.minimum if numbers.minimum_open else value >= numbers.minimum
    high = value < numbers.maximum if numbers.maximum_open else value <= numbers.maximum
    return low and high and all(is_multiple(value, other) for other in numbers.multiples) and not any(
        is_multiple(value, other) for other in numbers.unlike)

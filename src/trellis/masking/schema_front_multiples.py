"""Multiples of numbers as automata over their digits: what is left over so far, and how it stands to the bounds.

Numbers are spelled in fixed notation, an integer part and maybe a fraction. A state knows the remainder of what was
read by the least common multiple of all divisors, scaled to whole numbers; and for either bound whether the digits so
far are below, equal to or above its own. Remainders that the same digits complete are one: those by a hundred are
few, as those by its powers are, since only the last digits matter to twos and fives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from trellis.errors import LimitError
from trellis.masking import schema_front_numbers as fixed
from trellis.masking.schema_front_automata import terminal_of
from trellis.masking.schema_front_strings import spelled
from trellis.masking.terminals import alternate, regex_set, text
from trellis.schema import clock
from trellis.schema.patterns import Automaton, Ranges
from trellis.schema.shapes import Numbers, integer_bounds, is_multiple, meet

TINY = Decimal("0.0001")  # what is smaller is spelled with an exponent
MAX_LISTED = 500  # integers that are written out
MAX_STATES = 20_000
MAX_REMAINDERS = 5_000
FEW_REMAINDERS = 100
MAX_KNOWN = 50_000  # remainders
MAX_SHIFTS = 100  # ways in which digits can follow that are looked at to find remainders alike


class _At(NamedTuple):
    """How far a number without its sign was read."""

    part: int  # digits behind the point so far, -1 before it
    remainder: int
    digits: int  # before the point, at most one more than a bound has
    low: int  # the digits so far against those of the bound: -1 below, 0 equal, 1 above
    high: int
    zero: bool  # whether all digits are zeros


@lru_cache(maxsize=1024)
def terminal(numbers: Numbers) -> bytes | None:
    """The terminal of the numbers of a case with multiples, or None when there are none.

    Raises:
        LimitError: the divisors have no small common multiple.
    """
    low, high = integer_bounds(numbers)
    step = _step(numbers)
    if numbers.integer and low is not None and high is not None and (high - low) // step <= MAX_LISTED * 100:
        listed = [value for value in range(low + -low % step, high + 1, step)
                  if all(is_multiple(Decimal(value), other) for other in numbers.multiples)
                  and not any(is_multiple(Decimal(value), other) for other in numbers.unlike)]
        if len(listed) <= MAX_LISTED:
            words = sorted((b"%d" % value for value in listed), key=len, reverse=True)  # greedy readers take the first
            return regex_set(alternate(*map(text, words))) if words else None
    found = _Digits(numbers).automaton()
    return None if found is None else terminal_of(found, spelled)


def tiny(numbers: Numbers) -> list[bytes]:
    """Regex codes of numbers that are multiples of none because they are smaller, in any notation."""
    if numbers.multiples or numbers.integer or not numbers.unlike or min(numbers.unlike) < TINY:
        return []
    plain = numbers._replace(unlike=(), pointer="")
    parts = (Numbers(False, Decimal(0), True, TINY, True), Numbers(False, -TINY, True, Decimal(0), True))
    met = [meet(plain, part) for part in parts]
    return [code for part in met if isinstance(part, Numbers) and (code := fixed.code(part)) is not None]


def _step(numbers: Numbers) -> int:
    return math.lcm(1, *(int(other) for other in numbers.multiples if other == other.to_integral_value()))


class _Digits:
    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        every = (*numbers.multiples, *numbers.unlike)
        self.places = max(0, *(-int(other.as_tuple().exponent) for other in every))
        self.divisors = [int(other.scaleb(self.places)) for other in numbers.multiples]
        self.others = [int(other.scaleb(self.places)) for other in numbers.unlike]
        self.modulus = math.lcm(1, *self.divisors, *self.others)
        ending = 0  # so many digits at the end decide about twos and fives
        while math.gcd(self.modulus, 10**ending) != math.gcd(self.modulus, 10 ** (ending + 1)):
            ending += 1
        self.odd = self.modulus // math.gcd(self.modulus, 10**ending)
        last = math.gcd(self.modulus, 10**ending)
        self.before_last = last // math.gcd(last, 10)  # what twos and fives ask of the digits before the last one
        if self.odd * (self.before_last if self.others else 1) > MAX_REMAINDERS:
            raise self._too_many()
        self.shifts = [] if self.others else [self._shift(digits, zeros) for digits in range(ending)
                                              for zeros in range(self.places + 1)]
        self._alike: dict[Any, int] = {}
        self._known: dict[int, int] = {}
        self.longest = 0 if numbers.integer else fixed.FRACTION_DIGITS if not self.divisors else max(self.places, 1)

    def remainder(self, of: int) -> int:
        """The remainder of a number: one for all that the same digits make multiples."""
        of %= self.modulus
        if self.modulus <= FEW_REMAINDERS or not (self.others or 0 < len(self.shifts) <= MAX_SHIFTS):
            return of
        known = self._known.get(of)
        if known is None:
            if len(self._known) == MAX_KNOWN:
                raise self._too_many()
            if self.others:
                now = [of * 10**zeros % divisor == 0 for divisor in (*self.divisors, *self.others)
                       for zeros in range(self.places + 1)]
                known = self._known[of] = self._alike.setdefault(
                    (of % self.odd, of % self.before_last, tuple(now)), of)
                return known
            needs = []  # what more digits have to be to make a multiple
            for factor, shared, inverse, rest, end in self.shifts:
                missing = -of * factor % self.modulus
                need = -1 if missing % shared else missing // shared * inverse % rest
                needs.append(need if need < end else -1)
            known = self._known[of] = self._alike.setdefault((of % self.odd, tuple(needs)), of)
        return known

    def _shift(self, digits: int, zeros: int) -> tuple[int, int, int, int, int]:
        """What finds the digits that make a multiple, where so many follow and then so many zeros."""
        shared = math.gcd(self.modulus, 10**zeros)
        rest = self.modulus // shared
        return 10 ** (digits + zeros), shared, pow(10**zeros // shared, -1, rest), rest, 10**digits

    def _too_many(self) -> LimitError:
        return LimitError(f"masks cannot enforce multiples that recur only every {self.modulus}th time",
                          limit="remainders")

    def automaton(self) -> Automaton | None:
        """The automaton of all these numbers, with their signs; None when there are none."""
        rows: list[dict[int, list[int]]] = [{}]
        accepting: set[int] = set()
        for negative in (False, True):
            bounds = self._bounds(negative)
            if bounds is not None:
                self._walk(rows, accepting, negative, *bounds)
        return _trimmed(rows, accepting)

    def _bounds(self, negative: bool) -> tuple[_Bound | None, _Bound | None] | None:
        """The bounds of the absolute value, or None when there is no number of this sign."""
        it = self.numbers
        low = None if it.minimum is None else (it.minimum, it.minimum_open)
        high = None if it.maximum is None else (it.maximum, it.maximum_open)
        if negative:
            low, high = (None if high is None else (-high[0], high[1])), (None if low is None else (-low[0], low[1]))
        if high is not None and high[0] < 0:
            return None
        return (None if low is None or low[0] < 0 else _Bound(*low)), (None if high is None else _Bound(*high))

    def _walk(self, rows: list[dict[int, list[int]]], accepting: set[int], negative: bool, low: _Bound | None,
              high: _Bound | None) -> None:
        numbers: dict[_At, int] = {}
        work: list[_At] = []

        def number(at: _At) -> int:
            known = numbers.get(at)
            if known is None:
                known = numbers[at] = len(rows)
                rows.append({})
                work.append(at)
                if len(rows) > MAX_STATES:
                    raise LimitError(f"multiples between these bounds need more than {MAX_STATES} states",
                                     limit="states")
            return known

        start = 0
        if negative:
            start = len(rows)
            rows.append({})
            rows[0].setdefault(start, []).append(ord("-"))
        for digit in range(10):
            first = _At(-1, self.remainder(digit), 1, _compared(low, digit, 0, 0), _compared(high, digit, 0, 0),
                        digit == 0)
            rows[start].setdefault(number(first), []).append(0x30 + digit)
        most = max(len(bound.whole) for bound in (low, high, _Bound(Decimal(0), False)) if bound is not None) + 1
        for at in work:  # grows
            clock.spend(3)
            row = rows[numbers[at]]
            for byte, after in self._after(at, low, high, most):
                row.setdefault(number(after), []).append(byte)
            if self._ends(at, negative, low, high):
                accepting.add(numbers[at])

    def _after(self, at: _At, low: _Bound | None, high: _Bound | None, most: int) -> Iterator[tuple[int, _At]]:
        if at.part < 0:
            if at.digits > 1 or not at.zero:  # no leading zeros
                for digit in range(10):
                    yield 0x30 + digit, _At(-1, self.remainder(at.remainder * 10 + digit), min(at.digits + 1, most),
                                            at.low or _compared(low, digit, at.digits, 0),
                                            at.high or _compared(high, digit, at.digits, 0), False)
            if self.longest:
                yield ord("."), at._replace(part=0, digits=0, low=_settled(low, at.digits, at.low),
                                            high=_settled(high, at.digits, at.high))
        elif at.part < self.longest:
            for digit in range(10):
                inside = at.part < self.places
                if not inside and digit and self.divisors:
                    continue
                remainder = at.remainder
                if inside and at.remainder >= 0:
                    remainder = self.remainder(at.remainder * 10 + digit)
                if not inside and digit:
                    remainder = -1  # a multiple of none
                yield 0x30 + digit, _At(at.part + 1, remainder, 0, at.low or _behind(low, digit, at.part),
                                        at.high or _behind(high, digit, at.part), at.zero and digit == 0)

    def _ends(self, at: _At, negative: bool, low: _Bound | None, high: _Bound | None) -> bool:
        if at.part == 0 or (at.zero and negative):
            return False
        below = _settled(low, at.digits, at.low) if at.part < 0 else at.low
        above = _settled(high, at.digits, at.high) if at.part < 0 else at.high
        if low is not None and (below or _rest(low, at.part)) < (1 if low.is_open else 0):
            return False
        if high is not None and (above or _rest(high, at.part)) > (-1 if high.is_open else 0):
            return False
        if at.remainder < 0:
            return not self.divisors
        value = at.remainder * 10 ** max(self.places - max(at.part, 0), 0) % self.modulus
        return all(value % divisor == 0 for divisor in self.divisors) and not any(
            value % other == 0 for other in self.others)


class _Bound:
    """The digits of a bound that is not below zero."""

    def __init__(self, value: Decimal, is_open: bool) -> None:
        self.whole, _, behind = format(abs(value), "f").partition(".")
        self.behind, self.is_open = behind.rstrip("0"), is_open


def _compared(bound: _Bound | None, digit: int, index: int, known: int) -> int:
    """A digit before the point against the bound's."""
    if bound is None or index >= len(bound.whole):
        return known
    return (digit > int(bound.whole[index])) - (digit < int(bound.whole[index]))


def _settled(bound: _Bound | None, digits: int, so_far: int) -> int:
    """How the integer part stands to the bound's: the longer one is greater."""
    if bound is None:
        return 0
    return (digits > len(bound.whole)) - (digits < len(bound.whole)) or so_far


def _behind(bound: _Bound | None, digit: int, index: int) -> int:
    if bound is None:
        return 0
    other = int(bound.behind[index]) if index < len(bound.behind) else 0
    return (digit > other) - (digit < other)


def _rest(bound: _Bound, part: int) -> int:
    """How a number that is equal so far stands to the bound when it ends here."""
    return -1 if len(bound.behind) > max(part, 0) else 0


def _trimmed(rows: list[dict[int, list[int]]], accepting: set[int]) -> Automaton | None:
    back: list[list[int]] = [[] for _ in rows]
    for source, row in enumerate(rows):
        for target in row:
            back[target].append(source)
    good, work = set(accepting), list(accepting)
    while work:
        for source in back[work.pop()]:
            if source not in good:
                good.add(source)
                work.append(source)
    if 0 not in good:
        return None
    numbers = {state: i for i, state in enumerate(state for state in range(len(rows)) if state in good)}
    edges = tuple(tuple((_ranges(digits), numbers[target]) for target, digits in rows[state].items() if target in good)
                  for state in numbers)
    return Automaton(edges, frozenset(numbers[state] for state in accepting))


def _ranges(values: list[int]) -> Ranges:
    return tuple((value, value) for value in sorted(values))

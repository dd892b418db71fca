"""JSON numbers between bounds, as regular expressions over their digits.

Bounds are decimals of any size and compared as written, digit by digit. An integer is spelled as an integer (never
``1.0``, never ``-0``). A bounded number is spelled in fixed notation with at most 20 digits behind the point, or as
Python and JavaScript spell what is very small or very large: one digit, a fraction, and an exponent; so each double
between the bounds has its usual spelling.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from functools import lru_cache

from trellis.masking.terminals import alternate, byte_range, concat, empty, repeat, text
from trellis.schema.shapes import Numbers, integer_bounds

FRACTION_DIGITS = 20
_SMALL = range(-324, -4)  # exponents that json.dumps writes
_LARGE = range(16, 309)
_LEAST_DOUBLE = Decimal("3e-324")  # anything from here on reads as a double above zero
_GREATEST_DOUBLE = Decimal("1.7976931348623157e308")
_EXACT_DOUBLES = 2**53

DIGIT = byte_range(0x30, 0x39)
_NONZERO = byte_range(0x31, 0x39)
_ZERO = text(b"0")
_MINUS = repeat(text(b"-"), 0, 1)
_NATURAL = alternate(_ZERO, concat(_NONZERO, repeat(DIGIT, 0, None)))
_TO_299 = alternate(repeat(DIGIT, 1, 2), concat(byte_range(0x31, 0x32), DIGIT, DIGIT))
_EXPONENT = concat(alternate(text(b"e"), text(b"E")), alternate(
    concat(repeat(text(b"+"), 0, 1), alternate(_TO_299, concat(text(b"30"), byte_range(0x30, 0x38)))),
    concat(text(b"-"), alternate(_TO_299, concat(text(b"3"), byte_range(0x30, 0x31), DIGIT),
                                 concat(text(b"32"), byte_range(0x30, 0x34))))))
INTEGER = alternate(_ZERO, concat(_MINUS, _NONZERO, repeat(DIGIT, 0, None)))
NUMBER = concat(_MINUS, _NATURAL, repeat(concat(text(b"."), repeat(DIGIT, 1, None)), 0, 1), repeat(_EXPONENT, 0, 1))


def code(numbers: Numbers) -> bytes | None:
    """The regex code of the numbers of a case, or None when there are none."""
    return _code(numbers._replace(pointer=""))


@lru_cache(maxsize=4096)
def _code(numbers: Numbers) -> bytes | None:
    if numbers.minimum is None and numbers.maximum is None:
        return INTEGER if numbers.integer else NUMBER
    if numbers.integer:
        return _either(_integers(*integer_bounds(numbers)))
    low, low_open = _settled(numbers.minimum, numbers.minimum_open, math.inf)
    high, high_open = _settled(numbers.maximum, numbers.maximum_open, -math.inf)
    parts: list[bytes] = []
    if high is None or high > 0 or (high == 0 and not high_open):
        start = (Decimal(0), False) if low is None or low < 0 else (low, low_open)
        parts += _unsigned(*start, high, high_open)
    if low is None or low < 0:
        start = (Decimal(0), True) if high is None or high >= 0 else (high.copy_negate(), high_open)
        below = _either(_unsigned(*start, None if low is None else low.copy_negate(), low_open))
        parts += [concat(text(b"-"), below)] if below else []
    return _either(parts)


def _either(parts: list[bytes]) -> bytes | None:
    return alternate(*parts) if parts else None


def _settled(bound: Decimal | None, is_open: bool, inward: float) -> tuple[Decimal | None, bool]:
    """An open bound as the next double's closed bound, so that no decimal between them is read as the bound itself.

    Zero stays open (fixed notation has too few digits to get down to the least double), and so do bounds beyond 2**53.
    """
    if bound is None or not is_open or bound == 0 or abs(bound) >= _EXACT_DOUBLES:
        return bound, is_open
    double = float(bound)
    if (Decimal(repr(double)) - bound) * (1 if inward > 0 else -1) <= 0:
        double = math.nextafter(double, inward)
    return Decimal(repr(double)), False


# Integers -------------------------------------------------------------------------------------------------------------

def _integers(low: int | None, high: int | None) -> list[bytes]:
    parts: list[bytes] = []
    if high is None or high >= 0:
        parts += naturals(max(low or 0, 0), high)
    if low is None or low < 0:
        negative = naturals(1 if high is None or high >= 0 else -high, None if low is None else -low)
        parts += [concat(text(b"-"), alternate(*negative))] if negative else []
    return parts


def naturals(low: int, high: int | None) -> list[bytes]:
    """Codes for the integers from ``low`` (at least 0) to ``high``, without leading zeros."""
    if high is not None and low > high:
        return []
    first = _digits(low)
    if high is None:
        return [_same_length(first, "9" * len(first)), concat(_NONZERO, repeat(DIGIT, len(first), None))]
    last = _digits(high)
    if len(first) == len(last):
        return [_same_length(first, last)]
    parts = [_same_length(first, "9" * len(first)), _same_length("1" + "0" * (len(last) - 1), last)]
    if len(last) - len(first) > 1:
        parts.insert(1, concat(_NONZERO, repeat(DIGIT, len(first), len(last) - 2)))
    return parts


def _digits(number: int) -> str:
    return format(Decimal(number), "f")  # str() refuses integers of more than 4,300 digits


def _same_length(low: str, high: str) -> bytes:
    """Strings of digits from ``low`` to ``high``, all of their length."""
    shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=True)) if a != b), len(low))
    prefix = text(low[:shared].encode())
    if shared == len(low):
        return prefix
    rest = len(low) - shared - 1
    first, last = int(low[shared]), int(high[shared])
    options: list[bytes] = []
    if low[shared + 1 :].strip("0"):
        options.append(concat(text(low[shared].encode()), _from(low[shared + 1 :])))
        first += 1
    if high[shared + 1 :].strip("9"):
        options.append(concat(text(high[shared].encode()), _up_to(high[shared + 1 :])))
        last -= 1
    if first <= last:
        options.append(concat(byte_range(0x30 + first, 0x30 + last), _any_digits(rest)))
    return concat(prefix, alternate(*options))


def _from(low: str) -> bytes:
    """Strings of as many digits that are not below ``low``."""
    low, zeros = low.rstrip("0"), len(low) - len(low.rstrip("0"))
    tail = _any_digits(zeros)
    for i in range(len(low) - 1, -1, -1):
        digit = int(low[i])
        options = [concat(text(low[i].encode()), tail)]
        if digit < 9:
            options.append(concat(byte_range(0x31 + digit, 0x39), _any_digits(len(low) + zeros - i - 1)))
        tail = alternate(*options)
    return tail


def _up_to(high: str) -> bytes:
    """Strings of as many digits that are not above ``high``."""
    high, nines = high.rstrip("9"), len(high) - len(high.rstrip("9"))
    tail = _any_digits(nines)
    for i in range(len(high) - 1, -1, -1):
        digit = int(high[i])
        options = [concat(text(high[i].encode()), tail)]
        if digit > 0:
            options.append(concat(byte_range(0x30, 0x2F + digit), _any_digits(len(high) + nines - i - 1)))
        tail = alternate(*options)
    return tail


def _any_digits(count: int) -> bytes:
    return repeat(DIGIT, count, count) if count else empty()


# Numbers --------------------------------------------------------------------------------------------------------------

def _unsigned(low: Decimal, low_open: bool, high: Decimal | None, high_open: bool) -> list[bytes]:
    """Codes for what lies between two bounds that are not below zero."""
    if high is not None and (low > high or (low == high and (low_open or high_open))):
        return []
    return _fixed(low, low_open, high, high_open) + _scientific(low, low_open, high, high_open)


def _fixed(low: Decimal, low_open: bool, high: Decimal | None, high_open: bool) -> list[bytes]:
    """Fixed notation: an integer, and maybe a point and digits."""
    low, low_open = _shortened(low, low_open, upward=True)
    whole, below = _parts(low)
    top, above = None, ""
    if high is not None:
        high, high_open = _shortened(high, high_open, upward=False)
        top, above = _parts(high)
        if low > high or (low == high and (low_open or high_open)):
            return []
    if whole == top:
        return _with_fraction(text(_digits(whole).encode()), _Fraction(below, low_open, above, high_open))
    parts = _with_fraction(text(_digits(whole).encode()), _Fraction(below, low_open, None, False))
    between = naturals(whole + 1, None if top is None else top - 1)
    if between:
        parts += _with_fraction(alternate(*between), _Fraction("", False, None, False))
    if top is not None:
        parts += _with_fraction(text(_digits(top).encode()), _Fraction("", False, above, high_open))
    return parts


def _shortened(bound: Decimal, is_open: bool, upward: bool) -> tuple[Decimal, bool]:
    """A bound with no more digits behind the point than fixed notation has here: the next such number inwards."""
    if int(bound.as_tuple().exponent) >= -FRACTION_DIGITS:
        return bound, is_open
    with localcontext() as context:
        context.prec = len(bound.as_tuple().digits) + FRACTION_DIGITS + 2
        rounding = ROUND_CEILING if upward else ROUND_FLOOR
        return bound.quantize(Decimal(1).scaleb(-FRACTION_DIGITS), rounding), False


def _moved(bound: Decimal, places: int) -> Decimal:
    """A number with its point moved to the left: exact, as Decimal's own arithmetic is not."""
    sign, digits, exponent = bound.as_tuple()
    return Decimal((sign, digits, int(exponent) - places))


def _parts(bound: Decimal) -> tuple[int, str]:
    """The integer part, and the digits behind the point without zeros at the end."""
    whole, _, digits = format(bound, "f").partition(".")
    return int(Decimal(whole)), digits.rstrip("0")


def _with_fraction(whole: bytes, fraction: _Fraction) -> list[bytes]:
    digits = fraction.digits(0, True, True)
    behind = [concat(text(b"."), digits)] if digits is not None else []
    if fraction.may_stop(0, True, True):
        return [concat(whole, repeat(behind[0], 0, 1)) if behind else whole]
    return [concat(whole, behind[0])] if behind else []


class _Fraction:
    """Digits behind the point between two bounds (strings of digits without zeros at the end; no bound: None above)."""

    def __init__(self, low: str, low_open: bool, high: str | None, high_open: bool) -> None:
        self.low, self.low_open, self.high, self.high_open = low, low_open, high, high_open

    def may_stop(self, i: int, at_low: bool, at_high: bool) -> bool:
        """Whether the number may end after ``i`` digits that are still those of the lower or the upper bound."""
        if at_low and (len(self.low) > i or self.low_open):
            return False
        return not (at_high and self.high is not None and self.high_open and len(self.high) <= i)

    def digits(self, i: int, at_low: bool, at_high: bool) -> bytes | None:
        """The code of one digit or more from position ``i`` on; None when there is no such string."""
        at_high = at_high and self.high is not None
        if at_low and i >= len(self.low) and not self.low_open:
            at_low = False
        if i == FRACTION_DIGITS:
            return None
        if not at_low and not at_high:
            return repeat(DIGIT, 1, FRACTION_DIGITS - i)
        first = int(self.low[i]) if at_low and i < len(self.low) else 0
        last = 9
        if at_high and self.high is not None:
            last = int(self.high[i]) if i < len(self.high) else 0
        if first > last:
            return None
        options: list[bytes] = []
        edges = dict.fromkeys((*([first] if at_low else []), *([last] if at_high else [])))
        for digit in edges:
            low, high = at_low and digit == first, at_high and digit == last
            tail = self.digits(i + 1, low, high)
            stop = self.may_stop(i + 1, low, high)
            lead = text(b"%d" % digit)
            if tail is not None:
                options.append(concat(lead, repeat(tail, 0, 1) if stop else tail))
            elif stop:
                options.append(lead)
        inner = [digit for digit in range(first, last + 1) if digit not in edges]
        if inner:
            rest = FRACTION_DIGITS - i - 1
            lead = byte_range(0x30 + inner[0], 0x30 + inner[-1])
            options.append(concat(lead, repeat(DIGIT, 0, rest)) if rest else lead)
        return alternate(*options) if options else None


def _scientific(low: Decimal, low_open: bool, high: Decimal | None, high_open: bool) -> list[bytes]:
    """One digit other than zero, maybe a fraction, and an exponent, where fixed notation is not the usual one."""
    if low < _LEAST_DOUBLE:
        low, low_open = _LEAST_DOUBLE, False
    if high is None or high > _GREATEST_DOUBLE:
        high, high_open = _GREATEST_DOUBLE, False
    if high < low:
        return []
    parts: list[bytes] = []
    bottom, top = low.adjusted(), high.adjusted()
    full_from = bottom if low == Decimal((0, (1,), bottom)) and not low_open else bottom + 1
    for exponents in (_SMALL, _LARGE):
        first, last = max(full_from, exponents[0]), min(top - 1, exponents[-1])
        if first <= last:
            mantissa = _with_fraction(_NONZERO, _Fraction("", False, None, False))
            parts.append(concat(*mantissa, _exponents(first, last)))
        for exponent in dict.fromkeys((bottom, top)):
            if exponent in exponents and not first <= exponent <= last:
                floor, floor_open = (_moved(low, exponent), low_open) if exponent == bottom else (Decimal(1), False)
                roof, roof_open = (_moved(high, exponent), high_open) if exponent == top else (Decimal(10), True)
                if floor < roof or (floor == roof and not floor_open and not roof_open):
                    mantissas = _fixed(floor, floor_open, roof, roof_open)
                    parts += [concat(alternate(*mantissas), _exponents(exponent, exponent))] if mantissas else []
    return parts


def _exponents(first: int, last: int) -> bytes:
    """``e-324`` to ``e-05`` (or ``e-5``), ``e+16`` (or ``e16``) to ``e+308``."""
    small, large = (-last, -first) if last < 0 else (first, last)
    options: list[bytes] = []
    if small < 10:
        options.append(concat(repeat(_ZERO, 0, 1), *naturals(small, min(large, 9))))
    options += naturals(max(small, 10), large)
    return concat(text(b"e-") if last < 0 else concat(text(b"e"), repeat(text(b"+"), 0, 1)), alternate(*options))

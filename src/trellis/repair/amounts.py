"""Numbers and booleans as people write them: ``$1,234.50``, ``1/5``, ``two million``, ``5 kg``."""

from __future__ import annotations

import re
from fractions import Fraction
from unicodedata import decimal

_NUMBER = re.compile(
    r"\s*[$€£¥]?\s*([+-]?)[$€£¥]?\s*(\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?\s*%?\s*"
)
_COMMA = re.compile(
    r"\s*[$€£¥]?\s*([+-]?(?:\d{1,3}(?:[.'\u2019 \u00a0\u202f]\d{3})+|\d+)),(\d{1,2}|(?<=(?<!\d)0,)\d+)\s*[$€£¥%]?\s*"
)
_SPACED = re.compile(r"\s*([+-]?)(\d{1,3}(?:[ '\u2019\u00a0\u202f]\d{3})+)(\.\d+)?\s*")
_GROUPING = re.compile(r"[^\d+-]")
_FRACTION = re.compile(r"\s*([+-]?)(?:(\d{1,9})\s+)?(\d{1,9})\s*/\s*(\d{1,9})\s*")
_SCORE = re.compile(r"\s*(\d{1,9}(?:\.\d+)?)\s*(?:/|\b(?:out )?of\b|von|sur|de)\s*(\d{1,9})\s*")
_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*(?:%|percent|per cent)\s*")
_SCALED = re.compile(r"\s*[$€£¥]?\s*([+-]?\d[\d,]*(?:\.\d+)?)\s*([A-Za-z]{1,8})\.?\s*")
_UNIT = re.compile(r"\s*(\S*\d)\s*(?:[^\W\d_]|[°%$€£¥])[\w°/²³%]{0,11}\.?\s*")
_CURRENCY = re.compile(r"\s*[A-Z]{3}\s*(\d.*)|(.*\d)\s*[A-Z]{3}\s*", re.S)
_ABOUT = re.compile(
    r"(?i)\s*(?:[=~\u2248\u223c\u7ea6\u7d04]|\u5927\u7ea6|about|around|approx(?:\.|imately)?|ca?\.|circa"
    r"|roughly|etwa|rund|environ)\s*(\S*\d\S*)\s*"
)
_COUNTED = re.compile(r"\s*([$€£¥]?[+-]?\d[\d,.]*)\s+([^\W\d_]+(?:[ /-][^\W\d_]+){0,3})\.?\s*")
_FIRST = re.compile(r"\s*[,;:.!(\u2013\u2014]|\s+-\s")
_MISREAD = re.compile(r"\S*\d[OoIl|]+")  # a digit that was read as a letter, rather than a unit
_ALONE = re.compile(r"(?<![\w.,/:-])[$€£¥]?[+-]?\d+(?:[,_]\d{3})*(?:\.\d+)?%?(?![\w/:-]|[.,]\d)")
_MARKED = re.compile(r"\s*(?P<mark>\*{1,3}|_{1,3}|`{1,3}|~~|\"|')(?P<inner>[^*_`~\"'\s][^*`~\"]*?)(?P=mark)\s*")
_ENDED = re.compile(r"\s*(\d[\d,_]*(?:\.\d+)?)[.;]\s*|\s*\(\s*([^()]*\d)\s*\)\s*")  # 105.44. and (7)
_REMARK = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|[*\u2020\u2021]+)\s*\Z")
_WORDS = re.compile(r"[a-z]+(?:[\s-]+[a-z]+){0,9}")
_SMALL_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_SMALL = {word: value for value, word in enumerate(_SMALL_WORDS)}
_TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {word: 10 * at for at, word in enumerate(_TENS_WORDS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_SHORT = {**_SCALES, "k": 1000, "dozen": 12, "mn": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000}
_UNCLEAR = frozenset({"m", "b", "g", "t", "mm", "x", "e"})  # millions, metres, minutes?
_TRUTH = re.compile(r"(?i)\b(true|false)\b|\A\W*(yes|no)\b(?=\W|\Z)")
_DENIAL = re.compile(r"(?i)\b(?:not|never|neither|nor|cannot|either)\b|n't\b")


def unmarked(text: str) -> str:
    """A text without the Markdown marks around the whole of it, and a number without a full stop or parentheses."""
    match = _MARKED.fullmatch(text)
    text = match["inner"] if match else text
    ended = _ENDED.fullmatch(text)
    return (ended[1] or ended[2]) if ended else text


def without_remark(text: str) -> str:
    """A text without a remark behind it: ``7 (estimated)``, ``7 [1]``, ``7 *``."""
    return _REMARK.sub("", text)


def ascii_digits(text: str) -> str:
    """A text with the decimal digits of other scripts as those of ASCII, which are the only ones in JSON."""
    if text.isascii():
        return text
    return "".join(str(decimal(letter)) if letter.isdecimal() else letter for letter in text)


def number_in(text: str, whole: bool) -> str | None:
    """The number that a text is, as JSON, or ``None``; only a whole one if ``whole``."""
    text = ascii_digits(text)
    comma = _COMMA.fullmatch(text)
    if comma is not None:  # 1.234,50 and 5,5: a comma before one or two digits is a decimal one
        text = _GROUPING.sub("", comma[1]) + "." + comma[2]
    grouped = _SPACED.fullmatch(text)
    if grouped is not None:  # 2 455, 64'474.27
        text = (grouped[1] or "") + _GROUPING.sub("", grouped[2]) + (grouped[3] or "")
    match = _NUMBER.fullmatch(text)
    if match and (match.group(2) or match.group(3)):
        sign, digits, fraction, exponent = match.groups()
        digits = (digits or "0").replace(",", "").replace("_", "").lstrip("0") or "0"
        fraction = fraction or ""
        if whole:
            if exponent or fraction.strip(".0"):
                return None
            fraction = ""
        return ("-" if sign == "-" else "") + digits + fraction + (exponent or "")
    value = _fraction(text)
    if value is None:
        value = _scaled(text)
    if value is None:
        value = _spelled(text)
    if value is None or (whole and value.denominator != 1):
        return None
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


def _fraction(text: str) -> Fraction | None:
    match = _FRACTION.fullmatch(text)
    if not match or not int(match.group(4)):
        return None
    value = int(match.group(2) or 0) + Fraction(int(match.group(3)), int(match.group(4)))
    return -value if match.group(1) == "-" else value


def _scaled(text: str) -> Fraction | None:
    """``2 million``, ``5k``."""
    match = _SCALED.fullmatch(text)
    scale = _SHORT.get(match.group(2).lower()) if match else None
    number = number_in(match.group(1), False) if match and scale else None
    return Fraction(number) * scale if number and scale else None


def _spelled(text: str) -> Fraction | None:
    """``twenty-one``, ``one hundred and five``."""
    plain = text.strip().lower()
    if not _WORDS.fullmatch(plain):
        return None
    total, part, before = 0, 0, ""
    words = [word for word in re.split(r"[\s-]+", plain) if word != "and"]
    for word in words:
        if word in _SMALL and before not in _SMALL and (before not in _TENS or 0 < _SMALL[word] < 10):
            part += _SMALL[word]
        elif word in _TENS and before not in _SMALL and before not in _TENS:
            part += _TENS[word]
        elif word == "hundred" and 0 < part < 100:
            part *= 100
        elif word in _SCALES and part and word != before:
            total, part = total + part * _SCALES[word], 0
        else:
            return None
        before = word
    return Fraction(total + part) if words else None


def number_with_unit(text: str, whole: bool) -> str | None:
    """The number before one unit (``5 kg``) or behind ``about``; ``None`` for letters that may scale it (``5M``)."""
    match = _ABOUT.fullmatch(text)
    if match is not None:
        return number_in(match[1], whole)
    match = _CURRENCY.fullmatch(text)
    if match is not None:
        return number_in(match[1] or match[2], whole)
    match = _UNIT.fullmatch(text)
    if not match or _MISREAD.fullmatch(text.strip()):
        return None
    if text.strip()[len(match.group(1)) :].strip(" .").lower() in _UNCLEAR:
        return None
    return number_in(match.group(1), whole)


def score_in(text: str, whole: bool) -> str | None:
    """The first number of ``4/5``, ``4 of 5``, ``4 out of 5``, if it is not above the second."""
    match = _SCORE.fullmatch(text)
    return number_in(match[1], whole) if match and float(match[1]) <= float(match[2]) else None


def share_in(text: str) -> str | None:
    """What a percentage is of one, as JSON: ``67%`` is 0.67."""
    match = _PERCENT.fullmatch(text)
    return None if match is None else repr(float(Fraction(match[1]) / 100))


def first_word(text: str) -> str:
    """The word before a comma, a dash or the like: ``yes, it is``."""
    return _FIRST.split(text, maxsplit=1)[0]


def number_first(text: str, whole: bool) -> str | None:
    """The number that a few words stand behind (``36 years old``), none of which is a number or a scale."""
    match = _COUNTED.fullmatch(text)
    if match is None or match[2].split()[0].casefold() in _UNCLEAR | set(_SHORT) | set(_SMALL) | {"to", "or", "and"}:
        return None
    return number_in(match[1], whole)


def number_within(text: str, whole: bool) -> str | None:
    """The only number in a sentence, or ``None``."""
    found = {number_in(match.group(), whole) for match in _ALONE.finditer(text[:2000])}
    return found.pop() if len(found) == 1 and len(text) <= 2000 else None


def boolean_within(text: str) -> str | None:
    """The only truth value in a sentence, as JSON, or ``None``."""
    if len(text) > 2000:
        return None
    found = {(match.group(1) or match.group(2)).lower() in ("true", "yes") for match in _TRUTH.finditer(text)}
    first = re.split(r"[.!?\n]|\\n", text, maxsplit=1)[0]
    if len(found) != 1 or _DENIAL.search(first):
        return None
    return "true" if found.pop() else "false"

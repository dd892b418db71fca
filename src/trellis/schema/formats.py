"""The ``format`` keyword as patterns: which strings have a format, written as regular expressions.

A format is enforced when a regular expression says exactly, or nearly, what its RFC says. ``email`` and ``idn-email``
are narrower (no quoted local parts, no address literals), and so is ``regex`` (groups five deep, no back-references,
lookbehind or names) and ``idn-hostname`` (``idn.py``); fractions of a second and numbers in durations have nine
digits at most. What ``not`` leaves over lacks a wider pattern, so that it never has such a format. Beside the formats
of JSON Schema there are those that pydantic writes for Python's types, and two of OpenAPI's registry for times without
a zone. A format that no specification knows is an annotation, like a keyword that none knows.
"""

from __future__ import annotations

from functools import lru_cache

from trellis.schema import idn
from trellis.schema.pattern_reader import parse
from trellis.schema.patterns import Pattern

_DIGITS, _LOWER = "0123456789", "abcdefghijklmnopqrstuvwxyz"

# Years from 0001, as in Python's datetime. A year is a leap year when it divides by 4, by 100 only if by 400.
_YEAR = r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})"
_LEAP = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = (rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
         rf"|02-(?:0[1-9]|1\d|2[0-8]))|{_LEAP}-02-29)")
_ANY_DATE = _DATE.replace(_YEAR, rf"(?:0000|{_YEAR})").replace(_LEAP, rf"(?:0000|{_LEAP})")
_CLOCK_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
_OFFSET = r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_TIME = rf"{_CLOCK_TIME}{_OFFSET}"
_ANY_CLOCK_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
_ANY_TIME = rf"{_ANY_CLOCK_TIME}{_OFFSET}"

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_HEX = "[0-9A-Fa-f]"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "(?:" + "|".join(
    [rf"(?:{_H16}:){{6}}{_LS32}", rf"::(?:{_H16}:){{5}}{_LS32}"]
    + [rf"(?:(?:{_H16}:){{0,{n}}}{_H16})?::" + (rf"(?:{_H16}:){{{4 - n}}}{_LS32}" if n < 5 else "") for n in range(5)]
    + [rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}", rf"(?:(?:{_H16}:){{0,6}}{_H16})?::"]) + ")"

_LONG_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"  # RFC 5321 counts no characters here
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

# RFC 3986, appendix A.
_PERCENT = r"%[0-9A-Fa-f]{2}"
_REG_NAME = rf"(?:[A-Za-z0-9._~!$&'()*+,;=-]|{_PERCENT})*"
_PCHAR = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{_PERCENT})"
_IP_LITERAL = rf"\[(?:{_IPV6}|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]"
_AUTHORITY = rf"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{_PERCENT})*@)?(?:{_IP_LITERAL}|{_REG_NAME})(?::\d*)?"
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
_ABSOLUTE_PATH = rf"/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
_NOT_COLON = rf"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{_PERCENT})"
_URI = (rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|{_ABSOLUTE_PATH}|{_PCHAR}+(?:/{_PCHAR}*)*|)"
        rf"{_TAIL}")
_RELATIVE = rf"(?://{_AUTHORITY}(?:/{_PCHAR}*)*|{_ABSOLUTE_PATH}|{_NOT_COLON}+(?:/{_PCHAR}*)*|){_TAIL}"

# RFC 3987, section 2.2: what RFC 3986 has, and other characters beside letters and digits.
_UCS = (r"\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
        + "".join(rf"\u{{{plane}0000}}-\u{{{plane}fffd}}" for plane in "123456789abcd") + r"\u{e1000}-\u{efffd}")
_PRIVATE = r"\ue000-\uf8ff\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}"


def _with_ucs(source: str) -> str:
    """The pattern of an IRI out of that of a URI: the classes of unreserved characters grow, but for IP addresses."""
    query = source.replace(rf"\?(?:{_PCHAR}|[/?])*", rf"\?(?:{_PCHAR}|[/?{_PRIVATE}])*")
    return query.replace("[A-Za-z0-9._~", f"[{_UCS}A-Za-z0-9._~").replace(
        _IP_LITERAL.replace("[A-Za-z0-9._~", f"[{_UCS}A-Za-z0-9._~"), _IP_LITERAL)


# RFC 6570, section 2.
_VARIABLE = rf"(?:[A-Za-z0-9_]|{_PERCENT})(?:\.?(?:[A-Za-z0-9_]|{_PERCENT}))*"
_EXPRESSION = (rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?::[1-9]\d{{0,3}}|\*)?(?:,{_VARIABLE}(?::[1-9]\d{{0,3}}|\*)?)*\}}")
_LITERALS = rf"[!#$&-;=?-\[\]_a-z~{_UCS}{_PRIVATE}]|{_PERCENT}"

# RFC 6531: atoms and parts of domains with letters of any script.
_UTF8_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+"
_UTF8_LABEL = r"[A-Za-z0-9\u0080-\u{10ffff}](?:[A-Za-z0-9\u0080-\u{10ffff}-]*[A-Za-z0-9\u0080-\u{10ffff}])?"

# RFC 3339, appendix A.
_N = r"\d{1,9}"
_CLOCK = rf"(?:T(?:{_N}H(?:{_N}M(?:{_N}S)?)?|{_N}M(?:{_N}S)?|{_N}S))"
_DURATION = rf"P(?:{_N}W|{_CLOCK}|(?:{_N}Y(?:{_N}M(?:{_N}D)?)?|{_N}M(?:{_N}D)?|{_N}D){_CLOCK}?)"


def _ordered(characters: str, joint: str) -> str:
    """Pairs of characters, the first of which does not come behind the second."""
    return "|".join(f"{one}{joint}[{one}-{characters[-1]}]" for one in characters)


def _regex(depth: int) -> str:
    """Regular expressions that ECMA-262 (with the flag u) and Python's ``re`` both take, with groups so deep.

    Left out are back-references, names, lookbehind, properties, and bounds and ranges that are unusual.
    """
    escape = (r"\\(?:[dDwWsStnrfv]|[\^$\\.*+?()\[\]{}|/]|x[0-9A-Fa-f]{2}"
              r"|u(?:[0-9A-CE-Fa-ce-f][0-9A-Fa-f]{3}|[dD][0-7][0-9A-Fa-f]{2}))")
    hexadecimal = "[0-9A-Fa-f]"
    ranges = "|".join([*(_ordered(it, "-") for it in (_DIGITS, _LOWER, _LOWER.upper())),
                       r"[ -,./:-@0-9]-[A-Za-z~]", "[A-Z]-[a-z~]",
                       *(rf"\\x{low}{hexadecimal}-\\x{high}{hexadecimal}" for low, high in (
                           ("0", "1"), ("[01]", "[2-7]"), ("[23]", "[4-7]"), ("[0-7]", "[8-9A-Fa-f]"))),
                       r"\\u00[0-9A-Fa-f]{2}-\\u(?:[1-9A-Fa-f][0-9A-Fa-f]{3}|0[1-9A-Fa-f][0-9A-Fa-f]{2})",
                       r"\\u4[eE]00-\\u9[fF][0-9A-Fa-f]{2}"])
    inner = rf"(?:(?:{ranges})-?|{escape}|\\-|[^\[\]\\^-])"
    characters = rf"\[\^?-?(?:{inner}+(?:-|\\0)?|-|\\0)\]"
    alike = "|".join(f"{tens}(?:{_ordered(_DIGITS, f',{tens}')})" for tens in range(1, 10))
    bounds = (rf"\{{(?:\d{{1,3}},?|{_ordered(_DIGITS, ',')}|\d,[1-9]\d{{1,2}}|[1-9]\d,[1-9]\d\d"
              rf"|(?:{'|'.join(f'{tens}[0-9],[{tens + 1}-9][0-9]' for tens in range(1, 9))}|{alike}))\}}")
    atom = rf"(?:[^\^$\\.*+?()\[\]{{}}|]|\.|{escape}|{characters}"
    often = rf"(?:(?:[*+?]|{bounds})\??)?"
    body = ahead = ""
    for level in range(depth + 1):
        group = rf"|\((?:\?:)?{body}\)" if level else ""
        look = rf"|\(\?[=!]{ahead}\)" if level > 1 else ""
        body = rf"(?:{atom}{group}){often}|[\^$|]|\\[bB]{look})*"
        ahead = body if level < 2 else ahead  # as deep as is usual there
    return body


#: Strings in base64 (RFC 4648), the encoding that ``contentEncoding`` names.
BASE64 = parse(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")._replace(source="base64")


def _host_label(longest: int) -> str:
    """A part of a host name (RFC 1123): letters, digits and inner hyphens, of which no two are third and fourth."""
    inner = r"[A-Za-z0-9-]"
    tail = rf"(?:{inner}{{0,{longest - 5}}}[A-Za-z0-9])"
    return (rf"[A-Za-z0-9](?:[A-Za-z0-9]|{inner}[A-Za-z0-9]"
            rf"|{inner}(?:[A-Za-z0-9]{inner}|-[A-Za-z0-9]){tail}|{inner}{inner}[A-Za-z0-9])?")


def _ipv4_networks() -> str:
    """Addresses whose bits behind the prefix are zeros."""
    found = [rf"{_IPV4}(?:/32)?", r"0\.0\.0\.0/0"]
    for prefix in range(1, 32):
        whole, bits = divmod(prefix - 1, 8)
        step = 2 ** (7 - bits)
        octet = "|".join(str(value) for value in range(0, 256, step)) if step > 1 else _OCTET
        found.append(rf"(?:{_OCTET}\.){{{whole}}}(?:{octet}){r'[.]0' * (3 - whole)}/{prefix}")
    return f"(?:{'|'.join(found)})"


def _ipv6_networks() -> str:
    """Addresses by themselves, and those whose last groups are left out as zeros."""
    found = ""
    lengths = [r"\d|[1-9]\d", r"1[6-9]|[2-9]\d", r"3[2-9]|[4-9]\d", r"4[89]|[5-9]\d", r"6[4-9]|[7-9]\d", r"[89]\d",
               r"9[6-9]"]
    for whole, length in reversed([*enumerate(lengths)]):  # from 16 for each group on
        ways = [rf"{':' if whole else '::'}/(?:{length}|1[01]\d|12[0-8])"]
        for bits in range(1, 16):
            digits = [_HEX] * (bits // 4)
            if bits % 4:
                step = 2 ** (4 - bits % 4)
                digits.append(f"[{''.join(sorted({it for n in range(0, 16, step) for it in f'{n:x}{n:X}'}))}]")
            digits += ["0"] * (4 - len(digits))
            group = "|".join("".join(digits[start:]) for start in range(4))  # zeros in front may be left out
            ways.append(f"(?:{group})::/{16 * whole + bits}")
        found = f"(?:{'|'.join(ways)}{f'|{_H16}:{found}' if found else ''})"
    return f"(?:{_IPV6}(?:/128)?|{found})"


_IPV4_INTERFACE = rf"{_IPV4}(?:/(?:3[0-2]|[12]?\d))?"
_IPV6_INTERFACE = rf"{_IPV6}(?:/(?:12[0-8]|1[01]\d|[1-9]?\d))?"

# ISO 8601 as pydantic reads and writes Python's timedelta, which has less than 10^9 days.
_SECONDS = r"(?:\d{1,9}(?:\.\d{1,9})?S)"
_LONG_TIME = rf"T(?:{_N}H(?:{_N}M)?{_SECONDS}?|{_N}M{_SECONDS}?|{_SECONDS})"
_LONG_DAYS = r"(?:\d{1,6}Y(?:\d{1,6}M)?(?:\d{1,8}D)?|\d{1,6}M(?:\d{1,8}D)?|\d{1,6}W|\d{1,9}D)"
_MANY_YEARS = (r"(?:1\d{6}|2[0-6]\d{5}|27[0-2]\d{4}|273[0-8]\d{3})Y(?:\d{1,3}D)?"
               rf"(?:T(?:\d\dH(?:\d\dM)?{_SECONDS}?|\d\dM{_SECONDS}?|{_SECONDS}))?").replace(r"\d\d", r"\d{1,2}")

_SOURCES = {
    "date": _DATE,
    "time": _TIME,
    "date-time": rf"{_DATE}[Tt]{_TIME}",
    "duration": _DURATION,
    "uuid": r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
    "email": rf"{_ATOM}(?:\.{_ATOM})*@{_LONG_LABEL}(?:\.{_LONG_LABEL})*",
    "hostname": "|".join(rf"{_host_label(longest)}(?:\.{_host_label(longest)}){{0,{253 // (longest + 1) - 1}}}"
                         for longest in (63, 30, 13)),
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "uri": _URI,
    "uri-reference": rf"(?:{_URI}|{_RELATIVE})",
    "iri": _with_ucs(_URI),
    "iri-reference": _with_ucs(rf"(?:{_URI}|{_RELATIVE})"),
    "uri-template": rf"(?:{_LITERALS}|{_EXPRESSION})*",
    "idn-email": rf"{_UTF8_ATOM}(?:\.{_UTF8_ATOM})*@{_UTF8_LABEL}(?:\.{_UTF8_LABEL})*",
    "regex": _regex(5),
    "date-time-local": rf"{_DATE}[Tt]{_CLOCK_TIME}",
    "time-local": _CLOCK_TIME,
    "iso8601-duration": rf"-?P(?:{_LONG_DAYS}(?:{_LONG_TIME})?|{_LONG_TIME}|{_MANY_YEARS})",
    "ipv4network": _ipv4_networks(),
    "ipv6network": _ipv6_networks(),
    "ipv4interface": _IPV4_INTERFACE,
    "ipv6interface": _IPV6_INTERFACE,
    "ipvanyaddress": f"(?:{_IPV4}|{_IPV6})",
    "ipvanynetwork": f"(?:{_ipv4_networks()}|{_ipv6_networks()})",
    "ipvanyinterface": f"(?:{_IPV4_INTERFACE}|{_IPV6_INTERFACE})",
    "base64": r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "base64url": r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?",
    **{f"uuid{version}": rf"{_HEX}{{8}}-{_HEX}{{4}}-{version}{_HEX}{{3}}-[89ABab]{_HEX}{{3}}-{_HEX}{{12}}"
       for version in range(1, 9)},
    "json-pointer": r"(?:/(?:[^/~]|~[01])*)*",
    "relative-json-pointer": r"(?:0|[1-9]\d*)(?:#|(?:/(?:[^/~]|~[01])*)*)",
}

#: Formats that masks enforce on strings.
ENFORCED = frozenset({*_SOURCES, "idn-hostname"})


#: Where masks take a format narrower than its specification, a pattern that no string with the format lacks: what
#: ``not`` leaves over has to lack this one. (Year 0 and leap seconds are no ``datetime`` of Python's.)
_WIDER = {
    "date": _ANY_DATE,
    "time": _ANY_TIME,
    "date-time": rf"{_ANY_DATE}[Tt ]{_ANY_TIME}",
    "date-time-local": rf"{_ANY_DATE}[Tt ]{_ANY_CLOCK_TIME}",
    "time-local": _ANY_CLOCK_TIME,
    "duration": _DURATION.replace(_N, r"\d+"),
    "iso8601-duration": r"[-+0-9Pp][\s\S]*",
    "email": r"[\s\S]*@[\s\S]*",
    "idn-email": r"[\s\S]*@[\s\S]*",
    "hostname": r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?",
    "idn-hostname": r"[A-Za-z0-9.\u0080-\u{10ffff}-]+",
    "regex": r"(?:[^*+?)][\s\S]*)?",
    **dict.fromkeys(("ipv4network", "ipv6network", "ipv4interface", "ipv6interface", "ipvanyaddress", "ipvanynetwork",
                     "ipvanyinterface"), "[A-Za-z0-9.:/%-]*"),
}


@lru_cache(maxsize=64)
def pattern_of(name: str) -> Pattern | None:
    """The pattern that the strings of a format have, or None for a format that is not known here."""
    source = idn.source(_host_label(63)) if name == "idn-hostname" else _SOURCES.get(name)
    if source is None:
        return None
    # Beside other patterns and lengths regular expressions have no groups: these take thousands of states.
    smaller = parse(f"^(?:{_regex(0)})$")._replace(source=name, format=name) if name == "regex" else None
    return parse(f"^(?:{source})$")._replace(source=name, format=name, smaller=smaller)


def counterpart(pattern: Pattern) -> Pattern:
    """What stands for a pattern on the other side of a ``not``: for a format that masks take narrower than it is a
    wider pattern, for that one the narrower one; each other pattern stands for itself."""
    return _counterpart(pattern.format, pattern.is_wider) or pattern if pattern.format else pattern


@lru_cache(maxsize=64)
def _counterpart(name: str, is_wider: bool) -> Pattern | None:
    if is_wider:
        return pattern_of(name)
    source = _WIDER.get(name)
    return None if source is None else parse(f"^(?:{source})$")._replace(source=name, format=name, is_wider=True)

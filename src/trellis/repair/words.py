"""Words and names as people write them: what stands for true, false and nothing, which of several names is meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

TRUE = frozenset({
    *("true", "yes", "y", "t", "on", "yep", "yup", "yeah", "sure", "correct", "affirmative", "enabled"),
    *("\u2713", "\u2714", "\u2705", "\u2611", "[x]"),
    *("wahr", "ja", "vrai", "oui", "verdadero", "s\u00ed", "vero", "sim", "verdadeiro", "\u0434\u0430"),
    *("\u662f", "\u771f", "\u5bf9", "\u306f\u3044", "\u6709\u308a", "\uc608", "\ub124"),
})
FALSE = frozenset({
    *("false", "no", "n", "f", "off", "nope", "nah", "incorrect", "negative", "disabled"),
    *("\u2717", "\u2718", "\u2716", "\u274c", "\u2610", "[ ]"),
    *("falsch", "nein", "faux", "non", "falso", "n\u00e3o", "\u043d\u0435\u0442"),
    *("\u5426", "\u5047", "\u4e0d", "\u3044\u3044\u3048", "\uc544\ub2c8\uc694", "\uc544\ub2c8\uc624"),
})
NOTHING = frozenset(  # what is written where there is no value
    {"null", "none", "n/a", "na", "n.a.", "nil", "undefined", "unknown", "-", "--", "\u2013", "\u2014", "~", "?"}
    | {"(none)", "(null)", "not available", "not specified", "not provided", "not applicable", "none given", "tbd"}
    | {"not stated", "not given", "not known", "not found", "not mentioned", "no data", "nothing", "missing", "empty"}
    | {"nicht angegeben", "unbekannt", "keine", "non sp\u00e9cifi\u00e9", "inconnu", "aucun", "desconocido", "ninguno"}
    | {"non disponible", "no disponible", "no especificado", "\u043d\u0435\u0442", "\u5f85\u5b9a", "\uc5c6\uc74c"}
    | {"k. a.", "k.a.", "keine angabe", "n/d", "s/o"}
    | {"\u65e0", "\u7121", "\u306a\u3057", "\u672a\u77e5", "\u4e0d\u660e"}
)
_REMARK = re.compile(
    r"(?<=\w)\s*(?:\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{\w+\}|[-\u2013|/]\s*(?:str|string|text|int|integer|number|float|bool"
    r"|boolean|list|array|object|dict|date|enum|optional|required))\s*$"
)
_PLAIN = re.compile(r"[\W_]+")
_REASON = re.compile(r"\s*[:;(\u2013\u2014]\s*|\s+-\s+|,\s+(?=\w+ \w+)")
_NUMBERED = re.compile(r"\A\s*(?:\(?\d{1,3}[.)]|#\d{1,3}:?|[-*\u2022])\s+")
_MARKS = "*_`'\"\u201c\u201d:=-> \t"
_ASKED = re.compile(r"(?:is|has|are|was|the)[ _-]?(?=\w)", re.I)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\da-zA-Z_]+|\d+")
_SHOWN = re.compile(r"\A[A-Za-z_]\w*\.(?=\w)")
_TWICE = re.compile(r"([^\W\d])\1")


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """A name without case, spacing and punctuation."""
    return _PLAIN.sub("", text).casefold()


def bare(name: str) -> str:
    """A name without a number or mark before it, and without a remark in parentheses behind it."""
    return _REMARK.sub("", _NUMBERED.sub("", name, count=1))


def meant(name: str, missing: Collection[str]) -> str | None:
    """The only one of some names that another is: in case, spacing, punctuation, marks, or a letter it may differ."""
    plain = normal(bare(name))
    same = [other for other in missing if normal(other) == plain]
    if not same and not name.startswith("_"):
        same = [other for other in missing if one_letter(normal(other), plain)]
    if not same:
        asked = normal(_ASKED.sub("", name.strip(_MARKS), count=1))
        same = [other for other in missing if normal(_ASKED.sub("", other, count=1)) == asked]
    return same[0] if len(same) == 1 else None


def guessed(name: str, missing: Collection[str]) -> str | None:
    """The only one of some names that shares words with another: all of the words of one are among the other's."""
    words = _words(name)
    same = [other for other in missing if words <= _words(other) or words >= _words(other)]
    return same[0] if words and len(same) == 1 else None


def _words(name: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _PARTS.findall(name))


def nearest(text: str, values: Sequence[str], aliases: Mapping[str, str] | None = None) -> str | None:
    """The only value that differs from a text in case, spacing, punctuation, the words around it, or a letter.

    Args:
        text: as it was written.
        values: what it may be.
        aliases: other ways to write a value.
    """
    if aliases:
        meant = {**aliases, **{value: value for value in values}}
        found = {meant[written] for written in _nearest(text, list(meant))}
    else:
        found = _nearest(text, values)
    return found.pop() if len(found) == 1 else None


def _first(text: str) -> str:
    """What stands before a colon, a dash or the like."""
    return normal(_REASON.split(text, maxsplit=1)[0])


def _member(text: str) -> str:
    """The name of a member as Python shows it: ``Status.OPEN``."""
    return normal(_SHOWN.sub("", text.strip(), count=1))


def _nearest(text: str, values: Sequence[str]) -> set[str]:
    """The values that a text can be; more than one if it cannot be told."""
    for form in (str.strip, str.casefold, normal, _first, _member):
        found = {value for value in values if form(value) == form(text.strip())}
        if len(found) == 1:
            return found
    words = " " + _PLAIN.sub(" ", text).casefold().strip() + " "
    if "not " in words and len(close := {value for value in values if _misspelt(normal(text), normal(value))}) == 1:
        return {value for value in close if "not" in value.casefold()}
    if "not " in words or "n t " in words:
        return set()
    slips = {value for value in values if " " in value and _misspelt(normal(text), normal(value))}
    if len(slips) == 1:  # "nto spam" has the word "spam" in it
        return slips
    found = {
        value for value in values if normal(value) and " " + _PLAIN.sub(" ", value).casefold().strip() + " " in words
    }
    return found or {value for value in values if _misspelt(normal(text), normal(value))}


def _misspelt(written: str, name: str) -> bool:
    """Whether two words differ by a letter behind the first, or by how often a letter is doubled."""
    if written[:1] != name[:1] or min(len(written), len(name)) < 3:
        return False
    return one_letter(written, name) or _TWICE.sub(r"\1", written) == _TWICE.sub(r"\1", name)


def one_letter(a: str, b: str) -> bool:
    """Whether two names of some letters differ by one changed, added, left out, or two swapped."""
    if len(a) + len(b) < 7 or abs(len(a) - len(b)) > 1:
        return False
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    if a[head : head + 1].isdigit() or b[head : head + 1].isdigit():
        return False  # a number tells names apart
    return (
        a[head + 1 :] == b[head + 1 :]
        or a[head + 1 :] == b[head:]
        or a[head:] == b[head + 1 :]
        or (a[head : head + 2] == b[head : head + 2][::-1] and a[head + 2 :] == b[head + 2 :])
    )

"""Internationalized host names (RFC 5890 to 5892) as a pattern: letters written from left to right, and ASCII.

Narrower than the standard: no combining marks, no joiners, no characters that depend on their neighbours, no right-to-
left scripts; a label beyond ASCII is short enough that Punycode spells it in 63 characters, whatever it holds.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_LETTERS = frozenset({"Ll", "Lo", "Lm"})
#: Old Hangul, and letters that RFC 5892 names among its exceptions or takes only beside others.
_EXCEPTIONS = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800), range(0x0640, 0x0641),
               range(0x07FA, 0x07FB), range(0x3031, 0x3036), range(0x303B, 0x303C))
LONGEST, WITH_HYPHENS = 14, 11  # letters of a label


@cache
def letters() -> str:
    """The letters beyond ASCII that stay as they are when case and compatibility are folded, for a character class."""
    found: list[list[int]] = []
    for code in range(0x80, 0x10000):
        letter = chr(code)
        if (unicodedata.category(letter) in _LETTERS and unicodedata.bidirectional(letter) == "L" and _stays(letter)
                and not any(code in exception for exception in _EXCEPTIONS)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return "".join(rf"\u{first:04x}-\u{last:04x}" for first, last in found)


def source(ascii_label: str) -> str:
    """The pattern of a host name.

    Args:
        ascii_label: the pattern of one label in ASCII.
    """
    letter = f"[a-z0-9{letters()}]"
    label = rf"(?:{letter}{{1,{LONGEST}}}|{letter}(?:-?{letter}){{0,{WITH_HYPHENS - 1}}}|{ascii_label})"
    return rf"{label}(?:\.{label}){{0,2}}"


def _stays(letter: str) -> bool:
    """Whether a letter is its own folded form: RFC 5892 calls all others unstable."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", letter).casefold()) == letter

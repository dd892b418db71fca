"""Values as block YAML, in a subset that readers of YAML 1.1 and 1.2 agree on. The masks allow what is written here.

Two blanks of indentation for each level; a sequence stands two blanks inside its key; collections that are empty are
``{}`` and ``[]``. The quoting rule: a string is plain when it begins with a letter, goes on with letters, digits,
blanks and ``_ . , ' ( ) & @ / + -``, ends in a letter, a digit, ``_``, ``.`` or ``)``, and is no word that some reader
takes for another value. All other strings stand in double quotes with JSON's escapes; characters that YAML does not
print are escaped as well. Keys are plain when they are words of letters, digits, ``_`` and ``-``.
"""

from __future__ import annotations

import json
import re
from typing import Any

PLAIN = r"[^\W\d_](?:[\w .,'()&@/+-]*[\w.)])?"
PLAIN_KEY = r"[^\W\d][\w-]*"
WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf")
"""What is never plain, in any case."""
UNPRINTABLE = ((0x7F, 0x9F), (0x2028, 0x2029), (0xFEFF, 0xFEFF), (0xFFFE, 0xFFFF))
"""Code points that are escaped in double quotes, beside controls and halves of surrogate pairs."""
INDENT = "  "

_PLAIN = re.compile(PLAIN)
_PLAIN_KEY = re.compile(PLAIN_KEY)
_ESCAPED = re.compile("[\ud800-\udfff" + "".join(f"{chr(low)}-{chr(high)}" for low, high in UNPRINTABLE) + "]")


def key(name: str) -> str:
    """A key."""
    return _scalar(name, _PLAIN_KEY)


def scalar(value: Any) -> str:
    """A scalar, or an empty collection."""
    return _scalar(value, _PLAIN)


def lines(value: Any, indent: str = "") -> list[str]:
    """The lines of a value, each behind an indentation."""
    found: list[str] = []
    if isinstance(value, dict) and value:
        for name, member in value.items():
            label = f"{indent}{key(name)}:"
            if isinstance(member, dict | list) and member:
                found += [label, *lines(member, indent + INDENT)]
            else:
                found.append(f"{label} {scalar(member)}")
    elif isinstance(value, list) and value:
        for member in value:
            first, *rest = lines(member, indent + INDENT)
            found += [f"{indent}- {first[len(indent) + 2 :]}", *rest]
    else:
        found.append(indent + scalar(value))
    return found


def _scalar(value: Any, plain: re.Pattern[str]) -> str:
    if isinstance(value, str) and plain.fullmatch(value) and value.lower() not in WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)  # JSON's scalars, {} and [] are YAML
    if isinstance(value, float) and "." not in text:
        text = text.replace("e", ".0e")  # in YAML 1.1, 1e+20 is text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

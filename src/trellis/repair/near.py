"""Whether a value that damaged text was read as has a near one that the schema accepts as well.

A text that begins with a quote, ends in a comma, is all in brackets or emphasis, or holds a line that is a member of
the schema was perhaps not meant so: the other reading is as likely, and what cannot be told is flagged.
"""

from __future__ import annotations

import re
from typing import Any

from .schema_view import SchemaView

_MARKS = re.compile(
    r"""
      ['"\u201c\u2018`](?!.*['"\u201d\u2019`])               # a quote that nothing closes
    | (?!.*['"\u201c\u2018`].).*(?<!\d)['"\u201d`]           # one that nothing opens
    | .*\S[,;]                                               # what parts members
    | [=:>|]\s.* | [-*+\u2022]\s\S+                          # another mark, or a bullet
    | (?P<mark>\*{1,3}|__|`)[^*_`]+(?P=mark)                 # marks around it
    | \[[^\[\]]*\] | \{[^{}]*\} | \u201c[^\u201c\u201d]*\u201d
    | .*[\x00-\x08\x0b\x0c\x0e-\x1f].*                       # control characters
    | .*(?<!\\)\\[:\#*`>].*                               # what Markdown escapes
    """,
    re.X | re.S,
)
_SAID = re.compile(
    r"\n+(?:let me know|i hope|hope (?:this|that)|feel free|that'?s (?:all|it|everything)|note:|end of)[^\n]*\s*\Z",
    re.I,
)
_LINE = re.compile(r"^\s*([A-Za-z_][\w-]*)\s*[:=](?=\s|$)", re.M)
_LONG = 2000  # characters, of which a text has more that is no slip of a line


def has_near(value: Any, view: SchemaView) -> bool:
    """Whether a text of a value was perhaps meant otherwise, or a member to stand beside the object that it is in."""
    names = view.all_names()
    todo = [(value, view)]
    while todo:
        one, here = todo.pop()
        if isinstance(one, str):
            if "string" in here.types() and not here.values() and _doubtful(one, names):
                return True
        elif isinstance(one, list):
            todo += [(item, here.item(at)) for at, item in enumerate(one)]
        elif isinstance(one, dict):
            for name, member in one.items():
                inner = here.member(name)
                if isinstance(member, dict) and not inner.names() and (member.keys() & here.names()) - one.keys():
                    return True
                todo.append((member, inner))
    return False


def _doubtful(text: str, names: frozenset[str]) -> bool:
    if len(text) > _LONG:
        return False
    if "\n" not in text:
        return _MARKS.fullmatch(text) is not None
    return _SAID.search(text) is not None or any(match[1] in names for match in _LINE.finditer(text))

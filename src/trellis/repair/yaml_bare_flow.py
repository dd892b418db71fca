"""Brackets whose texts are written as if nothing ever needed quoting: ``[~, #urgent, key: value]``.

Where the schema wants texts in a list, or names the members of an object, the commas part them and the rest is text.
"""

from __future__ import annotations

import json
import re

from .schema_view import SchemaView
from .yaml_frames import wants_scalar, wants_text
from .yaml_habits import WRAPS
from .yaml_lines import quoted
from .yaml_quotes import encloses

_PART = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|[\[\]{}]|,(?=\s|$)|,(?=[^\s\d])|\n")
_SAFE = re.compile(r"[A-Za-z_][\w.-]*(?:[ ]+[\w.-]+)*")
_CLOSE = {"[": "]", "{": "}"}


def bare_list(inside: str, view: SchemaView) -> str | None:
    """A list of scalars in brackets, the closing one may be lost, as YAML; ``None`` if it is none.

    Args:
        inside: the brackets and what is in them.
        view: what the schema says about the list.
    """
    if view.types() != {"array"} or not wants_scalar(view.item(0)) or inside[0] != "[":
        return None
    end = len(inside) - (inside[-1] == "]")
    parts = _parts(inside, 1, end)
    if parts is None:
        return None
    if len(parts) > 1 and all(_wrapped(part) for part in parts):
        parts = [part[1:-1] for part in parts]
    return f"[{', '.join(_scalar(part, view.item(at)) for at, part in enumerate(parts))}]"


def _wrapped(part: str) -> bool:
    """Whether marks stand around a text as quotes would."""
    return len(part) > 2 and WRAPS.get(part[0]) == part[-1] and part[0] not in part[1:-1]


def bare_object(inside: str, view: SchemaView) -> str | None:
    """An object of scalars in braces, the closing one may be lost, as YAML; ``None`` if it is none."""
    names = view.names()
    if view.types() != {"object"} or not names or inside[0] != "{":
        return None
    end = len(inside) - (inside[-1] == "}")
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    found = list(re.compile(rf"(?:(?<=\{{)|(?<=,))\s*([\"']?)({known})\1\s*:").finditer(inside, 0, end))
    if not found or inside[1 : found[0].start()].strip():
        return None
    members = []
    for at, match in enumerate(found):
        value = inside[match.end() : found[at + 1].start() if at + 1 < len(found) else end].strip().rstrip(",").rstrip()
        member = view.member(match[2])
        if not wants_scalar(member):
            return None
        members.append(f"{quoted(match[2])}: {_scalar(value, member)}")
    return f"{{{', '.join(members)}}}"


def _parts(inside: str, start: int, end: int) -> list[str] | None:
    """What commas part, outside of quotes; ``None`` if there are brackets that do not match."""
    parts: list[str] = []
    opened: list[str] = []
    begin = start
    at = start
    while (match := _PART.search(inside, at, end)) is not None:
        mark, at = match[0], match.end()
        if mark in "[{":
            opened.append(_CLOSE[mark])
        elif mark in "]}":
            if not opened or opened.pop() != mark:
                return None
        elif mark == "," and not opened:
            parts.append(inside[begin : match.start()].strip())
            begin = match.end()
        elif mark[0] in "\"'" and inside[begin : match.start()].strip():
            at = match.start() + 1  # a quote within text, an apostrophe perhaps
            while at < end and inside[at] == mark[0]:
                at += 1
    parts.append(inside[begin:end].strip())
    if opened:
        return None
    return parts if parts[-1] else parts[:-1]


def _scalar(text: str, view: SchemaView) -> str:
    """A scalar within brackets."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return quoted(json.loads(text))
        except ValueError:
            inner = text[1:-1].replace('\\"', '"')
            return quoted(inner if encloses(inner, '"') else text)
    if len(text) > 1 and text[0] == text[-1] == "'":
        return quoted(text[1:-1].replace("''", "'"))
    if _SAFE.fullmatch(text) or (text and not wants_text(view) and re.fullmatch(r"[-+\w.]+", text)):
        return text
    return quoted(text)

"""Data written as one text: JSON in a string, lists with separators or bullets."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from ..errors import RepairError
from .amounts import number_in
from .schema_view import SchemaView
from .words import nearest

_QUOTED_LIST = re.compile(r"\[\s*(?:['\"]|\{\s*['\"])")
_SEPARATORS, _WORDS = (",", ";", "|", "/"), 4  # between the items of a list in one text; words of an item
_REMARK = re.compile(r"\([^()]*\)")
_CLOSE_WORDS = re.compile(r"[\w .+#@'-]+(?:,[\w .+#@'-]+)+")
_SEPARATED = re.compile(r"[,;|]\s|\n| and ")
_BULLET = re.compile(r"\s*(?:[-*\u2022]|\d{1,3}[.)])[ \t]+(\S.*?)\s*")


def in_commas(value: str, view: SchemaView) -> str | None:
    """The list that a text with commas is, where the schema says what an item can be: a choice or a number."""
    choices = [choice for choice in view.values() if isinstance(choice, str)]
    for separator in _SEPARATORS:
        parts = [part.strip() for part in value.split(separator)]
        if len(parts) < 2 or not all(parts):
            continue
        if choices and view.types() == {"string"}:
            items = [nearest(part, choices) for part in parts]
            found = [json.dumps(item, ensure_ascii=False) for item in items if item is not None]
        elif view.types() and view.types() <= {"integer", "number"}:
            found = [number for part in parts if (number := number_in(part, "number" not in view.types())) is not None]
        else:
            return None
        if len(found) == len(parts):
            return f"[{', '.join(found)}]"
    return None


def in_words(value: str, view: SchemaView) -> str | None:
    """The list that a text with separators may be, where items may be any text: some words between each two."""
    if "string" not in view.types() or view.values() or set(_REMARK.sub("", value)) & set('[]{}()"\n'):
        return None
    for separator in (" | ", ";", ","):
        if any(separator in remark for remark in _REMARK.findall(value)):
            continue
        if separator == "," and ", " not in value and not _CLOSE_WORDS.fullmatch(value):
            continue
        parts = [part.strip() for part in value.split(separator)]
        if any(": " in part for part in parts):
            continue
        short = all(part and len(part.split()) <= _WORDS and part[-1] not in ".!?" for part in parts)
        if len(parts) > 1 and short:
            return json.dumps(parts, ensure_ascii=False)
    return None


def may_be_listed(value: str, view: SchemaView) -> bool:
    """Whether a text that becomes one item might have been meant for several."""
    free = "string" in view.types() and not view.values() and not set(value) & set("[]{}")
    return free and _SEPARATED.search(value) is not None


def in_lines(value: str, view: SchemaView) -> str | None:
    """The list that a text is, each line of which begins with a mark."""
    lines = [line for line in value.splitlines() if line.strip()]
    items = [match.group(1) for line in lines if (match := _BULLET.fullmatch(line))]
    if len(items) < 2 or len(items) < len(lines) or (view.types() and "string" not in view.types()):
        return None
    return json.dumps(items, ensure_ascii=False)


def decoded(value: str, view: SchemaView) -> str | None:
    """The JSON that a string holds, mended if need be, if its type may stand here."""
    held = _held(value.strip())
    return held[1] if held is not None and view.allows(held[0]) else None


@lru_cache(maxsize=4)  # of the last readings of a text, each of which asks anew
def _held(inner: str) -> tuple[Any, str] | None:
    """The value that a text holds, not to be changed, and the JSON of it."""
    try:
        return json.loads(inner), inner
    except (ValueError, RecursionError):
        from .json import repair_json  # what a string holds is read like any text

        try:
            mended = repair_json(inner)
        except RepairError:
            return None
        if not isinstance(mended.value, dict) and not _QUOTED_LIST.match(inner):
            return None  # any words in brackets can be read as a list
        return mended.value, mended.text

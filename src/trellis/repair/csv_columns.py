"""What may stand in a column of a damaged table, by the schema: numbers with units, truths in words, choices."""

from __future__ import annotations

import re

from .amounts import number_in
from .coerce import nearest
from .schema_view import SchemaView

_UNIT = re.compile(r"(?<=\d)\s*(?:[$\u20ac\u00a3\u00a5]|USD|EUR|GBP)\s*$|^\s*(?:USD|EUR|GBP)\s*(?=[\d-])")
_NULL = frozenset({"null", "none", "n/a", "na", "nil", "-"})
_TRUE, _FALSE = frozenset({"true", "yes", "y"}), frozenset({"false", "no", "n"})


def choices(view: SchemaView) -> list[str]:
    """The texts that a column may hold, where the schema lists them."""
    return [value for value in view.values() if isinstance(value, str)]


def may_stand(text: str, view: SchemaView) -> bool:
    """Whether a text may stand in a column, written in whatever way; an empty cell may stand for anything."""
    types, word, values = view.types(), text.strip(), choices(view)
    if values and word and word not in values and types <= {"string"}:
        return nearest(word.strip("'\"*`"), values) is not None
    if not types or "string" in types or values or not word or word.casefold() in _NULL:
        return True
    if types & {"number", "integer"}:
        return any(letter.isdigit() for letter in word)
    return word.casefold() in _TRUE | _FALSE


def stands(text: str, view: SchemaView) -> bool:
    """Whether a text may stand in a column as it is."""
    types, word, values = view.types(), text.strip(), choices(view)
    if values:
        return word in values
    if not types or "string" in types:
        return True
    if not word or word.casefold() in _NULL:
        return "null" in types
    if types & {"number", "integer"}:
        return number_in(_UNIT.sub("", word), "number" not in types) is not None
    return word.casefold() in _TRUE | _FALSE


def meant(text: str, view: SchemaView, comma: bool) -> str:
    """What a cell should say; ``comma``: the numbers of the table have a decimal comma."""
    types, word, values = view.types(), text.strip(), choices(view)
    if values and word not in values:
        return nearest(word.strip("'\"*`"), values) or text
    if not types or "string" in types:
        return text
    if word.casefold() in _NULL and "null" in types:
        return ""
    if types & {"number", "integer"}:
        bare = _UNIT.sub("", word)
        if comma:
            bare = bare.replace(".", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
        return number_in(bare, "number" not in types) or text
    if "boolean" in types and word.casefold() in _TRUE | _FALSE:
        return "true" if word.casefold() in _TRUE else "false"
    return text

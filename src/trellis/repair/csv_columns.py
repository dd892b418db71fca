"""What may stand in a column of a damaged table, by the schema: numbers with units, truths in words, choices."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from .amounts import number_in, number_with_unit, without_remark
from .schema_view import SchemaView
from .words import FALSE, NOTHING, TRUE, nearest

_UNIT = re.compile(r"(?<=\d)\s*(?:[$\u20ac\u00a3\u00a5]|USD|EUR|GBP)\s*$|^\s*(?:USD|EUR|GBP)\s*(?=[\d-])")
_REMARK = re.compile(
    r"(?<=\w)(?:\s*[(\[][^()\[\]]*[)\]]|:(?:str|string|text|int|integer|number|float|bool|boolean|date))$"
)
_GROUPED = re.compile(r"([-+]?\d{1,3})((?:[ '\u2019\u00a0\u202f]\d{3})+)([.,]\d+)?")
# Below zero, as accounts have it.
_OWED = re.compile(r"\((\d[\d,. ]*)\)|(\d[\d,. ]*)[-\u2212]|[\u2212\u2013](\d[\d,. ]*)")
_MARKS = "`*'\""
NULL = NOTHING | {"nan", ".nan", "inf", "+inf", "-inf", ".inf", "-.inf", "infinity", "+infinity", "-infinity"}
_BOOLEANS = {"true": True, "false": False}
_TRUE, _FALSE = TRUE | {"1", "1.0"}, FALSE | {"0", "0.0"}


def column_name(text: str) -> str:
    """What a cell of a header says, without quotes, emphasis, and a remark in brackets behind it."""
    return _REMARK.sub("", text.strip().strip("\"*`").strip())


def choices(view: SchemaView) -> list[str]:
    """The texts that a column may hold, where the schema lists them."""
    return [value for value in view.values() if isinstance(value, str)]


def may_stand(text: str, view: SchemaView) -> bool:
    """Whether a text may stand in a column, written in whatever way; an empty cell may stand for anything."""
    if not view.types():
        return True
    types, word, values = view.types(), text.strip(), choices(view)
    if values and word and word not in values and types <= {"string"}:
        return nearest(word.strip("'\"*`"), values) is not None
    word = word if "string" in types else word.strip(_MARKS)
    if not types or "string" in types or values or not word or word.casefold() in NULL:
        return True
    if types & {"number", "integer"}:
        return any(letter.isdigit() for letter in word)
    return truth(word) is not None


def truth(text: str) -> bool | None:
    """The truth that a word says, also with marks or a remark behind it."""
    for word in (text, without_remark(text), text.strip(".!?()*_`'\"\u201c\u201d ")):
        said = word.strip().casefold()
        if said in _TRUE | _FALSE:
            return said in _TRUE
    return None


def stands(text: str, view: SchemaView) -> bool:
    """Whether a text may stand in a column as it is."""
    if not view.types():
        return True
    types, word, values = view.types(), text.strip(), choices(view)
    word = word if "string" in types else word.strip(_MARKS)
    if values:
        return word in values or (not word and "null" in types)
    if not types or "string" in types:
        return True
    if (not word or word.casefold() in NULL) and not ("boolean" in types and truth(word) is not None):
        return "null" in types
    if types & {"number", "integer"}:
        return number(_UNIT.sub("", word), "number" not in types) is not None
    return truth(word) is not None


def number(text: str, whole: bool) -> str | None:
    """The number that a text is, also with a unit or ``~`` or groups parted by spaces, as JSON."""
    grouped = _GROUPED.fullmatch(text)
    if grouped is not None:
        text = grouped[1] + re.sub(r"\D", "", grouped[2]) + (grouped[3] or "")
    owed = _OWED.fullmatch(text)
    if owed is not None:
        said = number_in(owed[1] or owed[2] or owed[3], whole)
        return f"-{said}" if said is not None else None
    return number_in(text, whole) or number_with_unit(text, whole)


def dressed(text: str, view: SchemaView) -> bool:
    """Whether a cell of a column of numbers has words around its number."""
    types, word = view.types(), text.strip()
    if not types & {"number", "integer"} or "string" in types or word.casefold() in NULL:
        return False
    if word[:1] in ("-", "+") and word[1:2] == " ":  # a sign, or a bullet
        return True
    if _OWED.fullmatch(word) is not None:
        return word[0] == "("
    bare = _UNIT.sub("", word)
    return number_in(bare, "number" not in types) is None and number_with_unit(bare, "number" not in types) is not None


def meant(text: str, view: SchemaView, comma: bool) -> str:
    """What a cell should say; ``comma``: the numbers of the table have a decimal comma."""
    if not view.types():
        return text
    types, word, values = view.types(), text.strip(), choices(view)
    if values and word not in values:
        return nearest(word.strip("'\"*`"), values) or text
    if not types or "string" in types:
        return text
    word = word.strip(_MARKS)
    if word.casefold() in NULL and "null" in types:
        return ""
    if types & {"number", "integer"}:
        bare = _UNIT.sub("", word)
        if comma:
            bare = bare.replace(".", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
        return number(bare, "number" not in types) or text
    said = truth(word) if "boolean" in types else None
    return text if said is None else "true" if said else "false"


def typed(cell: str, view: SchemaView) -> Any:
    """A cell as the type that the schema names; text where it names none or the cell does not fit."""
    types = view.types()
    stripped = cell.strip()
    if not types or ("string" in types and view.allows(cell)):
        return None if not stripped and "null" in types else cell
    if not stripped:
        return None if "null" in types else cell
    if "integer" in types or "number" in types:
        try:
            return int(stripped)
        except ValueError:
            pass
        try:
            number = float(stripped)
            if math.isfinite(number) and "number" in types:
                return number
        except ValueError:
            pass
    if "boolean" in types and stripped.lower() in _BOOLEANS:
        return _BOOLEANS[stripped.lower()]
    return cell


def stays_text(view: SchemaView) -> bool:
    """Whether every cell of a column is text, as it stands."""
    return not view.types() or ("string" in view.types() and "null" not in view.types())


def typed_column(cells: Sequence[str], view: SchemaView) -> list[Any]:
    """What ``typed`` makes of each cell; a column whose cells are all plainly of one type needs no look at each."""
    types = view.types()
    try:
        if types == {"integer"}:
            return list(map(int, cells))
        if types <= {"integer", "number"}:
            numbers = [float(cell) if "." in cell else int(cell) for cell in cells]
            if math.inf not in numbers and -math.inf not in numbers:
                return numbers
        elif types == {"boolean"}:
            return [_BOOLEANS[cell] for cell in cells]
    except (ValueError, KeyError):  # a cell of another kind, or written in another way
        pass
    return [typed(cell, view) for cell in cells]

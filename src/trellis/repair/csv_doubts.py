"""What in a repaired table says that its reading may be wrong: the marks of a notation that are left in its cells.

A reading is not changed here, only called a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .csv_cells import cells
from .csv_columns import NULL, may_stand
from .csv_disguise import DRAFT
from .edits import Repaired
from .schema_view import SchemaView
from .words import normal

_BULLET = re.compile(r"(?:[-*+\u2022\u2023\u2013]|\(?#?\d{1,4}[.):])[ \t]+\S")
_FORMULA = re.compile(r"=\"[^\"]*\"|='[^']*'|'[^']*\d")
_WRAPPED = re.compile(r"['\"`\u201c\u201d\u2018\u2019\u201e\u00ab][^'\"`\u201c\u201d]*['\"`\u201c\u201d\u2019\u00bb]")
_HELD = re.compile(r"'[^']*[,;|\t][^']*'|\"[^\"]*[,;|\t][^\"]*\"")  # quotes around what needs some
_SPREADSHEET = re.compile(
    r"#(?:N/A|NULL!|VALUE!|REF!|DIV/0!|NAME\?|NUM!)|\((?:blank|null|none|empty)\)|<(?:null|none)>", re.I
)
_NAMED = re.compile(r"[*_`\"']{0,3}(\w[\w -]{0,60}?)[*_`\"']{0,3}[ ]?[:=]")
_TUPLE = re.compile(r"(?:[({\[]|>[ ]?)[\"'].*|.*(?:[\"'][)}\]]|[;|])")  # ends of a row of a program
_ESCAPED_LINE = re.compile(r"[\w.,!?)]\\n(?:\\n|[A-Z-]|\w+[ ])")
_TAGGED = re.compile(r".*</?\w+>\s*", re.S)
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')
_AROUND = ("prose", "fence", "tag", "reasoning", "whitespace")
_LOOKED_AT = 200  # rows
_REMOVED = ("prose", "fence", "tag", "table_mark", "comment", "junk", "line_mark")


def doubted(found: Repaired[Any], view: SchemaView) -> bool:
    """Whether the table that was read out of a damaged text has marks of another one in it.

    Args:
        found: the reading, with edits.
        view: what the schema says about a row.
    """
    rows = found.value[:_LOOKED_AT]
    if not rows:
        return True
    names = list(rows[0])
    if any(_left_out(edit.before, names, view) for edit in found.edits if not edit.after and edit.rule in _REMOVED):
        return True
    if any(edit.rule == "bullet" and not edit.before.strip(" \t.:()[]#").isdigit() for edit in found.edits):
        return "string" in view.member(names[0]).types()  # what a text may begin with
    if any(edit.rule == "header" for edit in found.edits) and any(
        edit.rule == "prose" and any(mark in edit.before for mark in ",;\t|") for edit in found.edits
    ):
        return True  # a header was made up, and what is left out may be a row
    behind = found.edits[-1]
    if not behind.after and behind.before.count("\n") > 2 and DRAFT.search(behind.before):
        return True  # another answer
    if any(edit.rule == "escaped_whitespace" for edit in found.edits) and _has_lines(rows):
        return True
    within = any(edit.rule not in _AROUND for edit in found.edits)
    texts = ([cell for cell in row.values() if isinstance(cell, str)] for row in rows)
    if any(sum(_QUOTED.fullmatch(text) is not None for text in row) > 1 for row in texts):
        return True
    ends = (rows[0][names[0]], rows[-1][names[-1]])
    if any(isinstance(cell, str) and (_TUPLE.fullmatch(cell) or _TAGGED.fullmatch(cell)) for cell in ends):
        return True
    return any(_odd([row[name] for row in rows], name, view, at == 0, within) for at, name in enumerate(names))


def _has_lines(rows: Sequence[dict[str, Any]]) -> bool:
    return any(isinstance(value, str) and "\n" in value for row in rows for value in row.values())


def _left_out(text: str, names: Sequence[str], view: SchemaView) -> bool:
    """Whether a line that was left out could be a row: it has the right number of cells, of the right types."""
    if len(names) < 2 or not any(view.member(name).types() - {"string", "null"} for name in names):
        return False
    header = {normal(name) for name in names}
    below = ""  # what stands behind the row
    for line in reversed(text.split("\n")):
        for mark in ",;\t|":
            if line.count(mark) < len(names) - 1:
                continue
            row = [cell.text for cell in cells(line, 0, len(line), mark)]
            if len(row) != len(names) or {normal(cell) for cell in row} & header or not any(row):
                continue
            if all(may_stand(cell, view.member(name)) for cell, name in zip(row, names, strict=True)):
                return DRAFT.search(below) is None
        below = f"{line}\n{below}"
    return False


def _odd(column: Sequence[Any], name: str, view: SchemaView, first: bool, within: bool) -> bool:
    """Whether the texts of a column have marks that are none of theirs; ``within``: cells were mended."""
    member = view.member(name)
    texts = [cell for cell in column if isinstance(cell, str) and cell]
    if not texts or (member.types() and "string" not in member.types()):
        return False
    if "null" in member.types():
        words = [text for text in texts if (within and text.casefold() in NULL) or _SPREADSHEET.fullmatch(text)]
        if words:
            return True
    if first and len(texts) == len(column) and all(map(_BULLET.match, texts)):
        return True
    if any(" " in text and ":\\" not in text and _ESCAPED_LINE.search(text) for text in texts):
        return True
    if within and any('\\"' in text or (text.count('""') and _QUOTED.fullmatch(text)) for text in texts):
        return True
    if any(map(_FORMULA.fullmatch, texts)) or any(map(_HELD.fullmatch, texts)) or all(map(_WRAPPED.fullmatch, texts)):
        return True
    plain = normal(name)
    said = [match for text in texts if (match := _NAMED.match(text)) is not None and normal(match[1]) == plain]
    return len(said) == len(texts)

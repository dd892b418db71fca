"""A Markdown table in YAML, where a list of objects should stand: its rows, as a list in brackets."""

from __future__ import annotations

import json

from .csv import read_table
from .csv_rows import Rows
from .edits import apply_edits
from .schema_view import SchemaView


def rows_in_brackets(text: str, view: SchemaView) -> str | None:
    """What the lines of a table say, as JSON.

    Args:
        text: lines that begin with a bar.
        view: what the schema says about an object of the list.
    """
    if not view.names():
        return None
    reader = Rows(text, "|", view)
    changes = reader.read(0, len(text))
    if changes is None or not any(change.rule == "table_mark" for change in changes):
        return None
    try:
        rows = read_table(apply_edits(text, changes), view, ",")
    except ValueError:
        return None
    return json.dumps(rows, ensure_ascii=False) if rows else None

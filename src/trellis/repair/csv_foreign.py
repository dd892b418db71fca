"""Rows that are written as something other than CSV: JSON, YAML, records of lines, SQL, HTML, cells with names."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import TrellisError
from .csv_cells import written
from .extract import fences
from .words import normal

_JSON = re.compile(r"^[ \t]*(?:\[\s*)?\{\s*[\"']", re.M)
_LISTED = re.compile(r"^[ \t]*-[ \t]+[\"']?(\w[\w -]*)[\"']?:[ \t]", re.M)
_MEMBER = re.compile(
    r"[ \t]*(?:[-*\u2022][ \t]+)?[*\"'`]{0,3}(\w[\w -]{0,60}?)[*\"'`]{0,3}[ ]?(?::|=)[*]{0,2}[ \t]?(.*)$"
)
_TITLE = re.compile(
    r"[ \t]*(?:#+[ \t]*|-{3,}|\*{1,2})?(?:(?:record|row|item|entry|no\.?|#)[ ]*\d*|-{3,}|\d+[.):]?)?[:*]*[ \t]*$",
    re.I,
)
_PART = re.compile(r"[ \t]*[|;,][ \t]*(?=[*_`\"']{0,3}\w[\w -]*[*_`\"']{0,3}[ \t]*[=:])")
_FRAMED = re.compile(r"[ \t]*(?:[-*\u2022+][ \t]+)?(?:\((.*)\)|\{(.*)\}|(.*?))[ \t]*")
_INSERT = re.compile(r"INSERT\s+INTO\s+[\w.\"`\[\]]+\s*(?:\(([^()]*)\))?\s*VALUES\s*", re.I)
_LITERAL = re.compile(
    r"\s*(?:N?'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"|([^,()'\"\s][^,()]*?))\s*(?:(,)|\)[ \t]*[,;]?)"
)
_TABLE_ROW = re.compile(r"<tr\b[^>]*>(.*?)(?:</tr>|(?=<tr\b)|\Z)", re.I | re.S)
_TABLE_CELL = re.compile(r"<t[hd]\b[^>]*>(.*?)(?:</t[hd]>|(?=<t[hd]\b)|\Z)", re.I | re.S)
_ELEMENT = re.compile(r"<[^<>]*>")


def foreign_table(text: str, names: Sequence[str], schema: Any) -> tuple[str, str] | None:
    """The format that the rows of a text are in, and these as CSV with a header; ``None`` where they are in none.

    Args:
        text: what should be CSV.
        names: the columns, as the schema has them.
        schema: the JSON Schema of the rows.
    """
    spans = [text[start:end] for start, end, _ in fences(text)][:1] or [text]
    known = {normal(name): name for name in names}
    data = "json" if _JSON.search(spans[0]) else "yaml"
    readers = (("sql", _inserted), ("html", _elements), ("json", _lists), (data, _data), ("yaml", _records),
               ("csv", _on_lines))
    for name, read in readers:
        rows = read(spans[0], known, schema)
        if rows and all(map(_says, rows)):
            header = [column for column in names if any(column in row for row in rows)]
            if 2 * len(header) > len(names):
                lines = [header, *([_cell(row.get(column)) for column in header] for row in rows)]
                return name, "".join(",".join(written(cell, ",") for cell in line) + "\n" for line in lines)
    return None


def _says(row: dict[str, Any]) -> bool:
    """Whether a row has a value: a header with colons behind its names has none."""
    return any(value not in (None, "") for value in row.values())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _named(cells: Sequence[Any], header: Sequence[str], known: dict[str, str]) -> dict[str, Any]:
    names = (known.get(normal(name)) for name in header)
    return {name: cell for name, cell in zip(names, cells, strict=False) if name is not None}


def _inserted(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """``INSERT INTO items (a, b) VALUES ('x', 1), ...;``"""
    rows: list[dict[str, Any]] = []
    for match in _INSERT.finditer(text):
        header = [name.strip(" \"`[]") for name in match[1].split(",")] if match[1] else list(known.values())
        at = match.end()
        while text.startswith("(", at):
            cells, at = _tuple(text, at + 1)
            if len(cells) != len(header):
                return []
            rows.append(_named(cells, header, known))
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
    return rows


def _tuple(text: str, at: int) -> tuple[list[str | None], int]:
    """The values of SQL from an offset on, and where they end."""
    cells: list[str | None] = []
    while (match := _LITERAL.match(text, at)) is not None:
        bare = match[3]
        said = match[1].replace("''", "'") if match[1] is not None else match[2]
        cells.append((None if bare.casefold() == "null" else bare.strip()) if bare is not None else said)
        at = match.end()
        if match[4] is None:
            break
    return cells, at


def _elements(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """Rows of a table of HTML."""
    if "<tr" not in text.casefold():
        return []
    lines = [
        [html.unescape(_ELEMENT.sub("", cell)).strip() for cell in _TABLE_CELL.findall(row)]
        for row in _TABLE_ROW.findall(text)
    ]
    lines = [line for line in lines if line]
    if not lines or not any(normal(name) in known for name in lines[0]):
        return []
    return [_named(line, lines[0], known) for line in lines[1:] if len(line) == len(lines[0])]


def _lists(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """A list or a tuple on each line, the first of which has the names; or a line of names before them."""
    lines = [line.strip().rstrip(",;") for line in text.splitlines() if line.strip() not in ("", "[", "]", "(", ")")]
    found: list[list[Any]] = []
    for at, line in enumerate(lines):
        if line[:1] == "[" and line[-1:] == "]":
            try:
                found.append(json.loads(line))
            except ValueError:
                return []
        elif line[:1] == "(" and line[-1:] == ")":
            cells, end = _tuple(line, 1)
            if end != len(line):
                return []
            found.append([None if cell == "None" else cell for cell in cells])
        elif at == 0:
            found.append([name.strip(" \"'") for name in line.split(",")])
        else:
            return []
    if len(found) < 2 or not all(isinstance(name, str) and normal(name) in known for name in found[0]):
        return []
    return [_named(row, found[0], known) for row in found[1:]] if len({len(row) for row in found}) == 1 else []


def _data(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """Objects of JSON, or items of YAML."""
    from .json import repair_json  # both are read only where the text looks like it
    from .yaml import repair_yaml

    listed = {normal(name) for name in _LISTED.findall(text)}
    if not _JSON.search(text) and not listed & set(known):
        return []
    try:
        value = (repair_json if _JSON.search(text) else repair_yaml)(text, schema).value
    except TrellisError:
        return []
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _records(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """Records of lines, each a name and a value: a name that comes again begins the next one."""
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        match = _MEMBER.fullmatch(line.strip())
        name = known.get(normal(match[1])) if match else None
        if match is None or name is None:
            if line.strip() and not _TITLE.fullmatch(line) and rows:
                return []
            continue
        if not rows or name in rows[-1]:
            rows.append({})
        rows[-1][name] = match[2].strip()
    return rows if len({len(row) for row in rows}) < 3 and all(2 * len(row) > len(known) for row in rows) else []


def _on_lines(text: str, known: dict[str, str], schema: Any) -> list[dict[str, Any]]:
    """Rows whose cells each have their name before them: ``a=1 | b=2``."""
    rows = [row for line in text.splitlines() if (row := dict(_pairs(line, known)))]
    return rows if all(2 * len(row) > len(known) for row in rows) else []


def _pairs(line: str, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    framed = _FRAMED.fullmatch(line)
    assert framed is not None
    for part in _PART.split(framed[1] or framed[2] or framed[3]):
        match = _MEMBER.fullmatch(part.strip())
        name = known.get(normal(match[1])) if match else None
        if match is not None and name is not None:
            yield name, match[2].strip()

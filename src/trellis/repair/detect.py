"""``repair``: finds out whether a text should be JSON, YAML or CSV, and repairs it as that."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

from ..errors import RepairError
from .csv import repair_csv
from .edits import Change, Repaired, compose, locate
from .extract import answer_start, fences
from .json import repair_json
from .policies import OURS, Policies, checked_policies, json_only
from .rules import Level
from .schema_argument import SchemaLike, json_schema
from .search import Limits, checked_limits
from .standard import check_arguments, read_standard, unreadable
from .user_rules import UserRule
from .yaml import repair_yaml

Format = Literal["json", "yaml", "csv"]
_LABELS: dict[str, Format] = {
    "json": "json",
    "jsonc": "json",
    "json5": "json",
    "yaml": "yaml",
    "yml": "yaml",
    "csv": "csv",
    "tsv": "csv",
}
_ROWS = 1000  # that tell whether lines are a table
_BRACKET_LINE = re.compile(r"^\s*[{\[]", re.M)
_YAML_LINE = re.compile(r"^(?:[ \t]*-[ \t]+\S|[ \t]*[\w\"'][^\n:{}\[\]]{0,60}:(?:[ \t]+\S|[ \t]*$))", re.M)


def likely_formats(text: str) -> list[Format]:
    """The formats to try, the likeliest first: the label of the first fence, else how the lines look."""
    content = text[answer_start(text) :]
    for start, end, label in fences(text):
        if label in _LABELS:
            first = _LABELS[label]
            return [first, *(other for other in ("json", "yaml", "csv") if other != first)]
        content = text[start:end]
        break
    lines = [line for line in content.splitlines() if line.strip()]
    if _is_json_text(content.strip()):
        return ["json", "yaml", "csv"]
    if _BRACKET_LINE.search(content) or not lines:
        return ["json", "yaml", "csv"]
    if len(_YAML_LINE.findall(content)) * 2 >= len(lines) and not _is_table(lines):
        return ["yaml", "json", "csv"]
    counts = [min(line.count(mark) for line in lines) for mark in ",;\t|"]
    if len(lines) > 1 and any(counts):
        return ["csv", "json", "yaml"]
    return ["json", "yaml", "csv"]


def _is_json_text(content: str) -> bool:
    """Whether a text is a JSON string: with a colon in it, it may look like a member of YAML."""
    if content[:1] != '"':
        return False
    try:
        read_standard(content)
    except ValueError:
        return False
    return True


def _is_table(lines: Sequence[str]) -> bool:
    """Whether lines, none of them blank, are rows of one width under a header, though cells have colons in them."""
    header = lines[0]
    for mark in ",;\t|":
        if mark not in header or mark + " " in header or _YAML_LINE.match(header):
            continue
        try:
            rows = csv.reader((line + "\n" for line in lines), delimiter=mark, strict=True)
            widths = [len(row) for row in islice(rows, _ROWS)]
        except csv.Error:
            continue
        if len(widths) > 1 and len(set(widths)) == 1:
            return True
    return False


def repair(
    text: str,
    schema: SchemaLike = None,
    *,
    level: Level = "normal",
    limits: Limits | None = None,
    rules: Sequence[UserRule] = (),
    policies: Policies | None = None,
) -> Repaired[Any]:
    """Read data out of text in whichever of JSON, YAML and CSV it is.

    The standard JSON reading comes first; then the formats are tried in the order in which they are likely. Arguments
    as in ``repair_json``; of the limits, YAML and CSV have the size.

    Raises:
        RepairError: no format reads it; the error is the likeliest format's.
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind, or policies other than ``no_data`` are given for a text that is
            not JSON.
    """
    check_arguments(text, level)
    bounds, chosen = checked_limits(limits), checked_policies(policies)
    bounds.check_size(text)
    schema = json_schema(schema)

    def read(source: str) -> Iterator[Repaired[Any]]:
        return _readings(source, schema, level, bounds, rules, chosen)

    first = next(found := read(text))
    labelled = _labelled(text)
    if (labelled and schema is None) or _stays(first, read):
        return first
    if not labelled:
        with suppress(RepairError):  # of a format that does not read it
            other = next((other for other in found if _stays(other, read)), None)
            if other is not None:
                return other
    return _read_again(text, first, read)


def _read_again(text: str, first: Repaired[Any], read: Callable[[str], Iterator[Repaired[Any]]]) -> Repaired[Any]:
    """What a mended text says to one who finds out its format anew, if that stays; a guess."""
    with suppress(RepairError):
        second = next(read(first.text))
        if _stays(second, read):
            changes = compose(text, _changes(first), _changes(second))
            edits = locate(text, changes)
            return replace(second, edits=edits, ambiguous=True, confidence=min(first.confidence, second.confidence))
    return first


def _changes(result: Repaired[Any]) -> list[Change]:
    return [Change(edit.rule, edit.start, edit.end, edit.after, edit.cost) for edit in result.edits]


def _labelled(text: str) -> bool:
    """Whether the first fence says what is in it."""
    return next((label in _LABELS for _, _, label in fences(text)), False)


def _stays(repaired: Repaired[Any], read: Callable[[str], Iterator[Repaired[Any]]]) -> bool:
    """Whether a mended text says the same to one who has to find out its format anew."""
    if not repaired.edits or repaired.format == likely_formats(repaired.text)[0]:
        return True
    with suppress(RepairError):
        return bool(next(read(repaired.text)).value == repaired.value)
    return False


def _readings(
    text: str, schema: Any, level: Level, limits: Limits, rules: Sequence[UserRule], policies: Policies
) -> Iterator[Repaired[Any]]:
    """The readings of a text in each format that reads it, the likeliest first; raises behind the last, or the first.

    Raises:
        RepairError: no format reads it, or no other one does.
        UsageError: policies are given for a text that is not JSON.
    """
    failure: RepairError | None = None
    formats = likely_formats(text)
    plain = replace(policies, no_data="error")  # whether there are no data is known behind the last format
    given = False
    for name in formats if plain == OURS else sorted(formats, key=lambda name: name != "json"):
        try:
            if name == "json":
                found = repair_json(text, schema, level=level, limits=limits, rules=rules, policies=plain)
            elif given and plain != OURS:
                continue
            elif name == "yaml":
                found = repair_yaml(text, schema, level=level, rules=rules)
                if schema is None and not isinstance(found.value, dict | list):  # prose is a YAML scalar, too
                    failure = failure or unreadable(text, level)
                    continue
            else:
                found = repair_csv(text, schema, level=level, rules=rules)
                if not found.value and (name != formats[0] or policies != OURS):  # any line is a header without rows
                    continue
        except RepairError as error:
            if error.limit is not None:
                raise
            failure = failure or error
            continue
        if name != "json":  # which alone has choices
            json_only(plain, name.upper())
        given = True
        yield replace(found, format=name)
    if policies != plain and not given:
        found = repair_json(text, schema, level=level, limits=limits, rules=rules, policies=policies)
        yield replace(found, format="json")
    raise failure or unreadable(text, level)

"""``repair``: finds out whether a text should be JSON, YAML or CSV, and repairs it as that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from ..errors import RepairError
from .csv import repair_csv
from .edits import Repaired
from .extract import answer_start, fences
from .json import repair_json
from .policies import OURS, Policies, checked_policies, json_only
from .rules import Level
from .schema_argument import SchemaLike, json_schema
from .search import Limits, checked_limits
from .standard import check_arguments, unreadable
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
    if _BRACKET_LINE.search(content) or not lines:
        return ["json", "yaml", "csv"]
    if len(_YAML_LINE.findall(content)) * 2 >= len(lines):
        return ["yaml", "json", "csv"]
    counts = [min(line.count(mark) for line in lines) for mark in ",;\t|"]
    if len(lines) > 1 and any(counts):
        return ["csv", "json", "yaml"]
    return ["json", "yaml", "csv"]


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
        UsageError: an argument is of the wrong kind, or policies are given for a text that is not JSON.
    """
    check_arguments(text, level)
    bounds, chosen = checked_limits(limits), checked_policies(policies)
    bounds.check_size(text)
    schema = json_schema(schema)
    failure: RepairError | None = None
    formats = likely_formats(text)
    for name in formats:
        try:
            if name == "json":
                return replace(repair_json(text, schema, level=level, limits=bounds, rules=rules, policies=chosen),
                               format=name)
            if chosen != OURS:
                continue
            if name == "yaml":
                document = repair_yaml(text, schema, level=level, rules=rules)
                if schema is not None or isinstance(document.value, dict | list):  # prose is a YAML scalar, too
                    return replace(document, format=name)
                failure = failure or unreadable(text, level)
                continue
            table = repair_csv(text, schema, level=level, rules=rules)
            if table.value or name == formats[0]:  # any line is a header without rows
                return replace(table, format=name)
        except RepairError as error:
            if error.limit is not None:
                raise
            failure = failure or error
    if failure is None:  # only JSON has choices
        json_only(chosen, formats[0].upper())
    assert failure is not None
    raise failure

"""How a value is written as the answer: minified JSON, block YAML, CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

_PLAIN = re.compile(r"[^\W\d_](?:[\w .,'()&@/+-]*[\w.)])?")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"}


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def to_yaml(value: Any) -> str:
    """Two spaces of indentation; strings that could be read as something else are quoted; no newline at the end."""
    return "\n".join(_block(value, ""))


def to_csv(rows: list[dict[str, Any]]) -> str:
    """A header and one line for each row; empty for null; no newline at the end."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(list(rows[0]))
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
    return out.getvalue().rstrip("\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _block(value: Any, indent: str) -> list[str]:
    lines: list[str] = []
    if isinstance(value, dict) and value:
        for key, member in value.items():
            if isinstance(member, (dict, list)) and member:
                lines += [f"{indent}{key}:", *_block(member, indent + "  ")]
            else:
                lines.append(f"{indent}{key}: {_scalar(member)}")
    elif isinstance(value, list) and value:
        for member in value:
            first, *rest = _block(member, indent + "  ")
            lines += [f"{indent}- {first[len(indent) + 2:]}", *rest]
    else:
        lines.append(indent + _scalar(value))
    return lines

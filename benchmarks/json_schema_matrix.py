"""The support matrix in docs/json_schema.md, made from the cases that the tests check.

    python benchmarks/json_schema_matrix.py            # writes the tables into the page
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trellis.errors import UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.schema import formats

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "json_schema.md"
CASES = ROOT / "fixtures" / "schema_keywords.json"
BEGIN, END = "<!-- matrix: benchmarks/json_schema_matrix.py -->", "<!-- end -->"


def status(case: dict[str, Any]) -> str:
    """What masks do with the keyword of a case: nothing is taken on trust."""
    try:
        grammar = Grammar.from_json_schema(case["schema"])
    except UnsupportedError:
        return "refused"
    return "**ignored**" if grammar.accepts(case["refused"], engine="reference") else "enforced"


def matrix() -> str:
    """Both tables as Markdown."""
    lines = ["| keyword | masks | limits |", "|:--|:--|:--|"]
    lines += [f"| `{case['keyword']}` | {status(case)} | {case.get('note', '')} |"
              for case in json.loads(CASES.read_text(encoding="utf-8"))]
    lines += ["", "| formats | masks |", "|:--|:--|",
              "| " + ", ".join(f"`{name}`" for name in sorted(formats.ENFORCED)) + " | enforced |",
              "| all others | annotations, as the specification says |"]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables made anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{matrix()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

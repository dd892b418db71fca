"""The JSON-Schema-Test-Suite, drafts 7 and 2020-12: how many tests masks get right.

    python benchmarks/json_schema_suite.py SUITE.json.gz [--list]

SUITE is ``{"tests": {file: [group, ...]}, "remotes": {path: schema}}``. A test is right when a valid instance is
accepted in some spelling (any order of up to four keys, with or without blanks, ASCII or not, 1 for 1.0), or when an
invalid one is accepted in none; a schema that is refused is not right. ``format`` restricts in ``optional/format*``.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from trellis.errors import TrellisError
from trellis.masking.grammar import Grammar

DRAFTS = {"draft7": "http://json-schema.org/draft-07/schema#",
          "draft2020-12": "https://json-schema.org/draft/2020-12/schema"}
OUTCOMES = ("right", "refused", "rejects valid", "accepts invalid")


def spellings(value: Any) -> Iterator[str]:
    """Texts of a value; a number that is an integer is spelled as it stands, and as one."""
    for ordered in (*orders(value), *orders(whole(value))):
        for separators in ((",", ":"), (", ", ": ")):
            for ascii_only in (False, True):
                yield json.dumps(ordered, ensure_ascii=ascii_only, separators=separators)


def whole(value: Any) -> Any:
    """A value in which numbers without a fraction are integers: the same one, in JSON Schema."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def orders(value: Any) -> Iterator[Any]:
    """A value with its keys in any order; large objects in theirs."""
    if isinstance(value, list):
        yield from (list(items) for items in itertools.islice(itertools.product(*map(list, map(orders, value))), 50))
    elif isinstance(value, dict):
        names = itertools.permutations(value) if len(value) <= 4 else [tuple(value)]
        for some in names:
            members = itertools.islice(itertools.product(*(list(orders(value[name])) for name in some)), 50)
            yield from (dict(zip(some, inner, strict=True)) for inner in members)
    else:
        yield value


def registry(suite: dict[str, Any], draft: str) -> dict[str, Any]:
    """The suite's remote documents, by the addresses that the tests use."""
    found = {}
    for path, schema in suite["remotes"].items():
        if isinstance(schema, dict) and "$schema" not in schema and draft == "draft7":
            schema = {"$schema": DRAFTS[draft], **schema}
        found[f"http://localhost:1234/{path}"] = schema
    return found


def outcome(grammar: Grammar, test: dict[str, Any]) -> str:
    """What a mask makes of one test."""
    accepted = any(grammar.accepts(text) for text in spellings(test["data"]))
    return "right" if accepted == test["valid"] else "accepts invalid" if accepted else "rejects valid"


def run(suite: dict[str, Any], listed: bool) -> dict[tuple[str, str], Counter[str]]:
    """Outcomes by draft and kind of file (required or optional)."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for file, groups in suite["tests"].items():
        draft = file.split("/")[0]
        remotes = registry(suite, draft)
        kind = "optional" if "/optional/" in file else "required"
        for group in groups:
            schema = group["schema"]
            if isinstance(schema, dict) and "$schema" not in schema and draft == "draft7":
                schema = {"$schema": DRAFTS[draft], **schema}
            why = ""
            try:
                grammar = Grammar.from_json_schema(schema, property_order="any", registry=remotes,
                                                   formats="enforce" if "/optional/format" in file else "annotate")
                results = [outcome(grammar, test) for test in group["tests"]]
            except TrellisError as error:
                if "no instance" in error.message:  # every instance is invalid, and that is known beforehand
                    results = ["rejects valid" if test["valid"] else "right" for test in group["tests"]]
                else:
                    results = ["refused"] * len(group["tests"])
                why = error.message
            counts.setdefault((draft, kind), Counter()).update(results)
            if listed:
                for test, result in zip(group["tests"], results, strict=True):
                    if result != "right":
                        print(f"{result}: {file}: {group['description']}: {test['description']} {why[:90]}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite")
    parser.add_argument("--list", action="store_true", help="every test that is not right")
    arguments = parser.parse_args()
    with gzip.open(arguments.suite, "rt") as file:
        counts = run(json.load(file), arguments.list)
    print("| draft | files | tests | " + " | ".join(OUTCOMES) + " |\n|:--|:--|--:|" + "--:|" * len(OUTCOMES))
    for (draft, kind), found in sorted(counts.items()):
        shown = " | ".join(f"{found[name]} ({found[name] / found.total():.1%})" for name in OUTCOMES)
        print(f"| {draft} | {kind} | {found.total()} | {shown} |")


if __name__ == "__main__":
    main()

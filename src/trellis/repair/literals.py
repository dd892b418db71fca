"""Python literals as JSON: what ``print(value)`` writes, read token by token, without a search.

A text that is all Python needs a change at nearly every token, and has no doubt at any: strings follow Python's rules,
brackets match. What is not of that kind (``'it's'``) is left to the search.
"""

from __future__ import annotations

import ast
import json
import re

from .edits import Change, apply_edits
from .rules import cost_of
from .scan import MOSTLY
from .standard import read_standard

_SKIP = (
    r"(?:[\s,:]+|true\b|false\b|null\b|-?\d[\d.eE+-]*(?=[\s,\]})])"
    r"|\"[^\"\\\x00-\x1f]*(?:\\[\"\\/bfnrt][^\"\\\x00-\x1f]*)*\"(?=[\s,:\]})]))"
)
_REST = (
    r"|(?P<open>[\[{(])|(?P<close>[\]})])"
    r"|(?P<string>'[^'\\\n]*(?:\\.[^'\\\n]*)*'|\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\")(?=[\s,:\]})])"
    r"|(?P<literal>True|False|None)\b"
)
_TOKEN = re.compile(f"(?P<skip>{_SKIP}){_REST}")
_TOKENS = re.compile(f"(?P<skip>{_SKIP}++){_REST}")  # all at once that need no change
_TAIL = re.compile(r"\s*[,}\]:{\[\"]")  # what follows goes on with the data: a bracket is wrong
_WORDS = {"True": "true", "False": "false", "None": "null"}
_NO_ESCAPE = re.compile(r"\\(?![\\'\"abfnrtv0-7xuUN])")


def python_changes(text: str, start: int, end: int) -> tuple[int, list[Change]] | None:
    """Where Python literals that open with a bracket at ``start`` end, and the changes that make JSON of them.

    ``None`` if they are something else.
    """
    if text.find("'", start, end) < 0:
        return None
    changes: list[Change] = []
    quote, word, pair = cost_of("quote_style"), cost_of("literal"), cost_of("tuple")
    depth, position = 0, start
    rounds: list[list[int]] = []  # parentheses that are open: their depth, their change, the commas in them
    while match := (_TOKEN if rounds else _TOKENS).match(text, position, end):
        kind = match.lastgroup
        at, position = match.span()
        if kind == "skip":
            if rounds and rounds[-1][0] == depth and "," in match.group() and text[at] != '"':
                rounds[-1][2] += 1
            continue
        if kind == "open":
            depth += 1
            if text[at] == "(":
                rounds.append([depth, len(changes), 0])
                changes.append(Change("tuple", at, position, "[", pair))
        elif kind == "close":
            if text[at] == ")" and rounds:
                _, opened, commas = rounds.pop()
                first = changes[opened]
                group = not commas and bool(text[first.end : at].strip())
                if group:  # parentheses around one value mean nothing
                    changes[opened] = Change("tuple", first.start, first.end, "", pair)
                changes.append(Change("tuple", at, position, "" if group else "]", 0.0))
            depth -= 1
            if not depth:
                break
        elif kind == "literal":
            changes.append(Change("literal", at, position, _WORDS[match.group()], word))
        else:
            after = _string(match.group())
            if after is None:
                return None
            changes.append(Change("quote_style", at, position, after, quote))
    spoken = any(change.rule != "quote_style" or text[change.start] == "'" for change in changes)
    if depth or not spoken or _TAIL.match(text, position, end):
        return None
    if len([change for change in changes if change.rule == "quote_style"]) >= MOSTLY:
        changes = [c._replace(cost=c.cost / 4) if c.rule == "quote_style" else c for c in changes]
    head = [Change("prose", 0, start, "")] if start else []
    try:
        read_standard(apply_edits(text[:position], head + changes))
    except ValueError:
        return None
    return position, changes


def _string(literal: str) -> str | None:
    """A Python string as a JSON string."""
    if "\\" not in literal and '"' not in literal[1:-1]:
        return f'"{literal[1:-1]}"'
    if _NO_ESCAPE.search(literal.replace("\\\\", "")):
        return None
    try:
        value: str = ast.literal_eval(literal)
        return json.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16"), ensure_ascii=False)
    except (ValueError, SyntaxError):
        return None

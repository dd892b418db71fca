"""Texts out of a grammar as Lark loaded it, which mostly parse: rules derived at random, terminals by their regexes.

Nothing here knows what a mask is, nor do terminals know their neighbours, so Lark has the last word on each text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from lark import Lark

parser: Any = getattr(re, "_parser")  # noqa: B009
LETTERS = "ab1 _,é\n"


def sentences(lark: Lark, start: str, choose: Random) -> Iterator[str]:
    """Texts without end; none where no rule ends."""
    rules: dict[str, list[Any]] = {}
    for rule in lark.rules:
        rules.setdefault(rule.origin.name, []).append(rule.expansion)
    terms = {terminal.name: terminal.pattern.to_regexp() for terminal in lark.terminals}
    depths = _depths(rules)
    while start in depths:
        parts: list[str] = []
        work = [(start, choose.randint(0, 6))]
        while work and len(parts) < 40:
            name, deep = work.pop()
            if name not in rules:
                blank = choose.choice(lark.ignore_tokens) if lark.ignore_tokens and choose.random() < 0.2 else None
                parts += [_text(parser.parse(terms[it]), choose) for it in (blank, name) if it in terms]
                continue
            ways = [way for way in rules[name] if all(it.is_term or it.name in depths for it in way)]
            if deep <= 0:
                ways = [min(ways, key=lambda way: max((depths.get(it.name, 0) for it in way), default=0))]
            work += [(it.name, deep - 1) for it in reversed(choose.choice(ways))]
        yield "".join(parts)


def _depths(rules: dict[str, list[Any]]) -> dict[str, int]:
    """How deep the shallowest tree of each rule that ends is."""
    depths: dict[str, int] = {}
    while True:
        new = {name: depth for name, ways in rules.items() if name not in depths
               for depth in [min((max((depths.get(it.name, 0) for it in way), default=0) + 1 for way in ways
                                  if all(it.is_term or it.name in depths for it in way)), default=0)] if depth}
        if not new:
            return depths
        depths |= new


def _text(items: Any, choose: Random) -> str:
    """A text that a parsed regex may match; lookarounds and boundaries are left to Lark."""
    made = ""
    for operation, argument in items:
        kind = str(operation)
        if kind == "LITERAL":
            made += chr(argument)
        elif kind in ("ANY", "NOT_LITERAL"):
            made += choose.choice([it for it in LETTERS if kind == "ANY" or ord(it) != argument])
        elif kind == "IN":
            made += _character(argument, choose)
        elif kind == "BRANCH":
            made += _text(choose.choice(argument[1]), choose)
        elif kind == "SUBPATTERN":
            made += _text(argument[3], choose)
        elif kind == "ATOMIC_GROUP":
            made += _text(argument, choose)
        elif kind.endswith("_REPEAT"):
            least, most, body = argument
            times = min(int(least) + choose.choice([0, 0, 1, 2]), int(most)) if int(least) < 100 else int(least)
            made += "".join(_text(body, choose) for _ in range(times))
    return made


def _character(parts: Any, choose: Random) -> str:
    """A character of a class."""
    pattern = re.compile(_written(parts))
    near = [chr(code) for kind, at in parts for code in (at if str(kind) == "RANGE" else [at])
            if str(kind) in ("LITERAL", "RANGE")]
    fitting = [it for it in [*near, *LETTERS, *"AZz09.-#\u0660"] if pattern.fullmatch(it)]
    return choose.choice(fitting) if fitting else ""


def _written(parts: Any) -> str:
    """A parsed class as a regex."""
    classes = {"CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
               "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W"}
    made = ""
    for kind, at in parts:
        name = str(kind)
        if name == "NEGATE":
            made += "^"
        elif name == "LITERAL":
            made += re.escape(chr(at))
        elif name == "RANGE":
            made += f"{re.escape(chr(at[0]))}-{re.escape(chr(at[1]))}"
        else:
            made += classes[str(at)]
    return f"[{made}]"

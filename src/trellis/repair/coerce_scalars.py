"""Scalars of another type than the schema's: numbers, truths and choices as people write them, and nothing at all."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from .amounts import (
    boolean_within,
    first_word,
    number_first,
    number_in,
    number_with_unit,
    number_within,
    score_in,
    share_in,
    unmarked,
    without_remark,
)
from .edits import Change
from .nodes import Node
from .rules import cost_of
from .schema_view import SchemaView
from .text_as_data import decoded, in_commas, in_lines, in_words, may_be_listed
from .words import FALSE, NOTHING, TRUE, nearest

_AMOUNT = re.compile(r"[~\u2248]?[+-]?[$\u20ac\u00a3\u00a5]?\d")


def is_amount(text: str, change: Change) -> bool:
    """Whether a change makes a text of what was written as an amount without quotes."""
    return change.rule == "unquoted_string" and _AMOUNT.match(text, change.start) is not None

_NO_VALUE = frozenset({"~", "n/a", "-", "--", "\u2014", "nil", "(none)", "(null)"})
_NO_ITEMS = frozenset({"", "null", "none", "nil", "undefined", "n/a"})
_WORDS = frozenset({"none", "nan", "infinity", "-infinity", "nil", "undefined"})  # that mean null, where it may stand


class Scalars:
    """Notes the changes that make a scalar what the schema wants."""

    changes: list[Change]
    lexeme: Callable[[int, int], str]
    _root: Node | None

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))

    def _wrap(self, node: Node, view: SchemaView, rule: str = "single_as_list") -> list[tuple[Node, SchemaView]]:
        raise NotImplementedError

    def _implied(self, node: Node, view: SchemaView) -> SchemaView | None:
        raise NotImplementedError

    def _scalar(self, node: Node, view: SchemaView) -> None:
        types, value = view.types(), node.value
        choices = [choice for choice in view.values() if isinstance(choice, str)]
        free = any(
            "string" in _listed(part.get("type")) and "enum" not in part and "const" not in part for part in view.parts
        )
        if isinstance(value, str) and choices and not free and value not in choices:
            aliases = view.value_aliases()
            found = nearest(value, choices, aliases)
            if found is not None:
                rule = "schema_alias" if value in aliases else "enum_form"
                self._change(rule, node.start, node.end, json.dumps(found, ensure_ascii=False))
                return
            types = types - {"string"}
            if not types:
                return
        elif isinstance(value, str) and free and self._bare_number(node, types):
            return
        elif isinstance(value, str) and "null" in types and self._is_nothing(node, view):
            self._change("text_as_null", node.start, node.end, "null")
            return
        elif not types or view.allows(value):
            return
        elif value is None and (types == {"array"} or (types == {"object"} and not view.names())):
            self._change("null_as_empty", node.start, node.end, "[]" if types == {"array"} else "{}")
            return
        written = self.lexeme(node.start, node.end)
        if value is None and types == {"string"} and not choices and written.casefold() in _WORDS:  # a text, then
            self._change("scalar_as_text", node.start, node.end, json.dumps(written))
            return
        if "object" in types and not isinstance(value, str) and self._implied(node, view) is not None:
            return
        if isinstance(value, str):
            self._string(node, types, view)
        elif types & {"boolean", "string"} == {"boolean"} and value in (0, 1):
            self._change("number_as_boolean", node.start, node.end, "true" if value else "false")
        elif "integer" in types and isinstance(value, float) and "string" not in types:
            if math.isfinite(value) and abs(value) < 2**53:
                self._change("rounded", node.start, node.end, str(math.floor(value + 0.5)))
        elif "string" in types and value is not None:
            if choices and not free:
                found = nearest(written, choices)
                if found is not None:
                    self._change("enum_form", node.start, node.end, json.dumps(found, ensure_ascii=False))
                return
            self._change("scalar_as_text", node.start, node.end, json.dumps(written, ensure_ascii=False))
        elif "array" in types:
            for inner, inner_view in self._wrap(node, view):
                self._scalar(inner, inner_view)

    def _is_nothing(self, node: Node, view: SchemaView) -> bool:
        """Whether a text where null may stand means it: a word for nothing instead of a date, or without quotes."""
        word = str(node.value).strip().casefold()
        bare = not node.plain and not self.lexeme(node.start, node.start + 1)
        return (word in NOTHING and _formatted(view)) or (bare and word in _NO_VALUE)

    def _bare_number(self, node: Node, types: frozenset[str]) -> bool:
        """Where a number or a text may stand: an amount that was written without quotes is the number."""
        if node.plain or not types & {"number", "integer"} or "string" not in types:
            return False
        written: str = node.value
        if self.lexeme(node.start, node.start + 1) or not _AMOUNT.match(written):  # the quote was there
            return False
        whole = "number" not in types
        number = number_in(written, whole) or number_with_unit(written, whole)
        if number is not None:
            self._change("scalar_in_text", node.start, node.end, number)
        return number is not None

    def _string(self, node: Node, types: frozenset[str], view: SchemaView) -> None:
        value: str = unmarked(node.value)
        word = value.strip().rstrip(".!\ufe0f").casefold()
        if "number" in types or "integer" in types:
            number = number_in(value, "number" not in types)
            if "number" not in types and (score := score_in(value, True)) is not None and "/" in value:
                self._change("scalar_in_text", node.start, node.end, score)
                return
            share = share_in(value) if "number" in types and view.at_most(1) else None
            if share is not None and float(share) <= 1:
                number = share
            if number is not None:
                self._change("text_as_number", node.start, node.end, number)
                return
            plain, whole = without_remark(value), "number" not in types
            number = number_in(plain, whole) or number_with_unit(plain, whole) or score_in(plain, whole)
            number = number or number_first(plain, whole)
            if number is None and node is self._root:
                number = number_within(value, "number" not in types)
            if number is not None:
                self._change("scalar_in_text", node.start, node.end, number)
                return
        if types == {"array"} and word in _NO_ITEMS:
            self._change("null_as_empty", node.start, node.end, "[]")
        elif types <= {"boolean", "null"} and word in ("1", "0"):
            self._change("text_as_boolean", node.start, node.end, "true" if word == "1" else "false")
        elif "boolean" in types and word in TRUE | FALSE:
            self._change("text_as_boolean", node.start, node.end, "true" if word in TRUE else "false")
        elif "boolean" in types and (typed := nearest(word, ("true", "false"))) is not None and " " not in word:
            self._change("text_as_boolean", node.start, node.end, typed)
        elif "boolean" in types and (plain := first_word(without_remark(word))) in TRUE | FALSE:
            self._change("scalar_in_text", node.start, node.end, "true" if plain in TRUE else "false")
        elif "boolean" in types and word.isalpha() and (truth := nearest(word, ("true", "false"))) is not None:
            self._change("text_as_boolean", node.start, node.end, truth)
        elif "boolean" in types and node is self._root and (truth := boolean_within(value)) is not None:
            self._change("scalar_in_text", node.start, node.end, truth)
        elif "null" in types and (not word or word in NOTHING):
            self._change("text_as_null", node.start, node.end, "null")
        elif types & {"object", "array"} and value.strip()[:1] in ("{", "[") and (inner := decoded(value, view)):
            self._change("double_encoded", node.start, node.end, inner)
        elif "array" in types:
            listed = in_commas(value, view.item(0)) or in_lines(value, view.item(0))
            if listed is not None:
                self._change("single_as_list", node.start, node.end, listed)
                return
            if (listed := in_words(value, view.item(0))) is not None:
                self._change("text_as_list", node.start, node.end, listed)
                return
            rule = "text_as_list" if may_be_listed(value, view.item(0)) else "single_as_list"
            for wrapped, inner_view in self._wrap(node, view, rule):
                self._scalar(wrapped, inner_view)
        elif "object" in types:
            self._implied(node, view)


def _formatted(view: SchemaView) -> bool:
    """Whether each text that may stand here is of a format, such as a date."""
    texts = [part for part in view.parts if "string" in _listed(part.get("type"))]
    return bool(texts) and all("format" in part for part in texts)


def _listed(kind: Any) -> tuple[Any, ...]:
    return tuple(kind) if isinstance(kind, list) else (kind,)

"""What masks make of each keyword of a schema: enforced, relaxed, refused or no restriction at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from trellis.errors import SchemaError, TrellisError, UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.schema.formats import ENFORCED
from trellis.schema.keywords import ANNOTATIONS, ARRAY, KEYWORDS, NUMBER, OBJECT, STRING
from trellis.schema.resolve import Document, inner_schemas, join

Status = Literal["enforced", "relaxed", "refused", "annotation", "unknown"]
_ALIKE = 0.8  # of difflib: a letter or two
#: Words of others that authors take for keywords, and what to write.
_ELSEWHERE = {
    "nullable": "OpenAPI 3.0 has it, JSON Schema does not: add \"null\" to type",
    "optional": "names that are not in the object's required may be left out",
    "allowEmptyValue": "OpenAPI has it, for parameters",
}
_MEANT = {"nullable": "type", "optional": "required", "required": "required"}
_SPEAKS_OF = {"number": NUMBER, "integer": NUMBER, "string": STRING, "array": ARRAY, "object": OBJECT}
_TYPED = frozenset().union(*_SPEAKS_OF.values())
_NEWER = {"const": 6, "contains": 6, "propertyNames": 6, "if": 7, "dependentRequired": 2019, "dependentSchemas": 2019,
          "unevaluatedItems": 2019, "unevaluatedProperties": 2019}  # keywords by their first draft
_SILENT = frozenset({"then", "else"})  # annotations only where there is no "if"


class Explained(NamedTuple):
    """One keyword: where it stands, what masks do with it, and why; and which keyword a mistaken one may be."""

    pointer: str
    status: Status
    reason: str
    meant: str = ""


class Explanation(NamedTuple):
    """All keywords of a schema, and why it has no masks, if so.

    Attributes:
        keywords: in the order of the schema. ``relaxed`` is what ``on_unsupported="relax"`` leaves to a validator and
            ``"error"`` refuses; ``refused`` is what has no mask either way, and all others are then ``unknown``.
        error: why there is no mask at all, or None.
        grammar: the relaxed grammar, or None.
    """

    keywords: tuple[Explained, ...]
    error: TrellisError | None
    grammar: Grammar | None


def explain(schema: Mapping[str, Any] | bool, **options: Any) -> Explanation:
    """What masks make of a schema.

    Args:
        options: as for ``Grammar.from_json_schema``, but for ``on_unsupported``.
    """
    grammar: Grammar | None = None
    error: TrellisError | None = None
    noted: dict[str, tuple[Status, str]] = {}
    try:
        grammar = Grammar.from_json_schema(schema, on_unsupported="relax", **options)
        noted = {it.pointer: ("relaxed", it.reason) for it in grammar.relaxations}
    except (SchemaError, UnsupportedError) as caught:
        error = caught
        noted[caught.pointer or ""] = ("refused", caught.message)
    except TrellisError as caught:
        error = caught
        noted[""] = ("refused", caught.message)
    for pointer in grammar.in_order if grammar else ():
        noted.setdefault(join(pointer, "properties"), ("enforced", "too many alternatives for any order: these "
                                                       "properties come in the schema's"))
    annotate = options.get("formats") == "annotate"
    draft = Document(schema).dialect if isinstance(schema, Mapping) and "$schema" in schema else 2020
    found: dict[str, Explained] = {}
    for pointer, name, owner in _keywords(schema):
        status, reason = noted.pop(pointer) if pointer in noted else _plain(name, owner, annotate, draft)
        if error is not None and status == "enforced":
            status, reason = "unknown", "what is refused ends the schema"
        close = get_close_matches(name, KEYWORDS, 1, _ALIKE) if isinstance(name, str) and name not in KEYWORDS else []
        hint = f"; is {close[0]!r} meant?" if close and status == "annotation" else ""
        meant = close[0] if hint else _MEANT.get(name, "") if status == "annotation" else ""
        found[pointer] = Explained(pointer, status, reason + hint, meant)
    for pointer, (status, reason) in noted.items():  # what was found out for a whole schema, not for a keyword
        found[pointer] = Explained(pointer, status, reason)
    return Explanation(tuple(found.values()), error, grammar)


def _plain(name: str, schema: Mapping[str, Any], annotate: bool, draft: int) -> tuple[Status, str]:
    value = schema[name]
    if (name, value, draft) == ("contentEncoding", "base64", 7):
        return "enforced", ""
    if name == "format" and isinstance(value, str):
        if annotate:
            return "annotation", 'formats="annotate"'
        if value not in ENFORCED:
            return "annotation", f"no specification knows the format {value!r}"
    if name in ANNOTATIONS and name not in _SILENT:
        return "annotation", "it does not restrict values"
    if name not in KEYWORDS:
        return "annotation", _ELSEWHERE.get(name, "it is no keyword")
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types
    if name in _TYPED and isinstance(types, list) and not any(
            isinstance(it, str) and name in _SPEAKS_OF.get(it, ()) for it in types):
        if name == "required" and isinstance(value, bool):
            return "annotation", "a boolean is draft 3: list the name under required of the object"
        return "annotation", f"it says nothing of type {', '.join(map(str, types))}"
    if draft <= 7 and "$ref" in schema and name != "$ref":
        return "enforced", f"draft {draft} would ignore it beside $ref"
    if draft < _NEWER.get(name, 0):
        return "enforced", f"draft {draft} would ignore it: it is newer"
    return "enforced", ""


def _keywords(schema: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The keywords of a schema and of those in it: pointer, name, and the schema that has it."""
    work: list[tuple[Any, str]] = [(schema, "")]
    while work:
        value, pointer = work.pop()
        if isinstance(value, list):
            work += [(item, join(pointer, i)) for i, item in reversed(list(enumerate(value)))]
        elif isinstance(value, Mapping):
            for name in value:
                yield join(pointer, name), name, value
            work += reversed(list(inner_schemas(value, pointer)))

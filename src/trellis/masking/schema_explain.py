"""What masks make of each keyword of a schema: enforced, relaxed, refused or no restriction at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from trellis.errors import SchemaError, TrellisError, UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.schema.formats import ENFORCED
from trellis.schema.keywords import ANNOTATIONS, KEYWORDS
from trellis.schema.resolve import Document, inner_schemas, join

Status = Literal["enforced", "relaxed", "refused", "annotation", "unknown"]
_ALIKE = 0.8  # of difflib: a letter or two
_SILENT = frozenset({"then", "else"})  # annotations only where there is no "if"


class Explained(NamedTuple):
    """One keyword: where it stands, what masks do with it, and why; and which keyword a misspelt one may be."""

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
    annotate, dialect = options.get("formats") == "annotate", Document(schema).dialect
    found: dict[str, Explained] = {}
    for pointer, name, value in _keywords(schema):
        status, reason = noted.pop(pointer) if pointer in noted else _plain(name, value, annotate, dialect)
        if error is not None and status == "enforced":
            status, reason = "unknown", "what is refused ends the schema"
        close = get_close_matches(name, KEYWORDS, 1, _ALIKE) if name not in KEYWORDS else []
        hint = f"; is {close[0]!r} meant?" if close and status == "annotation" else ""
        found[pointer] = Explained(pointer, status, reason + hint, close[0] if hint else "")
    for pointer, (status, reason) in noted.items():  # what was found out for a whole schema, not for a keyword
        found[pointer] = Explained(pointer, status, reason)
    return Explanation(tuple(found.values()), error, grammar)


def _plain(name: str, value: Any, annotate: bool, dialect: int) -> tuple[Status, str]:
    if (name, value, dialect) == ("contentEncoding", "base64", 7):
        return "enforced", ""
    if name == "format" and isinstance(value, str):
        if annotate:
            return "annotation", 'formats="annotate"'
        if value not in ENFORCED:
            return "annotation", f"no specification knows the format {value!r}"
    if name in ANNOTATIONS and name not in _SILENT:
        return "annotation", "it does not restrict values"
    return ("enforced", "") if name in KEYWORDS else ("annotation", "it is no keyword")


def _keywords(schema: Any) -> Iterator[tuple[str, str, Any]]:
    """The keywords of a schema and of those in it: pointer, name, value."""
    work: list[tuple[Any, str]] = [(schema, "")]
    while work:
        value, pointer = work.pop()
        if isinstance(value, list):
            work += [(item, join(pointer, i)) for i, item in reversed(list(enumerate(value)))]
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield join(pointer, name), name, inner
            work += reversed(list(inner_schemas(value, pointer)))

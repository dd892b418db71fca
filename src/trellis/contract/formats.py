"""Answers read in the format that was asked for, or, where that fails, in the one that they are written in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from trellis.contract.base import RepairLevel, Schema, untouched
from trellis.errors import RepairError

if TYPE_CHECKING:
    from trellis.repair import Repaired

LOSSES = frozenset({"dropped_item", "rounded"})
"""Rules of repair that take data away which nothing forbids: only ``repair="salvage"`` accepts such an answer."""


def read_as(asked: Literal["json", "yaml", "csv"], text: str, schema: Schema, level: RepairLevel) -> Repaired[Any]:
    """A reading that suits the schema, or else the one without it: then validation tells what is wrong, and where.

    Raises:
        RepairError: there is none.
    """
    if level == "off":
        return untouched(read_as(asked, text, schema, "safe"))
    repairer = _repairer(asked)
    try:
        repaired = repairer(text, schema, level=level)
    except RepairError as error:
        if error.limit:
            raise
        if level != "safe" and (other := _in_another_format(asked, text, schema, level)) is not None:
            return other
        return repairer(text, None, level=level)
    if _loses(repaired, level):
        return repairer(text, None, level=level)  # the model can be asked again, and a payment is not passed over
    return repaired


def _in_another_format(asked: str, text: str, schema: Schema, level: RepairLevel) -> Repaired[Any] | None:
    """The reading of a text that looks like another format, where it suits a schema that names fields: for one that
    does not, any line of prose with a colon would be YAML."""
    from trellis.repair.detect import likely_formats

    likely = likely_formats(text)[0]
    if likely == asked or not _names_fields(schema):
        return None
    try:
        repaired = _repairer(likely)(text, schema, level=level)
    except RepairError:
        return None
    has_data = isinstance(repaired.value, dict | list) and bool(repaired.value)
    return replace(repaired, format=likely) if has_data and not _loses(repaired, level) else None


def _repairer(name: str) -> Callable[..., Repaired[Any]]:
    from trellis.repair import repair_csv, repair_json, repair_yaml

    return {"json": repair_json, "yaml": repair_yaml, "csv": repair_csv}[name]


def _loses(repaired: Repaired[Any], level: RepairLevel) -> bool:
    return level != "salvage" and any(edit.rule in LOSSES for edit in repaired.edits)


def _names_fields(schema: Schema) -> bool:
    """Whether values are objects with fields that have to be there, or lists of those."""
    root, seen = schema, 0
    part: Any = schema
    while isinstance(part, dict) and seen < 20:
        seen += 1
        if isinstance(part.get("$ref"), str):
            part = followed(root, part["$ref"])
        elif part.get("type") == "array":
            part = part.get("items")
        else:
            return bool(part.get("properties")) and bool(part.get("required"))
    return False


def followed(root: Any, reference: str) -> Any:
    """What a reference within a schema refers to; ``None`` where it leads nowhere."""
    for part in reference.removeprefix("#").split("/")[1:]:
        root = root.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(root, dict) else None
    return root

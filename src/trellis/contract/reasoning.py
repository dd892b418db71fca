"""Reasons before the answer: an object with the model's reasoning first, and the value of the type after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trellis.contract.base import Contract, OnUnsupported, RepairLevel, Schema, T, Verdict
from trellis.contract.data import DataContract, JsonContract, YamlContract
from trellis.contract.values import SchemaValues
from trellis.errors import TypeNotSupportedError, UsageError
from trellis.result import FieldError

if TYPE_CHECKING:
    from trellis.contract.renderings import Rendering
    from trellis.masking.grammar import Grammar
    from trellis.repair import Repaired

REASONING: Schema = {"type": "string", "description": "how the answer follows, step by step"}


class ReasonedContract(Contract[T]):
    """``{"reasoning": ..., "answer": ...}``; the value is the answer's, the reasoning stands in the attempt's data."""

    def __init__(self, inner: DataContract[T]) -> None:
        schema = inner.schema
        definitions: Schema = {key: _moved(schema[key]) for key in ("$defs", "definitions") if key in schema}
        answer = {key: value for key, value in schema.items() if key not in (*definitions, "$schema")}
        self.name = f"Reasoned{inner.name}" if inner.name.isidentifier() else "Reasoned"
        self.format = inner.format
        self.schema: Schema = {
            "title": self.name, "type": "object", "properties": {"reasoning": REASONING, "answer": _moved(answer)},
            "required": ["reasoning", "answer"], "additionalProperties": False, **definitions,
        }
        outer = YamlContract if inner.format == "yaml" else JsonContract
        self._outer: DataContract[Any] = outer(SchemaValues(self.schema))
        self._inner = inner

    @property
    def is_object(self) -> bool:
        return self._outer.is_object

    @property
    def allows_unknown(self) -> bool:
        return self._inner.allows_unknown

    def type_text(self) -> str:
        return self._outer.type_text()

    def rendered(self, rendering: Rendering) -> str:
        return self._outer.rendered(rendering)

    def plain(self, value: Any) -> Any:
        return {"answer": self._inner.plain(value)}

    def write(self, value: Any) -> str:
        return self.write_after(value, {"reasoning": ""})

    def write_after(self, value: Any, data: Any) -> str:
        reasoning = data.get("reasoning") if isinstance(data, dict) else None
        if not isinstance(reasoning, str):
            raise UsageError("there is no reasoning to write before the answer")
        return self._outer.write({"reasoning": reasoning, **self.plain(value)})

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        return self._outer.read(text, level)

    def validate(self, value: Any) -> Verdict[T]:
        if not isinstance(value, dict) or "answer" not in value:
            return Verdict(None, self._outer.validate(value).errors or (FieldError("/answer", "it is missing"),))
        verdict = self._inner.validate(value["answer"])
        return Verdict(verdict.value, tuple(FieldError(f"/answer{one.pointer}", one.message) for one in verdict.errors))

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        return self._outer.grammar(on_unsupported)


def reasoned(contract: Contract[T]) -> Contract[T]:
    """The contract with reasoning before the answer.

    Raises:
        TypeNotSupportedError: the answer is no JSON or YAML.
    """
    if not isinstance(contract, DataContract) or contract.format == "csv":
        raise TypeNotSupportedError(f"there is no place for reasoning in {contract.format} of type {contract.name}",
                                    hint="strategy=trellis.Draft() thinks before any kind of answer")
    return ReasonedContract(contract)


def _moved(schema: Any) -> Any:
    """A schema with its references to the document's root led to where the answer now stands."""
    if isinstance(schema, list):
        return [_moved(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: value if key in ("enum", "const", "default", "examples") else _moved(value)
             for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#") and not reference.startswith(
            ("#/$defs/", "#/definitions/")):
        moved["$ref"] = f"#/properties/answer{reference[1:]}"
    return moved

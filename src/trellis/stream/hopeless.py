"""Whether an answer that is still being written can become valid at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from trellis.contract import Contract, RepairLevel
from trellis.errors import TrellisError
from trellis.repair.stream_json import Committed
from trellis.result import FieldError
from trellis.schema.places import schemas_at
from trellis.schema.resolve import Document


class Hope:
    """Looks at each value as it becomes complete.

    An answer is given up only where no reading can save it: a value that is complete, of no type that its place allows,
    and that repair at this level cannot make into one. At level ``salvage`` items of arrays are left to the end, since
    repair may leave one out; in a union of objects a value has to suit any of the members.

    Attributes:
        fault: what is wrong and where, once there is no hope.
    """

    def __init__(self, contract: Contract[Any], level: RepairLevel) -> None:
        self.fault: FieldError | None = None
        self._level = level
        self._document = Document(contract.schema) if contract.schema is not None else None
        self._definitions: dict[str, Any] = {} if contract.schema is None else {
            key: contract.schema[key] for key in ("$defs", "definitions") if key in contract.schema}

    def look(self, completed: Iterable[Committed]) -> None:
        """Judges the values that have become complete."""
        for part in completed:
            steps = [step.replace("~1", "/").replace("~0", "~") for step in part.pointer.split("/")[1:]]
            items = any(step.isdigit() for step in steps)
            if self.fault is None and steps and not (items and self._level == "salvage"):
                self._judge(part.value, part.pointer, steps)

    def _judge(self, data: Any, pointer: str, steps: list[str]) -> None:
        assert self._document is not None
        try:
            schemas = schemas_at(self._document, steps)
        except TrellisError:
            return
        if schemas and not self._can_be({"value": data}, {
                "type": "object", "properties": {"value": {"anyOf": schemas}}, **self._definitions}):
            shown = json.dumps(data, ensure_ascii=False)
            self.fault = FieldError(pointer, f"{shown[:60]} cannot become valid; the answer was not waited for")

    def _can_be(self, data: Any, schema: dict[str, Any]) -> bool:
        from trellis.repair import repair_json
        from trellis.repair.validator import validator_of

        try:
            if validator_of(schema).is_valid(data):
                return True
            if self._level == "off":
                return False
            repair_json(json.dumps(data), schema, level=self._level)
        except TrellisError:
            return False
        except Exception:  # a reference that means something else here: nothing is known
            return True
        return True

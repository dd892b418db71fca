"""Whether a value is what the schema wants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from ..errors import RepairError, SchemaError
from ..schema.quick import quick_yes


class Fault(NamedTuple):
    """One error of a value: the path to the culprit, and what is wrong with it."""

    path: tuple[str | int, ...] = ()
    words: str = ""

    def __str__(self) -> str:
        return f"{self.words} (at {''.join(f'/{part}' for part in self.path) or 'the root'})"


class Judge(Protocol):
    """Says whether a value is acceptable."""

    def accepts(self, value: Any) -> bool:
        """Whether the value is valid."""
        ...

    def faults(self, value: Any) -> int:
        """How many errors the value has, counted up to a bound."""
        ...

    def fault(self, value: Any) -> Fault:
        """One error of the value: where and what."""
        ...


class SchemaJudge:
    """A JSON Schema as a judge (the ``jsonschema`` package)."""

    def __init__(self, schema: Any) -> None:
        from .validator import validator_of

        self._validator = validator_of(schema)
        self._surely = quick_yes(schema)

    def accepts(self, value: Any) -> bool:
        """Whether the value is valid."""
        return self._surely(value) or self.faults(value, 1) == 0

    def faults(self, value: Any, most: int = 20) -> int:
        """How many errors the value has, counted up to ``most``."""
        count = 0
        try:
            for _ in self._validator.iter_errors(value):
                count += 1
                if count >= most:
                    break
        except RecursionError:
            raise RepairError("the value is nested too deeply to be validated", limit="depth") from None
        except Exception as error:  # the package raises its own kinds for unresolvable references
            raise SchemaError(f"the schema cannot be used: {error}") from None
        return count

    def fault(self, value: Any) -> Fault:
        """One error of the value: where and what."""
        import jsonschema.exceptions

        error = jsonschema.exceptions.best_match(self._validator.iter_errors(value))
        return Fault() if error is None else Fault(tuple(error.absolute_path), error.message[:200])


class AnyValue:
    """The judge without a schema."""

    def accepts(self, value: Any) -> bool:
        """Always true."""
        return True

    def faults(self, value: Any) -> int:
        """Always 0."""
        return 0

    def fault(self, value: Any) -> Fault:
        """Always empty."""
        return Fault()


class ItemJudge:
    """The judge of an item of a list."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def accepts(self, value: Any) -> bool:
        """Whether a list of the value is valid."""
        return self._judge.accepts([value])

    def faults(self, value: Any) -> int:
        """How many errors a list of the value has, counted up to a bound."""
        return self._judge.faults([value])

    def fault(self, value: Any) -> Fault:
        """One error of a list of the value: where and what."""
        return self._judge.fault([value])


class ListJudge:
    """The judge of a list, each of whose items has to be acceptable."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def accepts(self, value: Any) -> bool:
        """Whether all items are valid."""
        return isinstance(value, list) and all(map(self._judge.accepts, value))

    def faults(self, value: Any) -> int:
        """How many errors the items have."""
        return sum(map(self._judge.faults, value)) if isinstance(value, list) else 1

    def fault(self, value: Any) -> Fault:
        """One error of the first item that has one."""
        return next((self._judge.fault(item) for item in value if not self._judge.accepts(item)), Fault())


@lru_cache(maxsize=128)
def _cached(schema: str) -> SchemaJudge:
    return SchemaJudge(json.loads(schema))


def judge_for(schema: Mapping[str, Any] | bool | None) -> Judge:
    """The judge for a schema; validators are cached by the schema's text.

    Raises:
        SchemaError: the schema is none.
    """
    if schema is None:
        return AnyValue()
    from .validator import schema_text  # with jsonschema, which is needed only where there is a schema

    return _cached(schema_text(schema))

"""A value so far, in the type's own clothes."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from trellis.contract.values import pointer
from trellis.result import Result

T = TypeVar("T")

@dataclass(frozen=True, eq=False)
class Partial(Generic[T]):
    """What an answer says so far.

    What is complete never changes in later partials of the same attempt; a text that is being written only grows.

    Attributes:
        open: JSON pointer of the innermost value that is still being written, ``None`` when there is none. What is on
            the way to it is incomplete, all else in ``data`` is complete.
        attempt: which attempt this is part of, from 0.
        result: the result, in the last partial; ``None`` before.
    """

    open: str | None
    attempt: int
    result: Result[T] | None = None
    output_type: Any = None
    _text: Callable[[], str] = field(default=str, repr=False)
    _data: Callable[[], Any] = field(default=lambda: None, repr=False)

    @cached_property
    def text(self) -> str:
        """The answer's text so far."""
        return self._text()

    @cached_property
    def data(self) -> Any:
        """What the answer says so far, as JSON data: JSON as it comes, in the types of the schema, CSV by rows, YAML by
        the members of its root. ``None`` before it says anything, and for text. Made when it is first asked for."""
        return self._data()

    def is_complete(self, at: str) -> bool:
        """Whether the value at a JSON pointer is there, and complete."""
        if self.open is None:
            return self.data is not None and _has(self.data, at)
        return _has(self.data, at) and not (at == self.open or self.open.startswith(f"{at}/") or at == "")

    @cached_property
    def value(self) -> Any:
        """The value so far. The last one is the result's. Before, objects of pydantic models are instances that have
        only the fields that were begun, each validated once it is complete; what is no model, or refused, is JSON
        data."""
        if self.result is not None:
            return self.result.value
        return _typed(self.output_type, self.data, self.open, "")


def _has(data: Any, at: str) -> bool:
    for step in at.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict) and name in data:
            data = data[name]
        elif isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        else:
            return False
    return True


def _typed(kind: Any, data: Any, open_: str | None, at: str) -> Any:
    """Data in its type as far as it is complete; what cannot be said yet stays as it is."""
    kind = _plain_kind(kind)
    if open_ is None or not (at == open_ or open_.startswith(f"{at}/")):
        is_valid, value = _validated(kind, data)
        if is_valid:
            return value  # else as far as its members are
    if isinstance(data, dict) and _is_model(kind):
        fields = {(field.alias or name): (name, field.annotation) for name, field in kind.model_fields.items()}
        known = {fields[key][0]: _typed(fields[key][1], value, open_, at + pointer([key]))
                 for key, value in data.items() if key in fields}
        return kind.model_construct(_fields_set=set(known), **known)
    if isinstance(data, list) and get_origin(kind) is list:
        return [_typed(get_args(kind)[0], item, open_, at + pointer([i])) for i, item in enumerate(data)]
    if isinstance(data, dict) and get_origin(kind) is dict:
        return {key: _typed(get_args(kind)[1], value, open_, at + pointer([key])) for key, value in data.items()}
    return data


def _validated(kind: Any, data: Any) -> tuple[bool, Any]:
    from trellis.contract import contract_of
    from trellis.errors import TrellisError

    if kind is None or isinstance(kind, dict):
        return True, data
    try:
        verdict = contract_of(kind).validate(data)
    except TrellisError:
        return False, data
    return verdict.ok, verdict.value


def _plain_kind(kind: Any) -> Any:
    """A type without how it is written, its annotations, and the ``None`` that may stand in its place."""
    from trellis.contract import Csv, Yaml

    if isinstance(kind, Csv):
        return types.GenericAlias(list, kind.row) if not isinstance(kind.row, dict) else None
    if isinstance(kind, Yaml):
        return _plain_kind(kind.type)
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        if len(members) == 1:
            return _plain_kind(members[0])
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_fields") and hasattr(kind, "model_construct")

"""``typing.TypedDict`` for pydantic, which takes only ``typing_extensions.TypedDict`` before Python 3.12.

Before 3.12 a ``typing.TypedDict`` does not know which fields are required where its annotations are strings; what is
made of it here reads them from the resolved hints.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from typing import Any, get_args, get_origin

import typing_extensions

NEEDED = sys.version_info < (3, 12)


def with_pydantics_typed_dicts(output_type: Any) -> Any:
    """The type, with each ``typing.TypedDict`` in it, its arguments and the fields of other TypedDicts replaced.

    Those in the fields of dataclasses and NamedTuples stay: the class itself would have to be another.

    Raises:
        NameError, TypeError: an annotation cannot be resolved.
    """
    return _replaced(output_type, {}) if NEEDED else output_type


def _replaced(tp: Any, made: dict[type, Any]) -> Any:
    if typing.is_typeddict(tp) and type(tp).__module__ == "typing":
        return made[tp] if tp in made else _copy(tp, made)
    origin, arguments = get_origin(tp), get_args(tp)
    if not arguments or origin is typing.Literal:
        return tp
    if origin is typing.Annotated:
        inner = _replaced(arguments[0], made)
        return tp if inner is arguments[0] else typing.Annotated[(inner, *tp.__metadata__)]
    new = tuple(_replaced(argument, made) for argument in arguments)
    if all(one is other for one, other in zip(new, arguments, strict=True)):
        return tp
    if origin is types.UnionType:
        return functools.reduce(operator.or_, new)
    return tp.copy_with(new) if hasattr(tp, "copy_with") else origin[new]


def _copy(typed_dict: Any, made: dict[type, Any]) -> Any:
    """A TypedDict of ``typing_extensions`` with the same fields; made before its fields, which may lead back to it."""
    make: Any = typing_extensions.TypedDict
    copy: Any = make(typed_dict.__name__, {})
    made[typed_dict] = copy
    hints = typing_extensions.get_type_hints(typed_dict, include_extras=True)
    required = {name for name in hints if _is_required(typed_dict, name, hints[name])}
    copy.__annotations__ = {name: _replaced(hint, made) for name, hint in hints.items()}
    copy.__required_keys__, copy.__optional_keys__ = frozenset(required), frozenset(hints.keys() - required)
    for name in ("__module__", "__qualname__", "__doc__"):
        setattr(copy, name, getattr(typed_dict, name))
    config = getattr(typed_dict, "__pydantic_config__", None)
    if config is not None:
        copy.__pydantic_config__ = config
    return copy


def _is_required(typed_dict: Any, name: str, hint: Any) -> bool:
    origins = (get_origin(hint), get_origin(get_args(hint)[0]) if get_origin(hint) is typing.Annotated else None)
    if any(origin in (typing.NotRequired, typing_extensions.NotRequired) for origin in origins):
        return False
    if any(origin in (typing.Required, typing_extensions.Required) for origin in origins):
        return True
    return name in typed_dict.__required_keys__

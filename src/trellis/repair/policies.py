"""Policies: what is done where damaged text can be read in more than one right way, and a tool has to choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from ..errors import UsageError, shown


@dataclass(frozen=True, slots=True)
class Policies:
    """The choices, with ours as defaults.

    Attributes:
        missing: a value that is not there is ``null`` or an ``empty`` string.
        truncated: a key that the end of the text cut off from its value is left out (``drop``) or ``null``.
        cut_number: a number at the very end of a text that was cut off is kept (``keep``), or not (``drop``).
        several: of values one after another ``all`` are kept, as a list, or the ``first`` or ``last``; of values with
            prose between them the best counts, or the first or last of those that are about as good.
        no_data: a text without data is an ``error``, or a string: the ``text``, or an ``empty`` one.
        root_scalar: a scalar alone is ``read``, or is no data (``error``), unless the schema wants one.
        non_finite: ``NaN`` and ``Infinity`` are ``null``, ``text``, or an ``error``.
        duplicates: of a key that occurs twice the ``last`` counts or the ``first``, or it is an ``error``.
        text_end: white space at the end of the strings of a repaired text is kept (``keep``), or not (``strip``).
        defaults: a ``default`` of the schema is filled in where the member is ``required``, or for ``all`` members.
        absent: required data that is not there is an ``error``, or becomes ``empty``: ``null`` where the schema accepts
            that, for other members too, else ``[]`` or ``{}``; or ``null``, for partial values: any member may be null.
        unknown: a member that the schema does not name, and does not forbid, is kept (``keep``), or not (``drop``).

    Raises:
        UsageError: no such choice.
    """

    missing: Literal["null", "empty"] = "null"
    truncated: Literal["drop", "null"] = "drop"
    cut_number: Literal["keep", "drop"] = "keep"
    several: Literal["all", "first", "last"] = "all"
    no_data: Literal["error", "text", "empty"] = "error"
    root_scalar: Literal["read", "error"] = "read"
    non_finite: Literal["null", "text", "error"] = "null"
    duplicates: Literal["last", "first", "error"] = "last"
    text_end: Literal["keep", "strip"] = "keep"
    defaults: Literal["required", "all"] = "required"
    absent: Literal["error", "empty", "null"] = "error"
    unknown: Literal["keep", "drop"] = "keep"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            choice = getattr(self, name)
            if choice not in choices:
                hint = f"one of {', '.join(choices)}"
                raise UsageError(f"policy {name!r}: no such choice: {shown(choice)}", hint=hint)

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> Policies:
        """Policies from texts ``name=choice``.

        Raises:
            UsageError: no such policy or choice.
        """
        chosen: dict[str, str] = {}
        for pair in pairs:
            name, equals, choice = pair.partition("=")
            name = name.strip().replace("-", "_")
            if not equals or name not in CHOICES:
                raise UsageError(f"no such policy: {shown(pair)}", hint=f"name=choice; names: {', '.join(CHOICES)}")
            chosen[name] = choice.strip()
        return cls(**chosen)  # type: ignore[arg-type]  # __post_init__ checks the choices


CHOICES: dict[str, tuple[str, ...]] = {
    item.name: get_args(get_type_hints(Policies)[item.name]) for item in fields(Policies)
}
"""The choices of each policy, ours first."""

OURS = Policies()
"""What is done where nothing else is asked for."""


def checked_policies(policies: object) -> Policies:
    """Policies from an argument; ``None`` means ours. Raises ``UsageError``."""
    if policies is None:
        return OURS
    if not isinstance(policies, Policies):
        raise UsageError(f"policies={shown(policies)} is no Policies")
    return policies


def json_only(policies: Policies, name: str) -> None:
    """Raise ``UsageError`` for choices other than ours in a format that has no others."""
    other = [item for item in CHOICES if getattr(policies, item) != getattr(OURS, item)]
    if other:
        raise UsageError(f"{name} has no other choice for policy {other[0]!r}", hint="policies are for JSON")

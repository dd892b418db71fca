"""Rules of the user's own, beside the built-in ones: "this model always writes ...".

A rule is a function that finds places in a text and says what should stand there. Rules are used where the standard
reading does not hold; what they say goes before what the built-in rules would do, and is in the edits like the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RepairError, UsageError, looking_at_arguments
from .edits import Change, Repaired, apply_edits, compose, locate
from .rules import LEVELS, RULES, Level
from .standard import confidence

Find = Callable[[str], Iterable[tuple[int, int, str]]]


@dataclass(frozen=True, slots=True)
class UserRule:
    """One rule.

    Attributes:
        name: what it is called in edits and statistics; not the name of a built-in rule.
        find: gives ``(start, end, after)`` for each place: ``text[start:end]`` becomes ``after``.
        does: one line for people.
        cost: what one use adds to the cost of a reading.
        level: the lowest level that allows it.

    Raises:
        UsageError: an attribute is of the wrong kind.
    """

    name: str
    find: Find
    does: str = ""
    cost: float = 0.3
    level: Level = "normal"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or self.name in RULES:
            raise UsageError(f"{self.name!r:.60} cannot name a rule", hint="built-in rules keep their names")
        if not callable(self.find):
            raise UsageError(f"rule {self.name!r}: find must be callable, not {type(self.find).__name__}")
        if self.level not in LEVELS:
            raise UsageError(
                f"rule {self.name!r}: no such level: {self.level!r:.60}", hint=f"one of {', '.join(LEVELS)}"
            )
        if not isinstance(self.cost, int | float) or not 0 <= self.cost < math.inf:
            raise UsageError(f"rule {self.name!r}: a cost is a number from 0 on")

    @classmethod
    def substitute(cls, name: str, pattern: str, after: str, does: str = "") -> UserRule:
        """The rule that puts ``after`` (with groups, as in ``re.sub``) in the place of each match of a pattern.

        Raises:
            UsageError: the pattern is none, or ``after`` names a group that it does not have.
        """
        for what in (pattern, after):
            if not isinstance(what, str):
                raise UsageError(f"rule {name!r}: a pattern and what it becomes are strings, not {type(what).__name__}")
        try:
            compiled = re.compile(pattern)
            compiled.sub(after, "")  # reads the groups
        except (re.error, IndexError) as error:
            raise UsageError(f"rule {name!r}: {error}") from error
        return cls(name, lambda text: ((m.start(), m.end(), m.expand(after)) for m in compiled.finditer(text)), does)

    def changes(self, text: str) -> list[Change]:
        """What the rule changes in a text.

        Raises:
            UsageError: the function fails, or finds no places.
        """
        try:
            found = [(int(start), int(end), str(after)) for start, end, after in self.find(text)]
        except Exception as error:
            raise UsageError(f"rule {self.name!r} failed: {type(error).__name__}: {error}") from error
        if any(not 0 <= start <= end <= len(text) for start, end, _ in found):
            raise UsageError(f"rule {self.name!r} found a place outside of the text")
        return [
            Change(self.name, start, end, after, self.cost) for start, end, after in found if text[start:end] != after
        ]


def _checked(rules: Iterable[UserRule] | None) -> tuple[UserRule, ...]:
    """The rules as a tuple; ``None`` is no rules."""
    if rules is None:
        return ()
    if isinstance(rules, UserRule) or not isinstance(rules, Iterable):
        raise UsageError(f"rules must be a sequence of UserRule, not {type(rules).__name__}", hint="rules=[rule]")
    with looking_at_arguments():
        found = tuple(rules)
    for rule in found:
        if not isinstance(rule, UserRule):
            raise UsageError(f"a rule is a UserRule, not {type(rule).__name__}")
    return found


def with_rules(
    text: str, rules: Sequence[UserRule] | None, level: Level, read: Callable[[str], Repaired[Any]]
) -> Repaired[Any]:
    """What ``read`` makes of a text once the rules have been used on it; the standard reading still comes first."""
    rules = _checked(rules)
    plain, failure = None, None
    try:
        plain = read(text)
    except RepairError as error:
        if error.limit or not rules:
            raise
        failure = error
    if plain is not None and (not plain.edits or not rules):
        return plain
    mended = _mended(text, rules, level, read)
    if mended is not None:
        return mended
    if plain is None:
        assert failure is not None
        raise failure
    return plain


def _mended(
    text: str, rules: Sequence[UserRule], level: Level, read: Callable[[str], Repaired[Any]]
) -> Repaired[Any] | None:
    found: list[Change] = []
    for rule in rules:
        if LEVELS.index(rule.level) <= LEVELS.index(level):
            found += rule.changes(text)
    changes: list[Change] = []
    for change in sorted(found, key=lambda change: (change.start, change.end)):
        if not changes or change.start >= changes[-1].end:  # of rules that meet the first counts
            changes.append(change)
    if not changes:
        return None
    try:
        rest = read(apply_edits(text, changes))
    except RepairError as error:
        if error.limit:
            raise
        return None
    more = [Change(edit.rule, edit.start, edit.end, edit.after, edit.cost) for edit in rest.edits]
    every = compose(text, changes, more)
    sure = confidence(sum(change.cost for change in every), math.inf)
    return Repaired(rest.value, rest.text, locate(text, every), sure, rest.complete, (), rest.ambiguous)

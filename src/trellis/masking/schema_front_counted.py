"""Objects in any order whose properties are too many to be remembered one by one.

As no name comes twice, names that mean the same for all that may still come need only be counted: required ones, those
that can satisfy the same clauses, those whose absence does. What an object remembers is how many of each such *kind*
were said, how many names in all, and which clauses hold. Names that others ask for are kinds by themselves.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from trellis.errors import LimitError
from trellis.schema import clock
from trellis.schema.shapes import Conjunction

if TYPE_CHECKING:
    from trellis.masking.schema_front_names import Other, Wanted
    from trellis.masking.schema_front_objects import ObjectAutomaton

MAX_STATES = 10_000
MAX_STEPS = 5_000  # where clauses hold or do not; a tenth of a second
MAX_COUNTS = 1_000  # what counts and clauses could be together: more of them are seldom within the steps

Found = tuple[bool, ...]  # for each clause, whether it holds


class _Kind(NamedTuple):
    """What names have in common.

    Attributes:
        required: whether they all have to come.
        tied: the name, if others ask for it, or it for others.
        absent, wanted: the clauses that hold when one of them is not there, or has some values.
        outcomes: the clauses that one of them may satisfy at once.
        endless: whether there always are others.
    """

    required: bool = False
    tied: str = ""
    absent: frozenset[int] = frozenset()
    wanted: frozenset[int] = frozenset()
    outcomes: frozenset[Found] = frozenset()
    endless: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it may matter how many of them were said."""
        return not self.endless and bool(self.required or self.tied or self.absent or self.wanted)


class _State(NamedTuple):
    """What an object remembers: how many of each kind were said, how many names, which clauses hold."""

    said: tuple[int, ...]
    number: int
    found: Found


Members = tuple[tuple["str | Other", Conjunction], ...]  # names and values
Step = tuple[int, Found, Found]  # a property of some kind, and the clauses that hold before and behind it
_Edge = tuple[int, Step, int]  # from a state to another


class Counted:
    """The states of one object and what leads from one to another.

    Args:
        top: up to where it matters how many names there are.

    Raises:
        LimitError: they are too many.
    """

    def __init__(self, automaton: ObjectAutomaton, top: int) -> None:
        self.automaton, self.top = automaton, top
        self.clauses = automaton.objects.some
        self.tied = {name for pair in automaton.objects.implied for name in pair}
        self.nothing: Found = (False,) * len(self.clauses)
        self.impossible = False  # a required name has no value
        kinds: dict[_Kind, list[str | Other]] = {}
        for name in automaton.floating:
            kind = self._kind(name)
            if kind.is_counted and automaton.emptiness.lacks([automaton.members[name]]):
                self.impossible = self.impossible or kind.required
                continue
            kinds.setdefault(self._kind(name), []).append(name)
        for other in automaton.others:
            wanted = _asking(other.wanted)
            kinds.setdefault(_Kind(wanted=wanted, endless=bool(wanted)), []).append(other)
        self.kinds, self.names = list(kinds), list(kinds.values())
        self._members: dict[Found, list[dict[Found, Members]]] = {}
        counts = prod(len(names) + 1 for kind, names in kinds.items() if kind.is_counted)
        if counts * (top + 1) > (MAX_COUNTS if self.clauses else MAX_STATES):
            raise self._too_many()
        start = _State((0,) * len(self.kinds), 0, self.nothing)
        self.numbers, self.states = {start: 0}, [start]
        self.edges: list[_Edge] = []
        self._explore()

    def _too_many(self) -> LimitError:
        return LimitError(f"an object needs more than {MAX_STATES} states "
                          f"(at {self.automaton.objects.pointer or 'the root'})", limit="states")

    def _kind(self, name: str) -> _Kind:
        wanted = self.automaton.wanted(name) if self.clauses else ()
        return _Kind(name in self.automaton.required, name if name in self.tied else "",
                     frozenset(i for i, clause in enumerate(self.clauses) if name in clause.absent),
                     _asking(wanted), frozenset(found for _, found in self._variants(name, self.nothing)))

    def _explore(self) -> None:
        maximum = self.automaton.objects.maximum if self.top else None
        for at, state in enumerate(self.states):  # grows
            if maximum is not None and state.number >= maximum:
                continue
            members = self._outcomes(state.found)
            for i, kind in enumerate(self.kinds):
                if kind.is_counted and state.said[i] == len(self.names[i]):
                    continue
                for found in members[i]:
                    clock.spend()
                    following = self._following(state, i, found)
                    if self._hopeless(following):
                        continue
                    number = self.numbers.get(following)
                    if number is None:
                        number = self.numbers[following] = len(self.states)
                        self.states.append(following)
                    step = (i, state.found, found) if kind.wanted else (i, self.nothing, self.nothing)
                    self.edges.append((at, step, number))
                    if self.clauses and len(self.edges) > MAX_STEPS:
                        raise self._too_many()

    def _following(self, state: _State, kind: int, found: Found) -> _State:
        said = tuple(count + (i == kind) if self._matters(self.kinds[i], found) else 0
                     for i, count in enumerate(state.said))
        return _State(said, min(state.number + 1, self.top), found)

    @staticmethod
    def _matters(kind: _Kind, found: Found) -> bool:
        """Whether it still has to be known how many of a kind were said."""
        return kind.is_counted and (bool(kind.required or kind.tied) or not all(
            found[i] for i in kind.absent | kind.wanted))

    def members(self, step: Step) -> Members:
        """The properties of a kind that lead from some clauses to more."""
        kind, before, after = step
        return self._outcomes(before)[kind][after]

    def _outcomes(self, found: Found) -> list[dict[Found, Members]]:
        """For each kind its properties by the clauses that hold behind them."""
        if found not in self._members:
            self._members[found] = [self._of_kind(i, found) for i in range(len(self.kinds))]
        return self._members[found]

    def _of_kind(self, kind: int, found: Found) -> dict[Found, Members]:
        outcomes: dict[Found, list[tuple[str | Other, Conjunction]]] = {}
        for name in self.names[kind]:
            for inner, after in self._variants(name, found):
                outcomes.setdefault(after, []).append((name, inner))
        if self.kinds[kind].is_counted and any(
                len({name for name, _ in members}) != len(self.names[kind]) for members in outcomes.values()):
            raise self._too_many()  # they are not alike
        return {after: tuple(members) for after, members in outcomes.items()}

    def _variants(self, name: str | Other, found: Found) -> list[tuple[Conjunction, Found]]:
        """The values of a name, with the clauses that hold behind it."""
        value, wanted = ((self.automaton.members[name], self.automaton.wanted(name)) if isinstance(name, str)
                         else (name.value, name.wanted))
        if not any(wanted):
            return [(value, found)]
        return [(inner, after) for inner, after in self.automaton.variants(value, found, wanted)
                if not self.automaton.emptiness.lacks([inner])]

    def _hopeless(self, state: _State) -> bool:
        """Whether some clause does not hold, and nothing is left that could satisfy it."""
        full = [count == len(names) for count, names in zip(state.said, self.names, strict=True)]
        return any(not holds and not self.automaton.far[i] and self._is_present(i, state) and all(
            full[k] for k, kind in enumerate(self.kinds) if i in kind.wanted) for i, holds in enumerate(state.found))

    def _is_present(self, clause: int, state: _State) -> bool:
        """Whether all names are there whose absence would satisfy a clause."""
        return len(set(self.clauses[clause].absent)) == sum(
            count for count, kind in zip(state.said, self.kinds, strict=True) if clause in kind.absent)

    def may_end(self, state: _State) -> bool:
        """Whether an object may end here."""
        if self.top and state.number < self.automaton.objects.minimum:
            return False
        tied = {kind.tied for kind, count in zip(self.kinds, state.said, strict=True) if kind.tied and count}
        return all(count == len(names) for kind, names, count in zip(self.kinds, self.names, state.said, strict=True)
                   if kind.required) and not any(
            name in tied and other not in tied for name, other in self.automaton.objects.implied) and all(
            holds or not self._is_present(i, state) for i, holds in enumerate(state.found))


def _asking(wanted: Wanted) -> frozenset[int]:
    """The clauses that some value of a name satisfies."""
    return frozenset(i for i, ways in enumerate(wanted) if ways)

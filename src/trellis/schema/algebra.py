"""The algebra of shapes: intersections, differences and unions, with a limit on the work that goes into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trellis.errors import LimitError
from trellis.schema import clock
from trellis.schema.complement import outside, spelled_out, type_of, without
from trellis.schema.questions import Circular, Questions
from trellis.schema.shapes import (
    ANY,
    UNRESTRICTED,
    Arrays,
    Case,
    Conjunction,
    Literals,
    Numbers,
    Objects,
    Shape,
    Strings,
    identity,
    meet,
    no_number,
)

MANY = 12  # pairs of cases
FEW = 3  # cases that a difference makes before objects are kept together
MAX_CASES = 5_000
MAX_WORK = 2_000_000  # cases that meet, and properties in them; a second or two
ATTEMPT = MAX_WORK // 10
_NAMES: dict[type, str] = {Numbers: "number", Strings: "string", Arrays: "array", Objects: "object"}


class Algebra:
    """Joins shapes of one document.

    Args:
        known: the shape of a conjunction.
        refuse: called with what cannot be said exactly, and its pointer.
    """

    def __init__(self, known: Callable[[Conjunction], Shape], refuse: Callable[..., None],
                 relaxing: Callable[[], bool]) -> None:
        self.questions = Questions(self, known, relaxing)
        self._refuse = refuse
        self._literals: dict[int, tuple[Literals, dict[Any, Any]]] = {}  # by id of a case, which is kept alive here
        self._kept: list[Case] = []  # cases with schemas of their own, which have to stay alive
        self._work, self._most = 0, MAX_WORK

    def meet(self, left: Shape, right: Shape) -> Shape:
        """The intersection of two shapes."""
        if left is ANY or not right:
            return right
        if right is ANY or not left:
            return left
        if len(left) * len(right) <= MANY:
            self.spend(left, right)
            cases = [case for one in left for other in right if (case := self.meet_cases(one, other)) is not None]
        else:
            cases = self._meet_many(left, right)
            if len(cases) > max(len(left), len(right)):
                cases = self.questions.not_barren(cases)
        if len(cases) > MAX_CASES:
            raise too_many()
        return tuple(cases)

    def _meet_many(self, left: Shape, right: Shape) -> list[Case]:
        """The intersections of many cases, of which most are told apart by a property."""
        found = []
        for one in left:
            self._spend(len(right))
            for other in right:
                if not self.questions.told_apart(one, other):
                    self._spend(_weight(one) + _weight(other))
                    case = self.meet_cases(one, other)
                    if case is not None:
                        found.append(case)
        return found

    def subtract(self, shape: Shape, taken: Shape, pointer: str = "") -> Shape:
        """A shape less another. What is left of objects is taken apart where that makes few cases, and is else kept
        together: one case each, of whose clauses all have to hold."""
        if taken is ANY:
            return ()
        few = self._subtract(shape, taken, pointer, max(len(shape), FEW))
        return self._subtract(shape, taken, pointer) or () if few is None else few

    def _subtract(self, shape: Shape, taken: Shape, pointer: str, most: int | None = None) -> Shape | None:
        """A shape less another, with objects kept together; or taken apart, None where that makes too many cases."""
        together = most is None
        for case in taken:
            if not shape:
                break
            self.spend(shape, (case,))
            if isinstance(case, Literals):
                for value in case.values:
                    shape = tuple(rest for one in shape for rest in self._without(one, value, pointer, together))
            else:
                shape = tuple(rest for one in shape for rest in self._beyond(one, case, pointer, together))
            if most is not None and len(shape) > most:
                return None
        return shape

    def _beyond(self, case: Case, taken: Case, pointer: str, together: bool) -> list[Case]:
        """A case less another."""
        if case is taken:
            return []
        if isinstance(case, Literals):
            values = self._chosen(case, lambda value: not self.questions.admits_case(taken, value, perhaps=True))
            return [case._replace(values=values)] if values else []
        if type_of(case) is not type_of(taken) or self.questions.disjoint_cases(case, taken, 2):
            return [case]
        parts = outside(taken, together)
        if parts is None:
            self._refuse("masks cannot enforce the opposite of 'uniqueItems'", pointer)
            return [case]
        self._kept.append(taken)
        return [met for part in parts if (met := self.meet_cases(case, part)) is not None]

    def _without(self, case: Case, value: Any, pointer: str, together: bool) -> list[Case]:
        """A case less one value."""
        if isinstance(case, Literals):
            key = identity(value)
            values = tuple(other for other in case.values if identity(other) != key)
            return [case._replace(values=values)] if values else []
        if not self.questions.is_of(case, value):
            return [case]
        if isinstance(case, Arrays | Objects):
            return self._beyond(case, spelled_out(value), pointer, together)
        return [rest for rest in without(case, value) if not (isinstance(rest, Numbers) and no_number(rest))]

    def spend(self, left: Shape, right: Shape) -> None:
        """Alternatives beside alternatives multiply: not without end."""
        self._spend(sum(map(_weight, left)) * len(right) + sum(map(_weight, right)) * len(left))

    def _spend(self, work: int) -> None:
        self._work += work
        clock.spend(1 + work // 10)
        if self._work > self._most:
            raise LimitError("the schema has too many alternatives that have to be compared with each other",
                             limit="alternatives", hint="put fewer anyOf and oneOf beside each other")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Only a part of what may be spent is spent here: there is another way."""
        most = self._most
        self._most = min(most, self._work + ATTEMPT)
        try:
            yield
        finally:
            self._most = most

    def _identities(self, literals: Literals) -> dict[Any, Any]:
        """The values of a case by what makes them the same."""
        known = self._literals.get(id(literals))
        if known is None:
            known = self._literals[id(literals)] = (literals, {identity(value): value for value in literals.values})
        return known[1]

    def meet_cases(self, left: Case, right: Case) -> Case | None:
        """What two cases have in common; None when that is nothing for certain."""
        if not isinstance(left, Literals):
            if not isinstance(right, Literals):
                return meet(left, right)
            left, right = right, left
        if isinstance(right, Literals):
            ours, others = self._identities(left), self._identities(right)
            few, many = (ours, others) if len(ours) <= len(others) else (others, ours)
            values = tuple(ours[key] for key in few if key in many)
        else:
            case = right
            values = self._chosen(left, lambda value: self.questions.admits_case(case, value))
        return Literals(values, left.pointer) if values else None

    def _chosen(self, literals: Literals, wanted: Any) -> tuple[Any, ...]:
        try:
            return tuple(value for value in literals.values if wanted(value))
        except Circular:
            self._refuse("masks cannot enforce literal values in a schema that refers to itself beside them",
                        literals.pointer)
            return literals.values


def too_many() -> LimitError:
    """A part of a schema has more alternatives than are followed."""
    return LimitError(f"a part of the schema has more than {MAX_CASES} alternatives", limit="cases")


def either(*shapes: Shape) -> Shape:
    """The union of shapes, each case once; beside all values of a type, other cases of it say nothing."""
    cases = {id(case): case for shape in shapes for case in shape}
    whole = {type(case) for case in cases.values() if case is UNRESTRICTED.get(_NAMES.get(type(case), ""))}
    return tuple(case for case in cases.values()
                 if type(case) not in whole or case is UNRESTRICTED[_NAMES[type(case)]])


def _weight(case: Case) -> int:
    """What it costs to intersect a case."""
    if isinstance(case, Literals):
        return 1 + len(case.values) // 50
    return 1 + len(case.properties) + len(case.required) + len(case.rules) if isinstance(case, Objects) else 1

"""Why nothing satisfies a schema: which part is empty by itself, or where a recursion has no base."""

from __future__ import annotations

from collections.abc import Iterable

from trellis.masking import schema_front_multiples as multiples
from trellis.masking import schema_front_numbers as numbers
from trellis.masking import schema_front_strings as strings
from trellis.schema import clock
from trellis.schema.normal import Normalizer
from trellis.schema.shapes import Arrays, Case, Conjunction, Numbers, Objects, Strings, key_of


class Emptiness:
    """Which parts of a schema have a value, and why a whole one has none. What was found out stays known."""

    def __init__(self, normal: Normalizer) -> None:
        self.normal = normal
        self._needs: dict[tuple[int, ...], list[list[tuple[int, ...]]]] = {}
        self._good: set[tuple[int, ...]] = set()

    def culprit(self, root: Conjunction) -> str:
        """The pointer of a part that is empty by itself, or where a recursion without an end comes back to."""
        satisfied = self.satisfied(root)
        seen: set[tuple[int, ...]] = set()
        at, pointer = root, ""
        while key_of(at) not in seen:
            seen.add(key_of(at))
            pointer = at[-1].pointer if at else ""
            shape = self.normal.shape(at)
            missing = [inner for inner in (self.needed(shape[0]) if len(shape) == 1 else [])
                       if key_of(inner) not in satisfied]
            if not missing:  # empty by itself, or several alternatives that are all empty
                break
            at = missing[0]
        return pointer

    def lacks(self, conjunctions: Iterable[Conjunction]) -> bool:
        """Whether some conjunction has no value."""
        return any(key_of(it) not in self.satisfied(it) for it in conjunctions)

    def satisfied(self, root: Conjunction) -> set[tuple[int, ...]]:
        """The conjunctions below the root that have a value, as a least fixed point."""
        new: list[tuple[int, ...]] = []
        work = [root]
        while work:
            conjunction = work.pop()
            key = key_of(conjunction)
            if key in self._needs:
                continue
            clock.spend()
            cases = [case for case in self.normal.shape(conjunction) if not self.barren(case)]
            self._needs[key] = [[key_of(inner) for inner in self.needed(case)] for case in cases]
            new.append(key)
            work += [inner for case in cases for inner in self.needed(case)]
        while True:  # what needs only what is known is settled by then, so only new ones are looked at
            more = {key for key in new if any(self._good.issuperset(case) for case in self._needs[key])}
            if not more:
                return self._good
            self._good |= more
            new = [key for key in new if key not in more]

    def needed(self, case: Case) -> list[Conjunction]:
        """What a value of a case has to hold."""
        if isinstance(case, Objects):
            return [case.member(name) for name in case.required] + [
                clause.rules[0][1] for clause in case.some if clause.size == 1]
        if isinstance(case, Arrays):
            return [case.item(i) for i in range(min(case.minimum, len(case.prefix) + 1))]
        return []

    def barren(self, case: Case) -> bool:
        """Whether a case has no value, whatever it holds."""
        match case:
            case Strings():
                return not strings.terminals_of(case)
            case Numbers():
                return (multiples.terminal(case._replace(pointer="")) if case.multiples or case.unlike
                        else numbers.code(case)) is None
        return False

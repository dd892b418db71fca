"""unevaluatedProperties and unevaluatedItems: what no other keyword of a schema, or of one beside it, has looked at.

Which keywords look at a property or item depends on which alternatives hold. So a schema is taken apart into branches,
a shape each with what it evaluates. An alternative that holds may be left out of a branch: then less is evaluated, and
what is left has more to satisfy; so no branch needs to say that an alternative does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from trellis.errors import LimitError
from trellis.schema.algebra import either
from trellis.schema.keyword_values import dependent_schemas, members_of, place_of
from trellis.schema.patterns import Pattern
from trellis.schema.questions import Circular
from trellis.schema.resolve import Place, join
from trellis.schema.shapes import ANY, Arrays, Conjunction, Objects, Shape, Strings, absent

if TYPE_CHECKING:
    from trellis.schema.normal import Normalizer

KEYWORDS = ("unevaluatedProperties", "unevaluatedItems")
MAX_BRANCHES = 300


class Evaluated(NamedTuple):
    """Properties and items that some keywords look at."""

    names: frozenset[str] = frozenset()
    patterns: frozenset[Pattern] = frozenset()
    all_names: bool = False
    items: int = 0  # so many of the first
    all_items: bool = False
    contained: tuple[Place, ...] = ()  # items that satisfy one of these

    def joined(self, other: Evaluated) -> Evaluated:
        """What one of two looks at."""
        known = {place.key for place in self.contained}
        return Evaluated(self.names | other.names, self.patterns | other.patterns, self.all_names or other.all_names,
                         max(self.items, other.items), self.all_items or other.all_items,
                         self.contained + tuple(place for place in other.contained if place.key not in known))


NOTHING = Evaluated()
Branch = tuple[Shape, Evaluated]


class Branches:
    """Takes schemas apart by what is evaluated."""

    def __init__(self, normal: Normalizer) -> None:
        self.normal = normal
        self._kept: list[Any] = []
        self._open: set[int] = set()

    def of(self, place: Place) -> list[Branch]:
        """The branches of a schema; together they are its shape.

        Raises:
            LimitError: there are too many.
            Circular: they are asked for while they are made.
        """
        schema = place.schema
        if not isinstance(schema, Mapping):
            return [(self.normal.known((place,)), NOTHING)]
        if place.key in self._open:
            raise Circular
        self._open.add(place.key)
        try:
            return self._of(schema, place.pointer)
        finally:
            self._open.discard(place.key)

    def _of(self, schema: Mapping[str, Any], pointer: str) -> list[Branch]:
        kinds, general = self.normal.inventory(schema, pointer)
        found: list[Branch] = [(self.normal.own(schema, kinds, general, pointer), _own(schema, pointer, self.normal))]
        for other in self.normal.referred(schema, general, pointer):
            found = self._both(found, self.of(other))
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in general:
                members = members_of(schema, keyword, pointer)
                if keyword == "allOf":
                    for member in members:
                        found = self._both(found, self.of(member))
                else:
                    found = self._both(found, self._any(members) if keyword == "anyOf" else self._one(members))
        if "not" in general:
            denied = Place(schema["not"], join(pointer, "not"))
            found = [(self.normal.less(shape, denied, "not"), evaluated) for shape, evaluated in found]
        if "if" in general:
            found = self._both(found, self._conditional(schema, pointer))
        for name, inner in dependent_schemas(schema, general, pointer):
            present = self._both([((Objects(required=(name,)),), NOTHING)], self.of(inner))
            found = self._both(found, [(absent(name), NOTHING), *present])
        for keyword in KEYWORDS:
            if keyword in schema:
                rest = place_of(schema[keyword], join(pointer, keyword))
                found = [self._applied(keyword, rest, *branch) for branch in found]
        return [branch for branch in found if branch[0]]

    def _both(self, left: list[Branch], right: list[Branch]) -> list[Branch]:
        joined: dict[Evaluated | tuple[Any, ...], tuple[list[Shape], Evaluated]] = {}
        for one, looked in left:
            for other, also in right:
                evaluated = looked.joined(also)
                key = (*evaluated[:5], tuple(place.key for place in evaluated.contained))
                joined.setdefault(key, ([], evaluated))[0].append(self.normal.algebra.meet(one, other))
        if len(joined) > MAX_BRANCHES:
            raise LimitError(f"what is not evaluated depends on more than {MAX_BRANCHES} choices", limit="alternatives")
        return [(shape, evaluated) for shapes, evaluated in joined.values() if (shape := either(*shapes))]

    def _any(self, members: list[Place]) -> list[Branch]:
        """Any members that hold together; those that look at nothing need not be told apart."""
        apart = [self.of(member) for member in members]
        looking = [branches for branches in apart if any(evaluated != NOTHING for _, evaluated in branches)]
        blind = either(*(shape for branches in apart if branches not in looking for shape, _ in branches))
        found: list[Branch] = [(blind, NOTHING)] if blind else []
        for size in range(1, len(looking) + 1):
            for chosen in combinations(looking, size):
                together: list[Branch] = [(ANY, NOTHING)]
                for branches in chosen:
                    together = self._both(together, branches)
                found += together
            if len(found) > MAX_BRANCHES:
                raise LimitError(f"what is not evaluated depends on more than {MAX_BRANCHES} choices",
                                 limit="alternatives")
        return found

    def _one(self, members: list[Place]) -> list[Branch]:
        found: list[Branch] = []
        for i, member in enumerate(members):
            for shape, evaluated in self.of(member):
                for j, other in enumerate(members):
                    if i != j and shape:
                        shape = self.normal.less(shape, other, "oneOf")
                found.append((shape, evaluated))
        return found

    def _conditional(self, schema: Mapping[str, Any], pointer: str) -> list[Branch]:
        condition = Place(schema["if"], join(pointer, "if"))
        holds, fails = self.of(condition), [(self.normal.less(ANY, condition, "if"), NOTHING)]
        for keyword in ("then", "else"):
            if keyword in schema:
                branch = self.of(Place(schema[keyword], join(pointer, keyword)))
                if keyword == "then":
                    holds = self._both(holds, branch)
                else:
                    fails = self._both(fails, branch)
        return holds + fails

    def _applied(self, keyword: str, rest: Conjunction, shape: Shape, evaluated: Evaluated) -> Branch:
        """A branch in which all that is not evaluated satisfies the keyword's schema."""
        others = tuple(case for case in ANY if not isinstance(case, Objects if keyword == KEYWORDS[0] else Arrays))
        if keyword == KEYWORDS[0]:
            if not evaluated.all_names:
                rule = (Strings(forbidden=tuple(evaluated.patterns)), rest)
                objects = Objects(dict.fromkeys(sorted(evaluated.names), ()), rules=(rule,) if rest else ())
                # names that have a pattern are evaluated, whether they are listed or not
                shape = self.normal.algebra.meet(shape, (*others, objects))
            return shape, evaluated._replace(all_names=True)
        if not evaluated.all_items:
            if evaluated.contained and rest:
                either_way = {"anyOf": [place.schema for place in (*evaluated.contained, *rest)]}
                self._kept.append(either_way)
                rest = (Place(either_way, rest[0].pointer),)
            arrays = Arrays(((),) * evaluated.items, rest)
            shape = self.normal.algebra.meet(shape, (*others, arrays))
        return shape, evaluated._replace(all_items=True)


def _own(schema: Mapping[str, Any], pointer: str, normal: Normalizer) -> Evaluated:
    """What a schema's own keywords look at."""
    is_new = normal.document.dialect_at(pointer) >= 2020
    items, all_items = 0, "additionalItems" in schema and isinstance(schema.get("items"), list)
    if isinstance(schema.get("items"), list):
        items = len(schema["items"])
    else:
        items, all_items = len(schema.get("prefixItems", ())) if is_new else 0, "items" in schema
    contained: Iterable[Place] = ()
    if "contains" in schema and is_new:
        contained = place_of(schema["contains"], join(pointer, "contains"))
        all_items = all_items or not contained
    patterns = [normal.typed.pattern(source, join(pointer, "patternProperties", source))
                for source in schema.get("patternProperties", ())]
    return Evaluated(frozenset(schema.get("properties", ())), frozenset(found for found in patterns if found),
                     "additionalProperties" in schema or None in patterns, items, all_items, tuple(contained))

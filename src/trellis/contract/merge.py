"""One value out of several of the same type, decided field by field.

The rule, at each place of the value, from the root down:

1. What stands there is an *option*: a scalar is one by its value, an object or an array by being one, and where the
   type is a union, by the member that it belongs to. The option with the most votes wins; among equals, the one that
   came first. So objects of different members are never mixed.
2. *Objects* of the winning option are merged property by property, each among those that have it. A property is kept
   if more than half of them have it.
3. *Arrays* are merged item by item. By default those of the commonest length vote, and items are matched by position.
   With ``match_items="id"`` items are matched by that property wherever all of them are objects that have it; an item
   is kept if more than half of the arrays have it, in the order in which they came first.
4. ``Unknown`` is one option, whatever its reason.

``margin`` says how sure the outcome is: with fewer further votes than that, no decision can turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from trellis.contract.unknown import is_unknown
from trellis.errors import TrellisError
from trellis.schema.resolve import Document, join

Key = Callable[[Any], Hashable]


class Ballot(NamedTuple):
    """What a sample says at a place, and what its word weighs."""

    data: Any
    weight: float


@dataclass(frozen=True)
class Merged:
    """The outcome of a vote.

    Attributes:
        data: the merged value.
        support: for each scalar, by JSON pointer, the share of all votes that agree.
        margin: the smallest lead of a winning option over the next one.
    """

    data: Any
    support: dict[str, float] = field(default_factory=dict)
    margin: float = 0.0

    @property
    def agreement(self) -> float:
        return sum(self.support.values()) / len(self.support) if self.support else 1.0


class Merger:
    """Merges values of a schema.

    Args:
        schema: their JSON Schema, which tells what is a union; ``None`` for text.
        key: what a scalar counts as; equal keys are the same vote.
        match_items: the property by which objects in arrays are matched, or an empty string.
    """

    def __init__(self, schema: dict[str, Any] | None, key: Key | None = None, match_items: str = "") -> None:
        self._document = Document(schema if schema is not None else True)
        self._key = key or canonical
        self._match_items = match_items
        self._support: dict[str, float] = {}
        self._margin = 0.0
        self._total = 0.0

    def merge(self, ballots: Sequence[Ballot]) -> Merged:
        """The merged value of at least one ballot, the first one first."""
        self._support, self._total = {}, sum(ballot.weight for ballot in ballots)
        self._margin = self._total
        data = self._merge(self._document.root, list(ballots), "")
        return Merged(data, self._support, self._margin)

    def _merge(self, schema: Any, ballots: list[Ballot], pointer: str) -> Any:
        options: dict[Hashable, list[Ballot]] = {}
        schemas: dict[Hashable, Any] = {}
        for ballot in ballots:
            member, chosen = self._member(schema, ballot.data)
            option = self._option(ballot.data, member)
            options.setdefault(option, []).append(ballot)
            schemas.setdefault(option, chosen)
        winner = max(options, key=lambda option: _weight(options[option]))  # max takes the first of equals
        others = [_weight(votes) for option, votes in options.items() if option != winner]
        voters = options[winner]
        self._decide(_weight(voters) - max(others, default=0.0))
        first = voters[0].data
        if isinstance(first, dict) and not is_unknown(first):
            return self._objects(schemas[winner], voters, pointer)
        if isinstance(first, list):
            return self._arrays(schemas[winner], voters, pointer)
        self._support[pointer] = _weight(voters) / self._total if self._total else 0.0
        return first

    def _option(self, data: Any, member: int) -> Hashable:
        if is_unknown(data):
            return "unknown"
        if isinstance(data, dict | list):
            return type(data).__name__, member
        return "scalar", self._key(data)

    def _objects(self, schema: Any, ballots: list[Ballot], pointer: str) -> dict[str, Any]:
        merged = {}
        for name in dict.fromkeys(name for ballot in ballots for name in ballot.data):
            having = [Ballot(ballot.data[name], ballot.weight) for ballot in ballots if name in ballot.data]
            if self._keeps(having, ballots):
                merged[name] = self._merge(self._property(schema, name), having, join(pointer, name))
        return merged

    def _arrays(self, schema: Any, ballots: list[Ballot], pointer: str) -> list[Any]:
        if self._match_items and all(isinstance(item, dict) and self._match_items in item
                                     for ballot in ballots for item in ballot.data):
            return self._matched(schema, ballots, pointer)
        lengths: dict[int, list[Ballot]] = {}
        for ballot in ballots:
            lengths.setdefault(len(ballot.data), []).append(ballot)
        length = max(lengths, key=lambda one: _weight(lengths[one]))
        others = [_weight(votes) for other, votes in lengths.items() if other != length]
        self._decide(_weight(lengths[length]) - max(others, default=0.0))
        columns = ([Ballot(ballot.data[i], ballot.weight) for ballot in lengths[length]] for i in range(length))
        return [self._merge(self._item(schema, i), column, join(pointer, i)) for i, column in enumerate(columns)]

    def _matched(self, schema: Any, ballots: list[Ballot], pointer: str) -> list[Any]:
        groups: dict[Hashable, list[Ballot]] = {}
        for ballot in ballots:
            seen: dict[str, int] = {}
            for item in ballot.data:
                name = canonical(item[self._match_items])
                seen[name] = seen.get(name, 0) + 1  # the second of the same name is matched with other second ones
                groups.setdefault((name, seen[name]), []).append(Ballot(item, ballot.weight))
        kept = [having for having in groups.values() if self._keeps(having, ballots)]
        return [self._merge(self._item(schema, i), having, join(pointer, i)) for i, having in enumerate(kept)]

    def _keeps(self, having: list[Ballot], all_of_them: list[Ballot]) -> bool:
        lead = 2 * _weight(having) - _weight(all_of_them)
        self._decide(abs(lead))
        return lead > 0

    def _decide(self, lead: float) -> None:
        self._margin = min(self._margin, lead)

    def _member(self, schema: Any, data: Any) -> tuple[int, Any]:
        """Which member of a union the data belongs to, and its schema; 0 and the schema itself where there is none."""
        schema = self._followed(schema)
        if not isinstance(schema, dict):
            return 0, schema
        for key in ("anyOf", "oneOf"):
            for place, member in enumerate(schema.get(key, ())):
                if self._suits(member, data):
                    inner, found = self._member(member, data)
                    return place + inner * len(schema[key]), found
        return 0, schema

    def _suits(self, schema: Any, data: Any) -> bool:
        try:
            return bool(self._validator.evolve(schema=schema).is_valid(data))
        except Exception:  # what cannot be told apart is one member
            return False

    @cached_property
    def _validator(self) -> Any:
        from trellis.repair.validator import validator_of

        return validator_of(self._document.root)

    def _followed(self, schema: Any) -> Any:
        for _ in range(20):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            try:
                schema = self._document.resolve(schema["$ref"], "").schema
            except TrellisError:
                return True
        return schema

    def _property(self, schema: Any, name: str) -> Any:
        if not isinstance(schema, dict):
            return True
        return schema.get("properties", {}).get(name, schema.get("additionalProperties", True))

    def _item(self, schema: Any, place: int) -> Any:
        if not isinstance(schema, dict):
            return True
        fixed = schema.get("prefixItems", [])
        return fixed[place] if place < len(fixed) else schema.get("items", True)


def canonical(data: Any) -> str:
    """JSON data as text that is the same for the same data: 1 and 1.0 are, 1 and true are not."""
    if isinstance(data, float) and data.is_integer():
        data = int(data)
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def _weight(ballots: Sequence[Ballot]) -> float:
    return sum(ballot.weight for ballot in ballots)

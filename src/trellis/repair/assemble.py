"""Data in pieces: items one by one for the array that is wanted, the members of one object in several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import RepairError
from .candidates import Candidate
from .edits import Change
from .extract import answer_start
from .pieces import read_alone
from .rank import put_right
from .rules import cost_of
from .schema_view import SchemaView

_MOST = 200  # pieces

Piece = tuple[Candidate, Any]
"""A reading of a part of a text, and its value."""


def assembled(text: str, found: Sequence[Candidate], view: SchemaView) -> Candidate | None:
    """The reading in which all pieces of a text belong to one value, if the schema has a place for each."""
    apart = _apart(text, found)
    if not 2 <= len(apart) <= _MOST:
        return None
    try:
        pieces = [(piece, read_alone(text, piece).value) for piece in apart]
    except (ValueError, RepairError):
        return None
    if not all(isinstance(value, dict) for _, value in pieces):
        return None
    (first, _), (last, _) = pieces[0], pieces[-1]
    if put_right(text, first.start, first.end, last.start):
        return None
    listed = view.types() == {"array"} and view.item(0).types() == {"object"}
    if not (_items(pieces, view.item(0)) if listed else _parts(text, pieces, view)):
        return None
    rule, inside = ("several_values", 0) if listed else ("list_as_single", 1)
    changes = [Change(rule, first.start, first.start, "[", 0.0)] if listed else []
    for at, (piece, _) in enumerate(pieces):
        if at:
            before = pieces[at - 1][0].end - inside
            changes.append(Change(rule, before, piece.start + inside, ", ", cost_of(rule) if at == 1 else 0.0))
        changes += piece.changes
    if listed:
        changes.append(Change(rule, last.end, last.end, "]", 0.0))
    cost = sum(change.cost for change in changes)
    complete, doubtful = all(p.complete for p, _ in pieces), any(p.doubtful for p, _ in pieces)
    return Candidate(first.start, last.end, tuple(changes), cost, complete, doubtful, first.source)


def _items(pieces: Sequence[Piece], view: SchemaView) -> bool:
    """Whether each piece has a member that items have, and what they must have is in the most of them."""
    known = view.names()
    return bool(known) and all(len(known & set(value)) * 2 > len(value) for _, value in pieces)


def _parts(text: str, pieces: Sequence[Piece], view: SchemaView) -> bool:
    """Whether the members of all pieces are those of one object."""
    names = [name for _, value in pieces for name in value]
    if "object" not in view.types() or len(set(names)) != len(names) or not all(value for _, value in pieces):
        return False
    return view.required() <= set(names) <= view.names() and all(_braced(text, piece) for piece, _ in pieces)


def _apart(text: str, found: Sequence[Candidate]) -> list[Candidate]:
    """The pieces of the answer, each read at the least cost, that lie one behind the other."""
    if len(found) < 2:
        return []
    begin, kept = answer_start(text), list[Candidate]()
    for item in sorted(found, key=lambda item: (item.start, item.cost, -item.end)):
        if item.start >= begin and not (kept and item.start < kept[-1].end):
            kept.append(item)
    return kept


def _braced(text: str, piece: Candidate) -> bool:
    """Whether the brackets of a piece stand in the text as they are."""
    if text[piece.start] != "{" or text[piece.end - 1] != "}":
        return False
    return not any(change.start <= piece.start or change.end >= piece.end for change in piece.changes)

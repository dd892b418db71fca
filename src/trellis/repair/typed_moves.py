"""The moves of a search in which the schema has a say at every value: its type, and the members it must have."""

from __future__ import annotations

import json

from .moves import Moves
from .schema_view import SchemaView
from .state import Frame, Reading
from .strings import StringReading

_MISFIT = 0.9  # what speaks against a value of a type that may not stand where it is
_ABSENT = 0.7  # what speaks against an object without a member that it must have
_LONG = 30  # characters of a text that is no number, truth or choice


class TypedMoves(Moves):
    """Makes the readings that follow a reading, and counts what the schema has against them."""

    def _value(self, reading: Reading) -> list[Reading]:
        found = super()._value(reading)
        view = self.view_of(reading.frame, reading.key)
        if view is not None and view.types():
            for new in found:
                new.cost += self._against(reading, new, view)
        return found

    def _against(self, old: Reading, new: Reading, view: SchemaView) -> float:
        types = view.types()
        if new.frame is not old.frame:
            opened = new.frame
            if opened is None or opened.parent is not old.frame:
                return 0.0
            kind = "object" if opened.kind == "{" else "array"
            return 0.0 if kind in types else _MISFIT
        if not types - {"object", "array"}:
            return _MISFIT
        piece = new.links.piece if new.links is not None else None
        if not isinstance(piece, StringReading) or piece.start < old.pos:
            start, end = new.vstart, new.pos
        else:
            start, end = piece.content_start, piece.content_end
        if "string" not in types and end - start > _LONG:
            return _MISFIT
        choices = view.values()
        longest = max((len(choice) for choice in choices if isinstance(choice, str)), default=0)
        return _MISFIT if choices and end - start > longest + _LONG else 0.0

    def _close(self, reading: Reading, pos: int) -> Reading:
        reading.cost += self._absent(reading.frame)
        return super()._close(reading, pos)

    def _insert_closers(
        self, reading: Reading, upto: Frame | None, cost: float, more: float, evident: bool = False
    ) -> Reading:
        new = super()._insert_closers(reading, upto, cost, more, evident)
        frame = reading.frame
        while frame is not upto and frame is not None:
            new.cost += self._absent(frame)
            frame = frame.parent
        return new

    @staticmethod
    def _absent(frame: Frame | None) -> float:
        if frame is None or frame.kind != "{" or frame.view is None:
            return 0.0
        branch = frame.view.branch({key[1:-1] for key in frame.keys})
        required = [json.dumps(name, ensure_ascii=False) for name, _, needed in branch if needed]
        return _ABSENT * min(len([key for key in required if key not in frame.keys]), 4)

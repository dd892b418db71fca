"""A string that grows by pieces while others ask what it says so far."""

from __future__ import annotations


class GrowingText:
    """Pieces of a string; what was joined once is not joined again."""

    __slots__ = ("_joined", "_known", "_pieces")

    def __init__(self, *pieces: str) -> None:
        self._pieces = list(pieces)
        self._joined, self._known = "", 0  # the first of them as one, and how many those are

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self._pieces)

    def append(self, piece: str) -> None:
        """Go on."""
        self._pieces.append(piece)

    def first(self, number: int) -> str:
        """So many pieces as one string."""
        if number < self._known:
            return "".join(self._pieces[:number])
        if number > self._known:
            self._joined += "".join(self._pieces[self._known : number])
            self._known = number
        return self._joined

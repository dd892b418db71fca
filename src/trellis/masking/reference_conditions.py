"""Conditions on the text ahead, for the slow twin: Boolean functions as ordered decision diagrams (Bryant 1986).

A function is a number; equal functions are equal numbers. Variables are anything that can be ordered.
"""

from __future__ import annotations

from collections.abc import Callable

FALSE, TRUE = 0, 1
Variable = tuple[int, int]


class Conditions:
    """Functions of one lexer."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Variable, int, int]] = [((-1, -1), FALSE, FALSE), ((-1, -1), TRUE, TRUE)]
        self.numbers: dict[tuple[Variable, int, int], int] = {}
        self.chosen: dict[tuple[int, int, int], int] = {}

    def _node(self, variable: Variable, low: int, high: int) -> int:
        """``high`` where the variable holds, ``low`` where it does not."""
        if low == high:
            return low
        key = (variable, low, high)
        if key not in self.numbers:
            self.numbers[key] = len(self.nodes)
            self.nodes.append(key)
        return self.numbers[key]

    def variable(self, variable: Variable) -> int:
        """The function that holds where a variable does."""
        return self._node(variable, FALSE, TRUE)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """One function where a condition holds, another where it does not."""
        if condition in (FALSE, TRUE):
            return then if condition == TRUE else otherwise
        key = (condition, then, otherwise)
        if key not in self.chosen:
            self.chosen[key] = self._choose(*key)
        return self.chosen[key]

    def _choose(self, condition: int, then: int, otherwise: int) -> int:
        first = min(self.nodes[f][0] for f in (condition, then, otherwise) if f > TRUE)
        low, high = [], []
        for f in (condition, then, otherwise):
            variable, without, with_it = self.nodes[f]
            here = f > TRUE and variable == first
            low.append(without if here else f)
            high.append(with_it if here else f)
        return self._node(first, self.choose(low[0], low[1], low[2]), self.choose(high[0], high[1], high[2]))

    def both(self, one: int, other: int) -> int:
        """Where both hold."""
        return self.choose(one, other, FALSE)

    def either(self, one: int, other: int) -> int:
        """Where one of them holds."""
        return self.choose(one, TRUE, other)

    def opposite(self, one: int) -> int:
        """Where it does not hold."""
        return self.choose(one, FALSE, TRUE)

    def replace(self, f: int, by: Callable[[Variable], int]) -> int:
        """The function with another one in place of each variable."""
        if f in (FALSE, TRUE):
            return f
        variable, low, high = self.nodes[f]
        return self.choose(by(variable), self.replace(high, by), self.replace(low, by))

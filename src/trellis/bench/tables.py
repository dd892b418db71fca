"""What a benchmark found, as rows for a table and bars for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trellis.bench.stats import Estimate, said
from trellis.plots import Bar, Point, bars, curves


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: what it shows.
        columns: their names.
        rows: a cell is a text, a number, or an estimate with its interval.
        plotted: the columns with estimates that are drawn.
        along: the column that they are drawn along, as a curve for each name in the first column; without one, they are
            drawn as bars.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    plotted: tuple[str, ...] = field(default_factory=tuple)
    along: str = ""

    def text(self) -> list[tuple[str, ...]]:
        """The rows as text."""
        return [tuple(map(_text, row)) for row in self.rows]

    def markdown(self) -> str:
        lines = [self.columns, tuple("---" for _ in self.columns), *self.text()]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def svg(self) -> str:
        """A chart for each plotted column, one below the other, as one picture."""
        charts = [self._chart(f"{self.title}: {column}", self.columns.index(column)) for column in self.plotted]
        heights = [_height(chart) for chart in charts]
        tops = [sum(heights[:place]) for place in range(len(charts))]
        inner = "\n".join(f'<g transform="translate(0 {top})">{chart}</g>' for top, chart in
                          zip(tops, charts, strict=True))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {sum(heights)}" width="640" '
                f'height="{sum(heights)}">\n{inner}\n</svg>\n')

    def data(self) -> list[dict[str, Any]]:
        """The rows as JSON data; an estimate is a list of itself and its bounds."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _chart(self, title: str, column: int) -> str:
        if not self.along:
            return bars(title, self._bars(column), most=1.0)
        at = self.columns.index(self.along)
        series: dict[str, list[Point]] = {}
        for row in self.rows:
            if isinstance(row[column], tuple):
                series.setdefault(str(row[0]), []).append((float(row[at]), *row[column]))
        return curves(title, series, along=self.along)

    def _bars(self, column: int) -> Sequence[Bar]:
        found = [(row[0], row[column]) for row in self.rows if isinstance(row[column], tuple)]
        return [Bar(str(name), (value,), said((value, low, high)), (low, high)) for name, (value, low, high) in found]


def _text(cell: Any | Estimate) -> str:
    if isinstance(cell, tuple):
        return said(cell)
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _height(chart: str) -> int:
    return int(chart.partition('height="')[2].partition('"')[0])

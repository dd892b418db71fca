"""Bar charts and curves as SVG: small, self-contained, readable on light and dark ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

COLOURS = ("#3b7dd8", "#d9822b", "#b3478c", "#2a9d6f", "#7a6cc4", "#8a8f98")
_LINE = 22
_LABEL = 7.2
"""Width of a character of 12 pixels, about."""


Point = tuple[float, float, float, float]
"""Where it stands along, its share, and from where to where its interval goes."""


@dataclass(frozen=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: what stands before it.
        parts: the lengths of its parts, one after the other.
        said: what stands behind it.
        interval: from where to where a line over it goes, for an estimate.
    """

    label: str
    parts: tuple[float, ...]
    said: str = ""
    interval: tuple[float, float] | None = None


def bars(title: str, rows: Sequence[Bar], *, most: float | None = None, legend: Sequence[str] = (),
         width: int = 640, colours: Sequence[str] = COLOURS) -> str:
    """A chart with one horizontal bar a row.

    Args:
        title: stands above, and is read to those who do not see it.
        rows: the bars, from above.
        most: the length that fills the width; default: the longest.
        legend: the names of the parts.
        width: in pixels.
        colours: of the parts.
    """
    scale = most if most is not None else max((sum(row.parts) for row in rows), default=0.0)
    left = 12 + _LABEL * max((len(row.label) for row in rows), default=0)
    right = 12 + _LABEL * max((len(row.said) for row in rows), default=0)
    room = max(60.0, width - left - right)
    unit = room / scale if scale > 0 else 0.0
    top = 30 + (_LINE if legend else 0)
    height = top + _LINE * len(rows) + 8
    out = [_opened(title, width, height), _legend(legend, colours)]
    for number, row in enumerate(rows):
        y = top + _LINE * number
        out.append(f'<text x="{left - 8:.1f}" y="{y + 13}" text-anchor="end">{escape(row.label)}</text>')
        x = left
        for place, part in enumerate(row.parts):
            out.append(f'<rect x="{x:.1f}" y="{y + 2}" width="{max(0.0, part * unit):.1f}" height="14" '
                       f'fill="{colours[place % len(colours)]}"/>')
            x += part * unit
        end = x
        if row.interval:
            low, high = (left + bound * unit for bound in row.interval)
            out.append(f'<path d="M{low:.1f} {y + 9}H{high:.1f}M{low:.1f} {y + 5}v8M{high:.1f} {y + 5}v8" '
                       'stroke="#222" stroke-width="1.5" fill="none"/>')
            end = max(end, high)
        out.append(f'<text x="{end + 6:.1f}" y="{y + 13}">{escape(row.said)}</text>')
    return "\n".join([*out, "</svg>"])


def curves(title: str, series: Mapping[str, Sequence[Point]], *, along: str, width: int = 640,
           height: int = 300) -> str:
    """A chart with a curve for each series of shares, with their intervals.

    Args:
        title: stands above, and is read to those who do not see it.
        series: the points of each curve, by its name.
        along: what the horizontal axis shows.
        width, height: in pixels.
    """
    points = [point for one in series.values() for point in one]
    least = floor(10 * min((low for _, _, low, _ in points), default=0.0)) / 10
    most = _round_up(max((x for x, *_ in points), default=1.0))
    left, right, top, bottom = 44, width - 12, 30 + _LINE, height - 40

    def place(x: float, y: float) -> str:
        return f"{left + (right - left) * x / most:.1f} {bottom - (bottom - top) * (y - least) / (1 - least or 1):.1f}"

    out = [_opened(title, width, height)]
    for share in range(round(10 * least), 11):
        line = place(0, share / 10).split()[1]
        out.append(f'<path d="M{left} {line}H{right}" stroke="#8884" fill="none"/>'
                   f'<text x="{left - 6}" y="{float(line) + 4:.1f}" text-anchor="end">{10 * share}%</text>')
    for fifth in range(6):
        x = most * fifth / 5
        out.append(f'<text x="{place(x, 0).split()[0]}" y="{bottom + 16}" text-anchor="middle">{x:,.0f}</text>')
    out.append(f'<text x="{(left + right) / 2}" y="{bottom + 32}" text-anchor="middle">{escape(along)}</text>')
    out.append(_legend(tuple(series)))
    for number, given in enumerate(series.values()):
        drawn, colour = sorted(given), COLOURS[number % len(COLOURS)]
        out.append(f'<path d="M{"L".join(place(x, y) for x, y, *_ in drawn)}" stroke="{colour}" stroke-width="2" '
                   'fill="none"/>' if len(drawn) > 1 else "")
        for x, y, low, high in drawn:
            (at, middle), end = place(x, y).split(), place(x, high).split()[1]
            out.append(f'<path d="M{place(x, low)}V{end}" stroke="{colour}" opacity="0.4" fill="none"/>'
                       f'<circle cx="{at}" cy="{middle}" r="3.5" fill="{colour}"/>')
    return "\n".join([*out, "</svg>"])


def _round_up(number: float) -> float:
    """Five round steps that reach a number."""
    power = 10.0 ** floor(log10(max(number, 1.0)))
    return next(5 * step * power for step in (0.2, 0.25, 0.5, 1.0, 2.0) if 5 * step * power >= number)


def _opened(title: str, width: int, height: int) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#888">\n'
            f'<text x="0" y="14" font-weight="600" font-size="13">{escape(title)}</text>')


def _legend(names: Sequence[str], colours: Sequence[str] = COLOURS) -> str:
    at, out = 0.0, []
    for place, name in enumerate(names):
        out.append(f'<rect x="{at:.0f}" y="24" width="10" height="10" fill="{colours[place % len(colours)]}"/>'
                   f'<text x="{at + 14:.0f}" y="33">{escape(name)}</text>')
        at += 28 + _LABEL * len(name)
    return "\n".join(out)

"""Intervals of 95%: Wilson's for shares of cases; the bootstrap over cases for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

RESAMPLES = 1_000
Estimate = tuple[float, float, float]
"""An estimate, and from where to where its interval goes."""


def share(hits: int, of: int) -> Estimate:
    """A share of independent cases (Wilson 1927)."""
    if not of:
        return 0.0, 0.0, 1.0
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def ratio(parts: Sequence[float], wholes: Sequence[float], seed: int = 0) -> Estimate:
    """sum(parts) / sum(wholes) over cases, whose members are not independent: cases are drawn again, with replacement
    (Efron 1979)."""
    tops, bottoms = np.array(parts, dtype=float), np.array(wholes, dtype=float)
    if not len(tops) or not bottoms.sum():
        return 0.0, 0.0, 1.0
    drawn = np.random.default_rng(seed).integers(0, len(tops), (RESAMPLES, len(tops)))
    below = bottoms[drawn].sum(axis=1)
    ratios = tops[drawn].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(tops.sum() / bottoms.sum()), float(low), float(high)


def said(estimate: Estimate) -> str:
    """In percent, with its interval."""
    value, low, high = (100 * number for number in estimate)
    return f"{value:.1f}% ({low:.0f}-{high:.0f})"

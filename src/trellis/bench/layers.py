"""What each layer adds: the same cases with one layer more each time.

*Valid*: the call returned a value (with no layer: the format's standard reader takes the answer as it stands, and the
schema accepts it). *Fields right*: the share of the right answers' leaves that the values have; a call that returned
nothing has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.outcome import Outcome
from trellis.bench.run import Bench
from trellis.bench.stats import ratio, share
from trellis.bench.tables import Table
from trellis.errors import UsageError, shown

VOTES = 5
WORDS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "prompt only": {"mode": "prompt", "repair": "off", "strategy": trellis.Retry(0)},
    "+ repair": {"mode": "prompt", "strategy": trellis.Retry(0)},
    "+ retry (2 more)": {"mode": "prompt", "strategy": trellis.Retry(2)},
    f"+ vote instead ({VOTES})": {"mode": "prompt", "strategy": trellis.Vote(VOTES)},
})
ENFORCED: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "": {"strategy": trellis.Retry(0)},
    f" + vote ({VOTES})": {"strategy": trellis.Vote(VOTES)},
})
"""After the name of the strongest that the model has: a mask, or its schema mode. Where that cannot hold a keyword of
the type (the length of a text in CSV), the value is checked against it, and counts as not valid if it fails."""


def layers(cases: Sequence[Case], bench: Bench, only: Collection[str] = ()) -> Table:
    """The table of layers, for each format and kind of cases.

    Args:
        cases: the cases.
        bench: the model and how it is asked.
        only: names of layers; the others are left out.

    Raises:
        UsageError: there is no such layer.
    """
    names = {name for case in cases for name, _ in _arms(bench, case.format)}
    for name in only:
        if name not in names:
            raise UsageError(f"there is no layer {shown(name)}", hint=f"one of {', '.join(sorted(names))}")
    rows: list[tuple[Any, ...]] = []
    for (kind, output_format), group in _groups(cases):
        for name, settings in _arms(bench, output_format):
            if only and name not in only:
                continue
            if kind != "known" and isinstance(settings["strategy"], trellis.Vote):
                continue  # what is made up cannot agree
            label = name if (kind, output_format) == ("known", "json") else f"{name}, {_called(kind, output_format)}"
            rows.append((label, *figures(bench.run(group, settings, label))))
    return Table("What each layer is worth", ("layers", "valid", "fields right", "calls", "tokens", "s / prompt"),
                 tuple(rows), ("valid", "fields right"))


def figures(found: Sequence[Outcome]) -> tuple[Any, ...]:
    """Valid, fields right, calls, tokens of answers, seconds for each case."""
    fields = [outcome.case.fields(outcome.value) for outcome in found if outcome.case.value is not None]
    return (share(sum(outcome.valid for outcome in found), len(found)),
            ratio([right for right, _ in fields], [of for _, of in fields]) if fields else "-",
            sum(outcome.usage.calls for outcome in found), sum(outcome.usage.completion_tokens for outcome in found),
            sum(outcome.seconds for outcome in found) / max(1, len(found)))


def _groups(cases: Sequence[Case]) -> Iterator[tuple[tuple[str, str], list[Case]]]:
    keys = dict.fromkeys((case.kind, case.format) for case in cases)
    for key in keys:
        yield key, [case for case in cases if (case.kind, case.format) == key]


def _called(kind: str, output_format: str) -> str:
    return output_format if kind == "known" else f"{kind} types"


def _arms(bench: Bench, output_format: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from WORDS.items()
    strongest = bench.strongest(output_format)
    if strongest is not None:
        yield from ((f"{strongest}{name}", settings) for name, settings in ENFORCED.items())

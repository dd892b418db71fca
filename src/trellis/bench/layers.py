"""What each layer adds: the same cases with one layer more each time.

*Valid*: the call returned a value (with no layer: the format's standard reader takes the answer as it stands, and the
schema accepts it). *Fields right*: the share of the right answers' leaves that the values have; a call that returned
nothing has none. Types that masks cannot enforce (YAML) have no rows with masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.run import Outcome, Progress, run, unwatched
from trellis.bench.stats import ratio, share
from trellis.bench.tables import Table

VOTES = 5
ARMS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "prompt only": {"mode": "prompt", "repair": "off", "strategy": trellis.Retry(0)},
    "+ repair": {"mode": "prompt", "strategy": trellis.Retry(0)},
    "+ retry (2 more)": {"mode": "prompt", "strategy": trellis.Retry(2)},
    f"+ vote instead ({VOTES})": {"mode": "prompt", "strategy": trellis.Vote(VOTES)},
    "mask": {"mode": "mask", "strategy": trellis.Retry(0)},
    f"mask + vote ({VOTES})": {"mode": "mask", "strategy": trellis.Vote(VOTES)},
})
"""``mask`` stands for the strongest that a model enforces: its schema mode where there is no mask."""
STRONGEST = ("mask", "native", "tools", "json")


def layers(cases: Sequence[Case], session: trellis.Session, *, seed: int = 1, temperature: float | None = 1.0,
           concurrency: int = 1, progress: Progress = unwatched) -> Table:
    """The table of layers, for each format and kind of cases."""
    rows: list[tuple[Any, ...]] = []
    for (kind, output_format), group in _groups(cases):
        for name, settings in _arms(session, output_format):
            if kind != "known" and isinstance(settings["strategy"], trellis.Vote):
                continue  # what is made up cannot agree
            label = name if (kind, output_format) == ("known", "json") else f"{name}, {_called(kind, output_format)}"
            found = run(group, settings, session, label=label, seed=seed, temperature=temperature,
                        concurrency=concurrency, progress=progress)
            rows.append((label, *figures(found)))
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


def _arms(session: trellis.Session, output_format: str) -> Iterator[tuple[str, dict[str, Any]]]:
    modes = session.model.modes if session.model is not None else ()
    possible = {"json": STRONGEST, "csv": ("mask",), "yaml": ()}[output_format]
    strongest = next((mode for mode in possible if mode in modes), None)
    for name, settings in ARMS.items():
        if settings["mode"] == "prompt":
            yield name, dict(settings)
        elif strongest is not None:
            yield name.replace("mask", strongest), {**settings, "mode": strongest}

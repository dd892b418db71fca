"""Ask again with what was wrong, ask again from the start, or mask: what each reaches for the same tokens.

Each case is asked once in each way with up to ``EXTRA`` more attempts; what fewer attempts would have given and cost is
read off the same call. Tokens are those of prompts and answers: a correction prompt is longer than the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.layers import STRONGEST
from trellis.bench.run import Outcome, Progress, run, unwatched
from trellis.bench.stats import ratio, share
from trellis.bench.tables import Table

EXTRA = 4
WAYS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "retry": {"mode": "prompt", "strategy": trellis.Retry(EXTRA)},
    "retry, patch": {"mode": "prompt", "strategy": trellis.Retry(EXTRA, feedback="patch")},
    "resample": {"mode": "prompt", "strategy": trellis.Retry(EXTRA, feedback="none")},
})


def retries(cases: Sequence[Case], session: trellis.Session, *, seed: int = 1, temperature: float | None = 1.0,
            concurrency: int = 1, progress: Progress = unwatched) -> Table:
    """The table: for each way and number of attempts, tokens for a prompt, valid, fields right."""
    chosen = [case for case in cases if case.format == "json"]
    modes = session.model.modes if session.model is not None else ()
    strongest = next((mode for mode in STRONGEST if mode in modes), None)
    ways: dict[str, Mapping[str, Any]] = dict(WAYS)
    if strongest is not None:
        ways[strongest] = {"mode": strongest, "strategy": trellis.Retry(0)}
    rows: list[tuple[Any, ...]] = []
    for name, settings in ways.items():
        found = run(chosen, settings, session, label=name, seed=seed, temperature=temperature,
                    concurrency=concurrency, progress=progress)
        for attempts in range(1, settings["strategy"].n + 2):
            rows.append((f"{name}, {attempts} attempt{'s' if attempts > 1 else ''}", *_after(found, attempts)))
    return Table("Retry, resample, mask", ("way", "tokens / prompt", "valid", "fields right"), tuple(rows),
                 ("valid", "fields right"))


def _after(found: Sequence[Outcome], attempts: int) -> tuple[Any, ...]:
    """What a call would have given that had ended after so many attempts."""
    done = [outcome.valid and len(outcome.attempts) <= attempts for outcome in found]
    tokens = sum(attempt.usage.total_tokens for outcome in found for attempt in outcome.attempts[:attempts])
    fields = [outcome.case.fields(outcome.value if ok else None) for outcome, ok in zip(found, done, strict=True)
              if outcome.case.value is not None]
    return (tokens / max(1, len(found)), share(sum(done), len(found)),
            ratio([right for right, _ in fields], [of for _, of in fields]) if fields else "-")

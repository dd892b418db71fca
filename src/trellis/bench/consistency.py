"""How far answers agree: over seeds, and over paraphrases of the prompt; for one answer, a vote, and a mask.

The agreement of a field is the share of the answers that have its most common value, over the fields that any answer
has; an answer that is none agrees with no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case, leaves
from trellis.bench.layers import STRONGEST, VOTES
from trellis.bench.run import MAX_TOKENS, Outcome, Progress, ask, unwatched
from trellis.bench.stats import Estimate, ratio
from trellis.bench.tables import Table

ANSWERS = 5
SURROUNDINGS = ("{}", "Please do this with care.\n\n{}", "{}\n\nThank you.", "Here is a task for you.\n{}",
                "I need your help with this:\n\n{}")
"""For cases that bring no paraphrases of their own."""
WAYS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "one answer": {"mode": "prompt", "strategy": trellis.Retry(2)},
    f"vote ({VOTES})": {"mode": "prompt", "strategy": trellis.Vote(VOTES)},
})


def consistency(cases: Sequence[Case], session: trellis.Session, *, seed: int = 1, temperature: float | None = 1.0,
                progress: Progress = unwatched) -> Table:
    """The table: for each way, agreement over seeds and over paraphrases, fields right, tokens for a prompt."""
    modes = session.model.modes if session.model is not None else ()
    strongest = next((mode for mode in STRONGEST if mode in modes), None)
    ways: dict[str, Mapping[str, Any]] = dict(WAYS)
    if strongest is not None:
        ways[strongest] = {"mode": strongest, "strategy": trellis.Retry(0)}
    chosen = [case for case in cases if case.format == "json" and case.value is not None]
    rows = []
    for name, settings in ways.items():
        over_seeds, over_words = [], []
        found: list[Outcome] = []
        for place, case in enumerate(chosen):
            first = seed * 100_003 + place * ANSWERS
            texts = (case.prompt, *case.paraphrases) if case.paraphrases else [
                around.replace("{}", case.prompt) for around in SURROUNDINGS]
            seeded = [_asked(case, case.prompt, settings, session, first + i, temperature) for i in range(ANSWERS)]
            worded = [_asked(case, text, settings, session, first, temperature) for text in texts]
            over_seeds.append(agreement(seeded))
            over_words.append(agreement(worded))
            found += progress([*seeded, *worded], name, len(chosen) * (ANSWERS + len(texts)))
        fields = [outcome.case.fields(outcome.value) for outcome in found]
        tokens = sum(outcome.usage.total_tokens for outcome in found) / max(1, len(found))
        rows.append((name, _over(over_seeds), _over(over_words),
                     ratio([right for right, _ in fields], [of for _, of in fields]), tokens))
    return Table("Agreement of answers", ("way", "over seeds", "over paraphrases", "fields right", "tokens / answer"),
                 tuple(rows), ("over seeds", "over paraphrases"))


def agreement(answers: Sequence[Outcome]) -> tuple[float, int]:
    """The sum of the agreements of the fields, and how many fields there are."""
    said = [leaves(outcome.value) if outcome.valid else {} for outcome in answers]
    places = dict.fromkeys(place for one in said for place in one)
    if not places:
        return 0.0, 1
    counts = [Counter(repr(one[place]) for one in said if place in one) for place in places]
    return sum(max(count.values()) for count in counts) / len(answers), len(places)


def _over(found: Sequence[tuple[float, int]]) -> Estimate:
    return ratio([agreed for agreed, _ in found], [of for _, of in found])


def _asked(case: Case, prompt: str, settings: Mapping[str, Any], session: trellis.Session, seed: int,
           temperature: float | None) -> Outcome:
    sampling = trellis.Sampling(temperature=temperature, seed=seed, max_tokens=MAX_TOKENS)
    return ask(case, prompt, settings, session, sampling)

"""Calls over cases: what came of each, whatever it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.errors import AuthenticationError, TrellisError, UnsupportedError, UsageError

MAX_TOKENS = 400
Progress = Callable[[Iterable["Outcome"], str, int], Iterable["Outcome"]]
"""Passes outcomes through while it shows how far things are: the outcomes, what they are of, how many there are."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Attributes:
        case: the case.
        value: the value, as JSON data; ``None`` without one.
        valid: whether there is one.
        usage: what it cost.
        seconds: by the clock, Trellis's own work included.
        attempts: the attempts.
        failure: the class of the error, or an empty string.
    """

    case: Case
    value: Any
    valid: bool
    usage: trellis.Usage
    seconds: float
    attempts: tuple[trellis.Attempt, ...]
    failure: str = ""


def unwatched(outcomes: Iterable[Outcome], label: str, count: int) -> Iterable[Outcome]:
    """No progress."""
    return outcomes


def run(cases: Sequence[Case], settings: Mapping[str, Any], session: trellis.Session, *, label: str, seed: int = 1,
        temperature: float | None = 1.0, concurrency: int = 1, progress: Progress = unwatched) -> list[Outcome]:
    """Calls ``generate_structured`` for each case, each with a seed of its own.

    Args:
        cases: what to ask.
        settings: mode, repair, strategy and so on.
        session: the model, and a log if there is one.
        label: what the progress bar says.
        seed: the first seed.
        temperature: ``None`` leaves it to the model.
        concurrency: calls at the same time.
        progress: shows how far things are.

    Raises:
        UsageError, AuthenticationError: no case can be asked.
    """
    def one(place: int) -> Outcome:
        sampling = trellis.Sampling(temperature=temperature, seed=seed * 100_003 + place, max_tokens=MAX_TOKENS)
        return ask(cases[place], cases[place].prompt, settings, session, sampling)

    with ThreadPoolExecutor(max(1, concurrency)) as pool:
        found = pool.map(one, range(len(cases))) if concurrency > 1 else map(one, range(len(cases)))
        return list(progress(found, label, len(cases)))


def ask(case: Case, prompt: str, settings: Mapping[str, Any], session: trellis.Session,
        sampling: trellis.Sampling) -> Outcome:
    """One call."""
    started = time.perf_counter()
    try:
        result = trellis.generate_structured(prompt, case.output_type, session=session, sampling=sampling, **settings)
    except (UsageError, AuthenticationError):
        raise
    except TrellisError as error:
        if isinstance(error, UnsupportedError) and not error.attempts:
            raise
        usage = error.usage if error.usage is not None else trellis.Usage()
        return Outcome(case, None, False, usage, time.perf_counter() - started, error.attempts, type(error).__name__)
    return Outcome(case, result.value, True, result.usage, time.perf_counter() - started, result.attempts)

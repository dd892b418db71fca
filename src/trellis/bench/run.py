"""Calls over cases: what came of each, whatever it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.journal import Journal
from trellis.bench.outcome import Outcome, key_of
from trellis.errors import AuthenticationError, TrellisError, UnsupportedError, UsageError

MAX_TOKENS = 400
Progress = Callable[[Iterable[Outcome], str, int], Iterable[Outcome]]
"""Passes outcomes through while it shows how far things are: the outcomes, what they are of, how many there are."""


def unwatched(outcomes: Iterable[Outcome], label: str, count: int) -> Iterable[Outcome]:
    """No progress."""
    return outcomes


@dataclass(frozen=True)
class Bench:
    """A model and how it is asked.

    Attributes:
        session: with a model, and a log if there is one.
        seed: the first seed; every case has one of its own.
        temperature: ``None`` leaves it to the model.
        concurrency: calls at the same time.
        progress: shows how far things are.
        journal: what is known from an earlier run, and where new outcomes go.

    Raises:
        UsageError: the session has no model.
    """

    session: trellis.Session
    seed: int = 1
    temperature: float | None = 1.0
    concurrency: int = 1
    progress: Progress = unwatched
    journal: Journal | None = None

    def __post_init__(self) -> None:
        if self.session.model is None:
            raise UsageError("a benchmark needs a model", hint='Session(model="trellis/nano")')

    def strongest(self, output_format: str) -> str | None:
        """What ``mode="auto"`` enforces the format with: for JSON the first that the model has, for others a mask;
        ``None`` where words are all there is."""
        strong = [mode for mode in self._model.modes if mode != "prompt"]
        return next((mode for mode in strong if output_format == "json" or mode == "mask"), None)

    def run(self, cases: Sequence[Case], settings: Mapping[str, Any], label: str) -> list[Outcome]:
        """Asks each case once.

        Raises:
            UsageError, AuthenticationError, UnsupportedError: no case can be asked.
        """
        return self.watched([(case, case.prompt, settings, place) for place, case in enumerate(cases)], label)

    def watched(self, asked: Sequence[tuple[Case, str, Mapping[str, Any], int]], label: str) -> list[Outcome]:
        """Asks cases, each in these words, with these settings, and with the seed of this number."""
        with self._mapped() as mapped:
            return list(self.progress(mapped(lambda one: self.ask(*one), asked), label, len(asked)))

    def ask(self, case: Case, prompt: str, settings: Mapping[str, Any], place: int) -> Outcome:
        """One call, if it is not known from an earlier run."""
        sampling = trellis.Sampling(temperature=self.temperature, seed=self.seed * 100_003 + place,
                                    max_tokens=MAX_TOKENS)
        if self.journal is None:
            return self._called(case, prompt, settings, sampling)
        key = key_of(self._model.name, case, prompt, settings, sampling)
        outcome = self.journal.get(key, case)
        if outcome is None:
            outcome = self._called(case, prompt, settings, sampling)
            self.journal.put(key, outcome)
        return outcome

    def _called(self, case: Case, prompt: str, settings: Mapping[str, Any], sampling: trellis.Sampling) -> Outcome:
        started = time.perf_counter()
        try:
            result = trellis.generate_structured(prompt, case.output_type, session=self.session, sampling=sampling,
                                                 **settings)
        except (UsageError, AuthenticationError):
            raise
        except TrellisError as error:
            if isinstance(error, UnsupportedError) and not error.attempts:
                raise
            usage = error.usage if error.usage is not None else trellis.Usage()
            return Outcome(case, None, False, usage, time.perf_counter() - started, _tokens(error.attempts),
                           type(error).__name__)
        return Outcome(case, result.value, True, result.usage, time.perf_counter() - started, _tokens(result.attempts))

    @property
    def _model(self) -> trellis.Model:
        assert self.session.model is not None
        return self.session.model

    @contextmanager
    def _mapped(self) -> Iterator[Callable[..., Iterable[Outcome]]]:
        if self.concurrency <= 1:
            yield map
            return
        with ThreadPoolExecutor(self.concurrency) as pool:
            yield pool.map


def _tokens(attempts: Iterable[trellis.Attempt]) -> tuple[int, ...]:
    return tuple(attempt.usage.total_tokens for attempt in attempts)

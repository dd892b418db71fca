"""Another opinion: a model that says whether an answer meets some criteria, or corrects it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from trellis.contract import contract_of
from trellis.errors import GenerationError, TemplateError, UsageError, VerifierError, shown
from trellis.models.base import Request
from trellis.prompt import Template, correction, render, template_source
from trellis.result import FieldError, Result, Sampling
from trellis.strategy.retry import Retry
from trellis.strategy.samples import checked_inner
from trellis.strategy.task import Flow, Replies, Strategy, T, Task

Action = Literal["validate", "correct"]

VERDICT: dict[str, Any] = {
    "title": "Verdict",
    "type": "object",
    "properties": {
        "reason": {"type": "string", "description": "what is wrong and where, or why it is right, in a sentence"},
        "accept": {"type": "boolean", "description": "whether the answer meets all criteria"},
    },
    "required": ["reason", "accept"],
    "additionalProperties": False,
}
"""What a judge answers with, the reason first."""


class Verdict(NamedTuple):
    """A judge's opinion."""

    accept: bool
    reason: str


@dataclass(frozen=True)
class Judge:
    """An answer that a judge accepts.

    Attributes:
        model: who judges, as in ``generate_structured``; ``None`` is the model that answers.
        criteria: what to judge by, in words.
        action: what follows when the judge does not accept. ``"validate"``: the answering model is told the reason and
            tries again, ``rounds`` times at most; ``"correct"``: the judging model writes a corrected answer.
        rounds: further answers to be judged, for ``"validate"``.
        of: how each answer is made.
    """

    model: Any
    criteria: str
    action: Action = "validate"
    rounds: int = 1
    of: Strategy = Retry(2)  # noqa: RUF009  frozen

    def __post_init__(self) -> None:
        if not isinstance(self.criteria, str) or not self.criteria.strip():
            raise UsageError(f"Judge(criteria={shown(self.criteria)}): words that say what to judge by")
        if not isinstance(self.action, str) or self.action not in get_args(Action):
            raise UsageError(f"Judge(action={shown(self.action)})", hint=f"one of {', '.join(get_args(Action))}")
        if isinstance(self.rounds, bool) or not isinstance(self.rounds, int) or self.rounds < 0:
            raise UsageError(f"Judge(rounds={shown(self.rounds)}): a number of further answers, 0 or more")
        checked_inner("Judge", self.of)

    def run(self, task: Task[T]) -> Flow[T]:
        """
        Raises:
            VerifierError: no answer was accepted, or the judge gave no verdict.
        """
        task.aside(contract_of(VERDICT), task.messages, "verdict", model=self.model)  # no such model: told at once
        messages, verdict = task.messages, Verdict(False, "")
        rounds = self.rounds if self.action == "validate" else 0
        for place in range(rounds + 1):
            result = yield from self.of.run(task.branch(place, rounds + 2, messages=messages))
            verdict = yield from self._verdict(task, result)
            if verdict.accept:
                return task.up_to_date(result)
            messages = correction(task.messages, result.raw, [FieldError("", verdict.reason)])
        if self.action == "correct":
            corrector = task.aside(task.contract, messages, "answer", model=self.model, validators=task.validators)
            corrected = yield from Retry(1).run(corrector.branch(rounds + 1, rounds + 2))
            return task.up_to_date(corrected)
        raise task.ended(VerifierError(f"the judge did not accept the answer: {verdict.reason[:300]}",
                                       hint="error.best_effort is the value that was refused last"))

    def _verdict(self, task: Task[T], result: Result[T]) -> Generator[list[Request], Replies, Verdict]:
        question = Template(judging(task, result, self.criteria))
        contract = contract_of(VERDICT)
        judge = task.aside(contract, question.messages(contract), "verdict", model=self.model, sampling=Sampling())
        try:
            said = yield from Retry(2).run(judge)
        except GenerationError as error:  # fail closed: an answer that could not be judged is not accepted
            raise task.ended(VerifierError(f"the judge gave no verdict: {error.message}",
                                           hint="error.best_effort is the value that was to be judged")) from error
        return Verdict(said.value["accept"], said.value["reason"] or "no reason was given")


def judging(task: Task[Any], result: Result[Any], criteria: str) -> str:
    """The question to a judge. Task and answer stand between marks that cannot be guessed from within them."""
    asked = "\n\n".join(message.content for message in task.messages)
    mark = hashlib.blake2b(f"{asked}{result.raw}{criteria}".encode(errors="replace"), digest_size=4).hexdigest()
    try:
        return render(template_source("judge"), {"criteria": criteria, "task": asked, "answer": result.raw,
                                                 "mark": mark})
    except TemplateError as error:
        raise task.ended(error) from error

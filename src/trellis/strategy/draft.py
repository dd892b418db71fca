"""Think first, in free words; then answer in shape, with those thoughts in view.

Models reason worse while they hold to a format, so the thinking is done without one ("Let Me Speak Freely?", Tam et al.
2024), and only the answer is constrained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trellis.contract.text import FreeText
from trellis.errors import UsageError, shown
from trellis.result import Message
from trellis.strategy.retry import Retry
from trellis.strategy.samples import checked_inner
from trellis.strategy.task import Flow, Strategy, T, Task

THINK = "First think it through in plain words and draft the answer; it is asked for in its format afterwards."
ANSWER = "Now answer in the format that was asked for, with nothing else."


@dataclass(frozen=True)
class Draft:
    """An answer that was thought through first.

    Attributes:
        of: how the answer is made, once there is a draft.
        prompt: what asks for the draft.
    """

    of: Strategy = Retry(2)  # noqa: RUF009  frozen
    prompt: str = THINK

    def __post_init__(self) -> None:
        checked_inner("Draft", self.of)
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise UsageError(f"Draft(prompt={shown(self.prompt)}): words that ask for a draft")

    def run(self, task: Task[T]) -> Flow[T]:
        last = task.messages[-1]
        asked = (*task.messages[:-1], replace(last, content=f"{last.content}\n\n{self.prompt}"))
        thinking = task.aside(FreeText(), asked, "draft", modes=("prompt",))
        drafted = yield from Retry(1).run(thinking.branch(0, 2))
        messages = (*task.messages, Message("assistant", drafted.raw), Message("user", ANSWER))
        return (yield from self.of.run(task.branch(1, 2, messages=messages)))

"""Finds out whether a server keeps to what it is asked to enforce.

Some servers and proxies take a schema and ignore it, with status 200. So each mode is tried once with a word that no
model says by itself, and that the prompt does not hold: only what is enforced can bring it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trellis.errors import CapabilityError, RequestRejectedError, TrellisError, UnsupportedError, UsageError
from trellis.models.base import LearningModel, Model, Reply, Request
from trellis.models.registry import resolve_model
from trellis.result import Message, Mode, Sampling

WORD = "zolvenquar"
MAX_TOKENS = 200
Outcome = Literal["kept", "ignored", "refused", "failed"]
"""``kept``: the answer is what only enforcement brings; ``ignored``: the server took the mode and answered something
else; ``refused``: it does not take the mode; ``failed``: it gave no answer that tells."""

_SCHEMA = {"type": "object", "properties": {"answer": {"type": "string", "enum": [WORD]}}, "required": ["answer"],
           "additionalProperties": False}
_QUESTION = (Message("user", "What is the capital of France? Answer in one word."),)
_NO_JSON = (Message("user", "Write the word hello and nothing else. Do not write JSON."),)


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of one mode.

    Attributes:
        mode: the mode.
        outcome: kept, ignored, refused or failed.
        said: the answer, or the error.
    """

    mode: Mode
    outcome: Outcome
    said: str


def probe(model: Any, modes: Sequence[Mode] | None = None) -> tuple[Probed, ...]:
    """Tries each mode of a model with one short request, and lets the model remember which are ignored.

    Args:
        model: as in ``generate_structured``.
        modes: which modes; default: all that the model says it has. Words alone are nothing to probe.

    Raises:
        UsageError: there is no such model or mode.
        ModelError: the server cannot be reached, or refuses the key; nothing can be said then.
    """
    found = resolve_model(model)
    wanted = found.modes if modes is None else tuple(modes)
    for mode in wanted:
        if mode not in found.modes:
            raise CapabilityError(f"{found.name} has no mode {mode!r}", hint=f"it has {', '.join(found.modes)}")
    return tuple(_probed(found, mode) for mode in wanted if mode != "prompt")


def _probed(model: Model, mode: Mode) -> Probed:
    [came] = model.complete([_request(mode)])
    if isinstance(came, Reply):
        if came.finish == "refusal" or (came.finish == "length" and not _keeps(came, mode)):
            return Probed(mode, "failed", came.refusal or came.text)
        if _keeps(came, mode):
            return Probed(mode, "kept", came.text)
        if isinstance(model, LearningModel):
            model.ignores(mode)
        return Probed(mode, "ignored", came.text)
    if isinstance(came, RequestRejectedError | UnsupportedError):
        return Probed(mode, "refused", came.message)
    if isinstance(came, TrellisError):
        raise came
    raise UsageError(f"{model.name} raised {type(came).__name__}: {came}") from came


def _request(mode: Mode) -> Request:
    sampling = Sampling(temperature=0, max_tokens=MAX_TOKENS)
    if mode == "mask":
        from trellis.masking.grammar import Grammar

        return Request(_QUESTION, mode, grammar=Grammar.from_choices([WORD]), sampling=sampling)
    if mode == "json":
        return Request(_NO_JSON, mode, sampling=sampling)
    return Request(_QUESTION, mode, schema=_SCHEMA, sampling=sampling)


def _keeps(reply: Reply, mode: Mode) -> bool:
    if reply.enforced != mode:
        return False
    if mode == "mask":
        return reply.text == WORD
    try:
        value = json.loads(reply.text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) if mode == "json" else bool(value == {"answer": WORD})

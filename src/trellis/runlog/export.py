"""Training data out of run logs: accepted answers for supervised finetuning, pairs for preference optimisation.

For each prompt the accepted answers are those of calls that ended well, written as the type is written (so a repaired
answer teaches the repaired text). Rejected are answers to that same prompt that had to be repaired, could not be read,
were against the type, or were refused by a validator or verifier. What stands for no opinion of the model is left out:
refusals, answers that were cut off, errors of the server, drafts and verdicts of strategies.

The same record is written once, and all records of one prompt go to the same side of the split, by its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

from trellis.errors import UsageError, shown
from trellis.runlog.reader import Log

Line = dict[str, Any]
Messages = list[dict[str, str]]
REJECTED = ("syntax", "schema", "validator", "verifier")
"""The failures that make an answer the rejected one of a pair."""
MAX_PAIRS = 8
"""Of one prompt: more would teach one prompt's mistakes over and over."""


@dataclass(frozen=True)
class Said:
    """What a model said to one prompt, in all calls with it."""

    messages: Messages
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """(accepted, rejected): each rejected answer with one accepted in turn."""
        if self.accepted:
            for place, bad in enumerate(self.rejected):
                yield self.accepted[place % len(self.accepted)], bad


def said(log: Log) -> dict[str, Said]:
    """What was said to each prompt, by the prompt's hash, in the order of the log."""
    prompts: dict[str, tuple[Messages, dict[str, None], dict[str, None]]] = {}
    for run in log.runs:
        key = str(run.head.get("prompt_hash"))
        _, accepted, rejected = prompts.setdefault(key, (run.messages, {}, {}))
        answer = (run.end or {}).get("answer")
        if run.ok and isinstance(answer, str) and not (run.end or {}).get("abstained"):
            accepted.setdefault(answer)
        for attempt in run.attempts:
            raw = attempt.get("raw")
            if raw and _is_rejected(attempt):
                rejected.setdefault(raw)
    return {key: Said(messages, tuple(accepted), tuple(bad for bad in rejected if bad not in accepted))
            for key, (messages, accepted, rejected) in prompts.items()}


def _is_rejected(attempt: Line) -> bool:
    return (attempt.get("messages") is None and attempt.get("purpose", "answer") == "answer"
            and (attempt.get("failure") in REJECTED or (attempt.get("failure") is None and bool(attempt["repairs"]))))


def _openai_sft(one: Said) -> Iterator[Line]:
    for answer in one.accepted:
        yield {"messages": [*one.messages, _assistant(answer)]}


def _trl_sft(one: Said) -> Iterator[Line]:
    for answer in one.accepted:
        yield {"prompt": one.messages, "completion": [_assistant(answer)]}


def _openai_dpo(one: Said) -> Iterator[Line]:
    for good, bad in islice(one.pairs, MAX_PAIRS):
        yield {"input": {"messages": one.messages, "tools": [], "parallel_tool_calls": True},
               "preferred_output": [_assistant(good)], "non_preferred_output": [_assistant(bad)]}


def _trl_dpo(one: Said) -> Iterator[Line]:
    for good, bad in islice(one.pairs, MAX_PAIRS):
        yield {"prompt": one.messages, "chosen": [_assistant(good)], "rejected": [_assistant(bad)]}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


SHAPES: Mapping[tuple[str, str], Callable[[Said], Iterator[Line]]] = MappingProxyType({
    ("sft", "openai"): _openai_sft,
    ("sft", "trl"): _trl_sft,
    ("dpo", "openai"): _openai_dpo,
    ("dpo", "trl"): _trl_dpo,
})
"""Records by what they are for and who takes them: OpenAI's chat files, or TRL's conversational datasets."""


@dataclass(frozen=True)
class Export:
    """Training data.

    Attributes:
        train, held_out: the records of each side of the split.
        prompts: how many prompts have a record.
    """

    train: tuple[Line, ...]
    held_out: tuple[Line, ...]
    prompts: int


def export(log: Log, purpose: str = "sft", shape: str = "openai", held_out: float = 0.0) -> Export:
    """Training data of a log.

    Args:
        log: the calls.
        purpose: ``"sft"`` or ``"dpo"``.
        shape: ``"openai"`` or ``"trl"``.
        held_out: the share of prompts for the other side of the split, from 0 to 1.

    Raises:
        UsageError: there is no such purpose, shape or share.
    """
    write = SHAPES.get((purpose, shape))
    if write is None:
        raise UsageError(f"there is no export of {shown(purpose)} in the shape {shown(shape)}",
                         hint="sft or dpo; openai or trl")
    if not isinstance(held_out, int | float) or not 0 <= held_out <= 1:
        raise UsageError(f"held_out={shown(held_out)} is no share", hint="between 0 and 1: 0.1 keeps a tenth back")
    sides: tuple[dict[str, Line], dict[str, Line]] = ({}, {})
    prompts = 0
    for key, one in said(log).items():
        records = list(write(one))
        prompts += bool(records)
        side = sides[place_of(key) < held_out]
        for record in records:
            side.setdefault(json.dumps(record, sort_keys=True), record)
    return Export(tuple(sides[False].values()), tuple(sides[True].values()), prompts)


def place_of(prompt_hash: str) -> float:
    """A number in [0, 1) that depends on the hash alone: the same prompt is always on the same side of a split."""
    return int.from_bytes(hashlib.sha256(prompt_hash.encode()).digest()[:6], "big") / 2**48

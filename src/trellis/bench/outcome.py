"""What came of one call of a benchmark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import trellis
from trellis.bench.cases import Case


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Attributes:
        case: the case.
        value: the value, as JSON data; ``None`` without one.
        valid: whether there is one.
        usage: what it cost.
        seconds: by the clock, Trellis's own work included.
        tokens: of each attempt, prompt and answer.
        failure: the class of the error, or an empty string.
    """

    case: Case
    value: Any
    valid: bool
    usage: trellis.Usage
    seconds: float
    tokens: tuple[int, ...]
    failure: str = ""


def key_of(model: str, case: Case, prompt: str, settings: Mapping[str, Any], sampling: trellis.Sampling) -> str:
    """32 hexadecimal digits for all that an outcome depends on."""
    asked = (model, prompt, case.format, json.dumps(case.schema), sorted(settings.items()), sampling)
    return hashlib.blake2b(repr(asked).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()

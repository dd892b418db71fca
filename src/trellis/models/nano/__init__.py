"""The built-in model, ``trellis/nano``: a small transformer in numpy, for first steps, tests and measurement.

It needs no key and no network, answers in JSON, YAML or CSV about short texts, and makes honest mistakes; ``card.md``
beside this file says what it was trained on and how often it is right.
"""

from __future__ import annotations

from functools import lru_cache

from trellis.models.local import LocalModel
from trellis.models.nano.model import NanoModel

__all__ = ["NanoModel", "load"]


@lru_cache(maxsize=1)
def load() -> LocalModel:
    """``trellis/nano`` as a model that answers in text; read once in a process.

    Raises:
        ModelError: its files are missing or damaged.
    """
    return LocalModel(NanoModel())

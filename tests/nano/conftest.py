"""What the tests of the built-in model share."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from trellis.models.nano import NanoModel

TRAINING = Path(__file__).resolve().parents[2] / "training" / "nano"


@pytest.fixture(scope="session")
def nano() -> NanoModel:
    return NanoModel()


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    """``training/nano/examples.py``; skips where the tests run without the repository."""
    if not TRAINING.is_dir():
        pytest.skip("training/ is not here")
    sys.path.insert(0, str(TRAINING))
    try:
        import examples as module
    finally:
        sys.path.remove(str(TRAINING))
    return module

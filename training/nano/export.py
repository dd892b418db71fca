"""Writes a checkpoint as the package's files: float16 weights, the tokenizer, and what is known of both.

    python export.py --checkpoint run/checkpoint.pt --tokenizer tokenizer.json --seed 7 --out
    ../../src/trellis/models/nano
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import torch

MOST_BYTES = 2_500_000


def export(checkpoint: Path, tokenizer: Path, seed: int, out: Path) -> None:
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    arrays = {name: value.numpy().astype(np.float16) for name, value in saved["model"].items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    weights = buffer.getvalue()
    if len(weights) > MOST_BYTES:
        raise SystemExit(f"{len(weights)} bytes of weights are more than {MOST_BYTES}")
    words = json.dumps(json.loads(tokenizer.read_bytes()), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    facts = {
        "config": saved["config"], "parameters": int(sum(a.size for a in arrays.values())), "seed": seed,
        "steps": saved["step"], "tokens": saved["tokens"],
        "sha256": {"weights.npz": hashlib.sha256(weights).hexdigest(),
                   "tokenizer.json": hashlib.sha256(words).hexdigest()},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "weights.npz").write_bytes(weights)
    (out / "tokenizer.json").write_bytes(words)
    (out / "model.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.tokenizer, arguments.seed, arguments.out)

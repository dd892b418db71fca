"""Writes the logits that ``tests/nano`` holds the numpy network to: PyTorch's, with the weights as they are shipped.

    python golden.py --checkpoint run/checkpoint.pt --tokenizer run/tokenizer.json --out ../../tests/nano/golden.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from examples import example
from model import Config, Nano
from shards import tokens
from tokenizers import Tokenizer

PLACES = list(range(0, 1024, 32))

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    saved = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    model = Nano(Config(**saved["config"]))
    model.load_state_dict({name: value.half().float() for name, value in saved["model"].items()})
    ids, start = tokens(Tokenizer.from_file(str(arguments.tokenizer)), example("golden", held_out=True, plain=True))
    answer = ids[start : start + 8]
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0, start - 1 : start - 1 + len(answer)]
    arguments.out.write_text(json.dumps({
        "prompt": ids[:start], "answer": answer, "places": PLACES,
        "logits": [[round(float(row[place]), 5) for place in PLACES] for row in logits],
    }) + "\n")

"""Writes training examples as token ids, in shards that the trainer takes up as they appear.

    python shards.py --tokenizer tokenizer.json --out shards --seed 1 --shards 8 --count 20000
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from examples import Example, example
from tokenizers import Tokenizer

LONGEST = 1024


def tokens(tokenizer: Tokenizer, one: Example) -> tuple[list[int], int]:
    """The ids of prompt and answer, and where the answer begins. The layout is ``trellis.models.nano``'s."""
    special = {name: tokenizer.token_to_id(f"<|{name}|>") for name in ("system", "user", "assistant", "end")}
    ids: list[int] = []
    for message in one.messages:
        ids += [special[message.role], *tokenizer.encode(message.content).ids, special["end"]]
    ids.append(special["assistant"])
    start = len(ids)
    return [*ids, *tokenizer.encode(one.answer).ids, special["end"]], start


def pack(tokenizer: Tokenizer, seeds: Sequence[str]) -> dict[str, np.ndarray]:
    ids: list[int] = []
    lengths, starts = [], []
    for seed in seeds:
        one, start = tokens(tokenizer, example(seed))
        if len(one) <= LONGEST:
            ids += one
            lengths.append(len(one))
            starts.append(start)
    return {"ids": np.array(ids, np.uint16), "lengths": np.array(lengths, np.int32),
            "starts": np.array(starts, np.int32)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--count", type=int, default=20_000)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    for shard in range(arguments.shards):
        made = pack(tokenizer, [f"{arguments.seed}/{shard}/{i}" for i in range(arguments.count)])
        unfinished = arguments.out / f"{shard:03d}.tmp.npz"
        np.savez(unfinished, **made)
        unfinished.rename(arguments.out / f"{shard:03d}.npz")

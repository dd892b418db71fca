"""How many answers are valid without any layer, on many held-out prompts, for two models beside each other.

    python held_out.py --model ../../src/trellis/models/nano --other run/finetuned --count 1000

What ``trellis bench layers --only "prompt only"`` counts (the standard reader takes the answer as it stands, and the
schema accepts it), drawn in batches, which takes a tenth of the time. Both models get the same prompts and the same
random numbers, so their answers are pairs: the exact test of McNemar counts the prompts on which they differ.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from examples import FORMATS, example
from finetune import loaded
from model import Nano, norm, rotate
from torch import Tensor

from trellis.bench.cases import MARKERS
from trellis.bench.stats import said as in_percent
from trellis.bench.stats import share
from trellis.contract import Contract, contract_of
from trellis.errors import TrellisError
from trellis.models.nano import NanoModel
from trellis.prompt import messages_for

MOST_TOKENS = 400


@dataclass(frozen=True)
class Asked:
    """A held-out prompt as ids, the contract that judges answers, and the seed of its draws."""

    ids: list[int]
    contract: Contract[object]
    seed: int


def asked(model: NanoModel, output_format: str, count: int, name: str, start: int = 0) -> list[Asked]:
    """The prompts of ``bench_cases.py`` (``name="bench"``), and more of their kind."""
    found = []
    for i in range(start, start + count):
        one = example(f"{name}-{i}", held_out=True, output_format=output_format, plain=True)
        prompt = one.messages[-1].content.rsplit("\n\nAnswer with", 1)[0]
        contract = contract_of(MARKERS[output_format]({"title": one.shape.name, **one.shape.schema}))
        found.append(Asked(model.encode(messages_for(prompt, contract)), contract, i))
    return found


class Batch:
    """Sequences that are written side by side: what each layer has to know of what stands before."""

    def __init__(self, model: Nano, prompts: Sequence[Sequence[int]]) -> None:
        self.model = model
        longest = max(map(len, prompts))
        config = model.config
        rows, width = len(prompts), longest + MOST_TOKENS
        self.at = 0
        self.seen = torch.zeros(rows, width, dtype=torch.bool)  # left-padded: positions only count from each other
        for row, ids in enumerate(prompts):
            self.seen[row, longest - len(ids) : longest] = True
        self.seen[:, longest:] = True
        shape = (config.layers, rows, config.heads, width, config.width // config.heads)
        self.keys, self.values = torch.zeros(shape), torch.zeros(shape)
        self.taps = torch.zeros(config.layers, rows, config.taps - 1, config.width)
        ids = torch.zeros(rows, longest, dtype=torch.long)
        for row, one in enumerate(prompts):
            ids[row, longest - len(one) :] = torch.tensor(one)
        self.logits = self.step(ids)

    def keep(self, rows: Tensor) -> None:
        """Leaves out the rows that are done."""
        self.seen, self.taps = self.seen[rows], self.taps[:, rows]
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]

    def step(self, ids: Tensor) -> Tensor:
        """(rows, time) ids -> (rows, vocabulary) logits of what follows the last."""
        model, time = self.model, ids.shape[1]
        here = slice(self.at, self.at + time)
        present = self.seen[:, here, None].float()
        allowed = self.seen[:, None, None, : here.stop]
        if time > 1:
            allowed = allowed & torch.ones(time, time, dtype=torch.bool).tril()
            allowed = allowed | torch.eye(time, dtype=torch.bool)  # padding sees itself, or there is no softmax
        cos, sin = model.cos[here], model.sin[here]
        x = norm(F.embedding(ids, model.embedding))
        for place, layer in enumerate(model.layers):
            h = norm(x) * layer.gains[0] * present
            before = torch.cat((self.taps[place], h), 1)
            self.taps[place] = before[:, -self.taps.shape[2] :]
            h = h + sum(layer.taps[i] * before[:, i : i + time] for i in range(layer.taps.shape[0]))
            q, k, v = (h @ layer.qkv.t()).view(*h.shape[:2], 3, layer.heads, -1).permute(2, 0, 3, 1, 4)
            self.keys[place][:, :, here], self.values[place][:, :, here] = rotate(k, cos, sin), v
            keys, values = self.keys[place][:, :, : here.stop], self.values[place][:, :, : here.stop]
            scores = rotate(q, cos, sin) @ keys.mT / keys.shape[-1] ** 0.5
            h = scores.masked_fill_(~allowed, -torch.inf).softmax(-1) @ values
            x = x + h.transpose(1, 2).reshape(x.shape) @ layer.out.t()
            h = norm(x) * layer.gains[1]
            x = x + F.relu(h @ layer.up.t()).square() @ layer.down.t()
        self.at = here.stop
        return (norm(x[:, -1]) * model.gain) @ model.embedding.t()


@torch.no_grad()
def answers(model: Nano, prompts: Sequence[Asked], end: int, temperature: float, seed: int) -> list[list[int]]:
    """The ids of an answer to each prompt; the random numbers are those of the prompt, whatever the model."""
    batch = Batch(model, [one.ids for one in prompts])
    draws = [np.random.default_rng([seed, one.seed]) for one in prompts]
    answers: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))  # which answer each row of the batch is
    logits = batch.logits
    while True:
        uniform = torch.tensor([draws[place].random() for place in rows], dtype=torch.float64)[:, None]
        drawn = ((logits.double() / temperature).softmax(-1).cumsum(-1) < uniform).sum(-1)
        for place, token in zip(rows, drawn.tolist(), strict=True):
            if not answers[place] or answers[place][-1] != end:
                answers[place].append(min(token, logits.shape[1] - 1))
        going_on = [row for row, place in enumerate(rows)
                    if answers[place][-1] != end and len(answers[place]) < MOST_TOKENS]
        if not going_on:
            return answers
        if 2 * len(going_on) <= len(rows):  # to leave rows out is to copy the others
            batch.keep(torch.tensor(going_on, dtype=torch.long))
            rows, drawn = [rows[row] for row in going_on], drawn[going_on]
        logits = batch.step(drawn[:, None])


def valid(text: str, contract: Contract[object]) -> bool:
    try:
        return contract.examine(text, "off")[1].ok
    except TrellisError:
        return False


def judged(folder: Path, prompts: Sequence[Asked], temperature: float, seed: int, size: int = 64) -> list[bool]:
    """Whether each answer is valid; one that is cut off is not."""
    own, network = NanoModel(folder), loaded(folder)[0]
    end = own.vocabulary.eos_ids[0]
    found = [False] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place].ids))
    for at in range(0, len(order), size):
        places = order[at : at + size]
        said = answers(network, [prompts[place] for place in places], end, temperature, seed)
        for place, ids in zip(places, said, strict=True):
            text = b"".join(own.vocabulary.tokens[token] for token in ids[:-1]).decode("utf-8", "replace")
            found[place] = ids[-1] == end and valid(text, prompts[place].contract)
    return found


def mcnemar(gained: int, lost: int) -> float:
    """The probability of a difference as large if a prompt were as likely gained as lost (exact, two-sided)."""
    both, least = gained + lost, min(gained, lost)
    return min(1.0, 2 * sum(math.comb(both, i) for i in range(least + 1)) / 2**both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--other", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=1000, help="prompts of each format")
    parser.add_argument("--start", type=int, default=0, help="the number of the first prompt, to ask in slices")
    parser.add_argument("--name", default="bench", help="another name gives other prompts, to choose settings on")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    arguments = parser.parse_args()
    model = NanoModel(arguments.model)
    for output_format in arguments.formats:
        prompts = asked(model, output_format, arguments.count, arguments.name, arguments.start)
        before = judged(arguments.model, prompts, arguments.temperature, arguments.seed)
        for folder in arguments.other:
            after = judged(folder, prompts, arguments.temperature, arguments.seed)
            gained = sum(not one and two for one, two in zip(before, after, strict=True))
            lost = sum(one and not two for one, two in zip(before, after, strict=True))
            print(json.dumps({
                "format": output_format, "other": folder.name, "prompts": len(prompts),
                "valid before": in_percent(share(sum(before), len(prompts))),
                "valid after": in_percent(share(sum(after), len(prompts))),
                "gained": gained, "lost": lost, "p": float(f"{mcnemar(gained, lost):.2g}")}), flush=True)


if __name__ == "__main__":
    main()

"""Trains the model by the clock: the learning rate falls to zero when the minutes are over.

    python train.py --shards shards --out run --minutes 70

Each worker is one process with one thread that trains on its own; every few seconds the workers meet and average their
weights (local SGD), so none waits for another on a busy machine. The newest checkpoint can be exported at any moment.
Matrices are updated by Muon (Jordan et al., 2024: momentum made orthogonal by Newton-Schulz iterations), the rest by
Adam. Loss is on answers only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from model import Config, Nano
from torch import Tensor

MEETING = 15.0  # seconds


def batches(folder: Path, tokens: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Ids and, at each answer token, 1; examples of like length stand together, right-padded. Never ends: a shard that
    has not been seen comes first, then all again."""
    seen: set[Path] = set()
    while True:
        found = sorted(folder.glob("[0-9][0-9][0-9].npz"))
        fresh = [path for path in found if path not in seen]
        path = (fresh or found)[int(rng.integers(len(fresh or found)))]
        seen.add(path)
        data = np.load(path)
        ids, lengths, starts = data["ids"], data["lengths"], data["starts"]
        ends = np.cumsum(lengths)
        groups: list[list[int]] = [[]]
        size = 0
        for i in np.lexsort((rng.random(len(lengths)), (lengths + 15) // 16)):
            padded = int(lengths[i] + 15) // 16 * 16
            if (len(groups[-1]) + 1) * max(size, padded) > tokens and groups[-1]:
                groups.append([])
            size = padded
            groups[-1].append(int(i))
        for g in rng.permutation(len(groups)):
            members = groups[g]
            longest = int(max(lengths[i] for i in members) + 15) // 16 * 16
            batch = np.zeros((len(members), longest), np.int64)
            answer = np.zeros((len(members), longest), bool)
            for row, i in enumerate(members):
                batch[row, : lengths[i]] = ids[ends[i] - lengths[i] : ends[i]]
                answer[row, starts[i] : lengths[i]] = True
            yield torch.from_numpy(batch), torch.from_numpy(answer)


def loss_of(model: Nano, ids: Tensor, answer: Tensor) -> Tensor:
    hidden = model.trunk(ids[:, :-1])
    places = answer[:, 1:].reshape(-1).nonzero().squeeze(1)
    logits = hidden.reshape(-1, hidden.shape[-1])[places] @ model.embedding.t()
    return F.cross_entropy(logits.float(), ids[:, 1:].reshape(-1)[places])


def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly (quintic Newton-Schulz); g: (count, rows, columns)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Matrices of one shape are updated together."""

    def __init__(self, parameters: list[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = {}
            for p in group["params"]:
                by_shape.setdefault(tuple(p.shape), []).append(p)
            for shape, members in by_shape.items():
                updates = []
                for p in members:
                    memory = self.state[p].setdefault("memory", torch.zeros_like(p))
                    memory.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(p.grad.lerp(memory, group["momentum"]))
                parts = 3 if shape[0] == 3 * shape[1] and shape[1] == 128 else 1  # q, k and v are matrices of their own
                stacked = torch.stack(updates).view(len(members) * parts, shape[0] // parts, shape[1])
                made = orthogonal(stacked).reshape(len(members), *shape)
                scale = max(1.0, shape[0] / parts / shape[1]) ** 0.5
                for p, update in zip(members, made, strict=True):
                    p.mul_(1 - group["lr"] * group["decay"])
                    p.add_(update, alpha=-group["lr"] * scale)


def schedule(done: float) -> float:
    """Of the peak rate: a short warm-up, then half a cosine to zero."""
    return min(1.0, done / 0.01 + 0.02) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def average(model: Nano, extra: list[float]) -> list[float]:
    """Averages the weights over the workers, in place, and a few numbers beside them."""
    weights = [p.data for p in model.parameters()]
    flat = torch.cat([*(w.reshape(-1) for w in weights), torch.tensor(extra)])
    if dist.is_initialized():
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
    at = 0
    for w in weights:
        w.copy_(flat[at : at + w.numel()].view_as(w))
        at += w.numel()
    return [float(x) for x in flat[at:]]


def work(rank: int, arguments: argparse.Namespace) -> None:
    if arguments.workers > 1:
        os.setsid()  # Linux shares processors among sessions first: two workers of one session would get half each
        dist.init_process_group("gloo", init_method=f"file://{(arguments.out / 'meeting').resolve()}", rank=rank,
                                world_size=arguments.workers)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    config = Config()
    model = Nano(config)
    before = {"step": 0, "tokens": 0}
    if arguments.resume:
        before = torch.load(arguments.resume, weights_only=True)
        model.load_state_dict(before["model"])
    matrix_names = ("qkv", "out", "up", "down")
    matrices = [p for name, p in model.named_parameters() if name.rsplit(".", 1)[-1] in matrix_names]
    others = [p for name, p in model.named_parameters() if name.rsplit(".", 1)[-1] not in matrix_names]
    optimizers = [Muon(matrices, arguments.muon),
                  torch.optim.AdamW(others, arguments.adam, betas=(0.9, 0.95), weight_decay=0.0)]
    peaks = [arguments.muon, arguments.adam]
    compute = torch.compile(loss_of, dynamic=True)
    stream = batches(arguments.shards, arguments.tokens, np.random.default_rng([arguments.seed, rank, before["step"]]))
    for _ in range(3):  # the compiler's time does not count
        ids, answer = next(stream)
        with torch.autocast("cpu", torch.bfloat16):
            compute(model, ids, answer).backward()
    model.zero_grad(set_to_none=True)
    average(model, [])
    started = time.monotonic()
    seconds, step, trained, smooth, meetings = arguments.minutes * 60, 0, 0, 0.0, 0
    while meetings * MEETING < seconds:
        elapsed = time.monotonic() - started
        rate = schedule(min(1.0, elapsed / seconds))
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate
        ids, answer = next(stream)
        with torch.autocast("cpu", torch.bfloat16):
            loss = compute(model, ids, answer)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        trained += ids.numel()
        value = loss.item()
        smooth = value if step == 1 else 0.98 * smooth + 0.02 * value
        if elapsed < (meetings + 1) * MEETING:
            continue
        meetings += 1
        mean_loss, mean_tokens, mean_step = average(model, [smooth, float(trained), float(step)])
        if rank == 0:
            save(arguments.out, model, config, before["step"] + round(mean_step * arguments.workers),
                 before["tokens"] + round(mean_tokens * arguments.workers))
            line = {"minutes": round(elapsed / 60, 2), "steps": round(mean_step * arguments.workers),
                    "tokens": round(mean_tokens * arguments.workers), "loss": round(mean_loss, 4),
                    "rate": round(rate, 3)}
            with (arguments.out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--tokens", type=int, default=2048, help="in each worker's batch, padding counted")
    parser.add_argument("--muon", type=float, default=0.02)
    parser.add_argument("--adam", type=float, default=0.004)
    parser.add_argument("--resume", type=Path, help="begin with the weights of this checkpoint")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "meeting").unlink(missing_ok=True)
    if arguments.workers == 1:
        work(0, arguments)
    else:
        torch.multiprocessing.spawn(work, (arguments,), nprocs=arguments.workers)


def save(folder: Path, model: Nano, config: Config, step: int, trained: int) -> None:
    unfinished = folder / "checkpoint.tmp"
    torch.save({"config": config.as_dict(), "model": model.state_dict(), "step": step, "tokens": trained}, unfinished)
    unfinished.rename(folder / "checkpoint.pt")


if __name__ == "__main__":
    main()

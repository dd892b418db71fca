"""The numpy network computes what the PyTorch one does: ``python parity.py`` compares them on random weights, or on a
checkpoint (``--checkpoint``), whole sequences at once, token by token, and after a fork."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from model import Config, Nano

from trellis.models.nano.network import Config as Sizes
from trellis.models.nano.network import Network

TOLERANCE = 2e-4


def largest_difference(model: Nano, seed: int = 0, length: int = 90) -> float:
    """Over the logits of a random sequence, with every way to feed it."""
    ids = np.random.default_rng(seed).integers(0, model.config.vocabulary, length)
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)[None])[0].numpy()
    network = Network(Sizes(**model.config.as_dict()),
                      {name: value.numpy() for name, value in model.state_dict().items()})
    single = network.start()
    worst = max(float(np.abs(single.step([int(token)]) - expected[i]).max()) for i, token in enumerate(ids))
    for cut in (1, 2, length // 2, length - 1):
        state = network.start()
        worst = max(worst, float(np.abs(state.step(ids[:cut].tolist()) - expected[cut - 1]).max()))
        twin = state.fork()
        state.step([1, 2, 3])
        worst = max(worst, float(np.abs(twin.step(ids[cut:].tolist()) - expected[-1]).max()))
    return worst


def random_model(seed: int = 0) -> Nano:
    torch.manual_seed(seed)
    model = Nano(Config())
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = random_model()
    if arguments.checkpoint:
        saved = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
        model = Nano(Config(**saved["config"]))
        model.load_state_dict(saved["model"])
    worst = largest_difference(model)
    print(f"largest difference of a logit: {worst:.2e}")
    if worst > TOLERANCE:
        raise SystemExit(1)

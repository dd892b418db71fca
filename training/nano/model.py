"""The transformer in PyTorch: RMSNorm, rotary attention, squared ReLU, tied embeddings, and short causal convolutions.

The convolution before attention shows each position its last few tokens; "what followed this token earlier", on which
copying rests, is then one step of attention away, and a small model learns it in minutes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    vocabulary: int = 1024
    width: int = 128
    layers: int = 5
    heads: int = 4
    hidden: int = 384
    rotary: int = 16  # of each head's dimensions, the first so many turn with the position
    taps: int = 4  # length of the convolution
    context: int = 1024

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), eps=1e-5)


def rotary_tables(config: Config) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (context, rotary / 2)."""
    steps = torch.arange(0, config.rotary, 2).float() / config.rotary
    angles = torch.arange(config.context).float()[:, None] * (10_000.0 ** -steps)[None]
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: (batch, heads, time, head width); halves of the rotary part are paired."""
    half = cos.shape[-1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos, rest), -1)


class Layer(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.taps = nn.Parameter(torch.zeros(config.taps, width))  # added to the identity
        self.qkv = nn.Parameter(torch.randn(3 * width, width) * width ** -0.5 * 0.7)
        self.out = nn.Parameter(torch.zeros(width, width))
        self.up = nn.Parameter(torch.randn(config.hidden, width) * width ** -0.5 * 0.7)
        self.down = nn.Parameter(torch.zeros(width, config.hidden))
        self.gains = nn.Parameter(torch.ones(2, width))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, time, width = x.shape
        h = norm(x) * self.gains[0]
        padded = F.pad(h, (0, 0, self.taps.shape[0] - 1, 0))
        h = h + sum(self.taps[i] * padded[:, i:i + time] for i in range(self.taps.shape[0]))
        q, k, v = (h @ self.qkv.t()).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + h.transpose(1, 2).reshape(batch, time, width) @ self.out.t()
        h = norm(x) * self.gains[1]
        return x + F.relu(h @ self.up.t()).square() @ self.down.t()


class Nano(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.05)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.gain = nn.Parameter(torch.ones(config.width))
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def trunk(self, ids: Tensor) -> Tensor:
        """(batch, time) ids -> (batch, time, width), ready for the head."""
        time = ids.shape[1]
        x = norm(F.embedding(ids, self.embedding))
        for layer in self.layers:
            x = layer(x, self.cos[:time], self.sin[:time])
        return norm(x) * self.gain

    def forward(self, ids: Tensor) -> Tensor:
        return self.trunk(ids) @ self.embedding.t()

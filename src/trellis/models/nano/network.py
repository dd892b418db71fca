"""The transformer of ``training/nano/model.py`` in numpy, with a key-value cache.

Shapes: T new tokens, N tokens in all, W width, H heads, D = W / H, V vocabulary. Mathematics is float32; the weights
are stored as float16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trellis.errors import RequestRejectedError

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Config:
    """Sizes; see ``training/nano/model.py``."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    rotary: int
    taps: int
    context: int


class Network:
    """The weights, laid out for inference. Immutable.

    Args:
        config: sizes.
        weights: arrays by name, any float type: ``embedding`` (V, W), ``gain`` (W,), and for each layer ``layers.i.``
            ``taps`` (taps, W), ``qkv`` (3W, W), ``out`` (W, W), ``up`` (hidden, W), ``down`` (W, hidden), ``gains`` (2,
            W).
    """

    def __init__(self, config: Config, weights: Mapping[str, npt.NDArray[np.floating]]) -> None:
        def get(name: str) -> Array:
            return np.ascontiguousarray(weights[name], dtype=np.float32)

        self.config = config
        self.embedding = get("embedding")
        self.embedded = _norm(self.embedding)
        self.head = np.ascontiguousarray((self.embedding * get("gain")).T)
        self.layers = [_Layer(*(get(f"layers.{i}.{name}") for name in ("taps", "qkv", "out", "up", "down", "gains")))
                       for i in range(config.layers)]
        steps = np.arange(0, config.rotary, 2, dtype=np.float32) / np.float32(config.rotary)
        angles = np.arange(config.context, dtype=np.float32)[:, None] * (np.float32(10_000.0) ** -steps)[None]
        self.cos, self.sin = np.cos(angles), np.sin(angles)

    def start(self) -> State:
        return State(self)


class _Layer:
    """Gains are folded into the matrices that follow them, and the identity into the taps."""

    def __init__(self, taps: Array, qkv: Array, out: Array, up: Array, down: Array, gains: Array) -> None:
        self.taps = taps.copy()
        self.taps[-1] += 1
        self.taps *= gains[0]
        self.qkv = np.ascontiguousarray(qkv.T)
        self.out = np.ascontiguousarray(out.T)
        self.up = np.ascontiguousarray((up * gains[1]).T)
        self.down = np.ascontiguousarray(down.T)


class State:
    """A sequence in progress: keys and values of every layer, and the last inputs of its convolutions."""

    def __init__(self, network: Network) -> None:
        c = network.config
        self._network = network
        self._length = 0
        shape = (c.layers, c.heads, c.context, c.width // c.heads)
        self._keys = np.empty(shape, np.float32)
        self._values = np.empty(shape, np.float32)
        self._tails = np.zeros((c.layers, c.taps - 1, c.width), np.float32)

    @property
    def length(self) -> int:
        """Tokens so far."""
        return self._length

    def fork(self) -> State:
        """An independent copy; only the used part is copied."""
        twin = State(self._network)
        n = twin._length = self._length
        twin._keys[:, :, :n] = self._keys[:, :, :n]
        twin._values[:, :, :n] = self._values[:, :, :n]
        twin._tails[:] = self._tails
        return twin

    def step(self, tokens: Sequence[int]) -> Array:
        """Appends tokens and returns the next one's logits, float32 (V,).

        Raises:
            RequestRejectedError: there are no tokens, one that does not exist, or more than the context holds.
        """
        network, c = self._network, self._network.config
        begin, end = self._length, self._length + len(tokens)
        if end > c.context:
            raise RequestRejectedError(f"{end} tokens are more than the context of {c.context}",
                                       hint="make the text shorter")
        ids = np.asarray(tokens, dtype=np.int64)
        if not len(ids) or ids.min() < 0 or ids.max() >= c.vocabulary:
            raise RequestRejectedError("a step needs token ids of the vocabulary")
        x = network.embedded[ids]
        cos, sin = network.cos[begin:end], network.sin[begin:end]
        for i, layer in enumerate(network.layers):
            x = x + self._attend(i, layer, _norm(x), cos, sin) @ layer.out
            h = np.maximum(_norm(x) @ layer.up, 0)
            x = x + (h * h) @ layer.down
        self._length = end
        logits: Array = _norm(x[-1]) @ network.head
        return logits

    def _attend(self, i: int, layer: _Layer, h: Array, cos: Array, sin: Array) -> Array:
        """h (T, W) -> (T, W)"""
        c = self._network.config
        time, begin = len(h), self._length
        end = begin + time
        padded: Array = np.concatenate((self._tails[i], h))
        self._tails[i] = padded[-(c.taps - 1):]
        seen: Array = layer.taps[0] * padded[:time]
        for tap in range(1, c.taps):
            seen += layer.taps[tap] * padded[tap : tap + time]
        qkv = (seen @ layer.qkv).reshape(time, 3, c.heads, -1).transpose(1, 2, 0, 3)  # (3, H, T, D)
        q = _rotate(qkv[0], cos, sin)
        self._keys[i, :, begin:end] = _rotate(qkv[1], cos, sin)
        self._values[i, :, begin:end] = qkv[2]
        scale = np.float32((c.width // c.heads) ** -0.5)
        scores: Array = q @ self._keys[i, :, :end].transpose(0, 2, 1) * scale  # (H, T, N)
        if time > 1:
            future = np.arange(end)[None] > np.arange(begin, end)[:, None]
            scores[:, future] = -np.inf
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        mixed: Array = scores @ self._values[i, :, :end]  # (H, T, D)
        return mixed.transpose(1, 0, 2).reshape(time, c.width)


def _norm(x: Array) -> Array:
    """Root-mean-square normalisation of the last axis."""
    square = np.einsum("...w,...w->...", x, x)[..., None] / np.float32(x.shape[-1])
    normed: Array = x / np.sqrt(square + np.float32(1e-5))
    return normed


def _rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Turns the first dimensions of each head by the position: x (H, T, D), cos and sin (T, half)."""
    half = cos.shape[-1]
    turned = x.copy()
    turned[..., :half] = x[..., :half] * cos - x[..., half : 2 * half] * sin
    turned[..., half : 2 * half] = x[..., :half] * sin + x[..., half : 2 * half] * cos
    return turned

"""Bitmasks: one bit a token, set when the token is allowed.

Rows of int32 words, token ``t`` in word ``t // 32`` at bit ``t % 32``: the layout of xgrammar, llguidance and vLLM.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trellis.errors import MaskError, UsageError

MAX_BITS = 2**40  # of one bitmask: 128 GiB


def allocate_bitmask(rows: int, vocabulary_size: int) -> NDArray[np.int32]:
    """A bitmask in which nothing is allowed: int32[rows, ceil(vocabulary_size / 32)]."""
    for count in (rows, vocabulary_size):
        if not isinstance(count, (int, np.integer)) or count < 0:
            raise UsageError(f"a bitmask has a number of rows and a vocabulary's size, not {count!r}")
    if rows * vocabulary_size > MAX_BITS:
        raise UsageError(f"a bitmask of {rows} rows for {vocabulary_size} tokens is too large")
    return np.zeros((rows, -(-vocabulary_size // 32)), dtype=np.int32)


def allowed_tokens(bitmask_row: NDArray[np.int32]) -> NDArray[np.int64]:
    """The ids whose bit is set in one row, ascending."""
    return np.flatnonzero(_bits(bitmask_row))


def apply_bitmask(logits: Any, bitmask: Any) -> None:
    """Set the logits of tokens that are not allowed to minus infinity, in place.

    Args:
        logits: floats, [width] or [rows, width], a numpy array or a torch tensor. Where they are wider than the
            bitmask, the rest is not allowed.
        bitmask: int32 words, [words] or [rows, words]; numpy, or torch for torch logits.

    Raises:
        UsageError: the shapes do not belong together, a token that is allowed has no logit, or the logits are integers.
    """
    if not hasattr(logits, "shape") or not hasattr(bitmask, "shape"):
        raise UsageError("logits and bitmask must be arrays", hint="numpy arrays, or torch tensors")
    rows, mask_rows = logits.shape[:-1], bitmask.shape[:-1]
    if rows != mask_rows or len(rows) > 1:
        raise UsageError(f"logits of shape {tuple(logits.shape)} and a bitmask of shape {tuple(bitmask.shape)} differ",
                         hint="give one row of words for each row of logits")
    width = logits.shape[-1]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(logits, torch.Tensor):
        words = torch.as_tensor(bitmask, device=logits.device)
        shifts = torch.arange(32, dtype=torch.int32, device=logits.device)
        allowed = ((words.unsqueeze(-1) >> shifts) & 1).bool().flatten(-2)
        if bool(allowed[..., width:].any()):
            raise _too_narrow(width)
        allowed = allowed[..., :width]
        logits[..., : allowed.shape[-1]].masked_fill_(~allowed, float("-inf"))
        logits[..., allowed.shape[-1]:] = float("-inf")
        return
    if not np.issubdtype(logits.dtype, np.floating):
        raise UsageError(f"logits must be floats, not {logits.dtype}", hint="logits.astype(numpy.float32)")
    if not logits.flags.writeable:
        raise UsageError("the logits are read-only", hint="logits.copy()")
    bits = _bits(bitmask)
    if bits[..., width:].any():
        raise _too_narrow(width)
    bits = bits[..., :width]
    logits[..., : bits.shape[-1]][~bits] = -np.inf
    logits[..., bits.shape[-1]:] = -np.inf


def _too_narrow(width: int) -> UsageError:
    return UsageError(f"the bitmask allows tokens that the {width:,} logits of a row do not reach",
                      hint="logits of the whole vocabulary that the grammar was compiled for")


def allowed_mass(logits: Any, bitmask: Any) -> Any:
    """The probability that the model itself gives to the allowed tokens, before they are masked.

    How far a mask leads a model away from what it would say: 1 where it forbids nothing that is likely. The product
    over an answer's tokens weighs samples that were drawn under masks (importance sampling).

    Args:
        logits: floats, [width] or [rows, width], a numpy array or a torch tensor; not changed.
        bitmask: as for :func:`apply_bitmask`.

    Returns:
        A float64 for one row; for several, an array or tensor [rows].

    Raises:
        UsageError: the shapes do not belong together, or the logits are integers.
        MaskError: a row of logits is empty of probability: all are at minus infinity, or one is not a number.
    """
    masked: Any = logits.clone() if hasattr(logits, "clone") else np.array(logits, copy=True)
    apply_bitmask(masked, bitmask)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(logits, torch.Tensor):
        whole = torch.logsumexp(logits.double(), -1)
        mass = torch.exp(torch.logsumexp(masked.double(), -1) - whole)
        sound = bool(torch.isfinite(whole).all())
    else:
        best = np.max(logits, axis=-1, keepdims=True).astype(np.float64)
        sound = bool(np.isfinite(best).all())
        if sound:
            mass = np.exp(masked - best).sum(axis=-1) / np.exp(logits - best).sum(axis=-1)
    if not sound:
        raise MaskError("the logits have no probabilities: all of a row are masked, or one is no number")
    return mass


def _bits(words: NDArray[np.int32]) -> NDArray[np.bool_]:
    """[..., words] -> bool[..., 32 * words]"""
    if not isinstance(words, np.ndarray) or words.dtype.itemsize != 4 or words.dtype.kind not in "iu":
        raise UsageError("a bitmask is an array of int32 words", hint="allocate_bitmask(...) makes one")
    little = np.ascontiguousarray(words).astype("<i4", copy=False)
    return np.unpackbits(little.view(np.uint8), axis=-1, bitorder="little").view(np.bool_)

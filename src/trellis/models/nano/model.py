"""``NanoModel``: the weights in this folder as a ``TokenModel``."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trellis.errors import ContextLengthError, ModelError
from trellis.masking.vocabulary import Vocabulary
from trellis.models.nano.network import Config, Network, State
from trellis.models.nano.tokenizer import Tokenizer
from trellis.result import Message

FOLDER = Path(__file__).parent


class NanoModel:
    """The built-in model, or another one that ``training/nano`` exported.

    A conversation is written as ``<|user|>text<|end|><|assistant|>``, with the system's turn first; ``<|end|>`` ends an
    answer. Loading takes some milliseconds; the object is immutable and may be shared between threads.

    Args:
        folder: holds ``weights.npz`` (float16 arrays), ``tokenizer.json`` and ``model.json`` (sizes, seed, checksums).
        name: how it calls itself.

    Raises:
        ModelError: a file is missing, or is not the one that ``model.json`` was written for.
    """

    def __init__(self, folder: str | Path = FOLDER, *, name: str = "trellis/nano") -> None:
        self.name = name
        folder = Path(folder)
        try:
            self.facts: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
            weights, tokenizer = ((folder / name).read_bytes() for name in ("weights.npz", "tokenizer.json"))
        except (OSError, ValueError) as error:
            raise ModelError(f"the model in {folder} cannot be read: {error}",
                             hint="install the package again") from error
        for name, data in (("weights.npz", weights), ("tokenizer.json", tokenizer)):
            found, expected = hashlib.sha256(data).hexdigest(), self.facts["sha256"][name]
            if found != expected:
                raise ModelError(f"{folder / name} is damaged: its SHA-256 is {found}, not {expected}",
                                 hint="install the package again")
        with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
            self._network = Network(Config(**self.facts["config"]), arrays)
        self._tokenizer_data = json.loads(tokenizer)
        self._tokenizer = Tokenizer(self._tokenizer_data)

    @property
    def context(self) -> int:
        """Most tokens in one sequence, prompt and answer."""
        return self._network.config.context

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_tokenizer(self._tokenizer_data)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids of a conversation, up to where the answer begins.

        Raises:
            ContextLengthError: the conversation leaves no room for an answer.
        """
        special = self._tokenizer.special
        ids: list[int] = []
        for message in messages:
            ids += [special[f"<|{message.role}|>"], *self._tokenizer.encode(message.content), special["<|end|>"]]
        ids.append(special["<|assistant|>"])
        if len(ids) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens, and {self.name} holds {self.context} with the answer",
                hint="shorten the text or the type, or give the text in parts; a masked answer needs no type in its "
                     'prompt: Template(..., source="{{ prompt }}"); trellis/nano is for short texts')
        return ids

    def start(self) -> State:
        return self._network.start()

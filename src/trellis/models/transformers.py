"""A causal language model of transformers as a ``TokenModel`` (extra ``transformers``, which brings PyTorch)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trellis.errors import MissingExtraError, ModelError, UsageError, message_of, shown
from trellis.masking.vocabulary import Vocabulary
from trellis.result import Message

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NO_LIMIT = 1_000_000
"""Above this, what a tokenizer says of the longest text is no fact about the model."""


class TransformersModel:
    """A model and its tokenizer; ``generate_structured(..., model=TransformersModel(model, tokenizer))``.

    A conversation is written by the tokenizer's chat template; a model without one gets the texts, one after the other.

    Args:
        model: a causal language model, on any device.
        tokenizer: its tokenizer.
        name: how it calls itself; default: as its configuration says.

    Raises:
        MissingExtraError: PyTorch is not installed.
        UsageError: they are none.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str = "") -> None:
        self._torch = _import("torch")
        if not hasattr(model, "get_output_embeddings") or not callable(tokenizer):
            raise UsageError(f"TransformersModel takes a causal language model and its tokenizer, not {shown(model)} "
                             f"and {shown(tokenizer)}", hint="AutoModelForCausalLM and AutoTokenizer load them")
        self.model, self.tokenizer = model, tokenizer
        self.name = name or f"transformers/{getattr(model.config, 'name_or_path', '') or type(model).__name__}"

    @classmethod
    def from_pretrained(cls, name: str, **settings: Any) -> TransformersModel:
        """A model by its name or folder; settings go to ``AutoModelForCausalLM.from_pretrained``.

        Raises:
            MissingExtraError: transformers is not installed.
            ModelError: it cannot be loaded.
        """
        transformers = _import("transformers")
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(name)
            model = transformers.AutoModelForCausalLM.from_pretrained(name, **settings)
        except Exception as error:  # the libraries' own, and those of what they load
            raise ModelError(f"{name} cannot be loaded: {type(error).__name__}: {message_of(error)[:300]}",
                             hint="is it the name of a model, or a folder with one?") from error
        return cls(model.eval(), tokenizer, name=f"transformers/{name}")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer's, as wide as the logits."""
        ends = getattr(self.model.generation_config, "eos_token_id", None)
        if ends is None:
            ends = self.tokenizer.eos_token_id
        eos_ids = [] if ends is None else ends if isinstance(ends, list) else [ends]
        return Vocabulary.from_tokenizer(self.tokenizer, eos_ids=eos_ids,
                                         width=self.model.get_output_embeddings().weight.shape[0])

    @property
    def context(self) -> int:
        """Most tokens in one sequence, prompt and answer."""
        config = self.model.config.get_text_config()
        said = getattr(config, "max_position_embeddings", None) or self.tokenizer.model_max_length
        return int(min(said, NO_LIMIT))

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids of a conversation, up to where the answer begins."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if getattr(self.tokenizer, "chat_template", None):
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return list(self.tokenizer("\n\n".join(turn["content"] for turn in turns) + "\n")["input_ids"])

    def start(self) -> TransformersState:
        return TransformersState(self.model, self._torch)


class TransformersState:
    """A sequence in progress: its key-value cache."""

    def __init__(self, model: Any, torch: Any, cache: Any = None) -> None:
        self._model, self._torch, self._cache = model, torch, cache

    def step(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Appends tokens and returns the logits of the next one, float32 of shape (V,)."""
        with self._torch.inference_mode():
            ids = self._torch.tensor([list(tokens)], device=self._model.device)
            out = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True)
            self._cache = out.past_key_values
            logits: npt.NDArray[np.float32] = out.logits[0, -1].float().cpu().numpy()
        return logits

    def fork(self) -> TransformersState:
        """An independent copy; the cache is copied whole."""
        return TransformersState(self._model, self._torch, copy.deepcopy(self._cache))


def _import(package: str) -> Any:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(f"this model needs {package}", extra="transformers") from error

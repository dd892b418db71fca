"""From what a caller gives as ``model`` to a ``Model``: names as data, objects by what they can do."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from trellis.errors import UnknownModelError, message_of, shown
from trellis.models.base import Model, TokenModel
from trellis.models.function import FunctionModel
from trellis.models.providers import BUILT_IN, PROVIDERS, known_models

_NOT_ENOUGH = (
    ("anthropic", "messages", "a client of anthropic does not say which model is meant",
     'AnthropicModel("name", client=client), from trellis.models.anthropic'),
    ("ollama", "chat", "a client of ollama does not say which model is meant",
     'OllamaModel("name", client=client), from trellis.models.ollama'),
    ("transformers", "generate", "a model of transformers cannot read text by itself",
     "TransformersModel(model, tokenizer), from trellis.models.transformers"),
)
"""Objects that are no model yet: their package, what they have, what is missing, and what makes a model of them."""


def resolve_model(model: Any) -> Model:
    """The model that is meant.

    Args:
        model: a ``Model`` or ``TokenModel``; ``"provider/name"`` or ``"provider:name"``; an ``openai`` client; a
            ``llama_cpp.Llama``; or a function from prompt to answer.

    Raises:
        UnknownModelError: nothing answers to it; lists what is known.
        MissingExtraError: what it needs is not installed.
        AuthenticationError: it needs a key.
    """
    if isinstance(model, str):
        return _named(model)
    if _is(model, Model):
        if not isinstance(model.modes, list | tuple):
            raise UnknownModelError(f"{type(model).__name__}.modes is {shown(model.modes)}, not a tuple of modes",
                                    hint='("prompt",) for a model that enforces nothing')
        found: Model = model
        return found
    if _is(model, TokenModel):
        from trellis.models.local import LocalModel

        return LocalModel(model)
    package = type(model).__module__.split(".")[0]
    if package == "openai" and hasattr(model, "chat"):
        from trellis.models.openai import OpenAIModel

        return OpenAIModel(client=model)
    if package == "llama_cpp" and hasattr(model, "ctx"):
        from trellis.models.llama import LlamaModel
        from trellis.models.local import LocalModel

        return LocalModel(LlamaModel(model))
    for known, part, what, hint in _NOT_ENOUGH:
        if package == known and hasattr(model, part):
            raise UnknownModelError(what, hint=hint)
    if callable(model) and not isinstance(model, type):
        return FunctionModel(model)
    raise UnknownModelError(f"{type(model).__name__} {shown(model, 120)} is no model",
                            hint='a name such as "openai/gpt-5.5", a Model, an openai client, or a function')


def _is(model: Any, protocol: type) -> bool:
    try:
        return isinstance(model, protocol) and not isinstance(model, type)
    except Exception as error:  # the check reads properties, which are code of the model's own
        said = f"{type(error).__name__}: {message_of(error)}"
        raise UnknownModelError(f"{type(model).__name__} is no model: {said}") from error


@lru_cache(maxsize=1)
def _built_in() -> Model:
    """Loaded once: it is immutable, and the masks of a grammar are kept for its vocabulary."""
    from trellis.models.local import LocalModel
    from trellis.models.nano import NanoModel

    return LocalModel(NanoModel())


def _named(name: str) -> Model:
    if name.replace(":", "/", 1) == BUILT_IN:
        return _built_in()
    provider, separator, rest = _split(name)
    if provider not in PROVIDERS or not separator or not rest:
        raise UnknownModelError(f"no model is called {name[:80]!r}; known: {', '.join(known_models())}",
                                hint=f'"openai/{name[:80]}", with $OPENAI_BASE_URL for another server than OpenAI'
                                if not separator and name else "the name has its server first: openai/NAME")
    return _of_provider(provider, rest, tuple(map(os.environ.get, PROVIDERS[provider].variables)))


@lru_cache(maxsize=16)
def _of_provider(provider: str, name: str, _environment: tuple[str | None, ...]) -> Model:
    """Kept, with its connections, for as long as nothing changes of what it is made of."""
    return PROVIDERS[provider].model(provider, name)


def _split(name: str) -> tuple[str, str, str]:
    """``provider/name`` or ``provider:name``, at whichever separator comes first."""
    at = min((place for place in (name.find("/"), name.find(":")) if place >= 0), default=len(name))
    return name[:at], name[at : at + 1], name[at + 1 :]

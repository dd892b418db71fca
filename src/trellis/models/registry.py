"""From what a caller gives as ``model`` to a ``Model``: names as data, objects by what they can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from trellis.errors import AuthenticationError, UnknownModelError, message_of, shown
from trellis.models.base import Model, TokenModel
from trellis.models.function import FunctionModel

BUILT_IN = "trellis/nano"


@dataclass(frozen=True, slots=True)
class Server:
    """Where an OpenAI-compatible server is.

    Attributes:
        base_url: its address; ``None`` leaves it to ``$OPENAI_BASE_URL``, else OpenAI.
        url_variable: an environment variable that has another address.
        key_variable: the environment variable with its key; without one, none is needed.
    """

    base_url: str | None = None
    url_variable: str = ""
    key_variable: str = ""


OPENAI_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
"""What the openai client reads from the environment."""
SERVERS: Mapping[str, Server] = MappingProxyType({
    "openai": Server(),
    "openrouter": Server("https://openrouter.ai/api/v1", key_variable="OPENROUTER_API_KEY"),
    "ollama": Server("http://localhost:11434/v1", url_variable="OLLAMA_HOST"),
    "vllm": Server("http://localhost:8000/v1", url_variable="VLLM_BASE_URL"),
    "sglang": Server("http://localhost:30000/v1", url_variable="SGLANG_BASE_URL"),
    "llama-server": Server("http://localhost:8080/v1", url_variable="LLAMA_SERVER_BASE_URL"),
})


def resolve_model(model: Any) -> Model:
    """The model that is meant.

    Args:
        model: a ``Model`` or ``TokenModel``; ``"provider/name"`` or ``"provider:name"``; an ``openai`` client; or a
            function from prompt to answer.

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
    if type(model).__module__.split(".")[0] == "openai" and hasattr(model, "chat"):
        from trellis.models.openai import OpenAIModel

        return OpenAIModel(client=model)
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


def known_models() -> tuple[str, ...]:
    """What names look like: the built-in model and a pattern for each kind of server."""
    return (BUILT_IN, *(f"{server}/NAME" for server in SERVERS))


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
    server = SERVERS.get(provider)
    if server is None or not separator or not rest:
        raise UnknownModelError(f"no model is called {name[:80]!r}; known: {', '.join(known_models())}",
                                hint='for another OpenAI-compatible server: OpenAIModel("name", base_url="...")')
    if server.base_url is None:
        return _on_server(rest, None, None, tuple(map(os.environ.get, OPENAI_VARIABLES)))
    url = _address(os.environ.get(server.url_variable, "")) or server.base_url
    key = os.environ.get(server.key_variable) if server.key_variable else "none"
    if not key:  # never another server's key instead
        raise AuthenticationError(f"{provider} needs a key", hint=f"set {server.key_variable}")
    return _on_server(rest, url, key, ())


@lru_cache(maxsize=16)
def _on_server(name: str, url: str | None, key: str | None, _environment: tuple[str | None, ...]) -> Model:
    """Kept, with its connections, for as long as nothing changes of what it is made of."""
    from trellis.models.openai import OpenAIModel

    return OpenAIModel(name, base_url=url, api_key=key)


def _split(name: str) -> tuple[str, str, str]:
    """``provider/name`` or ``provider:name``, at whichever separator comes first."""
    at = min((place for place in (name.find("/"), name.find(":")) if place >= 0), default=len(name))
    return name[:at], name[at : at + 1], name[at + 1 :]


def _address(given: str) -> str:
    """``host:port`` as OLLAMA_HOST has it, or an address, as base URL."""
    if not given:
        return ""
    address = given if "://" in given else f"http://{given}"
    return address if address.rstrip("/").endswith("/v1") else address.rstrip("/") + "/v1"

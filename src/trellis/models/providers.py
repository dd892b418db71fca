"""What stands before the slash of a model's name: each provider with what makes a model of it, as data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trellis.errors import AuthenticationError, UnknownModelError
from trellis.models.base import Model


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenAI-compatible server.

    Attributes:
        base_url: its address; ``None`` leaves it to ``$OPENAI_BASE_URL``, else OpenAI.
        url_variable: an environment variable that has another address.
        key_variables: the environment variables that may have its key; without any, none is needed.
        dialect: what it adds to the protocol.
        api: the protocol.
    """

    base_url: str | None = None
    url_variable: str = ""
    key_variables: tuple[str, ...] = ()
    dialect: str | None = None
    api: str = "chat"

    @property
    def variables(self) -> tuple[str, ...]:
        """What a model of it is made of in the environment."""
        return (self.url_variable, *self.key_variables) if self.base_url else OPENAI_VARIABLES

    def model(self, provider: str, name: str) -> Model:
        from trellis.models.openai import OpenAIModel

        if self.base_url is None:
            return OpenAIModel(name, api=self.api, dialect=self.dialect)  # type: ignore[arg-type]
        url = _address(os.environ.get(self.url_variable, "")) or self.base_url
        key = next((found for one in self.key_variables if (found := os.environ.get(one))), None)
        if self.key_variables and not key:  # never another server's key instead
            raise AuthenticationError(f"{provider} needs a key", hint=f"set {' or '.join(self.key_variables)}")
        return OpenAIModel(name, base_url=url, api_key=key or "none", dialect=self.dialect)


@dataclass(frozen=True, slots=True)
class Package:
    """A provider with a model class of its own.

    Attributes:
        make: makes a model of what stands after the slash.
        variables: what it is made of in the environment.
    """

    make: Callable[[str], Model]
    variables: tuple[str, ...] = ()

    def model(self, provider: str, name: str) -> Model:
        return self.make(name)


def _anthropic(name: str) -> Model:
    from trellis.models.anthropic import AnthropicModel

    return AnthropicModel(name)


def _litellm(name: str) -> Model:
    from trellis.models.litellm import LiteLLMModel

    return LiteLLMModel(name)


def _ollama(name: str) -> Model:
    from trellis.models.ollama import OllamaModel

    return OllamaModel(name)


def _trained(folder: str) -> Model:
    from trellis.models.local import LocalModel
    from trellis.models.nano import NanoModel

    if not os.path.isdir(folder):
        raise UnknownModelError(f"no model is called {f'trellis/{folder}'[:80]!r}; known: {', '.join(known_models())}",
                                hint="trellis/nano is the built-in model, trellis/FOLDER one that training/nano made")
    return LocalModel(NanoModel(folder, name=f"trellis/{folder}"))


def _transformers(name: str) -> Model:
    from trellis.models.local import LocalModel
    from trellis.models.transformers import TransformersModel

    return LocalModel(TransformersModel.from_pretrained(name))


def _llama(path: str) -> Model:
    from trellis.models.llama import LlamaModel
    from trellis.models.local import LocalModel

    return LocalModel(LlamaModel.from_file(path))


BUILT_IN = "trellis/nano"
OPENAI_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
"""What the openai client reads from the environment."""

PROVIDERS: Mapping[str, Server | Package] = MappingProxyType({
    "openai": Server(),
    "openai-responses": Server(api="responses"),
    "anthropic": Package(_anthropic, ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")),
    "gemini": Server("https://generativelanguage.googleapis.com/v1beta/openai",
                     key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY")),
    "mistral": Server("https://api.mistral.ai/v1", key_variables=("MISTRAL_API_KEY",)),
    "groq": Server("https://api.groq.com/openai/v1", key_variables=("GROQ_API_KEY",)),
    "deepseek": Server("https://api.deepseek.com/v1", key_variables=("DEEPSEEK_API_KEY",)),
    "together": Server("https://api.together.xyz/v1", key_variables=("TOGETHER_API_KEY",)),
    "openrouter": Server("https://openrouter.ai/api/v1", key_variables=("OPENROUTER_API_KEY",)),
    "ollama": Package(_ollama, ("OLLAMA_HOST", "OLLAMA_API_KEY")),
    "vllm": Server("http://localhost:8000/v1", "VLLM_BASE_URL", dialect="vllm"),
    "sglang": Server("http://localhost:30000/v1", "SGLANG_BASE_URL", dialect="sglang"),
    "llama-server": Server("http://localhost:8080/v1", "LLAMA_SERVER_BASE_URL", dialect="llama-server"),
    "litellm": Package(_litellm),
    "transformers": Package(_transformers),
    "llama-cpp": Package(_llama),
    "trellis": Package(_trained),
})


def _address(given: str) -> str:
    """``host:port`` as OLLAMA_HOST has it, or an address, as base URL."""
    if not given:
        return ""
    address = given if "://" in given else f"http://{given}"
    return address if address.rstrip("/").endswith("/v1") else address.rstrip("/") + "/v1"


def known_models() -> tuple[str, ...]:
    """What names look like: the built-in model and a pattern for each kind of server."""
    return (BUILT_IN, *(f"{provider}/NAME" for provider in PROVIDERS))

"""Every provider that LiteLLM knows, through the ``litellm`` package (extra ``litellm``).

It speaks chat completions to us and the provider's own protocol to the provider. Its retries are off, and it may not
leave out parameters that a provider does not know (``drop_params``): a mode would then be ignored in silence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from trellis.errors import MissingExtraError, UsageError, shown
from trellis.models.base import Reply, Request
from trellis.models.dialects import Dialect
from trellis.models.lowering import OPENAI
from trellis.models.openai_chat import ChatCall
from trellis.models.refusals import refusals_of
from trellis.models.remote import Call, RemoteModel
from trellis.models.stainless import errors_of

_DIALECT = Dialect(OPENAI)
"""The strict subset, since a provider's own is not told; what it leaves out is checked here."""


class LiteLLMModel(RemoteModel):
    """A model by its name in LiteLLM (``"gemini/..."``, ``"bedrock/..."``).

    Args:
        model: the name; keys come from the environment variables that LiteLLM documents.
        timeout: seconds for one request.
        **settings: passed to ``litellm.completion`` with each request (``api_base``, ``api_key``, ``extra_headers``).

    Raises:
        MissingExtraError: the ``litellm`` package is not installed.
        UsageError: no name.
    """

    def __init__(self, model: str, *, timeout: float = 120.0, **settings: Any) -> None:
        self._sdk = _import_sdk()
        if not isinstance(model, str) or not model:
            raise UsageError(f"model={shown(model)} is no name of a model")
        self.model = model
        self._timeout = timeout
        self._settings = settings
        self._modes = _DIALECT.modes
        self._refusals = refusals_of(f"litellm {settings.get('api_base', '')}", model)

    @property
    def name(self) -> str:
        return f"litellm/{self.model}"

    def call(self, request: Request) -> Call:
        return _LiteLLMCall(self.model, request, _DIALECT, self._timeout, self._settings)

    def client(self) -> Any:
        return self._sdk.completion

    def async_client(self) -> Any:
        return self._sdk.acompletion

    def errors(self) -> AbstractContextManager[None]:
        import openai  # LiteLLM's exceptions are subclasses of this package's

        return errors_of(openai, "the provider's key in the environment")


class _LiteLLMCall:
    """A chat completion through LiteLLM; not streamed."""

    def __init__(self, model: str, request: Request, dialect: Dialect, timeout: float, settings: Any) -> None:
        self._chat = ChatCall(model, request, dialect, timeout)
        self.arguments = {"timeout": timeout, **self._chat.arguments, "max_retries": 0, "num_retries": 0,
                          "drop_params": False, **settings}

    def send(self, client: Callable[..., Any]) -> Any:
        return client(**self.arguments)

    def reply(self, answer: Any) -> Reply:
        return self._chat.reply(answer)


def _import_sdk() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network for prices
    try:
        import litellm
    except ImportError as error:
        raise MissingExtraError("this provider needs the litellm package", extra="litellm") from error
    return litellm

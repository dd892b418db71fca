"""The errors of the SDKs that Stainless generates (``openai``, ``anthropic``, and LiteLLM's, which are openai's)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from trellis.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelError,
    RateLimitError,
    RequestRejectedError,
    TransportError,
    TrellisError,
)
from trellis.models.remote import retry_after

_NO_CREDIT = ("insufficient_quota", "billing_error")
_TOO_LONG = re.compile(r"(?i)context[ _-]?(?:length|window|size)|maximum context|too many (?:input )?tokens"
                       r"|prompt is too long|exceed\w* (?:the )?(?:available )?context|reduce the length")


@contextmanager
def errors_of(sdk: Any, key: str) -> Iterator[None]:
    """Turns an SDK's errors into ours.

    Args:
        sdk: its module, with the exception classes.
        key: where it looks for its key, for hints.
    """
    try:
        yield
    except TrellisError:
        raise
    except sdk.APIStatusError as error:
        raise _status_error(error, key) from error
    except sdk.APITimeoutError as error:
        raise TransportError(f"the server{_address(error)} did not answer in time",
                             hint="a longer timeout=, or a smaller answer") from error
    except sdk.APIConnectionError as error:
        cause = error.__cause__
        raise TransportError(f"the server{_address(error)} could not be reached, or broke off: {cause or error}",
                             hint="is the server running, and base_url right?") from error
    except Exception as error:  # the body is no JSON, or not what the protocol says
        raise TransportError(f"the server's reply cannot be read: {type(error).__name__}: {str(error)[:300]}",
                             hint="does base_url lead to the protocol that the model speaks?") from error


def _address(error: Any) -> str:
    """Where a request went, without what may be secret in it."""
    url = urlsplit(str(getattr(getattr(error, "request", None), "url", "")))
    port = f":{url.port}" if url.port else ""
    return f" at {url.scheme}://{url.hostname}{port}{url.path}" if url.hostname else ""


def _status_error(error: Any, key: str) -> ModelError:
    code = getattr(error, "code", None) or getattr(error, "type", None)
    headers = getattr(error, "litellm_response_headers", None)  # its exceptions hold a made-up response
    return error_of(error.status_code, _said(error), code, retry_after(
        error.response.headers if headers is None else headers), key, "check the model's name and base_url")


def error_of(status: int, reason: str, code: Any = None, wait: float | None = None, key: str = "the key",
             hint: str = "") -> ModelError:
    """The error for an HTTP status.

    Args:
        status: the status.
        reason: what the server says.
        code: its own word for it, if it has one.
        wait: how many seconds to wait, if it says so.
        key: where the key is looked for, for a hint.
        hint: for a status 404.
    """
    said = f"the server answered {status}: {reason[:300]}"
    if status == 402 or (status == 429 and code in _NO_CREDIT):
        return RequestRejectedError(said, status=status, hint="the account has no credit left")
    if status == 429 or (status in (503, 529) and wait is not None):
        return RateLimitError(said, retry_after=wait, status=status)
    if code == "context_length_exceeded" or (status in (400, 413, 422, 500) and _TOO_LONG.search(said)):
        return ContextLengthError(said, status=status, hint="shorten the prompt or its examples, lower max_tokens, or "
                                  "give the text in parts")
    if status in (408, 409) or (status >= 500 and status != 501):
        return TransportError(said, status=status)
    if status in (401, 403):
        return AuthenticationError(said, status=status, hint=f"check {key}")
    return RequestRejectedError(said, status=status, hint=hint if status == 404 else "")


def _said(error: Any) -> str:
    body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    return str(inner.get("message") or error.message or "no reason given")

"""Test doubles for programs that use Trellis: models without a network, and a server without a model."""

from trellis.models.fake_server import (
    Canned,
    FakeServer,
    answer,
    broken_stream,
    dropped,
    error,
    hang,
    rate_limited,
    raw,
    refusal,
    tool_call,
)
from trellis.models.function import FunctionModel
from trellis.models.scripted import ScriptedModel

__all__ = [
    "Canned", "FakeServer", "FunctionModel", "ScriptedModel", "answer", "broken_stream", "dropped", "error", "hang",
    "rate_limited", "raw", "refusal", "tool_call",
]

"""Models: the protocols, what is known by name, and test doubles."""

from trellis.models.base import Model, Reply, Request, TokenModel, TokenState
from trellis.models.function import FunctionModel
from trellis.models.providers import BUILT_IN, known_models
from trellis.models.registry import resolve_model
from trellis.models.scripted import ScriptedModel

__all__ = [
    "BUILT_IN", "FunctionModel", "Model", "Reply", "Request", "ScriptedModel", "TokenModel", "TokenState",
    "known_models", "resolve_model",
]

"""Trellis: language models that answer in the shape a program needs.

``generate_structured(prompt, output_type)`` returns a validated value, or an error that has everything that was tried.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trellis.api import agenerate_structured, generate_structured
from trellis.contract import Choice, Csv, Regex, Unknown, Yaml, contract_of
from trellis.errors import (
    AuthenticationError,
    BudgetError,
    CapabilityError,
    ContextLengthError,
    EmptyReplyError,
    GenerationError,
    GrammarError,
    LimitError,
    MaskError,
    MissingExtraError,
    ModelError,
    RateLimitError,
    RefusedError,
    RepairError,
    RequestRejectedError,
    SchemaError,
    SchemaMismatchError,
    TemplateError,
    TransportError,
    TrellisError,
    TruncatedError,
    TypeNotSupportedError,
    UnknownModelError,
    UnrepairableError,
    UnsupportedError,
    UsageError,
    ValidatorError,
    VerifierError,
    VocabularyError,
)
from trellis.models import FunctionModel, Model, Reply, Request, ScriptedModel, TokenModel
from trellis.prompt import Preview, Template, preview
from trellis.result import Attempt, FieldError, Message, Result, Sampling, Usage
from trellis.session import Session
from trellis.strategy import (
    Beam,
    BestOf,
    Budget,
    Check,
    Draft,
    Judge,
    Price,
    Retry,
    Strategy,
    Verifier,
    Vote,
    grounded_in,
)

if TYPE_CHECKING:
    from trellis.batch import RateLimit, Row, Tally, agenerate_many, generate_many
    from trellis.masking.grammar import Grammar
    from trellis.masking.vocabulary import Vocabulary
    from trellis.models.openai import OpenAIModel
    from trellis.repair import Edit, Repaired, apply_edits, repair_any, repair_csv, repair_json, repair_yaml
    from trellis.store.cache import Cache
    from trellis.stream import Partial, astream_structured, stream_structured

__version__ = "0.1.0"

_ON_DEMAND = {  # found when they are first used: they bring numpy, Lark and the openai client
    "Cache": "trellis.store.cache",
    "Edit": "trellis.repair",
    "Grammar": "trellis.masking.grammar",
    "OpenAIModel": "trellis.models.openai",
    "Partial": "trellis.stream",
    "RateLimit": "trellis.batch",
    "Repaired": "trellis.repair",
    "Row": "trellis.batch",
    "Tally": "trellis.batch",
    "Vocabulary": "trellis.masking.vocabulary",
    "agenerate_many": "trellis.batch",
    "apply_edits": "trellis.repair",
    "astream_structured": "trellis.stream",
    "generate_many": "trellis.batch",
    "repair_any": "trellis.repair",
    "repair_csv": "trellis.repair",
    "repair_json": "trellis.repair",
    "repair_yaml": "trellis.repair",
    "stream_structured": "trellis.stream",
}

__all__ = [
    "Attempt",
    "AuthenticationError",
    "Beam",
    "BestOf",
    "Budget",
    "BudgetError",
    "Cache",
    "CapabilityError",
    "Check",
    "Choice",
    "ContextLengthError",
    "Csv",
    "Draft",
    "Edit",
    "EmptyReplyError",
    "FieldError",
    "FunctionModel",
    "GenerationError",
    "Grammar",
    "GrammarError",
    "Judge",
    "LimitError",
    "MaskError",
    "Message",
    "MissingExtraError",
    "Model",
    "ModelError",
    "OpenAIModel",
    "Partial",
    "Preview",
    "Price",
    "RateLimit",
    "RateLimitError",
    "RefusedError",
    "Regex",
    "RepairError",
    "Repaired",
    "Reply",
    "Request",
    "RequestRejectedError",
    "Result",
    "Retry",
    "Row",
    "Sampling",
    "SchemaError",
    "SchemaMismatchError",
    "ScriptedModel",
    "Session",
    "Strategy",
    "Tally",
    "Template",
    "TemplateError",
    "TokenModel",
    "TransportError",
    "TrellisError",
    "TruncatedError",
    "TypeNotSupportedError",
    "Unknown",
    "UnknownModelError",
    "UnrepairableError",
    "UnsupportedError",
    "Usage",
    "UsageError",
    "ValidatorError",
    "Verifier",
    "VerifierError",
    "Vocabulary",
    "VocabularyError",
    "Vote",
    "Yaml",
    "__version__",
    "agenerate_many",
    "agenerate_structured",
    "apply_edits",
    "astream_structured",
    "contract_of",
    "generate_many",
    "generate_structured",
    "grounded_in",
    "preview",
    "repair_any",
    "repair_csv",
    "repair_json",
    "repair_yaml",
    "stream_structured",
]


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module 'trellis' has no attribute {name!r}")
    value = getattr(import_module(_ON_DEMAND[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

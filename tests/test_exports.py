"""The public names: what ``import trellis`` offers is a decision, and this is where it is changed."""

import trellis

NAMES = """Attempt AuthenticationError Beam BestOf Budget BudgetError Cache CapabilityError Check Choice
ContextLengthError Csv Draft Edit EmptyReplyError FieldError FunctionModel GenerationError Grammar GrammarError Judge
LimitError MaskError Message MissingExtraError Model ModelError OpenAIModel Partial Preview Price RateLimit
RateLimitError RefusedError Regex RepairError Repaired Reply Request RequestRejectedError Result Retry Row Sampling
SchemaError SchemaMismatchError ScriptedModel Session Strategy Tally Template TemplateError TokenModel TransportError
TrellisError TruncatedError TypeNotSupportedError Unknown UnknownModelError UnrepairableError UnsupportedError Usage
UsageError ValidatorError Verifier VerifierError Vocabulary VocabularyError Vote Yaml __version__ agenerate_many
agenerate_structured apply_edits astream_structured contract_of generate_many generate_structured grounded_in preview
repair_any repair_csv repair_json repair_yaml stream_structured"""


def test_the_public_names() -> None:
    assert sorted(trellis.__all__) == sorted(NAMES.split())
    assert all(getattr(trellis, name) is not None for name in NAMES.split())

"""The public names: what ``import trellis`` offers is a decision, and this is where it is changed."""

import trellis

NAMES = """Attempt AuthenticationError BestOf Budget BudgetError CapabilityError Check Choice ContextLengthError Csv
Draft Edit EmptyReplyError FieldError FunctionModel GenerationError Grammar GrammarError Judge LimitError MaskError
Message MissingExtraError Model ModelError OpenAIModel Preview Price RateLimitError RefusedError Regex RepairError
Repaired Reply Request RequestRejectedError Result Retry Sampling SchemaError SchemaMismatchError ScriptedModel
Session Strategy Template TemplateError TokenModel TransportError TrellisError TruncatedError TypeNotSupportedError
Unknown UnknownModelError UnrepairableError UnsupportedError Usage UsageError ValidatorError Verifier VerifierError
Vocabulary VocabularyError Vote Yaml __version__ agenerate_structured contract_of generate_structured grounded_in
preview repair_csv repair_json repair_yaml"""


def test_the_public_names() -> None:
    assert sorted(trellis.__all__) == sorted(NAMES.split())
    assert all(getattr(trellis, name) is not None for name in NAMES.split())

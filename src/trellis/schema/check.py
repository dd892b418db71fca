"""Is it a schema at all? A check against the metaschema of its draft; thorough and slow, so never on a hot path."""

from __future__ import annotations

from typing import Any

from trellis.errors import SchemaError
from trellis.schema.resolve import join


def check(schema: Any) -> None:
    """Check every keyword's value against the metaschema that ``$schema`` names (2020-12 when it names none).

    Raises:
        SchemaError: the worst mistake, with its pointer.
    """
    from jsonschema import validators
    from jsonschema.exceptions import best_match

    if not isinstance(schema, (dict, bool)):
        raise SchemaError(f"a schema must be an object or a boolean, not {type(schema).__name__}")
    draft = validators.validator_for(schema, default=validators.validator_for({}))
    error = best_match(draft(draft.META_SCHEMA).iter_errors(schema))
    if error is not None:
        while error.context:  # of the alternatives, one that a value of the right kind has failed
            error = next((one for one in error.context if one.validator != "type"), error.context[0])
        raise SchemaError(f"not a JSON Schema: {error.message[:200]}", pointer=join("", *error.absolute_path))

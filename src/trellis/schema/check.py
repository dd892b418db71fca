"""Is it a schema at all? A check against the metaschema of its draft; thorough and slow, so never on a hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trellis.errors import SchemaError
from trellis.schema.resolve import join

if TYPE_CHECKING:
    from jsonschema import FormatChecker


def check(schema: Any, format_checker: FormatChecker | None = None) -> None:
    """Check every keyword's value against the metaschema that ``$schema`` names (2020-12 when it names none).

    Args:
        schema: the schema, as JSON data.
        format_checker: asserts the formats that the metaschema names, ``regex`` among them.

    Raises:
        SchemaError: the worst mistake, with its pointer.
    """
    from jsonschema import validators
    from jsonschema.exceptions import best_match

    if not isinstance(schema, (dict, bool)):
        raise SchemaError(f"a schema must be an object or a boolean, not {type(schema).__name__}")
    draft = validators.validator_for(schema, default=validators.validator_for({}))
    error = best_match(draft(draft.META_SCHEMA, format_checker=format_checker).iter_errors(schema))
    if error is not None:
        while error.context:  # of the alternatives, one that a value of the right kind has failed
            error = next((one for one in error.context if one.validator != "type"), error.context[0])
        raise SchemaError(f"not a JSON Schema: {error.message[:200]}", pointer=join("", *error.absolute_path))

"""Every keyword of JSON Schema, drafts 4 to 2020-12, and what masks do with it.

A name that is no keyword of any draft is an annotation, as the specification says; one that differs from a keyword in
upper and lower case only may be a mistake, and is reported.
"""

from __future__ import annotations

#: Keywords that are enforced, by the type that they speak of.
NUMBER = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
STRING = frozenset({"minLength", "maxLength", "pattern", "format"})
ARRAY = frozenset({"items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains",
                   "minContains", "maxContains"})
OBJECT = frozenset({"properties", "required", "additionalProperties", "patternProperties", "minProperties",
                    "maxProperties", "propertyNames", "dependentRequired"})
GENERAL = frozenset({"type", "enum", "const", "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not",
                     "if", "dependencies", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"})

#: Keywords that say nothing by themselves about which values are valid (``then`` and ``else`` speak with ``if``).
ANNOTATIONS = frozenset({
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$defs", "definitions",
    "$vocabulary", "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
    "contentEncoding", "contentMediaType", "contentSchema", "discriminator", "externalDocs", "xml", "then", "else",
})

#: Annotations that draft 7 lets a validator assert on strings; there they are enforced or refused.
CONTENT = frozenset({"contentEncoding", "contentMediaType"})

#: Keywords that masks cannot enforce yet: refused with their place.
REFUSED = frozenset({"extends", "disallow", "divisibleBy"})

KEYWORDS = NUMBER | STRING | ARRAY | OBJECT | GENERAL | ANNOTATIONS | REFUSED

#: Keywords by their names in lower case, to catch ``minlength``.
SPELLINGS = {name.lower(): name for name in KEYWORDS - ANNOTATIONS}

"""The keywords that speak of one type each: what a schema says of its numbers, strings, arrays and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from trellis.errors import SchemaError, UnsupportedError
from trellis.schema import formats
from trellis.schema.keyword_values import count_of, names_of, number_of, place_of
from trellis.schema.pattern_reader import parse
from trellis.schema.patterns import Pattern
from trellis.schema.resolve import Place, join
from trellis.schema.shapes import (
    ANY_NAME,
    NEVER,
    Arrays,
    Conjunction,
    Contains,
    Literals,
    Numbers,
    Objects,
    Rule,
    Shape,
    Strings,
    both,
    is_multiple,
    meet,
    no_number,
    settled_arrays,
)

ONE = Decimal(1)
Refuse = Callable[..., None]


class TypedKeywords:
    """Reads keywords into cases; a case is None when it has no value for certain.

    Args:
        refuse: called with what cannot be enforced, its pointer and a hint.
        note: called with the pointer of what restricts nothing though it seems to, and why.
        dialect_at: the draft that a schema is written for, by its pointer.
        enforce_formats: whether ``format`` restricts strings.
        not_named: the shape of the strings that do not satisfy a place.
    """

    def __init__(self, refuse: Refuse, note: Callable[[str, str], None], dialect_at: Callable[[str], int],
                 enforce_formats: bool, not_named: Callable[[Place], Shape]) -> None:
        self.refuse, self.note, self.dialect_at = refuse, note, dialect_at
        self.enforce_formats, self.not_named = enforce_formats, not_named

    def numbers(self, schema: Mapping[str, Any], pointer: str, integer: bool) -> Numbers | None:
        """minimum, maximum, exclusiveMinimum, exclusiveMaximum (also draft 4's booleans), multipleOf."""
        low = number_of(schema, "minimum", pointer)
        high = number_of(schema, "maximum", pointer)
        low_open = high_open = False
        if isinstance(schema.get("exclusiveMinimum"), bool):
            low_open = schema["exclusiveMinimum"]
        elif (limit := number_of(schema, "exclusiveMinimum", pointer)) is not None and (low is None or limit >= low):
            low, low_open = limit, True
        if isinstance(schema.get("exclusiveMaximum"), bool):
            high_open = schema["exclusiveMaximum"]
        elif (limit := number_of(schema, "exclusiveMaximum", pointer)) is not None and (high is None or limit <= high):
            high, high_open = limit, True
        multiples: tuple[Decimal, ...] = ()
        if "multipleOf" in schema:
            multiple = number_of(schema, "multipleOf", pointer)
            if multiple is None or multiple <= 0:
                raise SchemaError("multipleOf must be greater than 0", pointer=join(pointer, "multipleOf"))
            if not (integer and is_multiple(ONE, multiple)):  # where integers are, 1 and 0.5 say nothing new
                multiples = (multiple,)
        numbers = Numbers(integer, low, low_open, high, high_open, pointer, multiples)
        return None if no_number(numbers) else numbers

    def strings(self, schema: Mapping[str, Any], pointer: str) -> Strings | None:
        """minLength, maxLength, pattern, format; in draft 7 also contentEncoding and contentMediaType."""
        low, high = count_of(schema, "minLength", pointer) or 0, count_of(schema, "maxLength", pointer)
        patterns = []
        if "pattern" in schema:
            pattern = self.pattern(schema["pattern"], join(pointer, "pattern"))
            if pattern is not None and not pattern.is_total():
                patterns.append(pattern)
        if self.enforce_formats and "format" in schema:
            name = schema["format"]
            if not isinstance(name, str):
                raise SchemaError("format must be a string", pointer=join(pointer, "format"))
            pattern = formats.pattern_of(name)
            if pattern is not None:
                patterns.append(pattern)
        if schema.get("contentEncoding") == "base64" and self.dialect_at(pointer) == 7:
            patterns.append(formats.BASE64)
        if schema.get("contentMediaType") == "application/json" and self.dialect_at(pointer) == 7:
            self.refuse("masks cannot enforce JSON within strings", join(pointer, "contentMediaType"),
                        "drop it, or write the schema for draft 2019-09 or later, where it is an annotation")
        if high is not None and high < low:
            return None
        return Strings(low, high, tuple(patterns), pointer)

    def pattern(self, source: Any, pointer: str) -> Pattern | None:
        """A pattern that was read; None when it was left out."""
        if not isinstance(source, str):
            raise SchemaError("pattern must be a string", pointer=pointer)
        try:
            return parse(source)
        except UnsupportedError as error:
            self.refuse(error.message, pointer, error.hint)
            return None

    def arrays(self, schema: Mapping[str, Any], pointer: str) -> Arrays | None:
        """prefixItems, items, additionalItems, minItems, maxItems, contains, minContains, maxContains, uniqueItems."""
        low, high = count_of(schema, "minItems", pointer) or 0, count_of(schema, "maxItems", pointer)
        prefix: list[Conjunction] = []
        items: Conjunction = ()
        tuple_form = isinstance(schema.get("items"), list)
        listed, rest = ("items", "additionalItems") if tuple_form else ("prefixItems", "items")
        if tuple_form and "prefixItems" in schema:
            raise SchemaError("items must be a schema beside prefixItems", pointer=join(pointer, "items"))
        if listed in schema and (tuple_form or self._knows(listed, 2020, pointer)):
            members = schema[listed]
            if not isinstance(members, list):
                raise SchemaError(f"{listed} must be an array of schemas", pointer=join(pointer, listed))
            prefix = [place_of(member, join(pointer, listed, i)) for i, member in enumerate(members)]
        if rest in schema:
            items = place_of(schema[rest], join(pointer, rest))
        contains: tuple[Contains, ...] = ()
        if "contains" in schema:
            least = most = None
            if "minContains" in schema and self._knows("minContains", 2019, pointer):
                least = count_of(schema, "minContains", pointer)
            if "maxContains" in schema and self._knows("maxContains", 2019, pointer):
                most = count_of(schema, "maxContains", pointer)
            least = 1 if least is None else least
            if most is not None and most < least:
                return None
            if least > 0 or most is not None:
                contains = (Contains(place_of(schema["contains"], join(pointer, "contains")), least, most),)
                low = max(low, least)
        unique = schema.get("uniqueItems", False)
        if not isinstance(unique, bool):
            raise SchemaError("uniqueItems must be true or false", pointer=join(pointer, "uniqueItems"))
        if high is not None and high < low:
            return None
        return settled_arrays(Arrays(tuple(prefix), items, low, high, pointer, contains, unique))

    def _knows(self, keyword: str, first: int, pointer: str) -> bool:
        """Whether a schema's draft knows a keyword; one that does not takes it for an annotation."""
        draft = self.dialect_at(pointer)
        if draft < first:
            self.note(join(pointer, keyword), f"draft {draft} does not know {keyword!r}: it restricts nothing")
        return draft >= first

    def objects(self, schema: Mapping[str, Any], pointer: str) -> Objects | None:
        """properties, patternProperties, additionalProperties, propertyNames, required, dependentRequired,
        minProperties, maxProperties."""
        low, high = count_of(schema, "minProperties", pointer) or 0, count_of(schema, "maxProperties", pointer)
        declared = schema.get("properties", {})
        if not isinstance(declared, Mapping):
            raise SchemaError("properties must be an object", pointer=join(pointer, "properties"))
        if not all(isinstance(name, str) for name in declared):
            raise SchemaError("names of properties must be strings", pointer=join(pointer, "properties"))
        if isinstance(schema.get("required"), bool):
            raise SchemaError("required must be an array of names (a boolean is draft 3)",
                              pointer=join(pointer, "required"))
        required = names_of(schema.get("required", ()), join(pointer, "required"))
        at = join(pointer, "properties") + "/"
        properties: dict[str, Conjunction] = {
            name: place_of(member, at + (join("", name)[1:] if "/" in name or "~" in name else name))
            for name, member in declared.items()
        }
        rules: list[Rule] = []
        every_pattern: list[Pattern] = []
        readable = True
        for names, pattern, inner in self.patterned(schema, pointer):
            readable = readable and names is not None
            if names is None or pattern is None:
                continue
            every_pattern.append(pattern)
            for name, place in properties.items():
                if pattern.matches(name):
                    properties[name] = both(place, inner)
            if inner:
                rules.append((names, inner))
        if "additionalProperties" in schema and readable:
            additional = place_of(schema["additionalProperties"], join(pointer, "additionalProperties"))
            if additional and not any(pattern.is_total() for pattern in every_pattern):
                rules.append((Strings(forbidden=tuple(dict.fromkeys(every_pattern))), additional))
        if high is not None and high < max(low, len(required)):
            return None
        objects = Objects(properties, required, tuple(rules), low, high, pointer, (), self.implied(schema, pointer))
        if "propertyNames" in schema:
            named = self.named(schema["propertyNames"], join(pointer, "propertyNames"))
            met = meet(objects, named)
            return met if isinstance(met, Objects) else None
        return objects

    def patterned(self, schema: Mapping[str, Any],
                  pointer: str) -> list[tuple[Strings | None, Pattern | None, Conjunction]]:
        """patternProperties: names, their pattern, and what the values have to be; None for what was left out."""
        at = join(pointer, "patternProperties")
        patterned = schema.get("patternProperties", {})
        if not isinstance(patterned, Mapping):
            raise SchemaError("patternProperties must be an object", pointer=at)
        found: list[tuple[Strings | None, Pattern | None, Conjunction]] = []
        for source, inner in patterned.items():
            pattern = self.pattern(source, join(at, source))
            names = None if pattern is None else ANY_NAME if pattern.is_total() else Strings(patterns=(pattern,))
            found.append((names, pattern, place_of(inner, join(at, source))))
        return found

    def named(self, schema: Any, pointer: str) -> Objects:
        """propertyNames: names that do not satisfy it are forbidden."""
        properties: dict[str, Conjunction] = {}
        rules: list[Rule] = []
        for case in self.not_named(Place(schema, pointer)):
            match case:
                case Strings():
                    properties |= dict.fromkeys(case.excluded, ())
                    rules.append((case._replace(excluded=()), NEVER))
                case Literals(values):
                    properties |= {value: NEVER for value in values if isinstance(value, str)}
        return Objects(properties, (), tuple(rules), pointer=pointer)

    def implied(self, schema: Mapping[str, Any], pointer: str) -> tuple[tuple[str, str], ...]:
        """dependentRequired, and the arrays in dependencies: pairs of a name and one that it asks for."""
        pairs: dict[tuple[str, str], None] = {}
        for keyword in ("dependentRequired", "dependencies"):
            dependent = schema.get(keyword, {})
            if not isinstance(dependent, Mapping):
                raise SchemaError(f"{keyword} must be an object", pointer=join(pointer, keyword))
            for name, asked in dependent.items():
                if keyword == "dependencies" and isinstance(asked, str):
                    asked = [asked]  # draft 3
                if keyword == "dependentRequired" or not isinstance(asked, (Mapping, bool)):
                    others = names_of(asked, join(pointer, keyword, name))
                    pairs |= {(name, other): None for other in others if other != name}
        return tuple(pairs)

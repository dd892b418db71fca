"""The named rules of repair: what each changes, what it costs, from which level on it is allowed.

This table is the only place where a rule gets its name. ``docs/repair.md`` shows the same table and every rule has
cases in ``fixtures/repair``; a test holds the three together.

Costs are in units of one plain mistake (a lost bracket is 1.0): the search adds them up and the cheapest reading
wins, so only their order matters, not their absolute size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["safe", "normal", "salvage"]
LEVELS: tuple[Level, ...] = ("safe", "normal", "salvage")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of repair.

    Attributes:
        name: stable identifier, as it stands in every ``Edit``.
        cost: what one use adds to the cost of a reading.
        level: the lowest level that allows it.
        does: one line for people.
    """

    name: str
    cost: float
    level: Level
    does: str


_TABLE: tuple[tuple[str, float, Level, str], ...] = (
    # What stands around the data.
    ("prose", 0.2, "safe", "text before or after the data is removed"),
    ("line_mark", 0.3, "safe", "a mark before every line is removed: `>`, line numbers, the `+` of a diff"),
    ("fence", 0.1, "safe", "a Markdown code fence is removed"),
    ("tag", 0.1, "safe", "an XML-like tag around the data is removed"),
    ("reasoning", 0.1, "safe", "a reasoning block (`<think>`) is removed"),
    # Between tokens.
    ("whitespace", 0.1, "safe", "what JSON does not count as white space (BOM, no-break space) is replaced"),
    ("escaped_whitespace", 0.3, "safe", r"a literal `\n` or line continuation between tokens is removed"),
    ("comment", 0.2, "safe", "a comment (`//`, `#`, `--`, `/* */`, `<!-- -->`) or remark in parentheses is removed"),
    ("markup", 0.3, "safe", "Markdown emphasis around a key or value is removed"),
    ("ellipsis", 0.6, "normal", "an ellipsis that stands for left-out items is removed"),
    ("trailing_comma", 0.2, "safe", "a comma before a closer is removed"),
    ("extra_comma", 0.3, "safe", "a leading or doubled comma is removed"),
    ("missing_comma", 0.5, "safe", "a comma between two members is inserted"),
    ("wrong_separator", 0.4, "safe", "a semicolon or full-width comma becomes a comma"),
    ("missing_colon", 0.6, "safe", "a colon between key and value is inserted"),
    ("wrong_colon", 0.4, "safe", "`=`, `=>` or a full-width colon becomes a colon"),
    # Strings and names.
    ("quote_style", 0.2, "safe", "single, typographic, backtick or doubled quotes become double quotes"),
    ("unquoted_key", 0.3, "safe", "a bare key is quoted"),
    ("unquoted_string", 0.8, "normal", "a bare value is quoted"),
    ("missing_open_quote", 0.9, "normal", "the opening quote of a string is inserted"),
    ("missing_close_quote", 1.0, "normal", "the closing quote of a string is inserted"),
    ("inner_quote", 0.7, "normal", "a quote inside a string is escaped"),
    ("control_character", 0.3, "safe", "a raw line break or control character in a string is escaped"),
    (
        "bad_escape",
        0.3,
        "safe",
        "a backslash that starts no JSON escape is kept as text; `\\'`, `\\x41` are translated",
    ),
    ("escaped_quotes", 0.4, "safe", "a document whose quotes are all escaped loses one level of escapes"),
    (
        "doubled_braces",
        0.4,
        "safe",
        "a document whose braces are all doubled, as in a template, loses half of them",
    ),
    ("html_entity", 0.4, "safe", "a document whose quotes are all `&quot;` loses its HTML entities"),
    ("string_concatenation", 0.7, "normal", "adjacent strings or strings joined by `+` become one"),
    # Literals and numbers.
    ("literal", 0.2, "safe", "`True`, `None`, `NULL`, `undefined` ... become JSON literals"),
    ("non_finite", 0.8, "normal", "`NaN` and `Infinity` become null"),
    ("number_form", 0.3, "safe", "`.5`, `1.`, `+1`, `1_000`, `0xFF` become JSON numbers"),
    ("leading_zero", 0.4, "normal", "a number with leading zeros is kept as text"),
    ("digit_grouping", 0.9, "normal", "thousands separators are taken out of a number"),
    ("call", 0.6, "normal", 'a call around one literal (`Decimal("1.5")`) is removed, one with names is an object'),
    # Cut off.
    ("truncated_string", 1.0, "normal", "a string that the end of the text cut off is closed"),
    ("truncated_literal", 0.6, "normal", "a literal that the end of the text cut off is completed"),
    ("truncated_number", 0.6, "normal", "the unfinished tail of a number at the end of the text is removed"),
    ("truncated_member", 0.8, "normal", "a key without colon or value at the end of the text is removed"),
    ("missing_value", 1.2, "normal", "a value that is not there becomes null"),
    # Structure.
    ("missing_closer", 1.0, "normal", "a closing bracket is inserted"),
    ("surplus_closer", 1.0, "normal", "a closing bracket too many is removed"),
    ("wrong_closer", 1.1, "normal", "a closing bracket of the wrong kind is replaced"),
    ("missing_opener", 1.2, "normal", "an opening bracket is inserted"),
    ("surplus_opener", 1.0, "normal", "an opening bracket too many is removed"),
    ("wrong_opener", 1.1, "normal", "an opening bracket of the wrong kind is replaced"),
    ("tuple", 0.3, "normal", "a Python tuple becomes an array; parentheses around one value are removed"),
    ("set", 0.9, "normal", "a set of values in braces becomes an array"),
    ("notation", 2.0, "normal", "data in another notation (TOML, YAML, `name: value` lines) becomes JSON; ambiguous"),
    ("several_values", 0.6, "normal", "values one after another become an array"),
    ("stray_word", 0.9, "normal", "a bare word before a key or after a value is removed; the result is ambiguous"),
    ("junk", 2.5, "salvage", "text inside the data that has no place there is removed"),
    # What the schema wants.
    ("text_as_number", 0.4, "normal", 'a string that holds a number becomes one (`"42"`, `"$1,234.50"`, `"85%"`)'),
    ("text_as_boolean", 0.5, "normal", '`"true"`, `"yes"`, `"no"` ... become booleans'),
    ("text_as_null", 0.5, "normal", '`"null"`, `"N/A"`, an empty string become null'),
    ("scalar_as_text", 0.3, "normal", "a number or literal becomes a string, as it was written"),
    ("text_as_list", 0.9, "normal", "a text becomes the list of what stands between its separators; ambiguous"),
    ("null_as_empty", 0.9, "normal", "null becomes an empty array or object, where it may not stand; ambiguous"),
    ("single_as_list", 0.6, "normal", "a value becomes the only item of an array"),
    (
        "list_as_single",
        0.7,
        "normal",
        "an array of one item becomes that item; objects of different members become one object",
    ),
    ("held_value", 0.6, "normal", 'an object that holds a value (`{"value": 5}`) becomes the value'),
    ("implied_key", 0.9, "normal", "a value becomes the only member of the object that is wanted"),
    ("number_as_boolean", 0.5, "normal", "0 and 1 become booleans"),
    ("scalar_in_text", 0.9, "normal", "a number or boolean is taken out of other words (`5 kg`); ambiguous"),
    ("schema_alias", 0.2, "safe", "a name that the schema calls an alias (`x-alias`) becomes the name"),
    ("enum_form", 0.5, "normal", "a string becomes the only enum value that differs in case, spacing or punctuation"),
    ("key_form", 0.5, "normal", "a key becomes the only property that differs in case, spacing or one letter"),
    ("guessed_key", 1.2, "normal", "the only unknown key becomes the only property that is missing; ambiguous"),
    ("repeated_member", 0.6, "normal", "members of one name become the array that the schema has there"),
    ("data_as_text", 0.9, "normal", "an object becomes a string, as it was written; ambiguous"),
    ("double_encoded", 0.5, "normal", "a string that holds JSON becomes that JSON"),
    ("wrapped_root", 0.6, "normal", "an object of one member around the data is removed"),
    ("absent_member", 1.0, "normal", "a member that is not there becomes empty or null (policy `absent`)"),
    ("text_end", 0.1, "normal", "white space at the end of a string is removed (policy `text_end`)"),
    ("default", 0.8, "normal", "a missing member that has a default in the schema is added"),
    ("rounded", 1.0, "normal", "a number with a fraction is rounded for a whole one; the result is ambiguous"),
    ("dropped_item", 1.5, "normal", "an item that can be nothing the schema wants is dropped; the result is ambiguous"),
    ("dropped_member", 1.2, "normal", "a member that the schema forbids is dropped; the result is ambiguous"),
    ("array_as_object", 0.9, "normal", "an array of all members' values in order gets their names; ambiguous"),
    ("object_as_array", 0.6, "normal", "an object whose keys count, or are a member of its values, becomes an array"),
    (
        "flat_member",
        0.9,
        "normal",
        "members of an object that stand beside it (`place.city`, `city`) are put into it",
    ),
    # YAML and CSV.
    ("yaml_text", 0.1, "safe", "a YAML scalar without quotes gets them: YAML would not read it, or as something else"),
    ("alias", 0.3, "normal", "aliases of YAML are written out, so that each copy can be what the schema wants there"),
    ("indentation", 0.2, "safe", "a line is moved to the column of the collection or text that it belongs to"),
    ("bullet", 0.2, "safe", "another list mark (`*`, `1.`) becomes a dash; one that was left out is inserted"),
    ("missing_space", 0.3, "safe", "the space behind a dash or colon is inserted"),
    ("block_mark", 0.5, "normal", "the `|` before a text of several lines is inserted, or its number taken off"),
    ("document_marker", 0.1, "safe", "a line that separates documents (`---`) is removed"),
    ("cell_text", 0.7, "normal", "a cell of CSV that holds the delimiter is quoted"),
    ("header", 0.8, "normal", "the header of a table is inserted, as the schema names the columns"),
    ("swapped_cell", 1.2, "normal", "two cells of a row that stand in each other's place are swapped; ambiguous"),
    ("table_mark", 0.2, "safe", "a row of Markdown or another format becomes a row of CSV, a ruled line is removed"),
    ("duplicate_key", 0.6, "normal", "of a key that occurs twice in a YAML mapping the last is kept, as in JSON"),
)

RULES: dict[str, Rule] = {name: Rule(name, cost, level, does) for name, cost, level, does in _TABLE}


_ALLOWED: dict[Level, frozenset[str]] = {
    level: frozenset(name for name, rule in RULES.items() if rule.level in LEVELS[: at + 1])
    for at, level in enumerate(LEVELS)
}


def cost_of(rule: str) -> float:
    """Cost of one use of a rule."""
    return RULES[rule].cost


def allowed(rule: str, level: Level) -> bool:
    """Whether a level allows a rule."""
    return rule in _ALLOWED[level]

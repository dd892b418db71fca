"""Sound lines are read at once; nothing else may come of it than of reading each with care."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trellis.errors import RepairError
from trellis.repair import repair_yaml
from trellis.repair.yaml_reader import LineReader
from trellis.repair.yaml_sound import Sound

INDENTS = ("", "", "  ", "  ", "    ", " ", "\t", "   ")
HEADS = (
    "a: ", "b: ", "c: ", "a:", "b:", "- ", "- ", "- a: ", "- b: ", "- c:", "-", "- - ", "note: ", "words ", "* ",
    "* a: ", "\u2022 ", "+ ", "a = ", "b = ", "",
)  # fmt: skip
VALUES = (
    "", "1", "x", "some words", "2, 3", "Node: the API", "x # y", '"open', '"he said "no" to it"', "'it's'", "[1, 2",
    "{x: 1", "|", "> text", "**bold**", "@ada", "None", "null,", "x;", "a = b", "a:b", "yes.", "...", "12.5%", "&a",
    "*a", "3) x", "x:", "12:30", "```", "---", "Let me know.", "`code`", "- x", "-x", "# no", "\u201cx\u201d", "x\"",
)  # fmt: skip
LINES = st.tuples(st.sampled_from(INDENTS), st.sampled_from(HEADS), st.sampled_from(VALUES)).map("".join)
TEXTS = st.lists(LINES, min_size=1, max_size=14).map("\n".join)


TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": ["boolean", "null"]}
ITEM = {"type": "object", "properties": {"a": TEXT, "b": WHOLE, "c": FLAG}}
WHOLE_ITEM = {**ITEM, "required": ["a", "b"], "additionalProperties": False}
NESTED = {"type": "object", "properties": {"a": {"type": "array", "items": ITEM}, "b": ITEM, "c": TEXT}}
WORDS = {"type": "array", "items": TEXT}
MIXED = {"type": "object", "properties": {"a": WORDS, "b": {"enum": ["x", "yes", 1]}, "c": {}, "note": TEXT}}
SCHEMAS = (None, ITEM, {"type": "array", "items": WHOLE_ITEM}, NESTED, MIXED, {"type": "array", "items": NESTED}, WORDS)


def outcome(text: str, schema: object) -> object:
    try:
        found = repair_yaml(text, schema)
    except RepairError as error:
        return str(error)
    return repr(found.value), found.text, found.edits, found.confidence, found.complete, found.ambiguous


@settings(max_examples=400)
@example("  - \na: 1\n* ", None)
@example("  - \na: 1\n* 1", None)
@example("- a: 1\nb = \na = ", None)
@given(TEXTS, st.sampled_from(SCHEMAS))
def test_sound_lines_are_read_as_with_care(text: str, schema: object) -> None:
    quick = outcome(text, schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineReader, "sound", lambda reader, index: index)
        patch.delattr(Sound, "continues")
        assert outcome(text, schema) == quick

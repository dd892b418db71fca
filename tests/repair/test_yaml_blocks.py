"""The quick reader of YAML is exact: what it reads is ruamel.yaml's tree, what it refuses ruamel.yaml refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trellis.errors import RepairError
from trellis.repair import repair_yaml
from trellis.repair.nodes import Node
from trellis.repair.yaml_blocks import BlockReader, NotYaml, Unsure
from trellis.repair.yaml_standard import by_ruamel

PIECES = [
    *["a", "b: ", ":", "- ", "-", "\n", "\n", "\n  ", "\n    ", "\n ", " ", '"', "'", "[", "]", "{", "}", ",", "#"],
    *[" #", "|\n", ">\n", "|-\n", ">+\n", "|2\n", "&a ", "*a", "? ", "key: v", "x y", "\n- ", "\n  - ", "---\n", "12"],
    *["~", "true", "\n\n", "é", "\\n", "\\", '"q"', "'s'", "...", "!t ", "%", "@", "\t", "\r\n", "1.5", "k: |\n  t\n"],
]
ENTRIES = st.sampled_from(
    [
        *["key: value", "other: 'it''s'", 'name: "a\\tb"'],
        *["more:", "- item", "-", "- a: 1", "  b: 2", "  - x", "    y"],
        *["text: |", "fold: >-", "flow: [a, {b: c}, 'd']", "pair: [a: b]", "# comment", "n: 0o17", "x: 1e3", "t: ~"],
        *["? k", "? key", ": v", ": w x", "  deep:", "    er: &q 1", "  again: *q", "", "   odd", "a b : c # d"],
        *["flow2: {a, b: [", "]}", "long: a", "  b"],
    ]
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.lists(ENTRIES, max_size=9).map("\n".join)


def tree(node: Node | None) -> Any:
    if node is None:
        return None
    names = [name for _, _, name in node.keys]
    return node.kind, node.value, node.plain, node.block, names, [tree(item) for item in node.items]


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("---\n|\n---\n")
def test_the_quick_reader_and_ruamel_agree(text: str) -> None:
    try:
        expected: Any = tree(by_ruamel(text).root)
    except NotYaml:
        expected = NotYaml
    except RepairError:
        expected = RepairError
    reader = BlockReader(text)
    try:
        found = tree(reader.read())
    except Unsure:
        return
    except (NotYaml, RepairError) as error:
        found = type(error)
    assert found == expected


def test_most_of_yaml_is_read_without_ruamel() -> None:
    text = 'a: 1 # one\n"b c":\n- x: |\n    text\n  y: >-\n    folded\n    text\n'
    text += '- [p, {q: "r"}, s: t]\nd: &d e\nf: *d\n\n'
    root = BlockReader(text).read()
    assert root is not None
    assert root.data() == {
        "a": 1,
        "b c": [{"x": "text\n", "y": "folded text"}, ["p", {"q": "r"}, {"s": "t"}]],
        "d": "e",
        "f": "e",
    }


def test_aliases_are_bounded() -> None:
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(RepairError) as caught:
        repair_yaml(text)
    assert caught.value.limit == "aliases"


def test_an_anchor_before_text_is_doubtful() -> None:
    result = repair_yaml("a: &co and sons\n")
    assert result.value == {"a": "and sons"}
    assert result.edits == ()
    assert result.ambiguous
    assert not repair_yaml("a: &co x\nb: *co\n").ambiguous

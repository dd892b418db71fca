"""Where an error says that it is: in the text as it was given, under the culprit; and what its hint offers."""

from typing import Any

import pytest

from trellis.errors import RepairError, caret
from trellis.repair import repair_csv, repair_json, repair_yaml

ORDER = {
    "type": "object",
    "properties": {"item": {"type": "string"}, "qty": {"type": "integer"}},
    "required": ["item", "qty"],
}
NESTED = {"type": "object", "properties": {"orders": {"type": "array", "items": ORDER}}}
ROWS = {"type": "array", "items": ORDER}
REPAIR = {"json": repair_json, "yaml": repair_yaml, "csv": repair_csv}

AGAINST: list[tuple[str, Any, str, str]] = [  # the culprit stands where the caret is
    ("json", ORDER, '{"item": "a", "qty": "3 or 4 pcs"}', '"3 or 4 pcs"}'),
    ("json", ORDER, '{"item": "a",\n "qty": "pcs"}', '"pcs"}'),
    ("json", ORDER, "Here:\n```json\n{'item': 'a', // one\n 'qty': 'pcs',}\n```", "'pcs',}"),
    ("json", NESTED, '{"orders": [{"item": "a", "qty": 1},\n {"item": "b", "qty": "few"}]}', '"few"}]}'),
    ("json", NESTED, '{"orders": [{"item": "a", "qty": 1},\n {"item": "b"}]}', '{"item": "b"}]}'),
    ("yaml", ORDER, "item: a\nqty: pcs\n", "pcs"),
    ("yaml", NESTED, "orders:\n- item: a\n  qty: 1\n- item: b\n  qty: some\n", "some"),
    ("csv", ROWS, "item,qty\na,1\nb,pcs\n", "pcs"),
    ("csv", ROWS, "Here:\n```csv\nitem,qty\na,1\n\nb,pcs\n```", "pcs"),
    ("csv", ROWS, 'item,qty\n"a, b",pcs\n', '"a, b",pcs'),
    ("csv", ROWS, "| item | qty |\n|---|---|\n| a | 1 |\n| b | pcs |\n", "pcs |"),
]


@pytest.mark.parametrize(("form", "schema", "text", "culprit"), AGAINST)
def test_an_error_against_the_schema_points_at_the_culprit(form: str, schema: Any, text: str, culprit: str) -> None:
    with pytest.raises(RepairError) as caught:
        REPAIR[form](text, schema)
    error = caught.value
    assert error.against_schema
    assert error.line is not None
    assert error.column is not None
    assert text.split("\n")[error.line - 1][error.column - 1 :] == culprit
    assert error.context == caret(text, error.line, error.column)
    assert "(at /" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a,b\nx,2,y\nq,w,e,r\n", 2, "3 cells under 2 columns"),
        ("Here:\n```csv\na,b\n1,2,3\n```", 4, "3 cells under 2 columns"),
        ("a,a\n1,2\n", 1, "the name of another"),
    ],
)
def test_an_error_in_csv_has_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(RepairError) as caught:
        repair_csv(text)
    assert (caught.value.line, said in caught.value.message) == (line, True)
    assert "line" not in caught.value.message.split(" at line ")[0]


@pytest.mark.parametrize("form", ["json", "yaml", "csv"])
@pytest.mark.parametrize("text", ["", " \n\n "])
def test_an_empty_text_is_empty(form: str, text: str) -> None:
    with pytest.raises(RepairError, match="it is empty") as caught:
        REPAIR[form](text)
    assert caught.value.context == ""
    assert caught.value.hint == "ask the model again"


@pytest.mark.parametrize(
    ("form", "text", "level", "hint"),
    [
        ("json", "hello", "normal", "ask the model again"),
        ("json", '{"a": 1', "safe", "level='normal' allows more"),
        ("csv", "hello", "safe", "ask the model again"),
    ],
)
def test_a_hint_offers_a_level_only_where_it_may_help(form: str, text: str, level: Any, hint: str) -> None:
    with pytest.raises(RepairError) as caught:
        REPAIR[form](text, {"type": "object"} if form == "json" else None, level=level)
    assert caught.value.hint == hint

"""What a model writes otherwise than it was told, and what is read of it all the same: other names, other formats."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

import trellis
from trellis import Csv, Yaml
from trellis.errors import TrellisError


class Named(BaseModel):
    n: int = Field(validation_alias=AliasChoices("n", "number"), default=0)
    m: str = Field(validation_alias=AliasChoices("m", AliasPath("names", 0)))


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    size: int = Field(alias="how-large", default=0)


class Holder(BaseModel):
    inner: list[Named]


@dataclass
class Row:
    a: int
    b: str


class Entry(TypedDict):
    a: int


def ask(output_type: Any, text: str, **options: Any) -> trellis.Result[Any]:
    return trellis.generate_structured("x", output_type, model=trellis.ScriptedModel([text]),
                                       strategy=trellis.Retry(0), **options)


@pytest.mark.parametrize(("output_type", "text", "value"), [
    (Named, '{"n":1,"m":"x"}', Named(n=1, m="x")),
    (Named, '{"number":1,"m":"x"}', Named(n=1, m="x")),
    (Named, '{"number":1,"names":["x"]}', Named(n=1, names=["x"])),
    (ByName, '{"how-large":3}', ByName(size=3)),
    (ByName, '{"size":3}', ByName(size=3)),
    (Holder, '{"inner":[{"number":1,"m":"x"}]}', Holder(inner=[Named(n=1, m="x")])),
    (Yaml(Named), "number: 1\nm: x", Named(n=1, m="x")),
])
def test_every_name_of_a_field_is_read(output_type: Any, text: str, value: Any) -> None:
    result = ask(output_type, text)
    assert (result.value, result.repairs, result.warnings) == (value, (), ())


def test_one_name_is_told() -> None:
    assert "number" not in trellis.Template("x").preview(Named).text


def test_a_field_that_is_there_under_no_name_is_missing() -> None:
    with pytest.raises(TrellisError, match="Field required"):
        ask(Named, '{"number":1}')


ROWS = [Row(1, "x"), Row(2, "y")]


@pytest.mark.parametrize(("output_type", "text", "value", "written"), [
    (Csv(Row), '[{"a":1,"b":"x"},{"a":2,"b":"y"}]', ROWS, "JSON"),
    (Csv(Row), 'Here:\n```json\n[{"a":1,"b":"x"},{"a":2,"b":"y",}]\n```', ROWS, "JSON"),
    (Csv(Row), '{"rows":[{"a":1,"b":"x"},{"a":2,"b":"y"}]}', ROWS, "JSON"),
    (Csv(Row), "- a: 1\n  b: x\n- a: 2\n  b: y", ROWS, "YAML"),
    (Row, "a: 1\nb: x", ROWS[0], "YAML"),
    (Row, "Here it is.\n```yaml\na: 1\nb: x\n```", ROWS[0], "YAML"),
    (list[Row], "a,b\n1,x\n2,y", ROWS, "CSV"),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, "a: 1", {"a": 1}, "YAML"),
])
def test_another_format_is_read_and_told(output_type: Any, text: str, value: Any, written: str) -> None:
    result = ask(output_type, text)
    assert result.value == value
    assert any(f"written as {written}, not as" in one for one in result.warnings)


@pytest.mark.parametrize(("output_type", "text"), [
    (dict[str, str], "Sorry: I cannot do that."),  # any line with a colon would be YAML
    (Row, "I think that a: 1"),
    (Row, "a: 1"),
    (list[Row], "a,b\nmany,x"),
    (Csv(Row), '[{"a":"none"}]'),
])
def test_prose_and_what_does_not_fit_is_not_read_as_another_format(output_type: Any, text: str) -> None:
    with pytest.raises(TrellisError):
        ask(output_type, text)


@pytest.mark.parametrize("level", ["off", "safe"])
def test_another_format_is_no_safe_reading(level: Any) -> None:
    with pytest.raises(TrellisError):
        ask(Row, "a: 1\nb: x", repair=level)


def test_repair_tells_the_format_that_it_found() -> None:
    texts = ['{"a": 1}', "a: 1\nb: 2", "a,b\n1,2"]
    assert [trellis.repair_any(text).format for text in texts] == ["json", "yaml", "csv"]

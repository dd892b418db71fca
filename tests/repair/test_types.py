"""A Python type in the place of a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from trellis.errors import SchemaError
from trellis.repair import StreamRepairer, repair, repair_csv, repair_json, repair_yaml


class Order(BaseModel):
    number: int = Field(alias="orderNumber")
    status: Literal["new", "paid"]


@dataclass
class Line:
    sku: str
    count: int


ORDER = {"orderNumber": 12, "status": "paid"}


@pytest.mark.parametrize("read", [repair, repair_json])
def test_a_type_is_as_good_as_its_schema(read: Any) -> None:
    text = "{'orderNumber': '12', 'status': 'Paid'}"
    repaired = read(text, Order)
    assert repaired == read(text, Order.model_json_schema())
    assert repaired.value == ORDER
    assert Order.model_validate(repaired.value).number == 12


def test_in_every_format() -> None:
    assert repair_yaml("orderNumber: 12 # or so\nstatus: PAID", Order).value == ORDER
    assert repair_csv("sku;count\n007;3\n", list[Line]).value == [{"sku": "007", "count": 3}]
    stream = StreamRepairer(Order)
    stream.feed('{"orderNumber": "12", "status": "paid"')
    assert stream.finish().value == ORDER


def test_a_type_without_a_schema() -> None:
    with pytest.raises(SchemaError, match="no JSON Schema") as caught:
        repair_json("{}", type("Handle", (), {}))
    assert caught.value.hint
    with pytest.raises(SchemaError, match="an object or a boolean"):
        repair_json("{}", "Order")  # type: ignore[arg-type]

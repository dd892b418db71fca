"""The benchmarks: their arithmetic, on models whose mistakes are known, and the command line on the built-in one."""

import json
from pathlib import Path

import pytest

import trellis
from trellis import FunctionModel, Session
from trellis.bench import Case, consistency, layers, read_cases, retries
from trellis.bench.cases import leaves
from trellis.bench.stats import ratio, share
from trellis.cli import main

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
          "required": ["n", "s"], "additionalProperties": False}
CASES = [Case(f"Say {i}.", SCHEMA, {"n": i, "s": "x"}) for i in range(10)]


def model(prompt: str) -> str:
    """Of ten cases: six right, two that need a repair, one that is right when it is corrected, one never."""
    i = int(prompt.partition("Say ")[2].partition(".")[0])
    good = f'{{"n":{i},"s":"x"}}'
    if i == 8:
        return good if "That answer is wrong" in prompt else '{"n":"eight!","s":"x"}'
    return {6: f"Sure: {good}", 7: f"{good[:-1]},}}", 9: '{"s":"y"}'}.get(i, good)


def test_layers_count_what_they_should() -> None:
    table = layers(CASES, Session(model=FunctionModel(model)))
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == ["prompt only", "+ repair", "+ retry (2 more)", "+ vote instead (5)"]
    assert [rows[name][1][0] for name in rows] == [0.6, 0.8, 0.9, 0.8]
    assert rows["+ retry (2 more)"][2][0] == 0.9
    assert rows["+ retry (2 more)"][3] == 10 + 1 + 2
    assert rows["prompt only"][1][1] < 0.6 < rows["prompt only"][1][2]
    assert "| prompt only | 60.0% (" in table.markdown()
    assert table.svg().count("<rect") == 8


def test_a_model_with_a_schema_mode_has_rows_for_it() -> None:
    strict = FunctionModel(lambda prompt: '{"n":1,"s":"x"}', modes=("native", "prompt"))
    assert [row[0] for row in layers(CASES[:2], Session(model=strict)).rows][-2:] == ["native", "native + vote (5)"]
    rows = [Case("x", SCHEMA, [{"n": 1, "s": "x"}], "csv")]
    assert [row[0] for row in layers(rows, Session(model=strict)).rows][-1] == "+ vote instead (5), csv"


def test_retries_are_read_off_one_call() -> None:
    rows = {row[0]: row for row in retries(CASES, Session(model=FunctionModel(model))).rows}
    assert rows["retry, 1 attempt"][2][0] == 0.8
    assert [rows[f"retry, {n} attempts"][2][0] for n in (2, 3, 4, 5)] == [0.9] * 4
    assert [rows[f"resample, {n} attempts"][2][0] for n in (2, 3, 4, 5)] == [0.8] * 4


def test_agreement_is_per_field() -> None:
    said = iter(['{"n":1,"s":"a"}', '{"n":1,"s":"b"}', '{"n":1,"s":"a"}', '{"n":1,"s":"a"}', '{"n":1,"s":"b"}'] * 99)
    table = consistency(CASES[:3], Session(model=FunctionModel(lambda prompt: next(said))))
    [one, vote] = table.rows
    assert one[1][0] == pytest.approx((1 + 0.6) / 2)
    assert vote[1][0] == 1.0


def test_a_model_that_cannot_be_asked_ends_the_benchmark() -> None:
    def no_key(prompt: str) -> str:
        raise trellis.AuthenticationError("no key")

    with pytest.raises(trellis.AuthenticationError):
        layers(CASES, Session(model=FunctionModel(no_key)))


def test_a_server_that_breaks_is_a_case_without_a_value() -> None:
    def broken(prompt: str) -> str:
        raise trellis.RequestRejectedError("no")

    assert layers(CASES[:2], Session(model=FunctionModel(broken))).rows[0][1][0] == 0


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(0, 10, 0.0, 0.28), (10, 10, 0.72, 1.0), (5, 10, 0.24, 0.76)])
def test_wilsons_interval(hits: int, of: int, low: float, high: float) -> None:
    assert share(hits, of) == pytest.approx((hits / of, low, high), abs=0.005)


def test_the_bootstrap_draws_cases() -> None:
    value, low, high = ratio([1, 0] * 50, [1, 1] * 50)
    assert (value, low, high) == pytest.approx((0.5, 0.4, 0.6), abs=0.03)
    assert ratio([], []) == (0.0, 0.0, 1.0)


def test_leaves_and_what_counts_as_right() -> None:
    assert leaves({"a": [1, {"b": None}]}) == {"/a/0": 1, "/a/1/b": None}
    case = Case("", {}, {"a": 1, "b": None, "c": True})
    assert case.fields({"a": 1.0, "c": 1}) == (2, 3)
    assert case.fields(None) == (0, 3)


def test_the_built_in_cases_are_of_all_formats() -> None:
    cases = read_cases()
    assert {(case.format, case.kind) for case in cases} == {
        ("json", "known"), ("yaml", "known"), ("csv", "known"), ("json", "unknown")}
    for case in cases:
        trellis.contract_of(case.output_type)


@pytest.mark.parametrize("line", ["{", "[]", '{"prompt":"x"}', '{"prompt":1,"schema":{}}', "\xff",
                                  '{"prompt":"x","schema":{},"format":"xml"}', '{"prompt":"x","schema":{},"more":1}'])
def test_lines_that_are_no_cases(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(line, encoding="latin-1")
    assert main(["bench", "layers", "--cases", str(path)]) == 2
    assert "cases" in capsys.readouterr().err


def test_the_command_line_on_the_built_in_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trellis_kernel")
    path = tmp_path / "cases.jsonl"
    case = next(case for case in read_cases() if len(case.schema.get("properties", "x" * 9)) < 4)
    path.write_text(json.dumps({"prompt": case.prompt, "schema": case.schema, "value": case.value}))
    for name in ("layers", "retries", "consistency"):
        log = tmp_path / f"{name}.jsonl"
        assert main(["bench", name, "--cases", str(path), "--out", str(tmp_path), "--log", str(log)]) == 0
        assert "mask" in capsys.readouterr().out
        assert json.loads((tmp_path / f"{name}.json").read_text())
        assert (tmp_path / f"{name}.svg").read_text().startswith("<svg")
        assert log.read_text()

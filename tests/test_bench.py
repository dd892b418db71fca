"""The benchmarks: their arithmetic, on models whose mistakes are known, and the command line on the built-in one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import FunctionModel, Session
from trellis.bench import Bench, Case, Journal, consistency, layers, read_cases, retries
from trellis.bench.cases import leaves
from trellis.bench.stats import ratio, share
from trellis.cli import main
from trellis.plots import COLOURS

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


def bench(model: Any, **settings: Any) -> Bench:
    return Bench(Session(model=model), **settings)


def test_layers_count_what_they_should() -> None:
    table = layers(CASES, bench(FunctionModel(model)))
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == ["prompt only", "+ repair", "+ retry (2 more)", "+ vote instead (5)"]
    assert [rows[name][1][0] for name in rows] == [0.6, 0.8, 0.9, 0.8]
    assert rows["+ retry (2 more)"][2][0] == 0.9
    assert rows["+ retry (2 more)"][3] == 10 + 1 + 2
    assert rows["prompt only"][1][1] < 0.6 < rows["prompt only"][1][2]
    assert "| prompt only | 60.0% (" in table.markdown()
    assert table.svg().count("<rect") == 8


def test_some_layers_alone() -> None:
    table = layers(CASES, bench(FunctionModel(model)), ["+ repair", "prompt only"])
    assert [row[0] for row in table.rows] == ["prompt only", "+ repair"]
    with pytest.raises(trellis.UsageError, match="'mask'") as caught:
        layers(CASES, bench(FunctionModel(model)), ["mask"])
    assert "+ repair" in caught.value.hint


def test_a_model_with_a_schema_mode_has_rows_for_it() -> None:
    strict = FunctionModel(lambda prompt: '{"n":1,"s":"x"}', modes=("native", "prompt"))
    assert [row[0] for row in layers(CASES[:2], bench(strict)).rows][-2:] == ["native", "native + vote (5)"]
    rows = [Case("x", SCHEMA, [{"n": 1, "s": "x"}], "csv")]
    assert [row[0] for row in layers(rows, bench(strict)).rows][-1] == "+ vote instead (5), csv"


def test_retries_are_read_off_one_call() -> None:
    def counted(prompt: str) -> trellis.Reply:
        return trellis.Reply(model(prompt), usage=trellis.Usage(1, len(prompt), 10))

    table = retries(CASES, bench(FunctionModel(counted)))
    valid = {row[:2]: row[3][0] for row in table.rows}
    assert [valid["retry", n] for n in (1, 2, 3, 4, 5)] == [0.8, 0.9, 0.9, 0.9, 0.9]
    assert [valid["resample", n] for n in (1, 2, 3, 4, 5)] == [0.8] * 5
    assert [valid["vote", n] for n in (3, 5)] == [0.8] * 2
    tokens = {row[:2]: row[2] for row in table.rows}
    assert tokens["retry", 1] == tokens["resample", 1] < tokens["resample", 2] < tokens["retry", 2]
    drawn = table.svg()
    assert [drawn.count(f'fill="{colour}"/>') - drawn.count(f'height="10" fill="{colour}"/>')
            for colour in COLOURS[:4]] == [10, 10, 10, 4]  # a point for each row, in two charts


def test_agreement_is_per_field() -> None:
    said = iter(['{"n":1,"s":"a"}', '{"n":1,"s":"b"}', '{"n":1,"s":"a"}', '{"n":1,"s":"a"}', '{"n":1,"s":"b"}'] * 99)
    table = consistency(CASES[:3], bench(FunctionModel(lambda prompt: next(said))))
    [one, vote] = table.rows
    assert one[1][0] == pytest.approx((1 + 0.6) / 2)
    assert vote[1][0] == 1.0


def test_a_run_that_was_ended_is_taken_up_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(prompt: str) -> str:
        asked.append(prompt)
        return model(prompt)

    path = tmp_path / "outcomes.jsonl"
    whole = layers(CASES, bench(FunctionModel(counted), journal=Journal(path)))
    first, before = len(asked), path.read_bytes()
    path.write_bytes(before[: len(before) // 2])  # as if it had been killed in the middle of a line
    again = layers(CASES, bench(FunctionModel(counted), journal=Journal(path)))
    assert 0 < len(asked) - first < first
    assert [row[:-1] for row in again.rows] == [row[:-1] for row in whole.rows]
    done = len(asked)
    assert layers(CASES, bench(FunctionModel(counted), journal=Journal(path))).rows == again.rows  # seconds, too
    assert len(asked) == done
    layers([replace(CASES[0], schema={**SCHEMA, "title": "T"})], bench(FunctionModel(counted), journal=Journal(path)))
    layers(CASES[:1], bench(FunctionModel(counted), journal=Journal(path), seed=2))
    assert len(asked) > done  # another type, and another seed, are other questions


def test_a_file_that_holds_no_outcomes(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("my notes\n")
    with pytest.raises(trellis.UsageError, match="no file of outcomes"):
        Journal(path)
    assert path.read_text() == "my notes\n"
    with pytest.raises(trellis.UsageError, match="cannot be opened"):
        Journal(tmp_path / "no" / "where")


def test_masks_hold_what_is_no_json(tmp_path: Path) -> None:
    pytest.importorskip("trellis_kernel")
    cases = [next(case for case in read_cases() if case.format == name) for name in ("yaml", "csv")]
    rows = layers(cases, bench("trellis/nano")).rows
    assert [row[0] for row in rows if row[0].startswith("mask")] == [
        "mask, yaml", "mask + vote (5), yaml", "mask, csv", "mask + vote (5), csv"]


def test_a_model_that_cannot_be_asked_ends_the_benchmark() -> None:
    def no_key(prompt: str) -> str:
        raise trellis.AuthenticationError("no key")

    with pytest.raises(trellis.AuthenticationError):
        layers(CASES, bench(FunctionModel(no_key)))


def test_a_server_that_breaks_is_a_case_without_a_value() -> None:
    def broken(prompt: str) -> str:
        raise trellis.RequestRejectedError("no")

    assert layers(CASES[:2], bench(FunctionModel(broken))).rows[0][1][0] == 0


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

"""``trellis repair`` with its options, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trellis.cli import main

RULES = """
from trellis.repair import UserRule
RULES = [UserRule.substitute("our_null", r"<none>", "null", "this model writes <none>")]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.json").write_text("{'a': 1,}\n")
    (tmp_path / "b.yaml").write_text("a: b: c\n")
    (tmp_path / "c.json").write_text('{"a": 1}\n')
    (tmp_path / "d.txt").write_text("I am sorry.\n")
    (tmp_path / "rules.py").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["repair", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_explain_as_json_has_every_edit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--explain=json", "a.json")
    assert (code, json.loads(out)) == (0, {"a": 1})
    rows = [json.loads(line) for line in err.splitlines()]
    assert {row["rule"] for row in rows} == {"quote_style", "trailing_comma"}
    text = Path("a.json").read_text()
    assert all(text[row["start"] : row["end"]] == row["before"] for row in rows)


def test_diff_says_what_would_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--diff", "b.yaml", "c.json")
    assert code == 1
    assert "-a: b: c" in out.splitlines()
    assert '+a: "b: c"' in out.splitlines()
    assert "c.json" not in out
    assert Path("b.yaml").read_text() == "a: b: c\n"
    assert run(capsys, "--diff", "c.json") == (0, "", "")


def test_lines_stay_in_their_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("lines").write_text("{'a': 1}\n\nnothing here\n[1, 2\n")
    code, out, err = run(capsys, "--lines", "--format", "json", "lines")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert rows[0] == {"a": 1}
    assert rows[1]["input"] == "nothing here"
    assert rows[2] == [1, 2]
    assert "lines:3" in err


def test_lines_of_json_keep_how_they_were_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = '{"n":12345678901234567890.123,"u":"\\u00e9","z":1.10}'
    Path("lines").write_text(f"{clean}\n{clean[:-1]},}}\n")
    assert run(capsys, "--lines", "lines")[:2] == (0, f"{clean}\n{clean}\n")


@pytest.mark.parametrize(("select", "expected"), [("all", [{"a": 1}, {"a": 2}]), ("first", {"a": 1}),
                                                  ("last", {"a": 2})])
def test_one_of_values_without_words_between_them(folder: Path, capsys: pytest.CaptureFixture[str], select: str,
                                                  expected: object) -> None:
    Path("t").write_text('{"a": 1} {"a": 2}')
    code, out, _ = run(capsys, "--select", select, "t")
    assert (code, json.loads(out)) == (0, expected)


def test_several_results_as_yaml_are_several_documents(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--to", "yaml", "a.json", "c.json")[:2] == (0, "a: 1\n---\na: 1\n")


def test_the_name_of_a_file_says_what_it_should_be(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.csv").write_text("name,qty\napple,2\npear\n")
    code, _, err = run(capsys, "rows.csv")
    assert (code, "reads this as CSV (1 cell under 2 columns) at line 3" in err) == (3, True)
    Path("rows.csv").write_text("[1,]")
    assert run(capsys, "rows.csv")[:2] == (0, "[1]\n")


def test_the_place_of_a_fault_of_the_whole_value(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("schema").write_text('{"required": ["name"]}')
    code, _, err = run(capsys, "c.json", "--schema", "schema")
    assert (code, "required property (at the root) at line 1, column 1" in err) == (4, True)


def test_a_folder_without_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    code, _, err = run(capsys, "empty")
    assert (code, err.splitlines()[0]) == (2, "error: no file in empty")


def test_one_of_several_values(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t").write_text('first {"a": 1} then {"b": 2}')
    assert json.loads(run(capsys, "--select", "first", "t")[1]) == {"a": 1}
    assert json.loads(run(capsys, "--select", "last", "t")[1]) == {"b": 2}
    assert json.loads(run(capsys, "--select", "all", "t")[1]) == [{"a": 1}, {"b": 2}]


def test_another_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--to", "yaml", "a.json")[:2] == (0, "a: 1\n")
    assert json.loads(run(capsys, "--to", "json", "b.yaml")[1]) == {"a": "b: c"}


def test_statistics_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.py").unlink()
    code, out, _ = run(capsys, "--stats", ".")
    data = json.loads(out)
    assert code == 0
    assert (data["texts"], data["clean"], data["repaired"], data["failed"]) == (4, 1, 2, {"unreadable": 1})
    rules = {row["rule"]: row for row in data["rules"]}
    assert set(rules) == {"quote_style", "trailing_comma", "yaml_text"}
    assert rules["yaml_text"]["examples"][0]["before"] == "b: c"


def test_rules_of_ones_own_are_counted_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.json").write_text('{"a": <none>}')
    assert json.loads(run(capsys, "--rules", "rules.py", "e.json")[1]) == {"a": None}
    data = json.loads(run(capsys, "--rules", "rules.py", "--stats", "e.json")[1])
    assert [row["rule"] for row in data["rules"]] == ["our_null"]
    assert run(capsys, "--rules", "a.json", "e.json")[0] == 2


def test_many_files_in_processes_keep_their_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for number in range(6):
        Path(f"n{number}.json").write_text(f"[{number},]")
        names.append(f"n{number}.json")
    code, out, _ = run(capsys, "--workers", "2", *names)
    assert (code, out) == (0, "".join(f"[{number}]\n" for number in range(6)))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check", "--diff", "a.json"),
        ("--in-place", "-"),
        ("-o", "x", "a.json", "b.yaml"),
        ("--lines", "-o", "x", "a.json"),
        ("--stats", "--to", "yaml", "a.json"),
    ],
)
def test_options_that_exclude_each_other(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(capsys, *arguments)[0] == 2


def test_policies_and_limits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.json").write_text('{"a": , "b": [[[1]]]')
    code, out, _ = run(capsys, "e.json", "--policy", "missing=empty", "--to", "json")
    assert (code, json.loads(out)) == (0, {"a": "", "b": [[[1]]]})
    assert run(capsys, "e.json", "--policy", "missing=nothing")[0] == 2
    for limit in ("--max-depth=3", "--max-size=10"):
        assert run(capsys, "e.json", limit)[0] == 5
        assert run(capsys, "e.json", limit, "--format=json")[0] == 5

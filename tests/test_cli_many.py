"""``trellis generate-many``, and strategies and budgets on the command line, against the fake server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis.cli import main
from trellis.cli.strategies import budget_of, strategy_of
from trellis.testing import FakeServer, answer, hang

pytest.importorskip("openai")

SOURCE = str(Path(trellis.__file__).parents[1])
ROWS = {
    "rows.jsonl": b'{"id": "a", "text": "one"}\n"two"\n{"bad\n\n{"id": 7, "other": 1}\n[1]\n{"prompt": "six"}\n',
    "rows.csv": b'name,text\nAnn,"hello\nthere"\nBo\nCy,x,y\nDi,z\n',
    "rows.txt": b"first\n\n\xff\xfe third\nfourth",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with FakeServer([answer('{"n":1}')] * 40) as fake:
        monkeypatch.setenv("OPENAI_BASE_URL", fake.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield fake


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    code = main([*arguments, "--fields", "n: int", "--model", "openai/fake"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.parametrize(("name", "options", "asked", "told"), [
    ("rows.jsonl", [], {0: "one", 1: "two", 5: "six"},
     {2: "line 3 holds no JSON", 3: "line 5 has no 'text' or 'prompt'", 4: "line 6 holds [1]"}),
    ("rows.csv", ["--prompt", "{{ name }}: {{ text }}"], {0: "Ann: hello\nthere", 3: "Di: z"},
     {1: "line 4 has no text", 2: "line 5 has more cells than the header"}),
    ("rows.txt", ["--prompt", "Read {{ text }}."], {0: "Read first.", 2: "Read fourth."}, {1: "line 3 is not UTF-8"}),
    ("rows.txt", ["--prompt", "{{ nothing }}"], {}, {0: "'nothing' is undefined", 1: "not UTF-8", 2: "undefined"}),
])
def test_each_row_gets_a_line_and_a_bad_one_stops_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, server: FakeServer, name: str, options: list[str],
    asked: dict[int, str], told: dict[int, str],
) -> None:
    (tmp_path / name).write_bytes(ROWS[name])
    code, lines, err = run(capsys, "generate-many", str(tmp_path / name), *options)
    assert code == 1
    assert sorted(line["index"] for line in lines) == sorted([*asked, *told])
    for line in lines:
        if line["index"] in told:
            assert told[line["index"]] in line["error"]["message"]
        else:
            assert line["value"] == {"n": 1}
    prompts = {request["messages"][0]["content"].partition("\n\n")[0] for request in server.requests}
    assert prompts == set(asked.values())
    assert f"{len(asked) + len(told)} rows: {len(asked)} answered, " in err


def test_ids_are_kept_and_the_order_may_be_that_of_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, server: FakeServer
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"id": "r{i}", "text": "t{i}"}}\n' for i in range(12)))
    out = tmp_path / "out.jsonl"
    code, _, _ = run(capsys, "generate-many", str(rows), "--in-order", "--in-flight", "4", "--out", str(out), "-q")
    assert code == 0
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == [f"r{i}" for i in range(12)]


def test_a_batch_is_taken_up_again_and_strategies_and_logs_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, server: FakeServer
) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("one\ntwo\n")
    options = ["--strategy", "vote=3:retry=1", "--resume", str(tmp_path / "resume.jsonl")]
    code, _, _ = run(capsys, "generate-many", str(rows), *options)
    assert (code, len(server.requests)) == (0, 4)
    code, lines, err = run(capsys, "generate-many", str(rows), *options, "--log", str(tmp_path / "log.jsonl"))
    assert (code, len(server.requests), len(lines)) == (0, 4, 2)
    assert "0 calls" in err
    assert "Vote" in (tmp_path / "log.jsonl").read_text()


def test_a_budget_ends_the_batch(capsys: pytest.CaptureFixture[str], tmp_path: Path, server: FakeServer) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("one\ntwo\nthree\n")
    code, lines, err = run(capsys, "generate-many", str(rows), "--budget", "calls=2", "--in-flight", "1", "--in-order")
    assert (code, len(server.requests)) == (1, 2)
    assert [line["index"] for line in lines if "value" in line] == [0, 1]
    assert "the budget of 2 calls" in err


@pytest.mark.parametrize(("arguments", "words"), [
    (["generate-many", "no/such.txt"], "No such file"),
    (["generate-many", __file__, "--from", "csv", "--out", "no/such/folder"], "cannot be written"),
    (["generate", "x", "--strategy", "retry=2", "--retries", "1"], "both say"),
    (["generate", "x", "--judge-model", "openai/x"], "without --judge"),
    (["generate", "x", "--strategy", "guess=3"], "'guess' is no strategy"),
    (["generate", "x", "--strategy", "vote=many"], "no number"),
    (["generate", "x", "--strategy", "vote=3,colour=red"], "'colour' is no part of it"),
    (["generate", "x", "--strategy", "vote=3,per-field=perhaps"], "cannot be"),
    (["generate", "x", "--strategy", "retry=3:vote=2"], "makes no samples"),
    (["generate", "x", "--strategy", "best-of=2,score=beauty"], "beauty"),
    (["generate", "x", "--budget", "calls=few"], "calls=few cannot be"),
    (["generate", "x", "--budget", "money=3"], "no part of it"),
])
def test_a_wrong_call_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], server: FakeServer, arguments: list[str], words: str
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in " ".join(err.split())
    assert server.requests == []


@pytest.mark.parametrize(("text", "meant"), [
    ("retry=4", trellis.Retry(4)),
    ("retry=1,feedback=patch,max-wait=2.5", trellis.Retry(1, feedback="patch", max_wait=2.5)),
    ("vote=5", trellis.Vote(5)),
    ("vote=5, match-items=id, per-field=no : retry=1",
     trellis.Vote(5, match_items="id", per_field=False, of=trellis.Retry(1))),
    ("best-of=3,score=shortest:vote=3", trellis.BestOf(3, "shortest", of=trellis.Vote(3))),
    ("beam=4", trellis.Beam(4)),
])
def test_strategies_as_text(text: str, meant: Any) -> None:
    assert strategy_of(text) == meant


def test_budgets_as_text() -> None:
    assert budget_of("calls=10, seconds=1.5,tokens=7") == trellis.Budget(calls=10, seconds=1.5, tokens=7)


def start(server: FakeServer, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "trellis", *arguments, "--fields", "n: int", "--model", "openai/fake"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SOURCE, "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"})


def wait_for(server: FakeServer, requests: int) -> None:
    end = time.monotonic() + 60
    while len(server.requests) < requests and time.monotonic() < end:
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_interrupted_it_keeps_what_was_answered(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    rows, resume = tmp_path / "rows.txt", tmp_path / "resume.jsonl"
    rows.write_text("\n".join(map(str, range(20))))
    with FakeServer([*[answer('{"n":1}')] * 3, *[hang(60)] * 20]) as server:
        process = start(server, "generate-many", str(rows), "--resume", str(resume), "--in-flight", "2")
        wait_for(server, 5)
        process.send_signal(sent)
        out, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Traceback" not in err
    assert len(out.splitlines()) <= 3
    whole = [json.loads(line) for line in resume.read_text().splitlines()]
    assert sum("reply" in line for line in whole) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_a_reader_that_goes_away_ends_the_batch_in_silence(tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("\n".join(map(str, range(30))))
    with FakeServer([answer('{"n":1}')] * 30) as server, \
            start(server, "generate-many", str(rows), "--in-flight", "1", "--quiet") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=120) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""

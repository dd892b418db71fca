"""The run log: what stands in it, what does not (secrets), and what is left of it when its process is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import Reply, ScriptedModel, Session
from trellis.repair.edits import Edit, apply_edits
from trellis.runlog import Redactor, RunLog, read_log

KEY = "sk-proj-abcdefghijklmnop0123456789"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def call(path: Path | RunLog, script: list[Any], prompt: str = "How many?", **arguments: Any) -> trellis.Result[Any]:
    with_log = Session(model=ScriptedModel(script, modes=("native", "prompt")), log=path)
    return trellis.generate_structured(prompt, dict[str, int], session=with_log, **arguments)


def test_every_attempt_is_there_with_all_that_it_is_made_of(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    broken = Reply("Sure: {'n': 3,}", enforced="prompt", usage=trellis.Usage(1, 5, 4, 0.5))
    result = call(path, ['{"n": "many"}', broken])
    head, first, second, end = lines(path)
    assert [line["kind"] for line in (head, first, second, end)] == ["run", "attempt", "attempt", "end"]
    assert {line["run"] for line in (head, first, second, end)} == {head["run"]}
    assert (head["model"], head["type"], head["format"]) == ("scripted", result_type(head), "json")
    assert head["messages"][-1]["content"].startswith("How many?")
    assert (first["raw"], first["failure"], first["errors"][0]["pointer"]) == ('{"n": "many"}', "schema", "/n")
    assert (first["mode"], first["enforced"], first["obeyed"]) == ("native", "native", False)
    assert (second["mode"], second["enforced"], second["obeyed"]) == ("native", "prompt", None)
    assert first["messages"] is None  # those of the call
    assert "many" in second["messages"][-2]["content"]
    edits = [Edit(**edit) for edit in second["repairs"]]
    assert json.loads(apply_edits(second["raw"], edits)) == {"n": 3}
    assert second["usage"]["completion_tokens"] == 4
    assert (end["ok"], end["accepted"], end["value"], end["answer"]) == (True, 1, {"n": 3}, '{"n":3}')
    assert end["usage"]["calls"] == result.usage.calls == 2


def result_type(head: dict[str, Any]) -> str:
    return str(head["schema"]["title"]) if "title" in head["schema"] else str(head["type"])


def test_a_call_that_fails_is_there_with_its_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(trellis.SchemaMismatchError):
        call(path, ['{"n": "many"}'] * 3)
    [run] = read_log(path).runs
    assert [attempt["failure"] for attempt in run.attempts] == ["schema"] * 3
    assert run.end is not None
    assert (run.ok, run.end["error"]["class"]) == (False, "SchemaMismatchError")
    assert run.end["usage"]["calls"] == 3


def test_a_reply_that_does_not_come_is_there_with_its_status(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    call(path, [trellis.RateLimitError("slow down", retry_after=0), '{"n": 3}'])
    [run] = read_log(path).runs
    assert run.attempts[0]["raw"] is None
    error = run.attempts[0]["error"]
    assert (error["class"], error["message"], error["status"]) == ("RateLimitError", "slow down", 429)
    assert "generate_many(rate_limit=...)" in error["hint"]
    assert run.ok


def test_async_calls_and_threads_write_whole_lines(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.jsonl")

    async def many() -> None:
        session = Session(model=ScriptedModel(['{"n": 1}'] * 20), log=log)
        await asyncio.gather(*(trellis.agenerate_structured("x", dict[str, int], session=session) for _ in range(20)))

    threads = [threading.Thread(target=call, args=(log, ['{"n": 2}'])) for _ in range(20)]
    for thread in threads:
        thread.start()
    asyncio.run(many())
    for thread in threads:
        thread.join()
    found = read_log(tmp_path / "run.jsonl")
    assert found.damaged == []
    assert [len(run.attempts) for run in found.runs if run.ok] == [1] * 40


def test_the_log_is_appended_to_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    call(path, ['{"n": 1}'])
    whole = path.read_bytes()
    for cut in (1, 30, 200):
        path.write_bytes(whole[:-cut])
        call(path, ['{"n": 2}'])
        found = read_log(path)
        assert [run.ok for run in found.runs] == [False, True] if cut > 1 else [True, True]
        assert len(found.damaged) == (cut > 1)
        assert path.read_bytes().startswith(whole[:-cut])


KILLED = """
import sys, trellis
session = trellis.Session(model=trellis.FunctionModel(lambda prompt: '{"n": 1, "text": "%s"}' % ("x" * 20000)),
                          log=sys.argv[1])
while True:
    trellis.generate_structured("x", dict, session=session)
    print(flush=True)
"""


def test_a_process_that_is_killed_leaves_what_it_said_it_had(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE,
                                   env={**os.environ, "PYTHONPATH": str(Path(trellis.__file__).parents[1])})
        assert process.stdout is not None
        before = sum(run.ok for run in read_log(path).runs) if path.exists() else 0
        process.stdout.readline()
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        told = 1 + process.stdout.read().count(b"\n")
        process.stdout.close()
        process.wait()
        found = read_log(path)
        assert sum(run.ok for run in found.runs) - before >= told
        assert len(found.damaged) <= 3


@pytest.mark.parametrize("path", ["missing/run.jsonl", ".", "a\0b"])
def test_a_log_that_cannot_be_written_is_an_error_before_any_call(path: str, tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(trellis.UsageError, match="cannot be written"):
        Session(log=path)
    with pytest.raises(trellis.UsageError, match="cannot be read"):
        read_log("missing/run.jsonl")


def test_a_disk_that_is_full_does_not_take_the_answer_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path / "run.jsonl")

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "_append", full)
    result = call(log, ['{"n": 1}'])
    assert result.value == {"n": 1}
    assert "No space left" in result.warnings[-1]
    closed = RunLog(tmp_path / "run.jsonl")
    closed.close()
    assert "run log" in call(closed, ['{"n": 1}']).warnings[-1]


@pytest.mark.parametrize("secret", [
    KEY, "AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "AIza" + "x" * 35,
    "hf_abcdefghijklmnopqrstuv", "xoxb-123456789012-abcdef", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
])
def test_secrets_are_not_written(secret: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with_secret = json.dumps({"key": secret, "n": 1})
    model = ScriptedModel([trellis.TransportError(f"no luck with {secret}"), f"x {with_secret}", with_secret])
    trellis.generate_structured(f"My key is {secret}.", dict[str, str | int], session=Session(model=model, log=path))
    written = path.read_text()
    assert secret.split("\n")[0] not in written
    assert "MIIE" not in written
    assert written.count("[redacted:") >= 4


@pytest.mark.parametrize(("text", "expected"), [
    ("Authorization: Bearer abcdefghijklmnop=", "Authorization: Bearer [redacted:bearer-token]"),
    ("postgres://ann:hunter2@db/x", "postgres://[redacted:url-password]@db/x"),
    ('password = "correct horse"', 'password = "[redacted:assigned]"'),
    ("api_key: 0123456789abcdef", "api_key: [redacted:assigned]"),
    ("value-of-a-variable", "[redacted:environment]"),
    ("CUST-12", "[redacted:custom]"),
    ("a token, a key, sk-1, and a password: no", "a token, a key, sk-1, and a password: no"),
])
def test_what_counts_as_a_secret(text: str, expected: str) -> None:
    redact = Redactor([r"CUST-\d+"], {"MY_SECRET": "value-of-a-variable", "HOME": "password", "A_KEY": "true"})
    assert redact(text) == expected
    assert redact({"a": [text, 1]}) == {"a": [expected, 1]}


def test_a_pattern_that_is_none_is_an_error(tmp_path: Path) -> None:
    for wrong in (["("], "abc", [3]):
        with pytest.raises(trellis.UsageError):
            RunLog(tmp_path / "run.jsonl", redact=wrong)  # type: ignore[list-item]


def test_the_places_of_repairs_are_those_of_the_redacted_text(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    model = ScriptedModel([f"{{'key': '{KEY}', 'n': 'x',}}"])
    trellis.generate_structured("x", dict[str, str], session=Session(model=model, log=path))
    [attempt] = read_log(path).runs[0].attempts
    assert json.loads(apply_edits(attempt["raw"], [Edit(**edit) for edit in attempt["repairs"]]))["n"] == "x"


@pytest.mark.parametrize(("line", "why"), [
    (b'{"v":1,"kind":"run","run":', "no whole line"), (b"[]", "no line of a run log"), (b"[" * 100_000, "no whole"),
    (b'{"v":9,"kind":"run","run":"a"}', "version 9"), (b'{"v":1,"kind":"run","run":"a"}', "without at, model"),
    (b'{"v":1,"kind":"x","run":"a"}', "known kind"),
    (b'{"v":1,"kind":"end","run":"nobody","ok":true}', "missing"), (b"\xff\xfe", "no whole line"),
])
def test_lines_that_are_none_are_listed(line: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    call(path, ['{"n": 1}'])
    path.write_bytes(path.read_bytes() + line + b"\n")
    found = read_log([path])
    assert [run.ok for run in found.runs] == [True]
    assert f"{path}:4" in found.damaged[0]
    assert why in found.damaged[0]

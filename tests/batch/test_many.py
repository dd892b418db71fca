"""Many rows: concurrency, bad rows, rate limits, and a batch that is killed and taken up again."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import (
    Budget,
    RateLimit,
    Reply,
    Request,
    Retry,
    Row,
    Sampling,
    ScriptedModel,
    Session,
    Tally,
    Unknown,
    Vote,
    agenerate_many,
    errors,
    generate_many,
)
from trellis.batch.pacing import PacedModel
from trellis.models.function import FunctionModel

Number = dict[str, int]


def echo(prompt: str) -> str:
    """Answers with the number that stands first in the prompt."""
    return json.dumps({"n": int(prompt.split()[0])})


def run(prompts: Any, output_type: Any = Number, model: Any = echo, **settings: Any) -> list[Row[Any]]:
    rows = generate_many(prompts, output_type, **{"model": model, "progress": False, **settings})
    return sorted(rows, key=lambda row: row.index)


def test_each_prompt_gets_its_value() -> None:
    rows = run([f"{i} x" for i in range(50)], concurrency=7)
    assert [row.value for row in rows] == [{"n": i} for i in range(50)]
    assert [row.index for row in rows] == list(range(50))
    assert rows[3].prompt == "3 x"


def test_a_bad_row_is_reported_and_stops_nothing() -> None:
    prompts: list[Any] = ["1 x", "no number", "3 x", ["no message"], "5 x"]
    rows = run(prompts, strategy=Retry(0))
    assert [row.result is not None for row in rows] == [True, False, True, False, True]
    assert isinstance(rows[1].error, trellis.ModelError)
    assert isinstance(rows[3].error, trellis.TemplateError)
    with pytest.raises(trellis.ModelError):
        _ = rows[1].value
    tally = Tally()
    for row in rows:
        tally.add(row)
    assert (tally.answered, tally.rows, dict(tally.failed)) == (3, 5, {"ModelError": 1, "TemplateError": 1})
    assert str(tally) == "3 answered, 1 ModelError, 1 TemplateError"


def test_abstentions_are_counted_apart() -> None:
    def doubtful(prompt: str) -> str:
        return '{"unknown":"it is odd"}' if int(prompt.split()[0]) % 2 else "4"

    tally = Tally()
    for row in run([f"{i} x" for i in range(5)], int | Unknown, doubtful):
        tally.add(row)
    assert (tally.answered, tally.abstained) == (3, 2)


def test_no_more_rows_are_in_flight_than_asked_for_and_prompts_are_read_as_needed() -> None:
    now, most = 0, 0

    async def slow(prompt: str) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return echo(prompt)

    read = []

    def prompts() -> Iterator[str]:
        for i in range(1_000):
            read.append(i)
            yield f"{i} x"

    rows = generate_many(prompts(), Number, model=slow, concurrency=4, progress=False)
    assert [next(rows) for _ in range(8)]
    rows.close()  # type: ignore[attr-defined]
    assert most == 4
    assert len(read) < 40
    assert not [thread for thread in threading.enumerate() if thread.name == "generate_many"]


def test_async_rows_come_as_they_are_done() -> None:
    async def sleepy(prompt: str) -> str:
        await asyncio.sleep(0.2 if prompt.startswith("0") else 0)
        return echo(prompt)

    async def collect() -> list[int]:
        return [row.index async for row in agenerate_many([f"{i} x" for i in range(5)], Number, model=sleepy,
                                                          progress=False)]

    order = asyncio.run(collect())
    assert sorted(order) == list(range(5))
    assert order[-1] == 0


def test_a_wrong_key_and_a_spent_budget_end_the_batch_after_the_rows_in_flight() -> None:
    def locked(request: Request) -> Reply:
        raise errors.AuthenticationError("no key")

    seen = []
    with pytest.raises(trellis.AuthenticationError):
        seen += list(generate_many(["1 x"] * 100, Number, model=FunctionModel(locked), concurrency=3, progress=False))
    got: list[Row[Any]] = []
    session = Session(model=echo, budget=Budget(calls=5))
    with pytest.raises(trellis.BudgetError):
        got.extend(generate_many(["1 x"] * 100, Number, concurrency=2, progress=False, session=session))
    assert sum(row.result is not None for row in got) == 5
    assert len(got) <= 7


@pytest.mark.parametrize(("prompts", "settings"), [
    ("one prompt", {}), (5, {}), (["x"], {"concurrency": 0}), (["x"], {"strategy": Retry}), (["x"], {"mode": "magic"}),
    (["x"], {"rate_limit": 5}), (["x"], {"model": "nobody/home"}), (["x"], {"resume": "/nowhere/at/all"}),
    (["x"], {"output_type": object()}),
])
def test_a_call_that_is_wrong_is_told_before_any_row(prompts: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(trellis.UsageError):
        generate_many(prompts, **{"output_type": Number, "model": echo, **settings})


def test_prompts_that_raise_end_the_batch_with_a_typed_error() -> None:
    def prompts() -> Iterator[str]:
        yield "1 x"
        raise OSError("the disk is gone")

    got: list[Row[Any]] = []
    with pytest.raises(trellis.UsageError, match="the disk is gone"):
        got.extend(generate_many(prompts(), Number, model=echo, progress=False))
    assert [row.value for row in got] == [{"n": 1}]


def test_strategies_and_the_session_work_as_for_one() -> None:
    session = Session(model=echo)
    rows = run([f"{i} x" for i in range(4)], strategy=Vote(3), session=session, model=None)
    assert all(row.result is not None and row.result.agreement == 1 for row in rows)
    assert session.usage.calls == 8


# Rate limits


class Clock:
    """Time that passes while somebody waits, and never else: what a busy machine adds is no part of it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(50):  # whoever can go on goes on first
            await asyncio.sleep(0)
        self.now = max(self.now, until)


def begun_at(count: int, limit: RateLimit) -> list[float]:
    """When so many requests begin that are made at once, each of 100 tokens."""
    clock, begun = Clock(), list[float]()

    async def timed(request: Request) -> Reply:
        begun.append(clock.now)
        await asyncio.sleep(0)
        return Reply('{"n":1}', usage=trellis.Usage(1, 50, 50))

    model = PacedModel(FunctionModel(timed), limit, clock, clock.sleep)
    asyncio.run(model.acomplete([Request((trellis.Message("user", "x"),))] * count))
    return begun


def test_requests_are_paced() -> None:
    begun = begun_at(9, RateLimit(requests=3, seconds=0.6))
    assert begun[:3] == [0.0] * 3
    assert all(later - earlier >= 0.6 for earlier, later in zip(begun, begun[3:], strict=False))


def test_tokens_are_paced() -> None:
    begun = begun_at(6, RateLimit(tokens=200, seconds=0.6))
    assert all(later - earlier >= 0.6 for earlier, later in zip(begun, begun[2:], strict=False))
    assert begun[-1] < 10


def test_a_batch_is_asked_through_its_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    class Noted(PacedModel):
        def __init__(self, inner: Any, limit: RateLimit) -> None:
            limits.append(limit)
            super().__init__(inner, limit)

    monkeypatch.setattr("trellis.batch.many.PacedModel", Noted)
    assert len(run(["1 x"] * 3, rate_limit=RateLimit(requests=1000))) == 3
    assert limits == [RateLimit(requests=1000)]


def test_when_the_server_asks_one_to_wait_all_wait() -> None:
    asked: list[float] = []

    async def stormy(request: Request) -> Reply:
        asked.append(time.monotonic())
        if len(asked) == 1:
            raise errors.RateLimitError("slow down", retry_after=0.3)
        await asyncio.sleep(0.01)
        return Reply('{"n":1}')

    rows = run(["1 x"] * 20, model=stormy, concurrency=2, rate_limit=RateLimit())
    assert all(row.result for row in rows)
    assert [time_ for time_ in asked[2:] if time_ - asked[0] < 0.29] == []


# Taking a batch up again


def test_a_batch_that_is_done_is_not_asked_again(tmp_path: Path) -> None:
    prompts = ["1 x", "2 x", "bad", "1 x"]
    first = run(prompts, resume=tmp_path / "r.jsonl", strategy=Retry(1), model=ScriptedModel(
        ['{"n":1}', '{"n":2}', "hm", "ha", '{"n":4}']), concurrency=1)
    silent = ScriptedModel([])
    again = run(prompts, resume=tmp_path / "r.jsonl", strategy=Retry(1), model=silent, concurrency=3)
    assert silent.requests == []
    assert [row.result and row.result.value for row in again] == [row.result and row.result.value for row in first]
    assert [row.result and row.result.value for row in again] == [{"n": 1}, {"n": 2}, None, {"n": 4}]
    assert str(again[2].error) == str(first[2].error)
    assert all(attempt.cached for attempt in again[0].result.attempts)  # type: ignore[union-attr]
    assert again[0].result.usage.calls == 0  # type: ignore[union-attr]


def test_another_prompt_or_setting_is_asked(tmp_path: Path) -> None:
    run(["1 x"], resume=tmp_path / "r.jsonl")
    for settings in ({"sampling": Sampling(temperature=0.5)}, {"output_type": dict[str, float]}):
        model = ScriptedModel(['{"n":9}'], name="echo")
        assert run(["1 x"], resume=tmp_path / "r.jsonl", model=model, **settings)[0].value["n"] == 9
    model = ScriptedModel(['{"n":5}'], name="echo")
    rows = run(["1 x", "5 x"], resume=tmp_path / "r.jsonl", model=model)
    assert [row.value["n"] for row in rows] == [1, 5]


def test_a_file_that_is_cut_anywhere_is_taken_up(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    prompts = [f"{i} x" for i in range(4)]
    run(prompts, resume=file)
    whole = file.read_bytes()
    for cut in [*range(0, len(whole), 37), len(whole)]:
        file.write_bytes(whole[:cut])
        kept = sum(b'"reply"' in line for line in whole[:cut].split(b"\n")[:-1])
        asked = Counter[str]()

        def counted(prompt: str, asked: Counter[str] = asked) -> str:
            asked[prompt.split("\n")[0]] += 1
            return echo(prompt)

        rows = run(prompts, resume=file, model=FunctionModel(counted, name="echo"))
        assert [row.value["n"] for row in rows] == [0, 1, 2, 3]
        assert asked.total() == 4 - kept


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"mine": 1}\n')
    with pytest.raises(trellis.UsageError, match="no resume file"):
        run(["1 x"], resume=other)
    assert other.read_text() == '{"mine": 1}\n'
    with pytest.raises(trellis.UsageError, match="cannot be opened"):
        run(["1 x"], resume=tmp_path)
    if Path("/dev/full").exists():  # it has no end, and would be read to it
        with pytest.raises(trellis.UsageError, match="no file that can be read again"):
            run(["1 x"], resume=Path("/dev/full"))
    gate = threading.Event()

    def second_waits(prompt: str) -> str:
        assert prompt.startswith("1 x") or gate.wait(60)
        return echo(prompt)

    rows = generate_many(["1 x", "2 x"], Number, model=FunctionModel(second_waits, name="echo"),
                         resume=tmp_path / "r.jsonl", progress=False)
    next(rows)
    with pytest.raises(trellis.UsageError, match="in use"):
        run(["1 x"], resume=tmp_path / "r.jsonl")
    gate.set()
    assert len(list(rows)) == 1
    damaged = tmp_path / "r.jsonl"
    lines = damaged.read_bytes().split(b"\n")
    damaged.write_bytes(b"\n".join([lines[0], b'{"key": "\xff', b"[1]", b'{"key": "a", "reply": 5}', *lines[1:]]))
    silent = ScriptedModel([], name="echo")
    assert [row.value["n"] for row in run(["1 x", "2 x"], resume=damaged, model=silent)] == [1, 2]


def test_a_full_disk_is_a_warning_on_what_could_not_be_kept(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    from trellis.store.journal import Journal, JournaledModel

    journal = Journal(tmp_path / "r.jsonl")
    full = open("/dev/full", "wb")  # noqa: SIM115
    journal._file, file = full.fileno(), journal._file
    [reply] = JournaledModel(ScriptedModel(["1"]), journal, "1").complete([Request(())])
    assert isinstance(reply, Reply)
    assert "No space left" in reply.warnings[0]
    journal._file = file
    full.close()
    journal.close()


WORKER = """
import asyncio, json, random, sys
import trellis
from trellis.batch.pacing import PacedModel
from trellis.models.function import FunctionModel

log = open(sys.argv[2], "a", buffering=1)

async def model(request):
    number = int(request.messages[0].content.split()[0])
    log.write(f"{number}\\n")
    await asyncio.sleep(random.random() * 0.01)
    return json.dumps({"n": number})

model.__annotations__["request"] = trellis.Request
repeated = 0
for row in trellis.generate_many([f"{i} x" for i in range(int(sys.argv[3]))], dict[str, int], model=model,
                                 resume=sys.argv[1], concurrency=8, progress=False):
    assert row.value == {"n": row.index}
    repeated += row.repeated
print(repeated)
"""


def killed_and_taken_up(folder: Path, rows: int, kills: int, seed: int) -> tuple[int, int]:
    """Kills a batch at random moments; the requests that were asked more than once, and how many it reported."""
    rng = random.Random(seed)
    resume, log = folder / "resume.jsonl", folder / "asked.log"
    command = [sys.executable, "-c", WORKER, str(resume), str(log), str(rows)]
    done, reported = 0, ""
    while not reported:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if done < kills:
            before = resume.stat().st_size if resume.exists() else 0
            target = before + rng.randint(1, 6_000)
            while process.poll() is None and not (resume.exists() and resume.stat().st_size >= target):
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            done += 1
        reported = process.communicate(timeout=120)[0].strip()
        assert process.returncode in (0, -signal.SIGKILL)
    replies = Counter(json.loads(line)["key"] for line in resume.read_bytes().splitlines()[1:] if b'"reply"' in line)
    assert set(replies.values()) == {1}  # no recorded reply was asked for again
    assert len(replies) == rows
    asked = Counter(log.read_text().split())
    assert len(asked) == rows
    return asked.total() - rows, int(reported)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_batch_that_is_killed_loses_no_reply_and_asks_again_only_what_was_in_flight(tmp_path: Path) -> None:
    kills = 2
    repeated, _ = killed_and_taken_up(tmp_path, 120, kills, seed=1)
    assert repeated <= 8 * kills

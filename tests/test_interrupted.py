"""Ctrl-C while a model is asked: the program ends at once, whatever the server does, and its log says how."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trellis.testing import FakeServer, answer, hang

CALLS = {
    "sync": "trellis.generate_structured('x', int, model=model, session=session)",
    "several at once": "trellis.generate_structured('x', int, model=model, session=session, strategy=trellis.Vote(3))",
    "async": "asyncio.run(trellis.agenerate_structured('x', int, model=model, session=session))",
    "stream": "list(trellis.stream_structured('x', int, model=model, session=session))",
    "async stream": "asyncio.run(all_of_it())",
}
PROGRAM = """
import asyncio, time, openai, trellis
session = trellis.Session(log={log!r})
model = {model}

async def all_of_it():
    async for _ in trellis.astream_structured('x', int, model=model, session=session):
        pass

{call}
"""
REMOTE = "trellis.OpenAIModel('m', base_url={url!r}, api_key='none')"
SYNC_CLIENT = "trellis.OpenAIModel('m', client=openai.OpenAI(base_url={url!r}, api_key='none'))"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("call", "model"), [*((call, REMOTE) for call in CALLS), ("async", SYNC_CLIENT)])
def test_ctrl_c_does_not_wait_for_a_server(call: str, model: str, tmp_path: Path) -> None:
    pytest.importorskip("openai")
    log = tmp_path / "run.jsonl"
    with FakeServer([hang(60, answer("1"))] * 3) as server:
        program = PROGRAM.format(log=str(log), model=model.format(url=server.base_url), call=CALLS[call])
        process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
        try:
            while len(server.requests) < (2 if call == "several at once" else 1) and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)  # half as long as the server hangs
        finally:
            process.kill()
    assert "KeyboardInterrupt" in said
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [record["kind"] for record in records] == ["run", "end"]
    assert records[-1]["ok"] is False


def test_threads_that_were_given_up_begin_nothing_more() -> None:
    from trellis.models.threads import each

    begun = []

    def first(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each(first, range(50), 1)
    time.sleep(0.05)
    assert len(begun) < 50

"""What ``generate_many`` costs beside a bare client, and what a batch loses when it is killed.

    python benchmarks/many.py                      # 10,000 rows at 64 in flight; both in the same run, in turns
    python benchmarks/many.py --rows 2000
    python benchmarks/many.py --kill 50            # kill -9 at random moments of a resumable run
    python benchmarks/many.py --overhead           # our own work in one call, by the number of attempts

The server is a small one of our own in another process: HTTP with connections kept alive, an answer after a few
milliseconds. The bare client is the official asynchronous one, with as many tasks, and ``json.loads`` for the answer.
Memory is the resident set of this process, looked at after each tenth of the rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

import trellis

SERVER = """
import asyncio, json, sys

ANSWER = {"id": "1", "object": "chat.completion", "created": 0, "model": "fake", "choices": [{"index": 0,
          "message": {"role": "assistant", "content": '{"name":"Ann Lee","age":41,"city":"Oslo"}'},
          "finish_reason": "stop"}], "usage": {"prompt_tokens": 60, "completion_tokens": 14, "total_tokens": 74}}
BODY = json.dumps(ANSWER).encode()
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY)

async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            lines = head.lower().split(b"\\r\\n")
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length"))
            await reader.readexactly(length)
            await asyncio.sleep(float(sys.argv[1]))
            writer.write(HEAD + BODY)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

WORKER = """
import asyncio, json, random, sys
import trellis

log = open(sys.argv[2], "a", buffering=1)

async def model(request: trellis.Request) -> str:
    number = int(request.messages[0].content.split()[0])
    log.write(f"{number}\\n")
    await asyncio.sleep(random.random() * 0.02)
    return json.dumps({"n": number})

tally = trellis.Tally()
for row in trellis.generate_many([f"{i} x" for i in range(int(sys.argv[3]))], dict[str, int], model=model,
                                 resume=sys.argv[1], concurrency=16, progress=False):
    assert row.value == {"n": row.index}
    tally.add(row)
print(tally.repeated)
"""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}},
    "required": ["name", "age", "city"], "additionalProperties": False,
}


class Taken(NamedTuple):
    """Seconds by the clock, and of this process's own work: on a busy machine only the latter tells."""

    clock: float
    work: float


class Clock:
    def __init__(self) -> None:
        self._clock, self._work = time.perf_counter(), time.process_time()

    def taken(self) -> Taken:
        return Taken(time.perf_counter() - self._clock, time.process_time() - self._work)


@contextmanager
def server(delay: float) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(delay)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


async def bare(url: str, rows: int, in_flight: int) -> Taken:
    import openai

    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    response_format: Any = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": SCHEMA, "strict": True}}
    numbers = iter(range(rows))

    async def work() -> None:
        for i in numbers:
            reply = await client.chat.completions.create(
                model="fake", messages=[{"role": "user", "content": f"Who is {i}?"}], response_format=response_format)
            json.loads(reply.choices[0].message.content or "")

    started = Clock()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    taken = started.taken()
    await client.close()
    return taken


def ours(url: str, rows: int, in_flight: int, resume: Path | None) -> tuple[Taken, list[float]]:
    model = trellis.OpenAIModel("fake", base_url=url, api_key="none")
    memory = []
    started = Clock()
    many = trellis.generate_many((f"Who is {i}?" for i in range(rows)), SCHEMA, model=model, mode="native",
                                 concurrency=in_flight, resume=resume, progress=False)
    for done, row in enumerate(many, 1):
        assert row.value["age"] == 41
        if done % max(1, rows // 10) == 0:
            memory.append(resident())
    return started.taken(), memory


def resident() -> float:
    """MB in use now, or at most so far where the system does not say."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def compare(rows: int, in_flight: int, rounds: int, delay: float) -> None:
    console = Console(width=110)
    table = Table("client", "seconds", "times the bare client", "work, ms a row", "times the bare client", box=None)
    with server(delay) as url, tempfile.TemporaryDirectory() as folder:
        asyncio.run(bare(url, 200, in_flight))
        ours(url, 200, in_flight, None)
        times: dict[str, list[Taken]] = {"openai, bare": [], "generate_many": [], "generate_many, resumable": []}
        memory: list[float] = []
        for i in track(range(rounds), "rounds", console=Console(stderr=True)):
            times["openai, bare"].append(asyncio.run(bare(url, rows, in_flight)))
            seconds, memory = ours(url, rows, in_flight, None)
            times["generate_many"].append(seconds)
            times["generate_many, resumable"].append(ours(url, rows, in_flight, Path(folder, f"{i}.jsonl"))[0])
    best = {name: Taken(*map(min, zip(*taken, strict=True))) for name, taken in times.items()}
    for name, one in best.items():
        bare_ = best["openai, bare"]
        table.add_row(name, f"{one.clock:.2f}", f"{one.clock / bare_.clock:.2f}", f"{1_000 * one.work / rows:.2f}",
                      f"{one.work / bare_.work:.2f}")
    console.print(table)
    console.print(f"resident MB after each tenth of {rows:,} rows: {', '.join(f'{one:.0f}' for one in memory)}")


def keys(lines: list[bytes]) -> Iterator[str]:
    """Of the requests that have a reply in lines of a journal."""
    return (json.loads(line)["key"] for line in lines if b'"reply"' in line)


def kill(times: int, rows: int) -> None:
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        resume, log = Path(folder, "resume.jsonl"), Path(folder, "asked.log")
        command = [sys.executable, "-c", WORKER, str(resume), str(log), str(rows)]
        recorded: set[str] = set()
        reported = 0
        for _ in track(range(times), "kills", console=Console(stderr=True)):
            target = (resume.stat().st_size if resume.exists() else 0) + rng.randint(1, rows * 300 // times)
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            while process.poll() is None and not (resume.exists() and resume.stat().st_size >= target):
                time.sleep(0.0005)
            process.kill()
            process.communicate()
            recorded |= set(keys(resume.read_bytes().split(b"\n")[1:-1]))
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        reported = int(done.stdout)
        replies = Counter(keys(resume.read_bytes().splitlines()[1:]))
        asked = Counter(log.read_text().split())
    console = Console(width=110)
    twice = sum(count - 1 for count in replies.values())
    lost, repeated = len(recorded - replies.keys()), asked.total() - rows
    console.print(f"killed {times} times over {rows} rows, 16 in flight: {len(recorded)} replies recorded by then, "
                  f"{lost} of them lost, {twice} asked for again; {repeated} requests in flight were repeated "
                  f"(at most {times * 16}), the last run told of {reported}")


def overhead(calls: int) -> None:
    """Work of this process in calls on a scripted model, so that nothing but ours is measured."""
    right, wrong = '{"name":"Ann Lee","age":41,"city":"Oslo"}', '{"name":"Ann Lee","age":"old","city":"Oslo"}'
    table = Table("attempts", "work, ms a call", "ms an attempt", "characters of the last prompt", box=None)
    for attempts in (1, 2, 3, 6, 11):
        model = trellis.ScriptedModel([*[wrong] * (attempts - 1), right] * (calls + 10))
        ask = {"model": model, "mode": "prompt", "strategy": trellis.Retry(10)}
        for i in range(10):
            trellis.generate_structured(f"Who is {i}?", SCHEMA, **ask)
        started = Clock()
        for i in range(calls):
            trellis.generate_structured(f"Who is {i}?", SCHEMA, **ask)
        work = 1_000 * started.taken().work / calls
        size = sum(len(message.content) for message in model.requests[-1].messages)
        table.add_row(str(attempts), f"{work:.2f}", f"{work / attempts:.2f}", str(size))
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds until the server answers")
    parser.add_argument("--kill", type=int, default=0, help="kill a resumable run so many times instead")
    parser.add_argument("--overhead", action="store_true", help="measure one call instead")
    arguments = parser.parse_args()
    if arguments.overhead:
        return overhead(min(arguments.rows, 500))
    if arguments.kill:
        return kill(arguments.kill, min(arguments.rows, 3_000))
    return compare(arguments.rows, arguments.in_flight, arguments.rounds, arguments.delay)


if __name__ == "__main__":
    main()

"""What one call of ``generate_structured`` costs beside the same request through the raw client, over real HTTP to the
fake server on this machine.

    python benchmarks/overhead.py                 # the official openai client; 300 calls of each, in turns
    python benchmarks/overhead.py --attempts 10   # how the cost of an attempt grows with their number

The raw call sends the same messages and response_format, and reads the answer with json.loads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import openai
from pydantic import BaseModel

import trellis
from trellis.testing import FakeServer, answer


class Line(BaseModel):
    product: str
    quantity: int
    price: float


class Invoice(BaseModel):
    number: str
    customer: str
    lines: list[Line]
    paid: bool


GOOD = Invoice(number="A-17", customer="Ann Lee", paid=False,
               lines=[Line(product=f"thing {i}", quantity=i, price=i + 0.5) for i in range(8)]).model_dump_json()
BAD = '{"number":"A-17","customer":"Ann Lee","lines":[{"product":"thing"}],"paid":"perhaps not"}'


class Taken(NamedTuple):
    """Milliseconds by the clock, and of this process's work: on a busy machine only the latter tells."""

    clock: float
    work: float

    def __sub__(self, other: Taken) -> Taken:
        return Taken(self.clock - other.clock, self.work - other.work)

    def __str__(self) -> str:
        return f"{self.clock:7.3f} ms by the clock, {self.work:7.3f} ms of work"


def now() -> Taken:
    return Taken(1000 * time.perf_counter(), 1000 * time.process_time())


def timed(action: Callable[[], Any]) -> Taken:
    started = now()
    action()
    return now() - started


def median(taken: Iterable[Taken]) -> Taken:
    return Taken(*map(statistics.median, zip(*taken, strict=True)))


def single(calls: int) -> None:
    with FakeServer([answer(GOOD)] * (2 * calls + 40)) as server, \
            openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
        session = trellis.Session(model=trellis.OpenAIModel("m", client=client))

        def ours() -> None:
            trellis.generate_structured("Extract the invoice: ...", Invoice, session=session)

        ours()
        body = server.requests[0]

        def raw() -> None:
            completion = client.chat.completions.create(
                model="m", messages=body["messages"], response_format=body["response_format"])
            json.loads(completion.choices[0].message.content or "")

        for _ in range(10):
            raw(), ours()
        pairs = [(timed(raw), timed(ours)) for _ in range(calls)]
    # the same work without a network: what is Trellis's own
    local = trellis.Session(model=trellis.FunctionModel(lambda prompt: GOOD))
    own = [timed(lambda: trellis.generate_structured("Extract the invoice: ...", Invoice, session=local))
           for _ in range(calls)]
    print("medians; the server answers from a thread of this process")
    print(f"raw client                {median(raw for raw, _ in pairs)}")
    print(f"generate_structured       {median(ours for _, ours in pairs)}")
    print(f"difference, pair by pair  {median(ours - raw for raw, ours in pairs)}")
    print(f"without a network         {median(own)}")


def attempts(most: int) -> None:
    print("attempt  prompt characters  ms of our own work for the attempt (median of 20 calls)")
    spent: dict[int, list[float]] = {}
    sizes: dict[int, int] = {}
    for _ in range(20):
        marks = [time.process_time()]
        prompts: list[int] = []

        def model(prompt: str, marks: list[float] = marks, prompts: list[int] = prompts) -> str:
            marks.append(time.process_time())
            prompts.append(len(prompt))
            return GOOD if len(prompts) == most else BAD.replace("perhaps", f"perhaps {len(prompts)}")

        trellis.generate_structured("Extract the invoice: ...", Invoice, model=model, strategy=trellis.Retry(most))
        for place, size in enumerate(prompts):
            spent.setdefault(place, []).append(1000 * (marks[place + 1] - marks[place]))
            sizes[place] = size
    for place in sorted(spent):
        print(f"{place + 1:7d}  {sizes[place]:17,d}  {statistics.median(spent[place]):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--attempts", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    if arguments.attempts:
        attempts(arguments.attempts)
    else:
        single(arguments.calls)


if __name__ == "__main__":
    main()

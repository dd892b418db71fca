"""How often a repair is right, silently wrong, or raised; and how long it takes against ``json.loads``.

Usage: python benchmarks/repair.py CASES.jsonl [CASES.jsonl ...] [--detail] [--no-time] [--growth]

Each line of a file is a JSON object with ``input`` and ``expected``, and where given ``schema``, ``note`` and ``error``
(cases that the file's author expects to raise are left out). ``flagged`` are wrong values that came with
``ambiguous=True``: wrong, but not in silence. json_repair is measured beside Trellis when it is installed, npm
jsonrepair where Node finds it (``npm install jsonrepair`` in this folder or above).

A file that ``repair_differences.json`` names is another tool's suite: its answers are that tool's policies. It is also
measured with our policies set to theirs, and without the differences that are listed there with their reasons.
"""

from __future__ import annotations

import argparse
import atexit
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trellis.errors import TrellisError
from trellis.repair import Level, Policies, repair_json, repair_yaml

Verdict = str
Reader = Callable[[str, Any], tuple[Any, bool]]


def ours(text: str, schema: Any) -> tuple[Any, bool]:
    """Trellis: the value, and whether it is flagged as a guess."""
    result = repair_json(text, schema)
    return result.value, result.ambiguous


def ours_yaml(text: str, schema: Any) -> tuple[Any, bool]:
    """Trellis on YAML."""
    result = repair_yaml(text, schema)
    return result.value, result.ambiguous


def peer() -> Reader | None:
    """json_repair, or ``None`` when it is not installed."""
    try:
        import json_repair
    except ImportError:
        return None
    return lambda text, schema: (json_repair.loads(text, **({"schema": schema} if schema is not None else {})), False)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def judge(reader: Reader, case: dict[str, Any]) -> Verdict:
    """Right, flagged, wrong, raised, or crashed (an exception that is not the reader's own)."""
    try:
        value, flagged = reader(case["input"], case.get("schema"))
    except (TrellisError, ValueError):
        return "raised"
    except Exception:
        return "crashed"
    return "right" if same(value, case["expected"]) else "flagged" if flagged else "wrong"


DIFFERENCES = json.loads(Path(__file__).with_name("repair_differences.json").read_text(encoding="utf-8"))


def as_the_suite(case: dict[str, Any], suite: dict[str, Any]) -> Verdict:
    """The verdict with the policies of a suite, as the case's options want them."""
    options = case.get("options") or {}
    chosen = {**suite["policies"], **(suite.get("partial", {}) if case.get("partial") else {})}
    level: Level = "normal"
    if options.get("schema_repair_mode") == "salvage":
        chosen["absent"], level = "empty", "salvage"
    if options.get("stream_stable"):
        chosen.pop("text_end", None)

    def read(text: str, schema: Any) -> tuple[Any, bool]:
        result = repair_json(text, schema, level=level, policies=Policies(**chosen))
        return result.value, result.ambiguous

    return judge(read, case)


def report_suite(cases: list[dict[str, Any]], suite: dict[str, Any], detail: bool) -> None:
    """Print how far we agree with another tool's suite, with its policies and without the listed differences."""
    listed = {case for _, ids in suite["differences"] for case in ids}
    verdicts = {case["id"]: as_the_suite(case, suite) for case in cases}
    agree = sum(verdict == "right" for verdict in verdicts.values())
    known = [case for case in verdicts if case in listed]
    rest = {case: verdict for case, verdict in verdicts.items() if case not in listed}
    right = sum(verdict == "right" for verdict in rest.values())
    print(
        f"  with the suite's policies {agree} ({100 * agree / len(cases):.1f}%); listed differences {len(known)} "
        f"({100 * len(known) / len(cases):.1f}%); of the others {right}/{len(rest)} ({100 * right / len(rest):.1f}%)"
    )
    if detail:
        print("    others that differ:", *(f"{case} {verdict}" for case, verdict in rest.items() if verdict != "right"))
        print("    listed that agree:", *(case for case in known if verdicts[case] == "right"))


def npm() -> Reader | None:
    """npm jsonrepair in one Node process, or ``None`` where that is not installed."""
    node = shutil.which("node")
    if node is None:
        return None
    here = Path(__file__).parent
    process = subprocess.Popen([node, "-e", _NODE], cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None
    if stdout.readline().strip() != "ready":
        return None
    atexit.register(process.kill)

    def read(text: str, schema: Any) -> tuple[Any, bool]:
        stdin.write(json.dumps(text) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return json.loads(answer["text"]), False

    return read


_NODE = """
let repair
try { repair = require("jsonrepair").jsonrepair } catch { process.exit(1) }
console.log("ready")
require("readline").createInterface({input: process.stdin}).on("line", line => {
  let answer
  try { answer = {text: repair(JSON.parse(line))} } catch (error) { answer = {error: String(error)} }
  console.log(JSON.stringify(answer))
})
"""


def report(path: Path, detail: bool) -> None:
    """Print the verdicts on one file."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    cases = [case for case in cases if "expected" in case and not case.get("error")]
    by_note = Counter(case.get("note", "").split("(")[0].strip() for case in cases)
    yaml = "yaml" in path.name
    readers: dict[str, Reader | None] = {"trellis": ours_yaml if yaml else ours, "json_repair": peer()}
    if not yaml:
        readers["npm"] = npm()
    print(f"{path.name}: {len(cases)} cases")
    for name, reader in readers.items():
        if reader is None:
            continue
        verdicts = [judge(reader, case) for case in cases]
        count = Counter(verdicts)
        print(
            f"  {name:12}"
            + "".join(
                f"  {kind} {count[kind]} ({100 * count[kind] / len(cases):.1f}%)"
                for kind in ("right", "wrong", "flagged", "raised", "crashed")
                if count[kind]
            )
        )
        if detail and len(by_note) < 40:
            for note, total in by_note.items():
                inside = Counter(
                    v
                    for v, case in zip(verdicts, cases, strict=True)
                    if case.get("note", "").split("(")[0].strip() == note
                )
                print(f"    {note[:50]:50} {total:5}  {dict(inside)}")

    suite = DIFFERENCES.get(path.stem)
    if suite is not None:
        report_suite(cases, suite, detail)


def document(size: int) -> str:
    """A document of records, about ``size`` characters."""
    record = {
        "id": 12345,
        "name": "Ada Lovelace",
        "note": 'She said "hello", then left.',
        "tags": ["a", "b", "c"],
        "price": 12.5,
        "ok": True,
        "address": {"street": "12 High St", "city": "London", "zip": None},
    }
    return json.dumps([record] * (size // (len(json.dumps(record)) + 2)), indent=1)


def best_of(call: Callable[[str], Any], text: str, times: int = 3) -> float:
    """Seconds of this process in the fastest of some runs; infinite when it raises."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        try:
            call(text)
        except (ValueError, TrellisError, RecursionError):
            return float("inf")
        best = min(best, time.process_time() - start)
    return best


def speed(size: int = 1_000_000) -> None:
    """Print times on a document of ``size`` characters, valid and damaged, as multiples of ``json.loads``."""
    valid = document(size)
    middle = valid.index('"name"', len(valid) // 2)
    late = valid.rindex(",\n")
    texts = {
        "valid": valid,
        "one comma missing, middle": valid[: middle - 4].rstrip().rstrip(",") + " " + valid[middle:],
        "one comma missing, end": valid[:late] + valid[late + 1 :],
        "last bracket missing": valid.rstrip("]\n"),
        "fence and prose": f"Sure:\n```json\n{valid}\n```\nDone.",
        "cut off": valid[: len(valid) // 2],
        "Python literals": repr(json.loads(valid)),
        "a trailing comma in every object": valid.replace("null\n", "null,\n"),
    }
    unit = best_of(json.loads, valid)
    other = peer()
    print(f"{len(valid)} characters; json.loads {unit * 1000:.1f} ms")
    for name, text in texts.items():
        line = f"  {name:34} trellis {best_of(repair_json, text) / unit:8.1f}x"
        if other is not None:
            line += f"   json_repair {best_of(lambda t: other(t, None), text, 1) / unit:8.1f}x"
        print(line)


def main() -> None:
    """Read the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--detail", action="store_true", help="also by kind of damage")
    parser.add_argument("--no-time", action="store_true", help="leave out the timing")
    options = parser.parse_args()
    for path in options.files:
        report(path, options.detail)
    if not options.no_time:
        speed()


if __name__ == "__main__":
    main()

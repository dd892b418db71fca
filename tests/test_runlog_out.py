"""What is made of run logs: training data and the report, through the command line."""

import html.parser
import json
import re
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import Message, Reply, ScriptedModel, Session
from trellis.cli import main
from trellis.runlog import read_log
from trellis.runlog.export import export

GOOD = '{"n":3}'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Six calls: plain, corrected, repaired, validated, failed, and the first one's prompt again."""
    path = tmp_path / "run.jsonl"

    def call(prompt: Any, script: list[Any], **arguments: Any) -> None:
        trellis.generate_structured(prompt, dict[str, int], session=Session(model=ScriptedModel(script), log=path),
                                    **arguments)

    def small(value: dict[str, int]) -> None:
        if value["n"] > 5:
            raise ValueError("n is too large")

    call("plain", [GOOD])
    call("corrected", ['{"n": "<b>many</b>"}', GOOD])
    call([Message("system", "Be brief."), Message("user", "repaired")], ["Sure! {'n': 3,}"])
    call("validated", ['{"n":9}', GOOD], validators=[small])
    with pytest.raises(trellis.TrellisError):
        call("failed", [trellis.TransportError("broken"), Reply("", finish="refusal", refusal="no")])
    call("plain", ['{"n": 3}'])
    return path


def exported(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    assert main(["export", *map(str, arguments)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_accepted_answers_once_with_their_prompts(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = exported(capsys, log)
    assert [record["messages"][-1] for record in records] == [{"role": "assistant", "content": GOOD}] * 4
    assert [record["messages"][-2]["content"].split()[0] for record in records] == [
        "plain", "corrected", "repaired", "validated"]
    assert records[2]["messages"][0] == {"role": "system", "content": "Be brief."}
    trl = exported(capsys, log, "--shape", "trl")
    assert [record["prompt"] + record["completion"] for record in trl] == [record["messages"] for record in records]


def test_pairs_are_of_the_same_prompt(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = exported(capsys, log, "--format", "dpo", "--shape", "trl")
    assert [record["rejected"][0]["content"] for record in records] == [
        '{"n": "<b>many</b>"}', "Sure! {'n': 3,}", '{"n":9}']
    assert {record["chosen"][0]["content"] for record in records} == {GOOD}
    assert all(record["prompt"][-1]["role"] == "user" for record in records)
    openai = exported(capsys, log, "--format", "dpo")
    assert [(record["input"]["messages"], record["preferred_output"], record["non_preferred_output"])
            for record in openai] == [(record["prompt"], record["chosen"], record["rejected"]) for record in records]


def test_a_split_is_by_prompt_and_always_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.jsonl"
    session = Session(model=ScriptedModel([f'{{"n":{i}}}' for i in range(80)]), log=path)
    for i in range(80):
        trellis.generate_structured(f"prompt {i % 40}", dict[str, int], session=session)
    out = tmp_path / "train.jsonl"
    assert main(["export", str(path), "--held-out", "0.25", "--out", str(out)]) == 0
    train, held = ([json.loads(line) for line in file.read_text().splitlines()]
                   for file in (out, tmp_path / "train.held_out.jsonl"))
    assert len(train) + len(held) == 80
    assert 4 <= len(held) <= 40
    sides = [{record["messages"][0]["content"] for record in side} for side in (train, held)]
    assert sides[0] & sides[1] == set()
    assert "of 40 prompts" in capsys.readouterr().err
    assert export(read_log(path), held_out=0.25).held_out == tuple(held)


def test_what_the_export_refuses(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(log), "--held-out", "0.5"]) == 2
    assert main(["export", str(log.with_name("none.jsonl"))]) == 2
    assert main(["export", str(log), "-o", str(log.parent / "no" / "x.jsonl")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    for wrong in ({"purpose": "rlhf"}, {"shape": "yaml"}, {"held_out": 2.0}):
        with pytest.raises(trellis.UsageError):
            export(read_log(log), **wrong)  # type: ignore[arg-type]


class Checked(html.parser.HTMLParser):
    """Whether tags close, and what is loaded from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "input", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag


def test_the_report_is_one_page_that_loads_nothing(log: Path) -> None:
    assert main(["report", str(log)]) == 0
    text = log.with_suffix(".html").read_text()
    checked = Checked(text)
    assert (checked.open, checked.loaded) == ([], [])
    assert "url(" not in text
    assert checked.tags.count("svg") == 4
    assert checked.tags.count("details") >= 6
    assert "&lt;b&gt;many&lt;/b&gt;" in text  # what models say is never markup
    assert "<b>many" not in text


def test_repairs_are_marked_where_they_are(log: Path) -> None:
    assert main(["report", str(log), "-o", str(log.with_name("page.html"))]) == 0
    text = log.with_name("page.html").read_text()
    [raw] = re.findall(r"<pre>(<span title=\"prose.*?)</pre>", text)
    assert re.sub(r"<ins>.*?</ins>|<[^>]*>", "", raw) == "Sure! {&#39;n&#39;: 3,}"
    assert re.sub(r"<del>.*?</del>|<[^>]*>", "", raw) == "{&#34;n&#34;: 3}"
    assert "n is too large" in text
    assert "TransportError: broken" in text


def test_logs_that_are_empty_or_damaged_have_a_report_too(tmp_path: Path, log: Path,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert main(["report", str(empty), "-o", "-"]) == 0
    assert "<p>None.</p>" in capsys.readouterr().out
    other = tmp_path / "other.jsonl"
    other.write_text('{"a": 1}\n')
    assert (main(["report", str(other)]), main(["export", str(other)])) == (2, 2)
    assert capsys.readouterr().err.count(f"error: no call is logged in {other}") == 2
    assert not other.with_suffix(".html").exists()
    log.write_bytes(log.read_bytes()[:-200])
    assert main(["report", str(log)]) == 0
    assert "passed over" in capsys.readouterr().err
    assert "not ended" in log.with_suffix(".html").read_text()


def test_training_data_has_the_reasoning_of_the_answer_it_teaches(tmp_path: Path) -> None:
    def answers(*said: str) -> ScriptedModel:
        return ScriptedModel([f'{{"reasoning":"because {one}","answer":{one}}}' for one in said])

    path = tmp_path / "run.jsonl"
    template = trellis.Template("Two?", reasoning=True)
    trellis.generate_structured(template, int, session=Session(model=answers("2"), log=path))
    vote = trellis.Vote(3, early_stop=False)
    trellis.generate_structured(trellis.Template("Three?", reasoning=True), int,
                                session=Session(model=answers("3", "4", "3"), log=path), strategy=vote)
    merged = ScriptedModel([f'{{"reasoning":"r","answer":{{"a":{a},"b":{b}}}}}' for a, b in ((1, 2), (1, 3), (2, 3))])
    result = trellis.generate_structured(trellis.Template("Both?", reasoning=True), dict[str, int],
                                         session=Session(model=merged, log=path), strategy=vote)
    assert (result.value, result.accepted) == ({"a": 1, "b": 3}, 1)
    taught = [record["messages"][-1]["content"] for record in export(read_log(path)).train]
    assert taught == ['{"reasoning":"because 2","answer":2}', '{"reasoning":"because 3","answer":3}',
                      '{"reasoning":"r","answer":{"a":1,"b":3}}']

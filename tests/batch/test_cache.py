"""The cache: what is the same request, what is never kept, and files that fail."""

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import trellis
from trellis import BestOf, Budget, Cache, Grammar, Judge, Retry, Sampling, ScriptedModel, Session, Vote
from trellis.models.base import Reply
from trellis.result import Usage
from trellis.store.codec import reply_data

PAID = Usage(1, 10, 10)


def ask(session: Session, prompt: str = "x", output_type: Any = int, **settings: Any) -> trellis.Result[Any]:
    return trellis.generate_structured(prompt, output_type, session=session, **settings)


def fresh(path: Path, *script: Any, name: str = "m", **settings: Any) -> tuple[Session, ScriptedModel]:
    model = ScriptedModel(script, name=name)
    return Session(model=model, cache=path / "cache.sqlite", **settings), model


def test_the_same_request_is_answered_once_and_costs_once(tmp_path: Path) -> None:
    reply = Reply("1", usage=PAID, token_logprobs=(-0.5,), model="m-1")
    session, model = fresh(tmp_path, reply, budget=Budget(calls=2))
    first = ask(session)
    ask(session)
    again = ask(session)
    assert len(model.requests) == 1
    assert (again.value, again.attempts[0].cached, again.usage.calls) == (1, True, 0)
    assert (first.attempts[0].cached, again.attempts[0].logprob) == (False, -0.5)
    assert session.usage == PAID
    later, silent = fresh(tmp_path)
    assert ask(later).value == 1
    assert silent.requests == []


@pytest.mark.parametrize("other", [
    {"prompt": "y"}, {"output_type": float}, {"sampling": Sampling(temperature=0.5)}, {"sampling": Sampling(seed=1)},
    {"output_type": trellis.Choice(["2"])}, {"prompt": [trellis.Message("system", "s"), trellis.Message("user", "x")]},
])
def test_everything_that_matters_is_in_the_key(tmp_path: Path, other: dict[str, Any]) -> None:
    session, model = fresh(tmp_path, "1", "2")
    ask(session)
    assert str(int(ask(session, **other).value)) == "2"
    assert len(model.requests) == 2
    another, unasked = fresh(tmp_path, "3", name="another")
    assert ask(another).value == 3
    assert len(unasked.requests) == 1


def test_grammars_are_told_apart(tmp_path: Path) -> None:
    model = ScriptedModel(["a", "b"], modes=("mask", "prompt"))
    session = Session(model=model, cache=tmp_path / "cache.sqlite")
    for text in ("a", "b", "a"):
        grammar = Grammar.from_lark(f'start: "{text}"')
        assert ask(session, "x", grammar).value == text
    assert len(model.requests) == 2


def test_a_run_with_corrections_is_the_same_again(tmp_path: Path) -> None:
    session, _ = fresh(tmp_path, "bad", "1")
    assert len(ask(session).attempts) == 2
    silent, model = fresh(tmp_path)
    again = ask(silent)
    assert [attempt.failure for attempt in again.attempts] == ["syntax", None]
    assert model.requests == []


@pytest.mark.parametrize("strategy", [Vote(3, early_stop=False), BestOf(3, "shortest"), Judge(None, "c", of=Vote(2))])
def test_samples_are_kept_only_with_a_seed(tmp_path: Path, strategy: Any) -> None:
    verdict = ['{"reason":"r","accept":true}'] if isinstance(strategy, Judge) else []
    count = 2 if verdict else 3
    session, model = fresh(tmp_path, *["1"] * count, *verdict, *["1"] * count, *verdict)
    ask(session, strategy=strategy)
    ask(session, strategy=strategy)
    assert len(model.requests) == 2 * count + len(verdict)  # the verdict is no sample
    seeded, drawn = fresh(tmp_path, *["1"] * count, *verdict)
    for _ in range(2):
        result = ask(seeded, prompt="seeded", strategy=strategy, sampling=Sampling(seed=1))
    assert len(drawn.requests) == count + len(verdict)
    assert result.usage.calls == 0


def test_errors_are_not_kept(tmp_path: Path) -> None:
    session, model = fresh(tmp_path, trellis.TransportError("gone"), "1")
    with pytest.raises(trellis.TransportError):
        ask(session, strategy=Retry(0))
    assert ask(session).value == 1
    assert len(model.requests) == 2


def test_async_and_judges_use_it_too(tmp_path: Path) -> None:
    judge = ScriptedModel(['{"reason":"r","accept":true}'], name="judge")
    session, model = fresh(tmp_path, "1")
    for _ in range(2):
        asyncio.run(trellis.agenerate_structured("x", int, session=session, strategy=Judge(judge, "good")))
    assert (len(model.requests), len(judge.requests)) == (1, 1)


def test_files_that_are_no_cache(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database at all, whatever the name says" * 100)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    for path in (text, other, tmp_path, tmp_path / "no" / "where"):
        with pytest.raises(trellis.UsageError, match="cache"):
            Cache(path)
    with pytest.raises(trellis.UsageError, match="no file"):
        Session(cache=5)  # type: ignore[arg-type]


def test_a_cache_that_fails_later_is_a_warning(tmp_path: Path) -> None:
    session, model = fresh(tmp_path, "1", "1")
    ask(session)
    assert session.cache is not None
    assert len(session.cache) == 1
    session.cache._database.execute("DROP TABLE replies")
    result = ask(session)
    assert result.value == 1
    assert "failed" in result.warnings[0]
    assert len(model.requests) == 2


def test_an_entry_that_somebody_changed_is_asked_again(tmp_path: Path) -> None:
    session, model = fresh(tmp_path, "1", "2", "3")
    ask(session)
    assert session.cache is not None
    for text in ('{"text": 5}', "[1]"):
        session.cache._database.execute("UPDATE replies SET reply = ?", (text,))
        ask(session)
    assert len(model.requests) == 3


def size_of(reply: Reply) -> int:
    return 32 + len(json.dumps(reply_data(reply), separators=(",", ":")))


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    reply = Reply("x" * 1_000)
    most = 20 * size_of(reply)
    cache = Cache(tmp_path / "c.sqlite", max_bytes=most)
    for number in range(20):
        cache.put(f"{number:032}", reply)
    assert len(cache) == 20
    assert cache.get(f"{0:032}") == replace(reply, usage=Usage(), cached=True)  # used again: it stays
    cache.put(f"{20:032}", reply)
    kept = [number for number in range(21) if cache.get(f"{number:032}") is not None]
    assert kept == [0, *range(4, 21)]
    for number in range(100, 600):
        cache.put(f"{number:032}", reply)
        assert len(cache) <= 20
    cache.close()
    assert Path(cache.path).stat().st_size < 8 * most
    assert len(Cache(cache.path, max_bytes=size_of(reply) * 2)) > 2  # room is made when something comes


def test_a_reply_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    session = Session(model=ScriptedModel(["1", "1"]), cache=Cache(tmp_path / "c.sqlite", max_bytes=10))
    assert [ask(session).value for _ in range(2)] == [1, 1]
    assert session.cache is not None
    assert len(session.cache) == 0


def test_a_file_from_before_there_was_a_bound(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.execute("PRAGMA application_id=1953655923")
        old.execute("CREATE TABLE replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID")
        old.execute("INSERT INTO replies VALUES ('k', '{\"text\": \"1\"}')")
        old.commit()
    kept = Cache(file, max_bytes=1_000).get("k")
    assert kept is not None
    assert kept.text == "1"


@pytest.mark.parametrize("bound", [0, -1, 1.5, True, "5"])
def test_a_bound_is_a_number_of_bytes(tmp_path: Path, bound: Any) -> None:
    with pytest.raises(trellis.UsageError, match="max_bytes"):
        Cache(tmp_path / "c.sqlite", max_bytes=bound)


def test_models_of_one_name_on_two_servers_are_apart(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    from trellis.models.openai import OpenAIModel
    from trellis.testing import FakeServer, answer

    cache = Cache(tmp_path / "c.sqlite")
    with FakeServer([answer("111")]) as one, FakeServer([answer("222")]) as other:
        models = [OpenAIModel("m", base_url=server.base_url, api_key="k") for server in (one, other)]
        said = [ask(Session(model=model, cache=cache)).value for model in models]
    assert said == [111, 222]


def test_functions_without_a_name_of_their_own_are_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c.sqlite")
    calls: list[str] = []

    def counted(prompt: str) -> str:
        calls.append(prompt)
        return "3"

    for model, value in ((lambda _: "1", 1), (lambda _: "2", 2), (counted, 3)):
        for _ in range(2):
            session = Session(model=model, cache=cache)
            assert ask(session).value == value

"""Whatever a model says and however strategies nest: all that was asked is in the result or error, and in the log."""

import asyncio
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trellis
from trellis import BestOf, Draft, Judge, Retry, ScriptedModel, Session, Vote, errors
from trellis.models.base import Reply
from trellis.result import Usage

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer", "minimum": 0}},
          "required": ["name", "n"], "additionalProperties": False}
TEXTS = ['{"name":"Ann","n":1}', '{"name":"Ann","n":2}', '{"name":"Bo","n":1,}', '{"name":"Ann","n":-1}',
         '{"name":"Ann"}', '{"/n":5}', '{"reason":"fine","accept":true}',
         '{"reason":"bad","accept":false}', "prose", "", '{"name": "A']
FAILURES = [errors.TransportError("gone"), errors.RateLimitError("slow", retry_after=0),
            errors.RequestRejectedError("no", status=400), errors.ContextLengthError("long"), KeyError("mine"),
            errors.AuthenticationError("key"), errors.ModelError("odd")]
OTHERS = [Reply('{"n', finish="length"), Reply("", finish="refusal", refusal="no"), *FAILURES]


def replies(seed: int) -> list[Any]:
    """Forty of them: more good ones than bad, or no strategy would come to its second step."""
    rng = random.Random(seed)
    return [rng.choice(OTHERS) if rng.random() < 0.3 else
            Reply(rng.choice(TEXTS if rng.random() < 0.5 else TEXTS[:4]), usage=Usage(1, rng.randint(1, 9), 2))
            for _ in range(40)]


STRATEGIES: st.SearchStrategy[Any] = st.recursive(
    st.builds(Retry, st.integers(0, 3), st.sampled_from(["last", "patch", "none"])),
    lambda inner: st.one_of(
        st.builds(Vote, st.integers(1, 4), st.booleans(), early_stop=st.booleans(), of=inner),
        st.builds(BestOf, st.integers(1, 3), st.just("shortest"), of=inner),
        st.builds(Judge, st.none(), st.just("right"), st.sampled_from(["validate", "correct"]), of=inner),
        st.builds(Draft, of=inner)), max_leaves=3)
MODES: Any = st.sampled_from([("prompt",), ("native", "tools", "prompt")])


def asked(script: list[Any], modes: Any, strategy: Any, log: Path, is_async: bool) -> tuple[str, int, Usage]:
    """What came of it, in how many attempts, at what cost; each account of that agrees with the others."""
    model = ScriptedModel(script, modes=modes)
    session = Session(model=model, log=log)
    call = trellis.agenerate_structured if is_async else trellis.generate_structured
    ended: trellis.Result[Any] | trellis.TrellisError
    try:
        result: Any = call("Who?", SCHEMA, strategy=strategy, session=session)
        ended = asyncio.run(result) if is_async else result
        jsonschema.validate(ended.value, SCHEMA)
        said = repr(ended.value)
    except trellis.TrellisError as error:
        ended, said = error, type(error).__name__
    assert ended.usage is not None
    assert len(ended.attempts) == len(model.requests)
    assert ended.usage == sum((attempt.usage for attempt in ended.attempts), Usage())
    assert session.usage.total_tokens == ended.usage.total_tokens
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", *["attempt"] * len(ended.attempts), "end"]
    assert [line["raw"] for line in lines[1:-1]] == [attempt.raw for attempt in ended.attempts]
    return said, len(ended.attempts), ended.usage


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), MODES, STRATEGIES)
def test_nothing_that_was_paid_for_is_lost(seed: int, modes: Any, strategy: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("trellis.strategy.retry.BACKOFF", 0.0)
        script = replies(seed)
        first = asked(script, modes, strategy, Path(folder, "sync.jsonl"), is_async=False)
        assert first == asked(script, modes, strategy, Path(folder, "async.jsonl"), is_async=True)

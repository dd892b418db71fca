"""Servers that take a schema and ignore it are found out, and not believed again."""

from collections.abc import Iterator
from typing import Any

import pytest

import trellis
from trellis import OpenAIModel, ScriptedModel
from trellis.cli import main
from trellis.models.probe import WORD, probe
from trellis.models.refusals import refusals_of
from trellis.testing import FakeServer, answer, dropped, error, refusal, tool_call

KEPT = f'{{"answer":"{WORD}"}}'


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    refusals_of.cache_clear()
    yield
    refusals_of.cache_clear()


def outcomes(script: list[Any], dialect: str = "other", modes: Any = None) -> tuple[dict[str, str], tuple[str, ...]]:
    with FakeServer(script) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none", dialect=dialect)
        found = {one.mode: one.outcome for one in probe(model, modes)}
        assert WORD not in str([body["messages"] for body in server.requests])
    return found, model.modes


def test_a_server_that_keeps_to_everything() -> None:
    found, modes = outcomes([answer(KEPT), answer(WORD), tool_call(KEPT), answer("{}")], "vllm")
    assert found == {"native": "kept", "mask": "kept", "tools": "kept", "json": "kept"}
    assert modes == ("native", "mask", "tools", "json", "prompt")


def test_a_server_that_ignores_what_it_takes() -> None:
    found, modes = outcomes([answer("Paris"), answer("Paris"), answer('{"answer":"Paris"}'), answer("hello")], "vllm")
    assert set(found.values()) == {"ignored"}
    assert modes == ("prompt",)


def test_what_is_refused_or_tells_nothing_is_not_ignored() -> None:
    found, modes = outcomes([error(400, "no"), refusal("I cannot"), answer('{"a', finish="length")])
    assert found == {"native": "refused", "tools": "failed", "json": "failed"}
    assert modes == ("native", "tools", "json", "prompt")


def test_an_ignored_mode_is_not_used_again_but_by_name() -> None:
    with FakeServer([answer("Paris"), tool_call('{"n":1}'), answer('{"n":1}')]) as server:
        model = OpenAIModel("m", base_url=server.base_url, api_key="none")
        probe(model, ["native"])
        assert trellis.generate_structured("x", dict[str, int], model=model).enforced == "tools"
        with pytest.raises(trellis.CapabilityError):
            trellis.generate_structured("x", dict[str, int], model=model, mode="native")


def test_a_server_that_cannot_be_reached_says_nothing() -> None:
    for canned, kind in ((dropped(), trellis.TransportError), (error(401, "bad"), trellis.AuthenticationError)):
        with FakeServer([canned]) as server, pytest.raises(kind):
            probe(OpenAIModel("m", base_url=server.base_url, api_key="none"))
    with pytest.raises(trellis.CapabilityError, match="no mode 'mask'"):
        probe(ScriptedModel([]), ["mask"])


def test_the_built_in_model_keeps_its_masks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trellis_kernel")
    assert main(["probe", "trellis/nano"]) == 0
    assert capsys.readouterr().out == f"mask\tkept\t{WORD}\n"


def test_the_command_line_tells_by_its_exit_code(monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    with FakeServer([answer("Paris"), tool_call(KEPT), answer("{}")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert main(["probe", "openai/m"]) == 1
    assert [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["native", "ignored"], ["tools", "kept"], ["json", "kept"]]

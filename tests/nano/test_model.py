"""The built-in model: it loads what was checked in, computes what PyTorch computed, and refuses what it cannot do."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from trellis.errors import ModelError, RequestRejectedError
from trellis.models.base import Reply, Request, TokenModel
from trellis.models.local import LocalModel
from trellis.models.nano import NanoModel
from trellis.models.nano.model import FOLDER
from trellis.models.registry import resolve_model
from trellis.result import Message

GOLDEN = Path(__file__).with_name("golden.json")


def test_it_is_the_model_that_the_name_means() -> None:
    model = resolve_model("trellis/nano")
    assert isinstance(model, LocalModel)
    assert model.name == "trellis/nano"
    assert isinstance(model.model, NanoModel)


def test_protocol_and_size(nano: NanoModel) -> None:
    assert isinstance(nano, TokenModel)
    assert (FOLDER / "weights.npz").stat().st_size <= 2_500_000
    assert nano.context == 1024


def test_logits_are_those_of_pytorch(nano: NanoModel) -> None:
    golden = json.loads(GOLDEN.read_text())
    state = nano.start()
    logits = state.step(golden["prompt"])
    for token, expected in zip(golden["answer"], golden["logits"], strict=True):
        assert np.abs(logits[golden["places"]] - np.array(expected)).max() < 1e-3
        logits = state.step([token])


def test_a_block_single_tokens_and_a_fork_agree(nano: NanoModel) -> None:
    ids = nano.encode([Message("user", "Extract the contact: Ada Lovelace, ada@example.org")])
    block = nano.start().step(ids)
    single = nano.start()
    for token in ids:
        last = single.step([token])
    assert np.abs(block - last).max() < 1e-3
    state = nano.start()
    state.step(ids[:5])
    twin = state.fork()
    state.step([7, 8, 9])
    assert np.abs(twin.step(ids[5:]) - block).max() < 1e-3
    assert (state.length, twin.length) == (8, len(ids))


def test_a_prompt_too_long_is_rejected_with_a_hint(nano: NanoModel) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        nano.encode([Message("user", "too long " * 600)])
    assert "1024" in str(caught.value)
    assert caught.value.hint
    [reply] = resolve_model("trellis/nano").complete([Request((Message("user", "too long " * 600),))])
    assert isinstance(reply, RequestRejectedError)


def test_tokens_beyond_the_context_or_the_vocabulary_are_rejected(nano: NanoModel) -> None:
    state = nano.start()
    with pytest.raises(RequestRejectedError):
        state.step([5] * (nano.context + 1))
    with pytest.raises(RequestRejectedError):
        state.step([])
    with pytest.raises(RequestRejectedError):
        state.step([nano.vocabulary.size])
    assert state.length == 0


@pytest.mark.parametrize("name", ["weights.npz", "tokenizer.json"])
def test_damaged_files_are_found(name: str, tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        if path.suffix in (".npz", ".json"):
            shutil.copy(path, tmp_path)
    NanoModel(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        NanoModel(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        NanoModel(tmp_path)


def test_the_card_says_what_the_files_are() -> None:
    card = (FOLDER / "card.md").read_text()
    facts = json.loads((FOLDER / "model.json").read_text())
    assert hashlib.sha256((FOLDER / "weights.npz").read_bytes()).hexdigest() in card
    assert f"seed {facts['seed']}" in card
    assert f"{facts['parameters']:,} parameters" in card


def test_it_answers_first_steps_right(examples: ModuleType) -> None:
    """Far below the card's figure for fields, far above what a model that copies nothing would reach."""
    right = fields = 0
    for seed in range(12):
        one = examples.example(f"first/{seed}", held_out=True, output_format="json", plain=True)
        [reply] = resolve_model("trellis/nano").complete([Request(one.messages)])
        assert isinstance(reply, Reply)
        try:
            found = json.loads(reply.text)
        except ValueError:
            found = {}
        for key, value in one.value.items() if isinstance(one.value, dict) else ():
            fields += 1
            right += isinstance(found, dict) and found.get(key) == value
    assert fields >= 20
    assert right >= fields / 2, f"{right} of {fields}"

"""Masks in transformers' own ``generate()`` and through Trellis, on a small model with random weights."""

import json
from typing import Any

import numpy as np
import pytest

import trellis
from trellis import Grammar, Vocabulary
from trellis.models.logits_processors import GrammarLogitsProcessor, LlamaLogitsProcessor

pytest.importorskip("trellis_kernel")

SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "n": {"type": "integer"}},
          "required": ["name", "n"], "additionalProperties": False}
BYTES = Vocabulary([*(bytes([byte]) for byte in range(256)), b"<eos>"], special_ids=[256], eos_ids=[256])


@pytest.fixture(scope="module")
def made() -> tuple[Any, Any]:
    """A byte-level tokenizer of 282 tokens and a model whose logits are 287 wide."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    import torch

    raw = tokenizers.Tokenizer(tokenizers.models.BPE())
    raw.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=282, initial_alphabet=alphabet,
                                             special_tokens=["<pad>", "<eos>"])
    raw.train_from_iterator(['{"name":"Ann","n":12}', "the name and the number"] * 20, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", pad_token="<pad>",
                                                     padding_side="left")
    torch.manual_seed(3)
    config = transformers.GPT2Config(vocab_size=287, n_positions=256, n_embd=32, n_layer=1, n_head=2,
                                     bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
                                     pad_token_id=tokenizer.pad_token_id)
    return transformers.GPT2LMHeadModel(config).eval(), tokenizer


def compiled_for(made: tuple[Any, Any], grammar: Grammar) -> Any:
    model, tokenizer = made
    return grammar.compile(Vocabulary.from_tokenizer(tokenizer, width=model.config.vocab_size))


@pytest.mark.parametrize("settings", [
    {"do_sample": False}, {"do_sample": True, "temperature": 2.0}, {"do_sample": True, "num_return_sequences": 3},
    {"num_beams": 3, "do_sample": False}, {"num_beams": 4, "num_return_sequences": 2, "do_sample": False},
    {"num_beams": 2, "do_sample": True},
], ids=["greedy", "sampling", "n=3", "beams", "beams n=2", "beam sampling"])
def test_every_way_of_decoding_ends_inside_the_grammar(made: tuple[Any, Any], settings: dict[str, Any]) -> None:
    import torch

    model, tokenizer = made
    compiled = compiled_for(made, Grammar.from_json_schema(SCHEMA))
    prompts = tokenizer(["Who?", "Tell me a name and a number, please:"], padding=True, return_tensors="pt")
    assert (prompts["attention_mask"] == 0).any()  # the batch is padded on the left
    torch.manual_seed(1)
    processor = GrammarLogitsProcessor(compiled, max_new_tokens=40, num_beams=settings.get("num_beams", 1))
    out = model.generate(**prompts, max_new_tokens=40, logits_processor=[processor], **settings)
    texts = tokenizer.batch_decode(out[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)
    assert len(texts) == 2 * settings.get("num_return_sequences", 1)
    for text in texts:
        value = json.loads(text)
        assert (type(value["name"]), type(value["n"])) == (str, int)


def test_each_prompt_may_have_its_own_grammar(made: tuple[Any, Any]) -> None:
    model, tokenizer = made
    grammars = [compiled_for(made, Grammar.from_choices(words)) for words in (["yes", "no"], ["left", "right"])]
    prompts = tokenizer(["a", "b b b"], padding=True, return_tensors="pt")
    out = model.generate(**prompts, max_new_tokens=20, do_sample=True, num_return_sequences=2,
                         logits_processor=[GrammarLogitsProcessor(grammars)])
    texts = tokenizer.batch_decode(out[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)
    assert set(texts[:2]) <= {"yes", "no"}
    assert set(texts[2:]) <= {"left", "right"}


def test_a_model_of_transformers_through_trellis(made: tuple[Any, Any]) -> None:
    from trellis.models.transformers import TransformersModel

    model = TransformersModel(*made, name="tiny")
    assert (model.context, model.vocabulary.size) == (256, 287)
    results = [trellis.generate_structured("Who?", SCHEMA, model=model, sampling=trellis.Sampling(
        temperature=1, seed=seed, max_tokens=40)) for seed in (1, 1, 2)]
    assert [result.enforced for result in results] == ["mask"] * 3
    assert results[0].value == results[1].value
    assert results[0].usage.completion_tokens <= 40
    with pytest.raises(trellis.UsageError):
        TransformersModel(None, None)
    with pytest.raises(trellis.UnknownModelError, match="by itself"):
        trellis.generate_structured("Who?", SCHEMA, model=made[0])
    with pytest.raises(trellis.ModelError, match="cannot be loaded"):
        TransformersModel.from_pretrained("no/such-folder-anywhere", local_files_only=True)


def test_states_fork(made: tuple[Any, Any]) -> None:
    from trellis.models.transformers import TransformersModel

    model = TransformersModel(*made)
    one = model.start()
    one.step([5, 6, 7])
    other = one.fork()
    first = one.step([8])
    assert np.allclose(first, other.step([8]), atol=1e-5)
    assert np.allclose(first, model.start().step([5, 6, 7, 8]), atol=1e-4)
    assert not np.allclose(one.step([9]), other.step([10]))


# Without PyTorch: the interfaces are arrays


def rows(*texts: bytes) -> Any:
    return np.array([list(text) for text in texts])


def allowed(scores: Any) -> list[set[str]]:
    return [{chr(token) if token < 256 else "<eos>" for token in np.flatnonzero(row > -np.inf)} for row in scores]


def test_rows_are_told_apart_by_their_tokens_whatever_their_order() -> None:
    processor = GrammarLogitsProcessor(Grammar.from_choices(["ab", "cd"]).compile(BYTES), num_beams=2)
    scores = np.zeros((2, 260), np.float32)  # wider than the vocabulary
    assert allowed(processor(rows(b"p", b"q"), scores)) == [{"a", "c"}] * 2
    assert allowed(processor(rows(b"pa", b"qc"), scores)) == [{"b"}, {"d"}]
    assert allowed(processor(rows(b"qcd", b"pab"), scores)) == [{"<eos>"}] * 2
    assert np.isfinite(scores).all()  # what was given is not changed


def test_a_token_against_the_mask_is_an_error_but_for_beams_of_no_probability() -> None:
    compiled = Grammar.from_choices(["ab"]).compile(BYTES)
    scores = np.zeros((1, 257), np.float32)
    strict, beams = GrammarLogitsProcessor(compiled), GrammarLogitsProcessor(compiled, num_beams=2)
    for processor in (strict, beams):
        processor(rows(b"p"), scores)
    with pytest.raises(trellis.MaskError, match="against its mask"):
        strict(rows(b"px"), scores)
    assert allowed(beams(rows(b"px"), scores)) == [{"<eos>"}]


def test_several_tokens_at_once_are_caught_up_with() -> None:
    processor = GrammarLogitsProcessor(Grammar.from_choices(["abcd"]).compile(BYTES))
    scores = np.zeros((1, 257), np.float32)
    processor(rows(b"p"), scores)
    assert allowed(processor(rows(b"pabc"), scores)) == [{"d"}]
    assert allowed(processor(rows(b"pab"), scores)) == [{"c"}]
    with pytest.raises(trellis.MaskError, match="second generate"):
        processor(np.zeros((1, 0), int), scores)


def test_a_budget_ends_answers_in_time() -> None:
    compiled = Grammar.from_regex("[ab]*c").compile(BYTES)
    processor = GrammarLogitsProcessor(compiled, max_new_tokens=3)
    scores = np.zeros((1, 257), np.float32)
    assert allowed(processor(rows(b"p"), scores)) == [{"a", "b", "c"}]
    assert allowed(processor(rows(b"pa"), scores)) == [{"c"}]
    with pytest.raises(trellis.LimitError):
        GrammarLogitsProcessor(compiled, max_new_tokens=1)


def test_grammars_that_are_none_or_too_many() -> None:
    compiled = Grammar.from_choices(["a"]).compile(BYTES)
    for wrong in ([], [3], None):
        with pytest.raises(trellis.UsageError):
            GrammarLogitsProcessor(wrong)  # type: ignore[arg-type]
    with pytest.raises(trellis.MaskError, match="3 sequences"):
        GrammarLogitsProcessor([compiled, compiled])(rows(b"p", b"p", b"p"), np.zeros((3, 257), np.float32))


def test_the_processor_for_llama_cpp() -> None:
    processor = LlamaLogitsProcessor(Grammar.from_choices(["ab", "ac"]).compile(BYTES), max_tokens=5)
    scores = np.zeros(257, np.float32)
    tokens = np.array(list(b"prompt"), np.intc)
    assert allowed([processor(tokens, scores)]) == [{"a"}]
    assert allowed([processor(np.append(tokens, ord("a")), scores)]) == [{"b", "c"}]
    assert scores.max() == 0

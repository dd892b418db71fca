"""A ``Model`` of any ``TokenModel``: decoding with sampling, masks, stop strings and budgets.

One loop for all: logits, mask, draw, accept. With a mask every answer ends inside its grammar, because the matcher
knows the budget and keeps only tokens after which the answer can still end in time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trellis.errors import ContextLengthError, MaskError, ModelError, RequestRejectedError, UsageError
from trellis.masking.sampler import Sampler, generator_of, log_probabilities
from trellis.models.base import Reply, Request, TokenModel, TokenState
from trellis.models.beam import beam_search, texts_of
from trellis.models.choices import score_texts
from trellis.models.local_mask import LocalMask
from trellis.result import Finish, Message, Mode, Usage

DEFAULT_MAX_TOKENS = 2_048
"""Where a request names no budget: so many tokens, or what is left of the context when that is less."""

Logits = npt.NDArray[np.float32]


class LocalModel:
    """A ``Model`` that decodes a ``TokenModel`` in this process.

    A setting that a request leaves to the model is greedy decoding; with ``temperature``, ``top_k``, ``top_p`` and
    ``min_p`` see ``trellis.masking.sampler``. Draws come from (seed, sample). ``token_logprobs`` are log-probabilities
    under the model itself: before masks, temperature and cuts, so they compare between modes and settings. Special
    tokens other than those that end an answer are never drawn.

    Args:
        model: the tokens.
        engine: what makes masks: ``"kernel"``, or ``"reference"`` (slow, needs no kernel).
        temperature: for requests that name none.
        max_tokens: for requests that name none; never more than is left of the context.
    """

    def __init__(self, model: TokenModel, *, engine: str = "kernel", temperature: float = 0.0,
                 max_tokens: int = DEFAULT_MAX_TOKENS) -> None:
        self.model = model
        self.engine = engine
        self.temperature = temperature
        self.max_tokens = max_tokens

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def modes(self) -> tuple[Mode, ...]:
        return ("mask", "prompt")

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        """Answers one request after the other; those with the same messages share the work of reading them.

        A request that cannot be answered (too long, a mask whose budget is too small) has its error in its place.

        Raises:
            UsageError: a sampling setting is out of its range.
            GrammarError: a grammar that the engine refuses.
        """
        return self._complete(requests, _Until())

    def _complete(self, requests: Sequence[Request], until: _Until) -> list[Reply | Exception]:
        wanted = Counter(request.messages for request in requests)
        read: dict[tuple[Message, ...], _Prompt] = {}
        replies: list[Reply | Exception] = []
        for request in requests:
            try:
                started = time.perf_counter()
                prompt = read.get(request.messages) or self._read(request.messages)
                wanted[request.messages] -= 1
                if wanted[request.messages]:
                    read[request.messages] = prompt
                    state = prompt.state.fork()
                else:
                    read.pop(request.messages, None)
                    state = prompt.state
                replies.append(self._answer(request, prompt, state, started, until))
            except (ModelError, MaskError) as error:
                replies.append(error)
        return replies

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        """``complete`` in a thread, which stops when the task is cancelled."""
        until = _Until()
        try:
            return await asyncio.to_thread(self._complete, requests, until)
        except asyncio.CancelledError:
            until.cancelled = True
            raise

    def _read(self, messages: tuple[Message, ...]) -> _Prompt:
        ids = self.model.encode(messages)
        if len(ids) >= self.model.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens, and {self.name} holds {self.model.context} with the answer",
                hint="shorten the prompt")
        state = self.model.start()
        return _Prompt(len(ids), state, state.step(ids))

    def stream(self, request: Request) -> Generator[str | Reply, None, None]:
        """The answer's text as it is drawn, in pieces that are whole characters; then the reply."""
        started = time.perf_counter()
        prompt = self._read(request.messages)
        yield from self._pieces(request, prompt, prompt.state, started, _Until())

    async def astream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """``stream``, with each step in a thread."""
        pieces = self.stream(request)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def _answer(self, request: Request, prompt: _Prompt, state: TokenState, started: float,
                until: _Until) -> Reply:
        for piece in self._pieces(request, prompt, state, started, until):
            if isinstance(piece, Reply):
                return piece
        raise AssertionError("unreachable: the last piece is the reply")

    def _pieces(self, request: Request, prompt: _Prompt, state: TokenState, started: float,
                until: _Until) -> Generator[str | Reply, None, None]:
        sampling = request.sampling
        if request.mode not in self.modes:
            raise RequestRejectedError(f"{self.name} cannot enforce mode {request.mode!r}",
                                       hint="it has mask and prompt")
        if sampling.max_tokens is not None and sampling.max_tokens < 1:
            raise UsageError(f"max_tokens is {sampling.max_tokens}, but must be at least 1")
        sampler = Sampler(self.temperature if sampling.temperature is None else sampling.temperature,
                          sampling.top_k, sampling.top_p, sampling.min_p)
        budget = min(sampling.max_tokens or self.max_tokens, self.model.context - prompt.tokens)
        if request.beams > 1:
            yield self._beams(request, prompt, state, budget, started)
            return
        generator = generator_of(sampling.seed, request.sample)
        if request.mode == "mask" and request.choices and not sampling.stop:
            chosen = self._chosen(request, prompt, state, budget, sampler, generator, started)
            if chosen is not None:
                yield chosen
                return
        mask = self._mask(request, budget)
        text = _Text(self.model.vocabulary.tokens, sampling.stop)
        eos = frozenset(self.model.vocabulary.eos_ids)
        forbidden = np.array(sorted(self.model.vocabulary.special_ids - eos), dtype=np.intp)
        logprobs: list[float] = []
        masses: list[float] = []
        logits, drawn = prompt.logits, 0
        finish: Finish = "length"
        while True:
            allowed = np.array(logits[: self.model.vocabulary.size], dtype=np.float32)
            allowed[forbidden] = -np.inf
            token = (sampler.draw(allowed, generator) if mask is None else
                     mask.draw(allowed, sampler, generator))
            drawn += 1
            if sampling.logprobs:
                logs = log_probabilities(logits)
                logprobs.append(float(logs[token]))
                masses.append(float(np.logaddexp.reduce(logs[: len(allowed)][allowed > -np.inf])))
            if token in eos or text.add(token):
                finish = "stop"
                break
            if drawn == budget:
                break
            if until.over(request.timeout):
                finish = "timeout"
                break
            if fresh := text.fresh():
                yield fresh
            logits = state.step([token])
        usage = Usage(1, prompt.tokens, drawn, time.perf_counter() - started, mask.seconds if mask is not None else 0.0)
        yield Reply(text.text(), finish, request.mode, usage, self.name,
                    warnings=() if mask is None else mask.warnings(),
                    token_logprobs=tuple(logprobs) if sampling.logprobs else None,
                    allowed_logmass=None if mask is None or mask.asked or not sampling.logprobs else tuple(masses))

    def _chosen(self, request: Request, prompt: _Prompt, state: TokenState, budget: int, sampler: Sampler,
                generator: np.random.Generator, started: float) -> Reply | None:
        """One of the request's choices, drawn from their exact probabilities; ``None`` where they cannot be had."""
        scored = score_texts(self.model, state, prompt.logits, request.choices, budget)
        if scored is None:
            return None
        place = sampler.draw(np.array(scored.logs), generator)
        usage = Usage(1, prompt.tokens, scored.steps + 1, time.perf_counter() - started)
        wanted = request.sampling.logprobs
        return Reply(request.choices[place], "stop", "mask", usage, self.name, probabilities=scored.probabilities,
                     token_logprobs=(scored.logs[place],) if wanted else None,
                     allowed_logmass=(float(np.logaddexp.reduce(scored.logs)),) if wanted else None)

    def _beams(self, request: Request, prompt: _Prompt, state: TokenState, budget: int, started: float) -> Reply:
        if request.sampling.stop:
            raise RequestRejectedError("beams do not look for stop strings", hint="leave stop out, or use Retry")
        mask = self._mask(request, budget)
        found, steps = beam_search(self.model, state, prompt.logits, request.beams, budget,
                                   None if mask is None else mask.matcher)
        usage = Usage(1, prompt.tokens, steps + 1, time.perf_counter() - started)
        replies = [Reply(text, "stop" if one.ended else "length", request.mode, Usage(), self.name,
                         token_logprobs=(one.logprob,))
                   for one, text in zip(found, texts_of(self.model, found), strict=True)]
        return replace(replies[0], usage=usage, alternatives=tuple(replies[1:]))

    def _mask(self, request: Request, budget: int) -> LocalMask | None:
        if request.mode != "mask":
            return None
        if request.grammar is None:
            raise RequestRejectedError("mode 'mask' needs a grammar",
                                       hint="give Request(grammar=...), or use mode 'prompt'")
        if request.sampling.stop:
            raise RequestRejectedError("a stop string could cut a masked answer in the middle",
                                       hint="the grammar ends the answer: leave stop out, or use mode 'prompt'")
        return LocalMask(request, self.model, self.engine, budget)


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A prompt that was read: its length, the state after it (while others need it forked, not stepped), the logits."""

    tokens: int
    state: TokenState
    logits: Logits


class _Until:
    """How long to go on with some requests.

    Attributes:
        cancelled: whether nobody waits for the answers any more.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._begun = time.perf_counter()

    def over(self, timeout: float | None) -> bool:
        return self.cancelled or (timeout is not None and time.perf_counter() - self._begun > timeout)


class _Text:
    """The bytes of an answer, watched for stop strings."""

    def __init__(self, tokens: Sequence[bytes], stop: Sequence[str]) -> None:
        self._tokens = tokens
        self._stop = [text.encode() for text in stop if text]
        self._longest = max(map(len, self._stop), default=0)
        self._bytes = bytearray()
        self._told = 0

    def add(self, token: int) -> bool:
        """Appends a token; True when a stop string has come, at whose first place the text is then cut."""
        before = len(self._bytes)
        self._bytes += self._tokens[token]
        if self._stop:
            start = max(0, before - self._longest + 1)
            places = [place for stop in self._stop if (place := self._bytes.find(stop, start)) >= 0]
            if places:
                del self._bytes[min(places):]
                return True
        return False

    def fresh(self) -> str:
        """What is new and will stay: whole characters that no stop string can take away."""
        end = len(self._bytes) - max(0, self._longest - 1)
        while end > self._told and end < len(self._bytes) and self._bytes[end] & 0xC0 == 0x80:
            end -= 1
        if end == len(self._bytes):
            end -= _unfinished(self._bytes)
        new = self._bytes[self._told : end] if end > self._told else b""
        self._told = max(self._told, end)
        return bytes(new).decode("utf-8", "replace")

    def text(self) -> str:
        """UTF-8, with U+FFFD where an unmasked model wrote bytes that are none."""
        return self._bytes.decode("utf-8", "replace")


def _unfinished(data: bytearray) -> int:
    """How many bytes at the end are the start of a character that is not all there."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if length > back else 0
        if byte < 0x80:
            return 0
    return 0

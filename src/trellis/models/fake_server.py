"""A server on this machine that speaks the chat-completions protocol (and OpenAI's responses, and Anthropic's
messages) and answers from a script.

For tests of programs that use an OpenAI-compatible server: real HTTP, real headers, real mishaps::

    with FakeServer([rate_limited(0.1), answer('{"n":3}')]) as server:
        model = OpenAIModel("any", base_url=server.base_url, api_key="none")

A request with ``"stream": true`` gets its answer in server-sent events.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from types import TracebackType
from typing import Any

from trellis.models.fake_protocols import PROTOCOLS, Protocol


@dataclass(frozen=True)
class Canned:
    """What is done with one request; made by the functions below."""

    body: dict[str, Any] | bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    events: int | None = None


def answer(text: str, *, finish: str = "stop", prompt_tokens: int = 10, completion_tokens: int | None = None,
           model: str = "fake") -> Canned:
    """A text; ``finish="length"`` says that it was cut off. Usage is counted as a token for four characters."""
    return _completion({"content": text}, finish, text, prompt_tokens, completion_tokens, model)


def tool_call(arguments: str, *, name: str = "Answer", finish: str = "tool_calls") -> Canned:
    """A call of a function with these arguments (JSON, or what a model takes for it)."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return _completion({"content": None, "tool_calls": [call]}, finish, arguments)


def refusal(text: str) -> Canned:
    """The model declines, in the field that the protocol has for it."""
    return _completion({"content": None, "refusal": text}, "stop", text)


def error(status: int, message: str = "it went wrong", *, code: str | None = None, **headers: str) -> Canned:
    """An HTTP error with the protocol's error body; headers with underscores for hyphens."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return Canned(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def rate_limited(retry_after: float | None = None) -> Canned:
    """Status 429, with ``Retry-After`` in seconds if given."""
    headers = {} if retry_after is None else {"Retry_After": f"{retry_after:g}"}
    return error(429, "slow down", code="rate_limit_exceeded", **headers)


def raw(body: bytes, status: int = 200) -> Canned:
    """Any bytes as the body: broken JSON, an HTML page of a proxy."""
    return Canned(body, status, {"Content-Type": "application/json"})


def dropped() -> Canned:
    """The connection is closed without an answer."""
    return Canned()


def hang(seconds: float, then: Canned | None = None) -> Canned:
    """Nothing for some seconds; then an answer, or the connection is closed."""
    then = then or dropped()
    return Canned(then.body, then.status, then.headers, seconds)


def broken_stream(canned: Canned, events: int, garbage: bytes = b"") -> Canned:
    """So many events of an answer; then some bytes, and the connection is closed."""
    return replace(canned, events=events, headers={"garbage": garbage.decode("latin-1")})


class FakeServer:
    """The server; a context manager. Requests beyond the script are answered with status 418.

    Args:
        script: what to answer, in the order of requests.
        models: names that ``GET /v1/models`` lists.

    Attributes:
        base_url: what to give a client.
        requests: the bodies of the requests so far.
        headers: their headers, names in lower case.
    """

    def __init__(self, script: Iterable[Canned], *, models: Iterable[str] = ("fake",)) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._script = list(script)
        self._models = list(models)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = _Server(("127.0.0.1", 0), _handler_of(self))
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Canned:
        """Notes a request and gives the next thing of the script."""
        with self._lock:
            place = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
        if place < len(self._script):
            return self._script[place]
        answers = "1 answer" if len(self._script) == 1 else f"{len(self._script)} answers"
        return error(418, f"the script has {answers}, and this is request {place + 1}")

    def wait(self, seconds: float) -> None:
        """Sleeps, but not longer than the server lives."""
        self._closing.wait(seconds)

    def model_list(self) -> Canned:
        return Canned({"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "fake"}
                                                  for name in self._models]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what the tests of mishaps are about: no traceback for it."""


def _handler_of(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            self._send(fake.model_list() if self.path.endswith("/models") else error(404, "no such path"))

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            protocol = next((known for end, known in PROTOCOLS.items() if path.endswith(end)), None)
            if protocol is None:
                return self._send(error(404, "no such path"))
            try:
                body = json.loads(data)
            except ValueError:
                return self._send(error(400, "the body is no JSON"))
            canned = fake.take(body, {name.lower(): value for name, value in self.headers.items()})
            if canned.seconds:
                fake.wait(canned.seconds)
            if not isinstance(canned.body, dict):
                return self._send(canned)
            if body.get("stream") and canned.status == 200:
                return self._stream(canned, protocol)
            return self._send(replace(canned, body=protocol.whole(canned.body)))

        def _send(self, canned: Canned) -> None:
            self.close_connection = True  # the server ends with its test: no connection is kept
            if canned.body is None:
                return
            data = canned.body if isinstance(canned.body, bytes) else json.dumps(canned.body).encode()
            with suppress(OSError):
                self.send_response(canned.status)
                headers = {"Content-Type": "application/json", **canned.headers}
                for name, value in {**headers, "Content-Length": str(len(data)), "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        def _stream(self, canned: Canned, protocol: Protocol) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Type", protocol.stream_type)
                self.send_header("Connection", "close")
                self.end_headers()
                assert isinstance(canned.body, dict)
                for event in islice(protocol.events(canned.body), canned.events):
                    self.wfile.write(event)
                    self.wfile.flush()
                if canned.events is not None:
                    self.wfile.write(canned.headers.get("garbage", "").encode("latin-1"))

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _completion(message: dict[str, Any], finish: str, text: str, prompt_tokens: int = 10,
                completion_tokens: int | None = None, model: str = "fake") -> Canned:
    tokens = completion_tokens if completion_tokens is not None else (len(text) + 3) // 4
    return Canned({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "refusal": None, **message}, "finish_reason": finish,
                     "logprobs": None}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": prompt_tokens + tokens},
    })

"""An OpenAI-compatible API that misbehaves as a test asks it to. Nothing but the standard library.

    with FakeUpstream(answer="The lighthouse was built in 1871.") as upstream:
        ... llm_config={"base_url": upstream.base_url, "model_name": "fake"} ...
        upstream.script = [rate_limited("1"), streamed()]   # the next two answers; then `answer` again
        assert upstream.requests[0].json["max_tokens"] == 200

A behaviour is a function that gets an Exchange and answers it. `behaviour` answers every request to
/v1/chat/completions that `script` has no behaviour left for.
"""

import hashlib
import http.server
import json
import math
import struct
import sys
import threading
import time

# What the fake sends in a loop ends here, should a client never leave.
MOST_BYTES = 256 << 20


class Request:
    """What a client sent: `path`, `headers` (any case), `body` in bytes."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def key(self):
        """The bearer token; empty if there is none."""
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")


class Exchange:
    """One request and the ways to answer it. A write to a client that is gone ends the behaviour."""

    def __init__(self, handler, upstream, request):
        self._handler, self.upstream, self.request = handler, upstream, request

    def head(self, status, headers=(), content_type="application/json"):
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", content_type)
        self._handler.send_header("Connection", "close")
        for name, value in headers:
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data):
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def json(self, status, value, headers=()):
        self.raw(status, json.dumps(value).encode(), headers)

    def raw(self, status, body, headers=(), content_type="application/json"):
        self.head(status, [*headers, ("Content-Length", str(len(body)))], content_type)
        self.write(body)

    def error(self, status, message, headers=()):
        self.json(status, {"error": {"message": message, "type": "fake", "param": None, "code": None}}, headers)

    def event(self, value):
        self.write(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")

    def delta(self, text, finish_reason=None):
        delta = {} if text is None else {"content": text}
        self.event({"id": "fake", "object": "chat.completion.chunk", "model": self.request.json.get("model"),
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})

    def pause(self, seconds):
        """False once the fake is being closed."""
        return not self.upstream.closing.wait(seconds)


def pieces_of(text):
    """`text` in pieces of a word each, as tokens come."""
    words = text.split(" ")
    return [word if i == 0 else " " + word for i, word in enumerate(words)]


def usage_of(request, pieces):
    words = sum(len(str(message.get("content")).split()) for message in request.json.get("messages", []))
    return {"prompt_tokens": words, "completion_tokens": len(pieces), "total_tokens": words + len(pieces),
            "prompt_tokens_details": {"cached_tokens": 0}}


# Behaviours.


def streamed(text=None, pause=0.0, first_pause=0.0):
    """The answer, piece by piece: `pause` seconds before each, `first_pause` before all."""
    def behave(exchange):
        pieces = pieces_of(exchange.upstream.text_for(exchange.request, text))
        if first_pause:
            exchange.pause(first_pause)
        exchange.head(200, content_type="text/event-stream")
        exchange.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for piece in pieces:
            if pause:
                exchange.pause(pause)
            exchange.delta(piece)
        exchange.delta(None, "stop")
        if (exchange.request.json.get("stream_options") or {}).get("include_usage"):
            exchange.event({"choices": [], "usage": usage_of(exchange.request, pieces)})
        exchange.event(b"[DONE]")
    return behave


def slow(pause=0.2, first_pause=0.0):
    return streamed(pause=pause, first_pause=first_pause)


def silent():
    """Takes the request and never answers."""
    def behave(exchange):
        exchange.upstream.closing.wait()
    return behave


def whole(text=None):
    """One JSON object, though a stream was asked for."""
    def behave(exchange):
        words = exchange.upstream.text_for(exchange.request, text)
        exchange.json(200, {"id": "fake", "object": "chat.completion",
                            "choices": [{"index": 0, "message": {"role": "assistant", "content": words},
                                         "finish_reason": "stop"}],
                            "usage": usage_of(exchange.request, pieces_of(words))})
    return behave


def cut(after=2):
    """A stream whose connection closes after that many pieces."""
    def behave(exchange):
        exchange.head(200, content_type="text/event-stream")
        for piece in pieces_of(exchange.upstream.text_for(exchange.request))[:after]:
            exchange.delta(piece)
    return behave


def error_within(message="the model is overloaded", after=1):
    """A stream with an error object in it. In `message`, {key} becomes the key that was sent."""
    def behave(exchange):
        exchange.head(200, content_type="text/event-stream")
        for piece in pieces_of(exchange.upstream.text_for(exchange.request))[:after]:
            exchange.delta(piece)
        exchange.event({"error": {"message": message.format(key=exchange.request.key)}})
    return behave


def failing(status=500, message="the server had an error", headers=()):
    def behave(exchange):
        exchange.error(status, message, headers)
    return behave


def unauthorized():
    """401, with the key whole, in pieces and escaped."""
    def behave(exchange):
        key = exchange.request.key
        exchange.error(401, f"Incorrect API key provided: {key}. You sent {key[:12]}***{key[-9:]}, that is "
                            f"{''.join(f'%{ord(letter):02x}' for letter in key)}.", [("X-Echo", key)])
    return behave


def rate_limited(retry_after=None):
    """429; `retry_after` as the header has it: seconds or a date."""
    headers = [] if retry_after is None else [("Retry-After", str(retry_after))]
    return failing(429, "Rate limit reached", headers)


def malformed(body=b'{"choices": [{"message": '):
    def behave(exchange):
        exchange.raw(200, body)
    return behave


def malformed_event(data=b'{"choices": [{"delta": '):
    def behave(exchange):
        exchange.head(200, content_type="text/event-stream")
        exchange.delta("Well,")
        exchange.event(data)
        exchange.event(b"[DONE]")
    return behave


def endless(kind="text"):
    """A stream without end: of `text`, of `comments`, of one `line`, or of one JSON `body`."""
    def behave(exchange):
        exchange.head(200, content_type="application/json" if kind == "body" else "text/event-stream")
        if kind in ("line", "body"):
            exchange.write(b"data: " if kind == "line" else b'{"choices": "')
        sent = 0
        while sent < MOST_BYTES and not exchange.upstream.closing.is_set():
            if kind == "text":
                exchange.delta(" on and on." * 10)
            else:
                exchange.write((b": thinking\n\n" if kind == "comments" else b"xxxxxxxx") * 1000)
            sent += 1000
    return behave


def dripping(pause=0.1):
    """A head, then a byte of a comment each `pause` seconds."""
    def behave(exchange):
        exchange.head(200, content_type="text/event-stream")
        exchange.write(b":")
        while exchange.pause(pause):
            exchange.write(b".")
    return behave


def redirect(url, status=307):
    def behave(exchange):
        exchange.raw(status, b"", [("Location", url)])
    return behave


def huge_header(size=64 << 20):
    def behave(exchange):
        exchange.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(size // 10_000):
            exchange.write(b"X-Filler: " + b"x" * 9_988 + b"\r\n")
    return behave


def refusing_fields(*names):
    """400 for a request that has one of these fields, as strict servers do; else a stream."""
    def behave(exchange):
        unknown = [name for name in names if name in exchange.request.json]
        if unknown:
            exchange.error(400, f"Unrecognized request argument supplied: {unknown[0]}")
        else:
            streamed()(exchange)
    return behave


def vector_of(text, dimension):
    """Numbers that `text` alone decides, so that equal texts are near and others are not."""
    numbers = []
    for i in range(0, dimension, 8):
        digest = hashlib.sha256(f"{i} {text}".encode()).digest()
        numbers += [number / 2**31 for number in struct.unpack("<8i", digest)]
    length = math.sqrt(sum(number * number for number in numbers[:dimension]))
    return [number / length for number in numbers[:dimension]]


def embedded(dimension=64):
    def behave(exchange):
        texts = exchange.request.json["input"]
        texts = [texts] if isinstance(texts, str) else texts
        exchange.json(200, {"object": "list", "model": exchange.request.json.get("model"),
                            "data": [{"object": "embedding", "index": i, "embedding": vector_of(text, dimension)}
                                     for i, text in enumerate(texts)]})
    return behave


class FakeUpstream:
    """The API, on a free port of `host`. All members may be changed while it runs.

    answer      what it says: a text, or a function of the Request that returns one
    behaviour   how it answers /v1/chat/completions
    script      behaviours for the next requests there, each used once
    embeddings  how it answers /v1/embeddings
    requests    every Request that came, in order
    """

    def __init__(self, answer="The lighthouse was built in 1871.", behaviour=None, host="127.0.0.1"):
        self.answer = answer
        self.behaviour = behaviour or streamed()
        self.script = []
        self.embeddings = embedded()
        self.requests = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 60

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                upstream._answer(self, Request(self.command, self.path, self.headers, body))

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):  # the client left, or the behaviour has a mistake
                if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
                    super().handle_error(*_)

        self._server = Server((host, 0), Handler)
        self.host, self.port = self._server.server_address[:2]
        self.origin = f"http://{self.host}:{self.port}"
        self.base_url = self.origin + "/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def text_for(self, request, text=None):
        text = self.answer if text is None else text
        return text(request) if callable(text) else text

    def wait_for(self, count, timeout=10):
        """Waits until `count` requests have come."""
        deadline = time.monotonic() + timeout
        while len(self.requests) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.requests)} of {count} requests have come")
            time.sleep(0.01)

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _answer(self, handler, request):
        with self._lock:
            self.requests.append(request)
            if request.path == "/v1/chat/completions":
                behave = self.script.pop(0) if self.script else self.behaviour
            elif request.path == "/v1/embeddings":
                behave = self.embeddings
            else:
                behave = failing(404, f"no such path: {request.path}")
        behave(Exchange(handler, self, request))

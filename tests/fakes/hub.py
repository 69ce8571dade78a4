"""A model hub for the tests: repositories from dictionaries, their files behind redirects to a second server.

    with FakeHub({"someone/mind": {"mind-Q4_0.gguf": b"..."}}) as hub:
        run(HF_ENDPOINT=hub.url)
        hub.repository("someone/mind").cuts = 5

What goes wrong is set on a Repository, at any time. Everything random comes from `seed`.
"""

import hashlib
import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def is_large(name):
    """True for files that are stored apart and have a SHA-256."""
    return name.endswith((".gguf", ".safetensors", ".bin"))


def voice_repositories(parity):
    """The repositories of F5-TTS and its vocoder, with the small networks of tests/parity under the official names."""
    weights = (parity / "f5tts/model_1250000.safetensors").read_bytes()
    words = (parity / "f5tts/vocab.txt").read_bytes()
    return {"SWivid/F5-TTS": {"F5TTS_v1_Base/model_1250000.safetensors": weights, "F5TTS_v1_Base/vocab.txt": words,
                              "F5TTS_Base/model_1200000.safetensors": weights},
            "charactr/vocos-mel-24khz": {name: (parity / "vocos" / name).read_bytes()
                                         for name in ("pytorch_model.bin", "config.yaml")}}


def expect_voices(models, repositories):
    """Writes the catalogue.json by which these files are expected in place of the large ones'."""
    def expected(repository, *names):
        files = {name: repositories[repository][name] for name in names}
        return {name.rsplit("/", 1)[-1]: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in files.items()}
    models.mkdir(parents=True, exist_ok=True)
    words = "F5TTS_v1_Base/vocab.txt"
    (models / "catalogue.json").write_text(json.dumps({
        "f5tts": expected("SWivid/F5-TTS", "F5TTS_v1_Base/model_1250000.safetensors", words),
        "f5tts-base": expected("SWivid/F5-TTS", "F5TTS_Base/model_1200000.safetensors", words),
        "vocos-mel-24khz": expected("charactr/vocos-mel-24khz", "pytorch_model.bin", "config.yaml")}))


@dataclass
class Repository:
    files: dict  # name: bytes
    gated: bool = False  # only `tokens` get files; everyone may list them
    private: bool = False  # for others than `tokens` it is not there
    tokens: set = field(default_factory=lambda: {"hf_good"})
    cuts: int = 0  # how many of the next answers break off at a random byte
    wrong: set = field(default_factory=set)  # names of files that are sent with other bytes
    fail: int = 0  # how many of the next requests get 503
    bytes_per_second: int = 0  # 0: as fast as it goes
    ranges: bool = True  # False: Range is not heeded

    @property
    def revision(self):
        digest = hashlib.sha1()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + content)
        return digest.hexdigest()

    def listing(self, name):
        def sibling(path, content):
            item = {"rfilename": path, "size": len(content),
                    "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}
            if is_large(path):
                item["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            return item
        return {"id": name, "sha": self.revision, "private": self.private, "gated": "manual" if self.gated else False,
                "siblings": [sibling(*file) for file in self.files.items()]}


@dataclass
class Request:
    server: str  # "hub" or "cdn"
    path: str
    headers: dict  # names in lower case
    status: int
    sent: int = 0  # bytes of the body


class FakeHub:
    def __init__(self, repositories, seed=0):
        self.repositories = {name: repository if isinstance(repository, Repository) else Repository(repository)
                             for name, repository in repositories.items()}
        self.requests = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._hub = self._serve("hub")
        self._cdn = self._serve("cdn")
        self.url = f"http://127.0.0.1:{self._hub.server_port}"
        self.cdn_url = f"http://127.0.0.1:{self._cdn.server_port}"

    def repository(self, name):
        return self.repositories[name]

    def of(self, server):
        """The requests that "hub" or "cdn" got."""
        with self._lock:
            return [request for request in self.requests if request.server == server]

    def close(self):
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self, kind):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    getattr(fake, f"_answer_{kind}")(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _note(self, server, handler, status):
        request = Request(server, handler.path, {name.lower(): value for name, value in handler.headers.items()}, status)
        with self._lock:
            self.requests.append(request)
        return request

    def _send(self, server, handler, status, body=b"", **headers):
        request = self._note(server, handler, status)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        request.sent = len(body)

    def _take(self, repository, counter):
        """True as often as the repository's counter says."""
        with self._lock:
            left = getattr(repository, counter)
            setattr(repository, counter, max(0, left - 1))
            return left > 0

    @staticmethod
    def _bytes(repository, file):
        content = repository.files[file]
        return bytes([content[0] ^ 1]) + content[1:] if file in repository.wrong else content

    def _answer_hub(self, handler):
        api = re.fullmatch(r"/api/models/([^/?]+/[^/?]+)(\?blobs=true)?", handler.path)
        file = re.fullmatch(r"(?:/api/cache)?/([^/]+/[^/]+)/resolve/([0-9a-f]{40}|main)/(.+)", handler.path)
        name = api[1] if api else file[1] if file else None
        repository = self.repositories.get(name)
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        if repository and self._take(repository, "fail"):
            return self._send("hub", handler, 503, b"<html>busy</html>")
        if repository is None or (repository.private and token not in repository.tokens):
            # Who has no token is not told which names there are.
            return self._send("hub", handler, 404 if token else 401, X_Error_Code="RepoNotFound",
                              X_Error_Message="Repository not found")
        if api:
            return self._send("hub", handler, 200, json.dumps(repository.listing(name)).encode(),
                              Content_Type="application/json")
        if repository.gated and token not in repository.tokens:
            return self._send("hub", handler, 403 if token else 401, X_Error_Code="GatedRepo",
                              X_Error_Message=f"Access to model {name} is restricted.")
        if file[2] not in (repository.revision, "main"):
            return self._send("hub", handler, 404, X_Error_Code="RevisionNotFound")
        if file[3] not in repository.files:
            return self._send("hub", handler, 404, X_Error_Code="EntryNotFound")
        if not is_large(file[3]):  # as the hub does it, relative to itself
            if handler.path.startswith("/api/cache/"):
                return self._send("hub", handler, 200, self._bytes(repository, file[3]))
            return self._send("hub", handler, 307, b"redirecting", Location=f"/api/cache{handler.path}")
        return self._send("hub", handler, 302, Location=f"{self.cdn_url}/{name}/{file[3]}",
                          X_Repo_Commit=repository.revision,
                          X_Linked_Size=str(len(repository.files[file[3]])))

    def _answer_cdn(self, handler):
        organisation, name, file = handler.path[1:].split("/", 2)
        repository = self.repositories[f"{organisation}/{name}"]
        content = self._bytes(repository, file)
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if asked and repository.ranges:
            first = int(asked[1])
        if first >= len(content) > 0:
            return self._send("cdn", handler, 416, Content_Range=f"bytes */{len(content)}")
        request = self._note("cdn", handler, 206 if first else 200)
        handler.send_response(request.status)
        if first:
            handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - first))
        handler.end_headers()
        end = len(content)
        if self._take(repository, "cuts"):
            with self._lock:
                end = self._random.randint(first, len(content))
            handler.close_connection = True
        block = 1 << 16 if not repository.bytes_per_second else max(1, repository.bytes_per_second // 20)
        for at in range(first, end, block):
            handler.wfile.write(content[at:min(at + block, end)])
            request.sent += min(at + block, end) - at
            if repository.bytes_per_second:
                time.sleep(block / repository.bytes_per_second)

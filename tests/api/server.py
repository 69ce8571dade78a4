"""The built server, started as its users start it, for the tests and the benchmarks."""

import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TITANS_PROGRAM", ROOT / "build/release/src/app/titans"))
MODELS = (ROOT / os.environ.get("MODELS_DIR", "models")).resolve()
EXAMPLES = ROOT / "examples"
SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")

# Nothing of the caller's own configuration reaches the server under test.
SETTINGS = """HOST PORT PUBLIC_URL MAX_UPLOAD_MB QUEUE_SIZE REQUEST_TIMEOUT TITANS_API_KEY TITANS_ROOT TITANS_URL MODELS_DIR
    GGUF_MODEL_PATH HF_ENDPOINT THREADS DATA_DIR LOG_LEVEL DEBUG DB_NAME DB_USER DB_PASSWORD DB_HOST DB_PORT
    OPENAI_API_KEY OPENAI_BASE_URL DEFAULT_OPENAI_MODEL ALLOWED_HOSTS ALLOWED_PRIVATE_HOSTS EMBEDDING_MODEL
    CHROMA_DB_PATH TITANS_SECRET_KEY AUDIO_KEEP_DAYS AUDIO_KEEP_MB MAX_AUDIO_SECONDS ENABLE_GPU HUGGINGFACE_API_KEY HF_TOKEN HF_HOME
    HF_TOKEN_PATH""".split()


def clean_environment(**settings):
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    # A machine's GPU would change what answers say of themselves.
    return environment | {"ENABLE_GPU": "false"} | {name: str(value) for name, value in settings.items()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """Called in a child: no server outlives the tests, whatever ends them."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def have_models():
    """True if every default model is there, as the program itself sees it."""
    return subprocess.run([PROGRAM, "models", "check"], env=clean_environment(MODELS_DIR=MODELS), cwd=ROOT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Server:
    """A running server. `folder` holds its data, its log and its (absent) .env."""

    def __init__(self, folder, models=None, port=None, **settings):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = clean_environment(**{
            "HOST": "127.0.0.1", "PORT": self.port, "DATA_DIR": self.data,
            "MODELS_DIR": models or self.folder / "no-models", "HF_TOKEN_PATH": self.folder / "no-token", **settings})
        self.http = requests.Session()
        self.process = None
        self.ready_seconds = None

    @property
    def media(self):
        """Where the files lie that the database names: each PostgreSQL database has its own."""
        return next(self.data.glob("postgresql-*")) if "DB_NAME" in self.environment else self.data

    def start(self, timeout=60):
        (self.folder / "no-models").mkdir(exist_ok=True)
        started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve"], cwd=self.folder, env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            start_new_session=True, preexec_fn=end_with_parent)
        line = b""
        while not line.endswith(b"\n"):
            left = started + timeout - time.monotonic()
            readable = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            byte = os.read(self.process.stdout.fileno(), 1) if readable else b""
            if not byte:
                self.kill()
                raise RuntimeError(f"the server did not say ready: {self.log.read_text(errors='replace')[-2000:]}")
            line += byte
        self.ready_seconds = time.monotonic() - started
        assert line.decode().split() == ["ready", self.url], line
        return self

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        """As a crash would: at once, all of its processes."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.http.close()

    def stop(self, timeout=20):
        """Asks it to end, and returns its exit status."""
        self._signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            self.kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def get(self, path, **options):
        return self.http.get(self.url + path, timeout=60, **options)

    def post(self, path, timeout=120, **options):
        return self.http.post(self.url + path, timeout=timeout, **options)

    def delete(self, path, **options):
        return self.http.delete(self.url + path, timeout=60, **options)

    def create(self, name, **parts):
        """Creates a character of fields and files ((name, bytes) or a path); returns the response."""
        return self.send_form("/create-character", name=name, **parts)

    def update(self, character, **parts):
        return self.send_form(f"/update-character/{character}", **parts)

    def send_form(self, path, knowledge=None, style=None, image=None, voice=None, headers=None, **fields):
        files = {}
        for field, file in {"knowledge_base_file": knowledge, "style_tuning_file": style, "character_image": image,
                            "voice_cloning_audio": voice}.items():
            if file is not None:
                files[field] = file if isinstance(file, tuple) else (file.name, file.read_bytes())
        form = {key: value if value is None or isinstance(value, str) else json.dumps(value)
                for key, value in fields.items()}
        # A multipart body even when there is no file.
        parts = [(key, (None, value)) for key, value in form.items() if value is not None] + list(files.items())
        return requests.post(self.url + path, files=parts, headers=headers, timeout=120)

    def show(self, character):
        return self.get(f"/get-character/{character}").json()["character"]

    def load(self, character):
        return self.post("/load-character", json={"character_id": character})

    def create_example(self, name=None, **config):
        """The character of examples/, answering the same every time."""
        example = json.loads((EXAMPLES / "character.json").read_text())
        answer = self.create(name or example["name"], knowledge=EXAMPLES / "knowledge.txt", style=EXAMPLES / "style.json",
                             image=EXAMPLES / "picture.png",
                             llm_config=example["llm_config"] | {"temperature": 0} | config)
        assert answer.status_code == 201, answer.text
        return answer.json()["character_id"]

    def ask(self, character, question, **options):
        return requests.post(self.url + "/ask-question-text", timeout=300,
                             json={"character_id": character, "question": question} | options)

    def ask_audio(self, character, recording, name="question.wav", **options):
        return requests.post(self.url + "/ask-question-audio", timeout=300,
                             data={"character_id": str(character)} | options, files={"audio_file": (name, recording)})


def events(response):
    """The server-sent events of a streamed response, as (name, object), as they come."""
    name, data = None, []
    for line in response.iter_lines(chunk_size=1):
        line = line.decode()
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield name, json.loads("\n".join(data))
            name, data = None, []


def cpu_seconds(pid):
    """The processor time that the process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

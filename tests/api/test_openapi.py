"""GET /openapi.json says what the server does, and no more: against its routes, its answers, and a generator of requests."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from server import EXAMPLES, ROOT, Server

SCHEMATHESIS = "4.32.5"
# What the server has, which is what the description must have.
ROUTES = {
    ("get", "/"), ("post", "/create-character"), ("post", "/update-character/{character_id}"), ("get", "/get-characters"),
    ("get", "/get-character/{character_id}"), ("delete", "/delete-character/{character_id}"), ("post", "/load-character"),
    ("post", "/ask-question-text"), ("post", "/ask-question-audio"), ("post", "/download-model"), ("get", "/get-tts-models"),
    ("get", "/serve-audio/{slug}/{name}"), ("get", "/serve-image/{slug}/{name}"), ("get", "/health"),
    ("get", "/openapi.json"), ("get", "/docs")}


@pytest.fixture(scope="module")
def description(bare):
    return bare.get("/openapi.json").json()


@pytest.fixture(scope="session")
def schemathesis():
    """The environment in which Python finds Schemathesis, fetched once into the cache folder."""
    cache = pathlib.Path(os.environ.get("TITANS_CACHE", ROOT / "build"))
    folder = cache / f"schemathesis-{SCHEMATHESIS}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not (folder / "complete").exists():
        fetched = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "--upgrade",
                                  f"schemathesis=={SCHEMATHESIS}"], capture_output=True, text=True, timeout=300)
        if fetched.returncode != 0:
            pytest.skip(f"Schemathesis could not be fetched: {fetched.stderr.strip().splitlines()[-1:]}")
        (folder / "complete").touch()
    return os.environ | {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def validate(description, schemathesis):
    """validate(response): it is one that the description has for (method, path)."""
    def check(answers):
        program = """
import json, sys
import jsonschema_rs
for name, schema, value in json.load(sys.stdin):
    try:
        jsonschema_rs.validator_for(schema).validate(value)
    except jsonschema_rs.ValidationError as error:
        sys.exit(f"{name}: {error}")
"""
        items = []
        for response, method, path in answers:
            expected = description["paths"][path][method]["responses"]
            assert str(response.status_code) in expected, (method, path, response.status_code, response.text)
            one = expected[str(response.status_code)]
            if "$ref" in one:
                one = description["components"]["responses"][one["$ref"].rpartition("/")[2]]
            schema = one["content"]["application/json"]["schema"]
            items.append((f"{method} {path} {response.status_code}", schema | {"components": description["components"]},
                          response.json()))
        done = subprocess.run([sys.executable, "-c", program], env=schemathesis, input=json.dumps(items), text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    return check


def test_every_route_is_described_and_every_described_one_is_there(bare, description):
    described = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert described == ROUTES
    sources = "".join(path.read_text() for path in (ROOT / "src/api").glob("*.cpp") if not path.name.endswith("_test.cpp"))
    for _, path in ROUTES:
        assert f'"{path.partition("{")[0]}' in sources, path
    # A route of the sources that ROUTES lacks shows here.
    registered = sum(sources.count(word) for word in ("registerHandler(", "registerHandlerViaRegex("))
    assert registered == len(ROUTES)
    for method, path in ROUTES:
        real = path.replace("{character_id}", "999999").replace("{slug}", "someone").replace("{name}", "nothing.wav")
        answer = bare.http.request("patch", bare.url + real, timeout=10)
        assert answer.status_code == 405 and method.upper() in answer.headers["Allow"], (method, path, answer.status_code)


def test_the_server_s_answers_are_as_described(bare, validate):
    made = bare.create("Described", knowledge=EXAMPLES / "knowledge.txt", image=EXAMPLES / "picture.png",
                       llm_config={"temperature": 0.5, "api_key": "k", "base_url": "https://api.example/v1"})
    number = made.json()["character_id"]
    one = "/get-character/{character_id}"
    update, delete = "/update-character/{character_id}", "/delete-character/{character_id}"
    ask = {"character_id": number, "question": "Who is Barnacle?"}
    validate([
        (made, "post", "/create-character"), (bare.create(""), "post", "/create-character"),
        (bare.post("/create-character", json={}), "post", "/create-character"),
        (bare.get("/"), "get", "/"), (bare.get("/health"), "get", "/health"), (bare.get("/openapi.json"), "get", "/openapi.json"),
        (bare.get("/get-characters"), "get", "/get-characters"), (bare.get(f"/get-character/{number}"), "get", one),
        (bare.get("/get-character/999999"), "get", one), (bare.get("/get-character/x"), "get", one),
        (bare.get("/get-tts-models"), "get", "/get-tts-models"),
        (bare.post(f"/update-character/{number}", files={"name": (None, "Renamed")}), "post", update),
        (bare.post("/update-character/999999", files={"name": (None, "Nobody")}), "post", update),
        (bare.post("/load-character", json={"character_id": 999999}), "post", "/load-character"),
        (bare.post("/load-character", json={}), "post", "/load-character"),
        (bare.post("/ask-question-text", json={"character_id": 999999, "question": "?"}), "post", "/ask-question-text"),
        (bare.post("/ask-question-text", json={}), "post", "/ask-question-text"),
        (bare.post("/ask-question-text", data="{}"), "post", "/ask-question-text"),
        (bare.post("/ask-question-audio", data={}), "post", "/ask-question-audio"),
        (bare.post("/download-model", json={}), "post", "/download-model"),
        (bare.post("/download-model", json={"model_name": "gpt-4", "model_type": "openai"}), "post", "/download-model"),
        (bare.get("/serve-image/someone/nothing.png"), "get", "/serve-image/{slug}/{name}"),
    ])
    plain = bare.create("Plain", knowledge=EXAMPLES / "knowledge.txt").json()["character_id"]
    validate([(bare.ask(plain, ask["question"]), "post", "/ask-question-text"),
              (bare.delete(f"/delete-character/{number}"), "delete", delete),
              (bare.delete(f"/delete-character/{number}"), "delete", delete)])


@pytest.mark.models
def test_the_answers_of_all_models_are_as_described(full, ida, validate):
    from test_characters import RECORDING
    validate([(full.ask(ida, "Who is Barnacle?", audio=False), "post", "/ask-question-text"),
              (full.ask_audio(ida, RECORDING.read_bytes(), audio="false"), "post", "/ask-question-audio"),
              (full.get("/health"), "get", "/health")])


def test_the_page_says_what_the_description_says(bare, description):
    page = bare.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    for path in description["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert "<script" not in page.text and "https://" not in page.text


def test_the_description_wants_the_key_where_there_is_one(tmp_path):
    with Server(tmp_path, TITANS_API_KEY="open-sesame") as server:
        for path in ("/openapi.json", "/docs", "/health"):
            assert server.get(path).status_code == 401
            assert server.get(path, headers={"X-API-Key": "open-sesame"}).status_code == 200


def test_generated_requests_get_what_is_described(tmp_path, schemathesis):
    # Nothing leaves the machine: the hub is a port on which nobody listens.
    with Server(tmp_path, MAX_UPLOAD_MB=1, HF_ENDPOINT="http://127.0.0.1:9") as server:
        for name in ("One", "Two"):
            assert server.create(name, knowledge=EXAMPLES / "knowledge.txt").status_code == 201
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", server.url + "/openapi.json", "--max-examples=15",
             "--phases=examples,coverage,fuzzing", "--workers=2", "--generation-deterministic", "--suppress-health-check=all",
             "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
             "--exclude-path=/download-model", "--request-timeout=30", "--no-color"],
            env=schemathesis | {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}, cwd=tmp_path, text=True,
            capture_output=True, timeout=600)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert server.get("/").status_code == 200

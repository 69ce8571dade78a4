"""Minds behind APIs, what they are told, where keys go, and what a deadline leaves."""

import pathlib
import sys
import time

import pytest
from server import Server, events

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fakes.upstream import (FakeUpstream, cut, endless, failing, malformed, rate_limited, redirect, silent, slow,  # noqa: E402
                            streamed, unauthorized, whole)

KEY = "sk-operator-0123456789abcdef"
FLINT = ("flint.txt", b"The lighthouse of Flint was built in 1871.\n\nThe boat of the keeper is called Gullwing.")


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(autouse=True)
def calm(upstream):
    upstream.script, upstream.behaviour, upstream.requests[:] = [], streamed(), []
    upstream.answer = "The lighthouse was built in 1871."


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream):
    """Its operator's API is the fake."""
    with Server(tmp_path_factory.mktemp("api-minds"), OPENAI_API_KEY=KEY, OPENAI_BASE_URL=upstream.base_url,
                DEFAULT_OPENAI_MODEL="fake-default", REQUEST_TIMEOUT=6) as server:
        yield server


@pytest.fixture(scope="module")
def ada(server):
    return server.create("Ada", knowledge=FLINT, llm_config={"system_prompt": "You are Ada."}).json()["character_id"]


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    for word in words:
        assert word in answer.json()["error"], answer.text


def test_who_names_nothing_gets_the_operators_default_model_and_key(server, upstream, ada):
    answer = server.ask(ada, "When was the lighthouse of Flint built?").json()
    assert answer["text_response"] == upstream.answer
    assert answer["mind"] == {"engine": "api", "model": "fake-default"}
    assert answer["audio_url"].endswith(".wav")
    request = upstream.requests[0]
    assert request.key == KEY and request.json["model"] == "fake-default" and request.json["stream"] is True
    assert request.json["messages"][0] == {"role": "system", "content": "You are Ada."}
    assert "1871" in request.json["messages"][-1]["content"]


def test_options_are_sent_under_the_apis_names(server, upstream):
    config = {"max_tokens": 77, "temperature": 0.25, "top_p": 0.5, "stop_tokens": ["\nUser:", " in"], "model_name": "gpt-x"}
    character = server.create("Ada", llm_config=config).json()["character_id"]
    answer = server.ask(character, "When?", audio=False).json()
    sent = upstream.requests[0].json
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"], sent["model"]) == (77, 0.25, 0.5, "gpt-x")
    assert sent["stop"] == ["\nUser:", " in"]
    assert answer["text_response"] == "The lighthouse was built"  # held to it, though the API did not stop


def test_a_stream_comes_on_as_it_comes_in(server, upstream, ada):
    upstream.behaviour = slow(pause=0.15)
    started, arrivals = time.monotonic(), []
    response = server.post("/ask-question-text", json={"character_id": ada, "question": "When?", "stream": True}, stream=True)
    for name, _ in events(response):
        if name == "text":
            arrivals.append(time.monotonic() - started)
    assert len(arrivals) >= 5 and arrivals[-1] - arrivals[0] > 0.4


def test_sessions_tell_the_mind_what_was_said_and_not_the_passages(server, upstream):
    character = server.create("Ada", knowledge=FLINT).json()["character_id"]
    server.ask(character, "When was the lighthouse of Flint built?", session_id="s", audio=False)
    upstream.answer = "Gullwing."
    server.ask(character, "What is the boat of the keeper called?", session_id="s", audio=False)
    server.ask(character, "What is the boat called?", session_id="other", audio=False)
    second, third = upstream.requests[1].json["messages"], upstream.requests[2].json["messages"]
    assert second[1:3] == [{"role": "user", "content": "When was the lighthouse of Flint built?"},
                           {"role": "assistant", "content": "The lighthouse was built in 1871."}]
    assert "Gullwing" in second[-1]["content"]
    assert len(third) == 2


def test_a_client_may_not_send_the_server_to_private_addresses(server):
    with FakeUpstream() as inside:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "017700000001", "0.0.0.0",
                     "169.254.169.254", "[fe80::1]", "10.0.0.1", "[64:ff9b::7f00:1]"):
            answer = server.create("Ada", llm_config={"base_url": f"http://{host}:{inside.port}/v1", "api_key": "k" * 20})
            if answer.status_code == 201:
                answer = server.ask(answer.json()["character_id"], "When?", audio=False)
            refused(answer, 400, "llm_config.base_url")
        assert not inside.requests


def test_the_operators_key_goes_to_no_other_origin(tmp_path, upstream):
    with FakeUpstream() as other:
        with Server(tmp_path, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=upstream.base_url,
                    ALLOWED_PRIVATE_HOSTS=f"127.0.0.1:{other.port}") as server:
            character = server.create("Ada", llm_config={"base_url": other.base_url}).json()["character_id"]
            assert server.ask(character, "When?", audio=False).status_code == 200
            assert other.requests[0].key == ""
            # A redirect is not followed, least of all with the key.
            upstream.behaviour = redirect(other.base_url + "/chat/completions")
            plain = server.create("Ada").json()["character_id"]
            refused(server.ask(plain, "When?", audio=False), 502)
            assert len(other.requests) == 1


def test_a_private_host_is_allowed_by_its_port_alone(tmp_path):
    with FakeUpstream() as listed, FakeUpstream() as other:
        with Server(tmp_path, ALLOWED_PRIVATE_HOSTS=f"127.0.0.1:{listed.port}") as server:
            for fake, status in ((listed, 200), (other, 400)):
                character = server.create("Ada", llm_config={"base_url": fake.base_url}).json()["character_id"]
                assert server.ask(character, "When?", audio=False).status_code == status


@pytest.mark.parametrize("behaviour", [unauthorized(), failing(403, "no {} here"), cut(), malformed()])
def test_what_fails_upstream_is_a_502_without_the_key(server, upstream, behaviour):
    secret = "sk-abcdefghijklmnopqrstuvwxyz"
    character = server.create("Ada", llm_config={"api_key": secret, "model_name": "m"}).json()["character_id"]
    upstream.behaviour = behaviour
    answer = server.ask(character, "When?", audio=False)
    refused(answer, 502, "127.0.0.1")
    pieces = {secret[i:i + 8] for i in range(len(secret) - 7)}
    assert not [piece for piece in pieces if piece in answer.text]
    assert not [piece for piece in pieces if piece.encode() in server.log.read_bytes()]


def test_a_busy_api_is_asked_again_and_retry_after_is_obeyed(server, upstream, ada):
    upstream.script = [rate_limited("1"), failing(503)]
    started = time.monotonic()
    assert server.ask(ada, "When?", audio=False).status_code == 200
    assert len(upstream.requests) == 3 and time.monotonic() - started >= 1
    upstream.requests[:] = []
    upstream.behaviour = failing(500, "still broken")
    refused(server.ask(ada, "When?", audio=False), 502, "still broken")
    assert len(upstream.requests) == 4


def test_an_api_that_does_not_stream_is_understood(server, upstream, ada):
    upstream.behaviour = whole()
    assert server.ask(ada, "When?", audio=False).json()["text_response"] == upstream.answer


def test_the_deadline_leaves_what_was_written_and_spoken(server, upstream, ada):
    upstream.answer = "The lighthouse was built in 1871. " + "It has a lamp. " * 200
    upstream.behaviour = slow(pause=0.05)
    started = time.monotonic()
    answer = server.ask(ada, "Tell me all.")
    assert 5 < time.monotonic() - started < 12
    body = answer.json()
    assert answer.status_code == 200 and body["truncated"] is True
    assert body["text_response"].startswith("The lighthouse was built in 1871.")
    assert body["audio_url"]
    assert server.get(body["audio_url"].replace(server.url, "")).content[:4] == b"RIFF"


def test_nothing_written_by_the_deadline_is_a_504(server, upstream, ada):
    upstream.behaviour = silent()
    refused(server.ask(ada, "When?", audio=False), 504)


def test_an_endless_answer_ends(server, upstream, ada):
    upstream.behaviour = endless()
    answer = server.ask(ada, "When?", audio=False)
    assert answer.status_code == 200 and answer.json()["truncated"] is True
    assert len(answer.content) < 1 << 20
    for kind in ("comments", "line", "body"):
        upstream.behaviour = endless(kind)
        assert server.ask(ada, "When?", audio=False).status_code in (502, 504), kind


def test_documents_leave_the_machine_only_for_an_embedding_model_of_the_api(tmp_path, upstream, server):
    server.ask(server.create("Ada", knowledge=FLINT).json()["character_id"], "When?", audio=False)
    assert not [request for request in upstream.requests if request.path.endswith("/embeddings")]
    settings = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": upstream.base_url}
    with Server(tmp_path, EMBEDDING_MODEL="text-embedding-ada-002", **settings) as remote:
        character = remote.create("Ada", knowledge=FLINT).json()["character_id"]
        sent = [request.json for request in upstream.requests if request.path.endswith("/embeddings")]
        assert sent and sent[0]["model"] == "text-embedding-ada-002"
        assert any("Gullwing" in text for text in sent[0]["input"])
        assert remote.ask(character, "When was it built?", audio=False).status_code == 200
    # Another model: everything is embedded anew, and old vectors are not searched.
    upstream.requests[:] = []
    with Server(tmp_path, EMBEDDING_MODEL="text-embedding-3-small", **settings):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if any("Gullwing" in str(request.json.get("input")) for request in upstream.requests):
                break
            time.sleep(0.1)
        assert any("Gullwing" in str(request.json.get("input")) for request in upstream.requests)


def test_keys_that_another_server_sealed_are_asked_for_again(tmp_path, upstream):
    settings = {"OPENAI_BASE_URL": upstream.base_url}
    with Server(tmp_path, TITANS_SECRET_KEY="a shared secret of some length", **settings) as first:
        character = first.create("Ada", llm_config={"api_key": "k" * 20, "model_name": "m"}).json()["character_id"]
        assert first.ask(character, "When?", audio=False).status_code == 200
    with Server(tmp_path, TITANS_SECRET_KEY="another secret of such length", **settings) as second:
        refused(second.ask(character, "When?", audio=False), 409, "llm_config.api_key")

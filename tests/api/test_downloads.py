"""POST /download-model and `titans models fetch`, with a hub of our own."""

import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import pytest
import requests
from server import PROGRAM, ROOT, Server, clean_environment

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakes"))
from hub import FakeHub, Repository, expect_voices, voice_repositories  # noqa: E402

MEGABYTE = 1 << 20
# Of the caller's own, none may reach the hub.
TOKENS = {"HUGGINGFACE_API_KEY": "", "HF_TOKEN": "", "HF_TOKEN_PATH": "/nonexistent/token", "HF_HOME": "/nonexistent"}


def content(size, seed=0):
    return random.Random(seed).randbytes(size)


@pytest.fixture
def hub():
    with FakeHub({
            "someone/mind": {"README.md": b"read me", "mind-Q4_K_M.gguf": content(3 * MEGABYTE, 4),
                             "mind-Q8_0.gguf": content(6 * MEGABYTE, 8), "mmproj-mind-Q8_0.gguf": b"no mind"},
            "someone/split": {f"q/mind-Q4_0-0000{i}-of-00003.gguf": content(MEGABYTE, i) for i in (1, 2, 3)},
            "someone/checkpoint": {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": content(MEGABYTE),
                                   "pytorch_model.bin": b"pickle", "modeling.py": b"evil", "vocab.txt": b""},
            "someone/gated": Repository({"mind-Q4_0.gguf": content(MEGABYTE)}, gated=True),
            "someone/private": Repository({"config.json": b"{}", "model.safetensors": content(MEGABYTE)}, private=True),
            "someone/hostile": {"../../escaped-Q4_0.gguf": b"x", "/tmp/escaped-Q4_0.gguf": b"x", "a/../../x.gguf": b"x",
                                "..\\x.gguf": b"x", "x\x1b[2J.gguf": b"x"}}) as fake:
        yield fake


@pytest.fixture
def server(hub, tmp_path):
    with Server(tmp_path / "server", models=tmp_path / "models", HF_ENDPOINT=hub.url, **TOKENS) as running:
        yield running


def download(server, timeout=60, **body):
    return requests.post(server.url + "/download-model", json=body, timeout=timeout)


def fetch(hub, models, *words, **settings):
    """`titans models fetch`, with its endings as a process."""
    environment = clean_environment(**TOKENS | {"MODELS_DIR": models, "HF_ENDPOINT": hub.url} | settings)
    return subprocess.Popen([PROGRAM, "models", "fetch", *words], env=environment, cwd=models.parent,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stored(models):
    """What the models' folder holds: name: bytes, without the records."""
    return {str(file.relative_to(models)): file.read_bytes()
            for file in sorted(models.rglob("*")) if file.is_file() and file.name != "model.json"}


def test_gets_one_quantisation_and_says_where(server, hub, tmp_path):
    answer = download(server, model_name="someone/mind", model_type="huggingface", file="q4_k_m")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "success" and body["message"]
    assert body["model_path"] == "someone/mind/mind-Q4_K_M.gguf"
    assert stored(tmp_path / "models") == {body["model_path"]: hub.repository("someone/mind").files["mind-Q4_K_M.gguf"]}
    asked = len(hub.requests)
    assert download(server, model_name="someone/mind").json() == body
    assert len(hub.requests) == asked


def test_takes_the_best_that_fits_memory(server):
    assert download(server, model_name="someone/mind").json()["model_path"] == "someone/mind/mind-Q8_0.gguf"


def test_keeps_a_second_quantisation_beside_the_first(server, tmp_path):
    for file in ("Q4_K_M", "Q8_0"):
        assert download(server, model_name="someone/mind", file=file).status_code == 200
    assert set(stored(tmp_path / "models")) == {"someone/mind/mind-Q4_K_M.gguf", "someone/mind/mind-Q8_0.gguf"}


def test_gets_all_parts_of_a_split_file(server, hub, tmp_path):
    answer = download(server, model_name="someone/split")
    assert answer.json()["model_path"] == "someone/split/q/mind-Q4_0-00001-of-00003.gguf"
    assert stored(tmp_path / "models") == {f"someone/split/{name}": bytes_
                                           for name, bytes_ in hub.repository("someone/split").files.items()}


def test_gets_what_a_checkpoint_needs(server, tmp_path):
    answer = download(server, model_name="someone/checkpoint")
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_path"] == "someone/checkpoint"
    assert {name.removeprefix("someone/checkpoint/") for name in stored(tmp_path / "models")} == {
        "config.json", "model.safetensors", "tokenizer.json", "vocab.txt"}


def test_has_nothing_to_do_for_openai(server, hub):
    answer = download(server, model_name="gpt-4o", model_type="openai")
    assert answer.status_code == 200
    assert answer.json()["model_path"] is None and answer.json()["status"] == "success"
    assert not hub.requests


@pytest.mark.parametrize("body, field", [
    ({}, "model_name"), ({"model_name": 7}, "model_name"), ({"model_name": ""}, "model_name"),
    ({"model_name": "mind"}, "model_name"), ({"model_name": "../mind"}, "model_name"),
    ({"model_name": "a/b/c"}, "model_name"), ({"model_name": "a/../b"}, "model_name"),
    ({"model_name": "a/b?x=1"}, "model_name"), ({"model_name": "a/" + "b" * 97}, "model_name"),
    ({"model_name": "someone/mind", "model_type": "torch"}, "model_type"),
    ({"model_name": "someone/mind", "model_type": 1}, "model_type"),
    ({"model_name": "f5tts", "accept_license": "yes"}, "accept_license"), ({"model_name": "f5tts", "file": "Q4_0"}, "file"),
    ({"model_name": "someone/mind", "file": []}, "file"), ({"model_name": "someone/mind", "file": "mind"}, "file"),
    ({"model_name": "someone/checkpoint", "file": "Q4_0"}, "file")])
def test_names_the_field_that_is_wrong(server, body, field):
    answer = download(server, **body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["status"] == "error" and answer.json()["error"].startswith(field), answer.text


def test_wants_json(server):
    assert requests.post(server.url + "/download-model", data="x=1", timeout=60).status_code == 415
    assert requests.post(server.url + "/download-model", data="{", headers={"Content-Type": "application/json"},
                         timeout=60).status_code == 400
    assert requests.get(server.url + "/download-model", timeout=60).status_code == 405


def test_tells_what_is_not_there(server):
    for body in ({"model_name": "someone/else"}, {"model_name": "someone/private"}, {"model_name": "someone/hostile"},
                 {"model_name": "someone/mind", "file": "Q5_0"}):
        assert download(server, **body).status_code == 404


def test_says_how_to_get_a_gated_model(server, hub):
    answer = download(server, model_name="someone/gated")
    assert answer.status_code == 403
    assert f"{hub.url}/someone/gated" in answer.json()["error"] and "HUGGINGFACE_API_KEY" in answer.json()["error"]
    assert "no token was sent" in answer.json()["error"]


def test_sends_the_token_to_the_hub_alone(hub, tmp_path):
    with Server(tmp_path / "server", models=tmp_path / "models", HF_ENDPOINT=hub.url,
                **TOKENS | {"HUGGINGFACE_API_KEY": "hf_good"}) as server:
        for name in ("someone/gated", "someone/private"):
            assert download(server, model_name=name).status_code == 200
    assert all(request.headers.get("authorization") == "Bearer hf_good" for request in hub.of("hub"))
    assert hub.of("cdn") and not any("hf_good" in str(request) for request in hub.of("cdn"))
    assert "hf_good" not in server.log.read_text()


def test_does_not_repeat_a_token_that_is_refused(hub, tmp_path):
    with Server(tmp_path / "server", models=tmp_path / "models", HF_ENDPOINT=hub.url,
                **TOKENS | {"HF_TOKEN": "hf_of_another"}) as server:
        answer = download(server, model_name="someone/gated")
    assert answer.status_code == 403
    assert "hf_of_another" not in answer.text + server.log.read_text()


def test_goes_on_after_cuts_at_random_bytes(server, hub, tmp_path):
    repository = hub.repository("someone/mind")
    repository.cuts = 12
    answer = download(server, model_name="someone/mind", file="Q8_0")
    assert answer.status_code == 200, answer.text
    assert stored(tmp_path / "models")[answer.json()["model_path"]] == repository.files["mind-Q8_0.gguf"]
    # Nothing twice, but for what was on its way when a connection broke.
    assert sum(request.sent for request in hub.of("cdn")) < 1.5 * len(repository.files["mind-Q8_0.gguf"])


def test_refuses_wrong_bytes(server, hub, tmp_path):
    hub.repository("someone/mind").wrong.add("mind-Q8_0.gguf")
    answer = download(server, model_name="someone/mind")
    assert answer.status_code == 502 and "SHA-256" in answer.json()["error"]
    hub.repository("someone/checkpoint").wrong.add("config.json")
    assert download(server, model_name="someone/checkpoint").status_code == 502
    assert not stored(tmp_path / "models") or all(".download/" in name for name in stored(tmp_path / "models"))


def test_tries_again_what_passes(server, hub):
    hub.repository("someone/mind").fail = 2
    assert download(server, model_name="someone/mind").status_code == 200


def test_equal_requests_share_one_download(server, hub):
    hub.repository("someone/mind").bytes_per_second = 4 * MEGABYTE
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(download(server, model_name="someone/mind").status_code))
               for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [200] * 4
    assert len(hub.of("cdn")) == 1


def test_goes_on_when_the_client_leaves_and_shows_in_health(server, hub):
    hub.repository("someone/mind").bytes_per_second = 3 * MEGABYTE
    with pytest.raises(requests.exceptions.ReadTimeout):
        download(server, timeout=0.5, model_name="someone/mind")
    assert "someone/mind" in json.dumps(server.get("/health").json()["downloads"])
    deadline = time.monotonic() + 30
    while "someone/mind" in json.dumps(server.get("/health").json()["downloads"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(hub.of("cdn")) == 1
    assert download(server, timeout=5, model_name="someone/mind").status_code == 200
    assert len(hub.of("cdn")) == 1


def test_ends_at_once_and_goes_on_at_the_next_start(server, hub, tmp_path):
    repository = hub.repository("someone/mind")
    repository.bytes_per_second = 2 * MEGABYTE
    with pytest.raises(requests.exceptions.ReadTimeout):
        download(server, timeout=1, model_name="someone/mind")

    def wait():
        with contextlib.suppress(requests.exceptions.ConnectionError):  # or 503: both are an end
            download(server, model_name="someone/mind")

    client = threading.Thread(target=wait)
    client.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5
    client.join(10)
    assert not client.is_alive()
    assert not (tmp_path / "models/someone").exists()
    repository.bytes_per_second = 0
    with Server(tmp_path / "again", models=tmp_path / "models", HF_ENDPOINT=hub.url, **TOKENS) as again:
        assert download(again, model_name="someone/mind").status_code == 200
    assert hub.of("cdn")[-1].status == 206


def test_an_unreachable_hub_is_an_upstream_error(tmp_path):
    with FakeHub({}) as gone:
        url = gone.url
    with Server(tmp_path / "server", models=tmp_path / "models", HF_ENDPOINT=url, **TOKENS) as server:
        assert download(server, model_name="someone/mind").status_code == 502


def test_the_command_line_fetches_and_lists(hub, tmp_path):
    models = tmp_path / "models"
    process = fetch(hub, models, "someone/mind", "--file", "Q4_K_M")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "mind-Q4_K_M.gguf" in said and "3.1 MB" in said
    listed = subprocess.run([PROGRAM, "models", "list"], env=clean_environment(MODELS_DIR=models), cwd=tmp_path,
                            capture_output=True, text=True, check=True).stdout
    assert "someone/mind" in listed and "mind-Q4_K_M.gguf" in listed
    process = fetch(hub, models, "someone/gated")
    assert "HUGGINGFACE_API_KEY" in process.communicate(timeout=60)[0]
    assert process.returncode != 0


def kill_at_random_moments(hub, models, moments):
    """Fetches, killed again and again, until it is there; no half of it ever counts."""
    repository = hub.repository("someone/mind")
    repository.bytes_per_second = 8 * MEGABYTE
    whole = repository.files["mind-Q8_0.gguf"]
    moment = random.Random(7)
    for _ in range(moments):
        process = fetch(hub, models, "someone/mind", "--file", "Q8_0")
        time.sleep(moment.uniform(0, 0.3))
        process.kill()
        process.communicate()
        if (models / "someone/mind/model.json").exists():
            assert (models / "someone/mind/mind-Q8_0.gguf").read_bytes() == whole
    process = fetch(hub, models, "someone/mind", "--file", "Q8_0")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert stored(models) == {"someone/mind/mind-Q8_0.gguf": whole}
    # Each kill costs at most what was under way.
    assert sum(request.sent for request in hub.of("cdn")) < 4 * len(whole)


def test_goes_on_after_kills(hub, tmp_path):
    kill_at_random_moments(hub, tmp_path / "models", 8)


@pytest.mark.long
def test_goes_on_after_many_kills(hub, tmp_path):
    kill_at_random_moments(hub, tmp_path / "models", 50)


@pytest.fixture
def small_disk(tmp_path):
    """A models' folder on a disk of its own, with 76 MB."""
    models = tmp_path / "models"
    models.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=76m", "titans", models],
                                           capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield models
    subprocess.run(["umount", "--lazy", models], check=True)


def test_refuses_what_the_disk_has_no_room_for(hub, small_disk):
    (small_disk / "other").write_bytes(bytes(8 * MEGABYTE))
    process = fetch(hub, small_disk, "someone/mind", "--file", "Q8_0")
    said = process.communicate(timeout=60)[0]
    assert process.returncode != 0 and "not enough disk space: someone/mind needs" in said, said
    assert not hub.of("cdn")


def test_tells_a_disk_that_fills_up_and_goes_on_when_there_is_room(hub, small_disk):
    repository = hub.repository("someone/mind")
    repository.bytes_per_second = 4 * MEGABYTE
    process = fetch(hub, small_disk, "someone/mind", "--file", "Q8_0")
    while not hub.of("cdn"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    with pytest.raises(OSError), (small_disk / "other").open("wb", buffering=0) as other:
        while True:
            other.write(bytes(MEGABYTE))
    said = process.communicate(timeout=60)[0]
    assert process.returncode != 0 and "not enough disk space" in said, said
    assert not (small_disk / "someone").exists()
    (small_disk / "other").unlink()
    repository.bytes_per_second = 0
    process = fetch(hub, small_disk, "someone/mind", "--file", "Q8_0")
    assert process.wait(60) == 0, process.communicate()
    assert hub.of("cdn")[-1].status == 206
    assert stored(small_disk) == {"someone/mind/mind-Q8_0.gguf": repository.files["mind-Q8_0.gguf"]}


# The downloads of one test are not the next one's.
ALONE = {"TITANS_CACHE": ""}
VOICE = "f5tts/f5tts.gguf"
VOCODER = "vocos-mel-24khz/vocos.gguf"


@pytest.fixture
def voice_hub(tmp_path):
    """A hub with small voices, and a models' folder that expects them."""
    repositories = voice_repositories(ROOT / "tests/parity")
    expect_voices(tmp_path / "models", repositories)
    with FakeHub(repositories) as fake:
        yield fake


def voice_server(hub, tmp_path, **settings):
    return Server(tmp_path / "server", models=tmp_path / "models", HF_ENDPOINT=hub.url, **TOKENS | ALONE | settings)


def converted(models):
    """The converted files that the models' folder holds."""
    found = {name: content for name, content in stored(models).items() if name.endswith(".gguf")}
    assert all(content.startswith(b"GGUF") for content in found.values())
    return set(found)


@pytest.mark.parametrize("name", ["f5tts", "SWivid/F5-TTS"])
def test_a_voice_whose_licence_is_accepted_comes_with_its_vocoder(voice_hub, tmp_path, name):
    with voice_server(voice_hub, tmp_path) as server:
        answer = download(server, model_name=name)
        assert answer.status_code == 403, answer.text
        error = answer.json()["error"]
        assert error.startswith("accept_license: f5tts is under the licence CC-BY-NC-4.0"), error
        assert "https://creativecommons.org/licenses/by-nc/4.0/" in error and "commercially" in error
        assert "ACCEPT_LICENSES=CC-BY-NC-4.0" in error
        assert download(server, model_name=name, accept_license=False).status_code == 403
        assert not voice_hub.requests and not converted(tmp_path / "models")
        answer = download(server, model_name=name, accept_license=True)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model_path"] == VOICE
        assert converted(tmp_path / "models") == {VOICE, VOCODER}
        record = json.loads((tmp_path / "models/f5tts/model.json").read_text())
        assert record["licence_accepted"]["licence"] == "CC-BY-NC-4.0" and record["licence_accepted"]["by"] == "request"
        # What is here is neither asked about nor fetched again.
        asked = len(voice_hub.requests)
        assert download(server, model_name=name).json()["model_path"] == VOICE
        assert len(voice_hub.requests) == asked


def test_the_vocoder_alone_needs_no_acceptance(voice_hub, tmp_path):
    with voice_server(voice_hub, tmp_path) as server:
        assert download(server, model_name="charactr/vocos-mel-24khz").json()["model_path"] == VOCODER
    assert converted(tmp_path / "models") == {VOCODER}


def test_the_settings_accept_a_licence(voice_hub, tmp_path):
    with voice_server(voice_hub, tmp_path, ACCEPT_LICENSES="cc-by-nc-4.0") as server:
        answer = download(server, model_name="f5tts-base")
        assert answer.status_code == 200, answer.text
        assert answer.json()["model_path"] == "f5tts-base/f5tts.gguf"
    assert json.loads((tmp_path / "models/f5tts-base/model.json").read_text())["licence_accepted"]["by"] == "ACCEPT_LICENSES"


def test_the_command_line_accepts_a_licence_and_says_so(voice_hub, tmp_path):
    process = fetch(voice_hub, tmp_path / "models", "f5tts", **ALONE)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "CC-BY-NC-4.0" in said and "https://creativecommons.org/licenses/by-nc/4.0/" in said
    assert "commercially" in said and "you accept" in said
    assert converted(tmp_path / "models") == {VOICE, VOCODER}
    said = fetch(voice_hub, tmp_path / "models", "vocos-mel-24khz", **ALONE).communicate(timeout=60)[0]
    assert "you accept" not in said


def test_a_voice_of_other_bytes_is_refused(voice_hub, tmp_path):
    voice_hub.repository("SWivid/F5-TTS").wrong.add("F5TTS_v1_Base/vocab.txt")
    with voice_server(voice_hub, tmp_path) as server:
        answer = download(server, model_name="f5tts", accept_license=True)
        assert answer.status_code == 502, answer.text
        voice_hub.repository("SWivid/F5-TTS").wrong.clear()
        # The weights, which were right, are here already.
        cdn = len(voice_hub.of("cdn"))
        assert download(server, model_name="f5tts", accept_license=True).status_code == 200
        assert len(voice_hub.of("cdn")) == cdn

"""Voices on a GPU, or on a driver that plays one (docs/networks.md, "On a GPU"); skipped where there is neither."""

import contextlib

import pytest
from server import Server
from test_voices import REPOSITORIES, SAMPLE, TEXT, ask, expect_voices, make, sound

from hub import FakeHub

# Vulkan lists a driver that computes on the processor only if it is named; it gets products by matrix units wrong.
DRIVER = {"GGML_VK_VISIBLE_DEVICES": "0", "GGML_VK_DISABLE_COOPMAT": "1"}


@contextlib.contextmanager
def running(folder, hub, **settings):
    with Server(folder / "server", models=folder / "models", HF_ENDPOINT=hub.url, TITANS_CACHE=folder / "cache",
                REQUEST_TIMEOUT=600, **DRIVER, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def hub():
    with FakeHub(REPOSITORIES) as fake:
        yield fake


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gpu")


@pytest.fixture(scope="module")
def server(hub, folder):
    expect_voices(folder / "models", REPOSITORIES)
    with running(folder, hub, ENABLE_GPU="true") as server:
        if "no GPU that this build can use" in server.log.read_text():
            pytest.skip("no GPU, and no driver that plays one")
        fetched = server.post("/download-model", json={"model_name": "f5tts", "accept_license": True})
        assert fetched.status_code == 200, fetched.text
        yield server


def test_a_voice_is_computed_where_it_wishes(server):
    usual = ask(server, make(server))["voice"]
    assert usual["device"] != "cpu" and usual["cloned"]
    assert usual["nfe_step"] == 16
    first = make(server, cuda_device="cuda:0", quality="fast")
    answers = {device: ask(server, make(server, cuda_device=device, quality="fast")) for device in ("0", "cpu", "99")}
    assert ask(server, first)["voice"] == answers["0"]["voice"] == usual | {"nfe_step": 7}
    for device in ("cpu", "99"):
        assert answers[device]["voice"] == usual | {"nfe_step": 7, "device": "cpu"}, device
    # The same numbers but for their last bits: as long, and not the silence or noise of a network that is computed wrongly.
    assert len(sound(server, answers["0"]["audio_url"])) == len(sound(server, answers["cpu"]["audio_url"]))


def test_a_gpu_that_is_not_there_is_told(server):
    def warnings(device):
        answer = server.create("Jane", voice=("v.wav", SAMPLE),
                               voice_cloning_settings={"model": "f5tts", "reference_text": TEXT, "cuda_device": device})
        return [warning for warning in answer.json()["warnings"] if "cuda_device" in warning]
    assert not warnings("0") and not warnings("cpu") and not warnings("auto")
    assert "99" in warnings("99")[0]


def test_the_processor_computes_where_gpus_are_not_wanted(server, hub, folder):
    """Last of this file: the server's folder is taken over."""
    character = make(server)
    server.stop()
    with running(folder, hub, ENABLE_GPU="false") as other:
        voice = ask(other, character)["voice"]
        assert voice["device"] == "cpu" and voice["nfe_step"] == 7

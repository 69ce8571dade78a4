"""A checkpoint of F5-TTS in its official size and names, from a hub to a voice."""

import io
import pathlib
import shutil
import sys
import wave

import numpy
import pytest
import requests
from server import MODELS, Server
from test_audio import SENTENCES, recording, spoken

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakes"))
from checkpoints import large_voice_repositories  # noqa: E402
from hub import FakeHub, expect_voices  # noqa: E402
from upstream import FakeUpstream  # noqa: E402

ANSWER = "The ferry to the island leaves at nine in the morning."


@pytest.fixture
def large_folder(tmp_path):
    """Of several gigabytes, which pytest would keep for a while."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.long
@pytest.mark.models
def test_a_full_size_checkpoint_becomes_a_voice(large_folder):
    repositories = large_voice_repositories(seed=23)
    # Ears and embedder are loaded with the character.
    shutil.copytree(MODELS, large_folder / "models", copy_function=shutil.copy, ignore=shutil.ignore_patterns(".*", "f5tts*", "vocos*"))
    expect_voices(large_folder / "models", repositories)
    sample, words = recording(SENTENCES[0]), " ".join(spoken(SENTENCES[0]))
    with FakeHub(repositories) as hub, FakeUpstream(answer=ANSWER) as mind, \
            Server(large_folder / "server", models=large_folder / "models", HF_ENDPOINT=hub.url,
                   TITANS_CACHE=large_folder / "cache", OPENAI_API_KEY="a key", OPENAI_BASE_URL=mind.base_url, REQUEST_TIMEOUT=900) as server:
        fetched = server.post("/download-model", timeout=600, json={"model_name": "f5tts", "accept_license": True})
        assert fetched.status_code == 200, fetched.text
        created = server.create("Jane", voice=("jane.wav", sample), voice_cloning_settings={
            "model": "f5tts", "reference_text": words, "language": "en", "nfe_step": 5, "seed": 3})
        assert created.status_code == 201, created.text
        character = created.json()["character_id"]
        loaded = server.load(character)
        assert loaded.status_code == 200 and "voice" not in "".join(loaded.json()["warnings"]), loaded.text
        first = server.ask(character, "When does the ferry leave?")
        assert first.status_code == 200, first.text
        answer, log = first.json(), server.log.read_text()
        assert answer["voice"]["cloned"] and answer["voice"]["nfe_step"] == 5 and answer["voice"]["seed"] == 3, answer["voice"]
        # Nothing was left to be loaded or learned: that takes some hundred times as long.
        assert log.count("voice.loaded") == log.count("voice.learned") == 1
        assert answer["timings"]["voice"] < 100, answer["timings"]
        with wave.open(io.BytesIO(requests.get(answer["audio_url"], timeout=60).content)) as wav:
            assert wav.getparams()[:3] == (1, 2, 24000)
            samples = numpy.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32768
        with wave.open(io.BytesIO(sample)) as wav:
            recorded = wav.getnframes() / wav.getframerate()
        # As many seconds a byte as in the recording, of which the silence at the ends is cut.
        expected = recorded * len(ANSWER) / len(words)
        assert 0.6 * expected < len(samples) / 24000 < 1.1 * expected, (len(samples), expected)
        # Infinite numbers would be silence or nothing but clipped.
        assert 0.003 < numpy.sqrt(numpy.mean(samples**2)) < 0.5 and numpy.mean(numpy.abs(samples) > 0.999) < 0.01

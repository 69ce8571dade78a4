"""Recognisers beside the default one, by a network of tests/parity: it knows nothing, but runs as a real one does."""

import shutil
import subprocess

import pytest
from server import PROGRAM, ROOT, SPEECH, Server, clean_environment

FAMILIES = {"wav2vec": "wav2vec2", "wav2vec2": "wav2vec2", "hubert": "hubert"}


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    """A server that has nothing but the small networks."""
    folder = tmp_path_factory.mktemp("ears")
    for kind in set(FAMILIES.values()):
        model = folder / "models" / "tests" / kind / "titans.gguf"
        model.parent.mkdir(parents=True)
        subprocess.run([PROGRAM, "convert", kind, ROOT / "tests/parity" / kind, model], env=clean_environment(), check=True)
    shutil.copytree(folder / "models/tests/wav2vec2", folder / "models/tests/mistaken")
    with Server(folder, models=folder / "models") as server:
        yield server


def ask(server, **settings):
    character = server.create("Ada", knowledge=("k.txt", b"Ada wrote the first program."), stt_settings=settings)
    assert character.ok, character.text
    recording = sorted(SPEECH.glob("*.wav"))[0]
    return server.post("/ask-question-audio", data={"character_id": character.json()["character_id"], "audio": "false"},
                       files={"audio_file": ("question.wav", recording.read_bytes())})


@pytest.mark.parametrize("name", FAMILIES)
def test_each_recogniser_hears_a_question(listener, name):
    response = ask(listener, model=name, model_name=f"tests/{FAMILIES[name]}", language="en")
    assert response.ok, response.text
    body = response.json()
    assert body["transcribed_question"]
    assert body["stt"].keys() == {"engine", "language", "confidence"}
    assert body["stt"]["engine"] == name
    assert body["stt"]["language"] == "en"
    assert 0 < body["stt"]["confidence"] <= 1


def test_the_language_is_null_where_the_recogniser_does_not_tell(listener):
    assert ask(listener, model="hubert", model_name="tests/hubert").json()["stt"]["language"] is None


def test_a_model_that_is_not_here_is_named_with_the_way_to_get_it(listener):
    response = ask(listener, model="wav2vec")
    assert response.status_code == 409
    assert "facebook/wav2vec2-large-960h" in response.json()["error"]
    assert "/download-model" in response.json()["error"]


def test_a_name_that_no_model_can_have_is_refused(listener):
    response = listener.create("Ada", stt_settings={"model": "hubert", "model_name": "../../etc"})
    assert response.status_code == 400
    assert "stt_settings.model_name" in response.json()["error"]


def test_a_model_of_the_other_family_is_refused(listener):
    response = ask(listener, model="hubert", model_name="tests/mistaken")
    assert response.status_code == 501
    assert "stt_settings.model_name" in response.json()["error"]

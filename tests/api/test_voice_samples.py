"""What voices learn from: a character's recording, prepared as its settings say, and its words."""

import random
import threading
import time
import wave

import pytest
import requests
from server import MODELS, Server
from test_audio import SENTENCES, recording, spoken
from words import word_error_rate

PREPARED = {"reference_text": "Given.", "preprocess_audio": True}
SILENT = recording(4)


@pytest.fixture(scope="module")
def database():
    """What a server of one's own needs to know of its database."""
    return {}


@pytest.fixture
def own(tmp_path, database):
    with Server(tmp_path, **database) as server:
        yield server
        for character in server.get("/get-characters").json()["characters"]:
            server.delete(f"/delete-character/{character['id']}")


def make(server, **parts):
    answer = server.create("Ada", **parts)
    assert answer.status_code == 201, answer.text
    return answer.json()["character_id"]


def files(server):
    """The recordings at 16 kHz, then the prepared ones at 48."""
    return sorted((server.media / "files").iterdir(), key=rate)


def rate(path):
    with wave.open(str(path)) as wav:
        return wav.getframerate()


def seconds(path):
    with wave.open(str(path)) as wav:
        return wav.getnframes() / wav.getframerate()


def reference(server, character, until=lambda reference: reference["text"] is not None):
    """What the server says of the recording, as soon as `until` is so."""
    for _ in range(600):
        found = server.show(character)["voice_reference"]
        if until(found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


class TestPreparing:
    def test_puts_the_prepared_sample_beside_the_recording(self, own):
        original = recording(2, SENTENCES[0], 3, SENTENCES[1])
        make(own, voice=("v.wav", original), voice_cloning_settings=PREPARED)
        first, second = files(own)
        assert first.read_bytes() == original
        assert seconds(second) < seconds(first) - 3  # without the silences
        with wave.open(str(second)) as wav:
            assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 48000)

    def test_is_not_done_unless_asked_for(self, own):
        make(own, voice=("v.wav", recording(SENTENCES[0])), voice_cloning_settings={"reference_text": "Given.", "top_db": 30})
        assert len(files(own)) == 1

    def test_is_done_anew_for_other_settings_and_another_recording(self, own):
        character = make(own, voice=("v.wav", recording(SENTENCES[0], 3)), voice_cloning_settings=PREPARED)
        original, prepared = files(own)
        # What does not concern it changes nothing.
        assert own.update(character, name="Grace", voice_cloning_settings=PREPARED | {"language": "de"}).status_code == 200
        assert files(own) == [original, prepared]
        answer = own.update(character, voice_cloning_settings=PREPARED | {"remove_silence": False})
        assert answer.status_code == 200 and "voice_sample" not in answer.json()
        assert files(own)[0] == original and len(files(own)) == 2
        assert seconds(files(own)[1]) == pytest.approx(seconds(original), abs=0.01)
        assert own.update(character, voice=("w.wav", recording(SENTENCES[1]))).status_code == 200
        assert len(files(own)) == 2 and not original.exists()
        assert seconds(files(own)[1]) == pytest.approx(seconds(files(own)[0]), abs=0.01)
        assert own.update(character, voice_cloning_settings={"reference_text": "Given."}).status_code == 200
        assert len(files(own)) == 1

    def test_goes_with_the_character(self, own):
        character = make(own, voice=("v.wav", recording(SENTENCES[0])), voice_cloning_settings=PREPARED)
        assert own.delete(f"/delete-character/{character}").status_code == 200
        assert files(own) == []

    def test_of_silence_is_refused(self, own):
        answer = own.create("Ada", voice=("v.wav", SILENT), voice_cloning_settings=PREPARED)
        assert answer.status_code == 400 and answer.json()["error"].startswith("voice_cloning_audio: "), answer.text
        character = make(own, voice=("v.wav", SILENT), voice_cloning_settings={"reference_text": "Given."})
        before = own.show(character)
        answer = own.update(character, voice_cloning_settings=PREPARED)
        assert answer.status_code == 400 and answer.json()["error"].startswith("voice_cloning_audio: "), answer.text
        assert own.show(character) == before and len(files(own)) == 1

    def test_shows_every_option_as_it_is(self, own):
        shown = own.show(make(own, voice_cloning_settings={"preprocess_audio": True, "top_db": 30}))["voice_cloning_settings"]
        assert {key: shown[key] for key in ("clean_audio", "remove_silence", "top_db", "enhance_audio", "fade_length_ms",
                                            "bass_boost", "treble_boost", "compression")} == {
            "clean_audio": True, "remove_silence": True, "top_db": 30, "enhance_audio": True, "fade_length_ms": 50,
            "bass_boost": True, "treble_boost": True, "compression": True}


def keep_changing(server, stop):
    """Makes, changes and deletes characters with voices, until the server's end or `stop`."""
    dice = random.Random()
    while not stop.is_set():
        try:
            character = server.create("Ada", voice=("v.wav", recording(SENTENCES[0])),
                                      voice_cloning_settings=PREPARED).json()["character_id"]
            for change in ({"voice_cloning_settings": PREPARED | {"top_db": dice.uniform(20, 60)}},
                           {"voice": ("w.wav", recording(SENTENCES[1]))}):
                server.update(character, **change)
            if dice.random() < 0.7:
                requests.delete(f"{server.url}/delete-character/{character}", timeout=60)
        except (requests.RequestException, ValueError, KeyError):
            return


def kill_while_changing(folder, settings, times):
    server = Server(folder, **settings)
    for _ in range(times):
        server.start()
        stop = threading.Event()
        threads = [threading.Thread(target=keep_changing, args=(server, stop)) for _ in range(3)]
        [thread.start() for thread in threads]
        time.sleep(random.uniform(0.3, 0.9))
        server.kill()
        stop.set()
        [thread.join() for thread in threads]
    with server:
        characters = server.get("/get-characters").json()["characters"]
        assert characters
        # Of each the recording and the prepared sample; nothing half written, and nothing of anybody else.
        assert len(files(server)) == 2 * len(characters)
        for character in characters:
            assert server.show(character["id"])["voice_reference"] == {"text": "Given.", "transcribed": False, "warnings": []}
            assert server.delete(f"/delete-character/{character['id']}").status_code == 200
        assert files(server) == []


def test_a_killed_server_leaves_no_sample_behind(tmp_path, database):
    kill_while_changing(tmp_path, database, 4)


@pytest.mark.long
def test_a_server_killed_many_times_leaves_no_sample_behind(tmp_path, database):
    kill_while_changing(tmp_path, database, 30)


class TestTranscribing:
    def test_keeps_the_words_that_were_given(self, own):
        character = make(own, voice=("v.wav", recording(SENTENCES[0])), voice_cloning_settings={"reference_text": "Given."})
        given = {"text": "Given.", "transcribed": False, "warnings": []}
        assert own.show(character)["voice_reference"] == given
        assert own.update(character, voice=("w.wav", recording(SENTENCES[1]))).status_code == 200
        assert own.show(character)["voice_reference"] == given
        assert own.show(make(own))["voice_reference"] is None

    def test_says_what_it_lacks(self, own):
        character = make(own, voice=("v.wav", recording(SENTENCES[0])))
        found = reference(own, character, lambda found: found["warnings"])
        assert found["text"] is None and "whisper-base is not here" in found["warnings"][0], found
        assert own.update(character, voice_cloning_settings={"reference_text": "Given."}).status_code == 200
        assert reference(own, character, lambda found: not found["warnings"])["text"] == "Given."

    @pytest.mark.models
    def test_goes_on_after_create_has_answered(self, full):
        character = make(full, voice=("v.wav", recording(*SENTENCES)))
        found = reference(full, character)
        assert found["transcribed"] and found["warnings"] == []
        assert word_error_rate(" ".join(spoken(SENTENCES[0]) + spoken(SENTENCES[1])), found["text"]) < 0.1, found
        # Shown apart from the settings, which stay as they were given.
        assert full.show(character)["voice_cloning_settings"].get("reference_text", "") == ""

    @pytest.mark.models
    def test_is_waited_for_by_load_character(self, full):
        character = make(full, voice=("v.wav", recording(1, SENTENCES[0], 3, SENTENCES[1])), voice_cloning_settings={
            "preprocess_audio": True})
        answer = full.load(character)
        assert answer.status_code == 200 and not any("reference_text" in text for text in answer.json()["warnings"]), answer.text
        found = full.show(character)["voice_reference"]
        assert word_error_rate(" ".join(spoken(SENTENCES[0]) + spoken(SENTENCES[1])), found["text"]) < 0.1, found

    @pytest.mark.models
    def test_is_done_anew_for_another_recording(self, full):
        character = make(full, voice=("v.wav", recording(SENTENCES[0])))
        assert word_error_rate(" ".join(spoken(SENTENCES[0])), reference(full, character)["text"]) < 0.15
        assert full.update(character, voice=("w.wav", recording(SENTENCES[1]))).status_code == 200
        assert word_error_rate(" ".join(spoken(SENTENCES[1])), reference(full, character)["text"]) < 0.15
        assert full.update(character, voice_cloning_settings={"reference_text": "Given."}).status_code == 200
        assert full.show(character)["voice_reference"] == {"text": "Given.", "transcribed": False, "warnings": []}

    @pytest.mark.models
    def test_says_that_nothing_was_understood(self, full):
        character = make(full, voice=("v.wav", SILENT))
        answer = full.load(character)
        assert answer.status_code == 200
        assert any("nothing was understood" in warning for warning in answer.json()["warnings"]), answer.text
        assert "nothing was understood" in full.show(character)["voice_reference"]["warnings"][0]

    @pytest.mark.models
    def test_survives_the_end_of_the_server(self, tmp_path, database):
        server = Server(tmp_path, models=MODELS, **database).start()
        characters = [make(server, voice=("v.wav", recording(*SENTENCES))) for _ in range(2)]
        server.kill()
        with server:
            for character in characters:
                assert reference(server, character)["transcribed"]
                server.delete(f"/delete-character/{character}")
            assert files(server) == []

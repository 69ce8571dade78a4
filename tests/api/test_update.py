"""Changing, loading and remembering: what a character becomes after it was made."""

import json
import threading

import pytest

from server import EXAMPLES

PNG = (EXAMPLES / "picture.png").read_bytes()
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
FLINT = ("flint.txt", b"The lighthouse of Flint was built in 1871.")
GULL = ("gull.txt", b"The boat of the keeper is called Gullwing.")


def make(server, **parts):
    answer = server.create("Ada", **parts)
    assert answer.status_code == 201, answer.text
    return answer.json()["character_id"]


def sources(server, character, question):
    answer = server.ask(character, question, audio=False)
    assert answer.status_code == 200, answer.text
    return " ".join(source["text"] for source in answer.json()["sources"])


class TestUpdate:
    def test_changes_what_is_given_and_nothing_else(self, bare):
        character = make(bare, llm_config={"temperature": 0.5}, image=("a.png", PNG))
        before = bare.show(character)
        answer = bare.update(character, name="Grace", stt_settings={"language": "de"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["character_id"] == character and answer.json()["status"] == "success"
        after = bare.show(character)
        assert after["name"] == "Grace"
        assert after["stt_settings"]["language"] == "de"
        assert after["llm_config"] == before["llm_config"]
        assert bare.get(after["image_url"].replace(bare.url, "")).content == PNG

    def test_replaces_a_picture_and_takes_the_old_one_away(self, bare):
        character = make(bare, image=("a.png", PNG))
        old = bare.show(character)["image_url"]
        assert bare.update(character, image=("b.jpg", JPEG)).status_code == 200
        new = bare.show(character)["image_url"]
        assert bare.get(new.replace(bare.url, "")).content == JPEG
        assert bare.get(old.replace(bare.url, "")).status_code == 404

    def test_replaces_knowledge_or_appends_to_it(self, bare):
        character = make(bare, knowledge=FLINT)
        assert bare.update(character, knowledge=GULL, knowledge_mode="append").status_code == 200
        assert "1871" in sources(bare, character, "When was the lighthouse of Flint built?")
        assert "Gullwing" in sources(bare, character, "What is the boat of the keeper called?")
        assert bare.update(character, knowledge=GULL).status_code == 200
        assert "1871" not in sources(bare, character, "When was the lighthouse of Flint built?")
        assert "Gullwing" in sources(bare, character, "What is the boat of the keeper called?")

    @pytest.mark.parametrize("parts, field", [
        ({"name": "x" * 101}, "name"), ({"llm_config": {"top_p": 7}}, "llm_config.top_p"),
        ({"image": ("a.png", b"no picture")}, "character_image"), ({"knowledge_mode": "burn"}, "knowledge_mode"),
        ({"style": ("s.json", b"{")}, "style_tuning_file"), ({"llm_model": "no-such-model"}, "llm_model")])
    def test_refuses_what_create_refuses_and_changes_nothing(self, bare, parts, field):
        character = make(bare, image=("a.png", PNG))
        before = bare.show(character)
        answer = bare.update(character, **({"name": "Grace"} | parts))
        assert answer.status_code == 400 and answer.json()["error"].startswith(field)
        assert bare.show(character) == before

    def test_knows_no_other_characters(self, bare):
        assert bare.update(999_999, name="x").status_code == 404
        assert bare.update("abc", name="x").status_code == 400

    def test_changes_of_many_at_once_leave_one_of_them(self, bare):
        character = make(bare)
        names = [f"Name {i}" for i in range(12)]
        answers = []
        threads = [threading.Thread(target=lambda n=name: answers.append(bare.update(character, name=n).status_code))
                   for name in names]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert answers == [200] * 12
        assert bare.show(character)["name"] in names


class TestSettings:
    def test_are_shown_with_defaults_and_unknown_keys_are_named(self, bare):
        answer = bare.create("Ada", llm_config={"max_tokens": 50, "mood": "sunny"}, stt_settings={"model": "whisper"},
                             voice_cloning_settings={"model": "espeak-ng"})
        assert any(w.startswith("llm_config.mood") for w in answer.json()["warnings"]), answer.text
        shown = bare.show(answer.json()["character_id"])
        assert shown["llm_config"]["max_tokens"] == 50 and shown["llm_config"]["mood"] == "sunny"
        assert shown["llm_config"]["temperature"] == 0.2
        assert shown["stt_settings"] | {"model_size": "base", "threshold": 0.05, "silence": 2.0, "max_time": 30.0,
                                        "min_duration": 0.5} == shown["stt_settings"]
        assert shown["voice_cloning_settings"]["language"] == "en"

    def test_of_the_specification_are_all_taken(self, bare):
        for llm in ({"api_key": "k", "base_url": "https://api.openai.com/v1", "model_name": "gpt-3.5-turbo", "max_tokens": 200,
                     "temperature": 0.7, "top_p": 0.9, "system_prompt": "You are a helpful assistant.",
                     "stop_tokens": ["\nUser:", "\nAssistant:"]},
                    {"model_path": "./models/model.gguf", "context_length": 4096, "gpu_layers": -1, "batch_size": 1024,
                     "max_tokens": 200, "temperature": 0.7, "top_p": 0.9},
                    {"model_name": "microsoft/DialoGPT-medium", "device": "auto", "torch_dtype": "float16", "max_tokens": 200,
                     "temperature": 0.7, "trust_remote_code": False}):
            answer = bare.create("Ada", llm_config=llm)
            assert answer.status_code == 201, answer.text
            assert not [w for w in answer.json()["warnings"] if "no setting" in w]
        for voice in ({"model": "f5tts", "reference_text": "This", "preprocess_audio": True, "language": "en", "cuda_device": "0"},
                      {"model": "xtts", "reference_text": "T", "preprocess_audio": True, "language": "en", "coqui_tos_agreed": True},
                      {"model": "zonos", "reference_text": "T", "preprocess_audio": True, "language": "en-us"},
                      {"clean_audio": True, "remove_silence": True, "enhance_audio": True, "top_db": 40.0, "fade_length_ms": 50,
                       "bass_boost": True, "treble_boost": True, "compression": True}):
            answer = bare.create("Ada", voice_cloning_settings=voice)
            assert answer.status_code == 201 and not [w for w in answer.json()["warnings"] if "no setting" in w], answer.text
        for stt in ({"model": "whisper", "model_size": "base", "language": "en", "threshold": 0.05, "silence": 2.0,
                     "max_time": 30, "min_duration": 0.5},
                    {"model": "wav2vec", "model_name": "facebook/wav2vec2-large-960h", "threshold": 0.05, "silence": 2.0,
                     "max_time": 30}):
            answer = bare.create("Ada", stt_settings=stt)
            assert answer.status_code == 201 and not [w for w in answer.json()["warnings"] if "no setting" in w], answer.text

    def test_what_cannot_work_yet_is_a_warning(self, bare):
        answer = bare.create("Ada", llm_model="smollm2-135m-instruct", stt_settings={"model": "hubert"},
                             voice_cloning_settings={"model": "xtts", "language": "xx"})
        assert answer.status_code == 201
        warnings = " ".join(answer.json()["warnings"])
        for word in ("POST /download-model", "hubert", "no recording", "does not speak xx"):
            assert word in warnings, warnings

    def test_a_form_without_files_may_be_urlencoded(self, bare):
        answer = bare.post("/create-character", data={"name": "Ada", "llm_config": '{"max_tokens": 5}'})
        assert answer.status_code == 201, answer.text
        assert bare.show(answer.json()["character_id"])["llm_config"]["max_tokens"] == 5


class TestKeys:
    def test_are_written_and_never_read(self, bare):
        character = make(bare, llm_config={"api_key": "sk-abcdefghijklmnop", "model_name": "gpt-4o"})
        assert bare.show(character)["llm_config"]["api_key"] == "set"
        for path in bare.data.rglob("*"):
            if path.is_file():
                assert b"sk-abcdefgh" not in path.read_bytes(), path
        assert b"sk-abcdefgh" not in bare.log.read_bytes()

    def test_stay_when_what_is_shown_is_sent_back_but_not_for_another_server(self, bare):
        character = make(bare, llm_config={"api_key": "sk-abcdefghijklmnop", "base_url": "https://a.example/v1"})
        shown = bare.show(character)["llm_config"]
        assert bare.update(character, llm_config=shown | {"max_tokens": 9}).status_code == 200
        assert bare.show(character)["llm_config"]["api_key"] == "set"
        stolen = bare.update(character, llm_config=shown | {"base_url": "https://evil.example/v1"})
        assert stolen.status_code == 400 and stolen.json()["error"].startswith("llm_config.api_key")

    def test_placeholders_are_none(self, bare):
        answer = bare.create("Ada", llm_config={"api_key": "your_key", "model_name": "gpt-4o"})
        assert any(w.startswith("llm_config.api_key") for w in answer.json()["warnings"])
        assert "api_key" not in bare.show(answer.json()["character_id"])["llm_config"]


class TestDelete:
    def test_takes_recordings_of_answers_along(self, bare):
        character = make(bare, knowledge=FLINT)
        answer = bare.ask(character, "When was the lighthouse built?").json()
        path = answer["audio_url"].replace(bare.url, "")
        assert bare.get(path).status_code == 200
        assert bare.delete(f"/delete-character/{character}").status_code == 200
        assert bare.get(path).status_code == 404
        assert bare.ask(character, "When?").status_code == 404

    def test_ids_are_never_used_again(self, bare):
        character = make(bare)
        bare.delete(f"/delete-character/{character}")
        assert make(bare) > character


class TestSessions:
    def test_must_be_short_plain_text(self, bare):
        character = make(bare)
        for session in ("x" * 65, 7, "a\u0000b", ["x"]):
            answer = bare.ask(character, "Hello?", session_id=session, audio=False)
            assert answer.status_code == 400 and answer.json()["error"].startswith("session_id"), session
        assert bare.ask(character, "Hello?", session_id="日本 " * 10, audio=False).status_code == 200

    @pytest.mark.models
    def test_are_told_to_the_mind_and_apart_from_each_other(self, full):
        character = full.create("Ada", llm_config={"temperature": 0, "max_tokens": 20}).json()["character_id"]
        asked = [full.ask(character, "My name is Philippa.", session_id="one", audio=False).json(),
                 full.ask(character, "What is my name?", session_id="one", audio=False).json(),
                 full.ask(character, "What is my name?", session_id="two", audio=False).json()]
        tokens = [answer["timings"]["prompt_tokens"] for answer in asked]
        assert tokens[1] > tokens[2] + 10, tokens


class TestLoading:
    def test_says_which_request_gets_what_is_missing(self, bare):
        character = make(bare, llm_model="smollm2-135m-instruct")
        answer = bare.load(character)
        assert answer.status_code == 409
        assert "POST /download-model" in answer.json()["error"] and "smollm2-135m-instruct" in answer.json()["error"]

    def test_refuses_what_is_no_character(self, bare):
        assert bare.load(999_999).status_code == 404
        assert bare.load("x").status_code == 400
        assert bare.post("/load-character", json=[1]).status_code == 400
        assert bare.post("/load-character", data="x").status_code == 415

    @pytest.mark.models
    def test_leaves_the_first_question_little_to_compute(self, full):
        character = full.create_example("Loaded", max_tokens=8)
        answer = full.load(character)
        assert answer.status_code == 200, answer.text
        assert answer.json()["message"] == "Models loaded for character Loaded"
        timings = full.ask(character, "What is your cat called?", audio=False).json()["timings"]
        assert timings["cached_tokens"] > 100, timings

"""Answers in the voice of a character's recording: F5-TTS, from a hub of our own, of small networks with random numbers."""

import io
import json
import pathlib
import shutil
import sys
import threading
import time
import wave

import pytest
import requests
from server import MODELS, Server, events
from test_audio import SENTENCES, recording, spoken

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakes"))
from hub import FakeHub, expect_voices, voice_repositories  # noqa: E402
from upstream import FakeUpstream  # noqa: E402

NETWORKS = pathlib.Path(__file__).parents[1] / "parity"
REPOSITORIES = voice_repositories(NETWORKS)
SAMPLE = recording(SENTENCES[1])
TEXT = " ".join(spoken(SENTENCES[1]))
KNOWLEDGE = ("knowledge.txt", b"The ferry to the island leaves at nine in the morning. It takes forty minutes. "
                              b"The island has one inn, which is open all year. Nobody drives there.")
QUESTION = "When does the ferry to the island leave?"


@pytest.fixture(scope="module")
def hub():
    with FakeHub(REPOSITORIES) as fake:
        yield fake


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("voices")


@pytest.fixture(scope="module")
def server(hub, folder):
    expect_voices(folder / "models", REPOSITORIES)
    with Server(folder / "server", models=folder / "models", HF_ENDPOINT=hub.url, TITANS_CACHE=folder / "cache",
                REQUEST_TIMEOUT=300, ALLOWED_PRIVATE_HOSTS="127.0.0.1") as running:
        voice = voices(running)["f5tts"]
        assert not voice["available"] and "f5tts" in voice["reason"]
        assert voice["licences"] == ["CC-BY-NC-4.0", "MIT"]
        refused = running.post("/download-model", json={"model_name": "f5tts"})
        assert refused.status_code == 403 and "accept_license" in refused.json()["error"], refused.text
        fetched = running.post("/download-model", json={"model_name": "f5tts", "accept_license": True})
        assert fetched.status_code == 200, fetched.text
        assert voices(running)["f5tts"]["available"]
        yield running


def voices(server):
    return {model["name"]: model for model in server.get("/get-tts-models").json()["models"]}


def make(server, sample=SAMPLE, **settings):
    answer = server.create("Jane", voice=("v.wav", sample), knowledge=KNOWLEDGE,
                           voice_cloning_settings={"model": "f5tts", "reference_text": TEXT, "seed": 7} | settings)
    assert answer.status_code == 201, answer.text
    return answer.json()["character_id"]


@pytest.fixture(scope="module")
def jane(server):
    return make(server)


def ask(server, character, **options):
    answer = server.ask(character, QUESTION, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sound(server, url):
    answer = requests.get(url, timeout=60)
    assert answer.status_code == 200
    with wave.open(io.BytesIO(answer.content)) as wav:
        assert wav.getparams()[:3] == (1, 2, 24000)
        return wav.readframes(wav.getnframes())


def learned(server):
    return sorted((server.media / "voices").iterdir())


def is_idle(server):
    queue = server.get("/health").json()["queue"]
    return queue["active_turns"] == 0 and not any(lane.get("waiting", 0) for lane in queue.values() if isinstance(lane, dict))


def test_an_answer_is_spoken_in_the_voice_of_the_recording(server, jane):
    answer = ask(server, jane)
    assert "voice: f5tts" in json.dumps(server.get("/health").json())
    assert answer["voice"] == {"engine": "f5tts", "cloned": True, "reason": "", "device": "cpu", "nfe_step": 7, "seed": 7}
    pcm = sound(server, answer["audio_url"])
    assert len(pcm) > 24000 and len(set(pcm)) > 100
    timings = answer["timings"]
    assert timings["voice"] <= timings["first_audio"] <= timings["total"]


def test_what_is_learned_of_a_voice_is_kept_and_goes_with_the_character(server):
    before = learned(server)
    character = make(server, reference_text="Another text.")
    ask(server, character)
    (kept,) = [path for path in learned(server) if path not in before]
    ask(server, character, audio=True)
    assert kept in learned(server)
    server.delete(f"/delete-character/{character}")
    assert learned(server) == before


def test_the_same_seed_says_the_same(server, jane):
    once, again = (sound(server, ask(server, jane)["audio_url"]) for _ in range(2))
    assert once == again
    other = ask(server, make(server, seed=8))
    assert other["voice"]["seed"] == 8 and sound(server, other["audio_url"]) != once
    assert ask(server, make(server, seed=None))["voice"]["seed"] >= 0


@pytest.mark.parametrize("settings, steps", [({"quality": "fast"}, 7), ({"quality": "balanced"}, 16), ({"quality": "best"}, 32),
                                             ({"quality": "best", "nfe_step": 5}, 5), ({"reference_mode": True}, 32),
                                             ({"reference_mode": True, "nfe_step": 6}, 6)])
def test_quality_and_steps(server, settings, steps):
    assert ask(server, make(server, **settings))["voice"]["nfe_step"] == steps


def test_speed_and_cut_text(server, jane):
    usual = len(sound(server, ask(server, jane)["audio_url"]))
    assert len(sound(server, ask(server, make(server, speed=2))["audio_url"])) < 0.7 * usual
    assert len(sound(server, ask(server, make(server, speed=0.5))["audio_url"])) > 1.5 * usual
    fixed = ask(server, make(server, reference_mode=True, fix_duration=6, cross_fade_duration=0))
    assert len(sound(server, fixed["audio_url"])) < 2 * 24000 * 6


def test_what_cannot_be_is_told(server):
    def warnings(**settings):
        answer = server.create("Jane", voice=("v.wav", SAMPLE),
                               voice_cloning_settings={"model": "f5tts", "reference_text": TEXT} | settings).json()
        return [warning for warning in answer["warnings"] if "voice_cloning_settings" in warning]
    assert not warnings() and not warnings(language="zh-cn")
    assert "language" in warnings(language="de")[0]
    assert "cuda_device" in warnings(cuda_device="0")[0]


@pytest.mark.parametrize("key, value", [("nfe_step", 0), ("nfe_step", 1.5), ("nfe_step", 1000), ("cfg_strength", -1), ("speed", 0),
                                        ("speed", "fast"), ("seed", -1), ("quality", "perfect"), ("sway_sampling_coef", -3),
                                        ("cross_fade_duration", 99), ("fix_duration", 0), ("fix_duration", 88), ("target_rms", 2),
                                        ("reference_mode", "yes"), ("normalize_text", 1), ("model_name", "F6"),
                                        ("model_path", "x.safetensors"), ("vocab_path", "vocab.txt"), ("cuda_device", "best")])
def test_settings_are_checked(server, key, value):
    answer = server.create("Jane", voice_cloning_settings={"model": "f5tts", key: value})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith("voice_cloning_settings."), answer.text


def test_sentences_come_as_they_are_ready(server):
    sentences = ["The ferry leaves at nine.", "It takes forty minutes.", "The island has one inn.", "The inn is open all year.",
                 "Nobody drives there.", "Everybody walks."]
    with FakeUpstream(" ".join(sentences)) as upstream:
        character = server.create("Jane", voice=("v.wav", SAMPLE), llm_config={"base_url": upstream.base_url, "model_name": "fake"},
                                  voice_cloning_settings={"model": "f5tts", "reference_text": TEXT}).json()["character_id"]
        response = requests.post(server.url + "/ask-question-text", stream=True, timeout=120,
                                 json={"character_id": character, "question": QUESTION, "stream": True})
        answer = list(events(response))
    assert [event["text"] for name, event in answer if name == "sentence"] == sentences
    pieces = [event for name, event in answer if name == "audio"]
    assert all(len(sound(server, piece["url"])) > 2000 for piece in pieces)
    # The first one alone, because somebody waits; then in pieces just as long as the recording's words, with their full stop.
    spoken_at_once = [sentences[piece["index"]:][:piece["sentences"]] for piece in pieces]
    assert sum(spoken_at_once, []) == sentences
    assert len(spoken_at_once) > 2 and len(spoken_at_once[0]) == 1
    for texts in spoken_at_once[1:-1]:
        assert len(" ".join(texts)) >= len(TEXT + ". ") > len(" ".join(texts[:-1])), texts


def test_ten_at_once_and_one_that_leaves(server, jane):
    answers = {}

    def one(index):
        answers[index] = server.ask(jane, QUESTION)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(10)]
    for thread in threads:
        thread.start()
    slow = make(server, nfe_step=128)
    with pytest.raises(requests.exceptions.RequestException):
        requests.post(server.url + "/ask-question-text", timeout=0.3,
                      json={"character_id": slow, "question": QUESTION})
    for thread in threads:
        thread.join()
    assert all(answer.status_code == 200 and answer.json()["voice"]["cloned"] for answer in answers.values()), answers
    # What each samples is its own: all say the same.
    assert len({sound(server, answer.json()["audio_url"]) for answer in answers.values()}) == 1
    for _ in range(100):
        if is_idle(server):
            break
        time.sleep(0.1)
    assert is_idle(server), server.get("/health").text


def test_a_restarted_server_knows_the_voice(server, jane):
    first = sound(server, ask(server, jane)["audio_url"])
    kept = {path: path.stat().st_mtime_ns for path in learned(server)}
    server.kill()
    server.start()
    assert sound(server, ask(server, jane)["audio_url"]) == first
    assert {path: path.stat().st_mtime_ns for path in learned(server)} == kept


def test_the_stand_in_speaks_where_no_words_are_known(server):
    """There are no ears here to hear them."""
    answer = ask(server, make(server, reference_text=""))
    assert answer["voice"]["engine"] == "espeak-ng" and not answer["voice"]["cloned"]
    assert "reference_text" in answer["voice"]["reason"], answer["voice"]


def test_a_checkpoint_of_ones_own(server, folder):
    mine = folder / "models/mine"
    mine.mkdir()
    shutil.copy(NETWORKS / "f5tts/model_1250000.safetensors", mine / "my.safetensors")
    shutil.copy(NETWORKS / "f5tts/vocab.txt", mine / "my.txt")
    own = ask(server, make(server, model_path="mine/my.safetensors", vocab_path="mine/my.txt"))
    assert own["voice"]["cloned"], own["voice"]
    older = ask(server, make(server, model_path="mine/my.safetensors", vocab_path="mine/my.txt", model_name="F5TTS_Base"))
    assert older["voice"]["cloned"], older["voice"]
    assert sound(server, own["audio_url"]) != sound(server, older["audio_url"]), "the older network's masks differ"
    for path in ("../outside.safetensors", "/etc/passwd.safetensors", "mine/none.safetensors"):
        answer = server.create("Jane", voice_cloning_settings={"model": "f5tts", "model_path": path, "vocab_path": "mine/my.txt"})
        assert answer.status_code == 400 and "voice_cloning_settings.model_path" in answer.json()["error"], answer.text


@pytest.fixture(scope="module")
def hearing(hub, tmp_path_factory):
    """A server with the default models, and with this voice."""
    folder = tmp_path_factory.mktemp("hearing")
    models = folder / "models"
    shutil.copytree(MODELS, models, copy_function=shutil.copy, ignore=shutil.ignore_patterns(".*", "f5tts*", "vocos*"))
    expect_voices(models, REPOSITORIES)
    with Server(folder / "server", models=models, HF_ENDPOINT=hub.url, TITANS_CACHE=folder / "cache", REQUEST_TIMEOUT=300,
                ACCEPT_LICENSES="cc-by-nc-4.0") as server:
        assert server.post("/download-model", json={"model_name": "f5tts"}).status_code == 200
        server.models = models
        yield server


@pytest.mark.models
def test_a_spoken_question_is_answered_in_the_voice_that_its_ears_heard(hearing):
    """The words of the recording are heard; of a long one, those of the part that is taken."""
    short = make(hearing, reference_text="")
    assert load_warnings(hearing, short) == []
    answer = hearing.ask_audio(short, recording(SENTENCES[0]))
    log = hearing.log.read_text()
    assert log.count("voice.loaded") == log.count("voice.learned") == 1, "what load-character left behind was made again"
    assert answer.status_code == 200, answer.text
    assert answer.json()["voice"]["cloned"] and "excerpt" not in answer.json()["voice"], answer.text
    long = make(hearing, recording(1, SENTENCES[0], 1, SENTENCES[1], 1, SENTENCES[0], 1, SENTENCES[1]), reference_text="")
    answer = hearing.ask(long, QUESTION).json()
    assert answer["voice"]["cloned"] and answer["voice"]["excerpt"].startswith("seconds "), answer["voice"]


def load_warnings(server, character):
    """What load-character says of the voice."""
    answer = server.load(character)
    assert answer.status_code == 200, answer.text
    return [warning for warning in answer.json()["warnings"] if "voice" in warning]


@pytest.mark.models
def test_loading_says_why_the_voice_is_another_one(hearing):
    def only_warning(**settings):
        (warning,) = load_warnings(hearing, make(hearing, **settings))
        assert warning.startswith("voice_cloning_settings"), warning
        return warning

    assert "language" in only_warning(language="de"), "the voice speaks, but was not trained on it"
    assert "xtts" in only_warning(model="xtts")
    # A checkpoint that is none, and what nothing can be learned of, are found out when they are read.
    (hearing.models / "none.safetensors").write_bytes(b"\0" * 64)
    (hearing.models / "none.txt").write_text("a\nb\n")
    assert "f5tts" in only_warning(model_path="none.safetensors", vocab_path="none.txt")
    (warning,) = load_warnings(hearing, make(hearing, recording(4), reference_text=""))
    assert "nothing was understood" in warning

    record = hearing.models / "f5tts/model.json"
    kept = record.read_bytes()
    record.unlink()
    try:
        character = make(hearing)
        (warning,) = load_warnings(hearing, character)
        assert "/download-model" in warning
        answer = ask(hearing, character)
        assert answer["voice"]["engine"] == "espeak-ng" and answer["voice"]["reason"] in warning
    finally:
        record.write_bytes(kept)
    assert load_warnings(hearing, character) == []


def bytes_read(server):
    """By calls that read."""
    return int(pathlib.Path(f"/proc/{server.process.pid}/io").read_text().split()[1])


@pytest.mark.models
def test_loading_reads_the_dictionary_that_a_first_chinese_sentence_needs(hearing):
    dictionary = 5_000_000  # bytes of its largest file
    english, chinese = make(hearing), make(hearing, language="zh")
    hearing.kill()
    hearing.start()
    assert load_warnings(hearing, english) == []
    before = bytes_read(hearing)
    assert load_warnings(hearing, chinese) == []
    loaded = bytes_read(hearing)
    assert loaded - before > dictionary
    assert ask(hearing, chinese)["voice"]["cloned"]
    assert bytes_read(hearing) - loaded < dictionary

"""Recordings in and out: what is taken, how it is heard, and how answers are written."""

import io
import json
import wave

import pytest
from server import SPEECH, Server
from words import word_error_rate, words

LONG = "sense_and_sensibility_01_austen_64kb-0890"
SENTENCES = ["sense_and_sensibility_01_austen_64kb-0880", "sense_and_sensibility_01_austen_64kb-0930"]


def samples(name):
    with wave.open(str(SPEECH / f"{name}.wav")) as wav:
        assert wav.getframerate() == 16000
        return wav.readframes(wav.getnframes())


def recording(*pieces):
    """A WAV of sentences, and of as many seconds of silence as numbers say."""
    out = io.BytesIO()
    with wave.open(out, "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        for piece in pieces:
            wav.writeframes(samples(piece) if isinstance(piece, str) else bytes(int(piece * 16000) * 2))
    return out.getvalue()


def spoken(name):
    return words((SPEECH / f"{name}.txt").read_text())


def test_create_says_what_the_voice_sample_is_like(bare):
    answer = bare.create("Ada", voice=("v.wav", recording(SENTENCES[0])))
    assert answer.status_code == 201, answer.text
    sample = answer.json()["voice_sample"]
    assert 2 < sample["seconds"] < 4 and 1 < sample["speech_seconds"] <= sample["seconds"]
    assert -40 < sample["loudness_lufs"] < -5 and sample["snr_db"] > 10 and sample["clipped_share"] < 0.01
    assert sample["warnings"], sample
    long = bare.create("Ada", voice=("v.wav", recording(*SENTENCES, *SENTENCES))).json()["voice_sample"]
    assert not any("short" in warning for warning in long["warnings"]), long
    assert "voice_sample" not in bare.create("Ada").json()


@pytest.mark.parametrize("broken", [recording(SENTENCES[0])[:20000], b"RIFF\x10\0\0\0WAVEfmt ", b"ID3" + bytes(40),
                                    b"fLaC" + bytes(100)])
def test_a_voice_sample_that_breaks_off_is_refused(bare, broken):
    answer = bare.create("Ada", voice=("v.wav", broken))
    assert answer.status_code == 400 and answer.json()["error"].startswith("voice_cloning_audio"), answer.text


def test_a_recording_that_is_too_long_is_refused(tmp_path):
    with Server(tmp_path, MAX_AUDIO_SECONDS=5) as server:
        answer = server.create("Ada", voice=("v.wav", recording(SENTENCES[0], 5)))
        assert answer.status_code == 413 and answer.json()["error"].startswith("voice_cloning_audio"), answer.text
        assert server.create("Ada", voice=("v.wav", recording(SENTENCES[0]))).status_code == 201


@pytest.mark.parametrize("audio_format, beginning, media_type", [
    ("wav", b"RIFF", "audio/wav"), ("mp3", (b"ID3", b"\xff\xfb", b"\xff\xf3"), "audio/mpeg"), ("opus", b"OggS", "audio/ogg"),
    ("flac", b"fLaC", "audio/flac")])
def test_answers_are_written_in_the_format_that_is_wanted(bare, audio_format, beginning, media_type):
    character = bare.create("Ada", knowledge=("k.txt", b"The lighthouse was built in 1871."), voice_cloning_settings={
        "audio_format": audio_format, "normalize_loudness": True}).json()["character_id"]
    url = bare.ask(character, "When was the lighthouse built?").json()["audio_url"]
    answer = bare.get(url.replace(bare.url, ""))
    assert answer.content.startswith(beginning) and answer.headers["Content-Type"] == media_type
    # What was written can be read: as a voice sample.
    sample = bare.create("Again", voice=("a", answer.content)).json()["voice_sample"]
    assert 1 < sample["seconds"] < 10 and -19 < sample["loudness_lufs"] < -13, sample


def test_settings_of_audio_are_checked(bare):
    for setting in ({"audio_format": "wma"}, {"normalize_loudness": "yes"}):
        answer = bare.create("Ada", voice_cloning_settings=setting)
        assert answer.status_code == 400 and next(iter(setting)) in answer.json()["error"]
    assert bare.create("Ada", stt_settings={"vad_threshold": 2}).status_code == 400


@pytest.mark.models
class TestHearing:
    def test_all_that_is_said_between_pauses_is_heard_in_order(self, full, ida):
        answer = full.ask_audio(ida, recording(2, SENTENCES[0], 3, SENTENCES[1], 2.5), audio="false").json()
        said = " ".join(spoken(SENTENCES[0]) + spoken(SENTENCES[1]))
        assert word_error_rate(said, answer["transcribed_question"]) < 0.1, answer
        assert answer["warnings"] == []

    def test_who_speaks_longer_than_max_time_is_understood_in_pieces_and_told_so(self, full):
        character = full.create("Ada", stt_settings={"max_time": 4}).json()["character_id"]
        answer = full.ask_audio(character, recording(LONG), audio="false").json()
        assert answer["warnings"] and answer["warnings"][0].startswith("stt_settings.max_time"), answer
        heard = words(answer["transcribed_question"])
        assert len(set(spoken(LONG)) - set(heard)) <= 3, answer

    def test_what_is_quieter_than_threshold_or_shorter_than_min_duration_is_nothing(self, full):
        for settings in ({"threshold": 0.99}, {"min_duration": 50}):
            character = full.create("Ada", stt_settings=settings).json()["character_id"]
            assert full.ask_audio(character, recording(SENTENCES[0]), audio="false").status_code == 422, json.dumps(settings)

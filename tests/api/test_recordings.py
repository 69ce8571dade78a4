"""Damaged recordings: each is heard, refused or found silent; none breaks the server."""

import random

import pytest
from server import ROOT, SPEECH

CORPUS = sorted((ROOT / "tests/fuzz/corpus/audio").iterdir())
SENTENCE = SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav"
EXTREMES = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\1\0\0\0"]


def cut(recording, dice):
    return recording[:dice.randrange(len(recording))]


def change_header(recording, dice):
    changed = bytearray(recording)
    for _ in range(dice.randint(1, 12)):
        changed[dice.randrange(min(len(changed), 300))] = dice.randrange(256)
    return bytes(changed)


def change_anywhere(recording, dice):
    changed = bytearray(recording)
    for _ in range(dice.randint(1, 200)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def set_a_size(recording, dice):
    at = dice.randrange(0, min(len(recording), 300))
    return recording[:at] + dice.choice(EXTREMES) + recording[at + 4:]


def leave_out(recording, dice):
    first, last = sorted(dice.randrange(len(recording)) for _ in range(2))
    return recording[:first] + recording[last:]


def put_in(recording, dice):
    at = dice.randrange(len(recording))
    return recording[:at] + dice.randbytes(dice.randint(1, 3000)) + recording[at:]


def splice(recording, dice):
    other = dice.choice(CORPUS).read_bytes()
    return recording[:dice.randrange(len(recording))] + other[dice.randrange(len(other)):]


DAMAGES = [cut, change_header, change_anywhere, set_a_size, leave_out, put_in, splice]


def damaged(number):
    """The damaged recording of that number, always the same."""
    dice = random.Random(number)
    source = SENTENCE if number % 20 == 0 and SENTENCE.exists() else dice.choice(CORPUS)
    recording = source.read_bytes()
    for _ in range(dice.randint(1, 3)):
        recording = dice.choice(DAMAGES)(recording, dice) or b"\0"
    return recording


def refuses_or_takes(response, number):
    assert response.status_code < 500 or response.status_code == 503, f"{number}: {response.status_code} {response.text}"
    if response.status_code >= 400:
        assert response.json()["error"], number


def clone_from(server, numbers):
    for number in numbers:
        response = server.create(f"Voice {number}", voice=("voice.wav", damaged(number)),
                                 voice_cloning_settings={"preprocess_audio": number % 2 == 0})
        refuses_or_takes(response, number)
        if response.status_code == 201:
            assert server.delete(f"/delete-character/{response.json()['character_id']}").status_code == 200


def ask_with(server, character, numbers):
    for number in numbers:
        refuses_or_takes(server.ask_audio(character, damaged(number), audio="false"), number)


@pytest.fixture(scope="module")
def terse(full):
    """A character that says a word at most, for questions that are understood in spite of all."""
    return full.create_example("Terse", max_tokens=1)


def test_a_voice_is_cloned_from_a_damaged_recording_or_it_is_refused(bare):
    clone_from(bare, range(140))
    assert bare.get("/").status_code == 200


@pytest.mark.models
def test_a_damaged_question_is_answered_or_refused(full, terse):
    ask_with(full, terse, range(140, 200))
    assert full.get("/").status_code == 200


@pytest.mark.long
def test_many_voices_are_cloned_from_damaged_recordings_or_refused(bare):
    clone_from(bare, range(700, 2000))
    assert bare.get("/").status_code == 200


@pytest.mark.long
@pytest.mark.models
def test_many_damaged_questions_are_answered_or_refused(full, terse):
    ask_with(full, terse, range(200, 700))
    assert full.get("/").status_code == 200

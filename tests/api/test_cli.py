"""The words of the command line that talk to a running server."""

import json
import subprocess

import pytest
from server import EXAMPLES, PROGRAM, SPEECH, clean_environment, free_port
from test_conversation import check_wav
from words import words


def titans(server, *arguments, folder=EXAMPLES, check=True):
    """Runs one word as a person in `folder` would; returns what it printed."""
    run = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, text=True, capture_output=True, timeout=120,
                         stdin=subprocess.DEVNULL, env=clean_environment(TITANS_URL=server.url))
    if check:
        assert run.returncode == 0, run.stderr
        return run.stdout
    assert run.returncode != 0
    return run.stderr


def test_creates_lists_and_deletes(bare):
    printed = titans(bare, "create", "--name", "From the shell", "--knowledge", "knowledge.txt", "--style", "style.json",
                     "--image", "picture.png", "--llm-config", '{"max_tokens": 9}')
    number = int(next(word for word in printed.split() if word.isdigit()))
    character = bare.get(f"/get-character/{number}").json()["character"]
    assert character["name"] == "From the shell"
    assert character["llm_config"]["max_tokens"] == 9
    image = bare.get(character["image_url"].removeprefix(bare.url))
    assert image.content == (EXAMPLES / "picture.png").read_bytes()

    assert any(line.split()[0] == str(number) and "From the shell" in line
               for line in titans(bare, "list").splitlines() if line.split())
    assert number in [c["id"] for c in json.loads(titans(bare, "list", "--json"))["characters"]]
    titans(bare, "delete", number)
    assert bare.get(f"/get-character/{number}").status_code == 404


def test_changes_a_character_and_prints_warnings(bare):
    number = int(titans(bare, "create", "--name", "Before", "--knowledge", "knowledge.txt").split()[1])
    assert f"updated {number}  After" in titans(bare, "update", number, "--name", "After", "--llm-config", '{"max_tokens": 7}')
    assert bare.show(number)["name"] == "After" and bare.show(number)["llm_config"]["max_tokens"] == 7
    titans(bare, "update", "After", "--knowledge", "knowledge.txt", "--append")
    warned = subprocess.run([PROGRAM, "update", str(number), "--llm-config", '{"mood": 1}'], text=True, capture_output=True,
                            timeout=60, stdin=subprocess.DEVNULL, env=clean_environment(TITANS_URL=bare.url))
    assert warned.returncode == 0 and "warning: llm_config.mood" in warned.stderr
    assert "POST /download-model" in titans(bare, "load", number, check=False)
    asked = [titans(bare, "ask", number, "Who lives here?", "--no-audio", "--session", "s") for _ in range(2)]
    assert asked[0].strip() and asked[1].strip()


def test_a_name_stands_for_the_character_where_it_is_the_only_one(bare):
    titans(bare, "create", "--name", "Only One")
    titans(bare, "delete", "Only One")
    assert "Only One" in titans(bare, "delete", "Only One", check=False)
    titans(bare, "create", "--name", "Double")
    titans(bare, "create", "--name", "Double")
    assert "Double" in titans(bare, "delete", "Double", check=False)


def test_a_servers_refusal_is_shown(bare):
    assert "llm_config" in titans(bare, "create", "--name", "Bad", "--llm-config", "{", check=False)
    assert "404" not in titans(bare, "delete", "999999", check=False)


@pytest.mark.parametrize("arguments, word", [
    (["create"], "--name"), (["create", "--name"], "--name"), (["create", "--nmae", "x"], "--nmae"),
    (["create", "--name", "x", "--knowledge", "missing.txt"], "missing.txt"), (["ask"], "ask"), (["delete"], "delete"), (["update"], "update"),
    (["update", "1"], "change"), (["load"], "load"),
    (["ask", "1"], "question"), (["list", "extra"], "extra")])
def test_wrong_arguments_are_named(bare, arguments, word):
    assert word in titans(bare, *arguments, check=False)


def test_without_a_server_it_says_how_to_start_one(tmp_path):
    run = subprocess.run([PROGRAM, "list"], cwd=tmp_path, text=True, capture_output=True, timeout=30,
                         stdin=subprocess.DEVNULL, env=clean_environment(PORT=free_port()))
    assert run.returncode != 0
    assert "./titans up" in run.stderr


@pytest.mark.models
def test_asks_in_text(full, ida, tmp_path):
    printed = titans(full, "ask", ida, "What is the name of your cat?", "--out", tmp_path / "answer.wav")
    assert "Barnacle" in printed
    check_wav((tmp_path / "answer.wav").read_bytes())
    assert "serve-audio" not in titans(full, "ask", ida, "Who are you?", "--no-audio")
    assert json.loads(titans(full, "ask", ida, "Who are you?", "--json"))["status"] == "success"


@pytest.mark.models
def test_asks_with_a_recording(full, ida):
    name = SPEECH / "sense_and_sensibility_01_austen_64kb-0880"
    printed = titans(full, "ask", ida, "--audio", f"{name}.wav")
    assert " ".join(words((name.with_suffix(".txt")).read_text())) in " ".join(words(printed))
    assert f"{full.url}/serve-audio/" in printed


@pytest.mark.models
def test_the_demo_answers_from_its_knowledge_and_makes_its_character_once(full):
    for _ in range(2):
        printed = titans(full, "demo", folder=EXAMPLES.parent)
        assert "Barnacle" in printed and f"{full.url}/serve-audio/" in printed
    names = [character["name"] for character in full.get("/get-characters").json()["characters"]]
    assert names.count("Ida Fenwick") == 1

"""Characters: making, listing, reading, deleting, and what is refused. No model is needed for any of it."""

import json

import pytest
import requests
from server import EXAMPLES, SPEECH

RECORDING = SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav"


def refused(response, status, *names):
    """The response is an error of the specified form that names what was wrong, and shows nothing of the inside."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    body = response.json()
    assert body["status"] == "error"
    for name in names:
        assert name in body["error"], body["error"]
    assert "/tmp" not in body["error"] and ".cpp" not in body["error"]
    return True


def test_says_that_it_is_ready(bare):
    answer = bare.get("/")
    assert answer.status_code == 200
    assert answer.json() == {"message": "Titans API - Ready for character interactions!", "status": "success"}


def test_a_character_comes_back_as_it_was_made(bare):
    llm = {"system_prompt": "You are brief.", "temperature": 0.5, "max_tokens": 20}
    voice = {"model": "espeak-ng", "reference_text": "He was not an ill disposed young man.", "language": "en"}
    ears = {"model": "whisper", "model_size": "base", "language": "en"}
    made = bare.create("Whole One", knowledge=EXAMPLES / "knowledge.txt", style=EXAMPLES / "style.json",
                       image=EXAMPLES / "picture.png", voice=RECORDING, llm_model="", llm_config=llm,
                       voice_cloning_settings=voice, stt_settings=ears)
    assert made.status_code == 201, made.text
    assert made.json()["message"] == "Character created successfully"
    assert made.json()["status"] == "success"
    number = made.json()["character_id"]
    assert isinstance(number, int)

    answer = bare.get(f"/get-character/{number}").json()
    assert answer["status"] == "success"
    character = answer["character"]
    assert character["id"] == number
    assert character["name"] == "Whole One"
    assert character["llm_config"] | llm == character["llm_config"]  # with defaults beside it
    assert character["voice_cloning_settings"] | voice == character["voice_cloning_settings"]  # with defaults beside it
    assert character["stt_settings"] | ears == character["stt_settings"]  # with defaults beside it
    assert len(character["created_at"]) == len("2024-01-01T00:00:00") and character["created_at"][10] == "T"
    assert character["image_url"].startswith(bare.url + "/serve-image/")

    image = requests.get(character["image_url"], timeout=10)
    assert image.content == (EXAMPLES / "picture.png").read_bytes()
    assert image.headers["Content-Type"] == "image/png"


def test_the_list_has_every_character_once(bare):
    numbers = [bare.create(f"Listed {i}").json()["character_id"] for i in range(3)]
    answer = bare.get("/get-characters").json()
    assert answer["status"] == "success"
    listed = {character["id"]: character for character in answer["characters"]}
    assert len(listed) == len(answer["characters"])
    assert [listed[number]["name"] for number in numbers] == ["Listed 0", "Listed 1", "Listed 2"]
    assert set(listed[numbers[0]]) >= {"id", "name", "image_url", "llm_model", "created_at"}


@pytest.mark.parametrize("name", ["Zoë Ünal", "Маяк", "灯台守", "../../etc/passwd", "a/b\\c", "x" * 100, "Ida \"the light\""])
def test_a_name_is_a_label_whatever_stands_in_it(bare, name):
    made = bare.create(name, image=EXAMPLES / "picture.png")
    assert made.status_code == 201, made.text
    character = bare.get(f"/get-character/{made.json()['character_id']}").json()["character"]
    assert character["name"] == name
    assert requests.get(character["image_url"], timeout=10).content == (EXAMPLES / "picture.png").read_bytes()


def test_two_characters_of_one_name_keep_their_own_pictures(bare):
    other = (EXAMPLES / "picture.png").read_bytes() + b"trailing"
    first = bare.create("Twin", image=EXAMPLES / "picture.png").json()["character_id"]
    second = bare.create("Twin", image=("other.png", other)).json()["character_id"]
    urls = [bare.get(f"/get-character/{n}").json()["character"]["image_url"] for n in (first, second)]
    assert urls[0] != urls[1]
    assert requests.get(urls[0], timeout=10).content != requests.get(urls[1], timeout=10).content == other


def test_a_deleted_character_leaves_nothing(bare):
    number = bare.create("Short-lived", knowledge=EXAMPLES / "knowledge.txt", image=EXAMPLES / "picture.png",
                         voice=RECORDING).json()["character_id"]
    image_url = bare.get(f"/get-character/{number}").json()["character"]["image_url"]
    before = files(bare)
    assert bare.delete(f"/delete-character/{number}").status_code == 200
    refused(bare.get(f"/get-character/{number}"), 404)
    refused(bare.delete(f"/delete-character/{number}"), 404)
    refused(bare.ask(number, "Are you there?"), 404)
    assert requests.get(image_url, timeout=10).status_code == 404
    assert number not in [character["id"] for character in bare.get("/get-characters").json()["characters"]]
    assert len(files(bare)) == len(before) - 2


def files(server):
    return [path for path in (server.media / "files").rglob("*") if path.is_file()]


def test_knowledge_may_be_json(bare):
    facts = json.dumps([{"title": "Cat", "text": "The cat is called Barnacle."}, "The tower is 42 metres high."])
    assert bare.create("Json knowledge", knowledge=("facts.json", facts.encode())).status_code == 201


def test_a_key_is_never_shown(bare):
    made = bare.create("Keyed", llm_config={"api_key": "sk-very-secret", "model_name": "gpt-3.5-turbo"})
    assert made.status_code == 201, made.text
    for path in (f"/get-character/{made.json()['character_id']}", "/get-characters"):
        assert "very-secret" not in bare.get(path).text
    assert "very-secret" not in bare.log.read_text()


def test_without_a_model_it_quotes_its_knowledge(bare):
    number = bare.create("Quoting", knowledge=EXAMPLES / "knowledge.txt").json()["character_id"]
    answer = bare.ask(number, "What is the name of the one-eyed cat?")
    assert answer.status_code == 200, answer.text
    assert "Barnacle" in answer.json()["text_response"]
    assert answer.json()["audio_url"]


@pytest.mark.parametrize("field, form", [
    ("name", {"name": None, "llm_model": "smollm2-135m-instruct"}),
    ("name", {"name": ""}),
    ("name", {"name": "  \t "}),
    ("name", {"name": "y" * 5000}),
    ("llm_config", {"llm_config": "{not json"}),
    ("llm_config", {"llm_config": "[1, 2]"}),
    ("temperature", {"llm_config": {"temperature": "hot"}}),
    ("max_tokens", {"llm_config": {"max_tokens": -5}}),
    ("system_prompt", {"llm_config": {"system_prompt": 7}}),
    ("voice_cloning_settings", {"voice_cloning_settings": "nonsense"}),
    ("stt_settings", {"stt_settings": "\"text\""}),
    ("llm_config", {"llm_config": "[" * 100_000}),
    ("character_image", {"image": ("face.png", b"this is no picture at all")}),
    ("knowledge_base_file", {"knowledge": ("facts.txt", b"\xff\xfe\x00broken\x80")}),
    ("knowledge_base_file", {"knowledge": ("facts.json", b"{\"a\": ")}),
    ("style_tuning_file", {"style": ("style.json", b"not json")}),
    ("style_tuning_file", {"style": ("style.json", b"[{\"question\": 1}]")}),
    ("voice_cloning_audio", {"voice": ("voice.wav", b"RIFF no wave")}),
])
def test_create_refuses_and_names_the_field(bare, field, form):
    count = len(bare.get("/get-characters").json()["characters"])
    before = files(bare)
    refused(bare.create(**{"name": "Wrong"} | form), 400, field)
    assert len(bare.get("/get-characters").json()["characters"]) == count
    assert files(bare) == before


@pytest.mark.parametrize("field, body", [
    ("question", {"character_id": 1}),
    ("question", {"character_id": 1, "question": ""}),
    ("question", {"character_id": 1, "question": ["a"]}),
    ("question", {"character_id": 1, "question": "   "}),
    ("character_id", {"question": "Hello?"}),
    ("character_id", {"character_id": "one", "question": "Hello?"}),
    ("character_id", {"character_id": -1, "question": "Hello?"}),
    ("character_id", {"character_id": 1.5, "question": "Hello?"}),
    ("stream", {"character_id": 1, "question": "Hello?", "stream": "perhaps"}),
    ("audio", {"character_id": 1, "question": "Hello?", "audio": 3}),
])
def test_a_question_is_refused_and_names_the_field(bare, field, body):
    assert bare.create("Somebody").status_code == 201
    refused(bare.post("/ask-question-text", json=body), 400, field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{\"a\":" * 5000])
def test_a_body_that_is_no_object_is_refused(bare, body):
    refused(bare.post("/ask-question-text", data=body, headers={"Content-Type": "application/json"}), 400)


def test_a_recording_that_is_none_is_refused(bare):
    number = bare.create("Listener").json()["character_id"]
    refused(bare.ask_audio(number, b"no sound in here"), 400, "audio_file")
    refused(bare.ask_audio(number, b""), 400, "audio_file")
    refused(bare.post("/ask-question-audio", files=[("character_id", (None, str(number)))]), 400, "audio_file")
    refused(bare.post("/ask-question-audio", files=[("audio_file", ("q.wav", RECORDING.read_bytes()))]), 400,
            "character_id")


@pytest.mark.parametrize("path", ["/get-character/999999", "/nowhere", "/serve-image/nobody/none.png",
                                  "/serve-audio/nobody/none.wav", "/serve-image/%2e%2e/%2e%2e/etc/passwd",
                                  "/serve-audio/..%2f..%2fetc%2fpasswd"])
def test_what_is_not_there_is_404(bare, path):
    refused(bare.get(path), 404)


def test_an_id_that_is_no_number_finds_nothing(bare):
    for number in ("abc", "1x", "99999999999999999999", "-1"):
        assert bare.get(f"/get-character/{number}").status_code in (400, 404)


def test_unknown_characters_are_404(bare):
    refused(bare.ask(999999, "Hello?"), 404)
    refused(bare.ask_audio(999999, RECORDING.read_bytes()), 404)
    refused(bare.delete("/delete-character/999999"), 404)


@pytest.mark.parametrize("method, path", [("POST", "/"), ("GET", "/create-character"), ("PUT", "/get-characters"),
                                          ("DELETE", "/ask-question-text"), ("GET", "/ask-question-audio")])
def test_a_method_that_a_path_does_not_have_is_405(bare, method, path):
    refused(bare.http.request(method, bare.url + path, timeout=10), 405)


def test_a_body_of_another_type_is_415(bare):
    refused(bare.post("/ask-question-text", data="question=hello", headers={"Content-Type": "text/plain"}), 415)
    refused(bare.post("/create-character", json={"name": "Json"}), 415)
    refused(bare.post("/ask-question-audio", json={"character_id": 1}), 415)


def test_an_upload_over_the_limit_is_413(bare):
    big = requests.post(bare.url + "/create-character", timeout=30,
                        files=[("name", (None, "Big")), ("knowledge_base_file", ("big.txt", b"word " * 400_000))])
    assert big.status_code == 413
    assert bare.get("/").status_code == 200


def test_a_foreign_page_cannot_write(bare):
    foreign = {"Origin": "http://evil.example"}
    refused(bare.post("/ask-question-text", json={"character_id": 1, "question": "Hello?"}, headers=foreign), 403)
    assert "Access-Control-Allow-Origin" not in bare.get("/", headers=foreign).headers
    own = bare.post("/ask-question-text", json={"character_id": 999999, "question": "Hi?"}, headers={"Origin": bare.url})
    assert own.status_code == 404

"""The Python examples of the specification, as they stand there but for the imports: a server at localhost:5000."""

import json
import pathlib
import socket
import subprocess
import sys

import pytest
from server import EXAMPLES, SPEECH, Server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fakes.upstream import FakeUpstream  # noqa: E402

CREATE = """
# Character data
files = {
    'character_image': open('character.jpg', 'rb'),
    'knowledge_base_file': open('knowledge.txt', 'rb'),
    'voice_cloning_audio': open('voice_sample.wav', 'rb'),
    'style_tuning_file': open('style_examples.json', 'rb')
}

data = {
    'name': 'AI Assistant',
    'llm_model': 'gpt-3.5-turbo',
    'llm_config': json.dumps({
        'api_key': 'your_key',
        'base_url': 'https://api.openai.com/v1',
        'max_tokens': 200,
        'temperature': 0.7
    }),
    'voice_cloning_settings': json.dumps({
        'model': 'f5tts',
        'reference_text': 'Hello, this is my voice.',
        'preprocess_audio': True
    }),
    'stt_settings': json.dumps({
        'model': 'whisper',
        'model_size': 'base'
    })
}

response = requests.post('http://localhost:5000/create-character',
                        files=files, data=data)
print(response.json())
"""

ASK = """
response = requests.post('http://localhost:5000/ask-question-text',
                        json={
                            'character_id': 1,
                            'question': 'What is machine learning?'
                        })
result = response.json()
print(f"Response: {result['text_response']}")
print(f"Audio URL: {result['audio_url']}")
"""

STYLE = [{"question": "How are you today?", "response": "I'm doing wonderfully, thank you for asking! How about you?"},
         {"question": "What's your favorite color?",
          "response": "I find myself drawn to deep blues - they remind me of the ocean depths."}]


@pytest.fixture
def folder(tmp_path):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 5000)) == 0:
            pytest.skip("the examples name port 5000, and something else listens there")
    (tmp_path / "character.jpg").write_bytes(b"\xff\xd8\xff\xe0" + (EXAMPLES / "picture.png").read_bytes())
    (tmp_path / "knowledge.txt").write_text("Machine learning is how programs improve by examples.")
    (tmp_path / "voice_sample.wav").write_bytes((SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav").read_bytes())
    (tmp_path / "style_examples.json").write_text(json.dumps(STYLE))
    return tmp_path


def run(program, folder):
    return subprocess.run([sys.executable, "-c", "import json\nimport requests\n" + program], cwd=folder, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def test_creating_a_character_with_python(folder):
    with Server(folder / "server", port=5000) as server:
        ended = run(CREATE, folder)
        assert ended.returncode == 0, ended.stdout
        assert "'character_id': 1" in ended.stdout and "'status': 'success'" in ended.stdout
        shown = server.show(1)
        assert shown["name"] == "AI Assistant" and shown["llm_model"] == "gpt-3.5-turbo"
        assert server.get(shown["image_url"].replace(server.url, "")).content == (folder / "character.jpg").read_bytes()


def test_asking_a_text_question(folder):
    with FakeUpstream(answer="Machine learning is learning from examples.") as upstream:
        with Server(folder / "server", port=5000, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=upstream.base_url) as server:
            made = server.create("AI Assistant", llm_model="gpt-3.5-turbo", knowledge=folder / "knowledge.txt",
                                 voice=folder / "voice_sample.wav", style=folder / "style_examples.json",
                                 voice_cloning_settings={"model": "f5tts", "reference_text": "Hello, this is my voice."})
            assert made.json()["character_id"] == 1
            ended = run(ASK, folder)
            assert ended.returncode == 0, ended.stdout
            assert "Response: Machine learning is learning from examples." in ended.stdout
            url = ended.stdout.split("Audio URL: ")[1].strip()
            assert url.startswith("http://localhost:5000/serve-audio/ai-assistant/"), ended.stdout
            assert server.get(url.replace("http://localhost:5000", "")).content[:4] == b"RIFF"
        sent = upstream.requests[0].json
        assert sent["messages"][1]["content"] == STYLE[0]["question"] and "programs improve" in sent["messages"][-1]["content"]

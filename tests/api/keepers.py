"""Clients that know what the server owes them, for tests that kill it, its database or its disk.

    world = World(upstream.base_url)
    with world.at_work(server, keepers=3):
        ...                      # something terrible
    world.check(restarted)       # all that was acknowledged is there, and nothing is half made
"""

import contextlib
import dataclasses
import itertools
import random
import threading
import time

import requests
from server import EXAMPLES

PICTURE = (EXAMPLES / "picture.png").read_bytes()
FILLER = " ".join(["the keeper of the light walks along the grey shore and counts every boat that comes home"] * 6)


@dataclasses.dataclass(frozen=True)
class State:
    """What a character must be: all of it, or all of another State."""
    name: str
    max_tokens: int
    picture: str  # the end of the picture's bytes
    documents: tuple = ()  # of its knowledge: pairs of words, the first and the last of each document
    turns: tuple = ()  # the questions of its session


class Character:
    def __init__(self, state):
        self.id = None
        self.now = None  # what is acknowledged; None: it is not there
        self.next = state  # what the unanswered request makes of it
        self.unanswered = True
        self.said = ""  # the last answer about it
        self.forgotten = []  # documents that were replaced
        self.recordings = []

    def begin(self, state):
        self.next, self.unanswered = state, True

    def settle(self, state):
        if self.now is not None:
            kept = state.documents if state else ()
            self.forgotten += [document for document in self.now.documents if document not in kept]
        self.now, self.unanswered = state, False


class Keeper(threading.Thread):
    """Makes, asks, changes and deletes characters of its own, one request at a time, until `stop` or the server's end.

    What is answered 503 may have happened or not: that character is left alone from then on."""

    def __init__(self, world, server, number, seed):
        super().__init__(daemon=True)
        self._world, self._server, self._random = world, server, random.Random(seed)
        self._own = world.characters.setdefault(number, [])
        self._name = f"Keeper {number}"
        self._http = requests.Session()
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            free = [character for character in self._own if character.now and not character.unanswered]
            what = self._random.choices(["create", "update", "ask", "delete"], [20, 35, 30, 15])[0]
            if len(free) < 2:
                what = "create"
            elif len(free) > 3 and what == "create":
                what = "delete"
            try:
                status = getattr(self, "do_" + what)(*([] if what == "create" else [self._random.choice(free)]))
            except requests.RequestException:
                if not self._world.endures:
                    return
                status = None
            except Exception as error:  # the test has to hear of it
                self._world.faults.append(f"{what}: {error!r}")
                return
            if status in (200, 201):
                self._world.done[what] += 1
            else:
                self.stop.wait(0.05)

    def _send(self, what, method, path, character, state, **options):
        """Returns the answer; `character` is `state` from then on if it is a success."""
        character.begin(state)
        started = time.monotonic()
        answer = self._http.request(method, self._server.url + path, timeout=60, **options)
        self._world.note(what, answer, time.monotonic() - started)
        character.said = f"{what}: {answer.status_code} {answer.text}"
        if answer.ok:
            if what == "create":
                character.id = answer.json()["character_id"]
            character.settle(state)
        elif answer.status_code not in self._world.doubtful:
            character.settle(character.now)
        return answer

    def _word(self):
        return "".join(self._random.choice("bcdfgklmnprtvz") + self._random.choice("aou") for _ in range(6)) + "k"

    def _document(self):
        """A document's words, and its bytes."""
        first, last = self._word(), self._word()
        paragraphs = [f"The {first} stands here. {FILLER}", *[FILLER] * self._random.randint(0, 8),
                      f"The {last} is the end. {FILLER}"]
        return (first, last), "\n\n".join(paragraphs).encode()

    def _picture(self):
        """The picture's end and the picture, now and then one that is too large to be kept in memory."""
        end = self._word()
        return end, PICTURE + (self._random.randbytes(1 << 20) if self._random.random() < 0.1 else b"") + end.encode()

    def _config(self, tokens):
        return ("llm_config", (None, '{"base_url": "%s", "model_name": "fake", "max_tokens": %d}' %
                               (self._world.mind, tokens)))

    def do_create(self):
        words, document = self._document()
        end, picture = self._picture()
        state = State(f"{self._name} {next(self._world.numbers)} v1", self._random.randint(1, 999), end, (words,))
        character = Character(state)
        self._own.append(character)
        form = [("name", (None, state.name)), self._config(state.max_tokens), ("character_image", ("picture.png", picture)),
                ("knowledge_base_file", ("knowledge.txt", document)),
                ("style_tuning_file", ("style.json", (EXAMPLES / "style.json").read_bytes()))]
        return self._send("create", "POST", "/create-character", character, state, files=form).status_code

    def do_update(self, character):
        name, _, version = character.now.name.rpartition("v")
        state = dataclasses.replace(character.now, name=f"{name}v{int(version) + 1}", max_tokens=self._random.randint(1, 999))
        form = [("name", (None, state.name)), self._config(state.max_tokens)]
        if self._random.random() < 0.7:
            words, document = self._document()
            append = len(state.documents) < 3 and self._random.random() < 0.5
            form += [("knowledge_base_file", ("knowledge.txt", document)),
                     ("knowledge_mode", (None, "append" if append else "replace"))]
            state = dataclasses.replace(state, documents=(*(state.documents if append else ()), words))
        if self._random.random() < 0.7:
            end, picture = self._picture()
            form.append(("character_image", ("picture.png", picture)))
            state = dataclasses.replace(state, picture=end)
        return self._send("update", "POST", f"/update-character/{character.id}", character, state, files=form).status_code

    def do_ask(self, character):
        question = f"Where is the {self._word()}?"
        remembered = self._world.remembers and len(character.now.turns) < 8
        state = dataclasses.replace(character.now, turns=(*character.now.turns, question)) if remembered else character.now
        body = {"character_id": character.id, "question": question, "audio": self._random.random() < 0.3}
        answer = self._send("ask", "POST", "/ask-question-text", character, state,
                            json=body | ({"session_id": "s"} if remembered else {}))
        if answer.ok and answer.json()["audio_url"]:
            character.recordings.append(answer.json()["audio_url"].removeprefix(self._server.url))
        return answer.status_code

    def do_delete(self, character):
        return self._send("delete", "DELETE", f"/delete-character/{character.id}", character, None).status_code


class World:
    """Everything that the keepers were promised.

    mind       the base_url of the FakeUpstream that is every character's mind
    remembers  whether questions belong to sessions
    endures    whether keepers go on when a request gets no answer at all
    doubtful   the statuses after which a request may have happened or not
    """

    def __init__(self, upstream, seed=1, remembers=True, endures=False, doubtful=(503,)):
        self.upstream, self.mind = upstream, upstream.base_url
        self.remembers, self.endures, self.doubtful = remembers, endures, doubtful
        self.characters = {}  # of each keeper
        self.numbers = itertools.count()  # so that no two have the same name
        self.done = dict.fromkeys(("create", "update", "ask", "delete"), 0)
        self.cut = dict.fromkeys(("happened", "did not happen"), 0)
        self.answers = []  # (what, answer, seconds)
        self.faults = []
        self._seeds = random.Random(seed)

    @property
    def settings(self):
        """What the server needs to think with the upstream."""
        return {"OPENAI_BASE_URL": self.mind, "OPENAI_API_KEY": "sk-of-the-operator"}

    def note(self, what, answer, seconds):
        self.answers.append((what, answer, seconds))

    @contextlib.contextmanager
    def at_work(self, server, keepers):
        """While the block runs, keepers do; they end with it, or with the server."""
        threads = [Keeper(self, server, number, self._seeds.random()) for number in range(keepers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.stop.set()
            for thread in threads:
                thread.join(70)
            assert not any(thread.is_alive() for thread in threads), "a request got no answer in a minute"
        assert not self.faults, self.faults

    def check(self, server, swept=True):
        """Each character is as it was acknowledged, or as the request that got no answer would have made it, and, if
        the files have been `swept`, none is left of what is gone. What it finds is acknowledged from then on."""
        listed = {character["id"]: character for character in server.get("/get-characters").json()["characters"]}
        by_name = {character["name"]: number for number, character in listed.items()}
        pictures, known = set(), set()
        for character in (character for own in self.characters.values() for character in own):
            if character.id is None:
                character.id = by_name.get(character.next.name)
            there = character.id in listed
            expected = [character.now] + ([character.next] if character.unanswered else [])
            seen = self._see(server, listed[character.id], character, expected) if there else None
            assert seen in expected, f"character {character.id} is {seen}, but should be one of {expected}; {character.said}"
            if there:
                known.add(character.id)
                pictures.add(listed[character.id]["image_url"].rpartition("/")[2])
            if character.unanswered:
                self.cut["happened" if seen == character.next else "did not happen"] += 1
            character.settle(seen)
            for path in character.recordings if swept or there else ():
                assert server.get(path).status_code == (200 if there else 404), f"a recording of {seen}"
        assert set(listed) == known, "there are characters that nobody has asked for"
        files = {path.name for path in (server.media / "files").iterdir()}
        assert files == pictures or (files > pictures and not swept), "files of no character"
        for path in (server.media / "audio").iterdir() if swept else ():
            assert path.suffix == ".wav" and int(path.name.partition("-")[0]) in listed, f"{path.name} is of no character"
        strays = [path for path in (server.data / "uploads").rglob("*") if path.is_file()]
        assert not strays, f"uploads were left behind: {strays}"
        for own in self.characters.values():
            own[:] = [character for character in own if character.now]

    def _see(self, server, listed, character, expected):
        shown = server.get(f"/get-character/{character.id}").json()["character"]
        assert shown["name"] == listed["name"] and shown["image_url"] == listed["image_url"]
        picture = server.get(shown["image_url"].removeprefix(server.url))
        assert picture.status_code == 200, f"character {character.id} has lost its picture: {expected}"
        end = picture.content[-13:].decode(errors="replace")
        assert picture.content.startswith(PICTURE), "a picture is half there"
        states = [state for state in expected if state]
        candidates = list(dict.fromkeys(words for state in states for words in state.documents)) + character.forgotten[-1:]
        documents = []
        for first, last in candidates:
            answer = server.ask(character.id, f"What about {first} and {last}?", audio=False)
            assert answer.status_code == 200, answer.text
            found = [word in answer.json()["knowledge_context"] for word in (first, last)]
            assert found[0] == found[1], f"half of a document of character {character.id} is there"
            if found[0]:
                documents.append((first, last))
        turns = self._turns(server, character) if self.remembers else ()
        return State(shown["name"], shown["llm_config"]["max_tokens"], end, tuple(documents), turns)

    def _turns(self, server, character):
        """The questions of the session, as the mind is told them."""
        before = len(self.upstream.requests)
        answer = server.ask(character.id, "What did I ask?", audio=False, session_id="s")
        assert answer.status_code == 200, answer.text
        assert len(self.upstream.requests) == before + 1
        messages = self.upstream.requests[-1].json["messages"][:-1]
        asked = [i for i, message in enumerate(messages) if message["content"].startswith("Where is the")]
        for i in asked:
            assert messages[i + 1] == {"role": "assistant", "content": self.upstream.answer}, "a turn has lost its answer"
        return tuple(messages[i]["content"] for i in asked)

"""Who may ask, what is too much, and what is no HTTP: all of it ends with a 4xx or a closed connection."""

import gzip
import json
import re
import socket
import time

import pytest
import requests
from server import EXAMPLES, ROOT, Server

KEY = "open-sesame"
PICTURE = (EXAMPLES / "picture.png").read_bytes()


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A server with a key, a name and a public URL."""
    with Server(tmp_path_factory.mktemp("locked"), TITANS_API_KEY=KEY, MAX_UPLOAD_MB=1, ALLOWED_HOSTS="titans.lan:5000",
                PUBLIC_URL="https://voices.example/titans") as server:
        yield server


@pytest.fixture(scope="module")
def image(bare):
    """The path of a picture that `bare` serves."""
    number = bare.create("Pictured", image=("picture.png", PICTURE)).json()["character_id"]
    return bare.get(f"/get-character/{number}").json()["character"]["image_url"].removeprefix(bare.url)


def talk(server, *parts, timeout=10, pause=0.0):
    """What the server says to these bytes until it closes the connection, or is silent for `timeout` s (then None is
    the second item)."""
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        except OSError:
            pass
        try:
            while more := connection.recv(65536):
                said += more
        except TimeoutError:
            return said, None
        except OSError:
            pass
    return said, "closed"


def statuses(said):
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", said, re.MULTILINE)]


def refusal(server, *parts, **options):
    """The status of the only answer, which is a whole JSON error, after which the connection is closed."""
    said, end = talk(server, *parts, **options)
    assert end == "closed", said
    head, _, body = said.partition(b"\r\n\r\n")
    assert len(statuses(said)) == 1, said
    assert f"content-length: {len(body)}".encode() in head.lower()
    error = json.loads(body)
    assert error["status"] == "error" and error["error"]
    return statuses(said)[0]


def post(path="/ask-question-text", *headers, host="localhost"):
    return "".join(f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", f"Host: {host}", *headers, "")).encode()


# Who may ask.


def test_the_key_is_judged_before_anything_else(locked):
    for path in ("/get-characters", "/health", "/docs", "/openapi.json", "/nothing"):
        answer = locked.get(path, headers={"Host": "evil.example", "Origin": "http://evil.example"})
        assert answer.status_code == 401, path
        assert answer.json()["status"] == "error"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert locked.http.request("BREW", locked.url + "/", timeout=5).status_code == 405
    assert locked.http.request("BREW", locked.url + "/health", timeout=5).status_code == 401


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {KEY}x"}, {"Authorization": f"Bearer {KEY[:-1]}"},
    {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": KEY.upper()}, {"X-API-Key": ""}])
def test_a_wrong_key_opens_nothing(locked, headers):
    assert locked.get("/get-characters", headers=headers).status_code == 401


def test_the_right_key_opens(locked):
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}):
        assert locked.get("/get-characters", headers=headers).status_code == 200
    assert KEY not in locked.log.read_text()


def test_the_greeting_and_the_media_want_no_key(locked):
    assert locked.get("/").status_code == 200
    assert locked.get("/serve-audio/someone/nothing.wav").status_code == 404
    assert locked.get("/serve-image/someone/../../get-characters").status_code in (401, 404)


def test_without_the_key_no_body_is_kept(locked):
    body = b"x" * (900 << 10)
    head = post("/create-character", "Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}")
    assert refusal(locked, head, body) == 401
    assert not [path for path in (locked.data / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:5000", "[::1]:5000", "192.168.7.7", "titans.lan",
                                  "Titans.LAN:80", "voices.example:8443"])
def test_a_name_of_this_server_is_taken(locked, host):
    assert locked.get("/health", headers={"Host": host, "X-API-Key": KEY}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "titans.lan.evil",
                                  "2130706433", "127.1", "0x7f000001"])
def test_another_name_is_refused(bare, host):
    """A page whose name was made to lead to this machine (DNS rebinding) gets nothing."""
    assert bare.get("/get-characters", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("lines", [[], ["Host: "], ["Host: a b"], ["Host: user@localhost"], ["Host: localhost:x"],
                                   ["Host: localhost", "Host: evil.example"], ["Host: localhost/x"]])
def test_a_host_that_is_none_is_refused(bare, lines):
    request = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", *lines, "")).encode()
    assert refusal(bare, request) == 400


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://localhost.evil.example", "https://127.0.0.1",
                                    "http://127.0.0.1:1", "file://", "garbage"])
def test_no_other_site_changes_anything(bare, origin):
    for method, path in (("POST", "/create-character"), ("POST", "/load-character"), ("DELETE", "/delete-character/1")):
        answer = bare.http.request(method, bare.url + path, headers={"Origin": origin}, data={"name": "Mallory"}, timeout=5)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Mallory" not in bare.get("/get-characters").text


def test_the_server_s_own_pages_may(bare, locked):
    body = {"character_id": 999}
    assert bare.post("/load-character", json=body, headers={"Origin": bare.url}).status_code == 404
    answer = locked.post("/load-character", json=body, headers={"Origin": "https://voices.example", "X-API-Key": KEY})
    assert answer.status_code == 404


# What there is.


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/create-character", "POST"), ("POST", "/get-characters", "GET, HEAD"), ("PUT", "/get-character/1", "GET, HEAD"),
    ("OPTIONS", "/create-character", "POST"), ("OPTIONS", "/serve-audio/a/b.wav", "GET, HEAD"), ("DELETE", "/", "GET, HEAD")])
def test_a_method_that_is_not_allowed_is_told_which_are(bare, method, path, allowed):
    answer = bare.http.request(method, bare.url + path, timeout=5, headers={
        "Origin": bare.url, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert not any(name.lower().startswith("access-control") for name in answer.headers)
    assert answer.json()["status"] == "error"


def test_head_is_get_without_the_body(bare, image):
    for path in ("/", "/get-characters", "/docs", image):
        head, get = bare.http.head(bare.url + path, timeout=5), bare.get(path)
        assert head.status_code == get.status_code == 200
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(get.content))


def test_the_working_directory_is_not_served(bare):
    (bare.folder / "secrets.txt").write_text("nobody's business")
    (bare.data / "page.html").write_text("nobody's business")
    for path in ("/secrets.txt", "/data/page.html", "/data/", "/log", "/./secrets.txt", "/..", "/../../etc/hosts.txt",
                 "/%2e%2e/x.txt", "/data/titans.db", "//secrets.txt"):
        said, _ = talk(bare, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert statuses(said) == [404], path
        assert said.endswith(b'{"error":"there is nothing at this address","status":"error"}'), path


@pytest.mark.parametrize("name", ["../titans.db", "..%2ftitans.db", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/etc/passwd", "x.wav%00.png",
                                  "%00", "..", ".", "lock", "titans.db"])
def test_media_are_found_by_their_stored_name_alone(bare, name):
    for kind in ("audio", "image"):
        said, _ = talk(bare, f"GET /serve-{kind}/someone/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                       .encode())
        assert statuses(said) == [404]


def test_answers_are_not_guessed_at_or_kept_by_browsers(bare):
    for path in ("/", "/get-characters", "/nothing", "/get-character/0"):
        headers = bare.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in bare.get("/docs").headers["Content-Security-Policy"]


def test_no_name_gets_into_a_header_or_a_page(bare):
    name = "Eve\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script>"
    made = bare.create(name, image=("a\r\nX-Evil: 1.png", PICTURE))
    for answer in (made, bare.get("/get-characters")):
        assert "X-Evil" not in answer.headers
        assert answer.headers["Content-Type"].startswith("application/json")
    for character in bare.get("/get-characters").json()["characters"]:
        if character["image_url"]:
            assert re.fullmatch(re.escape(bare.url) + r"/serve-image/[a-z0-9_-]+/[0-9a-f-]+\.(png|jpg)",
                                character["image_url"])


def test_urls_come_from_the_host_header_or_the_public_url_and_no_other_header(bare, locked):
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    assert bare.get("/openapi.json", headers=forwarded).json()["servers"] == [{"url": bare.url}]
    answer = locked.get("/openapi.json", headers=forwarded | {"X-API-Key": KEY})
    assert answer.json()["servers"] == [{"url": "https://voices.example/titans"}]


def test_details_are_for_debugging(tmp_path, bare):
    assert "detail" not in bare.get("/get-character/999").json()
    with Server(tmp_path, DEBUG="true", TITANS_API_KEY=KEY) as server:
        answer = server.get("/get-character/999", headers={"X-API-Key": KEY})
        assert "detail" in answer.json()
        assert KEY not in answer.text and KEY not in server.log.read_text()


# Media.


def test_media_are_kept_by_clients_and_asked_for_once(bare, image):
    first = bare.get(image)
    assert first.status_code == 200 and first.content == PICTURE
    assert first.headers["Content-Type"] == "image/png"
    assert first.headers["Accept-Ranges"] == "bytes"
    assert "immutable" in first.headers["Cache-Control"] and "private" in first.headers["Cache-Control"]
    etag = first.headers["ETag"]
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = bare.get(image, headers={"If-None-Match": condition})
        assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == etag
    assert bare.get(image, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("wanted, part", [
    ("bytes=0-9", slice(0, 10)), ("bytes=10-", slice(10, None)), ("bytes=-7", slice(-7, None)), ("bytes=0-", slice(0, None)),
    ("bytes=5-99999999", slice(5, None))])
def test_a_part_of_a_file_is_served(bare, image, wanted, part):
    answer = bare.get(image, headers={"Range": wanted})
    assert answer.status_code == 206
    assert answer.content == PICTURE[part]
    start = range(len(PICTURE))[part].start
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(PICTURE)}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=a-b", "bytes=", "lines=1-2", "bytes=0-1,3-4", "bytes=-", "bytes=--1"])
def test_a_range_that_is_none_gets_the_whole_file(bare, image, wanted):
    answer = bare.get(image, headers={"Range": wanted})
    assert answer.status_code == 200 and answer.content == PICTURE


def test_a_range_behind_the_end_is_refused(bare, image):
    answer = bare.get(image, headers={"Range": f"bytes={len(PICTURE)}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(PICTURE)}"
    assert answer.json()["status"] == "error"


def test_a_range_holds_for_the_file_that_is_meant(bare, image):
    etag = bare.get(image).headers["ETag"]
    assert bare.get(image, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    for other in ('"other"', f"W/{etag}", "Mon, 01 Jan 2024 00:00:00 GMT"):
        assert bare.get(image, headers={"Range": "bytes=0-9", "If-Range": other}).status_code == 200


# What is too much, and what is no HTTP.


def test_a_body_that_is_too_large_is_refused_with_a_reason(bare):
    body = b"x" * (3 << 20)
    json_type = "Content-Type: application/json"
    assert refusal(bare, post("/ask-question-text", json_type, f"Content-Length: {len(body)}"), body) == 413
    assert refusal(bare, post("/ask-question-text", json_type, "Content-Length: 18446744073709551615")) == 413
    chunks = (b"%x\r\n" % (64 << 10) + b"x" * (64 << 10) + b"\r\n") * 20
    assert refusal(bare, post("/ask-question-text", json_type, "Transfer-Encoding: chunked"), chunks) == 413
    answer = requests.post(bare.url + "/create-character", files={"character_image": ("x.png", body)}, timeout=10)
    assert answer.status_code == 413 and "MAX_UPLOAD_MB" in answer.json()["error"]


def test_a_json_bomb_is_refused(bare):
    deep = "[" * 400_000
    as_json = {"Content-Type": "application/json"}
    for body in (deep, '{"character_id": 1, "question": ' + deep, '{"a":' * 150_000):
        assert bare.post("/ask-question-text", data=body, headers=as_json).status_code == 400
    answer = bare.create("Bomb", llm_config=deep)
    assert answer.status_code == 400 and "llm_config" in answer.json()["error"]


def test_a_compressed_body_is_not_unpacked(bare):
    body = gzip.compress(b'{"character_id": 999, "question": "' + b"x" * (50 << 20) + b'"}')
    answer = bare.post("/ask-question-text", data=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert answer.status_code in (400, 415)


@pytest.mark.parametrize("request_", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\nY: b\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 500 + b"\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000,
    b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_malformed_request_is_refused(bare, request_):
    assert refusal(bare, request_) in (400, 403, 414, 431)


@pytest.mark.parametrize("headers", [
    ["Content-Length: -1"], ["Content-Length: +5"], ["Content-Length: 5x"], ["Content-Length: 0x5"], ["Content-Length: "],
    ["Content-Length: 5", "Content-Length: 5"], ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: gzip"], ["Transfer-Encoding: chunked, chunked"], ["Content-Length: 99999999999999999999999"]])
def test_a_body_of_doubtful_length_is_refused(bare, headers):
    assert refusal(bare, post("/ask-question-text", *headers), b"hello") == 400


@pytest.mark.parametrize("chunk", [b"-2\r\n", b"-1\r\n", b"3\r\nabc\r\n-2\r\n0\r\n\r\n", b"-7fffffffffffffff\r\n", b"+1\r\na\r\n", b"x\r\n",
                                   b"FFFFFFFFFFFFFFFF\r\n", b"3\r\nabcdef", b"\r\n", b"1\na\n", b"1" * 500])
def test_a_malformed_chunk_is_refused(bare, chunk):
    """Of -2 the HTTP library makes a body of the memory behind its buffer, or ends the process."""
    head = post("/ask-question-text", "Content-Type: application/json", "Transfer-Encoding: chunked")
    assert refusal(bare, head, chunk) in (400, 413)
    assert refusal(bare, *[bytes([byte]) for byte in head + chunk]) in (400, 413)
    assert bare.get("/").status_code == 200


def test_a_chunked_body_is_read(bare):
    def body():
        yield b'{"character_id":'
        yield b' 999, "question": "?"}'
    answer = requests.post(bare.url + "/ask-question-text", data=body(), headers={"Content-Type": "application/json"},
                           timeout=10)
    assert answer.status_code == 404, answer.text


def test_requests_that_come_together_are_answered_in_order(bare):
    together = b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                        for path in ("/", "/nothing", "/get-character/0", "/")) + b"NONSENSE\r\n\r\n"
    said, end = talk(bare, together)
    assert statuses(said)[:1] == [200] and end == "closed"
    assert all(status < 500 for status in statuses(said))


def test_http_1_0_is_spoken(bare):
    said, end = talk(bare, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert statuses(said) == [200] and end == "closed"


def test_every_test_that_the_table_of_attacks_names_is_there():
    names = set(re.findall(r"`(test_\w+|[A-Z]\w+\.[A-Z]\w+)`", (ROOT / "docs/security.md").read_text()))
    assert len(names) > 40
    python = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    cpp = "".join(path.read_text() for path in (ROOT / "src").rglob("*_test.cpp"))
    for name in names:
        if name.startswith("test_"):
            assert f"def {name}(" in python, name
        else:
            assert re.search(r"TEST(_F|_P)?\({}, {}\)".format(*name.split(".")), cpp), name

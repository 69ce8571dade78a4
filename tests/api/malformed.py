"""Requests with something wrong in them, from a seeded generator: bytes to be sent as they are."""

import json

WAV = (b"RIFF\x24\x3f\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00"
       b"data\x00\x3f\x00\x00" + bytes(range(256)) * 63)
BOUNDARY = b"----titans"
NUMBERS = [0, -1, 1, 2**31, 2**63, -2**63 - 1, 10**400, 1e308, -0.0, 0.1]
STRINGS = ["", "a" * 9000, "\0", "\ud800", "\u202e", "../../etc/passwd", "%s%n", "{{7*7}}", "' OR 1=1 --", "1", "-1", "0x1",
           "1e3", "日本" * 50, "\r\nX: y", "someone/mind", "gpt-4o", "x.gguf", "../x.gguf", "set", "http://127.0.0.1:1/v1"]
FIELDS = ["character_id", "question", "session_id", "audio", "stream", "model_name", "model_type", "file", "name", "llm_model",
          "llm_config", "stt_settings", "voice_cloning_settings", "knowledge_mode", "temperature", "max_tokens", "stop_tokens",
          "base_url", "api_key", "model_path", "model", "language", "max_time", "preprocessing", "x"]
FILES = ["character_image", "knowledge_base_file", "voice_cloning_audio", "style_tuning_file", "audio_file"]
JSON_PATHS = ["/ask-question-text", "/load-character", "/download-model"]
FORM_PATHS = ["/create-character", "/update-character/1", "/ask-question-audio"]
GET_PATHS = ["/", "/get-characters", "/get-character/1", "/health", "/docs", "/openapi.json", "/get-tts-models",
             "/serve-audio/a/" + "0" * 32 + ".wav", "/serve-image/a/" + "0" * 32 + ".png"]


class Malformer:
    def __init__(self, random_, picture):
        self._random, self._picture = random_, picture

    def next(self):
        """One request."""
        make = self._random.choice([self._json, self._form, self._form, self._line, self._headers, self._chunked, self._length])
        method, path, headers, body = make()
        request = b"%s %s HTTP/1.1\r\n" % (method, path) + b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + body
        for _ in range(self._random.choice([0, 0, 0, 0, 0, 1, 2, 4])):
            request = self._damage(request)
        return request[:self._random.randrange(len(request) + 1)] if self._random.random() < 0.1 else request

    # --- Parts that are wrong

    def _value(self, depth=0):
        random_ = self._random
        kind = random_.randrange(8 if depth < 3 else 5)
        if kind == 0:
            return random_.choice(NUMBERS)
        if kind in (1, 2):
            return random_.choice(STRINGS)
        if kind in (3, 4):
            return random_.choice([True, False, None])
        if kind == 5:
            return [self._value(depth + 1) for _ in range(random_.randint(0, 4))]
        return {random_.choice(FIELDS): self._value(depth + 1) for _ in range(random_.randint(0, 4))}

    def _json_text(self):
        random_ = self._random
        kind = random_.randrange(8)
        if kind == 0:
            return random_.choice([b"[", b'{"a":', b"{", b"\"", b'[{"a":']) * random_.choice([1, 20, 5000])
        if kind == 1:
            return random_.choice([b"", b"null", b"nul", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{'a': 1}", b"{}{}", b"NaN", b"1e99999",
                                   b'{"question": "\xff\xc0\x80"}', b'{"question": "\\ud800"}', b'{"a": 1, "a": 2}', b"{,}"])
        value = self._value(depth=0)
        if not isinstance(value, dict):
            value = {random_.choice(FIELDS): value for _ in range(3)}
        value.setdefault("character_id", random_.choice([1, "1", 2, value]) if kind < 5 else 1)
        if isinstance(value["character_id"], dict):
            value["character_id"] = {}
        if kind > 5:
            value.setdefault("question", "Hello?")
        return json.dumps(value, ensure_ascii=random_.random() < 0.5).encode(errors="surrogatepass")

    def _part(self):
        random_ = self._random
        if random_.random() < 0.5:
            name, value = random_.choice(FIELDS), random_.choice([self._json_text, lambda: random_.choice(STRINGS).encode(
                errors="surrogatepass"), lambda: b"1", lambda: b"Ada"])()
            disposition = f'form-data; name="{name}"'
        else:
            name = random_.choice(FILES)
            value = random_.choice([b"", self._picture, self._picture[:9], WAV, WAV[:60], b"\xff\xd8\xff", b"OggS" + bytes(40),
                                    b"fLaC" + bytes(40), b"ID3" + bytes(40), b"\xff" * 50, b"text " * 500, self._json_text(),
                                    random_.randbytes(3000)])
            file = random_.choice(["a.png", "../../a", "", "a\0b", "a" * 5000, '"', "é.txt", "x.wav"])
            disposition = f'form-data; name="{name}"; filename="{file}"'
        head = b"Content-Disposition: " + disposition.encode() + b"\r\n"
        if random_.random() < 0.2:
            head = random_.choice([b"", b"Content-Disposition: form-data\r\n", b"X" * 9000 + b"\r\n", head.replace(b'"', b""),
                                   head.replace(b": ", b""), head * 3, b"Content-Type: text/plain\r\n" + head])
        return head + b"\r\n" + value

    # --- Requests: method, path, headers, body

    def _wrap(self, method, path, content_type, body, *extra):
        headers = [(b"Host", b"localhost"), (b"Content-Type", content_type), (b"Content-Length", b"%d" % len(body)),
                   (b"Connection", b"close"), *extra]
        return method, path.encode(), headers, body

    def _json(self):
        path = self._random.choice(JSON_PATHS)
        return self._wrap(b"POST", path, self._random.choice([b"application/json"] * 6 + [b"text/plain", b"", b"application/json;" * 9]),
                          self._json_text())

    def _form(self):
        random_ = self._random
        parts = [b'Content-Disposition: form-data; name="name"\r\n\r\nAda'] if random_.random() < 0.7 else []
        if random_.random() < 0.5:
            parts.append(b'Content-Disposition: form-data; name="character_id"\r\n\r\n1')
        parts += [self._part() for _ in range(random_.choice([0, 1, 2, 3, 50]))]
        body = b"".join(b"--" + BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + BOUNDARY + b"--\r\n"
        if random_.random() < 0.2:
            body = random_.choice([body[:-6], body.replace(b"\r\n", b"\n"), body.replace(BOUNDARY, BOUNDARY[:-1], 1), body * 2,
                                   body[::-1], b"\r\n" * 1000 + body])
        boundary = random_.choice([BOUNDARY] * 8 + [b"", b'"' + BOUNDARY + b'"', BOUNDARY * 20, b"-", b"\xff", BOUNDARY[:4]])
        return self._wrap(b"POST", random_.choice(FORM_PATHS), b"multipart/form-data; boundary=" + boundary, body)

    def _line(self):
        random_ = self._random
        path = random_.choice(GET_PATHS + JSON_PATHS + ["/delete-character/7777777"])
        path += random_.choice(["", "/", "?", "?a=%", "/..", "/%00", "//", ";x", "#", "/%ff", "?" + "a=b&" * 500, "/" + "a" * 9000,
                                "/99999999999999999999", "/-1", "/1.5", "%2e%2e", "\x7f", "/é"])
        method = random_.choice([b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT",
                                 b"get", b"G" * 3000])
        if method == b"DELETE":
            path = "/delete-character/7777777" + path[1:]
        return self._wrap(method, path, b"text/plain", b"")

    def _headers(self):
        random_ = self._random
        names = [b"Range", b"If-None-Match", b"If-Range", b"Host", b"Origin", b"Expect", b"Upgrade", b"Cookie", b"Accept", b"X",
                 b"Accept-Encoding", b"Content-Encoding", b"Transfer-Encoding", b"Content-Length", b"Connection", b"Authorization"]
        values = [b"", b"bytes=0-", b"bytes=-1", b"bytes=5-1", b"bytes=0-99999999999999999999999", b"*", b'"', b"\xff\xfe", b"a" * 9000,
                  b"chunked", b"gzip", b"100-continue", b"websocket", b"null", b"http://evil.example", b"a=b; " * 300, b"\t", b"-1", b"close"]
        extra = [(random_.choice(names), random_.choice(values)) for _ in range(random_.choice([1, 2, 3, 200]))]
        path = random_.choice(GET_PATHS)
        return self._wrap(random_.choice([b"GET", b"HEAD"]), path, b"", b"", *extra)

    def _chunked(self):
        random_ = self._random
        body = b""
        text = self._json_text()
        while text:
            size = random_.randint(1, 2000)
            line = b"%x" % len(text[:size])
            body += random_.choice([line] * 12 + [line + b";a=b", b"-1", b"ffffffffffffffff", b"0x1", line + b" ", b"", b"z"]) + b"\r\n"
            body += text[:size] + (b"\r\n" if random_.random() < 0.97 else b"")
            text = text[size:]
        body += random_.choice([b"0\r\n\r\n"] * 3 + [b"0\r\nX: y\r\n\r\n", b"", b"0\r\n", b"00\r\n\r\n"])
        headers = [(b"Host", b"localhost"), (b"Content-Type", b"application/json"), (b"Transfer-Encoding", b"chunked"),
                   (b"Connection", b"close")]
        return b"POST", random_.choice(JSON_PATHS).encode(), headers, body

    def _length(self):
        method, path, headers, body = self._random.choice([self._json, self._form])()
        length = self._random.choice([b"%d" % (len(body) + 1), b"%d" % max(0, len(body) - 1), b"0", b"-1", b"1e3", b"%d" % 2**64,
                                      b"%d, %d" % (len(body), len(body)), b"+%d" % len(body), b"99999999", b"0%d" % len(body)])
        return method, path, [(name, length if name == b"Content-Length" else value) for name, value in headers], body

    def _damage(self, request):
        random_ = self._random
        request = bytearray(request)
        at = random_.randrange(len(request) + 1)
        match random_.randrange(5):
            case 0:
                request[at:at] = random_.randbytes(random_.randint(1, 8))
            case 1:
                del request[at:at + random_.randint(1, 12)]
            case 2:
                request[at:at + 1] = bytes([random_.randrange(256)])
            case 3:
                request[at:at] = random_.choice([b"\r\n", b"\n", b"\0", b"%00", b"-", b"\r\n\r\n", b":", b" ", b"\xff"])
            case 4:
                request[at:at] = request[at:at + random_.randint(1, 200)]
        return bytes(request)

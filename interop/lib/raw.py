"""Raw TCP to the server under test, and a strict reader of HTTP/1 responses."""
import contextlib
import socket
import struct

import target


class Bad(AssertionError):
    """What the server sent is not HTTP/1."""


class Closed(AssertionError):
    """The server closed before the response was complete."""


class Response:
    def __init__(self, status, reason, version, fields):
        self.status, self.reason, self.version, self.fields = status, reason, version, fields
        self.body, self.trailers, self.informational, self.chunks = b"", [], [], None

    def get(self, name, default=None):
        """The value of a field, lines joined as a list; names compare without case."""
        values = [v for n, v in self.fields if n.lower() == name.lower()]
        return ", ".join(values) if values else default

    @property
    def keeps(self):
        options = [o.strip().lower() for o in (self.get("connection") or "").split(",")]
        return "close" not in options and (self.version == (1, 1) or "keep-alive" in options)


class Connection:
    """One connection; `with` closes it."""

    def __init__(self, host=None, port=None, timeout=10, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host or target.HOST, port or target.PORT))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.version = "1.1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, path, fields=(), body=b"", version="1.1"):
        """Sends one request; a body gets its Content-Length."""
        self.version = version
        lines = [f"{method} {path} HTTP/{version}", f"Host: {target.ADDRESS or 'localhost'}"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def fill(self):
        """Reads once; False at the end of the stream."""
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                raise Closed(f"closed inside a line: {self.buffer[:100]!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        if b"\r" in line or b"\n" in line:
            raise Bad(f"bare CR or LF: {line[:100]!r}")
        return line

    def exactly(self, size):
        parts = [self.buffer[:size]]
        self.buffer = self.buffer[size:]
        left = size - len(parts[0])
        while left:
            data = self.socket.recv(min(left, 1 << 18))
            if not data:
                raise Closed(f"closed {left} bytes before the body's end")
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def to_end(self):
        """All that comes until the server closes; a reset counts as the end."""
        with contextlib.suppress(ConnectionError):
            while self.fill():
                pass
        data, self.buffer = self.buffer, b""
        return data

    def fields(self):
        fields = []
        while line := self.line():
            name, colon, value = line.partition(b":")
            if not colon or not name or name != name.strip():
                raise Bad(f"field line {line[:100]!r}")
            fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        return fields

    def head(self):
        parts = self.line().split(b" ", 2)
        if len(parts) != 3 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit() or len(parts[1]) != 3:
            raise Bad(f"status line {b' '.join(parts)[:100]!r}")
        version = (1, int(parts[0][7:]))
        return Response(int(parts[1]), parts[2].decode("latin-1"), version, self.fields())

    def response(self, method="GET"):
        """The next final response, with its interim ones in `.informational`."""
        informational = []
        while True:
            answer = self.head()
            if answer.status >= 200 or answer.status == 101:
                break
            informational.append(answer)
        answer.informational = informational
        length, coding = answer.get("content-length"), answer.get("transfer-encoding")
        if length is not None and coding is not None:
            raise Bad("both Content-Length and Transfer-Encoding")
        if answer.status in (101, 204) and (length is not None or coding is not None):
            raise Bad(f"framing fields on a {answer.status} (RFC 9110 8.6, RFC 9112 6.1)")
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        if coding is not None:
            if coding.lower() != "chunked" or answer.version == (1, 0):
                raise Bad(f"Transfer-Encoding {coding!r} on HTTP/1.{answer.version[1]}")
            self.chunked(answer)
        elif length is not None:
            if not length.isdigit():
                raise Bad(f"Content-Length {length!r}")
            answer.body = self.exactly(int(length))
        else:
            # A 1.0 client takes the close for granted (RFC 9112 9.3).
            if answer.keeps and self.version != "1.0":
                raise Bad("a body that ends with the connection, without `Connection: close`")
            answer.body = self.to_end()
        return answer

    def chunked(self, answer):
        answer.chunks, parts = [], []
        while True:
            size, _, _ = self.line().partition(b";")
            if not size or any(c not in b"0123456789abcdefABCDEF" for c in size):
                raise Bad(f"chunk size {size[:40]!r}")
            if int(size, 16) == 0:
                break
            parts.append(self.exactly(int(size, 16)))
            answer.chunks.append(len(parts[-1]))
            if self.exactly(2) != b"\r\n":
                raise Bad("no CRLF after chunk data")
        answer.trailers = self.fields()
        answer.body = b"".join(parts)

    def expect_silence(self, seconds=0.2):
        """Nothing more arrives for so long, and the connection stays open."""
        self.socket.settimeout(seconds)
        try:
            data = self.buffer or self.socket.recv(100)
        except TimeoutError:
            return
        raise Bad(f"expected silence, got {data[:100]!r}" if data else "expected an open connection")

    def expect_end(self):
        """The server closes, and sends nothing before."""
        data = self.to_end()
        if data:
            raise Bad(f"expected the end, got {data[:100]!r}")


def exchange(method, path, fields=(), body=b"", version="1.1"):
    """One request on a connection of its own."""
    with Connection() as connection:
        connection.request(method, path, fields, body, version)
        return connection.response(method)


def healthy():
    """The server still answers."""
    answer = exchange("GET", "/hello")
    if (answer.status, answer.body) != (200, b"hello, world\n"):
        raise AssertionError(f"GET /hello: {answer.status} {answer.body[:80]!r}")

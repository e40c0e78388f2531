"""Python's http.client, h11's client machine, and connection endings over raw sockets."""
import hashlib
import http.client
import json
import os
import socket
import threading

import h11

import target
from check import check, contains, equal, run, true
from raw import Connection, exchange, healthy
from target import ADDRESS, HOST, PORT, pattern


def client():
    return http.client.HTTPConnection(HOST, PORT, timeout=10)


# http.client

@check("http.client: 100 exchanges of all sorts on one connection")
def _():
    connection = client()
    connection.connect()
    local = connection.sock.getsockname()
    for turn in range(20):
        for method, path, body in (("GET", "/hello", None), ("POST", "/echo", b"x" * turn), ("HEAD", "/bytes/9999", None),
                                   ("GET", "/status/204", None), ("GET", f"/bytes/{turn * 1000}", None)):
            connection.request(method, path, body)
            response = connection.getresponse()
            data = response.read()
            equal(response.status, 204 if path == "/status/204" else 200, f"{method} {path}")
            want = {"/hello": b"hello, world\n", "/echo": body}.get(path)
            if path.startswith("/bytes") and method == "GET":
                want = pattern(turn * 1000)
            true(want is None or data == want, f"{method} {path}: wrong body of {len(data)} bytes")
            equal(connection.sock.getsockname(), local, "the connection in use")
    connection.close()


@check("http.client: a chunked body from an iterator")
def _():
    connection, parts = client(), [b"a" * n for n in (1, 10, 100, 70_000)]
    connection.request("POST", "/upload", iter(parts), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    answer = json.load(connection.getresponse())
    equal(answer, {"bytes": 70_111, "sha256": hashlib.sha256(b"".join(parts)).hexdigest()}, "what was received")


@check("http.client: Connection: close from the client")
def _():
    connection = client()
    connection.request("GET", "/hello", headers={"Connection": "close"})
    response = connection.getresponse()
    equal((response.read(), response.will_close), (b"hello, world\n", True), "body and close")


@check("http.client: HTTP/1.0 asks for keep-alive and gets it")
def _():
    connection = client()
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
    for _ in range(3):
        connection.request("GET", "/hello", headers={"Connection": "keep-alive"})
        response = connection.getresponse()
        equal((response.read(), response.will_close), (b"hello, world\n", False), "body and close")


@check("http.client: 103 is passed over, the final answer read")
def _():
    connection = client()
    connection.request("GET", "/hints")
    # http.client skips 100 only; the 103 shows as its own response.
    response = connection.getresponse()
    equal(response.status, 103, "interim status")
    contains((response.getheader("link") or "").lower(), "rel=", "link")


# h11: the client machine reads what the server sends and refuses anything out of line.

class Peer:
    def __init__(self):
        self.socket = socket.create_connection((HOST, PORT), timeout=10)
        self.machine = h11.Connection(h11.CLIENT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *events):
        for event in events:
            self.socket.sendall(self.machine.send(event))

    def event(self):
        while (event := self.machine.next_event()) is h11.NEED_DATA:
            self.machine.receive_data(self.socket.recv(1 << 16))
        return event

    def response(self):
        """(interim responses, final head, body, trailers)"""
        interim, head, body = [], None, []
        while True:
            event = self.event()
            if isinstance(event, h11.InformationalResponse):
                interim.append(event)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return interim, head, b"".join(body), list(event.headers)
            else:
                raise AssertionError(f"unexpected {event!r}")

    def exchange(self, method, path, headers=(), body=b"", trailers=()):
        fields = [("Host", ADDRESS), *headers]
        if body and not any(name.lower() == "transfer-encoding" for name, _ in fields):
            fields.append(("Content-Length", str(len(body))))
        self.send(h11.Request(method=method, target=path, headers=fields))
        if body:
            self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage(headers=list(trailers)))
        return self.response()


def value(head, name):
    return dict(head.headers).get(name.encode())


@check("h11: a sequence on one connection, ending with close")
def _():
    with Peer() as peer:
        for path, method, status in (("/hello", "GET", 200), ("/no", "GET", 404), ("/hello", "HEAD", 200),
                                     ("/status/304", "GET", 304), ("/bytes/100000", "GET", 200)):
            _, head, body, _ = peer.exchange(method, path)
            equal(head.status_code, status, f"{method} {path}")
            true(path != "/bytes/100000" or body == pattern(100_000), "wrong bytes")
            equal(peer.machine.their_state, h11.DONE, "state")
            peer.machine.start_next_cycle()
        _, head, _, _ = peer.exchange("GET", "/hello", [("Connection", "close")])
        equal(value(head, "connection"), b"close", "connection field")
        equal(peer.socket.recv(1), b"", "the end")


@check("h11: chunked both ways with trailers and 1xx")
def _():
    with Peer() as peer:
        _, head, body, _ = peer.exchange("POST", "/echo", [("Transfer-Encoding", "chunked"), ("Trailer", "x-sum")],
                                         b"trailing", [("x-sum", "1")])
        equal((head.status_code, body), (200, b"trailing"), "echo")
        peer.machine.start_next_cycle()
        _, head, body, trailers = peer.exchange("GET", "/stream/3/1", [("TE", "trailers"), ("Connection", "TE")])
        equal(value(head, "transfer-encoding"), b"chunked", "transfer-encoding")
        equal([(n.lower(), v) for n, v in trailers], [(b"x-chunks", b"3")], "trailers")
        peer.machine.start_next_cycle()
        interim, head, _, _ = peer.exchange("GET", "/hints")
        equal(([i.status_code for i in interim], head.status_code), ([103], 200), "statuses")


@check("h11: Expect: 100-continue")
def _():
    with Peer() as peer:
        peer.send(h11.Request(method="POST", target="/upload", headers=[
            ("Host", ADDRESS), ("Content-Length", "5"), ("Expect", "100-continue")]))
        event = peer.event()
        equal((type(event).__name__, event.status_code), ("InformationalResponse", 100), "interim response")
        peer.send(h11.Data(data=b"hello"), h11.EndOfMessage())
        _, head, body, _ = peer.response()
        equal((head.status_code, json.loads(body)["bytes"]), (200, 5), "answer")


@check("h11: 200 pipelined requests are answered in order")
def _():
    requests = b"".join(
        b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % n if n % 3 else
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d" % n for n in range(200))
    with socket.create_connection((HOST, PORT), timeout=10) as connection:
        threading.Thread(target=connection.sendall, args=(requests,), daemon=True).start()
        left = b""
        for n in range(200):
            # A machine for each answer: h11's client does not pipeline.
            machine = h11.Connection(h11.CLIENT)
            machine.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
            machine.send(h11.EndOfMessage())
            if left:
                machine.receive_data(left)
            body = b""
            while not isinstance(event := machine.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    machine.receive_data(connection.recv(1 << 16))
                elif isinstance(event, h11.Data):
                    body += event.data
            true(body == (pattern(n) if n % 3 else b"%03d" % n), f"answer {n} is wrong: {body[:50]!r}")
            left = machine.trailing_data[0]
        equal(left, b"", "what is left over")


@check("h11: a pipelined close ends the connection, what follows is not answered")
def _():
    with Connection() as connection:
        connection.send(b"GET /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                        b"GET /bytes/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        equal((len(connection.response().body), len(connection.response().body)), (1, 2), "sizes")
        connection.expect_end()


# Framing and endings, over raw sockets.

@check("raw: chunk extensions, split sizes and trailers")
def _():
    with Connection() as connection:
        head = b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = b'5;a=b;c="q;\\"x"\r\nhello\r\n0006 ; x = y\r\n world\r\n0;last\r\nX-Sum: 1\r\nX-Other:\r\n\r\n'
        for byte in head + body:
            connection.send(bytes([byte]))
        equal(json.loads(connection.response().body)["sha256"], hashlib.sha256(b"hello world").hexdigest(), "sha256")
        connection.request("GET", "/hello")
        equal(connection.response().status, 200, "the next request")


@check("raw: two requests in one segment, each body framed exactly")
def _():
    with Connection() as connection:
        connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 23\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"
                        b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        equal(json.loads(connection.response().body)["bytes"], 23, "bytes of the first")
        equal(connection.response().body, b"hello, world\n", "the second")
        connection.expect_silence()


@check("raw: a body nobody read is drained or the connection closed")
def _():
    for size in (10, 100_000, 3_000_000):
        with Connection() as connection:
            connection.request("POST", "/status/200", body=b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n" + b"x" * size)
            first = connection.response()
            if first.keeps:
                connection.request("GET", "/hello")
                equal(connection.response().body, b"hello, world\n", f"the next answer after {size} unread bytes")
            else:
                connection.expect_end()


@check("raw: HEAD, 204 and 304 carry no body, then the next answer follows")
def _():
    with Connection() as connection:
        for method, path in (("HEAD", "/bytes/500"), ("GET", "/status/204"), ("GET", "/status/304"), ("HEAD", "/stream/2/1")):
            connection.request(method, path)
            connection.response(method)
        connection.request("GET", "/hello")
        equal(connection.response().body, b"hello, world\n", "body")


@check("raw: half-close after a request still brings the answer")
def _():
    for method, path, body, size in (("GET", "/delay/200", b"", None), ("POST", "/echo", b"x" * 1000, 1000),
                                     ("GET", "/bytes/2000000", b"", 2_000_000)):
        with Connection() as connection:
            connection.request(method, path, body=body)
            connection.half_close()
            answer = connection.response()
            equal(answer.status, 200, path)
            true(size is None or len(answer.body) == size, f"{path}: {len(answer.body)} bytes")
            connection.expect_end()


@check("raw: half-close inside a head or body brings no answer 200")
def _():
    for data in (b"GET /hello HTTP/1.1\r\nHost: a\r\n", b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel",
                 b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
        with Connection() as connection:
            connection.send(data)
            connection.half_close()
            answer = connection.to_end()
            true(not answer or answer.startswith(b"HTTP/1.1 4"), f"answer to a cut request: {answer[:60]!r}")


@check("raw: closing at once leaves nothing behind")
def _():
    for _ in range(200):
        with Connection():
            pass
    healthy()


@check("raw: resets inside request and response bodies leave the server healthy")
def _():
    for turn in range(40):
        with Connection() as connection:
            if turn % 2:
                connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 5000)
            else:
                connection.request("GET", "/bytes/10000000000")
                connection.socket.recv(10_000)
            connection.reset()
    healthy()


@check("raw: the peer leaves, the handler's work ends")
def _():
    before = open_files()
    for _ in range(20):
        with Connection() as connection:
            connection.request("GET", "/stream/100000/10")
            connection.head()
    target.wait_for(lambda: open_files() <= before + 2, 10, "sockets of lost clients are still open")


def open_files():
    return len(os.listdir(f"/proc/{target.PID}/fd"))


@check("raw: no 1xx and no chunked coding to HTTP/1.0")
def _():
    for path in ("/hints", "/stream/3/1"):
        answer = exchange("GET", path, [("TE", "trailers")], version="1.0")
        equal((answer.status, answer.informational, answer.chunks), (200, [], None), path)
    answer = exchange("POST", "/upload", [("Expect", "100-continue")], b"hello", version="1.0")
    equal((answer.status, answer.informational), (200, []), "Expect from HTTP/1.0")


@check("raw: an unknown expectation is 417 or ignored")
def _():
    true(exchange("POST", "/upload", [("Expect", "tea")], b"x").status in (200, 417), "status")


@check("raw: Upgrade to what nobody speaks is ignored")
def _():
    with Connection() as connection:
        connection.request("GET", "/hello", [("Connection", "Upgrade"), ("Upgrade", "tea/1")])
        equal(connection.response().status, 200, "status")
        connection.request("GET", "/hello")
        equal(connection.response().status, 200, "the next")


@check("raw: error answers say why, carry Connection: close and close")
def _():
    for data, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505),
                         (b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501)):
        with Connection() as connection:
            connection.send(data)
            answer = connection.response()
            true(answer.status == status or status != 400 and answer.status == 400, f"{data!r}: {answer.status}")
            equal((answer.get("connection") or "").lower(), "close", f"connection field of {answer.status}")
            connection.expect_end()


if __name__ == "__main__":
    run()

"""`wirelace get --http 2` against a server on Python's h2, which takes no frame that breaks a rule."""
import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from check import check, contains, equal, run, true
from origin import FOLDER, leaf
from peer import PREFACE
from our_client import failure, get, place
from target import MIB, pattern

Codes = h2.settings.SettingCodes
Errors = h2.errors.ErrorCodes
BIG = pattern(10_000_000)
# All that may change later are in the first SETTINGS: h2 takes an acknowledgement for the oldest change of each.
SETTINGS = {Codes.MAX_CONCURRENT_STREAMS: 100, Codes.HEADER_TABLE_SIZE: 4096, Codes.INITIAL_WINDOW_SIZE: 65_535}


class Session:
    """One connection; the part of a path before its second slash names the method that answers."""

    def __init__(self, link, settings, pad):
        self.link, self.settings, self.pad = link, settings, pad
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        # What is to be sent on each stream, whether that is all, and the trailers.
        self.bodies, self.requests, self.sums, self.answered, self.refused = {}, {}, set(), 0, False
        self.waiting, self.begun, self.over = [], False, False

    def serve(self):
        self.h2.initiate_connection()
        # h2 would count as if the client knew these settings from the beginning; so they are a change.
        self.h2.data_to_send()
        self.h2.update_settings(self.settings)
        self.flush()
        buffer = b""
        while data := self.link.recv(1 << 16):
            buffer += data
            for part in iter(lambda: self.cut(buffer), b""):
                buffer = buffer[len(part):]
                if not self.over:
                    for event in self.h2.receive_data(part):
                        self.take(event)
            if not self.over:
                self.pump()
                self.flush()

    def cut(self, buffer):
        """One frame, or the preface: within one call h2 has no eye for larger frames that have just been allowed."""
        if not self.begun:
            self.begun = len(buffer) >= len(PREFACE)
            return buffer[:len(PREFACE)] if self.begun else b""
        length = 9 + int.from_bytes(buffer[:3], "big")
        return buffer[:length] if len(buffer) >= length else b""

    def flush(self):
        if data := self.h2.data_to_send():
            self.link.sendall(data)

    def take(self, event):
        match event:
            case h2.events.RequestReceived():
                self.requests[event.stream_id] = bytearray()
                fields = dict(event.headers)
                kind, _, rest = fields[":path"][1:].partition("/")
                getattr(self, kind)(event.stream_id, event.headers, rest)
            case h2.events.DataReceived():
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self.received(event.stream_id).extend(event.data)
            case h2.events.StreamEnded():
                if event.stream_id in self.sums:
                    whole = bytes(self.requests[event.stream_id])
                    self.answer(event.stream_id, json.dumps([len(whole), hashlib.sha256(whole).hexdigest()]).encode())
                elif event.stream_id in self.bodies:
                    self.bodies[event.stream_id][1] = True

    def received(self, stream):
        """Where a request's body goes: back, if the answer has no end of its own."""
        body, whole, _ = self.bodies.get(stream, (None, True, None))
        return self.requests[stream] if whole else body

    def answer(self, stream, body=b"", fields=(), trailers=None, whole=True):
        self.answered += 1
        self.h2.send_headers(stream, [(":status", "200"), *fields])
        self.bodies[stream] = [bytearray(body), whole, trailers]

    def pump(self):
        """Sends what the windows allow."""
        for stream, (body, whole, trailers) in list(self.bodies.items()):
            cost = 0 if self.pad is None else self.pad + 1
            while body and (room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size) - cost) > 0:
                self.h2.send_data(stream, bytes(body[:room]), pad_length=self.pad)
                del body[:room]
                self.flush()
            if whole and not body:
                del self.bodies[stream]
                if trailers:
                    self.h2.send_headers(stream, trailers, end_stream=True)
                else:
                    self.h2.end_stream(stream)

    # What is asked for.

    def hello(self, stream, *_):
        self.answer(stream, b"hello from Python\n")

    def together(self, stream, _, count):
        """Answers once so many wait."""
        self.waiting.append(stream)
        if len(self.waiting) == int(count):
            for stream in self.waiting:
                self.answer(stream, b"together\n")
            self.waiting.clear()

    def bytes(self, stream, _, size):
        self.answer(stream, pattern(int(size)))

    def echo(self, stream, *_):
        self.answer(stream, whole=False)

    def upload(self, stream, *_):
        self.sums.add(stream)

    def head(self, stream, fields, *_):
        if dict(fields)[":method"] == "HEAD":
            self.h2.send_headers(stream, [(":status", "200"), ("content-length", "5000")], end_stream=True)
        else:
            self.answer(stream, json.dumps(fields).encode())

    def trailers(self, stream, *_):
        self.answer(stream, b"with trailers\n", trailers=[("x-sum", "abc"), ("x-more", "1")])

    def hints(self, stream, *_):
        for name in ("a.css", "b.js"):
            self.h2.send_headers(stream, [(":status", "103"), ("link", f"</{name}>; rel=preload")])
        self.answer(stream, b"after the hints\n")

    def push(self, stream, fields, _):
        if self.h2.remote_settings.enable_push:
            fields = dict(fields)
            for name in ("a.css", "b.js"):
                promised = self.h2.get_next_available_stream_id()
                self.h2.push_stream(stream, promised, [(":method", "GET"), (":scheme", fields[":scheme"]), (":authority", fields[":authority"]),
                                                       (":path", f"/push/{name}")])
                self.answer(promised, f"pushed {name}".encode())
        self.answer(stream, b"the page\n")

    def changing(self, stream, *_):
        """The settings change before the answer, which is larger than the table and the frames then are."""
        self.h2.update_settings({Codes.HEADER_TABLE_SIZE: self.answered % 3 * 100, Codes.INITIAL_WINDOW_SIZE: 1000 + self.answered % 7 * 20_000,
                                 Codes.MAX_CONCURRENT_STREAMS: 1 + self.answered % 5})
        self.answer(stream, pattern(10_000), [("x-long", "v" * 300)])

    def refuse(self, stream, *_):
        """The first is refused, the others are answered."""
        if self.refused:
            self.answer(stream, b"taken\n")
        else:
            self.refused = True
            self.h2.reset_stream(stream, Errors.REFUSED_STREAM)

    def broken(self, stream, _, code):
        self.answer(stream, pattern(1000), [("content-length", "5000")], whole=False)
        self.pump()
        self.h2.reset_stream(stream, int(code))
        del self.bodies[stream]

    def last(self, stream, *_):
        self.answer(stream, b"the last\n")
        self.pump()
        self.close(last_stream_id=stream)

    def away(self, stream, _, code):
        self.close(int(code), additional_data=b"no more", last_stream_id=0)

    def close(self, *arguments, **keywords):
        """GOAWAY and the end; h2 then takes nothing any more."""
        self.h2.close_connection(*arguments, **keywords)
        self.flush()
        self.over = True
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def python(settings=None, tls=False, pad=None):
    """Gives the base of URLs, and the sessions there were; at the end no rule must have been broken."""
    listener = socket.create_server(("127.0.0.1", 0))
    sessions, broken, threads = [], [], []
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf().chain, leaf().key)
        context.set_alpn_protocols(["h2"])

    def one(link):
        try:
            link.settimeout(20)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context:
                link = context.wrap_socket(link, server_side=True)
            session = Session(link, {**SETTINGS, **(settings or {})}, pad)
            sessions.append(session)
            session.serve()
        except OSError:
            pass
        except Exception as error:  # The check fails with whatever it is.
            broken.append(f"{type(error).__name__}: {error}")
        finally:
            link.close()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                thread = threading.Thread(target=one, args=(listener.accept()[0],), daemon=True)
                threads.append(thread)
                thread.start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        port = listener.getsockname()[1]
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", sessions
        for thread in threads:
            thread.join(10)
        equal(broken, [], "what the client did wrong")
    except AssertionError as error:
        # What was seen here says more than what the client made of it.
        true(not broken, f"{broken}; {error}")
        raise
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def both(name, seconds=30, **how):
    """The check in the clear and over TLS; it gets the base of URLs and the sessions."""
    def register(function):
        for way, tls in (("h2c", False), ("h2", True)):
            def once(tls=tls):
                with python(tls=tls, **how) as (base, sessions):
                    function(base, sessions)
            check(f"{way}: {name}", seconds)(once)
    return register


@both("GET, HEAD, what arrived")
def _(base, sessions):
    equal(get(f"{base}/hello").out, b"hello from Python\n", "body")
    contains(get("-i", "-X", "HEAD", f"{base}/head").out, b"content-length: 5000", "head")
    fields = json.loads(get("-H", "X-MiXeD: yes", "-H", "Cookie: a=1", "-H", "TE: trailers", "-H", "Connection: close", f"{base}/head").out)
    names = [name for name, _ in fields]
    equal(sorted(names[:4]), [":authority", ":method", ":path", ":scheme"], "the first four")
    true("x-mixed" in names and "connection" not in names and "host" not in names, f"fields {names}")


@both("10 MB down, up, and back")
def _(base, sessions):
    true(get(f"{base}/bytes/10000000").out == BIG, "the body differs")
    up = place("python-up", BIG)
    equal(json.loads(get("-d", f"@{up}", f"{base}/upload").out), [len(BIG), hashlib.sha256(BIG).hexdigest()], "what was received")
    true(get("-d", f"@{up}", f"{base}/echo").out == BIG, "the echo differs")


@both("1000 requests, 100 at once, on one connection", 60)
def _(base, sessions):
    rows = get("--json", "-o", os.devnull, "--repeat", "1000", "--parallel", "100", f"{base}/together/100", seconds=60).rows()
    equal(({row["status"] for row in rows}, len(rows), len(sessions)), ({200}, 1000, 1), "statuses, answers and connections")


for _limit in (1, 3):
    @both(f"MAX_CONCURRENT_STREAMS {_limit}: h2 raises if more are open", settings={Codes.MAX_CONCURRENT_STREAMS: _limit})
    def _(base, sessions):
        rows = get("--json", "-o", os.devnull, "--repeat", "60", "--parallel", "20", f"{base}/hello").rows()
        equal([row["status"] for row in rows], [200] * 60, "statuses")
        equal(len(sessions), 1, "connections")


@both("trailers, two 103s, push", seconds=20)
def _(base, sessions):
    result = get("-v", f"{base}/trailers", f"{base}/hints")
    equal(result.out, b"with trailers\nafter the hints\n", "bodies")
    for line in ("< x-sum: abc", "< x-more: 1", "< link: </a.css>; rel=preload", "< link: </b.js>; rel=preload"):
        contains(result.err.splitlines(), line, "stderr")
    equal(get(f"{base}/push").out, b"the page\n", "without --push")
    true("pushed" not in get("-v", f"{base}/push").err, "something was pushed")
    result = get("-v", "--push", f"{base}/push")
    equal(result.out, b"the page\n", "with --push")
    for name in ("a.css", "b.js"):
        true(re.search(rf"pushed: GET {base}/push/{re.escape(name)}: 200, {7 + len(name)} bytes", result.err), f"no {name} in {result.err}")


@both("windows of 1 byte: 300 up", settings={Codes.INITIAL_WINDOW_SIZE: 1})
def _(base, sessions):
    equal(get("-d", "x" * 300, f"{base}/echo").out, b"x" * 300, "the echo")


@both("255 bytes of padding on every frame: 1 MB, whose windows come back", pad=255)
def _(base, sessions):
    true(get(f"{base}/bytes/1000000").out == pattern(1_000_000), "the body differs")


@both("frames of 1 MiB and windows of 16 MiB", settings={Codes.MAX_FRAME_SIZE: MIB, Codes.INITIAL_WINDOW_SIZE: 16 * MIB})
def _(base, sessions):
    up = place("python-wide", BIG)
    true(get("-d", f"@{up}", f"{base}/echo").out == BIG, "the echo differs")


@both("a table of 0 for what we send, fields that repeat", settings={Codes.HEADER_TABLE_SIZE: 0})
def _(base, sessions):
    arguments = [part for i in range(30) for part in ("-H", f"x-name-{i}: {'value' * 20}")]
    rows = get("--json", "-o", os.devnull, "--repeat", "20", *arguments, f"{base}/hello").rows()
    equal([row["status"] for row in rows], [200] * 20, "statuses")


@both("settings that change before every answer", 60)
def _(base, sessions):
    rows = get("--json", "-o", os.devnull, "--repeat", "20", "--parallel", "5", "-d", "y" * 50_000, f"{base}/changing", seconds=60).rows()
    equal([(row["status"], row["bytes"]) for row in rows], [(200, 10_000)] * 20, "statuses and sizes")


@both("REFUSED_STREAM: asked again, and answered")
def _(base, sessions):
    equal(get(f"{base}/refuse").out, b"taken\n", "body")


@both("RST_STREAM inside a body: exit code 1, in one line")
def _(base, sessions):
    for code in (Errors.INTERNAL_ERROR, Errors.CANCEL, Errors.ENHANCE_YOUR_CALM):
        failure(f"{base}/broken/{int(code)}")


@both("GOAWAY: what was asked is answered; with a code it is an error")
def _(base, sessions):
    equal(get(f"{base}/last", f"{base}/hello").out, b"the last\nhello from Python\n", "bodies")
    equal(len(sessions), 2, "connections")
    failure(f"{base}/away/{int(Errors.ENHANCE_YOUR_CALM)}")


if __name__ == "__main__":
    try:
        run()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)

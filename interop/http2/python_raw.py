"""Bare frames by Python's hyperframe and hpack: how connections end, priorities, limits, floods."""
import contextlib
import json
import os
import signal

from hyperframe.frame import PriorityFrame

import target
from check import check, contains, equal, run, true
from peer import (PREFACE, ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, Raw, RstStreamFrame, SettingsFrame,
                  WindowUpdateFrame, connect, extension, healthy, request)
from target import MIB, Growth

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 3, 7, 8, 11
PRIORITY_UPDATE = 0x10
WINDOW, TABLE, FRAME = SettingsFrame.INITIAL_WINDOW_SIZE, SettingsFrame.HEADER_TABLE_SIZE, SettingsFrame.MAX_FRAME_SIZE


def both(name, seconds=20):
    def register(function):
        for way, tls in (("h2c", False), ("h2", True)):
            check(f"{way} {name}", seconds)(lambda tls=tls: function(tls))
    return register


# The start.

@both("SETTINGS come before anything is asked, and ours are acknowledged first of all that follows")
def _(tls):
    with contextlib.closing(connect(tls)) as link:
        link.sendall(PREFACE + SettingsFrame(0).serialize())
        data = b""
        while len(data) < 9:
            data += link.recv(9 - len(data))
        equal((data[3], data[4], data[5:9]), (4, 0, bytes(4)), "type, flags and stream of the first frame")


@both("a preface that comes byte by byte")
def _(tls):
    with contextlib.closing(connect(tls)) as link:
        for byte in PREFACE + SettingsFrame(0).serialize() + PingFrame(0, b"bytewise").serialize():
            link.sendall(bytes([byte]))
        data = b""
        while b"bytewise" not in data:
            part = link.recv(4096)
            true(part, f"the connection ended: {data!r}")
            data += part


@both("half a request a packet: frames cut anywhere")
def _(tls):
    with Raw(tls) as peer:
        frames = [*peer.head(1, request("POST", "/echo"), end=False), DataFrame(1, b"x" * 50), DataFrame(1, b"y" * 50, flags=["END_STREAM"])]
        data = b"".join(frame.serialize() for frame in frames)
        for i in range(0, len(data), 7):
            peer.socket.sendall(data[i:i + 7])
        peer.ended(1)
        equal((peer.status(1), peer.size(1)), (["200"], 100), "answer")


@check("HTTP/1.1 and HTTP/2 share the port in the clear")
def _():
    for _ in range(3):
        healthy()
        with contextlib.closing(connect()) as link:
            link.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with link.makefile("rb") as file:
                contains(file.read(), b"hello, world", "answer of HTTP/1.1")


@check("a preface over TLS to who chose http/1.1 is no HTTP/2")
def _():
    import ssl
    context = ssl.create_default_context(cafile=target.CERTIFICATE)
    context.set_alpn_protocols(["http/1.1"])
    with contextlib.closing(connect(port=target.TLS_PORT)) as link:
        link = context.wrap_socket(link, server_hostname="localhost")
        link.sendall(PREFACE + SettingsFrame(0).serialize())
        data = b""
        with contextlib.suppress(OSError):
            while part := link.recv(4096):
                data += part
        true(not data or data.startswith(b"HTTP/1.1 "), f"answer {data[:60]!r}")


# The end.

@both("our GOAWAY: what runs is finished, then the connection ends")
def _(tls):
    with Raw(tls) as peer:
        streams = [peer.ask(path="/delay/300"), peer.ask(path="/stream/5/50"), peer.ask(path="/bytes/50000")]
        peer.send(GoAwayFrame(0, last_stream_id=0, error_code=NO_ERROR))
        peer.to_end()
        equal([peer.status(stream) for stream in streams], [["200"]] * 3, "statuses")
        equal(peer.size(streams[2]), 50_000, "bytes of the last")


@both("our GOAWAY right before a request: it is served")
def _(tls):
    # As nghttp2 writes them when a session is closed behind a request.
    with Raw(tls) as peer:
        peer.ended(peer.ask())
        peer.send(GoAwayFrame(0, last_stream_id=0, error_code=NO_ERROR), *peer.head(3, request(path="/delay/200")))
        peer.to_end()
        equal(peer.status(3), ["200"], "status")


def draining(tls, work):
    """A demo of its own, which ends while `work(peer, terminate)` goes on; gives its exit code."""
    ports = ("--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0")
    place = os.path.join(target.WORK, "draining.pem")
    with target.server("demo", *ports, "--write-cert", place, scheme="https" if tls else "http",
                       environment={"XDG_CACHE_HOME": os.path.join(target.WORK, "draining.cache")}) as (host, port, process):
        kept, target.CERTIFICATE = target.CERTIFICATE, place
        try:
            with Raw(tls, host=host, port=port) as peer:
                work(peer, lambda: process.send_signal(signal.SIGTERM))
        finally:
            target.CERTIFICATE = kept
        equal(process.wait(10), 0, "exit code")


@both("SIGTERM: GOAWAY, streams that run are finished, then the end, with exit code 0", 30)
def _(tls):
    def work(peer, terminate):
        upload = peer.ask("POST", "/echo", end=False)
        streams = [peer.ask(path="/delay/1000"), peer.ask(path="/stream/20/50"), peer.ask(path="/bytes/60000"), upload]
        peer.settle()
        terminate()
        away = peer.until(lambda frame: isinstance(frame, GoAwayFrame))
        equal(away.error_code, NO_ERROR, "code")
        true(away.last_stream_id >= streams[2], f"last stream {away.last_stream_id}")
        peer.send(DataFrame(upload, b"late"), DataFrame(upload, b", but here", flags=["END_STREAM"]))
        peer.to_end()
        equal([peer.status(stream) for stream in streams], [["200"]] * 4, "statuses")
        equal((peer.size(streams[2]), peer.size(upload)), (60_000, 14), "bytes")
        last = [frame.last_stream_id for frame in peer.log if isinstance(frame, GoAwayFrame)]
        equal(last, sorted(last, reverse=True), "last streams, which never grow")
        equal(last[-1], max(streams), "the last stream of the last GOAWAY")
    draining(tls, work)


@both("SIGTERM: a request that crosses GOAWAY is served, or surely was not", 30)
def _(tls):
    def work(peer, terminate):
        first = peer.ask(path="/delay/1000")
        peer.settle()
        terminate()
        peer.until(lambda frame: isinstance(frame, GoAwayFrame))
        crossing = peer.ask(path="/hello")
        peer.to_end()
        equal(peer.status(first), ["200"], "status of the first")
        last = [frame.last_stream_id for frame in peer.log if isinstance(frame, GoAwayFrame)][-1]
        if peer.status(crossing):
            true(last >= crossing, f"stream {crossing} was served, but the last is {last}")
        else:
            true(last < crossing, f"stream {crossing} was not served, though the last is {last}")
    draining(tls, work)


@both("SIGTERM: a connection without a stream ends at once", 30)
def _(tls):
    def work(peer, terminate):
        peer.ask()
        peer.ended(1)
        terminate()
        frames = peer.to_end()
        true(any(isinstance(frame, GoAwayFrame) for frame in frames), f"no GOAWAY: {frames}")
    draining(tls, work)


# Priorities of RFC 9218. The connection's window is shut until all have been asked for.

def order(tls, *rows, update=None, size=300_000):
    """Streams in the order in which their bodies end, as positions in `rows`, each the value of a priority field."""
    with Raw(tls, {WINDOW: 10 * MIB}) as peer:
        fill = peer.ask(path="/bytes/65535")
        peer.ended(fill)
        streams = [peer.ask(path=f"/bytes/{size}", fields=[("priority", row)] if row else []) for row in rows]
        if update:
            position, value = update
            peer.send(extension(PRIORITY_UPDATE, streams[position].to_bytes(4, "big") + value))
        peer.settle()
        for stream in streams:
            equal(peer.size(stream), 0, "bytes without a window")
        peer.window(10 * MIB)
        peer.ended(*streams)
        ends = [frame.stream_id for frame in peer.log if isinstance(frame, DataFrame) and "END_STREAM" in frame.flags and frame.stream_id != fill]
        runs = [frame.stream_id for frame in peer.log if isinstance(frame, DataFrame) and frame.data and frame.stream_id != fill]
        switches = sum(a != b for a, b in zip(runs, runs[1:]))
        return [streams.index(stream) for stream in ends], switches


@both("priority: what is urgent goes first, whatever was asked first")
def _(tls):
    equal(order(tls, "u=7", "u=5", "u=0")[0], [2, 1, 0], "order of their ends")


@both("priority: the same urgency goes one after the other")
def _(tls):
    ends, switches = order(tls, "u=4", "u=4", "u=4")
    equal(ends, [0, 1, 2], "order of their ends")
    # Not 2: the next has its turn while a handler makes more of the first.
    true(switches <= 15, f"{switches} switches between streams")


@both("priority: incremental ones share")
def _(tls):
    switches = order(tls, "u=4, i", "u=4, i", "u=4, i")[1]
    true(switches > 15, f"only {switches} switches between streams")


@both("priority: none means u=3")
def _(tls):
    equal(order(tls, "u=4", None, "u=2")[0], [2, 1, 0], "order of their ends")


@both("priority: PRIORITY_UPDATE overrules the field")
def _(tls):
    equal(order(tls, "u=1", "u=2", "u=6", update=(2, b"u=0"))[0], [2, 0, 1], "order of their ends")


@both("priority: what RFC 7540 had of it changes nothing")
def _(tls):
    with Raw(tls) as peer:
        peer.send(PriorityFrame(7, depends_on=3, stream_weight=200, exclusive=True), PriorityFrame(101, depends_on=0))
        stream = peer.ask()
        peer.ended(stream)
        equal(peer.status(stream), ["200"], "status")


# Limits.

@both("a stream above the limit is refused, and the connection lives")
def _(tls):
    with Raw(tls) as peer:
        peer.settle()
        (settings,) = [frame.settings for frame in peer.log if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags]
        limit = settings[SettingsFrame.MAX_CONCURRENT_STREAMS]
        streams = [peer.ask(path="/delay/500") for _ in range(limit + 3)]
        peer.ended(*streams)
        refused = {frame.stream_id: frame.error_code for frame in peer.log if isinstance(frame, RstStreamFrame)}
        equal(refused, {stream: REFUSED_STREAM for stream in streams[limit:]}, "resets")
        equal([peer.status(stream) for stream in streams[:limit]], [["200"]] * limit, "statuses")
        last = peer.ask()
        peer.ended(last)
        equal(peer.status(last), ["200"], "status of the next")


@both("frames after a smaller SETTINGS_MAX_FRAME_SIZE was acknowledged are no larger")
def _(tls):
    with Raw(tls, {WINDOW: 10 * MIB, FRAME: 65_536}) as peer:
        peer.window(20 * MIB)
        stream = peer.ask(path="/bytes/8000000")
        peer.until(lambda _: peer.size(stream) > 100_000)
        peer.send(SettingsFrame(0, settings={FRAME: 16_384}))
        before = len([frame for frame in peer.log if isinstance(frame, SettingsFrame)])
        peer.until(lambda frame: isinstance(frame, SettingsFrame) and len([f for f in peer.log if isinstance(f, SettingsFrame)]) > before)
        mark = len(peer.log)
        peer.ended(stream)
        equal(peer.size(stream), 8_000_000, "bytes")
        sizes = [[len(frame.data) for frame in part if isinstance(frame, DataFrame)] for part in (peer.log[:mark], peer.log[mark:])]
        true(max(sizes[0]) > 16_384, "no larger frame before")
        true(sizes[1] and max(sizes[1]) <= 16_384, f"a frame of {max(sizes[1])} bytes after")


@both("two values of SETTINGS_HEADER_TABLE_SIZE in one frame: the smaller one is told of")
def _(tls):
    with Raw(tls) as peer:
        for _ in range(2):
            peer.ended(peer.ask(path="/cache/60"))
        true(peer.decoder.header_table.dynamic_entries, "nothing is in the table")
        body = b"".join(TABLE.to_bytes(2, "big") + value.to_bytes(4, "big") for value in (0, 4096))
        peer.socket.sendall(len(body).to_bytes(3, "big") + b"\4\0" + bytes(4) + body)
        stream = peer.ask(path="/cache/60")
        peer.ended(stream)
        (head,) = [frame for frame in peer.log if isinstance(frame, HeadersFrame) and frame.stream_id == stream]
        equal(head.data[:4].hex(), "203fe11f", "the block's first octets, updates to 0 and 4096 (RFC 7541 4.2)")


@both("more than the window of a stream is a flow-control error")
def _(tls):
    # The echo cannot send, so it takes no more.
    with Raw(tls, {WINDOW: 0}) as peer:
        stream = peer.ask("POST", "/echo", end=False)
        with contextlib.suppress(OSError):
            peer.send(*[DataFrame(stream, bytes(16_384)) for _ in range(300)])
        frame = peer.until(lambda frame: isinstance(frame, (RstStreamFrame, GoAwayFrame)))
        equal(frame.error_code, FLOW_CONTROL_ERROR, "code")
    healthy(tls)


@both("padding: more of it than the connection's window, which comes back to the last byte", 60)
def _(tls):
    with Raw(tls) as peer:
        peer.settle()
        # One byte and 255 of padding, which with their length take 257 of the windows.
        piece = DataFrame(1, b"x", flags=["PADDED"], pad_length=255).serialize()
        window = 65_535 + sum(frame.window_increment for frame in peer.log if isinstance(frame, WindowUpdateFrame))
        times = window * 11 // 10 // 257 // 200
        true(times < 2000, f"a window of {window} bytes: this takes too long")
        stream = peer.ask("POST", "/upload", end=False)
        peer.pour(stream, piece * 200, 257 * 200, times)
        peer.send(DataFrame(stream, b"", flags=["END_STREAM"]))
        peer.ended(stream)
        equal(peer.status(stream), ["200"], "status")
        equal(json.loads(b"".join(f.data for f in peer.log if isinstance(f, DataFrame)))["bytes"], 200 * times, "bytes received")


@both("DATA on its way to streams that the server resets: the connection's window comes back", 40)
def _(tls):
    with Raw(tls) as peer:
        peer.settle()
        given = lambda: 65_535 + sum(frame.window_increment for frame in peer.log if isinstance(frame, WindowUpdateFrame) and not frame.stream_id)
        sent, most = 0, given() * 11 // 10
        true(most < 400 * 65_535, f"a window of {given()} bytes: this takes more faults than a server allows")
        while sent < most:
            true(given() - sent >= 65_535, f"after {sent} bytes the window is {given() - sent}")
            # The first frame is more than the length: an error of the stream. The others are on their way already.
            stream = peer.ask("POST", "/upload", [("content-length", "1")], end=False)
            peer.send(*[DataFrame(stream, bytes(size)) for size in (16_384, 16_384, 16_384, 16_383)])
            sent += 65_535
            peer.settle()
            true(stream in [frame.stream_id for frame in peer.log[-3:] if isinstance(frame, RstStreamFrame)] or peer.status(stream) == ["400"],
                 f"a body beyond its length: {peer.log[-3:]}")
        stream = peer.ask(path="/hello")
        peer.ended(stream)
        equal(peer.status(stream), ["200"], "status of the next")


@both("100 fields of 600 bytes are served, 10,000 small ones are not")
def _(tls):
    with Raw(tls) as peer:
        many = peer.ask(path="/headers", fields=[(f"x-{i}", "v" * 560) for i in range(100)])
        peer.ended(many)
        equal(peer.status(many), ["200"], "status")
        body = json.loads(b"".join(frame.data for frame in peer.log if isinstance(frame, DataFrame)))
        equal(len([name for name, _ in body["headers"] if name.startswith("x-")]), 100, "fields that arrived")
        # Each is one octet in the block: a name and value in the table.
        peer.encoder.header_table_size = 4096
        peer.ended(peer.ask(fields=[("x-bomb", "b" * 3000)]))
        bomb = peer.ask(fields=[("x-bomb", "b" * 3000)] * 10_000)
        peer.ended(bomb)
        true(peer.status(bomb) in (["431"], []), f"status {peer.status(bomb)}")
    healthy(tls)


# Floods. The server may end such a connection; it must not suffer.

def flood(tls, send, limit=16 * MIB):
    """Runs `send(peer)`, which may find the connection ended; gives the codes of the GOAWAYs that came."""
    with Growth() as growth:
        with Raw(tls) as peer:
            with contextlib.suppress(OSError):
                send(peer)
            peer.socket.settimeout(2)
            with contextlib.suppress(OSError):
                peer.to_end()
            codes = [frame.error_code for frame in peer.log if isinstance(frame, GoAwayFrame)]
        healthy(tls)
    growth.below(limit, "flooded")
    return codes


@both("flood: streams that are asked for and reset, 5,000 times")
def _(tls):
    def send(peer):
        for _ in range(5000):
            peer.send(RstStreamFrame(peer.ask(path="/bytes/1000000"), error_code=CANCEL))
    equal(flood(tls, send), [ENHANCE_YOUR_CALM], "codes of GOAWAY")


@both("flood: 200,000 PINGs that ask, of which no answer is read")
def _(tls):
    data = PingFrame(0, b"flooding").serialize() * 1000
    def send(peer):
        for _ in range(200):
            peer.socket.sendall(data)
    equal(set(flood(tls, send)) - {ENHANCE_YOUR_CALM}, set(), "codes of GOAWAY")


@both("flood: SETTINGS, 20,000 of them")
def _(tls):
    data = SettingsFrame(0, settings={WINDOW: 1000}).serialize() * 1000
    def send(peer):
        for _ in range(20):
            peer.socket.sendall(data)
    equal(set(flood(tls, send)) - {ENHANCE_YOUR_CALM}, set(), "codes of GOAWAY")


@both("flood: CONTINUATION without end")
def _(tls):
    def send(peer):
        block = peer.encoder.encode(request())
        peer.send(HeadersFrame(1, block, flags=["END_STREAM"]))
        piece = ContinuationFrame(1, b"\x00\x01x\x7f\x81\x7f" + b"a" * 256).serialize() * 100
        for _ in range(2000):
            peer.socket.sendall(piece)
    true(set(flood(tls, send)) <= {ENHANCE_YOUR_CALM, PROTOCOL_ERROR, 9}, "code of GOAWAY")


@both("flood: empty DATA, 100,000 frames")
def _(tls):
    def send(peer):
        stream = peer.ask("POST", "/upload", end=False)
        data = DataFrame(stream, b"").serialize() * 1000
        for _ in range(100):
            peer.socket.sendall(data)
    equal(flood(tls, send), [ENHANCE_YOUR_CALM], "codes of GOAWAY")


@both("flood: PRIORITY and PRIORITY_UPDATE for streams that never come")
def _(tls):
    def send(peer):
        for turn in range(200):
            peer.send(*[PriorityFrame(2 * i + 1, depends_on=0) for i in range(turn * 100 + 50, turn * 100 + 100)],
                      *[extension(PRIORITY_UPDATE, (2 * i + 1).to_bytes(4, "big") + b"u=1")
                        for i in range(turn * 100, turn * 100 + 50)])
    true(set(flood(tls, send)) <= {ENHANCE_YOUR_CALM, PROTOCOL_ERROR}, "code of GOAWAY")


@both("flood: WINDOW_UPDATE of 1, 100,000 frames")
def _(tls):
    data = WindowUpdateFrame(0, 1).serialize() * 1000
    def send(peer):
        for _ in range(100):
            peer.socket.sendall(data)
    equal(set(flood(tls, send)) - {ENHANCE_YOUR_CALM}, set(), "codes of GOAWAY")


@both("frames of types that nobody knows are passed over, on streams too")
def _(tls):
    with Raw(tls) as peer:
        stream = peer.ask("POST", "/echo", end=False)
        for kind, body in ((0x0A, b"\0\0clear"), (0x0A, b"malformed"), (0x0C, b"\0\1o"), (0x42, b"whatever"), (0xFF, b"")):
            for on in (0, stream):
                peer.send(extension(kind, body, on, 0xFF))
        peer.send(DataFrame(stream, b"ok", flags=["END_STREAM"]))
        peer.ended(stream)
        equal((peer.status(stream), peer.size(stream)), (["200"], 2), "answer")


if __name__ == "__main__":
    run()

"""Python's h2 as a client: windows, padding, trailers, resets, settings that change, many streams, field tables."""
import hashlib
import json
import os

import h2.errors
import h2.events

import target
from check import check, equal, run, true
from peer import Answer, Client, Codes, healthy
from target import MIB, Growth, pattern


def both(name, seconds=20):
    """The check in the clear and over TLS."""
    def register(function):
        for way, tls in (("h2c", False), ("h2", True)):
            check(f"{way} {name}", seconds)(lambda tls=tls: function(tls))
    return register


def right(answer, body, what="body"):
    equal((answer.status, answer.reset), (200, None), f"status and reset of the {what}")
    true(answer.body == body, f"the {what} differs: {len(answer.body)} bytes of {len(body)}")


# Exchanges.

@both("GET, HEAD, POST, statuses, one after the other on one connection")
def _(tls):
    with Client(tls) as client:
        for turn in range(20):
            right(client.get("/hello"), b"hello, world\n")
            right(client.get(f"/bytes/{turn * 1000}"), pattern(turn * 1000))
            head = client.get("/bytes/9999", method="HEAD")
            equal((head.status, head.get("content-length"), bytes(head.body)), (200, "9999", b""), "HEAD")
            right(client.post("/echo", pattern(turn * 777)), pattern(turn * 777))
            equal(client.get("/status/404").status, 404, "status")
            equal(client.get("/status/204").status, 204, "status")


@both("what arrived: cookies as one field, names as they were, an authority for Host")
def _(tls):
    with Client(tls) as client:
        seen = json.loads(client.get("/headers?x=1", [("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2")]).body)
        equal((seen["method"], seen["target"], seen["version"]), ("GET", "/headers?x=1", "HTTP/2"), "request")
        fields = [(name, value) for name, value in seen["headers"] if name in ("cookie", "x-y", "host")]
        equal(sorted(fields), [("cookie", "a=1; b=2"), ("host", "localhost"), ("x-y", "z")], "fields")


@both("trailers: the server's after its body, ours after ours")
def _(tls):
    with Client(tls) as client:
        answer = client.get("/stream/5/2", [("te", "trailers")])
        equal((answer.trailers, answer.body.count(b"\n")), ([("x-chunks", "5")], 5), "trailers and chunks")
        stream = client.ask("POST", "/upload", end=False)
        client.body(stream, b"trailing", end=False)
        client.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
        client.flush()
        (answer,) = client.finish(stream)
        equal(json.loads(answer.body), {"bytes": 8, "sha256": hashlib.sha256(b"trailing").hexdigest()}, "what was received")


@both("103 of /hints, 100 for an expectation")
def _(tls):
    with Client(tls) as client:
        answer = client.get("/hints")
        equal([dict(fields)[":status"] for fields in answer.interim], ["103"], "interim responses")
        true("link" in dict(answer.interim[0]), f"no link: {answer.interim[0]}")
        stream = client.ask("POST", "/upload", [("expect", "100-continue")], end=False)
        client.until(lambda: client.answers[stream].interim)
        client.body(stream, b"x" * 1000)
        (answer,) = client.finish(stream)
        equal((json.loads(answer.body)["bytes"], [dict(f)[":status"] for f in answer.interim]), (1000, ["100"]), "upload")


@both("pieces of /stream come as they are made")
def _(tls):
    with Client(tls) as client:
        stream = client.ask(path="/stream/1000/20")
        client.until(lambda: len(client.answers[stream].body) > 40)
        true(not client.answers[stream].ended, "all came at once")
        client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        right(client.get("/hello"), b"hello, world\n")


@both("the echo of 10 MB, down while it goes up", 40)
def _(tls):
    body = pattern(10_000_000)
    with Client(tls) as client:
        right(client.post("/echo", body), body)


@both("a length that is not the body's is an error of that stream alone")
def _(tls):
    with Client(tls) as client:
        other = client.ask(path="/delay/300")
        stream = client.ask("POST", "/upload", [("content-length", "10")], end=False)
        client.body(stream, b"short")
        (answer,) = client.finish(stream)
        true(answer.reset == h2.errors.ErrorCodes.PROTOCOL_ERROR or answer.status == 400, f"{answer.status}, reset {answer.reset}")
        equal(client.finish(other)[0].status, 200, "status of the other")


@both("a head above the limit of SETTINGS_MAX_HEADER_LIST_SIZE is 431, and the connection lives")
def _(tls):
    with Client(tls) as client:
        client.roundtrip()
        limit = client.h2.remote_settings.max_header_list_size
        true(limit and limit >= 16_384, f"limit {limit}")
        values = [(f"x-{i}", "v" * 1000) for i in range(limit // 1000 + 1)]
        answer = client.get("/hello", values)
        equal((answer.status, answer.reset), (431, None), "status and reset")
        right(client.get("/hello"), b"hello, world\n")


# Many at once.

@both("100 streams at once, of all sorts, each answered with its own")
def _(tls):
    with Client(tls, window=10 * MIB) as client:
        want = {}
        for i in range(100):
            match i % 4:
                case 0:
                    want[client.ask(path=f"/bytes/{i * 1000}")] = pattern(i * 1000)
                case 1:
                    want[client.ask(path="/hello")] = b"hello, world\n"
                case 2:
                    stream = client.ask("POST", "/echo", end=False)
                    want[stream] = pattern(i * 300)
                case 3:
                    client.ask(path="/delay/200")
        for stream, body in want.items():
            if client.h2.streams[stream].open and not client.answers[stream].ended and stream % 8 == 5:
                client.body(stream, body)
        for answer in client.finish(*client.answers):
            equal((answer.status, answer.reset), (200, None), "status and reset")
        for stream, body in want.items():
            right(client.answers[stream], body, f"answer of stream {stream}")


@both("as many as SETTINGS_MAX_CONCURRENT_STREAMS says wait at once; all are answered")
def _(tls):
    with Client(tls) as client:
        client.roundtrip()
        limit = client.h2.remote_settings.max_concurrent_streams
        true(100 <= limit <= 10_000, f"limit {limit}")
        streams = [client.ask(path="/delay/500") for _ in range(limit)]
        client.roundtrip()
        true(not any(client.answers[stream].ended for stream in streams), "some were answered before all were asked")
        equal({answer.status for answer in client.finish(*streams)}, {200}, "statuses")
        right(client.get("/hello"), b"hello, world\n")


@both("1000 requests on one connection, 50 at a time", 40)
def _(tls):
    with Client(tls) as client:
        for _ in range(20):
            streams = [client.ask(path=f"/bytes/{size}") for size in range(50)]
            for size, answer in enumerate(client.finish(*streams)):
                right(answer, pattern(size))


# Windows.

@both("a window of 1 byte: 200 bytes, one a frame")
def _(tls):
    with Client(tls, {Codes.INITIAL_WINDOW_SIZE: 1}) as client:
        answer = client.get("/bytes/200")
        right(answer, pattern(200))
        equal(set(answer.pieces) - {0}, {1}, "bytes in each frame")


@both("a window of 0: the head comes and no byte, then what is allowed and no more")
def _(tls):
    with Client(tls, {Codes.INITIAL_WINDOW_SIZE: 0}, automatic=False) as client:
        client.roundtrip()
        stream = client.ask(path="/bytes/1000")
        answer = client.answers[stream]
        client.until(lambda: answer.status)
        client.roundtrip()
        equal(len(answer.body), 0, "bytes without a window")
        for step in (1, 10, 400):
            before = len(answer.body)
            client.h2.increment_flow_control_window(step, stream)
            client.flush()
            client.until(lambda: len(answer.body) >= before + step)
            client.roundtrip()
            equal(len(answer.body), before + step, "bytes")
        client.h2.increment_flow_control_window(10_000, stream)
        client.flush()
        client.finish(stream)
        right(answer, pattern(1000))


@both("a window of 0 for an empty body: it ends nevertheless")
def _(tls):
    with Client(tls, {Codes.INITIAL_WINDOW_SIZE: 0}) as client:
        for path in ("/bytes/0", "/status/204"):
            true(client.get(path).ended, f"{path} has no end")


@both("the connection's window is one for all: never above it, and all come when it opens")
def _(tls):
    with Client(tls, {Codes.INITIAL_WINDOW_SIZE: MIB}, automatic=False) as client:
        client.roundtrip()
        streams = [client.ask(path="/bytes/50000") for _ in range(4)]
        got = lambda: sum(len(client.answers[s].body) for s in streams)
        client.until(lambda: got() >= 65_535)
        client.roundtrip()
        equal(got(), 65_535, "bytes")
        client.h2.increment_flow_control_window(200_000)
        client.flush()
        for answer in client.finish(*streams):
            right(answer, pattern(50_000))


@both("a stream without window does not hold the others up")
def _(tls):
    with Client(tls, automatic=False) as client:
        client.h2.increment_flow_control_window(10 * MIB)
        stuck = client.ask(path="/bytes/1000000")
        client.until(lambda: len(client.answers[stuck].body) == 65_535)
        for _ in range(20):
            right(client.get("/bytes/30000"), pattern(30_000))
        client.h2.increment_flow_control_window(MIB, stuck)
        client.flush()
        right(client.finish(stuck)[0], pattern(1_000_000))


@both("windows of the server: they come back byte by byte, padding too", 40)
def _(tls):
    with Client(tls) as client:
        client.roundtrip()
        # More padding than data: it all counts, and a leak would end this.
        for pad, piece, size in ((255, 50, 100_000), (0, 1000, 500_000), (100, None, 3_000_000)):
            body = pattern(size)
            answer = json.loads(client.post("/upload", body, pad=pad, piece=piece).body)
            equal(answer, {"bytes": size, "sha256": hashlib.sha256(body).hexdigest()}, f"upload with {pad} bytes of padding")


@both("a window that shrinks below what is on the way, and grows again")
def _(tls):
    with Client(tls, automatic=False) as client:
        client.h2.increment_flow_control_window(10 * MIB)
        client.roundtrip()
        stream = client.ask(path="/bytes/300000")
        answer = client.answers[stream]
        client.until(lambda: len(answer.body) == 65_535)
        client.h2.update_settings({Codes.INITIAL_WINDOW_SIZE: 100})
        client.flush()
        client.roundtrip()
        # 100 - 65,535 now: as many must be given before one more byte may come.
        client.h2.increment_flow_control_window(65_435, stream)
        client.flush()
        client.roundtrip()
        equal(len(answer.body), 65_535, "bytes while the window is 0")
        client.h2.increment_flow_control_window(1, stream)
        client.flush()
        client.roundtrip()
        equal(len(answer.body), 65_536, "bytes after one more")
        client.h2.update_settings({Codes.INITIAL_WINDOW_SIZE: 1 * MIB})
        client.flush()
        right(client.finish(stream)[0], pattern(300_000))


@both("frames of the size that we take, and no larger")
def _(tls):
    with Client(tls, {Codes.MAX_FRAME_SIZE: 100_000, Codes.INITIAL_WINDOW_SIZE: 10 * MIB}, window=10 * MIB) as client:
        answer = client.get("/bytes/1000000")
        right(answer, pattern(1_000_000))
        true(max(answer.pieces) <= 100_000, f"a frame of {max(answer.pieces)} bytes")


@both("settings that change forty times while bodies are on their way", 40)
def _(tls):
    with Client(tls, window=50 * MIB) as client:
        # h2 takes any acknowledgement for that of its next change.
        client.roundtrip()
        streams = [client.ask(path="/bytes/1000000") for _ in range(4)]
        for turn in range(40):
            client.h2.update_settings({Codes.INITIAL_WINDOW_SIZE: (1, 70_000, 500, 1_000_000)[turn % 4],
                                       Codes.HEADER_TABLE_SIZE: (0, 4096, 100)[turn % 3]})
            client.flush()
            streams.append(client.ask(path=f"/cache/{turn}"))
            client.read()
        client.h2.update_settings({Codes.INITIAL_WINDOW_SIZE: 1_000_000})
        client.flush()
        answers = client.finish(*streams)
        for answer in answers[:4]:
            right(answer, pattern(1_000_000))
        equal({answer.status for answer in answers[4:]}, {200}, "statuses")


@both("50 streams that nobody reads: flat memory", 30)
def _(tls):
    with Client(tls, {Codes.INITIAL_WINDOW_SIZE: 2 ** 31 - 1}, window=2 ** 31 - 1 - 65_535, receive_buffer=4096) as client, Growth() as growth:
        streams = [client.ask(path="/bytes/1000000000") for _ in range(50)]
        healthy(tls)
        for _ in range(20):
            healthy(tls)
    true(len(streams) == 50, "streams")
    growth.below(32 * MIB, "nobody read")


# Resets.

@both("RST_STREAM inside a body: the other streams go on, and the connection's window is not lost", 40)
def _(tls):
    with Client(tls) as client:
        steady = client.ask(path="/stream/40/25")
        for _ in range(60):
            stream = client.ask(path="/bytes/100000000")
            client.until(lambda: len(client.answers[stream].body) > 10_000)
            client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            client.flush()
            client.answers[stream].reset = h2.errors.ErrorCodes.CANCEL
        right(client.get("/bytes/1000000"), pattern(1_000_000))
        (answer,) = client.finish(steady)
        equal((answer.status, answer.body.count(b"\n")), (200, 40), "the steady one")


@both("RST_STREAM inside an upload: the server's window for the connection is not lost, read or not", 60)
def _(tls):
    # Of /echo nobody takes the answer, so it stops reading; /delay reads nothing.
    for path, settings in (("/upload", {}), ("/echo", {Codes.INITIAL_WINDOW_SIZE: 0}), ("/delay/60000", {})):
        with Client(tls, settings) as client:
            client.roundtrip()
            total, given = 0, client.h2.outbound_flow_control_window
            true(given < 25 * MIB, f"a window of {given} bytes: this takes more resets than a server allows")
            while total < 1.2 * given:
                stream = client.ask("POST", path, end=False)
                size = min(client.h2.local_flow_control_window(stream), 65_535)
                true(size > 0, f"{path}: no window is left after {total} bytes")
                client.body(stream, bytes(size), end=False)
                total += size
                client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                client.flush()
                client.answers[stream].reset = h2.errors.ErrorCodes.CANCEL
                client.roundtrip()
            client.h2.update_settings({Codes.INITIAL_WINDOW_SIZE: 65_535})
            client.flush()
            equal(json.loads(client.post("/upload", bytes(3_000_000)).body)["bytes"], 3_000_000, "bytes of the next upload")


@both("a body that nobody reads: the answer comes, and the next request is served")
def _(tls):
    with Client(tls) as client:
        for size in (10, 60_000, 3_000_000):
            stream = client.ask("POST", "/status/200", end=False)
            sent = 0
            while sent < size and not client.answers[stream].ended and client.answers[stream].reset is None:
                room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size, size - sent)
                if room <= 0:
                    client.read()
                    continue
                client.h2.send_data(stream, bytes(room))
                client.flush()
                sent += room
            answer = client.answers[stream]
            if not answer.ended and answer.reset is None:
                client.h2.end_stream(stream)
                client.flush()
            client.finish(stream)
            true(answer.status in (200, 413), f"status {answer.status}, reset {answer.reset}")
            right(client.get("/hello"), b"hello, world\n")


@both("a client that goes in the middle of everything leaves nothing behind")
def _(tls):
    healthy(tls)
    files = lambda: len(os.listdir(f"/proc/{target.PID}/fd"))
    before = files()
    for _ in range(20):
        with Client(tls) as client:
            for path in ("/bytes/1000000000", "/stream/100000/10", "/delay/60000"):
                client.ask(path=path)
            client.body(client.ask("POST", "/upload", end=False), b"x" * 10_000, end=False)
            client.read()
    target.wait_for(lambda: files() <= before + 2, 10, "sockets of lost clients are still open")
    healthy(tls)


# Field tables.

@both("HPACK: what repeats is in the table, and the next heads are short")
def _(tls):
    with Client(tls) as client:
        heads = [tuple(f for f in client.get("/cache/60").fields if f[0] != "date") for _ in range(5)]
        equal(len(set(heads)), 1, "different heads")
        true(client.h2.decoder.header_table.dynamic_entries, "the server never uses the dynamic table")


@both("HPACK: our table may be 0, may change in every request, in both directions")
def _(tls):
    with Client(tls, {Codes.HEADER_TABLE_SIZE: 0}) as client:
        client.roundtrip()
        for size in (0, 4096, 0, 64, 65_536, 100, 4096):
            client.h2.update_settings({Codes.HEADER_TABLE_SIZE: size})
            client.flush()
            client.roundtrip()
            for _ in range(3):
                # h2 raises when a block does not say what it must of a smaller table.
                equal(client.get("/cache/60").status, 200, "status")
            true(client.h2.decoder.header_table_size <= size, f"a table of {client.h2.decoder.header_table_size} bytes, {size} were allowed")
        for size in (100, 0, 4096, 1000):
            client.h2.encoder.header_table_size = size
            seen = dict(json.loads(client.get("/headers", [("x-size", str(size)), ("x-same", "same" * 10)]).body)["headers"])
            equal((seen["x-size"], seen["x-same"]), (str(size), "same" * 10), "fields")


@both("HPACK: 300 requests whose fields push each other out of the table", 30)
def _(tls):
    with Client(tls) as client:
        for turn in range(300):
            fields = [(f"x-name-{turn % 7}", f"{turn % 11}" * 300), ("x-turn", str(turn)), ("x-steady", "the same")]
            seen = json.loads(client.get("/headers", fields).body)["headers"]
            equal([tuple(f) for f in seen if f[0].startswith("x-")], fields, f"fields of request {turn}")


@both("HPACK: octets of all kinds in values")
def _(tls):
    with Client(tls) as client:
        values = ["", "a", " ".join("word" for _ in range(500)), "".join(map(chr, range(0x21, 0x7f))), "~" * 3000, "\"{}\\<>"]
        seen = json.loads(client.get("/headers", [(f"x-{i}", value) for i, value in enumerate(values)]).body)["headers"]
        equal([value for name, value in seen if name.startswith("x-")], values, "values")


# The rest.

@both("PING is answered with its octets, at once though bodies are on their way")
def _(tls):
    with Client(tls, window=50 * MIB) as client:
        client.ask(path="/bytes/30000000")
        for turn in range(20):
            data = bytes([turn]) * 8
            equal(client.roundtrip(data), data, "octets")


@both("CONNECT without a protocol, and of one that nobody speaks, are refused; the connection lives")
def _(tls):
    with Client(tls) as client:
        client.roundtrip()
        equal(client.h2.remote_settings.enable_connect_protocol, 1, "ENABLE_CONNECT_PROTOCOL")
        for fields in ([(":method", "CONNECT"), (":authority", "example.org:443")],
                       [(":method", "CONNECT"), (":protocol", "tea"), (":scheme", client.scheme), (":authority", "localhost"), (":path", "/hello")]):
            stream = client.h2.get_next_available_stream_id()
            client.answers[stream] = answer = Answer()
            client.h2.send_headers(stream, fields)
            client.flush()
            client.until(lambda: answer.status or answer.reset is not None)
            true(answer.reset is not None or answer.status >= 400, f"status {answer.status} for {fields[1]}")
        right(client.get("/hello"), b"hello, world\n")


if __name__ == "__main__":
    run()

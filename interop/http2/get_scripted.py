"""`wirelace get --http 2` against servers that a check writes frame by frame: odd, wrong, and ending as they like."""
import contextlib
import re
import shutil
import subprocess

from h2.errors import ErrorCodes
from hyperframe.frame import PriorityFrame, PushPromiseFrame

import target
from check import check, contains, equal, run, true
from origin import FOLDER, scripted
from our_client import failure, get, place
from peer import (ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame,
                  extension)
from target import MIB, Growth

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, _, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR,
 _, ENHANCE_YOUR_CALM, _, _) = ErrorCodes
STREAMS, WINDOW, TABLE, FRAME = (SettingsFrame.MAX_CONCURRENT_STREAMS, SettingsFrame.INITIAL_WINDOW_SIZE, SettingsFrame.HEADER_TABLE_SIZE,
                                 SettingsFrame.MAX_FRAME_SIZE)


def hello(peer, stream=None, body=b"hello"):
    """Answers a request in the usual way."""
    stream = stream or peer.request()
    peer.answer(stream)
    peer.send(DataFrame(stream, body, flags=["END_STREAM"]))
    return stream


def raw_frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


# What is odd, and right.

def padded(peer):
    stream = peer.request()
    peer.send(HeadersFrame(stream, peer.encoder.encode([(":status", "200")]), flags=["END_HEADERS", "PADDED"], pad_length=255))
    for piece in (b"he", b"", b"llo"):
        peer.send(DataFrame(stream, piece, flags=["PADDED"], pad_length=200))
    peer.send(DataFrame(stream, b"", flags=["END_STREAM", "PADDED"], pad_length=0))


def in_pieces(peer):
    stream = peer.request()
    block = peer.encoder.encode([(":status", "200"), ("x-long", "v" * 100)])
    peer.send(HeadersFrame(stream, block[:1]), *[ContinuationFrame(stream, block[i:i + 20]) for i in range(1, len(block), 20)],
              ContinuationFrame(stream, b"", flags=["END_HEADERS"]), DataFrame(stream, b"hello", flags=["END_STREAM"]))


def byte_by_byte(peer):
    stream = peer.request()
    frames = [*peer.head(stream, [(":status", "200")], False), DataFrame(stream, b"hello", flags=["END_STREAM"])]
    for byte in b"".join(frame.serialize() for frame in frames):
        peer.socket.sendall(bytes([byte]))


def among_others(peer):
    stream = peer.request()
    for kind, on in ((0x42, 0), (0x42, stream), (0xFF, 99), (0x0A, stream)):
        peer.send(extension(kind, b"\0\0whatever", on, 0xFF))
    peer.send(PingFrame(0, b"are you "), PriorityFrame(stream, depends_on=0), WindowUpdateFrame(0, 5), WindowUpdateFrame(stream, 5),
              SettingsFrame(0, settings={0x4242: 1, WINDOW: 70_000}))
    peer.answer(stream)
    peer.send(PingFrame(0, b"there?  "), DataFrame(stream, b"hel"), SettingsFrame(0, settings={TABLE: 0}), DataFrame(stream, b"lo", flags=["END_STREAM"]))


def interim(peer):
    stream = peer.request()
    for status in ("100", "102", "103", "103", "103"):
        peer.answer(stream, ("x-turn", status), status=status)
    hello(peer, stream)


def trailers(peer):
    stream = peer.request()
    peer.answer(stream)
    peer.send(DataFrame(stream, b"hello"), *peer.head(stream, [("x-sum", "1"), ("x-sum", "2")]))


def size_updates(peer):
    stream = peer.request()
    peer.encoder.header_table_size = 0
    peer.encoder.header_table_size = 100
    hello(peer, stream)


def reset_after_all(peer):
    stream = hello(peer)
    peer.send(RstStreamFrame(stream, error_code=NO_ERROR))


def length(peer):
    stream = peer.request()
    peer.answer(stream, ("content-length", "5"))
    peer.send(DataFrame(stream, b"hello"), DataFrame(stream, b"", flags=["END_STREAM"]))


def old_priority(peer):
    stream = peer.request()
    peer.send(HeadersFrame(stream, peer.encoder.encode([(":status", "200")]), flags=["END_HEADERS", "PRIORITY"], depends_on=0, stream_weight=7),
              DataFrame(stream, b"hello", flags=["END_STREAM"]))


GOOD = {
    "padding, on HEADERS too": padded,
    "a head in pieces of 20 octets": in_pieces,
    "byte by byte": byte_by_byte,
    "frames that nobody knows, PING, PRIORITY, WINDOW_UPDATE and SETTINGS between": among_others,
    "five interim responses": interim,
    "trailers": trailers,
    "size updates of the table": size_updates,
    "RST_STREAM with NO_ERROR after the end": reset_after_all,
    "a length, and the end in an empty frame": length,
    "priority of RFC 7540 on HEADERS": old_priority,
}


def good(play):
    for tls in (False, True):
        with scripted(play, tls=tls) as (url, _):
            equal(get(f"{url}/").out, b"hello", "body")


for _name, _play in GOOD.items():
    check(f"odd but right: {_name}")(lambda play=_play: good(play))


@check("no body: END_STREAM on the head, for 200, 204, 304 and HEAD with a length")
def _():
    for status, fields, method in (("200", [], "GET"), ("204", [], "GET"), ("304", [("content-length", "50")], "GET"),
                                   ("200", [("content-length", "50")], "HEAD")):
        with scripted(lambda peer: peer.answer(peer.request(), *fields, status=status, end=True)) as (url, _):
            equal(get("-X", method, f"{url}/").out, b"", f"body of {method} with {status}")


# What is wrong: exit code 1, one line, and the server is told by which rule.

def head(*fields):
    def play(peer):
        stream = peer.request()
        peer.send(*peer.head(stream, fields, end=False), DataFrame(stream, b"hello", flags=["END_STREAM"]))
    return play


def frames(*made):
    """Sends frames or octets made for the stream, after the request."""
    def play(peer):
        stream = peer.request()
        for make in made:
            data = make(stream, peer) if callable(make) else make
            peer.socket.sendall(data if isinstance(data, bytes) else b"".join(f.serialize() for f in (data if isinstance(data, list) else [data])))
    return play


OK = lambda stream, peer: peer.head(stream, [(":status", "200")], False)
WITH_LENGTH = lambda stream, peer: peer.head(stream, [(":status", "200"), ("content-length", "9")], False)
DATA = lambda stream, _: DataFrame(stream, b"hello")
END = lambda stream, _: DataFrame(stream, b"", flags=["END_STREAM"])

# The codes of which one must be in the client's RST_STREAM or GOAWAY.
WRONG = {
    "no :status": (head(("server", "none")), {PROTOCOL_ERROR}),
    "two :status": (head((":status", "200"), (":status", "200")), {PROTOCOL_ERROR}),
    ":status after a field": (head(("server", "none"), (":status", "200")), {PROTOCOL_ERROR}),
    ":status of letters": (head((":status", "abc")), {PROTOCOL_ERROR}),
    ":status of four digits": (head((":status", "2000")), {PROTOCOL_ERROR}),
    "a pseudo-field of requests": (head((":status", "200"), (":path", "/")), {PROTOCOL_ERROR}),
    "a name in upper case": (head((":status", "200"), ("Server", "none")), {PROTOCOL_ERROR}),
    "an empty name": (head((":status", "200"), ("", "none")), {PROTOCOL_ERROR}),
    "a newline in a value": (head((":status", "200"), ("x", "a\r\nb: c")), {PROTOCOL_ERROR}),
    "Connection": (head((":status", "200"), ("connection", "close")), {PROTOCOL_ERROR}),
    "Transfer-Encoding": (head((":status", "200"), ("transfer-encoding", "chunked")), {PROTOCOL_ERROR}),
    "101": (head((":status", "101")), {PROTOCOL_ERROR}),
    "two lengths": (head((":status", "200"), ("content-length", "5"), ("content-length", "6")), {PROTOCOL_ERROR}),
    "less than the length": (frames(WITH_LENGTH, DATA, END), {PROTOCOL_ERROR}),
    "more than the length": (frames(WITH_LENGTH, DATA, DATA, END), {PROTOCOL_ERROR}),
    "DATA before the head": (frames(DATA, END), {PROTOCOL_ERROR}),
    "an interim response that ends the stream": (frames(lambda s, p: p.head(s, [(":status", "103")], True)), {PROTOCOL_ERROR}),
    "trailers with a pseudo-field": (frames(OK, DATA, lambda s, p: p.head(s, [(":status", "200")], True)), {PROTOCOL_ERROR}),
    "trailers that do not end the stream": (frames(OK, DATA, lambda s, p: p.head(s, [("x", "1")], False)), {PROTOCOL_ERROR}),
    "a head on a stream that nobody opened": (frames(lambda s, p: p.head(s + 2, [(":status", "200")], True)), {PROTOCOL_ERROR}),
    "a head on an even stream": (frames(lambda s, p: p.head(2, [(":status", "200")], True)), {PROTOCOL_ERROR}),
    "DATA on stream 0": (frames(OK, raw_frame(0, 0, 0, b"hello")), {PROTOCOL_ERROR}),
    "DATA with more padding than payload": (frames(OK, lambda s, _: raw_frame(0, 8, s, b"\x09hello")), {PROTOCOL_ERROR}),
    "a push though it was not allowed": (frames(lambda s, p: PushPromiseFrame(s, 2, p.encoder.encode(
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]), flags=["END_HEADERS"])), {PROTOCOL_ERROR}),
    "WINDOW_UPDATE of 0": (frames(raw_frame(8, 0, 0, bytes(4))), {PROTOCOL_ERROR}),
    "WINDOW_UPDATE above 2^31 - 1": (frames(*[raw_frame(8, 0, 0, (2 ** 31 - 1).to_bytes(4, "big"))] * 2), {FLOW_CONTROL_ERROR}),
    "SETTINGS ENABLE_PUSH 1": (frames(raw_frame(4, 0, 0, b"\0\2\0\0\0\1")), {PROTOCOL_ERROR}),
    "SETTINGS with a window above 2^31 - 1": (frames(raw_frame(4, 0, 0, b"\0\4\xff\xff\xff\xff")), {FLOW_CONTROL_ERROR}),
    "SETTINGS with a frame size of 1": (frames(raw_frame(4, 0, 0, b"\0\5\0\0\0\1")), {PROTOCOL_ERROR}),
    "SETTINGS of five octets": (frames(raw_frame(4, 0, 0, bytes(5))), {FRAME_SIZE_ERROR}),
    "PING of seven octets": (frames(raw_frame(6, 0, 0, bytes(7))), {FRAME_SIZE_ERROR}),
    "a frame larger than allowed": (frames(OK, lambda s, _: raw_frame(0, 0, s, bytes(16_385))), {FRAME_SIZE_ERROR}),
    "HEADERS, then DATA inside the field block": (frames(lambda s, p: HeadersFrame(s, b"\x88"), DATA), {PROTOCOL_ERROR}),
    "CONTINUATION without HEADERS": (frames(OK, lambda s, _: ContinuationFrame(s, b"", flags=["END_HEADERS"])), {PROTOCOL_ERROR}),
    "a field block that is none": (frames(lambda s, _: HeadersFrame(s, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"])), {COMPRESSION_ERROR}),
    "an index beyond the tables": (frames(lambda s, _: HeadersFrame(s, b"\x88\xfe", flags=["END_HEADERS"])), {COMPRESSION_ERROR}),
    "a size update above what is allowed": (frames(lambda s, _: HeadersFrame(s, b"\x3f\xe1\xff\x03\x88", flags=["END_HEADERS"])), {COMPRESSION_ERROR}),
    "more than the stream's window": (frames(OK, lambda s, _: [DataFrame(s, bytes(16_384)) for _ in range(2000)]),
                                      {FLOW_CONTROL_ERROR}),
    "the head larger than the client takes": (head((":status", "200"), *[(f"x-{i}", "v" * 15_000) for i in range(8)]),
                                              {PROTOCOL_ERROR, CANCEL, ENHANCE_YOUR_CALM, REFUSED_STREAM, INTERNAL_ERROR}),
}


def wrong(play, codes):
    seen = []

    def whole(peer):
        with contextlib.suppress(OSError):
            play(peer)
        seen.append(peer.refused())
    # It may try again where that is safe.
    with scripted(whole, again=True) as (url, _):
        failure(f"{url}/", seconds=10)
        target.wait_for(lambda: seen, 5, "the client's connection goes on")
        true(set(seen[0]) & codes, f"the client gave the codes {seen[0]}, expected one of {sorted(codes)}")


for _name, _row in WRONG.items():
    check(f"wrong: {_name}")(lambda row=_row: wrong(*row))


@check("wrong: no SETTINGS first, or what is no HTTP/2 at all")
def _():
    for data in (PingFrame(0, b"too soon").serialize(), b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 ready\r\n", bytes(100)):
        def play(link, data=data):
            link.sendall(data)
            with contextlib.suppress(OSError):
                while link.recv(65_536):
                    pass
        with scripted(play, raw=True, again=True) as (url, _):
            failure(f"{url}/", seconds=10)


@check("wrong: the connection ends before, inside and after the head")
def _():
    for made in ((), (OK,), (OK, DATA), (WITH_LENGTH, DATA), (lambda s, p: HeadersFrame(s, b"\x88"),), (raw_frame(0, 0, 1, b"hello")[:11],)):
        with scripted(frames(*made), again=True) as (url, _):
            failure(f"{url}/", seconds=10)


# Floods by the server.

FLOODS = {
    "interim responses": lambda stream, peer: b"".join(f.serialize() for f in peer.head(stream, [(":status", "103"), ("link", "</a>")], False)),
    "PING": lambda stream, _: PingFrame(0, b"flooding").serialize(),
    "SETTINGS": lambda stream, _: SettingsFrame(0, settings={WINDOW: 5000}).serialize(),
    "empty DATA": lambda stream, _: DataFrame(stream, b"").serialize(),
    "WINDOW_UPDATE": lambda stream, _: WindowUpdateFrame(0, 1).serialize(),
    "CONTINUATION": lambda stream, _: ContinuationFrame(stream, b"").serialize(),
}


def flood(name):
    def play(peer):
        stream = peer.request()
        if name == "empty DATA":
            peer.answer(stream)
        if name == "CONTINUATION":
            peer.send(HeadersFrame(stream, b"\x88"))
        with contextlib.suppress(OSError):
            for _ in range(200_000 // 100):
                peer.socket.sendall(b"".join(FLOODS[name](stream, peer) for _ in range(100)))
    with scripted(play) as (url, _):
        line = failure(f"{url}/", seconds=20)
        true(re.search("(?i)calm|limit|many", line), f"the line does not say why: {line}")


for _name in FLOODS:
    check(f"flood: {_name}")(lambda name=_name: flood(name))


# Ends that are safe to try again, and such that are not.

def answers(*plays, arguments=(), out=b"hello", connections=None, **keywords):
    """`get` of one URL against these plays, which must end well."""
    with scripted(*plays, **keywords) as (url, served):
        equal(get(*arguments, f"{url}/").out, out, "body")
        equal(len(served), connections or len(plays), "connections")


def goaway(last, code=NO_ERROR, after=None, said=b""):
    def play(peer):
        stream = peer.request()
        if after:
            after(peer, stream)
        peer.send(GoAwayFrame(0, last_stream_id=stream if last is None else last, error_code=code, additional_data=said))
    return play


def refuse(peer):
    peer.send(RstStreamFrame(peer.request(), error_code=REFUSED_STREAM))


@check("GOAWAY below the request: it is sent again on a new connection, also POST")
def _():
    for arguments in ((), ("-d", "body"), ("-X", "DELETE")):
        answers(goaway(0), hello, arguments=arguments)
    for tls in (True, False):
        answers(goaway(0), goaway(0, ENHANCE_YOUR_CALM), hello, tls=tls)


@check("GOAWAY at the request: its answer comes, the next request has a new connection")
def _():
    def first(peer):
        stream = peer.request()
        peer.send(GoAwayFrame(0, last_stream_id=stream))
        hello(peer, stream)
    with scripted(first, first, first) as (url, served):
        rows = get("--json", "--repeat", "3", f"{url}/").rows()
        equal(([row["status"] for row in rows], len(served)), ([200] * 3, 3), "statuses and connections")


@check("GOAWAY in two steps, as a server that drains says it")
def _():
    def first(peer):
        stream = peer.request()
        peer.send(GoAwayFrame(0, last_stream_id=2 ** 31 - 1), PingFrame(0, b"draining"))
        peer.until(lambda frame: isinstance(frame, PingFrame) and "ACK" in frame.flags)
        peer.send(GoAwayFrame(0, last_stream_id=stream))
        hello(peer, stream)
    with scripted(first, hello) as (url, served):
        rows = get("--json", "--repeat", "2", f"{url}/").rows()
        equal(([row["status"] for row in rows], len(served)), ([200] * 2, 2), "statuses and connections")


@check("GOAWAY that leaves out the later of many: they are sent again, no one twice")
def _():
    seen = []

    def first(peer):
        streams = [peer.request() for _ in range(10)]
        seen.extend(streams[:4])
        peer.send(GoAwayFrame(0, last_stream_id=streams[3]))
        for stream in streams[:4]:
            hello(peer, stream)

    def second(peer):
        while True:
            try:
                seen.append(hello(peer))
            except AssertionError:
                return
    with scripted(first, second, again=True) as (url, _):
        rows = get("--json", "--repeat", "10", "--parallel", "10", f"{url}/").rows()
        equal([row["status"] for row in rows], [200] * 10, "statuses")
    equal(len(seen), 10, "requests that were answered")


@check("GOAWAY with an error: the line says that there was one")
def _():
    with scripted(goaway(None, ENHANCE_YOUR_CALM, said=b"too many of you"), again=True) as (url, _):
        line = failure(f"{url}/", seconds=10)
        true(re.search("(?i)calm|limit", line), line)


@check("REFUSED_STREAM: sent again, also POST; for ever it is an error")
def _():
    def once(peer):
        refuse(peer)
        hello(peer)
    for arguments in ((), ("-d", "body")):
        with scripted(once, hello) as (url, _):
            equal(get(*arguments, f"{url}/").out, b"hello", "body")

    def always(peer):
        with contextlib.suppress(AssertionError):
            while True:
                refuse(peer)
    with scripted(always, again=True) as (url, _):
        line = failure(f"{url}/", seconds=15)
        true(re.search("(?i)refused", line), line)


@check("RST_STREAM of any other code: exit code 1, nothing is sent again")
def _():
    for code in (PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, 0x4242):
        for begun in (False, True):
            def play(peer):
                stream = peer.request()
                if begun:
                    peer.answer(stream)
                    peer.send(DataFrame(stream, b"he"))
                peer.send(RstStreamFrame(stream, error_code=code))
            with scripted(play, hello) as (url, served):
                failure("-d", "body", f"{url}/")
                equal(len(served), 1, f"connections after code {code}")


@check("RST_STREAM inside the answer with NO_ERROR is no end of a body")
def _():
    def play(peer):
        stream = peer.request()
        peer.answer(stream)
        peer.send(DataFrame(stream, b"he"), RstStreamFrame(stream, error_code=NO_ERROR))
    with scripted(play, again=True) as (url, _):
        failure(f"{url}/", seconds=10)


@check("an answer and RST_STREAM with NO_ERROR before the upload's end: the answer counts")
def _():
    def play(peer):
        stream = hello(peer)
        peer.send(RstStreamFrame(stream, error_code=NO_ERROR))
        peer.to_end()
    with scripted(play) as (url, _):
        equal(get("-d", f"@{place('unread', bytes(1_000_000))}", f"{url}/").out, b"hello", "body")


# What a server may ask for.

@check("MAX_CONCURRENT_STREAMS becomes 0: the client waits until it is raised")
def _():
    def play(peer):
        first = peer.request()
        peer.send(SettingsFrame(0, settings={STREAMS: 0}))
        hello(peer, first)
        peer.settle()
        equal(len([frame for frame in peer.log if isinstance(frame, HeadersFrame)]), 1, "requests before it was allowed")
        peer.send(SettingsFrame(0, settings={STREAMS: 1}))
        hello(peer)
    answers(play, arguments=("--repeat", "2"), out=b"hellohello")


@check("MAX_CONCURRENT_STREAMS 2 of 30 at once: never more are open")
def _():
    def play(peer):
        for _ in range(15):
            pair = [peer.request(), peer.request()]
            # A third would come before the answer to this.
            peer.settle()
            equal(len([frame for frame in peer.log if isinstance(frame, HeadersFrame)]), pair[1] // 2 + 1, "requests")
            for stream in pair:
                hello(peer, stream)
    with scripted(play, settings={STREAMS: 2}) as (url, served):
        rows = get("--json", "--repeat", "30", "--parallel", "30", f"{url}/").rows()
        equal(([row["status"] for row in rows], len(served)), ([200] * 30, 1), "statuses and connections")


@check("a window of 0: the upload waits for WINDOW_UPDATE, and for a larger SETTINGS")
def _():
    def play(peer):
        first = peer.request()
        peer.ended(first)
        peer.send(SettingsFrame(0, settings={WINDOW: 0}))
        hello(peer, first)
        stream = peer.request()
        peer.settle()
        equal(peer.size(stream), 0, "bytes without a window")
        peer.window(10, stream)
        peer.settle()
        equal(peer.size(stream), 10, "bytes with a window of 10")
        peer.send(SettingsFrame(0, settings={WINDOW: 50_000}))
        peer.ended(stream)
        equal(peer.size(stream), 20_000, "bytes")
        hello(peer, stream)
    answers(play, arguments=("--repeat", "2", "-d", "x" * 20_000), out=b"hellohello")


@check("the connection's window is never exceeded")
def _():
    def play(peer):
        stream = peer.request()
        peer.until(lambda _: peer.size(stream) >= 65_535)
        peer.settle()
        equal(peer.size(stream), 65_535, "bytes")
        peer.window(MIB)
        peer.ended(stream)
        equal(peer.size(stream), 200_000, "bytes")
        hello(peer, stream)
    answers(play, settings={WINDOW: MIB}, arguments=("-d", f"@{place('wide', bytes(200_000))}"))


@check("frames of the size that the server takes, and no larger")
def _():
    def play(peer):
        peer.window(10 * MIB)
        stream = peer.request()
        peer.ended(stream)
        sizes = [len(frame.data) for frame in peer.log if isinstance(frame, DataFrame)]
        true(sum(sizes) == 1_000_000 and max(sizes) <= 20_000, f"{sum(sizes)} bytes, at most {max(sizes)} a frame")
        hello(peer, stream)
    answers(play, settings={WINDOW: 10 * MIB, FRAME: 20_000}, arguments=("-d", f"@{place('frames', bytes(1_000_000))}"))


@check("the client's windows come back, padding too, of which there is more than the connection's window", 60)
def _():
    def play(peer):
        stream = peer.request()
        peer.answer(stream)
        piece = DataFrame(stream, b"x", flags=["PADDED"], pad_length=255).serialize()
        # The connection's window is what it has said so far.
        window = 65_535 + sum(frame.window_increment for frame in peer.log if isinstance(frame, WindowUpdateFrame) and not frame.stream_id)
        peer.pour(stream, piece * 200, 257 * 200, times(window))
        asked.append(times(window))
        peer.send(DataFrame(stream, b"", flags=["END_STREAM"]))
    times = lambda window: window * 11 // 10 // 257 // 200
    asked = []
    with scripted(play) as (url, _):
        out = get(f"{url}/").out
    equal(out, b"x" * 200 * asked[0], "body")
    true(len(out) > 20_000, f"only {len(out)} bytes")


@check("PING is answered while nothing else goes on")
def _():
    def play(peer):
        stream = peer.request()
        for turn in range(50):
            data = bytes([turn]) * 8
            peer.send(PingFrame(0, data))
            answer = peer.until(lambda frame: isinstance(frame, PingFrame))
            equal((answer.opaque_data, "ACK" in answer.flags), (data, True), "answer")
        hello(peer, stream)
    answers(play)


@check("--timeout ends what does not come, and tells the server so")
def _():
    seen = []

    def play(peer):
        peer.request()
        peer.settle()
        seen.append(peer.refused())
    with scripted(play) as (url, _):
        contains(failure("--timeout", "0.5", f"{url}/", seconds=10), "0.5 s", "stderr")
        target.wait_for(lambda: seen, 5, "the connection goes on")


@check("what the client says first: the preface, SETTINGS without push, one request that begins with the pseudo-fields")
def _():
    logs = []

    def play(peer):
        hello(peer)
        peer.to_end()
        logs.append(peer.log)
    answers(play)
    log = target.wait_for(lambda: logs, 5, "the connection goes on")[0]
    equal((type(log[0]), log[0].settings.get(SettingsFrame.ENABLE_PUSH)), (SettingsFrame, 0), "the first frame")
    own = [frame for frame in log if isinstance(frame, HeadersFrame)]
    equal(len(own), 1, "requests")
    names = list(own[0].fields)
    equal(sorted(names[:4]), [":authority", ":method", ":path", ":scheme"], "the first four fields")


@check("a server that sends 100 MB to who writes it nowhere: flat memory", 60)
def _():
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0") as (_, port, _):
        process = subprocess.Popen([target.BINARY, "get", "--http", "2", f"http://127.0.0.1:{port}/bytes/100000000"], stdout=subprocess.PIPE)
        with Growth(process.pid) as growth:
            size = 0
            while block := process.stdout.read(MIB):
                size += len(block)
        equal((size, process.wait(10)), (100_000_000, 0), "bytes and exit code")
    growth.below(32 * MIB, "receiving")


if __name__ == "__main__":
    try:
        run()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)

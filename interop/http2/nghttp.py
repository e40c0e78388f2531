"""nghttp and h2load of nghttp2: the frames as they come, push, padding, windows, table sizes, and load."""
import re
import subprocess

import target
from check import check, contains, equal, run, short, table, true
from target import pattern

PLAIN, TLS = f"http://{target.ADDRESS}", f"https://127.0.0.1:{target.TLS_PORT}"
BASES = {"h2c": PLAIN, "h2": TLS}


class Frame:
    def __init__(self, way, name, length, flags, stream):
        self.way, self.name, self.length, self.flags, self.stream = way, name, int(length), int(flags, 16), int(stream)
        # What nghttp tells of it, a line each; fields of a block came before it.
        self.told, self.fields = [], []


FRAME = re.compile(r"\[ *[\d.]+\] (send|recv) (\w+) frame <length=(\d+), flags=(0x[0-9a-f]+), stream_id=(\d+)>")
FIELD = re.compile(r"\[ *[\d.]+\] recv \(stream_id=(\d+)(?:, sensitive)?\) (:?[^:]+): (.*)")


def frames(log):
    """All frames of `nghttp -nv`, in order."""
    found, fields = [], []
    for line in log.splitlines():
        if head := FRAME.match(line):
            found.append(Frame(*head.groups()))
            if found[-1].way == "recv":
                found[-1].fields, fields = fields, []
        elif field := FIELD.match(line):
            fields.append(field.groups()[1:])
        elif line.startswith("          ") and found:
            found[-1].told.append(line.strip())
    return found


def nghttp(*arguments, data=None, code=0):
    done = subprocess.run(["nghttp", "-y", *arguments], input=data, capture_output=True, timeout=30, check=False)
    equal(done.returncode, code, f"exit code of nghttp {' '.join(arguments)} ({short(done.stderr[-300:])})")
    for trouble in (b"Some requests were not processed", b"[ERROR]", b"[INVALID"):
        true(trouble not in done.stderr + done.stdout, f"{done.stdout[-200:]!r} {done.stderr[-200:]!r}")
    return done.stdout


def watched(*arguments, **keywords):
    """The frames of an exchange, which must hold no error."""
    seen = frames(nghttp("-n", "-v", *arguments, **keywords).decode("latin-1"))
    for frame in seen:
        true(not (frame.way == "recv" and frame.name in ("GOAWAY", "RST_STREAM")), f"{frame.name}: {frame.told}")
    return seen


def received(seen, *names):
    return [frame for frame in seen if frame.way == "recv" and frame.name in names]


def status(seen, stream):
    return [dict(frame.fields)[":status"] for frame in received(seen, "HEADERS") if frame.stream == stream and ":status" in dict(frame.fields)]


def both(name, seconds=20):
    def register(function):
        for way, base in BASES.items():
            check(f"{way} {name}", seconds)(lambda base=base: function(base))
    return register


# Frames.

@both("SETTINGS comes first, is acknowledged, and says CONNECT_PROTOCOL and NO_RFC7540_PRIORITIES")
def _(base):
    seen = [frame for frame in watched(f"{base}/hello") if frame.way == "recv"]
    equal((seen[0].name, seen[0].flags, seen[0].stream), ("SETTINGS", 0, 0), "the first frame")
    told = " ".join(seen[0].told)
    for setting in ("ENABLE_CONNECT_PROTOCOL(0x08):1", "NO_RFC7540_PRIORITIES(0x09):1"):
        contains(told, setting, "settings")
    limit = re.search(r"MAX_CONCURRENT_STREAMS\(0x03\):(\d+)", told)
    true(limit and int(limit[1]) >= 100, f"a limit of 100 streams or more (RFC 9113, 6.5.2) is not in {told}")
    true("ENABLE_PUSH(0x02):1" not in told, "a server says ENABLE_PUSH 1 (RFC 9113, 6.5.2)")
    equal(len([f for f in seen if f.name == "SETTINGS" and f.flags & 1]), 1, "acknowledgements")


@both("the answer: one HEADERS, DATA, END_STREAM, on the stream that asked")
def _(base):
    seen = watched(f"{base}/hello")
    (request,) = [frame for frame in seen if frame.way == "send" and frame.name == "HEADERS"]
    answer = received(seen, "HEADERS", "DATA")
    equal([(f.name, f.stream) for f in answer], [("HEADERS", request.stream), ("DATA", request.stream)], "frames")
    equal([f.flags & 1 for f in answer], [0, 1], "END_STREAM")
    equal(answer[1].length, 13, "length of DATA")
    equal(answer[0].fields[0], (":status", "200"), "the first field")


@both("END_STREAM is on HEADERS where no body follows")
def _(base):
    for arguments in (["-H:method: HEAD", f"{base}/bytes/500"], [f"{base}/status/204"], [f"{base}/status/304"]):
        answer = received(watched(*arguments), "HEADERS", "DATA")
        equal([(f.name, f.flags & 1) for f in answer], [("HEADERS", 1)], f"frames of {arguments}")


@both("trailers of /stream are HEADERS with END_STREAM")
def _(base):
    answer = received(watched("-H", "te: trailers", f"{base}/stream/4/1"), "HEADERS", "DATA")
    equal((answer[0].name, answer[-1].name, answer[-1].flags & 1), ("HEADERS", "HEADERS", 1), "first and last")
    equal(answer[-1].fields, [("x-chunks", "4")], "trailers")
    true(all(not frame.flags & 1 for frame in answer[:-1]), "END_STREAM before the trailers")


@both("103 of /hints is a HEADERS of its own")
def _(base):
    answer = received(watched(f"{base}/hints"), "HEADERS")
    equal([dict(frame.fields)[":status"] for frame in answer], ["103", "200"], "statuses")
    contains([name for name, _ in answer[0].fields], "link", "fields of the 103")
    equal(answer[0].flags & 1, 0, "END_STREAM on the 103")


@both("no frame is larger than the client takes")
def _(base):
    sizes = [frame.length for frame in received(watched(f"{base}/bytes/1000000"), "DATA")]
    equal((sum(sizes), max(sizes) <= 16384), (1_000_000, True), "bytes in all, and each of 16,384 or less")


# Push.

def pushed(base, *arguments):
    seen = watched(*arguments, f"{base}/push")
    paths = {}
    for frame in received(seen, "PUSH_PROMISE"):
        (promised,) = [int(m[1]) for line in frame.told if (m := re.search(r"promised_stream_id=(\d+)", line))]
        paths[dict(frame.fields)[":path"]] = promised
    return seen, paths


@both("push: /push promises /push/a.css and /push/b.js, and both arrive")
def _(base):
    seen, paths = pushed(base)
    equal(sorted(paths), ["/push/a.css", "/push/b.js"], "promised")
    true(all(stream % 2 == 0 for stream in paths.values()), f"promised streams {paths}")
    for path, stream in paths.items():
        equal(status(seen, stream), ["200"], f"status of {path}")
        size = sum(frame.length for frame in received(seen, "DATA") if frame.stream == stream)
        true(size > 0, f"{path} is empty")
        true([f for f in received(seen, "HEADERS", "DATA") if f.stream == stream][-1].flags & 1, f"{path} has no end")
    (asked,) = [frame.stream for frame in seen if frame.way == "send" and frame.name == "HEADERS"]
    equal(status(seen, asked), ["200"], "status of /push")
    order = [frame.name for frame in received(seen, "PUSH_PROMISE", "DATA") if frame.stream == asked]
    true(order.index("DATA") > order.index("PUSH_PROMISE"), f"the promise comes after what refers to it: {order}")


@both("push: a promise is a request that may be cached, of the same authority")
def _(base):
    promises = received(pushed(base)[0], "PUSH_PROMISE")
    true(promises, "nothing was promised")
    for frame in promises:
        fields = dict(frame.fields)
        equal((fields[":method"], fields[":scheme"], fields[":authority"]),
              ("GET", base.partition(":")[0], base.rpartition("/")[2]), "promised request")


@both("push: what was pushed may be asked for, too")
def _(base):
    for name in ("a.css", "b.js"):
        seen = watched(f"{base}/push/{name}")
        equal(status(seen, 13), ["200"], f"status of /push/{name}")


@both("push: none to who says ENABLE_PUSH 0")
def _(base):
    seen, paths = pushed(base, "--no-push")
    equal(paths, {}, "promised")
    true("200" in [dict(f.fields).get(":status") for f in received(seen, "HEADERS")], "no answer")


@both("push: one at a time to who takes one stream at a time")
def _(base):
    seen, paths = pushed(base, "--max-concurrent-streams=1")
    true(paths, "nothing was promised")
    open_now = set()
    for frame in received(seen, "HEADERS", "DATA"):
        if frame.stream in paths.values():
            open_now.add(frame.stream)
            true(len(open_now) <= 1, "two pushed streams are open")
            if frame.flags & 1:
                open_now.discard(frame.stream)


# What clients may do.

@both("padding: padded frames of the client are read")
def _(base):
    body = pattern(100_000)
    true(nghttp("-b", "200", "-d", "-", f"{base}/echo", data=body) == body, "the echo differs")
    # 3 MB of which all padding counts against the windows: they must come back.
    body = pattern(3_000_000)
    true(nghttp("-b", "255", "-d", "-", f"{base}/echo", data=body) == body, "the larger echo differs")


@both("windows: tiny ones, down to 7 bytes")
def _(base):
    for bits, size in ((3, 2000), (8, 50_000), (14, 1_000_000), (16, 1_000_000)):
        true(nghttp("-w", str(bits), f"{base}/bytes/{size}") == pattern(size), f"/bytes/{size} with a window of 2^{bits} - 1 differs")


@both("windows: a large one for streams, the connection's as it is, and both large")
def _(base):
    for arguments in (["-w", "24", "-W", "16"], ["-w", "16", "-W", "24"], ["-w", "30", "-W", "30"]):
        true(nghttp(*arguments, f"{base}/bytes/3000000") == pattern(3_000_000), f"{arguments}: the body differs")


@both("windows: no DATA beyond them")
def _(base):
    window, most = 0, (1 << 10) - 1
    for frame in watched("-w", "10", f"{base}/bytes/20000"):
        if frame.name == "WINDOW_UPDATE" and frame.way == "send" and frame.stream:
            window += int(re.search(r"increment=(\d+)", " ".join(frame.told))[1])
        if frame.name == "DATA" and frame.way == "recv":
            window -= frame.length
            true(window >= -most, f"{-window} bytes were sent to a window of {most}")


@both("HPACK: decoder tables of 0, 100, 65,536 bytes, and changes of it")
def _(base):
    for sizes in (["0"], ["100"], ["65536"], ["0", "4096"], ["100", "0", "8192"]):
        arguments = [part for size in sizes for part in ("-c", size)]
        answers = received(watched(*arguments, "-m", "10", f"{base}/cache/60"), "HEADERS")
        equal([dict(frame.fields)[":status"] for frame in answers], ["200"] * 10, f"statuses with tables of {sizes}")
        true(len({tuple(f for f in frame.fields if f[0] != "date") for frame in answers}) == 1, "the heads differ")


@both("HPACK: encoder tables of 0 and 100 bytes")
def _(base):
    for size in ("0", "100", "65536"):
        answers = received(watched(f"--encoder-header-table-size={size}", "-H", "x-long: " + "a" * 200, "-m", "10", f"{base}/hello"), "HEADERS")
        equal([dict(frame.fields)[":status"] for frame in answers], ["200"] * 10, f"statuses with a table of {size}")


@both("CONTINUATION: a head that takes more than one frame")
def _(base):
    # nghttp shows both as one.
    seen = watched("--continuation", f"{base}/headers")
    (head,) = [frame.length for frame in seen if frame.way == "send" and frame.name == "HEADERS"]
    true(head > 16_384, f"a head of {head} bytes fits into one frame")
    equal([dict(f.fields)[":status"] for f in received(seen, "HEADERS")], ["200"], "status")
    contains(nghttp("--continuation", f"{base}/headers"), b"continuation-test-", "what was received")


@both("a body with trailers, and one without length")
def _(base):
    body = pattern(50_000)
    for arguments in (["--trailer", "x-sum: 1"], ["--no-content-length"]):
        true(nghttp(*arguments, "-d", "-", f"{base}/echo", data=body) == body, f"{arguments}: the echo differs")


@both("Expect: 100-continue, and the body comes")
def _(base):
    # /upload and not /echo: with 200 in the same packet as 100, nghttp never sends its body.
    contains(nghttp("--expect-continue", "-d", "-", f"{base}/upload", data=b"x" * 50_000), b"50000", "what was received")


@both("100 requests at once, each answered in full")
def _(base):
    seen = watched("-m", "100", f"{base}/bytes/5000")
    sizes = {}
    for frame in received(seen, "DATA"):
        sizes[frame.stream] = sizes.get(frame.stream, 0) + frame.length
    equal(sorted(sizes.values()), [5000] * 100, "bytes a stream")


@both("priorities of RFC 7540 and 9218, whatever they are, change no answer")
def _(base):
    for arguments in (["-p", "1"], ["-p", "256"], ["--no-dep"], ["--no-rfc7540-pri"], ["-H", "priority: u=0, i"], ["-H", "priority: u=9, ?"]):
        true(nghttp(*arguments, f"{base}/bytes/20000") == pattern(20_000), f"{arguments}: the body differs")


@check("--upgrade is answered in HTTP/1.1, and the server goes on")
def _():
    done = subprocess.run(["nghttp", "-v", "-u", f"{PLAIN}/hello"], capture_output=True, timeout=10, check=False)
    contains(done.stdout, b"HTTP/1.1 200 OK\r\n", "the answer")
    contains(done.stderr, b"HTTP Upgrade failed", "what nghttp says")
    equal(nghttp(f"{PLAIN}/hello"), b"hello, world\n", "the next")


# Load.

def h2load(base, path, requests, *arguments, size=None, ok="2xx"):
    done = subprocess.run(["h2load", "-n", str(requests), *arguments, base + path], capture_output=True, text=True, timeout=60, check=False)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("requests:")] or [done.stdout + done.stderr]
    tally = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", line)}
    want = {"total": requests, "started": requests, "done": requests, "succeeded": requests, "failed": 0, "errored": 0, "timeout": 0}
    equal(tally, want, "requests")
    (codes,) = [line for line in done.stdout.splitlines() if line.startswith("status codes:")]
    contains(codes, f"{requests} {ok}", "status codes")
    if size is not None:
        equal(int(re.search(r"\((\d+)\) data", done.stdout)[1]), requests * size, "bytes of data")


LOADS = {
    "-c1 -m1": (2000, "-c1", "-m1"),
    "-c1 -m100": (5000, "-c1", "-m100"),
    "-c10 -m32": (10_000, "-c10", "-m32"),
    "-c16 -m16": (10_000, "-c16", "-m16"),
}
for _way, _base in BASES.items():
    table(f"h2load {_way} /hello", {name: (_base, "/hello", *row) for name, row in LOADS.items()},
          lambda *row: h2load(*row, size=13), seconds=60)
    table(f"h2load {_way} /bytes/65536", {name: (_base, "/bytes/65536", row[0] // 10, *row[1:]) for name, row in LOADS.items()},
          lambda *row: h2load(*row, size=65_536), seconds=60)
    table(f"h2load {_way}", {
        "tiny windows": (_base, "/bytes/65536", 100, "-c4", "-m8", "-w10", "-W16"),
        "frames of 1 MB": (_base, "/bytes/3000000", 20, "-c2", "-m4", "-w30", "-W30", "-f1048576"),
        "no table for fields": (_base, "/cache/60", 1000, "-c4", "-m16", "--header-table-size=0"),
    }, h2load, seconds=60)


@check("h2load h2c: uploads of 100,000 bytes, 16 connections of 8 at once", seconds=60)
def _():
    place = f"{target.WORK}/h2load-body"
    with open(place, "wb") as file:
        file.write(pattern(100_000))
    h2load(PLAIN, "/echo", 400, "-c16", "-m8", "-d", place, size=100_000)


@check("h2load h2c: 50 connections of 100 at once, answers that wait", seconds=60)
def _():
    h2load(PLAIN, "/delay/300", 5000, "-c50", "-m100")


if __name__ == "__main__":
    run()

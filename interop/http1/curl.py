"""curl against every demo endpoint that HTTP/1 can carry."""
import email.utils
import hashlib
import json
import os
import subprocess
import tempfile
import threading
import time

import target
from check import check, contains, equal, run, short, table, true
from target import BASE, MIB, Growth, pattern

GIB = 1 << 30
# Buffers of both kernels and the server's own limits, with room; far below any payload here.
FLAT = 32 * MIB
OLD = ["--http1.0"]


class Answer:
    """One finished curl: `heads` are all response heads seen, `info` curl's own numbers."""

    def __init__(self, process):
        self.code, self.body = process.returncode, process.stdout
        self.log, self.info = [], []
        for line in process.stderr.decode("latin-1").splitlines():
            self.info.append(json.loads(line[2:])) if line.startswith("@@") else self.log.append(line)
        self.received = [line[2:] for line in self.log if line.startswith("< ")]
        self.statuses = [int(line.split()[1]) for line in self.received if line.startswith("HTTP/1.")]

    @property
    def status(self):
        return self.info[-1]["response_code"]

    def field(self, name):
        """The last value of a field, trailers included."""
        values = [v.strip() for n, _, v in (line.partition(":") for line in self.received) if n.lower() == name.lower()]
        return values[-1] if values else None


def curl(*arguments, data=None, code=0, seconds=60):
    command = ["curl", "-q", "-sS", "-v", "--noproxy", "*", "-m", str(seconds),
               "-w", "%{stderr}\n@@%{json}\n", *arguments]
    answer = Answer(subprocess.run(command, input=data, capture_output=True, timeout=seconds + 5, check=False))
    if code is not None and answer.code != code:
        raise AssertionError(f"curl ended with {answer.code}: {short(' | '.join(answer.log[-4:]))}")
    return answer


def get(path, *arguments, status=200, **keywords):
    answer = curl(*arguments, BASE + path, **keywords)
    equal(answer.status, status, f"status of {path}")
    return answer


# Every endpoint, over both versions. HTTP/1.0 knows no chunked coding, trailers or 1xx.

def page(old):
    answer = get("/", *old)
    contains(answer.field("content-type") or "", "text/html", "content-type")
    contains(answer.body, b'<main id="wirelace"', "the page")


def hello(old):
    answer = get("/hello", *old)
    equal(answer.body, b"hello, world\n", "body")
    contains(answer.field("content-type") or "", "text/plain", "content-type")
    equal(answer.field("content-length"), "13", "content-length")
    true(email.utils.parsedate(answer.field("date") or "x"), "no Date field (RFC 9110 6.6.1)")


def echo(old):
    body = bytes(range(256)) * 1000
    answer = get("/echo", *old, "-H", "Content-Type: application/x-test", "--data-binary", "@-", data=body)
    equal(answer.field("content-type"), "application/x-test", "content-type")
    true(answer.body == body, f"{len(answer.body)} bytes came back of {len(body)}")


def headers(old):
    answer = json.loads(get("/headers?a=b", *old, "-H", "X-MiXeD-cAsE: One", "-H", "x-twice: 1", "-H", "x-twice: 2").body)
    equal(sorted(answer), sorted(["method", "target", "version", "headers", "remote", "tls", "early_data"]), "keys")
    equal((answer["method"], answer["target"]), ("GET", "/headers?a=b"), "method and target")
    contains(answer["version"], "1.0" if old else "1.1", "version")
    true(["X-MiXeD-cAsE", "One"] in answer["headers"], f"the name's case is kept: {answer['headers']}")
    equal([v for n, v in answer["headers"] if n == "x-twice"], ["1", "2"], "repeated field")
    contains(answer["remote"], "127.0.0.1:", "remote")
    true(not answer["tls"], "tls on a cleartext listener")
    equal(answer["early_data"], False, "early_data")


def byte_run(old):
    for size in (0, 1, 250, 251, 70_000, 3_000_000):
        answer = get(f"/bytes/{size}", *old)
        true(answer.body == pattern(size), f"/bytes/{size}: wrong bytes, {len(answer.body)} of them")
        equal(answer.field("content-length"), str(size), "content-length")


def stream(old):
    # -v does not show trailers; -D writes them where they come, here after the body.
    answer = get("/stream/4/20", *old, "-D", "-", "-H", "TE: trailers", "-H", "Connection: TE")
    trailer = answer.body.rstrip().rsplit(b"\n", 1)[-1].lower()
    if old:
        equal(answer.field("transfer-encoding"), None, "transfer-encoding to a 1.0 client")
        true(not trailer.startswith(b"x-chunks"), "a trailer to a 1.0 client")
    else:
        equal(trailer, b"x-chunks: 4", "the trailer")


def upload(old):
    body = pattern(1_000_003)
    answer = json.loads(get("/upload", *old, "--data-binary", "@-", data=body).body)
    equal(answer, {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}, "what was received")


def empty_upload(old):
    answer = json.loads(get("/upload", *old, "-X", "POST", "-H", "Content-Length: 0").body)
    equal(answer, {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}, "what was received")


def delay(old):
    started = time.monotonic()
    get("/delay/300", *old)
    true(time.monotonic() - started >= 0.3, "it answered too early")


def status(old):
    for code in (200, 201, 204, 205, 304, 400, 404, 410, 418, 500, 503, 599):
        answer = get(f"/status/{code}", *old, status=code)
        if code in (204, 304):
            equal(answer.body, b"", f"body of {code}")
    true(400 <= curl(*old, BASE + "/status/abc").status < 500, "/status/abc is refused")


def redirect(old):
    answer = get("/redirect/3", *old, "-L")
    equal(answer.info[-1]["num_redirects"], 3, "redirects followed")
    true(300 <= curl(*old, BASE + "/redirect/1").status < 400, "/redirect/1 alone is a 3xx")


def cache(old):
    first = get("/cache/60", *old)
    contains(first.field("cache-control") or "", "max-age=60", "cache-control")
    etag, modified = first.field("etag"), first.field("last-modified")
    true(etag and modified, "no ETag or no Last-Modified")
    matches = {
        "the ETag": ["-H", f"If-None-Match: {etag}"],
        "a list with it": ["-H", f'If-None-Match: "x", {etag}'],
        "weak comparison": ["-H", f"If-None-Match: W/{etag.removeprefix('W/')}"],
        "any": ["-H", "If-None-Match: *"],
        "the date": ["-H", f"If-Modified-Since: {modified}"],
    }
    for name, arguments in matches.items():
        answer = curl(*old, *arguments, BASE + "/cache/60")
        equal(answer.status, 304, f"status for {name}")
        equal((answer.body, answer.field("etag")), (b"", etag), f"body and ETag of the 304 for {name}")
    changed = {
        "another ETag": ["-H", 'If-None-Match: "other"'],
        "another ETag beside a matching date": ["-H", 'If-None-Match: "other"', "-H", f"If-Modified-Since: {modified}"],
        "an older date": ["-H", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
        "a date that is none": ["-H", "If-Modified-Since: yesterday"],
    }
    for name, arguments in changed.items():
        equal(curl(*old, *arguments, BASE + "/cache/60").status, 200, f"status for {name}")


def hints(old):
    answer = get("/hints", *old)
    equal(answer.statuses, [200] if old else [103, 200], "statuses")
    if not old:
        true(any(line.lower().startswith("link:") for line in answer.received), "no Link field")


def early(old):
    get("/early", *old)


def metrics(old):
    answer = get("/metrics", *old)
    contains(answer.field("content-type") or "", "text/plain", "content-type")
    contains(answer.body, b"# TYPE ", "Prometheus text")


def head(old):
    for path, length in (("/hello", "13"), ("/bytes/1000", "1000"), ("/bytes/100000000000", "100000000000"), ("/", None)):
        answer = get(path, *old, "-I")
        true(answer.field("content-length") is not None, f"HEAD {path}: no content-length")
        if length:
            equal(answer.field("content-length"), length, f"content-length of HEAD {path}")
    both = curl(*old, "-I", BASE + "/stream/3/1", BASE + "/hello")
    equal([i["response_code"] for i in both.info], [200, 200], "HEAD of a chunked one, then another")


def unknown(old):
    get("/no/such/path", *old, status=404)
    true(400 <= curl(*old, BASE + "/bytes/-1").status < 500, "/bytes/-1 is refused")


ENDPOINTS = {
    "/": page, "/hello": hello, "/echo": echo, "/headers": headers, "/bytes": byte_run, "/stream": stream,
    "/upload": upload, "/upload of nothing": empty_upload, "/delay": delay, "/status": status, "/redirect": redirect,
    "/cache": cache, "/hints": hints, "/early": early, "/metrics": metrics, "HEAD": head, "404": unknown,
}
for _version, _old in (("HTTP/1.1", []), ("HTTP/1.0", OLD)):
    for _name, _function in ENDPOINTS.items():
        check(f"{_version} {_name}")(lambda f=_function, old=_old: f(old))


# Ranges.

def single_range(value, first, last):
    answer = get("/bytes/1000", "-H", f"Range: bytes={value}", status=206)
    equal(answer.field("content-range"), f"bytes {first}-{last}/1000", "content-range")
    true(answer.body == pattern(last - first + 1, first), "wrong bytes")


table("range", {
    "first byte": ("0-0", 0, 0), "middle": ("100-299", 100, 299), "open": ("990-", 990, 999),
    "suffix": ("-7", 993, 999), "suffix longer than all": ("-5000", 0, 999), "last beyond the end": ("900-4000", 900, 999),
}, single_range)


@check("range: several parts as multipart/byteranges")
def _():
    answer = get("/bytes/1000", "-H", "Range: bytes=0-9,500-509,-5", status=206)
    kind = answer.field("content-type") or ""
    contains(kind, "multipart/byteranges", "content-type")
    boundary = kind.split("boundary=")[1].strip('"').encode()
    parts = answer.body.split(b"--" + boundary)
    equal((len(parts), parts[-1].strip()), (5, b"--"), "parts and the closing delimiter")
    for part, (first, last) in zip(parts[1:4], ((0, 9), (500, 509), (995, 999))):
        fields, _, data = part.partition(b"\r\n\r\n")
        contains(fields.lower(), b"content-range: bytes %d-%d/1000" % (first, last), "part head")
        equal(data.removesuffix(b"\r\n"), pattern(last - first + 1, first), "part")


@check("range: none satisfiable gives 416 with the size")
def _():
    answer = get("/bytes/1000", "-H", "Range: bytes=1000-", status=416)
    equal(answer.field("content-range"), "bytes */1000", "content-range")


@check("range: what is not a byte range is ignored")
def _():
    for value in ("lines=1-2", "bytes=a-b", "bytes=5-2", "bytes"):
        equal(len(get("/bytes/1000", "-H", f"Range: {value}").body), 1000, f"length for {value}")


@check("range: resume far inside a huge body")
def _():
    answer = get("/bytes/100000000000", "-r", "99999999000-99999999999", status=206)
    true(answer.body == pattern(1000, 99_999_999_000), "wrong bytes")


# Framing and connections.

@check("keep-alive: three transfers on one connection")
def _():
    answer = curl(BASE + "/hello", BASE + "/bytes/5", BASE + "/status/404")
    equal([i["response_code"] for i in answer.info], [200, 200, 404], "statuses")
    equal([i["num_connects"] for i in answer.info], [1, 0, 0], "new connections")
    contains(" ".join(answer.log), "Re-using existing connection", "log")


@check("keep-alive: HTTP/1.0 by Connection: keep-alive")
def _():
    answer = curl(*OLD, "-H", "Connection: keep-alive", BASE + "/hello", BASE + "/hello")
    equal([i["num_connects"] for i in answer.info], [1, 0], "new connections")
    equal((answer.field("connection") or "").lower(), "keep-alive", "connection field")


@check("keep-alive: HTTP/1.0 closes by default")
def _():
    answer = curl(*OLD, BASE + "/hello", BASE + "/hello")
    equal([i["num_connects"] for i in answer.info], [1, 1], "new connections")


@check("keep-alive: Connection: close is obeyed and said back")
def _():
    answer = curl("-H", "Connection: close", BASE + "/hello", BASE + "/hello")
    equal([i["num_connects"] for i in answer.info], [1, 1], "new connections")
    equal((answer.field("connection") or "").lower(), "close", "connection field")


@check("upload: chunked from a pipe")
def _():
    body = pattern(2_500_000)
    answer = get("/upload", "-H", "Transfer-Encoding: chunked", "-T", "-", data=body)
    equal(json.loads(answer.body)["sha256"], hashlib.sha256(body).hexdigest(), "sha256")


@check("upload: Expect: 100-continue is answered when the body is wanted")
def _():
    answer = get("/upload", "-H", "Expect: 100-continue", "--expect100-timeout", "10", "--data-binary", "@-",
                 data=pattern(3_000_000), seconds=8)
    equal(answer.statuses, [100, 200], "statuses")


@check("upload: a request refused before its body is not sent it")
def _():
    answer = get("/no/such/path", "-H", "Expect: 100-continue", "--expect100-timeout", "10", "--data-binary", "@-",
                 data=pattern(3_000_000), status=404, seconds=8)
    equal(answer.statuses, [404], "statuses")
    equal(answer.info[-1]["size_upload"], 0, "bytes of body sent")


@check("upload: refused without Expect, the answer still arrives")
def _():
    equal(curl("-H", "Expect:", "--data-binary", "@-", BASE + "/no/such/path", data=pattern(3_000_000)).status, 404, "status")


@check("methods: OPTIONS *")
def _():
    status_code = curl("-X", "OPTIONS", "--request-target", "*", BASE).status
    true(200 <= status_code < 300, f"status {status_code}")


@check("methods: one the resource has not gives 405 with Allow")
def _():
    answer = get("/hello", "-X", "DELETE", status=405)
    contains(answer.field("allow") or "", "GET", "allow")


@check("methods: one nobody knows")
def _():
    true(curl("-X", "PATCH-x!#$", BASE + "/hello").status in (405, 501), "neither 405 nor 501")


@check("methods: no token")
def _():
    equal(curl("-X", "G,ET", BASE + "/hello").status, 400, "status")


@check("limits: a URI of 8,000 octets passes, one of 100,000 is 414")
def _():
    equal(curl(BASE + "/hello?" + "a" * 7960).status, 200, "8,000")
    equal(curl(BASE + "/hello?" + "a" * 100_000).status, 414, "100,000")


@check("limits: a header of 100,000 octets and 5,000 headers are 431")
def _():
    equal(curl("-H", "X-Long: " + "a" * 100_000, BASE + "/hello").status, 431, "long header")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"X-Header-{i}: value\n" for i in range(5000)))
        file.flush()
        equal(curl("-H", f"@{file.name}", BASE + "/hello").status, 431, "many headers")


@check("Host: missing, empty and absolute form")
def _():
    equal(curl("-H", "Host:", BASE + "/hello").status, 400, "missing")
    equal(curl(*OLD, "-H", "Host:", BASE + "/hello").status, 200, "missing in HTTP/1.0")
    equal(curl("-H", "Host;", BASE + "/hello").status, 200, "empty")
    equal(curl("--request-target", f"{BASE}/hello", BASE).body, b"hello, world\n", "absolute form")


@check("streaming: /echo answers while the request is still being sent")
def _():
    process = subprocess.Popen(["curl", "-q", "-sS", "-N", "--no-progress-meter", "-T", ".", BASE + "/echo"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        for turn in range(5):
            message = f"turn {turn}\n".encode()
            process.stdin.write(message)
            equal(process.stdout.read(len(message)), message, "echo before the request's end")
        process.stdin.close()
        equal((process.stdout.read(), process.wait(5)), (b"", 0), "the end")
    finally:
        process.kill()
        process.wait()


# Bulk: one GiB each way in flat memory.

def feed(process, digest, size):
    block = pattern(251 * 4096)
    left = size
    with process.stdin as pipe:
        while left:
            part = block if left >= len(block) else block[:left]
            digest.update(part)
            pipe.write(part)
            left -= len(part)


@check("bulk: 1 GiB chunked upload in flat memory", seconds=120)
def _():
    digest = hashlib.sha256()
    with Growth() as growth:
        process = subprocess.Popen(["curl", "-q", "-sS", "-m", "110", "-T", "-", BASE + "/upload"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        feeder = threading.Thread(target=feed, args=(process, digest, GIB))
        feeder.start()
        answer = process.stdout.read()
        feeder.join()
        equal(process.wait(), 0, "exit code of curl")
    equal(json.loads(answer), {"bytes": GIB, "sha256": digest.hexdigest()}, "what was received")
    growth.below(FLAT, "receiving")
    print(f"memory grew by {growth.bytes / MIB:.1f} MiB")


@check("bulk: 1 GiB upload with Content-Length in flat memory", seconds=120)
def _():
    with tempfile.NamedTemporaryFile(dir=target.WORK) as file:
        # Sparse: a few marked blocks between holes, nothing to write but those.
        for at in (0, GIB // 3, GIB - 5):
            file.seek(at)
            file.write(b"mark!")
        file.flush()
        digest = hashlib.sha256()
        file.seek(0)
        while block := file.read(MIB):
            digest.update(block)
        with Growth() as growth:
            answer = get("/upload", "-T", file.name, seconds=110)
    equal(json.loads(answer.body), {"bytes": GIB, "sha256": digest.hexdigest()}, "what was received")
    growth.below(FLAT, "receiving")


@check("bulk: 1 GiB download in flat memory", seconds=120)
def _():
    want, got, size = hashlib.sha256(), hashlib.sha256(), 0
    with Growth() as growth:
        with subprocess.Popen(["curl", "-q", "-sS", "-m", "110", f"{BASE}/bytes/{GIB}"], stdout=subprocess.PIPE) as process:
            while block := process.stdout.read(MIB):
                want.update(pattern(len(block), size))
                got.update(block)
                size += len(block)
        equal(process.returncode, 0, "exit code of curl")
    equal(size, GIB, "bytes received")
    equal(got.hexdigest(), want.hexdigest(), "sha256")
    growth.below(FLAT, "sending")
    print(f"memory grew by {growth.bytes / MIB:.1f} MiB")


@check("bulk: 64 downloads at once")
def _():
    urls = [argument for _ in range(64) for argument in ("-o", os.devnull, f"{BASE}/bytes/1000000")]
    answer = curl("-Z", "--parallel-max", "64", "--no-progress-meter", *urls)
    equal({(i["response_code"], i["size_download"]) for i in answer.info}, {(200, 1_000_000)}, "statuses and sizes")


if __name__ == "__main__":
    run()

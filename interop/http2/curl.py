"""curl over HTTP/2: by ALPN over TLS, by prior knowledge in the clear, and what it may offer besides."""
import hashlib
import json
import os
import subprocess
import tempfile

import target
from check import check, contains, equal, run, short, table, true
from target import MIB, Growth, pattern

PLAIN, TLS = f"http://{target.ADDRESS}", f"https://localhost:{target.TLS_PORT}"
WAYS = {"h2c": ("--http2-prior-knowledge", PLAIN), "h2": ("--http2", TLS)}


class Answer:
    def __init__(self, process):
        self.code, self.body = process.returncode, process.stdout
        self.log = process.stderr.decode("latin-1")
        self.rows = [json.loads(line[2:]) for line in self.log.splitlines() if line.startswith("@@")]

    @property
    def status(self):
        return self.rows[-1]["response_code"]

    @property
    def version(self):
        return self.rows[-1]["http_version"]

    @property
    def lines(self):
        """Status lines and fields as they came, interim responses and trailers too; names in lower case."""
        return [line[2:].strip() for line in self.log.splitlines() if line.startswith("< ") and line[2:].strip()]


def curl(*arguments, data=None, code=0, version="2"):
    command = ["curl", "-q", "-sS", "-v", "--noproxy", "*", "-m", "30", "-w", "%{stderr}\n@@%{json}\n",
               "--cacert", target.CERTIFICATE, *arguments]
    answer = Answer(subprocess.run(command, input=data, capture_output=True, timeout=40, check=False))
    if code is not None and answer.code != code:
        raise AssertionError(f"curl ended with {answer.code}, want {code}: {short(answer.log[-300:])}")
    if version is not None:
        equal({row["http_version"] for row in answer.rows}, {version}, "versions")
    return answer


def both(name, seconds=20, ways=("h2c", "h2")):
    """The check in the clear and over TLS; it gets a function to call curl with, and the base of URLs."""
    def register(function):
        for way in ways:
            option, base = WAYS[way]

            def call(*arguments, option=option, **keywords):
                return curl(option, *arguments, **keywords)
            check(f"{way} {name}", seconds)(lambda call=call, base=base: function(call, base))
    return register


# Bodies and statuses.

@both("GET /hello: names in lower case, no reason phrase, nothing of HTTP/1")
def _(call, base):
    answer = call(f"{base}/hello")
    equal((answer.status, answer.body), (200, b"hello, world\n"), "answer")
    equal(answer.lines[0].rstrip(), "HTTP/2 200", "status line")
    names = [line.partition(":")[0] for line in answer.lines[1:]]
    equal(names, [name.lower() for name in names], "names")
    for gone in ("connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"):
        true(gone not in names, f"{gone} is in an answer of HTTP/2")
    contains(names, "content-length", "names")


@both("/headers: what arrived")
def _(call, base):
    seen = json.loads(call(f"{base}/headers?a=b", "-H", "X-MiXeD: yes", "-H", "Cookie: a=1; b=2").body)
    equal((seen["method"], seen["target"], seen["version"]), ("GET", "/headers?a=b", "HTTP/2"), "request")
    fields = {name: value for name, value in seen["headers"]}
    equal((fields.get("x-mixed"), fields.get("cookie")), ("yes", "a=1; b=2"), "fields")
    true(not any(name.startswith(":") for name in fields), f"pseudo-header fields among the fields: {sorted(fields)}")
    if base == TLS:
        equal((seen["tls"]["alpn"], seen["tls"]["server_name"]), ("h2", "localhost"), "alpn and name")


@both("/bytes/N: sizes around those of frames and windows, down to the byte")
def _(call, base):
    for size in (0, 1, 16383, 16384, 16385, 65535, 65536, 1_000_000):
        true(call(f"{base}/bytes/{size}").body == pattern(size), f"/bytes/{size} differs")


@both("10 MB down")
def _(call, base):
    true(call(f"{base}/bytes/10000000").body == pattern(10_000_000), "the body differs")


@both("100 MB down in flat memory", seconds=40)
def _(call, base):
    with Growth() as growth:
        answer = call("-o", "/dev/null", f"{base}/bytes/100000000")
    equal(answer.rows[0]["size_download"], 100_000_000, "bytes received")
    growth.below(32 * MIB, "sending")


@both("HEAD: the length and no body")
def _(call, base):
    answer = call("-I", f"{base}/bytes/5000")
    equal(answer.status, 200, "status")
    contains(answer.lines, "content-length: 5000", "head")
    equal((answer.rows[0]["size_download"], answer.body.count(b"\r\n\r\n")), (0, 1), "bytes of the body and heads on stdout")


@both("a range, several, one outside")
def _(call, base):
    answer = call("-r", "1000-1009", f"{base}/bytes/5000")
    equal((answer.status, answer.body), (206, pattern(10, 1000)), "one range")
    contains(answer.lines, "content-range: bytes 1000-1009/5000", "head")
    equal(call("-r", "-5", f"{base}/bytes/5000").body, pattern(5, 4995), "the last five")
    equal(call("-r", "9000-", f"{base}/bytes/5000").status, 416, "status of one outside")


@both("POST: the echo of 10 MB")
def _(call, base):
    body = pattern(10_000_000)
    true(call("--data-binary", "@-", f"{base}/echo", data=body).body == body, "the echo differs")


@both("an upload of a length not known, 3 MB")
def _(call, base):
    body = pattern(3_000_000)
    answer = json.loads(call("-T", "-", f"{base}/upload", data=body).body)
    equal(answer, {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}, "what was received")


@both("Expect: 100-continue is answered before the body comes")
def _(call, base):
    answer = call("-H", "Expect: 100-continue", "--expect100-timeout", "15", "--data-binary", "@-", f"{base}/upload", data=b"x" * 5000)
    equal(json.loads(answer.body)["bytes"], 5000, "bytes received")
    equal([line.rstrip() for line in answer.lines if line.startswith("HTTP/")], ["HTTP/2 100", "HTTP/2 200"], "status lines")


@both("trailers of /stream/N/MS come after the body")
def _(call, base):
    answer = call("-H", "TE: trailers", f"{base}/stream/4/5")
    equal(answer.body.count(b"\n"), 4, "chunks")
    equal(answer.lines[-1], "x-chunks: 4", "the last line")
    true(not any(line.startswith("content-length") for line in answer.lines), "a length where none was known")


@both("103 of /hints comes before 200, with its Link")
def _(call, base):
    answer = call(f"{base}/hints")
    heads = [line.rstrip() for line in answer.lines if line.startswith("HTTP/")]
    equal(heads, ["HTTP/2 103", "HTTP/2 200"], "status lines")
    true(answer.lines[1].startswith("link: <"), f"after the 103: {answer.lines[1]}")


@both("/status/CODE: with a body and without")
def _(call, base):
    codes = (200, 201, 204, 205, 304, 400, 404, 418, 500, 503)
    for code in codes:
        answer = call(f"{base}/status/{code}")
        equal(answer.status, code, "status")
        if code in (204, 205, 304):
            equal(answer.body, b"", f"body of {code}")


@both("/cache: 304 when the ETag matches")
def _(call, base):
    (etag,) = [line.partition(": ")[2] for line in call(f"{base}/cache/60").lines if line.startswith("etag:")]
    equal(call("-H", f"If-None-Match: {etag}", f"{base}/cache/60").status, 304, "status")


@both("methods: DELETE, PUT, OPTIONS, one of its own")
def _(call, base):
    for method in ("DELETE", "PUT", "OPTIONS", "BREW"):
        equal(json.loads(call("-X", method, f"{base}/headers").body)["method"], method, "method")


@both("a head of 50,000 bytes")
def _(call, base):
    seen = dict(json.loads(call("-H", f"X-Large: {'a' * 50_000}", f"{base}/headers").body)["headers"])
    equal(len(seen["x-large"]), 50_000, "bytes of the value")


# One connection for many: over TLS alone, since curl 7.88 cannot use a connection of prior knowledge twice.

@both("one connection for ten in sequence", ways=("h2",))
def _(call, base):
    answer = call(f"{base}/bytes/[1-10]")
    equal([row["num_connects"] for row in answer.rows], [1] + [0] * 9, "new connections")
    equal(answer.body, b"".join(pattern(size) for size in range(1, 11)), "bodies")


@both("--parallel: 100 at once share one connection", seconds=40, ways=("h2",))
def _(call, base):
    with tempfile.TemporaryDirectory(prefix="wirelace-curl-") as folder:
        answer = call("--parallel", "--parallel-max", "100", "-o", os.path.join(folder, "#1"), f"{base}/bytes/[1000-100000:1000]")
        equal([row["response_code"] for row in answer.rows], [200] * 100, "statuses")
        equal(sum(row["num_connects"] for row in answer.rows), 1, "connections")
        for size in range(1000, 100_001, 1000):
            with open(os.path.join(folder, str(size)), "rb") as file:
                true(file.read() == pattern(size), f"/bytes/{size} differs")


@both("--parallel: a slow one does not hold the others up", seconds=40, ways=("h2",))
def _(call, base):
    answer = call("--parallel", f"{base}/delay/2000", *[f"{base}/hello"] * 20)
    order = [row["url"].rpartition("/")[2] for row in answer.rows]
    equal(order, ["hello"] * 20 + ["2000"], "order of their ends")


@both("/redirect/N is followed", ways=("h2",))
def _(call, base):
    answer = call("-L", f"{base}/redirect/3")
    equal((answer.status, answer.rows[-1]["num_redirects"]), (200, 3), "status and redirects")


# What is offered and what is chosen.

@check("--http2 in the clear: an Upgrade to h2c is passed over, the answer and the next are HTTP/1.1")
def _():
    answer = curl("--http2", f"{PLAIN}/hello", f"{PLAIN}/bytes/100000", version="1.1")
    contains(answer.log, "Upgrade: h2c", "the request")
    equal(answer.body, b"hello, world\n" + pattern(100_000), "bodies")
    equal([row["num_connects"] for row in answer.rows], [1, 0], "new connections")
    true(not any(line.lower().startswith("upgrade") for line in answer.lines), "an Upgrade field in the answer")


@check("--http2 in the clear: an Upgrade on a request with a body")
def _():
    answer = curl("--http2", "--data-binary", "@-", f"{PLAIN}/echo", data=pattern(100_000), version="1.1")
    true(answer.body == pattern(100_000), "the echo differs")


def alpn(arguments, chosen, version):
    answer = curl(*arguments, f"{TLS}/hello", version=version)
    equal(answer.body, b"hello, world\n", "body")
    if chosen:
        contains(answer.log, f"ALPN: server accepted {chosen}", "curl's log")
    else:
        true("ALPN: server accepted" not in answer.log, "an answer to ALPN that was not asked for")


table("ALPN", {"h2 and http/1.1: h2": (("--http2",), "h2", "2"),
               "http/1.1 alone": (("--http1.1",), "http/1.1", "1.1"),
               "none: HTTP/1.1": (("--no-alpn",), None, "1.1"),
               "h2 with TLS 1.2": (("--http2", "--tlsv1.2", "--tls-max", "1.2"), "h2", "2")}, alpn)


@check("--http 1.1: a server that speaks no HTTP/2 does not choose it, nor read it in the clear")
def _():
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "1.1", scheme="https") as (_, port, _):
        answer = curl("--http2", "-k", f"https://localhost:{port}/hello", version="1.1")
        equal(answer.body, b"hello, world\n", "body")
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "1.1") as (_, port, _):
        answer = curl("--http2-prior-knowledge", f"http://127.0.0.1:{port}/hello", version=None, code=None)
        true(answer.code != 0, "a server of HTTP/1.1 alone answered HTTP/2")


@check("--http 2: a server of HTTP/2 alone refuses who offers http/1.1, and no answer pretends")
def _():
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "2", scheme="https") as (_, port, _):
        equal(curl("--http2", "-k", f"https://localhost:{port}/hello").body, b"hello, world\n", "body")
        contains(curl("--http1.1", "-k", f"https://localhost:{port}/hello", code=35, version=None).log, "no application protocol", "alert")
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "2") as (_, port, _):
        equal(curl("--http2-prior-knowledge", f"http://127.0.0.1:{port}/hello").body, b"hello, world\n", "body")
        answer = curl("--http1.1", f"http://127.0.0.1:{port}/hello", version=None, code=None)
        true(answer.code != 0 or answer.status in (426, 505), f"HTTP/1.1 was answered with {answer.status if answer.rows else None}")


if __name__ == "__main__":
    run()

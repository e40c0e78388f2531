"""`wirelace get --http 2` against nghttpd, nginx and node."""
import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import threading

from check import check, contains, equal, run, true
from origin import FOLDER, leaf, nghttpd, nginx, node
from our_client import failure, get, place
from target import pattern

BIG = pattern(10_000_000)


def both(server, name, *arguments, seconds=30):
    """The check against this server in the clear and over TLS; it gets what the server gives."""
    def register(function):
        for way, tls in (("h2c", False), ("h2", True)):
            def once(tls=tls):
                with server(*arguments, tls=tls) as gives:
                    function(gives)
            check(f"{server.__name__} {way}: {name}", seconds)(once)
    return register


def many(url, count, parallel, size, connections=1):
    """`count` requests, `parallel` at once, each of so many bytes, over so many connections."""
    rows = get("--json", "-o", os.devnull, "--repeat", str(count), "--parallel", str(parallel), url, seconds=60).rows()
    equal(len(rows), count, "responses")
    equal({(row["status"], row["version"], row["bytes"]) for row in rows}, {(200, "HTTP/2", size)}, "statuses, versions and sizes")
    fresh = sum(not row["reused"] for row in rows)
    if connections is not None:
        equal(fresh, connections, "connections")
    return fresh


# nghttpd

@both(nghttpd, "GET, HEAD, 404, -i")
def _(gives):
    base, _ = gives
    equal(get(f"{base}/hello.txt").out, b"hello from a file\n", "body")
    head = get("-i", "-X", "HEAD", f"{base}/hello.txt").out
    true(head.startswith(b"HTTP/2 200") and b"content-length: 18" in head, f"head {head!r}")
    contains(get("-i", f"{base}/nothing").out, b"HTTP/2 404", "head")


@both(nghttpd, "10 MB down", "-m", "10")
def _(gives):
    base, _ = gives
    copy = place("copy")
    get("-o", copy, f"{base}/big.bin")
    with open(copy, "rb") as file:
        true(file.read() == BIG, "the copy differs")


@both(nghttpd, "10 MB up and back", "--echo-upload")
def _(gives):
    base, _ = gives
    true(get("-d", f"@{place('up', BIG)}", f"{base}/echo").out == BIG, "the echo differs")
    equal(get("-X", "PUT", "-d", "text", f"{base}/echo").out, b"text", "the echo of PUT")


@both(nghttpd, "1000 requests, 100 at once, on one connection", seconds=60)
def _(gives):
    many(f"{gives[0]}/hello.txt", 1000, 100, 18)


@both(nghttpd, "10 MB ten times at once, each right")
def _(gives):
    base, _ = gives
    copy = place("copies")
    get("-o", copy, "--repeat", "10", "--parallel", "10", f"{base}/big.bin")
    with open(copy, "rb") as file:
        equal(hashlib.sha256(file.read()).hexdigest(), hashlib.sha256(BIG * 10).hexdigest(), "sum of all ten, one after the other")


@both(nghttpd, "trailers are shown by -v", "--trailer", "x-sum: abc", "--trailer", "x-more: 1")
def _(gives):
    result = get("-v", f"{gives[0]}/hello.txt")
    equal(result.out, b"hello from a file\n", "body")
    for line in ("< x-sum: abc", "< x-more: 1"):
        contains(result.err.splitlines(), line, "stderr")


@both(nghttpd, "push: refused unless --push says otherwise", "-p", "/hello.txt=/a.css,/b.js", "-v")
def _(gives):
    base, said = gives
    equal(get(f"{base}/hello.txt").out, b"hello from a file\n", "body")
    log = said()
    contains(log, "SETTINGS_ENABLE_PUSH(0x02):0", "what nghttpd received")
    true("send PUSH_PROMISE" not in log, "nghttpd pushed")


@both(nghttpd, "push: taken with --push", "-p", "/hello.txt=/a.css,/b.js")
def _(gives):
    base, _ = gives
    result = get("-v", "--push", f"{base}/hello.txt")
    equal(result.out, b"hello from a file\n", "body")
    for name, size in (("a.css", 5), ("b.js", 3)):
        true(re.search(rf"pushed: GET {base}/{re.escape(name)}: 200, {size} bytes", result.err), f"no push of {name}: {result.err}")


for _limit in (1, 3):
    @both(nghttpd, f"MAX_CONCURRENT_STREAMS {_limit}: 60 requests, 20 at once", "-m", str(_limit))
    def _(gives):
        many(f"{gives[0]}/hello.txt", 60, 20, 18)


@both(nghttpd, "windows of 1,023 bytes: 200,000 up and back", "-w", "10", "-W", "16", "--echo-upload")
def _(gives):
    body = BIG[:200_000]
    # The body waits for 100: nghttpd calls it an error when more has come before its settings were acknowledged, which is allowed.
    true(get("-H", "Expect: 100-continue", "-d", f"@{place('some', body)}", f"{gives[0]}/echo").out == body, "the echo differs")


@both(nghttpd, "windows of 1 byte: 300 up and back", "-w", "1", "--echo-upload")
def _(gives):
    equal(get("-d", "x" * 300, f"{gives[0]}/echo").out, b"x" * 300, "the echo")


for _sizes in (("-c", "0"), ("-c", "100"), ("--encoder-header-table-size", "0"), ("--encoder-header-table-size", "100"), ("-c", "65536")):
    @both(nghttpd, f"tables for fields: {' '.join(_sizes)}", *_sizes)
    def _(gives):
        arguments = [part for i in range(30) for part in ("-H", f"x-name-{i}: {'value' * 20}")]
        rows = get("--json", "--repeat", "20", *arguments, f"{gives[0]}/hello.txt").rows()
        equal(([row["status"] for row in rows], [row["reused"] for row in rows]), ([200] * 20, [False] + [True] * 19), "statuses and connections")


@both(nghttpd, "255 bytes of padding on every frame", "-b", "255", "--echo-upload")
def _(gives):
    base, _ = gives
    true(get(f"{base}/big.bin").out == BIG, "the body differs")
    body = BIG[:1_000_000]
    true(get("-d", f"@{place('padded', body)}", f"{base}/echo").out == body, "the echo differs")


@both(nghttpd, "an answer before the upload's end, bodies without length", "--early-response", "--no-content-length")
def _(gives):
    base, _ = gives
    equal(get("-d", f"@{place('early', BIG)}", f"{base}/hello.txt").out, b"hello from a file\n", "body")
    true(get(f"{base}/big.bin").out == BIG, "the body differs")


@both(nghttpd, "a large head: 60 fields of 500 bytes")
def _(gives):
    arguments = [part for i in range(60) for part in ("-H", f"x-large-{i}: {'ab' * 250}")]
    equal(get(*arguments, f"{gives[0]}/hello.txt").out, b"hello from a file\n", "body")


# nginx

@check("nginx h2: chosen by ALPN without being asked for, not with --http 1.1")
def _():
    with nginx() as base:
        (row,) = get("--json", f"{base}/seen", version=()).rows()
        equal((row["version"], row["tls"]["alpn"]), ("HTTP/2", "h2"), "version and ALPN")
        equal(get(f"{base}/seen", version=()).out, b"HTTP/2.0 h2 localhost https\n", "what nginx saw")
        (row,) = get("--json", f"{base}/seen", version=("--http", "1.1")).rows()
        equal((row["version"], row["tls"]["alpn"]), ("HTTP/1.1", "http/1.1"), "version and ALPN with --http 1.1")


@check("nginx h2: HEAD, a range, a condition, 204, 301, 418, gzip")
def _():
    with nginx() as base:
        contains(get("-i", "-X", "HEAD", f"{base}/hello.txt").out, b"content-length: 18", "head")
        equal(get("-H", "Range: bytes=1000-1009", f"{base}/big.bin").out, pattern(10, 1000), "range")
        etag = re.search(r"(?im)^etag: (.*?)\r?$", get("-i", f"{base}/hello.txt").out.decode()).group(1)
        contains(get("-i", "-H", f"If-None-Match: {etag}", f"{base}/hello.txt").out, b"HTTP/2 304", "head")
        for path, part in (("/empty", b"HTTP/2 204"), ("/moved", b"HTTP/2 301"), ("/teapot", b"short and stout")):
            contains(get("-i", base + path).out, part, f"answer to {path}")
        equal(get("--compressed", f"{base}/zeroes.txt").out, b"0" * 5000, "unpacked body")


@check("nginx h2: 10 MB, and 1000 requests of which 100 at once", 60)
def _():
    with nginx("keepalive_requests 10000") as base:
        true(get(f"{base}/big.bin").out == BIG, "the body differs")
        many(f"{base}/hello.txt", 1000, 100, 18)


@check("nginx h2: GOAWAY after every 50 requests, 1000 of them, 20 at once: all are answered", 60)
def _():
    with nginx("keepalive_requests 50", "http2_max_concurrent_streams 10") as base:
        true(many(f"{base}/hello.txt", 1000, 20, 18, connections=None) >= 20, "the connections were not ended")


@check("nginx h2: an upload that is refused: 413 counts, not what was not sent")
def _():
    with nginx() as base:
        contains(get("-i", "-d", f"@{place('refused', BIG)}", f"{base}/hello.txt").out, b"HTTP/2 413", "head")


@check("nginx h2c: prior knowledge in the clear")
def _():
    with nginx(options="http2") as base:
        equal(get(f"{base}/seen").out.split()[0], b"HTTP/2.0", "what nginx saw")


# What is no HTTP/2: exit code 1, in one line that says so.

@check("ALPN: a server of http/1.1 alone")
def _():
    with nginx(options="ssl") as base:
        line = failure(f"{base}/hello.txt")
        contains(line, "--http", "stderr")
        equal(get(f"{base}/hello.txt", version=()).out, b"hello from a file\n", "without --http")


@check("ALPN: a server that knows none")
def _():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf().chain, leaf().key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as peer:
                peer.settimeout(5)
                while peer.recv(1 << 16):
                    pass
        threading.Thread(target=serve, daemon=True).start()
        line = failure(f"https://localhost:{listener.getsockname()[1]}/")
        true(re.search(r"ALPN|application protocol|HTTP/2|h2", line), line)


@check("prior knowledge to a server of HTTP/1.1")
def _():
    with nginx(options="") as base:
        line = failure(f"{base}/hello.txt")
        true(re.search(r"HTTP/2|preface|SETTINGS", line), line)


# node

@both(node, "what node saw: pseudo-fields first, names in lower case, no connection-specific field")
def _(base):
    scheme, _, authority = base.partition("://")
    seen = json.loads(get("-H", "X-MiXeD: yes", "-H", "Connection: keep-alive", "-d", "the body", f"{base}/request?a=b").out)
    names, fields = seen["raw"][::2], dict(zip(seen["raw"][::2], seen["raw"][1::2]))
    equal({name: fields[name] for name in names[:4]}, {":method": "POST", ":scheme": scheme, ":authority": authority, ":path": "/request?a=b"},
          "the first four fields")
    equal(names, [name.lower() for name in names], "names")
    equal((fields["x-mixed"], fields["content-length"], seen["body"]), ("yes", "8", "the body"), "fields and body")
    for gone in ("host", "connection", "transfer-encoding", "keep-alive", "upgrade"):
        true(gone not in names, f"{gone} was sent")
    equal(seen["settings"]["enablePush"], False, "ENABLE_PUSH")


@both(node, "10 MB down, 10 MB up and back")
def _(base):
    true(get(f"{base}/big").out == BIG, "the body differs")
    true(get("-d", f"@{place('node-up', BIG)}", f"{base}/echo").out == BIG, "the echo differs")


@both(node, "1000 requests, 100 at once", seconds=60)
def _(base):
    many(f"{base}/hello", 1000, 100, 16)


@both(node, "200 of them slow, all at once")
def _(base):
    many(f"{base}/slow", 200, 200, 5, connections=None)


@both(node, "trailers and two 103s are shown by -v")
def _(base):
    result = get("-v", f"{base}/trailers", f"{base}/hints")
    equal(result.out, b"with trailers\nafter the hints\n", "bodies")
    lines = result.err.splitlines()
    for line in ("< x-sum: abc", "< x-more: 1", "< link: </a.css>; rel=preload", "< link: </b.js>; rel=preload"):
        contains(lines, line, "stderr")
    equal(len([line for line in lines if line.startswith("< HTTP/2 103")]), 2, "interim responses")


@both(node, "push: not allowed, then with --push")
def _(base):
    equal(get(f"{base}/push").out, b"no push\n", "body")
    result = get("-v", "--push", f"{base}/push")
    equal(result.out, b"pushed\n", "body with --push")
    for name in ("a.css", "b.js"):
        contains(result.err, f"pushed: GET {base}/{name}: 200, {len(name) + 9} bytes", "stderr")


@both(node, "ALTSVC and ORIGIN are shown, a PING comes back")
def _(base):
    result = get("-v", f"{base}/frames")
    equal(result.out, b"the ping came back\n", "body")
    contains(result.err, 'ALTSVC for https://other.example: h3=', "stderr")
    if base.startswith("https"):
        for name in ("a", "b"):
            contains(result.err, f"ORIGIN https://{name}.example", "stderr")


@both(node, "settings that change while a body is on its way, then more requests")
def _(base):
    out = get(f"{base}/settings", *[f"{base}/hello"] * 3, f"{base}/settings").out
    equal(out, b"before, after\n" + b"hello from node\n" * 3 + b"before, after\n", "bodies")


@both(node, "RST_STREAM inside a body, and the end of the connection: exit code 1, in one line")
def _(base):
    true(re.search("(?i)internal|failed", failure(f"{base}/reset")), "the line does not tell of the code, INTERNAL_ERROR")
    failure(f"{base}/destroy")


@both(node, "RST_STREAM of one of many: the others are answered")
def _(base):
    result = get("--json", "--parallel", "10", *[f"{base}/slow"] * 4, f"{base}/reset", *[f"{base}/slow"] * 4, code=1)
    equal([row["status"] for row in result.rows() if row.get("bytes") == 5], [200] * 8, "the others")


@both(node, "REFUSED_STREAM for ever: exit code 1, in one line, not for ever")
def _(base):
    true(re.search(r"refused|REFUSED", failure(f"{base}/refuse", seconds=10)), "the line does not say why")


@both(node, "GOAWAY: what runs is finished, the next has a new connection")
def _(base):
    result = get("--json", "-o", place("last"), f"{base}/last", f"{base}/hello", f"{base}/last", f"{base}/hello")
    rows = result.rows()
    equal([row["status"] for row in rows], [200] * 4, "statuses")
    equal([row["reused"] for row in rows], [False, False, True, False], "connections reused")


if __name__ == "__main__":
    try:
        run()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)

"""`wirelace get` against node, nginx, and a server that answers what a check tells it to."""
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import target
from check import Skip, check, contains, equal, run, true
from target import MIB, Growth, pattern

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = tempfile.mkdtemp(prefix="wirelace-get-")


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err.decode("utf-8", "replace")


def get(*arguments, code=0, seconds=20):
    done = subprocess.run([target.BINARY, "get", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=seconds, check=False)
    result = Result(done.returncode, done.stdout, done.stderr)
    equal(result.code, code, f"exit code of get {' '.join(arguments)[:200]} ({result.err.strip()[-200:]})")
    return result


@functools.cache
def offered():
    return get("--help").out.decode()


def needs(option):
    if option not in offered():
        raise Skip(f"`wirelace get` does not offer {option} yet")


# Peers.

class Nodes:
    """The node server, started by the first check that asks for it."""

    @functools.cached_property
    def process(self):
        return subprocess.Popen(["node", os.path.join(HERE, "origin.mjs")], stdout=subprocess.PIPE, text=True)

    @functools.cached_property
    def port(self):
        return int(self.process.stdout.readline().split()[1])

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"


class Nginx:
    @functools.cached_property
    def base(self):
        os.makedirs(os.path.join(FOLDER, "files"))
        for name, data in (("hello.txt", b"hello from nginx\n"), ("big.bin", pattern(50 * MIB)), ("zeroes.txt", b"0" * 5000)):
            with open(os.path.join(FOLDER, "files", name), "wb") as file:
                file.write(data)
        os.chmod(FOLDER, 0o755)
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(os.path.join(HERE, "nginx.conf"), encoding="ascii") as template:
            text = template.read().replace("FOLDER", FOLDER).replace("PORT", str(port))
        path = os.path.join(FOLDER, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-c", path, "-p", FOLDER], stderr=subprocess.DEVNULL)

        def listens():
            true(self.process.poll() is None, "nginx ended")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        target.wait_for(listens, 10, "nginx does not listen")
        return f"http://127.0.0.1:{port}"


NODE, NGINX = Nodes(), Nginx()


@contextlib.contextmanager
def scripted(*answers, linger=False):
    """A server that reads one request head a connection and answers it with the next bytes, then closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    heads, stop = [], threading.Event()

    def serve():
        for answer in answers:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    head = b""
                    while b"\r\n\r\n" not in head and (part := connection.recv(65536)):
                        head += part
                    heads.append(head)
                    connection.sendall(answer)
                    if linger:
                        stop.wait(15)
                    else:
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(65536):
                            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", heads
    finally:
        stop.set()
        listener.close()


def seen(*arguments, path="/request"):
    """What node saw of a request."""
    request = json.loads(get(*arguments, NODE.base + path).out)
    names = request["headers"]
    request["fields"] = {names[i].lower(): names[i + 1] for i in range(0, len(names), 2)}
    return request


# node

@check("node: GET")
def _():
    result = get(f"{NODE.base}/hello")
    equal(result.out, b"hello from node\n", "stdout")
    request = seen(path="/request/a?b=c")
    equal((request["method"], request["target"], request["version"]), ("GET", "/request/a?b=c", "1.1"), "request")
    equal(request["fields"]["host"], f"127.0.0.1:{NODE.port}", "host")


@check("node: -d makes a POST, from text and from a file")
def _():
    request = seen("-d", "a=b&c=d")
    equal((request["method"], request["body"]), ("POST", "a=b&c=d"), "request")
    path = os.path.join(FOLDER, "data")
    with open(path, "wb") as file:
        file.write(bytes(range(256)) * 100)
    request = seen("-d", f"@{path}")
    true(request["body"] == bytes(range(256)).decode("latin-1") * 100, "the file's bytes differ")


@check("node: -X and -H")
def _():
    request = seen("-X", "PURGE", "-H", "X-One: 1", "-H", "X-Two: a, b")
    equal((request["method"], request["fields"]["x-one"], request["fields"]["x-two"]), ("PURGE", "1", "a, b"), "request")
    equal(seen("-X", "PUT", "-d", "x")["method"], "PUT", "method")
    equal(seen("-H", "Host: elsewhere.example")["fields"]["host"], "elsewhere.example", "host")


@check("node: -i shows the head")
def _():
    head, _, body = get("-i", f"{NODE.base}/hello").out.replace(b"\r\n", b"\n").partition(b"\n\n")
    true(re.match(rb"HTTP/1\.1 200", head), f"status line: {head[:60]!r}")
    contains(head.lower(), b"content-length: 16", "head")
    equal(body, b"hello from node\n", "body")


@check("node: HEAD")
def _():
    result = get("-i", "-X", "HEAD", f"{NODE.base}/hello")
    contains(result.out.lower(), b"content-length: 16", "head")
    true(b"hello from" not in result.out, "a body after HEAD")


@check("node: --http 1.0 and 1.1")
def _():
    equal(seen("--http", "1.0")["version"], "1.0", "version")
    equal(seen("--http", "1.1")["version"], "1.1", "version")
    equal(get("--http", "1.0", f"{NODE.base}/chunked/3").out, b"part 0\npart 1\npart 2\n", "body until close")


@check("node: -o writes the body to a file")
def _():
    path = os.path.join(FOLDER, "out")
    equal(get("-o", path, f"{NODE.base}/hello").out, b"", "stdout")
    with open(path, "rb") as file:
        equal(file.read(), b"hello from node\n", "the file")


@check("node: chunked")
def _():
    equal(get(f"{NODE.base}/chunked/500").out, b"".join(b"part %d\n" % i for i in range(500)), "body")


@check("node: 64 MiB chunked in flat memory")
def _():
    size, digest, got = 64 * MIB // 251 * 251, hashlib.sha256(pattern(64 * MIB // 251 * 251)).hexdigest(), hashlib.sha256()
    process = subprocess.Popen([target.BINARY, "get", f"{NODE.base}/big/{size}"], stdout=subprocess.PIPE)
    try:
        with Growth(process.pid) as growth:
            while block := process.stdout.read(MIB):
                got.update(block)
        equal((process.wait(5), got.hexdigest()), (0, digest), "exit code and sha256")
        growth.below(32 * MIB, "downloading")
    finally:
        target.end(process)


@check("node: trailers, 103 and 102 do not disturb the body")
def _():
    equal(get(f"{NODE.base}/trailers").out, b"with a trailer\n", "body")
    result = get("-i", f"{NODE.base}/hints")
    true(result.out.endswith(b"after hints\n"), f"body: {result.out!r}")
    contains(result.out, b" 200", "final status")


@check("node: 204, 304, 404, 500 and a redirect")
def _():
    for status in (204, 304):
        contains(get("-i", f"{NODE.base}/status/{status}").out, b" %d" % status, "head")
    for status in (404, 500):
        done = subprocess.run([target.BINARY, "get", "-i", f"{NODE.base}/status/{status}"], capture_output=True, timeout=10, check=False)
        contains(done.stdout, b" %d" % status, "head")
        true(done.returncode in (0, 1), f"exit code {done.returncode}")
    out = get("-i", f"{NODE.base}/redirect").out
    true(b" 302" in out or b"hello from node" in out, f"neither shown nor followed: {out!r}")


@check("node: several URLs")
def _():
    equal(get(f"{NODE.base}/hello", f"{NODE.base}/close", f"{NODE.base}/chunked/1").out,
          b"hello from node\nlast\npart 0\n", "stdout")


@check("node: localhost by name")
def _():
    equal(get(f"http://localhost:{NODE.port}/hello").out, b"hello from node\n", "stdout")


@check("node: --repeat uses one connection")
def _():
    needs("--repeat")
    ports = get("--repeat", "5", f"{NODE.base}/port").out.split()
    equal((len(ports), len(set(ports))), (5, 1), "answers and connections")


@check("node: --parallel")
def _():
    needs("--parallel")
    out = get("--repeat", "20", "--parallel", "5", f"{NODE.base}/hello").out
    equal(out, b"hello from node\n" * 20, "stdout")


@check("node: --compressed")
def _():
    needs("--compressed")
    equal(get(f"{NODE.base}/gzip").out, b"plain\n", "without")
    equal(get("--compressed", f"{NODE.base}/gzip").out, b"unpacked\n", "with")


@check("node: --timeout")
def _():
    needs("--timeout")
    result = get("--timeout", "1", f"{NODE.base}/slow/15000", code=1, seconds=8)
    equal(len(result.err.strip().splitlines()), 1, "lines on stderr")


@check("node: --json")
def _():
    needs("--json")

    def objects(*arguments):
        rows = [json.loads(line) for line in get(*arguments).out.splitlines() if line.startswith(b"{")]
        return [row for row in rows if "status" in row]
    path = os.path.join(FOLDER, "json-out")
    (row,) = objects("--json", "-o", path, f"{NODE.base}/hello")
    equal((row["status"], row["bytes"]), (200, 16), "status and bytes")
    contains(str(row["version"]), "1.1", "version")
    for part in ("reused", "early"):
        true(any(part in key for key in row), f"no key says {part}: {sorted(row)}")
    true(any(part in key for key in row for part in ("timing", "_ms", "time", "seconds")), f"no timings: {sorted(row)}")
    if "--repeat" in offered():
        rows = objects("--json", "-o", path, "--repeat", "3", f"{NODE.base}/hello")
        reused = [value for row in rows for key, value in row.items() if "reused" in key]
        equal(reused, [False, True, True], "connection reused")


@check("node: -v tells of the protocol on stderr, stdout stays data")
def _():
    result = get("-v", f"{NODE.base}/hello")
    equal(result.out, b"hello from node\n", "stdout")
    contains(result.err, "200", "stderr")


# nginx

@check("nginx: GET, HEAD, a file by range")
def _():
    equal(get(f"{NGINX.base}/hello.txt").out, b"hello from nginx\n", "body")
    contains(get("-i", "-X", "HEAD", f"{NGINX.base}/hello.txt").out, b"nginx", "head")
    equal(get("-H", "Range: bytes=1000-1009", f"{NGINX.base}/big.bin").out, pattern(10, 1000), "range")


@check("nginx: conditional")
def _():
    head = get("-i", f"{NGINX.base}/hello.txt").out.decode()
    etag = re.search(r"(?im)^etag: (.*?)\r?$", head).group(1)
    contains(get("-i", "-H", f"If-None-Match: {etag}", f"{NGINX.base}/hello.txt").out, b" 304", "head")


@check("nginx: 50 MiB")
def _():
    path = os.path.join(FOLDER, "big-copy")
    get("-o", path, f"{NGINX.base}/big.bin")
    with open(path, "rb") as file:
        true(file.read() == pattern(50 * MIB), "the copy differs")


@check("nginx: 204, 301, 418, a refused upload, Connection: close")
def _():
    contains(get("-i", f"{NGINX.base}/empty").out, b" 204", "head")
    contains(get("-i", f"{NGINX.base}/close").out, b"closing", "body")
    for arguments, parts in ((["/moved"], (b" 301", b"hello from nginx")), (["/teapot"], (b"stout",))):
        done = subprocess.run([target.BINARY, "get", "-i", NGINX.base + arguments[0]], capture_output=True, timeout=10, check=False)
        true(any(part in done.stdout for part in parts), f"{arguments}: {done.stdout[:200]!r} {done.stderr!r}")
    path = os.path.join(FOLDER, "too-large")
    with open(path, "wb") as file:
        file.write(b"x" * 3 * MIB)
    # nginx answers 413 to the head alone; the answer counts, not the broken pipe.
    done = subprocess.run([target.BINARY, "get", "-i", "-d", f"@{path}", f"{NGINX.base}/hello.txt"], capture_output=True, timeout=10, check=False)
    contains(done.stdout, b" 413", f"head ({done.stderr!r})")


@check("nginx: --compressed")
def _():
    needs("--compressed")
    equal(get("--compressed", f"{NGINX.base}/zeroes.txt").out, b"0" * 5000, "body")


@check("nginx: HTTP/1.0")
def _():
    equal(get("--http", "1.0", f"{NGINX.base}/hello.txt").out, b"hello from nginx\n", "body")


# Answers no good server gives.

GOOD = {
    "no reason phrase": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
    "five interim responses": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 5 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "chunk extensions and trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"b\"\r\nok\r\n0\r\nX: y\r\n\r\n", b"ok"),
    "a body on 204": (b"HTTP/1.1 204 No Content\r\n\r\nnot a body", b""),
    "bytes after the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", b"ok"),
}
BAD = {
    "nothing": b"",
    "no HTTP": b"220 ftp.example ready\r\n",
    "a head cut short": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a body cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "chunks cut short": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a wrong chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "an endless field": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 5_000_000,
    "interim responses without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000,
    "a 101 nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\nConnection: upgrade\r\n\r\n",
}


def good(answer, body):
    with scripted(answer) as (url, _):
        equal(get(url).out, body, "stdout")


def bad(answer):
    # Twice, should the client try once more.
    with scripted(answer, answer, answer) as (url, _):
        result = get(url, code=1)
        equal(len(result.err.strip().splitlines()), 1, f"lines on stderr ({result.err!r})")


for _name, _row in GOOD.items():
    check(f"odd but right: {_name}")(lambda row=_row: good(*row))
for _name, _answer in BAD.items():
    check(f"wrong, exit code 1: {_name}")(lambda answer=_answer: bad(answer))


@check("the answer is complete though the server keeps the connection open")
def _():
    with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", linger=True) as (url, _):
        equal(get(url, seconds=5).out, b"ok", "stdout")


@check("the request: one Host, no smuggling through -H")
def _():
    with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, heads):
        get(url)
        equal(heads[0].lower().count(b"\r\nhost:"), 1, "Host lines")
    for value in ("X: a\r\nEvil: 1", "X\r\n: a", "X Y: a", "no colon"):
        get("-H", value, "http://127.0.0.1:9/", code=2)


@check("exit code 1: connection refused")
def _():
    with contextlib.closing(socket.socket()) as unused:
        # Bound but not listening: the port is surely closed.
        unused.bind(("127.0.0.1", 0))
        result = get(f"http://127.0.0.1:{unused.getsockname()[1]}/", code=1)
        equal(len(result.err.strip().splitlines()), 1, "lines on stderr")


@check("exit code 2: wrong usage")
def _():
    for arguments in ([], ["--no-such-option", "http://a/"], ["--http", "9", "http://127.0.0.1:9/"], ["not a url"], ["ftp://a/"],
                      ["-X", "BAD METHOD", "http://127.0.0.1:9/"]):
        get(*arguments, code=2)


@check("--help has examples")
def _():
    contains(offered(), "wirelace get ", "help")


if __name__ == "__main__":
    try:
        run()
    finally:
        for peer in (NODE, NGINX):
            if "process" in vars(peer):
                target.end(peer.process)
        shutil.rmtree(FOLDER, ignore_errors=True)

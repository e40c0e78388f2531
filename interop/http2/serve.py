"""`wirelace serve DIR` over HTTP/2: what a file server gives, what must never leave its folder, how bodies end."""
import contextlib
import gzip
import os
import shutil
import subprocess
import tempfile

import h2.errors

import target
from check import check, contains, equal, run, table, true
from peer import Client, Codes, DataFrame, GoAwayFrame, Raw
from target import MIB, Growth, pattern

ROOT = tempfile.mkdtemp(prefix="wirelace-serve-h2-")
DIR = os.path.join(ROOT, "public")
SECRET = b"TOP SECRET, outside the folder"
TEXT = b"some text, long enough to be worth a sibling\n" * 20


def put(path, data):
    path = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def fill():
    put("secret.txt", SECRET)
    for name, data in {"index.html": b"<title>index</title>", "text.txt": TEXT, "packed.txt": TEXT, "packed.txt.gz": gzip.compress(TEXT),
                       "bytes.bin": pattern(100_000), "empty.txt": b"", "sub/index.html": b"<title>sub</title>"}.items():
        put(f"public/{name}", data)
    for number in range(100):
        put(f"public/many/{number}.bin", pattern(number * 700, number))
    with open(os.path.join(DIR, "large.bin"), "wb") as file:
        file.truncate(512 * MIB)
    os.symlink("../secret.txt", os.path.join(DIR, "escape.txt"))


def client(**how):
    return Client(host=HOST, port=PORT, **how)


def ask(path, fields=(), method="GET", status=None):
    """One request on a connection of its own: what came, and its fields."""
    with client() as peer:
        answer = peer.get(path, fields, method)
    equal(answer.reset, None, f"reset of {path}")
    if status is not None:
        equal(answer.status, status, f"status of {path}")
    return answer


@check("files, HEAD, an index, a redirect, 404, 405")
def _():
    with client() as peer:
        answer = peer.get("/text.txt")
        equal((answer.status, bytes(answer.body), answer.get("content-length")), (200, TEXT, str(len(TEXT))), "answer")
        contains(answer.get("content-type"), "text/plain", "content-type")
        true(all(name == name.lower() and name not in ("connection", "transfer-encoding", "keep-alive") for name, _ in answer.fields),
             f"fields {answer.fields}")
        head = peer.get("/bytes.bin", method="HEAD")
        equal((head.status, head.get("content-length"), bytes(head.body), head.pieces), (200, "100000", b"", []), "HEAD")
        equal((peer.get("/empty.txt").status, bytes(peer.get("/empty.txt").body)), (200, b""), "an empty file")
        contains(bytes(peer.get("/").body), b"<title>index", "index")
        answer = peer.get("/sub")
        true(answer.status in (301, 302, 307, 308) and answer.get("location").endswith("/sub/"), f"/sub: {answer.status} {answer.get('location')}")
        equal(peer.get("/missing").status, 404, "status")
        for method in ("POST", "PUT", "DELETE"):
            answer = peer.get("/text.txt", method=method)
            equal(answer.status, 405, f"status of {method}")
            contains(answer.get("allow"), "GET", "allow")


@check("conditions and ranges")
def _():
    first = ask("/bytes.bin", status=200)
    for fields, status in (([("if-none-match", first.get("etag"))], 304), ([("if-none-match", '"a"')], 200),
                           ([("if-modified-since", first.get("last-modified"))], 304), ([("if-match", '"a"')], 412)):
        answer = ask("/bytes.bin", fields, status=status)
        true(status == 412 or len(answer.body) == (100_000 if status == 200 else 0), f"{len(answer.body)} bytes with {status}")
    data = pattern(100_000)
    for value, first, last in (("0-0", 0, 0), ("16383-16384", 16_383, 16_384), ("500-70000", 500, 70_000), ("-10", 99_990, 99_999)):
        answer = ask("/bytes.bin", [("range", f"bytes={value}")], status=206)
        equal(answer.get("content-range"), f"bytes {first}-{last}/100000", "content-range")
        true(answer.body == data[first:last + 1], f"wrong bytes for {value}")
    answer = ask("/bytes.bin", [("range", "bytes=0-1,50000-50001")], status=206)
    contains(answer.get("content-type"), "multipart/byteranges", "content-type")
    contains(bytes(answer.body), data[50_000:50_002], "parts")
    equal(ask("/bytes.bin", [("range", "bytes=100000-")], status=416).get("content-range"), "bytes */100000", "content-range")


@check("a packed sibling goes to who asks for it")
def _():
    plain, packed = ask("/packed.txt", status=200), ask("/packed.txt", [("accept-encoding", "gzip")], status=200)
    equal((bytes(plain.body), plain.get("content-encoding")), (TEXT, None), "without accept-encoding")
    equal((gzip.decompress(packed.body), packed.get("content-encoding")), (TEXT, "gzip"), "with it")
    true(plain.get("etag") != packed.get("etag"), "one ETag for two representations")


@check("curl over TLS: h2 by ALPN, 100 files at once on one connection, each right", 40)
def _():
    with tempfile.TemporaryDirectory(prefix="wirelace-serve-") as folder:
        done = subprocess.run(["curl", "-q", "-sS", "-k", "--http2", "--parallel", "--parallel-max", "100", "-o", f"{folder}/#1",
                               "-w", "%{http_version} %{response_code} %{num_connects}\n", f"https://localhost:{TLS}/many/[0-99].bin"],
                              capture_output=True, text=True, timeout=30, check=False)
        equal(done.returncode, 0, f"exit code of curl ({done.stderr})")
        rows = [line.split() for line in done.stdout.splitlines()]
        equal([row[:2] for row in rows], [["2", "200"]] * 100, "versions and statuses")
        equal(sum(int(row[2]) for row in rows), 1, "connections")
        for number in range(100):
            with open(os.path.join(folder, str(number)), "rb") as file:
                true(file.read() == pattern(number * 700, number), f"file {number} differs")


@check("100 files at once, ranges and conditions among them")
def _():
    with client(window=10 * MIB) as peer:
        streams = [peer.ask(path=f"/many/{number}.bin", fields=[("range", "bytes=10-19")] if number % 3 == 2 else []) for number in range(100)]
        for number, answer in enumerate(peer.finish(*streams)):
            whole = pattern(number * 700, number)
            want = (206, whole[10:20]) if number % 3 == 2 else (200, whole)
            equal((answer.status, bytes(answer.body) == want[1]), (want[0], True), f"file {number}")


@check("512 MiB in flat memory, and small ones beside it", 60)
def _():
    with Growth(SERVER.pid) as growth, client(settings={Codes.INITIAL_WINDOW_SIZE: 2 ** 31 - 1}, window=2 ** 31 - 1 - 65_535) as peer:
        large = peer.ask(path="/large.bin")
        size, answer = 0, peer.answers[large]
        while not answer.ended:
            true(peer.read(), f"the connection ended after {size} bytes")
            size += len(answer.body)
            answer.body.clear()
            if size > 100 * MIB and len(peer.answers) < 20:
                equal(peer.get("/text.txt").status, 200, "status of a small one")
    equal(size, 512 * MIB, "bytes")
    equal(len(peer.answers), 20, "small ones that came in between")
    growth.below(32 * MIB, "sending")


@check("50 large files that nobody reads: flat memory")
def _():
    with Growth(SERVER.pid) as growth, client(settings={Codes.INITIAL_WINDOW_SIZE: 2 ** 31 - 1}, window=2 ** 31 - 1 - 65_535, receive_buffer=4096) as peer:
        for _ in range(50):
            peer.ask(path="/large.bin")
        for _ in range(10):
            ask("/text.txt", status=200)
    growth.below(32 * MIB, "nobody read")


@check("RST_STREAM in the middle of files closes them")
def _():
    files = lambda: [link for fd in os.listdir(f"/proc/{SERVER.pid}/fd") if (link := place(fd)) and link.startswith(ROOT)]

    def place(fd):
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{SERVER.pid}/fd/{fd}")
    before = len(files())
    with client() as peer:
        for _ in range(60):
            stream = peer.ask(path="/large.bin")
            peer.until(lambda: peer.answers[stream].body)
            peer.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            peer.flush()
            peer.answers[stream].reset = h2.errors.ErrorCodes.CANCEL
        target.wait_for(lambda: len(files()) <= before, 10, "files of streams that were reset are still open")
        equal(peer.get("/text.txt").status, 200, "status of the next")


@check("a file that shrinks while it is sent: the stream is reset, never ended as if it were whole")
def _():
    path = os.path.join(DIR, "moving.bin")
    with open(path, "wb") as file:
        file.truncate(20 * MIB)
    with client(automatic=False) as peer:
        peer.h2.increment_flow_control_window(100 * MIB)
        stream = peer.ask(path="/moving.bin")
        answer = peer.answers[stream]
        peer.until(lambda: len(answer.body) == 65_535)
        with open(path, "r+b") as file:
            file.truncate(100_000)
        peer.h2.increment_flow_control_window(100 * MIB, stream)
        peer.flush()
        peer.until(lambda: answer.ended or answer.reset is not None)
        true(answer.reset is not None and not answer.ended, f"{len(answer.body)} bytes of {answer.get('content-length')}, ended")
        equal(peer.get("/text.txt").status, 200, "status of the next on the same connection")


def traversal(path):
    with Raw(host=HOST, port=PORT) as peer:
        stream = peer.ask(path=path)
        peer.ended(stream)
        body = b"".join(frame.data for frame in peer.log if isinstance(frame, DataFrame))
        true(SECRET not in body and b"root:" not in body, f"{path!r} gave away what is outside")
        status = peer.status(stream)
        true(not status or 300 <= int(status[0]) < 500, f"{path!r}: {status}")


table("never outside:", {path: (path,) for path in (
    "/../secret.txt", "/../../../../../../etc/passwd", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
    "/..\\secret.txt", "/%5c..%5csecret.txt", "//../secret.txt", "//etc/passwd", "/%2fetc%2fpasswd", "/text.txt%00", "/..%00/secret.txt", "/%", "/%zz",
    "/escape.txt", "/..;/secret.txt", "secret.txt", "../secret.txt", "http://localhost/../secret.txt", "*", "/./../secret.txt",
)}, traversal)


@check("SIGTERM: a file that is on its way is finished, then the end, with exit code 0", 30)
def _():
    with Raw(host=HOST, port=PORT) as peer:
        stream = peer.ask(path="/bytes.bin")
        peer.until(lambda _: peer.size(stream) == 65_535)
        SERVER.terminate()
        peer.until(lambda frame: isinstance(frame, GoAwayFrame))
        peer.window(100_000)
        peer.window(100_000, stream)
        peer.ended(stream)
        body = b"".join(frame.data for frame in peer.log if isinstance(frame, DataFrame))
        true(body == pattern(100_000), f"{len(body)} bytes")
        peer.to_end()
        equal({frame.error_code for frame in peer.log if isinstance(frame, GoAwayFrame)}, {0}, "codes of GOAWAY")
    equal(SERVER.wait(15), 0, "exit code")


if __name__ == "__main__":
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, ROOT, ignore_errors=True)
        fill()
        # The development certificate goes with the folder.
        arguments = ["serve", DIR, "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0"]
        start = lambda scheme: stack.enter_context(target.server(*arguments, scheme=scheme, environment={"XDG_CACHE_HOME": ROOT}))
        HOST, PORT, SERVER = start("http")
        _, TLS, _ = start("https")
        run()

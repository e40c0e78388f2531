"""`wirelace serve DIR`: what a file server gives, and what must never leave its folder."""
import contextlib
import email.utils
import gzip
import os
import shutil
import subprocess
import tempfile

import target
from check import check, contains, equal, run, short, table, true
from raw import Connection
from target import MIB, Growth, pattern

ROOT = tempfile.mkdtemp(prefix="wirelace-serve-")
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
    put("private/secret.txt", SECRET)
    # A name that begins with the folder's own: a check by string prefix would let it through.
    put("public-not/secret.txt", SECRET)
    for name, data in {
        "index.html": b"<!doctype html><title>index</title>", "style.css": b"body{}", "script.js": b"1;", "module.mjs": b"2;",
        "data.json": b"{}", "picture.png": b"\x89PNG\r\n\x1a\n", "picture.svg": b"<svg/>", "page.wasm": b"\0asm", "text.txt": TEXT,
        "noext": b"?", "a file & more.txt": b"spaces", "ünïcode.txt": "ü".encode(), "bytes.bin": pattern(100_000), "empty.txt": b"",
        "sub/index.html": b"<title>sub</title>", "bare/one.txt": b"1", "bare/<two>.txt": b"2", "packed.txt": TEXT,
    }.items():
        put(f"public/{name}", data)
    put("public/packed.txt.gz", gzip.compress(TEXT))
    with open(os.path.join(DIR, "large.bin"), "wb") as file:
        file.truncate(512 * MIB)
        file.seek(300 * MIB)
        file.write(b"mark")
    os.symlink("text.txt", os.path.join(DIR, "inside-link.txt"))
    os.symlink("../secret.txt", os.path.join(DIR, "escape.txt"))
    os.symlink(os.path.join(ROOT, "secret.txt"), os.path.join(DIR, "escape-absolute.txt"))
    os.symlink(os.path.join(ROOT, "private"), os.path.join(DIR, "escape-folder"))
    os.symlink("escape.txt", os.path.join(DIR, "escape-twice.txt"))
    os.symlink("loop", os.path.join(DIR, "loop"))
    put("public/pair.txt", b"pair")
    os.symlink("../secret.txt", os.path.join(DIR, "pair.txt.gz"))
    os.mkfifo(os.path.join(DIR, "pipe"))


def curl(path, *arguments, status=None):
    """(status, lower-case fields, body) as curl gets them; the path goes out as it is."""
    with tempfile.NamedTemporaryFile() as heads:
        done = subprocess.run(["curl", "-q", "-sS", "--path-as-is", "-m", "10", "-D", heads.name, *arguments, BASE + path],
                              capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(f"curl ended with {done.returncode}: {done.stderr.decode()}")
        lines = heads.read().decode("latin-1").strip().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    code = int(lines[0].split()[1])
    if status is not None:
        equal(code, status, f"status of {path}")
    return code, fields, b"" if "-I" in arguments else done.stdout


# What it gives.

def content_type(path, kind):
    contains(curl(path, status=200)[1].get("content-type", ""), kind, "content-type")


table("content type", {
    "html": ("/index.html", "text/html"), "css": ("/style.css", "text/css"), "js": ("/script.js", "javascript"),
    "mjs": ("/module.mjs", "javascript"), "json": ("/data.json", "application/json"), "png": ("/picture.png", "image/png"),
    "svg": ("/picture.svg", "image/svg+xml"), "wasm": ("/page.wasm", "application/wasm"), "text": ("/text.txt", "text/plain"),
    "unknown": ("/noext", "application/octet-stream"),
}, content_type)


@check("a file: body, length, validators, ranges offered")
def _():
    _, fields, body = curl("/text.txt", status=200)
    equal((body, fields["content-length"]), (TEXT, str(len(TEXT))), "body and length")
    true(fields["etag"].strip("W/").startswith('"'), "etag")
    true(email.utils.parsedate(fields["last-modified"]), "last-modified")
    equal(fields["accept-ranges"], "bytes", "accept-ranges")


@check("names with spaces and letters beyond ASCII, queries ignored")
def _():
    equal(curl("/a%20file%20%26%20more.txt", status=200)[2], b"spaces", "body")
    equal(curl("/%C3%BCn%C3%AFcode.txt", status=200)[2], "ü".encode(), "body")
    equal(curl("/text.txt?v=1", status=200)[2], TEXT, "body")
    equal(curl("/empty.txt", status=200)[2], b"", "body")


@check("HEAD has the fields of GET and no body")
def _():
    get, head = curl("/bytes.bin", status=200)[1], curl("/bytes.bin", "-I", status=200)[1]
    for name in ("content-length", "content-type", "etag", "last-modified"):
        equal(head[name], get[name], name)


@check("/ and /sub/ are their index.html, /sub leads to /sub/")
def _():
    contains(curl("/", status=200)[2], b"<title>index", "body")
    contains(curl("/sub/", status=200)[2], b"<title>sub", "body")
    code, fields, _ = curl("/sub")
    true(code in (301, 302, 307, 308) and fields["location"].endswith("/sub/"), f"/sub: {code} {fields.get('location')}")
    # A Location that begins with // would lead to another host.
    code, fields, _ = curl("//sub")
    true(not fields.get("location", "").startswith("//"), f"an open redirect to {fields.get('location')}")


@check("a folder without index is listed, names escaped")
def _():
    code, fields, body = curl("/bare/")
    true(code in (200, 403, 404), f"status {code}")
    if code == 200:
        contains(fields["content-type"], "text/html", "content-type")
        contains(body, b"one.txt", "listing")
        true(b"<two>" not in body, "a name in the listing is not escaped")


@check("404 and 405")
def _():
    for path in ("/missing", "/text.txt/", "/text.txt/more", "/bare/missing.txt", "/sub/index.html/"):
        curl(path, status=404)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        _, fields, _ = curl("/text.txt", "-X", method, status=405)
        contains(fields.get("allow", ""), "GET", "allow")
    equal(open(os.path.join(DIR, "text.txt"), "rb").read(), TEXT, "the file afterwards")


@check("conditional: 304 by ETag and by date, 412, precedence")
def _():
    _, fields, _ = curl("/text.txt")
    etag, modified = fields["etag"], fields["last-modified"]
    old = "Thu, 01 Jan 1970 00:00:00 GMT"
    rows = [
        (304, f"If-None-Match: {etag}"), (304, f"If-None-Match: W/{etag.removeprefix('W/')}"), (304, "If-None-Match: *"),
        (304, f'If-None-Match: "a", {etag}, "b"'), (200, 'If-None-Match: "a"'), (304, f"If-Modified-Since: {modified}"),
        (200, f"If-Modified-Since: {old}"), (200, f'If-None-Match: "a"\nIf-Modified-Since: {modified}'),
        (412, 'If-Match: "a"'), (200, "If-Match: *"), (412, f"If-Unmodified-Since: {old}"), (200, f"If-Unmodified-Since: {modified}"),
    ]
    if not etag.startswith("W/"):
        rows.append((200, f"If-Match: {etag}"))
    for status, lines in rows:
        arguments = [a for line in lines.split("\n") for a in ("-H", line)]
        code, got, body = curl("/text.txt", *arguments)
        equal(code, status, f"status for {lines!r}")
        if code == 304:
            equal((got.get("etag"), body), (etag, b""), "the 304")


@check("ranges: first, middle, suffix, several, 416, If-Range")
def _():
    data = pattern(100_000)
    for value, first, last in (("0-0", 0, 0), ("500-1499", 500, 1499), ("99990-", 99_990, 99_999), ("-10", 99_990, 99_999)):
        _, fields, body = curl("/bytes.bin", "-H", f"Range: bytes={value}", status=206)
        equal(fields["content-range"], f"bytes {first}-{last}/100000", "content-range")
        true(body == data[first:last + 1], f"wrong bytes for {value}")
    _, fields, body = curl("/bytes.bin", "-H", "Range: bytes=0-1,50000-50001", status=206)
    contains(fields["content-type"], "multipart/byteranges", "content-type")
    for part in (b"bytes 0-1/100000", b"bytes 50000-50001/100000", data[50_000:50_002]):
        contains(body, part, "parts")
    equal(curl("/bytes.bin", "-H", "Range: bytes=100000-", status=416)[1]["content-range"], "bytes */100000", "content-range")
    etag = curl("/bytes.bin")[1]["etag"]
    if not etag.startswith("W/"):
        curl("/bytes.bin", "-H", "Range: bytes=0-1", "-H", f"If-Range: {etag}", status=206)
    equal(len(curl("/bytes.bin", "-H", "Range: bytes=0-1", "-H", 'If-Range: "old"', status=200)[2]), 100_000, "length")


@check("ranges: a flood of them costs no more than the file")
def _():
    many = ",".join(["0-"] * 900)
    code, _, body = curl("/bytes.bin", "-H", f"Range: bytes={many}")
    true(code in (200, 206, 416) and len(body) <= 300_000, f"{code} with {len(body)} bytes")


@check("a packed sibling goes to who asks for it")
def _():
    _, plain, body = curl("/packed.txt", status=200)
    equal((body, plain.get("content-encoding")), (TEXT, None), "without Accept-Encoding")
    _, packed, body = curl("/packed.txt", "-H", "Accept-Encoding: gzip, br", status=200)
    equal((gzip.decompress(body), packed["content-encoding"]), (TEXT, "gzip"), "with it")
    contains(packed["content-type"], "text/plain", "content-type")
    for fields in (plain, packed):
        contains(fields.get("vary", "").lower(), "accept-encoding", "vary")
    true(plain["etag"] != packed["etag"], "one strong ETag for two representations")
    for value in ("gzip;q=0", "identity", "br", "*;q=0, identity"):
        equal(curl("/packed.txt", "-H", f"Accept-Encoding: {value}", status=200)[1].get("content-encoding"), None, value)


@check("512 MiB in flat memory, and a range far inside")
def _():
    with Growth(SERVER.pid) as growth, subprocess.Popen(["curl", "-q", "-sS", f"{BASE}/large.bin"], stdout=subprocess.PIPE) as process:
        size = 0
        while block := process.stdout.read(MIB):
            size += len(block)
    equal((size, process.returncode), (512 * MIB, 0), "bytes received and exit code")
    growth.below(32 * MIB, "sending")
    equal(curl("/large.bin", "-r", f"{300 * MIB}-{300 * MIB + 3}", status=206)[2], b"mark", "range")


# What must not leave.

def refused(answer, path):
    true(SECRET not in answer, f"{path!r} gave away the secret")
    code = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0
    true(not answer or 300 <= code < 500, f"{path!r}: {short(answer[:80])}")


def traversal(path):
    """Raw bytes as the request-target; the answer must be a refusal, or a redirect to somewhere inside."""
    with Connection(HOST, PORT) as connection:
        connection.send(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        refused(connection.to_end(), path)


table("never outside:", {path.decode("latin-1").replace("\0", "NUL"): (path,) for path in (
    b"/../secret.txt", b"/../../../../../../etc/passwd", b"/sub/../../secret.txt", b"/./../secret.txt", b"/bare/.././../secret.txt",
    b"/%2e%2e/secret.txt", b"/%2E%2e/secret.txt", b"/.%2e/secret.txt", b"/%2e%2e%2fsecret.txt", b"/..%2fsecret.txt", b"/..%2Fprivate%2Fsecret.txt",
    b"/%252e%252e/secret.txt", b"/..%252fsecret.txt", b"/%c0%ae%c0%ae/secret.txt", b"/..%c0%afsecret.txt", b"/%uff0e%uff0e/secret.txt",
    b"/..\\secret.txt", b"/%5c..%5csecret.txt", b"/..%5csecret.txt", b"/../public-not/secret.txt", b"//../secret.txt",
    b"//etc/passwd", b"/%2fetc%2fpasswd", b"/%2f%2fetc/passwd", b"http://a/../secret.txt", b"http://a/%2e%2e/secret.txt",
    b"/text.txt%00", b"/..%00/secret.txt", b"/../secret.txt%00.html", b"/text.txt%00.png", b"/%", b"/%zz", b"/%2", b"/text.txt%0d%0aX:%20y",
    b"/sub/..%2f..%2fsecret.txt", b"/.../secret.txt", b"/..;/secret.txt", b"/;/../secret.txt", b"/%2e%2e;/secret.txt", b"/~root/", b"/C:/secret.txt",
)}, traversal)


@check("never outside: symbolic links that lead out")
def _():
    for path in ("/escape.txt", "/escape-absolute.txt", "/escape-folder/secret.txt", "/escape-folder/", "/escape-twice.txt", "/loop"):
        code, _, body = curl(path)
        true(SECRET not in body, f"{path} gave away the secret")
        true(code in (403, 404), f"{path}: {code}")
    _, fields, body = curl("/pair.txt", "-H", "Accept-Encoding: gzip")
    true(SECRET not in body and fields.get("content-encoding") is None, "the packed sibling was a link that leads out")


@check("a symbolic link inside is followed or refused")
def _():
    code, _, body = curl("/inside-link.txt")
    true((code, body) == (200, TEXT) or code in (403, 404), f"status {code}")


@check("a pipe in the folder does not block it")
def _():
    code, _, _ = curl("/pipe")
    true(code in (403, 404), f"status {code}")


@check("a file that grows and one that shrinks while sent")
def _():
    path = os.path.join(DIR, "moving.bin")
    for size in (1000, 20 * MIB):
        with open(path, "wb") as file:
            file.write(b"a" * 10 * MIB)
        with Connection(HOST, PORT, receive_buffer=4096) as connection:
            connection.send(b"GET /moving.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            head = connection.head()
            with open(path, "r+b") as file:
                file.truncate(size)
            body = connection.to_end()
        true(len(body) <= 10 * MIB, f"{len(body)} bytes after a length of {head.get('content-length')}")
        if size > 10 * MIB:
            equal(len(body), 10 * MIB, "length")
    curl("/text.txt", status=200)


@check("a file replaced gets another ETag")
def _():
    path = os.path.join(DIR, "changing.txt")
    put("public/changing.txt", b"one")
    first = curl("/changing.txt")[1]["etag"]
    put("public/changing.new", b"two")
    os.utime(os.path.join(DIR, "changing.new"), (1_600_000_000, 1_600_000_000))
    os.replace(os.path.join(DIR, "changing.new"), path)
    _, fields, body = curl("/changing.txt", "-H", f"If-None-Match: {first}")
    equal(body, b"two", "body")
    true(fields["etag"] != first, "the same ETag for another content")


@check("a folder that is not there is wrong usage, said in one line")
def _():
    done = subprocess.run([target.BINARY, "serve", os.path.join(ROOT, "nothing"), "--plain", "127.0.0.1:0"],
                          capture_output=True, timeout=10, check=False)
    true(done.returncode in (1, 2), f"exit code {done.returncode}")
    equal(len(done.stderr.decode().strip().splitlines()), 1, f"lines on stderr ({done.stderr!r})")


@check("SIGTERM ends it with 0")
def _():
    SERVER.terminate()
    equal(SERVER.wait(15), 0, "exit code")


if __name__ == "__main__":
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, ROOT, ignore_errors=True)
        fill()
        try:
            HOST, PORT, SERVER = stack.enter_context(target.server("serve", DIR, "--plain", "127.0.0.1:0"))
        except AssertionError as why:
            print(f"FAIL the server starts -- {why}\nend")
            raise SystemExit(1) from None
        target.ADDRESS, BASE = f"{HOST}:{PORT}", f"http://{HOST}:{PORT}"
        run()

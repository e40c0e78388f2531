"""`wirelace get https://...` against openssl s_server, nginx, and servers that end connections as no good one does."""
import contextlib
import functools
import json
import re
import socket
import ssl
import subprocess
import threading

import certs
import target
from certs import Authority, openssl, path, read
from check import check, contains, equal, run, table, true
from ours import demo
from s_server import nginx, s_server

DAY = certs.DAY
ROOT = Authority("the root")
# s_server refuses by itself what is too weak today.
WEAK = ("-cipher", "DEFAULT@SECLEVEL=0")
VERSIONS = {"1.2": ("-tls1_2",), "1.3": ("-tls1_3",)}


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


def get(*arguments, code=0, ca=ROOT, seconds=15):
    trust = ["--cacert", ca.cert] if ca else []
    result = Result(subprocess.run([target.BINARY, "get", *trust, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                                   timeout=seconds, check=False))
    equal(result.code, code, f"exit code of get {' '.join(arguments)} ({result.err.strip()[-300:]})")
    return result


def failure(*arguments, code=1, **keywords):
    """What it says, in one line, when it fails."""
    result = get(*arguments, code=code, **keywords)
    equal(result.out, b"", "stdout")
    equal(len(result.err.strip().splitlines()), 1, f"lines on stderr ({result.err!r})")
    return result.err.strip()


def agreed(port, *arguments, host="localhost", **keywords):
    """What `--json` says of the connection."""
    (row,) = get("--json", *arguments, f"https://{host}:{port}/hello", **keywords).rows()
    return row["tls"]


@functools.cache
def leaf():
    return ROOT.issue("a server")


@functools.cache
def middle():
    return Authority("the middle", issuer=ROOT)


# What must be accepted.

def accepted(make, version, host="localhost"):
    with s_server(make(), *VERSIONS[version]) as port:
        resolve = () if host in ("localhost", "127.0.0.1") else ("--resolve", f"{host}:{port}:127.0.0.1")
        said = agreed(port, *resolve, host=host)
        equal((said["version"], said["verified"]), (f"TLS {version}", True), "version and verified")


GOOD = {key: (lambda key=key: ROOT.issue(f"good {key}", key=key),) for key in ("RSA 2048", "RSA 3072", "P-256", "P-384", "Ed25519")}
GOOD |= {
    "a chain with one between": (lambda: middle().issue("below"),),
    "a chain with three between": (lambda: Authority("c", issuer=Authority("b", "RSA 2048", Authority("a", "P-384", ROOT))).issue("deep"),),
    "a wildcard": (lambda: ROOT.issue("wild", "DNS:*.example.test"), "www.example.test"),
    "the last of many names": (lambda: ROOT.issue("many", ",".join(f"DNS:n{i}.test" for i in range(100))), "n99.test"),
    "an address": (lambda: ROOT.issue("address", "IP:127.0.0.1"), "127.0.0.1"),
    "upper case in the URL": (lambda: ROOT.issue("case", "DNS:example.test"), "EXAMPLE.test"),
}
for _version in VERSIONS:
    table(f"accepted in TLS {_version}:", {name: (row[0], _version, *row[1:]) for name, row in GOOD.items()}, accepted)


# What must be refused: exit code 3, and its own words.

def refused(make, words, *arguments, host="localhost", server=(), ca=ROOT):
    with s_server(make(), *server) as port:
        resolve = ("--resolve", f"{host}:{port}:127.0.0.1")
        url = f"https://{host}:{port}/"
        said = failure(*arguments, *resolve, url, code=3, ca=ca)
        contains(said, words, "stderr")
        # Nothing is wrong with the server itself.
        insecure = get("--insecure", *resolve, url, ca=None)
        contains(insecure.out, b"s_server", "with --insecure")
        contains(insecure.err, "WARNING", "stderr with --insecure")


def with_root(authority):
    pair = authority.issue("beside its root")
    path(pair.chain, read(pair.chain) + read(authority.cert))
    return pair


def without_chain(pair):
    path(pair.chain, read(pair.cert))
    return pair


def below(pair):
    """A certificate that a server's one has signed."""
    false = Authority("false authority", issuer=ROOT)
    false.cert, false.key = pair.cert, pair.key
    return false.issue("below a server")


table("refused:", {
    "expired": (lambda: ROOT.issue("late", start=-9 * DAY, end=-DAY), "has expired on"),
    "not yet valid": (lambda: ROOT.issue("early", start=DAY, end=9 * DAY), "is not valid before"),
    "self-signed": (lambda: Authority("itself"), "is self-signed and not trusted"),
    "an unknown root": (lambda: Authority("unknown").issue("below unknown"), "authority that is not trusted (CN=unknown)"),
    "an unknown root that is sent, too": (lambda: with_root(Authority("sent")), "is self-signed and not trusted"),
    "the wrong host": (lambda: ROOT.issue("elsewhere", "DNS:other.test"), "is not for localhost, but for other.test"),
    "no name but the common name": (lambda: ROOT.issue("localhost", None), "it names no host"),
    "a missing intermediate": (lambda: without_chain(middle().issue("orphan")), "authority that is not trusted (CN=the middle)"),
    "a client's certificate": (lambda: ROOT.issue("for clients", usage="clientAuth"), "is not meant for a TLS server"),
    "no authority between": (lambda: below(ROOT.issue("no authority")), "authority"),
}, refused)


@check("refused: a weak signature (SHA-1)")
def _():
    refused(lambda: ROOT.issue("sha1", digest="sha1"), "signed in a way that is too weak", server=WEAK)


@check("refused: a weak key (RSA with 1,024 bits), the server's and its authority's")
def _():
    weak = Authority("weak middle", "RSA 1024", ROOT)
    for pair, words in ((ROOT.issue("weak", key="RSA 1024"), "CN=weak) has an RSA key of 1024 bits"),
                        (weak.issue("below weak"), "CN=weak middle) has an RSA key of 1024 bits")):
        with s_server(pair, *WEAK) as port:
            contains(failure(f"https://localhost:{port}/", code=3), words, "stderr")


@check("refused: an intermediate that has expired, named by its place")
def _():
    late = Authority("late middle", issuer=ROOT, end=-DAY)
    refused(lambda: late.issue("below late"), "certificate 1 of the peer's chain (CN=late middle) has expired")


@check("refused: a wildcard for two labels, for none; a name for an address")
def _():
    for names, host in (("DNS:*.example.test", "a.b.example.test"), ("DNS:*.example.test", "example.test"), ("DNS:127.0.0.1", "127.0.0.1"),
                        ("IP:127.0.0.2", "127.0.0.1")):
        refused(lambda names=names: ROOT.issue("narrow", names), f"is not for {host}", host=host)


@check("refused: revoked by its list; accepted when another is")
def _():
    issuer = Authority("revoking")
    good, bad = issuer.issue("kept"), issuer.issue("taken back")
    issuer.revoke(bad)
    crl = issuer.crl()
    refused(lambda: bad, "was revoked on", "--crl", crl, ca=issuer)
    with s_server(good) as port:
        agreed(port, "--crl", crl, ca=issuer)
        contains(failure("--crl", ROOT.crl(), f"https://localhost:{port}/", code=3, ca=issuer), "there is no list of its authority", "stderr")
    with s_server(bad) as port:
        agreed(port, ca=issuer)


@check("--pinned-key: the right one, another one")
def _():
    key = openssl("pkey", "-in", leaf().key, "-pubout", "-outform", "DER")
    pin = "sha256//" + openssl("base64", "-A", data=openssl("dgst", "-sha256", "-binary", data=key)).decode()
    with s_server(leaf()) as port:
        agreed(port, "--pinned-key", pin)
        failure("--pinned-key", "sha256//" + "A" * 43 + "=", f"https://localhost:{port}/", code=3)


@check("exit code 2: files for --cacert and --crl that are none")
def _():
    for option in ("--cacert", "--crl"):
        for file in (path("missing"), path("empty", b""), path("text", b"hello\n")):
            contains(failure(option, file, "https://localhost:9/", code=2, ca=None if option == "--cacert" else ROOT), file, "stderr")


# Versions, suites, groups, ALPN.

@check("every cipher suite, as the server chooses")
def _():
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        with s_server(leaf(), "-tls1_3", "-ciphersuites", suite) as port:
            equal(agreed(port)["cipher"], suite, "cipher")
    for pair, kind in ((leaf(), "ECDSA"), (ROOT.issue("rsa suites", key="RSA 2048"), "RSA")):
        for openssls, suite in (("AES128-GCM-SHA256", "AES_128_GCM_SHA256"), ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
                                ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256")):
            with s_server(pair, "-tls1_2", "-cipher", f"ECDHE-{kind}-{openssls}") as port:
                equal(agreed(port)["cipher"], f"TLS_ECDHE_{kind}_WITH_{suite}", "cipher")


@check("every group, with HelloRetryRequest where the server wants another")
def _():
    for version in VERSIONS.values():
        for group, shown in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1")):
            with s_server(leaf(), *version, "-groups", group) as port:
                equal(agreed(port)["group"].lower(), shown, f"group of {group} with {version[0]}")


@check("versions: --tls-min and --tls-max, none in common, a server with 1.1 alone")
def _():
    with s_server(leaf()) as port:
        for version in VERSIONS:
            equal(agreed(port, "--tls-min", version, "--tls-max", version)["version"], f"TLS {version}", "version")
    with s_server(leaf(), "-tls1_2") as port:
        failure("--tls-min", "1.3", f"https://localhost:{port}/")
    with s_server(leaf(), "-tls1_1", *WEAK) as port:
        failure(f"https://localhost:{port}/")


@check("ALPN: http/1.1, none, nothing in common")
def _():
    for version in VERSIONS.values():
        with s_server(leaf(), *version, "-alpn", "http/1.1") as port:
            equal(agreed(port)["alpn"], "http/1.1", "alpn")
        with s_server(leaf(), *version) as port:
            equal(agreed(port)["alpn"], None, "alpn")
        with s_server(leaf(), *version, "-alpn", "spdy/3") as port:
            contains(failure(f"https://localhost:{port}/"), "no_application_protocol", "stderr")


@check("SNI: the name is sent, an address is not")
def _():
    with nginx(leaf()) as port:
        contains(get(f"https://localhost:{port}/hello").out, b" localhost", "what nginx saw")
        true(b"127.0.0.1" not in get(f"https://127.0.0.1:{port}/hello").out, "an address as SNI")


# Resumption.

def resumes(start, want):
    with start as port:
        rows = get("--json", "--repeat", "4", f"https://localhost:{port}/hello").rows()
        equal([row["reused"] for row in rows], [False] * 4, "connections reused")
        equal([row["tls"]["resumed"] for row in rows], want, "sessions resumed")


_always, _never = [False, True, True, True], [False] * 4
for _version, _option in VERSIONS.items():
    check(f"resumption: s_server, TLS {_version}")(lambda option=_option: resumes(s_server(leaf(), *option), _always))
    check(f"resumption: s_server without tickets, TLS {_version}")(lambda option=_option: resumes(s_server(leaf(), *option, "-no_ticket"), _always))
    check(f"resumption: nginx, TLS {_version}")(lambda v=_version: resumes(
        nginx(leaf(), "keepalive_timeout 0", f"ssl_protocols TLSv{v}", "ssl_session_cache shared:s:1m"), _always))
    check(f"resumption: none with an nginx that has none, TLS {_version}")(lambda v=_version: resumes(
        nginx(leaf(), "keepalive_timeout 0", f"ssl_protocols TLSv{v}", "ssl_session_tickets off", "ssl_session_cache off"), _never))


@check("resumption: a session is for one host alone")
def _():
    pair = ROOT.issue("two hosts", "DNS:one.test,DNS:two.test")
    with s_server(pair) as port:
        resolve = [word for host in ("one", "two") for word in ("--resolve", f"{host}.test:{port}:127.0.0.1")]
        rows = get("--json", *resolve, *(f"https://{host}.test:{port}/" for host in ("one", "two", "one"))).rows()
        equal([row["tls"]["resumed"] for row in rows], [False, False, True], "sessions resumed")


# Client certificates.

@check("client certificates: s_server lets the right one in alone")
def _():
    ours, others = Authority("clients"), Authority("strangers")
    known, stranger = ours.issue("known", None, usage="clientAuth"), others.issue("stranger", None, usage="clientAuth")
    # RFC 8446, 4.4.2.4; in TLS 1.2 OpenSSL calls it handshake_failure.
    for option, missing in ((VERSIONS["1.2"], "handshake_failure"), (VERSIONS["1.3"], "certificate_required")):
        with s_server(leaf(), *option, "-Verify", "2", "-verify_return_error", "-CAfile", ours.cert) as port:
            url = f"https://localhost:{port}/"
            seen = get("--cert", known.cert, "--key", known.key, url).out.replace(b" ", b"")
            contains(seen, b"Subject:CN=known", "what s_server saw")
            contains(failure(url), missing, "stderr without one")
            contains(failure("--cert", stranger.cert, "--key", stranger.key, url), "unknown_ca", "stderr with a stranger's")


@check("client certificates: nginx sees it")
def _():
    ours = Authority("clients")
    known = ours.issue("known", None, usage="clientAuth")
    for version in VERSIONS:
        with nginx(leaf(), f"ssl_protocols TLSv{version}", f"ssl_client_certificate {ours.cert}", "ssl_verify_client optional") as port:
            url = f"https://localhost:{port}/hello"
            contains(get(url).out, b" NONE ", "what nginx saw")
            contains(get("--cert", known.cert, "--key", known.key, url).out, b" SUCCESS ", "what nginx saw")


@check("client certificates: a broken pair is wrong usage")
def _():
    one, other = ROOT.issue("one"), ROOT.issue("other")
    contains(failure("--cert", one.cert, "--key", other.key, "https://localhost:9/", code=2), "does not belong", "stderr")


# Bodies.

@check("nginx: 10 MiB, keep-alive, both versions")
def _():
    for version in VERSIONS:
        with nginx(leaf(), f"ssl_protocols TLSv{version}") as port:
            true(get(f"https://localhost:{port}/big.bin").out == target.pattern(10 * target.MIB), "the download differs")
            rows = get("--json", "--repeat", "5", f"https://localhost:{port}/hello").rows()
            equal([row["reused"] for row in rows], [False] + [True] * 4, "connections reused")


@check("ours with ours: 10 MiB up, an echo, both versions")
def _():
    body = path("body", target.pattern(10 * target.MIB))
    with demo(pair=leaf()) as (_, port, _):
        for version in VERSIONS:
            limits = ("--tls-min", version, "--tls-max", version)
            equal(json.loads(get(*limits, "-d", f"@{body}", f"https://localhost:{port}/upload").out)["bytes"], 10 * target.MIB, "bytes")
            true(get(*limits, "-d", f"@{body}", f"https://localhost:{port}/echo").out == target.pattern(10 * target.MIB), "the echo differs")


# Servers that end a connection as they like: Python's, because openssl's always end it well.

@contextlib.contextmanager
def scripted(answer, after=None, tls=True):
    """Answers each connection's first octets, then does `after` with it, else closes without close_notify."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(leaf().chain, leaf().key)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    peer, _ = listener.accept()
                    with made.wrap_socket(peer, server_side=True) if tls else peer as peer:
                        peer.settimeout(5)
                        peer.recv(1 << 16)
                        peer.sendall(answer)
                        if after:
                            after(peer, stop)
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"https://localhost:{listener.getsockname()[1]}/"
        finally:
            stop.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


UNTIL_CLOSE, WITH_LENGTH = b"HTTP/1.1 200 OK\r\n\r\nall of it", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall of it"


@check("the end: close_notify ends a body, an end without it is an error")
def _():
    with scripted(UNTIL_CLOSE, lambda peer, _: peer.unwrap()) as url:
        equal(get(url).out, b"all of it", "body with close_notify")
    with scripted(UNTIL_CLOSE) as url:
        result = get(url, code=1)
        contains(result.err, "close_notify", "stderr")
    with scripted(WITH_LENGTH) as url:
        equal(get(url).out, b"all of it", "body with a length, without close_notify")
    with scripted(WITH_LENGTH[:-3]) as url:
        get(url, code=1)


@check("a server that stops in the handshake: --timeout ends it")
def _():
    def wait(_, stop):
        stop.wait(10)
    for answer in (b"", b"\x16\x03\x03\x00\x7a\x02\x00"):
        with scripted(answer, wait, tls=False) as url:
            contains(failure("--timeout", "0.5", url, seconds=8), "0.5 s", "stderr")


@check("a server without TLS, one with noise, one that closes: exit code 1, in one line")
def _():
    for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(200), b"\x15\x03\x03\x00\x02\x02\x28", b""):
        with scripted(answer, tls=False) as url:
            failure(url)
    with s_server(leaf()) as port:
        failure(f"http://localhost:{port}/")


@check("-v tells of the handshake, --keylog writes what s_server writes")
def _():
    log = path("client-keylog")
    theirs = path("server-keylog")
    with s_server(leaf(), "-tls1_3", "-keylogfile", theirs) as port:
        said = get("-v", "--keylog", log, f"https://localhost:{port}/").err
        for part in ("TLS 1.3", "AES", "CN=a server"):
            contains(said, part, "stderr")
    secrets = re.compile(r"^(?:CLIENT|SERVER)_\S+ \S+ \S+$", re.M)
    mine, other = (set(secrets.findall(read(file).decode().upper())) for file in (log, theirs))
    true(len(other) >= 4, f"s_server wrote {len(other)} secrets")
    equal(len(other - mine), 0, "secrets that are missing")


if __name__ == "__main__":
    run()

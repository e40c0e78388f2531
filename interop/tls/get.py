"""`wirelace get https://...` against openssl s_server, nginx, and servers that end connections as no good one does."""
import contextlib
import json
import re
import socket
import ssl
import threading

import target
from certs import Authority, path, read
from check import check, contains, equal, run, true
from our_client import ROOT, VERSIONS, WEAK, agreed, failure, get, leaf
from ours import demo, needs
from s_server import nginx, s_server


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


@check("early data: nginx takes it from a resumed session, where it is told to")
def _():
    needs("get", "--early-data")
    closing = ("keepalive_timeout 0", "ssl_protocols TLSv1.3")
    with nginx(leaf(), *closing, "ssl_early_data on") as port:
        rows = get("--json", "--early-data", "--repeat", "3", f"https://localhost:{port}/hello").rows()
        equal([row["early_data"] for row in rows], [False, True, True], "early data")
        # Of several: nginx says so only where the handshake's end had not come yet when it looked.
        seen = get("--early-data", "--repeat", "10", f"https://localhost:{port}/hello").out
        contains(seen, b"early=1", "what nginx saw")
    with nginx(leaf(), *closing) as port:
        rows = get("--json", "--early-data", "--repeat", "3", f"https://localhost:{port}/hello").rows()
        equal([row["early_data"] for row in rows], [False] * 3, "early data where none is taken")


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

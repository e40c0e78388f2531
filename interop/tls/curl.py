"""curl over TLS: versions, cipher suites, verification, and HTTP bodies through records."""
import hashlib
import json
import subprocess

import certs
import target
from check import check, contains, equal, run, short, table, true
from ours import demo
from target import MIB, TLS_PORT, Growth, pattern

BASE = f"https://localhost:{TLS_PORT}"


class Answer:
    def __init__(self, process):
        self.code, self.body = process.returncode, process.stdout
        self.log = process.stderr.decode("latin-1")
        self.rows = [json.loads(line[2:]) for line in self.log.splitlines() if line.startswith("@@")]

    @property
    def status(self):
        return self.rows[-1]["response_code"]

    @property
    def connection(self):
        """(version, cipher suite) of the last handshake."""
        line = [line for line in self.log.splitlines() if "SSL connection using" in line][-1]
        version, _, suite = line.split("using ")[1].partition(" / ")
        return version, suite


def curl(*arguments, data=None, code=0, ca=target.CERTIFICATE):
    trust = ["--cacert", ca] if ca else []
    command = ["curl", "-q", "-sS", "-v", "--noproxy", "*", "-m", "30", "-w", "%{stderr}\n@@%{json}\n", *trust, *arguments]
    answer = Answer(subprocess.run(command, input=data, capture_output=True, timeout=40, check=False))
    if code is not None and answer.code != code:
        raise AssertionError(f"curl ended with {answer.code}, want {code}: {short(answer.log[-300:])}")
    return answer


def get(path, *arguments, status=200, **keywords):
    answer = curl(*arguments, BASE + path, **keywords)
    equal(answer.status, status, f"status of {path}")
    return answer


# Versions and cipher suites.

VERSIONS = {"1.2": ("--tlsv1.2", "--tls-max", "1.2"), "1.3": ("--tlsv1.3",)}
SUITES = {
    "1.3": ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
    "1.2 ECDSA": ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "1.2 RSA": ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"),
}


def one_version(version):
    answer = get("/hello", *VERSIONS[version])
    equal((answer.body, answer.connection[0]), (b"hello, world\n", f"TLSv{version}"), "body and version")


def one_suite(version, suite):
    option = "--tls13-ciphers" if version == "1.3" else "--ciphers"
    answer = get("/hello", *VERSIONS[version], option, suite)
    equal(answer.connection, (f"TLSv{version}", suite), "version and suite")


def refused_suite(suite):
    answer = curl(*VERSIONS["1.2"], "--ciphers", f"{suite}:@SECLEVEL=0", BASE + "/hello", code=35)
    contains(answer.log, "handshake failure", "curl's log")


table("version", {version: (version,) for version in VERSIONS}, one_version)
table("suite", {suite: ("1.3", suite) for suite in SUITES["1.3"]}, one_suite)
table("suite", {suite: ("1.2", suite) for suite in SUITES["1.2 ECDSA"]}, one_suite)
table("suite refused:", {suite: (suite,) for suite in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA",
                                                       "ECDHE-ECDSA-AES256-CCM", "DHE-RSA-AES128-GCM-SHA256", "aNULL")}, refused_suite)


@check("suite: all of TLS 1.2 with an RSA certificate")
def _():
    authority = certs.Authority("root")
    with demo(pair=authority.issue("rsa", key="RSA 2048")) as (_, port, _):
        for suite in SUITES["1.2 RSA"]:
            answer = curl(*VERSIONS["1.2"], "--ciphers", suite, f"https://localhost:{port}/hello", ca=authority.cert)
            equal(answer.connection, ("TLSv1.2", suite), "version and suite")


@check("version: 1.1 and 1.0 are refused with an alert")
def _():
    for version in ("1.1", "1.0"):
        answer = curl("--tlsv1.0", "--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0", BASE + "/hello", code=35)
        # rustls looks for the signature algorithms first, which came with TLS 1.2.
        true(any(alert in answer.log for alert in ("alert protocol version", "alert handshake failure")), short(answer.log[-300:]))


# Verification: the development certificate must satisfy a strict client.

@check("the development certificate is verified by name and by address")
def _():
    for host in ("localhost", "127.0.0.1"):
        answer = curl(f"https://{host}:{TLS_PORT}/hello")
        contains(answer.log, "SSL certificate verify ok", "curl's log")


@check("refused: without its certificate, with another, for another name")
def _():
    other = certs.Authority("other")
    curl(BASE + "/hello", code=60, ca=None)
    curl(BASE + "/hello", code=60, ca=other.cert)
    answer = curl("--resolve", f"example.test:{TLS_PORT}:127.0.0.1", f"https://example.test:{TLS_PORT}/", code=60)
    contains(answer.log, "subject name", "curl's log")


# ALPN and HTTP versions.

@check("ALPN: http/1.1 is chosen alone, h2 beside it")
def _():
    for argument, chosen, version in (("--http1.1", "http/1.1", "1.1"), ("--http2", "h2", "2")):
        answer = get("/hello", argument)
        contains(answer.log, f"ALPN: server accepted {chosen}", "curl's log")
        equal(answer.rows[-1]["http_version"], version, "version")


@check("ALPN: http/1.0, and a client without it")
def _():
    old = get("/hello", "--http1.0")
    equal((old.rows[-1]["http_version"], old.body), ("1.1", b"hello, world\n"), "version and body of the answer to HTTP/1.0")
    bare = get("/hello", "--no-alpn")
    true("ALPN: server accepted" not in bare.log, "an answer to ALPN that was not asked for")
    equal(bare.body, b"hello, world\n", "body")


# HTTP through it.

def both(prefix):
    """The check over both versions: records differ between them."""
    def register(function):
        for version, arguments in VERSIONS.items():
            check(f"TLS {version} {prefix}")(lambda arguments=arguments: function(arguments))
    return register


@both("down: 10 MB, and sizes around the record's limit")
def _(version):
    for size in (0, 1, 16383, 16384, 16385, 10_000_000):
        answer = get(f"/bytes/{size}", *version)
        true(answer.body == pattern(size), f"/bytes/{size}: wrong bytes, {len(answer.body)} of them")


@both("up: 10 MB with a length, 3 MB chunked")
def _(version):
    for size, arguments in ((10_000_000, ("--data-binary", "@-")), (3_000_000, ("-T", "-"))):
        body = pattern(size)
        answer = json.loads(get("/upload", *version, *arguments, data=body).body)
        equal(answer, {"bytes": size, "sha256": hashlib.sha256(body).hexdigest()}, "what was received")


@both("echo of 5 MB, both ways at once")
def _(version):
    body = pattern(5_000_000)
    true(get("/echo", *version, "--data-binary", "@-", data=body).body == body, "the echo differs")


@both("chunks and a trailer")
def _(version):
    answer = get("/stream/4/5", *version, "-D", "-", "-H", "TE: trailers", "-H", "Connection: TE")
    equal(answer.body.rstrip().rsplit(b"\n", 1)[-1].lower(), b"x-chunks: 4", "the trailer")


@both("/headers tells of TLS, /early of no early data")
def _(version):
    answer = json.loads(get("/headers", *version).body)
    said = answer["tls"]
    equal((said["version"], said["alpn"], said["server_name"], said["client"]),
          (f"TLS {version[-1] if '--tls-max' in version else '1.3'}", "h2", "localhost", None), "tls")
    equal(answer["early_data"], False, "early_data")
    get("/early", *version)


@check("keep-alive: three transfers, one handshake")
def _():
    answer = curl(BASE + "/hello", BASE + "/bytes/5", BASE + "/status/404")
    equal([row["response_code"] for row in answer.rows], [200, 200, 404], "statuses")
    equal([row["num_connects"] for row in answer.rows], [1, 0, 0], "new connections")
    equal(answer.log.count("SSL connection using"), 1, "handshakes")


@check("a new connection for each of two: both are answered")
def _():
    # HTTP/2 has no Connection field.
    answer = curl("--http1.1", "-H", "Connection: close", BASE + "/hello", BASE + "/hello")
    equal([row["num_connects"] for row in answer.rows], [1, 1], "new connections")


@check("the end of a body without length is close_notify")
def _():
    # curl fails with 56 where it is missing.
    answer = get("/stream/3/5", "--http1.0")
    true("content-length" not in answer.log.lower(), "a length where none was expected")
    true(answer.body, "an empty body")


@check("100 MB down in flat memory")
def _():
    with Growth() as growth:
        process = subprocess.Popen(["curl", "-q", "-sS", "--cacert", target.CERTIFICATE, f"{BASE}/bytes/100000000"],
                                   stdout=subprocess.PIPE)
        size = 0
        while block := process.stdout.read(MIB):
            size += len(block)
    equal((size, process.wait(5)), (100_000_000, 0), "bytes received and exit code")
    growth.below(32 * MIB, "sending")


# What else a server does with TLS.

@check("--redirect: what comes in the clear is sent to https, --hsts says so")
def _():
    authority = certs.Authority("root")
    with demo("--redirect", "--hsts=1000", pair=authority.issue("server"), scheme="http") as (_, port, _):
        answer = curl("-L", f"http://localhost:{port}/bytes/5?a=b", ca=authority.cert)
        equal((answer.status, answer.rows[-1]["num_redirects"], answer.body), (200, 1, target.pattern(5)), "answer")
        true(answer.rows[-1]["url_effective"].endswith("/bytes/5?a=b"), answer.rows[-1]["url_effective"])
        heads = [line.lower() for line in answer.log.splitlines() if line.startswith("< ")]
        equal([line for line in heads if "strict-transport" in line], ["< strict-transport-security: max-age=1000"], "HSTS over TLS alone")


@check("--proxy-protocol: the client's address is the header's, in front of TLS")
def _():
    authority = certs.Authority("root")
    with demo("--proxy-protocol", pair=authority.issue("server")) as (_, port, _):
        answer = curl("--haproxy-protocol", f"https://localhost:{port}/headers", ca=authority.cert)
        contains(json.loads(answer.body)["remote"], "127.0.0.1:", "remote")
        equal(json.loads(answer.body)["remote"].split(":")[1], str(answer.rows[-1]["local_port"]), "port of the client")
        true(curl(f"https://localhost:{port}/headers", ca=authority.cert, code=None).code in (35, 52, 56), "served without the header")


if __name__ == "__main__":
    run()

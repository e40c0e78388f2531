"""`wirelace probe` against s_server, nginx and our own server: what it tells, and its exit codes."""
import contextlib
import json
import re
import socket
import subprocess

import certs
import target
from certs import Authority, openssl
from check import check, contains, equal, run, table, true
from ours import CACHE, PORTS, demo
from s_server import nginx, s_server

DAY = certs.DAY
ROOT = Authority("the root")
MIDDLE = Authority("the middle", "P-384", ROOT)
SERVER = MIDDLE.issue("a server", "DNS:localhost,DNS:*.example.test,IP:127.0.0.1", key="RSA 2048")
# All of them, always: who reads the JSON relies on them.
FIELDS = {"host", "port", "server_name", "address", "verification", "tls", "timings_ms", "chain", "transparency", "http", "http_error", "http3"}


def probe(*arguments, code=0, ca=ROOT):
    """(stdout, stderr) of a probe that ends with this code."""
    trust = ["--cacert", ca.cert] if ca else []
    done = subprocess.run([target.BINARY, "probe", *trust, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=15, check=False)
    equal(done.returncode, code, f"exit code of probe {' '.join(arguments)} ({done.stderr.strip()[-300:]})")
    return done.stdout, done.stderr


def facts(*arguments, **keywords):
    said = json.loads(probe("--json", *arguments, **keywords)[0])
    equal(set(said), FIELDS, "fields")
    return said


# A good server.

# s_server has no answer to HEAD: probe waits for it, and gives up.
SOON = ("--timeout", "1")


@check("s_server: what was agreed on, in both versions")
def _():
    for version, option, suite in (("1.2", "-tls1_2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), ("1.3", "-tls1_3", "TLS_AES_128_GCM_SHA256")):
        with s_server(SERVER, option, "-alpn", "http/1.1", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384",
                      "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-groups", "P-256") as port:
            said = facts(*SOON, f"localhost:{port}")
        tls = said["tls"]
        equal((tls["version"], tls["cipher"], tls["group"].lower(), tls["alpn"]), (f"TLS {version}", suite, "secp256r1", "http/1.1"), "tls")
        # A second hello where the server wants another group; TLS 1.2 names it later, and has one round trip more anyway.
        equal(tls["round_trips"], 2, "round trips")
        equal((said["host"], said["port"], said["server_name"]), ("localhost", port, "localhost"), "host, port and name")
        equal((said["http"], said["http_error"] is None), (None, False), "http")
        equal((said["verification"]["ok"], said["verification"]["rule"]), (True, None), "verification")


@check("s_server: the chain, as openssl reads it")
def _():
    with s_server(SERVER) as port:
        chain = facts(*SOON, f"localhost:{port}")["chain"]
    equal([entry["position"] for entry in chain], [0, 1], "positions")
    for entry, pair in zip(chain, (SERVER, MIDDLE)):
        def x509(*arguments, pair=pair):
            return openssl("x509", "-in", pair.cert, "-noout", *arguments).decode().strip().split("=", 1)[1]
        equal(entry["serial"].lower().lstrip("0"), x509("-serial").lower().lstrip("0"), "serial")
        equal(entry["fingerprint"].lower(), x509("-fingerprint", "-sha256").replace(":", "").lower(), "fingerprint")
        equal(entry["subject"].replace(" ", ""), x509("-subject").replace(" ", ""), "subject")
        equal(entry["issuer"].replace(" ", ""), x509("-issuer").replace(" ", ""), "issuer")
        for field, option in (("not_before", "-startdate"), ("not_after", "-enddate")):
            equal(re.sub(r"[-:TZ ]", "", entry[field]), re.sub(r"[-:TZ ]", "", x509(option, "-dateopt", "iso_8601")), field)
        key = openssl("pkey", "-in", pair.key, "-pubout", "-outform", "DER")
        pin = openssl("base64", "-A", data=openssl("dgst", "-sha256", "-binary", data=key)).decode()
        equal(entry["key"]["pin"], f"sha256//{pin}", "pin")
    own, above = chain
    equal((own["dns_names"], own["addresses"]), (["localhost", "*.example.test"], ["127.0.0.1"]), "names")
    equal((own["key"]["bits"], own["is_ca"], above["key"]["bits"], above["is_ca"]), (2048, False, 384, True), "keys and authorities")
    true(88 <= own["days_left"] <= 90, f"days left: {own['days_left']}")


@check("nginx: HSTS, Alt-Svc, a server without resumption")
def _():
    hsts = "add_header Strict-Transport-Security 'max-age=31536000; includeSubDomains; preload'"
    with nginx(SERVER, hsts, "add_header Alt-Svc 'h3=\":443\"'", "ssl_session_tickets off", "ssl_session_cache off") as port:
        said = facts(f"localhost:{port}")
        equal((said["tls"]["resumption"], said["http"]["hsts"]), (False, None), "resumption and hsts")
    # Without `always` nginx adds fields to good answers only, and / is none.
    with nginx(SERVER, hsts + " always", "add_header Alt-Svc 'h3=\":443\"' always") as port:
        said = facts(f"localhost:{port}")
        equal(said["tls"]["resumption"], True, "resumption")
        equal(said["http"]["alt_svc"], ['h3=":443"'], "alt_svc")
        found = said["http"]["hsts"]
        equal((found["max_age"], found["include_subdomains"], found["preload"]), (31536000, True, True), "hsts")


@check("our own server: the development certificate")
def _():
    written = certs.path("written.pem")
    with demo("--write-cert", written) as (_, port, _):
        probe("--json", f"localhost:{port}", code=3, ca=None)
        said = json.loads(probe("--json", "--cacert", written, f"localhost:{port}", ca=None)[0])
        equal((said["verification"]["ok"], said["tls"]["version"], said["tls"]["alpn"]), (True, "TLS 1.3", "h2"), "what it says")
        equal((said["tls"]["round_trips"], said["tls"]["resumption"], said["http"]["status"]), (1, True, 200), "what it says")
        text, err = probe("--cacert", written, f"localhost:{port}", ca=None)
        contains(text, "wirelace development certificate", "the report for people")
        equal(err, "", "stderr")


@check("--connect and --servername, a name by wildcard, the text for people")
def _():
    with nginx(SERVER, "ssl_protocols TLSv1.3") as port:
        equal(facts("--connect", f"127.0.0.1:{port}", "www.example.test")["verification"]["ok"], True, "by wildcard")
        equal(facts("--servername", "localhost", f"127.0.0.1:{port}")["server_name"], "localhost", "server_name")
        out, err = probe(f"localhost:{port}")
        for part in ("TLS 1.3", "CN=a server", "CN=the middle", "*.example.test", "x25519"):
            contains(out, part, "the report")
        equal(err, "", "stderr")
        true("\x1b" not in out, "colours without a terminal")


# Refused: the report is there, exit code 3.

def refused(make, rule, position, host="localhost", *arguments):
    with nginx(make()) as port:
        out, err = probe("--json", *arguments, "--connect", f"127.0.0.1:{port}", host, code=3)
        said = json.loads(out)
        equal(set(said), FIELDS, "fields")
        verdict = said["verification"]
        equal((verdict["ok"], verdict["rule"], verdict["certificate"]), (False, rule, position), f"verification ({verdict['reason']})")
        true(verdict["reason"] and verdict["hint"], "no reason or hint")
        true(said["tls"] and said["chain"], "no report")
        equal(len(err.strip().splitlines()), 1, f"lines on stderr ({err!r})")
        text, _ = probe("--connect", f"127.0.0.1:{port}", host, *arguments, code=3)
        contains(text, verdict["reason"], "the report for people")


def taken_back():
    pair = ROOT.issue("taken back")
    ROOT.revoke(pair)
    ROOT.crl()
    return pair


def orphan():
    pair = MIDDLE.issue("orphan")
    certs.path(pair.chain, certs.read(pair.cert))
    return pair


table("refused:", {
    "expired": (lambda: ROOT.issue("late", start=-9 * DAY, end=-DAY), "expired", 0),
    "not yet valid": (lambda: ROOT.issue("early", start=DAY, end=9 * DAY), "not_yet_valid", 0),
    "self-signed": (lambda: Authority("itself"), "self_signed", 0),
    "an unknown root": (lambda: Authority("unknown").issue("below unknown"), "unknown_issuer", 0),
    "a missing intermediate": (orphan, "unknown_issuer", 0),
    "the wrong host": (lambda: SERVER, "wrong_host", 0, "other.test"),
    "revoked": (taken_back, "revoked", 0, "localhost", "--crl", certs.path("the root.crl")),
    "a client's certificate": (lambda: ROOT.issue("for clients", usage="clientAuth"), "purpose", 0),
    "an intermediate that has expired": (lambda: Authority("late middle", issuer=ROOT, end=-DAY).issue("below late"), "expired", 1),
}, refused)


@check("exit code 1: nothing there, no TLS there; 2: wrong usage")
def _():
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        out, err = probe("--json", f"localhost:{unused.getsockname()[1]}", code=1)
        equal((out, len(err.strip().splitlines())), ("", 1), "stdout and lines on stderr")
    with target.server("demo", *PORTS, environment=CACHE) as (_, port, _):
        probe(f"localhost:{port}", code=1)
    for arguments in ((), ("localhost:99999",), ("http://localhost/",), ("--no-such", "localhost")):
        probe(*arguments, code=2)


if __name__ == "__main__":
    run()

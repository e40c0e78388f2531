"""openssl s_client: what curl hides. Versions, groups, resumption, early data, key updates, SNI, client certificates."""
import json
import re
import signal

import target
from certs import Authority, path, read
from check import Skip, check, contains, equal, run, short, table, true
from openssl_client import Session, request, talk
from ours import demo, needs, refused
from target import TLS_PORT

OLD, NEW = "-tls1_2", "-tls1_3"
HELLO = "hello, world\n"


def good(port, *arguments, data=None):
    """A connection whose request is answered with 200."""
    answer = talk(port, *arguments, data=data)
    equal(answer.status, 200, f"status with {arguments} ({short(answer.text[-200:])})")
    return answer


def healthy():
    contains(good(TLS_PORT).text, HELLO, "the answer")


# Versions, suites, groups.

def version(option, name):
    equal(good(TLS_PORT, option).version, name, "version")


def group(option, name, shown):
    equal(good(TLS_PORT, option, "-groups", name).group, shown, "group")


def no_common(*arguments):
    answer = talk(TLS_PORT, *arguments)
    equal((answer.alert, answer.status), ("40", None), "alert (handshake_failure) and status")


_versions = {"1.2": OLD, "1.3": NEW}
_groups = {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1"}
table("version", {"1.2": (OLD, "TLSv1.2"), "1.3": (NEW, "TLSv1.3")}, version)
table("group", {f"{name} in TLS 1.3": (NEW, name, shown) for name, shown in _groups.items()}, group)
table("refused:", {f"the group {name} alone, TLS {v}": (o, "-groups", name) for v, o in _versions.items() for name in ("P-521", "X448")}, no_common)
table("refused:", {"a suite the server has not, TLS 1.3": (NEW, "-ciphersuites", "TLS_AES_128_CCM_SHA256"),
                   "a suite the server has not, TLS 1.2": (OLD, "-cipher", "AES128-GCM-SHA256")}, no_common)


@check("refused: signatures that the certificate's key cannot make")
def _():
    for arguments in ((NEW, "-sigalgs", "ed25519"), (OLD, "-sigalgs", "ECDSA+SHA1", "-cipher", "DEFAULT@SECLEVEL=0")):
        answer = talk(TLS_PORT, *arguments)
        true(answer.alert in ("40", "49") and answer.status is None, f"alert {answer.alert}, status {answer.status}")


@check("group: all of them in TLS 1.2, with an RSA certificate")
def _():
    # s_client wants an ECDSA certificate's own curve among the groups there.
    with demo(pair=Authority("root").issue("rsa", key="RSA 2048")) as (_, port, _):
        for name, shown in _groups.items():
            equal(good(port, OLD, "-groups", name).group, shown, f"group of {name}")


@check("HelloRetryRequest: a key share of a group the server has not")
def _():
    # The first group is the one a share is sent for.
    for first, second, shown in (("P-521", "X25519", "X25519"), ("X448", "P-384", "secp384r1")):
        answer = good(TLS_PORT, NEW, "-groups", f"{first}:{second}", "-msg")
        equal(answer.text.count(", ServerHello"), 2, "ServerHello messages, the first a retry request")
        equal(answer.group, shown, "group")
    equal(good(TLS_PORT, NEW, "-groups", "X25519:P-384", "-msg").text.count(", ServerHello"), 1, "ServerHello messages without")


@check("ALPN: http/1.1, http/1.0, the server's choice, none in common, none at all")
def _():
    for option in _versions.values():
        for offered, chosen in (("http/1.1", "http/1.1"), ("http/1.0", "http/1.0"), ("http/1.0,http/1.1", "http/1.1"),
                                ("spdy/3,http/1.1", "http/1.1")):
            equal(good(TLS_PORT, option, "-alpn", offered).alpn, chosen, f"choice from {offered}")
        equal(good(TLS_PORT, option).alpn, None, "choice from nothing")
        # RFC 7301, 3.2: no_application_protocol.
        equal(talk(TLS_PORT, option, "-alpn", "spdy/3").alert, "120", "alert for an unknown protocol")


# Resumption.

def resume(option):
    """Four connections; the ticket of TLS 1.2 is used again, TLS 1.3 has a new one each time."""
    old = option == OLD
    files = [path("session-old" if old else f"session-new{i}") for i in range(4)]
    equal(good(TLS_PORT, option, "-sess_out", files[0]).reused, [False], "the first is resumed")
    for last, following in zip(files, files[1:]):
        answer = good(TLS_PORT, option, "-sess_in", last, *([] if old else ["-sess_out", following]))
        equal(answer.reused, [True], "the next is resumed")
        true(old or read(last) != read(following), "the same ticket again")


table("resumption in TLS", {"1.2, by ticket": (OLD,), "1.3": (NEW,)}, resume)


@check("resumption: who takes no tickets in TLS 1.2 is served all the same")
def _():
    # No sessions are kept in memory for them.
    equal(good(TLS_PORT, OLD, "-no_ticket").reused, [False], "resumed")
    equal(talk(TLS_PORT, OLD, "-no_ticket", "-reconnect").reused, [False] * 6, "resumed")


@check("resumption: five reconnections of -reconnect in TLS 1.2")
def _():
    # It says so by each handshake; nothing is requested before the last.
    equal(talk(TLS_PORT, OLD, "-reconnect").reused, [False] + [True] * 5, "resumed")


@check("resumption: a session of another server is not taken, the connection is good")
def _():
    for option in _versions.values():
        session = path(f"foreign{option}")
        with demo(pair=Authority("foreign").issue("foreign server")) as (_, port, _):
            equal(good(port, option, "-sess_out", session).reused, [False], "resumed")
            equal(good(port, option, "-sess_in", session).reused, [True], "resumed by the same server")
        equal(good(TLS_PORT, option, "-sess_in", session).reused, [False], "resumed by another")


@check("resumption: a TLS 1.3 session does not become TLS 1.2")
def _():
    session = path("new-session")
    good(TLS_PORT, NEW, "-sess_out", session)
    answer = good(TLS_PORT, OLD, "-sess_in", session)
    equal((answer.version, answer.reused), ("TLSv1.2", [False]), "version and resumed")


# Early data.

EARLY = ("--early-data", "16384")


def early_session(port):
    session = path("early-session")
    good(port, NEW, "-sess_out", session)
    return session


def early(port, session, target_path):
    """One request as early data; the answer."""
    needs("demo", "--early-data")
    return talk(port, NEW, "-sess_in", session, "-early_data", path("early-request", request(target_path)), data=b"", seconds=8)


@check("early data: not offered by a server that was not told to take it")
def _():
    contains(good(TLS_PORT, NEW, "-sess_out", path("plain-session")).text, "Max Early Data: 0\n", "s_client")


@check("early data: accepted, marked as such, 425 where it matters, never twice")
def _():
    needs("demo", "--early-data")
    with demo(*EARLY) as (_, port, _):
        answer = early(port, early_session(port), "/headers")
        contains(answer.text, "Early data was accepted", "s_client")
        contains(answer.text.replace(" ", ""), '"early_data":true', "the answer")
        equal(early(port, early_session(port), "/early").status, 425, "status of /early")
        session = early_session(port)
        equal(early(port, session, "/hello").status, 200, "status of the first use")
        # s_client leaves it to its user to send it again.
        with Session(port, NEW, "-sess_in", session, "-early_data", path("early-request", request())) as again:
            again.expect("Early data was rejected")
            again.send(request())
            again.expect("HTTP/1.1 200", HELLO)
        equal(good(port, NEW, "-sess_in", early_session(port)).reused, [True], "resumed without it")


@check("early data: of a session that the server does not know is skipped, the connection is good")
def _():
    needs("demo", "--early-data")
    with demo(*EARLY) as (_, port, _), demo(*EARLY) as (_, other, _):
        for elsewhere in (other, TLS_PORT):
            session = early_session(port)
            with Session(elsewhere, NEW, "-sess_in", session, "-early_data", path("early-request", request())) as peer:
                peer.expect("Early data was rejected")
                peer.send(request())
                peer.expect("HTTP/1.1 200", HELLO)


# Inside a connection.

@check("TLS 1.3: key updates, one-sided and both ways, between requests")
def _():
    with Session(TLS_PORT, NEW) as session:
        for letter in ("k", "K", "K", "k"):
            session.send(f"{letter}\n".encode())
            session.expect("KEYUPDATE")
            session.send(b"GET /bytes/20000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            session.expect("HTTP/1.1 200", "\n\n")
            session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            session.expect("HTTP/1.1 200", HELLO)


@check("TLS 1.2: renegotiation is refused, the server stays well")
def _():
    with Session(TLS_PORT, OLD) as session:
        session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        session.expect("HTTP/1.1 200", HELLO)
        session.send(b"R\n")
        session.expect("RENEGOTIATING", "no renegotiation")
    healthy()


@check("Q ends with close_notify, and so does the server")
def _():
    for option in _versions.values():
        with Session(TLS_PORT, option, "-msg") as session:
            session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            session.expect("HTTP/1.1 200", HELLO, "<<< TLS 1", "close_notify")


@check("--keylog: the server writes what s_client writes")
def _():
    ours, theirs = path("keylog-ours"), path("keylog-theirs")
    secrets = re.compile(r"^(?:CLIENT|SERVER|EXPORTER)_\S+ [0-9a-f]{64} [0-9a-f]+$", re.M | re.I)
    with demo("--keylog", ours) as (_, port, _):
        for option in _versions.values():
            good(port, option, "-keylogfile", theirs)
    mine, other = (set(secrets.findall(read(file).decode().upper())) for file in (ours, theirs))
    true(len(other) >= 6, f"s_client wrote {len(other)} secrets")
    # rustls does not log the exporter's.
    equal(sorted(line.split()[0] for line in other - mine if not line.startswith("EXPORTER")), [], "secrets that are missing")


# Certificates.

def kind(key, intermediate):
    root = Authority(f"root {key}", key)
    issuer = Authority(f"middle {key}", key, root) if intermediate else root
    with demo(pair=issuer.issue(f"leaf {key}", key=key)) as (_, port, _):
        for option in _versions.values():
            answer = good(port, option, "-CAfile", root.cert, "-verify_return_error", "-verify_hostname", "localhost")
            contains(answer.text, "Verify return code: 0 (ok)", "s_client")
            equal(len(re.findall(r"^ \d s:", answer.text, re.M)), 2 if intermediate else 1, "certificates sent")


table("certificate", {f"{key}{', with chain' if chain else ''}": (key, chain)
                      for key in ("RSA 2048", "RSA 3072", "P-256", "P-384", "Ed25519") for chain in (False, True)}, kind)


@check("SNI: one of several certificates is chosen by name")
def _():
    missing = ("--cert", path("missing.pem"), "--key", path("missing.key"))
    if "multiple times" in refused(*missing, *missing)[1]:
        raise Skip("`wirelace demo` takes one certificate only")
    authority = Authority("names")
    pairs = {name: authority.issue(name, f"DNS:{name},DNS:*.{name}") for name in ("one.test", "two.test", "three.test")}
    files = [word for pair in pairs.values() for word in ("--cert", pair.cert, "--key", pair.key)]
    with demo(*files) as (_, port, _):
        rows = {"one.test": "one.test", "two.test": "two.test", "a.three.test": "three.test", "TWO.test": "two.test",
                "unknown.test": "one.test", "a.b.three.test": "one.test"}
        for option in _versions.values():
            for asked, shown in rows.items():
                answer = good(port, option, "-servername", asked)
                contains(answer.text, f"subject=CN = {shown}", f"certificate for {asked}")
            contains(good(port, option, "-noservername").text, "subject=CN = one.test", "certificate without SNI")


def known_as(answer):
    """Whom `/headers` says the client is."""
    return json.loads(re.search(r'"client":("[^"]*"|null)', answer.text).group(1))


@check("client certificates: the right one passes; none and others are refused")
def _():
    needs("demo", "--client-ca")
    ours, other = Authority("clients"), Authority("strangers")
    between = Authority("clients between", issuer=ours)
    good_ones = [ours.issue("known", None, usage="clientAuth"), between.issue("known below", None, usage="clientAuth"),
                 ours.issue("known rsa", None, key="RSA 2048", usage="clientAuth"), ours.issue("known ed", None, key="Ed25519", usage="clientAuth")]
    refusals = {"a stranger's": other.issue("stranger", None, usage="clientAuth"), "a server's": ours.issue("a server", None),
                "an expired one": ours.issue("late", None, usage="clientAuth", end=-3600), "a self-made one": Authority("itself")}

    def shown(pair):
        return "-cert", pair.cert, "-key", pair.key, "-cert_chain", pair.chain
    with demo("--client-ca", ours.cert, pair=Authority("root").issue("server")) as (_, port, _):
        for option in _versions.values():
            for pair in good_ones:
                equal(known_as(good(port, option, *shown(pair), data=request("/headers"))), f"CN={pair.name}", "client")
            # RFC 8446, 6.2; TLS 1.2 has no word of its own.
            answer = talk(port, option)
            equal((answer.status, answer.alert), (None, "116"), "status and alert without one")
            for name, pair in refusals.items():
                answer = talk(port, option, *shown(pair))
                true(answer.status is None and answer.alert, f"{name}: status {answer.status}, alert {answer.alert}")
    with demo("--client-ca-optional", ours.cert, pair=Authority("root").issue("server")) as (_, port, _):
        for option in _versions.values():
            equal(known_as(good(port, option, data=request("/headers"))), None, "client without one")
            equal(known_as(good(port, option, *shown(good_ones[0]), data=request("/headers"))), "CN=known", "client")
            true(talk(port, option, *shown(refusals["a stranger's"])).status is None, "a stranger was let in")


@check("client certificates: a resumed session knows its client, another server's authority does not")
def _():
    needs("demo", "--client-ca")
    ours = Authority("clients")
    known = ours.issue("known", None, usage="clientAuth")
    shown = ("-cert", known.cert, "-key", known.key)
    with demo("--client-ca", ours.cert, pair=Authority("root").issue("server")) as (_, port, _):
        for option in _versions.values():
            session = path("client-session")
            good(port, option, *shown, "-sess_out", session)
            # Without the certificate: the session has it.
            answer = good(port, option, "-sess_in", session, data=request("/headers"))
            equal((answer.reused, known_as(answer)), ([True], "CN=known"), "resumed and client")


@check("SIGHUP: new certificates for new connections, old connections go on; a broken file changes nothing")
def _():
    authority = Authority("root")
    old, new = authority.issue("old", key="P-256"), authority.issue("new", key="RSA 2048")
    cert, key = path("live.pem", read(old.cert)), path("live.key", read(old.key))

    def subject():
        return re.search(r"^subject=CN ?= ?(.*)$", talk(port, NEW).text, re.M).group(1)
    with demo("--cert", cert, "--key", key) as (_, port, process):
        equal(subject(), "old", "subject at first")
        with Session(port, NEW) as session:
            session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            session.expect("HTTP/1.1 200", HELLO)
            path("live.pem", read(new.cert))
            # The key is not its own yet.
            process.send_signal(signal.SIGHUP)
            session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            session.expect("HTTP/1.1 200", HELLO)
            equal(subject(), "old", "subject while the files do not belong together")
            path("live.key", read(new.key))
            process.send_signal(signal.SIGHUP)
            target.wait_for(lambda: subject() == "new", 8, "the new certificate is not shown")
            session.send(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            session.expect("HTTP/1.1 200", HELLO)


if __name__ == "__main__":
    run()

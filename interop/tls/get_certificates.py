"""`wirelace get https://...` against openssl s_server: certificates that must be accepted, and that must be refused."""
import certs
from certs import Authority, openssl, path, read
from check import check, contains, equal, run, table
from our_client import ROOT, VERSIONS, WEAK, agreed, failure, get, leaf, middle
from s_server import s_server

DAY = certs.DAY


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


if __name__ == "__main__":
    run()

"""Certificates from files and the development certificate: what the server starts with, and what it refuses."""
import hashlib
import os
import shutil
import ssl
import subprocess

import certs
import ours
import target
from certs import Authority, openssl, path, read
from check import Absent, check, contains, equal, run, table, true
from ours import demo, refused

ROOT = Authority("root")


def shown(port):
    """The DER of the certificate a server shows."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=8))


def trusted(port, ca):
    """curl gets a page while it trusts these certificates alone."""
    done = subprocess.run(["curl", "-q", "-sS", "-m", "10", "--cacert", ca, f"https://localhost:{port}/hello"], capture_output=True, check=False)
    equal((done.returncode, done.stdout), (0, b"hello, world\n"), f"curl ({done.stderr.decode()})")


# The development certificate.

@check("the development certificate: the same at the next start, another in another home")
def _():
    def start(home):
        written = path("written.pem")
        with demo("--write-cert", written, environment={"XDG_CACHE_HOME": path(home)}) as (_, port, _):
            trusted(port, written)
            equal(ssl.PEM_cert_to_DER_cert(read(written).decode()), shown(port), "what was written and what is shown")
            return hashlib.sha256(shown(port)).hexdigest()
    first = start("home")
    equal(start("home"), first, "fingerprint at the next start")
    true(start("elsewhere") != first, "the same certificate in another home")


@check("the development key can be read by its owner alone")
def _():
    home = path("private-home")
    with demo(environment={"XDG_CACHE_HOME": home}):
        files = [os.path.join(folder, name) for folder, _, names in os.walk(home) for name in names]
    keys = [file for file in files if b"PRIVATE KEY" in read(file)]
    true(keys, f"no private key among {files}")
    for file in keys:
        equal(os.stat(file).st_mode & 0o077, 0, f"rights of others to {file}")


@check("the development certificate: what strict clients ask of it")
def _():
    written = path("strict.pem")
    with demo("--write-cert", written):
        text = openssl("x509", "-in", written, "-noout", "-text").decode()
    for part in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "TLS Web Server Authentication"):
        contains(text, part, "the certificate")
    openssl("verify", "-x509_strict", "-CAfile", written, "-purpose", "sslserver", written)


@check("a broken file in the cache folder is replaced or named, never served")
def _():
    home = path("broken-home")
    with demo(environment={"XDG_CACHE_HOME": home}):
        pass
    for folder, _, names in os.walk(home):
        for name in names:
            path(os.path.join(folder, name), b"-----BEGIN CERTIFICATE-----\nbroken\n")
    done = subprocess.Popen([target.BINARY, "demo", *ours.PORTS], stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "XDG_CACHE_HOME": home})
    try:
        line = done.stderr.readline()
        true(line.startswith("listening") or home in line, f"it said {line!r}")
    finally:
        target.end(done)


# Files as openssl and mkcert write them.

def accepted(key, convert):
    pair = ROOT.issue(f"as {key} {convert}", key=key)
    if convert:
        pair.key = path(f"{pair.name}.converted", openssl(*convert.split(), "-in", pair.key))
    with demo(pair=pair) as (_, port, _):
        trusted(port, ROOT.cert)


table("accepted:", {
    "PKCS#8": ("RSA 2048", ""), "PKCS#1": ("RSA 2048", "rsa -traditional"),
    "SEC1, P-256": ("P-256", "ec"), "SEC1, P-384": ("P-384", "ec"), "Ed25519": ("Ed25519", "pkey"),
    "PKCS#8 in DER": ("P-256", "pkcs8 -topk8 -nocrypt -outform DER"), "PKCS#1 in DER": ("RSA 2048", "rsa -traditional -outform DER"),
    "with text before the PEM": ("P-256", "pkey -text"),
}, accepted)


@check("accepted: certificate, chain and key in one file; CRLF lines; the key first")
def _():
    pair = Authority("middle", issuer=ROOT).issue("one file")
    whole = read(pair.chain) + read(pair.key)
    for name, data in (("one", whole), ("crlf", whole.replace(b"\n", b"\r\n")), ("key-first", read(pair.key) + read(pair.chain)),
                       ("bag", b"Bag Attributes\n    friendlyName: x\n" + whole)):
        pair.chain = pair.key = path(f"{name}.pem", data)
        with demo(pair=pair) as (_, port, _):
            trusted(port, ROOT.cert)


@check("accepted: files made by mkcert")
def _():
    if not shutil.which("mkcert"):
        raise Absent("not installed: mkcert")
    home = path("mkcert")
    os.makedirs(home, exist_ok=True)
    for kind in ((), ("-ecdsa",)):
        cert, key = path("mk.pem"), path("mk.key")
        # Without -install it leaves the system's own list of roots alone.
        subprocess.run(["mkcert", *kind, "-cert-file", cert, "-key-file", key, "localhost", "127.0.0.1"],
                       env={**os.environ, "CAROOT": home, "TRUST_STORES": "none"}, capture_output=True, timeout=60, check=True)
        with demo("--cert", cert, "--key", key) as (_, port, _):
            trusted(port, os.path.join(home, "rootCA.pem"))


# Broken pairs: exit code 2, one line that names the file.

def broken(make, part, blamed):
    pair, other = ROOT.issue("good"), ROOT.issue("other")
    cert, key = make(pair, other)
    code, said = refused("--cert", cert, "--key", key)
    equal(code, 2, f"exit code ({said.strip()!r})")
    equal(len(said.strip().splitlines()), 1, f"lines on stderr ({said!r})")
    contains(said, {"cert": cert, "key": key}[blamed], "stderr")
    contains(said.lower(), part, "stderr")


def changed(file, change):
    return path(f"changed-{os.path.basename(file)}", change(read(file)))


def inside(data):
    """One character of the Base64 changed, so that the DER is another."""
    lines = data.split(b"\n")
    lines[2] = (b"A" if lines[2][:1] != b"A" else b"B") + lines[2][1:]
    return b"\n".join(lines)


def weak(key, digest=None):
    pair = ROOT.issue(f"weak {key}", key=key, digest=digest)
    return pair.cert, pair.key


table("refused, exit code 2:", {
    "no such certificate": (lambda p, o: (path("missing.pem"), p.key), "no such file", "cert"),
    "no such key": (lambda p, o: (p.cert, path("missing.key")), "no such file", "key"),
    "a folder as certificate": (lambda p, o: (certs.FOLDER, p.key), "directory", "cert"),
    "the key of another certificate": (lambda p, o: (p.cert, o.key), "does not belong", "key"),
    "certificate and key exchanged": (lambda p, o: (p.key, p.cert), "no certificate", "cert"),
    "an empty certificate file": (lambda p, o: (path("empty.pem", b""), p.key), "no certificate", "cert"),
    "an empty key file": (lambda p, o: (p.cert, path("empty.key", b"")), "no private key", "key"),
    "text instead of a certificate": (lambda p, o: (path("text.pem", b"hello\n"), p.key), "no certificate", "cert"),
    "a certificate cut short": (lambda p, o: (changed(p.cert, lambda d: d[:300]), p.key), "broken", "cert"),
    "a key cut short": (lambda p, o: (p.cert, changed(p.key, lambda d: d[:100])), "broken", "key"),
    "a certificate whose Base64 is none": (lambda p, o: (changed(p.cert, lambda d: d[:60] + b"!!" + d[62:]), p.key), "broken", "cert"),
    "a key with a changed octet": (lambda p, o: (p.cert, changed(p.key, inside)), "", "key"),
    "an encrypted key": (lambda p, o: (p.cert, path("locked.key", openssl("pkcs8", "-topk8", "-passout", "pass:x", "-in", p.key))), "encrypted", "key"),
    "an encrypted key of the old form": (lambda p, o: (p.cert, path("locked.key", openssl("ec", "-aes128", "-passout", "pass:x", "-in", p.key))),
                                         "encrypted", "key"),
    "a key without its public half": (lambda p, o: (p.cert, path("half.key", openssl("ec", "-no_public", "-in", p.key))), "cannot be used", "key"),
    "a certificate request": (lambda p, o: (path("request.pem", openssl("req", "-new", "-key", p.key, "-subj", "/CN=x", "-config", "/dev/null")), p.key),
                              "no certificate", "cert"),
    "a chain in the wrong order": (lambda p, o: (path("order.pem", read(ROOT.cert) + read(p.cert)), p.key), "", "cert"),
    "an RSA key of 1,024 bits": (lambda p, o: weak("RSA 1024"), "", "key"),
    "an ECDSA key on P-521": (lambda p, o: weak("P-521"), "", "key"),
}, broken)


@check("refused, exit code 2: --cert without --key, and the other way round")
def _():
    pair = ROOT.issue("alone")
    for arguments in (("--cert", pair.cert), ("--key", pair.key)):
        equal(refused(*arguments)[0], 2, f"exit code for {arguments[0]} alone")


@check("serve: files over https")
def _():
    folder = path("public")
    os.makedirs(folder, exist_ok=True)
    path(os.path.join(folder, "a.bin"), target.pattern(3_000_000))
    pair = ROOT.issue("files")
    with target.server("serve", folder, *ours.PORTS, "--cert", pair.cert, "--key", pair.key, scheme="https") as (_, port, _):
        done = subprocess.run(["curl", "-q", "-sS", "--cacert", ROOT.cert, f"https://localhost:{port}/a.bin"], capture_output=True, timeout=20, check=True)
        true(done.stdout == target.pattern(3_000_000), f"wrong bytes, {len(done.stdout)} of them")


if __name__ == "__main__":
    run()

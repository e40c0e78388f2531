"""Certificates made with the openssl command, all in one folder that goes when the suite ends."""
import atexit
import os
import shutil
import subprocess
import tempfile
import time

FOLDER = tempfile.mkdtemp(prefix="wirelace-tls-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

# What `openssl genpkey` is told for each kind of key.
KEYS = {
    "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "P-521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "Ed25519": ["-algorithm", "ED25519"],
    "RSA 1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "RSA 2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "RSA 3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
}
LOCALHOST = "DNS:localhost,IP:127.0.0.1"
DAY = 86400

_CONFIG = """
[ca]
default_ca = it
[it]
database = NAME.db
new_certs_dir = .
rand_serial = yes
unique_subject = no
policy = any
default_md = sha256
default_crl_days = 30
crlnumber = NAME.crlnumber
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
[any]
commonName = supplied
"""


def openssl(*arguments, data=None):
    """Runs `openssl ARGUMENTS` in the folder and gives its stdout."""
    done = subprocess.run(["openssl", *arguments], cwd=FOLDER, input=data, capture_output=True, timeout=30, check=False)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def path(name, data=None):
    """A file in the folder, written if there is something to write."""
    place = os.path.join(FOLDER, name.replace(" ", "-"))
    if data is not None:
        with open(place, "wb") as file:
            file.write(data)
    return place


def read(place):
    with open(place, "rb") as file:
        return file.read()


class Pair:
    """A certificate and its key: `cert` is the certificate alone, `chain` has the intermediate ones behind it."""

    def __init__(self, name, key):
        self.name = name
        self.cert, self.chain, self.key = (path(f"{name}.{end}") for end in ("pem", "chain.pem", "key"))
        openssl("genpkey", *KEYS[key], "-out", self.key)

    def fingerprint(self):
        return openssl("x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256").decode().strip()


class Authority(Pair):
    """Issues certificates; self-signed unless it has an issuer itself."""

    def __init__(self, name, key="P-256", issuer=None, end=90 * DAY):
        super().__init__(name, key)
        self.issuer = issuer
        self._config = path(f"{name}.conf", _CONFIG.replace("NAME", name.replace(" ", "-")).encode())
        path(f"{name}.db", b"")
        path(f"{name}.crlnumber", b"01")
        (issuer or self)._sign(self, "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, digitalSignature, keyCertSign, cRLSign\n", end=end)

    def issue(self, name, names=LOCALHOST, key="P-256", start=-DAY, end=90 * DAY, digest=None, usage="serverAuth"):
        """A certificate for these subject alternative names; `start` and `end` in seconds from now."""
        pair = Pair(name, key)
        extensions = f"basicConstraints = CA:FALSE\nkeyUsage = digitalSignature\nextendedKeyUsage = {usage}\n"
        self._sign(pair, extensions + (f"subjectAltName = {names}\n" if names else ""), start, end, digest)
        return pair

    def _sign(self, pair, extensions, start=-DAY, end=90 * DAY, digest=None):
        request = openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={pair.name}", "-config", "/dev/null")
        extensions = "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n" + extensions
        moments = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + moment)) for moment in (start, end)]
        signer = ["-selfsign", "-keyfile", pair.key] if pair is self else ["-cert", self.cert, "-keyfile", self.key]
        openssl("ca", "-batch", "-notext", "-config", self._config, *signer, "-startdate", moments[0], "-enddate", moments[1],
                "-in", path("request.csr", request), "-extfile", path("extensions", extensions.encode()), "-out", pair.cert,
                *(["-md", digest] if digest else []))
        chain, above = read(pair.cert), self
        while pair is not self and above.issuer:
            chain, above = chain + read(above.cert), above.issuer
        path(os.path.basename(pair.chain), chain)

    def revoke(self, pair):
        openssl("ca", "-config", self._config, "-cert", self.cert, "-keyfile", self.key, "-revoke", pair.cert)

    def crl(self):
        place = path(f"{self.name}.crl")
        openssl("ca", "-config", self._config, "-cert", self.cert, "-keyfile", self.key, "-gencrl", "-out", place)
        return place

"""`wirelace get` with what a suite asks of it."""
import functools
import json
import subprocess

import target
from certs import Authority
from check import equal

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

"""Demo servers with certificates of a suite's own."""
import functools
import os
import subprocess

import certs
import target
from check import Skip

PORTS = ("--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0")
# Development certificates made by these servers are kept here, not in the user's folder.
CACHE = {"XDG_CACHE_HOME": os.path.join(certs.FOLDER, "cache")}


def demo(*arguments, pair=None, scheme="https", environment=None):
    """A demo server: `with demo(...) as (host, port, process)` gives its listener for the scheme."""
    files = ("--cert", pair.chain, "--key", pair.key) if pair else ()
    return target.server("demo", *PORTS, *files, *arguments, scheme=scheme, environment={**CACHE, **(environment or {})})


def refused(*arguments):
    """(exit code, stderr) of a demo server that must not start."""
    try:
        done = subprocess.run([target.BINARY, "demo", *PORTS, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, **CACHE}, timeout=8, check=False)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"a server with {arguments} runs, it should have refused") from None
    return done.returncode, done.stderr


@functools.cache
def _help(command):
    return subprocess.run([target.BINARY, command, "--help"], capture_output=True, text=True, timeout=10, check=True).stdout


def needs(command, option):
    """Skips the check if the binary has no such option."""
    if option not in _help(command):
        raise Skip(f"`wirelace {command}` does not offer {option}")

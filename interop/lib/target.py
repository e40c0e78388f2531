"""The server under test, as the runner's environment names it, and servers started by a suite."""
import contextlib
import os
import subprocess
import threading
import time

BINARY = os.environ.get("WIRELACE_BIN", "wirelace")
WORK = os.environ.get("WIRELACE_WORK", "/tmp")
ADDRESS = os.environ.get("WIRELACE_ADDR", "")
HOST, _, _port = ADDRESS.partition(":")
PORT = int(_port or 0)
PID = int(os.environ.get("WIRELACE_PID", 0))
BASE = f"http://{ADDRESS}"
# The demo's listener with TLS, and the file with its certificate.
TLS_ADDRESS = os.environ.get("WIRELACE_TLS_ADDR", "")
TLS_PORT = int(TLS_ADDRESS.rpartition(":")[2] or 0)
CERTIFICATE = os.environ.get("WIRELACE_CERT", "")

MIB = 1 << 20


def pattern(size, start=0):
    """The bytes `start .. start + size` of `/bytes/N`: byte i is `i % 251`."""
    shift = start % 251
    period = bytes(range(251))
    return (period * ((shift + size) // 251 + 1))[shift:shift + size]


def resident(pid=None):
    """Bytes of the process that are in memory now."""
    with open(f"/proc/{pid or PID}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid or PID} is gone")


class Growth:
    """Samples a process's resident memory while a block runs; `.bytes` is the most it grew."""

    def __init__(self, pid=None):
        self.pid, self.bytes = pid or PID, 0
        self._stop = threading.Event()

    def __enter__(self):
        self.before = resident(self.pid)
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self):
        with contextlib.suppress(OSError, AssertionError):
            while not self._stop.is_set():
                self.bytes = max(self.bytes, resident(self.pid) - self.before)
                self._stop.wait(0.02)

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def below(self, limit, doing):
        if self.bytes >= limit:
            raise AssertionError(f"memory grew by {self.bytes / MIB:.1f} MiB while {doing}, limit {limit / MIB:.0f} MiB")


@contextlib.contextmanager
def server(*arguments, scheme="http", environment=None, patience=15):
    """Runs `wirelace ARGUMENTS` until the block ends; yields (host, port, process) of its listener for the scheme."""
    process = subprocess.Popen([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, errors="replace", env={**os.environ, **(environment or {})})
    address, lines, ready = [], [], threading.Event()

    def follow():
        for line in process.stderr:
            lines.append(line)
            if line.startswith(f"listening {scheme} "):
                address.append(line.split()[2])
                ready.set()
        ready.set()

    threading.Thread(target=follow, daemon=True).start()
    try:
        ready.wait(patience)
        if not address:
            raise AssertionError(f"`wirelace {' '.join(arguments)}` printed no `listening {scheme}` line: {''.join(lines)[-300:]!r}")
        host, _, port = address[0].rpartition(":")
        yield host, int(port), process
    finally:
        end(process)


def end(process, patience=10):
    """Ends a process this suite started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition, seconds, why):
    """Polls until `condition()` is true and returns its value."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{why} (waited {seconds} s)")
        time.sleep(0.01)

"""`openssl s_client`: one request at once, or word by word."""
import contextlib
import re
import subprocess
import threading

import target

REQUEST = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def request(path="/hello"):
    return REQUEST % path.encode()


def command(port, *arguments):
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments]


class Talk:
    """What s_client said, and what it says of the connection."""

    def __init__(self, code, text):
        self.code, self.text = code, text

    def _find(self, pattern):
        found = re.search(pattern, self.text, re.M)
        return found.group(1) if found else None

    @property
    def version(self):
        return self._find(r"^(?:New|Reused), (TLSv[\d.]+), ")

    @property
    def suite(self):
        return self._find(r"^(?:New|Reused), TLSv[\d.]+, Cipher is (\S+)")

    @property
    def group(self):
        return self._find(r"^Server Temp Key: (?:ECDH, )?([^,]+),")

    @property
    def alpn(self):
        return self._find(r"^ALPN protocol: (\S+)")

    @property
    def reused(self):
        """For each handshake whether it resumed a session."""
        return [word == "Reused" for word in re.findall(r"^(New|Reused), TLS", self.text, re.M)]

    @property
    def alert(self):
        return self._find(r"SSL alert number (\d+)")

    @property
    def status(self):
        # s_client writes what it says of tickets and what it receives by different ways: a line may begin in another.
        found = self._find(r"HTTP/1\.1 (\d+) ")
        return found and int(found)


def talk(port, *arguments, data=None, seconds=15):
    """Connects, sends the data and reads until the server closes."""
    data = request() if data is None else data
    done = subprocess.run([*command(port, *arguments), "-ign_eof"], input=data, capture_output=True, timeout=seconds, check=False)
    return Talk(done.returncode, (done.stdout + done.stderr).decode("latin-1").replace("\r\n", "\n"))


class Session:
    """An s_client that listens to commands: a write that begins with K, k, R or Q is one."""

    def __init__(self, port, *arguments):
        self._process = subprocess.Popen(command(port, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, bufsize=0)
        self.text, self._changed, self._ended = "", threading.Condition(), False
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        target.end(self._process)
        self._thread.join()

    def _follow(self):
        while data := self._process.stdout.read(1 << 16):
            with self._changed:
                self.text += data.decode("latin-1").replace("\r\n", "\n")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def send(self, data):
        self._process.stdin.write(data)

    def expect(self, *parts, seconds=8):
        """Waits until the text has these, and forgets it up to there."""
        with self._changed:
            for part in parts:
                self._changed.wait_for(lambda part=part: part in self.text or self._ended, seconds)
                if part not in self.text:
                    raise AssertionError(f"s_client did not say {part!r}: {self.text[-300:]!r}")
                self.text = self.text.split(part, 1)[1]

    def wait(self, seconds=8):
        """Until it ends; its exit code."""
        return self._process.wait(seconds)

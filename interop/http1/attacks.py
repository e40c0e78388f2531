"""Slow, flooding and malformed peers against the live server, which must serve the others meanwhile.

The slow ones run beside everything else: a deadline takes as long as it takes.
"""
import concurrent.futures
import contextlib
import random
import resource
import select
import threading
import time

import target
from check import check, equal, run, true
from raw import Bad, Closed, Connection, exchange, healthy
from target import MIB, PID, PORT, Growth

# Any default deadline of a server that cares is below this.
PATIENCE = 100
FLAT = 32 * MIB
HEAD = b"GET /hello HTTP/1.1\r\nHost: a\r\n"


def owned(connection):
    """Whether the server's process still holds its end; an orphan in the kernel has inode 0."""
    local = f":{connection.socket.getsockname()[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as rows:
        for row in rows:
            columns = row.split()
            if columns[1].endswith(f":{PORT:04X}") and columns[2].endswith(local):
                return columns[9] != "0"
    return False


def drip(start, byte, pause=0.5):
    """Sends `start`, then one byte every half second; returns what the server said before it closed."""
    with Connection(timeout=pause) as connection:
        connection.send(start)
        began, said = time.monotonic(), b""
        while time.monotonic() - began < PATIENCE:
            try:
                part = connection.socket.recv(65536)
                if not part:
                    return said, time.monotonic() - began
                said += part
            except TimeoutError:
                with contextlib.suppress(OSError):
                    if byte:
                        connection.send(byte)
            except ConnectionError:
                return said, time.monotonic() - began
        raise AssertionError(f"still open after {PATIENCE} s, it said {said[:60]!r}")


def stalled_reader():
    """Asks for much and reads nothing; returns after how long the server let go."""
    with Connection(receive_buffer=4096) as connection:
        connection.request("GET", "/bytes/100000000000")
        began = time.monotonic()
        while owned(connection):
            if time.monotonic() - began > PATIENCE:
                raise AssertionError(f"the server still holds the connection after {PATIENCE} s")
            time.sleep(0.2)
        return b"", time.monotonic() - began


def many_half_heads():
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(timeout=PATIENCE)) for _ in range(300)]
        for connection in connections:
            connection.send(HEAD)
        began = time.monotonic()
        for connection in connections:
            connection.to_end()
        return b"", time.monotonic() - began


class Watch:
    """Somebody else's requests while the attacks run."""

    def __init__(self):
        self.count, self.slowest, self.failures, self.stop = 0, 0.0, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.stop.wait(0.1):
            began = time.monotonic()
            try:
                healthy()
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            self.count += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


# Well formed but costly.

@check("a pipelining flood: 10,000 requests before the first read", seconds=60)
def _():
    size, count = 5000, 10_000
    requests = b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (size + n % 7) for n in range(count))
    with Connection(timeout=30) as connection:
        connection.socket.setblocking(False)
        sent, idle = 0, time.monotonic()
        with Growth() as growth:
            # Until nothing moves for a second: the server has stopped reading, as nobody reads from it.
            while sent < len(requests) and time.monotonic() - idle < 1:
                try:
                    sent += connection.socket.send(requests[sent:sent + 65536])
                    idle = time.monotonic()
                except BlockingIOError:
                    time.sleep(0.01)
        growth.below(FLAT, "flooded")
        connection.socket.settimeout(30)
        sender = threading.Thread(target=lambda: connection.send(requests[sent:]), daemon=True)
        sender.start()
        for n in range(count):
            answer = connection.response()
            equal((answer.status, len(answer.body)), (200, size + n % 7), f"answer {n}")
    print(f"memory grew by {growth.bytes / MIB:.1f} MiB")


@check("slow readers: 50 big answers nobody reads, in bounded memory")
def _():
    with contextlib.ExitStack() as stack, Growth() as growth:
        for _ in range(50):
            connection = stack.enter_context(Connection(receive_buffer=4096))
            connection.request("GET", "/bytes/100000000000")
        time.sleep(2)
        healthy()
    growth.below(FLAT, "50 readers stalled")


@check("an echo nobody reads stops taking input")
def _():
    with Connection() as connection, Growth() as growth:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n")
        connection.socket.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200 * MIB:
                sent += connection.socket.send(bytes(MIB))
    true(sent < 100 * MIB, f"{sent / MIB:.0f} MiB were taken")
    growth.below(FLAT, "echoing to nobody")


@check("many idle connections, others are served")
def _():
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(Connection())
        for _ in range(20):
            healthy()
    healthy()


@check("2,000 connections opened and reset at once")
def _():
    for turn in range(2000):
        with Connection() as connection:
            if turn % 2:
                connection.send(HEAD + b"\r\n")
            connection.reset()
    healthy()


@check("a MiB in chunks of one byte")
def _():
    with Connection(timeout=20) as connection:
        connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send(b"1\r\nx\r\n" * MIB + b"0\r\n\r\n")
        answer = connection.response()
    equal(answer.status, 200, "status")
    true(str(MIB).encode() in answer.body, f"answer {answer.body!r}")


# Malformed or beyond a limit: refused early, in bounded memory.

def refused(data, statuses=(400, 413, 414, 431, 501, 505), endless=b"", most=8 * MIB):
    """Sends `data`, then `endless` again and again; the server must refuse or close before `most` bytes."""
    with Growth() as growth, Connection(timeout=15) as connection:
        sent = 0
        try:
            connection.send(data)
            # A server that has refused may go on reading for a while, lest a reset eat its answer.
            while endless and sent < most and not select.select([connection.socket], [], [], 0)[0]:
                connection.send(endless)
                sent += len(endless)
        except (ConnectionError, TimeoutError):
            pass
        true(not endless or sent < most, f"{sent} bytes were taken")
        status = None
        with contextlib.suppress(Closed, ConnectionError):
            status = connection.response().status
        true(status is None or status in statuses, f"answered with {status}")
        connection.to_end()
    growth.below(FLAT, "refusing")
    return status


check("a header name of 70,000 octets is 431")(
    lambda: equal(refused(HEAD + b"n" * 70_000 + b": 1\r\n\r\n", (431,)), 431, "status"))
check("a header value of 200,000 octets is 431")(
    lambda: equal(refused(HEAD + b"X: " + b"v" * 200_000 + b"\r\n\r\n", (431,)), 431, "status"))
check("10,000 header lines are 431")(
    lambda: equal(refused(HEAD + b"X: y\r\n" * 10_000 + b"\r\n", (431,)), 431, "status"))
check("a target of 200,000 octets is 414")(
    lambda: equal(refused(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", (414,)), 414, "status"))
check("a method of 200,000 octets")(lambda: refused(b"M" * 200_000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n"))
check("a head without end")(lambda: refused(HEAD, endless=b"X-More: and more\r\n" * 1000))
check("a line without end")(lambda: refused(b"GET /", endless=b"a" * 65536))
check("empty lines without end")(lambda: refused(b"", endless=b"\r\n" * 10_000))
check("a chunk extension without end")(
    lambda: refused(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;", endless=b"a" * 65536))
check("a small extension on every chunk, without end")(
    lambda: refused(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endless=b"1;ab=cdefgh\r\nx\r\n" * 4000, most=64 * MIB))
check("trailers without end")(
    lambda: refused(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", endless=b"X: y\r\n" * 10_000))
check("a chunk size with zeros without end")(
    lambda: refused(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endless=b"0" * 65536))


@check("a huge Content-Length costs nothing before the bytes come")
def _():
    with Growth() as growth:
        for path in ("/no/such/path", "/upload"):
            with Connection() as connection:
                connection.send(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000000000000\r\n\r\n" % path.encode())
                if path != "/upload":
                    true(connection.response().status in (404, 413), "status")
    growth.below(FLAT, "promised much")


@check("a TLS ClientHello on the plain port")
def _():
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\0" * 160
    refused(hello + b"\r\n\r\n", (400,))
    with Connection(timeout=PATIENCE) as connection:
        connection.send(hello)
        connection.half_close()
        said = connection.to_end()
        true(not said or said.startswith(b"HTTP/1.1 4"), f"it said {said[:60]!r}")


@check("the HTTP/2 preface where only HTTP/1 is spoken")
def _():
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "1.1") as (host, port, _), \
            Connection(host, port) as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        true(connection.response().status in (400, 505), "status")
        connection.expect_end()


@check("300 kinds of garbage", seconds=60)
def _():
    dice = random.Random(1)
    words = [b"GET ", b"/hello", b" HTTP/1.1", b"\r\n", b"\n", b"\r", b"\0", b": ", b"Host: a", b"Content-Length: 5", b" ", b"\t",
             b"Transfer-Encoding: chunked", b"0\r\n\r\n", b"\xff", b"POST ", b"5;", b"Expect: 100-continue", b"Connection: upgrade"]

    def one(turn):
        data = dice.randbytes(dice.randrange(1, 400)) if turn % 2 else b"".join(dice.choices(words, k=dice.randrange(1, 30)))
        with Connection(timeout=15) as connection:
            with contextlib.suppress(ConnectionError):
                connection.send(data)
                connection.half_close()
            said = connection.to_end()
            true(not said or said.startswith(b"HTTP/1.1 "), f"{data[:80]!r}: {said[:60]!r}")
    for turn in range(300):
        one(turn)
    healthy()


@check("a pipelined attack after a good request is refused, the good one answered")
def _():
    with Connection() as connection:
        connection.send(HEAD + b"\r\n" + b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + HEAD + b"\r\n")
        equal(connection.response().status, 200, "the good one")
        answer = connection.response()
        equal((answer.status, (answer.get("connection") or "").lower()), (400, "close"), "the bad one")
        connection.expect_end()


@check("CL.TE and TE.CL give no second answer")
def _():
    smuggled = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
    for fields, body in (
        (b"Content-Length: %d\r\nTransfer-Encoding: chunked" % (5 + len(smuggled)), b"0\r\n\r\n" + smuggled),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 4", b"%x\r\n" % len(smuggled) + smuggled + b"\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: xchunked\r\nContent-Length: 5", b"0\r\n\r\n" + smuggled),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"0\r\n\r\n" + smuggled),
    ):
        with Connection() as connection:
            connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n\r\n" + body)
            true(connection.response().status in (400, 501), f"{fields!r} was not refused")
            connection.expect_end()


# The slow ones, begun at the start.

SLOW = {
    "a head in drips ends at the deadline": lambda: drip(HEAD + b"X-Slow: ", b"a"),
    "a head that stops ends at the deadline": lambda: drip(HEAD, b""),
    "a connection that says nothing ends": lambda: drip(b"", b""),
    "a body in drips ends at the deadline": lambda: drip(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", b"a"),
    "chunks in drips end at the deadline": lambda: drip(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf000\r\n", b"a"),
    "a body invited by 100 that never comes ends": lambda: drip(
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n", b""),
    "a kept connection that stays idle ends": lambda: drip(HEAD + b"\r\n", b""),
    "a reader that stalls is let go": stalled_reader,
    "300 half heads at once all end": many_half_heads,
}


def slow(name):
    said, took = FUTURES[name].result()
    if said:
        # The kept connection and the echo have had their answer, or its head, before.
        answered = name.startswith("a kept") or "invited" in name
        last = said[said.rfind(b"HTTP/1."):]
        true(last.startswith(b"HTTP/1.1 408") or answered and last.startswith(b"HTTP/1.1 200"), f"it said {last[:60]!r}")
    print(f"ended after {took:.1f} s")


for _name in SLOW:
    check(_name, seconds=PATIENCE + 10)(lambda name=_name: slow(name))


@check("the others were served all the while")
def _():
    WATCH.stop.set()
    WATCH.thread.join(15)
    equal(WATCH.failures, [], "failures")
    true(WATCH.count > 20, f"only {WATCH.count} requests")
    true(WATCH.slowest < 5, f"one took {WATCH.slowest:.1f} s")
    print(f"{WATCH.count} requests beside the attacks, slowest {WATCH.slowest * 1000:.0f} ms")


@check("memory is given back or was never taken")
def _():
    grown = target.resident() - BEFORE
    true(grown < 64 * MIB, f"{grown / MIB:.1f} MiB more than at the start")


if __name__ == "__main__":
    _, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_hard, 8192), _hard))
    healthy()
    BEFORE = target.resident()
    WATCH = Watch()
    POOL = concurrent.futures.ThreadPoolExecutor(len(SLOW))
    FUTURES = {name: POOL.submit(work) for name, work in SLOW.items()}
    run()

"""Datagrams: a Python client against `frame listen --udp`, `frame call --udp` against a Python server, with loss."""
import concurrent.futures
import json
import signal
import socket
import time

import peer
import target
from check import check, contains, equal, run, table, true
from lossy import Datagrams, Relay
from ours import calling, listening

CALLS = 200
MOST = 1200  # octets of a datagram


def one(octets, address, plain=None):
    """Sends a datagram, and gives the one that comes back."""
    plain = plain or Datagrams()
    plain.now(octets, address)
    return plain.receive()[0]


def answers(address, payload=b"still there"):
    equal(peer.undatagram(one(peer.datagram(peer.REQUEST, payload), address)), (peer.RESPONSE, payload))


@check("requests of every length")
def _():
    with listening("--udp") as (_, address):
        for payload in (b"", b"hello", bytes(range(256)), b"x" * (MOST - 6)):
            answers(address, payload)


@check("heartbeats")
def _():
    with listening("--udp") as (_, address):
        for payload in (b"", b"still there?", b"x" * (MOST - 6)):
            equal(one(peer.datagram(peer.HEARTBEAT, payload), address), peer.datagram(peer.HEARTBEAT, payload))


def refused(octets, reason, version=10):
    with listening("--udp") as (_, address):
        answer = one(octets, address)
        equal(answer[:2], bytes([version, peer.ERROR]), "answer")
        contains(answer.decode(errors="replace"), reason)
        true(len(answer) <= max(64, len(octets)), f"{len(answer)} octets for {len(octets)}")
        answers(address)


table("an error for", {
    **{f"type {kind}": (peer.datagram(kind, b"?"), "type") for kind in (0, 5, 9, 128, 255)},
    "a response": (peer.datagram(peer.RESPONSE, b"?"), "response"),
    "version 11": (peer.datagram(peer.REQUEST, b"?", 11), "version 11"),
    "version 99": (peer.datagram(peer.REQUEST, b"?", 99), "version 99"),
    "version 20 without a frame": (b"\x14\x02\0\0\0\x01?", "", 20),
    "a frame cut in its header": (b"\x0a\x02\0", ""),
    "a frame cut after its header": (b"\x0a\x02\0\0\0\x09", "9 octets"),
    "a frame cut in its payload": (b"\x0a\x02\0\0\0\x09half", "5 octets"),
    "octets after the frame": (peer.datagram(peer.REQUEST, b"whole") + b"\x0a", ""),
    "two frames": (peer.datagram(peer.REQUEST, b"one") + peer.datagram(peer.REQUEST, b"two"), ""),
    "a length of 4 GiB": (b"\x0a\x02\xff\xff\xff\xff", "4294967295"),
    "a payload that is a little too long": (peer.datagram(peer.REQUEST, b"x" * (MOST - 5)), str(MOST)),
    "a payload that is much too long": (peer.datagram(peer.REQUEST, b"x" * 60_000), "60006"),
}, refused)


@check("nothing answers an error")
def _():
    with listening("--udp") as (_, address):
        plain = Datagrams()
        for octets in (peer.datagram(peer.ERROR, b"no"), peer.datagram(peer.ERROR), b"\x14\x04\0\0\0\x03\0\0\x01"):
            plain.now(octets, address)
        plain.now(peer.datagram(peer.HEARTBEAT, b"first"), address)
        equal(plain.receive()[0], peer.datagram(peer.HEARTBEAT, b"first"))
        plain.socket.settimeout(0.2)
        try:
            true(False, f"one more answer: {plain.receive()[0]}")
        except TimeoutError:
            pass


@check("a flood is answered as far as its budget goes, and requests go on", 60)
def _():
    with listening("--udp") as (process, address), target.Growth(process.pid) as growth:
        plain, start = Datagrams(), time.monotonic()
        plain.socket.setblocking(False)
        got = 0
        for octets in (peer.datagram(peer.HEARTBEAT), b"\x0a", peer.datagram(9, b"x" * 1000)) * 10_000:
            plain.now(octets, address)
            try:
                plain.socket.recv(1 << 16)
                got += 1
            except BlockingIOError:
                pass
        plain.socket.settimeout(0.5)
        try:
            while True:
                plain.socket.recv(1 << 16)
                got += 1
        except TimeoutError:
            pass
        allowed = 1000 + 200 * (time.monotonic() - start)
        true(500 < got <= allowed, f"{got} answers, {allowed:.0f} allowed")
        answers(address)
    growth.below(8 * target.MIB, "datagrams came")


@check("200 calls with 30 % lost, some twice and some late", 60)
def _():
    with listening("--udp") as (process, address), target.Growth(process.pid) as growth:
        def call(number):
            lossy = Datagrams(seed=number, loss=0.3, twice=0.1, late=0.1)
            text = b"call %d" % number
            answer = lossy.call(address, text)
            if answer is not None:
                equal(answer, (peer.RESPONSE, text))
            # What is still on its way: the same answer again, and never more answers than questions.
            lossy.socket.settimeout(0.7)
            try:
                while True:
                    equal(peer.undatagram(lossy.receive()[0]), (peer.RESPONSE, text), "a further answer")
            except TimeoutError:
                pass
            true(lossy.received <= lossy.sent, f"{lossy.received} answers to {lossy.sent} datagrams")
            lossy.socket.close()
            return answer is not None, lossy.sent
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            done = list(pool.map(call, range(CALLS)))
        answered = sum(answer for answer, _ in done)
        true(answered >= 0.9 * CALLS, f"{answered} of {CALLS} calls were answered")
        true(sum(sent for _, sent in done) > CALLS, "nothing was ever sent again")
        answers(address)
    growth.below(8 * target.MIB, "calls came")


@check("SIGTERM ends it with 0")
def _():
    with listening("--udp") as (process, address):
        answers(address)
        process.send_signal(signal.SIGTERM)
        equal(process.wait(10), 0, "exit code")


@check("calls, in their order")
def _():
    done = calling(Datagrams().start().address, "--udp", "ADDR", "one", "two", "three")
    equal((done.returncode, done.stdout, done.stderr), (0, "ONE\nTWO\nTHREE\n", ""))


@check("an error answer is said, and the others are printed")
def _():
    done = calling(Datagrams().start().address, "--udp", "ADDR", "one", "bad", "three")
    equal((done.returncode, done.stdout), (1, "ONE\nTHREE\n"))
    contains(done.stderr, "that is bad")
    equal(done.stderr.count("\n"), 1, "lines of stderr")


@check("a heartbeat, there and back")
def _():
    done = calling(Datagrams().start().address, "--udp", "--heartbeat", "ADDR")
    equal((done.returncode, done.stderr), (0, ""))
    word, milliseconds, unit = done.stdout.split()
    equal((word, unit), ("heartbeat", "ms"))
    true(0 < float(milliseconds) < 5000, done.stdout)
    with listening("--udp") as (_, address):
        done = calling(address, "--udp", "--extended", "--json", "--heartbeat", "ADDR", "hello")
        beat, answer = map(json.loads, done.stdout.splitlines())
        equal((done.returncode, beat["heartbeat"], answer["answer"]), (0, True, "hello"), done.stderr)


@check("`frame call` with 30 % lost, some twice and some late", 60)
def _():
    lossy = Datagrams(seed=1, loss=0.3, twice=0.1, late=0.1).start()
    texts = [f"text {number}" for number in range(CALLS)]
    done = calling(lossy.address, "--udp", "--json", "--timeout", "8", "ADDR", *texts, seconds=50)
    verdicts(done, texts, str.upper, 0.75)
    true(lossy.received > CALLS, f"{lossy.received} datagrams for {CALLS} calls: nothing was ever sent again")


def verdicts(done, texts, answer, least):
    """Each call has one line: its own answer, or that its time is over."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    equal([line["text"] for line in lines], texts, "texts")
    late = 0
    for line in lines:
        equal("answer" in line, "error" not in line, "an answer and no error, or the other way round")
        if "answer" in line:
            equal(line["answer"], answer(line["text"]), "answer")
        else:
            contains(line["error"], "in time")
            late += 1
    true(late <= (1 - least) * len(texts), f"{late} of {len(texts)} calls had no answer in time")
    equal((done.returncode, done.stderr.count("\n")), (1 if late else 0, late), "exit code and lines of stderr")


@check("--extended over a relay that loses 30 %, doubles 10 % and changes the order: each is processed once", 60)
def _():
    lines = []
    texts = [f"text {number}" for number in range(CALLS)]
    with listening("--udp", "-v", lines=lines) as (_, address), Relay(address, 7, loss=0.3, twice=0.1, late=0.3) as relay:
        done = calling(relay.address, "--udp", "--extended", "--json", "ADDR", *texts, seconds=50)
        # The relay's own socket was the last to be handed anything.
        target.wait_for(lambda: not relay.waiting, 5, "the relay still has datagrams")
        answers(address, b"the end")
        target.wait_for(lambda: any("the end" in line and line.startswith("> ") for line in lines), 5, "the log ends early")
    verdicts(done, texts, str, 0.95)
    runs = sum(line.startswith("* at work") for line in lines) - 1
    equal(runs, len(relay.handed), "requests processed")
    true(sum(relay.handed.values()) > len(relay.handed), "no request came twice")
    true(any(len(octets) > 1 for octets in relay.answers.values()), "no answer was sent twice")
    for octets in relay.answers.values():
        equal(len(set(octets)), 1, "different answers to one request")


@check("nobody answers in time, nobody listens, and wrong usage")
def _():
    with Datagrams().socket as silent:
        address = silent.getsockname()
        done = calling(address, "--udp", "--timeout", "0.3", "ADDR", "hello")
        equal((done.returncode, done.stdout), (1, ""))
        contains(done.stderr, "in time")
        true("listens" not in done.stderr, done.stderr)
    for form in ([], ["--extended"]):
        done = calling(address, "--udp", *form, "--timeout", "0.3", "ADDR", "hello")
        equal(done.returncode, 1, "exit code")
        contains(done.stderr, "nobody listens")
    for arguments in (["--udp", "ADDR"], ["--udp"], ["--udp", "--timeout", "soon", "ADDR", "x"]):
        equal(calling(address, *arguments).returncode, 2, f"exit code of {arguments}")


@check("nobody listens at first")
def _():
    with Datagrams().socket as free:
        address = free.getsockname()

    class Late(Datagrams):
        def __init__(self):
            super().__init__()
            self.socket.close()
            time.sleep(0.7)
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(address)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        calls = pool.submit(calling, address, "--udp", "ADDR", "hello")
        late = Late().start()
        done = calls.result()
        late.socket.close()
    equal((done.returncode, done.stdout), (0, "HELLO\n"), done.stderr)


run()

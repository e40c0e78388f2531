"""UDP that loses, doubles and delays on purpose: a socket, and a relay between two others."""
import contextlib
import heapq
import random
import select
import socket
import threading
import time

import peer


class Datagrams:
    """A UDP socket that loses, doubles and delays on purpose, as often as it is told (0 to 1)."""

    def __init__(self, seed=0, loss=0.0, twice=0.0, late=0.0, seconds=10):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(seconds)
        self.address = self.socket.getsockname()
        self.random, self.loss, self.twice, self.late = random.Random(seed), loss, twice, late
        self.sent = self.received = 0

    def send(self, octets, to):
        if self.random.random() < self.loss:
            return
        for _ in range(1 + (self.random.random() < self.twice)):
            self.sent += 1
            if self.random.random() < self.late:
                threading.Timer(self.random.uniform(0.05, 0.5), self.now, (octets, to)).start()
            else:
                self.now(octets, to)

    def now(self, octets, to):
        with contextlib.suppress(OSError):
            self.socket.sendto(octets, to)

    def receive(self):
        while True:
            octets, sender = self.socket.recvfrom(1 << 16)
            self.received += 1
            if self.random.random() >= self.loss:
                return octets, sender

    def call(self, to, payload, kind=peer.REQUEST, pause=0.05, seconds=5.0):
        """Asks until there is an answer; None when there is none in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.send(peer.datagram(kind, payload), to)
            self.socket.settimeout(pause)
            with contextlib.suppress(TimeoutError):
                return peer.undatagram(self.receive()[0])
            pause *= 2

    def serve(self):
        """Answers as `serve` does, until the socket is closed; a request that comes twice is answered twice."""
        self.socket.settimeout(None)
        with contextlib.suppress(OSError):
            while True:
                octets, sender = self.receive()
                kind, payload = peer.undatagram(octets)
                if kind == peer.HEARTBEAT:
                    self.send(octets, sender)
                elif kind == peer.REQUEST and payload != b"bad":
                    self.send(peer.datagram(peer.RESPONSE, payload.upper()), sender)
                else:
                    self.send(peer.datagram(peer.ERROR, b"that is bad"), sender)

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self


class Relay(threading.Thread):
    """Between callers and a listener of the extended form; knows which id was handed on how often, and what came back."""

    def __init__(self, to, seed, loss, twice, late):
        super().__init__(daemon=True)
        self.to, self.random = to, random.Random(seed)
        self.loss, self.twice, self.late = loss, twice, late
        self.front = self.open()
        self.address = self.front.getsockname()
        self.backs, self.waiting, self.ended = {}, [], False
        self.sent, self.handed, self.answers = 0, {}, {}

    def open(self):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        opened.bind(("127.0.0.1", 0))
        return opened

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
        for opened in (self.front, *self.backs.values()):
            opened.close()

    def run(self):
        while not self.ended:
            pause = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else 0.05
            for ready in select.select([self.front, *self.backs.values()], [], [], min(pause, 0.05))[0]:
                octets, sender = ready.recvfrom(1 << 16)
                if ready is self.front:
                    self.sent += 1
                    back = self.backs.get(sender) or self.backs.setdefault(sender, self.open())
                    self.take(octets, back, self.to)
                else:
                    kind, id_ = head(octets)
                    if kind in (peer.RESPONSE, peer.ERROR):
                        self.answers.setdefault(id_, []).append(octets)
                    caller = next(known for known, back in self.backs.items() if back is ready)
                    self.take(octets, self.front, caller)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self.hand_on(*heapq.heappop(self.waiting)[2:])

    def take(self, octets, out, to):
        if self.random.random() < self.loss:
            return
        for _ in range(1 + (self.random.random() < self.twice)):
            if self.random.random() < self.late:
                due = time.monotonic() + self.random.uniform(0.001, 0.1)
                heapq.heappush(self.waiting, (due, self.random.random(), octets, out, to))
            else:
                self.hand_on(octets, out, to)

    def hand_on(self, octets, out, to):
        kind, id_ = head(octets)
        if to == self.to and kind == peer.REQUEST:
            self.handed[id_] = self.handed.get(id_, 0) + 1
        out.sendto(octets, to)


def head(octets):
    """Type and id of a frame of version 20: the header, flags, and a variable-length integer (RFC 9000 16)."""
    version, kind, _ = peer.HEADER.unpack_from(octets)
    assert version == 20, f"version {version}"
    size = 1 << (octets[7] >> 6)
    return kind, int.from_bytes(octets[7:7 + size], "big") & ((1 << (8 * size - 2)) - 1)

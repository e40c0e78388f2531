"""The base form over TCP: a Python client against `frame listen`, and `frame call` against a Python server."""
import contextlib
import signal
import socket
import struct
import subprocess
import threading

import peer
import target
from check import check, contains, equal, run, table, true
from ours import listening


@contextlib.contextmanager
def connected():
    with listening() as (process, address), socket.create_connection(address, timeout=10) as stream:
        yield process, stream


def command(*arguments, heartbeat="echo"):
    listener = peer.listen()
    threading.Thread(target=peer.serve, args=(listener, heartbeat), daemon=True).start()
    address = "%s:%d" % listener.getsockname()
    arguments = [argument.replace("ADDR", address) for argument in arguments]
    return subprocess.run([target.BINARY, "frame", "call", *arguments], capture_output=True, text=True, timeout=15)


@check("requests, one by one and pipelined")
def _():
    with connected() as (_, stream):
        for payload in (b"", b"hello", bytes(range(256)), b"x" * 1_000_000):
            equal(peer.call(stream, payload), (peer.RESPONSE, payload))
        for number in range(1000):
            peer.send(stream, peer.REQUEST, b"%d" % number)
        for number in range(1000):
            equal(peer.receive(stream), (peer.RESPONSE, b"%d" % number))


@check("heartbeats")
def _():
    with connected() as (_, stream):
        for payload in (b"", b"still there?"):
            peer.send(stream, peer.HEARTBEAT, payload)
            equal(peer.receive(stream), (peer.HEARTBEAT, payload))


def what_else(kind):
    with connected() as (_, stream):
        peer.send(stream, kind, b"?")
        answer, text = peer.receive(stream)
        equal(answer, peer.ERROR, "answer")
        true(text.decode(), "the error says nothing")
        # The session goes on.
        equal(peer.call(stream, b"on"), (peer.RESPONSE, b"on"))


table("an error for", {f"type {kind}": (kind,) for kind in (0, 3, 4, 5, 9, 128, 255)}, what_else)


def fatal(octets, reason):
    with listening() as (process, address):
        with target.Growth(process.pid) as growth, socket.create_connection(address, timeout=10) as stream:
            stream.sendall(octets)
            kind, text = peer.receive(stream)
            equal(kind, peer.ERROR)
            contains(text.decode(), reason)
            equal(stream.recv(1), b"", "after the error")
        growth.below(target.MIB, "a bad frame came")
        with socket.create_connection(address, timeout=10) as stream:
            equal(peer.call(stream, b"next"), (peer.RESPONSE, b"next"))


table("an error and the end for", {
    "version 11": (b"\x0b\x02\0\0\0\0", "version 11"),
    "version 99": (b"\x63\x02\0\0\0\0", "version 99"),
    "text": (b"GET / HTTP/1.1\r\n\r\n", "version 71"),
    "4 GiB": (b"\x0a\x02\xff\xff\xff\xff", "4294967295"),
}, fatal)


@check("byte by byte, and half-closed")
def _():
    with connected() as (_, stream):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in peer.HEADER.pack(10, peer.REQUEST, 4) + b"slow":
            stream.sendall(bytes([octet]))
        stream.shutdown(socket.SHUT_WR)
        equal(peer.receive(stream), (peer.RESPONSE, b"slow"))
        equal(stream.recv(1), b"", "after the answer")


def cut(octets, reset):
    with listening() as (process, address):
        with socket.create_connection(address, timeout=10) as stream:
            stream.sendall(peer.HEADER.pack(10, peer.REQUEST, 5) + b"whole" + octets)
            equal(peer.receive(stream), (peer.RESPONSE, b"whole"))
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                stream.shutdown(socket.SHUT_WR)
                # It may say why, but answers nothing.
                with contextlib.suppress(EOFError):
                    while True:
                        equal(peer.receive(stream)[0], peer.ERROR, "after a cut frame")
        with socket.create_connection(address, timeout=10) as stream:
            equal(peer.call(stream, b"next"), (peer.RESPONSE, b"next"))
        true(process.poll() is None, "the listener is gone")


table("a frame that is cut", {
    "in its header": (b"\x0a\x02\0", False), "after its header": (b"\x0a\x02\0\0\0\x09", False),
    "in its payload": (b"\x0a\x02\0\0\0\x09half", False), "by a reset": (b"\x0a\x02\0\0\0\x09half", True),
}, cut)


@check("a million heartbeats end with an error", 60)
def _():
    with connected() as (process, stream), target.Growth(process.pid) as growth:
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                stream.sendall(peer.HEADER.pack(10, peer.HEARTBEAT, 0) * 1000)
        kinds = set()
        with contextlib.suppress(ConnectionError, EOFError):
            while True:
                kinds.add(peer.receive(stream)[0])
    growth.below(4 * target.MIB, "heartbeats came")
    true(kinds <= {peer.HEARTBEAT, peer.ERROR}, f"answers {kinds}")


@check("SIGTERM ends it with 0")
def _():
    with listening() as (process, _):
        process.send_signal(signal.SIGTERM)
        equal(process.wait(10), 0, "exit code")


@check("calls, in their order")
def _():
    done = command("ADDR", "one", "two", "three")
    equal((done.returncode, done.stdout, done.stderr), (0, "ONE\nTWO\nTHREE\n", ""))


@check("an error answer is said, and the others are printed")
def _():
    done = command("ADDR", "one", "bad", "three")
    equal((done.returncode, done.stdout), (1, "ONE\nTHREE\n"))
    contains(done.stderr, "that is bad")
    equal(done.stderr.count("\n"), 1, "lines of stderr")


@check("a heartbeat, there and back")
def _():
    for form in ([], ["--extended"]):
        done = command(*form, "--heartbeat", "ADDR", "one")
        beat, answer = done.stdout.splitlines()
        equal((done.returncode, beat.split()[0], answer), (0, "heartbeat", "ONE"), done.stderr)
        true(0 < float(beat.split()[1]) < 5000, beat)


def falls_back(heartbeat):
    done = command("--extended", "ADDR", "one", "two", heartbeat=heartbeat)
    equal((done.returncode, done.stdout), (0, "ONE\nTWO\n"), done.stderr)


table("--extended falls back when the hello gets", {
    "its echo": ("echo",), "an empty heartbeat": ("empty",), "an error": ("error",), "no answer": ("none",),
}, falls_back)


@check("--extended against our own listener")
def _():
    with listening() as (_, (host, port)):
        texts = [str(number) * 1000 for number in range(100)]
        done = subprocess.run([target.BINARY, "frame", "call", "--extended", f"{host}:{port}", *texts],
                              capture_output=True, text=True, timeout=15)
        equal((done.returncode, done.stdout.split()), (0, texts), done.stderr)


@check("nobody answers in time, nobody is there, and wrong usage")
def _():
    with peer.listen() as silent:
        done = subprocess.run([target.BINARY, "frame", "call", "--timeout", "0.3", "%s:%d" % silent.getsockname(), "hello"],
                              capture_output=True, text=True, timeout=15)
        equal((done.returncode, done.stdout), (1, ""))
        contains(done.stderr, "in time")
        address = "%s:%d" % silent.getsockname()
    done = subprocess.run([target.BINARY, "frame", "call", address, "hello"], capture_output=True, text=True, timeout=15)
    equal(done.returncode, 1, "exit code")
    done = subprocess.run([target.BINARY, "frame", "call", address], capture_output=True, text=True, timeout=15)
    equal(done.returncode, 2, "exit code")


run()

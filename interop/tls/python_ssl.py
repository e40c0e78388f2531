"""Python's ssl: verification, resumption, large transfers, endings, and what is no TLS at all."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import socket
import ssl

import certs
from check import check, contains, equal, run, table, true
from ours import demo
from target import CERTIFICATE, HOST, MIB, TLS_PORT, Growth, pattern

ONE = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = {"1.2": (V12,), "1.3": (V13,)}


def context(version=None, ca=CERTIFICATE):
    made = ssl.create_default_context(cafile=ca)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def client(version=None):
    return http.client.HTTPSConnection("localhost", TLS_PORT, timeout=10, context=context(version))


def tcp():
    return socket.create_connection((HOST, TLS_PORT), timeout=10)


def connect(made, session=None):
    return made.wrap_socket(tcp(), server_hostname="localhost", session=session)


def to_end(peer):
    """All that comes until close_notify; without it an ssl.SSLEOFError is raised."""
    parts = []
    while part := peer.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def healthy():
    connection = client()
    connection.request("GET", "/hello")
    equal(connection.getresponse().read(), b"hello, world\n", "body")
    connection.close()


# http.client

def exchanges(version):
    connection = client(version)
    connection.connect()
    local = connection.sock.getsockname()
    equal(connection.sock.version(), f"TLSv1.{2 if version == V12 else 3}", "version")
    for turn in range(20):
        for method, path, body in (("GET", "/hello", None), ("POST", "/echo", b"x" * turn * 900), ("HEAD", "/bytes/9999", None),
                                   ("GET", f"/bytes/{turn * 2000}", None), ("GET", "/status/204", None)):
            connection.request(method, path, body)
            data = connection.getresponse().read()
            want = {"/hello": b"hello, world\n", "/echo": body, "/bytes/9999": b"", "/status/204": b""}.get(path, pattern(turn * 2000))
            true(data == want, f"{method} {path}: wrong body of {len(data)} bytes")
            equal(connection.sock.getsockname(), local, "the connection in use")
    connection.close()


def large(version):
    body = pattern(20 * MIB)
    with Growth() as growth:
        connection = client(version)
        connection.request("POST", "/upload", body)
        equal(json.load(connection.getresponse()), {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}, "what was received")
        connection.request("GET", f"/bytes/{len(body)}")
        true(connection.getresponse().read() == body, "the download differs")
    growth.below(32 * MIB, "20 MiB went each way")


def resumption(version):
    made, session = context(version), None
    for turn in range(4):
        with connect(made, session) as peer:
            peer.sendall(LAST)
            contains(to_end(peer), b"hello, world", "answer")
            equal(peer.session_reused, turn > 0, f"session of connection {turn} reused")
            session = peer.session


table("http.client: 100 exchanges on one connection, TLS", VERSIONS, exchanges)
table("http.client: 20 MiB up and down in flat memory, TLS", VERSIONS, large)
table("resumption, four connections in a row, TLS", VERSIONS, resumption)


@check("resumption: one session for ten connections at once")
def _():
    for version in (V12, V13):
        made = context(version)
        with connect(made) as peer:
            peer.sendall(LAST)
            to_end(peer)
            session = peer.session

        def again(_, made=made, session=session):
            with connect(made, session) as other:
                other.sendall(LAST)
                return b"hello, world" in to_end(other), other.session_reused
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            equal(list(pool.map(again, range(10))), [(True, True)] * 10, "answered and reused")


@check("refused by the client: a wrong host name, an unknown certificate")
def _():
    for made, name, part in ((context(), "example.test", "Hostname mismatch"), (context(ca=certs.Authority("other").cert), "localhost", "self")):
        with tcp() as raw:
            try:
                made.wrap_socket(raw, server_hostname=name)
            except ssl.SSLCertVerificationError as error:
                contains(str(error), part, "error")
            else:
                raise AssertionError(f"{name} was accepted")
    healthy()


@check("100 clients at once, each with a request after all are connected")
def _():
    made = context()
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(20) as pool:
        peers = [stack.enter_context(peer) for peer in pool.map(lambda _: connect(made), range(100))]
        for index, peer in enumerate(peers):
            peer.sendall(f"GET /bytes/{index * 1000} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        for index, peer in enumerate(peers):
            true(to_end(peer).endswith(b"\r\n\r\n" + pattern(index * 1000)), f"answer {index} is wrong")


def client_certificates(version):
    root, clients = certs.Authority("root"), certs.Authority("clients")
    known = clients.issue("known", None, usage="clientAuth")
    with demo("--client-ca", clients.cert, pair=root.issue("server")) as (_, port, _):
        def ask(made):
            connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=made)
            connection.request("GET", "/headers")
            return json.load(connection.getresponse())["tls"]["client"]
        with_one, without = context(version, root.cert), context(version, root.cert)
        with_one.load_cert_chain(known.chain, known.key)
        equal(ask(with_one), "CN=known", "client")
        try:
            ask(without)
        except ssl.SSLError as error:
            contains(str(error).lower(), "certificate required", "error")
        else:
            raise AssertionError("a client without a certificate was served")


table("client certificates, TLS", VERSIONS, client_certificates)


# How a connection ends. SSLObject, because SSLSocket cannot go on reading after its own close_notify.

class Memory:
    """TLS without a socket's own opinion of its end: both directions are closed by hand."""

    def __init__(self, version):
        self.raw, self.incoming, self.outgoing = tcp(), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(version).wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.drive(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def flush(self):
        self.raw.sendall(self.outgoing.read())

    def drive(self, action):
        """Runs an action to its end, with ciphertext as it needs."""
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.raw.recv(1 << 16)
                self.incoming.write(data) if data else self.incoming.write_eof()
            finally:
                self.flush()

    def read_to_end(self):
        """All plaintext until close_notify."""
        parts = []
        with contextlib.suppress(ssl.SSLZeroReturnError):
            while part := self.drive(lambda: self.tls.read(1 << 16)):
                parts.append(part)
        return b"".join(parts)

    def close_notify(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.flush()


def half_close(version):
    with Memory(version) as peer:
        peer.tls.write(ONE)
        peer.close_notify()
        data = peer.read_to_end()
        contains(data, b"HTTP/1.1 200 ", "the answer after close_notify")
        true(data.endswith(b"hello, world\n"), "the answer is not complete")
        equal(peer.raw.recv(100), b"", "octets after the server's close_notify")


def server_closes(version):
    with connect(context(version)) as peer:
        # suppress_ragged_eofs would hide a missing close_notify.
        peer.suppress_ragged_eofs = False
        peer.sendall(LAST)
        true(to_end(peer).endswith(b"hello, world\n"), "the answer is not complete")
        peer.unwrap()


def idle_close(version):
    """Without a request under way, close_notify is answered with close_notify."""
    with connect(context(version)) as peer:
        peer.suppress_ragged_eofs = False
        peer.unwrap().close()


def truncated(version):
    """TCP ends without close_notify inside a request: nothing of it is taken for whole."""
    with connect(context(version)) as peer:
        peer.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
        raw = socket.socket(fileno=peer.detach())
    with raw:
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(8)
        with contextlib.suppress(ConnectionError):
            while raw.recv(1 << 16):
                pass
    healthy()


table("half-close: a request, then close_notify, is answered, TLS", VERSIONS, half_close)
table("the server ends with close_notify, TLS", VERSIONS, server_closes)
table("close_notify without a request is answered, TLS", VERSIONS, idle_close)
table("a request cut off without close_notify, TLS", VERSIONS, truncated)


# Octets by hand.

def hello(version=None):
    """A ClientHello as ssl makes it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context(version).wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@check("a ClientHello that comes octet by octet")
def _():
    for version in (V12, V13):
        with tcp() as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in hello(version):
                raw.sendall(bytes([octet]))
            # A handshake record with a ServerHello.
            head = raw.recv(6, socket.MSG_WAITALL)
            equal((head[0], head[5]), (22, 2), "type of the record and of its message")


@check("a ClientHello in records of one octet each")
def _():
    message = hello()[5:]
    with tcp() as raw:
        raw.sendall(b"".join(b"\x16\x03\x01\x00\x01" + bytes([octet]) for octet in message))
        head = raw.recv(6, socket.MSG_WAITALL)
        equal((head[0], head[5]), (22, 2), "type of the record and of its message")


def refused(data):
    """An alert or a plain close, soon; never a hang, never HTTP."""
    with tcp() as raw:
        raw.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(1 << 16):
                answer += part
        true(not answer or len(answer) == 7 and (answer[0], answer[5]) == (21, 2), f"neither a fatal alert nor nothing: {answer[:40]!r}")
        true(answer.count(b"HTTP/") == 0, "HTTP without TLS")
    healthy()


_hello = hello()
table("refused:", {
    "HTTP in the clear": (LAST,),
    "an HTTP/2 preface in the clear": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
    "zeroes": (bytes(1000),),
    "noise": (hashlib.shake_256(b"noise").digest(5000),),
    "an SSLv2 hello": (b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),),
    "a record that is too long": (b"\x16\x03\x01\xff\xff" + bytes(70_000),),
    "application data first": (b"\x17\x03\x03\x00\x05hello",),
    "an alert first": (b"\x15\x03\x01\x00\x02\x02\x28",),
    "a record of an unknown type": (b"\x63\x03\x01\x00\x05hello",),
    "empty handshake records": (b"\x16\x03\x01\x00\x00" * 1000,),
    "a ClientHello with a wrong length inside": (_hello[:6] + b"\x00\x00\x10" + _hello[9:],),
    "a ClientHello of 16 MiB": (b"\x16\x03\x01\x40\x00\x01\xff\xff\xfc" + bytes(16380) + (b"\x16\x03\x01\x40\x00" + bytes(16384)) * 8,),
    "a ServerHello": (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",),
}, refused, seconds=8)


@check("a ClientHello, then noise: the server ends it, behind its own first messages")
def _():
    with tcp() as raw:
        raw.sendall(_hello + hashlib.shake_256(b"more").digest(500))
        data = b""
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(1 << 16):
                data += part
        true(not data or data[0] == 22, f"no ServerHello: {data[:40]!r}")
    healthy()


@check("200 connections that say nothing do not keep others out")
def _():
    with contextlib.ExitStack() as stack:
        for index in range(200):
            raw = stack.enter_context(tcp())
            raw.sendall(_hello[:index % 100])
        healthy()


@check("a client that stops in the handshake is let go at the deadline")
def _():
    with tcp() as raw:
        raw.settimeout(15)
        raw.sendall(_hello[:50])
        with contextlib.suppress(ConnectionError):
            while raw.recv(1 << 10):
                pass


if __name__ == "__main__":
    run()

"""quic-lite against aioquic, in both roles: the example `echo` sends back what comes, and so does aioquic. In some checks a relay between
them loses datagrams."""
import asyncio
import contextlib
import json
import os
import random
import subprocess

import certs
from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamDataReceived
from aioquic.quic.packet import QuicProtocolVersion
from check import check, contains, equal, run, table, true

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALPN = ["echo"]
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2


def build():
    """The example, in the build with assertions."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--package", "wirelace-quic-lite", "--example", "echo",
               "--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    true(done.returncode == 0, f"cargo build: {done.stderr.strip()[-300:]}")
    built = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (program,) = [entry["executable"] for entry in built if entry.get("executable")]
    return program


PROGRAM = build()
AUTHORITY = certs.Authority("an authority")
LEAF = AUTHORITY.issue("localhost")


class Relay(asyncio.DatagramProtocol):
    """Stands between a client and a server, and loses datagrams of both."""

    def __init__(self, server, loss, seed=1):
        self.server, self.loss, self.random = server, loss, random.Random(seed)
        self.front, self.backs, self.lost = None, {}, 0

    def connection_made(self, transport):
        self.front = transport

    def gone(self):
        gone = self.random.random() < self.loss
        self.lost += gone
        return gone

    def datagram_received(self, data, sender):
        asyncio.ensure_future(self.forward(data, sender))

    async def forward(self, data, sender):
        if sender not in self.backs:
            relay = self

            class Back(asyncio.DatagramProtocol):
                def datagram_received(self, data, _):
                    if not relay.gone() and not relay.front.is_closing():
                        relay.front.sendto(data, sender)

            loop = asyncio.get_running_loop()
            self.backs[sender], _ = await loop.create_datagram_endpoint(Back, remote_addr=self.server)
        if not self.gone():
            self.backs[sender].sendto(data)


@contextlib.asynccontextmanager
async def relayed(port, loss):
    """The port to use instead."""
    if not loss:
        yield port
        return
    loop = asyncio.get_running_loop()
    transport, relay = await loop.create_datagram_endpoint(lambda: Relay(("127.0.0.1", port), loss), local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
        true(relay.lost > 0, "the relay has lost nothing")
    finally:
        for back in relay.backs.values():
            back.close()
        transport.close()


class Echo(QuicConnectionProtocol):
    """aioquic as a server."""

    terminated = None

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self._quic.send_stream_data(event.stream_id, event.data, event.end_stream)
            self.transmit()
        elif isinstance(event, ConnectionTerminated):
            Echo.terminated = event


class Asking(QuicConnectionProtocol):
    """aioquic as a client."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.got, self.ends, self.handshake = {}, {}, None

    def quic_event_received(self, event):
        if isinstance(event, HandshakeCompleted):
            self.handshake = event
        elif isinstance(event, StreamDataReceived):
            self.got.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.ends[event.stream_id].set_result(None)
        elif isinstance(event, ConnectionTerminated):
            for end in self.ends.values():
                if not end.done():
                    end.set_exception(RuntimeError(f"ended: {event}"))

    async def ask(self, data, seconds=40):
        stream = self._quic.get_next_available_stream_id()
        self.ends[stream] = asyncio.get_running_loop().create_future()
        self._quic.send_stream_data(stream, data, True)
        self.transmit()
        await asyncio.wait_for(self.ends[stream], seconds)
        true(bytes(self.got[stream]) == data, f"{len(self.got[stream])} other octets than the {len(data)} that were sent")


@contextlib.contextmanager
def our_server():
    """Yields its port."""
    process = subprocess.Popen([PROGRAM, "server", "127.0.0.1:0", LEAF.cert, LEAF.key], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        contains(line, "listening on", "first line")
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def client_configuration(version=V1):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=ALPN, server_name="localhost",
                                      original_version=version, supported_versions=[version])
    configuration.load_verify_locations(AUTHORITY.cert)
    return configuration


async def ask_us(sizes, version=V1, loss=0, update=False):
    with our_server() as port:
        async with relayed(port, loss) as front:
            async with connect("127.0.0.1", front, configuration=client_configuration(version), create_protocol=Asking) as peer:
                for number, size in enumerate(sizes):
                    await peer.ask(random.Random(number).randbytes(size))
                    if update:
                        peer.request_key_update()


async def we_ask(size, retry=False, loss=0):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN)
    configuration.load_cert_chain(LEAF.cert, LEAF.key)
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Echo, retry=retry)
    try:
        port = server._transport.get_extra_info("sockname")[1]
        async with relayed(port, loss) as front:
            process = await asyncio.create_subprocess_exec(
                PROGRAM, "client", f"127.0.0.1:{front}", AUTHORITY.cert, str(size),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
            out, _ = await process.communicate()
    finally:
        server.close()
    text = out.decode(errors="replace")
    equal(process.returncode, 0, f"exit status, after {text[-300:]!r}")
    contains(text, f"{size} octets came back", "output")


def asked(**named):
    asyncio.run(ask_us(**named))


def asking(**named):
    asyncio.run(we_ask(**named))


table("our server:", {
    "one small stream": (lambda: asked(sizes=[100]),),
    "streams of many sizes": (lambda: asked(sizes=[1, 1000, 1200, 65536, 300_000]),),
    "forty streams": (lambda: asked(sizes=[500] * 40),),
    "version 2": (lambda: asked(sizes=[100_000], version=V2),),
    "key updates": (lambda: asked(sizes=[20_000] * 6, update=True),),
    "a twentieth of the datagrams lost": (lambda: asked(sizes=[100, 100_000], loss=0.05),),
    "a fifth of the datagrams lost": (lambda: asked(sizes=[100, 50_000], loss=0.2),),
}, lambda what: what(), seconds=60)

table("our client:", {
    "a small stream": (lambda: asking(size=100),),
    "a large stream": (lambda: asking(size=500_000),),
    "a Retry": (lambda: asking(size=10_000, retry=True),),
    "a twentieth of the datagrams lost": (lambda: asking(size=100_000, loss=0.05),),
    "a Retry, and a fifth of the datagrams lost": (lambda: asking(size=20_000, retry=True, loss=0.2),),
}, lambda what: what(), seconds=60)


@check("our client: a server of another name is refused")
def another_name():
    async def refused():
        other = AUTHORITY.issue("elsewhere", names="DNS:elsewhere.example")
        configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN)
        configuration.load_cert_chain(other.cert, other.key)
        server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Echo)
        port = server._transport.get_extra_info("sockname")[1]
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "client", f"127.0.0.1:{port}", AUTHORITY.cert, "10", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        out, _ = await process.communicate()
        server.close()
        true(process.returncode != 0, f"it went on: {out[-200:]}")
        contains(out.decode(), "localhost", "output")

    asyncio.run(refused())


run()

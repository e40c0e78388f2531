"""The demo over HTTP/3, asked by libcurl (ngtcp2), aioquic, and ngtcp2's own client, which loses datagrams and moves."""
import asyncio
import hashlib
import os
import subprocess
import tempfile

import certs
import target
from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived, PushPromiseReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated
from aioquic.quic.packet import QuicProtocolVersion
from check import check, contains, equal, run, table, true
from curl_cffi import CurlHttpVersion, requests

AUTHORITY = certs.Authority("an authority")
LEAF = AUTHORITY.issue("localhost")
OPTIONS = ["demo", "--listen", "127.0.0.1:0", "--plain", "127.0.0.1:0", "--cert", LEAF.cert, "--key", LEAF.key, "--http", "1.1,2,3"]


def demo():
    return target.server(*OPTIONS, scheme="https")


# --- libcurl ------------------------------------------------------------------------------------------------------


def curl(port, path, method="GET", **named):
    reply = requests.request(method, f"https://localhost:{port}{path}", http_version=CurlHttpVersion.V3ONLY, verify=AUTHORITY.cert,
                             timeout=20, **named)
    equal(reply.http_version, 30, "version, 30 being HTTP/3")
    return reply


@check("libcurl: every size, each on a connection of its own")
def curl_sizes():
    with demo() as (_, port, _process):
        for size in [0, 1, 1000, 1200, 16_384, 65_536, 1_000_000]:
            reply = curl(port, f"/bytes/{size}")
            equal((reply.status_code, len(reply.content)), (200, size), "status and length")
            true(reply.content == target.pattern(size), "other octets")


@check("libcurl: many requests on one connection")
def curl_many():
    with demo() as (_, port, _process), requests.Session(verify=AUTHORITY.cert, http_version=CurlHttpVersion.V3ONLY) as session:
        for number in range(100):
            reply = session.get(f"https://localhost:{port}/bytes/{number * 37}", timeout=20)
            equal((reply.http_version, len(reply.content)), (30, number * 37), "version and length")


@check("libcurl: bodies there and back")
def curl_echo():
    with demo() as (_, port, _process):
        for size in [0, 1, 10_000, 500_000]:
            data = target.pattern(size)
            reply = curl(port, "/echo", "POST", data=data)
            equal(reply.status_code, 200, "status")
            true(reply.content == data, f"other octets than the {size} that were sent")


@check("libcurl: HEAD, 404, methods, ranges")
def curl_kinds():
    with demo() as (_, port, _process):
        reply = curl(port, "/bytes/1000", "HEAD")
        equal((reply.status_code, reply.headers["content-length"], reply.content), (200, "1000", b""), "HEAD")
        equal(curl(port, "/nothing-here").status_code, 404, "status")
        reply = curl(port, "/bytes/1000", headers={"range": "bytes=100-199"})
        equal((reply.status_code, reply.content == target.pattern(100, 100)), (206, True), "a range")


@check("libcurl is told of HTTP/3 by the other versions")
def curl_alt_svc():
    with demo() as (_, port, _process):
        for version in [CurlHttpVersion.V1_1, CurlHttpVersion.V2TLS]:
            reply = requests.get(f"https://localhost:{port}/", http_version=version, verify=AUTHORITY.cert, timeout=20)
            contains(reply.headers["alt-svc"], f'h3=":{port}"', "Alt-Svc")


# --- aioquic ------------------------------------------------------------------------------------------------------


class Client(QuicConnectionProtocol):
    """HTTP/3 by aioquic."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.answers, self.pushes, self.ended = {}, [], None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.ended = event
            for answer in self.answers.values():
                if not answer["done"].done():
                    answer["done"].set_exception(RuntimeError(f"ended: {event}"))
        for said in self.http.handle_event(event):
            if isinstance(said, PushPromiseReceived):
                self.pushes.append(dict(said.headers))
                continue
            if getattr(said, "push_id", None) is not None:
                continue
            answer = self.answers.get(said.stream_id)
            if answer is None:
                continue
            if isinstance(said, HeadersReceived):
                answer["heads"].append(said.headers)
            elif isinstance(said, DataReceived):
                answer["body"].extend(said.data)
            if said.stream_ended and not answer["done"].done():
                answer["done"].set_result(None)

    async def ask(self, path, method="GET", body=None, fields=()):
        stream = self._quic.get_next_available_stream_id()
        answer = {"heads": [], "body": bytearray(), "done": asyncio.get_running_loop().create_future()}
        self.answers[stream] = answer
        head = [(b":method", method.encode()), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path.encode()), *fields]
        self.http.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            self.http.send_data(stream, body, end_stream=True)
        self.transmit()
        await asyncio.wait_for(answer["done"], 30)
        return answer


def with_aioquic(work, version=QuicProtocolVersion.VERSION_1, **named):
    async def go():
        with demo() as (_, port, _process):
            configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost",
                                              original_version=version, supported_versions=[version], **named)
            configuration.load_verify_locations(AUTHORITY.cert)
            async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
                await work(client)
    asyncio.run(go())


def status(answer):
    return dict(answer["heads"][-1 if b":status" in dict(answer["heads"][-1]) else 0])[b":status"]


@check("aioquic: 60 requests at once", 60)
def aioquic_many():
    async def work(client):
        answers = await asyncio.gather(*(client.ask(f"/bytes/{number * 100}") for number in range(60)))
        for number, answer in enumerate(answers):
            equal((status(answer), bytes(answer["body"]) == target.pattern(number * 100)), (b"200", True), f"request {number}")
    with_aioquic(work)


@check("aioquic: a body there and back", 60)
def aioquic_echo():
    async def work(client):
        answer = await client.ask("/echo", "POST", target.pattern(200_000))
        true(bytes(answer["body"]) == target.pattern(200_000), "other octets")
    with_aioquic(work)


@check("aioquic: trailers")
def aioquic_trailers():
    async def work(client):
        answer = await client.ask("/stream/3/1", fields=[(b"te", b"trailers")])
        equal(len(answer["heads"]), 2, "field sections")
        true(b":status" not in dict(answer["heads"][1]), "the second is no trailer section")
    with_aioquic(work)


@check("aioquic: version 2, and key updates", 60)
def aioquic_keys():
    async def work(client):
        for _ in range(5):
            equal(status(await client.ask("/bytes/20000")), b"200", "status")
            client.request_key_update()
    with_aioquic(work, version=QuicProtocolVersion.VERSION_2)


@check("a server that is told to end says GOAWAY and finishes what runs", 60)
def going_away():
    async def go():
        with demo() as (_, port, process):
            configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
            configuration.load_verify_locations(AUTHORITY.cert)
            async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
                slow = asyncio.ensure_future(client.ask("/delay/1000"))
                equal(status(await client.ask("/bytes/10")), b"200", "status")
                process.terminate()
                equal(status(await slow), b"200", "status of what ran")
            equal(await asyncio.to_thread(process.wait, 15), 0, "exit status")
    asyncio.run(go())


# --- ngtcp2 -------------------------------------------------------------------------------------------------------


def gtls(*options, size=100_000, times=1):
    with demo() as (_, port, _process), tempfile.TemporaryDirectory(prefix="wirelace-") as folder:
        for _ in range(times):
            command = ["gtlsclient", "-q", "--exit-on-all-streams-close", f"--download={folder}", *options,
                       "localhost", str(port), f"https://localhost:{port}/bytes/{size}"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False, errors="replace")
            equal(done.returncode, 0, f"exit status, after {done.stderr[-300:]!r}")
            place = os.path.join(folder, str(size))
            with open(place, "rb") as file:
                got = file.read()
            equal(hashlib.sha256(got).hexdigest(), hashlib.sha256(target.pattern(size)).hexdigest(), f"sum of {len(got)} octets")
            os.remove(place)


table("ngtcp2:", {
    "a download": ([],),
    "a twentieth of the datagrams lost, both ways": (["-t", "0.05", "-r", "0.05"],),
    "another address in the middle": (["--change-local-addr=20ms"],),
    "a key update": (["--key-update=20ms"],),
    "all of it at once": (["-t", "0.02", "-r", "0.02", "--change-local-addr=50ms", "--key-update=30ms"],),
}, lambda options: gtls(*options, size=1_000_000), seconds=60)

run()

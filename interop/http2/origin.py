"""Servers for our client: nghttpd, nginx, node, and one that a check writes frame by frame."""
import contextlib
import functools
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import certs
import target
from check import true
from peer import PREFACE, Frames, HeadersFrame, RstStreamFrame, SettingsFrame
from target import pattern

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = tempfile.mkdtemp(prefix="wirelace-h2-")
FILES = os.path.join(FOLDER, "files")
ROOT = certs.Authority("the root")
NGINX = """
daemon off; master_process off; pid FOLDER/PORT.pid; error_log FOLDER/PORT.log;
events { worker_connections 256; }
http {
  access_log off; default_type text/plain;
  client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
  gzip on; gzip_min_length 10; gzip_types text/plain;
  server {
    listen 127.0.0.1:PORT OPTIONS; root FOLDER/files; client_max_body_size 1m;
    ssl_certificate CERT; ssl_certificate_key KEY;
    MORE
    location = /moved { return 301 /hello.txt; }
    location = /empty { return 204; }
    location = /teapot { return 418 "short and stout\\n"; }
    location = /seen { return 200 "$server_protocol $ssl_alpn_protocol $host $scheme\\n"; }
  }
}
"""


@functools.cache
def leaf():
    return ROOT.issue("a server")


@functools.cache
def files():
    """The folder that the servers show."""
    os.makedirs(FILES)
    os.chmod(FOLDER, 0o755)
    for name, data in {"hello.txt": b"hello from a file\n", "big.bin": pattern(10_000_000), "zeroes.txt": b"0" * 5000,
                       "index.html": b"<p>\n", "a.css": b"p {}\n", "b.js": b"1;\n"}.items():
        with open(os.path.join(FILES, name), "wb") as file:
            file.write(data)
    return FILES


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port):
    """A server that listens at the port until the block ends; gives its process."""
    # Written to no pipe that could fill up.
    with open(os.path.join(FOLDER, f"{port}.out"), "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def listens():
        true(process.poll() is None, f"{command[0]} ended")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    try:
        target.wait_for(listens, 10, f"{command[0]} does not listen")
        yield process
    finally:
        target.end(process)


def program(name):
    return shutil.which(name) or f"/usr/sbin/{name}"


@contextlib.contextmanager
def nghttpd(*arguments, tls=False):
    """Gives the base of URLs, and a function that reads what it said (`-v`)."""
    port = free_port()
    pair = [leaf().key, leaf().chain] if tls else []
    with running([program("nghttpd"), "-a", "127.0.0.1", "-d", files(), *arguments, *([] if tls else ["--no-tls"]), str(port), *pair], port) as process:
        def said():
            target.end(process)
            return certs.read(os.path.join(FOLDER, f"{port}.out")).decode("latin-1")
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", said


@contextlib.contextmanager
def nginx(*directives, options="ssl http2"):
    files()
    port = free_port()
    text = NGINX
    for word, value in {"OPTIONS": options, "CERT": leaf().chain, "KEY": leaf().key, "FOLDER": FOLDER, "PORT": str(port),
                        "MORE": "".join(f"{line}; " for line in directives)}.items():
        text = text.replace(word, value)
    place = os.path.join(FOLDER, f"{port}.conf")
    with open(place, "w", encoding="ascii") as file:
        file.write(text)
    with running([program("nginx"), "-c", place, "-p", FOLDER], port):
        yield f"https://localhost:{port}" if "ssl" in options else f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def node(tls=False):
    """The server of origin.mjs."""
    pair = [leaf().key, leaf().chain] if tls else []
    process = subprocess.Popen(["node", os.path.join(HERE, "origin.mjs"), *pair], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().split()[1])
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    finally:
        target.end(process)


class Served(Frames):
    """A connection of our client."""

    def __init__(self, link, settings):
        super().__init__(link)
        preface = b""
        while len(preface) < len(PREFACE):
            part = link.recv(len(PREFACE) - len(preface))
            true(part, f"the client ended inside its preface: {preface!r}")
            preface += part
        true(preface == PREFACE, f"no preface: {preface!r}")
        if settings is not None:
            self.send(SettingsFrame(0, settings=settings))

    def request(self):
        """Reads up to the next request and gives its stream; `.fields` has the fields of its head."""
        frame = self.until(lambda frame: isinstance(frame, HeadersFrame))
        self.fields = frame.fields
        return frame.stream_id

    def answer(self, stream, *fields, status="200", end=False):
        self.send(*self.head(stream, [(":status", status), *fields], end))

    def refused(self):
        """The codes by which the client gave up streams or the connection, once it has gone."""
        self.to_end()
        return [frame.error_code for frame in self.log if isinstance(frame, RstStreamFrame) or hasattr(frame, "last_stream_id")]


@contextlib.contextmanager
def scripted(*plays, settings={}, tls=False, again=False, raw=False):
    """A server that runs one play a connection: a function of a `Served`, or of the socket itself (`raw`).

    Gives the base of URLs and the list of connections there were. `again`: the last play goes on for ever.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    served, troubles = [], []
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf().chain, leaf().key)
        context.set_alpn_protocols(["h2"])

    def one(link, play):
        try:
            link.settimeout(10)
            if context:
                link = context.wrap_socket(link, server_side=True)
            peer = link if raw else Served(link, settings)
            served.append(peer)
            play(peer)
            if not raw:
                # What the client has not read must not be lost to a reset.
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_WR)
                    peer.to_end()
        except (OSError, AssertionError) as error:
            troubles.append(error)
        finally:
            link.close()

    def serve():
        turn = 0
        while turn < len(plays) or again:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link, plays[min(turn, len(plays) - 1)]), daemon=True).start()
            turn += 1

    threading.Thread(target=serve, daemon=True).start()
    try:
        port = listener.getsockname()[1]
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", served
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for trouble in troubles:
        true(not isinstance(trouble, AssertionError), str(trouble))

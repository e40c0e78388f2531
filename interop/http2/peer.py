"""A client on Python's h2, a client on bare frames (hyperframe and hpack), and what both share."""
import contextlib
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.settings
import hpack
from hyperframe.frame import (ContinuationFrame, DataFrame, ExtensionFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame,
                              WindowUpdateFrame)

import target
from check import true

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Codes = h2.settings.SettingCodes


def connect(tls=False, host=None, port=None, timeout=10, receive_buffer=None):
    """A TCP connection to the demo, or a TLS one that has chosen h2."""
    link = socket.socket()
    if receive_buffer:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    link.settimeout(timeout)
    link.connect((host or target.HOST, port or (target.TLS_PORT if tls else target.PORT)))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.create_default_context(cafile=target.CERTIFICATE)
        context.set_alpn_protocols(["h2"])
        link = context.wrap_socket(link, server_hostname="localhost")
        true(link.selected_alpn_protocol() == "h2", f"ALPN chose {link.selected_alpn_protocol()}")
    return link


def request(method="GET", path="/hello", fields=(), scheme="http", authority="localhost"):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *fields]


def extension(kind, body, stream=0, flags=0):
    """A frame of any type."""
    frame = ExtensionFrame(kind, stream_id=stream, flag_byte=flags, body=body)
    # hyperframe writes the length only of what it has read.
    frame.body_len = len(body)
    return frame


class Answer:
    def __init__(self):
        self.status, self.fields, self.interim, self.trailers = None, [], [], None
        self.body, self.pieces, self.ended, self.reset = bytearray(), [], False, None

    def get(self, name):
        return dict(self.fields).get(name)


class Client:
    """One connection through Python's h2, which checks all that it receives; `with` closes it."""

    def __init__(self, tls=False, settings=None, window=None, automatic=True, **where):
        self.socket = connect(tls, **where)
        self.scheme = "https" if tls else "http"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        own = h2.settings.Settings(client=True, initial_values={Codes.ENABLE_PUSH: 0, **(settings or {})})
        self.h2.local_settings, self.h2.max_inbound_frame_size = own, own.max_frame_size
        self.h2.decoder.max_allowed_table_size = own.header_table_size
        self.h2.initiate_connection()
        if window:
            self.h2.increment_flow_control_window(window)
        # Whether what was received is given back to the windows.
        self.automatic = automatic
        self.answers, self.events, self.goaway = {}, [], None
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.close()

    def flush(self):
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    # Sending.

    def ask(self, method="GET", path="/hello", fields=(), end=True):
        """Sends a request's head and gives its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, request(method, path, fields, self.scheme), end_stream=end)
        self.flush()
        return stream

    def body(self, stream, data, end=True, pad=None, piece=None):
        """Sends a body as the windows allow."""
        view, cost = memoryview(data), 0 if pad is None else pad + 1
        while view or end:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size) - cost
            if view and room <= 0:
                self.read()
                true(self.answers[stream].reset is None, f"stream {stream} was reset inside its body")
                continue
            part, view = view[:min(room, piece or room)], view[min(room, piece or room):]
            self.h2.send_data(stream, bytes(part), end_stream=end and not view, pad_length=pad)
            self.flush()
            if not view:
                return

    # Receiving.

    def read(self):
        """Reads once and takes in what came; False at the end of the connection."""
        data = self.socket.recv(1 << 16)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            self.take(event)
        self.flush()
        return True

    def take(self, event):
        self.events.append(event)
        answer = self.answers.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.InformationalResponseReceived():
                answer.interim.append(event.headers)
            case h2.events.ResponseReceived():
                answer.fields = event.headers
                answer.status = int(dict(event.headers)[":status"])
            case h2.events.TrailersReceived():
                answer.trailers = event.headers
            case h2.events.DataReceived():
                answer.body += event.data
                answer.pieces.append(len(event.data))
                if self.automatic and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.ConnectionTerminated():
                self.goaway = f"GOAWAY, code {event.error_code}, last stream {event.last_stream_id}, {event.additional_data}"
            case h2.events.StreamReset():
                answer.reset = event.error_code

    def until(self, condition, why="the connection ended first"):
        while not condition():
            true(self.read() and not self.goaway, f"{why} ({self.goaway})")

    def finish(self, *streams):
        """Reads until these streams are over; gives their answers."""
        self.until(lambda: all(self.answers[s].ended or self.answers[s].reset is not None for s in streams), f"the connection ended before {streams[:5]} did")
        return [self.answers[stream] for stream in streams]

    def get(self, path="/hello", fields=(), method="GET"):
        (answer,) = self.finish(self.ask(method, path, fields))
        return answer

    def post(self, path, data, fields=(), **keywords):
        stream = self.ask("POST", path, fields, end=False)
        self.body(stream, data, **keywords)
        (answer,) = self.finish(stream)
        return answer

    def saw(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def roundtrip(self, data=b"roundtri"):
        """A PING and its answer: all that was sent before has been taken in by then."""
        before = len(self.saw(h2.events.PingAckReceived))
        self.h2.ping(data)
        self.flush()
        self.until(lambda: len(self.saw(h2.events.PingAckReceived)) > before)
        return self.saw(h2.events.PingAckReceived)[-1].ping_data


class Frames:
    """One side of a connection by bare frames: sends whatever it is told, checks nothing, gives back no window."""

    def __init__(self, link):
        self.socket, self.buffer, self.log = link, b"", []
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()

    __enter__, __exit__ = Client.__enter__, Client.__exit__

    def send(self, *frames):
        self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def head(self, stream, fields, end=True):
        """A field section: HEADERS, and CONTINUATION if it has to be."""
        block = self.encoder.encode(fields)
        first, *rest = [block[i:i + 16_384] for i in range(0, len(block), 16_384)]
        frames = [HeadersFrame(stream, first, flags=["END_STREAM"] if end else [])] + [ContinuationFrame(stream, part) for part in rest]
        frames[-1].flags.add("END_HEADERS")
        return frames

    def frame(self):
        """The next frame; None at the end of the connection, however it came."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.buffer += data
        frame, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
        frame.parse_body(memoryview(self.buffer[9:9 + length]))
        self.buffer = self.buffer[9 + length:]
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            with contextlib.suppress(OSError):
                self.send(SettingsFrame(0, flags=["ACK"]))
        if isinstance(frame, HeadersFrame):
            true("END_HEADERS" in frame.flags, "a head in several frames")
            frame.fields = dict(self.decoder.decode(frame.data))
        self.log.append(frame)
        return frame

    def until(self, condition, why="the connection ended first"):
        """Reads up to a frame for which the condition holds."""
        while (frame := self.frame()) is not None:
            if condition(frame):
                return frame
        raise AssertionError(why)

    def to_end(self):
        """All frames until the server closes."""
        frames = []
        while (frame := self.frame()) is not None:
            frames.append(frame)
        return frames

    def ended(self, *streams):
        """Reads until these streams are over."""
        left = set(streams) - {f.stream_id for f in self.log if self.over(f)}
        while left:
            left.discard(self.until(self.over, f"the connection ended before {sorted(left)[:5]} did").stream_id)

    @staticmethod
    def over(frame):
        return isinstance(frame, RstStreamFrame) or "END_STREAM" in frame.flags

    def settle(self):
        """A PING and its answer."""
        self.send(PingFrame(0, b"settled!"))
        self.until(lambda frame: isinstance(frame, PingFrame) and "ACK" in frame.flags)

    def window(self, increment, stream=0):
        self.send(WindowUpdateFrame(stream, increment))

    def pour(self, stream, frames, cost, times):
        """Sends the octets of some frames again and again, as the windows let them go, of which they take `cost`."""
        (given,) = [frame.settings for frame in self.log if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags]
        windows, seen = {0: 65_535, stream: given.get(SettingsFrame.INITIAL_WINDOW_SIZE, 65_535)}, 0
        for _ in range(times):
            while True:
                for frame in self.log[seen:]:
                    if isinstance(frame, WindowUpdateFrame) and frame.stream_id in windows:
                        windows[frame.stream_id] += frame.window_increment
                seen = len(self.log)
                if min(windows.values()) >= cost:
                    break
                true(self.frame() is not None, "the connection ended before the body did")
            self.socket.sendall(frames)
            windows = {key: window - cost for key, window in windows.items()}

    def size(self, stream):
        """Bytes of the body that have come."""
        return sum(len(frame.data) for frame in self.log if isinstance(frame, DataFrame) and frame.stream_id == stream)

    def status(self, stream):
        return [frame.fields[":status"] for frame in self.log if isinstance(frame, HeadersFrame) and frame.stream_id == stream
                and ":status" in frame.fields]


class Raw(Frames):
    """A client by bare frames."""

    def __init__(self, tls=False, settings=None, **where):
        super().__init__(connect(tls, **where))
        self.next = 1
        self.socket.sendall(PREFACE)
        self.send(SettingsFrame(0, settings=settings or {}))

    def ask(self, method="GET", path="/hello", fields=(), end=True):
        """Sends a request's head and gives its stream."""
        stream, self.next = self.next, self.next + 2
        self.send(*self.head(stream, request(method, path, fields), end))
        return stream


def healthy(tls=False):
    """The server still answers."""
    with Client(tls) as client:
        answer = client.get("/hello")
        true((answer.status, bytes(answer.body)) == (200, b"hello, world\n"), f"GET /hello: {answer.status} {bytes(answer.body)[:80]!r}")


__all__ = ["Answer", "Client", "Codes", "ContinuationFrame", "DataFrame", "Frame", "Frames", "GoAwayFrame", "HeadersFrame", "PREFACE", "PingFrame",
           "Raw", "RstStreamFrame", "SettingsFrame", "WindowUpdateFrame", "connect", "extension", "healthy", "request"]

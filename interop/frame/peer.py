"""A client and a server of the base form, from its definition alone: version, type, length, payload."""
import socket
import struct

HEARTBEAT, REQUEST, RESPONSE, ERROR = 1, 2, 3, 4
HEADER = struct.Struct(">BBI")


def send(stream, kind, payload=b"", version=10):
    stream.sendall(HEADER.pack(version, kind, len(payload)) + payload)


def exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(min(count - len(data), 1 << 16))
        if not part:
            raise EOFError(f"{count - len(data)} octets are missing")
        data += part
    return data


def receive(stream):
    version, kind, length = HEADER.unpack(exactly(stream, HEADER.size))
    assert version == 10, f"version {version}"
    return kind, exactly(stream, length)


def call(stream, payload):
    send(stream, REQUEST, payload)
    return receive(stream)


def serve(listener, heartbeat="echo"):
    """Answers `text` with `TEXT`, and `bad` with an error, on one connection after the other."""
    while True:
        stream, _ = listener.accept()
        with stream:
            try:
                while True:
                    kind, payload = receive(stream)
                    if kind == HEARTBEAT and heartbeat in ("echo", "empty"):
                        send(stream, HEARTBEAT, payload if heartbeat == "echo" else b"")
                    elif kind == REQUEST and payload != b"bad":
                        send(stream, RESPONSE, payload.upper())
                    elif kind == REQUEST or heartbeat == "error":
                        send(stream, ERROR, b"that is bad")
            except (EOFError, ConnectionError):
                pass


def listen():
    return socket.create_server(("127.0.0.1", 0))


def datagram(kind, payload=b"", version=10):
    return HEADER.pack(version, kind, len(payload)) + payload


def undatagram(octets):
    version, kind, length = HEADER.unpack_from(octets)
    assert version == 10 and length == len(octets) - HEADER.size, f"no frame in a datagram: {octets[:40]}"
    return kind, octets[HEADER.size:]

"""Our QPACK against ls-qpack (through pylsqpack), each reading what the other writes, with both instruction streams between them."""
import collections
import json
import os
import random
import subprocess
import tarfile

import pylsqpack

from check import Skip, check, equal, run, true

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(os.environ.get("WIRELACE_TEST_DATA", os.path.join(ROOT, "..", "shared", "data")), "qifs", "qifs.tar.gz")
LIMITS = [(0, 0), (256, 0), (256, 100), (512, 3), (4096, 0), (4096, 100), (65536, 16)]


def build():
    """The example `qpack-lines`, in the build with assertions."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--package", "wirelace-qpack", "--example", "qpack-lines",
               "--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    true(done.returncode == 0, f"cargo build: {done.stderr.strip()[-300:]}")
    built = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (program,) = [entry["executable"] for entry in built if entry.get("executable")]
    return program


def hexed(octets):
    return octets.hex() or "-"


def unhexed(text):
    return b"" if text == "-" else bytes.fromhex(text)


def fields_of(words):
    """Fields as (name, value) of octets."""
    return [tuple(unhexed(part) for part in word.lstrip("!").split("=")) for word in words]


class Ours:
    """`qpack-lines`, line by line."""

    def __init__(self, capacity, blocked):
        self.process = subprocess.Popen([PROGRAM, str(capacity), str(blocked)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        true(answer and not answer.startswith("error"), f"{words[0]}: {answer}")
        return answer.split(" ")

    def encode(self, stream, fields):
        section, instructions = self.ask("encode", stream, *(f"{hexed(name)}={hexed(value)}" for name, value in fields))
        return unhexed(section), unhexed(instructions)

    def decode(self, stream, section):
        word, *fields = self.ask("decode", stream, hexed(section))
        return None if word == "blocked" else fields_of(fields)

    def encoder_stream(self, octets):
        """The sections that had waited, by stream."""
        ready, sections = self.ask("encoder-stream", hexed(octets))[1:], {}
        while ready:
            end = ready.index(";")
            sections[int(ready[0])] = fields_of(word for word in ready[1:end] if word)
            ready = ready[end + 1:]
        return sections


def originals():
    """The sections of the interop's files."""
    if not os.path.exists(DATA):
        raise Skip("the header lists of shared test data are not here")
    with tarfile.open(DATA) as archive:
        for member in archive:
            if member.name.endswith(".qif") and "draft" not in member.name:
                text = archive.extractfile(member).read()
                blocks = [[line for line in block.split(b"\n") if line and not line.startswith(b"#")] for block in text.split(b"\n\n")]
                yield os.path.basename(member.name), [[tuple(line.split(b"\t", 1)) for line in block] for block in blocks if block]


def made(seed, count):
    """Sections of fields that come again often enough for the table, of any octets and lengths."""
    chance = random.Random(seed)
    word = lambda most: bytes(chance.choices(range(256), k=chance.choice((0, 1, 2, 7, 30, 126, 127, 128, most))))
    names = [b"x" + word(200).lower() for _ in range(30)] + [b":path", b":status", b"cookie", b"date", b"x-frame-options", b"host"]
    values = [word(2000) for _ in range(40)]
    return [[(chance.choice(names), chance.choice(values)) for _ in range(chance.choice((1, 3, 12)))] for _ in range(count)]


def ours_to_theirs(sections, capacity, blocked, seed, what):
    """Our encoder, their decoder; both streams are late by chance."""
    chance, decoder = random.Random(seed), pylsqpack.Decoder(capacity, blocked)
    late, back, open_sections, got = bytearray(), bytearray(), collections.deque(), {}
    with Ours(capacity, blocked) as us:
        def deliver():
            for stream in decoder.feed_encoder(bytes(late)):
                answer, got[stream] = decoder.resume_header(stream)
                back.extend(answer)
            late.clear()

        for number, fields in enumerate(sections):
            stream = number * 4
            section, instructions = us.encode(stream, fields)
            late.extend(instructions)
            open_sections.append((stream, section))
            if chance.random() < 0.5:
                deliver()
            while open_sections and chance.random() < 0.7:
                stream, section = open_sections.popleft()
                try:
                    answer, got[stream] = decoder.feed_header(stream, section)
                    back.extend(answer)
                except pylsqpack.StreamBlocked:
                    pass
            if chance.random() < 0.5 and back:
                us.ask("decoder-stream", hexed(bytes(back)))
                back.clear()
        deliver()
        for stream, section in open_sections:
            answer, got[stream] = decoder.feed_header(stream, section)
    for number, fields in enumerate(sections):
        equal([(bytes(name), bytes(value)) for name, value in got[number * 4]], fields, f"{what}, section {number}")


def theirs_to_ours(sections, capacity, blocked, seed, what):
    """Their encoder, our decoder."""
    chance, encoder = random.Random(seed), pylsqpack.Encoder()
    late, open_sections, got = bytearray(encoder.apply_settings(capacity, blocked)), collections.deque(), {}
    with Ours(capacity, blocked) as us:
        for number, fields in enumerate(sections):
            stream = number * 4
            instructions, section = encoder.encode(stream, fields)
            late.extend(instructions)
            open_sections.append((stream, section))
            if chance.random() < 0.5:
                # An instruction may be cut anywhere.
                cut = chance.randrange(len(late) + 1)
                got.update(us.encoder_stream(bytes(late[:cut])))
                del late[:cut]
            while open_sections and chance.random() < 0.7:
                stream, section = open_sections.popleft()
                got[stream] = us.decode(stream, section) or got.get(stream)
            if chance.random() < 0.5:
                (answer,) = us.ask("output")
                if answer != "-":
                    encoder.feed_decoder(unhexed(answer))
        got.update(us.encoder_stream(bytes(late)))
        for stream, section in open_sections:
            got[stream] = us.decode(stream, section)
    for number, fields in enumerate(sections):
        equal(got[number * 4], fields, f"{what}, section {number}")


@check("header lists: ls-qpack decodes ours, with delays both ways", 120)
def _():
    for name, sections in originals():
        for seed, (capacity, blocked) in enumerate(LIMITS):
            ours_to_theirs(sections, capacity, blocked, seed, f"{name} {capacity} {blocked}")


@check("header lists: we decode ls-qpack's, with delays both ways", 120)
def _():
    for name, sections in originals():
        for seed, (capacity, blocked) in enumerate(LIMITS):
            theirs_to_ours(sections, capacity, blocked, seed, f"{name} {capacity} {blocked}")


@check("octets of all kinds: ls-qpack decodes ours", 60)
def _():
    for seed, (capacity, blocked) in enumerate(LIMITS):
        ours_to_theirs(made(seed, 200), capacity, blocked, seed, f"{capacity} {blocked}")


@check("octets of all kinds: we decode ls-qpack's", 60)
def _():
    for seed, (capacity, blocked) in enumerate(LIMITS):
        theirs_to_ours(made(seed, 200), capacity, blocked, seed, f"{capacity} {blocked}")


if __name__ == "__main__":
    PROGRAM = build()
    run()

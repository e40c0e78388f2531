"""Our encoder and decoder of field blocks against Python's hpack, each reading what the other writes."""
import collections
import gzip
import json
import os
import random
import subprocess

import hpack

from check import Skip, check, equal, run, short, table, true

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(os.environ.get("WIRELACE_TEST_DATA", ""), "hpack", "raw-data.json.gz")
LARGEST = 1 << 24


def build():
    """The example `hpack-lines`, in the build with assertions."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--package", "wirelace-hpack", "--example", "hpack-lines",
               "--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    true(done.returncode == 0, f"cargo build: {done.stderr.strip()[-300:]}")
    built = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (program,) = [entry["executable"] for entry in built if entry.get("executable")]
    return program


class Ours:
    """`hpack-lines`, line by line."""

    def __init__(self, way):
        self.process = subprocess.Popen([PROGRAM, way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()

    def limit(self, size):
        self.process.stdin.write(f"limit {size}\n")

    def line(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        true(answer, f"{short(text)}: {self.process.stderr.read().strip() if not answer else ''}")
        return answer.strip()

    def encode(self, fields):
        """Fields are (name, value) of octets; a third part is a way of indexing."""
        rows = [[name.decode("latin-1"), value.decode("latin-1"), *rest] for name, value, *rest in fields]
        return bytes.fromhex(self.line(json.dumps(rows)))

    def decode(self, block):
        return [tuple([name.encode("latin-1"), value.encode("latin-1"), *rest]) for name, value, *rest in json.loads(self.line(block.hex()))]


def theirs():
    return hpack.Decoder(max_header_list_size=LARGEST)


def read(decoder, block):
    """What Python makes of a block, in the same form as ours."""
    return [(bytes(field[0]), bytes(field[1]), *(["never"] if isinstance(field, hpack.NeverIndexedHeaderTuple) else []))
            for field in decoder.decode(block, raw=True)]


def plain(fields):
    """Without the ways of indexing: which fields are not worth the table is the encoder's to say."""
    return [field[:2] for field in fields]


def stories():
    if not os.path.exists(DATA):
        raise Skip("the stories of shared test data are not here")
    with gzip.open(DATA) as file:
        for name, story in sorted(json.load(file).items()):
            yield name, [[(name.encode(), value.encode()) for field in case["headers"] for name, value in field.items()] for case in story["cases"]]


def made(seed, blocks, octets=range(256)):
    """Blocks of fields that come again often enough for the table, of any octets and lengths."""
    chance = random.Random(seed)
    word = lambda most: bytes(chance.choices(octets, k=chance.choice((0, 1, 2, 7, 30, 126, 127, 128, most))))
    # A name must not be empty, and upper case is not HTTP/2's: both are for the layer above but the first.
    names = [b"x" + word(200).lower() for _ in range(40)] + [b":path", b":status", b"cookie", b"date", b"vary"]
    values = [word(5000) for _ in range(60)]
    for _ in range(blocks):
        yield [(chance.choice(names), chance.choice(values)) for _ in range(chance.choice((0, 1, 3, 12)))]


@check("the stories: Python decodes our blocks, which are not larger than its own", 60)
def _():
    ours, its, raw, count = 0, 0, 0, 0
    for name, story in stories():
        decoder, encoder = theirs(), hpack.Encoder()
        with Ours("encode") as us:
            for number, fields in enumerate(story):
                block = us.encode(fields)
                equal(plain(read(decoder, block)), fields, f"{name}, block {number}")
                ours, its, count = ours + len(block), its + len(encoder.encode(fields)), count + 1
                raw += sum(len(name) + len(value) for name, value in fields)
    true(count > 3000, f"only {count} blocks")
    true(ours <= its, f"{ours} octets, Python's encoder needs {its}")
    true(ours / raw <= 0.311, f"{ours} octets of {raw}: a ratio of {ours / raw:.4f}")


@check("the stories: we decode Python's blocks, with the Huffman code and without", 60)
def _():
    for name, story in stories():
        for huffman in (True, False):
            encoder = hpack.Encoder()
            with Ours("decode") as us:
                for number, fields in enumerate(story):
                    equal(us.decode(encoder.encode(fields, huffman=huffman)), fields, f"{name}, block {number}, Huffman {huffman}")


@check("octets of all kinds, lengths around those of prefixes: Python decodes ours")
def _():
    for seed in range(4):
        decoder = theirs()
        with Ours("encode") as us:
            for number, fields in enumerate(made(seed, 300)):
                equal(plain(read(decoder, us.encode(fields))), fields, f"seed {seed}, block {number}")


@check("octets of all kinds: we decode Python's")
def _():
    for seed in range(4):
        encoder = hpack.Encoder()
        with Ours("decode") as us:
            for number, fields in enumerate(made(seed, 300)):
                equal(us.decode(encoder.encode(fields, huffman=number % 2 == 0)), fields, f"seed {seed}, block {number}")


SIZES = (4096, 0, 4096, 100, 65_536, 31, 32, 33, 1365, 2730, 1 << 20, 4095)


class Watching(hpack.Decoder):
    """Python's decoder, which remembers what it was told of its table."""
    told = ()

    @property
    def header_table_size(self):
        return super().header_table_size

    @header_table_size.setter
    def header_table_size(self, size):
        self.told += (size,)
        hpack.Decoder.header_table_size.fset(self, size)


@check("tables that change: our encoder says so as Python's decoder demands, and the smallest of several")
def _():
    for seed in range(4):
        decoder, chance = Watching(max_header_list_size=LARGEST), random.Random(seed)
        with Ours("encode") as us:
            for number, fields in enumerate(made(seed, 300, octets=b"abcdefgh")):
                sizes = chance.choices(SIZES, k=chance.choice((0, 0, 1, 2, 3)))
                before, decoder.told = decoder.header_table_size, ()
                for size in sizes:
                    us.limit(size)
                    # It raises when its table is not made smaller at the beginning of the next block.
                    decoder.max_allowed_table_size = size
                equal(plain(read(decoder, us.encode(fields))), fields, f"seed {seed}, block {number}")
                true(len(decoder.told) <= 2, f"told {decoder.told}")
                if sizes and min(sizes) < before:
                    true(decoder.told and min(decoder.told) <= min(sizes), f"after the sizes {sizes} only {decoder.told} was told")


@check("tables that change: we read what Python says of it")
def _():
    for seed in range(4):
        encoder, chance = hpack.Encoder(), random.Random(seed)
        with Ours("decode") as us:
            for number, fields in enumerate(made(seed, 300, octets=b"abcdefgh")):
                # One at most: of two that are alike, Python forgets to tell.
                if chance.random() < 0.5:
                    size = chance.choice(SIZES)
                    us.limit(size)
                    encoder.header_table_size = chance.choice((size, size // 2))
                equal(us.decode(encoder.encode(fields)), fields, f"seed {seed}, block {number}")


@check("never indexed, and not indexed: Python sees which, and finds neither in its table")
def _():
    decoder = theirs()
    fields = [(b":path", b"/a", "without"), (b"authorization", b"secret", "never"), (b"x-mine", b"secret too", "never"), (b"x-other", b"no", "without"),
              (b"x-kept", b"yes")]
    with Ours("encode") as us:
        for _ in range(3):
            want = [field[:2] if field[2:] == ("without",) else field for field in fields]
            equal(read(decoder, us.encode(fields)), want, "fields")
            equal([(bytes(n), bytes(v)) for n, v in decoder.header_table.dynamic_entries], [(b"x-kept", b"yes")], "Python's table")


@check("never indexed: we see which of Python's are")
def _():
    encoder = hpack.Encoder()
    fields = [(b":path", b"/"), (b"authorization", b"secret", "never"), (b"x-mine", b"secret too", "never"), (b"x-kept", b"yes")]
    with Ours("decode") as us:
        for _ in range(3):
            block = encoder.encode([(n, v, bool(rest)) for n, v, *rest in fields])
            equal(us.decode(block), fields, "fields")


def agreed(block):
    """Asks both, who must agree; gives what was read, or None if it is refused."""
    try:
        want = read(theirs(), block)
    except hpack.HPACKError as error:
        want = type(error).__name__
    with Ours("decode") as us:
        try:
            got = us.decode(block)
        except AssertionError as error:
            got = str(error)
    if isinstance(want, str):
        true(isinstance(got, str), f"{block.hex()}: Python says {want}, we read {short(got)}")
        true("panicked" not in got, got)
        return None
    equal(got, want, block.hex())
    return got


def value(huffman):
    """`x: ` and a value in the Huffman code."""
    return b"\x00\x01x" + bytes([0x80 | len(huffman)]) + huffman


# Written by hand, with what RFC 7541 says of them.
BLOCKS = {
    "an update to the limit": (b"\x3f\xe1\x1f\x82", True), "an update above it": (b"\x3f\xe2\x1f\x82", False),
    "two updates": (b"\x20\x3f\xe1\x1f\x82", True), "an update behind a field": (b"\x82\x20", False), "an update alone": (b"\x20", True),
    "index 0": (b"\x80", False), "index 61": (b"\xbd", True), "index 62 of an empty table": (b"\xbe", False), "the index of a name, 62": (b"\x7e\x01a", False),
    "an index in three octets": (b"\xff\x80\x00", False), "an index without end": (b"\xff" + b"\x80" * 12 + b"\x01", False),
    "Huffman: padding of ones": (value(b"\x1f"), True), "Huffman: padding of zeros": (value(b"\x18"), False), "Huffman: 7 ones": (value(b"\x1f\x7f"), None),
    "Huffman: 8 bits of padding": (value(b"\x1f\xff"), False), "Huffman: EOS": (value(b"\xff\xff\xff\xff"), False),
    "Huffman: EOS between": (value(b"\x1f\xff\xff\xff\xfc\x1f"), False), "Huffman: nothing": (value(b""), True),
    "a string beyond the end": (b"\x00\x01x\x05abc", False), "a name beyond the end": (b"\x40\x7f", False), "an index that ends": (b"\xff", False),
    "nothing": (b"", True), "an empty value": (b"\x00\x01x\x00", True), "never indexed": (b"\x10\x01x\x01y", True),
}


def one(block, good):
    read_or_not = agreed(block) is not None
    if good is not None:
        equal(read_or_not, good, "whether both read it")


table("both decoders agree:", BLOCKS, one)


@check("broken blocks: what one refuses the other refuses, and what both read is the same", 60)
def _():
    chance, verdicts = random.Random(7541), collections.Counter()
    for number, fields in enumerate(made(1, 100_000, octets=b"abcdef0123 ;=/")):
        if not fields or sum(map(len, fields[0])) > 300:
            continue
        encoder = hpack.Encoder()
        block = bytearray(encoder.encode(fields[:3], huffman=number % 3 > 0))
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(block)) if chance.random() < 0.5 else 0
            match chance.randrange(4):
                case 0:
                    block[at] ^= 1 << chance.randrange(8)
                case 1:
                    block[at] = chance.randrange(256)
                case 2:
                    del block[at:]
                case 3:
                    block.insert(at, chance.choice((0x00, 0x10, 0x20, 0x3F, 0x40, 0x80, 0xBE, 0xFF)))
            if not block:
                block = bytearray(b"\x82")
        verdicts["refused" if agreed(bytes(block)) is None else "read"] += 1
        if min(verdicts["refused"], verdicts["read"]) >= 150:
            return
    raise AssertionError(f"too few of a kind: {verdicts}")


if __name__ == "__main__":
    PROGRAM = build()
    run()

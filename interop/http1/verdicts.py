"""Requests that must be accepted or refused, put before the live server as raw bytes.

A case is sent whole; what comes back is read until it is quiet, then the sending side is closed
and the rest read. A body for `/` goes to `/upload` instead, which answers only after the whole
body, so that a body with wrong framing cannot hide behind an early answer. `either` cases may be
answered as the server likes: well formed, the same however the bytes are split, and harmless.
"""
import base64
import concurrent.futures
import json
import os
import re

import target
from check import Skip, check, equal, run, true
from raw import Bad, Closed, Connection, healthy

QUIET, AFTER = 0.4, 1.0
# The statuses by which the server refuses a message, against those a handler gives.
REFUSALS = {400, 408, 411, 413, 414, 417, 431, 501, 505}
# Two requests in one input.
ANSWERS = {"ok-pipelined-after-body": 2}


class Recorded(Connection):
    """Reads answers out of bytes instead of a socket."""

    def __init__(self, data):
        self.buffer, self.version = data, "1.0"

    def fill(self):
        return False

    def exactly(self, size):
        if len(self.buffer) < size:
            raise Closed(f"{size - len(self.buffer)} bytes missing")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


class Outcome:
    def __init__(self, data, closed):
        self.data, self.closed, self.statuses, self.fault = data, closed, [], None
        record = Recorded(data)
        try:
            while record.buffer:
                self.statuses.append(record.response().status)
        except (Bad, Closed) as error:
            # A body cut short is right when the request's body went wrong after the head was out.
            self.fault = str(error) if isinstance(error, Bad) else None

    @property
    def taken(self):
        return [s for s in self.statuses if s not in REFUSALS]

    @property
    def refused(self):
        return [s for s in self.statuses if s in REFUSALS]


def send(data, step):
    for at in range(0, len(data), step or len(data)):
        yield data[at:at + step] if step else data


def probe(data, step=0):
    """Sends `data`, `step` bytes at a time, and collects what comes back."""
    answer, closed = b"", False
    with Connection(timeout=QUIET) as connection:
        try:
            for part in send(data, step):
                connection.send(part)
        except OSError:
            pass  # refused and closed before all of it was sent
        for phase in range(2):
            try:
                while part := connection.socket.recv(1 << 16):
                    answer += part
                closed |= phase == 0
                break
            except TimeoutError:
                pass
            except ConnectionError:
                closed |= phase == 0
                break
            if phase == 0:
                connection.half_close()
                connection.socket.settimeout(AFTER)
    return Outcome(answer, closed)


def rewrite(data):
    return re.sub(rb"^POST / HTTP/1\.([01])\r\n", rb"POST /upload HTTP/1.\1\r\n", data)


def cases():
    path = os.path.join(os.environ.get("WIRELACE_TEST_DATA", ""), "h1_cases.json")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        rows = [case for case in json.load(file) if case["kind"] == "request"]
    for case in rows:
        case["data"] = base64.b64decode(case["input_base64"])
        case["sent"] = rewrite(case["data"])
    return rows


CASES = cases()
RESULTS = {}


@check("the cases are there")
def _():
    if not CASES:
        raise Skip("h1_cases.json is neither in ../shared/data nor in WIRELACE_TEST_DATA")


def work(case):
    results = [probe(case["data"]), probe(case["sent"])]
    if len(case["sent"]) < 1000:
        results.append(probe(case["sent"], 1))
    return results


def collect():
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        for case, result in zip(CASES, pool.map(work, CASES)):
            RESULTS[case["name"]] = result
    healthy()


def judge(case):
    name, expect = case["name"], case["expect"]
    original, whole, *split = RESULTS[name]
    if name == "h2-preface":
        # No request, but the start of HTTP/2, which the port speaks too: its SETTINGS come first.
        for outcome in RESULTS[name]:
            equal(outcome.data[3:9], b"\4\0\0\0\0\0", "type, flags and stream of what came")
        return
    for outcome in RESULTS[name]:
        true(outcome.fault is None, f"the answer is not HTTP: {outcome.fault}")
    # A handler that wants no body may answer before the body turns out wrong, or after: a matter of time.
    early = b"/upload" not in case["sent"] and re.search(rb"(?i)content-length|transfer-encoding", case["sent"])
    for outcome in [] if early else split:
        equal(outcome.statuses, whole.statuses, "statuses when sent byte by byte, against sent at once")
    if expect == "accept":
        true(not whole.refused, f"refused with {whole.refused}; {case['why']}")
        equal(len(whole.taken), ANSWERS.get(name, 1), "answers")
    elif expect == "reject":
        true(not whole.taken, f"answered with {whole.taken}; {case['why']}")
        true(not original.refused or original.refused[-1] == original.statuses[-1], "it went on after refusing")
        # A message cut off by the peer may end without a word; anything else is told why.
        true(whole.refused or whole.closed or name.startswith("incomplete"), "neither answered nor closed")


if CASES:
    check("all are sent, whole and byte by byte", seconds=150)(collect)
    for _case in CASES:
        check(f"{_case['expect']} {_case['name']}")(lambda case=_case: judge(case))
    check("the server is healthy after all of them")(healthy)


if __name__ == "__main__":
    run()

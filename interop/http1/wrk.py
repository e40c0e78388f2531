"""wrk: load without a single error. Speed is measured elsewhere; here only that nothing breaks."""
import os
import re
import subprocess

import target
from check import check, equal, run, true
from raw import healthy

HERE = os.path.dirname(os.path.abspath(__file__))


def wrk(path, *arguments, connections=64, least=100):
    command = ["wrk", "-t2", f"-c{connections}", "-d3s", "--timeout", "8s", *arguments, target.BASE + path]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    for trouble in ("Socket errors", "Non-2xx"):
        line = next((line.strip() for line in output.splitlines() if trouble in line), None)
        equal(line, None, "errors")
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    true(requests >= least, f"only {requests} requests were answered")
    print(f"{path}: {requests} requests in 3 s")
    healthy()


check("plain /hello, 64 connections")(lambda: wrk("/hello"))
check("plain /hello, 1,000 connections")(lambda: wrk("/hello", connections=1000))
check("pipelined /hello, 16 deep")(lambda: wrk("/hello", "-s", os.path.join(HERE, "pipeline.lua"), least=1000))
check("/bytes/100000")(lambda: wrk("/bytes/100000"))
check("chunked /stream")(lambda: wrk("/stream/3/0"))
check("a new connection for each request")(lambda: wrk("/hello", "-H", "Connection: close"))


if __name__ == "__main__":
    run()

"""wrk over TLS: load without a single error. Speed is measured elsewhere; here only that nothing breaks."""
import re
import subprocess

import target
from check import check, equal, run, true


def wrk(path, *arguments, connections=64, least=50):
    command = ["wrk", "-t2", f"-c{connections}", "-d2s", "--timeout", "8s", *arguments, f"https://127.0.0.1:{target.TLS_PORT}{path}"]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    for trouble in ("Socket errors", "Non-2xx"):
        equal(next((line.strip() for line in output.splitlines() if trouble in line), None), None, "errors")
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    true(requests >= least, f"only {requests} requests were answered")
    print(f"{path}: {requests} requests in 2 s")


check("/hello, 64 connections")(lambda: wrk("/hello"))
check("/hello, 300 connections")(lambda: wrk("/hello", connections=300))
check("/bytes/100000")(lambda: wrk("/bytes/100000"))
check("a new connection for each request")(lambda: wrk("/hello", "-H", "Connection: close", connections=16))


if __name__ == "__main__":
    run()

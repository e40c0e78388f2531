"""wrk over TLS: load without a single error. Speed is measured elsewhere; here only that nothing breaks."""
import concurrent.futures
import re
import signal
import ssl
import subprocess

import certs
import target
from check import check, equal, run, true
from ours import demo


def wrk(path, *arguments, connections=64, least=50, port=target.TLS_PORT):
    command = ["wrk", "-t2", f"-c{connections}", "-d2s", "--timeout", "8s", *arguments, f"https://127.0.0.1:{port}{path}"]
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


@check("certificates are replaced meanwhile: no failed request")
def _():
    authority = certs.Authority("root")
    pairs = [authority.issue("one"), authority.issue("two", key="RSA 2048")]
    cert, key = certs.path("live.pem", certs.read(pairs[0].cert)), certs.path("live.key", certs.read(pairs[0].key))
    shown = set()
    with demo("--cert", cert, "--key", key) as (_, port, process), concurrent.futures.ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(wrk, "/hello", port=port), pool.submit(wrk, "/hello", "-H", "Connection: close", connections=8, port=port)]
        turn = 0
        while not all(load.done() for load in loads):
            turn += 1
            pair = pairs[turn % 2]
            certs.path("live.pem", certs.read(pair.cert))
            certs.path("live.key", certs.read(pair.key))
            process.send_signal(signal.SIGHUP)
            expected = ssl.PEM_cert_to_DER_cert(certs.read(pair.cert).decode())
            target.wait_for(lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port))) == expected, 5, "not replaced")
            shown.add(pair.name)
        for load in loads:
            load.result()
    true(turn >= 5 and shown == {"one", "two"}, f"only {turn} replacements")


if __name__ == "__main__":
    run()

"""`wirelace conformance h2` against both ports of the demo: no case may fail."""
import json
import subprocess

import target
from check import check, equal, run, true

# So many there are at least, with what servers should do and without.
CASES, STRICT = 270, 280


def conformance(*arguments, code=0):
    done = subprocess.run([target.BINARY, "conformance", "h2", "--json", *arguments], capture_output=True, text=True, timeout=90, check=False)
    equal(done.returncode, code, f"exit code ({done.stderr.strip()[-300:]})")
    return json.loads(done.stdout)["cases"]


def green(*arguments, least=CASES):
    cases = conformance(*arguments)
    results = {case["id"]: case["result"] for case in cases}
    equal(len(results), len(cases), "different cases")
    equal({name: result for name, result in results.items() if result != "passed"}, {}, "what did not pass")
    true(len(cases) >= least, f"only {len(cases)} cases were run")


for _name, _server in {"h2c": [target.ADDRESS], "h2": ["--tls", target.TLS_ADDRESS]}.items():
    check(f"{_name}: every case", 60)(lambda server=_server: green(*server))
    check(f"{_name}: every case, what servers should do, too", 60)(lambda server=_server: green("--strict", *server, least=STRICT))
    check(f"{_name}: every case, one connection at a time", 90)(lambda server=_server: green("--parallel", "1", *server))
    check(f"{_name}: every case, on a path that answers late", 60)(lambda server=_server: green("--path", "/stream/2/20", *server))


@check("it finds what is wrong: a server of HTTP/1.1 alone fails", 60)
def _():
    with target.server("demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--http", "1.1") as (_, port, _):
        # What a connection's end is enough for passes.
        cases = conformance("--timeout", "1", "--case", "generic", f"127.0.0.1:{port}", code=3)
        equal({case["result"] for case in cases}, {"failed"}, "results of the cases that need an answer")


if __name__ == "__main__":
    run()

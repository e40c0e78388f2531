"""`wirelace frame listen` and `frame call` as processes."""
import contextlib
import subprocess
import threading

import target
from check import equal


@contextlib.contextmanager
def listening(*options, lines=None):
    """Yields the process and its address; what it says on stderr goes to `lines`."""
    process = subprocess.Popen([target.BINARY, "frame", "listen", *options, "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    reader = None
    try:
        line = process.stderr.readline().split()
        equal(line[:2], ["listening", "frame"], "first line")
        if lines is not None:
            reader = threading.Thread(target=lambda: lines.extend(process.stderr), daemon=True)
            reader.start()
        host, _, port = line[2].rpartition(":")
        yield process, (host, int(port))
    finally:
        process.kill()
        process.wait()
        if reader:
            reader.join(5)
        process.stderr.close()


def calling(address, *arguments, seconds=15):
    """Runs `frame call` to its end; ADDR among the arguments is replaced."""
    arguments = [argument.replace("ADDR", "%s:%d" % address) for argument in arguments]
    return subprocess.run([target.BINARY, "frame", "call", *arguments], capture_output=True, text=True, timeout=seconds)

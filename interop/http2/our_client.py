"""`wirelace get --http 2` with what a suite asks of it."""
import json
import os
import subprocess

import target
from check import equal
from origin import FOLDER, ROOT


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith(b"{")]


def get(*arguments, code=0, seconds=30, version=("--http", "2")):
    command = [target.BINARY, "get", *version, "--cacert", ROOT.cert, *arguments]
    result = Result(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False))
    equal(result.code, code, f"exit code of get {' '.join(arguments)[:200]} ({result.err.strip()[-300:]})")
    return result


def failure(*arguments, code=1, **keywords):
    """What it says, in one line, when it fails."""
    result = get(*arguments, code=code, **keywords)
    equal(len(result.err.strip().splitlines()), 1, f"lines on stderr ({result.err!r})")
    return result.err.strip()


def place(name, data=None):
    path = os.path.join(FOLDER, name)
    if data is not None:
        with open(path, "wb") as file:
            file.write(data)
    return path

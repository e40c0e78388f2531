"""The checks of one suite: each prints `ok NAME`, `FAIL NAME -- why`, `skip NAME -- why` or `absent NAME -- why`."""
import contextlib
import os
import signal
import sys
import traceback

DEFAULT_SECONDS = 20


class Skip(Exception):
    """The check cannot be made here, and says why."""


class Absent(Exception):
    """A peer or tool is not installed: a failure where all must be there."""


class TimedOut(BaseException):
    """Not an Exception, so that no check swallows it by accident."""


_checks = []


def check(name, seconds=DEFAULT_SECONDS):
    """Registers a function as a check that may take so many seconds."""
    def register(function):
        _checks.append((name, seconds, function))
        return function
    return register


def table(prefix, rows, function, seconds=DEFAULT_SECONDS):
    """One check a row: a dict from name to the arguments of `function`."""
    for name, arguments in rows.items():
        check(f"{prefix} {name}", seconds)(lambda arguments=arguments: function(*arguments))


def equal(got, want, what="value"):
    if got != want:
        raise AssertionError(f"{what}: got {short(got)}, want {short(want)}")


def contains(text, part, what="text"):
    if part not in text:
        raise AssertionError(f"{what} has no {part!r}: {short(text)}")


def true(condition, why):
    if not condition:
        raise AssertionError(why)


def short(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


@contextlib.contextmanager
def time_limit(seconds):
    def late(*_):
        raise TimedOut
    previous = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def report(verdict, name, why=""):
    line = f"{verdict} {name}" + (f" -- {why}" if why else "")
    print(" ".join(line.split()), flush=True)


def run():
    """Runs what was registered, or what the command line names a part of."""
    chosen = [c for c in _checks if not sys.argv[1:] or any(part in c[0] for part in sys.argv[1:])]
    failed = 0
    for name, seconds, function in chosen:
        try:
            with time_limit(seconds):
                function()
        except Skip as why:
            report("skip", name, str(why))
        except Absent as why:
            report("absent", name, str(why))
        except TimedOut:
            failed += 1
            report("FAIL", name, f"not done after {seconds} s")
        except Exception as error:
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            frame = next((f for f in reversed(traceback.extract_tb(error.__traceback__))
                          if not f.filename.endswith("check.py")), where)
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            report("FAIL", name, f"{kind}{error} ({os.path.basename(frame.filename)}:{frame.lineno})")
        else:
            report("ok", name)
    print("end", flush=True)
    raise SystemExit(1 if failed else 0)

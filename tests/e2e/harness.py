"""Tests in order, each timed, counted and reported once."""

import sys
import threading
import time
import traceback


class Skip(Exception):
    """The test cannot be done here; the text says why."""


class Failure(Exception):
    """What was expected did not happen."""


def check(condition, message):
    if not condition:
        raise Failure(message() if callable(message) else message)


def wait_for(what, seconds, probe, every=0.2):
    """Calls probe until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(every)


def shorten(text, limit=4000):
    return text if len(text) <= limit else f"[… {len(text) - limit} characters]\n{text[-limit:]}"


class Report:
    """Tests may be run from several threads."""

    def __init__(self, name="e2e"):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def run(self, name, function, *arguments):
        """Runs one test; True when it passed."""
        started = time.monotonic()
        try:
            note = function(*arguments)
        except Skip as reason:
            with self.lock:
                self.skipped += 1
                self.line("skipped", started, name, reason)
        except Failure as failure:
            self.fail(started, name, shorten(str(failure)))
        except Exception:  # a broken test is a failed one; the others go on
            self.fail(started, name, traceback.format_exc())
        else:
            with self.lock:
                self.passed += 1
                self.line("ok", started, name, note)
            return True
        return False

    def fail(self, started, name, detail):
        with self.lock:
            self.failed += 1
            self.line("FAILED", started, name)
            self.detail(detail)

    def add(self, passed, failed, skipped):
        """What a report of another program counted."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    @staticmethod
    def line(word, started, name, note=None):
        tail = f"  ({note})" if note else ""
        print(f"{word:8}{time.monotonic() - started:7.1f} s  {name}{tail}", flush=True)

    @staticmethod
    def detail(text):
        for line in text.rstrip().splitlines():
            print(f"        | {line}", flush=True)

    def finish(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed or not self.passed else 0)

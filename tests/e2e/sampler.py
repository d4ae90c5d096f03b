"""Looks for secrets on command lines and in environments while something runs.

Every 20 ms: a process that is new, or whose program changed a moment ago, is read; the others
once a second. Runs as a process of its own, told the known secrets over stdin, so that it neither
shows them nor waits for the tests."""

import json
import os
import pathlib
import re
import select
import subprocess
import sys
import time

EVERY_S = 0.02
YOUNG_ROUNDS = 25  # half a second: fork, set up, exec
OLD_EVERY_ROUNDS = 50
PATTERNS = {
    "bootstrap token": rb"(?<![a-z0-9.\-_/])[a-z0-9]{6}\.[a-z0-9]{16}(?![a-z0-9.\-_/])",
    "private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY",
    "private key in base64": rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]*UFJJVkFUR",
}


def patterns(secrets):
    found = {name: re.compile(text) for name, text in PATTERNS.items()}
    for name, secret in secrets.items():
        found[name] = re.compile(re.escape(secret.encode()))
    return found


def read(pid, what):
    try:
        return pathlib.Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def search(pid, wanted, hits):
    for what in ("cmdline", "environ"):
        data = read(pid, what)
        for name, pattern in wanted.items():
            if pattern.search(data):
                program = read(pid, "comm").decode(errors="replace").strip()
                hits.add(f"{name} in the {what} of {program}")


def sample(wanted):
    """Until stdin ends; then prints what was found, as JSON. Ahead of what it looks at: a busy machine
    would leave gaps."""
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    ages, hits, rounds = {}, set(), 0
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        rounds += 1
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        ages = {pid: ages.get(pid, 0) + 1 for pid in pids}
        for pid, age in ages.items():
            if age <= YOUNG_ROUNDS or (pid + rounds) % OLD_EVERY_ROUNDS == 0:
                search(pid, wanted, hits)
    print(json.dumps({"rounds": rounds, "hits": sorted(hits)}))


class Sampler:
    """with Sampler({"sudo password": "…"}) as s: …; then s.hits and s.per_second."""

    def __init__(self, secrets):
        self.secrets = secrets

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(self.secrets) + "\n")
        self.process.stdin.flush()
        self.started = time.monotonic()
        return self

    def __exit__(self, *_):
        output, _ = self.process.communicate()
        result = json.loads(output)
        self.hits = result["hits"]
        self.per_second = result["rounds"] / (time.monotonic() - self.started)


if __name__ == "__main__":
    sample(patterns(json.loads(sys.stdin.readline())))

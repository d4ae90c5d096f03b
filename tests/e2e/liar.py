"""A host whose agent lies (hazards 9): it is cut off, its escapes are shown as text, and the
others are not kept from answering."""

import json
import struct
import time

from harness import Failure, check

HOST_FAILED = 1
LOADER = "/var/lib/bigtop/agent/*/lib/ld-linux-x86-64.so.2"
PEAK_KIB = 96 * 1024
SECONDS = 90


def frame(text, announced=None):
    data = text.encode()
    return struct.pack(">IB", (len(data) + 1) if announced is None else announced, ord("J")) + data


def octal(data):
    return "".join(f"\\{byte:03o}" for byte in data)


def install(lab, host, script):
    """What the host runs as our agent from now on; the real one is kept beside it."""
    wait = "head -c 5 >/dev/null\n"  # for the beginning of the first question
    lab.inside(host, f"set -e; f=$(echo {LOADER}); test -x $f; [ -e $f.real ] || mv $f $f.real; "
                     "cat > $f; chmod 0755 $f", text="#!/bin/sh\n" + wait + script)


def restore(lab, host):
    lab.inside(host, f"f=$(echo {LOADER}); mv $f.real $f")


def peak(run):
    """Runs it to its end; the most memory that it had."""
    most, status = 0, f"/proc/{run.process.pid}/status"
    while run.running():
        if time.monotonic() - run.started > SECONDS:
            run.kill()
            raise Failure(f"still running after {SECONDS} s:\n{run.text()}")
        with open(status) as file:
            values = [line.split()[1] for line in file if line.startswith("VmHWM:")]
        most = max([most, *map(int, values)])
        time.sleep(0.02)
    run.wait()
    return most


def lies(lab, script):
    """status with n3 lying: n3 failed, the others answered, nothing reached the terminal."""
    install(lab, "n3", script)
    try:
        run = lab.start_run("status", lab.dir / "hosts.yaml")
        most = peak(run)
    finally:
        restore(lab, "n3")
    text = run.expect(HOST_FAILED, "n3", "bookworm", "bullseye").text()
    check(not set("\x1b\x07\x9b") & set(text), f"escapes were passed on:\n{text!r}")
    check(most < PEAK_KIB, f"it took {most // 1024} MiB")
    return run, f"{run.seconds:.1f} s, {most // 1024} MiB"


def endless_frame(lab):
    script = f"printf '{octal(frame('', announced=1 << 30))}'; exec cat /dev/zero\n"
    return lies(lab, script)[1]


def endless_line(lab):
    return lies(lab, "exec cat /dev/zero\n")[1]


def escapes(lab):
    reply = {"id": 1, "error": {"code": -5, "remedy": "\x1b[2J",
                                "text": "\x1b]0;owned\x07\x1b[31mPLANTED\x9b"}}
    run, note = lies(lab, f"printf '{octal(frame(json.dumps(reply)))}'; sleep 1\n")
    check("PLANTED" in run.text(), f"what the agent said is not told:\n{run.text()}")
    return note


def wrong_id(lab):
    """An answer to a question that was never asked is no answer."""
    reply = {"id": 77, "result": {"protocol": 1, "agent": "sha256:" + "0" * 64, "pid": 1}}
    return lies(lab, f"printf '{octal(frame(json.dumps(reply)))}'; sleep 1\n")[1]


def not_json(lab):
    return lies(lab, f"printf '{octal(frame('{{]'))}'; sleep 1\n")[1]


TESTS = {
    "an agent that announces a 1 GiB frame is cut off": endless_frame,
    "an agent that never ends its line is cut off": endless_line,
    "an agent's terminal escapes are shown as text": escapes,
    "an agent's answer to another question is none": wrong_id,
    "an agent that speaks no JSON is cut off": not_json,
}


def run(report, lab):
    for name, test in TESTS.items():
        report.run(name, test, lab)

"""The menu of an installed disk: which slot it takes, from every state there can be. GRUB's language is
near enough to the shell's for these functions; that GRUB runs them, the machines show."""

import itertools
import pathlib
import re
import subprocess

from harness import check

MENU = pathlib.Path(__file__).resolve().parents[2] / "iso/live/site/usr/lib/bigtop/grub.cfg"
NAMES = ("ORDER", "A_OK", "A_TRY", "B_OK", "B_TRY")


def as_shell():
    functions = re.findall(r"^function (?:choose|choose_again|count) {\n.*?^}\n", MENU.read_text(),
                           re.M | re.S)
    check(len(functions) == 3, "the menu has other functions")
    text = re.sub(r"^function (\w+)", r"\1()", "".join(functions), flags=re.M)
    return "save_env() { :; }\n" + re.sub(r"\bset (\w+=)", r"\1", text)


def states():
    for order in ("A B", "B A"):
        for one in itertools.product(("", "0", "1"), "0123", repeat=2):
            yield dict(zip(NAMES, (order, *one)))


def run(cases):
    """What each state becomes, and the slot that is started."""
    lines = [as_shell()]
    for case in cases:
        lines += [f"{name}='{case[name]}'" for name in NAMES]
        lines.append('choose; if [ -z "$slot" ]; then choose_again; fi; count; '
                     'echo "$slot|$ORDER|$A_OK|$A_TRY|$B_OK|$B_TRY"')
    done = subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, text=True)
    check(done.returncode == 0 and not done.stderr, lambda: done.stderr)
    for line in done.stdout.splitlines():
        slot, *values = line.split("|")
        yield slot, dict(zip(NAMES, values))


def expected(state):
    order = state["ORDER"].split()
    left = [s for s in order if state[f"{s}_TRY"] != "3"]
    good = [s for s in order if state[f"{s}_OK"] == "1"]
    there = [s for s in order if state[f"{s}_OK"] == "0"]
    slot = (left + good + there + ["A"])[0]
    tries = int(state[f"{slot}_TRY"]) if left else 0
    return slot, {**state, f"{slot}_TRY": str(tries + 1)}


def every_state():
    cases = list(states())
    for case, (slot, after) in zip(cases, run(cases), strict=True):
        check((slot, after) == expected(case), f"{case}: {slot}, {after}")
    return len(cases)


def starts(state, count):
    """The slots that are started one after the other, when no start is a good one."""
    slots = ""
    for _ in range(count):
        (slot, state), = run([state])
        slots += slot
    return slots


def menu():
    count = every_state()
    fresh = dict(zip(NAMES, ("A B", "0", "0", "", "3")))
    check(starts(fresh, 5) == "AAAAA", "a machine with one slot does not go on with it")
    updated = dict(zip(NAMES, ("B A", "1", "0", "0", "0")))
    check(starts(updated, 8) == "BBBAAAAA", starts(updated, 8))
    return f"{count} states"

"""A profile that is installed on a lab's hosts by apply, and what every profile has to stand."""

import json

from harness import check
from lab import bundle_dir, bundle_key

APPLY_SECONDS = 1200
DONE = 0


class Stack:
    """profile: a name or a file; hosts: changes of hosts.yaml, as Lab.inventory takes them."""

    def __init__(self, lab, profile, hosts=(), append=""):
        self.lab, self.profile = lab, profile
        self.hosts = lab.inventory(*hosts, append=f"profile: {profile}\n{append}")
        self.kubeconfig = lab.kubeconfig = lab.scratch / "admin.kubeconfig"

    def apply(self):
        run = self.lab.start_apply(self.hosts, "--kubeconfig", self.kubeconfig)
        return run.wait(APPLY_SECONDS)

    def run(self, command, *words):
        run = self.lab.start_run("stack", command, *words, "--kubeconfig", self.kubeconfig,
                                 "--bundle", bundle_dir(), "--key", f"{bundle_key()}.pub",
                                 "--profile", self.profile)
        return run.wait(APPLY_SECONDS)

    def from_nothing(self):
        run = self.apply()
        print(run.text())
        run.expect(DONE)
        return f"{run.seconds:.1f} s, and every test in it"

    def again(self):
        run = self.apply().expect(DONE, "nothing to change")
        return f"{run.seconds:.1f} s"

    def status(self):
        return json.loads(self.run("status", "--output", "json").expect(DONE).text())

    def memory(self, limit=None):
        """limit: of all components together, bytes."""
        rows = self.status()
        for row in rows:
            print(f"        | {row['component']:20} {row['memory_used'] / (1 << 20):8.0f} MiB")
        used = sum(row["memory_used"] for row in rows)
        check(all(row["memory_used"] > 0 for row in rows), str(rows))
        check(limit is None or used <= limit, f"{used} bytes")
        return f"{used / (1 << 20):.0f} MiB in use"

    def tested_again(self):
        run = self.run("test")
        print(run.text())
        run.expect(DONE)
        return f"{run.seconds:.1f} s"


def run(report, stack, memory=None):
    """True when it stands; the rest is reported."""
    if not report.run("raw hosts become a cluster with the profile, which proves itself",
                      stack.from_nothing):
        return False
    report.run("the second apply changes nothing", stack.again)
    report.run("what it takes of memory", stack.memory, memory)
    report.run("the tests pass again", stack.tested_again)
    return True

"""Two machines from one image and one cable between them: one bootstraps the other."""

import json
import re
import time

from harness import Failure, check, wait_for
from machine import READY, SEEN, Machine, free_port

HOSTS = """cluster: {name: rack}
rack: {cidr: 10.9.0.0/24, coordinator: 10.9.0.2, mac: "52:54:00:00:00:02"}
hosts:
- address: 10.9.0.11
  name: one
  mac: "52:54:00:00:00:0b"
  roles: [control-plane, worker]
  key: id
"""
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
PHASE = re.compile(r"^one +\S +([a-z]+(?: [a-z]+)*)", re.M)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LOGS = """exec 2>&1
free -m; cat /proc/loadavg; ps axo pid,cputimes,etimes,stat,args --sort=-cputimes | head -30
tail -n 40 /var/log/pods/*/*/*.log
journalctl --no-pager -o short-monotonic -u kubelet -u containerd | tail -n 300
dmesg | tail -n 30"""
HOST_MEMORY = 6144  # all that is installed is in memory, besides what runs


def cable(own, other):
    """Of datagrams: nobody has to be there first."""
    return ("dgram,local.type=inet,local.host=127.0.0.1,local.port="
            f"{own},remote.type=inet,remote.host=127.0.0.1,remote.port={other}")


class Pair:
    def __init__(self, where, image, key, stick):
        ends = free_port(), free_port()
        self.began = time.monotonic()
        self.noted = []
        self.host = Machine(where / "pair-host", image, "bios", "usb", key=key, memory=HOST_MEMORY,
                            net=cable(*ends), mac="52:54:00:00:00:0b")
        self.coordinator = Machine(where / "pair-coordinator", image, "bios", "usb", key=key,
                                   sticks=[stick], net=cable(*reversed(ends)),
                                   mac="52:54:00:00:00:02")

    def gone(self):
        self.coordinator.gone()
        self.host.gone()

    def run(self, seconds):
        """Nobody types anything, but that the fingerprint is the one that the host shows."""
        host, coordinator = self.host, self.coordinator
        host.wait_to_see(READY)
        self.note("the host's screen")
        check("Bigtop host one" in host.seen() and "10.9.0.11" in host.seen(),
              f"another name or address: {host.seen()[-1000:]}")
        coordinator.wait_to_see(host.after("SSH key"))
        self.note("the coordinator's question")
        coordinator.type("yes\r")
        try:
            self.follow(seconds)
            check("Done." in coordinator.seen(), lambda: coordinator.seen()[-6000:])
            self.note("done")
            self.node_is_ready()
            self.note("a Ready node")
        except Failure:
            self.ask_the_host()
            raise
        return ", ".join(self.noted)

    def note(self, what):
        self.noted.append(f"{what} {time.monotonic() - self.began:.0f} s")
        print(f"        | {self.noted[-1]}", flush=True)

    def follow(self, seconds):
        """Notes when each phase of apply began, until it ends."""
        until = time.monotonic() + seconds
        phases = set()
        while "Enter runs it again" not in (seen := self.coordinator.seen()):
            for phase in PHASE.findall(ESCAPES.sub("", seen)):
                if phase not in phases:
                    phases.add(phase)
                    self.note(phase)
            check(time.monotonic() < until, lambda: f"not within {seconds} s; {self.noted}")
            check(self.coordinator.running() and self.host.running(), "a machine went away")
            time.sleep(2)

    def ask_the_host(self):
        """What it has to say when it did not become a node, beside what the consoles showed."""
        host = self.host
        try:
            self.way_in()
            told = host.text(LOGS, allow_failure=True, seconds=600)
        except Failure as failure:
            told = str(failure)
        (SEEN / "pair-host.log").write_text(told)

    def way_in(self):
        """One that was not there while it was made a node."""
        self.host.let_us_in()
        wait_for("a way in", 300,
                 lambda: self.host.ssh("true", allow_failure=True).returncode == 0, 5)

    def node_is_ready(self):
        """Asked on the host itself."""
        host = self.host
        self.way_in()
        nodes = json.loads(host.text(f"{KUBECTL} get nodes -o json"))["items"]
        check([n["metadata"]["name"] for n in nodes] == ["one"], nodes)
        ready = [c for c in nodes[0]["status"]["conditions"] if c["type"] == "Ready"]
        check(ready[0]["status"] == "True", ready)
        addresses = [a["address"] for a in nodes[0]["status"]["addresses"]]
        check("10.9.0.11" in addresses, addresses)


"""Two machines from one image and one cable between them: one bootstraps the other, from memory or
after it has installed itself to its disk."""

import contextlib
import json
import re
import time

from harness import Failure, check, wait_for
from install import DONE as INSTALLED, GOOD_SECONDS, INSTALL_SECONDS, RESTART_SECONDS, boot_choice
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
INSTALLED_HOSTS = HOSTS + "  install: {disk: DISK0}\n"
NODE_DISK_SIZE = 16 << 30
BACK_SECONDS = 1200
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
    def __init__(self, where, image, key, stick, disks=()):
        """disks: what the host has; the first is the one that INSTALLED_HOSTS names."""
        ends = free_port(), free_port()
        self.began = time.monotonic()
        self.noted = []
        self.host = Machine(where / "pair-host", image, "bios", "usb", disks, key,
                            memory=HOST_MEMORY, net=cable(*ends), mac="52:54:00:00:00:0b")
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
        with self.or_ask_the_host():
            self.follow(seconds)
            check("Done." in coordinator.seen(), lambda: coordinator.seen()[-6000:])
            self.note("done")
            self.node_is_ready()
            self.note("a Ready node")
        return ", ".join(self.noted)

    def install(self):
        """The host, to its disk; it starts again, with the medium still in front."""
        self.host.wait_to_see(INSTALLED, INSTALL_SECONDS)
        self.note("installed")
        self.host.wait_to_end(RESTART_SECONDS)
        self.host.start()
        self.host.wait_to_see("Runs from its own disk, slot A.")

    def comes_back(self):
        """A good start by its kubelet; then a restart, by itself and from its disk."""
        self.coordinator.gone()
        first = self.node()
        wait_for("a good start", GOOD_SECONDS, lambda: boot_choice(self.host)["A_OK"] == "1", 10)
        self.note("a good start")
        self.host.ssh("systemctl reboot", allow_failure=True)
        self.host.wait_to_end(RESTART_SECONDS)
        self.host.start()
        self.host.wait_to_see("Runs from its own disk, slot A.")
        with self.or_ask_the_host():
            self.way_in()
            wait_for("the node", BACK_SECONDS, lambda: self.is_back(first), 10)
        self.note("the node is back")
        return ", ".join(self.noted)

    def is_back(self, before):
        node = self.node()
        return (node and node["metadata"]["uid"] == before["metadata"]["uid"] and
                node["status"]["nodeInfo"]["bootID"] != before["status"]["nodeInfo"]["bootID"] and
                is_ready(node))

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

    @contextlib.contextmanager
    def or_ask_the_host(self):
        """What it has to say when it did not become a node, beside what the consoles showed."""
        try:
            yield
        except Failure:
            try:
                self.way_in()
                told = self.host.text(LOGS, allow_failure=True, seconds=600)
            except Failure as failure:
                told = str(failure)
            (SEEN / "pair-host.log").write_text(told)
            raise

    def way_in(self):
        """One that was not there while it was made a node."""
        self.host.let_us_in()
        wait_for("a way in", 300,
                 lambda: self.host.ssh("true", allow_failure=True).returncode == 0, 5)

    def node_is_ready(self):
        """Asked on the host itself."""
        self.way_in()
        node = self.node()
        check(node and is_ready(node), node and node["status"]["conditions"])
        addresses = [a["address"] for a in node["status"]["addresses"]]
        check("10.9.0.11" in addresses, addresses)

    def node(self):
        """The only one that there is; None where nobody answers yet (kubectl prints a list without
        items then)."""
        done = self.host.ssh(f"{KUBECTL} get nodes -o json", allow_failure=True)
        if done.returncode != 0:
            return None
        nodes = json.loads(done.stdout)["items"]
        check([n["metadata"]["name"] for n in nodes] == ["one"], nodes)
        return nodes[0]


def is_ready(node):
    return all(c["status"] == "True" for c in node["status"]["conditions"] if c["type"] == "Ready")

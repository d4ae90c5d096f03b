"""Two machines from one image and one cable between them: one bootstraps the other."""

import json
import time

from harness import check, wait_for
from machine import READY, Machine, free_port

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
HOST_MEMORY = 6144  # all that is installed is in memory, besides what runs


def cable(own, other):
    """Of datagrams: nobody has to be there first."""
    return ("dgram,local.type=inet,local.host=127.0.0.1,local.port="
            f"{own},remote.type=inet,remote.host=127.0.0.1,remote.port={other}")


class Pair:
    def __init__(self, where, image, key, stick):
        ends = free_port(), free_port()
        self.began = time.monotonic()
        self.host = Machine(where / "host", image, "bios", "usb", key=key, memory=HOST_MEMORY,
                            net=cable(*ends), mac="52:54:00:00:00:0b")
        self.coordinator = Machine(where / "coordinator", image, "bios", "usb", key=key,
                                   sticks=[stick], net=cable(*reversed(ends)),
                                   mac="52:54:00:00:00:02")

    def gone(self):
        self.coordinator.gone()
        self.host.gone()

    def run(self, seconds):
        """Nobody types anything, but that the fingerprint is the one that the host shows."""
        host, coordinator = self.host, self.coordinator
        host.wait_to_see(READY)
        check("Bigtop host one" in host.seen() and "10.9.0.11" in host.seen(),
              f"another name or address: {host.seen()[-1000:]}")
        coordinator.wait_to_see(host.after("SSH key"))
        coordinator.type("yes\r")
        coordinator.wait_to_see("Enter runs it again", seconds)
        check("Done." in coordinator.seen(), lambda: coordinator.seen()[-6000:])
        took = time.monotonic() - self.began
        self.node_is_ready()
        return f"a Ready node after {took:.0f} s from power on"

    def node_is_ready(self):
        """Asked on the host itself, by a way that was not there while it was made."""
        host = self.host
        host.let_us_in()
        wait_for("a way in", 120, lambda: host.ssh("true", allow_failure=True).returncode == 0, 5)
        nodes = json.loads(host.text(f"{KUBECTL} get nodes -o json"))["items"]
        check([n["metadata"]["name"] for n in nodes] == ["one"], nodes)
        ready = [c for c in nodes[0]["status"]["conditions"] if c["type"] == "Ready"]
        check(ready[0]["status"] == "True", ready)
        addresses = [a["address"] for a in nodes[0]["status"]["addresses"]]
        check("10.9.0.11" in addresses, addresses)


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
HOST_MEMORY = 5120  # all that is installed is in memory, besides what runs


class Pair:
    def __init__(self, where, image, key, stick):
        port = free_port()
        self.began = time.monotonic()
        self.host = Machine(where / "host", image, "bios", "usb", key=key, memory=HOST_MEMORY,
                            net=f"socket,listen=127.0.0.1:{port}", mac="52:54:00:00:00:0b")
        self.coordinator = None
        self.start = lambda: Machine(where / "coordinator", image, "bios", "usb", key=key,
                                     sticks=[stick], net=f"socket,connect=127.0.0.1:{port}",
                                     mac="52:54:00:00:00:02")

    def gone(self):
        for machine in (self.coordinator, self.host):
            if machine:
                machine.gone()

    def run(self, seconds):
        """Coordinator first: it waits for the host, which is the slower one."""
        host = self.host
        coordinator = self.coordinator = self.start()
        coordinator.wait_to_see("Not answering yet: 10.9.0.11")
        host.wait_to_see(READY)
        check("Bigtop host one" in host.seen() and "10.9.0.11" in host.seen(),
              f"another name or address: {host.seen()[-1000:]}")
        coordinator.wait_to_see(host.after("SSH key"), 300)
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


"""A machine whose two cards are one, in a VLAN, by the hosts.yaml of its image; a third card that is
named is not there. What it says of itself in that network. And its clock, which stood still."""

import hashlib
import pathlib
import re
import struct
import subprocess
import time

from harness import check, wait_for
from machine import READY, Machine
from wire import Agent

MACS = ("52:54:00:00:00:0b", "52:54:00:00:00:0c")
ABSENT = "52:54:00:00:00:0d"
ADDRESS, VLAN, SERIAL = "10.9.0.11", 20, "RACK-0001"
HOSTS = (f"rack: {{cidr: 10.9.0.0/24, vlan: {VLAN}}}\nhosts:\n"
         f"- {{address: {ADDRESS}, name: db-1, bond: {{macs: [{', '.join((*MACS, ABSENT))}]}}}}\n")
AGENT = pathlib.Path(__file__).resolve().parents[2] / "build/agent-amd64.tar.gz"
ETHERNET, TAGGED = 12, 0x8100  # where the type is, and that of IEEE 802.1Q


def start(where, image, key):
    """Both cards in one switch that hears all that is sent."""
    switch = "hubport,hubid=1"
    return Machine(where, image, "bios", "cd", key=key, net=switch, mac=MACS[0], more=[
        "-netdev", f"{switch},id=n2", "-device", f"virtio-net-pci,netdev=n2,mac={MACS[1]},romfile=",
        "-smbios", f"type=1,serial={SERIAL}", "-rtc", "base=2020-01-01",
        *(word for card in ("n", "n2") for word in
          ("-object", f"filter-dump,id=f{card},netdev={card},file={where}.{card}"))])


def frames(path):
    """Of a file as pcap(5) has it: those that a card sent or got."""
    data = path.read_bytes()[24:]
    while len(data) >= 16:
        length = struct.unpack("<I", data[8:12])[0]
        yield data[16:16 + length]
        data = data[16 + length:]


def sent(machine, card):
    """By a card, so far. Before the bond was made each asked for DHCP by itself."""
    return [frame for frame in frames(machine.dir.with_name(f"{machine.dir.name}.{card}"))
            if frame[6:12] == bytes.fromhex(MACS[0].replace(":", ""))]


def is_in_vlan(machine):
    before = {card: len(sent(machine, card)) for card in ("n", "n2")}
    machine.ssh("systemctl restart avahi-daemon")
    news = wait_for("frames", 120, lambda: [
        frame for card in before for frame in sent(machine, card)[before[card]:]], 5)
    tags = [struct.unpack(">HH", frame[ETHERNET:ETHERNET + 4]) for frame in news]
    outside = [tag for tag in tags if tag[0] != TAGGED or tag[1] & 0xfff != VLAN]
    check(not outside, f"of {len(tags)} frames outside of the VLAN: {outside}")
    return len(tags)


def shows(machine):
    machine.wait_to_see(re.compile(rf"vlan{VLAN} +{MACS[0]} +{re.escape(ADDRESS)}"))
    machine.wait_to_see(READY)
    screen = machine.seen().rsplit("Bigtop host", 1)[1]
    check("db-1" in screen.split("\n")[0], screen)
    for mac in MACS:
        check(f"{mac}  part of bond0" in screen, screen)
    check(re.search(rf"bond0 +{MACS[0]} +carries vlan{VLAN}", screen), screen)
    check(f"card {ABSENT} in bond0, and this machine has not" in screen, screen)
    check("not announced" not in screen, screen)


def is_what_it_shows(machine):
    bond = machine.text("cat /proc/net/bonding/bond0")
    check("active-backup" in bond and all(f"Permanent HW addr: {mac}" in bond for mac in MACS), bond)
    vlan = machine.text(f"ip -d link show vlan{VLAN}")
    check(f"vlan{VLAN}@bond0" in vlan and f"id {VLAN} " in vlan, vlan)
    cards = machine.text("ip -4 -o address show; ip -6 -o address show")
    check(not re.search(r"(eth|ens?)\S* +inet 10\.9|bond0 +inet", cards), cards)


def says(machine):
    key = machine.after("SSH key")
    said = wait_for("its announcement", 120, lambda: re.search(
        r"^=;vlan\d+;IPv4;db-1;.*", machine.text("avahi-browse -prtk _bigtop-host._tcp"), re.M), 5)
    for word in (f";{ADDRESS};22;", f'"serial={SERIAL}"', f'"key={key}"', "image=", *MACS):
        check(word in said[0], f"{word} is not in {said[0]}")


class Host:
    """The agent of a machine, as tests/e2e/wire.py asks for one."""

    def __init__(self, machine):
        self.machine = machine
        self.home = f"/var/lib/bigtop/agent/{hashlib.sha256(AGENT.read_bytes()).hexdigest()}"
        self.socket = machine.dir / "run/bigtop/agent.sock"

    def root_of(self, _):
        return self.machine.dir

    def __enter__(self):
        home = self.home
        self.machine.put(AGENT, "/tmp/agent.tar.gz")
        self.machine.ssh(f"mkdir -p -m 0700 {home} && tar -xz -C {home} -f /tmp/agent.tar.gz &&"
                         f" {home}/lib/ld-linux-x86-64.so.2 --library-path {home}/lib "
                         f"{home}/bin/bigtop-agent attach --self {home}")
        self.socket.parent.mkdir(parents=True)
        self.tunnel = subprocess.Popen(
            self.machine.ssh_words("-N", "-L", f"{self.socket}:/run/bigtop/agent.sock"),
            stdin=subprocess.DEVNULL)
        wait_for("a way to the agent", 60, self.socket.exists)
        return Agent(self, None)

    def __exit__(self, *_):
        self.tunnel.terminate()
        self.tunnel.wait()


def clock(machine):
    """Not before the bundle was made (systemd itself may be younger), and then what the agent is
    told."""
    def now():
        return int(machine.text("date +%s"))
    floor = int(machine.text("stat -c %Y /usr/lib/clock-epoch"))
    before = now()
    check(floor <= before < time.time() - 86400, f"its clock is at {before}, the floor {floor}")
    with Host(machine) as agent:
        state = agent.call("facts")["clock"]
        check(state == {"kept": False, "image": True}, state)
        check(agent.step("clock", time_ms=int(time.time() * 1000))["changed"], "not set")
        check(abs(now() - time.time()) < 30, f"its clock is at {now()}")


def without_cables(machine):
    for card in ("n", "n2"):
        machine.qemu(f"set_link {card} off")
    machine.wait_to_see("none of its cards has a cable", 120)


def run(machine):
    shows(machine)
    machine.let_us_in()
    wait_for("SSH", 240, lambda: machine.ssh("true", allow_failure=True).returncode == 0, 2)
    is_what_it_shows(machine)
    count = is_in_vlan(machine)
    says(machine)
    clock(machine)
    without_cables(machine)
    return f"{count} frames, each in VLAN {VLAN}"

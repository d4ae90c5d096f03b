"""Hosts that announce themselves: real avahi daemons and SSH servers in network spaces, and a
hosts.yaml that gives no address."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import xml.sax.saxutils

from harness import Skip, check, wait_for
from lab import BUILT

HOST_FAILED, REFUSED = 1, 3
COORDINATOR = "10.9.9.1"
BUS = "/run/bus"
BUS_CONFIG = f"""<busconfig><type>system</type><listen>unix:path={BUS}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
AVAHI_CONFIG = """[server]
use-ipv6=no
host-name={name}
enable-dbus={dbus}
deny-interfaces=lo
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


def possible():
    if os.geteuid() != 0:
        raise Skip("network spaces need root")
    for program in ("avahi-daemon", "avahi-browse", "dbus-daemon", "/usr/sbin/sshd"):
        if not shutil.which(program):
            raise Skip(f"no {program}")


def record(key, value):
    """Bytes that XML does not have are written in hexadecimal."""
    form = "text" if value.isprintable() else "binary-hex"
    value = xml.sax.saxutils.escape(value) if form == "text" else value.encode().hex()
    return f'<txt-record value-format="{form}">{key}={value}</txt-record>'


class Rack:
    """A bridge in spaces of its own; the coordinator is on it, and each host in one more. All of it
    ends with its first process."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bigtop-announce-"))
        self.hosts = 0
        self.anchor = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", "mount -t tmpfs run /run; mkdir /run/netns /run/sshd /run/avahi-daemon;"
             f" touch {self.dir}/ready; exec sleep infinity"])
        wait_for("a space for the rack", 10, (self.dir / "ready").exists)
        children = pathlib.Path(f"/proc/{self.anchor.pid}/task/{self.anchor.pid}/children")
        self.first = children.read_text().split()[0]
        self.do("ip link set lo up; ip link add br0 type bridge; ip link set br0 up;"
                f"ip address add {COORDINATOR}/24 dev br0")

    def words(self, *command):
        return ["nsenter", "-t", self.first, "-m", "-n", "-p", "--", *map(str, command)]

    def do(self, script):
        done = subprocess.run(self.words("sh", "-euc", script), capture_output=True, text=True)
        check(done.returncode == 0, lambda: f"{script}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, script):
        subprocess.Popen(self.words("sh", "-euc", script), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def avahi(self, name, dbus):
        config = self.dir / f"{name}.conf"
        config.write_text(AVAHI_CONFIG.format(name=name, dbus="yes" if dbus else "no"))
        return f"exec avahi-daemon -f {config} --no-drop-root --no-chroot --no-rlimits"

    def listen(self):
        """As the coordinator's machine does."""
        (self.dir / "bus.conf").write_text(BUS_CONFIG)
        self.do(f"dbus-daemon --config-file={self.dir}/bus.conf --fork")
        self.start(f"export DBUS_SYSTEM_BUS_ADDRESS=unix:path={BUS}; mount -t tmpfs services "
                   f"/etc/avahi/services; {self.avahi('coordinator', True)}")

    def host(self, name, announcements):
        """(address, fingerprint of its key). announcements: texts of each service."""
        self.hosts += 1
        address, own = f"10.9.9.{10 + self.hosts}", self.dir / name
        own.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", own / "key"],
                       check=True)
        key = subprocess.run(["ssh-keygen", "-l", "-f", own / "key"], check=True,
                             capture_output=True, text=True).stdout.split()[1]
        (own / "services").mkdir()
        for number, texts in enumerate(announcements):
            self.announce(own / f"services/{number}.service", [*texts, f"key={key}"], number)
        self.do(f"ip netns add {name}; ip link add v-{name} type veth peer name eth0 netns {name};"
                f"ip link set v-{name} master br0 up; ip -n {name} address add {address}/24 dev "
                f"eth0; ip -n {name} link set eth0 up; ip -n {name} link set lo up")
        inside = f"ip netns exec {name} sh -euc"
        self.start(f"{inside} 'exec /usr/sbin/sshd -D -f /dev/null -h {own}/key'")
        self.start(f"{inside} 'mount -t tmpfs pid /run/avahi-daemon; mount --bind {own}/services "
                   f"/etc/avahi/services; {self.avahi(name, False)}'")
        return address, key

    @staticmethod
    def announce(path, texts, number):
        texts = "".join(record(*text.split("=", 1)) for text in texts)
        path.write_text('<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">'
                        f'<service-group><name replace-wildcards="yes">%h{number or ""}</name>'
                        "<service><type>_bigtop-host._tcp</type><port>22</port>"
                        f"{texts}</service></service-group>")

    def heard(self, name):
        return name in self.do(f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={BUS} avahi-browse -prtk "
                               "_bigtop-host._tcp || true")

    def wait_until_heard(self, *names):
        for name in names:
            wait_for(f"{name} is heard", 30, lambda: self.heard(f";{name};"), 0.5)

    def reset(self, hosts, path=os.environ["PATH"]):
        """The shortest way to a host's key; nobody is let in."""
        inventory = self.dir / "hosts.yaml"
        inventory.write_text(f"known_hosts: {self.dir}/known_hosts\nhosts:\n{hosts}")
        return subprocess.run(
            self.words("env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={BUS}", f"PATH={path}",
                       f"HOME={self.dir}", BUILT, "reset", "--yes", "--output", "plain", inventory),
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90)

    def end(self):
        self.anchor.kill()
        self.anchor.wait()
        shutil.rmtree(self.dir)


def expect(done, code, *words):
    text = done.stdout + done.stderr
    check(done.returncode == code, f"code {done.returncode}, expected {code}\n{text}")
    for word in words:
        check(word in text, f"\"{word}\" is not in\n{text}")
    return text


ONE = '- {name: one, mac: "52:54:00:00:00:01"}\n'
TWO = "- {name: two, serial: S2}\n"


def nobody_listens(rack):
    """No avahi here, and one that does not run."""
    expect(rack.reset(ONE, path="/nowhere"), HOST_FAILED, "avahi-browse", "apt-get install")
    expect(rack.reset(ONE), HOST_FAILED, "avahi-browse", "systemctl start avahi-daemon")


def found(rack):
    rack.listen()
    one = rack.host("h1", [["mac=52:54:00:00:00:99,52:54:00:00:00:01", "serial=S1"]])
    two = rack.host("h2", [["mac=52:54:00:00:00:02", "serial=S2"]])
    rack.wait_until_heard("h1", "h2")
    text = expect(rack.reset(ONE + TWO), REFUSED, "unknown")
    for name, (address, key) in (("one", one), ("two", two)):
        check(f"{name} was heard" in text and address in text, text)
        check(text.count(key) >= 2, f"{key} is not both said and seen\n{text}")


def others_are_named(rack):
    text = expect(rack.reset(ONE + "- {name: three, serial: S3}\n"), HOST_FAILED,
                  "three (serial S3)", "52:54:00:00:00:02, serial S2, 10.9.9.12")
    check("h1" not in text and "10.9.9.11" not in text, f"one was there\n{text}")


def impostor(rack):
    """It says that it is host two, before a pinned key; then beside the real one."""
    rack.host("thief", [["mac=52:54:00:00:00:03", "serial=S3"], ["serial=S2"]])
    rack.wait_until_heard("thief", "thief1")
    key = subprocess.run(["ssh-keygen", "-l", "-f", rack.dir / "h2/key"], capture_output=True,
                         text=True, check=True).stdout.split()[1]
    expect(rack.reset(f"- {{name: three, serial: S3, host_key: \"{key}\"}}\n"), REFUSED, key,
           "10.9.9.13")
    text = expect(rack.reset(TWO), REFUSED, "two machines say that they are two", "10.9.9.12",
                  "10.9.9.13")
    check("SHA256" not in text, f"one of them was asked\n{text}")


def flood(rack):
    """Somebody says a lot, and bad things; the host is found all the same, soon, and no byte of it
    gets to the terminal."""
    bad = [["mac=zz", f"serial=\x1b[2J{number}", "x=" + "y" * 200, "key=$(id)"]
           for number in range(150)]
    rack.host("loud", bad)
    rack.wait_until_heard("loud", "loud140")
    check(rack.heard("serial=\\027[2J"), "nothing bad was said")
    text = expect(rack.reset(ONE), REFUSED, "one was heard", "10.9.9.11")
    check("\x1b" not in text and "$(id)" not in text, text)
    text = expect(rack.reset("- {name: nine, serial: S9}\n"), HOST_FAILED, "nine (serial S9)")
    check("\x1b" not in text and len(text) < 3000, text)


def run(report):
    try:
        possible()
    except Skip as reason:
        report.run("announce: in network spaces", give, reason)
        return
    rack = Rack()
    try:
        for name, function in (("nobody listens", nobody_listens),
                               ("found by card and serial", found),
                               ("what else was heard", others_are_named),
                               ("impostor", impostor), ("flood", flood)):
            report.run(f"announce: {name}", function, rack)
    finally:
        rack.end()


def give(reason):
    raise reason

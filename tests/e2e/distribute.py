"""The bundle comes to four hosts: every byte leaves the coordinator once, whatever happens to
hosts, links and the coordinator."""

import pathlib
import re
import signal
import tempfile
import time

from harness import check, wait_for
from parcel import MIB, Parcel

SIZES = (24, 1, 16)  # MiB
BLOBS = "/var/lib/bigtop/blobs/sha256"
CHUNK = MIB // 2
WINDOW = 4 * CHUNK  # unacknowledged, for each host
PORT = 10470


class Distribution:
    def __init__(self, lab, sizes=SIZES):
        self.lab = lab
        self.parcel = Parcel(tempfile.mkdtemp(dir=lab.scratch), *sizes)
        self.size = sum(self.parcel.blobs.values())
        self.file = lab.dir / "hosts.yaml"

    def start(self):
        return self.lab.start_run("stage", self.file, "--output", "json", "--bundle",
                                  self.parcel.dir, "--key", self.parcel.key)

    def stage(self):
        return self.start().wait()

    def fresh(self):
        """Hosts that have the agent and nothing else."""
        self.lab.run("reset", self.file, "--yes").expect(0)
        self.lab.run("status", self.file).expect(0)

    def sent(self):
        """Whole frames that have left the coordinator."""
        return int(self.lab.call("sent").split()[1])

    def missing(self, host):
        """Blobs that are not in its store, or are not what they should be."""
        names = " ".join(digest.removeprefix("sha256:") for digest in self.parcel.blobs)
        return self.lab.inside(
            host, f"cd {BLOBS} && for b in {names}; do echo $b $b; done | sed 's/ /  /' |"
            "sha256sum --quiet -c 2>&1", allow_failure=True)

    def expect_complete(self, *hosts):
        for host in hosts or self.lab.hosts:
            missing = self.missing(host)
            check(not missing, lambda: f"{host}: {missing}")

    def wait_sent(self, since, share):
        wait_for(f"{share} of the bundle to leave", 60,
                 lambda: self.sent() - since > share * self.size, every=0.02)


def once(d):
    d.fresh()
    before = d.sent()
    d.stage().expect(0, '"event":"transfer"')
    sent = d.sent() - before
    d.expect_complete()
    check(d.size * 0.98 < sent < d.size * 1.05, f"{sent} bytes left for a bundle of {d.size}")
    return f"{sent / d.size:.3f} of the bundle left for {len(d.lab.hosts)} hosts"


def nothing_to_do(d):
    before = d.sent()
    started = time.monotonic()
    d.stage().expect(0, "every host has it already")
    seconds, sent = time.monotonic() - started, d.sent() - before
    check(sent < MIB, f"{sent} bytes left for hosts that have everything")
    return f"{sent // 1024} KiB, {seconds:.1f} s"


def one_more_host(d):
    """What the others have comes from them."""
    d.lab.inside("n4", f"rm -rf {BLOBS}; systemctl restart bigtop-agent")
    before = d.sent()
    d.stage().expect(0)
    sent = d.sent() - before
    d.expect_complete("n4")
    check(sent < MIB, f"{sent} bytes left, but three hosts have everything")


def cut_off(d):
    """n4 reaches none of the others, nor do they reach it: it is fed over SSH."""
    d.fresh()
    d.lab.inside("n4", f"iptables -A INPUT -p tcp --dport {PORT} -j DROP;"
                       f"iptables -A OUTPUT -p tcp --dport {PORT} -j DROP")
    before = d.sent()
    try:
        d.stage().expect(0)
    finally:
        d.lab.inside("n4", "iptables -F INPUT; iptables -F OUTPUT")
    sent = d.sent() - before
    d.expect_complete()
    check(sent < 2 * d.size * 1.05 + WINDOW, f"{sent} bytes left for a bundle of {d.size}")
    return f"{sent / d.size:.2f} of the bundle left"


def dead_host(d):
    """The plug of one is pulled with its share in it: the others get that again, and the dead one
    what it lacks when it is back."""
    d.fresh()
    d.lab.call("shape", "50")
    before = d.sent()
    run = d.start()
    d.wait_sent(before, 0.3)
    d.lab.stop("n3")
    others = [host for host in d.lab.hosts if host != "n3"]
    wait_for("the others to be complete", 90, lambda: not any(map(d.missing, others)), every=1)
    sent = d.sent() - before
    run.kill(signal.SIGINT)
    run.wait().expect(130)
    d.lab.call("shape", "off")
    d.lab.start("n3")
    wait_for("n3's SSH", 60, lambda: d.lab.run("status", d.file).code == 0)
    d.stage().expect(0)
    d.expect_complete()
    check(sent < d.size * 1.5, f"{sent} bytes left for a bundle of {d.size}")
    return f"{sent / d.size:.2f} of the bundle left"


def interrupted(d):
    """Ctrl-C, then kill -9: each goes on where the last one was."""
    d.fresh()
    d.lab.call("shape", "50")
    before = d.sent()
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        since = d.sent()
        run = d.start()
        d.wait_sent(since, 0.3)
        run.kill(number)
        check(run.code == code, lambda: f"exit code {run.code}:\n{run.text()}")
    d.lab.call("shape", "off")
    d.stage().expect(0)
    sent = d.sent() - before
    d.expect_complete()
    limit = d.size * 1.05 + 2 * len(d.lab.hosts) * WINDOW
    check(sent < limit, f"{sent} bytes left, more than {limit:.0f}, for a bundle of {d.size}")
    return f"{sent / d.size:.2f} of the bundle left"


def killed_unheard(d):
    """Who is killed with answers unread has its connections reset, and nobody repeats a reset: when
    a full queue drops it, the agents must find out by themselves that the run is over."""
    d.fresh()
    d.lab.call("shape", "50")
    since = d.sent()
    run = d.start()
    d.wait_sent(since, 0.2)
    run.process.send_signal(signal.SIGSTOP)
    resets = ("OUTPUT", "-p", "tcp", "--tcp-flags", "RST", "RST", "-j", "DROP")
    try:
        d.lab.call("exec", "iptables", "-w", "-A", *resets)
        wait_for("reports that nobody reads", 30, lambda: re.search(
            r"^ESTAB +[1-9]", d.lab.call("exec", "ss", "-Htn"), re.M))
        run.kill()
        time.sleep(0.5)
    finally:
        dropped = d.lab.call("exec", "iptables", "-w", "-nvxL", "OUTPUT")
        d.lab.call("exec", "iptables", "-w", "-D", *resets)
        d.lab.call("shape", "off")
    lost = re.search(r"^ *([1-9]\d*) .*DROP", dropped, re.M)
    check(lost, f"no reset was lost, so that nothing is tested:\n{dropped}")
    again = d.stage().expect(0)
    d.expect_complete()
    check(again.seconds < 25, f"the next run took {again.seconds:.0f} s")
    return f"{again.seconds:.1f} s"


def damaged_bundle(d):
    """A chunk that is not what the signed list says is refused by hosts, and called by name."""
    d.fresh()
    digest = max(d.parcel.blobs, key=d.parcel.blobs.get)
    path = pathlib.Path(d.parcel.dir, "blobs/sha256", digest.removeprefix("sha256:"))
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:5 * MIB] + bytes(1000) + whole[5 * MIB + 1000:])
    try:
        run = d.stage()
        run.expect(1, digest, "bundle verify")
        check(not re.search(r'"state":"done"', run.text()), run.text)
    finally:
        path.write_bytes(whole)
    d.stage().expect(0)
    d.expect_complete()


def run(report, lab):
    d = Distribution(lab)
    for name, test in (("each byte leaves once", once), ("again, nothing is sent", nothing_to_do),
                       ("one more host gets it from the others", one_more_host),
                       ("a host that reaches no other is fed over SSH", cut_off),
                       ("a host dies with its share", dead_host),
                       ("interrupted and killed, it goes on", interrupted),
                       ("killed with its last packets lost, it goes on", killed_unheard),
                       ("a damaged bundle is named", damaged_bundle)):
        report.run(f"distribute: {name}", test, d)

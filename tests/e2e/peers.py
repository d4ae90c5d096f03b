"""Hosts that do not do their part of a distribution, a coordinator that is killed again and again,
and what the agents need of memory meanwhile."""

import os
import pathlib
import random
import re
import shutil
import time

from distribute import BLOBS, PORT, WINDOW, Distribution
from harness import check
from parcel import MIB

KILLS = 10
KILLED_MAX = 1.3  # of the bundle, all runs together
KILLED_MIB = (60, 40)
KILLED_MBIT = 100
BIG_MIB = (1024,)
RSS_KIB_MAX = 32 * 1024
SMALL_MIB = (16, 8)
SLOW_KBIT = 1000
SLOW_MIB = (64, 32)
SHARE = 0.3  # of that, which takes minutes so
SHARE_MBIT = 200


def only(lab, *names):
    """An inventory of some of the hosts, in this order."""
    head, *hosts = (lab.dir / "hosts.yaml").read_text().split("  - address: ")
    by_name = {re.search(r"^ +name: (\S+)$", text, re.M)[1]: text for text in hosts}
    path = lab.scratch / f"only-{'-'.join(names)}.yaml"
    path.write_text(head + "".join(f"  - address: {by_name[name]}" for name in names))
    path.chmod(0o600)
    return path


def altered_chunk(d):
    """n1's copy is changed on its disk behind its agent's back, time stamps and all: n2, which could
    have it from there, takes it from the coordinator, and no wrong byte for a right one."""
    d.fresh()
    d.file = only(d.lab, "n1")
    d.stage().expect(0)
    name = max(d.parcel.blobs, key=d.parcel.blobs.get).removeprefix("sha256:")
    d.lab.inside("n1", f"cd {BLOBS} && cp -p {name} /tmp/as-it-was &&"
                       f"printf damaged | dd of={name} bs=1 seek=$((3 << 20)) conv=notrunc 2>&1 &&"
                       f"touch -r /tmp/as-it-was {name} && rm /tmp/as-it-was")
    check(name in d.missing("n1"), "n1's copy was not altered: the test is none")
    d.file = only(d.lab, "n1", "n2")
    before = d.sent()
    run = d.stage().expect(0)
    sent = d.sent() - before
    d.file = d.lab.dir / "hosts.yaml"
    d.expect_complete("n2")
    told = re.findall(r"gets nothing from[^\"\n]*", run.text())
    check(told or not d.missing("n1"), lambda: f"nobody noticed:\n{run.text()}")
    return f"{sent / d.size:.2f} of the bundle sent; {told[0] if told else 'n1 mended itself'}"


def slow_exchange(lab, host):
    """What the host sends to the others creeps; its SSH does not."""
    lab.inside(host, "ethtool -K host0 tso off gso off &&"
                     "tc qdisc add dev host0 root handle 1: htb default 1 &&"
                     "tc class add dev host0 parent 1: classid 1:1 htb rate 10gbit &&"
                     f"tc class add dev host0 parent 1: classid 1:2 htb rate {SLOW_KBIT}kbit &&"
                     "for port in sport dport; do tc filter add dev host0 parent 1: protocol ip "
                     f"u32 match ip protocol 6 0xff match ip $port {PORT} 0xffff flowid 1:2; done")


def passed_on(lab, host):
    """Bytes that have left by that, of any kind."""
    found = lab.inside(host, "tc -s class show dev host0 classid 1:2")
    return int(re.search(r"Sent (\d+) bytes", found)[1])


def give_a_share(d, host):
    """The host alone gets a part of the bundle, so that nobody but it and the coordinator has that;
    gives the bytes. How much one of several gets in a run is up to their speeds."""
    d.file = only(d.lab, host)
    before = d.sent()
    d.lab.call("shape", str(SHARE_MBIT))
    try:
        run = d.start()
        d.wait_sent(before, SHARE)
        run.kill()
    finally:
        d.lab.call("shape", "off")
        d.file = d.lab.dir / "hosts.yaml"
    return d.sent() - before - WINDOW


def slow_peer(d):
    """What n3 has to pass on creeps: the others do not wait until it is through, but get the most of
    it from elsewhere."""
    d.fresh()
    share = give_a_share(d, "n3")
    before = d.sent()
    slow_exchange(d.lab, "n3")
    try:
        run = d.stage().expect(0)
        passed = passed_on(d.lab, "n3")
    finally:
        d.lab.inside("n3", "tc qdisc delete dev host0 root; ethtool -K host0 tso on gso on")
    d.expect_complete()
    check(0 < passed < share / 2, f"{passed} bytes of n3's share of {share} came from n3")
    return (f"{run.seconds:.1f} s; {passed / share:.2f} of n3's share from n3; "
            f"{(d.sent() - before) / d.size:.2f} of the bundle sent beside it")


def agents(lab):
    """Process ids of the agents' services, by host."""
    found = {}
    for name in lab.hosts:
        found[name] = [pid for pid, words in lab.commands(name)
                       if "serve" in words and any("bigtop-agent" in word for word in words)]
    return found


def resident(pid):
    """KiB now: pages of files that the kernel shares count too."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def memory(d):
    """The largest sample of any agent while a blob of 1 GiB goes to four hosts."""
    d.fresh()
    pids = [pid for several in agents(d.lab).values() for pid in several]
    check(len(pids) == len(d.lab.hosts), f"agents: {pids}")
    run = d.start()
    most = samples = 0
    while run.running():
        most = max([most, *map(resident, pids)])
        samples += 1
        time.sleep(0.05)
    run.wait().expect(0)
    check(all(os.path.exists(f"/proc/{pid}") for pid in pids), "an agent was started anew")
    check(samples > 20, f"only {samples} samples")
    d.expect_complete()
    check(most <= RSS_KIB_MAX, f"{most} KiB, more than {RSS_KIB_MAX}")
    return f"{most / 1024:.1f} MiB at most in {samples} samples, {run.seconds:.0f} s"


def killed_again_and_again(d):
    """kill -9 at ten random moments, of the preparations or of the distribution, which all of them
    together do not complete; the run after them completes every host, and little was sent twice."""
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    d.fresh()
    d.lab.call("shape", str(KILLED_MBIT))
    before = d.sent()
    early = 0
    for number in range(KILLS):
        since = d.sent()
        run = d.start()
        moment = time.monotonic() + (60 if number % 2 else moments.uniform(0.2, 1.5))
        most = moments.uniform(0.01, 0.8) * d.size / KILLS
        while run.running() and time.monotonic() < moment and d.sent() - since < most:
            time.sleep(0.01)
        early += run.running()
        run.kill()
    last = d.stage().expect(0)
    d.lab.call("shape", "off")
    sent = d.sent() - before
    d.expect_complete()
    check(early == KILLS, f"{KILLS - early} runs were over before they were killed (seed {seed})")
    check(sent <= KILLED_MAX * d.size, f"{sent} bytes for a bundle of {d.size} (seed {seed})")
    return f"{sent / d.size:.3f} of the bundle left in {KILLS} + 1 runs, the last {last.seconds:.1f} s"


TESTS = (("a chunk that was altered on a peer's disk is refused", altered_chunk, SMALL_MIB),
         ("a peer that is slow is no drag", slow_peer, SLOW_MIB),
         ("the coordinator is killed ten times", killed_again_and_again, KILLED_MIB),
         ("agents stay small with 1 GiB", memory, BIG_MIB))


def run(report, lab):
    for name, test, sizes in TESTS:
        d = Distribution(lab, sizes)
        report.run(f"peers: {name}", test, d)
        shutil.rmtree(d.parcel.folder)

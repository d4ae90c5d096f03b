"""Data disks: what must not be touched is not; what is ours is there again after a power cut; a
disk that is missing keeps its pods waiting and the root file system clean."""

import contextlib
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import zlib

import workload
from harness import check, wait_for
from lab import bundle_dir

DONE, REFUSED = 0, 3
FAST = "/var/lib/bigtop-volumes/fast"
HOSTS = ("n1", "n4")
SECTOR, BLOCK = 512, 4096


# What must not be touched, written on an empty disk from outside of its host

def program(*words):
    def write(device):
        subprocess.run([*words, device], check=True, capture_output=True)
    return write


def bytes_at(*places):
    def write(device):
        with open(device, "r+b") as disk:
            for offset, data in places:
                disk.seek(offset)
                disk.write(data)
    return write


def lvm():
    """LVM2's label in the second sector (lib/format_text/layout.h)."""
    return bytes_at((SECTOR, b"LABELONE" + struct.pack("<QII", 1, 0, 32) + b"LVM2 001" + b"a" * 32))


def mdraid():
    """Version 1.2 of the superblock (linux/raid/md_p.h)."""
    block = bytearray(4096)
    struct.pack_into("<II", block, 0, 0xA92B4EFC, 1)
    struct.pack_into("<Q", block, 144, 8)
    return bytes_at((4096, bytes(block)))


def zfs():
    return bytes_at(*((128 * 1024 + i * 1024, struct.pack("<Q", 0x00BAB10C)) for i in range(128)))


def mbr(kind=0x83):
    sector = bytearray(SECTOR)
    sector[450] = kind
    struct.pack_into("<II", sector, 454, 1, 2048)
    sector[510:512] = b"\x55\xaa"
    return bytes_at((0, bytes(sector)))


def gpt():
    def write(device):
        last = int(pathlib.Path(f"/sys/class/block/{pathlib.Path(device).name}/size").read_text()) - 1
        table = zlib.crc32(bytes(128 * 128))
        header = bytearray(SECTOR)
        struct.pack_into("<8sIIIIQQQQ16sQIII", header, 0, b"EFI PART", 0x10000, 92, 0, 0, 1, last, 34,
                         last - 33, b"a GUID of a disk", 2, 128, 128, table)
        struct.pack_into("<I", header, 16, zlib.crc32(bytes(header[:92])))
        mbr(0xEE)(device)
        bytes_at((SECTOR, bytes(header)))(device)
    return write


CASES = (
    ("ext4", program("mkfs.ext4", "-q", "-F"), "not empty: ext4"),
    ("xfs", program("mkfs.xfs", "-q", "-f"), "not empty: xfs"),
    ("an LVM volume", lvm(), "not empty: LVM2_member"),
    ("a member of a RAID", mdraid(), "not empty: linux_raid_member"),
    ("a ZFS label", zfs(), "not empty: zfs_member"),
    ("a GPT", gpt(), "gpt (partition table)"),
    ("an MBR", mbr(), "not empty: dos (partition table)"),
    ("swap", program("mkswap"), "not empty: swap"),
)


def file_of(lab, host, disk):
    return lab.dir / "hosts" / host / f"{disk}.data"


def loop_of(lab, host, disk):
    found = subprocess.run(["losetup", "--noheadings", "--output", "NAME", "-j",
                            file_of(lab, host, disk)],
                           check=True, capture_output=True, text=True).stdout.split()
    check(len(found) == 1, f"{disk} of {host} is behind {found}")
    return found[0]


def digest(lab, disk):
    """Of all of n4's disk that is not zero: most of such a file was never written."""
    subprocess.run(["blockdev", "--flushbufs", loop_of(lab, "n4", disk)], check=True)
    told, at = hashlib.sha256(), 0
    with open(file_of(lab, "n4", disk), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing more
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            for place in range(start, at, BLOCK):
                file.seek(place)
                block = file.read(BLOCK)
                if block.strip(b"\0"):
                    told.update(b"%d " % place + block)
    return told.digest()


def empty(device):
    subprocess.run(["blkdiscard", "--force", device], check=True, capture_output=True)


@contextlib.contextmanager
def unchanged(lab, *disks):
    before = [digest(lab, disk) for disk in disks]
    yield
    for disk, was in zip(disks, before):
        check(digest(lab, disk) == was, f"the content of {disk} changed")


def inventory(lab, n1, n4):
    """The lab's hosts.yaml with disks; a text each, of YAML's flow style."""
    return lab.inventory(("    name: n1\n", f"    name: n1\n    disks: [{n1}]\n"),
                         ("    name: n4\n", f"    name: n4\n    disks: [{n4}]\n"))


def refused(lab, entries, *words):
    """Apply says no, and what is wrong; it has changed nothing on the other host either."""
    path = inventory(lab, "{path: /lab/disk0, class: fast}", entries)
    run = lab.apply(path).expect(REFUSED, *words)
    for host in HOSTS:
        lab.inside(host, "! test -e /var/lib/bigtop-volumes")
    return run


def none_is_touched(lab):
    """One with each, all at once: each is named with what is on it and what would let that go."""
    disks = [f"disk{number}" for number in range(1, len(CASES) + 1)]
    for disk, (_, write, _) in zip(disks, CASES):
        write(loop_of(lab, "n4", disk))
    with unchanged(lab, *disks):
        text = refused(lab, ", ".join(f"{{path: /lab/{d}, class: {d}}}" for d in disks)).text()
    for disk, (name, _, words) in zip(disks, CASES):
        lines = [line for line in text.splitlines() if f"/lab/{disk}" in line and words in line]
        check(lines and f'wipe: "/lab/{disk}"' in text, f"{name}: {words!r} is not in:\n{text}")
    return ", ".join(name for name, _, _ in CASES)


def wipe_of_another(lab):
    """On the disk of the first case."""
    with unchanged(lab, "disk1"):
        refused(lab, "{path: /lab/disk1, class: slow, wipe: /lab/disk0}", "is not the one that")


def mounted(lab):
    """Not even when it may be wiped."""
    device = loop_of(lab, "n4", "disk1")
    empty(device)
    program("mkfs.ext4", "-q", "-F")(device)
    lab.inside("n4", "mkdir -p /mnt/x && mount -o ro /lab/disk1 /mnt/x")
    try:
        with unchanged(lab, "disk1"):
            refused(lab, "{path: /lab/disk1, class: slow, wipe: /lab/disk1}", "is mounted at /mnt/x")
    finally:
        lab.inside("n4", "umount /mnt/x && rmdir /mnt/x")


def two_matches(lab):
    """One disk by two names."""
    device = loop_of(lab, "n4", "disk1")
    empty(device)
    lab.inside("n4", "ln -s disk1 /lab/again")
    with unchanged(lab, "disk1"):
        refused(lab, "{path: /lab/disk1, class: slow}, {path: /lab/again, mount: /srv/x}",
                "meant by two entries")
    with unchanged(lab, "disk1"):
        refused(lab, "{serial: none-such, class: slow}", "no disk of this host has serial none-such")


# Disks at work

def the_file(lab):
    return inventory(lab, "{path: /lab/disk0, class: fast}, {path: /lab/disk1, mount: /srv/data}",
                     "{path: /lab/disk0, class: fast}, "
                     "{path: /lab/disk1, class: slow, wipe: /lab/disk1}")


def cluster(lab):
    """One disk of n4 carries something, and may be wiped by its name."""
    program("mkfs.ext4", "-q", "-F", "-L", "old")(loop_of(lab, "n4", "disk1"))
    path = the_file(lab)
    run = lab.run("plan", path, "--bundle", bundle_dir())
    run.expect(DONE, "n4: disks: make ext4 on disk /lab/disk0", "n4: disks: WIPE disk /lab/disk1")
    run = lab.apply(path).expect(DONE, "is ready")
    for host, mounts in (("n1", (FAST, "/srv/data")),
                         ("n4", (FAST, "/var/lib/bigtop-volumes/slow"))):
        for mount in mounts:
            said = lab.inside(host, 'findmnt -no FSTYPE,OPTIONS,LABEL "$1" || cat /proc/mounts',
                              mount)
            check(said.startswith("ext4") and "noatime" in said, f"{host} {mount}: {said}")
    lab.apply(path).expect(DONE, "nothing to change")
    return f"{run.seconds:.1f} s"


def volume(name, host, folder):
    """A volume in a folder of a disk, the claim on it, and a pod that keeps a file there."""
    place = {"required": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}]}}
    size = {"storage": "64Mi"}
    pod = workload.pod(name, "test -e /v/kept || echo written once > /v/kept; sync; "
                             "while sleep 1; do :; done", node=host, restart="Always",
                       volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": name}}],
                       mounts=[{"name": "v", "mountPath": "/v"}])
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
         "spec": {"capacity": size, "accessModes": ["ReadWriteOnce"], "storageClassName": name,
                  "persistentVolumeReclaimPolicy": "Retain", "nodeAffinity": place,
                  "hostPath": {"path": f"{folder}/{name}", "type": "DirectoryOrCreate"}}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
         "metadata": {"name": name, "namespace": workload.SPACE},
         "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": name,
                  "resources": {"requests": size}}}, pod]


def is_ready(lab, pod):
    status = lab.kubectl("-n", workload.SPACE, "get", "pod", pod, "-o",
                         "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
                         allow_failure=True)
    return status == "True"


VOLUMES = (("one", "n1", FAST), ("two", "n1", "/srv/data"), ("three", "n4", FAST),
           ("four", "n4", "/var/lib/bigtop-volumes/slow"))


def volumes_work(lab):
    workload.open_space(lab)
    workload.create(lab, *(item for v in VOLUMES for item in volume(*v)))
    for name, host, folder in VOLUMES:
        wait_for(f"pod {name}", 90, lambda: is_ready(lab, name))
        check(lab.inside(host, 'cat "$1"', f"{folder}/{name}/kept") == "written once\n", name)


def condition(lab):
    found = [c for c in lab.kube("get", "node", "n4")["status"]["conditions"]
             if c["type"] == "DataDisksReady"]
    return (found[0]["status"], found[0]["reason"], found[0]["message"]) if found else None


def power_cut(lab):
    """The volumes are back with what was in them."""
    check(condition(lab)[0] == "True", f"{condition(lab)}")
    lab.inside("n4", f"echo cut here > {FAST}/three/more; sync")
    lab.stop("n4")
    lab.start("n4")
    wait_for("the disk", 90, lambda: lab.inside("n4", f"cat {FAST}/three/more",
                                                allow_failure=True) == "cut here\n")
    booted = lab.inside("n4", "cat /proc/sys/kernel/random/boot_id")
    for name in ("three", "four"):
        wait_for(f"pod {name} after the cut", 120, lambda: runs_since_boot(lab, name))
    check(booted, "no boot id")


def runs_since_boot(lab, name):
    """Its process is one of n4's now."""
    return is_ready(lab, name) and any(
        "/v/kept" in " ".join(words) for _, words in lab.commands("n4"))


def disk_is_missing(lab):
    """Pods wait, nothing lands in the root file system, the node says so."""
    lab.stop("n4")
    lab.call("unplug", "n4", "disk0")
    lab.start("n4")
    wait_for("the condition", 120, lambda: condition(lab)[0] == "False", every=1)
    _, reason, message = condition(lab)
    check(reason == "DiskMissing" and FAST in message, f"{reason}: {message}")
    wait_for("the pod to be refused its volume", 90, lambda: "mkdir " + FAST in lab.kubectl(
        "-n", workload.SPACE, "get", "events", "-o", "jsonpath={.items[*].message}"), every=1)
    wait_for("the other disk's pod", 90, lambda: is_ready(lab, "four"), every=1)
    check(not pod_runs(lab, "three"), "the pod runs without its disk")
    said = lab.inside("n4", f"ls -A {FAST}; mkdir {FAST}/stray 2>&1; touch {FAST}/stray 2>&1; true")
    check(said.count("not permitted") == 2, said)
    status = lab.run("status", the_file(lab)).text()
    check("missing" in status, status)


def pod_runs(lab, name):
    states = json.loads(lab.kubectl("-n", workload.SPACE, "get", "pod", name, "-o",
                                    "jsonpath={.status.containerStatuses[0].state}") or "{}")
    return "running" in states and is_ready(lab, name)


def disk_is_back(lab):
    lab.call("plug", "n4", "disk0")
    wait_for("the mount", 90, lambda: lab.inside("n4", f"cat {FAST}/three/kept",
                                                 allow_failure=True) == "written once\n")
    wait_for("the condition", 90, lambda: condition(lab)[0] == "True", every=1)
    wait_for("the pod", 150, lambda: is_ready(lab, "three"), every=1)


def reset(lab):
    """What is on the disks stays, and a host that knows nothing of them attaches them again."""
    path = the_file(lab)
    lab.run("reset", path, "--yes").expect(DONE)
    for host in HOSTS:
        lab.inside(host, "! grep ' /lab/disk' /proc/mounts && ! test -e /srv/data && "
                         "! ls /etc/systemd/system/*.mount 2>/dev/null")
    lab.run("plan", path, "--bundle", bundle_dir()).expect(
        DONE, "n4: disks: attach disk /lab/disk0", "as it is, at /var/lib/bigtop-volumes/slow")
    said = lab.inside("n4", "mount -o ro /lab/disk1 /mnt && cat /mnt/four/kept; umount /mnt")
    check(said == "written once\n", said)


def run(report, lab):
    report.run("disks with something on them are not touched", none_is_touched, lab)
    report.run("`wipe` of another disk wipes none", wipe_of_another, lab)
    report.run("a mounted disk is not touched", mounted, lab)
    report.run("one disk named twice, and one that is not there, are refused", two_matches, lab)
    if not report.run("two hosts with two disks each become a cluster", cluster, lab):
        return
    if report.run("a volume on each disk", volumes_work, lab):
        report.run("a power cut: the volumes are back", power_cut, lab)
        if report.run("a disk is missing at boot: its pods wait", disk_is_missing, lab):
            report.run("the disk is back: its pods run", disk_is_back, lab)
    report.run("reset leaves what is on the disks", reset, lab)

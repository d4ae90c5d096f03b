"""A machine installs itself to its disk and runs from there."""

import json
import pathlib
import random
import re
import subprocess
import time

from content import flip_bit, middle_of
from harness import check, wait_for
from machine import READY, Machine, digest, empty_disk

SERIAL = "DISK0"
MAC = "52:54:00:12:34:56"
DISK_SIZE = 8 << 30
ROOT = "/bigtop/root.squashfs"
SLOT_B = 4  # the number of its partition
DONE = "starting from there"
INSTALL_SECONDS = 900
GOOD_SECONDS = 600
RESTART_SECONDS = 120
CUT_SECONDS = 20  # about as long as it takes


def hosts(wipe=None):
    wish = f"{{disk: {SERIAL}, wipe: {wipe}}}" if wipe else f"{{disk: {SERIAL}}}"
    return ("rack: {cidr: 10.0.2.0/24}\nhosts:\n"
            f"- {{address: 10.0.2.15, name: one, mac: \"{MAC}\", install: {wish}}}\n")


def boot_choice(machine):
    """What GRUB goes by on an installed machine: which slot is next, and how their starts went."""
    text = machine.text("mkdir -p /run/look && mount -o ro /dev/disk/by-partlabel/bigtop-efi "
                        "/run/look && cat /run/look/boot/grub/grubenv; umount /run/look")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


class Installation:
    def __init__(self, where, image, newer, key, firmware):
        self.dir = pathlib.Path(where)
        self.dir.mkdir()
        self.image = image
        self.newer = newer
        self.key = key
        self.firmware = firmware
        self.disk = self.dir / "disk"
        self.machine = None
        self.starts = 0
        self.new_disk()

    def new_disk(self):
        self.disk.unlink(missing_ok=True)
        empty_disk(self.disk, DISK_SIZE)

    def start(self, medium):
        self.starts += 1
        self.machine = Machine(self.dir / f"{self.dir.name}-{self.starts}", self.image,
                               self.firmware, medium, [self.disk], self.key)
        return self.machine

    def gone(self):
        if self.machine:
            self.machine.gone()
            self.machine = None

    def ssh_answers(self):
        return self.machine.ssh("true", allow_failure=True).returncode == 0

    def is_refused(self):
        """Something is on the disk, and nobody said that it may go."""
        subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "precious", self.disk], check=True)
        before = digest(self.disk)
        machine = self.start("usb")
        machine.wait_to_see("Not installed: ")
        machine.wait_to_see('is not empty: ext4 "precious"', 60)
        machine.wait_to_see("wipe", 60)
        check(READY not in machine.seen(), "it waits for a coordinator all the same")
        check(not self.ssh_answers(), "it lets somebody in")
        self.gone()
        check(digest(self.disk) == before, "the disk changed")
        self.new_disk()
        return "ext4 on the disk, which is as it was"

    def is_installed(self):
        machine = self.start("usb")
        machine.wait_to_see("Installing to ")
        machine.wait_to_see(DONE, INSTALL_SECONDS)
        seconds = time.monotonic() - machine.started
        machine.wait_to_end(RESTART_SECONDS)
        return f"{seconds:.0f} s from power on"

    def runs_from(self, slot, medium=None):
        machine = self.start(medium)
        machine.wait_to_see(READY)
        machine.wait_to_see(f"Runs from its own disk, slot {slot}.", 60)
        check("Installing" not in machine.seen(), "it installs itself again")
        wait_for("a way in", 240, self.ssh_answers, 2)
        return machine

    def runs_and_keeps(self):
        """From the disk, then with the medium that installed it back in front: the same machine."""
        machine = self.runs_from("A")
        first = self.identity()
        machine.text("echo kept >/etc/kept; echo kept >/var/lib/kept; echo kept >/opt/kept; sync")
        check("/dev/sd" not in machine.text("cat /proc/swaps"), "swap")
        self.gone()
        machine = self.runs_from("A", "usb")
        check(self.identity() == first, "another host key or machine number")
        check(machine.text("cat /etc/kept /var/lib/kept /opt/kept").split() == ["kept"] * 3, "gone")
        return "with the medium in front, too"

    def identity(self):
        return self.machine.text("cat /run/bigtop/ssh/host_ed25519.pub /etc/machine-id")

    def is_good(self):
        """No node yet: its SSH server counts."""
        wait_for("a good start", GOOD_SECONDS, lambda: self.env()["A_OK"] == "1", 10)
        check(self.env()["A_TRY"] == "0", self.env())
        return "the count begins anew"

    def env(self):
        return boot_choice(self.machine)

    def is_updated(self):
        """To slot B, by a newer image; the refusal of one that is damaged comes before."""
        machine = self.machine
        machine.put(self.newer, "/var/lib/new.iso")
        machine.text("cp /var/lib/new.iso /var/lib/bad.iso; printf xxxx | "
                     "dd of=/var/lib/bad.iso bs=1 seek=60000000 conv=notrunc status=none")
        bad = machine.ssh("bigtop-bootstrap iso update /var/lib/bad.iso", allow_failure=True,
                          seconds=600)
        check(bad.returncode == 2 and "is damaged" in bad.stderr, bad.stdout + bad.stderr)
        check(self.env()["ORDER"] == "A B" and self.env()["B_OK"] == "", self.env())
        said = machine.text("bigtop-bootstrap iso update /var/lib/new.iso && rm /var/lib/*.iso",
                            seconds=900)
        check("slot B has it" in said, said)
        check(self.env()["ORDER"] == "B A", self.env())
        self.gone()
        self.runs_from("B")
        self.gone()
        return "it starts from slot B"

    def falls_back(self):
        """Slot B differs in one bit of its root: two starts more, and it is A's turn."""
        flip_bit(self.disk, self.slot_begins(SLOT_B) + middle_of(self.newer, ROOT))
        for _ in range(2):
            seen = self.start(None).wait_to_end()
            check("slot B is damaged" in seen, lambda: seen[-2000:])
        self.runs_from("A")
        return "after three starts of B in all"

    def slot_begins(self, number):
        table = json.loads(subprocess.run(["sfdisk", "--json", self.disk], check=True, text=True,
                                          capture_output=True).stdout)["partitiontable"]
        return table["partitions"][number - 1]["start"] * table["sectorsize"]

    def survives_power_cuts(self, count=3):
        """While it installs itself, at moments that nobody chose; the next start goes on."""
        self.new_disk()
        cuts = []
        while len(cuts) < count and self.first_of("usb", "Installing to ", READY) != READY:
            cuts.append(random.uniform(0, CUT_SECONDS))
            time.sleep(cuts[-1])
            self.machine.power_cut()
        self.gone()
        if self.first_of("usb", DONE, READY) == DONE:
            self.machine.wait_to_end(RESTART_SECONDS)
        self.gone()
        self.runs_from("A")
        return "cut " + ", ".join(f"{cut:.0f}" for cut in cuts) + " s after it began"

    def first_of(self, medium, *texts):
        machine = self.start(medium)
        machine.wait_to_see(re.compile("|".join(texts)), INSTALL_SECONDS)
        return next(text for text in texts if text in machine.seen())

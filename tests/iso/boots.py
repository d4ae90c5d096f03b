"""Machines that start from the image as it is: to their screen, who gets in, what stays as it was."""

import os
import queue
import re
import shutil
import subprocess
import threading
import time

from content import flip_bit, middle_of
from harness import check, wait_for
from machine import READY, Machine, digest, empty_disk, need_firmware

AT_ONCE = 3  # one of them only waits whether its disks stay as they are
SSH_SECONDS = 300
STAYS_SECONDS = int(os.environ.get("STAYS_SECONDS", "600"))
# The journal has something to be replayed: mounted, written, and copied while mounted.
DIRTY = """mkfs.ext4 -q "$1" && mkdir "$1.d" && mount -o loop "$1" "$1.d" &&
echo "not yet unmounted" >"$1.d/file" && sync && cp "$1" "$1.copy" && umount "$1.d" &&
rmdir "$1.d" && mv "$1.copy" "$1\""""


class Boots:
    def __init__(self, where, image, key, architecture="amd64"):
        self.dir = where
        self.image = image
        self.key = key
        self.architecture = architecture
        self.fingerprints = []

    def tests(self):
        return {"bios cd": self.bios_cd,
                "bios usb": lambda: self.boots("bios", "usb", self.nobody_else),
                "uefi cd": lambda: self.boots("uefi", "cd"),
                "uefi usb": lambda: self.boots("uefi", "usb"),
                "secure usb": self.secure_usb,
                "altered kernel": self.altered_kernel}

    def start(self, name, firmware, medium, image=None, disks=()):
        need_firmware(firmware)
        return Machine(self.dir / name, image or self.image, firmware, medium, disks, self.key,
                       architecture=self.architecture)

    def boots(self, firmware, medium, more=None, disks=()):
        """To the screen, and SSH answers with the key that is shown; then what more there is to see
        in the same boot."""
        name = f"{self.architecture}-{firmware}-{medium}"
        with self.start(name, firmware, medium, disks=disks) as machine:
            seconds = machine.wait_to_see(READY)
            shown = machine.after("SSH key")
            check(re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", shown), f"no fingerprint: {shown}")
            answers = wait_for("sshd", SSH_SECONDS, lambda: scan(machine), 1)
            check(answers == shown, f"{shown} is shown, {answers} answers")
            check(shown not in self.fingerprints, "a host key came back in another boot")
            self.fingerprints.append(shown)
            check("10.0.2.15" in machine.seen(), "no address is shown")
            note = more(machine) if more else None
            return f"to its screen {seconds:.0f} s; {shown}" + (f"; {note}" if note else "")

    def bios_cd(self):
        """With disks that stay as they are: a file system that was not unmounted, a swap, and one
        that looks like our medium; what a careless live system would touch."""
        disks = [self.dir / f"disk{i}" for i in range(3)]
        for disk in disks:
            empty_disk(disk, 64 << 20)
        dirty_ext4(disks[0])
        subprocess.run(["mkswap", "-q", disks[1]], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-L", "BIGTOP", disks[2]], check=True)
        before = [digest(disk) for disk in disks]
        note = self.boots("bios", "cd", disks_are_not_used, disks)
        check([digest(disk) for disk in disks] == before, "a disk changed")
        return note

    def nobody_else(self, machine):
        """One way in, no password, no key that came with the image."""
        shadow = machine.text("cat /etc/shadow")
        check(all(line.split(":")[1] in ("*", "!", "!*") for line in shadow.split()),
              f"a password: {shadow}")
        machine.key = None
        other = self.dir / "other"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        for options in (("-o", "PubkeyAuthentication=no"),
                        ("-o", "IdentitiesOnly=yes", "-i", str(other))):
            refused = machine.ssh("true", *options, allow_failure=True)
            check(refused.returncode == 255 and "Permission denied (publickey)" in
                  refused.stderr, f"{refused.returncode}: {refused.stderr}")
        machine.key = self.key
        check(machine.text("hostname").strip() == "bigtop-525400123456", "another name")
        wait_for("all units", SSH_SECONDS, lambda: machine.text(
            "systemctl is-system-running", allow_failure=True).strip() != "starting", 5)
        check(machine.text("systemctl is-system-running", allow_failure=True).strip() == "running",
              lambda: machine.text("systemctl --failed", allow_failure=True))
        program = machine.text("bigtop-bootstrap bundle verify --key "
                               "/root/.config/bigtop-bootstrap/trusted/*.pub "
                               "/run/bigtop/medium/bigtop/bundle", seconds=600)
        check("every one as announced" in program, program)
        return program.strip().splitlines()[-1]

    def secure_usb(self):
        return self.boots("secure", "usb", is_secure)

    def altered_kernel(self):
        """One bit of the kernel on the medium: the firmware's chain of trust ends there."""
        altered = self.dir / "altered.iso"
        shutil.copy(self.image, altered)
        flip_bit(altered, middle_of(altered, "/boot/vmlinuz"))
        try:
            with self.start("altered-kernel", "secure", "cd", altered) as machine:
                machine.wait_to_see("bad shim signature")
                check("Linux version" not in machine.seen() and READY not in machine.seen(),
                      "it boots")
                return "bad shim signature"
        finally:
            altered.unlink()


def scan(machine):
    """One kind of key after the other: qemu lets one connection wait, and loses the others."""
    keys = "".join(
        subprocess.run(["ssh-keyscan", "-T", "60", "-t", kind, "-p", str(machine.port),
                        "127.0.0.1"], capture_output=True, text=True).stdout
        for kind in ("ed25519", "ecdsa", "rsa", "dsa"))
    if not keys:
        return None
    check(len(keys.splitlines()) == 1, f"not one host key, but: {keys}")
    told = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=keys, capture_output=True,
                          text=True).stdout
    return told.split()[1]


def dirty_ext4(disk):
    """Mounted where nobody else sees it, and no longer than this takes, whatever ends us."""
    subprocess.run(["unshare", "--mount", "sh", "-c", DIRTY, "sh", disk], check=True)
    told = subprocess.run(["dumpe2fs", "-h", disk], capture_output=True, text=True).stdout
    check("needs_recovery" in told, "the journal has nothing in it")


def disks_are_not_used(machine):
    seen = machine.text("lsblk -dno NAME,SERIAL; echo; cat /proc/swaps; cat /proc/mounts")
    check(seen.count("DISK") == 3, f"not all disks are there: {seen}")
    check("/dev/sd" not in seen.replace("/dev/sr", ""), f"a disk is in use: {seen}")
    time.sleep(STAYS_SECONDS)
    check(machine.running(), "the machine went away meanwhile")
    return f"3 disks are the same {STAYS_SECONDS} s later"


def is_secure(machine):
    """Not only that it starts on such firmware: the firmware and the kernel say so."""
    variable = machine.text("od -An -tu1 /sys/firmware/efi/efivars/SecureBoot-*").split()
    check(variable[-1:] == ["1"], f"the firmware's SecureBoot: {variable}")
    lockdown = machine.text("cat /sys/kernel/security/lockdown")
    check("[integrity]" in lockdown, f"the kernel's lockdown: {lockdown}")
    return "Secure Boot is on, the kernel is locked down"


def run_at_once(report, tests):
    """Some of them at a time. The threads, and with them the machines, end with this program."""
    waiting = queue.SimpleQueue()
    for test in tests.items():
        waiting.put(test)

    def work():
        while True:
            try:
                report.run(*waiting.get_nowait())
            except queue.Empty:
                return

    threads = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

"""A machine in qemu that starts from a medium: which firmware, CD or stick, and disks that are to
stay as they are."""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from harness import Failure, check

OVMF = pathlib.Path("/usr/share/OVMF")
FIRMWARE = {
    "bios": None,
    "uefi": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    # Microsoft's keys are enrolled, as in machines that are sold: Debian's shim is signed by them.
    "secure": ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"),
}
# Software emulation on a busy machine now and then loses the ticks that the kernel counts here.
UNLUCKY = "IO-APIC + timer doesn't work"
READY = "waiting for the coordinator"
BOOT_SECONDS = int(os.environ.get("BOOT_SECONDS", "420"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def digest(path):
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


class Machine:
    def __init__(self, where, image, firmware, medium, disks=(), key=None, sticks=(),
                 memory=2048, net=None, mac="52:54:00:12:34:56"):
        """net: where its card is plugged in; None: a network of its own, with DHCP, that lets us
        in."""
        self.dir = pathlib.Path(where)
        self.dir.mkdir(parents=True)
        self.console = self.dir / "console"
        self.port = free_port()
        self.key = key
        own = f"user,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"
        words = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
                 "-m", str(memory), "-nodefaults", "-display", "none", "-vga", "std", "-no-reboot",
                 "-chardev", f"socket,id=s,path={self.dir}/serial,server=on,wait=off,"
                 f"logfile={self.console}", "-serial", "chardev:s",
                 "-monitor", f"unix:{self.dir}/monitor,server=on,wait=off", "-device", "qemu-xhci",
                 "-netdev", f"{net or own},id=n",
                 "-device", f"virtio-net-pci,netdev=n,mac={mac},romfile="]
        words += self.firmware(firmware) + self.medium(medium, image)
        for number, disk in enumerate(disks):
            words += ["-drive", f"file={disk},format=raw,if=none,id=d{number}",
                      "-device", f"ide-hd,drive=d{number},bus=ide.{number + 2},serial=DISK{number}"]
        for number, stick in enumerate(sticks):
            words += ["-drive", f"file={stick},format=raw,if=none,id=stick{number}",
                      "-device", f"usb-storage,drive=stick{number},id=usb{number}"]
        self.words = words
        self.start()

    def start(self):
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL)

    def firmware(self, kind):
        if kind == "bios":
            return ["-machine", "q35"]
        code, variables = FIRMWARE[kind]
        own = self.dir / "variables.fd"
        shutil.copy(OVMF / variables, own)
        secure = kind == "secure"
        words = ["-machine", "q35,smm=on" if secure else "q35"]
        if secure:
            words += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        return [*words, "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF / code}",
                "-drive", f"if=pflash,format=raw,unit=1,file={own}"]

    @staticmethod
    def medium(kind, image):
        if kind == "cd":
            return ["-drive", f"file={image},format=raw,if=none,id=cd,media=cdrom,readonly=on",
                    "-device", "ide-cd,drive=cd,bus=ide.0,bootindex=0"]
        return ["-drive", f"file={image},format=raw,if=none,id=stick,readonly=on",
                "-device", "usb-storage,drive=stick,bootindex=0"]

    def seen(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait_to_see(self, text, seconds=BOOT_SECONDS):
        until = time.monotonic() + seconds
        while text not in self.seen():
            if UNLUCKY in self.seen():
                self.gone()
                self.console.unlink()
                self.start()
            check(self.process.poll() is None, lambda: f"qemu ended\n{self.seen()[-2000:]}")
            if time.monotonic() > until:
                raise Failure(f"\"{text}\" was not seen in {seconds} s:\n{self.seen()[-3000:]}")
            time.sleep(1)
        return time.monotonic() - self.started

    def say(self, name, text):
        """To the serial line, or to qemu itself."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.dir / name))
            line.sendall(text.encode())
            time.sleep(1)

    def type(self, text):
        self.say("serial", text)

    def qemu(self, command):
        self.say("monitor", f"{command}\n")

    def let_us_in(self):
        """By a card that was not there before."""
        self.qemu(f"netdev_add user,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22,id=way")
        self.qemu("device_add usb-net,netdev=way,id=usbnet")

    def after(self, mark):
        """What follows the mark on the last screen that has it, in one line."""
        seen = self.seen().replace("\r", "")
        check(mark in seen, f"no \"{mark}\" in what was seen")
        return seen.rsplit(mark, 1)[1].split("\n", 1)[0].strip()

    def ssh(self, command, *options, allow_failure=False, seconds=120):
        words = ["ssh", "-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no",
                 "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                 "-o", "ConnectTimeout=60", *options]
        if self.key:
            words += ["-i", str(self.key), "-o", "IdentitiesOnly=yes"]
        try:
            done = subprocess.run([*words, "root@127.0.0.1", command], capture_output=True,
                                  text=True, stdin=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command}: not within {seconds} s") from None
        check(allow_failure or done.returncode == 0,
              lambda: f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def text(self, command, **options):
        return self.ssh(command, **options).stdout

    def gone(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

"""A machine in qemu that starts from a medium: which firmware, CD or stick, and disks that are to
stay as they are."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness import Failure, Skip, check

OVMF = pathlib.Path("/usr/share/OVMF")
AAVMF = pathlib.Path("/usr/share/AAVMF")
# In "secure" Microsoft's keys are enrolled, as in machines that are sold: Debian's shim is signed by
# them.
FIRMWARE = {
    "amd64": {"uefi": (OVMF / "OVMF_CODE_4M.fd", OVMF / "OVMF_VARS_4M.fd"),
              "secure": (OVMF / "OVMF_CODE_4M.secboot.fd", OVMF / "OVMF_VARS_4M.ms.fd")},
    "arm64": {"uefi": (AAVMF / "AAVMF_CODE.fd", AAVMF / "AAVMF_VARS.fd"),
              "secure": (AAVMF / "AAVMF_CODE.ms.fd", AAVMF / "AAVMF_VARS.ms.fd")},
}
# Software emulation on a busy machine now and then loses the ticks that the kernel counts here.
UNLUCKY = "IO-APIC + timer doesn't work"
READY = "waiting for the coordinator"
BOOT_SECONDS = int(os.environ.get("BOOT_SECONDS", "900"))
# As quick as emulation gets: a clock that the kernel trusts without asking a device for the time,
# and an Atom without the flaws that other processors' kernels work around at every system call.
CPU = {"amd64": "max,la57=off,svm=off,vendor=GenuineIntel,family=6,model=28,stepping=10",
       "arm64": "cortex-a72"}
QEMU = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
SCREEN = {"amd64": ["-vga", "std"], "arm64": ["-device", "ramfb"]}
CD = {"amd64": ["-device", "ide-cd,drive=cd,bus=ide.0,bootindex=0"],
      "arm64": ["-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=cd,bootindex=0"]}
# What every machine showed, whatever became of the test.
SEEN = pathlib.Path(__file__).resolve().parents[2] / "build/tests/iso"


def need_firmware(kind):
    if kind != "bios" and not OVMF.exists():
        raise Skip("no ovmf")


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


def empty_disk(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


class Machine:
    def __init__(self, where, image, firmware, medium, disks=(), key=None, sticks=(),
                 memory=2048, net=None, mac="52:54:00:12:34:56", more=(), architecture="amd64"):
        """medium: None: it starts from its first disk. net: where its card is plugged in; None: a
        network of its own, with DHCP, that lets us in. more: words for qemu."""
        self.dir = pathlib.Path(where)
        self.dir.mkdir(parents=True, exist_ok=True)
        SEEN.mkdir(parents=True, exist_ok=True)
        self.console = SEEN / f"{self.dir.name}.console"
        self.port, self.web_port = free_port(), free_port()
        self.key = key
        self.architecture = architecture
        own = (f"user,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22,"
               f"hostfwd=tcp:127.0.0.1:{self.web_port}-:80")
        words = ["setpriv", "--pdeathsig", "TERM", QEMU[architecture],
                 "-accel", "tcg,thread=multi", "-cpu", CPU[architecture], "-smp", "2",
                 "-m", str(memory), "-nodefaults", "-display", "none", "-no-reboot",
                 *SCREEN[architecture],
                 "-chardev", f"socket,id=s,path={self.dir}/serial,server=on,wait=off,"
                 f"logfile={self.console}", "-serial", "chardev:s",
                 "-monitor", f"unix:{self.dir}/monitor,server=on,wait=off", "-device", "qemu-xhci",
                 "-netdev", f"{net or own},id=n",
                 "-device", f"virtio-net-pci,netdev=n,mac={mac},romfile="]
        words += self.firmware(firmware) + self.medium(medium, image)
        for number, disk in enumerate(disks):
            words += ["-drive", f"file={disk},format=raw,if=none,id=d{number}",
                      "-device", f"ide-hd,drive=d{number},bus=ide.{number + 2},serial=DISK{number},"
                      f"bootindex={number + 1}"]
        for number, stick in enumerate(sticks):
            words += ["-drive", f"file={stick},format=raw,if=none,id=stick{number}",
                      "-device", f"usb-storage,drive=stick{number},id=usb{number}"]
        self.words = [*words, *more]
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gone()

    def start(self):
        self.console.unlink(missing_ok=True)  # what it showed before is not what it shows now
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL)

    def firmware(self, kind):
        if kind == "bios":
            return ["-machine", "q35"]
        code, variables = FIRMWARE[self.architecture][kind]
        own = self.dir / "variables.fd"
        shutil.copy(variables, own)
        words = ["-machine", "virt" if self.architecture == "arm64" else "q35"]
        if kind == "secure" and self.architecture == "amd64":
            words = ["-machine", "q35,smm=on",
                     "-global", "driver=cfi.pflash01,property=secure,value=on"]
        return [*words, "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                "-drive", f"if=pflash,format=raw,unit=1,file={own}"]

    def medium(self, kind, image):
        if kind is None:
            return []
        if kind == "cd":
            return ["-drive", f"file={image},format=raw,if=none,id=cd,media=cdrom,readonly=on",
                    *CD[self.architecture]]
        return ["-drive", f"file={image},format=raw,if=none,id=stick,readonly=on",
                "-device", "usb-storage,drive=stick,bootindex=0"]

    def seen(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait_to_see(self, text, seconds=BOOT_SECONDS):
        """A text, or a pattern."""
        until = time.monotonic() + seconds
        pattern = re.compile(re.escape(text)) if isinstance(text, str) else text
        while not pattern.search(self.seen()):
            if UNLUCKY in self.seen():
                self.gone()
                self.start()
            check(self.running(), lambda: f"qemu ended\n{self.seen()[-2000:]}")
            if time.monotonic() > until:
                raise Failure(f"\"{pattern.pattern}\" was not seen in {seconds} s:\n"
                              f"{self.seen()[-3000:]}")
            time.sleep(1)
        return time.monotonic() - self.started

    def wait_to_end(self, seconds=BOOT_SECONDS):
        """It restarts, which is qemu's end; what was seen until then."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"no restart in {seconds} s:\n{self.seen()[-3000:]}") from None
        return self.seen()

    def power_cut(self):
        self.process.kill()
        self.process.wait()

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

    def plug(self, stick, name):
        self.qemu(f"drive_add 0 file={stick},format=raw,if=none,id=of-{name}")
        self.qemu(f"device_add usb-storage,drive=of-{name},id={name}")

    def running(self):
        return self.process.poll() is None

    def page(self, path="/", data=None):
        """The web page of the coordinator, asked from outside: status and text."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}{path}", data, 60) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, ""

    def let_us_in(self):
        """By a card that was not there before."""
        self.qemu(f"netdev_add user,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22,id=way")
        self.qemu("device_add usb-net,netdev=way,id=usbnet")

    def after(self, mark):
        """What follows the mark on the last screen that has it, in one line."""
        seen = self.seen().replace("\r", "")
        check(mark in seen, f"no \"{mark}\" in what was seen")
        return seen.rsplit(mark, 1)[1].split("\n", 1)[0].strip()

    def ssh_words(self, *options):
        words = ["ssh", "-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no",
                 "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                 "-o", "ConnectTimeout=60", *options]
        if self.key:
            words += ["-i", str(self.key), "-o", "IdentitiesOnly=yes"]
        return [*words, "root@127.0.0.1"]

    def ssh(self, command, *options, allow_failure=False, seconds=120,
            stdin=subprocess.DEVNULL):
        try:
            done = subprocess.run([*self.ssh_words(*options), command], capture_output=True,
                                  text=True, stdin=stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command}: not within {seconds} s") from None
        check(allow_failure or done.returncode == 0,
              lambda: f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def put(self, path, to):
        with open(path, "rb") as file:
            self.ssh(f"cat >{to}", stdin=file, seconds=900)

    def text(self, command, **options):
        return self.ssh(command, **options).stdout

    def gone(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

"""The lab of tests/lab from Python: power, cuts, root's commands inside a host, the coordinator."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from harness import Failure, check, shorten

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests/lab/lab"
BUILT = ROOT / "build/bigtop-bootstrap"
APPLY_SECONDS = 420


def cache_home():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


def bundle_dir():
    return pathlib.Path(os.environ.get("BUNDLE") or cache_home() / "bigtop-bootstrap/bundle")


def bundle_key():
    """NAME of the NAME.key and NAME.pub that it is signed with, as tests/lab/key.sh has it."""
    return pathlib.Path(os.environ.get("BUNDLE_KEY") or cache_home() / "bigtop-bootstrap/bundle")


class Run:
    """A coordinator that ended, or is under way."""

    def __init__(self, process, output):
        self.process = process
        self.path = output
        self.started = time.monotonic()
        self.seconds = None

    def wait(self, seconds=APPLY_SECONDS):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"still running after {seconds} s:\n{shorten(self.text())}")
        self.seconds = time.monotonic() - self.started
        return self

    def kill(self, number=signal.SIGKILL):
        """The coordinator itself: nsenter and the lab's script exec into it."""
        self.process.send_signal(number)
        self.process.wait(60)

    def running(self):
        return self.process.poll() is None

    @property
    def code(self):
        return self.process.returncode

    def text(self):
        return self.path.read_text(errors="backslashreplace")

    def expect(self, code, *fragments):
        """Exit code and texts that must be in the output."""
        check(self.code == code, lambda: f"exit code {self.code}, not {code}:\n{self.text()}")
        for fragment in fragments:
            check(fragment in self.text(), lambda: f"no {fragment!r} in:\n{shorten(self.text())}")
        return self


class Lab:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="bigtop-e2e-"))
        self.count = 0
        self.hosts = []
        self.runs = []
        # A build meanwhile must not make the second run another program's.
        self.program = shutil.copy(BUILT, self.scratch)

    # The lab itself

    def call(self, *words, **options):
        """When we are interrupted, it has been as well, and cleans up behind itself."""
        with subprocess.Popen([LAB, "--dir", self.dir, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, **options) as done:
            output, errors = done.communicate()
        check(done.returncode == 0,
              lambda: f"lab {' '.join(map(str, words))}:\n{output}{errors}")
        return output

    def up(self, *hosts, disks=0, memory=None):
        """memory: of each host, MiB; else it has the machine's."""
        options = ("--disks", str(disks)) if disks else ()
        options += ("--memory", str(memory)) if memory else ()
        self.call("up", *options, *hosts, stdin=subprocess.DEVNULL)
        self.id = (self.dir / "id").read_text().strip()
        self.hosts = sorted(p.name for p in (self.dir / "hosts").iterdir())

    def down(self):
        for run in self.runs:
            if run.running():
                run.kill()
        self.call("down")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def stop(self, host):
        self.call("stop", host)

    def start(self, host):
        self.call("start", host)

    def cut_ssh(self, host):
        self.call("cut", "--ssh", host)

    def mend(self, host):
        self.call("mend", host)

    # Inside a host, as root, past SSH

    def processes(self, host):
        """All of a host's, by their ids here."""
        found = set()
        for top in pathlib.Path("/sys/fs/cgroup").glob("*/"):
            # os.walk, as rglob breaks off where a group goes away meanwhile
            for group, _, _ in os.walk(top / f"bigtop-lab-{self.id}" / host):
                try:
                    procs = pathlib.Path(group, "cgroup.procs").read_text()
                except OSError:
                    continue
                found.update(int(pid) for pid in procs.split())
        return found

    def leader(self, host):
        """The process that is the host's first."""
        for pid in sorted(self.processes(host)):
            if inside_id(pid) == "1":
                return pid
        raise Failure(f"{host} is off")

    def commands(self, host):
        """Command lines of a host's processes: (process id, words)."""
        return [(pid, command_line(pid)) for pid in self.processes(host)]

    def root_of(self, host):
        return pathlib.Path(f"/proc/{self.leader(host)}/root")

    def inside(self, host, script, *arguments, text=None, allow_failure=False, seconds=180):
        """Runs a shell script as the host's root; gives what it printed."""
        command = ["nsenter", "--target", str(self.leader(host)), "--all", "--wd=/root", "--",
                   "env", "-i", "HOME=/root", "KUBECONFIG=/etc/kubernetes/admin.conf",
                   "KUBECACHEDIR=/dev/shm/kubectl",
                   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "sh", "-c", script, "sh", *arguments]
        done = subprocess.run(command, input=text or "", capture_output=True, text=True,
                              errors="backslashreplace", timeout=seconds)
        check(allow_failure or done.returncode == 0,
              lambda: f"{host}: {script} → {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def in_network_of(self, host, *words, seconds=30):
        """Runs one of this machine's programs in the host's network; gives what it printed."""
        done = subprocess.run(["nsenter", f"--net=/proc/{self.leader(host)}/ns/net", "--", *words],
                              capture_output=True, text=True, timeout=seconds)
        return done.stdout

    def kubectl(self, *words, text=None, allow_failure=False, seconds=180):
        return self.inside("n1", 'kubectl "$@"', *words, text=text, allow_failure=allow_failure,
                           seconds=seconds)

    def kube(self, *words):
        return json.loads(self.kubectl(*words, "-o", "json"))

    # The coordinator, in the lab's network

    def inventory(self, *changes, name=None, append="", mode=0o600):
        """A copy of the lab's hosts.yaml with (old, new) texts exchanged."""
        text = (self.dir / "hosts.yaml").read_text()
        for old, new in changes:
            check(old in text, f"the lab's hosts.yaml has no {old!r}")
            text = text.replace(old, new)
        self.count += 1
        path = self.scratch / (name or f"hosts-{self.count}.yaml")
        path.write_text(text + append)
        path.chmod(mode)
        return path

    def start_run(self, *words, environment=None, wrap=()):
        self.count += 1
        output = self.scratch / f"run-{self.count}.out"
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb",
                     "XDG_CACHE_HOME": str(cache_home()), **(environment or {})}
        with open(output, "w") as sink:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/bigtop-{self.id}", "--", *wrap, self.program, *words],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=variables,
                start_new_session=True)
        self.runs = [run for run in self.runs if run.running()] + [Run(process, output)]
        return self.runs[-1]

    def run(self, *words, **options):
        return self.start_run(*words, **options).wait()

    def start_apply(self, inventory=None, *words):
        # How slow this machine's disk is at times is not what is tested.
        return self.start_run("apply", inventory or self.dir / "hosts.yaml", "--bundle",
                              bundle_dir(), "--accept-slow-disks", *words)

    def apply(self, inventory=None, *words):
        return self.start_apply(inventory, *words).wait()


def command_line(pid):
    try:
        data = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return data.decode(errors="replace").rstrip("\0").split("\0")


def inside_id(pid):
    """The process id as its host sees it; None outside of hosts and in a host's own pods."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1] if len(line.split()) == 3 else None
    return None

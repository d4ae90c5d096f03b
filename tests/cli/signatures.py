"""Bundles signed by us and by Debian's minisign, each verified by the other."""
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile

RECIPE = """product: p
architecture: amd64
serial: 7
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {}
components:
  - {name: note, kind: files, version: v1, roles: [worker], files: [{text: hello, to: etc/note}]}
"""
PASSWORD = "correct horse"
SECONDS_MAX = 120


class Folder:
    """A folder with a bundle in "out"; what was wrong is collected."""

    def __init__(self, program, path):
        self.program, self.path, self.wrong = program, path, []
        self.env = {"HOME": path, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        with open(self.file("recipe.yaml"), "w", encoding="utf-8") as file:
            file.write(RECIPE)

    def file(self, name):
        return os.path.join(self.path, name)

    def run(self, command, code, says, text=None):
        """In a session of its own: nothing asks on the terminal of who runs the tests."""
        done = subprocess.run(command, cwd=self.path, env=self.env, input=text or "", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=SECONDS_MAX, start_new_session=True)
        if done.returncode != code or not re.search(says, done.stdout, re.S):
            self.wrong.append(f"{' '.join(command[1:])}: {done.returncode}, expected {code} and "
                              f"{says!r}: {done.stdout}")

    def ours(self, arguments, code, says):
        self.run([self.program, "bundle", *arguments.split()], code, says)

    def theirs(self, arguments, code, says, text=None):
        self.run(["minisign", *arguments.split()], code, says, text)

    def ours_asked(self, arguments, answer, code):
        """The same with a terminal, on which the answer is typed when something is asked."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.path)
            os.execve(self.program, [self.program, "bundle", *arguments.split()], self.env)
        seen, asked = b"", False
        while select.select([terminal], [], [], SECONDS_MAX)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # closed
                break
            if not asked and b"Password of " in seen:
                asked = True
                os.write(terminal, answer.encode() + b"\n")
        os.close(terminal)
        found = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if found != code or not asked or answer.encode() in seen:
            self.wrong.append(f"{arguments}: {found}, expected {code}, asked {asked}: {seen!r}")

    def alter(self, name):
        with open(self.file(name), "r+b") as file:
            data = bytearray(file.read())
            data[len(data) // 2] ^= 1
            file.seek(0)
            file.write(data)


def our_keys(f):
    f.ours("build recipe.yaml -o out", 0, "bundle in out")
    f.ours("keygen --out k", 0, "key [0-9A-F]{16}")
    f.ours("verify --key k.pub out", 3, "out is not signed")
    f.ours("sign --key k.key out", 0, "signed with key")
    f.ours("verify --key k.pub out", 0, "product:p, architecture:amd64, serial:7, .*as announced")
    f.ours("verify out", 0, "no signature was checked")
    f.theirs("-V -H -p k.pub -m out/bigtop.json", 0, "serial:7")
    f.theirs("-S -s k.key -m out/bigtop.json -t theirs", 0, "")
    f.ours("verify --key k.pub out", 0, "theirs")
    f.ours("keygen --out k", 3, "k.key: File exists")


def their_keys(f):
    f.theirs("-G -W -s m.key -p m.pub", 0, "")
    f.ours("build recipe.yaml -o out --sign m.key", 0, "signed with key")
    f.theirs("-V -H -p m.pub -m out/bigtop.json", 0, "file:bigtop.json")
    f.ours("verify --key m.pub out", 0, "as announced")
    f.theirs("-S -l -s m.key -m out/bigtop.json", 0, "")
    f.ours("verify --key m.pub out", 3, "older form")


def their_password(f):
    f.theirs("-G -s m.key -p m.pub", 0, "", f"{PASSWORD}\n{PASSWORD}\n")
    f.ours("build recipe.yaml -o out", 0, "bundle in out")
    f.ours("sign --key m.key out", 2, "no terminal to ask on")
    f.ours_asked("sign --key m.key out", "a guess", 2)
    f.ours("verify --key m.pub out", 3, "out is not signed")
    f.ours_asked("sign --key m.key out", PASSWORD, 0)
    f.theirs("-V -H -p m.pub -m out/bigtop.json", 0, "serial:7")


def refusals(f):
    f.ours("keygen --out k", 0, "")
    f.ours("keygen --out next", 0, "")
    f.ours("build recipe.yaml -o out --sign next.key", 0, "")
    f.ours("verify --key k.pub out", 3, "not trusted")
    f.ours("verify --key k.pub --key next.pub out", 0, "as announced")
    f.alter("out/bigtop.json")
    f.ours("verify --key next.pub out", 3, "altered")
    f.ours("build recipe.yaml -o out --sign next.key", 0, "")
    blobs = f.file("out/blobs/sha256")
    f.alter(os.path.join("out/blobs/sha256", sorted(os.listdir(blobs))[0]))
    f.ours("verify --key next.pub out", 3, "has the content of")
    f.ours("verify out", 2, "has the content of")
    f.ours("sign --key next.key out", 2, "has the content of")


def a_bundle_without_kubernetes(f):
    with open(f.file("note.yaml"), "w", encoding="utf-8") as file:
        file.write("product: p\nserial: 7\ncomponents: [{name: n, source: {file: note.yaml}}]\n")
    f.ours("keygen --out k", 0, "")
    f.ours("build note.yaml --sign k.key -o out", 0, "signed with key")
    f.ours("inspect --key k.pub out", 0, r"p for \S+, serial 7\n.*\nn .*1 components.*verified")
    f.ours("inspect --output json out", 0, '"product":"p".*"components":.{"name":"n"')
    f.ours("build recipe.yaml -o other", 0, "bundle in other")
    f.ours("diff out other", 0, "serial 7\n.*Kubernetes v1.34.4\n.*removed +n .*")
    f.ours("merge other out -o both", 0, "2 components")
    f.ours("inspect both", 0, "Kubernetes v1.34.4\n")


class Installing:
    """apply on a host that nobody listens for: what is let through ends with exit code 1."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.hosts("")
        folder.ours("keygen --out k", 0, "")
        folder.ours("keygen --out other", 0, "")
        folder.ours("keygen --out next", 0, "")

    def hosts(self, keys):
        with open(self.folder.file("hosts.yaml"), "w", encoding="utf-8") as file:
            file.write(f"{keys}\nhosts: [{{address: 127.0.0.1, port: {self.port}}}]\n")

    def apply(self, arguments, code, says):
        for command in ("apply", "plan"):
            self.folder.run([self.folder.program, command, "hosts.yaml", "--bundle", "out",
                             *arguments.split()], code, says)

    def passes(self, arguments):
        self.apply(arguments, 1, "127.0.0.1.*refused")


def whose_bundle_is_installed(f):
    i = Installing(f)
    f.ours("build recipe.yaml -o out", 0, "")
    i.apply("", 3, "out is not signed\n.*--insecure-bundle")
    i.apply("--key k.pub", 3, "out is not signed")
    i.apply("--key k.pub --insecure-bundle", 2, "not both")
    i.apply("--insecure-bundle", 1, "INSECURE.*refused.*INSECURE")
    f.ours("sign --key k.key out", 0, "")
    i.apply("", 3, "nothing says whose bundle out must be\n.*--key NAME.pub")
    i.apply("--key other.pub", 3, "not trusted")
    i.apply("--key k.key", 2, "secret key")
    i.apply("--key none.pub", 2, "none.pub")
    i.apply("--insecure-bundle", 1, "INSECURE.*refused.*INSECURE")
    i.passes("--key k.pub")
    i.passes("--key other.pub --key k.pub")
    f.alter("out/bigtop.json")
    i.apply("--key k.pub", 3, "altered")


def where_keys_come_from(f):
    i = Installing(f)
    f.ours("build recipe.yaml -o out --sign k.key", 0, "")
    i.hosts("bundle_keys: [k.pub]")
    i.passes("")
    with open(f.file("k.pub"), encoding="utf-8") as file:
        i.hosts(f"bundle_keys: [{file.read().split()[-1]}]")
    i.passes("")
    i.hosts("bundle_keys: [other.pub]")
    i.apply("", 3, "not trusted")
    i.passes("--key k.pub")
    i.hosts("bundle_keys: [none.pub]")
    i.apply("", 2, "bundle_keys of hosts.yaml.*none.pub")
    i.hosts("bundle_keys: k.pub")
    i.apply("", 2, "hosts.yaml:1:14: bundle_keys is a plain value, expected a list")
    i.hosts("")
    os.makedirs(f.file(".config/bigtop-bootstrap/trusted"))
    shutil.copy(f.file("k.pub"), f.file(".config/bigtop-bootstrap/trusted"))
    i.passes("")


def which_serial_is_installed(f):
    i = Installing(f)
    f.ours("build recipe.yaml -o out --sign k.key --next-key next.pub", 0, "")
    i.passes("--key k.pub --serial 7")
    i.apply("--key k.pub --serial 6", 3, "serial 7, and --serial asks for 6")
    i.apply("--key k.pub --serial seven", 2, "seven")
    if os.path.exists(f.file(".local")):
        f.wrong.append("a serial is remembered, and no host has accepted it")


def check_signatures(program):
    for check in (our_keys, their_keys, their_password, refusals, a_bundle_without_kubernetes,
                  whose_bundle_is_installed, where_keys_come_from, which_serial_is_installed):
        name = f"signatures: {check.__name__.replace('_', ' ')}"
        if not shutil.which("minisign"):
            yield name, ["minisign is not installed: make install-packages"]
            continue
        with tempfile.TemporaryDirectory() as path:
            folder = Folder(program, path)
            check(folder)
        yield name, folder.wrong

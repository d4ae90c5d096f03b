"""What an image holds, unpacked: nothing that machines would share, and nothing secret."""

import pathlib
import re
import subprocess

from harness import check

FILES_AT_LEAST = 5000
USERS_AT_LEAST = 10
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{60,}")
# As crypt(5) writes them.
PASSWORD = re.compile(rb"\$(?:[1567y]|2[abxy]|gy|sha1)\$[./A-Za-z0-9$,=]{12,}")


def no_secrets(image, key, where):
    """No host key, no password, no private key, no state; who may log in is who was named."""
    unpack(image, where)
    root, site = where / "root", where / "site"
    for layer in (root, site):
        found = [str(path) for pattern in ("etc/ssh/ssh_host_*", "**/random-seed",
                                           "**/authorized_keys", "**/.ssh/*")
                 for path in layer.glob(pattern)]
        check(found in ([], [str(layer / "etc/bigtop/authorized_keys")]), found)
    check((site / "etc/bigtop/authorized_keys").read_text() == pathlib.Path(key).read_text(),
          "other keys are let in")
    check((root / "etc/machine-id").read_bytes() == b"", "every machine is the same one")
    shadow = [line.split(":") for line in (root / "etc/shadow").read_text().split()]
    check(len(shadow) >= USERS_AT_LEAST and
          all(words[1] in ("*", "!", "!*") for words in shadow), f"a password: {shadow}")
    files = [path for path in where.rglob("*") if path.is_file() and not path.is_symlink()]
    check(len(files) >= FILES_AT_LEAST, f"only {len(files)} files were unpacked")
    for path in files:
        holds_no_secret(where, path)
    return f"{len(files)} files, {len(shadow)} users without a password"


def unpack(image, where):
    where.mkdir()
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", image, "-extract", "/",
                    where / "medium"], check=True, capture_output=True)
    for layer in ("root", "site"):
        subprocess.run(["nice", "-n", "19", "unsquashfs", "-q", "-n", "-d", where / layer,
                        where / f"medium/bigtop/{layer}.squashfs"], check=True,
                       capture_output=True)
    subprocess.run(["zstd", "-dqf", where / "medium/boot/initrd.img", "-o",
                    where / "medium/boot/initrd"], check=True)


def holds_no_secret(where, path):
    """Programs that read keys have the words around one in them, and no key between; Debian's
    libraries have keys that everyone knows, to test themselves."""
    data = path.read_bytes()
    within = path.relative_to(where).parts
    known = within[:2] == ("root", "usr") and data.startswith(b"\x7fELF")
    check(known or not PRIVATE_KEY.search(data), f"a private key: {path}")
    check(within[1] not in ("etc", "root", "home", "var", "run") or not PASSWORD.search(data),
          f"a password's hash: {path}")


def middle_of(image, path):
    """Where in the image the middle of one of its files is, in bytes."""
    told = subprocess.run(["xorriso", "-indev", image, "-find", path, "-exec", "report_lba", "--"],
                          capture_output=True, text=True).stdout
    found = re.search(r"^File data lba:\s*\d+\s*,\s*(\d+)\s*,\s*(\d+)\s*,", told, re.M)
    check(found, f"xorriso does not find {path}: {told}")
    return (int(found[1]) + int(found[2]) // 2) * 2048


def flip_bit(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))

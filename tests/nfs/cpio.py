"""An initial file system for Linux: a folder as a cpio archive (newc; the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst)."""

import os


def member(name, mode, data=b""):
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return pad(head) + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def archive(root):
    out = [member("dev", 0o040755), member("dev/console", 0o020600)]
    for folder, folders, files in os.walk(root):
        for name in sorted(folders):
            path = os.path.join(folder, name)
            out.append(member(os.path.relpath(path, root), 0o040755))
        for name in sorted(files):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                out.append(member(os.path.relpath(path, root), os.stat(path).st_mode, file.read()))
    return b"".join(out) + member("TRAILER!!!", 0)

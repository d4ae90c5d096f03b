"""Signed bundles of random bytes: nothing in them can be packed, or be there already. Names that no
host would run: they are for moving, not for installing."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/bigtop-bootstrap"
MIB = 1 << 20
RECIPE = """product: parcel
architecture: amd64
serial: 1
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources:
"""


class Parcel:
    """A bundle in folder/bundle, its key in folder/key.pub; one blob per size (MiB)."""

    def __init__(self, folder, *sizes):
        self.folder = pathlib.Path(folder)
        self.dir = self.folder / "bundle"
        self.key = self.folder / "key.pub"
        recipe = [RECIPE]
        for number, size in enumerate(sizes):
            fill(self.folder / f"part-{number}", size * MIB)
            recipe.append(f"  part-{number}: {{type: file, path: part-{number}}}\n")
        recipe.append("components:\n")
        for number in range(len(sizes)):
            recipe.append(f"  - {{name: part-{number}, kind: files, version: v1, "
                          "roles: [control-plane, worker],\n"
                          f"     files: [{{from: part-{number}, to: srv/part-{number}}}]}}\n")
        (self.folder / "recipe.yaml").write_text("".join(recipe))
        self.tool("keygen", "--out", self.folder / "key")
        self.tool("build", self.folder / "recipe.yaml", "--sign", self.folder / "key.key", "-o",
                  self.dir)
        for number in range(len(sizes)):
            (self.folder / f"part-{number}").unlink()
        self.blobs = wanted_blobs(self.dir)

    def tool(self, *words):
        # A cache of its own: nobody wants to keep these.
        subprocess.run([PROGRAM, "bundle", *words], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True,
                       env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")})


def wanted_blobs(bundle, role=None):
    """Digest to size of what hosts of a role, or of any, fetch: not what only makes the folder an
    OCI layout."""
    manifest = json.loads((bundle / "bigtop.json").read_text())
    wanted = set()
    for component in manifest["components"]:
        if role and role not in component["roles"]:
            continue
        wanted.update(component[key] for key in ("blob", "manifest") if key in component)
        wanted.update(component.get("blobs", []))
    return {digest: manifest["blobs"][digest] for digest in wanted}


def fill(path, size):
    with open(path, "wb") as file:
        while size > 0:
            size -= file.write(os.urandom(min(size, 4 * MIB)))

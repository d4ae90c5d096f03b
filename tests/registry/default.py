"""The images of the default bundle, in a registry that stands for the public ones."""

import json
import os
import pathlib
import subprocess

from build import Build
from harness import Skip, check
from servers import Registry


def cached_bundle():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    dir = pathlib.Path(os.environ.get("BUNDLE") or f"{cache}/bigtop-bootstrap/bundle")
    if not (dir / "bigtop.json").exists():
        raise Skip(f"no bundle in {dir} (make bundle)")
    return dir


def images_of(dir):
    components = json.loads((dir / "bigtop.json").read_text())["components"]
    return {c["name"]: c for c in components if c["kind"] == "image"}


def push(bundle, registry, ref):
    repository = ref.split("/", 1)[1]
    done = subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false",
         "--preserve-digests", f"oci:{bundle}:{ref}", f"docker://{registry.name}/{repository}"],
        capture_output=True, text=True)
    check(done.returncode == 0, lambda: done.stderr)


def through_the_mirror(dir):
    bundle = cached_bundle()
    images = images_of(bundle)
    registry = Registry(dir / "default/registry", dir / "default/storage")
    try:
        b = Build(dir / "default/build")
        for c in images.values():
            push(bundle, registry, c["ref"])
            b.mirror(c["ref"].split("/")[0], f"http://{registry.name}")
        b.images(**{name: c["ref"] for name, c in images.items()})
        b.good()
    finally:
        registry.stop()
    for name, c in images.items():
        found = b.component(name)
        check(found["ref"] == c["ref"] and found["manifest"] == c["manifest"]
              and found["blobs"] == c["blobs"], lambda: f"{found}\n{c}")
    return f"{len(images)} images"


def run(report, dir):
    report.run("the default bundle's images, by their public names", through_the_mirror, dir)

"""The images of the default bundle in a registry that stands for the public ones, and the release
recipe from that and from a site that stands for those of the programs."""

import hashlib
import io
import json
import os
import pathlib
import re
import ssl
import subprocess
import tarfile

from build import ROOT, Build
from harness import Skip, check
from image import Image
from servers import Registry, Server, Tunnel

RELEASE = ROOT / "images/recipes/release.yaml"


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


def tarball(*names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(name), 0o755
            tar.addfile(entry, io.BytesIO(name.encode()))
    return out.getvalue()


def site_of(recipe):
    """Programs of a few bytes under the recipe's URLs, and the checksums as each project has them."""
    files = {}
    for url, sums in re.findall(r"    url: https://(\S+)\n    sha256_url: https://(\S+)\n", recipe):
        name = url.split("/")[-1]
        inside = {"containerd": ["bin/containerd", "bin/ctr"], "cni-plugins": ["./bridge"],
                  "cni-plugin": ["./flannel-amd64"], "etcd": ["etcd-v3.6.5-linux-amd64/etcdctl"]}
        members = [v for k, v in inside.items() if name.startswith(k + "-")]
        data = tarball(*members[-1]) if members else name.encode()
        hex = hashlib.sha256(data).hexdigest()
        if name.startswith("runc"):  # several files in one, signed in clear
            text = f"-----BEGIN PGP SIGNED MESSAGE-----\n\n{64 * 'a'} *runc.arm64\n{hex} *{name}\n"
        else:
            text = hex if "dl.k8s.io" in url else f"{hex}  {name}\n"
        files[url], files[sums] = data, text.encode()
    return files


def of_sites(recipe):
    """Without what is made of Debian packages, modules and C, as in the default recipe."""
    blocks = re.split(r"\n(?=  \S)", recipe)
    gone = {block.split(":")[0].strip() for block in blocks
            if re.search(r"\n    type: (deb|go-files|c)\n", block)}
    check(len(gone) == 6, lambda: f"sources that are no site's: {gone}")
    used = re.compile(r"from: (%s)\b" % "|".join(map(re.escape, gone)))
    return "\n".join(block for block in blocks
                     if block.split(":")[0].strip() not in gone and not used.search(block))


def release(dir):
    """What release.yaml has of other sites, from stand-ins: the default images and small ones."""
    recipe = of_sites(RELEASE.read_text())
    files = site_of(recipe)
    check(len(files) == 16, lambda: f"URLs of the recipe: {sorted(files)}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(dir / "server.pem", dir / "server.key")

    def give(request):
        data = files.get(request.headers["Host"] + request.path)
        request.answer(404 if data is None else 200, data or b"")

    site = Server(give, context)
    tunnel = Tunnel(site.port)
    registry = Registry(dir / "release/registry", dir / "release/storage")
    try:
        b = Build(dir / "release/build")
        b.recipe.write_text(recipe.replace(" ../../", f" {ROOT}/")
                            .replace(" ../", f" {ROOT}/images/"))
        images = {}
        for ref in re.findall(r'oci: "([^"]+)"', recipe):
            host, repository = ref.rsplit(":", 1)[0].split("/", 1)
            b.mirror(host, f"http://{registry.name}")
            images[ref] = Image(ref, index=len(images) % 2 == 0, docker=len(images) % 3 == 0)
            images[ref].tag(ref.rsplit(":", 1)[1], images[ref].top)
            images[ref].push(registry.name, repository)
        b.environment.update(https_proxy=tunnel.url, SSL_CERT_FILE=str(dir / "server.pem"))
        b.good()
    finally:
        registry.stop()
        tunnel.stop()
        site.stop()
    for component in b.list()["components"]:
        if component["kind"] == "image":
            b.has(component["name"], images[component["ref"]])
    check({w for _, w in tunnel.wanted} == {"github.com:443", "dl.k8s.io:443"},
          lambda: f"{tunnel.wanted}")
    check(len(b.lock()["url"]) == 8 and len(b.lock()["oci"]) == len(images), "not all is locked")
    return f"{len(images)} images, {len(b.lock()['url'])} files"


def run(report, dir):
    report.run("the default bundle's images, by their public names", through_the_mirror, dir)
    report.run("the release recipe, from stand-ins of its sites", release, dir)

"""Images made in memory: as the misbehaving registry serves them, or to be put into a real one."""

import gzip
import hashlib
import json
import random
import urllib.request

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    # Not how we would write it: bytes have to stay as they are.
    return json.dumps(value, indent=5).encode() + b"\n"


class Image:
    """One layer of random bytes, compressed (we never look into it, skopeo does), by `seed`."""

    def __init__(self, seed, size=5000, docker=False, architecture="amd64", index=False):
        layer = gzip.compress(random.Random(seed).randbytes(size), 1, mtime=0)
        self.blobs, self.manifests, self.types = {}, {}, {}
        self.layer = self.add_blob(layer)
        self.docker = docker
        self.config = self.add_blob(dump({
            "architecture": architecture, "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [self.layer]}}))
        self.manifest = self.add_manifest({
            "schemaVersion": 2, "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
            "config": self.describe(self.config, DOCKER_CONFIG if docker else OCI_CONFIG),
            "layers": [self.describe(self.layer, DOCKER_LAYER if docker else OCI_LAYER)]})
        self.top = self.manifest
        if index:
            self.top = self.add_index(architecture)
        self.tag("v1", self.top)

    def add_blob(self, data):
        self.blobs[digest(data)] = data
        return digest(data)

    def add_manifest(self, manifest):
        data = dump(manifest)
        self.manifests[digest(data)] = data
        self.types[digest(data)] = manifest.get("mediaType", OCI_MANIFEST)
        return digest(data)

    def add_index(self, architecture):
        other = Image("other", 100, self.docker, "s390x")
        self.blobs.update(other.blobs)
        self.manifests.update({k: v for k, v in other.manifests.items() if k != "v1"})
        self.types.update(other.types)
        kind = DOCKER_MANIFEST if self.docker else OCI_MANIFEST
        entries = [
            dict(self.describe(other.manifest, kind, self.manifests),
                 platform={"os": "linux", "architecture": "s390x"}),
            dict(self.describe(self.manifest, kind, self.manifests),
                 platform={"os": "linux", "architecture": architecture})]
        return self.add_manifest({
            "schemaVersion": 2, "mediaType": DOCKER_LIST if self.docker else OCI_INDEX,
            "manifests": entries})

    def tag(self, tag, what):
        self.manifests[tag] = self.manifests[what]
        self.types[tag] = self.types[what]

    def describe(self, name, kind, where=None):
        data = (where or self.blobs)[name]
        return {"mediaType": kind, "digest": name, "size": len(data)}

    def push(self, registry, repository):
        """Into a real registry without a login (distribution spec, pushing)."""
        base = f"http://{registry}/v2/{repository}"
        for name, data in self.blobs.items():
            with send("POST", f"{base}/blobs/uploads/") as answer:
                where = answer.headers["Location"]
            mark = "&" if "?" in where else "?"
            send("PUT", f"{where}{mark}digest={name}", data, "application/octet-stream").close()
        for last in (False, True):  # an index after what it names
            for name, data in self.manifests.items():
                if (b'"manifests"' in data) == last:
                    send("PUT", f"{base}/manifests/{name}", data, self.types[name]).close()


def send(method, url, data=b"", kind=None, headers=()):
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    if kind:
        request.add_header("Content-Type", kind)
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)

"""OpenEBS and NFS without their images: the API takes all of what their addons are made of."""

import json
import pathlib
import subprocess
import tempfile

from harness import Skip, check
from lab import bundle_dir

VALUES = {"image-openebs-provisioner": "example.test/openebs:v1",
          "image-openebs-linux-utils": "example.test/utils:v2",
          "image-nfs-provisioner": "example.test/nfs:v3",
          "nfs-server": "192.0.2.7", "nfs-export": "/data/nfs"}
# Deployment, its namespace, and what has to have come to its place.
ADDONS = {"openebs": ("openebs-localpv-provisioner", "openebs",
                      ("image-openebs-provisioner", "image-openebs-linux-utils")),
          "nfs": ("nfs-subdir-external-provisioner", "nfs-provisioner",
                  ("image-nfs-provisioner", "nfs-server", "nfs-export"))}


def unpack(bundle, name, into):
    part = next((c for c in bundle["components"] if c["name"] == name), None)
    if not part:
        raise Skip(f"the bundle has no addon {name}")
    blob = bundle_dir() / "blobs/sha256" / part["blob"].removeprefix("sha256:")
    subprocess.run(["tar", "-xf", blob, "-C", into], check=True)
    pathlib.Path(into, "cluster-values.yaml").write_text(json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "data": VALUES,
         "metadata": {"name": "bigtop-cluster",
                      "annotations": {"config.kubernetes.io/local-config": "true"}}}))


def api_takes_all_of_it(lab, bundle, name):
    """Applied by server, the same once more is no difference, and gone again."""
    deployment, namespace, values = ADDONS[name]
    with tempfile.TemporaryDirectory() as folder:
        unpack(bundle, name, folder)
        archive = subprocess.run(["tar", "-cz", "-C", folder, "."], check=True,
                                 capture_output=True).stdout
    (lab.root_of("n1") / "root/addon.tar.gz").write_bytes(archive)
    lab.inside("n1", "mkdir /root/addon && tar -xzf /root/addon.tar.gz -C /root/addon")
    words = ("--server-side", "--force-conflicts", "--field-manager=bigtop-bootstrap", "-k",
             "/root/addon")
    try:
        applied = lab.kubectl("apply", *words)
        found = lab.kubectl("diff", *words, allow_failure=True)
        check(found == "", f"a second apply would change:\n{found}")
        pod = json.dumps(lab.kube("-n", namespace, "get", "deployment", deployment)["spec"])
        for value in values:
            check(json.dumps(VALUES[value]) in pod, f"{value} is not in {pod}")
        check("set by kustomization" not in pod, pod)
    finally:
        lab.kubectl("delete", "--ignore-not-found", "-k", "/root/addon")
        lab.inside("n1", "rm -rf /root/addon /root/addon.tar.gz")
    return f"{applied.count('serverside-applied')} objects"

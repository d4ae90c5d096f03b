"""Canal without its images: what is made of upstream's manifest, and that the API takes all of it."""

import json
import pathlib
import subprocess
import tempfile

from harness import check
from lab import bundle_dir

VALUES = {"pod-cidr": "10.99.128.0/17", "mtu": "8950", "pod-mtu": "8900", "api-host": "192.0.2.7",
          "api-port": "7443", "api-url": "https://192.0.2.7:7443", "iptables-backend": "NFT",
          "image-calico-cni": "example.test/cni:v1", "image-calico-node": "example.test/node:v2",
          "image-calico-kube-controllers": "example.test/controllers:v3",
          "image-canal-flannel": "example.test/flannel:v4"}

# What kustomization.yaml builds on, and a manifest that has something else there.
OTHER_MANIFESTS = (
    ("  veth_mtu:", "  mtu:"), ("  net-conf.json:", "  net.json:"),
    ("  cni_network_config:", "  cni_config:"),
    ("        - name: kube-flannel", "        - name: flanneld"),
    ("        - name: install-cni", "        - name: install"),
    ("        - name: calico-node", "        - name: node"),
    ('        - name: "mount-bpffs"', "        - name: mount"),
    ("        - name: calico-kube-controllers", "        - name: controllers"),
    ("  name: canal-config", "  name: canal-settings"),
    ("kind: DaemonSet", "kind: StatefulSet"), ("kind: Deployment", "kind: StatefulSet"),
)


def unpack(bundle, into):
    part = next(c for c in bundle["components"] if c["name"] == "canal")
    blob = bundle_dir() / "blobs/sha256" / part["blob"].removeprefix("sha256:")
    subprocess.run(["tar", "-xf", blob, "-C", into], check=True)
    pathlib.Path(into, "cluster-values.yaml").write_text(json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "data": VALUES,
         "metadata": {"name": "bigtop-cluster",
                      "annotations": {"config.kubernetes.io/local-config": "true"}}}))
    return part


def another_manifest_is_refused(tools, bundle):
    """A patch that has lost its target never does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        part = unpack(bundle, folder)
        check(set(part["images"]) <= set(VALUES), f"images {part['images']}")
        path = pathlib.Path(folder, "canal.yaml")
        text = path.read_text()
        done = tools.run("kubectl", "kustomize", folder)
        check(done.returncode == 0, done.stderr)
        for old, new in OTHER_MANIFESTS:
            check(old in text, f"upstream's manifest has no {old!r}")
            path.write_text(text.replace(old, new))
            done = tools.run("kubectl", "kustomize", folder)
            check(done.returncode != 0, f"{old!r} became {new!r}, and nobody saw")


def environment(container):
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container["env"]}


def judge_daemonset(template):
    mtu = template["metadata"]["annotations"]["bigtop.apache.org/mtu"]
    check(mtu == VALUES["mtu"], f"the pods do not change with the MTU: {mtu}")
    pod = template["spec"]
    containers = {c["name"]: c for c in pod["initContainers"] + pod["containers"]}
    images = {name: c["image"] for name, c in containers.items()}
    node, cni = VALUES["image-calico-node"], VALUES["image-calico-cni"]
    check(images == {"install-cni": cni, "mount-bpffs": node, "calico-node": node,
                     "kube-flannel": VALUES["image-canal-flannel"]}, str(images))
    for name in ("install-cni", "calico-node", "kube-flannel"):
        env = environment(containers[name])
        check((env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]) ==
              (VALUES["api-host"], VALUES["api-port"]), f"{name}: {env}")
    node = environment(containers["calico-node"])
    check(node["CALICO_IPV4POOL_CIDR"] == VALUES["pod-cidr"], str(node))
    check(node["FELIX_IPTABLESBACKEND"] == "NFT", str(node))
    iface = environment(containers["kube-flannel"])["FLANNELD_IFACE"]
    check(iface["fieldRef"]["fieldPath"] == "status.hostIP" and len(iface) == 1, str(iface))
    check("portmap" in environment(containers["install-cni"])["SKIP_CNI_BINARIES"], "plugins")
    check(pod["nodeSelector"] == {"kubernetes.io/os": "linux"}, str(pod["nodeSelector"]))


def judge_config(data):
    net = json.loads(data["net-conf.json"])
    check(net["Network"] == VALUES["pod-cidr"] and
          net["Backend"] == {"Type": "vxlan", "MTU": int(VALUES["mtu"])}, str(net))
    cni = json.loads(data["cni_network_config"].replace("__CNI_MTU__", "0"))
    check(cni["plugins"][0]["kubernetes"]["k8s_api_root"] == VALUES["api-url"], str(cni))
    check(data["veth_mtu"] == VALUES["pod-mtu"], data["veth_mtu"])


def api_takes_all_of_it(lab, bundle):
    """Applied by server, the same once more is no difference, and gone again. Its pods cannot run: the
    images are not there."""
    with tempfile.TemporaryDirectory() as folder:
        unpack(bundle, folder)
        archive = subprocess.run(["tar", "-cz", "-C", folder, "."], check=True,
                                 capture_output=True).stdout
    root = lab.root_of("n1")
    (root / "root/canal.tar.gz").write_bytes(archive)
    lab.inside("n1", "mkdir /root/canal && tar -xzf /root/canal.tar.gz -C /root/canal")
    words = ("--server-side", "--force-conflicts", "--field-manager=bigtop-bootstrap", "-k",
             "/root/canal")
    try:
        applied = lab.kubectl("apply", *words)
        check(applied.count("serverside-applied") >= 35, applied)
        found = lab.kubectl("diff", *words, allow_failure=True)
        check(found == "", f"a second apply would change:\n{found}")
        where = ("-n", "kube-system", "get")
        judge_daemonset(lab.kube(*where, "daemonset", "canal")["spec"]["template"])
        judge_config(lab.kube(*where, "configmap", "canal-config")["data"])
        pod = lab.kube(*where, "deployment", "calico-kube-controllers")["spec"]["template"]["spec"]
        check(pod["containers"][0]["image"] == VALUES["image-calico-kube-controllers"], str(pod))
    finally:
        # Nobody is waited for: its pods never ran.
        lab.kubectl("delete", "--ignore-not-found", "--wait=false", "-k", "/root/canal")
        lab.inside("n1", "rm -rf /root/canal /root/canal.tar.gz")
    return f"{applied.count('serverside-applied')} objects"

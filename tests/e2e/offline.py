"""What needs the bundle's programs but no host: kubeadm judges our golden files, kubectl renders
the addons."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import canal
from harness import Skip, check
from lab import ROOT, bundle_dir

GOLDEN = ROOT / "tests/data/kubeadm"
CONFIGURATIONS = ("init", "init-full", "join", "join-taints")


def manifest():
    path = bundle_dir() / "bigtop.json"
    if not path.exists():
        raise Skip(f"there is no bundle in {bundle_dir()}: make bundle")
    return json.loads(path.read_text())


def image(word):
    """The full reference of the one image whose name has this word."""
    refs = [c["ref"] for c in manifest()["components"] if c["kind"] == "image" and word in c["ref"]]
    check(len(refs) == 1, f"the bundle has {len(refs)} images named {word}: {refs}")
    return refs[0]


class Tools:
    """The bundle's own kubeadm and kubectl, unpacked for a while."""

    def __init__(self):
        self.dir = None

    def path(self, name):
        self.dir = self.dir or tempfile.mkdtemp(prefix="bigtop-tools-")
        program = f"usr/local/bin/{name}"
        for part in manifest()["components"]:
            if (pathlib.Path(self.dir) / program).exists():
                break
            if part["kind"] == "files":  # most do not have it: tar says so and goes on
                blob = bundle_dir() / "blobs/sha256" / part["blob"].removeprefix("sha256:")
                subprocess.run(["tar", "-xf", blob, "-C", self.dir, program], capture_output=True)
        check((pathlib.Path(self.dir) / program).exists(), f"the bundle has no {name}")
        return f"{self.dir}/{program}"

    def run(self, name, *words, text=None):
        return subprocess.run([self.path(name), *words], input=text, capture_output=True, text=True,
                              timeout=60)

    def close(self):
        if self.dir:
            shutil.rmtree(self.dir)


def kubeadm_accepts(tools, name):
    done = tools.run("kubeadm", "config", "validate", "--config", f"{GOLDEN}/{name}.yaml")
    check(done.returncode == 0, done.stderr)
    check("deprecated" not in done.stderr and "warning" not in done.stderr.lower(), done.stderr)


def kubeadm_is_strict(tools):
    """Or else the test above would prove nothing."""
    text = (GOLDEN / "join.yaml").read_text().replace("caCertHashes", "caCertHashez")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = tools.run("kubeadm", "config", "validate", "--config", file.name)
    check(done.returncode != 0 and "caCertHashez" in done.stderr, done.stderr)


def images_are_in_the_bundle(tools):
    """Every image that kubeadm wants for our configuration, and every one that an addon names."""
    have = {c["ref"] for c in manifest()["components"] if c["kind"] == "image"}
    done = tools.run("kubeadm", "config", "images", "list", "--config", f"{GOLDEN}/init.yaml")
    wanted = set(done.stdout.split())
    check(len(wanted) >= 7, f"kubeadm names only {wanted}: {done.stderr}")
    for addon in ("flannel", "local-path"):
        wanted |= set(re.findall(r"\bimage: (\S+)", rendered(tools, addon)))
    check(wanted <= have, f"not in the bundle: {sorted(wanted - have)}\nthere: {sorted(have)}")


def rendered(tools, addon, folder=None):
    done = tools.run("kubectl", "kustomize", str(folder or ROOT / "profiles/addons" / addon))
    check(done.returncode == 0, done.stderr)
    return done.stdout


def flannel_takes_the_values(tools):
    values = {"pod-cidr": "10.99.128.0/17", "mtu": "8950", "service-cidr": "10.98.0.0/16",
              "dns-domain": "example.test", "api-host": "192.0.2.7", "api-port": "6443"}
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(ROOT / "profiles/addons/flannel", copy, dirs_exist_ok=True)
        with open(f"{copy}/cluster-values.yaml", "w") as file:
            json.dump({"apiVersion": "v1", "kind": "ConfigMap", "data": values,
                       "metadata": {"name": "bigtop-cluster", "annotations": {
                           "config.kubernetes.io/local-config": "true"}}}, file)
        text = rendered(tools, "flannel", copy)
    net = json.loads(re.search(r"net-conf.json: \|\n\s+(\{.*\})", text)[1])
    check(net["Network"] == "10.99.128.0/17" and net["Backend"]["MTU"] == 8950, str(net))
    check("bigtop-cluster" not in text, "the values themselves would be applied")
    check("10.244." not in text, "the sample's values are left somewhere")


def volumes_are_where_reset_expects_them(tools):
    header = (ROOT / "lib/protocol.h").read_text()
    folder = re.search(r'AGENT_VOLUMES_DIR "([^"]+)"', header)[1]
    config = re.search(r"^  config.json: (.*(?:\n {4}.*)*)", rendered(tools, "local-path"), re.M)
    classes = json.loads(config[1].strip("|'"))["storageClassConfigs"]
    paths = [path for c in classes.values() for node in c["nodePathMap"] for path in node["paths"]]
    check(paths == [folder], f"volumes in {paths}, the agent spares {folder}")


def run(report):
    tools = Tools()
    try:
        for name in CONFIGURATIONS:
            report.run(f"kubeadm accepts {name}.yaml", kubeadm_accepts, tools, name)
        report.run("kubeadm refuses a misspelt key", kubeadm_is_strict, tools)
        report.run("every image that is named is in the bundle", images_are_in_the_bundle, tools)
        report.run("flannel takes the cluster's values", flannel_takes_the_values, tools)
        report.run("canal refuses a manifest with other parts",
                   lambda: canal.another_manifest_is_refused(tools, manifest()))
        report.run("volumes are where reset expects them", volumes_are_where_reset_expects_them,
                   tools)
    finally:
        tools.close()

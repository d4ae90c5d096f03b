"""Real components of the stack's recipe that are cheap to build, ZooKeeper and Kafka, and Helm, in a
bundle of their own merged with the usual one: a profile of the two on three hosts, with their tests."""

import os
import pathlib
import subprocess

import stack
from harness import Skip, check
from lab import BUILT, ROOT, bundle_dir, bundle_key, cache_home

DONE = 0
PARTS = ("stack", "helm", "zookeeper", "kafka")
PROFILE = """summary: streams on three hosts
components:
  - name: zookeeper
    values: {replicas: 3, memory: 256Mi, storage: 1Gi}
  - name: kafka
    values: {replicas: 3, replication: 3, in_sync: 2, memory: 512Mi, storage: 1Gi}
"""
# What says that no registry answers, by whoever was asked.
UNREACHED = ("No such host", "Could not resolve", "Could not transfer", "no such host",
             "Temporary failure", "Connection refused", "could not be reached", "403")


def command(*words):
    done = subprocess.run([BUILT, "bundle", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "XDG_CACHE_HOME": str(cache_home())})
    return done.returncode, done.stdout


def build():
    """The bundle for this group: BUNDLE, when it has them, or built now."""
    if os.environ.get("BUNDLE") and (bundle_dir() / "bigtop.json").read_text().count("/kafka:"):
        return bundle_dir()
    parts = pathlib.Path(os.environ.get("PARTS", bundle_key().parent / "parts"))
    code, text = command("build", ROOT / "images/recipes/stack.yaml", "--only", ",".join(PARTS),
                         "--sign", f"{bundle_key()}.key", "-o", parts / "streams")
    if code and any(word in text for word in UNREACHED):
        raise Skip(f"the registries do not answer: {text.strip().splitlines()[-1]}")
    check(code == DONE, text)
    whole = parts / "with-streams"
    subprocess.run(["rm", "-rf", whole], check=True)
    code, text = command("merge", bundle_dir(), parts / "streams", "--key", f"{bundle_key()}.pub",
                         "--sign", f"{bundle_key()}.key", "-o", whole)
    check(code == DONE, text)
    return whole


def hosts_yaml(lab):
    """The control plane takes pods as well: three nodes for three members."""
    path = lab.scratch / "streams.yaml"
    path.write_text(PROFILE)
    return lab.inventory(
        ("    name: n1\n", "    name: n1\n    roles: [control-plane, worker]\n"),
        append=f"profile: {path}\n")


def proves_itself(lab):
    run = lab.apply(hosts_yaml(lab)).expect(
        DONE, "profile streams is ready: 2 of 2 components changed", "tests passed")
    check("FAILED" not in run.text(), run.text())
    return f"{run.seconds:.1f} s"


def members_are_apart(lab):
    pods = lab.kube("-n", stack.SPACE, "get", "pods")["items"]
    for name in ("zookeeper", "kafka"):
        nodes = {p["spec"]["nodeName"] for p in pods
                 if p["metadata"]["labels"].get("app.kubernetes.io/name") == name}
        check(len(nodes) == 3, f"{name} is on {nodes}")


def run(report, lab):
    usual = os.environ.get("BUNDLE")
    if not report.run("a bundle of ZooKeeper, Kafka and Helm is built and merged",
                      lambda: os.environ.update(BUNDLE=str(build()))):
        return
    try:
        with_bundle(report, lab)
    finally:
        os.environ.pop("BUNDLE")
        os.environ.update({"BUNDLE": usual} if usual else {})


def with_bundle(report, lab):
    if not report.run("they start on three hosts and prove themselves", proves_itself, lab):
        return
    report.run("no host has two members", members_are_apart, lab)
    report.run("a Helm chart is a component", stack.charts_are_components, lab)

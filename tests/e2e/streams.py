"""Real components of the stack's recipe that nothing has to be compiled for, ZooKeeper and Kafka,
in a bundle of their own merged with the usual one: a profile of the two on three hosts, with their
tests."""

import json
import os
import pathlib
import subprocess

import metrics
import offline
import stack
from harness import Skip, check, wait_for
from lab import BUILT, ROOT, bundle_dir, bundle_key, cache_home

DONE = 0
RACKS = {"n1": "a", "n2": "a", "n3": "b"}
PARTS = ("stack", "zookeeper", "kafka")
PROFILE = """summary: streams on three hosts
components:
  - name: zookeeper
    values: {replicas: 3, memory: 256Mi, storage: 1Gi}
  - name: kafka
    values: {replicas: 3, replication: 3, in_sync: 2, memory: 512Mi, storage: 1Gi}
"""
# What says that no registry answers, by whoever was asked.
UNREACHED = ("No such host", "Could not resolve", "Could not transfer", "no such host",
             "Temporary failure", "Connection refused", "could not be reached", "status 403")


def command(*words):
    done = subprocess.run([BUILT, "bundle", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "XDG_CACHE_HOME": str(cache_home())})
    return done.returncode, done.stdout


def build():
    """The bundle for this group: BUNDLE, when it has them, or built now."""
    if os.environ.get("BUNDLE"):
        if "/kafka:" in (bundle_dir() / "bigtop.json").read_text():
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
        *((f"    name: {host}\n", f"    name: {host}\n    labels: {{rack: {rack}}}\n")
          for host, rack in RACKS.items()),
        append=f"profile: {path}\n")


def proves_itself(lab):
    run = lab.apply(hosts_yaml(lab)).expect(
        DONE, "profile streams is ready: 2 of 2 components changed", "tests passed")
    check("FAILED" not in run.text(), run.text())
    return f"{run.seconds:.1f} s"


def members_are_apart(lab):
    for name in ("zookeeper", "kafka"):
        nodes = nodes_of(lab, name)
        check(len(set(nodes)) == len(nodes) == 3, f"{name} is on {nodes}")


def nodes_of(lab, app):
    pods = lab.kube("-n", stack.SPACE, "get", "pods", "-l", f"app.kubernetes.io/name={app}")
    return [pod["spec"].get("nodeName") for pod in pods["items"]]


def two_are_in_two_racks(lab):
    """By the rules that the members of a quorum have, with a place free in either rack."""
    live = lab.kube("-n", stack.SPACE, "get", "statefulset", "zookeeper")
    affinity = json.dumps(live["spec"]["template"]["spec"]["affinity"])
    labels = {"app.kubernetes.io/name": "pair"}
    lab.kubectl("apply", "-f", "-", text=json.dumps({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "pair", "namespace": stack.SPACE},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"affinity": json.loads(affinity.replace('"zookeeper"', '"pair"')),
                     "terminationGracePeriodSeconds": 0,
                     "containers": [{"name": "pair", "image": offline.image("busybox"),
                                     "command": ["sleep", "2147483647"]}]}}}}))
    wait_for("two pods to have nodes", 60,
             lambda: len([node for node in nodes_of(lab, "pair") if node]) == 2)
    racks = sorted(RACKS[node] for node in nodes_of(lab, "pair"))
    lab.kubectl("-n", stack.SPACE, "delete", "deployment", "pair")
    check(racks == ["a", "b"], f"they are in {racks}")


def run(report, lab):
    usual = os.environ.get("BUNDLE")
    if not report.run("a bundle of ZooKeeper and Kafka is built and merged",
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
    report.run("what alerts ask of them is told", metrics.members_tell, lab, "zookeeper", "kafka")
    report.run("two members are in two racks", two_are_in_two_racks, lab)

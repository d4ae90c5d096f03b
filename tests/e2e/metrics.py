"""What the alerts ask for is told: a rule about what nobody tells never fires, and is right by
every other test."""

import base64
import re

import stack
from harness import check
from lab import ROOT

RULES = ROOT / "profiles/components/prometheus"
# RAID's are told where there is one, and these by the controller manager.
NOT_HERE = {"node_md_disks", "node_collector_unhealthy_nodes_in_zone"}


def told(lab, host, address, *words):
    """The names of the metrics that are told there, to who asks from a host."""
    text = lab.in_network_of(host, "curl", "-sf", "-m", "20", *words, f"http://{address}/metrics")
    return set(re.findall(r"^(\w+)[ {]", text, re.M))


def told_by_pods(lab, app):
    """By all together; asked by their nodes, which no policy keeps out."""
    pods = lab.kube("-n", stack.SPACE, "get", "pods", "-l", f"app.kubernetes.io/name={app}")
    return set().union(*(told(lab, pod["spec"]["nodeName"], f"{pod['status']['podIP']}:9404")
                         for pod in pods["items"]))


def are_all_told(prefix, names):
    text = "".join(path.read_text() for path in RULES.glob("rules-*.yaml"))
    wanted = set(re.findall(rf"\b{prefix}_\w+", text)) - NOT_HERE
    check(wanted and wanted <= names,
          f"{prefix}: nobody tells {wanted - names}, but {sorted(names)}")


def members_tell(lab, *apps):
    for app in apps:
        are_all_told(app, told_by_pods(lab, app))


def nodes_tell(lab):
    """Of themselves, and a control plane of etcd; only to who knows the token."""
    secret = lab.kube("-n", stack.SPACE, "get", "secret", "node-exporter")["data"]["token"]
    login = ("-H", f"Authorization: Bearer {base64.b64decode(secret).decode()}")
    control_plane = lab.kube("get", "node", "n1")["status"]["addresses"][0]["address"]
    node, etcd = (f"{control_plane}:{port}" for port in (9100, 9102))
    check(not told(lab, "n2", node) and not told(lab, "n2", etcd), "anybody is told")
    are_all_told("node", told(lab, "n2", node, *login))
    are_all_told("etcd", told(lab, "n2", etcd, *login))

"""Does the cluster do what a cluster is for: pods, volumes, services, names."""

import json

from harness import check, wait_for
from offline import image

SPACE = "e2e"
CLUSTER_DNS = "10.96.0.10"
WAIT = 90


def pod(name, command, node=None, volumes=None, mounts=None, restart="Never", labels=None):
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": labels or {"e2e": name}},
        "spec": {
            "restartPolicy": restart, "terminationGracePeriodSeconds": 1,
            "tolerations": [{"operator": "Exists"}], "volumes": volumes or [],
            **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
            "containers": [{"name": "main", "image": image("busybox"),
                            "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command],
                            "volumeMounts": mounts or []}],
        },
    }


def create(lab, *objects):
    lab.kubectl("apply", "-f", "-", text=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def phase(lab, name):
    return lab.kubectl("-n", SPACE, "get", "pod", name, "-o", "jsonpath={.status.phase}")


def finish(lab, name):
    """Waits until the pod is through and gives its log."""
    try:
        wait_for(f"pod {name}", WAIT, lambda: phase(lab, name) in ("Succeeded", "Failed"))
    finally:
        log = lab.kubectl("-n", SPACE, "logs", name, allow_failure=True)
        story = "" if phase(lab, name) == "Succeeded" else lab.kubectl(
            "-n", SPACE, "describe", "pod", name, allow_failure=True)
        check(not story, f"pod {name}:\n{log}\n{story}")
    return log


def open_space(lab):
    create(lab, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    wait_for("the default service account", 30, lambda: "default" in lab.kubectl(
        "-n", SPACE, "get", "serviceaccount", "-o", "name"))


def close_space(lab):
    lab.kubectl("delete", "namespace", SPACE, "--wait=true", "--ignore-not-found")


def nodes_ready(lab, names, version):
    nodes = {n["metadata"]["name"]: n for n in lab.kube("get", "nodes")["items"]}
    check(sorted(nodes) == sorted(names), f"nodes {sorted(nodes)}, not {sorted(names)}")
    systems = set()
    for name, node in nodes.items():
        ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
        info = node["status"]["nodeInfo"]
        check(ready == ["True"], f"{name} is not Ready")
        check(info["kubeletVersion"] == version, f"{name} runs {info['kubeletVersion']}")
        systems.add(info["osImage"])
    return nodes, systems


def three_distributions(lab, version):
    _, systems = nodes_ready(lab, lab.hosts, version)
    check(len(systems) == 3, f"the nodes run {systems}")
    return ", ".join(sorted(systems))


def system_pods_run(lab):
    """Those that are to stay: the network check's are still going when apply ends."""
    pods = [p for p in lab.kube("get", "pods", "-A")["items"]
            if "deletionTimestamp" not in p["metadata"]]
    bad = [f"{p['metadata']['namespace']}/{p['metadata']['name']}: {p['status']['phase']}"
           for p in pods if p["status"]["phase"] != "Running" or
           not all(c["ready"] for c in p["status"]["containerStatuses"])]
    check(len(pods) >= 13 and not bad, f"{len(pods)} pods, not running: {bad}")
    restarts = sum(c["restartCount"] for p in pods for c in p["status"]["containerStatuses"])
    return f"{len(pods)} pods, {restarts} restarts"


def quiet(lab):
    """No pod is coming or going: kubelet and containerd write below /etc and /opt only then."""
    pods = lab.kube("get", "pods", "-A")["items"]
    return all(p["status"]["phase"] == "Running" and "deletionTimestamp" not in p["metadata"]
               for p in pods)


def no_route_out(lab):
    for host in lab.hosts:
        check("default" not in lab.inside(host, "ip route; ip -6 route"), f"{host} has a way out")


def volume_outlives_its_pod(lab):
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
             "metadata": {"name": "data", "namespace": SPACE},
             "spec": {"accessModes": ["ReadWriteOnce"],
                      "resources": {"requests": {"storage": "16Mi"}}}}
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    mounts = [{"name": "v", "mountPath": "/v"}]
    create(lab, claim, pod("writer", "echo kept > /v/file", node="n3", volumes=volumes,
                           mounts=mounts))
    finish(lab, "writer")
    lab.kubectl("-n", SPACE, "delete", "pod", "writer", "--wait=true")
    create(lab, pod("reader", "cat /v/file", volumes=volumes, mounts=mounts))
    check(finish(lab, "reader") == "kept\n", "the reader did not find what the writer wrote")
    bound = lab.kube("-n", SPACE, "get", "pvc", "data")["spec"]
    check(bound["storageClassName"] == "local-path", f"bound by {bound['storageClassName']}")
    check(lab.inside("n3", "cat /var/lib/bigtop-volumes/*/file") == "kept\n", "it is elsewhere")
    lab.kubectl("-n", SPACE, "delete", "pod", "reader", "--wait=true")
    lab.kubectl("-n", SPACE, "delete", "pvc", "data", "--wait=true")
    wait_for("the volume's folder to go", 60, lambda: not lab.inside(
        "n3", "ls -d /var/lib/bigtop-volumes/pvc-* 2>/dev/null", allow_failure=True))


def serve(lab):
    """A web server on n2 behind a Service; gives the Service's address."""
    page = "mkdir /www && hostname > /www/index.html && exec httpd -f -p 8080 -h /www"
    server = pod("server", page, node="n2", restart="Always")
    server["spec"]["containers"][0]["readinessProbe"] = {
        "httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1}
    create(lab, server, {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"selector": {"e2e": "server"}, "ports": [{"port": 80, "targetPort": 8080}]}})
    lab.kubectl("-n", SPACE, "wait", "--for=condition=Ready", "pod/server", f"--timeout={WAIT}s")
    return lab.kube("-n", SPACE, "get", "service", "web")["spec"]["clusterIP"]


def fetch_command(address, path):
    """Debian's static busybox crashes in getaddrinfo, so there is no wget."""
    return (f"(printf 'GET {path} HTTP/1.0\\r\\n\\r\\n'; sleep 2) | nc -w 10 {address} 80 | "
            "sed '1,/^\\r*$/d'")


def fetch(address, path="/"):
    """Debian's static busybox dies in wget where there is a resolv.conf; nc asks no names."""
    return f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80"


def service_across_nodes(lab):
    """From a pod on n3, from one on n1, and a megabyte, to the pod on n2."""
    address = serve(lab)
    lab.kubectl("-n", SPACE, "exec", "server", "--", "sh", "-c",
                "dd if=/dev/zero of=/www/big bs=1024 count=1024 2>/dev/null")
    # Small packets pass even where the MTU is wrong.
    create(lab, pod("client-n3", fetch(address), node="n3"),
           pod("client-n1", fetch(address), node="n1"),
           pod("client-big", fetch(address, "/big") + " | wc -c", node="n3"))
    for name in ("client-n3", "client-n1"):
        check(finish(lab, name).endswith("\nserver\n"), f"{name} got no answer from the Service")
    check(int(finish(lab, "client-big")) >= 1 << 20, "a megabyte did not come through")


def cluster_dns(lab):
    """The Service's name gives the Service's address, asked from two nodes."""
    address = lab.kube("-n", SPACE, "get", "service", "web")["spec"]["clusterIP"]
    ask = f"nslookup -type=a web.{SPACE}.svc.cluster.local {CLUSTER_DNS}"
    create(lab, pod("ask-n3", ask, node="n3"), pod("ask-n2", ask, node="n2"))
    for asker in ("ask-n3", "ask-n2"):
        answer = finish(lab, asker)
        check(f"Address: {address}\n" in answer, f"{asker}: not {address}:\n{answer}")


def run(report, lab):
    opened = report.run("a namespace can be made", open_space, lab)
    if opened:
        report.run("a volume outlives its pod", volume_outlives_its_pod, lab)
        report.run("a Service answers across nodes", service_across_nodes, lab)
        report.run("cluster DNS answers", cluster_dns, lab)
        report.run("a namespace can be removed", close_space, lab)

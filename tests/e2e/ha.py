"""Several control planes: three from one file, one of them dead, fewer, and three again."""

import json
import subprocess
import sys
import threading
import time

import workload
from harness import check, wait_for
from lab import bundle_dir
from sampler import Sampler

DONE, HOST_FAILED, REFUSED = 0, 1, 3
CONTROL = ("n1", "n2", "n3")
WORKER = "n4"
ENDPOINT = 7443
ANSWERS_WITHIN_S = 15
YAML = "hosts.yaml"  # one path: what the coordinator remembers is of this file


def control_planes(lab, *names, without=()):
    """hosts.yaml with these as control planes, and without some lines."""
    head, *hosts = lab.inventory().read_text().split("  - address: ")
    kept = [host for host in hosts if not any(f"name: {name}\n" in host for name in without)]
    text = head + "".join(
        f"  - address: {host}" + "".join("    roles: [control-plane]\n" for name in names
                                         if f"name: {name}\n" in host) for host in kept)
    path = lab.scratch / YAML
    path.write_text(text)
    path.chmod(0o600)
    return path


def members(lab, host):
    """etcd's members by name, as `etcdctl member list` prints them."""
    text = lab.inside(host, "etcdctl --endpoints=https://127.0.0.1:2379 member list "
                      "--cacert=/etc/kubernetes/pki/etcd/ca.crt "
                      "--cert=/etc/kubernetes/pki/etcd/server.crt "
                      "--key=/etc/kubernetes/pki/etcd/server.key")
    return sorted((name, status, learner) for _, status, name, _, _, learner in
                  (line.split(", ") for line in text.splitlines()))


def check_etcd(lab, path, names):
    """All of them vote and answer, nobody else is there: by etcd itself and by `status`."""
    found = members(lab, names[0])
    check(found == [(name, "started", "false") for name in sorted(names)], f"members: {found}")
    status = json.loads(lab.run("status", path, "--json").text())
    told = {m["name"]: m for m in status["etcd"]["members"]}
    check(sorted(told) == sorted(names), f"status: {status['etcd']}")
    check(all(m["healthy"] and not m["learner"] for m in told.values()), f"status: {told}")
    check(sum(m["leader"] for m in told.values()) == 1, f"leaders: {told}")
    return status


def on(host):
    """kubectl words for a control plane of choice."""
    return lambda lab, *words, **options: lab.inside(host, 'kubectl "$@"', *words, **options)


def no_certificates_left(lab, host):
    secrets = on(host)(lab, "-n", "kube-system", "get", "secrets", "-o", "name")
    check("kubeadm-certs" not in secrets, secrets)


def ready_nodes(lab, host):
    nodes = json.loads(on(host)(lab, "get", "nodes", "-o", "json"))["items"]
    return {n["metadata"]["name"] for n in nodes for c in n["status"]["conditions"]
            if c["type"] == "Ready" and c["status"] == "True"}


def from_one_file(lab):
    path = control_planes(lab, *CONTROL)
    with Sampler({}) as sampler:
        run = lab.apply(path).expect(DONE, "is ready")
    check(not sampler.hits, "\n".join(sampler.hits))
    check(sampler.per_second >= 10, f"only {sampler.per_second:.1f} samples a second")
    check_etcd(lab, path, CONTROL)
    check(ready_nodes(lab, "n3") == {*CONTROL, WORKER}, str(ready_nodes(lab, "n3")))
    return f"{run.seconds:.1f} s"


def keys_stay_with_control_planes(lab):
    """The worker has the CA's certificate and no key of the cluster; nothing is left to fetch."""
    no_certificates_left(lab, "n1")
    found = lab.inside(WORKER, "find /etc/kubernetes /var/lib/bigtop /run/bigtop -name '*.key'; "
                       "grep -rlaE 'certificateKey|BEGIN [A-Z ]*PRIVATE KEY' /etc/kubernetes "
                       "/var/lib/bigtop /run/bigtop", allow_failure=True)
    check(not found, f"on the worker: {found}")
    for host in CONTROL:
        keys = lab.inside(host, "find /etc/kubernetes/pki -name '*.key' -perm /077; "
                          "ls /run/bigtop/*.yaml 2>/dev/null", allow_failure=True)
        check(not keys, f"{host}: {keys}")
        lab.inside(host, "test -e /etc/kubernetes/pki/ca.key")


def nothing_to_change(lab):
    path = lab.scratch / YAML
    wait_for("the cluster to be quiet", 60, lambda: workload.quiet(lab), every=1)
    run = lab.apply(path).expect(DONE, "nothing to change")
    return f"{run.seconds:.1f} s"


ASK = """
import json, socket, ssl, sys, time
context = ssl._create_unverified_context()
began = time.monotonic()
while time.monotonic() - began < 60:
    try:
        with socket.create_connection(("127.0.0.1", PORT), 2) as s:
            s.settimeout(3)
            with context.wrap_socket(s) as t:
                t.sendall(b"GET /readyz HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
                if b" 200 " in t.recv(64):
                    print(time.monotonic() - began)
                    sys.exit(0)
    except OSError:
        pass
    time.sleep(0.1)
sys.exit("no answer")
"""


def ask_endpoint(lab, host, into):
    """Seconds until the API answers at the host's own endpoint, three times in a row."""
    began = time.monotonic()
    for _ in range(3):
        done = subprocess.run(
            ["nsenter", "--target", str(lab.leader(host)), "--net", "--", sys.executable, "-c",
             ASK.replace("PORT", str(ENDPOINT))], capture_output=True, text=True)
        if done.returncode != 0:
            into[host] = done.stderr
            return
    into[host] = time.monotonic() - began


def one_dies(lab):
    """The plug of n1 is pulled: every other node's own endpoint goes on answering."""
    lab.stop("n1")
    seconds = {}
    others = ("n2", "n3", WORKER)
    threads = [threading.Thread(target=ask_endpoint, args=(lab, host, seconds)) for host in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(all(isinstance(seconds[h], float) and seconds[h] <= ANSWERS_WITHIN_S for h in others),
          f"{seconds}")
    return ", ".join(f"{host} {seconds[host]:.1f} s" for host in others)


def goes_on_without(lab):
    """Another one leads: only the dead host is reported, and kubeconfig is to be had."""
    path = lab.scratch / YAML
    run = lab.apply(path).expect(HOST_FAILED, "n1: connect failed")
    check("n2: " not in run.text().partition("n1: connect failed")[2], run.text())
    lab.run("kubeconfig", path).expect(DONE, "client-certificate-data")
    text = lab.run("status", path, "--json").expect(HOST_FAILED).text()
    told = json.loads(text[text.index("{"):text.rindex("}") + 1])["etcd"]["members"]
    health = {m["name"]: m["healthy"] for m in told}
    check(health == {"n1": False, "n2": True, "n3": True}, f"{told}")
    return f"{run.seconds:.1f} s"


def no_quorum_no_removal(lab):
    """With n1 dead, to take n2 away as well would leave one of two."""
    path = control_planes(lab, *CONTROL, without=("n2",))
    run = lab.apply(path, "--yes").expect(HOST_FAILED, "the cluster would stand still")
    check(("n2", "started", "false") in members(lab, "n3"), f"{members(lab, 'n3')}")
    control_planes(lab, *CONTROL)
    return f"{run.seconds:.1f} s"


def comes_back(lab):
    path = lab.scratch / YAML
    lab.start("n1")
    wait_for("n1 to be Ready", 120, lambda: "n1" in ready_nodes(lab, "n2") and
             workload.quiet(lab), every=1)
    lab.apply(path).expect(DONE)  # the balancers had n2 taken out
    lab.apply(path).expect(DONE, "nothing to change")
    check_etcd(lab, path, CONTROL)


def lines_go(lab):
    """Two lines, one of them the first host's: refused until it is agreed to."""
    path = control_planes(lab, "n2", without=("n1", "n3"))
    lab.run("plan", path, "--bundle", bundle_dir()).expect(DONE, "drain and remove node n1", "n3")
    lab.apply(path).expect(REFUSED, "n1", "n3", "--yes")
    lab.apply(path, "--remove", "n1").expect(REFUSED, "n3")
    check(len(members(lab, "n2")) == 3, f"{members(lab, 'n2')}")
    run = lab.apply(path, "--remove", "n1", "--remove", "n3").expect(DONE, "is ready")
    check_etcd(lab, path, ["n2"])
    check(ready_nodes(lab, "n2") == {"n2", WORKER}, str(ready_nodes(lab, "n2")))
    for host in ("n1", "n3"):
        left = lab.inside(host, "ls -d /etc/kubernetes /var/lib/etcd /var/lib/bigtop "
                          "/usr/local/bin/etcdctl 2>/dev/null", allow_failure=True)
        check(not left, f"{host}: {left}")
    lab.apply(path).expect(DONE)
    return f"{run.seconds:.1f} s"


def join_runs(lab, host):
    return any(words and words[0].endswith("kubeadm") and "join" in words
               for _, words in lab.commands(host))


def grows_though_killed(lab):
    """1 → 3; the agent of the first that joins is killed when its etcd has begun to come up."""
    path = control_planes(lab, *CONTROL)
    run = lab.start_apply(path)
    wait_for("n1 to join", 180, lambda: join_runs(lab, "n1") or not run.running(), every=0.02)
    wait_for("n1's etcd", 120, lambda: (lab.root_of("n1") / "var/lib/etcd/member").exists() or
             not run.running(), every=0.02)
    lab.inside("n1", "systemctl kill -s KILL bigtop-agent.service")
    run.wait().expect(HOST_FAILED, "n1")
    again = lab.apply(path).expect(DONE, "is ready")
    check_etcd(lab, path, CONTROL)
    no_certificates_left(lab, "n2")
    check(ready_nodes(lab, "n2") == {*CONTROL, WORKER}, str(ready_nodes(lab, "n2")))
    return f"{run.seconds:.1f} s, then {again.seconds:.1f} s"


def resets(lab):
    """All at once: no member waits for the others' consent."""
    run = lab.run("reset", lab.scratch / YAML, "--yes").expect(DONE)
    for host in lab.hosts:
        left = lab.inside(host, "ls -d /etc/kubernetes /var/lib/etcd /var/lib/bigtop 2>/dev/null",
                          allow_failure=True)
        check(not left, f"{host}: {left}")
    return f"{run.seconds:.1f} s"


def run(report, lab):
    if not report.run("three control planes and a worker from one file", from_one_file, lab):
        return
    report.run("keys are with control planes alone", keys_stay_with_control_planes, lab)
    report.run("the same command again changes nothing", nothing_to_change, lab)
    report.run("a control plane dies: every node's own endpoint answers", one_dies, lab)
    report.run("the others go on without it", goes_on_without, lab)
    report.run("nobody is removed whom etcd needs", no_quorum_no_removal, lab)
    if not report.run("it comes back", comes_back, lab):
        return
    report.run("two lines go, with consent", lines_go, lab)
    report.run("1 → 3, a join cut off in the middle", grows_though_killed, lab)
    report.run("reset", resets, lab)

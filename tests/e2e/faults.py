"""Things go wrong in the middle: a host is off, the link is cut, a program is killed. Each time
the same command, run again, completes the cluster, and nothing was done twice."""

import json
import os
import signal
import time

import workload
from harness import check, wait_for
from offline import manifest

DONE, HOST_FAILED = 0, 1
CUT_S = 3


def reset(lab):
    lab.run("reset", lab.dir / "hosts.yaml", "--yes").expect(DONE)


def complete(lab):
    workload.nodes_ready(lab, lab.hosts, manifest()["kubernetes"])
    wait_for("every system pod to run", 90, lambda: workload.quiet(lab), every=1)


def host_is_off(lab):
    """The others become Ready; the message names the host and the remedy."""
    lab.stop("n3")
    run = lab.apply().expect(HOST_FAILED, "n3")
    told = run.text().partition("n3: connect failed")[2]
    check("remedy: " in told, f"no remedy for n3:\n{run.text()}")
    workload.nodes_ready(lab, ["n1", "n2"], manifest()["kubernetes"])
    return f"{run.seconds:.1f} s"


def host_is_on_again(lab):
    lab.start("n3")
    run = lab.apply().expect(DONE, "is ready")
    complete(lab)
    return f"{run.seconds:.1f} s"


def power_cut(lab):
    """A node whose plug was pulled comes back by itself, and there is nothing to change then."""
    lab.stop("n3")
    lab.start("n3")
    wait_for("n3 to be Ready", 120, lambda: ready(lab, "n3") and workload.quiet(lab), every=1)
    lab.apply().expect(DONE, "nothing to change")


def ready(lab, node):
    """Ready since this boot: what is known of the boot before does not count."""
    status = lab.kube("get", "node", node)["status"]
    boot = lab.inside(node, "cat /proc/sys/kernel/random/boot_id").strip()
    return status["nodeInfo"]["bootID"] == boot and any(
        c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])


def init_runs(lab):
    return any(os.path.basename(words[0]) == "kubeadm" and "init" in words
               for _, words in lab.commands("n1") if words)


def in_the_middle_of_init(lab):
    wait_for("kubeadm init to run", 120, lambda: init_runs(lab), every=0.05)
    wait_for("etcd's data", 60, lambda: (lab.root_of("n1") / "var/lib/etcd/member").exists(),
             every=0.02)


def steps_done(lab, host):
    """The names of the steps that the host's ledger has as done, in order."""
    text = (lab.root_of(host) / "var/lib/bigtop/ledger").read_text()
    records = [json.loads(line.split(" ", 1)[1]) for line in text.splitlines()]
    return [record["name"] for record in records if record["kind"] == "step"]


def sessions(lab, host):
    """sshd's children that serve a login."""
    found = [pid for pid, words in lab.commands(host) if words and "listener" not in words[0] and
             words[0].startswith(("sshd: ", "sshd-session: "))]
    check(found, f"no SSH session to end on {host}")
    return found


def link_cut_in_init(lab):
    """Silence first, then the connections are dead for good: only a new one can go on."""
    accepted = "journalctl -q --no-pager -o cat -t sshd -t sshd-session | grep -c '^Accepted'"
    run = lab.start_apply()
    in_the_middle_of_init(lab)
    logins = int(lab.inside("n1", accepted))
    before = (lab.root_of("n1") / "etc/kubernetes/pki/ca.crt").stat().st_ino
    lab.cut_ssh("n1")
    try:
        time.sleep(CUT_S)
        for pid in sessions(lab, "n1"):
            os.kill(pid, signal.SIGKILL)
    finally:
        lab.mend("n1")
    run.wait().expect(DONE, "is ready")
    complete(lab)
    check((lab.root_of("n1") / "etc/kubernetes/pki/ca.crt").stat().st_ino == before,
          "the certificates were made anew")
    check(int(lab.inside("n1", accepted)) > logins, "the link was not made again: was it cut?")
    check(steps_done(lab, "n1").count("init") == 1, f"steps: {steps_done(lab, 'n1')}")
    lab.apply().expect(DONE, "nothing to change")
    return f"{run.seconds:.1f} s"


def coordinator_killed(lab):
    """kill -9 in the middle of init; the same command goes on where the agent is."""
    run = lab.start_apply()
    in_the_middle_of_init(lab)
    run.kill()
    again = lab.apply().expect(DONE)
    complete(lab)
    check(steps_done(lab, "n1").count("init") == 1, f"steps: {steps_done(lab, 'n1')}")
    return f"{again.seconds:.1f} s"


def agent_killed(lab):
    """kill -9 of the agent, and with it of kubeadm init: half a control plane stays behind."""
    run = lab.start_apply()
    in_the_middle_of_init(lab)
    lab.inside("n1", "systemctl kill -s KILL bigtop-agent.service")
    run.wait()
    check(run.code in (DONE, HOST_FAILED), f"exit code {run.code}:\n{run.text()}")
    if run.code == HOST_FAILED:
        run.expect(HOST_FAILED, "n1")
        lab.apply().expect(DONE, "is ready")
    complete(lab)
    return "by itself" if run.code == DONE else "with a second run"


def node_names(lab):
    return sorted(node["metadata"]["name"] for node in lab.kube("get", "nodes")["items"])


def host_leaves(lab):
    """`state: absent`: the node is drained and removed, its host reset; once, not again."""
    without = lab.inventory(("name: n3", "name: n3\n    state: absent"))
    run = lab.apply(without).expect(DONE, "is ready")
    check(node_names(lab) == ["n1", "n2"], f"nodes: {node_names(lab)}")
    left = lab.inside("n3", "ls -d /etc/kubernetes /var/lib/kubelet /var/lib/bigtop "
                            "/usr/local/bin/kubelet 2>/dev/null", allow_failure=True)
    check(not left, f"left on n3: {left}")
    lab.apply(without).expect(DONE)  # what its leaving leaves to do on the others, if anything
    lab.apply(without).expect(DONE, "nothing to change")
    return f"{run.seconds:.1f} s"


def host_comes_back(lab):
    run = lab.apply().expect(DONE, "is ready")
    complete(lab)
    return f"{run.seconds:.1f} s"


def run(report, lab):
    off = report.run("one host is off: the others become Ready", host_is_off, lab)
    if report.run("on again: the same command completes the cluster", host_is_on_again, lab) and off:
        report.run("a node comes back after a power cut", power_cut, lab)
    for name, test in (("SSH is cut in the middle of kubeadm init", link_cut_in_init),
                       ("the coordinator is killed in the middle of init", coordinator_killed),
                       ("the agent is killed in the middle of init", agent_killed)):
        if report.run("reset, for a fresh start", reset, lab):
            report.run(name, test, lab)
    if report.run("a host leaves the cluster", host_leaves, lab):
        report.run("and comes back", host_comes_back, lab)

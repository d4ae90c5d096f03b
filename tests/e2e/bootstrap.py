"""The main job, once through: fresh hosts, one command, a cluster that works; the command again;
reset. What must not be seen (secrets) and must not differ (files, the host after reset) is looked
for on the way."""

import re
import time

import canal
import hostile
import liar
import snapshot
import storage
import workload
from harness import Skip, check, wait_for
from lab import bundle_dir
from offline import manifest
from peers import only
from sampler import PATTERNS, Sampler

BUSY, DONE = 3, 0
CANARY = "not ours to remove\n"


class Scenario:
    """What one test leaves for the next."""

    def __init__(self, lab):
        self.lab = lab
        self.version = manifest()["kubernetes"]
        self.password = (lab.dir / "sudo-password").read_text().strip()
        self.before = None
        self.runs = []

    def plant_canaries(self):
        """Not on n3: there the folder itself is ours."""
        for host in ("n1", "n2"):
            self.lab.inside(host, "mkdir -p /var/lib/bigtop-volumes; cat > "
                                  "/var/lib/bigtop-volumes/canary", text=CANARY)


def plan_before(s):
    """On raw hosts plan says what would be done, and has done nothing when it ends."""
    run = s.lab.run("plan", s.lab.dir / "hosts.yaml", "--bundle", bundle_dir())
    run.expect(DONE, "changes on 3 hosts", "n1: unpack: ", "n3: join: joins the cluster")
    for host in s.lab.hosts:
        s.lab.inside(host, "! test -e /usr/local/bin/kubelet && ! test -e /etc/kubernetes")
    return f"{run.seconds:.1f} s"


def bootstrap(s):
    """One command. While it runs, a second one is turned away and nothing secret is on show."""
    with Sampler({"sudo password": s.password}) as sampler:
        run = s.lab.start_apply()
        wait_for("the first run to be at work", 60, lambda: "prepare" in run.text() or
                 not run.running(), every=0.05)
        second = s.lab.apply()
        run.wait()
    s.runs += [run, second]
    s.second, s.sampler = second, sampler
    run.expect(DONE, "is ready")
    return f"{run.seconds:.1f} s"


def second_coordinator(s):
    s.second.expect(BUSY, "another run is at work", "n1")


def no_secret_on_show(s):
    check(s.sampler.per_second >= 10, f"only {s.sampler.per_second:.1f} samples a second")
    check(not s.sampler.hits, "\n".join(s.sampler.hits))
    return f"{s.sampler.per_second:.0f} samples a second"


def tokens(lab):
    """The bootstrap tokens that the cluster knows, as name and secret."""
    found = []
    for secret in lab.kube("-n", "kube-system", "get", "secrets")["items"]:
        if secret["type"] == "bootstrap.kubernetes.io/token":
            found.append(lab.kubectl(
                "-n", "kube-system", "get", "secret", secret["metadata"]["name"], "-o",
                "go-template={{index .data \"token-secret\" | base64decode}}"))
    return found


def no_secret_in_logs(s):
    """Journals, /var/log, /tmp, the agent's folders, and what the coordinator printed."""
    known = tokens(s.lab)
    check(known, "the cluster knows no bootstrap token, so there is nothing to look for")
    wanted = "|".join([re.escape(s.password), "BEGIN [A-Z ]*PRIVATE KEY", *known])
    for run in s.runs:
        check(not re.search(wanted, run.text()), f"a secret in {run.path}")
        check(not re.search(PATTERNS["bootstrap token"].decode(), run.text()),
              f"a token in {run.path}")
    places = "/var/log /tmp /var/tmp /var/lib/bigtop /run/bigtop"
    for host in s.lab.hosts:
        text = s.lab.inside(
            host, f"{{ cat; }} > /dev/shm/wanted; grep -rlaEf /dev/shm/wanted {places} 2>/dev/null;"
                  "journalctl -q --no-pager -o cat | grep -aEcf /dev/shm/wanted; "
                  "rm /dev/shm/wanted", text=wanted + "\n", allow_failure=True)
        check(text.strip() == "0", f"{host}: a secret in\n{text}")
    return f"{len(known)} tokens looked for"


def policy_is_said(s):
    check("not enforced" in s.runs[0].text(), s.runs[0].text())


def secret_files_are_private(s):
    """Whatever holds a key or a token is root's alone; the token's file is gone."""
    for host in s.lab.hosts:
        open_ones = s.lab.inside(
            host, "find /var/lib/bigtop /run/bigtop -maxdepth 0 -perm /077; "
                  "find /etc/kubernetes /var/lib/kubelet/pki \\( -name '*.key' -o -name '*.conf' "
                  "-o -name '*.pem' \\) -type f -perm /077 ! -name resolv.conf; "
                  "ls /etc/kubernetes/bootstrap-kubelet.conf 2>/dev/null", allow_failure=True)
        check(not open_ones, f"{host}:\n{open_ones}")
    kubeconfig = s.lab.dir / "lab.kubeconfig"
    check(kubeconfig.stat().st_mode & 0o077 == 0, "the kubeconfig can be read by others")


def agent_refuses_other_users(s):
    """hazards 14, at the socket and past the folder's mode."""
    s.lab.inside("n2", "su ops -s /bin/sh -c '! test -e /run/bigtop/agent.sock'")
    path = "/run/bigtop/agent.sock"
    said = s.lab.inside("n2", f"chmod 0755 /run/bigtop; chmod 0666 {path}; timeout 5 su ops -s "
                              f"/bin/sh -c 'echo x | socat -t 2 - UNIX-CONNECT:{path}' 2>&1; "
                              f"chmod 0600 {path}; chmod 0700 /run/bigtop", allow_failure=True)
    check("hello" not in said and '"result"' not in said, f"the agent answered: {said!r}")


def own_balancers(s):
    """Each host reaches the API by the balancer on its loopback, and kubelets of workers do; what the
    user got names a control plane's own address."""
    for host in s.lab.hosts:
        said = s.lab.in_network_of(host, "curl", "-sk", "-m", "5", "https://127.0.0.1:7443/readyz")
        check(said == "ok", f"{host}: /readyz said {said!r}")
        near = s.lab.in_network_of(host, "ss", "-Hltn", "sport = :7443")
        check("127.0.0.1:7443" in near and near.count("LISTEN") == 1, f"{host}: {near}")
    for host in ("n2", "n3"):
        config = s.lab.inside(host, "cat /etc/kubernetes/kubelet.conf")
        check("server: https://127.0.0.1:7443" in config, f"{host}: its kubelet goes elsewhere")
    text = (s.lab.dir / "lab.kubeconfig").read_text()
    check("server: https://10.77.0.11:6443" in text, "the user's kubeconfig names no control plane")


def again(s):
    """Nothing to change, and nothing is."""
    wait_for("the cluster to be quiet", 60, lambda: workload.quiet(s.lab))
    before = snapshot.unchanged_files(s.lab)
    run = s.lab.apply().expect(DONE, "nothing to change")
    s.runs.append(run)
    found = snapshot.differences(before, snapshot.unchanged_files(s.lab))
    check(not found, "\n".join(found))
    return f"{run.seconds:.1f} s"


def plan_after(s):
    """plan looks, says that nothing is to do, and does not."""
    s.lab.run("plan", s.lab.dir / "hosts.yaml", "--bundle", bundle_dir()).expect(
        DONE, "nothing to change")


def status_tells(s):
    """Whose bundle the hosts took, how etcd is, and a node that the file does not name."""
    s.lab.run("status", s.lab.dir / "hosts.yaml").expect(
        DONE, "etcd: n1 votes, leads", "bundle: serial", "(all hosts)")
    s.lab.run("status", only(s.lab, "n1", "n2")).expect(
        DONE, "node n3 (Ready) is in the cluster, but no host of hosts.yaml")


def canal_is_taken(s):
    if "docker.io/calico/node:" in str(manifest()["components"]):
        raise Skip("the cluster has Canal itself: the same command again was no difference")
    return canal.api_takes_all_of_it(s.lab, manifest())


def reset(s):
    run = s.lab.run("reset", s.lab.dir / "hosts.yaml", "--yes")
    s.runs.append(run)
    run.expect(DONE, "as they were before")
    return f"{run.seconds:.1f} s"


def as_before(s):
    """Files, units, mounts, links, rules, settings, processes: of each host, by comparison. What was
    told to end may take a moment."""
    deadline = time.monotonic() + 30
    found = snapshot.differences(s.before, snapshot.photograph(s.lab))
    while found and time.monotonic() < deadline:
        time.sleep(1)
        found = snapshot.differences(s.before, snapshot.photograph(s.lab))
    check(not found, "\n".join(found))


def canaries_live(s):
    for host in ("n1", "n2"):
        check(snapshot.canary(s.lab.root_of(host)) == CANARY, f"{host}: the canary is gone")


def volumes_go_when_named(s):
    """Asked for by name, the data goes too; and a reset of what is not there is fine."""
    s.lab.run("reset", s.lab.dir / "hosts.yaml", "--yes", "--delete-volumes",
              "/var/lib/bigtop-volumes").expect(DONE)
    for host in s.lab.hosts:
        check(snapshot.canary(s.lab.root_of(host)) is None, f"{host}: the canary is still there")


def run(report, lab):
    s = Scenario(lab)
    s.plant_canaries()
    s.before = snapshot.photograph(lab)
    hostile.run(report, lab)
    liar.run(report, lab)
    report.run("plan shows what would be done to fresh hosts", plan_before, s)
    if not report.run("three fresh hosts become a cluster", bootstrap, s):
        return
    report.run("a second coordinator is refused", second_coordinator, s)
    report.run("no secret on a command line or in an environment", no_secret_on_show, s)
    report.run("no secret in a log", no_secret_in_logs, s)
    report.run("files with secrets are root's alone", secret_files_are_private, s)
    report.run("three distributions are Ready", workload.three_distributions, lab, s.version)
    report.run("every system pod runs", workload.system_pods_run, lab)
    report.run("every node has a balancer before the API", own_balancers, s)
    report.run("there is no route out", workload.no_route_out, lab)
    report.run("network policy is said to be not enforced", policy_is_said, s)
    workload.run(report, lab)
    report.run("the same command again changes nothing", again, s)
    report.run("plan finds nothing to change", plan_after, s)
    report.run("status tells of etcd, the bundle and a node without a line", status_tells, s)
    report.run("the API takes all of Canal, and again without a difference", canal_is_taken, s)
    for name in storage.ADDONS:
        report.run(f"the API takes all of {name}, and again without a difference",
                   storage.api_takes_all_of_it, lab, manifest(), name)
    report.run("the agent's socket refuses other users", agent_refuses_other_users, s)
    if report.run("reset", reset, s):
        report.run("after reset each host is as before", as_before, s)
        report.run("after reset the data of volumes is there", canaries_live, s)
        report.run("volumes go when they are named", volumes_go_when_named, s)

"""Hosts that shut their ports, each with another firewall, become a cluster; only what it needs is
open meanwhile, and reset shuts it again."""

import concurrent.futures
import re
import subprocess

import workload
from harness import Skip, check, wait_for
from lab import bundle_dir, cache_home

DONE = 0
HOSTS = {"n1": "nftables", "n4": "firewalld", "n5": "ufw", "n6": "iptables-legacy"}
ADDRESS = {"n1": "10.77.0.11", "n4": "10.77.0.14", "n5": "10.77.0.15", "n6": "10.77.0.16"}
SET_UP = {
    "nftables": """cat > /etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif lo accept
		tcp dport 22 accept
	}
	chain last {
		counter reject
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
		jump last
	}
}
END
systemctl enable --now nftables""",
    "firewalld": "systemctl enable --now firewalld; firewall-cmd --state",
    "ufw": "ufw allow 22/tcp; ufw --force enable",
    # Not kept by anything: as some script of the host's would set it.
    "iptables-legacy": """iptables-legacy -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables-legacy -A INPUT -i lo -j ACCEPT
iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT
iptables-legacy -A FORWARD -j REJECT
iptables-legacy -P INPUT DROP""",
}
RULES = {
    "nftables": "nft list table inet filter",
    "firewalld": "nft list table inet firewalld; firewall-cmd --permanent --list-all-zones",
    "ufw": "ufw show added; ufw status",
    "iptables-legacy": "iptables-legacy-save -t filter",
}


class Scenario:
    def __init__(self, lab):
        self.lab = lab
        self.rules = {}

    def everywhere(self, function):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return dict(zip(HOSTS, pool.map(function, HOSTS)))


def fetch(lab, host, package):
    """The packages that this host lacks for it, from this machine's own sources, kept for the next
    time; apt checks what it fetches."""
    folder = cache_home() / "bigtop-bootstrap/lab/debs" / package
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    status = lab.scratch / f"{host}.status"
    status.write_bytes((lab.root_of(host) / "var/lib/dpkg/status").read_bytes())
    done = subprocess.run(
        ["apt-get", "install", "-y", "-q", "--download-only", "--no-install-recommends",
         "-o", f"Dir::State::status={status}", "-o", f"Dir::Cache::archives={folder}",
         "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
         "-o", "Debug::NoLocking=1", package], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"no package {package}: {done.stderr.strip().splitlines()[-1:]}")
    return sorted(folder.glob("*.deb"))


def install(s, host):
    package = HOSTS[host]
    if package == "iptables-legacy":
        return
    target = s.lab.root_of(host) / "root/debs"
    target.mkdir()
    for deb in fetch(s.lab, host, package):
        (target / deb.name).write_bytes(deb.read_bytes())
    s.lab.inside(host, "cd /root/debs && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "
                       "--no-install-recommends -o Dpkg::Options::=--force-unsafe-io ./*.deb && "
                       "cd / && rm -rf /root/debs", seconds=300)


def rules(s, host):
    """Without what counts packets and numbers rules."""
    text = s.lab.inside(host, RULES[HOSTS[host]])
    text = re.sub(r"packets \d+ bytes \d+|\[\d+:\d+\]|# (Generated|Completed) .*", "", text)
    return {line.strip() for line in text.splitlines()}


def reaches(s, source, target, port):
    """Whether a connection comes about; something listens there for as long."""
    listen = subprocess.Popen(
        ["nsenter", "--target", str(s.lab.leader(target)), "--all", "--", "sh", "-c",
         f"echo $$; exec timeout 120 socat -u TCP-LISTEN:{port},reuseaddr OPEN:/dev/null"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    listener = int(listen.stdout.readline())
    try:
        dial = f"timeout 2 socat -u OPEN:/dev/null TCP:{ADDRESS[target]}:{port}"
        wait_for("the listener", 30, lambda: f":{port:04X} " in s.lab.inside(
            target, "cat /proc/net/tcp /proc/net/tcp6"))
        if source:
            return "reached" in s.lab.inside(source, f"{dial} && echo reached", allow_failure=True)
        return subprocess.run(["nsenter", f"--net=/run/netns/bigtop-{s.lab.id}", "--",
                               *dial.split()], capture_output=True, check=False).returncode == 0
    finally:
        # Not nsenter, which would leave it behind: what comes next finds the port in use.
        s.lab.inside(target, f"kill {listener}", allow_failure=True)
        listen.wait()


def firewalls_shut(s):
    s.everywhere(lambda host: install(s, host))
    s.everywhere(lambda host: s.lab.inside(host, SET_UP[HOSTS[host]]))
    hosts = list(HOSTS)
    for i, host in enumerate(hosts):
        check(not reaches(s, hosts[i - 1], host, 10250), f"{host} lets its neighbour in")
    s.rules = s.everywhere(lambda host: rules(s, host))


def plan_shows(s):
    run = s.lab.run("plan", s.lab.dir / "hosts.yaml", "--bundle", bundle_dir())
    run.expect(DONE, "n1: firewall: open tcp port 6443 from everywhere in nftables",
               "n4: firewall: open tcp port 10250 from 10.77.0.11, 10.77.0.15, 10.77.0.16 in "
               "firewalld, public",
               "n5: firewall: open all traffic of pods from 10.244.0.0/16 in ufw",
               "n6: firewall: open udp port 8472 from 10.77.0.11, 10.77.0.14, 10.77.0.15 in "
               "iptables-legacy, INPUT")
    check(s.everywhere(lambda host: rules(s, host)) == s.rules, "plan has opened something")


def bootstrap(s):
    run = s.lab.apply().expect(DONE, "is ready")
    return f"{run.seconds:.1f} s"


def pods_reach_each_other(s):
    """Each from every node, by address, and a service by name."""
    workload.open_space(s.lab)
    workload.create(s.lab, *(workload.pod(f"on-{h}", "mkdir /www; echo here > /www/i; exec httpd -f -p 80 -h /www",
                                          node=h, restart="Always") for h in HOSTS))
    wait_for("the pods to run", 120, lambda: all(
        workload.phase(s.lab, f"on-{h}") == "Running" for h in HOSTS))
    found = {h: s.lab.kube("-n", workload.SPACE, "get", "pod", f"on-{h}")["status"]["podIP"]
             for h in HOSTS}
    asked = " && ".join(f"({workload.fetch(ip, '/i')})" for ip in found.values())
    for host in HOSTS:
        name = "kubernetes.default.svc.cluster.local"
        workload.create(s.lab, workload.pod(
            f"from-{host}", f"{asked} && nslookup {name} {workload.CLUSTER_DNS}", node=host))
    for host in HOSTS:
        log = workload.finish(s.lab, f"from-{host}")
        check(log.count("here") == len(HOSTS), f"from {host}:\n{log}")
    workload.close_space(s.lab)


def nothing_else_is_open(s):
    """To this machine, which is no host of the cluster, only the API is; to hosts nothing else."""
    for host in HOSTS:
        check(not reaches(s, None, host, 10470), f"{host} lets anybody reach 10470")
        check(not reaches(s, "n1" if host != "n1" else "n4", host, 9000), f"9000 is open on {host}")
    # A busy machine may be slower than a connection waits.
    wait_for("10470 between hosts", 30, lambda: reaches(s, "n5", "n4", 10470))


def rules_stay(s):
    """When the host's own rules are loaded anew."""
    for how in ("reload", "restart"):
        s.lab.inside("n1", f"systemctl {how} nftables")
        wait_for(f"our rules after a {how}", 30, lambda: "bigtop:tcp" in s.lab.inside(
            "n1", RULES["nftables"]))
    s.lab.inside("n4", "firewall-cmd --reload; firewall-cmd --list-rich-rules | grep -q 10250")
    s.lab.inside("n5", "ufw reload; ufw status | grep -q 10250")
    s.lab.apply().expect(DONE, "nothing to change")


def reset(s):
    s.lab.run("reset", s.lab.dir / "hosts.yaml", "--yes").expect(DONE, "as they were before")
    after = s.everywhere(lambda host: rules(s, host))
    for host in HOSTS:
        check(after[host] == s.rules[host],
              f"{host}: gone: {sorted(s.rules[host] - after[host])} "
              f"new: {sorted(after[host] - s.rules[host])}")
        left = s.lab.inside(host, "nft list ruleset 2>/dev/null; iptables-legacy-save; "
                                  "ls /etc/systemd/system")
        check("bigtop" not in left, f"{host}:\n{left}")


def run(report, lab):
    s = Scenario(lab)
    if not report.run("four firewalls shut four hosts", firewalls_shut, s):
        return
    report.run("plan says what would be opened", plan_shows, s)
    if report.run("they become a cluster", bootstrap, s):
        report.run("pods of all nodes reach each other", pods_reach_each_other, s)
        report.run("nothing else is open", nothing_else_is_open, s)
        report.run("rules outlive a reload, and nothing is to change", rules_stay, s)
    report.run("reset shuts what was opened, exactly", reset, s)

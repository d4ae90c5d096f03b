"""The network is tried before it is called good: what is wrong between two hosts is named with its
cause and remedy, and once it is mended the same command completes the cluster."""

import workload
from harness import check, wait_for
from offline import manifest

DONE, HOST_FAILED = 0, 1
LARGE = 1400  # bytes of a packet between hosts that n3 still takes


def vxlan_rule(lab, host, change, *match):
    """In front of everything else, where no program of Kubernetes looks."""
    lab.inside(host, f'iptables -t raw -{change} PREROUTING -p udp --dport 8472 "$@" -j DROP', *match)


def no_pods_left(lab):
    wait_for("the pods of the check to be gone", 60,
             lambda: "bigtop-netcheck" not in lab.kubectl("get", "namespaces"), every=1)


def tried(lab):
    """How often the step came to a good end."""
    ledger = (lab.root_of("n1") / "var/lib/bigtop/ledger").read_text()
    return ledger.count('"kind":"step","name":"netcheck"')


def small_packets_only(lab):
    """Packets of n3 that are larger than 1,400 bytes vanish: all that Kubernetes itself asks of a
    network works, and its nodes are Ready."""
    vxlan_rule(lab, "n3", "I", "-m", "length", "--length", f"{LARGE + 1}:65535")
    run = lab.apply().expect(
        HOST_FAILED, "network", "the MTU is too small between pods on n3 and each of n1, n2",
        "packets of 1350 bytes pass, those of 1400 are lost", f"`mtu: {LARGE}`")
    workload.nodes_ready(lab, lab.hosts, manifest()["kubernetes"])
    check(tried(lab) == 0, "a network that failed was called good")
    no_pods_left(lab)
    return f"{run.seconds:.1f} s"


def with_mtu(lab, mtu):
    return lab.inventory(("cluster:\n", f"cluster:\n  mtu: {mtu}\n"))


def remedy_helps(lab):
    """What the message advised: pods then send smaller packets."""
    run = lab.apply(with_mtu(lab, LARGE)).expect(DONE, "is ready")
    check(tried(lab) == 1, "the network was not tried again")
    no_pods_left(lab)
    return f"{run.seconds:.1f} s"


def tried_once(lab):
    """Nothing of the network changed: no pods."""
    run = lab.apply(with_mtu(lab, LARGE)).expect(DONE, "nothing to change")
    check(tried(lab) == 1, "the network was tried again")
    return f"{run.seconds:.1f} s"


def path_is_mended(lab):
    """And hosts.yaml says nothing of an MTU any more."""
    vxlan_rule(lab, "n3", "D", "-m", "length", "--length", f"{LARGE + 1}:65535")
    lab.apply().expect(DONE, "is ready")
    check(tried(lab) == 2, "the network was not tried again")


def port_is_closed(lab):
    """n2 gets no packet of the pod network."""
    vxlan_rule(lab, "n2", "I")
    try:
        lab.apply(with_mtu(lab, 1480)).expect(
            HOST_FAILED, "no packet passes between pods on n2 and each of n1, n3", "UDP 8472")
    finally:
        vxlan_rule(lab, "n2", "D")


def leftovers_go(lab):
    """What a run that was killed left behind is in the way of none."""
    no_pods_left(lab)
    lab.kubectl("create", "namespace", "bigtop-netcheck")
    lab.kubectl("-n", "bigtop-netcheck", "run", "p0", "--image=busybox", "--image-pull-policy=Never")
    run = lab.apply(with_mtu(lab, 1480)).expect(DONE, "is ready")
    no_pods_left(lab)
    return f"{run.seconds:.1f} s"


def hosts_reach_services(lab):
    """On hosts without a default route, too."""
    for host in lab.hosts:
        check("default" not in lab.inside(host, "ip route"), f"{host} has a default route")
        lab.inside(host, "cd / && timeout 10 bash -c '</dev/tcp/10.96.0.1/443'")


def route_lives(lab):
    """After a power cut as well."""
    lab.stop("n3")
    lab.start("n3")
    wait_for("n3 to reach the API by its service", 120, lambda: "open" in lab.inside(
        "n3", "cd / && timeout 5 bash -c '</dev/tcp/10.96.0.1/443' && echo open",
        allow_failure=True), every=1)


def reset_takes_the_route(lab):
    lab.run("reset", lab.dir / "hosts.yaml", "--yes").expect(DONE, "as they were before")
    for host in lab.hosts:
        check("bigtop-svc" not in lab.inside(host, "ip -o link; ip route"), f"{host}: a link is left")


def run(report, lab):
    if not report.run("packets that are too large for a path are named", small_packets_only, lab):
        return
    report.run("the MTU that was advised helps", remedy_helps, lab)
    report.run("a network that was tried is not tried again", tried_once, lab)
    report.run("hosts without a default route reach services", hosts_reach_services, lab)
    report.run("the mended path is tried again", path_is_mended, lab)
    report.run("a closed port is named", port_is_closed, lab)
    report.run("leftovers of a killed check go", leftovers_go, lab)
    report.run("the route to services lives through a power cut", route_lives, lab)
    report.run("reset takes the route to services", reset_takes_the_route, lab)

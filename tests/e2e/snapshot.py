"""What a host is, as a dictionary of facts, and the difference of two of them.

Two uses: `files` before and after a run that must change nothing, and `everything` before a
bootstrap and after its reset."""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import stat

# Written by the system itself all the time, with or without us.
VOLATILE = (
    "/proc", "/sys", "/dev", "/tmp", "/run", "/var/tmp",
    "/var/log",  # logs
    "/var/lib/systemd/random-seed", "/var/lib/systemd/timers", "/var/lib/systemd/timesync",
    "/var/lib/systemd/catalog", "/var/lib/systemd/deb-systemd-helper-enabled",
    "/var/lib/sudo/lectured",  # that a user was lectured by his first sudo
    "/var/lib/dbus/machine-id", "/var/cache/ldconfig",
)
# The living cluster's own: its database, and what kubelet and containerd keep of running pods.
CLUSTER_DATA = (
    "/var/lib/etcd", "/var/lib/containerd", "/var/lib/cni", "/var/lib/bigtop-volumes",
    "/var/lib/kubelet/pods", "/var/lib/kubelet/plugins", "/var/lib/kubelet/plugins_registry",
    "/var/lib/kubelet/device-plugins", "/var/lib/kubelet/pod-resources",
    "/var/lib/kubelet/cpu_manager_state", "/var/lib/kubelet/memory_manager_state",
    "/var/lib/kubelet/dra_manager_state", "/var/lib/kubelet/allocated_pods_state",
    "/var/lib/kubelet/actuated_pods_state",
)
# What programs of the system leave in /run, again and again.
RUN_VOLATILE = re.compile(
    r"/run/(systemd|log|user|sudo|lock|utmp|sshd|initctl|dbus|udev|blkid|shm|mount|credentials"
    r"|motd\.dynamic|screen|tmpfiles\.d|sendsigs\.omit\.d|nologin|host|xtables\.lock)(\b|$)")
SYSCTL_VOLATILE = re.compile(
    r"/proc/sys/(fs/(dentry-state|file-nr|inode-nr|inode-state|quota|aio-nr|epoll)|kernel/(random"
    r"|ns_last_pid|pty/nr|perf|sched_|hostname|domainname|bpf_stats)|dev/|debug/"
    r"|net/netfilter/nf_conntrack_(count|buckets)|net/ipv4/(route|tcp_fastopen_key)|user/"
    r"|net/ipv[46]/(conf|neigh)/(?!all/|default/|host0/|lo/)|net/mptcp|sunrpc)")


def under(path, tops):
    return any(path == top or path.startswith(top + "/") for top in tops)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry(path, info, times):
    facts = [stat.filemode(info.st_mode), info.st_uid, info.st_gid]
    if stat.S_ISREG(info.st_mode):
        facts += [info.st_size, info.st_mtime_ns]
        facts += [info.st_ino, info.st_ctime_ns] if times else [digest(path)]
    elif stat.S_ISLNK(info.st_mode):
        facts.append(os.readlink(path))
    return tuple(facts)


def files(root, excluded, times=False):
    """path → what it is. With times, inode and change time stand for the content: any write or
    replacement shows, even one of equal bytes."""
    found = {}
    base = os.fspath(root)
    for folder, names, leaves in os.walk(base, followlinks=False):
        here = folder[len(base):]
        names[:] = [n for n in names if not under(f"{here}/{n}", excluded)]
        for name in names + leaves:
            path = f"{here}/{name}"
            if not under(path, excluded):
                try:
                    found[path] = entry(base + path, os.lstat(base + path), times)
                except FileNotFoundError:
                    pass
    return found


def run_names(root):
    """The names below /run that are not the system's own."""
    found = {}
    for folder, names, leaves in os.walk(os.path.join(root, "run")):
        here = folder[len(os.fspath(root)):]
        names[:] = [n for n in names if not RUN_VOLATILE.match(f"{here}/{n}")]
        for name in names + leaves:
            if not RUN_VOLATILE.match(f"{here}/{name}"):
                found[f"{here}/{name}"] = "there"
    return found


def lines(text, drop=None):
    return {line: "there" for line in text.splitlines()
            if line.strip() and not (drop and re.search(drop, line))}


def firewall(text):
    """Rules and chains; an empty table with its built-in chains is as good as none."""
    found, table = {}, ""
    for line in text.splitlines():
        line = re.sub(r"\s*\[\d+:\d+\]", "", line)
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(("-", ":")) and not re.match(r":[A-Z]+ ACCEPT$", line):
            found[f"{table} {line}"] = "there"
    return found


def sysctls(text):
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if not SYSCTL_VOLATILE.match(key):
            found[key] = found.get(key, "") + value
    return found


IPTABLES = ("for p in iptables-legacy-save iptables-nft-save ip6tables-legacy-save "
            "ip6tables-nft-save; do command -v $p >/dev/null && { echo \"*-$p\"; $p; }; done; true")


def photograph(lab):
    """Of every host, at once."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(lab.hosts, pool.map(lambda host: everything(lab, host), lab.hosts)))


def everything(lab, host):
    ask = lambda script: lab.inside(host, script, allow_failure=True)  # noqa: E731
    root = lab.root_of(host)
    return {
        "files": files(root, VOLATILE),
        "/run": run_names(root),
        "unit files": lines(ask("systemctl list-unit-files --no-legend --no-pager --plain")),
        "units": lines(ask("systemctl list-units --all --no-legend --no-pager --plain "
                           "--type=service,socket,mount,swap,timer,target,path | "
                           "awk '{print $1, $2, $3}'"),
                       drop=r"^(ssh@|sshd@|user@|user-runtime|session-|run-user|systemd-tmpfiles|"
                            r"e2scrub|fstrim|apt-|dpkg-|logrotate|sshd-keygen|systemd-journal-flush|"
                            r"\S+ not-found )"),
        "mounts": lines(ask("sed -E 's/(shared|master):[0-9]+/\\1/g' /proc/1/mountinfo | cut -d' ' -f5,7-9")),
        "links": lines(ask("ip -o link show | cut -d: -f2 | cut -d@ -f1; ip -o -4 addr show | "
                           "awk '{print $2, $4}'; ip route show; ip rule show")),
        "iptables": firewall(ask(IPTABLES)),
        "ipset": lines(ask("ipset list -n")),
        "sysctls": sysctls(ask("find /proc/sys -type f -perm /444 -exec grep -sH . {} +")),
        "modules": lines(ask("cut -d' ' -f1 /proc/modules")),
        "processes": lines(ask("ps -eo comm --no-headers"),
                           drop=r"^\s*(ps|sh|sshd|sshd-session|sshd-auth|systemd|\(sd-pam\)|agetty|"
                                r"\(.*\)|sudo|sftp-server|kworker.*)$"),
        "control groups": lines(ask("find /sys/fs/cgroup -type d -name 'kube*' -o -type d -name "
                                    "'system.slice:*'")),
    }


def differences(before, after):
    """Of two photographs: lines in words; empty when nothing differs."""
    return [f"{host}: {line}" for host in before for line in difference(before[host], after[host])]


def difference(before, after):
    """Lines in words; empty when nothing differs."""
    found = []
    for part in before:
        old, new = before[part], after[part]
        found += [f"{part}: gone: {key}" for key in sorted(old.keys() - new.keys())]
        found += [f"{part}: new: {key}" for key in sorted(new.keys() - old.keys())]
        found += [f"{part}: changed: {key}: {old[key]} → {new[key]}"
                  for key in sorted(old.keys() & new.keys()) if old[key] != new[key]]
    return found


def unchanged_files(lab):
    """Of all hosts, for a run that must not write anything but logs."""
    return {host: {"file": files(lab.root_of(host), VOLATILE + CLUSTER_DATA, times=True)}
            for host in lab.hosts}


def canary(root, volumes="/var/lib/bigtop-volumes"):
    path = pathlib.Path(f"{root}{volumes}/canary")
    return path.read_text() if path.exists() else None

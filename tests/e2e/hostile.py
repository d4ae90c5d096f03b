"""Fresh hosts and somebody who means no good: hazards 1-4, 12, 13, 15. Nothing may be changed, and
the user is told the host, the cause and the remedy."""

import os
import pty
import re
import select
import time

from harness import check, wait_for

REFUSED, HOST_FAILED, BAD_INPUT = 3, 1, 2


def known_hosts(lab, edit):
    """An inventory whose known_hosts is the lab's after `edit` of its lines."""
    lines = (lab.dir / "known_hosts").read_text().splitlines()
    lab.count += 1
    path = lab.scratch / f"known_hosts-{lab.count}"
    path.write_text("".join(f"{line}\n" for line in edit(lines)))
    return lab.inventory((str(lab.dir / "known_hosts"), str(path))), path


def fingerprints(lab, host):
    text = lab.inside(host, "for k in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $k; done")
    return re.findall(r"SHA256:\S+", text)


def ssh_log(lab, host):
    """What sshd says since the lab began; names of users show that login had begun."""
    return lab.inside(host, "journalctl -q --no-pager -o cat -t sshd -t sshd-session", seconds=30)


def address_of(lab, host):
    return re.search(rf"address: (\S+)\n +name: {host}\n", (lab.dir / "hosts.yaml").read_text())[1]


def changed_host_key(lab):
    """n1's line names n3's key, as if somebody sat in between."""
    n1, n3 = address_of(lab, "n1"), address_of(lab, "n3")

    def swap(lines):
        foreign = [line.split()[1:] for line in lines if n3 in line]
        return [f"{n1} {' '.join(words)}" for words in foreign] + \
               [line for line in lines if not line.startswith(n1)]

    inventory, _ = known_hosts(lab, swap)
    before = ssh_log(lab, "n1")
    run = lab.run("status", inventory)
    text = run.expect(REFUSED, "n1", "CHANGED", "ssh-keygen").text()
    check(any(f in text for f in fingerprints(lab, "n1")), f"the shown key is not told:\n{text}")
    check(any(f in text for f in fingerprints(lab, "n3")), f"the known key is not told:\n{text}")
    new = ssh_log(lab, "n1").removeprefix(before)
    check("root" not in new and "user" not in new, f"login had begun:\n{new}")


def unknown_host_key(lab):
    inventory, path = known_hosts(lab, lambda lines: [])
    before = ssh_log(lab, "n1")
    text = lab.run("status", inventory).expect(REFUSED, "n1", "unknown", "known_hosts").text()
    for host in lab.hosts:
        check(any(f in text for f in fingerprints(lab, host)), f"no fingerprint of {host}:\n{text}")
    check(path.read_text() == "", "a key was trusted without asking")
    new = ssh_log(lab, "n1").removeprefix(before)
    check("root" not in new and "user" not in new, f"login had begun:\n{new}")


def converse(lab, words, answers, seconds=60):
    """Runs the program on a terminal of its own; answers are (question, reply) in order."""
    command = ["nsenter", f"--net=/run/netns/bigtop-{lab.id}", "--", lab.program, *words]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(HOME=str(lab.scratch), TERM="xterm")
        os.execvp(command[0], [str(word) for word in command])
    seen, deadline = "", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answers and answers[0][0] in seen.rsplit("\x00", 1)[-1]:
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
            seen += "\x00"
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        seen += data.decode(errors="replace")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.replace("\x00", "")


def asks_on_a_terminal(lab):
    """As ssh does: "no" refuses, "yes" trusts and remembers."""
    n1 = address_of(lab, "n1")
    without = lambda lines: [line for line in lines if not line.startswith(n1)]  # noqa: E731
    question = "Are you sure you want to continue connecting"
    inventory, path = known_hosts(lab, without)
    size = len(path.read_text())
    code, seen = converse(lab, ["status", inventory], [(question, "no")])
    check(code == REFUSED, f"exit code {code} after \"no\":\n{seen}")
    check(any(f in seen for f in fingerprints(lab, "n1")), f"no fingerprint was shown:\n{seen}")
    check(len(path.read_text()) == size, "a key was trusted after \"no\"")
    code, seen = converse(lab, ["status", inventory], [(question, "yes")])
    check(code == 0, f"exit code {code} after \"yes\":\n{seen}")
    check(n1 in path.read_text(), "an accepted key was not remembered")
    lab.run("status", inventory).expect(0)


def foreign_ssh_config(lab):
    """A ProxyCommand in the user's configuration is never run."""
    canary = lab.scratch / "proxy-command-was-run"
    home = lab.scratch / "hostile-home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/config").write_text(
        f"Host *\n  ProxyCommand touch {canary}; nc %h %p\n  LocalCommand touch {canary}\n"
        f"  PermitLocalCommand yes\nMatch exec \"touch {canary}\"\n  User nobody\n")
    lab.run("status", lab.dir / "hosts.yaml", environment={"HOME": str(home)}).expect(0)
    check(not canary.exists(), "a command of ~/.ssh/config was run")


def wrong_sudo_password(lab):
    """One try, no more: a second one may lock the account."""
    secret = (lab.dir / "sudo-password").read_text().strip()
    inventory = lab.inventory((f"sudo_password: {secret}", "sudo_password: not-the-password"))
    count = "journalctl -q --no-pager -o cat | grep -c 'pam_unix(sudo:auth): auth.*failure' || true"
    before = int(lab.inside("n2", count))
    run = lab.run("status", inventory).expect(HOST_FAILED, "n2", "wrong password", "sudo_password")
    tries = wait_for("a failed sudo in n2's journal", 10,
                     lambda: int(lab.inside("n2", count)) - before)
    time.sleep(1)
    tries = int(lab.inside("n2", count)) - before
    check(tries == 1, f"sudo was tried {tries} times")
    check("not-the-password" not in run.text(), "the password was printed")


def secret_in_a_readable_file(lab):
    inventory = lab.inventory(mode=0o644)
    lab.run("status", inventory).expect(REFUSED, "chmod 600")


def command_in_a_name(lab):
    """No part of hosts.yaml becomes shell, here or there."""
    for old, new in (("name: n1", 'name: "$(touch /tmp/pwned)"'),
                     ("user: ops", 'user: "ops; touch /tmp/pwned"'),
                     (f"address: {address_of(lab, 'n1')}", 'address: "-oProxyCommand=reboot"')):
        lab.run("status", lab.inventory((old, new))).expect(BAD_INPUT, "hosts-")
    for host in lab.hosts:
        check(not (lab.root_of(host) / "tmp/pwned").exists(), f"{host}: the command was run")


def planted(lab, host, prepare, mend):
    """Somebody was there first; what the agent would land on is not what it seems."""
    lab.inside(host, prepare)
    try:
        run = lab.run("status", lab.dir / "hosts.yaml")
        run.expect(HOST_FAILED, host, "/var/lib/bigtop")
        found = lab.inside(host, "find /opt/evil -mindepth 1")
        check(not found, f"{host}: written through the plant:\n{found}")
    finally:
        lab.inside(host, mend)


AWAY = ("systemctl stop bigtop-agent.service 2>/dev/null; rm -rf /opt/evil; mkdir -m 0777 /opt/evil;"
        " [ ! -e /var/lib/bigtop ] || mv /var/lib/bigtop /var/lib/bigtop.real; ")
BACK = ("rm -rf /var/lib/bigtop /opt/evil; [ ! -e /var/lib/bigtop.real ] || "
        "mv /var/lib/bigtop.real /var/lib/bigtop")


def planted_symlink(lab):
    for host in ("n1", "n2"):
        planted(lab, host, AWAY + "ln -s /opt/evil /var/lib/bigtop", BACK)


def planted_folder(lab):
    """A folder of another user's, in which the agent would be exchanged under our feet."""
    planted(lab, "n2", AWAY + "mkdir -m 0777 /var/lib/bigtop; chown ops: /var/lib/bigtop", BACK)


TESTS = {
    "a changed host key is refused before login": changed_host_key,
    "an unknown host key is refused without a terminal": unknown_host_key,
    "an unknown host key is asked about on a terminal": asks_on_a_terminal,
    "no command of ~/.ssh/config is run": foreign_ssh_config,
    "a wrong sudo password is tried once": wrong_sudo_password,
    "a secret in a readable hosts.yaml is refused": secret_in_a_readable_file,
    "no name of hosts.yaml becomes shell": command_in_a_name,
    "a planted symlink is refused": planted_symlink,
    "a planted folder is refused": planted_folder,
}


def run(report, lab):
    for name, test in TESTS.items():
        report.run(name, test, lab)

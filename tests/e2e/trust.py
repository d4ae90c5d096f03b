"""Whose bundles hosts take, and which: signatures, keys that follow each other, serials. The bundles
are small and make no cluster: `stage` brings them to the hosts."""

import json
import os
import subprocess

from harness import check
from lab import BUILT
from wire import Agent, Refused

DONE, REFUSED = 0, 3
RECIPE = """product: {product}
architecture: {architecture}
serial: {serial}
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {{}}
components:
  - {{name: note, kind: files, version: v1, roles: [worker, control-plane],
     files: [{{text: "serial {serial}", to: opt/bigtop-e2e/note}}]}}
"""
KEYREJECTED, PERM, STALE = -129, -1, -116


class Scenario:
    def __init__(self, lab):
        self.lab, self.count = lab, 0
        for name in ("a", "b", "c"):
            self.tool("keygen", "--out", lab.scratch / name)

    def tool(self, *words):
        """With a cache of its own: a build beside this one has the user's."""
        done = subprocess.run([BUILT, "bundle", *words], capture_output=True, text=True, check=False,
                              env={**os.environ, "XDG_CACHE_HOME": str(self.lab.scratch / "cache")})
        check(done.returncode == 0, lambda: f"bundle {words}: {done.stdout}{done.stderr}")

    def bundle(self, serial, key=None, following=None, product="e2e", architecture="amd64"):
        self.count += 1
        out = self.lab.scratch / f"bundle-{self.count}"
        recipe = self.lab.scratch / f"recipe-{self.count}.yaml"
        recipe.write_text(RECIPE.format(serial=serial, product=product, architecture=architecture))
        words = ["build", recipe, "-o", out]
        words += ["--sign", self.lab.scratch / f"{key}.key"] if key else []
        words += ["--next-key", self.lab.scratch / f"{following}.pub"] if following else []
        self.tool(*words)
        return out

    def inventory(self, *hosts):
        """These hosts; it names no key."""
        text = (self.lab.dir / "hosts.yaml").read_text()
        head, *items = text.split("  - address: ")
        lines = [line for line in head.splitlines() if not line.startswith("bundle_keys")]
        chosen = [f"  - address: {i}" for i in items if i.splitlines()[1].split()[-1] in hosts]
        path = self.lab.scratch / f"{'-'.join(hosts)}.yaml"
        path.write_text("\n".join(lines) + "\n" + "".join(chosen))
        path.chmod(0o600)
        return path

    def apply(self, bundle, *words, hosts=("n1",), state="state", command="apply"):
        """state: another one is another coordinator."""
        keys = [w for w in words if w in ("a", "b", "c")]
        rest = [w for w in words if w not in keys]
        for key in keys:
            rest += ["--key", self.lab.scratch / f"{key}.pub"]
        if command == "apply":
            rest.append("--accept-slow-disks")
        return self.lab.run(command, self.inventory(*hosts), "--bundle", bundle, *rest,
                            environment={"XDG_STATE_HOME": str(self.lab.scratch / state)})

    def file(self, host, path):
        return self.lab.root_of(host) / path.lstrip("/")

    def trust(self, host):
        """None: the host never accepted a bundle."""
        path = self.file(host, "/var/lib/bigtop/trust.json")
        return json.loads(path.read_text()) if path.exists() else None

    def accepted(self, host):
        return json.loads(self.file(host, "/var/lib/bigtop/bundle/bigtop.json").read_text())

    def must_take(self, bundle, *words, host="n1", **options):
        run = self.apply(bundle, *words, hosts=(host,), command="stage", **options).expect(DONE)
        listed = json.loads((bundle / "bigtop.json").read_text())
        check(self.accepted(host) == listed, f"{host} has another bundle:\n{run.text()}")
        blob = listed["components"][0]["blob"].removeprefix("sha256:")
        check(self.file(host, f"/var/lib/bigtop/blobs/sha256/{blob}").exists(),
              f"{host} has not got what the bundle lists:\n{run.text()}")
        return run

    def must_refuse(self, bundle, *words, says, **options):
        """And nothing is changed, on no host."""
        before = [self.state(host) for host in self.lab.hosts]
        run = self.apply(bundle, *words, **options).expect(REFUSED, says, "remedy: ")
        after = [self.state(host) for host in self.lab.hosts]
        check(before == after, f"changed although refused: {before} {after}")
        return run

    def state(self, host):
        """What the agent keeps, but for the agent itself and how fast it found the disks."""
        top = self.file(host, "/var/lib/bigtop")
        return sorted((str(path), path.stat().st_mtime_ns) for path in top.rglob("*")
                      if path.is_file() and path.stat().st_size
                      and path.relative_to(top).parts[0] not in ("agent", "probes.json"))

    def reset(self, *hosts):
        self.lab.run("reset", self.inventory(*hosts), "--yes").expect(0)


def agents_are_there(s):
    """What comes with the agent is not what a refused bundle changes."""
    s.lab.run("status", s.inventory("n1", "n2")).expect(DONE)


def unsigned_is_refused(s):
    bundle = s.bundle(1)
    s.must_refuse(bundle, "a", says="is not signed")
    s.must_refuse(bundle, "a", says="is not signed", command="plan")
    s.must_refuse(bundle, "a", says="is not signed", command="stage")
    check(s.trust("n1") is None, "n1 has accepted something")


def no_key_is_refused(s):
    s.must_refuse(s.bundle(1, "a"), says="nothing says whose bundle")


def wrong_key_is_refused(s):
    s.must_refuse(s.bundle(1, "b"), "a", says="not trusted")


def other_architecture_is_refused(s):
    s.must_refuse(s.bundle(1, "a", architecture="arm64"), "a", hosts=("n1", "n2"),
                  says="the host is amd64, the bundle is for arm64")
    check(s.trust("n1") is None and s.trust("n2") is None, "a host has accepted it")


def insecure_is_loud(s):
    """At the beginning and at the end; and a signed one later pins its key."""
    run = s.must_take(s.bundle(1), "--insecure-bundle")
    lines = [i for i, line in enumerate(run.text().splitlines()) if "INSECURE" in line]
    check(len(lines) == 2 and lines[0] == 0, f"warned in lines {lines}:\n{run.text()}")
    check(s.trust("n1")["keys"] == [], f"pinned: {s.trust('n1')}")
    s.must_take(s.bundle(1, "a"), "a")
    check(len(s.trust("n1")["keys"]) == 1, f"pinned: {s.trust('n1')}")
    s.must_refuse(s.bundle(1), "--insecure-bundle", says="has had a signed one")
    s.reset("n1")


def pinned_key_stays(s):
    """Another coordinator that names another key; n2, which is fresh, is not touched either."""
    s.must_take(s.bundle(2, "a"), "a")
    s.must_refuse(s.bundle(3, "b"), "b", hosts=("n1", "n2"), state="other",
                  says="which the host does not trust")
    check(s.trust("n2") is None, "n2 has accepted it")


def older_is_refused(s):
    old = s.bundle(1, "a")
    s.must_refuse(old, "a", says="and cluster lab has had 2")
    s.must_refuse(old, "a", state="other", says="the host has had 2")
    s.must_refuse(old, "a", "--serial", "2", says="--serial asks for 2")


def older_is_taken_by_its_number(s):
    old = s.bundle(1, "a")
    s.must_take(old, "a", "--serial", "1")
    check(s.trust("n1")["serial"] == 2, f"the highest is forgotten: {s.trust('n1')}")
    s.must_take(old, "a")  # it is what is there
    s.must_refuse(s.bundle(1, "a", following="c"), "a", says="has had 2")


def other_product_is_refused(s):
    s.must_refuse(s.bundle(9, "a", product="else"), "a", says="the host has e2e")


def next_key_takes_over(s):
    s.must_refuse(s.bundle(3, "b"), "a", says="not trusted")
    s.must_take(s.bundle(3, "a", following="b"), "a")
    s.must_take(s.bundle(4, "b"), "a")
    s.must_take(s.bundle(5, "b"), "b", state="other")
    s.must_refuse(s.bundle(6, "a"), "a", says="not trusted")
    s.must_refuse(s.bundle(6, "a"), "a", state="third", says="which the host does not trust")


def damaged_trust_is_refused(s):
    path = s.file("n1", "/var/lib/bigtop/trust.json")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"serial":5', b'"serial":4'))
    s.must_refuse(s.bundle(6, "b"), "b", says="damaged")
    path.unlink()
    path.write_bytes(b"")
    s.must_refuse(s.bundle(6, "b"), "b", says="damaged")
    path.write_bytes(whole)


def refusal_of(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except Refused as refused:
        return refused.code
    return 0


def offer(agent, bundle, **params):
    """The bundle as `apply` would offer it, without any of its checks."""
    digest = agent.put((bundle / "bigtop.json").read_bytes())
    signature = bundle / "bigtop.json.minisig"
    if signature.exists():
        params.setdefault("signature", signature.read_text())
    return refusal_of(agent.call, "bundle", manifest=digest, **params)


def agent_refuses_by_itself(s):
    """A coordinator that does not look: the host does."""
    key = {"keys": [(s.lab.scratch / "a.pub").read_text().split()[-1]]}
    with Agent(s.lab, "n1") as agent:
        found = {
            "another key": offer(agent, s.bundle(9, "a"), **key),
            "none": offer(agent, s.bundle(9), insecure=True),
            "older": offer(agent, s.bundle(1, "b")),
            "other machine": offer(agent, s.bundle(9, "b", architecture="arm64")),
            "other product": offer(agent, s.bundle(9, "b", product="else")),
            "fits": offer(agent, s.bundle(9, "b")),
        }
    expected = {"another key": KEYREJECTED, "none": KEYREJECTED, "older": STALE,
                "other machine": PERM, "other product": PERM, "fits": 0}
    check(found == expected, f"{found}")


def unlisted_is_not_used(s):
    """Signed is the list: what is not in it is neither taken nor unpacked."""
    with Agent(s.lab, "n1") as agent:
        large = refusal_of(agent.put, bytes((4 << 20) + 1))
        small = agent.put(b"not of any bundle")
        unpack = refusal_of(agent.step, "unpack",
                            archives=[{"name": "x", "digest": small, "into": "/"}])
    check((large, unpack) == (KEYREJECTED, KEYREJECTED), f"put {large}, unpack {unpack}")


def reset_forgets(s):
    s.reset("n1")
    check(not s.file("n1", "/var/lib/bigtop").exists(), "/var/lib/bigtop is still there")
    s.must_take(s.bundle(1, "c"), "c", state="fourth")
    s.reset("n1")


TESTS = {
    "two hosts answer": agents_are_there,
    "an unsigned bundle is refused": unsigned_is_refused,
    "a bundle is refused when no key is named": no_key_is_refused,
    "a bundle by another key is refused": wrong_key_is_refused,
    "a bundle for another architecture is refused": other_architecture_is_refused,
    "an unsigned bundle is let in loudly": insecure_is_loud,
    "a host keeps to the key it has pinned": pinned_key_stays,
    "an older serial is refused here and by the host": older_is_refused,
    "an older serial is taken by its number": older_is_taken_by_its_number,
    "another product is refused": other_product_is_refused,
    "the next key takes over": next_key_takes_over,
    "a damaged memory of keys is refused": damaged_trust_is_refused,
    "the agent refuses by itself": agent_refuses_by_itself,
    "what the bundle does not list is not used": unlisted_is_not_used,
    "reset forgets whose bundles a host takes": reset_forgets,
}


def run(report, lab):
    s = Scenario(lab)
    for name, test in TESTS.items():
        report.run(name, test, s)

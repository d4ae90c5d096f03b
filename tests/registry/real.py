"""Against Debian's docker-registry."""

import shutil
import subprocess

from build import PROGRAM, Build
from harness import check
from image import Image, send
from servers import Liar, Registry, Server, TokenServer

USER, PASSWORD = "ann", "correct horse"


class Set:
    """One storage, filled once, and what serves it."""

    def __init__(self, dir):
        self.dir = dir / "real"
        self.dir.mkdir()
        self.key, self.certificate = dir / "server.key", dir / "server.pem"
        self.count = 0
        self.servers = []
        self.plain = self.registry()
        self.oci = Image("oci")
        self.docker = Image("docker", docker=True)
        self.index = Image("index", index=True)
        self.list = Image("list", docker=True, index=True)
        self.oci.push(self.plain.name, "team/oci")
        self.docker.push(self.plain.name, "team/docker")
        self.index.push(self.plain.name, "library/index")
        self.list.push(self.plain.name, "list")

    def registry(self, **settings):
        self.count += 1
        server = Registry(self.dir / f"registry-{self.count}", self.dir / "storage", **settings)
        self.servers.append(server)
        return server

    def keep(self, server):
        self.servers.append(server)
        return server

    def stop(self):
        for server in self.servers:
            server.stop()

    def build(self, name):
        return Build(self.dir / name)


def url(server):
    return f"http://{server.name}"


def takes_every_kind(s):
    """Both kinds of manifests and indexes, by the public registries' names."""
    b = s.build("kinds")
    for registry in ("registry.k8s.io", "docker.io", "quay.io"):
        b.mirror(registry, url(s.plain))
    b.images(one="quay.io/team/oci:v1", two="team/docker:v1", three="index:v1",
             four="registry.k8s.io/list:v1")
    b.good()
    for name, image in (("one", s.oci), ("two", s.docker), ("three", s.index), ("four", s.list)):
        b.has(name, image)
    check(b.component("three")["ref"] == "docker.io/library/index:v1", "not the full name")
    check(b.lock()["oci"] == {
        "docker.io/library/index:v1": s.index.top, "docker.io/team/docker:v1": s.docker.top,
        "quay.io/team/oci:v1": s.oci.top, "registry.k8s.io/list:v1": s.list.top},
        lambda: f"locked: {b.lock()}")
    return "4 images"


def verifies(s):
    b = s.build("verifies")
    b.mirror("quay.io", url(s.plain))
    b.images(one="quay.io/team/docker:v1", two="quay.io/team/oci:v1")
    b.good()
    for words in (["keygen", "--out", "k"], ["sign", "--key", "k.key", "out"],
                  ["verify", "--key", "k.pub", "out"]):
        done = subprocess.run([PROGRAM, "bundle", *words], cwd=b.dir, env=b.environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        check(done.returncode == 0, lambda: done.stderr)
    for name, repository, image in (("one", "docker", s.docker), ("two", "oci", s.oci)):
        skopeo(b, b.component(name)["ref"], s.plain, f"copied/{repository}")
        with send("GET", f"{url(s.plain)}/v2/copied/{repository}/manifests/{image.manifest}", None,
                  headers={"Accept": image.types[image.manifest]}) as answer:
            check(answer.read() == image.manifests[image.manifest], "skopeo copied other bytes")


def skopeo(b, ref, registry, repository):
    for words in (["inspect", "--config", f"oci:{b.out}:{ref}"],
                  ["copy", "--quiet", "--dest-tls-verify=false", f"oci:{b.out}:{ref}",
                   f"docker://{registry.name}/{repository}:v1"]):
        done = subprocess.run(["skopeo", "--insecure-policy", *words], capture_output=True,
                              text=True)
        check(done.returncode == 0, lambda: f"skopeo {words[0]}: {done.stderr}")


def same_bytes_without_network(s):
    server = s.registry()
    b = s.build("again")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1", two="quay.io/library/index:v1")
    b.good()
    first = (b.out / "bigtop.json").read_bytes()
    server.stop()
    s.servers.remove(server)
    b.out = b.dir / "second"
    b.good()
    check((b.out / "bigtop.json").read_bytes() == first, "other bytes")


def lock_outlives_the_tag(s):
    old, new = Image("moving 1"), Image("moving 2")
    old.push(s.plain.name, "moving")
    b = s.build("moving")
    b.mirror("quay.io", url(s.plain))
    b.images(one="quay.io/moving:v1")
    b.good()
    new.push(s.plain.name, "moving")
    shutil.rmtree(b.dir / "cache")
    b.good()
    b.has("one", old)
    b.good("--update-lock")
    b.has("one", new)
    check(b.lock()["oci"]["quay.io/moving:v1"] == new.top, "the lock file is old")


def pinned_by_the_recipe(s):
    b = s.build("pinned")
    b.mirror("quay.io", url(s.plain))
    b.images(one=f"quay.io/team/oci:v1@{s.oci.top}")
    b.good()
    b.has("one", s.oci)
    check(not b.lock_path.exists() or "oci" not in b.lock(), "a lock for what is pinned")


def missing_things(s):
    for name, ref, text in (
            ("tag", "quay.io/team/oci:v2", "no such image"),
            ("name", "quay.io/team/nothing:v1", "no such image"),
            ("digest", "quay.io/team/oci:v1@sha256:" + 64 * "0", "no such image"),
            ("platform", "quay.io/arm:v1", "is for linux/arm64, not for linux/amd64")):
        b = s.build(f"missing-{name}")
        b.mirror("quay.io", url(s.plain))
        b.images(one=ref)
        b.bad(ref.split("@")[0], text, code=2)


def platform_is_not_there(s):
    Image("arm", architecture="arm64").push(s.plain.name, "arm")
    Image("arm", architecture="arm64", index=True).push(s.plain.name, "arms")
    missing_things(s)
    b = s.build("platform")
    b.mirror("quay.io", url(s.plain))
    b.images(one="quay.io/arms:v1")
    b.bad("no image for linux/amd64", "linux/s390x, linux/arm64", code=2)


def basic_login(s):
    lines = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True)
    (s.dir / "htpasswd").write_bytes(lines.stdout)
    server = s.registry(
        auth={"htpasswd": {"realm": "basic", "path": str(s.dir / "htpasswd")}})
    b = s.build("basic")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1")
    b.bad(server.name, "asks for a login", "docker login")
    b.login(server.name, USER, "wrong")
    done = b.bad("refuses the login of ann")
    check("wrong" not in done.stderr + done.stdout, "the password is shown")
    b.login("quay.io", USER, PASSWORD)  # whose login is not the mirror's
    b.bad("asks for a login")
    b.login(server.name, USER, PASSWORD)
    b.good()
    b.has("one", s.oci)
    for path in b.dir.rglob("*"):
        if path.is_file() and path.parent.name != "docker":
            check(PASSWORD.encode() not in path.read_bytes(), f"the password is in {path}")


def login_from_a_helper(s):
    server = s.servers[-1]
    b = s.build("helper")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1")
    bin = b.dir / "bin"
    bin.mkdir()
    helper = bin / "docker-credential-test"
    helper.write_text("#!/bin/sh\nread -r server\n"
                      f"[ \"$1 $server\" = 'get {server.name}' ] || exit 3\n"
                      f'echo \'{{"Username": "{USER}", "Secret": "{PASSWORD}"}}\'\n')
    helper.chmod(0o755)
    b.environment["PATH"] = f"{bin}:{b.environment['PATH']}"
    b.docker_config({"credHelpers": {server.name: "test"}})
    b.good()
    b.has("one", s.oci)
    helper.write_text("#!/bin/sh\necho 'out of order' >&2\nexit 4\n")
    b = s.build("helper-broken")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1")
    b.environment["PATH"] = f"{bin}:{b.environment['PATH']}"
    b.docker_config({"credsStore": "test"})
    b.bad("docker-credential-test", "out of order")


def token_login(s):
    def registry(tokens):
        return s.registry(auth={"token": {
            "realm": f"{tokens.url}/token", "service": "test", "issuer": tokens.issuer,
            "rootcertbundle": str(s.certificate)}})

    tokens = s.keep(TokenServer(s.key, s.certificate))
    server = registry(tokens)
    b = s.build("token")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1", two="quay.io/library/index:v1")
    b.good()
    b.has("one", s.oci)
    b.has("two", s.index)
    check(all("scope=repository:" in path.replace("%3A", ":") for _, path, _ in tokens.requests),
          lambda: f"{tokens.requests}")

    tokens = s.keep(TokenServer(s.key, s.certificate, (USER, PASSWORD)))
    server = registry(tokens)
    b = s.build("token-user")
    b.mirror("quay.io", url(server))
    b.images(one="quay.io/team/oci:v1")
    b.bad("asks for a login")
    b.login(server.name, USER, "wrong")
    b.bad("refuses the login of ann")
    b.login(server.name, USER, PASSWORD)
    b.good()
    b.has("one", s.oci)


def tls_by_a_private_ca(s):
    server = s.registry(tls={"certificate": str(s.certificate), "key": str(s.key)})
    b = s.build("tls")
    b.images(one="quay.io/team/oci:v1")
    b.mirror("quay.io", f"https://{server.name}")
    b.bad("certificate", server.name)
    b.mirror("quay.io", f"https://{server.name}", ca=str(s.certificate))
    b.good()
    b.has("one", s.oci)
    b.mirror("quay.io", f"https://{server.name}", skip_verify=True)
    done = b.run("--update-lock")
    check(done.returncode == 2 and "always checked" in done.stderr, lambda: done.stderr)


def first_mirror_that_has_it(s):
    b = s.build("mirrors")
    dead = s.keep(Server(lambda request: request.answer(404)))
    b.mirror("quay.io", "http://127.0.0.1:9", dead.url, server=url(s.plain))
    b.images(one="quay.io/team/oci:v1")
    b.good()
    b.has("one", s.oci)
    check(all("ns=quay.io" in path for _, path, _ in dead.requests), "the mirror has to guess")
    check(len(dead.requests) > 2, "the mirror was asked for the manifest only")

    b = s.build("capabilities")
    dead.requests.clear()
    b.mirror("quay.io", dead.url, server=url(s.plain), capabilities=["pull"])
    b.images(one="quay.io/team/oci:v1")
    b.good()
    check(not any("/manifests/v1" in path for _, path, _ in dead.requests),
          "asked for a tag that it may not resolve")


def proxies_are_obeyed(s):
    image = Image("proxied")
    proxy = s.keep(Liar(image))
    b = s.build("proxy")
    b.mirror("quay.io", "http://registry.invalid")
    b.images(one="quay.io/x:v1")
    b.environment["http_proxy"] = proxy.url
    b.good()
    b.has("one", image)
    check(proxy.requests and all(path.startswith("http://registry.invalid/v2/x/")
                                 for _, path, _ in proxy.requests), lambda: f"{proxy.requests}")
    b = s.build("no-proxy")
    b.mirror("quay.io", "http://registry.invalid")
    b.images(one="quay.io/x:v1")
    b.environment.update(http_proxy=proxy.url, no_proxy=".invalid")
    b.bad("registry.invalid")


def run(report, dir):
    s = Set(dir)
    try:
        report.run("images and indexes of both kinds stay as they are", takes_every_kind, s)
        report.run("such a bundle verifies, and skopeo copies upstream's bytes", verifies, s)
        report.run("built again without a network: the same bytes", same_bytes_without_network, s)
        report.run("a tag that moves: the lock file holds, --update-lock follows",
                   lock_outlives_the_tag, s)
        report.run("a digest in the recipe needs no lock", pinned_by_the_recipe, s)
        report.run("what is not there, or for another platform", platform_is_not_there, s)
        report.run("login with user and password", basic_login, s)
        report.run("login from a credential helper", login_from_a_helper, s)
        report.run("login with a token", token_login, s)
        report.run("TLS by a private CA", tls_by_a_private_ca, s)
        report.run("mirrors are asked in order", first_mirror_that_has_it, s)
        report.run("proxies are obeyed", proxies_are_obeyed, s)
    finally:
        s.stop()

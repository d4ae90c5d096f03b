"""bundle build as a user runs it, with a cache, mirrors and logins of the test's own."""

import base64
import json
import os
import pathlib
import subprocess

from harness import check

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/bigtop-bootstrap"


class Build:
    def __init__(self, dir):
        self.dir = dir
        self.dir.mkdir(parents=True)
        self.config = self.dir / "registries"
        self.recipe = self.dir / "recipe.yaml"
        self.lock_path = self.dir / "recipe.yaml.lock"
        self.out = self.dir / "out"
        self.environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        self.environment.update(XDG_CACHE_HOME=str(self.dir / "cache"), HOME=str(self.dir),
                                DOCKER_CONFIG=str(self.dir / "docker"))
        self.environment.pop("SSL_CERT_FILE", None)

    def mirror(self, registry, *urls, server=None, **settings):
        """hosts.toml: mirrors with these settings, then the server; without one the last mirror is
        it, so that nothing on the internet is asked."""
        lines = [f'server = "{server or urls[-1]}"']
        lines += [] if server else self.settings(settings)
        for url in urls if server else urls[:-1]:
            lines.append(f'[host."{url}"]')
            lines += self.settings(settings)
        folder = self.config / registry
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text("\n".join(lines) + "\n")

    @staticmethod
    def settings(settings):
        return [f"{key} = {json.dumps(value)}" for key, value in settings.items()]

    def login(self, registry, user, password):
        entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        self.docker_config({"auths": {registry: entry}})

    def docker_config(self, value):
        (self.dir / "docker").mkdir(exist_ok=True)
        (self.dir / "docker/config.json").write_text(json.dumps(value))

    def write_recipe(self, *components, head=""):
        lines = ["product: test", "architecture: amd64", "serial: 1", head, "components:"]
        lines += [f"- {component}" for component in components]
        self.recipe.write_text("\n".join(lines) + "\n")

    def images(self, **refs):
        self.write_recipe(*(f'{{name: {name}, source: {{oci: "{ref}"}}}}'
                            for name, ref in refs.items()))

    def command(self, *options):
        return [str(PROGRAM), "bundle", "build", str(self.recipe), "-o", str(self.out),
                "--registry-config", str(self.config), *options]

    def run(self, *options):
        return subprocess.run(self.command(*options), env=self.environment, text=True,
                              capture_output=True, timeout=60, stdin=subprocess.DEVNULL)

    def good(self, *options):
        done = self.run(*options)
        check(done.returncode == 0, lambda: f"exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def bad(self, *texts, code=1):
        """Fails, with these words, one message, and nothing left in the bundle's place."""
        done = self.run()
        check(done.returncode == code,
              lambda: f"exit {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
        for text in texts:
            check(text in done.stderr, lambda: f"no \"{text}\" in\n{done.stderr}")
        check(not (self.out / "bigtop.json").exists(), "a bundle was written")
        return done

    def list(self):
        return json.loads((self.out / "bigtop.json").read_text())

    def component(self, name):
        return next(c for c in self.list()["components"] if c["name"] == name)

    def lock(self):
        return json.loads(self.lock_path.read_text())

    def has(self, name, image):
        """The component is this very image, byte by byte."""
        c = self.component(name)
        check(c["manifest"] == image.manifest, lambda: f"{c['manifest']} for {image.manifest}")
        check(c["blobs"] == [image.config, image.layer], lambda: f"blobs {c['blobs']}")
        for blob, data in [(image.manifest, image.manifests[image.manifest]),
                           *((b, image.blobs[b]) for b in c["blobs"])]:
            path = self.out / "blobs/sha256" / blob.split(":")[1]
            check(path.read_bytes() == data, f"{blob} has other bytes")

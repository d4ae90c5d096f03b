"""Files from web servers, whose checksums are published beside them."""

import hashlib
import ssl

from build import Build
from harness import check
from servers import Server


class Site:
    def __init__(self, dir, name):
        self.files = {}
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(dir / "server.pem", dir / "server.key")
        self.server = Server(self.give, context)
        self.build = Build(dir / "url" / name)
        self.build.environment["SSL_CERT_FILE"] = str(dir / "server.pem")

    def give(self, request):
        data = self.files.get(request.path)
        request.answer(404 if data is None else 200, data or b"")

    def release(self, data):
        self.files["/v1/tool"] = data
        self.files["/v1/sums"] = f"{hashlib.sha256(data).hexdigest()}  tool\n".encode()

    def recipe(self):
        self.build.write_recipe(
            f'{{name: tool, source: {{url: "{self.server.url}/v1/tool", '
            f'sha256_url: "{self.server.url}/v1/sums", mode: "0755"}}, to: usr/local/bin}}')


def published_checksum(dir):
    site = Site(dir, "published")
    site.release(b"the first release")
    site.recipe()
    site.build.good()
    locked = site.build.lock()["url"]
    check(list(locked.values()) == ["sha256:" + hashlib.sha256(b"the first release").hexdigest()],
          lambda: f"{locked}")
    # Both are exchanged: what is pinned is what counts.
    site.release(b"a later one, or a forged one")
    (site.build.dir / "cache").rename(site.build.dir / "old-cache")
    done = site.build.run()
    check(done.returncode == 1 and "it has the digest" in done.stderr, lambda: done.stderr)
    site.build.good("--update-lock")
    site.server.stop()


def wrong_checksum(dir):
    site = Site(dir, "wrong")
    site.release(b"a release")
    site.files["/v1/tool"] = b"another release"
    site.recipe()
    site.build.bad("it has the digest", "127.0.0.1")
    site.files["/v1/sums"] = b"<html>nothing</html>"
    site.build.lock_path.unlink(missing_ok=True)
    site.build.bad("there is no sha256 of tool", "/v1/sums", code=2)
    del site.files["/v1/sums"]
    site.build.bad("status 404", "/v1/sums")
    site.server.stop()


def unknown_certificate(dir):
    site = Site(dir, "certificate")
    site.release(b"a release")
    site.recipe()
    del site.build.environment["SSL_CERT_FILE"]
    site.build.bad("certificate", "127.0.0.1")
    check(not site.server.requests, "the file was asked for")
    site.server.stop()


def run(report, dir):
    report.run("a published checksum is pinned at the first build", published_checksum, dir)
    report.run("a file that is not what its checksum says", wrong_checksum, dir)
    report.run("a certificate that nobody vouches for", unknown_certificate, dir)

"""A registry that misbehaves, one way a test: nothing wrong gets into a bundle, nothing hangs."""

import json
import signal
import ssl
import subprocess
import threading
import time

from build import Build
from harness import check, wait_for
from image import Image
from servers import Liar

BIG = 2_900_000


class Case:
    """A registry and a build from it."""

    def __init__(self, dir, name, bend=lambda *_: False, image=None, context=None, **settings):
        self.image = image or Image(name)
        self.server = Liar(self.image, bend, context)
        self.build = Build(dir / "bad" / name)
        self.build.mirror("quay.io", self.server.url, **settings)
        self.build.images(one="quay.io/x:v1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()

    def good(self):
        self.build.good()
        self.build.has("one", self.image)

    def count(self, part):
        return sum(part in path for _, path, _ in self.server.requests)


def wrong_manifest(dir):
    def bend(request, kind, what):
        if kind == "manifests" and what.startswith("sha256:"):
            request.answer(200, image.manifests[what].replace(b'"size": ', b'"size":  '))
            return True
        return False

    image = Image("wrong manifest", index=True)
    with Case(dir, "wrong-manifest", bend, image) as case:
        case.build.bad("manifest with the digest", image.manifest)


def wrong_digest_header(dir):
    def bend(request, kind, what):
        if kind == "manifests":
            request.answer(200, image.manifests[what],
                           [("Docker-Content-Digest", "sha256:" + 64 * "1")])
            return True
        return False

    image = Image("header")
    with Case(dir, "wrong-header", bend, image) as case:
        case.build.bad("manifest with the digest")


def wrong_blob(dir):
    for which in ("config", "layer"):
        image = Image(f"wrong {which}")

        def bend(request, kind, what):
            if what == getattr(image, which):
                data = image.blobs[what]
                request.answer(200, bytes([data[0] ^ 1]) + data[1:])
                return True
            return False

        with Case(dir, f"wrong-{which}", bend, image) as case:
            case.build.bad("it has the digest", getattr(image, which))
            check(case.count(getattr(image, which)) == 1, "asked for it again and again")


def wrong_sizes(dir):
    image = Image("sizes")
    for name, change in (("longer", lambda data: data + b"x"), ("shorter", lambda data: data[:-1])):
        def bend(request, kind, what):
            if what == image.layer:
                request.answer(200, change(image.blobs[what]))
                return True
            return False

        with Case(dir, f"size-{name}", bend, image) as case:
            case.build.bad("announces", image.layer)


def endless(request, first=b"{"):
    request.send_response(200)
    request.end_headers()
    request.wfile.write(first)
    while True:
        request.wfile.write(b" " * 100_000)


def endless_bodies(dir):
    for kind_of in ("manifests", "blobs"):
        def bend(request, kind, what):
            if kind == kind_of:
                endless(request)
                return True
            return False

        with Case(dir, f"endless-{kind_of}", bend) as case:
            case.build.bad("more than")
            files = [p.stat().st_size for p in case.build.dir.rglob("*") if p.is_file()]
            check(max(files) < 10_000_000, f"{max(files)} bytes were written")


def lying_index(dir):
    image = Image("lying index", index=True)
    index = json.loads(image.manifests[image.top])
    index["manifests"][1]["size"] += 1
    image.tag("v1", image.add_manifest(index))
    with Case(dir, "lying-index", image=image) as case:
        case.build.bad("its index says")


def strange_manifests(dir):
    image = Image("strange")
    good = json.loads(image.manifests["v1"])
    for name, data, text in (
            ("empty", b"", "manifest"),
            ("html", b"<html>log in</html>", "manifest"),
            ("schema1", b'{"schemaVersion":1,"fsLayers":[]}', "too old"),
            ("both", json.dumps(dict(good, manifests=[])).encode(), "both an image and an index"),
            ("artifact", json.dumps(dict(good, mediaType="application/x.y")).encode(), "neither"),
            ("sha512", json.dumps(dict(good, config=dict(good["config"], digest="sha512:1")))
             .encode(), "no sha256"),
            ("path", json.dumps(dict(good, config=dict(good["config"],
                                                       digest="sha256:../../../etc/passwd")))
             .encode(), "no sha256"),
            ("foreign", json.dumps(dict(good, layers=[dict(
                good["layers"][0],
                mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")]))
             .encode(), "none of an image"),
            ("deep", b"[" * 100_000, "manifest"),
            ("binary", bytes(range(256)), "manifest")):
        def bend(request, kind, what):
            if kind == "manifests":
                request.answer(200, data)
                return True
            return False

        with Case(dir, f"strange-{name}", bend) as case:
            done = case.build.bad(text)
            check("\033" not in done.stderr, "escapes for the terminal")
            check(not case.build.lock_path.exists(), "it was pinned")


def redirects(dir, certificates):
    image = Image("redirects")
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"):
        def bend(request, kind, what):
            if kind == "blobs":
                request.answer(307, headers=[("Location", target)])
                return True
            return False

        with Case(dir, f"redirect-{target[:4]}", bend, image) as case:
            case.build.bad("redirects", "is not https")

    def downgrade(request, kind, what):
        if kind == "blobs":
            plain.requests.clear()
            request.answer(307, headers=[("Location", f"{plain.url}{request.path}")])
            return True
        return False

    plain = Liar(image)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with Case(dir, "redirect-plain", downgrade, image, context,
              ca=str(certificates / "server.pem")) as case:
        case.build.bad("redirects", "plain http")
        check(not plain.requests, "it went there")
    plain.stop()

    def around(request, kind, what):
        request.answer(302, headers=[("Location", request.path + "x")])
        return True

    with Case(dir, "redirect-loop", around) as case:
        case.build.bad("more than 10 redirects")


def redirect_takes_no_login_along(dir):
    image = Image("cdn")
    cdn = Liar(image)

    def bend(request, kind, what):
        if not request.headers.get("Authorization"):
            request.answer(401, headers=[("WWW-Authenticate", 'Basic realm="r"')])
            return True
        if kind == "blobs":
            request.answer(307, headers=[("Location", f"{cdn.url}{request.path}")])
            return True
        return False

    with Case(dir, "cdn", bend, image) as case:
        case.build.login(case.server.name, "ann", "word")
        case.good()
        check(cdn.requests, "nothing was asked there")
        check(not any("Authorization" in headers for _, _, headers in cdn.requests),
              "the login went along")
    cdn.stop()


def login_loops(dir):
    def always(challenge):
        def bend(request, kind, what):
            if kind == "token":
                request.answer(200, b'{"token": "abc"}')
            else:
                request.answer(401, headers=[("WWW-Authenticate", challenge)])
            return True
        return bend

    with Case(dir, "401-basic", always('Basic realm="r"')) as case:
        case.build.login(case.server.name, "ann", "word")
        case.build.bad("refuses the login of ann")
        check(len(case.server.requests) == 2, f"{len(case.server.requests)} requests")
    for name, challenge in (("none", ""), ("other", "Negotiate"), ("broken", 'Bearer realm="')):
        with Case(dir, f"401-{name}", always(challenge)) as case:
            case.build.bad("a login")
            check(len(case.server.requests) == 1, f"{len(case.server.requests)} requests")
    with Case(dir, "401-token") as case:
        case.server.bend = always(f'Bearer realm="{case.server.url}/token/t",service="s"')
        case.build.bad("a login")
        check(len(case.server.requests) == 3, f"{len(case.server.requests)} requests")


def bad_token_servers(dir):
    for name, status, answer, text in (
            ("newline", 200, b'{"token": "a\\r\\nX-Evil: 1"}', "gives no token"),
            ("none", 200, b"{}", "gives no token"),
            ("html", 200, b"<html>", "gives no token"),
            ("404", 404, b"", "status 404"),
            ("endless", None, b"", "more than")):
        def bend(request, kind, what):
            if kind != "token":
                request.answer(401, headers=[
                    ("WWW-Authenticate", f'Bearer realm="http://{request.headers["Host"]}/token/t"')])
            elif status is None:
                endless(request)
            else:
                request.answer(status, answer)
            return True

        with Case(dir, f"token-{name}", bend) as case:
            case.build.bad(text)
            check(not any("X-Evil" in headers for _, _, headers in case.server.requests),
                  "a header of the token's")


def token_server_elsewhere(dir):
    """A plain-text realm of an https registry is not asked, the login not sent in clear."""
    def bend(request, kind, what):
        request.answer(401, headers=[("WWW-Authenticate", f'Bearer realm="{tokens.url}/t"')])
        return True

    tokens = Liar(Image("tokens"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(dir / "server.pem", dir / "server.key")
    with Case(dir, "realm", bend, None, context, ca=str(dir / "server.pem")) as case:
        case.build.login(case.server.name, "ann", "word")
        case.build.bad("plain http")
        check(not tokens.requests, "the token server was asked in clear")
    tokens.stop()


def too_many_requests(dir):
    seen = []

    def bend(request, kind, what):
        seen.append(time.monotonic())
        if len(seen) == 1:
            request.answer(429, headers=[("Retry-After", "1")])
            return True
        return False

    with Case(dir, "429", bend) as case:
        case.good()
        check(seen[1] - seen[0] > 0.9, "it did not wait")

    def later(request, kind, what):
        request.answer(429, headers=[("Retry-After", "7200")])
        return True

    with Case(dir, "429-long", later) as case:
        case.build.bad("again in 7200 s")
        check(len(case.server.requests) == 1, "it was asked again at once")


def broken_servers(dir):
    image = Image("5xx")
    failed = set()

    def bend(request, kind, what):
        if what in failed:
            return False
        failed.add(what)
        request.answer(503, b"busy")
        return True

    with Case(dir, "503", bend, image) as case:
        case.good()

    def never(request, kind, what):
        request.answer(500, b'{"errors":[{"message":"disk\\u001b[31m full"}]}')
        return True

    with Case(dir, "500", never) as case:
        done = case.build.bad("status 500", "disk")
        check("\033" not in done.stderr, "escapes for the terminal")


def broken_connection(dir):
    image = Image("broken", BIG)
    ranges = []

    def bend(request, kind, what):
        if what != image.layer:
            return False
        ranges.append(request.headers.get("Range"))
        begin = int(ranges[-1][6:-1]) if ranges[-1] else 0
        data = image.blobs[what]
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        request.wfile.write(data[begin:begin + 1_000_000])
        return True

    with Case(dir, "broken", bend, image) as case:
        case.good()
        check(len(ranges) == 3 and ranges[1] and ranges[2], f"ranges asked for: {ranges}")


def killed_and_run_again(dir):
    """kill -9 in the middle of a layer: the next run goes on at the byte where it broke."""
    image = Image("killed", BIG)
    ranges, hold = [], threading.Event()

    def bend(request, kind, what):
        if what != image.layer:
            return False
        ranges.append(request.headers.get("Range"))
        if len(ranges) > 1:
            return False
        request.send_response(200)
        request.send_header("Content-Length", str(len(image.blobs[what])))
        request.end_headers()
        request.wfile.write(image.blobs[what][:2_000_000])
        request.wfile.flush()
        hold.wait(30)
        return True

    with Case(dir, "killed", bend, image) as case:
        process = subprocess.Popen(case.build.command(), env=case.build.environment,
                                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

        def has_some():
            parts = list(case.build.dir.rglob("*.part"))
            return parts and parts[0].stat().st_size == 2_000_000

        wait_for("two of its megabytes", 20, has_some, 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        hold.set()
        case.good()
        check(ranges == [None, "bytes=2000000-"], f"ranges asked for: {ranges}")


def liar_is_left_for_another(dir):
    image = Image("two mirrors", index=True)

    def bend(request, kind, what):
        if what == "v1":
            return False
        request.answer(200, b"something else")
        return True

    good = Liar(image)
    with Case(dir, "two", bend, image) as case:
        case.build.mirror("quay.io", case.server.url, good.url)
        case.good()
        check(case.count("sha256") > 2, "the liar was not asked")
    good.stop()


def run(report, dir):
    for name, test, *arguments in (
            ("a manifest that is another one", wrong_manifest),
            ("a header that says another digest", wrong_digest_header),
            ("a blob that is another one", wrong_blob),
            ("blobs of a wrong size", wrong_sizes),
            ("endless bodies", endless_bodies),
            ("an index that says a wrong size", lying_index),
            ("manifests that make no sense", strange_manifests),
            ("redirects to other schemes, to plain http, in circles", redirects, dir),
            ("a redirect does not take the login along", redirect_takes_no_login_along),
            ("logins that never suffice", login_loops),
            ("token servers that give no token", bad_token_servers),
            ("a token server in clear", token_server_elsewhere),
            ("too many requests", too_many_requests),
            ("servers that fail for a while, or for good", broken_servers),
            ("connections that break", broken_connection),
            ("killed in the middle of a layer", killed_and_run_again),
            ("a mirror that lies is left for the next", liar_is_left_for_another)):
        report.run(name, test, dir, *arguments)

"""Servers on loopback for the registry tests: Debian's docker-registry, a token server before it,
and a registry that misbehaves in ways that are told to it."""

import base64
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Registry:
    """A docker-registry; auth and tls are texts of its configuration."""

    def __init__(self, dir, storage, auth=None, tls=None):
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(storage)}},
            "http": {"addr": self.name, "secret": "test"},
        }
        if auth:
            config["auth"] = auth
        if tls:
            config["http"]["tls"] = tls
        dir.mkdir(parents=True, exist_ok=True)
        path = dir / "config.yml"
        path.write_text(json.dumps(config))
        self.log = open(dir / "log", "wb")
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(path)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 15
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("docker-registry did not start: "
                                   + (dir / "log").read_text()[-1000:])
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Server:
    """An HTTP server in a thread; handle(request) answers. Requests are kept as (method, path,
    headers)."""

    def __init__(self, handle, context=None):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.close_connection = True
                server.requests.append((self.command, self.path, dict(self.headers)))
                try:
                    handle(self)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    pass

            do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if not any(name.lower() == "content-length" for name, _ in headers):
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

        self.requests = []
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if context:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        self.name = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if context else 'http'}://{self.name}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


class TokenServer(Server):
    """Gives tokens as the distribution's token specification has them: signed with RS256 by a key
    whose certificate the registry trusts. openssl signs."""

    def __init__(self, key, certificate, user=None, context=None):
        self.key = key
        self.user = user  # (name, password), or nobody has to say who it is
        self.issuer = "test"
        lines = certificate.read_text().strip().splitlines()
        self.chain = "".join(lines[1:-1])
        super().__init__(self.give, context)

    def give(self, request):
        url = urllib.parse.urlsplit(request.path)
        query = urllib.parse.parse_qs(url.query)
        if self.user:
            expected = base64.b64encode(":".join(self.user).encode()).decode()
            if request.headers.get("Authorization") != f"Basic {expected}":
                request.answer(401, b"{}", [("WWW-Authenticate", 'Basic realm="token"')])
                return
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        token = self.sign({
            "iss": self.issuer, "sub": self.user[0] if self.user else "",
            "aud": query["service"][0], "exp": int(time.time()) + 60, "nbf": int(time.time()) - 60,
            "iat": int(time.time()) - 60, "jti": "1", "access": access})
        request.answer(200, json.dumps({"token": token}).encode(),
                       [("Content-Type", "application/json")])

    def sign(self, claims):
        def encode(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        head = {"typ": "JWT", "alg": "RS256", "x5c": [self.chain]}
        text = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.key)],
            input=text.encode(), check=True, capture_output=True).stdout
        return f"{text}.{encode(signature)}"


class Liar(Server):
    """Serves one image from memory, but for what `bend` does: bend(request, kind, what) returns
    True when it has answered itself; kind is "manifests" or "blobs"."""

    def __init__(self, image, bend=lambda *_: False, context=None):
        self.image = image
        self.bend = bend
        super().__init__(self.serve, context)

    def serve(self, request):
        parts = urllib.parse.urlsplit(request.path).path.split("/")
        kind, what = parts[-2], parts[-1]
        if self.bend(request, kind, what):
            return
        if kind == "manifests":
            data = self.image.manifests.get(what)
            kind_of = self.image.types.get(what)
        else:
            data, kind_of = self.image.blobs.get(what), "application/octet-stream"
        if data is None:
            request.answer(404, b'{"errors":[{"code":"UNKNOWN","message":"not here"}]}')
            return
        self.give(request, data, kind_of)

    @staticmethod
    def give(request, data, kind_of="application/octet-stream"):
        begin = 0
        asked = request.headers.get("Range", "")
        headers = [("Content-Type", kind_of)]
        if asked.startswith("bytes="):
            begin = int(asked[6:].split("-")[0])
            headers.append(("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}"))
        request.answer(206 if begin else 200, data[begin:], headers)


class Tunnel:
    """A proxy that leads every CONNECT to one port on loopback, and remembers where it should have
    gone."""

    def __init__(self, port):
        self.port = port
        self.wanted = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.lead, args=(client,), daemon=True).start()

    def lead(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return
            head += data
        method, where = head.split()[:2]
        self.wanted.append((method.decode(), where.decode()))
        server = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.socket.close()


def clear_proxies():
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]

"""lib/protocol.h from Python: what a coordinator that keeps to no rule could say to an agent."""

import hashlib
import json
import os
import socket
import struct

CHUNK = 256 * 1024


class Refused(Exception):
    """The agent answered with an error; code is a negative errno."""

    def __init__(self, error):
        super().__init__(error["text"])
        self.code = error["code"]


class Agent:
    """A session with the lock, on the agent's own socket of a host."""

    def __init__(self, lab, host):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(lab.root_of(host) / "run/bigtop/agent.sock"))
        self.run, self.last = os.urandom(16).hex(), 0
        self.call("hello", protocol=1, run=self.run, lock=True, who="eve@e2e")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, kind, data):
        self.socket.sendall(struct.pack(">IB", len(data) + 1, ord(kind)) + data)

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the agent hung up")
            data += more
        return data

    def receive(self):
        size, _ = struct.unpack(">IB", self.read(5))
        return json.loads(self.read(size - 1))

    def ask(self, name, **params):
        self.last += 1
        self.send("J", json.dumps({"id": self.last, "call": name, "params": params}).encode())

    def answer(self, *keys):
        while True:
            message = self.receive()
            if message.get("id") != self.last:
                continue
            if "error" in message:
                raise Refused(message["error"])
            for key in keys:
                if key in message:
                    return message[key]

    def call(self, name, **params):
        self.ask(name, **params)
        return self.answer("result")

    def step(self, step, **params):
        return self.call("run", job=f"{self.run}/{step}-{self.last}", step=step, params=params)

    def put(self, data):
        """The digest under which it is in the host's store now."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.ask("put", digest=digest, size=len(data))
        offset = self.answer("ready")["offset"]
        for at in range(offset, len(data), CHUNK):
            self.send("B", data[at:at + CHUNK])
        self.answer("result")
        return digest

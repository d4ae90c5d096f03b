"""Three of each: a member of each quorum is killed again and again, then a host loses its power;
meanwhile the rest takes what is written and gives what was written, and afterwards all is back."""

import contextlib
import json
import os
import re
import signal
import threading
import time

import installed
from harness import Failure, check, wait_for
from installed import Stack
from lab import ROOT

HOST_MIB = 6144
SPACE = "bigdata"
DONE, REFUSED = 0, 3
LOST = "n3"  # not the control plane, and all three have a member of each
# profiles/analytics.yaml has the shape that is tried; these amounts are for hosts of that size.
AMOUNTS = {
    "zookeeper": {"memory": "256Mi", "storage": "1Gi"},
    "kafka": {"memory": "640Mi", "storage": "2Gi"},
    "minio": {"memory": "512Mi", "storage": "2Gi"},
    "postgresql": {"memory": "256Mi", "storage": "1Gi"},
    "hive-metastore": {"memory": "640Mi"},
    "trino": {"memory": "2Gi", "worker_memory": "1536Mi"},
    "spark": {"memory": "640Mi"},
    "logs": {"memory": "128Mi", "storage": "1Gi", "retention_size": "500MB"},
    "prometheus": {"memory": "256Mi", "storage": "1Gi", "retention_size": "500MB"},
}
THREE = ("zookeeper", "kafka", "minio")
# Processes of members, by a word of their command lines.
PROCESS = {"zookeeper": "org.apache.zookeeper.server.quorum.QuorumPeerMain", "kafka": "kafka.Kafka",
           "minio": "minio"}
RECORDS = 1000
JAVA = ("java ${HEAP} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp /opt/%s/lib/* "
        "-D%s=/etc/launch/%s ")
ZOOKEEPER = ("run " + JAVA % ("zookeeper", "logback.configurationFile", "logback.xml") +
             "org.apache.zookeeper.ZooKeeperMain -timeout 20000 -waitforconnection "
             "-server zookeeper:2181 ")
KAFKA = ("run " + JAVA % ("kafka", "log4j2.configurationFile", "log4j2.properties") +
         "org.apache.kafka.tools.")
SERVER = "--bootstrap-server kafka:9092 --command-config /etc/launch/client.properties"


def profile(lab):
    """The profile that ships, with its amounts exchanged."""
    text = (ROOT / "profiles/analytics.yaml").read_text()
    head, *components = text.split("  - name: ")
    for i, component in enumerate(components):
        amounts = AMOUNTS.get(component.split()[0], {})
        for key, value in amounts.items():
            component, count = re.subn(rf"\b{key}: [^,}}]+", f"{key}: {value}", component)
            check(count == 1, f"analytics.yaml has no {key} in {component}")
        components[i] = component
    folder = lab.scratch / "three"
    folder.mkdir()
    (folder / "components").symlink_to(ROOT / "profiles/components")
    path = folder / "analytics.yaml"
    path.write_text("  - name: ".join([head, *components]))
    return path


# Work: what is written in a round is read in it and in all later ones.

def zookeeper_conf(number):
    conf = ["heap HEAP 50", "wait zookeeper:2181 60"]
    if number == 0:
        conf += [f"{ZOOKEEPER}create /loss written-0"]
    conf += [f"{ZOOKEEPER}create /loss-${{POD_NAME}} written-{number}",
             f"{ZOOKEEPER}get /loss-${{POD_NAME}}", f"{ZOOKEEPER}get /loss"]
    return conf


def kafka_conf(number):
    topic = f"{KAFKA}TopicCommand {SERVER} --create --topic loss --partitions 3"
    produce = (f"{KAFKA}ProducerPerformance --topic loss --num-records {RECORDS} --record-size 100 "
               "--throughput -1 --producer.config /etc/launch/client.properties --producer-props "
               "bootstrap.servers=kafka:9092 acks=all")
    consume = (f"{KAFKA}VerifiableConsumer --bootstrap-server kafka:9092 --consumer.config "
               "/etc/launch/client.properties --topic loss --group-id ${POD_NAME} "
               f"--max-messages {RECORDS * (number + 1)}")
    return ["heap HEAP 50", "wait kafka:9092 60", *([] if number else [topic]), produce, consume]


def minio_conf(number):
    conf = ["env HOME /tmp", "env MC_HOST_s http://${MINIO_USER}:${MINIO_PASSWORD}@minio:9000",
            "wait minio:9000 60"]
    conf += [] if number else ["run mc --quiet mb s/loss"]
    conf += ["run dd if=/dev/urandom of=/tmp/put bs=1048576 count=8",
             f"run mc --quiet cp /tmp/put s/loss/{number}",
             f"run mc --quiet cp s/loss/{number} /tmp/got", "run cmp /tmp/put /tmp/got",
             "run mc --quiet cp s/loss/0 /tmp/first", "run sha256sum /tmp/first"]
    return conf


# Which of a component's own test jobs has the image, the files and the secrets for it.
WORK = {"zookeeper": ("create-and-read", zookeeper_conf), "kafka": ("produce", kafka_conf),
        "minio": ("put-and-get", minio_conf)}


class Killer(threading.Thread):
    """Ends a process whenever it is there: a member that is started again stays lost."""

    def __init__(self, lab, host, word):
        super().__init__(daemon=True)
        self.lab, self.host, self.word = lab, host, word
        self.kills, self.over = 0, threading.Event()

    def once(self):
        for pid, words in self.lab.commands(self.host):
            if self.word in words:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1

    def run(self):
        while not self.over.wait(0.3):
            self.once()

    def stop(self):
        self.over.set()
        self.join()


class Loss:
    def __init__(self, lab, stack):
        self.lab, self.stack = lab, stack
        self.rounds = dict.fromkeys(THREE, 0)
        self.first = None  # checksum of MinIO's first object

    def kubectl(self, *words, **options):
        return self.lab.kubectl("-n", SPACE, *words, **options)

    def pods(self, app):
        found = self.lab.kube("-n", SPACE, "get", "pods", "-l", f"app.kubernetes.io/name={app}")
        return {pod["metadata"]["name"]: pod for pod in found["items"]
                if pod["status"]["phase"] == "Running"}

    # Work

    def job(self, component, name, conf, tries=1):
        """The component's own test with another name and conf; not on the host that goes."""
        test = f"profiles/components/{component}/test/{WORK[component][0]}.yaml"
        text = self.lab.kubectl("create", "--dry-run=client", "-o", "json", "-f", "-",
                                text=(ROOT / test).read_text().replace(
                                    f"{component}-{WORK[component][0]}", name))
        decoder, objects = json.JSONDecoder(), []
        while text := text.lstrip():
            one, end = decoder.raw_decode(text)
            objects, text = objects + one.get("items", [one]), text[end:]
        for one in objects:
            if one["kind"] == "ConfigMap":
                one["data"]["launch.conf"] = "\n".join([*conf, 'done "all of it"', ""])
            else:
                one["spec"].update(backoffLimit=tries - 1, activeDeadlineSeconds=290)
                one["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": "n2"}
        return {"apiVersion": "v1", "kind": "List", "items": objects}

    def start(self, component, tries):
        number = self.rounds[component]
        self.rounds[component] += 1
        name = f"loss-{component}-{number}"
        self.kubectl("create", "-f", "-", text=json.dumps(
            self.job(component, name, WORK[component][1](number), tries)))
        return component, name, number

    def last_log(self, name):
        """Of the pod that succeeded, or of any."""
        pods = self.lab.kube("-n", SPACE, "get", "pods", "-l", f"job-name={name}")["items"]
        pods.sort(key=lambda pod: pod["status"]["phase"] == "Succeeded")
        return self.kubectl("logs", pods[-1]["metadata"]["name"], "--tail=60",
                            allow_failure=True) if pods else "no pod"

    def finish(self, component, name, number):
        def ended():
            status = self.lab.kube("-n", SPACE, "get", "job", name).get("status", {})
            kinds = [c["type"] for c in status.get("conditions", []) if c["status"] == "True"]
            return kinds and ("Complete" in kinds and "Complete" or "Failed")
        try:
            kind = wait_for(f"job {name}", 300, ended, every=0.5)
            log = self.last_log(name)
        finally:
            self.kubectl("delete", f"job/{name}", f"configmap/{name}", "--wait=false")
        check(kind == "Complete" and "all of it" in log, f"{name}: {kind}\n{log}")
        if component == "zookeeper":
            check(f"written-{number}" in log and "written-0" in log, log)
        elif component == "minio":
            [seen] = re.findall(r"([0-9a-f]{64})  /tmp/first", log)
            check(seen == (self.first or seen), f"the first object was {self.first}, is {seen}")
            self.first = seen

    def work(self, *components, tries=1):
        started, failures = time.monotonic(), []
        for each in [self.start(component, tries) for component in components]:
            try:
                self.finish(*each)
            except Failure as failure:
                failures.append(str(failure))
        check(not failures, "\n".join(failures))
        return f"{time.monotonic() - started:.0f} s"

    # What is there

    def three_of_each(self):
        for app in THREE:
            nodes = [pod["spec"]["nodeName"] for pod in self.pods(app).values()]
            check(sorted(nodes) == ["n1", "n2", "n3"], f"{app} is on {nodes}")
        workers = self.lab.kube("-n", SPACE, "get", "deployment", "trino-worker")["status"]
        check(workers.get("readyReplicas") == 3, str(workers))
        metastores = [pod["spec"]["nodeName"] for pod in self.pods("hive-metastore").values()]
        check(len(set(metastores)) == 2, f"hive-metastore is on {metastores}")

    def all_ready(self, seconds=300):
        """Every component, and every pod's node."""
        def ready():
            run = self.stack.run("status")
            nodes = self.lab.kube("get", "nodes")["items"]
            good = [c for node in nodes for c in node["status"]["conditions"]
                    if c["type"] == "Ready" and c["status"] == "True"]
            return run.code == DONE and len(good) == 3
        started = time.monotonic()
        try:
            wait_for("all components to be ready", seconds, ready, every=3)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.stack.run('status').text()}\n" +
                          self.lab.kubectl("get", "pods", "-A", "-o", "wide")) from failure
        return f"{time.monotonic() - started:.0f} s"

    # Losses

    def leader(self):
        """The member of ZooKeeper that leads, which is the worst to lose."""
        probe = 'kubectl -n "$1" exec "$2" -- /bin/launch probe ask localhost:2181 srvr "$3"'
        for name, pod in self.pods("zookeeper").items():
            said = self.lab.inside("n1", f"{probe} && echo leads", SPACE, name, "Mode: leader",
                                   allow_failure=True)
            if "leads" in said:
                return name, pod
        raise Failure("no member of ZooKeeper leads")

    def restarts(self, name):
        pod = self.lab.kube("-n", SPACE, "get", "pod", name)
        return sum(c["restartCount"] for c in pod["status"]["containerStatuses"])

    def member_killed(self, component):
        name, pod = self.leader() if component == "zookeeper" else \
            sorted(self.pods(component).items())[0]
        killer = Killer(self.lab, pod["spec"]["nodeName"], PROCESS[component])
        before = self.restarts(name)
        killer.once()
        check(killer.kills == 1, f"{killer.kills} processes of {name} were killed")
        killer.start()
        try:
            took = self.work(component)
        finally:
            killer.stop()
        check(self.restarts(name) > before or killer.kills > 1, f"{name} was not started again")
        return f"{name}, killed {killer.kills} times, while work took {took}"

    def host_lost(self):
        """At once, while the cluster does not know of it, and when it does.

        Before it does every other question for a name is lost, where that host had one of the two
        who answer them: until then a client may have to try again."""
        self.lab.stop(LOST)
        first = self.work(*THREE, tries=4)

        def noticed():
            node = self.lab.kube("get", "node", LOST)
            return any(c["type"] == "Ready" and c["status"] != "True"
                       for c in node["status"]["conditions"])
        wait_for(f"{LOST} not to be Ready", 120, noticed, every=1)
        return f"at once {first}, then {self.work(*THREE)}"

    def host_back(self):
        self.lab.start(LOST)
        return self.all_ready()

    def nothing_lacks(self):
        """Kafka's copies are three again, of what was written meanwhile too."""
        conf = ["heap HEAP 50", "wait kafka:9092 60",
                f"{KAFKA}TopicCommand {SERVER} --describe --under-replicated-partitions"]

        def complete():
            self.rounds["copies"] = self.rounds.get("copies", 0) + 1
            name = f"loss-copies-{self.rounds['copies']}"
            self.kubectl("create", "-f", "-", text=json.dumps(self.job("kafka", name, conf)))
            log = wait_for("the list of copies", 120, lambda: self.kubectl(
                "logs", f"job/{name}", allow_failure=True).count("all of it") and self.kubectl(
                "logs", f"job/{name}"), every=1)
            self.kubectl("delete", f"job/{name}", f"configmap/{name}", "--wait=false")
            return "Partition:" not in log
        wait_for("Kafka's copies to be complete", 120, complete, every=5)


def as_shipped(lab):
    """On hosts of this size it is refused, before any is changed."""
    run = lab.run("plan", lab.inventory(("    name: n1\n", "    name: n1\n    "
                                         "roles: [control-plane, worker]\n"),
                                        append="profile: analytics\n"),
                  "--bundle", os.environ["BUNDLE"])
    run.expect(REFUSED, "this cluster gives")
    return re.search(r"[^\n]*this cluster gives[^\n]*", run.text()).group(0).strip()


def pages(stack):
    """A line more in the profile, and Trino and Spark's history are behind a login."""
    path = stack.profile
    path.write_text(path.read_text() + "  - name: gateway\n    values: {domain: lab.example}\n")
    stack.apply().expect(DONE, "components changed", "over TLS that the cluster's authority "
                         "vouches for: minio, ", "spark, trino")
    rows = stack.status()
    check(any(row["component"] == "gateway" and row["ready"] == 3 for row in rows), str(rows))


def run(report, lab):
    report.run("as it ships it is refused on hosts that are too small", as_shipped, lab)
    stack = Stack(lab, profile(lab), (
        ("    name: n1\n", "    name: n1\n    roles: [control-plane, worker]\n"),))
    if not installed.run(report, stack):
        return
    loss = Loss(lab, stack)
    report.run("three of each, on three hosts", loss.three_of_each)
    if not report.run("all three quorums take and give", loss.work, *THREE):
        return
    for component in THREE:
        report.run(f"{component} does with a member killed", loss.member_killed, component)
        report.run(f"{component}'s member is back", loss.all_ready)
    report.run("all three do without a host", loss.host_lost)
    if report.run("all is back after the host", loss.host_back):
        report.run("nothing that was written lacks a copy", loss.nothing_lacks)
        report.run("all three quorums take and give again", loss.work, *THREE)
        report.run("the tests pass again", stack.tested_again)
    report.run("the gateway has the pages of MinIO, Spark and Trino", pages, stack)

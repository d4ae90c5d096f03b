"""Two projects on the stack: each has its bucket and its topics, and none of the other's."""

import base64
import json

import projects
from harness import check, wait_for
from sampler import Sampler

DONE, HOST_FAILED = 0, 1
PROJECTS = """
projects:
  - name: risk
    owners: [ada]
    scientists: [joe]
    quota: {cpu: 2, memory: 2Gi, storage: 64Mi, pods: 8}
  - name: fraud
    owners: [eve]
    quota: {cpu: 2, memory: 2Gi, pods: 8}
"""
STORE = "minio.bigdata.svc:9000"
AS_ITSELF = f"""env HOME /tmp
env MC_HOST_s http://${{AWS_ACCESS_KEY_ID}}:${{AWS_SECRET_ACCESS_KEY}}@{STORE}
"""
LISTS = AS_ITSELF + "run mc --quiet ls s/project-risk\n"
AS_NOBODY = f"env HOME /tmp\nenv MC_HOST_s http://{STORE}\n"
KAFKA = """heap HEAP 50
env JDK_JAVA_OPTIONS "${HEAP} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
env CLASSPATH /opt/kafka/lib/*
"""
TOOLS = "run java org.apache.kafka.tools"
SERVER = "--bootstrap-server kafka.bigdata.svc:9092 --command-config"
CLIENT = f"{SERVER} /etc/kafka/client.properties"
CONSUME = f"{TOOLS}.VerifiableConsumer {CLIENT}"
PRODUCE = f"{TOOLS}.ProducerPerformance {CLIENT} --record-size 100 --throughput -1"
QUICK = ["default.api.timeout.ms=8000", "request.timeout.ms=4000", "max.block.ms=8000"]
# What these say when they did something: they end well also when they are refused.
DID = {"VerifiableConsumer": "records_consumed", "ProducerPerformance": "1 records sent"}
RECORDS = 1000
DENIED = ("Access Denied", "Insufficient permissions")


def image(lab, component):
    template = lab.kube("-n", "bigdata", "get", "podtemplate", f"{component}-projects")["template"]
    return template["spec"]["containers"][0]["image"]


def pod_of(name, picture, secret, files):
    """With the launcher's files, and the project's Secret as its documentation says."""
    mounts = [{"name": "files", "mountPath": "/etc/launch"}, {"name": "tmp", "mountPath": "/tmp"}]
    volumes = [{"name": "files", "configMap": {"name": name}}, {"name": "tmp", "emptyDir": {}}]
    container = {"name": "main", "image": picture, "volumeMounts": mounts,
                 "resources": {"requests": {"memory": "256Mi"}, "limits": {"memory": "384Mi"}}}
    if secret == "project-minio":
        container["envFrom"] = [{"secretRef": {"name": secret}}]
    elif secret:
        mounts.append({"name": "kafka", "mountPath": "/etc/kafka", "readOnly": True})
        volumes.append({"name": "kafka", "secret": {"secretName": secret}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
           "spec": {"restartPolicy": "Never", "enableServiceLinks": False,
                    "automountServiceAccountToken": False, "containers": [container],
                    "volumes": volumes}}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": files}
    return {"apiVersion": "v1", "kind": "List", "items": [settings, pod]}


class Teams:
    def __init__(self, lab, hosts):
        self.lab, self.hosts, self.count = lab, hosts, 0
        self.images = {}

    def project(self, *words):
        return projects.project(self.lab, *words)

    def run(self, space, component, conf, secret=None, **files):
        """A pod of the project's; (whether it succeeded, its log)."""
        self.count += 1
        name = f"try-{self.count}"
        picture = self.images.setdefault(component, None) or image(self.lab, component)
        self.images[component] = picture
        files = {key.replace("_", "."): text for key, text in files.items()}
        files["launch.conf"] = conf + 'done "all of it"\n'
        self.lab.kubectl("-n", space, "create", "-f", "-",
                         text=json.dumps(pod_of(name, picture, secret, files)))

        def ended():
            phase = self.lab.kube("-n", space, "get", "pod", name)["status"]["phase"]
            return phase if phase in ("Succeeded", "Failed") else None
        phase = wait_for(f"pod {space}/{name}", 120, ended, every=0.5)
        log = self.lab.kubectl("-n", space, "logs", name, allow_failure=True)
        self.lab.kubectl("-n", space, "delete", f"pod/{name}", f"configmap/{name}", "--wait=false")
        return phase == "Succeeded", log

    def does(self, *words, **files):
        good, log = self.run(*words, **files)
        check(good and "all of it" in log, log)
        return log

    def refused(self, says, *words, **files):
        good, log = self.run(*words, **files)
        for tool, evidence in DID.items():
            good = evidence in log if tool in words[2] else good
        check(not good and any(text in log for text in says), f"not refused:\n{log}")

    def secret(self, space, name):
        data = self.lab.kube("-n", space, "get", "secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    # What is told

    def told(self):
        """The owner reads the Secrets, a scientist does not; each has its own passwords."""
        for user in ("ada", "joe"):
            config = self.project("kubeconfig", self.hosts, user, "--days", "1").expect(DONE)
            self.lab.inside("n1", 'umask 077; cat > "/dev/shm/$1"', user, text=config.text())
            config.path.unlink()  # it holds a key
        seen = projects.as_user(self.lab, "ada", "get", "secrets", "-o", "name")
        check("secret/project-minio" in seen and "secret/project-kafka" in seen, seen)
        seen = projects.as_user(self.lab, "joe", "get", "secret", "project-minio")
        check("Forbidden" in seen, seen)
        risk, fraud = self.secret("risk", "project-minio"), self.secret("fraud", "project-minio")
        check(risk["BUCKET"] == "project-risk" and fraud["BUCKET"] == "project-fraud", f"{risk}")
        passwords = {risk["AWS_SECRET_ACCESS_KEY"], fraud["AWS_SECRET_ACCESS_KEY"],
                     self.secret("risk", "project-kafka")["password"],
                     self.secret("fraud", "project-kafka")["password"]}
        check(len(passwords) == 4, "passwords are the same")
        left = self.lab.kubectl("-n", "bigdata", "get", "secrets,jobs", "-o", "name")
        check("-projects" not in left, f"an order is left: {left}")

    def nothing_to_do(self):
        run = self.project("apply", self.hosts).expect(DONE, "nothing to change (2 projects")
        return f"{run.seconds:.1f} s"

    # Buckets

    def bucket(self):
        self.does("risk", "minio", AS_ITSELF + """run dd if=/dev/urandom of=/tmp/put bs=1k count=512
run mc --quiet cp /tmp/put s/${BUCKET}/put
run mc --quiet cp s/${BUCKET}/put /tmp/got
run cmp /tmp/put /tmp/got
""", "project-minio")
        self.does("fraud", "minio",
                  AS_ITSELF + "run mc --quiet cp /bin/launch s/project-fraud/own\n",
                  "project-minio")

    def bucket_of_others(self):
        tries = ("mc --quiet ls s/project-fraud", "mc --quiet cat s/project-fraud/own",
                 "mc --quiet cp /bin/launch s/project-fraud/put",
                 "mc --quiet rm s/project-fraud/own", "mc --quiet ls s/warehouse",
                 "mc --quiet mb s/mine", "mc --quiet anonymous set public s/project-risk",
                 "mc --quiet admin user list s")
        for words in tries:
            self.refused(DENIED, "risk", "minio", f"{AS_ITSELF}run {words}\n", "project-minio")
        return f"{len(tries)} ways"

    def bucket_of_nobody(self):
        for words in ("ls s/project-risk", "cat s/project-risk/put",
                      "cp /bin/launch s/project-risk/x"):
            self.refused(DENIED, "fraud", "minio",
                         f"{AS_NOBODY}run mc --quiet {words}\n")

    def bucket_is_full(self):
        """More than quota.storage in one go; what came in parts MinIO counts only later."""
        self.refused(("quota exceeded",), "risk", "minio", AS_ITSELF +
                     "run dd if=/dev/zero of=/tmp/put bs=1048576 count=80\n"
                     "run mc --quiet put --disable-multipart /tmp/put s/project-risk/big\n",
                     "project-minio")

    # Topics

    def topics(self):
        for space in ("risk", "fraud"):
            self.does(space, "kafka", KAFKA + f"""wait kafka.bigdata.svc:9092 30
{TOOLS}.TopicCommand {CLIENT} --create --topic {space}.a --partitions 1
{PRODUCE} --topic {space}.a --num-records {RECORDS}
{CONSUME} --topic {space}.a --group-id {space}.g --max-messages {RECORDS}
""", "project-kafka")
        return f"{RECORDS} records each"

    def topics_of_others(self):
        """Reading with a group of its own, writing, creating; and a group of theirs."""
        tries = (f"{CONSUME} --topic fraud.a --group-id risk.g --max-messages 1",
                 f"{CONSUME} --topic risk.a --group-id fraud.g --max-messages 1",
                 f"{PRODUCE} --topic fraud.a --num-records 1",
                 f"{TOOLS}.TopicCommand {CLIENT} --create --topic fraud.b",
                 f"{TOOLS}.TopicCommand {CLIENT} --delete --topic fraud.a",
                 f"{TOOLS}.AclCommand {CLIENT} --list")
        says = ("AuthorizationException", "uthorization failed", "not authorized", "Not authorized",
                "does not exist")
        for line in tries:
            self.refused(says, "risk", "kafka", f"{KAFKA}{line}\n", "project-kafka")
        seen = self.does("risk", "kafka", f"{KAFKA}{TOOLS}.TopicCommand {CLIENT} --list\n",
                         "project-kafka")
        check("risk.a" in seen and "fraud" not in seen, f"it sees {seen}")
        return f"{len(tries)} ways"

    def topics_of_nobody(self):
        """Without a name, with a wrong password, and as the stack's admin without its password."""
        scram = self.secret("risk", "project-kafka")["client.properties"]
        password = self.secret("risk", "project-kafka")["password"]
        tries = {"security.protocol=PLAINTEXT": ("TimeoutException", "disconnected", "timed out"),
                 scram.replace(password, "0" * len(password)): ("Authentication failed",),
                 scram.replace('"project-risk"', '"admin"'): ("Authentication failed",)}
        for properties, says in tries.items():
            text = "\n".join([properties, *QUICK, ""])
            command = f"{TOOLS}.TopicCommand {SERVER} /etc/launch/client.properties --list\n"
            self.refused(says, "risk", "kafka", KAFKA + command, client_properties=text)

    # Changes

    def unseen(self):
        """While all of it is done again no password is on a command line or in an environment."""
        secrets = {"key of the bucket": self.secret("risk", "project-minio")[
                       "AWS_SECRET_ACCESS_KEY"],
                   "password of the topics": self.secret("risk", "project-kafka")["password"]}
        with Sampler(secrets) as sampler:
            run = self.project("apply", self.hosts, "--again").expect(DONE, "2 of 2 changed")
        check(sampler.per_second >= 5, f"only {sampler.per_second:.1f} samples a second")
        check(not sampler.hits, "\n".join(sampler.hits))
        check(not any(text in run.text() for text in secrets.values()), "the output shows one")
        self.does("risk", "minio", LISTS, "project-minio")
        return f"{run.seconds:.1f} s, {sampler.per_second:.0f} samples a second"

    def password_is_renewed(self):
        """An owner removes the Secret: apply makes another password, the former is void."""
        before = self.secret("risk", "project-minio")
        projects.as_user(self.lab, "ada", "delete", "secret", "project-minio")
        self.project("apply", self.hosts).expect(DONE, "1 of 2 changed")
        after = self.secret("risk", "project-minio")
        check(before["AWS_SECRET_ACCESS_KEY"] != after["AWS_SECRET_ACCESS_KEY"], "it is the same")
        self.does("risk", "minio", LISTS, "project-minio")
        old = LISTS.replace("${AWS_SECRET_ACCESS_KEY}", before["AWS_SECRET_ACCESS_KEY"])
        self.refused(("does not match",), "risk", "minio", old, "project-minio")

    def removal_keeps_data(self):
        run = self.project("remove", "risk").expect(DONE, "its namespace stays")
        self.refused(("does not exist",), "risk", "minio", LISTS, "project-minio")
        self.refused(("Authentication failed",), "risk", "kafka",
                     f"{KAFKA}{TOOLS}.TopicCommand {CLIENT} --list\n", "project-kafka")
        return f"{run.seconds:.1f} s"

    def it_comes_back(self):
        run = self.project("apply", self.hosts).expect(DONE, "1 of 2 changed")
        self.does("risk", "minio", AS_ITSELF + "run mc --quiet cp s/project-risk/put /tmp/got\n",
                  "project-minio")
        self.does("risk", "kafka", KAFKA + f"{CONSUME} --topic risk.a "
                  f"--group-id risk.again --max-messages {RECORDS}\n", "project-kafka")
        return f"{run.seconds:.1f} s"

    def data_goes_when_told(self):
        self.project("remove", "risk", "--delete-data").expect(DONE, "with all that was in it")
        self.project("apply", self.hosts).expect(DONE, "1 of 2 changed")
        found = self.does("risk", "minio", LISTS, "project-minio")
        check("put" not in found, found)
        found = self.does("risk", "kafka", f"{KAFKA}{TOOLS}.TopicCommand {CLIENT} --list\n",
                          "project-kafka")
        check("risk.a" not in found, found)
        self.does("fraud", "minio", AS_ITSELF + "run mc --quiet cat s/project-fraud/own\n",
                  "project-minio")

    def waits_for_the_stack(self):
        """MinIO is off: apply names it and does the rest, remove says what it cannot do; later both
        are caught up with."""
        def minio():
            return self.lab.kube("-n", "bigdata", "get", "statefulset", "minio")

        def scale(count):
            self.lab.kubectl("-n", "bigdata", "scale", "statefulset/minio", f"--replicas={count}")
        count = minio()["spec"]["replicas"]
        scale(0)
        wait_for("MinIO to be off", 90, lambda: not minio()["status"].get("readyReplicas"))
        self.lab.kubectl("-n", "fraud", "delete", "secret", "project-minio")
        self.project("apply", self.hosts).expect(
            DONE, "minio is not ready: projects get their bucket from", "nothing to change")
        self.project("remove", "fraud").expect(
            HOST_FAILED, "minio is not ready: what project fraud has there cannot be taken back")
        scale(count)
        wait_for("MinIO to be on", 120, lambda: minio()["status"].get("readyReplicas") == count)
        self.project("apply", self.hosts).expect(DONE, "1 of 2 changed")
        self.does("fraud", "minio", AS_ITSELF + "run mc --quiet cat s/project-fraud/own\n",
                  "project-minio")


def run(report, lab, hosts):
    """hosts: a hosts.yaml with PROJECTS, applied; lab.kubeconfig is the admin's."""
    teams = Teams(lab, hosts)
    if not report.run("each project is told of its bucket and topics", teams.told):
        return
    report.run("a second project apply changes nothing", teams.nothing_to_do)
    report.run("a pod puts and gets in its project's bucket", teams.bucket)
    report.run("and in no other", teams.bucket_of_others)
    report.run("nor does nobody", teams.bucket_of_nobody)
    report.run("a full bucket takes no more", teams.bucket_is_full)
    report.run("a pod produces and consumes in its project's topics", teams.topics)
    report.run("and in no other", teams.topics_of_others)
    report.run("nor does nobody", teams.topics_of_nobody)
    report.run("pods of one do not reach the other", projects.kept_apart, lab, False)
    report.run("all is given again, and no password is on show", teams.unseen)
    report.run("a password is renewed", teams.password_is_renewed)
    report.run("removal keeps what is in bucket and topics", teams.removal_keeps_data)
    report.run("a line that comes back finds it", teams.it_comes_back)
    report.run("data goes when told to", teams.data_goes_when_told)
    report.run("what waits for the stack is caught up with", teams.waits_for_the_stack)

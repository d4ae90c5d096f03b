"""Projects: teams on one cluster, kept apart by roles, quotas and policies."""

import json

import workload
from harness import Skip, check, wait_for
from lab import bundle_dir, bundle_key

DONE, BAD_INPUT, REFUSED = 0, 2, 3
PROJECTS = """
projects:
  - name: risk
    owners: [ada]
    scientists: [joe]
    quota: {cpu: 1, memory: 1Gi, storage: 1Gi, pods: 3}
    reach: [fraud]
  - name: fraud
    owners: [eve@example.com]
    quota: {cpu: 1, memory: 256Mi, pods: 3}
"""
HOSTS = ("n1", "n2")
# What Role says, asked as each user: (user, namespace, verb, what, allowed).
QUESTIONS = (
    ("ada", "risk", "create", "deployments.apps", True),
    ("ada", "risk", "create", "rolebindings.rbac.authorization.k8s.io", True),
    ("ada", "risk", "get", "secrets", True),
    ("ada", "risk", "create", "pods/exec", True),
    ("ada", "risk", "patch", "resourcequotas", False),
    ("ada", "risk", "delete", "networkpolicies.networking.k8s.io", False),
    ("ada", "risk", "patch", "limitranges", False),
    ("ada", "risk", "patch", "namespaces", False),
    ("ada", "fraud", "get", "pods", False),
    ("ada", "kube-system", "get", "secrets", False),
    ("joe", "risk", "create", "jobs.batch", True),
    ("joe", "risk", "create", "pods", True),
    ("joe", "risk", "get", "pods/log", True),
    ("joe", "risk", "create", "pods/portforward", True),
    ("joe", "risk", "get", "secrets", False),
    ("joe", "risk", "create", "rolebindings.rbac.authorization.k8s.io", False),
    ("joe", "risk", "delete", "persistentvolumeclaims", False),
    ("joe", "fraud", "list", "pods", False),
    ("eve@example.com", "fraud", "create", "pods", True),
    ("eve@example.com", "risk", "get", "pods", False),
)


def file_of(lab, text=PROJECTS):
    return lab.inventory(append=text)


def project(lab, *words):
    return lab.run("project", *words, "--kubeconfig", lab.kubeconfig, "--bundle", bundle_dir(),
                   "--key", f"{bundle_key()}.pub")


def as_user(lab, user, *words, text=None):
    """What kubectl says, on both channels, with the user's kubeconfig."""
    return lab.inside("n1", 'KUBECONFIG=/dev/shm/$1; export KUBECONFIG; shift; kubectl "$@" 2>&1',
                      user, *words, text=text, allow_failure=True)


def task(name, command, claim=None):
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    made = workload.pod(name, command, volumes=volumes,
                        mounts=[{"name": "v", "mountPath": "/v"}] if claim else [])
    made["metadata"]["namespace"] = "risk"
    return json.dumps(made)


def plan(lab):
    return lab.run("plan", lab.projects, "--kubeconfig", lab.kubeconfig, "--bundle", bundle_dir())


def made_by_apply(lab):
    """From raw hosts to projects in one go, as plan has said."""
    lab.projects = file_of(lab)
    lab.kubeconfig = lab.scratch / "admin.kubeconfig"
    plan(lab).expect(DONE, "project risk: make it, for 1 owners and 1 scientists",
                     "project fraud: make it", "changes on 2 hosts, 2 of projects")
    run = lab.apply(lab.projects, "--kubeconfig", lab.kubeconfig)
    run.expect(DONE, "is ready", "projects are ready: 2 of 2 changed")
    return f"{run.seconds:.1f} s"


def nothing_to_change(lab):
    run = project(lab, "apply", lab.projects).expect(DONE, "nothing to change (2 projects")
    plan(lab).expect(DONE, "nothing to change (2 hosts)")
    return f"{run.seconds:.1f} s"


def drift_is_mended(lab):
    lab.kubectl("-n", "risk", "patch", "resourcequota", "project", "--type=merge", "-p",
                '{"spec":{"hard":{"pods":"100"}}}')
    lab.kubectl("-n", "risk", "delete", "networkpolicy", "project-deny")
    said = plan(lab).expect(DONE, "project risk: set right what differs", "1 of projects").text()
    check("project fraud" not in said, said)
    left = lab.kubectl("-n", "risk", "get", "networkpolicy", "-o", "name")
    check("project-deny" not in left, "plan has changed it")
    project(lab, "apply", lab.projects).expect(DONE, "1 of 2 changed")
    hard = lab.kube("-n", "risk", "get", "resourcequota", "project")["spec"]["hard"]
    check(hard["pods"] == "3", f"pods: {hard['pods']}")
    lab.kubectl("-n", "risk", "get", "networkpolicy", "project-deny")


def namespace_of_others(lab):
    lab.kubectl("create", "namespace", "taken")
    before = lab.kube("get", "namespace", "taken")["metadata"]
    other = file_of(lab, "\nprojects: [{name: taken, owners: [ada]}]\n")
    lab.run("plan", other, "--kubeconfig", lab.kubeconfig, "--bundle", bundle_dir()).expect(
        DONE, "project taken: refused: a namespace taken is there already")
    project(lab, "apply", other).expect(REFUSED, "taken", "is no project's",
                                        "no project was changed")
    project(lab, "remove", "taken").expect(REFUSED, "left alone")
    after = lab.kube("get", "namespace", "taken")["metadata"]
    check(before["labels"] == after["labels"], f"it has labels {after['labels']}")
    project(lab, "remove", "kube-system").expect(BAD_INPUT, "no name of a project")
    project(lab, "remove", "absent").expect(BAD_INPUT, "has no project absent")


def each_has_a_kubeconfig(lab):
    for user in ("ada", "joe", "eve@example.com"):
        run = project(lab, "kubeconfig", lab.projects, user, "--days", "7").expect(DONE)
        lab.inside("n1", 'umask 077; cat > "/dev/shm/$1"', user, text=run.text())
        who = as_user(lab, user, "auth", "whoami", "-o", "json")
        check(json.loads(who)["status"]["userInfo"]["username"] == user, who)
        run.path.unlink()  # it holds a key
    left = lab.kube("get", "certificatesigningrequests")["items"]
    left = [r for r in left if r["spec"]["signerName"] == "kubernetes.io/kube-apiserver-client"
            and r["metadata"]["name"].startswith("bigtop-user")]
    check(not left, f"{len(left)} requests are left")
    project(lab, "kubeconfig", lab.projects, "nobody").expect(BAD_INPUT, "nobody is in no project")
    project(lab, "kubeconfig", lab.projects, "joe", "--project", "fraud").expect(
        BAD_INPUT, "joe is neither owner nor scientist of project fraud")


def rights(lab):
    wrong = []
    for user, space, verb, what, allowed in QUESTIONS:
        answer = as_user(lab, user, "auth", "can-i", verb, what, "-n", space).split()
        if answer[-1:] != ["yes" if allowed else "no"]:
            wrong.append(f"{user} {verb} {what} in {space}: {answer}")
    check(not wrong, lambda: "\n".join(wrong))
    return f"{len(QUESTIONS)} questions"


def scientist_works(lab):
    """In the context's namespace, without naming requests or limits."""
    said = as_user(lab, "joe", "create", "-f", "-", text=task("work", "echo worked; sleep 600"))
    check("pod/work created" in said, said)
    wait_for("the pod to work", 60, lambda: "worked" in as_user(lab, "joe", "logs", "work"))
    said = as_user(lab, "joe", "get", "secrets")
    check("Forbidden" in said and 'cannot list resource "secrets"' in said, said)
    said = as_user(lab, "joe", "-n", "fraud", "get", "pods")
    check("Forbidden" in said, said)


def no_way_out_of_the_pod(lab):
    """Host paths, the hosts' network and priorities that drive out others."""
    for change in ({"hostNetwork": True}, {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}):
        made = json.loads(task("bad", "true"))
        made["spec"].update(change)
        said = as_user(lab, "ada", "create", "-f", "-", text=json.dumps(made))
        check('violates PodSecurity "baseline' in said, said)
    made = json.loads(task("bad", "true"))
    made["spec"]["priorityClassName"] = "system-node-critical"
    said = as_user(lab, "ada", "create", "-f", "-", text=json.dumps(made))
    check("exceeded quota: project-priority" in said, said)
    said = as_user(lab, "ada", "create", "service", "nodeport", "web", "--tcp=80")
    check("exceeded quota: project" in said and "services.nodeports" in said, said)


def owner_cannot_climb(lab):
    """Not by giving himself, or a friend, what he does not have."""
    said = as_user(lab, "ada", "create", "rolebinding", "climb", "--clusterrole=cluster-admin",
                   "--user=ada")
    check("Forbidden" in said or "forbidden" in said, said)
    said = as_user(lab, "ada", "create", "role", "climb", "--verb=*",
                   "--resource=networkpolicies.networking.k8s.io")
    check("forbidden" in said, said)
    said = as_user(lab, "ada", "create", "role", "reader", "--verb=get", "--resource=pods")
    check("role.rbac.authorization.k8s.io/reader created" in said, said)


def quota_stops(lab):
    big = json.loads(task("big", "true"))
    big["spec"]["containers"][0]["resources"] = {"requests": {"memory": "2Gi"},
                                                 "limits": {"memory": "2Gi"}}
    said = as_user(lab, "ada", "create", "-f", "-", text=json.dumps(big))
    check("exceeded quota: project, requested:" in said and "limited: limits.memory=1Gi" in said,
          said)
    return said.strip().splitlines()[-1][:300]


def claim_is_made(lab):
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
             "spec": {"accessModes": ["ReadWriteOnce"],
                      "resources": {"requests": {"storage": "64Mi"}}}}
    said = as_user(lab, "joe", "create", "-f", "-", text=json.dumps(claim))
    check("created" in said, said)
    lab.kubectl("-n", "risk", "delete", "pod", "work", "--wait=true", "--grace-period=1")
    as_user(lab, "joe", "create", "-f", "-",
            text=task("writer", "echo kept > /v/file; sleep 600", "data"))
    wait_for("the claim to be bound", 60, lambda: lab.kube("-n", "risk", "get", "pvc", "data")[
        "status"]["phase"] == "Bound")


def kept_apart(lab, risk_reaches_fraud=True):
    """risk reaches fraud, where it says so, and its own; fraud does not reach risk, nor does a pod
    of nobody's."""
    images = lab.kubectl("-n", "kube-system", "get", "daemonsets", "-o", "name")
    if "canal" not in images:
        raise Skip("flannel does not enforce policies")
    page = "mkdir /tmp/www && echo here > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    spaces = ("risk", "fraud", "default")
    for space in spaces:
        server = workload.pod("server", page)
        server["metadata"]["namespace"] = space
        server["spec"]["containers"][0]["readinessProbe"] = {
            "httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1}
        lab.kubectl("apply", "-f", "-", text=json.dumps(server))
    address = {}
    for space in spaces:
        lab.kubectl("-n", space, "wait", "--for=condition=Ready", "pod/server", "--timeout=90s")
        address[space] = lab.kube("-n", space, "get", "pod", "server")["status"]["podIP"]

    def reaches(one, other):
        ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address[other]} 8080"
        return "here" in lab.kubectl("-n", one, "exec", "server", "--", "sh", "-c", ask,
                                     allow_failure=True)
    want = {("risk", "fraud"): risk_reaches_fraud, ("fraud", "risk"): False,
            ("default", "risk"): False, ("default", "fraud"): False, ("risk", "default"): False,
            ("risk", "risk"): True}
    wrong = [pair for pair, allowed in want.items() if reaches(*pair) != allowed]
    for space in spaces:
        lab.kubectl("-n", space, "delete", "pod", "server", "--wait=true")
    check(not wrong, f"wrong: {wrong}")
    return f"{len(want)} ways"


def usage(lab):
    """The writer's default request, its claim, and what its kubelet says."""
    def told():
        run = project(lab, "usage", "--output", "json").expect(DONE)
        rows = {row["project"]: row for row in json.loads(run.text())}
        return rows if rows["risk"].get("memory_used", 0) > 0 else None
    rows = wait_for("a kubelet's numbers", 60, told, every=2)
    want = {"pods": 1, "pods_quota": 3, "cpu_requested": 100, "cpu_quota": 1000,
            "memory_requested": 128 << 20, "memory_quota": 1 << 30,
            "storage_requested": 64 << 20, "storage_quota": 1 << 30}
    wrong = {key: rows["risk"].get(key) for key in want if rows["risk"].get(key) != want[key]}
    check(not wrong, f"{wrong} in {rows['risk']}")
    check("storage_quota" not in rows["fraud"] and rows["fraud"]["pods"] == 0, f"{rows['fraud']}")
    return f"{rows['risk']['memory_used'] / 1024:.0f} KiB in use"


def user_leaves(lab):
    """The certificate is still good; the name is of no use any more."""
    check("writer" in as_user(lab, "joe", "get", "pods"), "joe saw no pods before")
    without = file_of(lab, PROJECTS.replace("scientists: [joe]", "scientists: []"))
    project(lab, "apply", without).expect(DONE, "1 of 2 changed")
    said = as_user(lab, "joe", "get", "pods")
    check("Forbidden" in said, said)


def line_is_gone(lab):
    head, _, tail = PROJECTS.partition("  - name: risk")
    rest = file_of(lab, head + tail[tail.index("  - name: fraud"):])
    project(lab, "apply", rest).expect(
        DONE, "project risk is not in hosts.yaml and is left alone", "project remove risk")
    check("writer" in lab.kubectl("-n", "risk", "get", "pods"), "its pod is gone")


def removal_keeps_data(lab):
    project(lab, "remove", "risk").expect(DONE, "its namespace stays, with 1 volume claims")
    check(not lab.kube("-n", "risk", "get", "pods,jobs,rolebindings,services")["items"],
          "something of it runs, or somebody may get in")
    check(lab.kube("-n", "risk", "get", "pvc", "data")["status"]["phase"] == "Bound", "unbound")
    check("project-deny" in lab.kubectl("-n", "risk", "get", "networkpolicies"), "it is open")
    let_in = lab.kube("-n", "fraud", "get", "networkpolicies", "-l",
                      "bigtop.apache.org/project=risk")
    check(not let_in["items"], "it may still reach fraud")
    said = as_user(lab, "ada", "get", "pods")
    check("Forbidden" in said, said)


def it_comes_back(lab):
    project(lab, "apply", lab.projects).expect(DONE, "1 of 2 changed")
    as_user(lab, "joe", "create", "-f", "-", text=task("reader", "cat /v/file", "data"))
    wait_for("the reader to find what was written", 60,
             lambda: "kept" in as_user(lab, "joe", "logs", "reader"))


def data_goes_when_told(lab):
    project(lab, "remove", "risk", "--delete-data").expect(DONE, "with all that was in it")
    check("risk" not in lab.kubectl("get", "namespaces", "-o", "name"), "the namespace is there")


def run(report, lab):
    if not report.run("apply makes the projects of hosts.yaml", made_by_apply, lab):
        return
    report.run("a second apply changes nothing", nothing_to_change, lab)
    report.run("what was changed by hand is set right", drift_is_mended, lab)
    report.run("namespaces of others are left alone", namespace_of_others, lab)
    if not report.run("each user has a kubeconfig", each_has_a_kubeconfig, lab):
        return
    report.run("owners and scientists may do what they should", rights, lab)
    report.run("a scientist runs a pod, and sees no secret", scientist_works, lab)
    report.run("no pod is a way out of the project", no_way_out_of_the_pod, lab)
    report.run("an owner gives nobody more than he has", owner_cannot_climb, lab)
    report.run("the quota stops the pod over it", quota_stops, lab)
    report.run("a scientist has a claim", claim_is_made, lab)
    report.run("pods of one do not reach the other", kept_apart, lab)
    report.run("usage is told for each project", usage, lab)
    report.run("who leaves hosts.yaml gets in no more", user_leaves, lab)
    report.run("a project without a line is named and left alone", line_is_gone, lab)
    report.run("removal keeps the claim", removal_keeps_data, lab)
    report.run("a line that comes back finds it", it_comes_back, lab)
    report.run("data goes when told to", data_goes_when_told, lab)

"""Profiles: a small stack of busybox's (tests/e2e/stack) is started, tested, killed and removed by
the engine that starts the real ones."""

import io
import json
import pathlib
import shutil
import tarfile

import components
import offline
from harness import Skip, check, wait_for
from lab import bundle_dir, bundle_key

DONE, HOST_FAILED, BAD_INPUT = 0, 1, 2
HERE = pathlib.Path(__file__).resolve().parent / "stack"
SPACE = "bigdata"
SMALL = (HERE / "small.yaml").read_text()


def own_profile(lab, name, text):
    """A profile beside the components."""
    folder = lab.scratch / "stack"
    if not folder.exists():
        shutil.copytree(HERE, folder)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def listed(*names, **values):
    return json.dumps({"summary": "s", "components": [
        {"name": name, "values": values.get(name, {})} for name in names]})


def with_profile(lab, path):
    return lab.inventory(append=f"profile: {path}\n")


def kubeconfig(lab):
    return next(lab.scratch.glob("*.kubeconfig"))


def stack(lab, command, *words, **options):
    return lab.run("stack", command, "--kubeconfig", kubeconfig(lab), "--bundle", bundle_dir(),
                   "--key", f"{bundle_key()}.pub", *words, **options)


def bad_profiles_are_refused(lab):
    """Before any host is looked at."""
    own_profile(lab, "small", SMALL)
    components = lab.scratch / "stack/components"
    circle = components / "circle"
    shutil.copytree(components / "broken", circle)
    (circle / "component.yaml").write_text(
        'name: circle\nversion: "1"\nsummary: s\nafter: [circle]\n')
    absent = components / "absent"
    shutil.copytree(components / "broken", absent)
    (absent / "component.yaml").write_text('name: absent\nversion: "1"\nsummary: s\n')
    text = (absent / "broken.yaml").read_text()
    (absent / "broken.yaml").write_text(text.replace("busybox:1.35.0", "absent:9"))
    for name, says in (("circle", "wait for each other: circle after circle"),
                       ("absent", "absent needs images that the bundle lacks: "
                                  "docker.io/library/absent:9"),
                       ("teller", "teller comes after store, and the profile does not have that"),
                       ("nothing", "there is no component nothing")):
        profile = own_profile(lab, f"bad-{name}", listed(name))
        lab.apply(with_profile(lab, profile)).expect(BAD_INPUT, says, "profile")
    for host in lab.hosts:
        check(not (lab.root_of(host) / "var/lib/bigtop").exists(), f"{host} was changed")


def too_large_is_refused(lab):
    """By what the hosts said of themselves, before anything is changed on one."""
    profile = own_profile(lab, "large", listed("store", store={"replicas": 9}))
    run = lab.apply(with_profile(lab, profile))
    run.expect(3, "profile large: store wants 9 nodes with", "this cluster gives 2")
    for host in lab.hosts:
        check(not (lab.root_of(host) / "etc/kubernetes").exists(), f"{host} was changed")


def apply_hands_off(lab):
    run = lab.apply(with_profile(lab, "stack/small.yaml")).expect(
        DONE, "cluster lab is ready", "profile small is ready: 2 of 2 components changed",
        "2 of 2 tests passed")
    text = run.text()
    check(text.index("teller  apply") > text.index("store   done"), "teller did not wait for store")
    return f"{run.seconds:.1f} s"


def second_apply_changes_nothing(lab):
    run = lab.apply(with_profile(lab, "stack/small.yaml")).expect(
        DONE, "nothing to change (3 hosts", "nothing to change (profile small, 2 components")
    check("tests passed" not in run.text(), "what did not change was tested")
    return f"{run.seconds:.1f} s"


def plan_tells_what_it_takes(lab):
    lab.run("plan", with_profile(lab, "stack/small.yaml"), "--bundle", bundle_dir()).expect(
        DONE, "store: 1 pods", "profile small, all together: 3 pods", "nothing to change (3 hosts)")


def measured(lab):
    done = stack(lab, "status", "--output", "json").expect(DONE)
    rows = {row["component"]: row for row in json.loads(done.text().splitlines()[-1])}
    return rows if all("memory_used" in row for row in rows.values()) else None


def status_tells_memory(lab):
    rows = wait_for("the kubelets to have measured all pods", 60, lambda: measured(lab), every=2)
    check(rows["store"]["memory_requested"] == 16 << 20, rows)
    check(0 < rows["store"]["memory_used"] < 64 << 20, rows)
    check(rows["teller"]["ready"] == rows["teller"]["wanted"] == 2, rows)
    stack(lab, "status").expect(DONE, "store", "1 of 1", "together")


def secret(lab):
    return lab.kube("-n", SPACE, "get", "secret", "store-admin")["data"]["password"]


def tests_tell_their_results(lab):
    before = secret(lab)
    run = stack(lab, "test", "store").expect(
        DONE, "a line outlives its pod", "lines of kept", "2 of 2 tests passed")
    check(secret(lab) == before, "the secret changed")
    jobs = lab.kube("-n", SPACE, "get", "jobs")["items"]
    check(not jobs, f"jobs were left: {jobs}")
    return f"{run.seconds:.1f} s"


def failing_test_is_told(lab):
    """The job asks for a line that nobody wrote, as its time is up."""
    profile = own_profile(lab, "other", listed("store", store={"line": "other"}))
    folder = lab.scratch / "stack/components/store"
    text = (folder / "component.yaml").read_text()
    (folder / "component.yaml").write_text(
        text[:text.index("tests:")] +
        "tests:\n  - name: nobody wrote it\n    steps: [{job: test/read.yaml}]\n")
    stack(lab, "test", "--profile", profile).expect(
        HOST_FAILED, "nobody wrote it", "FAILED", "0 of 1 tests passed")
    (folder / "component.yaml").write_text(text)


def crash_is_told_with_its_last_words(lab):
    profile = own_profile(lab, "crash", listed("broken"))
    run = stack(lab, "apply", "--profile", profile)
    stack(lab, "remove", "--profile", profile).expect(DONE, "removed: broken")
    run.expect(HOST_FAILED, "broken", "ends again and again", "the disk is on fire",
               "remedy: kubectl")
    return f"{run.seconds:.1f} s"


def adds(component, *names):
    """Config maps that it renders from now on, and no others."""
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
               for name in names]
    (component / "added.yaml").write_text("---\n".join(json.dumps(o) + "\n" for o in objects))
    path = component / "kustomization.yaml"
    text = path.read_text().replace(", added.yaml]", "]")
    path.write_text(text.replace(".yaml]\n", ".yaml, added.yaml]\n", 1) if names else text)


def config_maps(lab):
    return {m["metadata"]["name"]: m for m in lab.kube("-n", SPACE, "get", "configmaps")["items"]}


def what_is_not_rendered_any_more_goes(lab):
    """But not what somebody else made in its place, nor what another component renders now."""
    profile = own_profile(lab, "small", SMALL)
    components = lab.scratch / "stack/components"
    adds(components / "store", "dropped", "taken", "moved")
    stack(lab, "apply", "--profile", profile).expect(DONE, "1 of 2 components changed")
    lab.kubectl("-n", SPACE, "delete", "configmap", "taken")
    lab.kubectl("-n", SPACE, "create", "configmap", "taken", "--from-literal=a=b")
    adds(components / "store")
    adds(components / "teller", "moved")
    stack(lab, "apply", "--profile", profile).expect(
        DONE, "store: removed what it no longer has: ConfigMap dropped\n")
    check({"store", "taken", "moved"} <= set(config_maps(lab)), config_maps(lab).keys())
    check("dropped" not in config_maps(lab), "what store no longer renders is there")
    adds(components / "teller")
    stack(lab, "apply", "--profile", profile).expect(
        DONE, "teller: removed what it no longer has: ConfigMap moved\n")
    stack(lab, "apply", "--profile", profile).expect(DONE, "nothing to change")
    check("taken" in config_maps(lab), "what was the user's is gone")


def what_left_the_profile_is_told(lab):
    alone = own_profile(lab, "alone", listed("store"))
    stack(lab, "apply", "--profile", alone).expect(
        DONE, "profile alone does not have teller", "`bigtop-bootstrap stack remove teller`")
    check(lab.kube("-n", SPACE, "get", "deployments")["items"], "it was removed unasked")
    stack(lab, "remove", "teller", "--profile", alone).expect(DONE, "removed: teller")
    check(not lab.kube("-n", SPACE, "get", "deployments")["items"], "teller is still there")
    run = stack(lab, "apply", "--profile", alone).expect(DONE, "nothing to change")
    check("teller" not in run.text(), "it is told of what is gone")
    stack(lab, "remove", "teller", "--profile", alone).expect(
        BAD_INPUT, "neither profile alone nor the cluster has a component teller")
    profile = own_profile(lab, "small", SMALL)
    stack(lab, "apply", "--profile", profile).expect(DONE, "1 of 2 components changed")
    stack(lab, "remove", "store").expect(3, "teller needs store")


TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, annotations: {annotations}}}
data:
  tag: {{{{ .Values.image.tag | quote }}}}
  kube: {{{{ .Capabilities.KubeVersion.Version }}}}
"""
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": "image: {name: x, tag: of-chart}\n",
    "crds/widgets.yaml": json.dumps({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.lab.example"},
        "spec": {"group": "lab.example", "scope": "Namespaced",
                 "names": {"kind": "Widget", "plural": "widgets"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {
                     "openAPIV3Schema": {"type": "object"}}}]}}),
    "templates/widget.yaml": "apiVersion: lab.example/v1\nkind: Widget\nmetadata: {name: one}\n",
    "templates/plain.yaml": TEMPLATE.format(name="web-plain", annotations="{}"),
    "templates/first.yaml": TEMPLATE.format(
        name="web-first", annotations='{"helm.sh/hook": pre-install}'),
    "templates/test.yaml": TEMPLATE.format(name="web-test", annotations='{"helm.sh/hook": test}'),
    "templates/end.yaml": TEMPLATE.format(
        name="web-end", annotations='{"helm.sh/hook": pre-delete}'),
}


def own_chart(lab):
    """A component that is a chart, packed as `helm package` does."""
    profile = own_profile(lab, "charts", json.dumps({"summary": "s", "components": [
        {"name": "web", "values": {"image.tag": "of-profile"}}]}))
    folder = profile.parent / "components/web"
    folder.mkdir(exist_ok=True)
    (folder / "component.yaml").write_text(
        'name: web\nversion: "1"\nsummary: s\nchart: web.tgz\n')
    (folder / "values.yaml").write_text("image: {tag: of-component}\n")
    with tarfile.open(folder / "web.tgz", "w:gz") as tar:
        for name, text in CHART.items():
            entry = tarfile.TarInfo(f"web/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return profile


def chart_without_helm_is_refused(lab):
    if any(c["name"] == "helm" for c in offline.manifest()["components"]):
        raise Skip("this bundle has helm")
    run = stack(lab, "apply", "--profile", own_chart(lab), wrap=("env", "PATH=/nowhere"))
    run.expect(BAD_INPUT, "component web is a Helm chart: there is no helm")


def charts_are_components(lab):
    profile = own_chart(lab)
    stack(lab, "apply", "--profile", profile).expect(DONE, "1 of 1 components changed")
    maps = config_maps(lab)
    check(maps["web-plain"]["data"]["tag"] == "of-profile", maps["web-plain"])
    check(maps["web-plain"]["data"]["kube"].startswith("v1.34."), maps["web-plain"])
    check("web-first" in maps, "what belongs to the installation is not there")
    check(not {"web-test", "web-end"} & set(maps), "hooks of other times were applied")
    check(len(lab.kube("-n", SPACE, "get", "widgets")["items"]) == 1, "no widget")
    stack(lab, "apply", "--profile", profile).expect(DONE, "nothing to change")
    stack(lab, "remove", "--profile", profile).expect(DONE, "its data stays")
    check("web-plain" not in config_maps(lab), "it is still there")
    lab.kubectl("get", "crd", "widgets.lab.example")
    stack(lab, "remove", "--profile", profile, "--delete-data").expect(DONE)


def claims(lab):
    return [c["metadata"]["name"] for c in
            lab.kube("-n", SPACE, "get", "persistentvolumeclaims")["items"]]


def remove_keeps_the_data(lab):
    profile = own_profile(lab, "small", SMALL)
    before = secret(lab)
    stack(lab, "remove", "--profile", profile).expect(DONE, "its data stays")
    left = lab.kubectl("-n", SPACE, "get", "deployments,statefulsets,services,pods", "-o", "name")
    check(not left.strip(), f"left: {left}")
    check(claims(lab) == ["data-store-0"] and secret(lab) == before, "data was removed")
    stack(lab, "apply", "--profile", profile).expect(DONE, "2 of 2 components changed")
    run = stack(lab, "test", "store").expect(DONE, "2 of 2 tests passed")
    check(" 1 lines of kept" not in run.text(), f"the lines of before are gone:\n{run.text()}")


def remove_deletes_data_when_told(lab):
    stack(lab, "remove", "--delete-data").expect(DONE, "with all of its data")
    check(claims(lab) == [], "a claim is left")
    own = [name for name in config_maps(lab) if name.startswith("bigtop-stack.")]
    check(not own, f"records are left: {own}")


def run(report, lab):
    report.run("bad profiles are refused before anything", bad_profiles_are_refused, lab)
    report.run("a profile too large for the hosts is refused", too_large_is_refused, lab)
    if not report.run("apply starts the profile and tests it", apply_hands_off, lab):
        return
    report.run("a second apply changes nothing", second_apply_changes_nothing, lab)
    report.run("plan tells what the profile takes", plan_tells_what_it_takes, lab)
    report.run("the API server takes every component that ships", components.accepted, lab)
    report.run("status tells memory by component", status_tells_memory, lab)
    report.run("tests tell their results", tests_tell_their_results, lab)
    report.run("a test that fails is told", failing_test_is_told, lab)
    report.run("a crash is told with its last words", crash_is_told_with_its_last_words, lab)
    report.run("what is not rendered any more goes", what_is_not_rendered_any_more_goes, lab)
    report.run("what left the profile is told, and removed by name",
               what_left_the_profile_is_told, lab)
    report.run("a chart without helm is refused", chart_without_helm_is_refused, lab)
    report.run("remove keeps the data", remove_keeps_the_data, lab)
    report.run("remove deletes data when told", remove_deletes_data_when_told, lab)

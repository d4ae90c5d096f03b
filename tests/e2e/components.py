"""Every component that ships, those too whose images are not to be had here: what they are, and the
jobs of their tests, is taken by a real API server, as far as one goes that keeps nothing of it."""

import re
import shutil

from harness import check
from lab import ROOT

SHIPPED = ROOT / "profiles/components"
PLACE = "root/components"  # on the first host
SPACE = "bigdata"


def values_of(folder):
    """KEY: VALUE of its values.yaml, as text: what is after `data:`."""
    path = folder / "values.yaml"
    lines = path.read_text().split("\ndata:\n")[1].splitlines() if path.exists() else []
    found = (re.match(r"  ([a-z_]+): *(?:\"([^\"]*)\"|([^ #]+))", line) for line in lines)
    return {m[1]: m[2] if m[2] is not None else m[3] for m in found if m}


def jobs_of(folder):
    """The files of its test jobs, with the values that they name."""
    values = values_of(folder)
    for path in re.findall(r"job: (\S+)", (folder / "component.yaml").read_text()):
        text = (folder / path).read_text()
        yield path, re.sub(r"\$\(([a-z_]+)\)", lambda name: values[name[1]], text)


def asked(lab, text):
    """What the API server says of objects, line by line."""
    return lab.inside("n1", "kubectl apply --server-side --dry-run=server -f - 2>&1", text=text,
                      allow_failure=True).splitlines()


def dry_run(lab, name, text):
    lines = asked(lab, text)
    check(lines and all(line.endswith("serverside-applied (server dry run)") for line in lines),
          lambda: f"{name}: {lines}")
    return len(lines)


def refuses_others(lab):
    """That it takes something says something: a word that it does not know is enough to be refused."""
    text = (SHIPPED / "minio/test/put-and-get.yaml").read_text()
    lines = asked(lab, text.replace("backoffLimit:", "backofLimit:"))
    check(any("backofLimit: field not declared in schema" in line for line in lines), str(lines))


def accepted(lab):
    lab.kubectl("create", "namespace", SPACE, allow_failure=True)  # may be there
    refuses_others(lab)
    shutil.copytree(SHIPPED, lab.root_of("n1") / PLACE)
    count, folders = 0, sorted(path.parent for path in SHIPPED.glob("*/component.yaml"))
    for folder in folders:
        text = lab.inside("n1", 'kubectl kustomize "$1"', f"/{PLACE}/{folder.name}")
        count += dry_run(lab, folder.name, text)
        count += sum(dry_run(lab, f"{folder.name}/{path}", job) for path, job in jobs_of(folder))
    return f"{count} objects of {len(folders)} components"

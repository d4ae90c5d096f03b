"""Bundles as folders and as files: built twice, packed, taken apart, damaged, read by skopeo."""
import filecmp
import json
import os
import random
import shutil
import subprocess
import tarfile
import tempfile

import signatures

RECIPE = """product: p
architecture: amd64
serial: {serial}
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {{}}
components:
  - {{name: note, kind: files, version: v1, roles: [worker], files: [{{text: hello, to: etc/note}}]}}
  - {{name: {image}, kind: image, version: {version}, roles: [control-plane], ref: "example.org/{image}:{version}",
     files: [{{text: "{text}", to: etc/{image}}}], entrypoint: [/bin/{image}]}}
"""
BIT_FLIPS = 60  # through the program; test-bundle-verify does 1,000 of each form
TRUNCATIONS = 40
SEED = 20260210  # the same in every run: what fails can be looked at again


class Bundles(signatures.Folder):
    def recipe(self, name, image="box", text="one", serial=1, version="v1"):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(RECIPE.format(image=image, text=text, serial=serial, version=version))

    def complain_unless(self, condition, text):
        if not condition:
            self.wrong.append(text)

    def code(self, *arguments):
        return subprocess.run([self.program, "bundle", *arguments], cwd=self.path, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False,
                              timeout=signatures.SECONDS_MAX).returncode

    def json(self, *arguments):
        done = subprocess.run([self.program, "bundle", *arguments, "--output", "json"],
                              cwd=self.path, env=self.env, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


def same_tree(a, b):
    names = [sorted(os.path.relpath(os.path.join(d, n), top) for d, _, files in os.walk(top)
                    for n in files) for top in (a, b)]
    return names[0] == names[1] and all(
        filecmp.cmp(os.path.join(a, n), os.path.join(b, n), shallow=False) for n in names[0])


def built_twice(f):
    """Two builds in two folders, with two caches: the same bytes, signature included."""
    f.ours("keygen --out k", 0, "")
    for name in ("one", "two"):
        f.env["XDG_CACHE_HOME"] = f.file(f"cache-{name}")
        os.mkdir(f.file(name))
        f.recipe(f"{name}/recipe.yaml")
        f.ours(f"build {name}/recipe.yaml -o {name}/out --sign k.key", 0, "bundle in")
        f.ours(f"pack {name}/out -o {name}/x.bundle", 0, "with its signature")
    f.complain_unless(same_tree(f.file("one/out"), f.file("two/out")), "the folders differ")
    f.complain_unless(filecmp.cmp(f.file("one/x.bundle"), f.file("two/x.bundle"), shallow=False),
                      "the files differ")


def there_and_back(f):
    f.recipe("recipe.yaml")
    f.ours("keygen --out k", 0, "")
    f.ours("build recipe.yaml -o out", 0, "bundle in")
    f.ours("pack out -o x.bundle", 0, "not signed")
    f.ours("pack out -o x.bundle", 3, "is there already")
    f.ours("verify --key k.pub x.bundle", 3, "is not signed")
    f.ours("sign --key k.key x.bundle", 0, "signed with key")
    f.ours("verify --key k.pub x.bundle", 0, "every one as announced")
    f.ours("inspect --key k.pub x.bundle", 0, r"\(file\).*box +image v1 .*signature: verified")
    f.ours("extract --key k.pub x.bundle -o back", 0, "the whole bundle")
    f.ours("verify --key k.pub back", 0, "every one as announced")
    f.theirs("-V -H -p k.pub -m back/bigtop.json", 0, "serial:1")
    f.ours("extract x.bundle -o back", 3, "is not empty")
    f.ours("extract x.bundle note -o note", 0, "note v1, files")
    with open(f.file("note/etc/note"), encoding="utf-8") as file:
        f.complain_unless(file.read() == "hello", "etc/note is not what the recipe says")
    f.ours("extract x.bundle noet -o other", 2, "no component 'noet', did you mean 'note'")
    with tarfile.open(f.file("x.bundle")) as tar:
        names = tar.getnames()
        f.complain_unless(names[:4] == ["bigtop.json", "bigtop.json.minisig", "oci-layout",
                                        "index.json"] and names[4:] == sorted(names[4:]),
                          f"other entries: {names}")


def skopeo_reads(f):
    f.recipe("recipe.yaml")
    f.ours("build recipe.yaml -o out", 0, "bundle in")
    f.ours("pack out -o x.bundle", 0, "")
    f.ours("extract x.bundle box -o box", 0, "an image")
    for name in ("oci:out:example.org/box:v1", "oci-archive:x.bundle:example.org/box:v1",
                 "oci:box:example.org/box:v1", "oci:box"):
        f.run(["skopeo", "--tmpdir", f.path, "inspect", name], 0, '"Architecture": "amd64"')
    f.run(["skopeo", "--tmpdir", f.path, "--insecure-policy", "copy",
           "oci-archive:x.bundle:example.org/box:v1", "oci:copied:v1"], 0, "")


def two_versions(f):
    f.recipe("old.yaml")
    f.recipe("new.yaml", text="two", serial=2, version="v2")
    for name in ("old", "new"):
        f.ours(f"build {name}.yaml -o {name}", 0, "")
    f.ours("diff old new", 0, "changed  box +v1 -> v2 .*worker: +0 blobs, 0.0 MB")
    f.ours("diff old old", 0, "the same components")
    found = f.json("diff", "old", "new")
    sizes = f.json("inspect", "new")
    f.complain_unless([c["component"] for c in found["components"]] == ["box"], f"{found}")
    f.complain_unless(0 < found["upgrade"]["control-plane"]["bytes"] < sizes["size"], f"{found}")
    f.complain_unless(found["upgrade"]["worker"]["bytes"] == 0, f"{found}")


def merged(f):
    f.recipe("kubernetes.yaml")
    f.recipe("stack.yaml", image="kafka", text="a broker", serial=5)
    f.recipe("other.yaml", text="not the same box")
    f.ours("keygen --out k", 0, "")
    for name in ("kubernetes", "stack", "other"):
        f.ours(f"build {name}.yaml -o {name} --sign k.key", 0, "")
    f.ours("pack stack -o stack.bundle", 0, "")
    f.ours("merge kubernetes stack.bundle -o both", 0, "3 components of 2 bundles, serial 5.*not signed")
    f.ours("verify both", 0, "every one as announced")
    f.ours("verify --key k.pub both", 3, "not signed")
    f.ours("merge kubernetes stack -o both --sign k.key", 3, "is not empty")
    f.ours("merge kubernetes stack --key k.pub -o signed --sign k.key --serial 9", 0, "serial 9")
    f.ours("verify --key k.pub signed", 0, "serial:9")
    f.ours("merge kubernetes other -o none", 2, "other has another box .* than kubernetes")
    f.complain_unless(not os.path.exists(f.file("none")), "something was written")
    done = subprocess.run([f.program, "bundle", "inspect", "--sbom", "both"], cwd=f.path, env=f.env,
                          stdout=subprocess.PIPE, check=True)
    sbom = json.loads(done.stdout)
    names = {p["name"] for p in sbom["packages"]}
    ids = [p["SPDXID"] for p in sbom["packages"]]
    related = {r[k] for r in sbom["relationships"] for k in ("spdxElementId", "relatedSpdxElement")}
    f.complain_unless({"note", "box", "kafka"} <= names, f"packages of the SBOM: {names}")
    f.complain_unless(len(ids) == len(set(ids)), f"an id twice: {ids}")
    f.complain_unless(related <= set(ids) | {"SPDXRef-DOCUMENT"}, f"ids of nothing: {related}")


def flip(path, rng, first, last):
    """Flips a random bit of the file between two places; returns what undoes it."""
    with open(path, "r+b") as file:
        at = rng.randrange(first, last)
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1 << rng.randrange(8)]))
    return at, byte


def mend(path, at, byte):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(byte)


def damaged_folder(f):
    rng = random.Random(SEED)
    f.recipe("recipe.yaml")
    f.ours("keygen --out k", 0, "")
    f.ours("build recipe.yaml -o out --sign k.key", 0, "")
    blobs = [os.path.join(f.file("out/blobs/sha256"), n)
             for n in sorted(os.listdir(f.file("out/blobs/sha256")))]
    weights = [os.path.getsize(path) for path in blobs]
    for _ in range(BIT_FLIPS):
        path = rng.choices(blobs, weights)[0]
        at, byte = flip(path, rng, 0, os.path.getsize(path))
        if f.code("verify", "--key", "k.pub", "out") != 3:
            f.wrong.append(f"{path}: byte {at} changed unseen")
        mend(path, at, byte)
    f.ours("verify --key k.pub out", 0, "as announced")


def damaged_file(f):
    rng = random.Random(SEED)
    f.recipe("recipe.yaml")
    f.ours("keygen --out k", 0, "")
    f.ours("build recipe.yaml -o out --sign k.key", 0, "")
    f.ours("pack out -o x.bundle", 0, "")
    path, size = f.file("x.bundle"), os.path.getsize(f.file("x.bundle"))
    with tarfile.open(path) as tar:
        first = min(m.offset for m in tar if m.name.startswith("blobs/"))
    for _ in range(BIT_FLIPS):
        at, byte = flip(path, rng, first, size)
        if f.code("verify", "--key", "k.pub", "x.bundle") not in (2, 3):
            f.wrong.append(f"byte {at} changed unseen")
        mend(path, at, byte)
    for _ in range(TRUNCATIONS):
        length = rng.randrange(size)
        shutil.copy(path, f.file("cut"))
        os.truncate(f.file("cut"), length)
        if f.code("verify", "--key", "k.pub", "cut") not in (2, 3):
            f.wrong.append(f"cut at {length} unseen")
    f.ours("verify --key k.pub x.bundle", 0, "as announced")


def mixed(f):
    """The list and signature of one with the rest of another; an old file under a new signature."""
    f.recipe("old.yaml")
    f.recipe("new.yaml", text="two", serial=2)
    f.ours("keygen --out k", 0, "")
    for name in ("old", "new"):
        f.ours(f"build {name}.yaml -o {name} --sign k.key", 0, "")
    shutil.copytree(f.file("old"), f.file("blobs-of-old"))
    for name in ("bigtop.json", "bigtop.json.minisig"):
        shutil.copy(f.file(f"new/{name}"), f.file(f"blobs-of-old/{name}"))
    f.ours("verify --key k.pub blobs-of-old", 3, "blob|index.json")
    shutil.copytree(f.file("old"), f.file("signature-of-new"))
    shutil.copy(f.file("new/bigtop.json.minisig"), f.file("signature-of-new/bigtop.json.minisig"))
    f.ours("verify --key k.pub signature-of-new", 3, "altered")
    shutil.copytree(f.file("new"), f.file("index-of-old"))
    shutil.copy(f.file("old/index.json"), f.file("index-of-old/index.json"))
    f.ours("verify --key k.pub index-of-old", 3, "index.json is not the one")


CHECKS = (built_twice, there_and_back, skopeo_reads, two_versions, merged, damaged_folder,
          damaged_file, mixed)


def check_bundles(program):
    for check in CHECKS:
        name = f"bundles: {check.__name__.replace('_', ' ')}"
        missing = [tool for tool in ("minisign", "skopeo") if not shutil.which(tool)]
        if missing:
            yield name, [f"{missing} not installed: make install-packages"]
            continue
        with tempfile.TemporaryDirectory() as path:
            folder = Bundles(program, path)
            check(folder)
        yield name, folder.wrong

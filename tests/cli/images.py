"""Images for machines: whose architecture they are for, before anything long begins."""
import platform
import shutil
import tempfile

import bundles

OTHER = "amd64" if platform.machine() == "aarch64" else "arm64"


class Images(bundles.Bundles):
    def bundle(self, architecture):
        self.recipe("recipe.yaml")
        with open(self.file("recipe.yaml"), "r+", encoding="utf-8") as file:
            text = file.read().replace("amd64", architecture)
            file.seek(0)
            file.write(text)
            file.truncate()
        shutil.rmtree(self.file("out"), ignore_errors=True)
        self.ours("build recipe.yaml -o out", 0, "bundle in")

    def image(self, options, code, says):
        self.run([self.program, "iso", "build", "--bundle", "out", "--ssh-key", "key.pub", "-o",
                  "rack.iso", *options], code, says)


def another_architecture(f):
    f.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], 0, "")
    f.bundle(OTHER)
    f.image([], 3, f"the bundle is for {OTHER}, and /.* for .*make ARCH={OTHER}.*--program")
    f.image(["--program", "recipe.yaml"], 2, "recipe.yaml is no program")
    f.image(["--program", "nothing"], 2, "nothing")
    f.bundle("riscv64")
    f.image([], 2, "there are no images for riscv64")


def check_images(program):
    with tempfile.TemporaryDirectory(prefix="bigtop-images-") as path:
        f = Images(program, path)
        another_architecture(f)
        return [("images: another architecture", f.wrong)]

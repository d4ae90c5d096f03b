#include "images/recipe.h"
#include "images/source.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define HEAD \
    "product: p\narchitecture: amd64\nserial: 3\nkubernetes: v1\n" \
    "created: 2026-02-10T12:53:36Z\n"                   /* 5 lines */
#define SOURCES "sources: {f: {type: file, path: .}}\n" /* 6 */
#define COMPONENTS \
    "components:\n- {name: a, kind: files, version: v1, roles: [worker], files: [{from: f}]}\n"
#define WITH(component) HEAD SOURCES "components:\n- {" component "}\n"
#define A "name: a, version: v1, roles: [worker], "
#define ENTRY(entry) WITH(A "kind: files, files: [" entry "]")
#define DEB HEAD "sources: {x: {type: deb, suite: bookworm, packages: [ab], "

static int parse(const char *dir, const char *text, struct recipe *out, struct error *err)
{
    struct yaml_file file = YAML_FILE_INIT;
    int r = yaml_parse(text, strlen(text), "r.yaml", &file, err);
    return r < 0 ? r : recipe_from_yaml(&file, dir, out, err);
}

static void reads_a_recipe(void **state)
{
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    struct error err = ERROR_INIT;
    int e = parse(*state,
                  HEAD SOURCES
                  "layers: {base: [{dir: tmp, mode: \"1777\"}]}\n"
                  "components:\n"
                  "- {name: a, kind: files, version: v1, roles: [worker, control-plane],\n"
                  "   files: [{from: f, path: x/y, to: usr/bin, mode: \"0755\"}]}\n"
                  "- {name: b, kind: image, version: v2, roles: [control-plane], ref: a.io/b:v2,\n"
                  "   layers: [base], files: [{text: hi, to: etc/x}, {links: [sh, ls], in: bin,\n"
                  "   target: box}], entrypoint: [/b], cmd: [x, y], env: [A=b], user: \"1:1\",\n"
                  "   workdir: /w}\n"
                  "- {name: c, kind: addon, version: v3, roles: [worker], files: [{from: f}],\n"
                  "   namespaces: [c], images: {image-x: a.io/x}}\n"
                  "- {name: d, kind: stack, version: v4, files: [{from: f}], images: [a.io/y]}\n"
                  "- {name: e, kind: files, version: v5, roles: [], files: [{from: f}]}\n",
                  &r, &err);
    if (e < 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.serial, 3);
    assert_int_equal(r.mtime, 1770728016);
    assert_int_equal(r.component_count, 5);
    assert_int_equal(r.components[3].roles, 0);
    assert_int_equal(r.components[4].roles, 0); /* for the coordinator alone */
    assert_string_equal(r.components[3].stack_images.items[0], "a.io/y");
    assert_int_equal(r.components[0].roles, COMPONENT_CONTROL_PLANE | COMPONENT_WORKER);
    const struct recipe_entry *from = &r.components[0].files.entries[0];
    assert_int_equal(from->kind, RECIPE_FROM);
    assert_string_equal(from->path, "x/y");
    assert_int_equal(from->mode, 0755);
    const struct recipe_component *image = &r.components[1];
    assert_int_equal(image->layer_count, 1);
    assert_int_equal(r.layers[image->layers[0]].entries[0].mode, 01777);
    assert_int_equal(image->files.entries[0].mode, 0644);
    assert_int_equal(image->files.entries[1].links.count, 2);
    assert_string_equal(image->user, "1:1");
    assert_string_equal(r.components[2].namespaces.items[0], "c");
    assert_string_equal(r.components[2].images->keys[0], "image-x");
    assert_int_equal(r.components[2].files.entries[0].mode, RECIPE_MODE_KEEP);
}

static void keeps_only_what_is_named(void **state)
{
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    struct error err = ERROR_INIT;
    const char *text = HEAD SOURCES "components:\n"
                                    "- {name: a, kind: stack, version: v1, files: [{from: f}]}\n"
                                    "- {name: b, kind: stack, version: v1, files: [{from: f}]}\n"
                                    "- {name: c, kind: stack, version: v1, files: [{from: f}]}\n";
    STRV(names);
    if (parse(*state, text, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(recipe_keep_only(&r, &names, &err), 0);
    assert_int_equal(r.component_count, 3);
    strv_add(&names, "c");
    strv_add(&names, "x");
    assert_int_equal(recipe_keep_only(&r, &names, &err), -ENOENT);
    assert_error_has(err, "no component is called x");
    assert_string_equal(err.remedy, "it has: a, b, c");
    assert_int_equal(r.component_count, 3);
    strv_release(&names);
    strv_add(&names, "c");
    strv_add(&names, "a");
    assert_int_equal(recipe_keep_only(&r, &names, &err), 0);
    assert_int_equal(r.component_count, 2);
    assert_string_equal(r.components[0].name, "a");
    assert_string_equal(r.components[1].name, "c");
}

/* The shortest: what is left out has a default. */
static void reads_short_forms(void **state)
{
    static const char digest[] =
        "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *text = xasprintf("product: p\n"
                                     "serial: 7\n"
                                     "components:\n"
                                     "- {name: a, source: {file: .}}\n"
                                     "- {name: b, source: {oci: \"a.io/b:v2\"}}\n"
                                     "- {name: c, source: {type: file, path: .}, kind: addon,\n"
                                     "   version: v3, roles: [worker], namespaces: [x]}\n"
                                     "- {name: d, source: {url: \"https://a.io/x\",\n"
                                     "   sha256: \"%s\"}, to: usr/bin}\n"
                                     "- {name: e, source: {oci: {ref: \"f@%s\"}}, ref: a.io/e:1}\n"
                                     "- {name: g, image: a, ref: a.io/g:_x}\n",
                                     digest + 7, digest);
    if (parse(*state, text, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(r.created, "1970-01-01T00:00:00Z");
    assert_true(r.architecture && !r.kubernetes);
    const struct recipe_component *c = r.components;
    assert_int_equal(c[0].kind, COMPONENT_FILES);
    assert_string_equal(c[0].version, "7");
    assert_int_equal(c[0].roles, COMPONENT_CONTROL_PLANE | COMPONENT_WORKER);
    assert_string_equal(c[0].files.entries[0].to, "opt/a");
    assert_int_equal(c[0].files.entries[0].source, 0);
    assert_int_equal(c[1].kind, COMPONENT_IMAGE);
    assert_true(c[1].whole_image);
    assert_string_equal(c[1].ref, "a.io/b:v2");
    assert_string_equal(c[1].version, "v2");
    assert_string_equal(c[2].files.entries[0].to, "");
    assert_int_equal(c[2].roles, COMPONENT_WORKER);
    assert_string_equal(c[3].files.entries[0].to, "usr/bin");
    assert_string_equal(c[4].ref, "a.io/e:1");
    assert_string_equal(c[4].version, "1");
    assert_int_equal(c[5].source, 0); /* a component's own source by its name */
    assert_string_equal(c[5].version, "7");
}

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "r.yaml:1:1: nothing here, expected a mapping"},
        {"- a\n", "r.yaml:1:1: found a list, expected a mapping"},
        {HEAD SOURCES COMPONENTS "extra: 1\n",
         "r.yaml:9:1: unknown key \"extra\", expected one of"},
        {"architecture: amd64\n", "\"product\" is missing here"},
        {"product: ../x\n", "r.yaml:1:10: \"product\" has to be a word"},
        {"product: p\narchitecture: a\nserial: 0\nkubernetes: v\n", "r.yaml:3:9: "},
        {"product: p\narchitecture: a\nserial: x\nkubernetes: v\n", "r.yaml:3:9: "},
        {"product: p\narchitecture: a\nserial: 1\nkubernetes: v\ncreated: yesterday\n",
         "r.yaml:5:10: expected a time like"},
        {"product: p\narchitecture: a\nserial: 1\nkubernetes: v\ncreated: 2026-02-10T12:53:36Z!\n",
         "r.yaml:5:10: expected a time like"},
        {HEAD, "\"components\" is missing here"},
        {HEAD "sources: []\n", "r.yaml:6:10: found a list, expected a mapping"},
        {HEAD "sources: {x: {type: magic}}\n", "r.yaml:6:21: unknown source type, expected one of "
                                               "go, go-files, c, deb, file, maven, pypi, oci, url"},
        {HEAD "sources: {\"a b\": {type: file}}\n", "r.yaml:6:11: a source's name"},
        {HEAD "sources: {x: {type: file}}\n", "\"path\" is missing here"},
        {HEAD "sources: {x: {type: file, path: nothing-there}}\n", "No such file"},
        {HEAD "sources: {x: {type: file, path: ., sha256: abc}}\n", "only a file"},
        {HEAD "sources: {x: {type: file, path: ., mode: 1}}\n", "unknown key \"mode\""},
        {HEAD "sources: {x: {type: go, module: ., programs: {a: b}}}\n", "need a \"toolchain\""},
        {HEAD "toolchain: {go: go1.2}\nsources: {}\n", "\"sum\" is missing here"},
        {HEAD "toolchain: {go: go1.2, sum: s}\n"
              "sources: {x: {type: go, module: ., programs: {a: -o/x}}}\n",
         "r.yaml:7:50: expected the path of a Go package"},
        {HEAD
         "toolchain: {go: go1.2, sum: s}\n"
         "sources: {x: {type: go, module: ., programs: {a: b}, set: {a.b: \"-extldflags x\"}}}\n",
         "a variable and its value are words"},
        {HEAD "toolchain: {go: go1.2, sum: s}\n"
              "sources: {x: {type: go, module: ., programs: {a: b}, tags: [\"a,b -x\"]}}\n",
         "expected a word"},
        {HEAD "toolchain: {go: go1.2, sum: s}\n"
              "sources: {x: {type: go, module: ../x, programs: {a: b}}}\n",
         "relative path without \"..\""},
        {HEAD "toolchain: {go: go1.2, sum: s}\n"
              "sources: {x: {type: go, module: ., programs: {a: b}}}\n",
         "there is no go.mod with a go.sum"},
        {HEAD "toolchain: {go: go1.2, sum: s}\n"
              "sources: {x: {type: c, module: k, sum: s, file: a.c, program: p}}\n",
         "expected PATH@VERSION"},
        {HEAD "sources: {x: {type: go-files, module: k, sum: s, files: [a]}}\n",
         "expected PATH@VERSION"},
        {HEAD "sources: {x: {type: go-files, module: \"../k@v1\", sum: s, files: [a]}}\n",
         "expected PATH@VERSION"},
        {HEAD "sources: {x: {type: go-files, module: k@v1, files: [a]}}\n", "\"sum\" is missing"},
        {HEAD "sources: {x: {type: go-files, module: k@v1, sum: s, files: []}}\n",
         "\"files\" is empty"},
        {HEAD "sources: {x: {type: go-files, module: k@v1, sum: s, files: [../a]}}\n",
         "r.yaml:6:61: expected a path inside the module"},
        {HEAD "sources: {x: {type: go-files, module: k@v1, sum: s, files: [a/f, b/f]}}\n",
         "r.yaml:6:66: a second file \"f\""},
        {HEAD "sources: {x: {type: c, program: p}}\n", "needs a \"toolchain\""},
        {HEAD "sources: {x: {type: c, path: none.c, program: p}}\n", "none.c is no file"},
        {HEAD "sources: {x: {type: c, path: ., program: p}}\n", "is no file"},
        {HEAD "sources: {x: {type: c, path: r.yaml, program: p, sum: s}}\n",
         "by its \"path\" has no \"sum\""},
        {HEAD "sources: {x: {type: c, path: r.yaml, program: p, tree: .}}\n",
         "by its \"path\" has no \"tree\""},
        {HEAD "sources: {x: {type: c, tree: ., program: p}}\n", "\"files\" is missing"},
        {HEAD "sources: {x: {type: c, tree: ., files: [none.c], program: p}}\n",
         "none.c is no file of the tree"},
        {HEAD "sources: {x: {type: c, tree: ., files: [../r.yaml], program: p}}\n",
         "../r.yaml is no file of the tree"},
        {HEAD "sources: {x: {type: c, tree: ., files: [r.yaml], module: m, program: p}}\n",
         "by its \"tree\" has no \"module\""},
        {HEAD "sources: {x: {type: maven, artifacts: []}}\n", "\"artifacts\" is empty"},
        {HEAD "sources: {x: {type: maven, artifacts: [\"a:b\"]}}\n",
         "r.yaml:6:40: expected GROUP:ARTIFACT:VERSION"},
        {HEAD "sources: {x: {type: maven, artifacts: [\"a:b:1\", \"a:b:1\"]}}\n", "there twice"},
        {HEAD "sources: {x: {type: maven, artifacts: [\"a:b:1\"], transitive: yes}}\n",
         "true or false"},
        {HEAD "sources: {x: {type: maven, artifacts: [\"a:b:1\"], exclude: [\"c:d\"]}}\n",
         "needs \"transitive: true\""},
        {HEAD
         "sources: {x: {type: maven, artifacts: [\"a:b:1\"], transitive: true, exclude: [c]}}\n",
         "expected GROUP:ARTIFACT"},
        {HEAD "sources: {x: {type: maven, artifacts: [\"a:b:1\"], repository: \"http://r/\"}}\n",
         "an https:// URL"},
        {HEAD "sources: {x: {type: pypi, requirements: []}}\n", "\"requirements\" is empty"},
        {HEAD "sources: {x: {type: pypi, requirements: [\"--pre\"]}}\n",
         "r.yaml:6:42: expected NAME==VERSION"},
        {HEAD "sources: {x: {type: pypi, requirements: [a, a]}}\n", "there twice"},
        {HEAD "sources: {x: {type: pypi, requirements: [a], format: egg}}\n",
         "expected wheel or sdist"},
        {HEAD "sources: {x: {type: pypi, requirements: [a], format: sdist}}\n",
         "expected NAME==VERSION"},
        {HEAD "sources: {x: {type: pypi, requirements: [\"a[b]==1\"], format: sdist}}\n",
         "expected NAME==VERSION"},
        {HEAD
         "sources: {x: {type: pypi, requirements: [\"a==1\"], format: sdist, python: \"3.11\"}}\n",
         "has no meaning"},
        {HEAD "sources: {x: {type: pypi, requirements: [a], python: \"2.7\"}}\n",
         "a version like 3.11"},
        {HEAD "sources: {x: {type: pypi, requirements: [a], python: \"3.x\"}}\n",
         "a version like 3.11"},
        {HEAD "sources: {x: {type: deb, suite: bookworm, packages: [--reinstall]}}\n",
         "r.yaml:6:54: expected the name of a Debian package"},
        {HEAD "sources: {x: {type: deb, suite: bookworm, packages: [a b]}}\n", "a Debian package"},
        {HEAD "sources: {x: {type: deb, suite: bookworm, packages: [ab=]}}\n", "a Debian package"},
        {HEAD "sources: {x: {type: deb, suite: \"$(x)\", packages: [ab]}}\n", "has to be a word"},
        {HEAD "sources: {x: {type: deb, suite: bookworm, packages: []}}\n",
         "\"packages\" is empty"},
        {DEB "only: [--reinstall]}}\n", "the name of a Debian package"},
        {DEB "only: [a1], exclude: [b1]}}\n", "\"only\" has no meaning beside \"exclude\""},
        {DEB "programs: [usr/sbin/a]}}\n", "\"programs\" has no meaning without \"relocate\""},
        {DEB "files: [etc/a]}}\n", "\"files\" has no meaning without \"relocate\""},
        {DEB "relocate: /opt/a}}\n", "\"programs\" is missing here"},
        {DEB "relocate: opt/a, programs: [a]}}\n", "r.yaml:6:69: expected an absolute path"},
        {DEB "relocate: /, programs: [a]}}\n", "expected an absolute path"},
        {DEB "relocate: /opt/../a, programs: [a]}}\n", "expected an absolute path"},
        {DEB "relocate: \"/opt/a:/tmp\", programs: [a]}}\n", "expected an absolute path"},
        {DEB "relocate: \"/$ORIGIN\", programs: [a]}}\n", "expected an absolute path"},
        {DEB "relocate: /opt/a, programs: [../a]}}\n", "expected a path in a package"},
        {DEB "relocate: /opt/a, programs: [/usr/bin/a]}}\n", "expected a path in a package"},
        {DEB "relocate: /opt/a, programs: [a], files: [\"\"]}}\n", "empty text"},
        {DEB "relocate: /opt/a, programs: [a], drop: [b]}}\n",
         "\"drop\" has no meaning beside \"relocate\""},
        {HEAD SOURCES, "\"components\" is missing here"},
        {HEAD SOURCES "components: []\n", "r.yaml:7:13: an empty list"},
        {HEAD SOURCES "layers: {a: []}\ncomponents: []\n", "r.yaml:7:13: an empty list"},
        {WITH("name: a"), "\"kind\" is missing here"},
        {WITH(A "kind: thing"), "unknown kind, expected files, image, addon or stack"},
        {WITH(A "kind: files, files: [{from: f}], ref: x"), "unknown key \"ref\""},
        {WITH(A "kind: files"), "\"files\" is missing here"},
        {WITH(A "kind: files, files: []"), "an empty list, expected files"},
        {WITH("name: a, version: v1, roles: [], kind: addon"), "\"roles\" is empty"},
        {WITH("name: a, version: v1, roles: [boss], kind: files"), "unknown role"},
        {WITH("name: \"a;b\", version: v1, roles: [worker], kind: files"), "has to be a word"},
        {WITH("name: \"-a\", version: v1, roles: [worker], kind: files"), "has to be a word"},
        {WITH(A "kind: image, ref: nginx"), "expected a full image name"},
        {WITH(A "kind: image, ref: a.io/b:c"), "an image without layers and files"},
        {WITH(A "kind: image, ref: a.io/b:c, layers: [x]"), "no layer \"x\""},
        {WITH(A "kind: image, ref: a.io/b:c, files: [{from: f}], cmd: x"), "expected a list"},
        {WITH(A "kind: image, ref: a.io/b:c, files: [{from: f}], cmd: [\"\"]"), "empty text"},
        {WITH(A "kind: addon, files: [{from: f}], images: [x]"), "expected a mapping"},
        {WITH(A "kind: addon, files: [{from: f}], images: {x: \"a.io/x:v1\"}"),
         "a full repository without a tag"},
        {WITH(A "kind: addon, files: [{from: f}], images: {x: x}"), "a full repository"},
        {WITH(A "kind: files, files: [{from: f}], images: {}"), "unknown key \"images\""},
        {WITH(A "kind: stack, files: [{from: f}]"), "unknown key \"roles\""},
        {WITH("name: a, version: v1, kind: stack, files: [{from: f}], images: {}"),
         "expected a list"},
        {WITH("name: a, version: v1, kind: stack, files: [{from: f}], images: [\"a.io/x:v1\"]"),
         "without a tag"},
        {ENTRY("{from: g}"), "no source \"g\""},
        {ENTRY("{form: f}"), "expected one of the keys from, links, text, dir"},
        {ENTRY("{from: f, path: ../x}"), "relative path without \"..\""},
        {ENTRY("{from: f, path: /x}"), "relative path without \"..\""},
        {ENTRY("{from: f, to: a/../../x}"), "relative path without \"..\""},
        {ENTRY("{from: f, mode: \"4755\"}"), "four octal digits"},
        {ENTRY("{from: f, mode: \"0888\"}"), "four octal digits"},
        {ENTRY("{from: f, text: x}"), "unknown key \"text\""},
        {ENTRY("{text: x}"), "\"to\" has to name a path"},
        {ENTRY("{dir: .}"), "\"dir\" has to name a path"},
        {ENTRY("{links: [../x], target: y}"), "a link has to be a relative path"},
        {ENTRY("{links: [], target: y}"), "\"links\" is empty"},
        {ENTRY("{links: [x]}"), "\"target\" is missing here"},
        {ENTRY("{text: \"a\\eb\", to: x}"), "control character"},
        {WITH("name: a, source: x"), "found a string, expected a mapping"},
        {WITH("name: a, source: {magic: x}"), "unknown source type, expected one of"},
        {WITH("name: a, source: {type: magic}"), "unknown source type, expected one of"},
        {WITH("name: a, source: {file: nothing-there}"), "No such file"},
        {WITH("name: a, source: {file: ., size: 3}"), "unknown key \"size\""},
        {WITH("name: a, source: {sha256: x, file: {path: .}}"), "a key beside \"file\""},
        {WITH("name: f, source: {file: .}"), "there is a source \"f\" already"},
        {WITH("name: a, source: {file: .}, image: f"), "both \"source\" and \"image\""},
        {WITH("name: a, source: {file: .}, files: [{from: f}]"), "unknown key \"files\""},
        {WITH("name: a, source: {file: .}, to: ../x"), "relative path without"},
        {WITH("name: a, source: {file: .}, kind: addon, roles: []"), "\"roles\" is empty"},
        {WITH("name: a, source: {oci: UPPER/x}"), "not the name of an image"},
        {WITH("name: a, source: {oci: a.io/b@sha256:12}"), "not the name of an image"},
        {WITH("name: a, source: {oci: \"a.io/b:c\", platform: linux/arm64}"), "linux/amd64"},
        {WITH("name: a, source: {oci: \"a.io/b:c\", platform: windows/amd64}"), "linux/amd64"},
        {WITH("name: a, source: {oci: \"a.io/b:c\"}, ref: nginx"), "a full image name"},
        {WITH("name: a, source: {oci: \"a.io/b:c\"}, entrypoint: [x]"), "unknown key"},
        {WITH("name: a, image: f"), "\"ref\" is missing here"},
        {WITH("name: a, image: g, ref: a.io/b:c"), "no source \"g\""},
        {WITH("name: a, source: {oci: \"a.io/b:c\"}}\n- {name: b, source: {oci: \"a.io/b:c\"}"),
         "r.yaml:9:3: a second image"},
        {HEAD SOURCES COMPONENTS
         "- {name: a, kind: addon, version: v1, roles: [worker], files: [{from: f}]}\n",
         "r.yaml:9:10: a second component \"a\""},
        {HEAD SOURCES "components:\n"
                      "- {name: a, kind: image, version: v1, roles: [worker], ref: a.io/b:c,\n"
                      "   files: [{from: f}]}\n"
                      "- {name: b, kind: image, version: v1, roles: [worker], ref: a.io/b:c,\n"
                      "   files: [{from: f}]}\n",
         "r.yaml:10:61: a second image"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
        struct error err = ERROR_INIT;
        if (parse(*state, cases[i].text, &r, &err) >= 0)
            fail_msg("accepted:\n%s", cases[i].text);
        if (!strstr(err.text, cases[i].says) || strncmp(err.text, "r.yaml:", 7) != 0)
            fail_msg("%s\nsays: %s\nexpected: %s", cases[i].text, err.text, cases[i].says);
        assert_null(r.dir);
    }
}

static void mark_used(const struct recipe_layer *layer, bool *used)
{
    for (size_t i = 0; i < layer->count; i++)
        if (layer->entries[i].kind == RECIPE_FROM)
            used[layer->entries[i].source] = true;
}

/* What everybody builds is read in each test run, with the files that it names. */
static void reads_our_recipes(void **state)
{
    (void) state;
    static const char *const paths[] = {"images/recipes/default.yaml",
                                        "images/recipes/release.yaml"};
    for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
        CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
        struct error err = ERROR_INIT;
        bool used[64] = {false};
        if (recipe_load(paths[p], &r, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(r.component_count > 10);
        assert_true(r.source_count < ARRAY_SIZE(used));
        for (size_t i = 0; i < r.component_count; i++) {
            mark_used(&r.components[i].files, used);
            if (r.components[i].is_source)
                used[r.components[i].source] = true;
        }
        for (size_t i = 0; i < r.layer_count; i++)
            mark_used(&r.layers[i], used);
        for (size_t i = 0; i < r.source_count; i++)
            if (!used[i])
                fail_msg("%s: no component uses the source %s", paths[p], r.sources[i].name);
    }
}

/* Two ways to the same cluster: the same components, images by the same names. */
static void recipes_agree(void **state)
{
    (void) state;
    CLEANUP(recipe_release) struct recipe one = RECIPE_INIT, other = RECIPE_INIT;
    assert_int_equal(recipe_load("images/recipes/default.yaml", &one, NULL), 0);
    assert_int_equal(recipe_load("images/recipes/release.yaml", &other, NULL), 0);
    assert_string_equal(one.kubernetes, other.kubernetes);
    for (size_t i = 0; i < one.component_count; i++) {
        const struct recipe_component *c = &one.components[i], *found = NULL;
        for (size_t k = 0; k < other.component_count; k++)
            if (strcmp(other.components[k].name, c->name) == 0)
                found = &other.components[k];
        if (!found || found->kind != c->kind || found->roles != c->roles ||
            strcmp(found->version, c->version) != 0 || (c->ref && strcmp(c->ref, found->ref) != 0))
            fail_msg("%s differs", c->name);
    }
}

static void says_when_there_is_no_recipe(void **state)
{
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(*state, "none.yaml");
    assert_int_equal(recipe_load(path, &r, &err), -ENOENT);
    assert_error_has(err, "none.yaml");
}

static void announces_the_next_keys(void **state)
{
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    AUTO_SECRET_KEY file;
    AUTO_SECRET_KEY word;
    AUTO_FREE char *path = path_join(*state, "next");
    char text[PUBLIC_KEY_TEXT];
    secret_key_generate(&file);
    secret_key_generate(&word);
    assert_int_equal(secret_key_save(&file, path, NULL), 0);
    public_key_text(&word.public_key, text);
    AUTO_FREE char *recipe = xasprintf(HEAD "next_keys: [next.pub, \"%s\"]\n" SOURCES COMPONENTS,
                                       text);
    assert_int_equal(parse(*state, recipe, &r, NULL), 0);
    assert_int_equal(r.next_keys.count, 2);
    assert_true(trusted_keys_have(&r.next_keys, &file.public_key));
    assert_true(trusted_keys_have(&r.next_keys, &word.public_key));
}

static void refuses_next_keys_that_are_none(void **state)
{
    static const char *const bad[] = {"next_keys: [none.pub]\n", "next_keys: none.pub\n",
                                      "next_keys: [RWQ]\n", "next_keys: [\"\"]\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
        AUTO_FREE char *recipe = xasprintf(HEAD "%s" SOURCES COMPONENTS, bad[i]);
        assert_true(parse(*state, recipe, &r, NULL) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(reads_a_recipe),
        cmocka_folder_test(keeps_only_what_is_named),
        cmocka_folder_test(reads_short_forms),
        cmocka_folder_test(refuses_what_is_wrong),
        cmocka_unit_test(reads_our_recipes),
        cmocka_unit_test(recipes_agree),
        cmocka_folder_test(says_when_there_is_no_recipe),
        cmocka_folder_test(announces_the_next_keys),
        cmocka_folder_test(refuses_next_keys_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* type: deb — Debian packages with all that they depend on, unpacked; no maintainer script is run.
 *   suite: bookworm        has to be among the machine's own APT sources
 *   packages: [NAME, …]    or NAME=VERSION
 *   exclude: [NAME, …]     packages of the closure that are not wanted, or
 *   only: [NAME, …]        those that are
 *   drop: [PATTERN, …]     files and folders that are left out (images/drop.h)
 * or, instead of `drop`, programs alone that run on any host (images/relocate.h):
 *   relocate: /opt/bigtop/NAME     where they will be: the result has them at opt/bigtop/NAME/PATH,
 *                                  their libraries in its lib/, and the copyright files
 *   programs: [PATH, …]    paths in the packages, such as usr/sbin/haproxy
 *   files: [PATH, …]       others that go along unchanged
 * APT resolves, fetches and checks signatures, with a state of its own that says that nothing is
 * installed: the machine's packages are neither used nor changed. */
#include "images/deb-parts.h"
#include "images/drop.h"
#include "images/fields.h"
#include "images/relocate.h"
#include "images/source.h"
#include "images/walk.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define APT_TIMEOUT_MS (30 * 60 * 1000)
#define UNPACK_TIMEOUT_MS 120000
#define REPLY_MAX (1024 * 1024)
#define UNPACKED ".packages" /* in the result's folder, while programs are taken out of it */

struct deb_spec {
    const char *suite;
    struct strv packages, exclude, only, drop;
    const char *prefix; /* of `relocate`; NULL: the packages as they are */
    struct strv programs, files;
};

static void release(void *spec)
{
    struct deb_spec *s = spec;
    strv_release(&s->packages);
    strv_release(&s->exclude);
    strv_release(&s->only);
    strv_release(&s->drop);
    strv_release(&s->programs);
    strv_release(&s->files);
}

/* A package's name and perhaps "=version" (Debian policy 5.6.1 and 5.6.12), never an option. */
static bool is_package(const char *s)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    static const char version[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-~:";
    size_t len = strspn(s, name);
    if (len < 2 || strchr("+.-", s[0]))
        return false;
    if (s[len] == '=')
        return s[len + 1] && strspn(s + len + 1, version) == strlen(s + len + 1);
    return s[len] == '\0';
}

static int check_packages(const struct recipe *r, const struct yaml_node *node, const char *key,
                          const struct strv *list, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_package(list->items[i]))
            return yaml_error(&r->file, yaml_get(node, key)->items[i], err,
                              "expected the name of a Debian package");
    return 0;
}

static int check_paths(const struct recipe *r, const struct yaml_node *node, const char *key,
                       const struct strv *list, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!path_is_safe_relative(list->items[i]))
            return yaml_error(&r->file, yaml_get(node, key)->items[i], err,
                              "expected a path in a package, such as usr/sbin/haproxy");
    return 0;
}

static int load_relocation(const struct recipe *r, const struct yaml_node *node, struct deb_spec *s,
                           struct error *err)
{
    static const char *const others[] = {"programs", "files"};
    const struct yaml_file *f = &r->file;
    int e = fields_get_string(f, node, "relocate", &s->prefix, err);
    if (e < 0)
        return e;
    for (size_t i = 0; !s->prefix && i < ARRAY_SIZE(others); i++)
        if (yaml_get(node, others[i]))
            return yaml_error(f, yaml_get(node, others[i]), err,
                              "\"%s\" has no meaning without \"relocate\"", others[i]);
    if (!s->prefix)
        return 0;
    if (!relocate_is_prefix(s->prefix))
        return yaml_error(f, yaml_get(node, "relocate"), err,
                          "expected an absolute path, such as /opt/bigtop/haproxy");
    if (yaml_get(node, "drop"))
        return yaml_error(f, yaml_get(node, "drop"), err,
                          "\"drop\" has no meaning beside \"relocate\"");
    if ((e = fields_need_strings(f, node, "programs", &s->programs, err)) < 0 ||
        (e = fields_get_strings(f, node, "files", &s->files, err)) < 0 ||
        (e = check_paths(r, node, "programs", &s->programs, err)) < 0)
        return e;
    return check_paths(r, node, "files", &s->files, err);
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "suite",    "packages", "exclude", "only",
                                       "drop", "relocate", "programs", "files",   NULL};
    struct deb_spec *s = spec;
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_check(f, node, keys, err)) < 0 ||
        (e = fields_need_word(f, node, "suite", &s->suite, err)) < 0 ||
        (e = fields_need_strings(f, node, "packages", &s->packages, err)) < 0 ||
        (e = fields_get_strings(f, node, "exclude", &s->exclude, err)) < 0 ||
        (e = fields_get_strings(f, node, "only", &s->only, err)) < 0 ||
        (e = fields_get_strings(f, node, "drop", &s->drop, err)) < 0 ||
        (e = check_packages(r, node, "packages", &s->packages, err)) < 0 ||
        (e = check_packages(r, node, "exclude", &s->exclude, err)) < 0 ||
        (e = check_packages(r, node, "only", &s->only, err)) < 0)
        return e;
    if (s->exclude.count && s->only.count)
        return yaml_error(f, yaml_get(node, "only"), err,
                          "\"only\" has no meaning beside \"exclude\"");
    return load_relocation(r, node, s, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct deb_spec *s = spec;
    json_object_set_new(in, "architecture", json_string(ctx->recipe->architecture));
    json_object_set_new(in, "suite", json_string(s->suite));
    json_object_set_new(in, "packages", json_texts(&s->packages));
    json_object_set_new(in, "exclude", json_texts(&s->exclude));
    if (s->only.count)
        json_object_set_new(in, "only", json_texts(&s->only));
    json_object_set_new(in, "drop", json_texts(&s->drop));
    if (!s->prefix)
        return 0;
    AUTO_FREE char *tool = NULL;
    int r = relocate_tool(&tool, err);
    if (r < 0)
        return r;
    json_object_set_new(in, "relocate", json_string(s->prefix));
    json_object_set_new(in, "programs", json_texts(&s->programs));
    json_object_set_new(in, "files", json_texts(&s->files));
    json_object_set_new(in, "tool", json_string(tool));
    return 0;
}

/* APT, with a state of its own below the cache. */
struct apt {
    const struct source_context *ctx;
    char *root;
    struct strv options;
};

static void apt_release(struct apt *a)
{
    free(a->root);
    strv_release(&a->options);
}

static int apt_open(const struct source_context *ctx, const char *suite, struct apt *a,
                    struct error *err)
{
    static const char *const folders[] = {"state/lists/partial", "cache/archives/partial", "log"};
    a->ctx = ctx;
    a->root = path_join(ctx->cache_dir, "apt");
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *dir = path_join(a->root, folders[i]);
        int r = path_mkdir_p(dir, 0755, err);
        if (r < 0)
            return r;
    }
    AUTO_FREE char *status = path_join(a->root, "status");
    int r = file_write_atomic(status, "", 0, 0644, err);
    const char *arch = ctx->recipe->architecture;
    strv_addf(&a->options, "-oDir::State=%s/state", a->root);
    strv_addf(&a->options, "-oDir::State::status=%s", status);
    strv_addf(&a->options, "-oDir::Cache=%s/cache", a->root);
    strv_addf(&a->options, "-oDir::Log=%s/log", a->root);
    strv_addf(&a->options, "-oAPT::Architecture=%s", arch);
    strv_addf(&a->options, "-oAPT::Architectures=%s", arch);
    strv_addf(&a->options, "-oAPT::Default-Release=/^%s(-security|-updates)?$/", suite);
    static const char *const fixed[] = {
        "-oAPT::Sandbox::User=root",    "-oAcquire::ForceHash=sha256", "-oAcquire::Languages=none",
        "-oAPT::Install-Recommends=no", "-oAPT::Install-Suggests=no",  NULL};
    strv_add_all(&a->options, fixed);
    return r;
}

static int apt_get(struct apt *a, const char *const *command, const struct strv *packages,
                   struct strbuf *out, struct error *err)
{
    STRV(argv);
    strv_add(&argv, "apt-get");
    strv_add_all(&argv, (const char *const *) a->options.items);
    strv_add_all(&argv, command);
    if (packages) {
        strv_add(&argv, "--");
        strv_add_all(&argv, (const char *const *) packages->items);
    }
    const struct process_options opts = {.out = out,
                                         .timeout_ms = APT_TIMEOUT_MS,
                                         .cancel = a->ctx->cancel,
                                         .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    return r == -EREMOTEIO
               ? error_remedy(err,
                              "are the machine's APT sources reachable? apt-get update shows it")
               : r;
}

static int check_suite(struct apt *a, const char *suite, struct error *err)
{
    static const char *const targets[] = {"indextargets", "--format", "$(CODENAME)", NULL};
    STRBUF(out, REPLY_MAX);
    int r = apt_get(a, targets, NULL, &out, err);
    if (r < 0)
        return r;
    STRV(names);
    strv_split(&names, out.data, '\n');
    if (strv_contains(&names, suite))
        return 0;
    error_set(err, -ENOENT, "the machine's APT sources do not have Debian %s", suite);
    return error_remedy(err, "add Debian %s to the APT sources, or build on Debian %s", suite,
                        suite);
}

/* One line of --print-uris: 'URI' file size SHA256:hex */
struct package {
    char *file; /* in the archives folder */
    char digest[DIGEST_SIZE];
};

static bool parse_package(const char *line, struct package *out)
{
    STRV(words);
    strv_split(&words, line, ' ');
    if (words.count != 4 || words.items[0][0] != '\'' || strchr(words.items[1], '/') ||
        strncmp(words.items[3], "SHA256:", 7) != 0)
        return false;
    STRBUF(digest, DIGEST_SIZE);
    strbuf_addf(&digest, "sha256:%s", words.items[3] + 7);
    if (!digest_is_valid(digest.data))
        return false;
    memcpy(out->digest, digest.data, DIGEST_SIZE);
    out->file = xstrdup(words.items[1]);
    return true;
}

static int unpack(struct apt *a, const struct package *p, const char *dir, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/cache/archives/%s", a->root, p->file);
    char digest[DIGEST_SIZE];
    int r = digest_file(path, digest, NULL, err);
    if (r < 0)
        return r;
    if (strcmp(digest, p->digest) != 0)
        return error_set(err, -EBADMSG, "%s is %s, APT announced %s", path, digest, p->digest);
    const char *const argv[] = {"dpkg-deb", "--extract", path, dir, NULL};
    const struct process_options opts = {
        .timeout_ms = UNPACK_TIMEOUT_MS, .cancel = a->ctx->cancel, .die_with_parent = true};
    return process_run(argv, &opts, NULL, err);
}

/* "name_version_arch.deb" → about.packages.name = {version, sha256} */
static void describe(const struct package *p, const char *name, json_t *packages)
{
    STRV(parts);
    strv_split(&parts, p->file, '_');
    const char *version = parts.count > 1 ? parts.items[1] : "";
    const char *colon = strstr(version, "%3a"); /* an epoch */
    json_t *text = colon ? json_sprintf("%.*s:%s", (int) (colon - version), version, colon + 3)
                         : json_string(version);
    json_object_set_new(packages, name,
                        json_pack("{s:o, s:s}", "version", text, "digest", p->digest));
}

static bool is_wanted(const struct deb_spec *s, const char *name)
{
    return !strv_contains(&s->exclude, name) && (!s->only.count || strv_contains(&s->only, name));
}

static int take_package(struct apt *a, const struct deb_spec *s, const char *line, const char *dir,
                        json_t *packages, struct error *err)
{
    struct package p = {0};
    if (!parse_package(line, &p))
        return error_set(err, -EBADMSG, "apt-get said something unexpected: %s", line);
    AUTO_FREE char *file = p.file;
    AUTO_FREE char *name = xstrndup(file, strcspn(file, "_"));
    if (!is_wanted(s, name))
        return 0;
    source_progress(a->ctx, "unpacking %s", name);
    describe(&p, name, packages);
    if (!s->prefix)
        return unpack(a, &p, dir, err);
    AUTO_FREE char *own = xasprintf("%s/" UNPACKED "/%s", dir, name);
    int r = path_mkdir_p(own, 0755, err);
    return r < 0 ? r : unpack(a, &p, own, err);
}

/* Leaves only the programs, and of the packages only those that something was taken from. */
static int take_programs(const struct source_context *ctx, const struct deb_spec *s,
                         const char *dir, json_t *packages, struct error *err)
{
    AUTO_FREE char *unpacked = path_join(dir, UNPACKED);
    const struct relocation relocation = {.packages = unpacked,
                                          .prefix = s->prefix,
                                          .programs = &s->programs,
                                          .files = &s->files,
                                          .cancel = ctx->cancel};
    STRV(used);
    source_progress(ctx, "relocating to %s", s->prefix);
    int r = relocate(&relocation, dir, &used, err);
    if (r < 0)
        return r;
    const char *name;
    json_t *package;
    void *next;
    json_object_foreach_safe(packages, next, name, package)
    {
        if (!strv_contains(&used, name))
            json_object_del(packages, name);
    }
    return path_remove_tree(unpacked, err);
}

static int fetch(struct apt *a, const struct deb_spec *s, struct strbuf *uris, struct error *err)
{
    static const char *const update[] = {"-q", "update", NULL};
    static const char *const print[] = {"-qq", "-y", "--print-uris", "install", NULL};
    static const char *const get[] = {"-qq", "-y", "--download-only", "install", NULL};
    int r;
    source_progress(a->ctx, "apt-get update");
    if ((r = apt_get(a, update, NULL, NULL, err)) < 0 || (r = check_suite(a, s->suite, err)) < 0)
        return r;
    /* What is there already is not printed: the list has to be whole. */
    static const char *const clean[] = {"clean", NULL};
    if ((r = apt_get(a, clean, NULL, NULL, err)) < 0 ||
        (r = apt_get(a, print, &s->packages, uris, err)) < 0)
        return r;
    source_progress(a->ctx, "fetching packages");
    return apt_get(a, get, &s->packages, NULL, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct deb_spec *s = spec;
    CLEANUP(apt_release) struct apt a = {0};
    STRBUF(uris, REPLY_MAX);
    int r;
    if ((r = apt_open(ctx, s->suite, &a, err)) < 0 || (r = fetch(&a, s, &uris, err)) < 0)
        return r;
    json_t *packages = json_object();
    json_object_set_new(about, "type", json_string("deb"));
    json_object_set_new(about, "suite", json_string(s->suite));
    json_object_set_new(about, "packages", packages);
    STRV(lines);
    strv_split(&lines, uris.data, '\n');
    for (size_t i = 0; i < lines.count; i++)
        if ((r = take_package(&a, s, lines.items[i], dir, packages, err)) < 0)
            return r;
    if (lines.count == 0)
        return error_set(err, -ENODATA, "APT gave no packages");
    return s->prefix ? take_programs(ctx, s, dir, packages, err)
                     : drop_matching(dir, &s->drop, err);
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) ctx;
    const struct deb_spec *s = spec;
    AUTO_FREE char *root = path_join(result->dir, s->prefix ? s->prefix + 1 : "");
    const char *name;
    json_t *package;
    int r = 0;
    json_object_foreach(json_object_get(result->about, "packages"), name, package) {
        const struct part part = {.name = name,
                                  .version = json_get_string(package, "version", ""),
                                  .digest = json_get_string(package, "digest", NULL)};
        if (r == 0)
            r = deb_parts_add(out, root, &part, s->suite, err);
    }
    return r;
}

const struct source_type source_deb = {.name = "deb",
                                       .main_key = "packages",
                                       .spec_size = sizeof(struct deb_spec),
                                       .load = load,
                                       .release = release,
                                       .inputs = inputs,
                                       .produce = produce,
                                       .parts = parts};

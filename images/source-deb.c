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
 * How packages are got: images/apt.h. */
#include "images/apt.h"
#include "images/deb-parts.h"
#include "images/drop.h"
#include "images/fields.h"
#include "images/relocate.h"
#include "images/source.h"
#include "images/walk.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define UNPACK_TIMEOUT_MS 120000
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

static int check_packages(const struct recipe *r, const struct yaml_node *node, const char *key,
                          const struct strv *list, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!apt_is_package(list->items[i]))
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

static int unpack(const struct source_context *ctx, const char *path, const char *dir,
                  struct error *err)
{
    const char *const argv[] = {"dpkg-deb", "--extract", path, dir, NULL};
    const struct process_options opts = {
        .timeout_ms = UNPACK_TIMEOUT_MS, .cancel = ctx->cancel, .die_with_parent = true};
    return process_run(argv, &opts, NULL, err);
}

static bool is_wanted(const struct deb_spec *s, const char *name)
{
    return !strv_contains(&s->exclude, name) && (!s->only.count || strv_contains(&s->only, name));
}

static int take_package(const struct source_context *ctx, const struct deb_spec *s,
                        const struct apt_package *p, const char *dir, json_t *packages,
                        struct error *err)
{
    if (!is_wanted(s, p->name))
        return 0;
    source_progress(ctx, "unpacking %s", p->name);
    json_object_set_new(packages, p->name,
                        json_pack("{s:s, s:s}", "version", p->version, "digest", p->digest));
    if (!s->prefix)
        return unpack(ctx, p->path, dir, err);
    AUTO_FREE char *own = xasprintf("%s/" UNPACKED "/%s", dir, p->name);
    int r = path_mkdir_p(own, 0755, err);
    return r < 0 ? r : unpack(ctx, p->path, own, err);
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

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct deb_spec *s = spec;
    const struct apt_request request = {.cache_dir = ctx->cache_dir,
                                        .architecture = ctx->recipe->architecture,
                                        .suite = s->suite,
                                        .packages = &s->packages,
                                        .cancel = ctx->cancel,
                                        .progress = ctx->progress,
                                        .userdata = ctx->userdata};
    AUTO_APT_PACKAGES found = {0};
    int r;
    if ((r = apt_resolve(&request, &found, err)) < 0 ||
        (r = apt_download(&request, &found, err)) < 0)
        return r;
    json_t *packages = json_object();
    json_object_set_new(about, "type", json_string("deb"));
    json_object_set_new(about, "suite", json_string(s->suite));
    json_object_set_new(about, "packages", packages);
    for (size_t i = 0; i < found.count; i++)
        if ((r = take_package(ctx, s, &found.items[i], dir, packages, err)) < 0)
            return r;
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

/* type: go-files — files that lie in a Go module's zip, as upstream has them.
 *   module: PATH@VERSION, sum: "h1:…"
 *   files: [manifests/x.yaml, …]   in the module; they come to lie side by side in one folder */
#include "images/fields.h"
#include "images/go-parts.h"
#include "images/gomod.h"
#include "images/source.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct go_files_spec {
    const char *module, *sum;
    struct strv files;
};

static void release(void *spec)
{
    struct go_files_spec *s = spec;
    strv_release(&s->files);
}

static int check_files(const struct recipe *r, const struct yaml_node *list,
                       const struct strv *files, struct error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        if (!path_is_safe_relative(files->items[i]))
            return yaml_error(&r->file, list->items[i], err, "expected a path inside the module");
        for (size_t k = 0; k < i; k++)
            if (strcmp(path_basename(files->items[i]), path_basename(files->items[k])) == 0)
                return yaml_error(&r->file, list->items[i], err, "a second file \"%s\"",
                                  path_basename(files->items[i]));
    }
    return 0;
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "module", "sum", "files", NULL};
    struct go_files_spec *s = spec;
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_check(f, node, keys, err)) < 0 ||
        (e = fields_need_string(f, node, "module", &s->module, err)) < 0 ||
        (e = fields_need_string(f, node, "sum", &s->sum, err)) < 0 ||
        (e = fields_need_strings(f, node, "files", &s->files, err)) < 0)
        return e;
    if (!strchr(s->module, '@') || !path_is_safe_relative(s->module))
        return yaml_error(f, yaml_get(node, "module"), err, "expected PATH@VERSION");
    return check_files(r, yaml_get(node, "files"), &s->files, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    (void) ctx;
    (void) err;
    const struct go_files_spec *s = spec;
    json_object_set_new(in, "module", json_string(s->module));
    json_object_set_new(in, "sum", json_string(s->sum));
    json_object_set_new(in, "files", json_texts(&s->files));
    return 0;
}

static int copy_one(const char *module_dir, const char *file, const char *dir, struct error *err)
{
    AUTO_FREE char *from = path_join(module_dir, file);
    AUTO_FREE char *to = path_join(dir, path_basename(file));
    struct stat st;
    if (lstat(from, &st) < 0)
        return error_errno(err, -errno, "%s", from);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s is not a file", from);
    return file_copy(from, to, 0644, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct go_files_spec *s = spec;
    AUTO_FREE char *module_dir = NULL;
    int r = gomod_fetch(ctx, s->module, s->sum, &module_dir, err);
    for (size_t i = 0; r == 0 && i < s->files.count; i++)
        r = copy_one(module_dir, s->files.items[i], dir, err);
    json_object_set_new(about, "type", json_string("go-files"));
    json_object_set_new(about, "module", json_string(s->module));
    return r;
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) result;
    const struct go_files_spec *s = spec;
    AUTO_FREE char *dir = NULL;
    int r = gomod_fetch(ctx, s->module, s->sum, &dir, err);
    return r < 0 ? r : go_parts_add(out, s->module, dir, s->sum, err);
}

const struct source_type source_go_files = {.name = "go-files",
                                            .main_key = "files",
                                            .spec_size = sizeof(struct go_files_spec),
                                            .load = load,
                                            .release = release,
                                            .inputs = inputs,
                                            .produce = produce,
                                            .parts = parts};

/* type: c — one program from C files, linked statically.
 *   path: ../x.c         relative to the recipe's folder; ".." is possible here. Or, of several
 *                        files with headers of their own:
 *   tree: ../..          relative to the recipe's folder; where their includes begin
 *   files: [a/x.c, …]    in it. Or, of a file that lies in a Go module's zip:
 *   module: PATH@VERSION, sum: "h1:…"
 *   file: build/x.c      in the module
 *   program: NAME
 *   define: {NAME: VALUE}
 *   libraries: [libc.a] */
#include "images/compiler.h"
#include "images/fields.h"
#include "images/go-parts.h"
#include "images/gomod.h"
#include "images/source.h"
#include "lib/digest.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define COMPILE_TIMEOUT_MS 120000
#define PREPROCESSED_MAX (64 * 1024 * 1024)

static const char *const base_flags[] = {
    "-Os", "-Wall", "-static", "-s", "-Wl,--build-id=none", "-fno-ident", NULL};
/* Of files that others need as well, what this program does not call is left out. */
static const char *const tree_flags[] = {"-I.", "-ffunction-sections", "-fdata-sections",
                                         "-Wl,--gc-sections", NULL};

struct c_spec {
    char *path;        /* of one file, or */
    char *tree;        /* of several; NULL both: of a module */
    struct strv files; /* in the tree */
    const char *module, *sum, *file, *program;
    struct strv define; /* NAME=VALUE */
    struct strv libraries;
};

static void release(void *spec)
{
    struct c_spec *s = spec;
    strv_release(&s->define);
    strv_release(&s->libraries);
    strv_release(&s->files);
    free(s->path);
    free(s->tree);
}

static int load_define(const struct recipe *r, const struct yaml_node *node, struct c_spec *s,
                       struct error *err)
{
    const struct yaml_node *map = yaml_get(node, "define");
    int e = map ? fields_kind(&r->file, map, YAML_MAPPING, err) : 0;
    for (size_t i = 0; e == 0 && map && i < map->count; i++) {
        const char *value;
        e = fields_need_string(&r->file, map, map->keys[i], &value, err);
        if (e == 0)
            strv_addf(&s->define, "%s=%s", map->keys[i], value);
    }
    return e;
}

static int load_module(const struct recipe *r, const struct yaml_node *node, struct c_spec *s,
                       struct error *err)
{
    const struct yaml_file *f = &r->file;
    int e;
    s->file = "";
    if (!r->toolchain)
        return yaml_error(f, node, err, "a Go module needs a \"toolchain\" in the recipe");
    if ((e = fields_need_string(f, node, "module", &s->module, err)) < 0 ||
        (e = fields_need_string(f, node, "sum", &s->sum, err)) < 0 ||
        (e = fields_get_path(f, node, "file", &s->file, err)) < 0)
        return e;
    if (!strchr(s->module, '@') || !path_is_safe_relative(s->module))
        return yaml_error(f, yaml_get(node, "module"), err, "expected PATH@VERSION");
    return *s->file ? 0 : yaml_error(f, node, err, "\"file\" is missing here");
}

/* Nothing that says where else the program would be from. */
static int check_only(const struct recipe *r, const struct yaml_node *node, const char *way,
                      const char *const *others, struct error *err)
{
    for (; *others; others++)
        if (yaml_get(node, *others))
            return yaml_error(&r->file, yaml_get(node, *others), err,
                              "a program by its \"%s\" has no \"%s\"", way, *others);
    return 0;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static char *beside_recipe(const struct recipe *r, const char *path)
{
    return *path == '/' ? xstrdup(path) : path_join(r->dir, path);
}

static int load_path(const struct recipe *r, const struct yaml_node *node, struct c_spec *s,
                     struct error *err)
{
    static const char *const others[] = {"tree", "files", "module", "sum", "file", NULL};
    const char *path;
    int e;
    if ((e = check_only(r, node, "path", others, err)) < 0 ||
        (e = fields_need_string(&r->file, node, "path", &path, err)) < 0)
        return e;
    s->path = beside_recipe(r, path);
    s->file = path_basename(s->path);
    return is_file(s->path)
               ? 0
               : yaml_error(&r->file, yaml_get(node, "path"), err, "%s is no file", s->path);
}

static int load_tree(const struct recipe *r, const struct yaml_node *node, struct c_spec *s,
                     struct error *err)
{
    static const char *const others[] = {"module", "sum", "file", NULL};
    const char *tree;
    int e;
    if ((e = check_only(r, node, "tree", others, err)) < 0 ||
        (e = fields_need_string(&r->file, node, "tree", &tree, err)) < 0 ||
        (e = fields_need_strings(&r->file, node, "files", &s->files, err)) < 0)
        return e;
    s->tree = beside_recipe(r, tree);
    s->file = s->files.items[0];
    for (size_t i = 0; i < s->files.count; i++) {
        AUTO_FREE char *path = path_join(s->tree, s->files.items[i]);
        if (!path_is_safe_relative(s->files.items[i]) || !is_file(path))
            return yaml_error(&r->file, yaml_get(node, "files")->items[i], err,
                              "%s is no file of the tree", s->files.items[i]);
    }
    return 0;
}

static int load_origin(const struct recipe *r, const struct yaml_node *node, struct c_spec *s,
                       struct error *err)
{
    if (yaml_get(node, "path"))
        return load_path(r, node, s, err);
    return yaml_get(node, "tree") ? load_tree(r, node, s, err) : load_module(r, node, s, err);
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "path",    "tree",   "files",     "module", "sum",
                                       "file", "program", "define", "libraries", NULL};
    struct c_spec *s = spec;
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_check(f, node, keys, err)) < 0 ||
        (e = fields_need_word(f, node, "program", &s->program, err)) < 0 ||
        (e = fields_get_strings(f, node, "libraries", &s->libraries, err)) < 0 ||
        (e = load_origin(r, node, s, err)) < 0)
        return e;
    return load_define(r, node, s, err);
}

static void add_flags(const struct c_spec *s, struct strv *argv)
{
    strv_add_all(argv, base_flags);
    for (size_t i = 0; i < s->define.count; i++)
        strv_addf(argv, "-D%s", s->define.items[i]);
    if (s->tree)
        strv_add_all(argv, tree_flags);
}

/* Headers count as well: what the compiler sees is the input. */
static int digest_tree(const struct source_context *ctx, const struct c_spec *s,
                       char out[DIGEST_SIZE], struct error *err)
{
    STRV(argv);
    STRBUF(text, PREPROCESSED_MAX);
    strv_add(&argv, COMPILER);
    add_flags(s, &argv);
    static const char *const rest[] = {"-E", "-P", NULL};
    strv_add_all(&argv, rest);
    strv_add_all(&argv, (const char *const *) s->files.items);
    const struct process_options opts = {.cwd = s->tree,
                                         .out = &text,
                                         .timeout_ms = COMPILE_TIMEOUT_MS,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    if (r < 0)
        return r;
    if (strbuf_full(&text))
        return error_set(err, -E2BIG, "%s and what it includes are too long", s->file);
    digest_buffer(text.data, text.len, out);
    return 0;
}

/* Of what is no module's. */
static int digest_own(const struct source_context *ctx, const struct c_spec *s,
                      char out[DIGEST_SIZE], struct error *err)
{
    return s->path ? digest_file(s->path, out, NULL, err) : digest_tree(ctx, s, out, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct c_spec *s = spec;
    STRV(flags);
    add_flags(s, &flags);
    AUTO_FREE char *joined = strv_join(&flags, " ");
    char digest[DIGEST_SIZE];
    int r = s->module ? 0 : digest_own(ctx, s, digest, err);
    if (r < 0)
        return r;
    json_object_set_new(in, "architecture", json_string(ctx->recipe->architecture));
    if (s->module) {
        json_object_set_new(in, "module", json_string(s->module));
        json_object_set_new(in, "sum", json_string(s->sum));
    } else {
        json_object_set_new(in, "digest", json_string(digest));
    }
    json_object_set_new(in, "file", json_string(s->file));
    json_object_set_new(in, "program", json_string(s->program));
    json_object_set_new(in, "flags", json_string(joined));
    return compiler_inputs(&s->libraries, in, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct c_spec *s = spec;
    AUTO_FREE char *source_dir = NULL;
    if (!s->module)
        source_dir = s->path ? path_dirname(s->path) : xstrdup(s->tree);
    int r = s->module ? gomod_fetch(ctx, s->module, s->sum, &source_dir, err) : 0;
    if (r < 0)
        return r;
    AUTO_FREE char *out = path_join(dir, s->program);
    STRV(argv);
    strv_add(&argv, COMPILER);
    add_flags(s, &argv);
    const char *const rest[] = {"-o", out, s->tree ? NULL : s->file, NULL};
    strv_add_all(&argv, rest);
    if (s->tree)
        strv_add_all(&argv, (const char *const *) s->files.items);
    /* Compiled from inside their folder: no path of this machine gets into the program. */
    const struct process_options opts = {.cwd = source_dir,
                                         .timeout_ms = COMPILE_TIMEOUT_MS,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    json_object_set_new(about, "type", json_string("c"));
    if (s->module)
        json_object_set_new(about, "module", json_string(s->module));
    json_object_set_new(about, "file", json_string(s->file));
    return process_runv(&argv, &opts, NULL, err);
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) result;
    const struct c_spec *s = spec;
    AUTO_FREE char *dir = NULL;
    int r;
    if (!s->module) {
        const struct part own = {.name = s->program};
        parts_add(out, &own);
        return compiler_parts(&s->libraries, out, err);
    }
    if ((r = gomod_fetch(ctx, s->module, s->sum, &dir, err)) < 0 ||
        (r = go_parts_add(out, s->module, dir, s->sum, err)) < 0)
        return r;
    return compiler_parts(&s->libraries, out, err);
}

const struct source_type source_c = {.name = "c",
                                     .main_key = "file",
                                     .spec_size = sizeof(struct c_spec),
                                     .load = load,
                                     .release = release,
                                     .inputs = inputs,
                                     .produce = produce,
                                     .parts = parts};

/* type: go — programs of Go modules.
 *   module: go/NAME            folder beside the recipe with go.mod and go.sum, and programs of
 *                              ours when its go.mod requires all that they are made of
 *   programs: {NAME: PACKAGE}  the file's name and its main package
 *   set: {VARIABLE: VALUE}     string variables set by the linker (-X)
 *   tags: [TAG, …]
 *   cgo: false                 true: linked statically, with the C compiler and `libraries`
 *   libraries: [libNAME.a, …] */
#include "images/compiler.h"
#include "images/fields.h"
#include "images/go-parts.h"
#include "images/gomod.h"
#include "images/source.h"
#include "images/walk.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS_VERSION 1 /* counted up when what follows from a recipe changes */
#define PACKAGES_MAX (4 * 1024 * 1024)
#define MODULE_FILE_MAX (8 * 1024 * 1024)

struct go_spec {
    char *module_dir;
    struct strv names, packages; /* in parallel */
    struct strv set;             /* VARIABLE=VALUE */
    struct strv tags, libraries;
    bool cgo;
};

static void release(void *spec)
{
    struct go_spec *s = spec;
    free(s->module_dir);
    strv_release(&s->names);
    strv_release(&s->packages);
    strv_release(&s->set);
    strv_release(&s->tags);
    strv_release(&s->libraries);
}

/* What go.mod and the linker's flags may hold without quoting. */
static bool is_go_word(const char *s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~:/-";
    return *s && *s != '-' && strspn(s, allowed) == strlen(s);
}

static int load_programs(const struct recipe *r, const struct yaml_node *node, struct go_spec *s,
                         struct error *err)
{
    const struct yaml_node *map;
    int e;
    if ((e = fields_need(&r->file, node, "programs", &map, err)) < 0 ||
        (e = fields_kind(&r->file, map, YAML_MAPPING, err)) < 0)
        return e;
    for (size_t i = 0; i < map->count; i++) {
        const char *package;
        if (!fields_is_word(map->keys[i]))
            return yaml_error_key(&r->file, map, i, err, "a program's name has to be a word");
        if ((e = fields_need_string(&r->file, map, map->keys[i], &package, err)) < 0)
            return e;
        if (!is_go_word(package))
            return yaml_error(&r->file, map->items[i], err, "expected the path of a Go package");
        strv_add(&s->names, map->keys[i]);
        strv_add(&s->packages, package);
    }
    return map->count ? 0 : yaml_error(&r->file, map, err, "no programs here");
}

static int load_set(const struct recipe *r, const struct yaml_node *node, struct go_spec *s,
                    struct error *err)
{
    const struct yaml_node *map = yaml_get(node, "set");
    int e = map ? fields_kind(&r->file, map, YAML_MAPPING, err) : 0;
    for (size_t i = 0; e == 0 && map && i < map->count; i++) {
        const char *value;
        e = fields_need_string(&r->file, map, map->keys[i], &value, err);
        if (e == 0 && (!is_go_word(map->keys[i]) || !is_go_word(value)))
            e = yaml_error_key(&r->file, map, i, err,
                               "a variable and its value are words of letters, digits, ._+~:/-");
        if (e == 0)
            strv_addf(&s->set, "%s=%s", map->keys[i], value);
    }
    return e;
}

static int load_words(const struct recipe *r, const struct yaml_node *node, const char *key,
                      struct strv *out, struct error *err)
{
    int e = fields_get_strings(&r->file, node, key, out, err);
    for (size_t i = 0; e == 0 && i < out->count; i++)
        if (!fields_is_word(out->items[i]))
            e = yaml_error(&r->file, yaml_get(node, key)->items[i], err, "expected a word");
    return e;
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "module", "programs",  "set",
                                       "tags", "cgo",    "libraries", NULL};
    struct go_spec *s = spec;
    const char *module = "";
    int e;
    if ((e = fields_check(&r->file, node, keys, err)) < 0)
        return e;
    if (!r->toolchain)
        return yaml_error(&r->file, node, err, "Go programs need a \"toolchain\" in the recipe");
    if ((e = fields_get_path(&r->file, node, "module", &module, err)) < 0 ||
        (e = load_programs(r, node, s, err)) < 0 || (e = load_set(r, node, s, err)) < 0 ||
        (e = load_words(r, node, "tags", &s->tags, err)) < 0 ||
        (e = load_words(r, node, "libraries", &s->libraries, err)) < 0)
        return e;
    s->module_dir = path_join(r->dir, module);
    AUTO_FREE char *sum = path_join(s->module_dir, "go.sum");
    if (access(sum, R_OK) < 0)
        return yaml_error(&r->file, yaml_get(node, "module") ? yaml_get(node, "module") : node, err,
                          "there is no go.mod with a go.sum in %s", s->module_dir);
    const struct yaml_node *cgo = yaml_get(node, "cgo");
    return cgo ? yaml_bool(&r->file, cgo, &s->cgo, err) : 0;
}

/* Of a module's folder: what it requires, and programs of ours. */
static int set_file_hash(void *inputs, const char *path, const char *full, const struct stat *st,
                         struct error *err)
{
    const char *suffix = strrchr(path, '.');
    if (!S_ISREG(st->st_mode) || !suffix ||
        (strcmp(suffix, ".go") != 0 && strcmp(path, "go.mod") != 0 && strcmp(path, "go.sum") != 0))
        return 0;
    char digest[DIGEST_SIZE];
    int r = digest_file(full, digest, NULL, err);
    if (r == 0)
        json_object_set_new(inputs, path, json_string(digest));
    return r;
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct go_spec *s = spec;
    json_object_set_new(in, "flags", json_integer(FLAGS_VERSION));
    json_object_set_new(in, "architecture", json_string(ctx->recipe->architecture));
    json_object_set_new(in, "toolchain", json_string(ctx->recipe->toolchain_sum));
    json_object_set_new(in, "names", json_texts(&s->names));
    json_object_set_new(in, "packages", json_texts(&s->packages));
    json_object_set_new(in, "set", json_texts(&s->set));
    json_object_set_new(in, "tags", json_texts(&s->tags));
    json_object_set_new(in, "cgo", json_boolean(s->cgo));
    int r = walk(s->module_dir, set_file_hash, in, err);
    if (r < 0)
        return r;
    return s->cgo ? compiler_inputs(&s->libraries, in, err) : 0;
}

/* Go calls a program after its package's last element, leaving out a major version. */
static char *go_name(const char *package)
{
    const char *end = package + strlen(package);
    const char *last = strrchr(package, '/');
    if (last && last[1] == 'v' && last[2] && strspn(last + 2, "0123456789") == strlen(last + 2)) {
        end = last;
        while (last > package && last[-1] != '/')
            last--;
    } else {
        last = last ? last + 1 : package;
    }
    return xstrndup(last, (size_t) (end - last));
}

struct compile {
    const struct source_context *ctx;
    size_t done, total;
};

static void on_compiled(void *userdata, bool is_stderr, const char *line)
{
    struct compile *c = userdata;
    if (!is_stderr || strncmp(line, "go: ", 4) == 0 || *line == '#' || *line == ' ')
        return;
    c->done++;
    source_progress(c->ctx, "compiled %zu of at most %zu packages: %s", c->done, c->total, line);
}

static void go_environment(const struct source_context *ctx, const struct go_spec *s,
                           const char *go, struct strv *env)
{
    gomod_env(ctx, go, env);
    strv_add(env, "GOFLAGS=-mod=readonly -modcacherw");
    strv_addf(env, "CGO_ENABLED=%d", s->cgo);
}

/* How many packages there are: for the progress only, and it fetches the modules on the way. */
static int count_packages(const struct source_context *ctx, const struct go_spec *s, const char *go,
                          const struct strv *env, struct compile *c, struct error *err)
{
    STRV(argv);
    const char *const list[] = {go, "list", "-deps", "-tags", NULL};
    strv_add_all(&argv, list);
    AUTO_FREE char *tags = strv_join(&s->tags, ",");
    strv_add(&argv, tags);
    strv_add(&argv, "--");
    strv_add_all(&argv, (const char *const *) s->packages.items);
    STRBUF(out, PACKAGES_MAX);
    const struct process_options opts = {.env = (const char *const *) env->items,
                                         .cwd = s->module_dir,
                                         .out = &out,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    source_progress(ctx, "fetching modules");
    int r = process_runv(&argv, &opts, NULL, err);
    for (size_t i = 0; i < out.len; i++)
        c->total += out.data[i] == '\n';
    return r == -EREMOTEIO ? error_remedy(err, "the Go module proxy has to be reachable (GOPROXY)")
                           : r;
}

static char *linker_flags(const struct go_spec *s)
{
    STRBUF(flags, 64 * 1024);
    strbuf_adds(&flags, "-s -w -buildid=");
    if (s->cgo)
        strbuf_adds(&flags, " -linkmode external -extldflags \"-static -Wl,--build-id=none\"");
    for (size_t i = 0; i < s->set.count; i++)
        strbuf_addf(&flags, " -X %s", s->set.items[i]);
    return strbuf_steal(&flags);
}

static int compile(const struct source_context *ctx, const struct go_spec *s, const char *go,
                   const char *out_dir, struct error *err)
{
    STRV(env);
    go_environment(ctx, s, go, &env);
    struct compile c = {.ctx = ctx};
    int r = count_packages(ctx, s, go, &env, &c, err);
    if (r < 0)
        return r;
    AUTO_FREE char *flags = linker_flags(s);
    AUTO_FREE char *tags = strv_join(&s->tags, ",");
    STRV(argv);
    const char *const build[] = {
        go,      "build", "-v",       "-p",  "2",  "-trimpath", "-buildvcs=false",
        "-tags", tags,    "-ldflags", flags, "-o", NULL};
    strv_add_all(&argv, build);
    strv_addf(&argv, "%s/", out_dir);
    strv_add(&argv, "--");
    strv_add_all(&argv, (const char *const *) s->packages.items);
    const struct process_options opts = {.env = (const char *const *) env.items,
                                         .cwd = s->module_dir,
                                         .on_line = on_compiled,
                                         .userdata = &c,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    source_progress(ctx, "compiling and linking, at most %zu packages", c.total);
    return process_runv(&argv, &opts, NULL, err);
}

static int rename_programs(const struct go_spec *s, const char *dir, struct error *err)
{
    for (size_t i = 0; i < s->names.count; i++) {
        AUTO_FREE char *made = go_name(s->packages.items[i]);
        AUTO_FREE char *from = path_join(dir, made);
        AUTO_FREE char *to = path_join(dir, s->names.items[i]);
        if (strcmp(from, to) != 0 && rename(from, to) < 0)
            return error_errno(err, -errno, "rename %s", from);
        if (chmod(to, 0755) < 0)
            return error_errno(err, -errno, "chmod %s", to);
    }
    return 0;
}

static bool is_package_of(const char *package, const char *module)
{
    size_t len = strlen(module);
    return len > 0 && strncmp(package, module, len) == 0 && strchr("/", package[len]);
}

static bool has_package(const struct go_spec *s, const char *module)
{
    for (size_t i = 0; i < s->packages.count; i++)
        if (is_package_of(s->packages.items[i], module))
            return true;
    return false;
}

/* The required modules of go.mod that programs come from, for people; of a program of ours what it
 * requires itself. */
static int describe(const struct go_spec *s, json_t *about, struct error *err)
{
    AUTO_FREE char *path = path_join(s->module_dir, "go.mod");
    STRBUF(text, MODULE_FILE_MAX);
    int r = file_read(path, &text, err);
    if (r < 0)
        return r;
    json_t *modules = json_array();
    json_object_set_new(about, "modules", modules);
    STRV(lines);
    strv_split(&lines, text.data, '\n');
    bool ours = false;
    for (size_t i = 0; i < lines.count; i++) {
        STRV(words);
        strv_split(&words, lines.items[i] + strspn(lines.items[i], "\t "), ' ');
        const char *first = words.count > 1 ? words.items[0] : "";
        if (strcmp(first, "module") == 0)
            ours = has_package(s, words.items[1]);
        size_t at = strcmp(first, "require") == 0 ? 1 : 0;
        if (words.count < at + 2 || words.items[at + 1][0] != 'v')
            continue;
        const char *module = words.items[at];
        bool is_direct = words.count == at + 2;
        if (has_package(s, module) || (ours && is_direct))
            json_array_append_new(modules, json_sprintf("%s@%s", module, words.items[at + 1]));
    }
    return 0;
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct go_spec *s = spec;
    AUTO_FREE char *go = NULL;
    int r;
    if ((r = gomod_toolchain(ctx, &go, err)) < 0 || (r = compile(ctx, s, go, dir, err)) < 0 ||
        (r = rename_programs(s, dir, err)) < 0)
        return r;
    json_object_set_new(about, "type", json_string("go"));
    json_object_set_new(about, "compiler", json_string(ctx->recipe->toolchain));
    return describe(s, about, err);
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    const struct go_spec *s = spec;
    int r = go_parts_of_programs(ctx, result->dir, out, err);
    return r < 0 ? r : compiler_parts(&s->libraries, out, err);
}

const struct source_type source_go = {.name = "go",
                                      .main_key = "module",
                                      .spec_size = sizeof(struct go_spec),
                                      .load = load,
                                      .release = release,
                                      .inputs = inputs,
                                      .produce = produce,
                                      .parts = parts};

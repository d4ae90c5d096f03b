#include "images/relocate.h"

#include "images/walk.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define TOOL "patchelf"
#define TOOL_TIMEOUT_MS 60000
#define REPLY_MAX (64 * 1024)
#define LIBRARIES_MAX 500
#define PREFIX_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"
#define DOC "usr/share/doc"

struct moving {
    const struct relocation *r;
    char *root;         /* to/PREFIX */
    struct strv wanted; /* names of libraries, each once */
    struct strv *used;
};

static void moving_release(struct moving *m)
{
    free(m->root);
    strv_release(&m->wanted);
}

static void add_once(struct strv *v, const char *text)
{
    if (!strv_contains(v, text))
        strv_add(v, text);
}

static int ask(const struct moving *m, const char *question, const char *file, struct strv *lines,
               struct error *err)
{
    STRBUF(out, REPLY_MAX);
    const char *const argv[] = {TOOL, question, file, NULL};
    const struct process_options opts = {.out = &out,
                                         .timeout_ms = TOOL_TIMEOUT_MS,
                                         .cancel = m->r->cancel,
                                         .die_with_parent = true};
    int r = process_run(argv, &opts, NULL, err);
    if (r == 0)
        strv_split(lines, out.data, '\n');
    return r;
}

static int patch(const struct moving *m, const char *loader, const char *file, struct error *err)
{
    AUTO_FREE char *interpreter = xasprintf("%s/lib/%s", m->r->prefix, loader);
    AUTO_FREE char *folder = xasprintf("%s/lib", m->r->prefix);
    const char *const argv[] = {
        TOOL, "--set-interpreter", interpreter, "--force-rpath", "--set-rpath", folder, file, NULL};
    const struct process_options opts = {
        .timeout_ms = TOOL_TIMEOUT_MS, .cancel = m->r->cancel, .die_with_parent = true};
    return process_run(argv, &opts, NULL, err);
}

/* Packages */

struct looking {
    const char *path, *name; /* one of them: a path in a package, or a last component */
    char *package, *full;
};

static int compare(void *userdata, const char *path, const char *full, const struct stat *st,
                   struct error *err)
{
    (void) err;
    struct looking *l = userdata;
    const char *inside = strchr(path, '/');
    if (S_ISDIR(st->st_mode) || !inside ||
        strcmp(l->path ? inside + 1 : path_basename(path), l->path ? l->path : l->name) != 0)
        return 0;
    l->package = xstrndup(path, (size_t) (inside - path));
    l->full = xstrdup(full);
    return 1;
}

/* 1: *package and *file, without symlinks; 0: in none of them. The caller frees both. */
static int look(const struct moving *m, struct looking l, char **package, char **file,
                struct error *err)
{
    int r = walk(m->r->packages, compare, &l, err);
    AUTO_FREE char *name = l.package, *full = l.full;
    if (r <= 0)
        return r;
    AUTO_FREE char *top = realpath(m->r->packages, NULL);
    AUTO_FREE char *real = realpath(full, NULL);
    size_t len = top ? strlen(top) : 0;
    if (!top || !real || strncmp(real, top, len) != 0 || real[len] != '/')
        return error_set(err, -EBADMSG, "%s leads out of its package", full);
    *package = TAKE_PTR(name);
    *file = TAKE_PTR(real);
    return 1;
}

static int copy(const char *from, const char *to, mode_t mode, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(to);
    int r = path_mkdir_p(dir, 0755, err);
    return r < 0 ? r : file_copy(from, to, mode, err);
}

/* Copies what is looked for to `to` below the root; *out, the copy, may be NULL. */
static int take(struct moving *m, struct looking l, const char *to, mode_t mode, char **out,
                struct error *err)
{
    AUTO_FREE char *package = NULL, *file = NULL;
    AUTO_FREE char *target = path_join(m->root, to);
    int r = look(m, l, &package, &file, err);
    if (r == 0)
        return error_set(err, -ENOENT, "%s is in none of the packages", l.path ? l.path : l.name);
    if (r < 0 || (r = copy(file, target, mode, err)) < 0)
        return r;
    add_once(m->used, package);
    if (out)
        *out = TAKE_PTR(target);
    return 0;
}

/* Programs and libraries */

static int want_needed(struct moving *m, const char *file, struct error *err)
{
    STRV(names);
    int r = ask(m, "--print-needed", file, &names, err);
    for (size_t i = 0; r == 0 && i < names.count; i++) {
        if (strchr(names.items[i], '/') || names.items[i][0] == '.')
            return error_set(err, -EBADMSG, "%s needs a library by its path: %s", file,
                             names.items[i]);
        add_once(&m->wanted, names.items[i]);
    }
    return r;
}

static int take_program(struct moving *m, const char *path, struct error *err)
{
    AUTO_FREE char *file = NULL;
    STRV(loader);
    int r;
    if ((r = take(m, (struct looking){.path = path}, path, 0755, &file, err)) < 0 ||
        (r = ask(m, "--print-interpreter", file, &loader, err)) < 0 ||
        (r = want_needed(m, file, err)) < 0)
        return r;
    if (loader.count != 1)
        return error_set(err, -EBADMSG, "%s has no loader", path);
    const char *name = path_basename(loader.items[0]);
    add_once(&m->wanted, name);
    return patch(m, name, file, err);
}

static int take_library(struct moving *m, const char *name, struct error *err)
{
    AUTO_FREE char *to = path_join("lib", name);
    AUTO_FREE char *file = NULL;
    STRV(rpath);
    int r;
    if ((r = take(m, (struct looking){.name = name}, to, 0755, &file, err)) < 0 ||
        (r = want_needed(m, file, err)) < 0 || (r = ask(m, "--print-rpath", file, &rpath, err)) < 0)
        return r;
    if (strcmp(name, "libc.so.6") == 0) /* glibc loads it by name when a thread is cancelled */
        add_once(&m->wanted, "libgcc_s.so.1");
    if (rpath.count == 0)
        return 0;
    /* One of its own would come before the program's. */
    const char *const argv[] = {TOOL, "--remove-rpath", file, NULL};
    return process_run(argv, NULL, NULL, err);
}

static int take_libraries(struct moving *m, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < m->wanted.count; i++) {
        if (i == LIBRARIES_MAX)
            return error_set(err, -E2BIG, "more than %d libraries", LIBRARIES_MAX);
        r = take_library(m, m->wanted.items[i], err);
    }
    return r;
}

/* A package's terms may be those of another one, to which the folder is a symlink (Debian policy
 * 12.5). Without any nothing is copied: images/deb-parts.h tells of it. */
static int take_terms(struct moving *m, const char *package, struct error *err)
{
    AUTO_FREE char *folder = xasprintf("%s/%s/" DOC "/%s", m->r->packages, package, package);
    AUTO_FREE char *to = xasprintf("%s/" DOC "/%s/copyright", m->root, package);
    AUTO_FREE char *other = NULL, *file = NULL;
    char target[NAME_MAX + 1];
    ssize_t len = readlink(folder, target, sizeof(target) - 1);
    target[len < 0 ? 0 : len] = '\0';
    AUTO_FREE char *path = xasprintf(DOC "/%s/copyright", len < 0 ? package : target);
    int r = look(m, (struct looking){.path = path}, &other, &file, err);
    return r <= 0 ? r : copy(file, to, 0644, err);
}

int relocate(const struct relocation *r, const char *to, struct strv *used, struct error *err)
{
    CLEANUP(moving_release)
    struct moving m = {.r = r, .root = path_join(to, r->prefix + 1), .used = used};
    int e = 0;
    for (size_t i = 0; e == 0 && i < r->programs->count; i++)
        e = take_program(&m, r->programs->items[i], err);
    for (size_t i = 0; e == 0 && i < r->files->count; i++) {
        const char *path = r->files->items[i];
        e = take(&m, (struct looking){.path = path}, path, 0644, NULL, err);
    }
    if (e == 0)
        e = take_libraries(&m, err);
    for (size_t i = 0; e == 0 && i < used->count; i++)
        e = take_terms(&m, used->items[i], err);
    return e;
}

bool relocate_is_prefix(const char *s)
{
    return s[0] == '/' && path_is_safe_relative(s + 1) && strspn(s, PREFIX_CHARS) == strlen(s);
}

int relocate_tool(char **out, struct error *err)
{
    STRBUF(version, REPLY_MAX);
    const char *const argv[] = {TOOL, "--version", NULL};
    const struct process_options opts = {.out = &version, .timeout_ms = TOOL_TIMEOUT_MS};
    int r = process_run(argv, &opts, NULL, err);
    if (r < 0)
        return error_remedy(err, "install patchelf: apt-get install patchelf");
    version.data[strcspn(version.data, "\n")] = '\0';
    *out = strbuf_steal(&version);
    return 0;
}

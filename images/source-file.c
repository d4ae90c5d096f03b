/* type: file — a file or a folder beside the recipe.
 *   path: ../x       relative to the recipe's folder; ".." is possible here
 *   sha256: HEX      for a file: what it has to be */
#include "images/fields.h"
#include "images/source.h"
#include "images/walk.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_spec {
    char *path;
    const char *sha256; /* may be NULL */
};

static void release(void *spec)
{
    struct file_spec *s = spec;
    free(s->path);
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type", "path", "sha256", NULL};
    struct file_spec *s = spec;
    const char *path;
    int e;
    if ((e = fields_check(&r->file, node, keys, err)) < 0 ||
        (e = fields_need_string(&r->file, node, "path", &path, err)) < 0 ||
        (e = fields_get_string(&r->file, node, "sha256", &s->sha256, err)) < 0)
        return e;
    s->path = *path == '/' ? xstrdup(path) : path_join(r->dir, path);
    struct stat st;
    if (stat(s->path, &st) < 0)
        return yaml_error(&r->file, yaml_get(node, "path"), err, "%s: %s", s->path,
                          strerror(errno));
    if (s->sha256 && !S_ISREG(st.st_mode))
        return yaml_error(&r->file, yaml_get(node, "sha256"), err,
                          "only a file can have a \"sha256\"");
    return 0;
}

static mode_t plain_mode(const struct stat *st)
{
    return st->st_mode & S_IXUSR ? 0755 : 0644;
}

static int read_target(const char *full, char target[PATH_MAX], struct error *err)
{
    ssize_t n = readlink(full, target, PATH_MAX);
    if (n < 0 || n == PATH_MAX)
        return error_errno(err, n < 0 ? -errno : -ENAMETOOLONG, "read symlink %s", full);
    target[n] = '\0';
    return 0;
}

static int add_input(void *userdata, const char *path, const char *full, const struct stat *st,
                     struct error *err)
{
    json_t *list = userdata;
    if (S_ISDIR(st->st_mode))
        return 0;
    if (S_ISLNK(st->st_mode)) {
        char target[PATH_MAX];
        int r = read_target(full, target, err);
        if (r == 0)
            json_object_set_new(list, path, json_sprintf("link %s", target));
        return r;
    }
    if (!S_ISREG(st->st_mode))
        return error_set(err, -EINVAL, "%s is no file, folder or symlink", full);
    char digest[DIGEST_SIZE];
    int r = digest_file(full, digest, NULL, err);
    if (r == 0)
        json_object_set_new(list, path, json_sprintf("%04o %s", plain_mode(st), digest));
    return r;
}

static int each_file(const struct file_spec *s, walk_fn fn, void *userdata, struct error *err)
{
    struct stat st;
    if (stat(s->path, &st) < 0)
        return error_errno(err, -errno, "%s", s->path);
    if (S_ISDIR(st.st_mode))
        return walk(s->path, fn, userdata, err);
    return fn(userdata, path_basename(s->path), s->path, &st, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    (void) ctx;
    const struct file_spec *s = spec;
    json_t *files = json_object();
    json_object_set_new(in, "files", files);
    int r = each_file(s, add_input, files, err);
    if (r < 0 || !s->sha256)
        return r;
    const char *found = json_string_value(json_object_get(files, path_basename(s->path)));
    found = found ? strstr(found, "sha256:") + strlen("sha256:") : "";
    if (strcmp(found, s->sha256) != 0)
        return error_set(err, -EBADMSG, "%s has the sha256 %s, the recipe says %s", s->path, found,
                         s->sha256);
    return 0;
}

static int copy_one(void *userdata, const char *path, const char *full, const struct stat *st,
                    struct error *err)
{
    const char *dir = userdata;
    AUTO_FREE char *to = path_join(dir, path);
    if (S_ISDIR(st->st_mode))
        return path_mkdir_p(to, 0755, err);
    if (S_ISREG(st->st_mode))
        return file_copy(full, to, plain_mode(st), err);
    char target[PATH_MAX];
    int r = read_target(full, target, err);
    if (r < 0)
        return r;
    return symlink(target, to) < 0 ? error_errno(err, -errno, "symlink %s", to) : 0;
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    (void) ctx;
    const struct file_spec *s = spec;
    json_object_set_new(about, "type", json_string("file"));
    return each_file(s, copy_one, (void *) dir, err);
}

const struct source_type source_file = {.name = "file",
                                        .main_key = "path",
                                        .spec_size = sizeof(struct file_spec),
                                        .load = load,
                                        .release = release,
                                        .inputs = inputs,
                                        .produce = produce};

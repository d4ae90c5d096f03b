#include "coordinator/bundle-program.h"

#include "images/extract.h"
#include "lib/architecture.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static char *program_path(const char *dir, const char *name)
{
    return xasprintf("%s/usr/local/bin/%s", dir, name);
}

/* It is what was unpacked: a disk may have lost some of it. */
static bool is_whole(const char *dir, const char *name)
{
    AUTO_FREE char *program = program_path(dir, name);
    AUTO_FREE char *hash = xasprintf("%s/%s.sha256", dir, name);
    char digest[DIGEST_SIZE];
    return digest_file(program, digest, NULL, NULL) == 0 &&
           file_is(hash, digest, strlen(digest), 0600) == 1 && access(program, X_OK) == 0;
}

static int unpack(const struct bundle *b, const struct component *c, const char *dir,
                  struct error *err)
{
    const char *name = c->name;
    AUTO_FREE char *program = program_path(dir, name);
    AUTO_FREE char *hash = xasprintf("%s/%s.sha256", dir, name);
    char digest[DIGEST_SIZE];
    if (extract_blob(b, c->blob, dir, err) < 0 || digest_file(program, digest, NULL, err) < 0)
        return error_prefix(err, "%s of the bundle", name);
    return file_write_atomic(hash, digest, strlen(digest), 0600, err);
}

/* Another process may be doing the same: whoever is last finds it there. */
static int move_into_place(const char *staging, const char *dir, const char *name,
                           struct error *err)
{
    if (rename(staging, dir) == 0 || is_whole(dir, name))
        return 0;
    int r = path_remove_tree(dir, err);
    if (r < 0)
        return r;
    return rename(staging, dir) == 0 ? 0 : error_errno(err, -errno, "rename %s", staging);
}

static int make_folder(const struct bundle *b, const struct component *c, const char *dir,
                       struct error *err)
{
    AUTO_FREE char *parent = path_dirname(dir);
    AUTO_FREE char *staging = xasprintf("%s/.%s.XXXXXX", parent, c->name);
    int r = path_mkdir_p(parent, 0755, err);
    if (r < 0)
        return r;
    if (!mkdtemp(staging))
        return error_errno(err, -errno, "make a folder in %s", parent);
    if ((r = unpack(b, c, staging, err)) == 0)
        r = move_into_place(staging, dir, c->name, err);
    if (access(staging, F_OK) == 0)
        (void) path_remove_tree(staging, NULL);
    return r;
}

static const struct component *find(const struct bundle *b, const char *name)
{
    struct utsname machine;
    if (!b || uname(&machine) < 0 ||
        strcmp(architecture_of_machine(machine.machine), b->architecture) != 0)
        return NULL;
    const struct component *c = bundle_find(b, name);
    return c && c->kind == COMPONENT_FILES ? c : NULL;
}

int bundle_program(const struct bundle *b, const char *name, char **out, struct error *err)
{
    const struct component *c = find(b, name);
    if (!c) {
        if (process_in_path(name)) {
            *out = xstrdup(name);
            return 0;
        }
        error_set(err, -ENOENT, "there is no %s: neither in a bundle for this machine nor in PATH",
                  name);
        return error_remedy(err, "name a bundle that has it (--bundle), or install %s", name);
    }
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = xasprintf("%s/%s-%s", cache, name, c->blob + strlen("sha256:"));
    int r = is_whole(dir, name) ? 0 : make_folder(b, c, dir, err);
    if (r == 0)
        *out = program_path(dir, name);
    return r;
}

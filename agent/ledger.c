#include "agent/ledger.h"

#include "agent/ledger-file.h"
#include "agent/units.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_WAIT_MS 2000
#define LOCK_STEP_MS 50
#define TREE_KEPT_MAX 1024 /* entries of others in a tree that becomes ours */

static void unlock_cleanup(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}
#define HOLD(l) \
    CLEANUP(unlock_cleanup) pthread_mutex_t *hold_ = &((struct ledger *) (uintptr_t) (l))->mutex; \
    pthread_mutex_lock(hold_)

static int lock_file(int fd, const char *path, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return error_errno(err, -errno, "lock %s", path);
        if (clock_left_ms(deadline) == 0)
            return error_set(err, -EBUSY, "%s is held by another process", path);
        usleep(LOCK_STEP_MS * 1000);
    }
    return 0;
}

int ledger_open(const char *path, struct ledger **out, struct error *err)
{
    AUTO_LEDGER *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->mutex, NULL);
    AUTO_FREE char *dir = path_dirname(path);
    l->path = xstrdup(path);
    l->former_dir = path_join(dir, "former");
    l->records = json_array();
    l->index = json_object();
    l->pending = json_array();
    l->undone = json_array();
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return error_errno(err, -errno, "open %s", path);
    int r = lock_file(l->fd, path, err);
    if (r >= 0)
        r = ledger_file_load(l, err);
    if (r < 0)
        return r;
    *out = TAKE_PTR(l);
    return 0;
}

void ledger_close(struct ledger **l)
{
    if (!*l)
        return;
    fd_close(&(*l)->fd);
    json_decref((*l)->records);
    json_decref((*l)->index);
    json_decref((*l)->pending);
    json_decref((*l)->undone);
    pthread_mutex_destroy(&(*l)->mutex);
    free((*l)->former_dir);
    free((*l)->path);
    free(*l);
    *l = NULL;
}

static bool has_record(const struct ledger *l, const char *kind, const char *name)
{
    AUTO_FREE char *key = xasprintf("%s %s", kind, name);
    return json_object_get(l->index, key) != NULL;
}

/* Puts a record into the batch; members is taken over. */
static int stage(struct ledger *l, const char *kind, const char *name, json_t *members,
                 struct error *err)
{
    json_t *text = json_string(name);
    if (!text) {
        json_decref(members);
        return error_set(err, -EILSEQ, "a name that is not UTF-8 cannot be recorded");
    }
    json_object_set_new(members, "kind", json_string(kind));
    json_object_set_new(members, "name", text);
    json_object_set_new(members, "at", json_integer(clock_wall_ms()));
    json_array_append_new(l->pending, members);
    ledger_index_add(l, members);
    return 0;
}

static int stage_once(struct ledger *l, const char *kind, const char *name, json_t *members,
                      struct error *err)
{
    if (!has_record(l, kind, name))
        return stage(l, kind, name, members, err);
    json_decref(members);
    return 0;
}

/* Ends a batch: nothing of it is recorded when something failed. */
static int commit(struct ledger *l, int r, struct error *err)
{
    if (r < 0) {
        ledger_forget_pending(l);
        return r;
    }
    return ledger_file_commit(l, err);
}

static int copy_and_sync(int from, int to)
{
    char buffer[64 * 1024];
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n == 0)
            return fsync(to) < 0 ? -errno : 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        int r = n > 0 ? fd_write_all(to, buffer, (size_t) n) : 0;
        if (r < 0)
            return r;
    }
}

static int keep_content(struct ledger *l, const char *path, const char *hex, struct error *err)
{
    AUTO_FREE char *kept = path_join(l->former_dir, hex);
    AUTO_FREE char *part = xasprintf("%s.part", kept);
    if (access(kept, F_OK) == 0)
        return 0;
    if (mkdir(l->former_dir, 0700) < 0 && errno != EEXIST)
        return error_errno(err, -errno, "make %s", l->former_dir);
    AUTO_FD from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO_FD to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (from < 0 || to < 0)
        return error_errno(err, -errno, "keep the content of %s", path);
    int r = copy_and_sync(from, to);
    if (r >= 0 && rename(part, kept) < 0)
        r = -errno;
    if (r < 0) {
        unlink(part);
        return error_errno(err, r, "keep the content of %s", path);
    }
    AUTO_FD dir = open(l->former_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 || fsync(dir) < 0 ? error_errno(err, -errno, "sync %s", l->former_dir) : 0;
}

static int former_file(struct ledger *l, const char *path, const struct stat *st, json_t **out,
                       struct error *err)
{
    char digest[DIGEST_SIZE];
    int r = digest_file(path, digest, NULL, err);
    if (r >= 0)
        r = keep_content(l, path, strchr(digest, ':') + 1, err);
    if (r < 0)
        return r;
    *out = json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:I}", "type", "file", "sha256",
                     strchr(digest, ':') + 1, "mode", (int) (st->st_mode & 07777), "uid",
                     (json_int_t) st->st_uid, "gid", (json_int_t) st->st_gid, "mtime",
                     (json_int_t) st->st_mtim.tv_sec, "mtime_ns", (json_int_t) st->st_mtim.tv_nsec);
    return 0;
}

static int former_link(const char *path, json_t **out, struct error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return error_errno(err, -errno, "read link %s", path);
    target[n] = '\0';
    *out = json_pack("{s:s, s:s}", "type", "link", "target", target);
    return *out ? 0 : error_set(err, -EILSEQ, "%s points at a name that is not UTF-8", path);
}

/* What is at path now: JSON null for nothing, *out NULL for a folder (which stays as it is). */
static int former_of(struct ledger *l, const char *path, json_t **out, struct error *err)
{
    struct stat st;
    *out = NULL;
    if (lstat(path, &st) < 0 && errno != ENOENT)
        return error_errno(err, -errno, "look at %s", path);
    if (lstat(path, &st) < 0)
        *out = json_null();
    else if (S_ISREG(st.st_mode))
        return former_file(l, path, &st, out, err);
    else if (S_ISLNK(st.st_mode))
        return former_link(path, out, err);
    else if (!S_ISDIR(st.st_mode))
        return error_set(err, -EEXIST, "%s is neither a file nor a folder nor a link", path);
    return 0;
}

static int check_path(const char *path, struct error *err)
{
    if (grammar_absolute_path(path) && path[1] && path[strlen(path) - 1] != '/')
        return 0;
    return error_set(err, -EINVAL, "\"%s\" is not an absolute path that can be recorded", path);
}

static int stage_one_path(struct ledger *l, const char *path, struct error *err)
{
    json_t *former = NULL;
    if (has_record(l, "path", path))
        return 0;
    int r = former_of(l, path, &former, err);
    if (r < 0 || !former)
        return r;
    return stage(l, "path", path, json_pack("{s:o}", "former", former), err);
}

/* The path and its missing parents, outermost first. */
static int stage_path(struct ledger *l, const char *path, struct error *err)
{
    int r = check_path(path, err);
    AUTO_FREE char *part = xstrdup(path);
    for (char *slash = part + 1; r >= 0 && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        struct stat st;
        if (stat(part, &st) < 0)
            r = stage_one_path(l, part, err);
        *slash = '/';
    }
    return r < 0 ? r : stage_one_path(l, path, err);
}

int ledger_will_create(struct ledger *l, const char *path, struct error *err)
{
    HOLD(l);
    return commit(l, stage_path(l, path, err), err);
}

int ledger_will_create_all(struct ledger *l, const struct strv *paths, struct error *err)
{
    HOLD(l);
    int r = 0;
    for (size_t i = 0; r >= 0 && i < paths->count; i++)
        r = stage_path(l, paths->items[i], err);
    return commit(l, r, err);
}

static int make_parents(const char *path, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(path);
    return path_mkdir_p(dir, 0755, err);
}

int ledger_write_file(struct ledger *l, const char *path, const void *data, size_t len, mode_t mode,
                      struct error *err)
{
    struct stat st;
    int r = file_is(path, data, len, mode);
    if (r == 1)
        return 0;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return error_set(err, -EISDIR, "%s is a folder, a file was to be written there", path);
    r = ledger_will_create(l, path, err);
    if (r >= 0)
        r = make_parents(path, err);
    if (r >= 0)
        r = file_write_atomic(path, data, len, mode, err);
    return r < 0 ? r : 1;
}

int ledger_mkdir(struct ledger *l, const char *path, mode_t mode, struct error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    int r = ledger_will_create(l, path, err);
    if (r >= 0)
        r = make_parents(path, err);
    if (r < 0)
        return r;
    if (mkdir(path, mode) < 0 || chmod(path, mode) < 0)
        return error_errno(err, -errno, "make %s", path);
    return 1;
}

int ledger_symlink(struct ledger *l, const char *path, const char *target, struct error *err)
{
    char now[PATH_MAX];
    ssize_t n = readlink(path, now, sizeof now - 1);
    if (n >= 0 && (size_t) n == strlen(target) && memcmp(now, target, (size_t) n) == 0)
        return 0;
    AUTO_FREE char *temporary = xasprintf("%s" LEDGER_PART_SUFFIX, path);
    int r = ledger_will_create(l, path, err);
    if (r >= 0)
        r = make_parents(path, err);
    if (r < 0)
        return r;
    unlink(temporary);
    if (symlink(target, temporary) < 0 || rename(temporary, path) < 0) {
        r = -errno;
        unlink(temporary);
        return error_errno(err, r, "link %s", path);
    }
    return 1;
}

/* Names of what is in the folder now: others' things, that stay when our tree goes. */
static int kept_entries(const char *path, json_t *kept, struct error *err)
{
    AUTO_DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0 : error_errno(err, -errno, "list %s", path);
    int r = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (json_array_append_new(kept, json_string(e->d_name)) < 0)
            r = error_set(err, -EILSEQ, "%s holds a name that is not UTF-8", path);
        else if (json_array_size(kept) > TREE_KEPT_MAX)
            r = error_set(err, -EEXIST, "%s holds too many files of others", path);
    }
    return r;
}

int ledger_will_own_tree(struct ledger *l, const char *path, struct error *err)
{
    HOLD(l);
    int r = check_path(path, err);
    if (r < 0 || has_record(l, "tree", path))
        return r;
    json_t *kept = json_array();
    struct stat st;
    bool existed = lstat(path, &st) == 0;
    json_t *members = json_pack("{s:b, s:o}", "existed", existed, "kept", kept);
    r = kept_entries(path, kept, err);
    if (r < 0) {
        json_decref(members);
        return r;
    }
    /* The parents get records of their own; the tree's own path has none. */
    AUTO_FREE char *dir = path_dirname(path);
    r = strcmp(dir, "/") == 0 ? 0 : stage_path(l, dir, err);
    if (r < 0)
        json_decref(members);
    else
        r = stage(l, "tree", path, members, err);
    return commit(l, r, err);
}

int ledger_record_once(struct ledger *l, const char *kind, const char *name, json_t *members,
                       struct error *err)
{
    HOLD(l);
    return commit(l, stage_once(l, kind, name, members, err), err);
}

bool ledger_has_record(const struct ledger *l, const char *kind, const char *name)
{
    HOLD(l);
    return has_record(l, kind, name);
}

int ledger_module(struct ledger *l, const char *name, struct error *err)
{
    return ledger_record_once(l, "module", name, json_object(), err);
}

int ledger_unit(struct ledger *l, const char *unit, struct error *err)
{
    struct unit_state state;
    if (ledger_has_record(l, "unit", unit))
        return 0;
    int r = unit_state(unit, &state, err);
    if (r < 0)
        return r;
    json_t *members = json_pack("{s:s, s:s, s:s}", "load", state.load, "active", state.active,
                                "enabled", state.enabled);
    return ledger_record_once(l, "unit", unit, members, err);
}

int ledger_swap_off(struct ledger *l, const char *device, struct error *err)
{
    return ledger_record_once(l, "swap", device, json_object(), err);
}

int ledger_step_done(struct ledger *l, const char *step, const char *params_digest,
                     struct error *err)
{
    HOLD(l);
    return commit(l, stage(l, "step", step, json_pack("{s:s}", "digest", params_digest), err), err);
}

/* The newest record of that kind and name, or NULL. */
static const json_t *newest(const struct ledger *l, const char *kind, const char *name)
{
    for (size_t i = json_array_size(l->records); i-- > 0;) {
        const json_t *record = json_array_get(l->records, i);
        if (strcmp(json_get_string(record, "name", ""), name) == 0 &&
            strcmp(json_get_string(record, "kind", ""), kind) == 0)
            return record;
    }
    return NULL;
}

const char *ledger_step_digest(const struct ledger *l, const char *step)
{
    HOLD(l);
    return json_get_string(newest(l, "step", step), "digest", NULL);
}

int ledger_set(struct ledger *l, const char *key, const char *value, struct error *err)
{
    HOLD(l);
    const char *now = json_get_string(newest(l, "set", key), "value", NULL);
    if (now && strcmp(now, value) == 0)
        return 0;
    return commit(l, stage(l, "set", key, json_pack("{s:s}", "value", value), err), err);
}

const char *ledger_get(const struct ledger *l, const char *key)
{
    HOLD(l);
    return json_get_string(newest(l, "set", key), "value", NULL);
}

bool ledger_has_path(const struct ledger *l, const char *path)
{
    HOLD(l);
    if (has_record(l, "path", path))
        return true;
    AUTO_FREE char *part = xstrdup(path);
    for (char *slash; *part; *slash = '\0') {
        if (has_record(l, "tree", part))
            return true;
        slash = strrchr(part, '/');
        if (!slash)
            break;
    }
    return false;
}

const json_t *ledger_records(const struct ledger *l)
{
    return l->records;
}

size_t ledger_count(const struct ledger *l)
{
    HOLD(l);
    return json_array_size(l->records);
}

json_t *ledger_steps(const struct ledger *l)
{
    HOLD(l);
    AUTO_JSON *seen = json_object();
    size_t i;
    json_t *record;
    json_array_foreach(l->records, i, record)
        if (strcmp(json_get_string(record, "kind", ""), "step") == 0)
            json_object_set(seen, json_get_string(record, "name", ""),
                            json_object_get(record, "at"));
    json_t *steps = json_array();
    const char *name;
    json_t *at;
    json_object_foreach(seen, name, at)
        json_array_append_new(steps, json_pack("{s:s, s:O}", "step", name, "at", at));
    return steps;
}

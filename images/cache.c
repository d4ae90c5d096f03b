#include "images/cache.h"

#include "images/walk.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ENTRY_JSON_MAX (64 * 1024 * 1024)
#define WORK_NAME "work"
#define POLL_MS 500

struct cache {
    char *root;
    int lock;
};

static int lock_cache(const char *path, int *out, struct error *err)
{
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? error_set(err, -EBUSY, "another build uses the cache (%s)", path)
                   : error_errno(err, -errno, "lock %s", path);
    *out = TAKE_FD(fd);
    return 0;
}

int cache_open(const char *dir, struct cache **out, struct error *err)
{
    AUTO_FREE char *root = path_join(dir, "builds");
    int r = path_mkdir_p(root, 0755, err);
    if (r < 0)
        return r;
    AUTO_FREE char *lock = path_join(root, "lock");
    int fd = -1;
    if ((r = lock_cache(lock, &fd, err)) < 0)
        return r;
    struct cache *c = xcalloc(1, sizeof(*c));
    c->root = TAKE_PTR(root);
    c->lock = fd;
    AUTO_FREE char *work = path_join(c->root, WORK_NAME);
    if (access(work, F_OK) == 0 && (r = path_remove_tree(work, err)) < 0)
        cache_close(&c);
    *out = c;
    return r;
}

int cache_await(const char *dir, const bool *cancel, void (*busy)(void *userdata), void *userdata,
                struct cache **out, struct error *err)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int r = cache_open(dir, out, err);
    if (r == -EBUSY && busy)
        busy(userdata);
    while (r == -EBUSY) {
        if (cancel && *cancel)
            return error_set(err, -ECANCELED, "interrupted");
        (void) nanosleep(&pause, NULL);
        r = cache_open(dir, out, err);
    }
    return r;
}

void cache_close(struct cache **c)
{
    if (*c) {
        fd_close(&(*c)->lock);
        free((*c)->root);
        free(*c);
    }
    *c = NULL;
}

void cache_entry_release(struct cache_entry *e)
{
    free(e->dir);
    json_decref(e->files);
    json_decref(e->about);
    *e = CACHE_ENTRY_INIT;
}

/* One text per file: what it is, whether it can be run, and its content. */
static int describe(const char *full, const struct stat *st, struct strbuf *out, struct error *err)
{
    if (S_ISDIR(st->st_mode))
        return strbuf_adds(out, "dir");
    if (S_ISLNK(st->st_mode)) {
        char target[PATH_MAX];
        ssize_t n = readlink(full, target, sizeof(target));
        if (n < 0)
            return error_errno(err, -errno, "read symlink %s", full);
        strbuf_adds(out, "link ");
        return strbuf_add(out, target, (size_t) n);
    }
    if (!S_ISREG(st->st_mode))
        return error_set(err, -EINVAL, "%s is no file, folder or symlink", full);
    char digest[DIGEST_SIZE];
    int r = digest_file(full, digest, NULL, err);
    if (r < 0)
        return r;
    return strbuf_addf(out, "%04o %s", (unsigned) (st->st_mode & 07777), digest);
}

static int list_one(void *userdata, const char *path, const char *full, const struct stat *st,
                    struct error *err)
{
    STRBUF(text, PATH_MAX + DIGEST_SIZE);
    int r = describe(full, st, &text, err);
    if (r < 0)
        return r;
    json_t *list = userdata;
    if (json_object_set_new(list, path, json_stringn(text.data, text.len)) < 0)
        return error_set(err, -EINVAL, "%s: name or target is not UTF-8", full);
    return 0;
}

int cache_list(const char *dir, json_t **out, struct error *err)
{
    AUTO_JSON *list = json_object();
    int r = walk(dir, list_one, list, err);
    if (r == 0)
        *out = TAKE_PTR(list);
    return r;
}

static void input_key(const json_t *inputs, char out[SHA256_HEX_LEN + 1])
{
    AUTO_FREE char *text = json_dumps(inputs, JSON_COMPACT | JSON_SORT_KEYS);
    char digest[DIGEST_SIZE];
    digest_buffer(text, strlen(text), digest);
    memcpy(out, digest + strlen("sha256:"), SHA256_HEX_LEN + 1);
}

/* 1 and *out when the entry is there and whole, else 0: why it isn't does not matter. */
static int use_entry(const char *entry, const json_t *inputs, struct cache_entry *out)
{
    AUTO_FREE char *json_path = path_join(entry, "entry.json");
    AUTO_FREE char *files = path_join(entry, "files");
    AUTO_JSON *json = json_parse_file(json_path, ENTRY_JSON_MAX, NULL);
    AUTO_JSON *found = NULL;
    if (!json || !json_equal(json_object_get(json, "inputs"), inputs) ||
        cache_list(files, &found, NULL) < 0 || !json_equal(json_object_get(json, "files"), found))
        return 0;
    *out = (struct cache_entry){.dir = TAKE_PTR(files),
                                .files = TAKE_PTR(found),
                                .about = json_incref(json_object_get(json, "about"))};
    return 1;
}

/* Nobody but the cache writes there: what is changed by mistake is found, but better not changed.
 */
static int write_entry_json(const char *work, const json_t *inputs, json_t *about,
                            struct error *err)
{
    AUTO_FREE char *files = path_join(work, "files");
    AUTO_FREE char *path = path_join(work, "entry.json");
    json_t *list = NULL;
    int r = cache_list(files, &list, err);
    if (r < 0)
        return r;
    AUTO_JSON *json = json_pack("{s:O, s:o, s:O}", "inputs", inputs, "files", list, "about", about);
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
    return file_write_atomic(path, text, strlen(text), 0644, err);
}

static int make_entry(const char *work, const json_t *inputs, cache_produce_fn produce,
                      void *userdata, struct error *err)
{
    AUTO_FREE char *files = path_join(work, "files");
    AUTO_JSON *about = json_object();
    int r;
    if ((access(work, F_OK) == 0 && (r = path_remove_tree(work, err)) < 0) ||
        (r = path_mkdir_p(files, 0755, err)) < 0 || (r = produce(userdata, files, about, err)) < 0)
        return r;
    return write_entry_json(work, inputs, about, err);
}

static int replace_entry(const char *work, const char *entry, struct error *err)
{
    int r;
    if (access(entry, F_OK) == 0 && (r = path_remove_tree(entry, err)) < 0)
        return r;
    return rename(work, entry) < 0 ? error_errno(err, -errno, "rename %s", work) : 0;
}

int cache_get(struct cache *c, const json_t *inputs, cache_produce_fn produce, void *userdata,
              struct cache_entry *out, bool *fresh, struct error *err)
{
    char key[SHA256_HEX_LEN + 1];
    input_key(inputs, key);
    AUTO_FREE char *entry = path_join(c->root, key);
    AUTO_FREE char *work = path_join(c->root, WORK_NAME);
    if (fresh)
        *fresh = false;
    if (use_entry(entry, inputs, out))
        return 0;
    if (fresh)
        *fresh = true;
    int r = make_entry(work, inputs, produce, userdata, err);
    if (r == 0)
        r = replace_entry(work, entry, err);
    if (r < 0) {
        if (access(work, F_OK) == 0)
            path_remove_tree(work, NULL);
        return r;
    }
    if (!use_entry(entry, inputs, out))
        return error_set(err, -EIO, "%s changed right after it was written", entry);
    return 0;
}

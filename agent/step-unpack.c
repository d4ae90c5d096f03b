#include "agent/blobs.h"
#include "agent/host-bundle.h"
#include "agent/packages.h"
#include "agent/paths.h"
#include "agent/step.h"
#include "agent/unpacked.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct unpacking {
    const struct step_context *ctx;
    const char *name, *digest, *into; /* borrowed from the parameters */
    struct strv paths;                /* of entries, as in the archive and in its order */
    char *staging;                    /* folder on the destination's file system */
};

static void unpacking_release(struct unpacking *u)
{
    if (u->staging) {
        path_remove_tree(u->staging, NULL);
    }
    free(u->staging);
    strv_release(&u->paths);
}

static int parse_archive(const json_t *item, struct unpacking *u, struct error *err)
{
    int r = json_need_string(item, "name", &u->name, err);
    r = r < 0 ? r : json_need_string(item, "digest", &u->digest, err);
    if (r < 0) {
        return r;
    }
    u->into = json_get_string(item, "into", "/");
    if (!digest_is_valid(u->digest) || !grammar_absolute_path(u->into)) {
        return error_set(err, -EINVAL, "archives: a digest or folder is malformed");
    }
    return 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    (void) ctx;
    size_t before = differences->count;
    json_t *archives;
    int r = json_need_array(params, "archives", &archives, err);
    if (r < 0) {
        return r;
    }
    size_t i;
    json_t *item;
    json_array_foreach(archives, i, item) {
        struct unpacking u = {0};
        AUTO_FREE char *differs = NULL;
        r = parse_archive(item, &u, err);
        if (r < 0) {
            return r;
        }
        AUTO_FREE char *marker = unpacked_marker(u.digest);
        if (unpacked_check(marker, u.into, &differs) == 0) {
            strv_addf(differences, "unpack %s%s%s", u.name, differs ? ": not as it was: " : "",
                      differs ? differs : "");
        }
    }
    return differences->count == before;
}

static int on_entry(void *userdata, const struct archive_entry_info *entry, struct error *err)
{
    struct unpacking *u = userdata;
    if (u->ctx->cancel && *u->ctx->cancel) {
        return error_set(err, -ECANCELED, "interrupted");
    }
    size_t len = strlen(entry->path);
    AUTO_FREE char *path = xstrndup(entry->path,
                                    len && entry->path[len - 1] == '/' ? len - 1 : len);
    strv_add(&u->paths, path);
    step_progress(u->ctx, (int64_t) u->paths.count, 0, "unpacking %s: %s", u->name,
                  path_basename(path));
    return 0;
}

/* Beside the destination, so that each file gets there by a rename. The name tells whose it is when
 * a power cut leaves it behind; the next unpacking removes it. */
static int make_staging(struct unpacking *u, struct error *err)
{
    AUTO_FREE char *staging = path_join(u->into, ".bigtop-unpack");
    int r = path_remove_tree(staging, err);
    /* Its missing parents are recorded with it, so they are made after that. */
    r = r < 0 ? r : ledger_will_own_tree(u->ctx->ledger, staging, err);
    r = r < 0 ? r : path_mkdir_p(u->into, 0755, err);
    if (r < 0) {
        return r;
    }
    if (mkdir(staging, 0700) < 0) {
        return error_errno(err, -errno, "make %s", staging);
    }
    u->staging = TAKE_PTR(staging);
    return 0;
}

static int unpack_into_staging(struct unpacking *u, struct error *err)
{
    AUTO_FD fd = blob_open(u->digest, err);
    if (fd < 0) {
        return fd;
    }
    int r = make_staging(u, err);
    if (r < 0) {
        return r;
    }
    AUTO_FD dir = open(u->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return error_errno(err, -errno, "open %s", u->staging);
    }
    struct archive_limits limits = ARCHIVE_LIMITS_DEFAULT;
    r = archive_unpack(fd, dir, &limits, on_entry, u, err);
    /* Contents before names: no power cut may leave a program that is named but empty. */
    if (r >= 0 && syncfs(dir) < 0) {
        r = error_errno(err, -errno, "flush %s", u->staging);
    }
    return r;
}

/* The distribution's own files are never replaced; another foreign file is kept by the ledger. */
static int refuse_packaged(struct unpacking *u, struct error *err)
{
    for (size_t i = 0; i < u->paths.count; i++) {
        AUTO_FREE char *path = path_join(u->into, u->paths.items[i]);
        struct stat st;
        char package[128];
        if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode) || ledger_has_path(u->ctx->ledger, path) ||
            !package_owns(path, package, sizeof(package))) {
            continue;
        }
        error_set(err, -EEXIST, "%s belongs to the package %s of this host", path, package);
        return error_remedy(err, "remove the package %s, then run again", package);
    }
    return 0;
}

static int record_paths(struct unpacking *u, struct error *err)
{
    STRV(paths);
    for (size_t i = 0; i < u->paths.count; i++) {
        AUTO_FREE char *path = path_join(u->into, u->paths.items[i]);
        strv_add(&paths, path);
    }
    return ledger_will_create_all(u->ctx->ledger, &paths, err);
}

static int copy_bytes(int from, int to)
{
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 20, 0);
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS)) {
            n = sendfile(to, from, NULL, 1 << 20);
        }
        if (n == 0) {
            return fsync(to) < 0 ? -errno : 0;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

static int copy_across(const char *from, const char *to, mode_t mode, struct error *err)
{
    AUTO_FREE char *part = xasprintf("%s" LEDGER_PART_SUFFIX, to);
    AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO_FD out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = in < 0 || out < 0 ? -errno : copy_bytes(in, out);
    if (r >= 0 && (fchmod(out, mode & 07777) < 0 || rename(part, to) < 0)) {
        r = -errno;
    }
    if (r < 0) {
        unlink(part);
        return error_errno(err, r, "copy to %s", to);
    }
    return 0;
}

static int place(struct unpacking *u, const char *name, struct error *err)
{
    AUTO_FREE char *from = path_join(u->staging, name);
    AUTO_FREE char *to = path_join(u->into, name);
    struct stat st;
    if (lstat(from, &st) < 0) {
        return error_errno(err, -errno, "%s", from);
    }
    if (S_ISDIR(st.st_mode)) {
        int r = ledger_mkdir(u->ctx->ledger, to, st.st_mode & 07777, err);
        return r < 0 ? r : 0;
    }
    if (rename(from, to) == 0) {
        return 0;
    }
    /* A folder below may be a file system of its own (/usr, /opt). */
    if (errno == EXDEV && S_ISREG(st.st_mode)) {
        return copy_across(from, to, st.st_mode, err);
    }
    return error_errno(err, -errno, "put %s in place", to);
}

static int write_marker(struct unpacking *u, struct error *err)
{
    AUTO_JSON *entries = json_object();
    for (size_t i = 0; i < u->paths.count; i++) {
        AUTO_FREE char *path = path_join(u->into, u->paths.items[i]);
        json_object_set_new(entries, u->paths.items[i], unpacked_entry(path));
    }
    AUTO_JSON *json = json_pack("{s:s, s:O}", "into", u->into, "entries", entries);
    AUTO_FREE char *text = json_canonical(json);
    AUTO_FREE char *marker = unpacked_marker(u->digest);
    int r = ledger_write_file(u->ctx->ledger, marker, text, strlen(text), 0600, err);
    return r < 0 ? r : 0;
}

static int unpack_one(struct unpacking *u, struct error *err)
{
    int r = unpack_into_staging(u, err);
    r = r < 0 ? r : refuse_packaged(u, err);
    r = r < 0 ? r : record_paths(u, err);
    for (size_t i = 0; r >= 0 && i < u->paths.count; i++) {
        r = place(u, u->paths.items[i], err);
    }
    r = r < 0 ? r : write_marker(u, err);
    return r < 0 ? error_prefix(err, "%s", u->name) : 0;
}

static int need_listed(const json_t *archives, struct error *err)
{
    STRV(digests);
    size_t i;
    json_t *item;
    json_array_foreach(archives, i, item) {
        strv_add(&digests, json_get_string(item, "digest", ""));
    }
    return host_bundle_need(&digests, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    size_t i;
    json_t *item;
    json_t *archives = json_object_get(params, "archives");
    int listed = need_listed(archives, err);
    if (listed < 0) {
        return listed;
    }
    json_array_foreach(archives, i, item) {
        CLEANUP(unpacking_release) struct unpacking u = {.ctx = ctx};
        int r = parse_archive(item, &u, err);
        if (r < 0) {
            return r;
        }
        AUTO_FREE char *marker = unpacked_marker(u.digest);
        if (unpacked_check(marker, u.into, NULL) == 0) {
            r = unpack_one(&u, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

const struct step step_unpack = {.name = "unpack", .check = check, .apply = apply};

#include "images/build-deltas.h"

#include "images/artifact.h"
#include "images/bundle.h"
#include "images/delta.h"
#include "images/zstd-codec.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELTA_FORMAT 1       /* counted up when the same blobs give another patch */
#define SMALLEST (64 * 1024) /* bytes of a blob: a smaller one is sent as quickly as its patch */
#define WORTH_PERCENT 80     /* of the blob: a larger patch is not worth its work on the hosts */
#define PATCH_FILE "patch"
#define SHORT_DIGEST 12

/* One patch, or none. */
struct job {
    const struct delta_build *build;
    const struct bundle *base;
    const char *name, *from, *to; /* borrowed */
    size_t index, total;
};

static void report(const struct job *j, enum build_event_kind kind, const char *text, bool fresh,
                   int64_t size)
{
    const struct build_options *o = j->build->options;
    const struct build_event event = {.kind = kind,
                                      .index = j->index + 1,
                                      .total = j->total,
                                      .name = j->name,
                                      .text = text,
                                      .fresh = fresh,
                                      .size = size};
    if (o->report)
        o->report(o->userdata, &event);
}

static void on_progress(void *userdata, uint64_t done, uint64_t total)
{
    char text[64];
    snprintf(text, sizeof(text), "%llu of %llu MB", (unsigned long long) (done / 1000000),
             (unsigned long long) (total / 1000000));
    report(userdata, BUILD_STEP, text, false, 0);
}

/* A patch from other bytes than those that hosts have would be of no use to them. */
static int open_base(const struct job *j, struct blob_source *out, struct error *err)
{
    char digest[DIGEST_SIZE];
    int r = bundle_blob_open(j->base, j->from, out, err);
    if (r < 0 || (r = blob_source_copy(out, -1, digest, err)) < 0)
        return r;
    if (strcmp(digest, j->from) != 0)
        return error_set(err, -EBADMSG, "blob %s of the former bundle was altered", j->from);
    return 0;
}

static int patch_source(int fd, struct blob_source *out, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(err, -errno, "look at a patch");
    *out = (struct blob_source){.fd = fd, .size = (uint64_t) st.st_size};
    return 0;
}

/* As a host does it. */
static int check_patch(const struct job *j, const struct blob_source *from,
                       const struct blob_source *patch, const struct blob_source *to,
                       const char *work_dir, struct error *err)
{
    char digest[DIGEST_SIZE];
    AUTO_FD fd = open(work_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "create a file in %s", work_dir);
    struct blob_source made;
    int r;
    if ((r = delta_apply(from, patch, to->size, fd, j->build->options->cancel, err)) < 0 ||
        (r = patch_source(fd, &made, err)) < 0 ||
        (r = blob_source_copy(&made, -1, digest, err)) < 0)
        return r;
    if (strcmp(digest, j->to) != 0)
        return error_set(err, -EIO, "the patch makes another blob");
    return 0;
}

static int make_patch(const struct job *j, const char *dir, const char *path, bool *worth,
                      struct error *err)
{
    AUTO_BLOB_SOURCE from = BLOB_SOURCE_INIT, to = BLOB_SOURCE_INIT;
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", path);
    struct blob_source patch = BLOB_SOURCE_INIT;
    int r;
    if ((r = open_base(j, &from, err)) < 0 ||
        (r = layout_blob_open(j->build->layout, j->to, &to, err)) < 0)
        return r;
    r = delta_make(&from, &to, dir, fd, j->build->options->cancel, on_progress, (void *) j, err);
    if (r == 0)
        r = patch_source(fd, &patch, err);
    *worth = r == 0 && patch.size < to.size * WORTH_PERCENT / 100;
    if (r == -EOPNOTSUPP || (r == 0 && !*worth))
        return 0;
    return r < 0 ? r : check_patch(j, &from, &patch, &to, dir, err);
}

static int produce(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct job *j = userdata;
    AUTO_FREE char *path = path_join(dir, PATCH_FILE);
    char digest[DIGEST_SIZE];
    uint64_t size;
    bool worth = false;
    int r = make_patch(j, dir, path, &worth, err);
    if (r < 0)
        return r;
    if (!worth)
        return unlink(path) < 0 ? error_errno(err, -errno, "remove %s", path) : 0;
    if ((r = digest_file(path, digest, &size, err)) < 0)
        return r;
    json_object_set_new(about, "digest", json_string(digest));
    json_object_set_new(about, "size", json_integer((json_int_t) size));
    return 0;
}

static int put_patch(const struct job *j, const char *path, const char *digest, int64_t size,
                     struct error *err)
{
    int r = layout_put_file(j->build->layout, path, digest, size, err);
    if (r < 0)
        return r;
    const char *from = j->from + strlen("sha256:"), *to = j->to + strlen("sha256:");
    AUTO_FREE char *ref = xasprintf("bigtop/delta:%.*s-%.*s", SHORT_DIGEST, from, SHORT_DIGEST, to);
    AUTO_FREE char *title = xasprintf("%s.delta", j->name);
    const struct artifact artifact = {
        .type = MEDIA_DELTA, .media = MEDIA_DELTA, .title = title, .digest = digest, .size = size};
    return artifact_put(j->build->layout, &artifact, ref, err);
}

static void list_delta(json_t *deltas, const struct job *j, const char *digest)
{
    json_t *list = json_object_get(deltas, j->to);
    if (!list)
        json_object_set_new(deltas, j->to, list = json_array());
    json_array_append_new(list, json_pack("{s:s, s:s}", "from", j->from, "blob", digest));
}

/* Bases may have blobs in common. */
static bool is_listed(const json_t *deltas, const struct job *j)
{
    json_t *delta;
    size_t i;
    json_array_foreach(json_object_get(deltas, j->to), i, delta)
        if (strcmp(json_get_string(delta, "from", ""), j->from) == 0)
            return true;
    return false;
}

static int run_job(const struct job *j, json_t *deltas, struct error *err)
{
    AUTO_JSON *inputs = json_pack("{s:s, s:i, s:i, s:s, s:s}", "type", "delta", "format",
                                  DELTA_FORMAT, "zstd", (int) zstd_version(), "from", j->from, "to",
                                  j->to);
    CLEANUP(cache_entry_release) struct cache_entry entry = CACHE_ENTRY_INIT;
    bool fresh;
    report(j, BUILD_DELTA, NULL, false, 0);
    int r = cache_get(j->build->cache, inputs, produce, (void *) j, &entry, &fresh, err);
    if (r < 0)
        return r == -ECANCELED ? r : error_prefix(err, "delta of %s", j->name);
    const char *digest = json_get_string(entry.about, "digest", NULL);
    int64_t size = json_get_int(entry.about, "size", 0);
    if (digest) {
        AUTO_FREE char *path = path_join(entry.dir, PATCH_FILE);
        if ((r = put_patch(j, path, digest, size, err)) < 0)
            return r;
        list_delta(deltas, j, digest);
    }
    report(j, BUILD_DELTA_DONE, NULL, fresh, size);
    return 0;
}

/* The blobs of a component, bottom layer first; the configuration of an image is the first. */
static size_t count_blobs(const json_t *component)
{
    return json_object_get(component, "blob")
               ? 1
               : json_array_size(json_object_get(component, "blobs"));
}

static const char *blob_at(const json_t *component, size_t i)
{
    const char *blob = json_get_string(component, "blob", NULL);
    return blob ? blob : json_string_value(json_array_get(json_object_get(component, "blobs"), i));
}

static const char *base_blob_at(const struct component *c, size_t i)
{
    return c->blob ? (i == 0 ? c->blob : NULL) : json_string_value(json_array_get(c->blobs, i));
}

/* Jobs are members "TO" of an object {"name", "from"}: layers that images share come once. */
static json_t *find_jobs(const struct bundle *base, const json_t *bigtop_json)
{
    json_t *jobs = json_object(), *c;
    json_t *sizes = json_object_get(bigtop_json, "blobs");
    size_t i;
    json_array_foreach(json_object_get(bigtop_json, "components"), i, c) {
        const char *name = json_get_string(c, "name", "");
        const struct component *old = bundle_find(base, name);
        for (size_t k = 0; old && k < count_blobs(c); k++) {
            const char *to = blob_at(c, k), *from = base_blob_at(old, k);
            if (from && bundle_blob_size(base, to) < 0 && !json_object_get(jobs, to) &&
                json_get_int(sizes, to, 0) >= SMALLEST)
                json_object_set_new(jobs, to, json_pack("{s:s, s:s}", "name", name, "from", from));
        }
    }
    return jobs;
}

static int add_base(const struct delta_build *d, const char *path, const json_t *bigtop_json,
                    json_t *deltas, struct error *err)
{
    CLEANUP(bundle_release) struct bundle base = BUNDLE_INIT;
    int r = bundle_open(path, NULL, &base, err);
    if (r < 0)
        return r;
    AUTO_JSON *jobs = find_jobs(&base, bigtop_json);
    struct job j = {.build = d, .base = &base, .total = json_object_size(jobs)};
    json_t *job;
    json_object_foreach(jobs, j.to, job) {
        j.name = json_get_string(job, "name", "");
        j.from = json_get_string(job, "from", "");
        if (!is_listed(deltas, &j) && (r = run_job(&j, deltas, err)) < 0)
            return r;
        j.index++;
    }
    return 0;
}

int build_deltas(const struct delta_build *d, json_t *bigtop_json, struct error *err)
{
    const struct strv *bases = d->options->delta_bases;
    AUTO_JSON *deltas = json_object();
    int r = 0;
    if (bases && bases->count > BUNDLE_DELTAS_MAX)
        return error_set(err, -EINVAL, "deltas from %zu bundles, at most %d are possible",
                         bases->count, BUNDLE_DELTAS_MAX);
    for (size_t i = 0; r == 0 && bases && i < bases->count; i++)
        r = add_base(d, bases->items[i], bigtop_json, deltas, err);
    if (r == 0 && json_object_size(deltas) > 0)
        json_object_set(bigtop_json, "deltas", deltas);
    return r;
}

/* What a host that has bundle OLD is sent for bundle NEW, with every patch applied as the agent
 * does it and its result compared by digest. bench-delta runs it. */
#include "images/bundle.h"
#include "images/delta.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct totals {
    int64_t full, sent, same;
    size_t patches;
};

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static const char *patch_from(const struct bundle *old, const struct bundle *new, const char *to,
                              const char **from)
{
    size_t i;
    json_t *delta;
    json_array_foreach(bundle_deltas(new, to), i, delta) {
        *from = json_get_string(delta, "from", "");
        if (bundle_blob_size(old, *from) >= 0)
            return json_get_string(delta, "blob", NULL);
    }
    return NULL;
}

static int apply(const struct bundle *old, const struct bundle *new, const char *from,
                 const char *patch, const char *to, struct error *err)
{
    AUTO_BLOB_SOURCE base = BLOB_SOURCE_INIT;
    AUTO_BLOB_SOURCE delta = BLOB_SOURCE_INIT;
    AUTO_FD out = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char digest[DIGEST_SIZE];
    struct stat st;
    int r;
    if (out < 0)
        return error_errno(err, -errno, "create a file in /var/tmp");
    if ((r = bundle_blob_open(old, from, &base, err)) < 0 ||
        (r = bundle_blob_open(new, patch, &delta, err)) < 0 ||
        (r = delta_apply(&base, &delta, (uint64_t) bundle_blob_size(new, to), out, NULL, err)) < 0)
        return r;
    if (fstat(out, &st) < 0)
        return error_errno(err, -errno, "look at the result");
    const struct blob_source made = {.fd = out, .size = (uint64_t) st.st_size};
    if ((r = blob_source_copy(&made, -1, digest, err)) < 0)
        return r;
    return strcmp(digest, to) == 0 ? 0 : error_set(err, -EBADMSG, "%s is not %s", digest, to);
}

static int add_blob(const struct bundle *old, const struct bundle *new, const char *name,
                    const char *to, struct totals *t, struct error *err)
{
    int64_t size = bundle_blob_size(new, to), sent = size;
    const char *from, *patch = patch_from(old, new, to, &from);
    t->full += size;
    if (bundle_blob_size(old, to) >= 0) {
        t->same += size;
        return 0;
    }
    if (patch) {
        int64_t began = clock_monotonic_ms();
        int r = apply(old, new, from, patch, to, err);
        if (r < 0)
            return error_prefix(err, "%s", name);
        sent = bundle_blob_size(new, patch);
        t->patches++;
        printf("%-26s %9lld -> %8lld bytes (%4.1f %%), applied and verified in %.1f s\n", name,
               (long long) size, (long long) sent, 100.0 * (double) sent / (double) size,
               (double) (clock_monotonic_ms() - began) / 1000);
    }
    t->sent += sent;
    return 0;
}

/* Each blob that a component names, once. */
static int add_all(const struct bundle *old, const struct bundle *new, struct totals *t,
                   struct error *err)
{
    AUTO_JSON *seen = json_object();
    int r = 0;
    for (size_t i = 0; r == 0 && i < new->component_count; i++) {
        const struct component *c = &new->components[i];
        AUTO_JSON *blobs = c->blobs ? json_copy(c->blobs) : json_array();
        json_array_append_new(blobs, json_string(c->blob ? c->blob : c->manifest));
        size_t k;
        json_t *blob;
        json_array_foreach(blobs, k, blob) {
            const char *digest = json_string_value(blob);
            if (r == 0 && !json_object_get(seen, digest))
                r = add_blob(old, new, c->name, digest, t, err);
            json_object_set_new(seen, digest, json_true());
        }
    }
    return r;
}

int main(int argc, char **argv)
{
    CLEANUP(bundle_release) struct bundle old = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle new = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    struct totals t = {0};
    if (argc != 3)
        return 2;
    if (bundle_open(argv[1], NULL, &old, &err) < 0 || bundle_open(argv[2], NULL, &new, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    long before = peak_kib();
    t.full = t.sent = (int64_t) new.text_len;
    if (add_all(&old, &new, &t, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    if (t.patches == 0)
        return fprintf(stderr, "%s has no patches for %s\n", argv[2], argv[1]), 1;
    printf("%zu patches; %lld bytes are the same; %ld KiB of memory at most, %ld before\n",
           t.patches, (long long) t.same, peak_kib(), before);
    printf("RESULT bench-delta full_bytes=%lld delta_bytes=%lld ratio=%.3f\n", (long long) t.full,
           (long long) t.sent, (double) t.sent / (double) t.full);
    return 0;
}

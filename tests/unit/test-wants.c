#include "agent/blobs.h"
#include "agent/paths.h"
#include "agent/wants.h"
#include "images/delta.h"
#include "lib/fd.h"
#include "tests/unit/chunk-count.h"
#include "tests/unit/chunk-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW 0 /* five chunks, which a patch makes of the old one */
#define PATCH 1
#define OTHER 2 /* two chunks */
#define SIZE (CHUNK_SIZE * 9 / 2)

struct place {
    char *root;
    struct fixture f;
    struct fixture_blob old; /* of a former bundle */
    struct chunk_store *store;
    struct wants *wants;
    atomic_uint woken;
};

static void on_wake(void *arg)
{
    struct place *p = arg;
    atomic_fetch_add(&p->woken, 1);
}

static void write_file(const char *path, const void *data, size_t size)
{
    assert_int_equal(file_write_new(path, data, size, 0600, NULL), 0);
}

static struct blob_source source_of(const char *path, const void *data, size_t size)
{
    write_file(path, data, size);
    return (struct blob_source){.fd = open(path, O_RDONLY | O_CLOEXEC), .size = size};
}

/* What makes `to` of `from`. */
static void add_patch(struct place *p, const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    STRBUF(patch, 2 * SIZE);
    AUTO_FREE char *from_path = path_join(p->root, "from");
    AUTO_FREE char *to_path = path_join(p->root, "to");
    AUTO_FREE char *out_path = path_join(p->root, "patch");
    AUTO_BLOB_SOURCE a = source_of(from_path, from, SIZE);
    AUTO_BLOB_SOURCE b = source_of(to_path, to, SIZE);
    AUTO_FD out = open(out_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (delta_make(&a, &b, p->root, out, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file_read(out_path, &patch, NULL), 0);
    size_t len = patch.len;
    assert_true(len > 0 && len < SIZE / 2);
    fixture_add_bytes(&p->f, strbuf_steal(&patch), len);
}

static char *altered(const char *data, size_t at)
{
    char *copy = xcalloc(1, SIZE);
    memcpy(copy, data, SIZE);
    memset(copy + at, '!', 1000);
    return copy;
}

static int begin(struct place *p)
{
    p->f.deltas = json_pack("{s:[{s:s, s:s}]}", p->f.blobs[NEW].digest, "from", p->old.digest,
                            "blob", p->f.blobs[PATCH].digest);
    fixture_add(&p->f, 5, CHUNK_SIZE + 1);
    fixture_parse(&p->f);
    agent_root_set(p->root);
    return agent_prepare_folders(NULL);
}

static void open_wants(struct place *p)
{
    assert_int_equal(chunk_store_new(&p->f.bundle, p->f.map, &p->store, NULL), 0);
    p->wants = wants_new(&p->f.bundle, p->f.map, p->store, on_wake, p);
}

/* kind: 'g'ood patch, 'b'ad one, one of 'a'nother blob. */
static int set_up(void **state, char kind)
{
    struct place *p = xcalloc(1, sizeof *p);
    folder_setup((void **) &p->root);
    p->old.data = fixture_bytes(1, SIZE);
    digest_buffer(p->old.data, SIZE, p->old.digest);
    char *next = altered(p->old.data, SIZE / 2);
    fixture_add_bytes(&p->f, next, SIZE);
    AUTO_FREE char *another = altered(p->old.data, SIZE / 3);
    if (kind == 'b')
        fixture_add(&p->f, 3, 7000);
    else
        add_patch(p, p->old.data, kind == 'g' ? next : another);
    *state = p;
    int r = begin(p);
    open_wants(p);
    return r;
}

static int setup(void **state)
{
    return set_up(state, 'g');
}

static int setup_bad(void **state)
{
    return set_up(state, 'b');
}

static int setup_another(void **state)
{
    return set_up(state, 'a');
}

static int teardown(void **state)
{
    struct place *p = *state;
    wants_free(&p->wants, false);
    chunk_store_free(&p->store);
    fixture_release(&p->f);
    free(p->old.data);
    int r = folder_teardown((void **) &p->root);
    free(p);
    return r;
}

static const char *digest_of(const struct place *p, int blob)
{
    return p->f.blobs[blob].digest;
}

static void put_old(const struct place *p)
{
    AUTO_FREE char *path = blob_path(p->old.digest);
    write_file(path, p->old.data, SIZE);
}

static void step_all(struct place *p)
{
    struct error err = ERROR_INIT;
    int r;
    while ((r = wants_step(p->wants, &err)) == 1)
        continue;
    if (r < 0)
        fail_msg("%s", err.text);
}

static struct chunk_range range_of(const struct place *p, int blob)
{
    struct chunk_range range = {0, 0};
    assert_int_equal(chunk_map_find(p->f.map, digest_of(p, blob), &range), 0);
    return range;
}

static bool is_wanted(const struct place *p, int blob)
{
    struct chunk_range range = range_of(p, blob);
    uint32_t count = 0;
    for (uint32_t i = 0; i < range.count; i++)
        count += chunk_set_has(wants_chunks(p->wants), range.first + i);
    assert_true(count == 0 || count == range.count);
    return count > 0;
}

static void give(struct place *p, int blob, uint32_t from)
{
    struct chunk_range range = range_of(p, blob);
    int r = 0;
    for (uint32_t n = range.first + from; n < range.first + range.count; n++)
        r = chunk_store_add(p->store, n, fixture_chunk(&p->f, n), chunk_map_get(p->f.map, n).size,
                            NULL);
    if (r == 1)
        wants_whole(p->wants, digest_of(p, blob));
}

static void assert_here(const struct place *p, int blob)
{
    AUTO_FREE char *path = blob_path(digest_of(p, blob));
    assert_int_equal(file_is(path, p->f.blobs[blob].data, p->f.blobs[blob].size, 0600), 1);
    assert_int_equal(blob_have(digest_of(p, blob), NULL), 1);
    assert_true(strv_contains(wants_done(p->wants), digest_of(p, blob)));
}

/* Until the thread that applies the patch has called. */
static void await_patching(struct place *p)
{
    step_all(p);
    for (int i = 0; i < 2000 && atomic_load(&p->woken) == 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&p->woken), 1);
    step_all(p);
}

static void assert_nothing_left(const struct place *p)
{
    AUTO_FREE char *path = blob_path(digest_of(p, NEW));
    AUTO_FREE char *patched = xasprintf("%s.patched", path);
    assert_int_equal(access(patched, F_OK), -1);
}

static void test_in_order(void **state)
{
    struct place *p = *state;
    struct chunk_range range;
    wants_add(p->wants, digest_of(p, OTHER));
    wants_add(p->wants, digest_of(p, NEW));
    wants_add(p->wants, digest_of(p, OTHER));
    wants_add(p->wants, p->old.digest); /* of another bundle */
    step_all(p);
    assert_true(wants_range(p->wants, 0, &range));
    assert_int_equal(range.first, range_of(p, OTHER).first);
    assert_int_equal(range.count, 2);
    assert_true(wants_range(p->wants, 1, &range));
    assert_int_equal(range.first, range_of(p, NEW).first);
    assert_false(wants_range(p->wants, 2, &range));
    give(p, OTHER, 0);
    assert_true(wants_range(p->wants, 0, &range));
    assert_int_equal(range.count, 0);
    assert_here(p, OTHER);
    assert_int_equal(wants_done(p->wants)->count, 1);
}

static void test_without_the_old_one(void **state)
{
    struct place *p = *state;
    wants_add(p->wants, digest_of(p, NEW));
    step_all(p);
    assert_true(is_wanted(p, NEW));
    assert_false(is_wanted(p, PATCH));
    give(p, NEW, 0);
    assert_here(p, NEW);
}

static void test_patch(void **state)
{
    struct place *p = *state;
    struct chunk_range range;
    put_old(p);
    wants_add(p->wants, digest_of(p, NEW));
    step_all(p);
    assert_false(is_wanted(p, NEW));
    assert_true(is_wanted(p, PATCH));
    assert_true(wants_range(p->wants, 0, &range));
    assert_int_equal(range.first, range_of(p, PATCH).first);
    give(p, PATCH, 0);
    await_patching(p);
    assert_here(p, NEW);
    assert_false(is_wanted(p, NEW));
    assert_true(chunk_store_whole(p->store, digest_of(p, NEW)));
    assert_nothing_left(p);
}

/* A former run brought the patch already. */
static void test_patch_that_is_here(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = blob_path(digest_of(p, PATCH));
    put_old(p);
    write_file(path, p->f.blobs[PATCH].data, p->f.blobs[PATCH].size);
    wants_add(p->wants, digest_of(p, NEW));
    await_patching(p);
    assert_here(p, NEW);
}

static void falls_back(struct place *p)
{
    put_old(p);
    wants_add(p->wants, digest_of(p, NEW));
    step_all(p);
    assert_true(is_wanted(p, PATCH));
    give(p, PATCH, 0);
    await_patching(p);
    assert_int_equal(wants_done(p->wants)->count, 0);
    assert_true(is_wanted(p, NEW));
    assert_int_equal(blob_have(digest_of(p, NEW), NULL), 0);
    assert_nothing_left(p);
    give(p, NEW, 0);
    assert_here(p, NEW);
}

static void test_bad_patch(void **state)
{
    falls_back(*state);
}

static void test_patch_of_another(void **state)
{
    falls_back(*state);
}

/* The last chunk misses: less than the patch would be. */
static void test_patch_that_is_more(void **state)
{
    struct place *p = *state;
    struct chunk_range range = range_of(p, NEW);
    put_old(p);
    for (uint32_t n = range.first + 1; n < range.first + range.count; n++)
        assert_int_equal(chunk_store_add(p->store, n, fixture_chunk(&p->f, n),
                                         chunk_map_get(p->f.map, n).size, NULL),
                         0);
    wants_add(p->wants, digest_of(p, NEW));
    step_all(p);
    bool is_less = p->f.blobs[PATCH].size < CHUNK_SIZE;
    assert_int_equal(is_wanted(p, PATCH), is_less);
    assert_int_equal(is_wanted(p, NEW), !is_less);
}

static void test_end_while_patching(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *patch = blob_path(digest_of(p, PATCH));
    put_old(p);
    wants_add(p->wants, digest_of(p, NEW));
    step_all(p);
    give(p, PATCH, 0);
    wants_step(p->wants, NULL);
    wants_free(&p->wants, true);
    assert_nothing_left(p);
    assert_int_equal(access(patch, F_OK), -1);
}

/* What other hosts may want is found too. */
static void test_looks_at_everything(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = blob_path(digest_of(p, OTHER));
    write_file(path, p->f.blobs[OTHER].data, p->f.blobs[OTHER].size);
    step_all(p);
    assert_int_equal(chunk_set_count(chunk_store_have(p->store)), 2);
    assert_true(chunk_set_empty(wants_chunks(p->wants)));
    assert_int_equal(wants_done(p->wants)->count, 0);
    wants_free(&p->wants, true);
    assert_int_equal(access(path, F_OK), 0); /* it was here before */
}

/* Skipped where the test may not mount. */
static void test_no_room(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = agent_path("/var/lib/bigtop/blobs/sha256");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=65m,mode=0700") < 0)
        skip();
    wants_add(p->wants, digest_of(p, NEW));
    int r = wants_step(p->wants, &err);
    umount(dir);
    assert_int_equal(r, -ENOSPC);
    assert_error_has(err, "66 MiB are needed");
}

#define wants_test(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        wants_test(test_in_order, setup),
        wants_test(test_without_the_old_one, setup),
        wants_test(test_patch, setup),
        wants_test(test_patch_that_is_here, setup),
        wants_test(test_bad_patch, setup_bad),
        wants_test(test_patch_of_another, setup_another),
        wants_test(test_patch_that_is_more, setup),
        wants_test(test_end_while_patching, setup),
        wants_test(test_looks_at_everything, setup),
        wants_test(test_no_room, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

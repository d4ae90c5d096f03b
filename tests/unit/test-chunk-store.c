#include "agent/blobs.h"
#include "agent/chunk-store.h"
#include "agent/paths.h"
#include "lib/fd.h"
#include "tests/unit/chunk-count.h"
#include "tests/unit/chunk-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG 0   /* three and a half chunks */
#define SMALL 1 /* one */
#define EMPTY 2

struct place {
    char *root;
    struct fixture f;
    struct chunk_store *store;
};

static void open_store(struct place *p)
{
    struct error err = ERROR_INIT;
    if (chunk_store_new(&p->f.bundle, p->f.map, &p->store, &err) < 0)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct place *p = xcalloc(1, sizeof(*p));
    folder_setup((void **) &p->root);
    agent_root_set(p->root);
    fixture_add(&p->f, 1, CHUNK_SIZE * 7 / 2);
    fixture_add(&p->f, 2, 1000);
    fixture_add(&p->f, 3, 0);
    fixture_parse(&p->f);
    *state = p;
    if (agent_prepare_folders(NULL) < 0)
        return -1;
    open_store(p);
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    chunk_store_free(&p->store);
    fixture_release(&p->f);
    int r = folder_teardown((void **) &p->root);
    free(p);
    return r;
}

/* As another agent would find it. */
static void reopen(struct place *p)
{
    chunk_store_free(&p->store);
    open_store(p);
}

static const char *digest_of(const struct place *p, int blob)
{
    return p->f.blobs[blob].digest;
}

static uint32_t first_of(const struct place *p, int blob)
{
    struct chunk_range range = {0, 0};
    assert_int_equal(chunk_map_find(p->f.map, digest_of(p, blob), &range), 0);
    return range.first;
}

static int add(struct place *p, int blob, uint32_t index)
{
    uint32_t number = first_of(p, blob) + index;
    return chunk_store_add(p->store, number, fixture_chunk(&p->f, number),
                           chunk_map_get(p->f.map, number).size, NULL);
}

static int look(struct place *p, int blob)
{
    struct error err = ERROR_INIT;
    int r = chunk_store_look(p->store, digest_of(p, blob), true, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    return r;
}

static char *part_of(const struct place *p, int blob)
{
    AUTO_FREE char *path = blob_path(digest_of(p, blob));
    return xasprintf("%s%s", path, CHUNKS_SUFFIX);
}

static void assert_stored(const struct place *p, int blob)
{
    AUTO_FREE char *path = blob_path(digest_of(p, blob));
    AUTO_FREE char *part = part_of(p, blob);
    const struct fixture_blob *b = &p->f.blobs[blob];
    assert_int_equal(file_is(path, b->data, b->size, 0600), 1);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(blob_have(digest_of(p, blob), NULL), 1);
    assert_true(chunk_store_whole(p->store, digest_of(p, blob)));
    assert_int_equal(chunk_store_missing(p->store, digest_of(p, blob)), 0);
}

static void test_any_order(void **state)
{
    struct place *p = *state;
    assert_int_equal(look(p, BIG), 0);
    assert_int_equal(add(p, BIG, 3), 0);
    assert_int_equal(add(p, BIG, 0), 0);
    assert_int_equal(add(p, BIG, 0), 0);
    assert_int_equal(chunk_store_missing(p->store, digest_of(p, BIG)), 2 * CHUNK_SIZE);
    assert_int_equal(chunk_set_count(chunk_store_have(p->store)), 2);
    assert_false(chunk_store_whole(p->store, digest_of(p, BIG)));
    assert_int_equal(add(p, BIG, 2), 0);
    assert_int_equal(add(p, BIG, 1), 1);
    assert_stored(p, BIG);
}

static void test_one_chunk_and_none(void **state)
{
    struct place *p = *state;
    assert_int_equal(look(p, SMALL), 0);
    assert_int_equal(add(p, SMALL, 0), 1);
    assert_stored(p, SMALL);
    assert_int_equal(look(p, EMPTY), 1);
    assert_stored(p, EMPTY);
}

static void test_wrong_bytes(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *part = part_of(p, BIG);
    uint32_t first = first_of(p, BIG);
    AUTO_FREE char *wrong = xcalloc(1, CHUNK_SIZE);
    memcpy(wrong, fixture_chunk(&p->f, first), CHUNK_SIZE);
    assert_int_equal(chunk_store_add(p->store, first + 1, wrong, CHUNK_SIZE, &err), -EBADMSG);
    wrong[77] ^= 1;
    assert_int_equal(chunk_store_add(p->store, first, wrong, CHUNK_SIZE, &err), -EBADMSG);
    wrong[77] ^= 1;
    assert_int_equal(chunk_store_add(p->store, first, wrong, CHUNK_SIZE - 1, &err), -EBADMSG);
    assert_int_equal(chunk_store_add(p->store, first, wrong, 0, &err), -EBADMSG);
    assert_int_equal(access(part, F_OK), -1);
    assert_true(chunk_set_empty(chunk_store_have(p->store)));
    assert_int_equal(chunk_store_add(p->store, first, wrong, CHUNK_SIZE, &err), 0);
}

static void test_resume_with_holes(void **state)
{
    struct place *p = *state;
    add(p, BIG, 1);
    add(p, BIG, 3);
    reopen(p);
    assert_true(chunk_set_empty(chunk_store_have(p->store)));
    assert_int_equal(look(p, BIG), 0);
    uint32_t first = first_of(p, BIG);
    assert_int_equal(chunk_set_count(chunk_store_have(p->store)), 2);
    assert_true(chunk_set_has(chunk_store_have(p->store), first + 1));
    assert_true(chunk_set_has(chunk_store_have(p->store), first + 3));
    assert_int_equal(add(p, BIG, 0), 0);
    assert_int_equal(add(p, BIG, 2), 1);
    assert_stored(p, BIG);
}

/* A power cut, or somebody: only what still hashes right counts. */
static void test_resume_with_damage(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *part = part_of(p, BIG);
    for (uint32_t i = 0; i < 3; i++)
        add(p, BIG, i);
    AUTO_FD fd = open(part, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "?", 1, CHUNK_SIZE + 5), 1);
    reopen(p);
    assert_int_equal(look(p, BIG), 0);
    assert_int_equal(chunk_store_missing(p->store, digest_of(p, BIG)), CHUNK_SIZE * 3 / 2);
    assert_int_equal(add(p, BIG, 1), 0);
    assert_int_equal(add(p, BIG, 3), 1);
    assert_stored(p, BIG);
}

/* All chunks came, and then the power went before the name did. */
static void test_resume_when_only_the_name_misses(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *part = part_of(p, BIG);
    const struct fixture_blob *b = &p->f.blobs[BIG];
    AUTO_FREE char *longer = xcalloc(1, b->size + 10);
    memcpy(longer, b->data, b->size);
    assert_int_equal(file_write_new(part, longer, b->size + 10, 0600, NULL), 0);
    assert_int_equal(look(p, BIG), 1);
    assert_stored(p, BIG);
}

static void test_whole_blob_is_known(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = blob_path(digest_of(p, BIG));
    const struct fixture_blob *b = &p->f.blobs[BIG];
    assert_int_equal(file_write_new(path, b->data, b->size, 0600, NULL), 0);
    assert_int_equal(look(p, BIG), 1);
    assert_int_equal(chunk_set_count(chunk_store_have(p->store)), 4);
    assert_stored(p, BIG);
}

static void test_damaged_blob_is_not_taken(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = blob_path(digest_of(p, BIG));
    const struct fixture_blob *b = &p->f.blobs[BIG];
    assert_int_equal(file_write_new(path, b->data + 1, b->size, 0600, NULL), 0);
    assert_int_equal(look(p, BIG), 0);
    assert_true(chunk_set_empty(chunk_store_have(p->store)));
    assert_int_equal(access(path, F_OK), -1);
}

static void put_in_containerd(const struct place *p, int blob, size_t size)
{
    AUTO_FREE char *dir = agent_path(CONTAINERD_BLOB_DIR);
    AUTO_FREE char *path = path_join(dir, digest_of(p, blob) + 7);
    assert_int_equal(path_mkdir_p(dir, 0700, NULL), 0);
    assert_int_equal(file_write_new(path, p->f.blobs[blob].data, size, 0644, NULL), 0);
}

static void test_containerd_has_it(void **state)
{
    struct place *p = *state;
    put_in_containerd(p, BIG, p->f.blobs[BIG].size);
    assert_int_equal(chunk_store_look(p->store, digest_of(p, BIG), false, NULL), 0);
    assert_true(chunk_set_empty(chunk_store_have(p->store)));
    assert_int_equal(look(p, BIG), 1);
    assert_stored(p, BIG);
}

static void test_containerd_has_some_of_it(void **state)
{
    struct place *p = *state;
    add(p, BIG, 0);
    put_in_containerd(p, BIG, CHUNK_SIZE * 2 + 100);
    assert_int_equal(look(p, BIG), 0);
    assert_int_equal(chunk_store_missing(p->store, digest_of(p, BIG)), CHUNK_SIZE * 3 / 2);
}

static void read_and_compare(const struct place *p, uint32_t number)
{
    uint64_t offset = 0;
    uint32_t size = chunk_map_get(p->f.map, number).size;
    AUTO_FREE char *data = xcalloc(1, size);
    AUTO_FD fd = chunk_store_open(p->store, number, &offset, NULL);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, data, size, (off_t) offset), size);
    assert_memory_equal(data, fixture_chunk(&p->f, number), size);
}

static void test_reading(void **state)
{
    struct place *p = *state;
    uint32_t first = first_of(p, BIG);
    uint64_t offset;
    assert_int_equal(chunk_store_open(p->store, first, &offset, NULL), -ENOENT);
    add(p, BIG, 1);
    read_and_compare(p, first + 1);
    for (uint32_t i = 0; i < 4; i++)
        add(p, BIG, i);
    for (uint32_t i = 0; i < 4; i++)
        read_and_compare(p, first + i);
}

static void test_foreign_parts_go(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *dir = agent_path("/var/lib/bigtop/blobs/sha256");
    AUTO_FREE char *foreign = xasprintf("%s/%064d%s", dir, 7, CHUNKS_SUFFIX);
    AUTO_FREE char *whole = xasprintf("%s/%064d", dir, 7);
    AUTO_FREE char *ours = part_of(p, BIG);
    AUTO_FREE char *big = blob_path(digest_of(p, BIG));
    AUTO_FREE char *patched = xasprintf("%s%s", big, PATCHED_SUFFIX);
    assert_int_equal(file_write_new(patched, "x", 1, 0600, NULL), 0);
    assert_int_equal(file_write_new(foreign, "x", 1, 0600, NULL), 0);
    assert_int_equal(file_write_new(whole, "x", 1, 0600, NULL), 0);
    add(p, BIG, 0);
    reopen(p);
    assert_int_equal(access(foreign, F_OK), -1);
    assert_int_equal(access(patched, F_OK), -1);
    assert_int_equal(access(whole, F_OK), 0);
    assert_int_equal(access(ours, F_OK), 0);
}

/* Nobody would know any more that it was not for this host. */
static void test_kept_for_others(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *path = blob_path(digest_of(p, SMALL));
    AUTO_FREE char *part = part_of(p, SMALL);
    uint64_t offset = 1;
    assert_int_equal(add(p, SMALL, 0), 0);
    reopen(p);
    assert_int_equal(chunk_store_look(p->store, digest_of(p, SMALL), false, NULL), 0);
    assert_int_equal(chunk_store_missing(p->store, digest_of(p, SMALL)), 0);
    assert_int_equal(access(path, F_OK), -1);
    AUTO_FD fd = chunk_store_open(p->store, first_of(p, SMALL), &offset, NULL);
    assert_true(fd >= 0);
    assert_int_equal(offset, 0);
    chunk_store_drop(p->store, digest_of(p, SMALL));
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(add(p, SMALL, 0), 0);
    assert_int_equal(look(p, SMALL), 1); /* after all it is wanted */
    assert_stored(p, SMALL);
}

static void test_drop(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *part = part_of(p, BIG);
    AUTO_FREE char *small = blob_path(digest_of(p, SMALL));
    look(p, SMALL);
    add(p, BIG, 0);
    add(p, SMALL, 0);
    chunk_store_drop(p->store, digest_of(p, BIG));
    assert_int_equal(access(part, F_OK), -1);
    assert_true(chunk_set_has(chunk_store_have(p->store), first_of(p, SMALL)));
    assert_int_equal(chunk_set_count(chunk_store_have(p->store)), 1);
    reopen(p);
    look(p, SMALL); /* it was here before */
    chunk_store_drop(p->store, digest_of(p, SMALL));
    assert_int_equal(access(small, F_OK), 0);
    assert_stored(p, SMALL);
}

/* What was verified must not turn into holes. */
static void test_part_that_vanishes(void **state)
{
    struct place *p = *state;
    AUTO_FREE char *part = part_of(p, BIG);
    struct error err = ERROR_INIT;
    uint32_t second = first_of(p, BIG) + 1;
    add(p, BIG, 0);
    assert_int_equal(unlink(part), 0);
    assert_int_equal(
        chunk_store_add(p->store, second, fixture_chunk(&p->f, second), CHUNK_SIZE, &err), -ENOENT);
    assert_string_not_equal(err.remedy, "");
}

static void test_not_listed(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *digest = xasprintf("sha256:%064d", 5);
    assert_int_equal(chunk_store_look(p->store, digest, true, &err), -ENOENT);
    assert_error_has(err, digest);
}

/* Skipped where the test may not mount. */
static void test_no_space(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = agent_path("/var/lib/bigtop/blobs/sha256");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700") < 0)
        skip();
    uint32_t first = first_of(p, BIG);
    int r = 0;
    for (uint32_t i = 0; i < 3 && r == 0; i++)
        r = chunk_store_add(p->store, first + i, fixture_chunk(&p->f, first + i), CHUNK_SIZE, &err);
    umount(dir);
    assert_int_equal(r, -ENOSPC);
    assert_error_has(err, "no room in");
    assert_true(err.remedy[0] != '\0');
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_any_order),
        store_test(test_one_chunk_and_none),
        store_test(test_wrong_bytes),
        store_test(test_resume_with_holes),
        store_test(test_resume_with_damage),
        store_test(test_resume_when_only_the_name_misses),
        store_test(test_whole_blob_is_known),
        store_test(test_damaged_blob_is_not_taken),
        store_test(test_containerd_has_it),
        store_test(test_containerd_has_some_of_it),
        store_test(test_reading),
        store_test(test_foreign_parts_go),
        store_test(test_kept_for_others),
        store_test(test_drop),
        store_test(test_part_that_vanishes),
        store_test(test_not_listed),
        store_test(test_no_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

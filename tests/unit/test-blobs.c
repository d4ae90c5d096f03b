#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/blobs.h"
#include "agent/paths.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (300 * 1024)

static char root[64];
static char content[SIZE];
static char digest[DIGEST_SIZE];

static int setup(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-blobs.XXXXXX");
    assert_non_null(mkdtemp(root));
    agent_root_set(root);
    random_bytes(content, sizeof content);
    digest_buffer(content, sizeof content, digest);
    return agent_prepare_folders(NULL);
}

static int teardown(void **state)
{
    (void) state;
    return path_remove_tree(root, NULL);
}

static struct blob_put *begin(uint64_t expected_offset)
{
    struct blob_put *put = NULL;
    uint64_t offset = UINT64_MAX;
    struct error err = ERROR_INIT;
    if (blob_put_begin(digest, SIZE, &put, &offset, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(offset, expected_offset);
    return put;
}

static void assert_stored(void)
{
    AUTO_FREE char *path = blob_path(digest);
    AUTO_FREE char *part = xasprintf("%s.part", path);
    assert_int_equal(file_is(path, content, SIZE, 0600), 1);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(blob_have(digest, NULL), 1);
}

static void test_whole(void **state)
{
    (void) state;
    assert_int_equal(blob_have(digest, NULL), 0);
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_data(put, content, 1000, NULL), 0);
    assert_int_equal(blob_have(digest, NULL), 0);
    assert_int_equal(blob_put_data(put, content + 1000, SIZE - 1000, NULL), 0);
    assert_int_equal(blob_put_missing(put), 0);
    assert_int_equal(blob_put_end(&put, NULL), 0);
    assert_null(put);
    assert_stored();
    put = begin(SIZE);
    assert_int_equal(blob_put_end(&put, NULL), 0);
    assert_stored();
}

static void test_resume(void **state)
{
    (void) state;
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_data(put, content, 12345, NULL), 0);
    blob_put_abort(&put);
    assert_null(put);
    put = begin(12345);
    assert_int_equal(blob_put_data(put, content + 12345, SIZE - 12345, NULL), 0);
    assert_int_equal(blob_put_end(&put, NULL), 0);
    assert_stored();
}

static void test_part_that_was_damaged_starts_anew(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct blob_put *put = begin(0);
    content[7] ^= 1;
    assert_int_equal(blob_put_data(put, content, 100, NULL), 0);
    content[7] ^= 1;
    blob_put_abort(&put);
    put = begin(100);
    assert_int_equal(blob_put_data(put, content + 100, SIZE - 100, NULL), 0);
    assert_int_equal(blob_put_end(&put, &err), -EBADMSG);
    assert_non_null(strstr(err.text, digest));
    assert_int_equal(blob_have(digest, NULL), 0);
    put = begin(0);
    blob_put_abort(&put);
}

static void test_part_that_is_too_long_starts_anew(void **state)
{
    (void) state;
    AUTO_FREE char *path = blob_path(digest);
    AUTO_FREE char *part = xasprintf("%s.part", path);
    AUTO_FREE char *zeroes = xcalloc(SIZE + 1, 1);
    assert_int_equal(file_write_atomic(part, zeroes, SIZE + 1, 0600, NULL), 0);
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_data(put, content, SIZE, NULL), 0);
    assert_int_equal(blob_put_end(&put, NULL), 0);
    assert_stored();
}

static void test_more_and_fewer_bytes_than_announced(void **state)
{
    (void) state;
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_data(put, content, SIZE, NULL), 0);
    assert_int_equal(blob_put_data(put, content, 1, NULL), -EMSGSIZE);
    blob_put_abort(&put);
    AUTO_FREE char *path = blob_path(digest);
    AUTO_FREE char *part = xasprintf("%s.part", path);
    assert_int_equal(truncate(part, 10), 0);
    put = begin(10);
    assert_int_equal(blob_put_end(&put, NULL), -EPIPE);
    assert_int_equal(blob_have(digest, NULL), 0);
}

static void test_damage_is_noticed(void **state)
{
    (void) state;
    AUTO_FREE char *path = blob_path(digest);
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_data(put, content, SIZE, NULL), 0);
    assert_int_equal(blob_put_end(&put, NULL), 0);
    assert_int_equal(blob_have(digest, NULL), 1);
    usleep(20000); /* past the kernel's clock tick, so that ctime moves */
    AUTO_FD fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "!", 1, content[5] == '!' ? 6 : 5), 1);
    assert_int_equal(blob_have(digest, NULL), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_link_in_the_way(void **state)
{
    (void) state;
    AUTO_FREE char *path = blob_path(digest);
    AUTO_FREE char *part = xasprintf("%s.part", path);
    AUTO_FREE char *victim = path_join(root, "victim");
    struct blob_put *put = NULL;
    uint64_t offset = 0;
    assert_int_equal(file_write_atomic(victim, content, SIZE, 0600, NULL), 0);
    assert_int_equal(symlink(victim, path), 0);
    assert_int_equal(blob_have(digest, NULL), 0);
    assert_int_equal(symlink(victim, part), 0);
    assert_int_equal(blob_put_begin(digest, SIZE, &put, &offset, NULL), -ELOOP);
    assert_int_equal(file_is(victim, content, SIZE, 0600), 1);
}

static void test_one_put_at_a_time(void **state)
{
    (void) state;
    struct blob_put *second = NULL;
    uint64_t offset = 0;
    struct blob_put *put = begin(0);
    assert_int_equal(blob_put_begin(digest, SIZE, &second, &offset, NULL), -EBUSY);
    blob_put_abort(&put);
    put = begin(0);
    blob_put_abort(&put);
}

static void test_bad_input(void **state)
{
    (void) state;
    struct blob_put *put = NULL;
    uint64_t offset = 0;
    assert_int_equal(blob_have("sha256:../../../../etc/passwd", NULL), -EINVAL);
    assert_int_equal(blob_put_begin("", 1, &put, &offset, NULL), -EINVAL);
    assert_int_equal(blob_put_begin(digest, BLOB_SIZE_MAX + 1, &put, &offset, NULL), -E2BIG);
    assert_null(put);
}

static void test_no_room(void **state)
{
    (void) state;
    struct blob_put *put = NULL;
    uint64_t offset = 0;
    struct error err = ERROR_INIT;
    AUTO_FREE char *dir = agent_path(AGENT_BLOB_DIR);
    if (unshare(CLONE_NEWNS) < 0)
        skip();
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=8m"), 0);
    assert_int_equal(blob_put_begin(digest, SIZE, &put, &offset, &err), -ENOSPC);
    assert_non_null(strstr(err.text, dir));
    assert_true(err.remedy[0]);
    /* It fills up while the bytes come in. */
    assert_int_equal(umount2(dir, 0), 0);
    assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=80m"), 0);
    put = begin(0);
    AUTO_FREE char *filler = path_join(dir, "filler");
    AUTO_FD fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    AUTO_FREE char *zeroes = xcalloc(1 << 20, 1);
    while (fd_write_all(fd, zeroes, 1 << 20) == 0)
        continue;
    int r = 0;
    for (int i = 0; r >= 0 && i < SIZE; i += 4096)
        r = blob_put_data(put, content + i, SIZE - i < 4096 ? (size_t) (SIZE - i) : 4096, &err);
    assert_int_equal(r, -ENOSPC);
    assert_non_null(strstr(err.text, dir));
    blob_put_abort(&put);
    fd_close(&fd);
    assert_int_equal(umount2(dir, 0), 0);
}

static void test_planted_folders_are_refused(void **state)
{
    (void) state;
    AUTO_FREE char *blobs = path_join(root, "var/lib/bigtop/blobs");
    AUTO_FREE char *elsewhere = path_join(root, "elsewhere");
    struct error err = ERROR_INIT;
    assert_int_equal(chmod(blobs, 0770), 0);
    assert_int_equal(agent_prepare_folders(&err), -EPERM);
    assert_non_null(strstr(err.text, blobs));
    assert_int_equal(chmod(blobs, 0700), 0);
    assert_int_equal(agent_prepare_folders(NULL), 0);
    assert_int_equal(chmod(blobs, 0755), 0);
    assert_int_equal(agent_prepare_folders(NULL), 0);
    struct stat st;
    assert_int_equal(stat(blobs, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(rename(blobs, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, blobs), 0);
    assert_int_equal(agent_prepare_folders(&err), -EPERM);
    assert_int_equal(unlink(blobs), 0);
    assert_int_equal(file_write_atomic(blobs, "", 0, 0600, NULL), 0);
    assert_int_equal(agent_prepare_folders(&err), -EPERM);
    assert_int_equal(unlink(blobs), 0);
    if (geteuid() == 0) {
        assert_int_equal(rename(elsewhere, blobs), 0);
        assert_int_equal(chown(blobs, 1, 1), 0);
        assert_int_equal(agent_prepare_folders(&err), -EPERM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_that_was_damaged_starts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_that_is_too_long_starts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_and_fewer_bytes_than_announced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_in_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_put_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_planted_folders_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

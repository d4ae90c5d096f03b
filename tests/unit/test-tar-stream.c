#include "agent/tar-stream.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void unpacks_as_it_went_in(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *tar = path_join(*state, "t.tar");
    AUTO_FREE char *out = path_join(*state, "out");
    AUTO_FREE char *big = path_join(*state, "big");
    AUTO_FREE char *content = xcalloc(1, 100000);
    memset(content, 'x', 99999);
    assert_int_equal(file_write_atomic(big, content, 99999, 0600, &err), 0);
    AUTO_FD fd = open(tar, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(tar_stream_data(fd, "empty", "", 0, &err), 0);
    assert_int_equal(tar_stream_data(fd, "dir/block", content, 512, &err), 0);
    assert_int_equal(tar_stream_file(fd, "dir/big", big, &err), 0);
    assert_int_equal(tar_stream_end(fd, &err), 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 512 * (1 + 1 + 1 + 1 + 196 + 2));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(path_mkdir_p(out, 0700, &err), 0);
    AUTO_FD dir = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct archive_limits limits = ARCHIVE_LIMITS_DEFAULT;
    assert_int_equal(archive_unpack(fd, dir, &limits, NULL, NULL, &err), 0);
    AUTO_FREE char *empty_file = path_join(out, "empty");
    AUTO_FREE char *block_file = path_join(out, "dir/block");
    AUTO_FREE char *big_file = path_join(out, "dir/big");
    assert_int_equal(file_is(empty_file, "", 0, 0644), 1);
    assert_int_equal(file_is(block_file, content, 512, 0644), 1);
    assert_int_equal(file_is(big_file, content, 99999, 0644), 1);
}

static void refuses_what_a_header_cannot_say(void **state)
{
    (void) state;
    unsigned char block[TAR_BLOCK];
    char name[TAR_NAME_MAX + 2] = {0};
    memset(name, 'n', TAR_NAME_MAX);
    assert_int_equal(tar_stream_header(name, 1, block), 0);
    name[TAR_NAME_MAX] = 'n';
    assert_int_equal(tar_stream_header(name, 1, block), -ENAMETOOLONG);
    assert_int_equal(tar_stream_header("", 1, block), -ENAMETOOLONG);
    assert_int_equal(tar_stream_header("x", TAR_FILE_MAX, block), 0);
    assert_memory_equal(block + 124, "77777777777", 12);
    assert_int_equal(tar_stream_header("x", TAR_FILE_MAX + 1, block), -EFBIG);
}

static void only_plain_files_are_sent(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *link = path_join(*state, "link");
    AUTO_FREE char *tar = path_join(*state, "t.tar");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    AUTO_FD fd = open(tar, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(tar_stream_file(fd, "x", link, &err), -ELOOP);
    assert_int_equal(tar_stream_file(fd, "x", *state, &err), -EINVAL);
    AUTO_FREE char *none = path_join(*state, "none");
    assert_int_equal(tar_stream_file(fd, "x", none, &err), -ENOENT);
    assert_error_has(err, "none");
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(unpacks_as_it_went_in),
        cmocka_unit_test(refuses_what_a_header_cannot_say),
        cmocka_folder_test(only_plain_files_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_ignores_what_is_closed(void **state)
{
    (void) state;
    int fd = -1;
    fd_close(&fd);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;
    fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(number, F_GETFD), -1);
}

static void read_full_tells_a_clean_end_from_a_cut(void **state)
{
    (void) state;
    int fds[2];
    char data[4];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    AUTO_FD in = fds[0];
    AUTO_FD out = fds[1];
    assert_int_equal(fd_write_all(out, "abcdef", 6), 0);
    fd_close(&out);
    assert_int_equal(fd_read_full(in, data, 4), 0);
    assert_memory_equal(data, "abcd", 4);
    assert_int_equal(fd_read_full(in, data, 4), -EPIPE);
    assert_int_equal(fd_read_full(in, data, 4), -ENODATA);
    assert_int_equal(fd_read_full(-1, data, 4), -EBADF);
}

static void a_place_in_a_file_is_written_and_read(void **state)
{
    (void) state;
    char data[4];
    AUTO_FD fd = memfd_create("place", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_pwrite_all(fd, "abcdef", 6, 10), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(fd_pread_full(fd, data, 4, 11), 0);
    assert_memory_equal(data, "bcde", 4);
    assert_int_equal(fd_pread_full(fd, data, 4, 13), -ENODATA);
    assert_int_equal(fd_pread_full(-1, data, 4, 0), -EBADF);
    assert_int_equal(fd_pwrite_all(-1, data, 4, 0), -EBADF);
}

static void reads_to_the_end_or_the_maximum(void **state)
{
    AUTO_FREE char *path = path_join(*state, "f");
    assert_int_equal(file_write_atomic(path, "12345", 5, 0600, NULL), 0);
    struct error err = ERROR_INIT;
    STRBUF(enough, 5);
    assert_int_equal(file_read(path, &enough, &err), 0);
    assert_string_equal(enough.data, "12345");
    STRBUF(small, 4);
    assert_int_equal(file_read(path, &small, &err), -E2BIG);
    assert_error_has(err, "larger than 4 bytes");
}

static void read_names_the_missing_file(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(b, 10);
    assert_int_equal(file_read("/nonexistent/file", &b, &err), -ENOENT);
    assert_string_equal(err.text, "open /nonexistent/file: No such file or directory");
    assert_int_equal(file_read("/", &b, &err), -EISDIR);
}

static void writes_with_the_exact_mode(void **state)
{
    AUTO_FREE char *path = path_join(*state, "f");
    mode_t before = umask(0077);
    int r = file_write_atomic(path, "x", 1, 0666, NULL);
    umask(before);
    struct stat st;
    assert_int_equal(r, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
}

static void replaces_a_symlink_and_not_its_target(void **state)
{
    AUTO_FREE char *victim = path_join(*state, "victim");
    AUTO_FREE char *link = path_join(*state, "link");
    assert_int_equal(file_write_atomic(victim, "precious", 8, 0600, NULL), 0);
    assert_int_equal(symlink(victim, link), 0);
    assert_int_equal(file_write_atomic(link, "new", 3, 0644, NULL), 0);
    assert_int_equal(file_is(victim, "precious", 8, 0600), 1);
    assert_int_equal(file_is(link, "new", 3, 0644), 1);
}

static void leaves_nothing_behind_on_failure(void **state)
{
    AUTO_FREE char *path = path_join(*state, "folder");
    AUTO_FREE char *inner = path_join(path, "inner");
    struct error err = ERROR_INIT;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_true(file_write_atomic(path, "x", 1, 0644, &err) < 0);
    assert_error_has(err, path);
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(*state), 0); /* fails when a temporary file is left */
    assert_int_equal(mkdir(*state, 0700), 0);
    assert_int_equal(file_write_atomic("/nonexistent/f", "x", 1, 0644, &err), -ENOENT);
}

static void writes_new_files_only(void **state)
{
    AUTO_FREE char *path = path_join(*state, "f");
    AUTO_FREE char *dangling = path_join(*state, "link");
    AUTO_FREE char *target = path_join(*state, "target");
    struct error err = ERROR_INIT;
    assert_int_equal(symlink(target, dangling), 0);
    assert_int_equal(file_write_new(path, "abc", 3, 0600, NULL), 0);
    assert_int_equal(file_is(path, "abc", 3, 0600), 1);
    assert_int_equal(file_write_new(path, "x", 1, 0600, &err), -EEXIST);
    assert_error_has(err, path);
    assert_int_equal(file_is(path, "abc", 3, 0600), 1);
    assert_int_equal(file_write_new(dangling, "x", 1, 0600, NULL), -EEXIST);
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(file_write_new("/dev/full/f", "x", 1, 0600, NULL), -ENOTDIR);
}

static void compares_content_mode_and_kind(void **state)
{
    AUTO_FREE char *path = path_join(*state, "f");
    AUTO_FREE char *link = path_join(*state, "l");
    assert_int_equal(file_is(path, "", 0, 0644), 0);
    assert_int_equal(file_write_atomic(path, "abc", 3, 0644, NULL), 0);
    assert_int_equal(file_is(path, "abc", 3, 0644), 1);
    assert_int_equal(file_is(path, "abd", 3, 0644), 0);
    assert_int_equal(file_is(path, "ab", 2, 0644), 0);
    assert_int_equal(file_is(path, "abcd", 4, 0644), 0);
    assert_int_equal(file_is(path, "abc", 3, 0600), 0);
    assert_int_equal(symlink("f", link), 0);
    assert_int_equal(file_is(link, "abc", 3, 0644), 0);
    assert_int_equal(file_is(*state, "abc", 3, 0700), 0);
}

static void comparing_never_waits_on_a_fifo(void **state)
{
    AUTO_FREE char *path = path_join(*state, "fifo");
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(file_is(path, "", 0, 0644), 0);
}

static void sets_flags(void **state)
{
    (void) state;
    AUTO_FD fd = open("/dev/null", O_RDONLY);
    assert_int_equal(fd_set_nonblocking(fd), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(fd_set_nonblocking(-1), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_ignores_what_is_closed),
        cmocka_unit_test(read_full_tells_a_clean_end_from_a_cut),
        cmocka_folder_test(reads_to_the_end_or_the_maximum),
        cmocka_unit_test(a_place_in_a_file_is_written_and_read),
        cmocka_unit_test(read_names_the_missing_file),
        cmocka_folder_test(writes_with_the_exact_mode),
        cmocka_folder_test(replaces_a_symlink_and_not_its_target),
        cmocka_folder_test(leaves_nothing_behind_on_failure),
        cmocka_folder_test(writes_new_files_only),
        cmocka_folder_test(compares_content_mode_and_kind),
        cmocka_folder_test(comparing_never_waits_on_a_fifo),
        cmocka_unit_test(sets_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

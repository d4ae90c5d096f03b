#include "images/tar-header.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define NAME "blobs/sha256/x"

static void reads_what_it_makes(void **state)
{
    static const uint64_t sizes[] = {
        0, 1, 511, 512, 4096, 077777777777, 0100000000000, 64ULL << 30, UINT64_MAX};
    char header[TAR_BLOCK];
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t size = 7;
        tar_header_make(header, NAME, sizes[i]);
        assert_int_equal(tar_header_size(header, NAME, &size), 0);
        assert_true(size == sizes[i]);
        assert_int_equal(tar_header_size(header, "bigtop.json", &size), -EBADMSG);
    }
}

/* A change of any bit is another header: or, in the size and its sum at once, another size. */
static void refuses_every_flipped_bit(void **state)
{
    char header[TAR_BLOCK];
    uint64_t size;
    (void) state;
    tar_header_make(header, NAME, 1234567);
    for (size_t bit = 0; bit < sizeof(header) * 8; bit++) {
        header[bit / 8] ^= (char) (1 << bit % 8);
        assert_int_equal(tar_header_size(header, NAME, &size), -EBADMSG);
        header[bit / 8] ^= (char) (1 << bit % 8);
    }
    assert_int_equal(tar_header_size(header, NAME, &size), 0);
}

static int note(void *userdata, const struct archive_entry_info *entry, struct error *err)
{
    STRBUF(text, 256);
    (void) err;
    strbuf_addf(&text, "%s %o %llu", entry->path, entry->mode, (unsigned long long) entry->size);
    *(char **) userdata = strbuf_steal(&text);
    return 0;
}

/* What others make of it. */
static void is_a_tar(void **state)
{
    AUTO_FREE char *path = path_join(*state, "x.tar");
    AUTO_FREE char *seen = NULL;
    struct error err = ERROR_INIT;
    char block[TAR_BLOCK];
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    tar_header_make(block, NAME, 5);
    assert_int_equal(fd_write_all(fd, block, sizeof(block)), 0);
    memset(block, 0, sizeof(block));
    memcpy(block, "hello", 5);
    assert_int_equal(fd_write_all(fd, block, 5 + tar_padding(5)), 0);
    memset(block, 0, sizeof(block));
    assert_int_equal(fd_write_all(fd, block, sizeof(block)), 0);
    assert_int_equal(fd_write_all(fd, block, sizeof(block)), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(archive_check(fd, NULL, note, &seen, &err), 0);
    assert_string_equal(seen, NAME " 100644 5");
}

static void pads_to_whole_blocks(void **state)
{
    (void) state;
    assert_int_equal(tar_padding(0), 0);
    assert_int_equal(tar_padding(1), 511);
    assert_int_equal(tar_padding(511), 1);
    assert_int_equal(tar_padding(512), 0);
    assert_int_equal(tar_padding((64ULL << 30) + 513), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_makes),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_folder_test(is_a_tar),
        cmocka_unit_test(pads_to_whole_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

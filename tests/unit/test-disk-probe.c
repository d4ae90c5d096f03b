#include "lib/disk-choice.h"
#include "lib/disk-probe.h"
#include "lib/fd.h"
#include "lib/process.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE ((off_t) 320 << 20) /* sparse; mkfs.xfs wants 300 MiB */

static int image(const char *folder)
{
    AUTO_FREE char *path = path_join(folder, "disk");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    return fd;
}

static void run(const char *folder, const char *const argv[])
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(folder, "disk");
    STRV(words);
    strv_add_all(&words, argv);
    strv_add(&words, path);
    if (process_runv(&words, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void put(int fd, off_t at, const void *data, size_t len)
{
    assert_int_equal(pwrite(fd, data, len, at), len);
}

/* Types that are found, sorted and joined. */
static char *types(int fd)
{
    json_t *signatures = NULL;
    struct error err = ERROR_INIT;
    if (disk_probe(fd, &signatures, &err) < 0)
        fail_msg("%s", err.text);
    STRV(found);
    size_t i;
    json_t *s;
    json_array_foreach(signatures, i, s)
        strv_add(&found, json_get_string(s, "type", "?"));
    json_decref(signatures);
    strv_sort(&found);
    return strv_join(&found, " ");
}

static void assert_types(int fd, const char *expected)
{
    AUTO_FREE char *found = types(fd);
    assert_string_equal(found, expected);
}

/* Found, and gone after a wipe; what no signature is stays. */
static void assert_found_and_wiped(int fd, const char *expected)
{
    struct error err = ERROR_INIT;
    put(fd, SIZE / 2, "a letter", 8);
    assert_types(fd, expected);
    if (disk_wipe(fd, &err) < 0)
        fail_msg("%s", err.text);
    assert_types(fd, "");
    char letter[8];
    assert_int_equal(pread(fd, letter, 8, SIZE / 2), 8);
    assert_memory_equal(letter, "a letter", 8);
}

static void test_empty(void **state)
{
    AUTO_FD fd = image(*state);
    assert_types(fd, "");
    put(fd, 0, "some bytes make no content", 26);
    assert_types(fd, "");
}

static void test_unknown_data(void **state)
{
    AUTO_FD fd = image(*state);
    unsigned char noise[DISK_SAMPLE_SIZE / 2];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char) (1 + i * 2654435761u % 255);
    put(fd, 4096, noise, sizeof noise);
    assert_types(fd, DISK_UNKNOWN_DATA);
}

static void test_ext4(void **state)
{
    AUTO_FD fd = image(*state);
    run(*state, (const char *const[]){"mkfs.ext4", "-q", "-L", "bigtop-fast", NULL});
    json_t *signatures = NULL;
    assert_int_equal(disk_probe(fd, &signatures, NULL), 0);
    assert_int_equal(json_array_size(signatures), 1);
    const json_t *s = json_array_get(signatures, 0);
    assert_string_equal(json_get_string(s, "label", ""), "bigtop-fast");
    assert_string_equal(json_get_string(s, "usage", ""), "filesystem");
    assert_int_equal(strlen(json_get_string(s, "uuid", "")), 36);
    json_decref(signatures);
    assert_found_and_wiped(fd, "ext4");
}

static void test_xfs(void **state)
{
    AUTO_FD fd = image(*state);
    run(*state, (const char *const[]){"mkfs.xfs", "-q", NULL});
    assert_found_and_wiped(fd, "xfs");
}

static void test_swap(void **state)
{
    AUTO_FD fd = image(*state);
    run(*state, (const char *const[]){"mkswap", NULL});
    assert_found_and_wiped(fd, "swap");
}

/* lib/format_text/layout.h of LVM2: a label in the second sector. */
static void put_lvm(int fd)
{
    unsigned char label[512] = "LABELONE";
    label[8] = 1;   /* its own sector */
    label[20] = 32; /* where the body begins */
    memcpy(label + 24, "LVM2 001", 8);
    memcpy(label + 32, "abcdefghijklmnopqrstuvwxyz012345", 32);
    put(fd, 512, label, sizeof label);
}

static void test_lvm(void **state)
{
    AUTO_FD fd = image(*state);
    put_lvm(fd);
    assert_found_and_wiped(fd, "LVM2_member");
}

/* include/uapi/linux/raid/md_p.h: mdp_superblock_1 of version 1.2, 4 KiB from the start. */
static void put_raid(int fd)
{
    unsigned char super[4096] = {0xfc, 0x4e, 0x2b, 0xa9, 1};
    super[144] = 8; /* super_offset, in sectors */
    put(fd, 4096, super, sizeof super);
}

static void test_raid(void **state)
{
    AUTO_FD fd = image(*state);
    put_raid(fd);
    assert_found_and_wiped(fd, "linux_raid_member");
}

/* ZFS' on-disk format, 1.2: uberblocks of 1 KiB from 128 KiB of each label on. */
static void put_zfs(int fd)
{
    static const unsigned char magic[8] = {0x0c, 0xb1, 0xba, 0, 0, 0, 0, 0};
    for (off_t i = 0; i < 128; i++) {
        put(fd, 128 * 1024 + i * 1024, magic, sizeof magic);
        put(fd, 256 * 1024 + 128 * 1024 + i * 1024, magic, sizeof magic);
    }
}

static void test_zfs(void **state)
{
    AUTO_FD fd = image(*state);
    put_zfs(fd);
    assert_types(fd, "zfs_member");
}

static void put_mbr(int fd, unsigned char kind)
{
    unsigned char sector[512] = {0};
    static const unsigned char where[8] = {1, 0, 0, 0, 0, 8, 0, 0}; /* LBA, sectors */
    sector[450] = kind;
    memcpy(sector + 454, where, sizeof where);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    put(fd, 0, sector, sizeof sector);
}

static void test_mbr(void **state)
{
    AUTO_FD fd = image(*state);
    put_mbr(fd, 0x83);
    assert_found_and_wiped(fd, "dos");
}

static uint32_t crc32_of(const unsigned char *data, size_t len)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_le(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char) (value >> (8 * i));
}

/* UEFI 2.10, 5.3.2: the header in sector `own`, its other copy in `other`. */
static void put_gpt_header(int fd, uint64_t own, uint64_t other, uint64_t table)
{
    static const unsigned char entries[128 * 128];
    uint64_t last = (uint64_t) SIZE / 512 - 1;
    unsigned char h[512] = "EFI PART";
    put_le(h + 8, 0x10000, 4);
    put_le(h + 12, 92, 4);
    put_le(h + 24, own, 8);
    put_le(h + 32, other, 8);
    put_le(h + 40, 34, 8);
    put_le(h + 48, last - 33, 8);
    memcpy(h + 56, "a GUID of a disk", 16);
    put_le(h + 72, table, 8);
    put_le(h + 80, 128, 4);
    put_le(h + 84, 128, 4);
    put_le(h + 88, crc32_of(entries, sizeof entries), 4);
    put_le(h + 16, crc32_of(h, 92), 4);
    put(fd, (off_t) own * 512, h, sizeof h);
}

static void test_gpt(void **state)
{
    AUTO_FD fd = image(*state);
    uint64_t last = (uint64_t) SIZE / 512 - 1;
    put_mbr(fd, 0xee);
    put_gpt_header(fd, 1, last, 2);
    put_gpt_header(fd, last, 1, last - 32);
    assert_found_and_wiped(fd, "PMBR gpt");
}

/* Somebody ran dd over the first megabyte: the copy at the end still tells. */
static void test_gpt_copy_alone(void **state)
{
    AUTO_FD fd = image(*state);
    uint64_t last = (uint64_t) SIZE / 512 - 1;
    put_gpt_header(fd, last, 1, last - 32);
    assert_found_and_wiped(fd, "gpt");
}

/* Not only what fits best. */
static void test_several(void **state)
{
    AUTO_FD fd = image(*state);
    run(*state, (const char *const[]){"mkfs.ext4", "-q", NULL});
    put_lvm(fd);
    put_mbr(fd, 0x83);
    put_raid(fd);
    AUTO_FREE char *found = types(fd);
    assert_non_null(strstr(found, "LVM2_member"));
    assert_non_null(strstr(found, "ext4"));
    assert_non_null(strstr(found, "linux_raid_member"));
    assert_int_equal(disk_wipe(fd, NULL), 0);
    assert_types(fd, "");
}

static void test_unreadable(void **state)
{
    (void) state;
    json_t *signatures = NULL;
    AUTO_FD fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(disk_probe(fd, &signatures, NULL) < 0);
    assert_null(signatures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(test_empty),
        cmocka_folder_test(test_unknown_data),
        cmocka_folder_test(test_ext4),
        cmocka_folder_test(test_xfs),
        cmocka_folder_test(test_swap),
        cmocka_folder_test(test_lvm),
        cmocka_folder_test(test_raid),
        cmocka_folder_test(test_zfs),
        cmocka_folder_test(test_mbr),
        cmocka_folder_test(test_gpt),
        cmocka_folder_test(test_gpt_copy_alone),
        cmocka_folder_test(test_several),
        cmocka_folder_test(test_unreadable),
    };
    return cmocka_run_group_tests_name("disk-probe", tests, NULL, NULL);
}

#include "lib/archive.h"
#include "lib/fd.h"
#include "tests/unit/tar.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAR(name) STRBUF(name, TAR_MAX)
#define ADD(tar, ...) tar_add(&(tar), (struct tar_entry){__VA_ARGS__})

static int memory_file(const void *data, size_t len)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, data, len), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static int check(const struct strbuf *tar, const struct archive_limits *limits, struct error *err)
{
    AUTO_FD fd = memory_file(tar->data, tar->len);
    return archive_check(fd, limits, NULL, NULL, err);
}

static int unpack(const struct strbuf *tar, const char *into, const struct archive_limits *limits,
                  struct error *err)
{
    AUTO_FD fd = memory_file(tar->data, tar->len);
    AUTO_FD dir = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return archive_unpack(fd, dir, limits, NULL, NULL, err);
}

static struct stat stat_of(const char *folder, const char *name)
{
    AUTO_FREE char *path = path_join(folder, name);
    struct stat st;
    if (lstat(path, &st) < 0)
        fail_msg("%s is missing", path);
    return st;
}

static bool exists(const char *folder, const char *name)
{
    AUTO_FREE char *path = path_join(folder, name);
    struct stat st;
    return lstat(path, &st) == 0;
}

static size_t count_entries(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void unpacks_what_is_allowed(void **state)
{
    TAR(tar);
    struct error err = ERROR_INIT;
    ADD(tar, .name = "./", .type = '5', .mode = 0755);
    ADD(tar, .name = "./usr/", .type = '5', .mode = 0555);
    ADD(tar, .name = "./usr/bin/tool", .type = '0', .mode = 0755, .data = "#!/bin/sh\n");
    ADD(tar, .name = "usr/lib", .type = '5', .mode = 0700);
    ADD(tar, .name = "usr/lib/secret", .type = '0', .mode = 0600, .data = "");
    ADD(tar, .name = "usr/bin/alias", .type = '2', .mode = 0777, .link = "tool");
    ADD(tar, .name = "usr/bin/up", .type = '2', .mode = 0777, .link = "../lib/./secret");
    tar_end(&tar);
    mode_t before = umask(0077);
    int r = unpack(&tar, *state, NULL, &err);
    umask(before);
    assert_int_equal(r, 0);
    assert_int_equal(stat_of(*state, "usr").st_mode, S_IFDIR | 0555);
    assert_int_equal(stat_of(*state, "usr/bin").st_mode, S_IFDIR | 0755);
    assert_int_equal(stat_of(*state, "usr/lib").st_mode, S_IFDIR | 0700);
    struct stat tool = stat_of(*state, "usr/bin/tool");
    assert_int_equal(tool.st_mode, S_IFREG | 0755);
    assert_int_equal(tool.st_size, 10);
    assert_int_equal(tool.st_mtime, 1000000000);
    assert_int_equal(tool.st_uid, geteuid());
    assert_int_equal(stat_of(*state, "usr").st_mtime, 1000000000);
    assert_int_equal(stat_of(*state, "usr/bin/alias").st_mtime, 1000000000);
    assert_true(S_ISLNK(stat_of(*state, "usr/bin/up").st_mode));
    assert_int_equal(count_entries(*state), 1); /* no temporary file is left */
    AUTO_FREE char *usr = path_join(*state, "usr");
    chmod(usr, 0755);
}

/* One bad entry each, after a good one; `why` is in the error, with the name. */
static const struct {
    struct tar_entry entry;
    const char *why;
} refused[] = {
    {{.name = "../out"}, "name that is not allowed"},
    {{.name = "/abs"}, "name that is not allowed"},
    {{.name = "a/../../out"}, "name that is not allowed"},
    {{.name = "a//b"}, "name that is not allowed"},
    {{.name = "a/./b"}, "name that is not allowed"},
    {{.name = ".."}, "name that is not allowed"},
    {{.name = "new\nline"}, "\"new\\x0aline\" has a name that is not allowed"},
    {{.name = "bell\x07"}, "name that is not allowed"},
    {{.name = "-rf"}, "name that is not allowed"},
    {{.name = "hard", .type = '1', .link = "good"}, "is a hard link"},
    {{.name = "hard", .type = '1', .link = "/etc/passwd"}, "is a hard link"},
    {{.name = "chr", .type = '3'}, "is a device"},
    {{.name = "blk", .type = '4'}, "is a device"},
    {{.name = "fifo", .type = '6'}, "is a device, FIFO"},
    {{.name = "su", .mode = 04755}, "is setuid"},
    {{.name = "sg", .mode = 02755}, "is setuid, setgid"},
    {{.name = "tmp/", .type = '5', .mode = 01777}, "sticky"},
    {{.name = "l", .type = '2', .link = "/etc/passwd"}, "symlink that may lead out"},
    {{.name = "l", .type = '2', .link = "../x"}, "symlink that may lead out"},
    {{.name = "d/l", .type = '2', .link = "../../x"}, "symlink that may lead out"},
    {{.name = "d/l", .type = '2', .link = "x/../../.."}, "symlink that may lead out"},
    {{.name = "d/l", .type = '2', .link = "x/.."}, "symlink that may lead out"},
    {{.name = "l", .type = '2', .link = ""}, "symlink that may lead out"},
    {{.name = "l", .type = '2', .link = "a\nb"}, "symlink that may lead out"},
    {{.name = "good"}, "is in the archive twice"},
    {{.name = "./good"}, "is in the archive twice"},
    {{.name = "good/below"}, "lies below the file"},
    {{.name = "link/below"}, "leads through the symlink \"link\""},
    {{.name = "link/deep/below"}, "leads through the symlink \"link\""},
    {{.name = "link"}, "is in the archive twice"},
    {{.name = "link/", .type = '5'}, "is in the archive twice"},
    {{.name = "folder", .type = '2', .link = "x"}, "is in the archive twice"},
    {{.name = "implied"}, "is in the archive twice"},
    {{.name = "implied", .type = '2', .link = "x"}, "is in the archive twice"},
};

static void add_good_entries(struct strbuf *tar)
{
    ADD(*tar, .name = "good", .data = "good");
    ADD(*tar, .name = "folder/", .type = '5', .mode = 0755);
    ADD(*tar, .name = "implied/file", .data = "x");
    ADD(*tar, .name = "link", .type = '2', .mode = 0777, .link = "folder");
}

static void refuses_bad_entries(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        TAR(tar);
        struct error checked = ERROR_INIT, unpacked = ERROR_INIT;
        AUTO_FREE char *into = xasprintf("%s/%zu", (char *) *state, i);
        assert_int_equal(mkdir(into, 0700), 0);
        add_good_entries(&tar);
        assert_int_equal(check(&tar, NULL, NULL), -EBADMSG); /* no end mark yet */
        tar_add(&tar, refused[i].entry);
        tar_end(&tar);
        int r = check(&tar, NULL, &checked);
        if (r >= 0 || !strstr(checked.text, refused[i].why))
            fail_msg("\"%s\": %d %s, expected: %s", refused[i].entry.name, r, checked.text,
                     refused[i].why);
        assert_int_equal(unpack(&tar, into, NULL, &unpacked), r);
        assert_string_equal(unpacked.text, checked.text);
        assert_true(exists(into, "good"));
        assert_int_equal(stat_of(into, "good").st_size, 4);
        assert_int_equal(count_entries(into), 4);
    }
    assert_false(exists(*state, "out"));
    assert_false(exists(*state, "x"));
    assert_false(exists("/", "abs"));
}

static void refuses_entries_that_libarchive_warns_about(void **state)
{
    (void) state;
    static const char *const records[] = {"path=../out",   "path=/abs", "path=a\nb",
                                          "linkpath=/etc", "size=-1",   "GNU.sparse.realsize=99"};
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        TAR(tar);
        struct error err = ERROR_INIT;
        bool is_link = strncmp(records[i], "linkpath", 8) == 0;
        tar_add_pax(&tar, records[i],
                    (struct tar_entry){.name = "f", .type = is_link ? '2' : '0', .link = "x"});
        tar_end(&tar);
        if (check(&tar, NULL, &err) == 0)
            fail_msg("a pax record %s was accepted", records[i]);
    }
}

static void refuses_sparse_files(void **state)
{
    (void) state;
    TAR(tar);
    struct error err = ERROR_INIT;
    /* A pax 1.0 sparse map: one piece of 1 byte at 100, of a file of 200. */
    AUTO_FREE char *map = xcalloc(514, 1);
    memset(map, ' ', 513);
    memcpy(map, "1\n100\n1\n", 8);
    tar_add(&tar,
            (struct tar_entry){
                .name = "pax",
                .type = 'x',
                .data = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n27 GNU.sparse.realsize=200\n"
                        "23 GNU.sparse.name=abc\n"});
    ADD(tar, .name = "f", .data = map);
    tar_end(&tar);
    assert_true(check(&tar, NULL, &err) < 0);
    assert_error_has(err, "sparse");
}

static void refuses_truncation_everywhere(void **state)
{
    TAR(tar);
    ADD(tar, .name = "a", .data = "some text in it");
    ADD(tar, .name = "b/", .type = '5', .mode = 0755);
    ADD(tar, .name = "b/c", .data = "more");
    size_t end = tar.len;
    tar_end(&tar);
    assert_int_equal(check(&tar, NULL, NULL), 0);
    for (size_t len = 0; len <= end; len++) {
        STRBUF(cut, TAR_MAX);
        struct error err = ERROR_INIT;
        strbuf_add(&cut, tar.data, len);
        if (check(&cut, NULL, &err) == 0)
            fail_msg("cut at %zu of %zu was accepted", len, tar.len);
    }
    /* The file that was cut does not appear, not even in part. */
    STRBUF(cut, TAR_MAX);
    strbuf_add(&cut, tar.data, 512 + 7);
    assert_true(unpack(&cut, *state, NULL, NULL) < 0);
    assert_int_equal(count_entries(*state), 0);
}

static void refuses_more_than_announced(void **state)
{
    TAR(tar);
    struct error err = ERROR_INIT;
    ADD(tar, .name = "lies", .data = "short", .size = 100000);
    tar_end(&tar);
    assert_int_equal(unpack(&tar, *state, NULL, &err), -EBADMSG);
    assert_int_equal(count_entries(*state), 0);

    TAR(longer); /* 600 bytes where 5 are announced: the rest is no header */
    AUTO_FREE char *data = xcalloc(601, 1);
    memset(data, 'x', 600);
    ADD(longer, .name = "lies", .data = data, .size = 5);
    tar_end(&longer);
    assert_int_equal(check(&longer, NULL, &err), -EBADMSG);
}

static void limits_hold(void **state)
{
    (void) state;
    TAR(tar);
    struct error err = ERROR_INIT;
    ADD(tar, .name = "a", .data = "12345");
    ADD(tar, .name = "b", .data = "12345");
    tar_end(&tar);
    struct archive_limits fits = {.max_total = 10, .max_file = 5, .max_entries = 2};
    assert_int_equal(check(&tar, &fits, &err), 0);
    struct archive_limits total = {.max_total = 9, .max_file = 5, .max_entries = 2};
    assert_int_equal(check(&tar, &total, &err), -EFBIG);
    assert_error_has(err, "\"b\" of 5 bytes passes the limit of 9");
    struct archive_limits file = {.max_total = 10, .max_file = 4, .max_entries = 2};
    assert_int_equal(check(&tar, &file, &err), -EFBIG);
    struct archive_limits entries = {.max_total = 10, .max_file = 5, .max_entries = 1};
    assert_int_equal(check(&tar, &entries, &err), -EFBIG);
    assert_error_has(err, "more than 1 entries");
    TAR(huge);
    ADD(huge, .name = "huge", .data = "", .size = 077777777777ULL);
    assert_int_equal(check(&huge, NULL, &err), -EFBIG);
}

static struct archive_writer *open_writer(int fd, enum archive_compression compression)
{
    struct archive_writer *w = NULL;
    assert_int_equal(archive_writer_open(fd, compression, 1234567890, &w, NULL), 0);
    return w;
}

static void bombs_are_stopped_early(void **state)
{
    (void) state;
    AUTO_FD fd = memory_file("", 0);
    struct archive_writer *w = open_writer(fd, ARCHIVE_ZSTD);
    size_t len = 200 << 20;
    void *zeroes = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(zeroes, MAP_FAILED);
    assert_int_equal(archive_writer_data(w, "bomb", 0644, zeroes, len, NULL), 0);
    munmap(zeroes, len);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    assert_true(lseek(fd, 0, SEEK_CUR) < 100000);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct archive_limits limits = {.max_total = 1 << 20, .max_file = 1 << 20, .max_entries = 10};
    struct error err = ERROR_INIT;
    assert_int_equal(archive_check(fd, &limits, NULL, NULL, &err), -EFBIG);
}

static void headers_without_end_are_stopped(void **state)
{
    (void) state;
    TAR(tar);
    for (int i = 0; i < 2000; i++)
        ADD(tar, .name = "g", .type = 'g', .data = "11 a=bcdef\n");
    ADD(tar, .name = "f", .data = "x");
    tar_end(&tar);
    assert_true(check(&tar, NULL, NULL) < 0);
    TAR(names);
    for (int i = 0; i < 2000; i++)
        ADD(names, .name = "././@LongLink", .type = 'L', .data = "name");
    ADD(names, .name = "f", .data = "x");
    tar_end(&names);
    assert_true(check(&names, NULL, NULL) < 0);
}

static void refuses_what_is_no_archive(void **state)
{
    (void) state;
    static const struct {
        const char *data;
        size_t len;
    } bad[] = {{"", 0},
               {"hello", 5},
               {"PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 43},
               {"\x1f\x8b\x08\0\0\0\0\0\0\3", 10},
               {"\x28\xb5\x2f\xfd", 4},
               {"!<arch>\ndebian-binary   1", 25},
               {"070701000000000000000000", 24}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_FD fd = memory_file(bad[i].data, bad[i].len);
        assert_int_equal(archive_check(fd, NULL, NULL, NULL, &err), -EBADMSG);
        assert_true(strlen(err.text) > 10);
    }
    struct error err = ERROR_INIT;
    assert_true(archive_check(-1, NULL, NULL, NULL, &err) < 0);
}

static void never_writes_through_links_in_the_destination(void **state)
{
    AUTO_FREE char *into = path_join(*state, "into");
    AUTO_FREE char *outside = path_join(*state, "outside");
    AUTO_FREE char *link = path_join(into, "a");
    AUTO_FREE char *file_link = path_join(into, "f");
    AUTO_FREE char *victim = path_join(outside, "victim");
    assert_int_equal(mkdir(into, 0700), 0);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(file_write_atomic(victim, "precious", 8, 0600, NULL), 0);
    assert_int_equal(symlink("../outside", link), 0);
    assert_int_equal(symlink("../outside/victim", file_link), 0);
    struct error err = ERROR_INIT;
    TAR(through);
    ADD(through, .name = "a/victim", .data = "evil");
    tar_end(&through);
    assert_int_equal(unpack(&through, into, NULL, &err), -EPERM);
    assert_error_has(err, "leads through a symlink");
    TAR(folder);
    ADD(folder, .name = "a/", .type = '5', .mode = 0777);
    tar_end(&folder);
    assert_int_equal(unpack(&folder, into, NULL, &err), -EEXIST);
    TAR(file);
    ADD(file, .name = "f", .data = "new");
    tar_end(&file);
    assert_int_equal(unpack(&file, into, NULL, &err), 0); /* the link itself is replaced */
    assert_int_equal(file_is(victim, "precious", 8, 0600), 1);
    assert_int_equal(file_is(file_link, "new", 3, 0644), 1);
}

struct swap {
    const char *folder;
    unsigned calls;
};

/* Replaces the folder "a" by a symlink to the outside when the second entry comes. */
static int swap_folder(void *userdata, const struct archive_entry_info *entry, struct error *err)
{
    struct swap *s = userdata;
    (void) err;
    if (++s->calls == 3) {
        AUTO_FREE char *a = path_join(s->folder, "into/a");
        AUTO_FREE char *away = path_join(s->folder, "away");
        assert_string_equal(entry->path, "a/victim");
        assert_int_equal(rename(a, away), 0);
        assert_int_equal(symlink("../outside", a), 0);
    }
    return 0;
}

static void a_symlink_swapped_in_leads_nowhere(void **state)
{
    AUTO_FREE char *into = path_join(*state, "into");
    AUTO_FREE char *victim = path_join(*state, "outside/victim");
    AUTO_FREE char *outside = path_join(*state, "outside");
    assert_int_equal(mkdir(into, 0700), 0);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(file_write_atomic(victim, "precious", 8, 0600, NULL), 0);
    TAR(tar);
    ADD(tar, .name = "a/first", .data = "x");
    ADD(tar, .name = "b/second", .data = "x"); /* so that "a" has to be opened again */
    ADD(tar, .name = "a/victim", .data = "evil");
    tar_end(&tar);
    struct swap s = {.folder = *state};
    struct error err = ERROR_INIT;
    AUTO_FD fd = memory_file(tar.data, tar.len);
    AUTO_FD dir = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(archive_unpack(fd, dir, NULL, swap_folder, &s, &err), -EPERM);
    assert_int_equal(s.calls, 3);
    assert_int_equal(file_is(victim, "precious", 8, 0600), 1);
}

static void existing_folders_keep_their_mode(void **state)
{
    AUTO_FREE char *etc = path_join(*state, "etc");
    assert_int_equal(mkdir(etc, 0750), 0);
    TAR(tar);
    ADD(tar, .name = "etc/", .type = '5', .mode = 0777);
    ADD(tar, .name = "etc/new", .data = "x");
    tar_end(&tar);
    assert_int_equal(unpack(&tar, *state, NULL, NULL), 0);
    assert_int_equal(stat_of(*state, "etc").st_mode & 07777, 0750);
    assert_int_equal(unpack(&tar, *state, NULL, NULL), 0); /* again, over itself */
}

struct seen {
    unsigned count;
    uint64_t bytes;
    char last[64], link[64];
};

static int take_entry(void *userdata, const struct archive_entry_info *e, struct error *err)
{
    struct seen *s = userdata;
    s->count++;
    s->bytes += e->size;
    snprintf(s->last, sizeof(s->last), "%s", e->path);
    if (e->link)
        snprintf(s->link, sizeof(s->link), "%s", e->link);
    return strcmp(e->path, "stop") == 0 ? error_set(err, -ECANCELED, "enough") : 0;
}

static void hands_out_entries_before_they_are_written(void **state)
{
    TAR(tar);
    ADD(tar, .name = "d/", .type = '5', .mode = 0755);
    ADD(tar, .name = "d/f", .data = "12345");
    ADD(tar, .name = "d/l", .type = '2', .link = "f");
    ADD(tar, .name = "stop", .data = "x");
    tar_end(&tar);
    struct seen s = {0};
    struct error err = ERROR_INIT;
    AUTO_FD fd = memory_file(tar.data, tar.len);
    AUTO_FD dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(archive_unpack(fd, dir, NULL, take_entry, &s, &err), -ECANCELED);
    assert_int_equal(s.count, 4);
    assert_int_equal(s.bytes, 6);
    assert_string_equal(s.link, "f");
    assert_false(exists(*state, "stop"));
    assert_true(exists(*state, "d/f"));
}

/* ---- writing ---- */

static void write_sample(int fd, enum archive_compression compression, const char *tree)
{
    struct archive_writer *w = open_writer(fd, compression);
    assert_int_equal(archive_writer_dir(w, "etc", 0755, NULL), 0);
    assert_int_equal(archive_writer_data(w, "etc/conf", 0640, "k=v\n", 4, NULL), 0);
    assert_int_equal(archive_writer_symlink(w, "etc/link", "conf", NULL), 0);
    assert_int_equal(archive_writer_data(w, "etc/gr\xc3\xbc\xc3\x9f", 0644, "", 0, NULL), 0);
    assert_int_equal(archive_writer_tree(w, "tree", tree, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    assert_null(w);
}

static void make_tree(const char *folder)
{
    AUTO_FREE char *tree = path_join(folder, "tree");
    AUTO_FREE char *sub = path_join(tree, "b");
    AUTO_FREE char *file = path_join(sub, "f");
    AUTO_FREE char *link = path_join(tree, "a-link");
    AUTO_FREE char *long_name = xasprintf("%s/%0200d", tree, 7);
    assert_int_equal(path_mkdir_p(sub, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(file, "content", 7, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(long_name, "", 0, 0600, NULL), 0);
    assert_int_equal(symlink("b/f", link), 0);
}

static void what_was_written_can_be_unpacked(void **state)
{
    static const enum archive_compression all[] = {ARCHIVE_PLAIN, ARCHIVE_GZIP, ARCHIVE_ZSTD};
    make_tree(*state);
    AUTO_FREE char *tree = path_join(*state, "tree");
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        AUTO_FREE char *into = xasprintf("%s/out%zu", (char *) *state, i);
        AUTO_FREE char *conf = path_join(into, "etc/conf");
        AUTO_FREE char *file = path_join(into, "tree/b/f");
        struct error err = ERROR_INIT;
        AUTO_FD fd = memory_file("", 0);
        assert_int_equal(mkdir(into, 0700), 0);
        write_sample(fd, all[i], tree);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        AUTO_FD dir = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (archive_unpack(fd, dir, NULL, NULL, NULL, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(file_is(conf, "k=v\n", 4, 0640), 1);
        assert_int_equal(file_is(file, "content", 7, 0755), 1);
        assert_int_equal(stat_of(into, "etc/conf").st_mtime, 1234567890);
        assert_true(exists(into, "etc/gr\xc3\xbc\xc3\x9f"));
        assert_int_equal(count_entries(into), 2);
    }
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    make_tree(*state);
    AUTO_FREE char *tree = path_join(*state, "tree");
    AUTO_FREE char *target = path_join(*state, "file.tar");
    for (int compression = ARCHIVE_PLAIN; compression <= ARCHIVE_ZSTD; compression++) {
        AUTO_FD memory = memory_file("", 0);
        AUTO_FD file = open(target, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int pipes[2];
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        AUTO_FD in = pipes[0];
        AUTO_FD out = pipes[1];
        assert_true(fcntl(out, F_SETPIPE_SZ, 1 << 20) > 0);
        write_sample(memory, (enum archive_compression) compression, tree);
        write_sample(file, (enum archive_compression) compression, tree);
        write_sample(out, (enum archive_compression) compression, tree);
        fd_close(&out);
        STRBUF(a, TAR_MAX);
        STRBUF(b, TAR_MAX);
        STRBUF(c, TAR_MAX);
        assert_int_equal(lseek(memory, 0, SEEK_SET) | lseek(file, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_to_end(memory, &a), 0);
        assert_int_equal(fd_read_to_end(file, &b), 0);
        assert_int_equal(fd_read_to_end(in, &c), 0);
        assert_true(a.len > 100);
        assert_true(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
        assert_true(a.len == c.len && memcmp(a.data, c.data, a.len) == 0);
    }
}

struct names {
    char text[1024];
};

static int join_names(void *userdata, const struct archive_entry_info *e, struct error *err)
{
    struct names *n = userdata;
    (void) err;
    size_t used = strlen(n->text);
    snprintf(n->text + used, sizeof(n->text) - used, "%.10s ", e->path);
    return 0;
}

static void trees_are_sorted(void **state)
{
    make_tree(*state);
    AUTO_FREE char *tree = path_join(*state, "tree");
    AUTO_FD fd = memory_file("", 0);
    struct archive_writer *w = open_writer(fd, ARCHIVE_PLAIN);
    assert_int_equal(archive_writer_tree(w, "", tree, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct names n = {""};
    assert_int_equal(archive_check(fd, NULL, join_names, &n, NULL), 0);
    assert_string_equal(n.text, "0000000000 a-link b b/f ");
}

static void refuses_to_write_nonsense(void **state)
{
    AUTO_FREE char *fifo = path_join(*state, "fifo");
    AUTO_FD fd = memory_file("", 0);
    struct archive_writer *w = open_writer(fd, ARCHIVE_PLAIN);
    struct error err = ERROR_INIT;
    assert_int_equal(archive_writer_dir(w, "/etc", 0755, &err), -EINVAL);
    assert_int_equal(archive_writer_data(w, "../x", 0644, "", 0, &err), -EINVAL);
    assert_int_equal(archive_writer_file(w, "x", 0644, "/nonexistent", &err), -ENOENT);
    assert_int_equal(archive_writer_file(w, "x", 0644, "/tmp", &err), -EINVAL);
    assert_int_equal(archive_writer_tree(w, "", "/nonexistent", &err), -ENOENT);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(archive_writer_tree(w, "", *state, &err), -EINVAL);
    archive_writer_abort(&w);
    assert_null(w);
    archive_writer_abort(&w);
    assert_true(archive_writer_open(-1, ARCHIVE_GZIP, 0, &w, &err) < 0);
}

static void a_full_disk_is_noticed(void **state)
{
    (void) state;
    AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct archive_writer *w = open_writer(full, ARCHIVE_PLAIN);
    AUTO_FREE char *data = xcalloc(1 << 20, 1);
    struct error err = ERROR_INIT;
    int r = archive_writer_data(w, "x", 0644, data, 1 << 20, &err);
    int closed = archive_writer_close(&w, r < 0 ? NULL : &err);
    assert_true(r < 0 || closed < 0);
    assert_int_equal(err.code, -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(unpacks_what_is_allowed),
        cmocka_folder_test(refuses_bad_entries),
        cmocka_unit_test(refuses_entries_that_libarchive_warns_about),
        cmocka_unit_test(refuses_sparse_files),
        cmocka_folder_test(refuses_truncation_everywhere),
        cmocka_folder_test(refuses_more_than_announced),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(bombs_are_stopped_early),
        cmocka_unit_test(headers_without_end_are_stopped),
        cmocka_unit_test(refuses_what_is_no_archive),
        cmocka_folder_test(never_writes_through_links_in_the_destination),
        cmocka_folder_test(a_symlink_swapped_in_leads_nowhere),
        cmocka_folder_test(existing_folders_keep_their_mode),
        cmocka_folder_test(hands_out_entries_before_they_are_written),
        cmocka_folder_test(what_was_written_can_be_unpacked),
        cmocka_folder_test(the_same_input_gives_the_same_bytes),
        cmocka_folder_test(trees_are_sorted),
        cmocka_folder_test(refuses_to_write_nonsense),
        cmocka_folder_test(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

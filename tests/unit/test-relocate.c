#include "tests/unit/unit.h"

#include "images/relocate.h"
#include "lib/fd.h"
#include "lib/process.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "usr/bin/cat"

/* Three packages: this machine's cat, its libc with the loader, and libgcc_s; their terms. */
struct world {
    char *packages, *prefix;
    struct strv programs, files, used;
    struct error err;
};

static void put_file(const struct world *w, const char *path, const char *from)
{
    AUTO_FREE char *to = path_join(w->packages, path);
    AUTO_FREE char *dir = path_dirname(to);
    assert_int_equal(path_mkdir_p(dir, 0755, NULL), 0);
    assert_int_equal(file_copy(from, to, 0644, NULL), 0);
}

static void put_text(const struct world *w, const char *path, const char *text)
{
    AUTO_FREE char *to = path_join(w->packages, path);
    AUTO_FREE char *dir = path_dirname(to);
    assert_int_equal(path_mkdir_p(dir, 0755, NULL), 0);
    assert_int_equal(file_write_new(to, text, strlen(text), 0644, NULL), 0);
}

static void put_link(const struct world *w, const char *path, const char *target)
{
    AUTO_FREE char *to = path_join(w->packages, path);
    AUTO_FREE char *dir = path_dirname(to);
    assert_int_equal(path_mkdir_p(dir, 0755, NULL), 0);
    assert_int_equal(symlink(target, to), 0);
}

/* Where this process has a library from. */
static char *mapped(const char *part)
{
    STRBUF(maps, 1 << 20);
    assert_int_equal(file_read("/proc/self/maps", &maps, NULL), 0);
    const char *at = strstr(maps.data, part);
    assert_non_null(at);
    while (at[-1] != ' ')
        at--;
    return xstrndup(at, strcspn(at, "\n"));
}

static void world_open(struct world *w, const char *dir)
{
    *w = (struct world){.packages = path_join(dir, "packages"),
                        .prefix = path_join(dir, "out/opt/x")};
    AUTO_FREE char *libc = mapped("/libc.so.6"), *loader = mapped("/ld-linux");
    AUTO_FREE char *folder = path_dirname(libc);
    AUTO_FREE char *gcc = path_join(folder, "libgcc_s.so.1");
    AUTO_FREE char *loader_path = xasprintf("libc6/lib/%s", path_basename(loader));
    put_file(w, "coreutils/" PROGRAM, "/bin/cat");
    put_text(w, "coreutils/usr/share/doc/coreutils/copyright", "GPL");
    put_text(w, "coreutils/usr/share/man/cat.1", "not wanted");
    put_text(w, "coreutils/etc/cat.conf", "wanted");
    put_file(w, "libc6/lib/libc-2.so", libc);
    put_link(w, "libc6/lib/libc.so.6", "libc-2.so");
    put_file(w, loader_path, loader);
    put_text(w, "libc6/usr/share/doc/libc6/copyright", "LGPL");
    put_file(w, "libgcc-s1/lib/libgcc_s.so.1", gcc);
    put_link(w, "libgcc-s1/usr/share/doc/libgcc-s1", "gcc-base");
    put_text(w, "gcc-base/usr/share/doc/gcc-base/copyright", "GPL with exception");
    put_text(w, "unused/usr/share/doc/unused/copyright", "?");
    strv_add(&w->programs, PROGRAM);
}

static void world_release(struct world *w)
{
    free(w->packages);
    free(w->prefix);
    strv_release(&w->programs);
    strv_release(&w->files);
    strv_release(&w->used);
}

#define WORLD(name, state) \
    CLEANUP(world_release) struct world name; \
    world_open(&name, *(state))

static int run(struct world *w)
{
    const struct relocation r = {
        .packages = w->packages, .prefix = w->prefix, .programs = &w->programs, .files = &w->files};
    return relocate(&r, "/", &w->used, &w->err);
}

static bool has(const struct world *w, const char *path)
{
    AUTO_FREE char *full = path_join(w->prefix, path);
    return access(full, F_OK) == 0;
}

/* Run from its new place it maps libraries from nowhere else. */
static void runs_with_its_own_libraries(void **state)
{
    WORLD(w, state);
    assert_int_equal(run(&w), 0);
    AUTO_FREE char *program = path_join(w.prefix, PROGRAM);
    AUTO_FREE char *libc = path_join(w.prefix, "lib/libc.so.6");
    AUTO_FREE char *loader = path_join(w.prefix, "lib/ld-linux");
    const char *const argv[] = {program, "/proc/self/maps", NULL};
    STRBUF(maps, 1 << 20);
    const struct process_options opts = {.out = &maps};
    assert_int_equal(process_run(argv, &opts, NULL, &w.err), 0);
    assert_non_null(strstr(maps.data, libc));
    assert_non_null(strstr(maps.data, loader));
    assert_null(strstr(maps.data, " /lib/"));
    assert_null(strstr(maps.data, " /usr/lib/x86_64-linux-gnu/lib"));
}

static void takes_no_more_than_is_needed(void **state)
{
    WORLD(w, state);
    strv_add(&w.files, "etc/cat.conf");
    assert_int_equal(run(&w), 0);
    assert_true(has(&w, "lib/libgcc_s.so.1"));
    assert_true(has(&w, "etc/cat.conf"));
    assert_false(has(&w, "usr/share/man"));
    assert_true(has(&w, "usr/share/doc/coreutils/copyright"));
    assert_true(has(&w, "usr/share/doc/libgcc-s1/copyright")); /* its folder is a symlink */
    assert_false(has(&w, "usr/share/doc/unused"));
    AUTO_FREE char *used = strv_join(&w.used, " ");
    assert_string_equal(used, "coreutils libc6 libgcc-s1");
}

static void says_what_is_missing(void **state)
{
    WORLD(w, state);
    AUTO_FREE char *gcc = path_join(w.packages, "libgcc-s1");
    assert_int_equal(path_remove_tree(gcc, NULL), 0);
    assert_int_equal(run(&w), -ENOENT);
    assert_error_has(w.err, "libgcc_s.so.1 is in none of the packages");
}

static void program_that_is_not_there(void **state)
{
    WORLD(w, state);
    strv_add(&w.programs, "usr/bin/dog");
    assert_int_equal(run(&w), -ENOENT);
    assert_error_has(w.err, "usr/bin/dog is in none of the packages");
}

static void file_that_is_no_program(void **state)
{
    WORLD(w, state);
    strv_add(&w.programs, "etc/cat.conf");
    assert_true(run(&w) < 0);
    assert_error_has(w.err, "patchelf");
}

static void link_that_leads_out(void **state)
{
    WORLD(w, state);
    put_link(&w, "coreutils/usr/bin/out", "/bin/cat");
    strv_add(&w.programs, "usr/bin/out");
    assert_int_equal(run(&w), -EBADMSG);
    assert_error_has(w.err, "leads out of its package");
}

static void prefixes(void **state)
{
    (void) state;
    assert_true(relocate_is_prefix("/opt/bigtop/haproxy"));
    static const char *const bad[] = {"",         "/",       "opt",  "/opt/../x", "/opt//x", "/-x",
                                      "/$ORIGIN", "/a:/tmp", "/a b", "/a\n",      "/opt/"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(relocate_is_prefix(bad[i]));
}

int main(void)
{
    AUTO_FREE char *tool = NULL;
    struct error err = ERROR_INIT;
    if (relocate_tool(&tool, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(runs_with_its_own_libraries),
        cmocka_folder_test(takes_no_more_than_is_needed),
        cmocka_folder_test(says_what_is_missing),
        cmocka_folder_test(program_that_is_not_there),
        cmocka_folder_test(file_that_is_no_program),
        cmocka_folder_test(link_that_leads_out),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

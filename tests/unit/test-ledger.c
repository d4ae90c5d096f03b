#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ledger.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static char ledger_path[128];

static int setup(void **state)
{
    (void) state;
    snprintf(root, sizeof root, "/tmp/test-ledger.XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(ledger_path, sizeof ledger_path, "%s/state/ledger", root);
    AUTO_FREE char *dir = path_join(root, "state");
    return mkdir(dir, 0700);
}

static int teardown(void **state)
{
    (void) state;
    return path_remove_tree(root, NULL);
}

static struct ledger *open_ledger(void)
{
    struct ledger *l = NULL;
    struct error err = ERROR_INIT;
    if (ledger_open(ledger_path, &l, &err) < 0)
        fail_msg("%s", err.text);
    return l;
}

/* Below the root; a handful is in use at a time. */
static const char *at(const char *name)
{
    static char paths[8][256];
    static size_t next;
    char *out = paths[next++ % ARRAY_SIZE(paths)];
    snprintf(out, sizeof paths[0], "%s/%s", root, name);
    return out;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

static void assert_text(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_is(path, text, strlen(text), mode), 1);
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void undo(struct ledger *l)
{
    struct error err = ERROR_INIT;
    if (ledger_undo(l, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(ledger_count(l), 0);
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void test_new_file_goes_with_its_folders(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(ledger_write_file(l, at("a/b/c"), "x", 1, 0640, NULL), 1);
    assert_text(at("a/b/c"), "x", 0640);
    assert_true(ledger_has_path(l, at("a/b/c")));
    assert_false(ledger_has_path(l, at("a/b/d")));
    assert_int_equal(ledger_count(l), 3);
    undo(l);
    assert_false(exists(at("a")));
    assert_true(exists(root));
}

static void test_folder_with_others_files_stays(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(ledger_write_file(l, at("a/ours"), "x", 1, 0644, NULL), 1);
    write_text(at("a/theirs"), "y", 0644);
    undo(l);
    assert_false(exists(at("a/ours")));
    assert_text(at("a/theirs"), "y", 0644);
}

static void test_former_file_comes_back(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    write_text(at("conf"), "former", 0604);
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000, .tv_nsec = 42}};
    assert_int_equal(utimensat(AT_FDCWD, at("conf"), times, 0), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(at("conf"), 12, 34), 0);
    assert_int_equal(ledger_write_file(l, at("conf"), "one", 3, 0644, NULL), 1);
    assert_int_equal(ledger_write_file(l, at("conf"), "two", 3, 0644, NULL), 1);
    assert_int_equal(ledger_count(l), 1);
    undo(l);
    assert_text(at("conf"), "former", 0604);
    struct stat st;
    assert_int_equal(stat(at("conf"), &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000000);
    assert_int_equal(st.st_mtim.tv_nsec, 42);
    assert_int_equal(st.st_uid, geteuid() == 0 ? 12 : geteuid());
    assert_false(exists(at("state/former")));
}

static void test_same_content_is_no_change(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    write_text(at("conf"), "same", 0644);
    assert_int_equal(ledger_write_file(l, at("conf"), "same", 4, 0644, NULL), 0);
    assert_int_equal(ledger_count(l), 0);
    assert_int_equal(ledger_write_file(l, at("conf"), "same", 4, 0600, NULL), 1);
    undo(l);
    assert_text(at("conf"), "same", 0644);
}

static void test_link_and_what_it_replaced(void **state)
{
    (void) state;
    char target[16] = "";
    AUTO_LEDGER *l = open_ledger();
    write_text(at("was-file"), "f", 0644);
    assert_int_equal(symlink("old", at("was-link")), 0);
    assert_int_equal(ledger_symlink(l, at("was-file"), "new", NULL), 1);
    assert_int_equal(ledger_symlink(l, at("was-link"), "new", NULL), 1);
    assert_int_equal(ledger_symlink(l, at("was-link"), "new", NULL), 0);
    undo(l);
    assert_text(at("was-file"), "f", 0644);
    assert_int_equal(readlink(at("was-link"), target, sizeof target), 3);
    assert_string_equal(target, "old");
}

static void test_change_that_never_happened(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    write_text(at("keep"), "k", 0644);
    assert_int_equal(ledger_will_create(l, at("none/of/it"), NULL), 0);
    assert_int_equal(ledger_will_create(l, at("keep"), NULL), 0);
    assert_int_equal(ledger_will_own_tree(l, at("no-tree"), NULL), 0);
    undo(l);
    assert_text(at("keep"), "k", 0644);
    assert_false(exists(at("none")));
}

/* Killed between writing a file and giving it its name. */
static void test_half_made_file_goes(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    write_text(at("keep"), "k", 0644);
    assert_int_equal(ledger_will_create(l, at("keep"), NULL), 0);
    assert_int_equal(ledger_will_create(l, at("new/tool"), NULL), 0);
    assert_int_equal(mkdir(at("new"), 0755), 0);
    write_text(at("keep" LEDGER_PART_SUFFIX), "half", 0600);
    write_text(at("new/tool" LEDGER_PART_SUFFIX), "half", 0600);
    undo(l);
    assert_text(at("keep"), "k", 0644);
    assert_false(exists(at("keep" LEDGER_PART_SUFFIX)));
    assert_false(exists(at("new")));
}

static void test_batch_shares_parents(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    STRV(paths);
    strv_add(&paths, at("d/one"));
    strv_add(&paths, at("d/two"));
    assert_int_equal(ledger_will_create_all(l, &paths, NULL), 0);
    assert_int_equal(ledger_count(l), 3);
    assert_int_equal(ledger_will_create_all(l, &paths, NULL), 0);
    assert_int_equal(ledger_count(l), 3);
    strv_add(&paths, "relative");
    strv_add(&paths, at("d/three"));
    assert_int_equal(ledger_will_create_all(l, &paths, NULL), -EINVAL);
    assert_int_equal(ledger_count(l), 3);
    assert_int_equal(ledger_will_create(l, at("d/three"), NULL), 0);
    assert_int_equal(ledger_count(l), 4);
}

static void test_tree_goes_but_not_what_was_there(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(mkdir(at("old"), 0755), 0);
    write_text(at("old/theirs"), "t", 0644);
    assert_int_equal(ledger_will_own_tree(l, at("old"), NULL), 0);
    assert_int_equal(ledger_will_own_tree(l, at("new/deep"), NULL), 0);
    assert_int_equal(path_mkdir_p(at("old/sub"), 0755, NULL), 0);
    assert_int_equal(path_mkdir_p(at("new/deep/er"), 0755, NULL), 0);
    write_text(at("old/sub/ours"), "o", 0644);
    write_text(at("new/deep/er/ours"), "o", 0644);
    assert_true(ledger_has_path(l, at("new/deep/er/ours")));
    undo(l);
    assert_text(at("old/theirs"), "t", 0644);
    assert_false(exists(at("old/sub")));
    assert_false(exists(at("new")));
}

static void test_data_stays_unless_named(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    STRV(volumes);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(ledger_will_own_tree(l, at("tree"), NULL), 0);
        assert_int_equal(ledger_will_appear(l, "data", at("tree/volumes"), NULL), 0);
        assert_int_equal(path_mkdir_p(at("tree/volumes/pvc"), 0755, NULL), 0);
        write_text(at("tree/volumes/pvc/canary"), "c", 0644);
        write_text(at("tree/other"), "o", 0644);
        if (round == 0) {
            undo(l);
            assert_text(at("tree/volumes/pvc/canary"), "c", 0644);
            assert_false(exists(at("tree/other")));
            assert_int_equal(path_remove_tree(at("tree"), NULL), 0);
        }
    }
    strv_add(&volumes, at("elsewhere"));
    struct error err = ERROR_INIT;
    assert_int_equal(ledger_undo(l, &volumes, NULL, NULL, &err), -EINVAL);
    assert_non_null(strstr(err.text, at("elsewhere")));
    assert_true(exists(at("tree/other")));
    strv_release(&volumes);
    strv_add(&volumes, at("tree/volumes"));
    assert_int_equal(ledger_undo(l, &volumes, NULL, NULL, NULL), 0);
    assert_false(exists(at("tree")));
}

static void test_torn_tail_is_cut(void **state)
{
    (void) state;
    static const char *const tails[] = {"0", "deadbeef {\"kind\":\"path\"}\n", "\n",
                                        "\n\n garbage \n\n"};
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(ledger_set(l, "k", "v", NULL), 0);
    off_t good = size_of(ledger_path);
    for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
        ledger_close(&l);
        AUTO_FD fd = open(ledger_path, O_WRONLY | O_APPEND);
        assert_int_equal(fd_write_all(fd, tails[i], strlen(tails[i])), 0);
        l = open_ledger();
        assert_int_equal(size_of(ledger_path), good);
        assert_string_equal(ledger_get(l, "k"), "v");
    }
    /* A record cut in its middle at any byte. */
    assert_int_equal(ledger_set(l, "k", "w", NULL), 0);
    off_t whole = size_of(ledger_path);
    STRBUF(text, 4096);
    assert_int_equal(file_read(ledger_path, &text, NULL), 0);
    for (off_t cut = good; cut <= whole; cut++) {
        ledger_close(&l);
        write_text(ledger_path, "", 0600);
        AUTO_FD fd = open(ledger_path, O_WRONLY);
        assert_int_equal(fd_write_all(fd, text.data, (size_t) cut), 0);
        l = open_ledger();
        assert_string_equal(ledger_get(l, "k"), cut == whole ? "w" : "v");
    }
}

static void test_corrupt_middle_is_an_error(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(ledger_set(l, "k", "v", NULL), 0);
    assert_int_equal(ledger_set(l, "k", "w", NULL), 0);
    ledger_close(&l);
    STRBUF(text, 4096);
    assert_int_equal(file_read(ledger_path, &text, NULL), 0);
    const char *newline = strchr(text.data, '\n');
    for (char *c = text.data; c < newline; c++) {
        struct error err = ERROR_INIT;
        *c ^= 1;
        assert_int_equal(file_write_atomic(ledger_path, text.data, text.len, 0600, NULL), 0);
        assert_int_equal(ledger_open(ledger_path, &l, &err), -EBADMSG);
        assert_non_null(strstr(err.text, ":1:"));
        assert_true(err.remedy[0]);
        assert_int_equal(size_of(ledger_path), (off_t) text.len);
        *c ^= 1;
    }
}

static void test_one_holder(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    AUTO_LEDGER *second = NULL;
    assert_int_equal(ledger_open(ledger_path, &second, NULL), -EBUSY);
    ledger_close(&l);
    second = open_ledger();
    assert_non_null(second);
}

static void test_no_room_leaves_no_half_record(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    struct rlimit before;
    assert_int_equal(ledger_set(l, "k", "v", NULL), 0);
    off_t good = size_of(ledger_path);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = (rlim_t) good + 10, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int r = ledger_write_file(l, at("file"), "x", 1, 0644, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -EFBIG);
    assert_false(exists(at("file")));
    assert_int_equal(size_of(ledger_path), good);
    assert_int_equal(ledger_write_file(l, at("file"), "x", 1, 0644, NULL), 1);
    ledger_close(&l);
    l = open_ledger();
    assert_true(ledger_has_path(l, at("file")));
    assert_string_equal(ledger_get(l, "k"), "v");
}

static void test_undo_goes_on_and_converges(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    struct error err = ERROR_INIT;
    write_text(at("conf"), "former", 0644);
    assert_int_equal(ledger_write_file(l, at("early"), "x", 1, 0644, NULL), 1);
    assert_int_equal(ledger_write_file(l, at("conf"), "ours", 4, 0644, NULL), 1);
    assert_int_equal(ledger_write_file(l, at("late"), "x", 1, 0644, NULL), 1);
    assert_int_equal(rename(at("state/former"), at("state/away")), 0);
    assert_int_equal(ledger_undo(l, NULL, NULL, NULL, &err), -EBADMSG);
    assert_non_null(strstr(err.text, at("conf")));
    assert_false(exists(at("early")));
    assert_false(exists(at("late")));
    assert_text(at("conf"), "ours", 0644);
    assert_int_equal(ledger_count(l), 3);
    assert_int_equal(rename(at("state/away"), at("state/former")), 0);
    ledger_close(&l);
    l = open_ledger();
    undo(l);
    assert_text(at("conf"), "former", 0644);
}

static void test_facts_and_steps(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_null(ledger_get(l, "role"));
    assert_null(ledger_step_digest(l, "host"));
    assert_int_equal(ledger_set(l, "role", "worker", NULL), 0);
    assert_int_equal(ledger_set(l, "role", "control-plane", NULL), 0);
    assert_int_equal(ledger_set(l, "role", "control-plane", NULL), 0);
    assert_int_equal(ledger_step_done(l, "host", "sha256:1", NULL), 0);
    assert_int_equal(ledger_step_done(l, "init", "sha256:2", NULL), 0);
    assert_int_equal(ledger_step_done(l, "host", "sha256:3", NULL), 0);
    assert_int_equal(ledger_count(l), 5);
    ledger_close(&l);
    l = open_ledger();
    assert_string_equal(ledger_get(l, "role"), "control-plane");
    assert_string_equal(ledger_step_digest(l, "host"), "sha256:3");
    AUTO_JSON *steps = ledger_steps(l);
    assert_int_equal(json_array_size(steps), 2);
    /* Another thread may be reading a value when reset comes to its end. */
    const char *borrowed = ledger_get(l, "role");
    assert_int_equal(ledger_undo(l, NULL, NULL, NULL, NULL), 0);
    assert_null(ledger_get(l, "role"));
    assert_string_equal(borrowed, "control-plane");
}

static void test_bad_names(void **state)
{
    (void) state;
    AUTO_LEDGER *l = open_ledger();
    assert_int_equal(ledger_will_create(l, "/", NULL), -EINVAL);
    assert_int_equal(ledger_will_create(l, "/a/../b", NULL), -EINVAL);
    assert_int_equal(ledger_will_create(l, "/tmp/", NULL), -EINVAL);
    assert_int_equal(ledger_will_own_tree(l, "tmp", NULL), -EINVAL);
    assert_int_equal(ledger_will_appear(l, "no-such-kind", "x", NULL), -EINVAL);
    assert_int_equal(ledger_sysctl(l, "../../etc/passwd", "1", NULL), -EINVAL);
    assert_int_equal(ledger_write_file(l, root, "x", 1, 0644, NULL), -EISDIR);
    assert_int_equal(ledger_count(l), 0);
}

/* kill -9 at whatever system call it is: what is reopened undoes everything there is. */
static void test_killed_in_the_middle(void **state)
{
    (void) state;
    for (useconds_t wait = 1000; wait < 30000; wait += 2900) {
        pid_t pid = fork();
        if (pid == 0) {
            struct ledger *l = NULL;
            if (ledger_open(ledger_path, &l, NULL) < 0)
                _exit(1);
            for (int i = 0; i < 100000; i++) {
                char name[64];
                snprintf(name, sizeof name, "tree/d%d/f%d", i % 7, i);
                ledger_write_file(l, at(name), "content", 7, 0644, NULL);
            }
            _exit(1);
        }
        usleep(wait);
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct ledger *l = open_ledger();
        assert_int_equal(ledger_undo(l, NULL, NULL, NULL, NULL), 0);
        ledger_close(&l);
        /* Of a write that was cut off a temporary file may be left, so its folder may be too. */
        assert_false(exists(at("tree/d0/f0")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_file_goes_with_its_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_with_others_files_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_former_file_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_content_is_no_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_and_what_it_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_change_that_never_happened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_made_file_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_shares_parents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree_goes_but_not_what_was_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_stays_unless_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_tail_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt_middle_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_holder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_leaves_no_half_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_goes_on_and_converges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_facts_and_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_in_the_middle, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

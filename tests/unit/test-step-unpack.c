#include "agent/blobs.h"
#include "agent/paths.h"
#include "agent/step.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/protocol.h"
#include "tests/unit/unit.h"

#include "tests/unit/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A host in a folder: state, ledger, a destination, and an archive in the blob store. */
struct host {
    char *root, *into;
    struct ledger *ledger;
    struct step_context ctx;
    json_t *params;
};

static char *make_archive(const char *root)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *tar = path_join(root, "archive.tar");
    struct archive_writer *w = NULL;
    int fd = open(tar, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(archive_writer_open(fd, ARCHIVE_GZIP, 1000, &w, &err), 0);
    assert_int_equal(archive_writer_dir(w, "bin", 0755, &err), 0);
    assert_int_equal(archive_writer_data(w, "bin/tool", 0755, "#!tool", 6, &err), 0);
    assert_int_equal(archive_writer_symlink(w, "bin/alias", "tool", &err), 0);
    assert_int_equal(archive_writer_close(&w, &err), 0);
    close(fd);
    char digest[DIGEST_SIZE];
    assert_int_equal(digest_file(tar, digest, NULL, &err), 0);
    AUTO_FREE char *blob = blob_path(digest);
    assert_int_equal(rename(tar, blob), 0);
    return xstrdup(digest);
}

static int host_setup(void **state)
{
    struct error err = ERROR_INIT;
    struct host *h = xcalloc(1, sizeof(*h));
    if (folder_setup((void **) &h->root) < 0) {
        return -1;
    }
    agent_root_set(h->root);
    assert_int_equal(agent_prepare_folders(&err), 0);
    AUTO_FREE char *book = path_join(h->root, "var/lib/bigtop/ledger");
    assert_int_equal(ledger_open(book, &h->ledger, &err), 0);
    h->ctx.ledger = h->ledger;
    h->into = path_join(h->root, "usr");
    AUTO_FREE char *digest = make_archive(h->root);
    offer_blob(digest);
    h->params = json_pack("{s:[{s:s, s:s, s:s}]}", "archives", "name", "tools", "digest", digest,
                          "into", h->into);
    *state = h;
    return 0;
}

static int host_teardown(void **state)
{
    struct host *h = *state;
    ledger_close(&h->ledger);
    json_decref(h->params);
    free(h->into);
    agent_root_set("");
    int r = folder_teardown((void **) &h->root);
    free(h);
    return r;
}
#define host_test(f) cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

static int check(struct host *h, struct strv *differences)
{
    struct error err = ERROR_INIT;
    return step_unpack.check(&h->ctx, h->params, differences, &err);
}

static void apply(struct host *h)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *result = json_object();
    int r = step_unpack.apply(&h->ctx, h->params, result, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(r, 0);
}

static void puts_everything_in_place(void **state)
{
    struct host *h = *state;
    STRV(differences);
    assert_int_equal(check(h, &differences), 0);
    assert_string_equal(differences.items[0], "unpack tools");
    apply(h);
    AUTO_FREE char *tool = path_join(h->into, "bin/tool");
    AUTO_FREE char *alias = path_join(h->into, "bin/alias");
    AUTO_FREE char *staging = path_join(h->into, ".bigtop-unpack");
    assert_int_equal(file_is(tool, "#!tool", 6, 0755), 1);
    char target[16] = "";
    assert_int_equal(readlink(alias, target, sizeof(target)), 4);
    assert_string_equal(target, "tool");
    assert_int_equal(access(staging, F_OK), -1);
    assert_true(ledger_has_path(h->ledger, tool));
    assert_int_equal(check(h, &differences), 1);
}

static void folders_on_the_way_go_with_it(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *opt = path_join(h->root, "opt");
    AUTO_FREE char *deep = path_join(opt, "tools");
    json_t *item = json_array_get(json_object_get(h->params, "archives"), 0);
    json_object_set_new(item, "into", json_string(deep));
    apply(h);
    assert_int_equal(access(deep, F_OK), 0);
    assert_int_equal(ledger_undo(h->ledger, NULL, NULL, NULL, &err), 0);
    assert_int_equal(access(opt, F_OK), -1);
}

static void check_changes_nothing(void **state)
{
    struct host *h = *state;
    apply(h);
    AUTO_FREE char *book = path_join(h->root, "var/lib/bigtop/ledger");
    struct stat before, after;
    assert_int_equal(stat(book, &before), 0);
    STRV(differences);
    assert_int_equal(check(h, &differences), 1);
    assert_int_equal(stat(book, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* A whole archive, but another one than the digest says. */
static void an_altered_blob_is_refused(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    json_t *item = json_array_get(json_object_get(h->params, "archives"), 0);
    AUTO_FREE char *blob = blob_path(json_get_string(item, "digest", ""));
    AUTO_FREE char *tool = path_join(h->into, "bin/tool");
    AUTO_JSON *result = json_object();
    struct archive_writer *w = NULL;
    int fd = open(blob, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(archive_writer_open(fd, ARCHIVE_GZIP, 1000, &w, &err), 0);
    assert_int_equal(archive_writer_dir(w, "bin", 0755, &err), 0);
    assert_int_equal(archive_writer_data(w, "bin/tool", 0755, "#!evil", 6, &err), 0);
    assert_int_equal(archive_writer_close(&w, &err), 0);
    close(fd);
    assert_int_equal(step_unpack.apply(&h->ctx, h->params, result, &err), -ENOENT);
    assert_string_not_equal(err.remedy, "");
    assert_int_equal(access(tool, F_OK), -1);
}

/* Same size and time, other bytes: what a bad disk or a patched program looks like. */
static void a_damaged_file_is_noticed_and_mended(void **state)
{
    struct host *h = *state;
    apply(h);
    AUTO_FREE char *tool = path_join(h->into, "bin/tool");
    struct stat st;
    assert_int_equal(stat(tool, &st), 0);
    int fd = open(tool, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "#!evil", 6), 6);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    STRV(differences);
    assert_int_equal(check(h, &differences), 0);
    assert_non_null(strstr(differences.items[0], tool));
    apply(h);
    assert_int_equal(file_is(tool, "#!tool", 6, 0755), 1);
    assert_int_equal(check(h, &differences), 1);
}

static void a_removed_or_retargeted_link_is_noticed(void **state)
{
    struct host *h = *state;
    apply(h);
    AUTO_FREE char *alias = path_join(h->into, "bin/alias");
    assert_int_equal(unlink(alias), 0);
    STRV(differences);
    assert_int_equal(check(h, &differences), 0);
    assert_int_equal(symlink("other", alias), 0);
    assert_int_equal(check(h, &differences), 0);
    apply(h);
    assert_int_equal(check(h, &differences), 1);
}

static void a_former_file_comes_back_with_the_undo(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *tool = path_join(h->into, "bin/tool");
    AUTO_FREE char *bin = path_join(h->into, "bin");
    assert_int_equal(path_mkdir_p(bin, 0755, &err), 0);
    assert_int_equal(file_write_atomic(tool, "mine", 4, 0700, &err), 0);
    apply(h);
    assert_int_equal(file_is(tool, "#!tool", 6, 0755), 1);
    STRV(none);
    assert_int_equal(ledger_undo(h->ledger, &none, NULL, NULL, &err), 0);
    assert_int_equal(file_is(tool, "mine", 4, 0700), 1);
    AUTO_FREE char *alias = path_join(h->into, "bin/alias");
    assert_int_equal(access(alias, F_OK), -1);
}

static void leftovers_of_a_power_cut_do_not_disturb(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *half = path_join(h->into, ".bigtop-unpack/bin");
    AUTO_FREE char *file = path_join(half, "tool");
    assert_int_equal(path_mkdir_p(half, 0700, &err), 0);
    assert_int_equal(file_write_atomic(file, "#!", 2, 0755, &err), 0);
    apply(h);
    STRV(differences);
    assert_int_equal(check(h, &differences), 1);
}

static void a_missing_blob_is_an_error(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    const char *digest = json_get_string(json_array_get(json_object_get(h->params, "archives"), 0),
                                         "digest", "");
    AUTO_FREE char *blob = blob_path(digest);
    assert_int_equal(unlink(blob), 0);
    AUTO_JSON *result = json_object();
    assert_int_equal(step_unpack.apply(&h->ctx, h->params, result, &err), -ENOENT);
    assert_error_has(err, "tools");
    STRV(differences);
    assert_int_equal(check(h, &differences), 0);
}

static void refuse_unlisted(struct host *h)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *result = json_object();
    AUTO_FREE char *tool = path_join(h->into, "bin/tool");
    assert_int_equal(step_unpack.apply(&h->ctx, h->params, result, &err), -EKEYREJECTED);
    assert_error_has(err, "not of the bundle");
    assert_int_equal(access(tool, F_OK), -1);
}

static void what_the_bundle_does_not_list_is_not_unpacked(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    offer_blob("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    refuse_unlisted(h);
    AUTO_FREE char *trust = agent_path(AGENT_TRUST);
    assert_int_equal(path_remove_tree(trust, &err), 0);
    refuse_unlisted(h);
}

static void a_cancelled_unpacking_leaves_the_destination_alone(void **state)
{
    struct host *h = *state;
    struct error err = ERROR_INIT;
    bool cancel = true;
    h->ctx.cancel = &cancel;
    AUTO_JSON *result = json_object();
    assert_int_equal(step_unpack.apply(&h->ctx, h->params, result, &err), -ECANCELED);
    AUTO_FREE char *bin = path_join(h->into, "bin");
    assert_int_equal(access(bin, F_OK), -1);
}

static void refuses_malformed_parameters(void **state)
{
    struct host *h = *state;
    static const char *const bad[][2] = {
        {"sha256:zz", "/"},
        {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "usr"},
        {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/a/../b"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        STRV(differences);
        AUTO_JSON *params = json_pack("{s:[{s:s, s:s, s:s}]}", "archives", "name", "x", "digest",
                                      bad[i][0], "into", bad[i][1]);
        assert_int_equal(step_unpack.check(&h->ctx, params, &differences, &err), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        host_test(puts_everything_in_place),
        host_test(folders_on_the_way_go_with_it),
        host_test(check_changes_nothing),
        host_test(an_altered_blob_is_refused),
        host_test(a_damaged_file_is_noticed_and_mended),
        host_test(a_removed_or_retargeted_link_is_noticed),
        host_test(a_former_file_comes_back_with_the_undo),
        host_test(leftovers_of_a_power_cut_do_not_disturb),
        host_test(a_missing_blob_is_an_error),
        host_test(what_the_bundle_does_not_list_is_not_unpacked),
        host_test(a_cancelled_unpacking_leaves_the_destination_alone),
        host_test(refuses_malformed_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

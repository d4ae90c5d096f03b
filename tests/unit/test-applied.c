#include "coordinator/applied.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define D_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D_2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

struct world {
    char *dir;
    struct inventory inv;
    struct public_key a, b, c;
};

static struct public_key new_key(void)
{
    AUTO_SECRET_KEY key;
    secret_key_generate(&key);
    return key.public_key;
}

static int world_setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    if (folder_setup((void **) &w->dir) < 0)
        return -1;
    setenv("XDG_STATE_HOME", w->dir, 1);
    w->inv = (struct inventory){.cluster_name = xstrdup("lab"),
                                .path = path_join(w->dir, "hosts.yaml")};
    w->a = new_key();
    w->b = new_key();
    w->c = new_key();
    *state = w;
    return file_write_new(w->inv.path, "", 0, 0600, NULL);
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    free(w->inv.cluster_name);
    free(w->inv.path);
    unsetenv("XDG_STATE_HOME");
    int r = folder_teardown((void **) &w->dir);
    free(w);
    return r;
}
#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* by NULL: not signed. next may be NULL. */
static struct bundle bundle_of(int64_t serial, const struct public_key *by,
                               const struct public_key *next)
{
    struct bundle b = {.product = "bigtop", .serial = serial};
    snprintf(b.digest, sizeof(b.digest), "%s", serial == 1 ? D_1 : D_2);
    if (by) {
        b.signature.key = *by;
        key_id_text(by->id, b.signature.key_id);
    }
    if (next)
        trusted_keys_add(&b.next_keys, next);
    return b;
}

static void save(const struct world *w, int64_t serial, const struct public_key *by,
                 const struct public_key *next, const struct public_key *named)
{
    AUTO_APPLIED a = {0};
    AUTO_TRUSTED_KEYS names = {0};
    CLEANUP(bundle_release) struct bundle b = bundle_of(serial, by, next);
    struct error err = ERROR_INIT;
    if (named)
        trusted_keys_add(&names, named);
    assert_int_equal(applied_load(&w->inv, &a, &err), 0);
    assert_int_equal(applied_save(&a, &b, &names, &err), 0);
}

static int judge(const struct world *w, int64_t bundle_serial, int64_t serial, struct error *err)
{
    AUTO_APPLIED a = {0};
    struct bundle b = bundle_of(bundle_serial, NULL, NULL);
    assert_int_equal(applied_load(&w->inv, &a, err), 0);
    return applied_judge(&a, &b, serial, err);
}

static bool trusts(const struct world *w, const struct public_key *named,
                   const struct public_key *key)
{
    AUTO_APPLIED a = {0};
    AUTO_TRUSTED_KEYS names = {0};
    AUTO_TRUSTED_KEYS trusted = {0};
    trusted_keys_add(&names, named);
    assert_int_equal(applied_load(&w->inv, &a, NULL), 0);
    applied_trusted(&a, &names, &trusted);
    return trusted_keys_have(&trusted, key);
}

static void at_first_anything_goes(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(judge(w, 1, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_true(trusts(w, &w->a, &w->a));
    assert_false(trusts(w, &w->a, &w->b));
}

static void an_older_serial_is_refused_unless_named(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    save(w, 3, &w->a, NULL, &w->a);
    assert_int_equal(judge(w, 3, 0, &err), 0);
    assert_int_equal(judge(w, 4, 0, &err), 0);
    assert_int_equal(judge(w, 1, 0, &err), -ESTALE);
    assert_error_has(err, "serial 1, and cluster lab has had 3");
    assert_non_null(strstr(err.remedy, "--serial 1"));
    assert_int_equal(judge(w, 1, 1, &err), 0);
}

static void another_serial_than_the_named_is_refused(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(judge(w, 1, 2, &err), -ESTALE);
    assert_error_has(err, "--serial asks for 2");
    assert_int_equal(judge(w, 3, 2, &err), -ESTALE);
}

/* Let in by its number once, it need not be named again, but any other of its age must. */
static void the_bundle_that_is_there_is_not_old(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    save(w, 3, &w->a, NULL, &w->a);
    save(w, 1, &w->a, NULL, &w->a);
    assert_int_equal(judge(w, 1, 0, &err), 0);
    assert_int_equal(judge(w, 2, 0, &err), -ESTALE);
    assert_error_has(err, "had 3");
}

static void products_count_for_themselves(void **state)
{
    struct world *w = *state;
    AUTO_APPLIED a = {0};
    struct bundle other = bundle_of(1, NULL, NULL);
    save(w, 3, &w->a, NULL, &w->a);
    other.product = "other";
    assert_int_equal(applied_load(&w->inv, &a, NULL), 0);
    assert_int_equal(applied_judge(&a, &other, 0, NULL), 0);
}

static void clusters_count_for_themselves(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    save(w, 3, &w->a, NULL, &w->a);
    free(w->inv.cluster_name);
    w->inv.cluster_name = xstrdup("other");
    assert_int_equal(judge(w, 1, 0, &err), 0);
    free(w->inv.cluster_name);
    w->inv.cluster_name = xstrdup("lab");
    assert_int_equal(judge(w, 1, 0, &err), -ESTALE);
}

/* Another name for the same file is the same cluster. */
static void a_link_to_hosts_yaml_is_hosts_yaml(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    save(w, 3, &w->a, NULL, &w->a);
    char *link = path_join(w->dir, "link.yaml");
    assert_int_equal(symlink(w->inv.path, link), 0);
    free(w->inv.path);
    w->inv.path = link;
    assert_int_equal(judge(w, 1, 0, &err), -ESTALE);
}

static void an_announced_key_is_trusted(void **state)
{
    struct world *w = *state;
    save(w, 1, &w->a, &w->b, &w->a);
    assert_true(trusts(w, &w->a, &w->a));
    assert_true(trusts(w, &w->a, &w->b));
    assert_false(trusts(w, &w->a, &w->c));
}

static void the_next_key_stands_in_for_the_old_one(void **state)
{
    struct world *w = *state;
    save(w, 1, &w->a, &w->b, &w->a);
    save(w, 2, &w->b, &w->c, &w->a);
    assert_false(trusts(w, &w->a, &w->a));
    assert_true(trusts(w, &w->a, &w->b));
    assert_true(trusts(w, &w->a, &w->c));
    save(w, 3, &w->c, NULL, &w->a);
    assert_true(trusts(w, &w->a, &w->c));
    assert_false(trusts(w, &w->a, &w->b));
    /* Once the user names the new one, that is what it begins with. */
    save(w, 4, &w->c, NULL, &w->c);
    assert_true(trusts(w, &w->c, &w->c));
    assert_true(trusts(w, &w->a, &w->a));
}

/* Whoever is not named any more announces nothing. */
static void an_announcement_goes_with_its_key(void **state)
{
    struct world *w = *state;
    save(w, 1, &w->a, &w->b, &w->a);
    assert_false(trusts(w, &w->c, &w->b));
    assert_false(trusts(w, &w->c, &w->a));
}

static void an_unsigned_bundle_changes_no_keys(void **state)
{
    struct world *w = *state;
    save(w, 1, &w->a, &w->b, &w->a);
    save(w, 2, NULL, &w->c, NULL);
    assert_true(trusts(w, &w->a, &w->b));
    assert_false(trusts(w, &w->a, &w->c));
    struct error err = ERROR_INIT;
    assert_int_equal(judge(w, 1, 0, &err), -ESTALE);
}

static void every_flipped_byte_is_an_error(void **state)
{
    struct world *w = *state;
    AUTO_APPLIED named = {0};
    save(w, 3, &w->a, &w->b, &w->a);
    assert_int_equal(applied_load(&w->inv, &named, NULL), 0);
    STRBUF(text, 65536);
    struct stat st;
    assert_int_equal(file_read(named.path, &text, NULL), 0);
    assert_int_equal(stat(named.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (size_t i = 0; i < text.len; i++) {
        AUTO_APPLIED a = {0};
        struct error err = ERROR_INIT;
        text.data[i] ^= (char) (1 << i % 8);
        assert_int_equal(file_write_atomic(named.path, text.data, text.len, 0600, NULL), 0);
        assert_int_equal(applied_load(&w->inv, &a, &err), -EBADMSG);
        assert_error_has(err, named.path);
        assert_true(err.remedy[0]);
        text.data[i] ^= (char) (1 << i % 8);
    }
}

/* Whole, but of another cluster: somebody moved it here. */
static void the_file_of_another_cluster_is_an_error(void **state)
{
    struct world *w = *state;
    AUTO_APPLIED a = {0};
    AUTO_APPLIED b = {0};
    struct error err = ERROR_INIT;
    save(w, 3, &w->a, NULL, &w->a);
    assert_int_equal(applied_load(&w->inv, &a, NULL), 0);
    free(w->inv.cluster_name);
    w->inv.cluster_name = xstrdup("other");
    assert_int_equal(applied_load(&w->inv, &b, NULL), 0);
    assert_int_equal(rename(a.path, b.path), 0);
    applied_release(&b);
    assert_int_equal(applied_load(&w->inv, &b, &err), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(at_first_anything_goes),
        world_test(an_older_serial_is_refused_unless_named),
        world_test(another_serial_than_the_named_is_refused),
        world_test(the_bundle_that_is_there_is_not_old),
        world_test(products_count_for_themselves),
        world_test(clusters_count_for_themselves),
        world_test(a_link_to_hosts_yaml_is_hosts_yaml),
        world_test(an_announced_key_is_trusted),
        world_test(the_next_key_stands_in_for_the_old_one),
        world_test(an_announcement_goes_with_its_key),
        world_test(an_unsigned_bundle_changes_no_keys),
        world_test(every_flipped_byte_is_an_error),
        world_test(the_file_of_another_cluster_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "coordinator/known-hosts.h"

#include "lib/fd.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Made by ssh-keygen for this test; fingerprints and hashed names by ssh-keygen -l and -H. */
#define ED_A "AAAAC3NzaC1lZDI1NTE5AAAAIBgXltWYTtbYJ89k3NtBvEe0uZpxgIKD6DHQDIOQsczI"
#define ED_B "AAAAC3NzaC1lZDI1NTE5AAAAIHrjUg/TZKkg3ABuhX/qAfluGcnOCNNaL9mOClzJ7rpU"
#define EC_A \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBC6fp505weFioe1TtrwQalmMEK233SO2OgTb3D" \
    "yCFDsNtgIMQt8VXeT8XKOrzOaBUlIGziXhDFfXxB/ECHYZNU4="
#define PRINT_ED_A "SHA256:LmcW1ZnbzBUOX8nO1Psf+EuPNSpJur5cwrbUJXeN+IY"
#define HASHED_PLAIN \
    "|1|Bjf6HFssXOJ6gV5MpyR+VdFgylg=|uuY54avSYqaY2kxcVR41ziTUMc0=" /* db.example.org */
#define HASHED_PORT \
    "|1|HYpLW+BmRSMHNKzpqv3BqKkgV1c=|rekvu2ei18efoLs7PqEfO6Je2BQ=" /* [db.example.org]:2222 */

static char path[] = "/tmp/known-hosts-test-XXXXXX";

static void write_file(const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static struct known_hosts_result check(const char *text, const char *address, uint16_t port,
                                       const char *key)
{
    const char *files[] = {path, "/nonexistent/known_hosts", NULL};
    struct known_hosts_result result = {0};
    struct error err = ERROR_INIT;

    write_file(text);
    if (known_hosts_check(files, address, port, key, &result, &err) < 0)
        fail_msg("%s", err.text);
    return result;
}

static void expect(enum known_hosts_verdict want, const char *text, const char *address,
                   uint16_t port, const char *key)
{
    enum known_hosts_verdict got = check(text, address, port, key).verdict;
    if (got != want)
        fail_msg("verdict %d, wanted %d, for %s port %u in:\n%s", got, want, address, port, text);
}

static void test_names(void **state)
{
    static const struct {
        const char *names, *address;
        uint16_t port;
        bool matches;
    } cases[] = {
        {"db.example.org", "db.example.org", 22, true},
        {"DB.example.org", "db.EXAMPLE.org", 22, true},
        {"db.example.org", "db.example.com", 22, false},
        {"db.example.org", "db.example.org.evil", 22, false},
        {"a,b,db.example.org,c", "db.example.org", 22, true},
        {"*.example.org", "db.example.org", 22, true},
        {"10.0.0.?", "10.0.0.7", 22, true},
        {"10.0.0.?", "10.0.0.17", 22, false},
        {"*,!db.example.org", "db.example.org", 22, false},
        {"!db.example.org,*", "db.example.org", 22, false},
        {"!web.example.org,*", "db.example.org", 22, true},
        {"!web.example.org", "db.example.org", 22, false},
        {"[db.example.org]:2222", "db.example.org", 2222, true},
        {"[db.example.org]:2222", "db.example.org", 22, false},
        {"[db.example.org]:2222", "db.example.org", 2223, false},
        {"[*.example.org]:2222", "db.example.org", 2222, true},
        {"[fd00::1]:2222", "fd00::1", 2222, true},
        {"fd00::1", "fd00::1", 22, true},
        {"db[0-9]", "db7", 22, false}, /* brackets are no pattern here */
        {"db\\*", "db*", 22, false},
        {HASHED_PLAIN, "db.example.org", 22, true},
        {HASHED_PLAIN, "DB.example.org", 22, true},
        {HASHED_PLAIN, "web.example.org", 22, false},
        {HASHED_PORT, "db.example.org", 2222, true},
        {HASHED_PORT, "db.example.org", 22, false},
        {"|1|broken", "db.example.org", 22, false},
        {"|1||", "db.example.org", 22, false},
        {"|1|AAAA|AAAA", "db.example.org", 22, false},
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *line = xasprintf("%s ssh-ed25519 %s\n", cases[i].names, ED_A);
        expect(cases[i].matches ? KNOWN_HOST_MATCH : KNOWN_HOST_UNKNOWN, line, cases[i].address,
               cases[i].port, ED_A);
    }
}

static void test_verdicts(void **state)
{
    (void) state;
    expect(KNOWN_HOST_UNKNOWN, "", "h", 22, ED_A);
    expect(KNOWN_HOST_CHANGED, "h ssh-ed25519 " ED_B "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_OTHER_TYPE, "h ecdsa-sha2-nistp256 " EC_A "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_CHANGED, "h ecdsa-sha2-nistp256 " EC_A "\nh ssh-ed25519 " ED_B "\n", "h", 22,
           ED_A);
    expect(KNOWN_HOST_MATCH, "h ssh-ed25519 " ED_B "\nh ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_MATCH, "h ssh-ed25519 " ED_A, "h", 22, ED_A); /* no newline */
    expect(KNOWN_HOST_MATCH, "h\tssh-ed25519\t" ED_A " a comment\r\n", "h", 22, ED_A);
    expect(KNOWN_HOST_MATCH, "  h ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
    /* The word in front is not believed: the blob says its own type. */
    expect(KNOWN_HOST_CHANGED, "h ssh-rsa " ED_B "\n", "h", 22, ED_A);
}

static void test_markers(void **state)
{
    (void) state;
    expect(KNOWN_HOST_REVOKED, "@revoked * ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_REVOKED, "h ssh-ed25519 " ED_A "\n@revoked h ssh-ed25519 " ED_A "\n", "h", 22,
           ED_A);
    expect(KNOWN_HOST_UNKNOWN, "@revoked * ssh-ed25519 " ED_B "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_UNKNOWN, "@revoked other ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
    expect(KNOWN_HOST_REVOKED, "@revoked h ssh-ed25519 " ED_A "\n", "h", 2222, ED_A);
    /* The key of an authority makes no plain key known, not even its own. */
    struct known_hosts_result r = check("@cert-authority * ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
    assert_int_equal(r.verdict, KNOWN_HOST_UNKNOWN);
    assert_true(r.authority);
    expect(KNOWN_HOST_UNKNOWN, "@future h ssh-ed25519 " ED_A "\n", "h", 22, ED_A);
}

/* As ssh: only when the name with the port is not there, and only to accept. */
static void test_plain_name_for_a_port(void **state)
{
    (void) state;
    expect(KNOWN_HOST_MATCH, "h ssh-ed25519 " ED_A "\n", "h", 2222, ED_A);
    expect(KNOWN_HOST_UNKNOWN, "h ssh-ed25519 " ED_B "\n", "h", 2222, ED_A);
    expect(KNOWN_HOST_CHANGED, "h ssh-ed25519 " ED_A "\n[h]:2222 ssh-ed25519 " ED_B "\n", "h", 2222,
           ED_A);
}

static void test_place_and_fingerprint(void **state)
{
    (void) state;
    struct known_hosts_result r = check("# comment\n\nnonsense\nh ssh-ed25519 " ED_A "\n", "h", 22,
                                        ED_B);
    assert_int_equal(r.verdict, KNOWN_HOST_CHANGED);
    assert_int_equal(r.line, 4);
    assert_string_equal(r.file, path);
    assert_string_equal(r.type, "ssh-ed25519");
    assert_string_equal(r.fingerprint, PRINT_ED_A);
}

static void test_broken_lines_are_skipped(void **state)
{
    static const char *const broken[] = {
        "h",
        "h ssh-ed25519",
        "h ssh-ed25519 !!!!",
        "h ssh-ed25519 AAAA",
        "h ssh-ed25519 AAAAC3Nz",
        "@revoked",
        "@revoked h",
        "h ssh-ed25519 /////w==",
        "\x80\xff \x01 \x02",
        "h ssh-ed25519 " ED_A "x",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        AUTO_FREE char *text = xasprintf("%s\nh ssh-ed25519 %s\n", broken[i], ED_A);
        expect(KNOWN_HOST_UNKNOWN, broken[i], "h", 22, ED_A);
        expect(KNOWN_HOST_MATCH, text, "h", 22, ED_A);
    }
}

static void test_malformed_key(void **state)
{
    const char *files[] = {path, NULL};
    struct known_hosts_result result;
    struct error err = ERROR_INIT;

    (void) state;
    assert_int_equal(known_hosts_check(files, "h", 22, "AAAA", &result, &err), -EINVAL);
    assert_int_equal(known_hosts_add(path, "h", 22, "not base64\n", &err), -EINVAL);
}

static void test_types(void **state)
{
    const char *files[] = {path, NULL};
    struct error err = ERROR_INIT;
    STRV(types);

    (void) state;
    write_file("h ecdsa-sha2-nistp256 " EC_A "\n@revoked h ssh-ed25519 " ED_B
               "\nh ecdsa-sha2-nistp256 " EC_A "\nother ssh-ed25519 " ED_A "\n");
    assert_int_equal(known_hosts_types(files, "h", 22, &types, &err), 0);
    assert_int_equal(types.count, 1);
    assert_string_equal(types.items[0], "ecdsa-sha2-nistp256");
}

static void test_pins(void **state)
{
    (void) state;
    assert_true(host_key_matches_pin(PRINT_ED_A, ED_A));
    assert_false(host_key_matches_pin(PRINT_ED_A, ED_B));
    assert_true(host_key_matches_pin("ssh-ed25519 " ED_A, ED_A));
    assert_true(host_key_matches_pin("ssh-ed25519 " ED_A " root@h\n", ED_A));
    assert_false(host_key_matches_pin("ssh-ed25519 " ED_B, ED_A));
    assert_false(host_key_matches_pin("ssh-ed25519 " ED_A "A", ED_A));
    assert_false(host_key_matches_pin("ssh-ed25519", ED_A));
    assert_false(host_key_matches_pin("SHA256:", ED_A));
    assert_false(host_key_matches_pin("", ED_A));
}

static void test_add(void **state)
{
    AUTO_FREE char *dir = xasprintf("%s.d", path), *file = xasprintf("%s/ssh/known", dir);
    const char *files[] = {file, NULL};
    struct known_hosts_result r;
    struct error err = ERROR_INIT;
    struct stat st;

    (void) state;
    assert_int_equal(known_hosts_add(file, "h", 22, ED_A, &err), 0);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(known_hosts_add(file, "h", 2222, ED_B, &err), 0);
    assert_int_equal(known_hosts_check(files, "h", 22, ED_A, &r, &err), 0);
    assert_int_equal(r.verdict, KNOWN_HOST_MATCH);
    assert_int_equal(known_hosts_check(files, "h", 2222, ED_B, &r, &err), 0);
    assert_int_equal(r.verdict, KNOWN_HOST_MATCH);
    assert_int_equal(r.line, 2);

    /* A last line that somebody left open. */
    assert_int_equal(file_write_atomic(file, "x y", 3, 0644, &err), 0);
    assert_int_equal(known_hosts_add(file, "h", 22, ED_A, &err), 0);
    assert_int_equal(known_hosts_check(files, "h", 22, ED_A, &r, &err), 0);
    assert_int_equal(r.line, 2);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644); /* not ours to change */

    assert_int_equal(known_hosts_add("/dev/null", "h", 22, ED_A, &err), -EINVAL);
    AUTO_FREE char *ssh_dir = xasprintf("%s/ssh", dir);
    unlink(file);
    rmdir(ssh_dir);
    rmdir(dir);
}

static void *add_fifty(void *userdata)
{
    for (int i = 0; i < 50; i++) {
        AUTO_FREE char *name = xasprintf("%s-%d", (const char *) userdata, i);
        if (known_hosts_add(path, name, 22, ED_A, NULL) < 0)
            return userdata;
    }
    return NULL;
}

static void test_add_from_many_threads(void **state)
{
    static char *const names[] = {"a", "b", "c", "d"};
    pthread_t threads[ARRAY_SIZE(names)];

    (void) state;
    write_file("");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_fifty, names[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    STRBUF(text, 1024 * 1024);
    assert_int_equal(file_read(path, &text, NULL), 0);
    size_t lines = 0;
    for (const char *p = text.data; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 200);
    assert_int_equal(text.len, 200 * strlen(" ssh-ed25519 " ED_A "\n") + 4 * (10 * 3 + 40 * 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_plain_name_for_a_port),
        cmocka_unit_test(test_place_and_fingerprint),
        cmocka_unit_test(test_broken_lines_are_skipped),
        cmocka_unit_test(test_malformed_key),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_add_from_many_threads),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return r;
}

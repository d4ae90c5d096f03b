#include "images/docker-config.h"
#include "lib/fd.h"
#include "lib/secret.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

#define AUTH "YW5uOnBhc3M6d29yZA==" /* ann:pass:word */

static int find(const char *dir, const char *text, const char *registry, struct credentials *out,
                struct error *err)
{
    AUTO_FREE char *path = path_join(dir, "config.json");
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    return docker_config_find(path, registry, NULL, out, err);
}

static void finds_a_login(void **state)
{
    static const struct {
        const char *text, *registry;
    } cases[] = {
        {"{\"auths\":{\"r.io:5000\":{\"auth\":\"" AUTH "\"}}}", "r.io:5000"},
        {"{\"auths\":{\"https://r.io\":{\"auth\":\"" AUTH "\"}}}", "r.io"},
        {"{\"auths\":{\"https://r.io/v2/\":{\"auth\":\"" AUTH "\"}}}", "r.io"},
        {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" AUTH "\"}}}", "docker.io"},
        {"{\"auths\":{\"docker.io\":{\"username\":\"ann\",\"password\":\"pass:word\"}}}",
         "docker.io"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_CREDENTIALS c = {0};
        assert_int_equal(find(*state, cases[i].text, cases[i].registry, &c, NULL), 0);
        assert_string_equal(c.user, "ann");
        assert_string_equal(c.password, "pass:word");
        AUTO_SECRET *basic = credentials_basic(&c);
        assert_string_equal(basic, "Basic " AUTH);
    }
}

static void has_none_for_others(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"auths\":{}}",
        "{\"auths\":{\"r.io\":{}}}",
        "{\"auths\":{\"r.io.evil\":{\"auth\":\"" AUTH "\"}}}",
        "{\"auths\":{\"evil.io/r.io\":{\"auth\":\"" AUTH "\"}}}",
        "{\"auths\":{\"r.io:443\":{\"auth\":\"" AUTH "\"}}}",
        "{\"auths\":{\"r.io/team\":{\"auth\":\"" AUTH "\"}}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_CREDENTIALS c = {0};
        assert_int_equal(find(*state, texts[i], "r.io", &c, NULL), 0);
        assert_null(c.user);
    }
    AUTO_CREDENTIALS c = {0};
    assert_int_equal(docker_config_find("/nowhere/config.json", "r.io", NULL, &c, NULL), 0);
    assert_null(c.user);
}

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "is not a JSON object"},
        {"[]", "is not a JSON object"},
        {"{\"auths\":{\"r.io\":{\"auth\":\"?\"}}}", "base64"},
        {"{\"auths\":{\"r.io\":{\"auth\":\"YW5u\"}}}", "USER:PASSWORD"},
        {"{\"auths\":{\"r.io\":{\"auth\":\"OnBhc3M=\"}}}", "no user name"},
        {"{\"auths\":{\"r.io\":{\"auth\":\"" AUTH "\",\"identitytoken\":\"x\"}}}", "identity"},
        {"{\"credHelpers\":{\"r.io\":\"../../bin/sh\"}}", "cannot be used"},
        {"{\"credsStore\":\"-x\"}", "cannot be used"},
        {"{\"credsStore\":\"$(id)\"}", "cannot be used"},
        {"{\"credsStore\":\"not-there-at-all\"}", "docker-credential-not-there-at-all"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_CREDENTIALS c = {0};
        struct error err = ERROR_INIT;
        if (find(*state, cases[i].text, "r.io", &c, &err) >= 0 || !strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].text, err.text);
        assert_null(c.user);
    }
}

/* A program of that name first in PATH. */
static void with_helper(const char *dir, const char *script)
{
    AUTO_FREE char *path = path_join(dir, "docker-credential-test");
    assert_int_equal(file_write_atomic(path, script, strlen(script), 0755, NULL), 0);
}

static void asks_helpers(void **state)
{
    AUTO_FREE char *old = xstrdup(getenv("PATH"));
    AUTO_FREE char *new = xasprintf("%s:%s", (char *) *state, old);
    setenv("PATH", new, 1);
    with_helper(*state, "#!/bin/sh\nread -r s\n[ \"$1\" = get ] || exit 2\n"
                        "echo \"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"ann@$s\\\","
                        "\\\"Secret\\\":\\\"word\\\"}\"\n");
    AUTO_CREDENTIALS one = {0}, hub = {0}, other = {0}, none = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(find(*state, "{\"credHelpers\":{\"r.io\":\"test\"}}", "r.io", &one, NULL), 0);
    assert_string_equal(one.user, "ann@r.io");
    assert_string_equal(one.password, "word");
    /* A URL with colons as a user name would be cut: refused. */
    assert_int_equal(find(*state, "{\"credsStore\":\"test\"}", "docker.io", &hub, &err), -EINVAL);
    assert_null(strstr(err.text, "word"));
    assert_int_equal(find(*state, "{\"credHelpers\":{\"r.io\":\"test\"}}", "q.io", &other, NULL),
                     0);
    assert_null(other.user);
    with_helper(*state, "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n");
    assert_int_equal(find(*state, "{\"credsStore\":\"test\"}", "r.io", &none, NULL), 0);
    assert_null(none.user);
    with_helper(*state, "#!/bin/sh\necho secret-word\n");
    assert_int_equal(find(*state, "{\"credsStore\":\"test\"}", "r.io", &none, &err), -EINVAL);
    assert_null(strstr(err.text, "secret-word"));
    with_helper(*state, "#!/bin/sh\necho broken >&2; exit 3\n");
    assert_int_equal(find(*state, "{\"credsStore\":\"test\"}", "r.io", &none, &err), -EREMOTEIO);
    assert_error_has(err, "broken");
    setenv("PATH", old, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(finds_a_login),
        cmocka_folder_test(has_none_for_others),
        cmocka_folder_test(refuses_what_is_wrong),
        cmocka_folder_test(asks_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

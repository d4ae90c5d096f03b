/* With a kubectl of the test's own: it answers as it is told, and keeps what it was asked. */
#include "coordinator/stack-certificate.h"
#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/tls.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define SCRIPT \
    "#!/bin/sh\ncd \"${0%/*}\" || exit 9\nn=$(cat count 2>/dev/null || echo 0)\n" \
    "echo $((n + 1)) >count\necho \"$@\" >\"asked.$n\"\ncat >\"given.$n\"\n" \
    "cat \"says.$n\" 2>/dev/null || true\n"

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, &err), 0);
}

static json_t *given(const char *dir, int n)
{
    STRBUF(text, 65536);
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = xasprintf("%s/given.%d", dir, n);
    assert_int_equal(file_read(path, &text, &err), 0);
    json_t *object = text.len ? json_parse(text.data, text.len, path, &err) : NULL;
    return object;
}

static void assert_calls(const char *dir, const char *count)
{
    STRBUF(text, 64);
    AUTO_FREE char *path = path_join(dir, "count");
    assert_int_equal(file_read(path, &text, NULL), 0);
    assert_string_equal(text.data, count);
}

/* A Secret as the API server gives it: what was sent, encoded. */
static void say(const char *dir, int n, const json_t *sent, const char *manager)
{
    json_t *data = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *) (uintptr_t) json_object_get(sent, "stringData"), key, value) {
        STRBUF(encoded, 65536);
        base64_encode(&encoded, json_string_value(value), json_string_length(value), true);
        json_object_set_new(data, key, json_string(encoded.data));
    }
    AUTO_JSON *secret = json_pack("{s:s, s:{s:{s:s}}, s:o}", "kind", "Secret", "metadata", "labels",
                                  "app.kubernetes.io/managed-by", manager, "data", data);
    AUTO_FREE char *text = json_canonical(secret);
    AUTO_FREE char *name = xasprintf("says.%d", n);
    put(dir, name, text, 0644);
}

struct scene {
    struct kubectl k;
    struct stack_secret certificate;
    struct stack_component c;
};

static void scene_open(struct scene *s, const char *dir)
{
    put(dir, "kubectl", SCRIPT, 0755);
    *s = (struct scene){.k = {.program = path_join(dir, "kubectl")}};
    s->certificate.name = (char *) (uintptr_t) "web";
    strv_add(&s->certificate.keys, "$(domain)");
    strv_add(&s->certificate.keys, "*.$(domain)");
    s->c.certificates = &s->certificate;
    s->c.certificate_count = 1;
    s->c.values = json_pack("{s:s}", "domain", "lab.example");
}

static void scene_release(struct scene *s)
{
    kubectl_release(&s->k);
    strv_release(&s->certificate.keys);
    json_decref(s->c.values);
}

static int make(struct scene *s, bool *changed)
{
    struct error err = ERROR_INIT;
    *changed = false;
    int r = stack_make_certificates(&s->k, &s->c, changed, &err);
    if (r < 0 && r != -EINVAL)
        fail_msg("%s", err.text);
    return r;
}

/* Neither is there: looked for, looked for, the authority made, the certificate made. */
static void made_once_by_an_authority_that_stays(void **state)
{
    CLEANUP(scene_release) struct scene s;
    AUTO_TLS_AUTHORITY *a = NULL;
    STRV(names);
    bool changed;
    scene_open(&s, *state);
    assert_int_equal(make(&s, &changed), 0);
    assert_true(changed);
    AUTO_JSON *authority = given(*state, 2);
    AUTO_JSON *made = given(*state, 3);
    const json_t *ca = json_object_get(authority, "stringData");
    const json_t *data = json_object_get(made, "stringData");
    assert_string_equal(json_get_string(made, "type", ""), "kubernetes.io/tls");
    assert_string_equal(json_get_string(data, "ca.crt", ""), json_get_string(ca, "ca.crt", "-"));
    assert_null(json_object_get(data, "ca.key"));
    assert_int_equal(tls_authority_load(json_get_string(ca, "ca.crt", ""),
                                        json_get_string(ca, "ca.key", ""), &a, NULL),
                     0);
    strv_add(&names, "trino.lab.example");
    strv_add(&names, "lab.example");
    assert_true(tls_authority_vouches(a, json_get_string(data, "tls.crt", ""), &names,
                                      STACK_CERTIFICATE_DAYS - 1));

    say(*state, 4, made, "bigtop-bootstrap");
    say(*state, 5, authority, "bigtop-bootstrap");
    assert_int_equal(make(&s, &changed), 0);
    assert_false(changed);
    assert_calls(*state, "6\n");

    /* Of other names: made anew, by the same authority. */
    json_object_set_new(s.c.values, "domain", json_string("other.example"));
    say(*state, 6, made, "bigtop-bootstrap");
    say(*state, 7, authority, "bigtop-bootstrap");
    assert_int_equal(make(&s, &changed), 0);
    assert_true(changed);
    AUTO_JSON *anew = given(*state, 8);
    STRV(others);
    strv_add(&others, "other.example");
    assert_true(tls_authority_vouches(
        a, json_get_string(json_object_get(anew, "stringData"), "tls.crt", ""), &others, 1));
}

static void somebody_elses_is_left_alone(void **state)
{
    CLEANUP(scene_release) struct scene s;
    AUTO_JSON *nothing = json_object();
    bool changed;
    scene_open(&s, *state);
    say(*state, 0, nothing, "cert-manager");
    assert_int_equal(make(&s, &changed), 0);
    assert_false(changed);
    assert_calls(*state, "1\n");
}

static void a_broken_authority_is_told(void **state)
{
    CLEANUP(scene_release) struct scene s;
    AUTO_JSON *nothing = json_object();
    bool changed;
    scene_open(&s, *state);
    say(*state, 1, nothing, "bigtop-bootstrap");
    assert_int_equal(make(&s, &changed), -EINVAL);
    assert_false(changed);
}

static void a_name_that_is_none_is_refused(void **state)
{
    CLEANUP(scene_release) struct scene s;
    bool changed;
    scene_open(&s, *state);
    json_object_set_new(s.c.values, "domain", json_string("a b"));
    assert_int_equal(make(&s, &changed), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(made_once_by_an_authority_that_stays),
        cmocka_folder_test(somebody_elses_is_left_alone),
        cmocka_folder_test(a_broken_authority_is_told),
        cmocka_folder_test(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "agent/addon.h"
#include "agent/blobs.h"
#include "agent/paths.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "tests/unit/unit.h"

#include "tests/unit/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void values_become_a_local_configmap(void **state)
{
    (void) state;
    AUTO_JSON *values = json_pack("{s:s}", "pod-cidr", "10.244.0.0/16");
    AUTO_FREE char *text = addon_values_manifest(values);
    struct error err = ERROR_INIT;
    AUTO_JSON *map = json_parse(text, strlen(text), "test", &err);
    assert_string_equal(json_get_string(map, "kind", ""), "ConfigMap");
    const json_t *meta = json_object_get(map, "metadata");
    assert_string_equal(json_get_string(meta, "name", ""), "bigtop-cluster");
    assert_string_equal(json_get_string(json_object_get(meta, "annotations"),
                                        "config.kubernetes.io/local-config", ""),
                        "true");
    assert_string_equal(json_get_string(json_object_get(map, "data"), "pod-cidr", ""),
                        "10.244.0.0/16");
}

/* Whatever a value is, it stays a value. */
static void a_hostile_value_stays_a_value(void **state)
{
    (void) state;
    const char *hostile = "x\"\nkind: Secret\n---\n{}";
    AUTO_JSON *values = json_pack("{s:s}", "pod-cidr", hostile);
    AUTO_FREE char *text = addon_values_manifest(values);
    struct error err = ERROR_INIT;
    AUTO_JSON *map = json_parse(text, strlen(text), "test", &err);
    assert_string_equal(json_get_string(map, "kind", ""), "ConfigMap");
    assert_string_equal(json_get_string(json_object_get(map, "data"), "pod-cidr", ""), hostile);
    assert_null(strstr(text, "\nkind: Secret"));
}

static void values_are_strings(void **state)
{
    (void) state;
    AUTO_JSON *values = json_pack("{s:i}", "mtu", 1450);
    assert_null(addon_values_manifest(values));
    AUTO_FREE char *none = addon_values_manifest(NULL);
    assert_non_null(none);
}

static void resources_become_documents(void **state)
{
    (void) state;
    AUTO_JSON *resources = json_pack("[{s:s,s:s,s:{s:s}},{s:s,s:s,s:{s:s}}]", "apiVersion", "v1",
                                     "kind", "A", "metadata", "name", "x\"\n---\nkind: Secret",
                                     "apiVersion", "v1", "kind", "B", "metadata", "name", "y");
    AUTO_FREE char *text = addon_resources_manifest(resources);
    assert_non_null(text);
    assert_memory_equal(text, "---\n{", 5);
    char *second = strstr(text + 4, "\n---\n");
    assert_non_null(second);
    assert_null(strstr(second + 1, "\n---\n")); /* the name's is quoted */
    AUTO_JSON *last = json_parse(second + 5, strlen(second + 5), "test", NULL);
    assert_string_equal(json_get_string(last, "kind", ""), "B");
    assert_null(strstr(text, "\nkind: Secret"));
}

static void resources_are_objects_with_a_name(void **state)
{
    (void) state;
    static const char *const bad[] = {"[1]", "[{}]", "[{\"apiVersion\":\"v1\",\"kind\":\"A\"}]",
                                      "[{\"kind\":\"A\",\"metadata\":{\"name\":\"x\"}}]"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *resources = json_parse(bad[i], strlen(bad[i]), "test", NULL);
        assert_null(addon_resources_manifest(resources));
    }
    AUTO_FREE char *none = addon_resources_manifest(NULL);
    assert_string_equal(none, "");
}

static void refuses_malformed_parameters(void **state)
{
    (void) state;
    const char *digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *const bad[][2] = {{"../x", digest}, {"a b", digest}, {"x", "sha256:1"}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = ERROR_INIT;
        AUTO_ADDON addon = {0};
        AUTO_JSON *params = json_pack("{s:s, s:s}", "name", bad[i][0], "archive", bad[i][1]);
        assert_int_equal(addon_open(params, &addon, &err), -EINVAL);
        assert_null(addon.dir);
    }
}

static char *store_archive(const char *root)
{
    char digest[DIGEST_SIZE];
    struct archive_writer *w = NULL;
    AUTO_FREE char *tar = path_join(root, "addon.tar");
    int fd = open(tar, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(archive_writer_open(fd, ARCHIVE_GZIP, 1000, &w, NULL), 0);
    assert_int_equal(archive_writer_data(w, "kustomization.yaml", 0644, "{}", 2, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    close(fd);
    assert_int_equal(digest_file(tar, digest, NULL, NULL), 0);
    AUTO_FREE char *blob = blob_path(digest);
    assert_int_equal(rename(tar, blob), 0);
    return xstrdup(digest);
}

static bool has_kustomization(const struct addon *addon)
{
    AUTO_FREE char *path = path_join(addon->dir, "kustomization.yaml");
    return access(path, F_OK) == 0;
}

/* A plan looks while a job applies: neither takes the other's folder away. */
static void two_may_open_an_addon(void **state)
{
    struct error err = ERROR_INIT;
    agent_root_set(*state);
    assert_int_equal(agent_prepare_folders(&err), 0);
    AUTO_FREE char *digest = store_archive(*state);
    AUTO_JSON *params = json_pack("{s:s, s:s}", "name", "flannel", "archive", digest);
    AUTO_ADDON refused = {0};
    assert_int_equal(addon_open(params, &refused, &err), -EKEYREJECTED);
    offer_blob(digest);
    struct addon applied = {0};
    struct addon looked_at = {0};
    assert_int_equal(addon_open(params, &applied, &err), 0);
    assert_int_equal(addon_open(params, &looked_at, &err), 0);
    assert_true(has_kustomization(&looked_at));
    addon_release(&looked_at);
    assert_true(has_kustomization(&applied));
    addon_release(&applied);
    agent_root_set("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_a_local_configmap),
        cmocka_unit_test(a_hostile_value_stays_a_value),
        cmocka_unit_test(values_are_strings),
        cmocka_unit_test(resources_become_documents),
        cmocka_unit_test(resources_are_objects_with_a_name),
        cmocka_unit_test(refuses_malformed_parameters),
        cmocka_folder_test(two_may_open_an_addon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

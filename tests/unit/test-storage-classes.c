#include "agent/storage-classes.h"
#include "tests/unit/unit.h"

#include <string.h>

#define CLASS(name, by, is) \
    "{\"metadata\":{\"name\":\"" name "\",\"labels\":{\"app.kubernetes.io/managed-by\":\"" by \
    "\"},\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"" is "\"}}}"

/* Ours that is the default beside the one wanted; nobody else's. */
static void test_former_defaults(void **state)
{
    (void) state;
    static const char text[] =
        "{\"items\":[" CLASS("local-path", "bigtop-bootstrap", "true") "," CLASS(
            "ssd", "bigtop-bootstrap",
            "true") "," CLASS("hdd", "bigtop-bootstrap",
                              "false") "," CLASS("users", "helm", "true") ","
                                                                          "{\"metadata\":{\"name\":"
                                                                          "\"bare\"}},{},7]}";
    AUTO_JSON *list = json_parse(text, strlen(text), "test", NULL);
    assert_non_null(list);
    STRV(former);
    storage_classes_pick(list, "ssd", &former);
    assert_int_equal(former.count, 1);
    assert_string_equal(former.items[0], "local-path");
}

static void test_nothing_preferred(void **state)
{
    (void) state;
    STRV(former);
    assert_int_equal(storage_classes_former(NULL, NULL, &former, NULL), 0);
    assert_int_equal(former.count, 0);
    assert_int_equal(storage_classes_demote(NULL, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_former_defaults),
        cmocka_unit_test(test_nothing_preferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

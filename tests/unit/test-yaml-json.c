#include "lib/yaml-json.h"
#include "tests/unit/unit.h"

#include <string.h>

static void becomes(const char *yaml, const char *json)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    struct error err = ERROR_INIT;
    if (yaml_parse(yaml, strlen(yaml), "t", &f, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_JSON *value = yaml_to_json(f.root);
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    assert_string_equal(text, json);
}

static void scalars_have_their_types(void **state)
{
    (void) state;
    becomes("[1, -7, \"1\", '1', 0.5, true, False, \"true\", null, ~, x, 1Gi]",
            "[1,-7,\"1\",\"1\",0.5,true,false,\"true\",null,null,\"x\",\"1Gi\"]");
    becomes("[0x1F, 0o17, .inf, 99999999999999999999, 4.3.1, yes, 1e3]",
            "[\"0x1F\",\"0o17\",\".inf\",\"99999999999999999999\",\"4.3.1\",\"yes\",1000.0]");
    becomes("a: |\n  7\n", "{\"a\":\"7\\n\"}");
    becomes("", "null");
}

static void collections_nest(void **state)
{
    (void) state;
    becomes("a: [{b: 1}, []]\nc: {}\n", "{\"a\":[{\"b\":1},[]],\"c\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_their_types),
        cmocka_unit_test(collections_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

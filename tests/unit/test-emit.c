#include "kubeadm/emit.h"

#include "lib/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 4096
#define FUZZ_ROUNDS 20000
#define FUZZ_LEN 24

static void test_layout(void **state)
{
    (void) state;
    AUTO_EMIT e;
    emit_init(&e, TEXT_MAX);
    emit_document(&e, "v1", "Thing");
    emit_open(&e, "list");
    emit_item(&e);
    emit_string(&e, "a", "1");
    emit_open(&e, "inner");
    emit_string_item(&e, "x");
    emit_close(&e);
    emit_close(&e);
    emit_item(&e);
    emit_number(&e, "b", 2);
    emit_close(&e);
    emit_close(&e);
    emit_bool(&e, "yes", true);
    emit_bool(&e, "no", false);
    emit_empty_list(&e, "none");
    assert_string_equal(e.buf.data, "---\n"
                                    "apiVersion: \"v1\"\n"
                                    "kind: \"Thing\"\n"
                                    "list:\n"
                                    "  - a: \"1\"\n"
                                    "    inner:\n"
                                    "      - \"x\"\n"
                                    "  - b: 2\n"
                                    "yes: true\n"
                                    "no: false\n"
                                    "none: []\n");
}

static void assert_quoted(const char *text, const char *expected)
{
    STRBUF(b, TEXT_MAX);
    emit_quoted(&b, text);
    assert_string_equal(b.data, expected);
}

static void test_quoting(void **state)
{
    (void) state;
    assert_quoted("", "\"\"");
    assert_quoted("plain: #text", "\"plain: #text\"");
    assert_quoted("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_quoted("a\nb\tc\x7f", "\"a\\u000ab\\u0009c\\u007f\"");
    assert_quoted("\xc3\xa9", "\"\\u00e9\"");
    assert_quoted("\xe2\x80\xa8", "\"\\u2028\""); /* a line break to YAML 1.1 */
    assert_quoted("\xf0\x9f\x90\x98", "\"\\U0001f418\"");
    assert_quoted("\xff", "\"\\ufffd\"");
    assert_quoted("\xc0\xaf", "\"\\ufffd\\ufffd\"");            /* overlong */
    assert_quoted("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    assert_quoted("\xe2\x80", "\"\\ufffd\\ufffd\"");            /* cut short */
    assert_quoted("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

/* The value comes back as it was, and nothing beside it came to be. */
static void assert_survives(const char *value)
{
    AUTO_EMIT e;
    emit_init(&e, TEXT_MAX);
    emit_string(&e, "before", "b");
    emit_string(&e, "value", value);
    emit_open(&e, "list");
    emit_string_item(&e, value);
    emit_close(&e);
    CLEANUP(yaml_release) struct yaml_file file = YAML_FILE_INIT;
    struct error err = ERROR_INIT;
    if (yaml_parse(e.buf.data, e.buf.len, "emitted", &file, &err) < 0) {
        fail_msg("%s\n%s", err.text, e.buf.data);
    }
    assert_int_equal(file.root->count, 3);
    assert_string_equal(yaml_get(file.root, "value")->text, value);
    const struct yaml_node *list = yaml_get(file.root, "list");
    assert_int_equal(list->count, 1);
    assert_string_equal(list->items[0]->text, value);
}

static void test_hostile_values(void **state)
{
    (void) state;
    static const char *const hostile[] = {
        "x\nevil: true",
        "x\"\nevil: true\n#",
        "\"\nunsafeSkipCAVerification: true\n\"",
        "\\",
        "\\\"",
        "x\r\nevil: 1",
        "\n---\nkind: ClusterConfiguration\n",
        "\n...\n",
        "- item",
        "{a: b}",
        "[a, b]",
        "&anchor",
        "*alias",
        "!!binary aGk=",
        "%YAML 1.1",
        "null",
        "~",
        "yes",
        "0x10",
        "1e3",
        "a: b",
        "a #b",
        " lead and trail ",
        "\t",
        "$(reboot)",
        "\xc2\x85next-line",
        "\xe2\x80\xa8separator",
        "\xef\xbb\xbfmark",
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        assert_survives(hostile[i]);
    }
}

static void test_fuzz(void **state)
{
    (void) state;
    static const char alphabet[] = "ab\"\\\n\r\t:#-{}[]&*!|>'%@` ,?=~\x01\x1f\x7f";
    unsigned seed = 20261121;
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char value[FUZZ_LEN + 1];
        size_t len = (size_t) rand_r(&seed) % FUZZ_LEN;
        for (size_t i = 0; i < len; i++) {
            value[i] = alphabet[(size_t) rand_r(&seed) % (sizeof(alphabet) - 1)];
        }
        value[len] = '\0';
        assert_survives(value);
    }
}

/* Any bytes at all: still one document with the same three keys. */
static void test_fuzz_bytes(void **state)
{
    (void) state;
    unsigned seed = 5;
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char value[FUZZ_LEN + 1] = "";
        for (size_t i = 0; i < FUZZ_LEN; i++) {
            value[i] = (char) (1 + (unsigned) rand_r(&seed) % 255);
        }
        AUTO_EMIT e;
        emit_init(&e, TEXT_MAX);
        emit_string(&e, "value", value);
        emit_string(&e, "after", "a");
        CLEANUP(yaml_release) struct yaml_file file = YAML_FILE_INIT;
        assert_int_equal(yaml_parse(e.buf.data, e.buf.len, "emitted", &file, NULL), 0);
        assert_int_equal(file.root->count, 2);
        assert_string_equal(yaml_get(file.root, "after")->text, "a");
    }
}

static void test_full(void **state)
{
    (void) state;
    AUTO_EMIT e;
    emit_init(&e, 16);
    emit_string(&e, "key", "a value that is longer than the buffer may be");
    assert_true(strbuf_full(&e.buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),         cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_hostile_values), cmocka_unit_test(test_fuzz),
        cmocka_unit_test(test_fuzz_bytes),     cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "images/checksums.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UPPER "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void finds(void **state)
{
    (void) state;
    static const char *const texts[] = {
        A,
        A "\n",
        UPPER "\r\n",
        A "  runc\n",
        B "  runc.arm64\n" A " *runc\n",
        A "  ./release/runc\n",
        "SHA256 (runc.arm64) = " B "\nSHA256 (runc) = " A "\n",
        "# comment\n" A "  runc\n" A "  runc\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char digest[DIGEST_SIZE] = "";
        if (checksums_find(texts[i], "runc", digest, NULL) != 0)
            fail_msg("not found in %s", texts[i]);
        assert_string_equal(digest, "sha256:" A);
    }
}

static void refuses(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", -ENOENT},
        {"<html>" A "</html>", -ENOENT},
        {A "  other\n", -ENOENT},
        {A "  runc.amd64\n", -ENOENT},
        {A "\n" B "\n", -ENOENT}, /* whose is which? */
        {A "0  runc\n", -ENOENT},
        {"MD5 (runc) = " A "\n", -ENOENT},
        {"SHA256 (runc) = 12\n", -ENOENT},
        {A "  runc\n" B "  runc\n", -EBADMSG},
        {A "  a/runc\n" B "  b/runc\n", -EBADMSG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char digest[DIGEST_SIZE] = "untouched";
        struct error err = ERROR_INIT;
        assert_int_equal(checksums_find(cases[i].text, "runc", digest, &err), cases[i].code);
        assert_error_has(err, "runc");
        assert_string_equal(digest, "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

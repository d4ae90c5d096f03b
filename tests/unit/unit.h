/* cmocka with what it needs before it, and a folder of its own for a test. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The text of an error has this in it. */
#define assert_error_has(err, part) assert_non_null(strstr((err).text, part))

/* JSON of a test's own, in which ' stands for ". The caller's. */
static inline json_t *parse_json(const char *text)
{
    AUTO_FREE char *copy = xstrdup(text);
    struct error err = ERROR_INIT;
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *json = json_parse(copy, strlen(copy), "test", &err);
    if (!json)
        fail_msg("%s in %s", err.text, copy);
    return json;
}

/* Setup and teardown: *state is the path of an empty folder that goes away with the test. */
static inline int folder_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *path = xasprintf("%s/bigtop-unit-XXXXXX", tmp ? tmp : "/tmp");
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
    int r = path_remove_tree(*state, NULL);
    free(*state);
    return r;
}
#define cmocka_folder_test(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

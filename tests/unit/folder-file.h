/* Files in the folder of a test. */
#pragma once

#include "lib/fd.h"
#include "tests/unit/unit.h"

static inline void put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, &err), 0);
}

/* The caller's. */
static inline char *get_file(const char *dir, const char *name)
{
    STRBUF(text, 65536);
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(dir, name);
    if (file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    return strbuf_steal(&text);
}

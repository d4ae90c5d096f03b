#include "lib/state-file.h"

#include "lib/digest.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>

#define CHECK "sha256"

/* The whole content of the file for a state. */
static char *render(const json_t *state)
{
    char digest[DIGEST_SIZE];
    AUTO_FREE char *plain = json_canonical(state);
    digest_buffer(plain, strlen(plain), digest);
    AUTO_JSON *checked = json_copy((json_t *) (uintptr_t) state);
    json_object_set_new(checked, CHECK, json_string(digest));
    AUTO_FREE char *text = json_canonical(checked);
    return xasprintf("%s\n", text);
}

static int damaged(const char *path, struct error *err)
{
    return error_set(err, -EBADMSG, "%s is damaged: it is not what was written", path);
}

int state_file_read(const char *path, json_t **out, struct error *err)
{
    STRBUF(text, STATE_FILE_MAX);
    struct error why = ERROR_INIT;
    int r = file_read(path, &text, &why);
    if (r == -ENOENT)
        return 0;
    if (r == -E2BIG)
        return damaged(path, err);
    if (r < 0)
        return error_set(err, r, "%s", why.text);
    AUTO_JSON *state = json_parse(text.data, text.len, path, NULL);
    if (!json_is_object(state))
        return damaged(path, err);
    json_object_del(state, CHECK);
    /* Whatever byte is another one, this text is. */
    AUTO_FREE char *expected = render(state);
    if (strlen(expected) != text.len || memcmp(expected, text.data, text.len) != 0)
        return damaged(path, err);
    *out = TAKE_PTR(state);
    return 1;
}

int state_file_write(const char *path, const json_t *state, struct error *err)
{
    AUTO_FREE char *text = render(state);
    if (strlen(text) > STATE_FILE_MAX)
        return error_set(err, -E2BIG, "%s would be larger than %d bytes", path, STATE_FILE_MAX);
    if (file_is(path, text, strlen(text), 0600) == 1)
        return 0;
    int r = file_write_atomic(path, text, strlen(text), 0600, err);
    return r < 0 ? r : 1;
}

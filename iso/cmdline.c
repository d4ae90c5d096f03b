#include "iso/cmdline.h"

#include "lib/cleanup.h"
#include "lib/fd.h"
#include "lib/strv.h"

#include <errno.h>
#include <string.h>

#define HEX "0123456789abcdef"

char *cmdline_value(const char *cmdline, const char *key)
{
    STRV(words);
    AUTO_FREE char *line = xstrndup(cmdline, strcspn(cmdline, "\n"));
    size_t len = strlen(key);
    strv_split(&words, line, ' ');
    for (size_t i = words.count; i > 0; i--) {
        const char *word = words.items[i - 1];
        if (strncmp(word, key, len) == 0 && word[len] == '=')
            return xstrdup(word + len + 1);
    }
    return NULL;
}

int cmdline_image(const char *path, char out[ISO_NUMBER_LEN + 1], struct error *err)
{
    STRBUF(text, ISO_CMDLINE_MAX);
    int r = file_read(path, &text, err);
    if (r < 0)
        return r;
    AUTO_FREE char *number = cmdline_value(text.data, "bigtop.image");
    if (!number || strlen(number) != ISO_NUMBER_LEN || strspn(number, HEX) != ISO_NUMBER_LEN)
        return error_set(err, -EBADMSG, "the kernel's command line does not name the image");
    memcpy(out, number, ISO_NUMBER_LEN + 1);
    return 0;
}

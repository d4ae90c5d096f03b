#include "images/checksums.h"

#include "lib/path.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool to_digest(const char *hex, size_t len, char out[DIGEST_SIZE])
{
    char text[DIGEST_SIZE] = "sha256:";
    if (len != SHA256_HEX_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        text[7 + i] = (char) tolower((unsigned char) hex[i]);
    text[DIGEST_LEN] = '\0';
    if (!digest_is_valid(text))
        return false;
    memcpy(out, text, DIGEST_SIZE);
    return true;
}

/* "SHA256 (NAME) = HEX" */
static bool read_tagged(const char *line, char **name, char out[DIGEST_SIZE])
{
    static const char tag[] = "SHA256 (", between[] = ") = ";
    const char *start = line + strlen(tag);
    if (strncmp(line, tag, strlen(tag)) != 0)
        return false;
    const char *end = strstr(start, between);
    if (!end)
        return false;
    const char *hex = end + strlen(between);
    if (!to_digest(hex, strlen(hex), out))
        return false;
    *name = xstrndup(start, (size_t) (end - start));
    return true;
}

/* "HEX  NAME", "HEX *NAME", "HEX" (then *name is NULL) */
static bool read_plain(const char *line, char **name, char out[DIGEST_SIZE])
{
    size_t len = strcspn(line, " \t");
    if (!to_digest(line, len, out))
        return false;
    const char *rest = line + len + strspn(line + len, " \t");
    rest += *rest == '*';
    *name = *rest ? xstrdup(rest) : NULL;
    return true;
}

static char *clean_line(const char *line)
{
    size_t len = strlen(line);
    while (len && isspace((unsigned char) line[len - 1]))
        len--;
    return xstrndup(line, len);
}

int checksums_find(const char *text, const char *name, char out[DIGEST_SIZE], struct error *err)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    char found[DIGEST_SIZE] = "";
    for (size_t i = 0; i < lines.count; i++) {
        AUTO_FREE char *line = clean_line(lines.items[i]);
        AUTO_FREE char *of = NULL;
        char digest[DIGEST_SIZE];
        if (!read_tagged(line, &of, digest) && !read_plain(line, &of, digest))
            continue;
        if (of ? strcmp(path_basename(of), name) != 0 : lines.count != 1)
            continue;
        if (*found && strcmp(found, digest) != 0)
            return error_set(err, -EBADMSG, "%s has two checksums", name);
        memcpy(found, digest, DIGEST_SIZE);
    }
    if (!*found)
        return error_set(err, -ENOENT, "there is no sha256 of %s", name);
    memcpy(out, found, DIGEST_SIZE);
    return 0;
}

#include "images/pypi.h"

#include "lib/digest.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define NAME_MAX_LEN 200
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SDIST_ENDING ".tar.gz"

/* Names and requirements */

static size_t name_length(const char *s)
{
    size_t len = strspn(s, LETTERS DIGITS "._-");
    bool good = len > 0 && len <= NAME_MAX_LEN && !strchr("._-", s[0]) &&
                !strchr("._-", s[len - 1]);
    return good ? len : 0;
}

/* "[a,b]", or nothing. */
static const char *skip_extras(const char *s)
{
    if (*s != '[')
        return s;
    do {
        size_t len = name_length(++s);
        if (len == 0)
            return NULL;
        s += len;
    } while (*s == ',');
    return *s == ']' ? s + 1 : NULL;
}

static const char *skip_specifier(const char *s)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "~=", "<", ">"};
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        size_t len = strlen(operators[i]);
        if (strncmp(s, operators[i], len) != 0)
            continue;
        size_t version = strspn(s + len, LETTERS DIGITS "._+!*-");
        return version > 0 && version <= NAME_MAX_LEN && s[len] != '-' ? s + len + version : NULL;
    }
    return NULL;
}

bool pypi_is_requirement(const char *text)
{
    size_t len = name_length(text);
    const char *s = len ? skip_extras(text + len) : NULL;
    if (!s || !*s)
        return s != NULL;
    while ((s = skip_specifier(s)) && *s == ',')
        s++;
    return s && !*s;
}

bool pypi_is_pin(const char *text)
{
    size_t len = name_length(text);
    return len && strncmp(text + len, "==", 2) == 0 && !strchr(text, ',') && !strchr(text, '*') &&
           pypi_is_requirement(text);
}

char *pypi_normal_name(const char *name)
{
    STRBUF(out, 2 * NAME_MAX_LEN);
    for (const char *p = name; *p; p++)
        if (!strchr("-_.", *p))
            strbuf_addc(&out, (char) tolower((unsigned char) *p));
        else if (!strchr("-_.", p[1]) || !p[1])
            strbuf_addc(&out, '-');
    return strbuf_steal(&out);
}

/* pip's report */

static const char *report_hash(const json_t *item)
{
    const json_t *archive = json_object_get(json_object_get(item, "download_info"), "archive_info");
    const char *hex = json_get_string(json_object_get(archive, "hashes"), "sha256", NULL);
    const char *old = json_get_string(archive, "hash", "");
    return hex ? hex : strncmp(old, "sha256=", 7) == 0 ? old + 7 : "";
}

static int add_reported(const json_t *item, json_t *out, struct error *err)
{
    const json_t *metadata = json_object_get(item, "metadata");
    AUTO_FREE char *name = pypi_normal_name(json_get_string(metadata, "name", ""));
    AUTO_FREE char *pin = xasprintf("%s==%s", name, json_get_string(metadata, "version", ""));
    AUTO_FREE char *digest = xasprintf("sha256:%s", report_hash(item));
    if (!pypi_is_pin(pin))
        return error_set(err, -EBADMSG, "pip reports something unexpected: \"%s\"", pin);
    if (!digest_is_valid(digest))
        return error_set(err, -EBADMSG, "pip reports no sha256 for %s", pin);
    json_object_set_new(out, pin, json_string(digest));
    return 0;
}

int pypi_read_report(const json_t *report, json_t **out, struct error *err)
{
    AUTO_JSON *set = json_object();
    json_t *list, *item;
    size_t i;
    int r = json_need_array(report, "install", &list, err);
    if (r < 0)
        return r;
    json_array_foreach(list, i, item)
        if ((r = add_reported(item, set, err)) < 0)
            return r;
    if (json_object_size(set) == 0)
        return error_set(err, -ENODATA, "pip would install nothing");
    *out = TAKE_PTR(set);
    return 0;
}

/* The index */

/* "Name-1.0" and the ending are the pin's, whatever way its name is written. */
static bool is_file_of(const char *file, const char *pin, const char *expected)
{
    size_t len = strlen(file), ending = strlen(expected);
    if (len <= ending || strcmp(file + len - ending, expected) != 0)
        return false;
    AUTO_FREE char *stem = xstrndup(file, len - ending);
    char *dash = strrchr(stem, '-');
    const char *version = strstr(pin, "==") + 2;
    if (!dash || strcmp(dash + 1, version) != 0)
        return false;
    *dash = '\0';
    AUTO_FREE char *project = xstrndup(pin, (size_t) (version - 2 - pin));
    AUTO_FREE char *wanted = pypi_normal_name(project);
    AUTO_FREE char *found = pypi_normal_name(stem);
    return strcmp(wanted, found) == 0;
}

bool pypi_is_folder_of(const char *folder, const char *pin, bool sdist)
{
    return is_file_of(folder, pin, sdist ? "" : ".dist-info");
}

int pypi_find_sdist(const json_t *index, const char *pin, const char **url, const char **hex,
                    struct error *err)
{
    json_t *files, *file;
    size_t i;
    int r = json_need_array(index, "files", &files, err);
    if (r < 0)
        return r;
    json_array_foreach(files, i, file) {
        if (!is_file_of(json_get_string(file, "filename", ""), pin, SDIST_ENDING))
            continue;
        const char *found = json_get_string(json_object_get(file, "hashes"), "sha256", "");
        AUTO_FREE char *digest = xasprintf("sha256:%s", found);
        if (!digest_is_valid(digest))
            return error_set(err, -EBADMSG, "the index has no sha256 for %s", pin);
        *hex = found;
        return json_need_string(file, "url", url, err);
    }
    return error_set(err, -ENOENT, "the index has no " SDIST_ENDING " of %s", pin);
}

char *pypi_resolve_url(const char *page, const char *url)
{
    if (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0)
        return xstrdup(url);
    const char *host = strstr(page, "://");
    const char *root = host ? strchr(host + 3, '/') : NULL;
    size_t keep = strcspn(page, "?#");
    if (root && *url == '/')
        keep = (size_t) (root - page);
    else
        while (keep > 0 && page[keep - 1] != '/')
            keep--;
    return xasprintf("%.*s%s", (int) keep, page, url);
}

/* Lines are KEY='VALUE'; what stands in a variable wins over a file. */
char *pypi_configured_index(const char *list)
{
    static const char *const keys[] = {":env:.index-url", "install.index-url", "global.index-url"};
    STRV(lines);
    strv_split(&lines, list, '\n');
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
        for (size_t i = 0; i < lines.count; i++) {
            const char *line = lines.items[i];
            size_t len = strlen(keys[k]), all = strlen(line);
            if (strncmp(line, keys[k], len) == 0 && all > len + 3 && line[len] == '=' &&
                line[len + 1] == '\'' && line[all - 1] == '\'')
                return xstrndup(line + len + 2, all - len - 3);
        }
    return NULL;
}

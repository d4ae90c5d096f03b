#include "images/deb-parts.h"

#include "images/licence.h"
#include "images/purl.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COMMON "/usr/share/common-licenses/"
#define NAMED_MAX 4096 /* of the short names of one package */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-"

static void add_once(struct strv *v, const char *text)
{
    if (*text && !strv_contains(v, text))
        strv_add(v, text);
}

void deb_parts_common(const char *copyright, struct strv *names)
{
    for (const char *at = copyright; (at = strstr(at, COMMON));) {
        at += strlen(COMMON);
        AUTO_FREE char *name = xstrndup(at, strspn(at, NAME_CHARS));
        size_t len = strlen(name);
        while (len > 0 && strchr(".+-", name[len - 1])) /* the sentence's, not the name's */
            name[--len] = '\0';
        if (name[0] != '.')
            add_once(names, name);
    }
}

static void add_fields(const char *copyright, struct strv *names)
{
    static const char field[] = "License:";
    STRV(lines);
    strv_split(&lines, copyright, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        if (strncmp(lines.items[i], field, strlen(field)) != 0)
            continue;
        const char *name = lines.items[i] + strlen(field);
        name += strspn(name, " \t");
        STRBUF(text, 256);
        strbuf_add_printable(&text, name, strcspn(name, "\r"));
        add_once(names, text.data);
    }
}

char *deb_parts_named(const char *copyright)
{
    STRV(names);
    add_fields(copyright, &names);
    deb_parts_common(copyright, &names);
    strv_sort(&names);
    STRBUF(out, NAMED_MAX);
    for (size_t i = 0; i < names.count; i++)
        strbuf_addf(&out, "%s%s", i ? ", " : "", names.items[i]);
    return strbuf_steal(&out);
}

/* A file below root, by a path that may lead through symlinks, but not out of it. */
static int read_below(const char *root, const char *path, struct strbuf *out, struct error *err)
{
    AUTO_FREE char *joined = path_join(root, path);
    AUTO_FREE char *real = realpath(joined, NULL);
    AUTO_FREE char *top = realpath(root, NULL);
    if (!real || !top)
        return -ENOENT;
    size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(real, top, len) != 0 || real[len] != '/')
        return -ENOENT;
    return file_read(real, out, err);
}

static int take_common(struct parts *p, const char *root, const char *copyright, struct error *err)
{
    STRV(names);
    deb_parts_common(copyright, &names);
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE char *path = xasprintf("%s%s", &COMMON[1], names.items[i]);
        STRBUF(text, LICENCE_TEXT_MAX);
        int r = read_below(root, path, &text, err);
        if (r == -ENOENT) /* they belong to base-files, which is seldom part of an image */
            r = read_below("/", path, &text, err);
        if (r == 0)
            r = parts_take_text(p, "debian/common-licenses", names.items[i], text.data, text.len,
                                err);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

static int take_copyright(struct parts *p, const char *root, const char *name, const char *version,
                          char **comment, struct error *err)
{
    AUTO_FREE char *path = xasprintf("usr/share/doc/%s/copyright", name);
    AUTO_FREE char *to = xasprintf("debian/%s_%s", name, version);
    STRBUF(text, LICENCE_TEXT_MAX);
    int r = read_below(root, path, &text, err);
    if (r == -ENOENT) {
        *comment = xstrdup("its copyright file was left out");
        return 0;
    }
    if (r < 0 || (r = parts_take_text(p, to, "copyright", text.data, text.len, err)) < 0 ||
        (r = take_common(p, root, text.data, err)) < 0)
        return r;
    AUTO_FREE char *named = deb_parts_named(text.data);
    *comment = *named ? xasprintf("licences named in its copyright file: %s", named) : NULL;
    return 0;
}

int deb_parts_add(struct parts *p, const char *root, const struct part *package, const char *suite,
                  struct error *err)
{
    AUTO_FREE char *comment = NULL;
    AUTO_FREE char *purl = purl_deb(package->name, package->version, suite);
    int r = take_copyright(p, root, package->name, package->version, &comment, err);
    if (r < 0)
        return error_prefix(err, "licence of the package %s", package->name);
    struct part part = *package;
    part.purl = purl;
    part.comment = comment;
    parts_add(p, &part);
    return 0;
}

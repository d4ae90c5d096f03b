#include "lib/archive-zip.h"

#include "lib/cleanup.h"
#include "lib/locale.h"
#include "lib/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

#define READ_BLOCK (128 * 1024)

static void reader_free(struct archive **a)
{
    archive_read_free(*a);
}

static int reader_failed(struct archive *a, const char *path, struct error *err)
{
    const char *why = archive_error_string(a);
    int number = archive_errno(a);
    return error_set(err, number > 0 ? -number : -EBADMSG, "%s: %s", path,
                     why ? why : "not a zip archive");
}

static int read_content(struct archive *a, const char *path, const char *name, struct strbuf *out,
                        struct error *err)
{
    AUTO_FREE char *block = xcalloc(1, READ_BLOCK);
    la_ssize_t n;
    while ((n = archive_read_data(a, block, READ_BLOCK)) > 0)
        if (strbuf_add(out, block, (size_t) n) < 0)
            return error_set(err, -E2BIG, "%s: %s is larger than %zu bytes", path, name, out->max);
    return n < 0 ? reader_failed(a, path, err) : 0;
}

static int read_entries(struct archive *a, const char *path, bool (*wanted)(const char *name),
                        size_t max, archive_zip_fn fn, void *userdata, struct error *err)
{
    struct archive_entry *entry;
    int status, r = 0;
    while (r == 0 && (status = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
        if (status < ARCHIVE_WARN)
            return reader_failed(a, path, err);
        const char *name = archive_entry_pathname(entry);
        if (!name || archive_entry_filetype(entry) != S_IFREG || !wanted(name))
            continue;
        STRBUF(content, max);
        r = read_content(a, path, name, &content, err);
        if (r == 0)
            r = fn(userdata, name, content.data, content.len, err);
    }
    return r;
}

int archive_zip_read(const char *path, bool (*wanted)(const char *name), size_t max,
                     archive_zip_fn fn, void *userdata, struct error *err)
{
    IN_UTF8_LOCALE();
    CLEANUP(reader_free) struct archive *a = archive_read_new();
    if (!a || archive_read_support_format_zip_seekable(a) != ARCHIVE_OK ||
        archive_read_open_filename(a, path, READ_BLOCK) != ARCHIVE_OK)
        return reader_failed(a, path, err);
    return read_entries(a, path, wanted, max, fn, userdata, err);
}

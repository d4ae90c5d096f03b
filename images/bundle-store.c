#include "images/bundle-store.h"

#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

struct bundle_store {
    const struct bundle_store_form *form;
    void *data;
};

const char *bundle_text_name(enum bundle_text which)
{
    static const char *const names[BUNDLE_TEXTS] = {BUNDLE_MANIFEST, BUNDLE_SIGNATURE, "oci-layout",
                                                    "index.json"};
    return names[which];
}

static int open_file(const char *path, struct bundle_store *s, struct error *err)
{
    struct stat st;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, -errno, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EBADMSG, "%s is neither a folder nor a regular file", path);
    s->form = &bundle_store_file;
    return bundle_store_file_open(path, TAKE_FD(fd), (uint64_t) st.st_size, &s->data, err);
}

int bundle_store_open(const char *path, struct bundle_store **out, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return error_errno(err, -errno, "open %s", path);
    struct bundle_store s = {.form = &bundle_store_folder};
    int r = S_ISDIR(st.st_mode) ? bundle_store_folder_open(path, &s.data)
                                : open_file(path, &s, err);
    if (r < 0)
        return r;
    *out = xcalloc(1, sizeof(s));
    **out = s;
    return 0;
}

void bundle_store_close(struct bundle_store **s)
{
    if (*s)
        (*s)->form->close((*s)->data);
    free(*s);
    *s = NULL;
}

bool bundle_store_is_file(const struct bundle_store *s)
{
    return s->form == &bundle_store_file;
}

int bundle_store_read(const struct bundle_store *s, enum bundle_text which, struct strbuf *into,
                      struct error *err)
{
    return s->form->read(s->data, which, into, err);
}

int bundle_store_write_signature(const struct bundle_store *s, const char *text, size_t len,
                                 struct error *err)
{
    return s->form->write_signature(s->data, text, len, err);
}

int bundle_store_map(struct bundle_store *s, const json_t *blobs, struct error *err)
{
    return s->form->map(s->data, blobs, err);
}

int bundle_store_blob(const struct bundle_store *s, const char *digest, uint64_t size,
                      struct blob_source *out, struct error *err)
{
    return s->form->blob(s->data, digest, size, out, err);
}

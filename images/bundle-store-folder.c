/* A bundle as a folder: each piece is a file of its own. */
#include "images/bundle-store.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int bundle_store_folder_open(const char *path, void **out)
{
    *out = xstrdup(path);
    return 0;
}

static int read_piece(const void *form, enum bundle_text which, struct strbuf *into,
                      struct error *err)
{
    AUTO_FREE char *path = path_join(form, bundle_text_name(which));
    return file_read(path, into, err);
}

static int write_signature(const void *form, const char *text, size_t len, struct error *err)
{
    AUTO_FREE char *path = path_join(form, bundle_text_name(BUNDLE_TEXT_SIGNATURE));
    return file_write_atomic(path, text, len, 0644, err);
}

/* The names of the files are the map. */
static int map(void *form, const json_t *blobs, struct error *err)
{
    (void) form;
    (void) blobs;
    (void) err;
    return 0;
}

static int open_blob(const void *form, const char *digest, uint64_t size, struct blob_source *out,
                     struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/blobs/sha256/%s", (const char *) form,
                                     digest + strlen("sha256:"));
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if ((fd < 0 && errno != ELOOP) || (fd >= 0 && fstat(fd, &st) < 0))
        return error_errno(err, -errno, "blob %s", path);
    if (fd < 0 || !S_ISREG(st.st_mode))
        return error_set(err, -EBADMSG, "blob %s is not a regular file", path);
    if ((uint64_t) st.st_size != size)
        return error_set(err, -EBADMSG, "blob %s has %lld bytes, %llu are announced", path,
                         (long long) st.st_size, (unsigned long long) size);
    *out = (struct blob_source){.fd = TAKE_FD(fd), .size = size};
    return 0;
}

const struct bundle_store_form bundle_store_folder = {
    .read = read_piece,
    .write_signature = write_signature,
    .map = map,
    .blob = open_blob,
    .close = free,
};

#include "iso/site.h"

#include "images/key-file.h"
#include "lib/archive.h"
#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SITE "site" /* in the live folder */
#define HOSTS_MAX (1024 * 1024)
#define SSH_KEY_MAX (16 * 1024)
#define TRUSTED "root/.config/bigtop-bootstrap/trusted"

/* "ssh-ed25519 AAAA… comment": the blob begins with its own type's length and name (RFC 4253 6.6),
 * so that a text that only looks like a key is none. */
static bool is_key_line(const char *line)
{
    STRV(words);
    STRBUF(blob, SSH_KEY_MAX);
    strv_split(&words, line, ' ');
    if (words.count < 2 || base64_decode(&blob, words.items[1], strlen(words.items[1])) < 0)
        return false;
    size_t len = strlen(words.items[0]);
    const unsigned char *data = (const unsigned char *) blob.data;
    return blob.len > 4 + len && data[0] == 0 && data[1] == 0 && data[2] == 0 && data[3] == len &&
           memcmp(data + 4, words.items[0], len) == 0;
}

int iso_ssh_key(const char *text, size_t len, char **out, struct error *err)
{
    if (memmem(text, len, "PRIVATE KEY", strlen("PRIVATE KEY")))
        return error_set(err, -EINVAL, "is a private key; the public one is wanted");
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len == 0 || len > SSH_KEY_MAX || memchr(text, '\n', len) || memchr(text, '\0', len))
        return error_set(err, -EINVAL, "is not one line with a public key");
    AUTO_FREE char *line = xstrndup(text, len);
    if (!is_key_line(line))
        return error_set(err, -EINVAL, "is no public key of SSH, such as \"ssh-ed25519 AAAA…\"");
    *out = TAKE_PTR(line);
    return 0;
}

static int add_keys(struct archive_writer *w, const struct iso_site *site, struct error *err)
{
    AUTO_FREE char *lines = strv_join(site->ssh_keys, "\n");
    AUTO_FREE char *text = xasprintf("%s\n", lines);
    return archive_writer_data(w, ISO_AUTHORIZED, 0600, text, strlen(text), err);
}

static int add_hosts(struct archive_writer *w, const char *path, struct error *err)
{
    STRBUF(text, HOSTS_MAX);
    int r = path ? file_read(path, &text, err) : 0;
    if (!path || r < 0)
        return r;
    return archive_writer_data(w, ISO_HOSTS, 0600, text.data, text.len, err);
}

static int add_trusted(struct archive_writer *w, const struct trusted_keys *keys, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < keys->count; i++) {
        char id[KEY_ID_TEXT];
        STRBUF(text, KEY_FILE_MAX);
        public_key_format(&keys->keys[i], &text);
        key_id_text(keys->keys[i].id, id);
        AUTO_FREE char *path = xasprintf(TRUSTED "/%s.pub", id);
        r = archive_writer_data(w, path, 0644, text.data, text.len, err);
    }
    return r;
}

/* /dev is here since the root comes without: it would have device nodes in it. */
static int add_dirs(struct archive_writer *w, struct error *err)
{
    static const struct {
        const char *path;
        mode_t mode;
    } dirs[] = {
        {"dev", 0755},   {ISO_CONFIG, 0755},     {"usr/bin", 0755},
        {"root", 0700},  {"root/.config", 0700}, {"root/.config/bigtop-bootstrap", 0700},
        {TRUSTED, 0700},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
        r = archive_writer_dir(w, dirs[i].path, dirs[i].mode, err);
    return r;
}

static int write_tar(const struct iso_site *site, int fd, struct error *err)
{
    CLEANUP(archive_writer_abort) struct archive_writer *w = NULL;
    AUTO_FREE char *files = path_join(site->live, SITE);
    int r;
    if ((r = archive_writer_open(fd, ARCHIVE_PLAIN, site->epoch, &w, err)) < 0 ||
        (r = archive_writer_tree(w, "", files, err)) < 0 || (r = add_dirs(w, err)) < 0 ||
        (r = add_keys(w, site, err)) < 0 || (r = add_hosts(w, site->hosts, err)) < 0 ||
        (r = add_trusted(w, site->bundle_keys, err)) < 0 ||
        /* systemd sets a clock that is before this file's time to it. */
        (r = archive_writer_data(w, "usr/lib/clock-epoch", 0644, "", 0, err)) < 0 ||
        (r = archive_writer_file(w, ISO_PROGRAM, 0755, site->program, err)) < 0)
        return r;
    return archive_writer_close(&w, err);
}

int iso_site_make(const struct iso_steps *s, const struct iso_site *site, const char *squashfs,
                  struct error *err)
{
    AUTO_FREE char *tar = xasprintf("%s.tar", squashfs);
    AUTO_FD fd = open(tar, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", tar);
    int r = write_tar(site, fd, err);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, -errno, "%s", tar);
    STRV(argv);
    iso_squash_words(&argv, site->epoch, squashfs);
    const struct iso_run how = {.epoch = site->epoch, .stdin_fd = fd};
    if ((r = iso_run(s, &argv, &how, err)) < 0)
        return r;
    return unlink(tar) < 0 ? error_errno(err, -errno, "remove %s", tar) : 0;
}

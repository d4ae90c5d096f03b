#include "iso/install-mark.h"

#include "lib/digest.h"
#include "lib/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TITLE "Bigtop installation 1\n"

static const char *const phases[] = {"begun", "copied", "done"};

void install_mark_format(const struct install_mark *m, char out[INSTALL_MARK_SIZE])
{
    char sum[DIGEST_SIZE];
    memset(out, 0, INSTALL_MARK_SIZE);
    int n = snprintf(out, INSTALL_MARK_SIZE, TITLE "phase %s\nimage %s\ndisk %s\nidentity %s\n",
                     phases[m->phase], m->image, m->disk, m->identity);
    digest_buffer(out, (size_t) n, sum);
    (void) snprintf(out + n, INSTALL_MARK_SIZE - (size_t) n, "sum %s\n", sum);
}

/* "KEY VALUE\n" at *at, which moves behind it. */
static bool take(const char **at, const char *key, char *out, size_t size)
{
    size_t len = strlen(key);
    if (strncmp(*at, key, len) != 0 || (*at)[len] != ' ')
        return false;
    const char *value = *at + len + 1;
    size_t n = strcspn(value, "\n");
    if (value[n] != '\n' || n >= size)
        return false;
    memcpy(out, value, n);
    out[n] = '\0';
    *at = value + n + 1;
    return true;
}

static bool take_phase(const char *name, enum install_phase *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
        if (strcmp(phases[i], name) == 0) {
            *out = (enum install_phase) i;
            return true;
        }
    return false;
}

bool install_mark_parse(const char block[INSTALL_MARK_SIZE], struct install_mark *out)
{
    char text[INSTALL_MARK_SIZE + 1], again[INSTALL_MARK_SIZE], phase[16];
    struct install_mark m = {0};
    memcpy(text, block, INSTALL_MARK_SIZE);
    text[INSTALL_MARK_SIZE] = '\0';
    if (strncmp(text, TITLE, strlen(TITLE)) != 0)
        return false;
    const char *at = text + strlen(TITLE);
    if (!take(&at, "phase", phase, sizeof(phase)) || !take_phase(phase, &m.phase) ||
        !take(&at, "image", m.image, sizeof(m.image)) ||
        !take(&at, "disk", m.disk, sizeof(m.disk)) ||
        !take(&at, "identity", m.identity, sizeof(m.identity)))
        return false;
    install_mark_format(&m, again);
    if (memcmp(again, block, INSTALL_MARK_SIZE) != 0)
        return false;
    *out = m;
    return true;
}

int install_mark_read(int fd, struct install_mark *out, struct error *err)
{
    char block[INSTALL_MARK_SIZE];
    int r = fd_pread_full(fd, block, sizeof(block), INSTALL_MARK_OFFSET);
    if (r < 0 && r != -ENODATA)
        return error_errno(err, r, "look for an installation");
    return r == 0 && install_mark_parse(block, out);
}

int install_mark_write(int fd, const struct install_mark *m, struct error *err)
{
    char block[INSTALL_MARK_SIZE];
    install_mark_format(m, block);
    int r = fd_pwrite_all(fd, block, sizeof(block), INSTALL_MARK_OFFSET);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(err, r, "mark the disk") : 0;
}

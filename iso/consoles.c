#include "iso/consoles.h"

#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ACTIVE "/sys/class/tty/console/active"
#define ACTIVE_MAX 4096
#define CLEAR "\033[H\033[2J"

void iso_consoles_devices(const char *active, struct strv *out)
{
    STRV(names);
    AUTO_FREE char *line = xstrndup(active, strcspn(active, "\n"));
    strv_split(&names, line, ' ');
    for (size_t i = 0; i < names.count; i++) {
        const char *name = strcmp(names.items[i], "tty0") == 0 ? "tty1" : names.items[i];
        AUTO_FREE char *path = xasprintf("/dev/%s", name);
        if (!strchr(name, '/') && !strv_contains(out, path))
            strv_add(out, path);
    }
}

bool iso_consoles_is_screen(const char *device)
{
    static const char name[] = "/dev/tty";
    size_t len = strlen(name);
    return strncmp(device, name, len) == 0 && device[len] >= '0' && device[len] <= '9';
}

void iso_consoles_close(struct iso_consoles *c)
{
    for (size_t i = 0; i < c->count; i++)
        fd_close(&c->fds[i]);
    c->count = 0;
    iso_page_close(&c->page);
}

int iso_consoles_open(struct iso_consoles *out, struct error *err)
{
    STRBUF(active, ACTIVE_MAX);
    STRV(devices);
    int r = file_read(ACTIVE, &active, err);
    if (r < 0)
        return r;
    iso_consoles_devices(active.data, &devices);
    *out = (struct iso_consoles){0};
    for (size_t i = 0; i < devices.count && out->count < ISO_CONSOLES_MAX; i++) {
        int fd = open(devices.items[i], O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        out->is_screen[out->count] = iso_consoles_is_screen(devices.items[i]);
        out->fds[out->count++] = fd;
    }
    return out->count ? 0 : error_set(err, -ENODEV, "no console can be opened: %s", active.data);
}

static void put(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && usleep(1000) == 0)
            continue;
        if (n <= 0)
            return;
        data += n;
        len -= (size_t) n;
    }
}

void iso_consoles_add(const struct iso_consoles *c, const void *data, size_t len)
{
    for (size_t i = 0; i < c->count; i++)
        put(c->fds[i], data, len);
    if (c->page)
        iso_page_write(c->page, data, len);
}

void iso_consoles_show(const struct iso_consoles *c, const char *text)
{
    for (size_t i = 0; i < c->count; i++) {
        const char *before = c->is_screen[i] ? CLEAR : "\n";
        put(c->fds[i], before, strlen(before));
        put(c->fds[i], text, strlen(text));
    }
    if (c->page) {
        iso_page_write(c->page, CLEAR, strlen(CLEAR));
        iso_page_write(c->page, text, strlen(text));
    }
}

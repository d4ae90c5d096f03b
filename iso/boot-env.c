#include "iso/boot-env.h"

#include "lib/fd.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TITLE "# GRUB Environment Block\n"

static const char names[SLOT_COUNT] = {'A', 'B'};

void boot_env_format(const struct boot_env *e, char out[BOOT_ENV_SIZE])
{
    STRBUF(text, BOOT_ENV_SIZE);
    strbuf_addf(&text, TITLE "ORDER=%c %c\n", names[e->first], names[1 - e->first]);
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        const struct boot_slot *s = &e->slots[i];
        strbuf_addf(&text, "%c_OK=%s\n%c_TRY=%u\n", names[i],
                    !s->filled ? ""
                    : s->good  ? "1"
                               : "0",
                    names[i], s->tries);
    }
    memset(out, '#', BOOT_ENV_SIZE);
    memcpy(out, text.data, text.len);
}

static bool take_ok(const char *value, struct boot_slot *s)
{
    s->filled = *value != '\0';
    s->good = strcmp(value, "1") == 0;
    return !s->filled || s->good || strcmp(value, "0") == 0;
}

static bool take_try(const char *value, struct boot_slot *s)
{
    s->tries = (unsigned) (value[0] - '0');
    return value[0] >= '0' && value[0] <= '0' + BOOT_TRIES && value[1] == '\0';
}

/* One line; what it is about is counted, so that none is missing. */
static bool take(const char *line, struct boot_env *e, unsigned *seen)
{
    if (strcmp(line, "ORDER=A B") == 0 || strcmp(line, "ORDER=B A") == 0) {
        e->first = line[6] == 'A' ? SLOT_A : SLOT_B;
        (*seen)++;
        return true;
    }
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        if (line[0] != names[i])
            continue;
        (*seen)++;
        return strncmp(line + 1, "_OK=", 4) == 0    ? take_ok(line + 5, &e->slots[i])
               : strncmp(line + 1, "_TRY=", 5) == 0 ? take_try(line + 6, &e->slots[i])
                                                    : false;
    }
    return false;
}

int boot_env_parse(const char text[BOOT_ENV_SIZE], struct boot_env *out, struct error *err)
{
    STRV(lines);
    struct boot_env e = {0};
    unsigned seen = 0;
    AUTO_FREE char *copy = xstrndup(text, BOOT_ENV_SIZE);
    strv_split(&lines, copy, '\n');
    if (strncmp(text, TITLE, strlen(TITLE)) != 0 || strlen(copy) != BOOT_ENV_SIZE)
        return error_set(err, -EBADMSG, "is no environment block of GRUB");
    for (size_t i = 0; i < lines.count; i++)
        if (lines.items[i][0] != '#' && !take(lines.items[i], &e, &seen))
            return error_set(err, -EBADMSG, "has a line that is not ours: %s", lines.items[i]);
    if (seen != 1 + 2 * SLOT_COUNT)
        return error_set(err, -EBADMSG, "does not say all of both slots");
    *out = e;
    return 0;
}

void boot_env_begin(struct boot_env *e, unsigned slot)
{
    e->slots[slot] = (struct boot_slot){.tries = BOOT_TRIES};
    e->first = 1 - slot;
}

void boot_env_filled(struct boot_env *e, unsigned slot)
{
    e->slots[slot] = (struct boot_slot){.filled = true};
    e->first = slot;
}

void boot_env_good(struct boot_env *e, unsigned slot)
{
    e->slots[slot] = (struct boot_slot){.filled = true, .good = true};
}

int boot_env_read(const char *path, struct boot_env *out, struct error *err)
{
    STRBUF(text, BOOT_ENV_SIZE);
    int r = file_read(path, &text, err);
    if (r < 0)
        return r;
    if (text.len != BOOT_ENV_SIZE)
        return error_set(err, -EBADMSG, "%s: not %d bytes", path, BOOT_ENV_SIZE);
    r = boot_env_parse(text.data, out, err);
    return r < 0 ? error_prefix(err, "%s", path) : 0;
}

int boot_env_write(const char *path, const struct boot_env *e, struct error *err)
{
    char text[BOOT_ENV_SIZE];
    boot_env_format(e, text);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    int r = fd_write_all(fd, text, sizeof(text));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(err, r, "write %s", path) : 0;
}

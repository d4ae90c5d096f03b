#include "agent/ledger-file.h"

#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRC_HEX 8

/* CRC-32 as in IEEE 802.3: reflected, polynomial 0xEDB88320. */
static uint32_t crc32_of(const char *data, size_t len)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char) data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

char *ledger_format_line(const json_t *record)
{
    AUTO_FREE char *text = json_canonical(record);
    return xasprintf("%08x %s\n", crc32_of(text, strlen(text)), text);
}

json_t *ledger_parse_line(const char *line, size_t len)
{
    if (len <= CRC_HEX + 1 || line[CRC_HEX] != ' ')
        return NULL;
    char expected[CRC_HEX + 1];
    snprintf(expected, sizeof expected, "%08x", crc32_of(line + CRC_HEX + 1, len - CRC_HEX - 1));
    if (memcmp(line, expected, CRC_HEX) != 0)
        return NULL;
    return json_parse(line + CRC_HEX + 1, len - CRC_HEX - 1, "ledger", NULL);
}

/* The same thing has the same key, whatever else its record says. NULL: may come again. */
static char *index_key(const json_t *record)
{
    const char *kind = json_get_string(record, "kind", "");
    const char *name = json_get_string(record, "name", NULL);
    if (!name || strcmp(kind, "step") == 0 || strcmp(kind, "set") == 0)
        return NULL;
    return xasprintf("%s %s", kind, name);
}

void ledger_index_add(struct ledger *l, const json_t *record)
{
    AUTO_FREE char *key = index_key(record);
    if (key)
        json_object_set_new(l->index, key, json_true());
}

void ledger_forget_pending(struct ledger *l)
{
    size_t i;
    json_t *record;
    json_array_foreach(l->pending, i, record) {
        AUTO_FREE char *key = index_key(record);
        if (key)
            json_object_del(l->index, key);
    }
    json_array_clear(l->pending);
}

static void take_record(struct ledger *l, json_t *record)
{
    json_array_append_new(l->records, record);
    ledger_index_add(l, record);
}

static int cut_tail(struct ledger *l, off_t good, size_t line_number, bool more_follow,
                    struct error *err)
{
    if (more_follow) {
        error_set(err, -EBADMSG, "%s:%zu: corrupt record with good ones after it", l->path,
                  line_number);
        return error_remedy(err,
                            "the disk has lost data: restore %s from a backup, or clean the "
                            "host by hand and remove the file",
                            l->path);
    }
    if (ftruncate(l->fd, good) < 0 || fdatasync(l->fd) < 0)
        return error_errno(err, -errno, "cut the torn tail off %s", l->path);
    return 0;
}

/* A power cut tears only what was written last: bad lines are the tail when no good one follows. */
static int load_lines(struct ledger *l, const struct strbuf *text, struct error *err)
{
    size_t good = 0;
    size_t line_number = 0;
    size_t bad_line = 0;
    for (size_t at = 0; at < text->len;) {
        const char *line = text->data + at;
        const char *newline = memchr(line, '\n', text->len - at);
        size_t len = newline ? (size_t) (newline - line) : text->len - at;
        json_t *record = newline ? ledger_parse_line(line, len) : NULL;
        line_number++;
        at += len + 1;
        if (record && bad_line) {
            json_decref(record);
            return cut_tail(l, 0, bad_line, true, err);
        }
        if (record) {
            take_record(l, record);
            good = at;
        } else if (!bad_line) {
            bad_line = line_number;
        }
    }
    l->size = (off_t) good;
    return bad_line ? cut_tail(l, l->size, bad_line, false, err) : 0;
}

int ledger_file_load(struct ledger *l, struct error *err)
{
    STRBUF(text, LEDGER_FILE_MAX);
    int r = fd_read_to_end(l->fd, &text);
    if (r < 0)
        return error_errno(err, r, "read %s", l->path);
    return load_lines(l, &text, err);
}

static int write_at_end(struct ledger *l, const char *data, size_t len)
{
    int r = fd_pwrite_all(l->fd, data, len, (uint64_t) l->size);
    return r == 0 && fdatasync(l->fd) < 0 ? -errno : r;
}

static int no_record(struct ledger *l, int code, struct error *err)
{
    /* What was half written must not stay as a corrupt record in front of the next one. */
    if (ftruncate(l->fd, l->size) < 0)
        return error_errno(err, -errno, "take back a half-written record of %s", l->path);
    error_errno(err, code, "write %s", l->path);
    if (code == -ENOSPC)
        error_remedy(err, "make room on the file system of %s and run again", l->path);
    return code;
}

static int append_lines(struct ledger *l, const struct strbuf *text, struct error *err)
{
    if (strbuf_full(text) || l->size + (off_t) text->len > (off_t) LEDGER_FILE_MAX)
        return error_set(err, -E2BIG, "%s would be larger than %u bytes", l->path, LEDGER_FILE_MAX);
    int r = write_at_end(l, text->data, text->len);
    return r < 0 ? no_record(l, r, err) : 0;
}

int ledger_file_commit(struct ledger *l, struct error *err)
{
    STRBUF(text, LEDGER_FILE_MAX);
    size_t i;
    json_t *record;
    json_array_foreach(l->pending, i, record) {
        AUTO_FREE char *line = ledger_format_line(record);
        strbuf_adds(&text, line);
    }
    if (text.len == 0)
        return 0;
    int r = append_lines(l, &text, err);
    if (r < 0) {
        ledger_forget_pending(l);
        return r;
    }
    l->size += (off_t) text.len;
    json_array_extend(l->records, l->pending);
    json_array_clear(l->pending);
    return 0;
}

int ledger_file_empty(struct ledger *l, struct error *err)
{
    if (ftruncate(l->fd, 0) < 0 || fdatasync(l->fd) < 0)
        return error_errno(err, -errno, "empty %s", l->path);
    l->size = 0;
    json_array_extend(l->undone, l->records); /* somebody may just be reading one of them */
    json_array_clear(l->records);
    json_object_clear(l->index);
    struct stat st;
    if (lstat(l->former_dir, &st) < 0)
        return 0;
    return path_remove_tree(l->former_dir, err);
}

#include "iso/update.h"

#include "iso/disk-layout.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MOUNT_TIMEOUT_MS 60000

static const char *const needed[] = {"boot/vmlinuz", "boot/initrd.img", "bigtop/root.squashfs",
                                     "bigtop/site.squashfs", "bigtop/bundle"};

/* "HASH  NAME": the name, or NULL. */
static const char *listed_name(const char *line)
{
    if (strlen(line) <= SHA256_HEX_LEN + 2 || strncmp(line + SHA256_HEX_LEN, "  ", 2) != 0)
        return NULL;
    return line + SHA256_HEX_LEN + 2;
}

static bool lists(const struct strv *lines, const char *name)
{
    for (size_t i = 0; i < lines->count; i++) {
        const char *listed = listed_name(lines->items[i]);
        if (listed && strcmp(listed, name) == 0)
            return true;
    }
    return false;
}

bool update_sums_complete(const char *sums)
{
    STRV(lines);
    strv_split(&lines, sums, '\n');
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (!lists(&lines, needed[i]))
            return false;
    return true;
}

static int check_line(const char *line, struct error *err)
{
    char digest[DIGEST_SIZE];
    const char *name = listed_name(line);
    if (!name || !path_is_safe_relative(name))
        return error_set(err, -EBADMSG, "its list of files has a line that is none: %s", line);
    AUTO_FREE char *path = path_join(UPDATE_MOUNTED, name);
    int r = digest_file(path, digest, NULL, err);
    if (r < 0)
        return r;
    if (strncmp(line, digest + strlen("sha256:"), SHA256_HEX_LEN) != 0)
        return error_set(err, -EBADMSG, "%s is damaged", name);
    return 0;
}

static int check_files(struct error *err)
{
    STRBUF(text, UPDATE_SUMS_MAX);
    STRV(lines);
    int r = file_read(UPDATE_MOUNTED "/" ISO_SUMS, &text, NULL);
    if (r < 0 || !update_sums_complete(text.data))
        return error_set(err, -EBADMSG, "is no image that a machine starts from");
    strv_split(&lines, text.data, '\n');
    for (size_t i = 0; r == 0 && i < lines.count; i++)
        if (lines.items[i][0])
            r = check_line(lines.items[i], err);
    return r;
}

int update_open(const char *image, struct error *err)
{
    const char *const argv[] = {"mount", "-o",           "loop,ro,nosuid,nodev,noexec",
                                "-t",    "iso9660",      "--",
                                image,   UPDATE_MOUNTED, NULL};
    const struct process_options opts = {.timeout_ms = MOUNT_TIMEOUT_MS, .die_with_parent = true};
    int r = path_mkdir_p(UPDATE_MOUNTED, 0700, err);
    if (r < 0 || (r = process_run(argv, &opts, NULL, err)) < 0)
        return r;
    r = check_files(err);
    return r < 0 ? error_prefix(err, "%s", image) : 0;
}

void update_close(void)
{
    (void) umount(UPDATE_MOUNTED);
}

static int check_room(int slot, uint64_t size, struct error *err)
{
    off_t room = lseek(slot, 0, SEEK_END);
    if (room < 0)
        return error_errno(err, -errno, "ask for the size of the slot");
    if ((uint64_t) room >= size)
        return 0;
    error_set(err, -EFBIG, "the image has %llu MB, a slot of this machine %llu MB",
              (unsigned long long) size / 1000000, (unsigned long long) room / 1000000);
    return error_remedy(err, "install the machine anew, to a disk that is empty");
}

int update_write(const struct installed *m, int image, const struct image_copy *how, unsigned *slot,
                 struct error *err)
{
    unsigned other = 1 - m->slot;
    AUTO_FREE char *path = installed_partition(m, other == SLOT_A ? PART_A : PART_B);
    AUTO_FD fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open slot %c, %s", installed_slot_name(other), path);
    struct image_copy copy = *how;
    copy.from = image;
    copy.to = fd;
    int r;
    if ((r = image_file_size(image, &copy.size, err)) < 0 ||
        (r = check_room(fd, copy.size, err)) < 0 ||
        (r = installed_change(m, boot_env_begin, other, err)) < 0 ||
        (r = image_file_copy(&copy, err)) < 0 ||
        (r = installed_change(m, boot_env_filled, other, err)) < 0)
        return r;
    *slot = other;
    return 0;
}

#include "iso/install.h"

#include "iso/cmdline.h"
#include "iso/disk-layout.h"
#include "iso/image-file.h"
#include "iso/install-disk.h"
#include "iso/install-mark.h"
#include "iso/install-starts.h"
#include "iso/installed.h"
#include "lib/digest.h"
#include "lib/disk-claim.h"
#include "lib/disk-probe.h"
#include "lib/disks-sysfs.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MEDIUM "/run/bigtop/medium"

struct work {
    const struct install *how;
    struct strbuf *disk;
    json_t *wishes, *disks;
    struct disks_context look; /* what the disks are looked at with */
    char *begun;               /* look.begun; NULL: no installation was begun */
    int medium, claimed;
    uint64_t size; /* of the image */
    struct install_mark mark;
};

static void work_release(struct work *w)
{
    json_decref(w->wishes);
    json_decref(w->disks);
    free(w->begun);
    fd_close(&w->medium);
    fd_close(&w->claimed);
}

static void tell(const struct work *w, const char *what)
{
    AUTO_FREE char *text = xasprintf("Installing to %s: %s", w->disk->data, what);
    w->how->progress(w->how->userdata, text);
}

/* By the number of the device that is mounted: no name is looked up. */
static int open_medium(struct work *w, struct error *err)
{
    struct stat st;
    if (stat(MEDIUM, &st) < 0)
        return error_errno(err, -errno, "look at the medium");
    AUTO_FREE char *path = xasprintf("/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
    w->medium = open(path, O_RDONLY | O_CLOEXEC);
    if (w->medium < 0)
        return error_errno(err, -errno, "open the medium %s", path);
    return image_file_size(w->medium, &w->size, err);
}

static void make_wish(struct work *w)
{
    json_t *wish = json_pack("{s:s, s:I}", "id", w->how->disk, "size",
                             (json_int_t) layout_disk_size(w->size));
    if (w->how->wipe)
        json_object_set_new(wish, "wipe", json_string(w->how->wipe));
    w->wishes = json_pack("[o]", wish);
}

static int list_disks(struct work *w, struct error *err)
{
    json_decref(w->disks);
    w->disks = NULL;
    return disks_list(&w->look, w->wishes, &w->disks, err);
}

/* The only disk that is meant; NULL when there is none, or several. */
static const json_t *only_disk(const struct work *w)
{
    const json_t *wish = json_array_get(w->wishes, 0), *found = NULL;
    size_t i;
    json_t *disk;
    json_array_foreach(w->disks, i, disk) {
        if (!disk_matches(disk, wish))
            continue;
        if (found)
            return NULL;
        found = disk;
    }
    return found;
}

/* 1: it has the mark of an installation that is its own, and nothing else is on it. */
static int read_mark(const struct work *w, const json_t *disk, struct install_mark *out,
                     struct error *err)
{
    const char *node = json_get_string(disk, "node", "");
    const char *identity = disk_identity(disk, json_array_get(w->wishes, 0));
    AUTO_FD fd = open(node, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", node);
    int r = install_mark_read(fd, out, err);
    if (r < 0)
        return r;
    return r == 1 && identity && strcmp(identity, out->identity) == 0 &&
           disk_has_installation(disk, out->disk);
}

static void on_copy(void *userdata, const char *what, int percent)
{
    AUTO_FREE char *text = xasprintf("%s the image, %d %%", what, percent);
    tell(userdata, text);
}

static int copy_image(struct work *w, const struct install_disk *d, struct error *err)
{
    AUTO_FD slot = open(d->parts[PART_A], O_RDWR | O_EXCL | O_CLOEXEC);
    if (slot < 0)
        return error_errno(err, -errno, "open %s", d->parts[PART_A]);
    const struct image_copy copy = {.from = w->medium,
                                    .to = slot,
                                    .size = w->size,
                                    .cancel = w->how->cancel,
                                    .progress = on_copy,
                                    .userdata = w};
    return image_file_copy(&copy, err);
}

static int say(struct work *w, enum install_phase phase, int fd, struct error *err)
{
    w->mark.phase = phase;
    return install_mark_write(fd, &w->mark, err);
}

/* Everything that starts it comes now: until here nobody could have. */
static int make_startable(struct work *w, const struct install_disk *d, struct error *err)
{
    tell(w, "making it start");
    int r = install_starts(d, &w->mark, err);
    if (r < 0 || (r = say(w, INSTALL_DONE, d->fd, err)) < 0)
        return r;
    install_firmware_entry(d, w->mark.identity);
    return INSTALL_NOW;
}

static int fill(struct work *w, struct install_disk *d, struct error *err)
{
    int r;
    tell(w, "making partitions and file systems");
    if ((r = install_disk_divide(d, w->size, w->mark.disk, err)) < 0 ||
        (r = install_disk_format(d, err)) < 0 || (r = install_menu(d, w->mark.disk, err)) < 0 ||
        (r = copy_image(w, d, err)) < 0)
        return r;
    return say(w, INSTALL_COPIED, d->fd, err);
}

/* The mark is on the disk before anything else of it changes. */
static int begin(struct work *w, const struct disk_choice *choice, struct error *err)
{
    AUTO_INSTALL_DISK d = INSTALL_DISK_INIT;
    const char *identity = disk_identity(choice->disk, json_array_get(w->wishes, 0));
    char uuid[UUID_SIZE];
    int r = disk_claim(&w->look, w->wishes, 0, choice, &w->claimed, err);
    if (r < 0)
        return r;
    random_uuid(uuid);
    (void) snprintf(w->mark.disk, sizeof(w->mark.disk), "%.*s", INSTALL_DISK_LEN, uuid);
    (void) snprintf(w->mark.identity, sizeof(w->mark.identity), "%s", identity);
    if ((r = cmdline_image(ISO_CMDLINE, w->mark.image, err)) < 0 ||
        (r = say(w, INSTALL_BEGUN, w->claimed, err)) < 0 || (r = disk_wipe(w->claimed, err)) < 0 ||
        (r = install_disk_open(choice->disk, w->claimed, &d, err)) < 0)
        return r;
    fd_close(&w->claimed);
    r = fill(w, &d, err);
    return r < 0 ? r : make_startable(w, &d, err);
}

static int finish(struct work *w, const json_t *disk, struct error *err)
{
    AUTO_INSTALL_DISK d = INSTALL_DISK_INIT;
    const char *node = json_get_string(disk, "node", "");
    w->claimed = open(node, O_RDWR | O_EXCL | O_CLOEXEC);
    if (w->claimed < 0)
        return error_errno(err, -errno, "claim %s", node);
    int r = install_disk_open(disk, w->claimed, &d, err);
    fd_close(&w->claimed);
    if (r < 0 || (r = install_disk_find_parts(&d, err)) < 0)
        return r;
    return make_startable(w, &d, err);
}

static int choose(struct work *w, struct error *err)
{
    struct disk_choice choice;
    int r;
    if ((r = list_disks(w, err)) < 0 || (r = disk_choose(w->disks, w->wishes, 0, &choice, err)) < 0)
        return r;
    strbuf_reset(w->disk);
    disk_describe(choice.disk, w->disk);
    return begin(w, &choice, err);
}

int install_run(const struct install *how, struct strbuf *disk, struct error *err)
{
    CLEANUP(work_release)
    struct work w = {.how = how, .disk = disk, .medium = -1, .claimed = -1, .look.root = ""};
    int r = open_medium(&w, err);
    if (r < 0)
        return r;
    make_wish(&w);
    if ((r = list_disks(&w, err)) < 0)
        return r;
    const json_t *meant = only_disk(&w);
    int marked = meant ? read_mark(&w, meant, &w.mark, err) : 0;
    if (marked < 0)
        return marked;
    if (marked == 0)
        return choose(&w, err);
    strbuf_reset(disk);
    disk_describe(meant, disk);
    if (w.mark.phase == INSTALL_DONE)
        return INSTALL_WAS_THERE;
    if (w.mark.phase == INSTALL_COPIED)
        return finish(&w, meant, err);
    w.look.begun = w.begun = xasprintf("%s %s", w.mark.disk, w.mark.identity);
    return choose(&w, err);
}

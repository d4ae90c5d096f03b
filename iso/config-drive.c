#include "iso/config-drive.h"

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTED "/run/bigtop/config-drive"
#define LSBLK_MAX (1024 * 1024)
#define LSBLK_TIMEOUT_MS 30000

/* What can be mounted without a byte being written, and what has to be said for that. */
static const struct {
    const char *type, *data;
} kinds[] = {{"vfat", ""}, {"iso9660", ""}, {"exfat", ""}, {"ext4", "noload"}};

static bool is_parent_of_one(const json_t *list, const char *name)
{
    size_t i;
    json_t *device;
    json_array_foreach((json_t *) list, i, device)
        if (strcmp(json_get_string(device, "pkname", ""), name) == 0 &&
            strcmp(json_get_string(device, "label", ""), ISO_CONFIG_LABEL) == 0)
            return true;
    return false;
}

int iso_config_parse(const char *text, size_t len, struct strv *devices, struct error *err)
{
    AUTO_JSON *json = json_parse(text, len, "lsblk", err);
    const json_t *list = json_object_get(json, "blockdevices");
    size_t i;
    json_t *device;
    if (!json_is_array(list))
        return error_set(err, -EBADMSG, "lsblk said something unexpected");
    json_array_foreach((json_t *) list, i, device) {
        const char *name = json_get_string(device, "name", "");
        if (name[0] == '/' && strcmp(json_get_string(device, "label", ""), ISO_CONFIG_LABEL) == 0 &&
            !is_parent_of_one(list, name) && !strv_contains(devices, name))
            strv_add(devices, name);
    }
    strv_sort(devices);
    return 0;
}

int iso_config_find(struct strv *devices, struct error *err)
{
    STRBUF(out, LSBLK_MAX);
    const char *const argv[] = {
        "lsblk", "--json", "--list", "--paths", "--output", "NAME,PKNAME,LABEL,FSTYPE", NULL};
    const struct process_options opts = {.out = &out, .timeout_ms = LSBLK_TIMEOUT_MS};
    int r = process_run(argv, &opts, NULL, err);
    return r < 0 ? r : iso_config_parse(out.data, out.len, devices, err);
}

static int copy_one(int dir, const char *name, const char *to, struct error *err)
{
    STRBUF(text, ISO_CONFIG_FILE_MAX);
    AUTO_FREE char *path = path_join(to, name);
    AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, -errno, "read %s", name);
    if (!S_ISREG(st.st_mode))
        return 0;
    int r = fd_read_to_end(fd, &text);
    if (r == -E2BIG)
        return error_set(err, -EINVAL, "%s has more than %d bytes", name, ISO_CONFIG_FILE_MAX);
    if (r < 0)
        return error_errno(err, r, "read %s", name);
    return file_write_new(path, text.data, text.len, 0600, err);
}

static int copy_files(const char *from, const char *to, struct error *err)
{
    AUTO_DIR *folder = opendir(from);
    size_t count = 0;
    int r = 0;
    if (!folder)
        return error_errno(err, -errno, "%s", from);
    for (const struct dirent *e; r == 0 && (e = readdir(folder));) {
        if (e->d_type == DT_DIR || !path_is_safe_relative(e->d_name))
            continue;
        if (++count > ISO_CONFIG_FILES_MAX)
            return error_set(err, -EINVAL, "more than %d files are on it", ISO_CONFIG_FILES_MAX);
        r = copy_one(dirfd(folder), e->d_name, to, err);
    }
    return r;
}

static int mount_drive(const char *device, struct error *err)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int r = path_mkdir_p(MOUNTED, 0700, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (mount(device, MOUNTED, kinds[i].type, flags, kinds[i].data) == 0)
            return 0;
    return error_set(err, -EINVAL, "%s is neither vfat, exfat, ext4 nor iso9660", device);
}

int iso_config_read(const char *device, const char *to, struct error *err)
{
    int r = path_make_empty(to, 0700, err);
    if (r < 0 || (r = mount_drive(device, err)) < 0)
        return r;
    r = copy_files(MOUNTED, to, err);
    if (umount(MOUNTED) < 0 && r == 0)
        r = error_errno(err, -errno, "let go of %s", device);
    return r;
}

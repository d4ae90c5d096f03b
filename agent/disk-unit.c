#include "agent/disk-unit.h"

#include <string.h>

#define UNIT_NAME_MAX 4096

static void add_escaped(struct strbuf *out, char c, bool first)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
    if (c == '/')
        strbuf_addc(out, '-');
    else if (strchr(plain, c) && !(first && c == '.'))
        strbuf_addc(out, c);
    else
        strbuf_addf(out, "\\x%02x", (unsigned) (unsigned char) c);
}

char *unit_name_from_path(const char *path, const char *suffix)
{
    STRBUF(name, UNIT_NAME_MAX);
    const char *p = path + strspn(path, "/");
    for (bool first = true; *p; first = false) {
        size_t slashes = strspn(p, "/");
        if (slashes && !p[slashes])
            break;
        add_escaped(&name, *p, first);
        p += slashes ? slashes : 1;
    }
    if (name.len == 0)
        strbuf_addc(&name, '-');
    strbuf_adds(&name, suffix);
    return strbuf_steal(&name);
}

char *disk_unit_source(const struct disk_mount *m)
{
    return m->path ? xstrdup(m->path) : xasprintf("/dev/disk/by-uuid/%s", m->uuid);
}

void disk_unit_render(const struct disk_mount *m, struct strbuf *out)
{
    AUTO_FREE char *source = disk_unit_source(m);
    strbuf_addf(out,
                "# Made by bigtop-bootstrap.\n"
                "[Unit]\n"
                "Description=Data disk %s\n"
                "Before=containerd.service kubelet.service\n",
                m->label);
    if (!m->path) { /* as systemd-fstab-generator does it: with a check, never a forced repair */
        AUTO_FREE char *check = unit_name_from_path(source, ".service");
        strbuf_addf(out, "Requires=systemd-fsck@%s\nAfter=systemd-fsck@%s\n", check, check);
    }
    strbuf_addf(out,
                "\n[Mount]\n"
                "What=%s\n"
                "Where=%s\n"
                "Type=%s\n"
                "Options=noatime,nofail\n"
                "\n[Install]\n"
                "WantedBy=multi-user.target\n",
                source, m->mount, m->fs);
}

void disk_unit_render_timeout(struct strbuf *out)
{
    strbuf_addf(out, "# Made by bigtop-bootstrap.\n[Unit]\nJobRunningTimeoutSec=%d\n",
                DISK_DEVICE_TIMEOUT_S);
}

/* Records of what programs of ours will make or set, and of sysctls. */
#include "agent/ledger-file.h"
#include "agent/ledger-kinds.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#define SYSCTL_VALUE_MAX 4096

char *sysctl_path(const char *key)
{
    char *path = xasprintf("/proc/sys/%s", key);
    if (!strchr(key, '/'))
        for (char *c = path; (c = strchr(c, '.')); c++)
            *c = '/';
    if (path_is_safe_relative(path + strlen("/proc/sys/")))
        return path;
    free(path);
    return NULL;
}

/* Trailing white space dropped, tabs made spaces: how a value is written does not matter. */
static char *normal_value(const char *text)
{
    char *value = xstrdup(text);
    size_t len = strlen(value);
    while (len > 0 && isspace((unsigned char) value[len - 1]))
        value[--len] = '\0';
    for (char *c = value; (c = strchr(c, '\t')); c++)
        *c = ' ';
    return value;
}

int sysctl_read(const char *key, char **out, struct error *err)
{
    AUTO_FREE char *path = sysctl_path(key);
    if (!path) {
        error_set(err, -EINVAL, "\"%s\" is not the name of a sysctl", key);
        return -EINVAL; /* said once more, as the analyzer does not see into error_set */
    }
    STRBUF(text, SYSCTL_VALUE_MAX);
    int r = file_read(path, &text, err);
    if (r < 0)
        return r;
    *out = normal_value(text.data);
    return 0;
}

int sysctl_write(const char *key, const char *value, struct error *err)
{
    AUTO_FREE char *path = sysctl_path(key);
    if (!path)
        return error_set(err, -EINVAL, "\"%s\" is not the name of a sysctl", key);
    /* A container may have a plain file there. */
    AUTO_FD fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    int r = fd_write_all(fd, value, strlen(value));
    return r < 0 ? error_errno(err, r, "set %s to %s", key, value) : 0;
}

static int record_sysctl(struct ledger *l, const char *key, const char *former, struct error *err)
{
    return ledger_record_once(l, "sysctl", key, json_pack("{s:s}", "former", former), err);
}

int ledger_sysctl(struct ledger *l, const char *key, const char *value, struct error *err)
{
    AUTO_FREE char *former = NULL;
    AUTO_FREE char *wanted = normal_value(value);
    int r = sysctl_read(key, &former, err);
    if (r < 0)
        return r;
    if (strcmp(former, wanted) == 0)
        return 0;
    r = record_sysctl(l, key, former, err);
    if (r >= 0)
        r = sysctl_write(key, wanted, err);
    return r < 0 ? r : 1;
}

/* The key may not be there yet: what a program of ours makes appear goes with it. */
static int sysctl_will_change(struct ledger *l, const char *key, struct error *err)
{
    AUTO_FREE char *former = NULL;
    int r = sysctl_read(key, &former, err);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : record_sysctl(l, key, former, err);
}

bool name_matches(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, name, len - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static int link_will_appear(struct ledger *l, const char *pattern, struct error *err)
{
    json_t *kept = json_array();
    struct if_nameindex *links = if_nameindex();
    if (!links) {
        json_decref(kept);
        return error_errno(err, -errno, "list the network links");
    }
    for (const struct if_nameindex *i = links; i->if_index != 0; i++)
        if (name_matches(pattern, i->if_name))
            json_array_append_new(kept, json_string(i->if_name));
    if_freenameindex(links);
    return ledger_record_once(l, "link", pattern, json_pack("{s:o}", "kept", kept), err);
}

int ledger_will_appear(struct ledger *l, const char *kind, const char *name, struct error *err)
{
    static const char *const plain[] = {
        "ipset",   "iptables-chain-prefix", "iptables-comment-prefix",
        "cgroup",  "mount-below",           "program",
        "data",    "shared-mount",          "data-disk",
        "firewall"};
    if (ledger_has_record(l, kind, name))
        return 0;
    if (strcmp(kind, "link") == 0)
        return link_will_appear(l, name, err);
    if (strcmp(kind, "sysctl") == 0)
        return sysctl_will_change(l, name, err);
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        if (strcmp(kind, plain[i]) == 0)
            return ledger_record_once(l, kind, name, json_object(), err);
    return error_set(err, -EINVAL, "the ledger has no kind \"%s\"", kind);
}

#include "agent/pod-network.h"

#include "lib/cleanup.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <dirent.h>
#include <string.h>

#define SUFFIX ".conflist"
#define OPTION "--cluster-cidr="
#define MANIFEST_MAX (64 * 1024)

static bool has_suffix(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > strlen(SUFFIX) &&
           strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

json_t *pod_network_name(const char *dir)
{
    STRV(names);
    AUTO_DIR *folder = opendir(dir);
    for (const struct dirent *e; folder && (e = readdir(folder));)
        if (has_suffix(e->d_name))
            strv_add(&names, e->d_name);
    if (names.count == 0)
        return json_null();
    strv_sort(&names);
    const char *name = names.items[0];
    size_t order = strspn(name, "0123456789");
    if (order > 0 && name[order] == '-')
        name += order + 1;
    return json_stringn(name, strlen(name) - strlen(SUFFIX));
}

json_t *pod_network_cidr(const char *manifest)
{
    STRBUF(text, MANIFEST_MAX);
    file_read(manifest, &text, NULL);
    const char *option = strstr(text.data, OPTION);
    if (!option)
        return json_null();
    option += strlen(OPTION);
    return json_stringn(option, strcspn(option, " \t\r\n\"'"));
}

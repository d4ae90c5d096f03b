#include "agent/addon.h"

#include "agent/blobs.h"
#include "agent/host-bundle.h"
#include "agent/paths.h"
#include "agent/program.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DIFF_TIMEOUT_MS 60000
#define APPLY_TIMEOUT_MS 180000
/* Plain manifests: far below. */
#define ADDON_LIMITS \
    ((struct archive_limits){.max_total = 64 << 20, .max_file = 16 << 20, .max_entries = 4096})

char *addon_values_manifest(const json_t *values)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) values, key, value) {
        if (!json_is_string(value)) {
            return NULL;
        }
    }
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind",
                               "ConfigMap", "metadata", "name", "bigtop-cluster", "annotations",
                               "config.kubernetes.io/local-config", "true");
    if (values) {
        json_object_set(map, "data", (json_t *) (uintptr_t) values);
    }
    return json_pretty(map); /* JSON is YAML */
}

static int parse(const json_t *params, struct addon *a, struct error *err)
{
    int r = json_need_string(params, "name", &a->name, err);
    r = r < 0 ? r : json_need_string(params, "archive", &a->archive, err);
    if (r < 0) {
        return r;
    }
    if (!grammar_node_name(a->name) || !digest_is_valid(a->archive)) {
        return error_set(err, -EINVAL, "addon: its name or digest is malformed");
    }
    a->values = json_object_get(params, "values");
    return 0;
}

static int unpack(const struct addon *a, struct error *err)
{
    STRV(digests);
    strv_add(&digests, a->archive);
    int r = host_bundle_need(&digests, err);
    if (r < 0) {
        return r;
    }
    AUTO_FD fd = blob_open(a->archive, err);
    if (fd < 0) {
        return fd;
    }
    r = path_mkdir_p(a->dir, 0700, err);
    if (r < 0) {
        return r;
    }
    AUTO_FD dir = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct archive_limits limits = ADDON_LIMITS;
    return dir < 0 ? error_errno(err, -errno, "open %s", a->dir)
                   : archive_unpack(fd, dir, &limits, NULL, NULL, err);
}

static int write_values(const struct addon *a, struct error *err)
{
    AUTO_FREE char *path = path_join(a->dir, ADDON_VALUES_FILE);
    AUTO_FREE char *text = addon_values_manifest(a->values);
    if (!text) {
        return error_set(err, -EINVAL, "addon %s: a value is not a string", a->name);
    }
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

int addon_open(const json_t *params, struct addon *out, struct error *err)
{
    AUTO_ADDON a = {0};
    int r = parse(params, &a, err);
    if (r < 0) {
        return r;
    }
    /* Its own: somebody's plan may look at the addon while a job applies it. */
    char suffix[17];
    random_hex(suffix, sizeof(suffix) - 1);
    AUTO_FREE char *folder = xasprintf(AGENT_RUN_DIR "/addon-%s-%s", a.name, suffix);
    a.dir = agent_path(folder);
    r = unpack(&a, err);
    r = r < 0 ? r : write_values(&a, err);
    if (r < 0) {
        return error_prefix(err, "%s", a.name);
    }
    *out = a;
    a.dir = NULL;
    return 0;
}

void addon_release(struct addon *addon)
{
    if (addon->dir) {
        path_remove_tree(addon->dir, NULL);
    }
    free(addon->dir);
    addon->dir = NULL;
}

int addon_is_applied(const struct addon *addon, const bool *cancel)
{
    const char *const args[] = {
        "diff",
        "--server-side",
        "--force-conflicts",
        "--field-manager=" ADDON_FIELD_MANAGER,
        "-k",
        addon->dir,
        NULL,
    };
    return kubectl_run(args, cancel, DIFF_TIMEOUT_MS, NULL, NULL) == 0;
}

int addon_apply(const struct addon *addon, const bool *cancel, struct error *err)
{
    const char *const args[] = {
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=" ADDON_FIELD_MANAGER,
        "-k",
        addon->dir,
        NULL,
    };
    int r = kubectl_run(args, cancel, APPLY_TIMEOUT_MS, NULL, err);
    return r < 0 ? error_prefix(err, "%s", addon->name) : 0;
}

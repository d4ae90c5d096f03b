#include "agent/addon.h"

#include "agent/blobs.h"
#include "agent/host-bundle.h"
#include "agent/paths.h"
#include "agent/program.h"
#include "agent/storage-classes.h"
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

static bool is_resource(const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    return json_get_string(object, "apiVersion", NULL) && json_get_string(object, "kind", NULL) &&
           json_get_string(metadata, "name", NULL);
}

char *addon_resources_manifest(const json_t *resources)
{
    STRBUF(text, PROTOCOL_JSON_MAX * 4);
    size_t i;
    json_t *object;
    json_array_foreach(resources, i, object) {
        if (!is_resource(object)) {
            return NULL;
        }
        AUTO_FREE char *document = json_pretty(object); /* JSON is YAML */
        strbuf_addf(&text, "---\n%s", document);
    }
    return strbuf_full(&text) ? NULL : strbuf_steal(&text);
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
    a->resources = json_object_get(params, "resources");
    a->default_class = json_get_string(params, "default_class", NULL);
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

static int write_manifest(const struct addon *a, const char *file, const char *text,
                          struct error *err)
{
    AUTO_FREE char *path = path_join(a->dir, file);
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

/* The folder's kustomization.yaml names these files. */
static int write_manifests(const struct addon *a, struct error *err)
{
    AUTO_FREE char *values = addon_values_manifest(a->values);
    AUTO_FREE char *resources = addon_resources_manifest(a->resources);
    if (!values || !resources) {
        return error_set(err, -EINVAL, "addon %s: a value or resource is malformed", a->name);
    }
    int r = write_manifest(a, ADDON_VALUES_FILE, values, err);
    return r < 0 || !a->resources ? r : write_manifest(a, ADDON_RESOURCES_FILE, resources, err);
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
    r = r < 0 ? r : write_manifests(&a, err);
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
    if (kubectl_run(args, cancel, DIFF_TIMEOUT_MS, NULL, NULL) != 0) {
        return 0;
    }
    STRV(former);
    return storage_classes_former(addon->default_class, cancel, &former, NULL) == 0 &&
           former.count == 0;
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
    r = r < 0 ? r : storage_classes_demote(addon->default_class, cancel, err);
    return r < 0 ? error_prefix(err, "%s", addon->name) : 0;
}

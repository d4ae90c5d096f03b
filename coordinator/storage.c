#include "coordinator/storage.h"

#include "lib/path.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <string.h>

#define MANAGED_BY "bigtop-bootstrap"
#define NFS_PROVISIONER "k8s-sigs.io/nfs-subdir-external-provisioner"

/* One provisioner: an addon of that name. */
struct provisioner {
    const char *addon, *root_class;
    const char *driver;
    json_t *(*annotations)(const char *folder); /* of a class; NULL: volumes are not local */
};

/* Volumes of type "local" of a disk that is gone fail; of "hostPath" they would come up empty. */
static json_t *local_path_annotations(const char *folder)
{
    (void) folder;
    return json_pack("{ss}", "defaultVolumeType", "local");
}

static json_t *openebs_annotations(const char *folder)
{
    AUTO_JSON *config = json_pack("[{ssss}{ssss}]", "name", "StorageType", "value", "hostpath",
                                  "name", "BasePath", "value", folder);
    AUTO_FREE char *text = json_canonical(config); /* JSON is YAML */
    return json_pack("{ssss}", "openebs.io/cas-type", "local", "cas.openebs.io/config", text);
}

static const struct provisioner provisioners[] = {
    {"local-path", STORAGE_CLASS_LOCAL_PATH, "rancher.io/local-path", local_path_annotations},
    {"openebs", STORAGE_CLASS_OPENEBS, "openebs.io/local", openebs_annotations},
    {"nfs", STORAGE_CLASS_NFS, NFS_PROVISIONER, NULL},
};

static char *folder_of(const char *disk_class)
{
    return disk_class ? xasprintf(AGENT_VOLUMES_DIR "/%s", disk_class) : xstrdup(AGENT_VOLUMES_DIR);
}

static const struct provisioner *find(const char *addon)
{
    for (size_t i = 0; i < ARRAY_SIZE(provisioners); i++)
        if (strcmp(provisioners[i].addon, addon) == 0)
            return &provisioners[i];
    return NULL;
}

bool storage_wants(const struct inventory *inv, const char *addon)
{
    return find(addon) && strv_contains(&inv->storage, addon);
}

/* The one that classes of disk belong to; NULL: nobody's. */
static const struct provisioner *of_disks(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->storage.count; i++) {
        const struct provisioner *p = find(inv->storage.items[i]);
        if (p && p->annotations)
            return p;
    }
    return NULL;
}

/* Classes of disk in the order of hosts.yaml, each once. */
static void disk_classes(const struct inventory *inv, struct strv *out)
{
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host *h = &inv->hosts[i];
        for (size_t d = 0; h->state == STATE_PRESENT && d < h->disk_count; d++)
            if (h->disks[d].class && !strv_contains(out, h->disks[d].class))
                strv_add(out, h->disks[d].class);
    }
}

static const char *first_disk_class(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host *h = &inv->hosts[i];
        for (size_t d = 0; h->state == STATE_PRESENT && d < h->disk_count; d++)
            if (h->disks[d].class)
                return h->disks[d].class;
    }
    return NULL;
}

const char *storage_default_class(const struct inventory *inv)
{
    const struct provisioner *first = inv->storage.count > 0 ? find(inv->storage.items[0]) : NULL;
    if (!first)
        return NULL;
    const char *disk = first->annotations ? first_disk_class(inv) : NULL;
    return disk ? disk : first->root_class;
}

ssize_t storage_nfs_server(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].nfs_export && inv->hosts[i].state == STATE_PRESENT)
            return (ssize_t) i;
    return -1;
}

/* Every class says whether it is the default, so that one that was is not any more. */
static json_t *storage_class(const struct inventory *inv, const struct provisioner *p,
                             const char *name, json_t *annotations)
{
    const char *preferred = storage_default_class(inv);
    bool is_default = preferred && strcmp(preferred, name) == 0;
    json_object_set_new(annotations, "storageclass.kubernetes.io/is-default-class",
                        json_string(is_default ? "true" : "false"));
    return json_pack("{ssss s{sss{ssss}so} ssss}", "apiVersion", "storage.k8s.io/v1", "kind",
                     "StorageClass", "metadata", "name", name, "labels",
                     "app.kubernetes.io/managed-by", MANAGED_BY, "app.kubernetes.io/name", p->addon,
                     "annotations", annotations, "provisioner", p->driver, "reclaimPolicy",
                     "Delete");
}

/* On every node, or, of a class of disk, on those with its label. */
static json_t *local_class(const struct inventory *inv, const struct provisioner *p,
                           const char *name, const char *disk)
{
    AUTO_FREE char *folder = folder_of(disk);
    json_t *class = storage_class(inv, p, name, p->annotations(folder));
    json_object_set_new(class, "volumeBindingMode", json_string("WaitForFirstConsumer"));
    if (!disk)
        return class;
    AUTO_FREE char *label = xasprintf(STORAGE_LABEL_PREFIX "/%s", disk);
    json_object_set_new(
        class, "allowedTopologies",
        json_pack("[{s[{sss[s]}]}]", "matchLabelExpressions", "key", label, "values", "true"));
    return class;
}

static json_t *nfs_class(const struct inventory *inv, const struct provisioner *p)
{
    json_t *class = storage_class(inv, p, p->root_class, json_object());
    json_object_set_new(class, "volumeBindingMode", json_string("Immediate"));
    json_object_set_new(class, "mountOptions", json_pack("[ss]", "nfsvers=4.2", "hard"));
    json_object_set_new(class, "parameters", json_pack("{ss}", "archiveOnDelete", "false"));
    return class;
}

static json_t *classes_of(const struct inventory *inv, const struct provisioner *p,
                          const struct strv *disks)
{
    if (!p->annotations)
        return json_pack("[o]", nfs_class(inv, p));
    json_t *classes = json_pack("[o]", local_class(inv, p, p->root_class, NULL));
    for (size_t i = 0; i < disks->count; i++)
        json_array_append_new(classes, local_class(inv, p, disks->items[i], disks->items[i]));
    return classes;
}

static void add_path(json_t *classes, const char *name, const char *disk)
{
    AUTO_FREE char *folder = folder_of(disk);
    json_object_set_new(classes, name,
                        json_pack("{s[{sss[s]}]}", "nodePathMap", "node",
                                  "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths", folder));
}

/* config.json: where each class's volumes are. */
static char *local_path_config(const struct provisioner *p, const struct strv *disks)
{
    json_t *classes = json_object();
    add_path(classes, p->root_class, NULL);
    for (size_t i = 0; i < disks->count; i++)
        add_path(classes, disks->items[i], disks->items[i]);
    AUTO_JSON *config = json_pack("{so}", "storageClassConfigs", classes);
    return json_canonical(config);
}

void storage_addon(const struct inventory *inv, const char *addon, const char *nfs_server,
                   json_t *params)
{
    const struct provisioner *p = find(addon);
    if (!p)
        return;
    STRV(disks);
    if (of_disks(inv) == p)
        disk_classes(inv, &disks);
    json_object_set_new(params, "resources", classes_of(inv, p, &disks));
    if (strcmp(inv->storage.items[0], addon) == 0)
        json_object_set_new(params, "default_class", json_string(storage_default_class(inv)));
    json_t *values = json_object_get(params, "values");
    ssize_t server = storage_nfs_server(inv);
    if (strcmp(addon, "local-path") == 0) {
        AUTO_FREE char *config = local_path_config(p, &disks);
        json_object_set_new(values, "local-path-config", json_string(config));
    } else if (strcmp(addon, "nfs") == 0 && server >= 0) {
        json_object_set_new(values, "nfs-server", json_string(nfs_server));
        json_object_set_new(values, "nfs-export", json_string(inv->hosts[server].nfs_export));
    }
}

/* The innermost of several. */
char *storage_nfs_mount(const struct host *h)
{
    char *best = NULL;
    for (size_t i = 0; i < h->disk_count; i++) {
        AUTO_FREE char *mount = inventory_disk_mount(&h->disks[i]);
        if (!path_is_at_or_below(h->nfs_export, mount) || (best && strlen(best) > strlen(mount)))
            continue;
        free(best);
        best = TAKE_PTR(mount);
    }
    return best;
}

void storage_labels(const struct host *h, json_t *labels)
{
    for (size_t i = 0; i < h->disk_count; i++) {
        if (!h->disks[i].class)
            continue;
        AUTO_FREE char *label = xasprintf(STORAGE_LABEL_PREFIX "/%s", h->disks[i].class);
        json_object_set_new(labels, label, json_string("true"));
    }
}

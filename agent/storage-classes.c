#include "agent/storage-classes.h"

#include "agent/addon.h"
#include "agent/program.h"

#include <string.h>

#define TIMEOUT_MS 60000
#define DEFAULT_ANNOTATION "storageclass.kubernetes.io/is-default-class"
#define MANAGED_BY "app.kubernetes.io/managed-by"

static bool is_former(const json_t *metadata, const char *preferred)
{
    const json_t *labels = json_object_get(metadata, "labels");
    const json_t *annotations = json_object_get(metadata, "annotations");
    return strcmp(json_get_string(labels, MANAGED_BY, ""), ADDON_FIELD_MANAGER) == 0 &&
           strcmp(json_get_string(annotations, DEFAULT_ANNOTATION, ""), "true") == 0 &&
           strcmp(json_get_string(metadata, "name", preferred), preferred) != 0;
}

void storage_classes_pick(const json_t *list, const char *preferred, struct strv *former)
{
    size_t i;
    json_t *class;
    json_array_foreach(json_object_get(list, "items"), i, class) {
        const json_t *metadata = json_object_get(class, "metadata");
        if (is_former(metadata, preferred)) {
            strv_add(former, json_get_string(metadata, "name", ""));
        }
    }
}

int storage_classes_former(const char *preferred, const bool *cancel, struct strv *former,
                           struct error *err)
{
    static const char *const args[] = {"get", "storageclasses", "-o", "json", NULL};
    if (!preferred) {
        return 0;
    }
    AUTO_JSON *list = NULL;
    int r = kubectl_json(args, cancel, TIMEOUT_MS, &list, err);
    if (r == 0) {
        storage_classes_pick(list, preferred, former);
    }
    return r;
}

int storage_classes_demote(const char *preferred, const bool *cancel, struct error *err)
{
    STRV(former);
    int r = storage_classes_former(preferred, cancel, &former, err);
    for (size_t i = 0; r == 0 && i < former.count; i++) {
        const char *const args[] = {
            "annotate",     "--overwrite",   "--field-manager=" ADDON_FIELD_MANAGER,
            "storageclass", former.items[i], DEFAULT_ANNOTATION "=false",
            NULL,
        };
        r = kubectl_run(args, cancel, TIMEOUT_MS, NULL, err);
    }
    return r;
}

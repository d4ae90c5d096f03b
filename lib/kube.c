#include "lib/kube.h"

#include <string.h>

bool kube_is_kind(const json_t *object, const char *kind)
{
    return strcmp(json_get_string(object, "kind", ""), kind) == 0;
}

const char *kube_name(const json_t *object)
{
    return json_get_string(json_object_get(object, "metadata"), "name", "");
}

const json_t *kube_condition(const json_t *object, const char *type, const char *status)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(json_object_get(object, "status"), "conditions"), i, c)
        if (strcmp(json_get_string(c, "type", ""), type) == 0 &&
            strcmp(json_get_string(c, "status", ""), status) == 0)
            return c;
    return NULL;
}

#include "coordinator/stack-reference.h"

#include "coordinator/stack-objects.h"
#include "coordinator/stack-ready.h"
#include "lib/kube.h"

#include <string.h>

bool stack_holds_data(const json_t *object)
{
    static const char *const kinds[] = {"PersistentVolumeClaim", "PersistentVolume", "Namespace",
                                        "CustomResourceDefinition", "Secret"};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kube_is_kind(object, kinds[i]))
            return true;
    return false;
}

json_t *stack_reference(const char *version, const char *kind, const char *name, const char *space)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s*}}", "apiVersion", version, "kind", kind, "metadata",
                     "name", name, "namespace", space);
}

json_t *stack_reference_to(const json_t *object)
{
    return stack_reference(json_get_string(object, "apiVersion", ""),
                           json_get_string(object, "kind", ""), kube_name(object),
                           stack_namespace_of(object, NULL));
}

static size_t group_length(const json_t *object)
{
    const char *version = json_get_string(object, "apiVersion", "");
    return strchr(version, '/') ? strcspn(version, "/") : 0;
}

static bool same_group(const json_t *a, const json_t *b)
{
    size_t len = group_length(a);
    return len == group_length(b) && strncmp(json_get_string(a, "apiVersion", ""),
                                             json_get_string(b, "apiVersion", ""), len) == 0;
}

bool stack_is_same(const json_t *a, const json_t *b)
{
    return kube_is_kind(a, json_get_string(b, "kind", "")) && same_group(a, b) &&
           strcmp(kube_name(a), kube_name(b)) == 0 &&
           strcmp(stack_namespace_of(a, STACK_NAMESPACE), stack_namespace_of(b, STACK_NAMESPACE)) ==
               0;
}

bool stack_references_have(const json_t *list, const json_t *object)
{
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o)
        if (stack_is_same(o, object))
            return true;
    return false;
}

void stack_add_reference(json_t *list, const json_t *object)
{
    if (!stack_references_have(list, object))
        json_array_append_new(list, stack_reference_to(object));
}

bool stack_is_at_home(const json_t *objects)
{
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o)
        if (strcmp(stack_namespace_of(o, STACK_NAMESPACE), STACK_NAMESPACE) != 0)
            return false;
    return true;
}

void stack_add_references(json_t *list, const json_t *objects)
{
    bool at_home = stack_is_at_home(objects);
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o) {
        AUTO_JSON *one = stack_reference_to(o);
        if (at_home)
            json_object_set_new(json_object_get(one, "metadata"), "namespace",
                                json_string(STACK_NAMESPACE));
        stack_add_reference(list, one);
    }
}

static bool has_controller(const json_t *metadata)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(metadata, "ownerReferences"), i, o)
        if (json_get_bool(o, "controller", false))
            return true;
    return false;
}

/* Who applied nothing but a name manages no field: nobody does, then. */
bool stack_is_ours(const json_t *live)
{
    const json_t *metadata = json_object_get(live, "metadata");
    const json_t *managed = json_object_get(metadata, "managedFields");
    size_t i;
    json_t *f;
    if (has_controller(metadata))
        return false;
    if (json_array_size(managed) == 0)
        return true;
    json_array_foreach(managed, i, f)
        if (strcmp(json_get_string(f, "manager", ""), STACK_MANAGER) == 0 &&
            strcmp(json_get_string(f, "operation", ""), "Apply") == 0)
            return true;
    return false;
}

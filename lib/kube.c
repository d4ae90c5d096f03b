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

const json_t *kube_labels(const json_t *object)
{
    return json_object_get(json_object_get(object, "metadata"), "labels");
}

const json_t *kube_spec(const json_t *object)
{
    return json_object_get(object, "spec");
}

const json_t *kube_template(const json_t *workload)
{
    return json_object_get(kube_spec(workload), "template");
}

json_t *kube_list(json_t *items)
{
    return json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind", "List", "items", items);
}

const json_t *kube_find(const json_t *list, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        if (strcmp(kube_name(o), name) == 0)
            return o;
    return NULL;
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

static const char *time_of(const json_t *event)
{
    const char *last = json_get_string(event, "lastTimestamp", "");
    return *last ? last
                 : json_get_string(json_object_get(event, "metadata"), "creationTimestamp", "");
}

const json_t *kube_newest_warning(const json_t *list, const json_t *about)
{
    const json_t *newest = NULL;
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        if (strcmp(json_get_string(o, "type", ""), "Warning") == 0 &&
            json_has_all(json_object_get(o, "involvedObject"), about) &&
            (!newest || strcmp(time_of(o), time_of(newest)) >= 0))
            newest = o;
    return newest;
}

static bool has_any(const char *text, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

bool kube_said_unreachable(const char *said)
{
    static const char *const words[] = {"Unable to connect to the server",
                                        "connection to the server",
                                        "no route to host",
                                        "i/o timeout",
                                        "connection refused",
                                        "network is unreachable"};
    return has_any(said, words, ARRAY_SIZE(words));
}

bool kube_said_busy(const char *said)
{
    static const char *const words[] = {"unable to return a response in the time allotted",
                                        "etcdserver: request timed out",
                                        "etcdserver: leader changed", "TLS handshake timeout",
                                        "Client.Timeout exceeded while awaiting headers"};
    return has_any(said, words, ARRAY_SIZE(words));
}

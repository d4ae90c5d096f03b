#include "agent/node-patch.h"

#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

/* "key=value:Effect" or "key:Effect" → {"key","value","effect"}; NULL when it is malformed. */
static json_t *parse_taint(const char *text)
{
    AUTO_FREE char *copy = xstrdup(text);
    char *effect = strrchr(copy, ':');
    if (!effect) {
        return NULL;
    }
    *effect++ = '\0';
    char *value = strchr(copy, '=');
    if (value) {
        *value++ = '\0';
    }
    bool known = strcmp(effect, "NoSchedule") == 0 || strcmp(effect, "PreferNoSchedule") == 0 ||
                 strcmp(effect, "NoExecute") == 0;
    if (!known || !grammar_label_key(copy) || (value && !grammar_label_value(value))) {
        return NULL;
    }
    json_t *taint = json_pack("{s:s, s:s}", "key", copy, "effect", effect);
    if (value && *value) {
        json_object_set_new(taint, "value", json_string(value));
    }
    return taint;
}

/* A taint is told by its key and effect. */
static bool same_taint(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "key"), json_object_get(b, "key")) &&
           json_equal(json_object_get(a, "effect"), json_object_get(b, "effect"));
}

static const json_t *find_taint(const json_t *taints, const json_t *taint)
{
    size_t i;
    json_t *item;
    json_array_foreach(taints, i, item) {
        if (same_taint(item, taint)) {
            return item;
        }
    }
    return NULL;
}

static int parse_taints(const json_t *wanted, json_t **out, struct error *err)
{
    AUTO_JSON *taints = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(wanted, "taints"), i, item) {
        json_t *taint = json_is_string(item) ? parse_taint(json_string_value(item)) : NULL;
        if (!taint) {
            return error_set(err, -EINVAL, "taints: expected \"key=value:Effect\"");
        }
        json_array_append_new(taints, taint);
    }
    *out = TAKE_PTR(taints);
    return 0;
}

static int check_labels(const json_t *labels, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) labels, key, value) {
        if (!grammar_label_key(key) || !json_is_string(value) ||
            !grammar_label_value(json_string_value(value))) {
            return error_set(err, -EINVAL, "labels: a key or value is malformed");
        }
    }
    return 0;
}

/* What we set formerly: {"labels":{…},"taints":[…]}, empty when there is no trace of us. */
static json_t *formerly_applied(const json_t *meta)
{
    const char *text = json_get_string(json_object_get(meta, "annotations"),
                                       NODE_APPLIED_ANNOTATION, NULL);
    json_t *json = text ? json_parse(text, strlen(text), NODE_APPLIED_ANNOTATION, NULL) : NULL;
    return json ? json : json_object();
}

static json_t *label_changes(const json_t *now, const json_t *wanted, const json_t *former)
{
    json_t *changes = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) former, key, value) {
        if (!json_object_get(wanted, key) && json_object_get(now, key)) {
            json_object_set_new(changes, key, json_null());
        }
    }
    json_object_foreach((json_t *) (uintptr_t) wanted, key, value) {
        if (!json_equal(json_object_get(now, key), value)) {
            json_object_set(changes, key, value);
        }
    }
    return changes;
}

static json_t *new_taints(const json_t *now, const json_t *wanted, const json_t *former)
{
    json_t *taints = json_array();
    size_t i;
    json_t *taint;
    json_array_foreach(now, i, taint) {
        if (!find_taint(wanted, taint) && !find_taint(former, taint)) {
            json_array_append(taints, taint);
        }
    }
    json_array_foreach(wanted, i, taint) {
        /* As it is where only its time would differ. */
        const json_t *old = find_taint(now, taint);
        bool same = old &&
                    json_equal(json_object_get(old, "value"), json_object_get(taint, "value"));
        json_array_append(taints, same ? (json_t *) (uintptr_t) old : taint);
    }
    return taints;
}

static bool same_taints(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b)) {
        return false;
    }
    size_t i;
    json_t *taint;
    json_array_foreach(a, i, taint) {
        const json_t *other = find_taint(b, taint);
        if (!other || !json_equal(taint, other)) {
            return false;
        }
    }
    return true;
}

int node_patch(const json_t *node, const json_t *wanted, json_t **out, struct error *err)
{
    const json_t *meta = json_object_get(node, "metadata");
    AUTO_JSON *taints = NULL;
    AUTO_JSON *labels = json_incref(json_object_get(wanted, "labels"));
    if (!labels) {
        labels = json_object();
    }
    int r = check_labels(labels, err);
    r = r < 0 ? r : parse_taints(wanted, &taints, err);
    if (r < 0) {
        return r;
    }
    AUTO_JSON *former = formerly_applied(meta);
    AUTO_JSON *applied = json_pack("{s:O, s:O}", "labels", labels, "taints", taints);
    AUTO_JSON *nothing = json_pack("{s:{}, s:[]}", "labels", "taints");
    AUTO_JSON *changes = label_changes(json_object_get(meta, "labels"), labels,
                                       json_object_get(former, "labels"));
    const json_t *taints_now = json_object_get(json_object_get(node, "spec"), "taints");
    AUTO_JSON *list = new_taints(taints_now, taints, json_object_get(former, "taints"));
    bool remember = !json_equal(former, applied) &&
                    (json_object_size(former) > 0 || !json_equal(applied, nothing));
    bool retaint = !same_taints(list, taints_now);
    *out = NULL;
    if (json_object_size(changes) == 0 && !retaint && !remember) {
        return 0;
    }
    AUTO_FREE char *text = json_canonical(applied);
    *out = json_pack("{s:{s:s, s:O, s:{s:s}}}", "metadata", "resourceVersion",
                     json_get_string(meta, "resourceVersion", ""), "labels", changes, "annotations",
                     NODE_APPLIED_ANNOTATION, text);
    if (retaint) {
        json_object_set_new(*out, "spec", json_pack("{s:O}", "taints", list));
    }
    return 0;
}

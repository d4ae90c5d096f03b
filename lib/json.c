#include "lib/json.h"

#include "lib/fd.h"

#include <errno.h>
#include <string.h>

json_t *json_parse(const char *data, size_t len, const char *what, struct error *err)
{
    json_error_t why;
    json_t *j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
    if (!j)
        error_set(err, -EINVAL, "%s:%d:%d: %s", what, why.line, why.column, why.text);
    return j;
}

json_t *json_parse_file(const char *path, size_t max, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, max);
    if (file_read(path, &text, err) < 0)
        return NULL;
    return json_parse(text.data, text.len, path, err);
}

const char *json_get_string(const json_t *obj, const char *key, const char *fallback)
{
    const json_t *j = json_object_get(obj, key);
    return json_is_string(j) ? json_string_value(j) : fallback;
}

int64_t json_get_int(const json_t *obj, const char *key, int64_t fallback)
{
    const json_t *j = json_object_get(obj, key);
    return json_is_integer(j) ? json_integer_value(j) : fallback;
}

bool json_get_bool(const json_t *obj, const char *key, bool fallback)
{
    const json_t *j = json_object_get(obj, key);
    return json_is_boolean(j) ? json_boolean_value(j) : fallback;
}

static const char *kind_of(const json_t *j)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return j ? kinds[json_typeof(j)] : "nothing";
}

static int mismatch(const json_t *j, const char *key, const char *expected, struct error *err)
{
    return error_set(err, -EINVAL, "\"%s\" must be %s, found %s", key, expected, kind_of(j));
}

int json_need_string(const json_t *obj, const char *key, const char **out, struct error *err)
{
    const json_t *j = json_object_get(obj, key);
    if (!json_is_string(j))
        return mismatch(j, key, "a string", err);
    *out = json_string_value(j);
    return 0;
}

int json_need_int(const json_t *obj, const char *key, int64_t *out, struct error *err)
{
    const json_t *j = json_object_get(obj, key);
    if (!json_is_integer(j))
        return mismatch(j, key, "an integer", err);
    *out = json_integer_value(j);
    return 0;
}

int json_need_array(const json_t *obj, const char *key, json_t **out, struct error *err)
{
    json_t *j = json_object_get(obj, key);
    if (!json_is_array(j))
        return mismatch(j, key, "an array", err);
    *out = j;
    return 0;
}

int json_need_object(const json_t *obj, const char *key, json_t **out, struct error *err)
{
    json_t *j = json_object_get(obj, key);
    if (!json_is_object(j))
        return mismatch(j, key, "an object", err);
    *out = j;
    return 0;
}

bool json_has_all(const json_t *obj, const json_t *wanted)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) wanted, key, value)
        if (!json_equal(json_object_get(obj, key), value))
            return false;
    return true;
}

bool json_has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

void json_add_distinct(json_t *array, json_t *value, size_t max)
{
    size_t i;
    json_t *old;
    json_array_foreach(array, i, old)
        if (json_equal(old, value))
            return;
    if (json_array_size(array) < max)
        json_array_append(array, value);
}

json_t *json_texts(const struct strv *v)
{
    json_t *array = json_array();
    for (size_t i = 0; i < v->count; i++)
        json_array_append_new(array, json_string(v->items[i]));
    return array;
}

static char *dump(const json_t *j, size_t flags)
{
    char *text = json_dumps(j, flags | JSON_ENCODE_ANY);
    return text ? text : xstrdup("null");
}

char *json_canonical(const json_t *j)
{
    return dump(j, JSON_COMPACT | JSON_SORT_KEYS);
}

char *json_pretty(const json_t *j)
{
    AUTO_FREE char *text = dump(j, JSON_INDENT(2));
    return xasprintf("%s\n", text);
}

#include "lib/yaml-json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(const char *text)
{
    const char *digits = text + strspn(text, "+-");
    char *end = NULL;
    errno = 0;
    if (digits[strspn(digits, "0123456789")] == '\0') {
        long long whole = strtoll(text, NULL, 10);
        return errno ? json_string(text) : json_integer(whole);
    }
    double real = strtod(text, &end);
    bool fits = errno == 0 && *end == '\0' && isfinite(real) && !strpbrk(text, "xX");
    return fits ? json_real(real) : json_string(text);
}

static json_t *scalar(const struct yaml_node *n)
{
    if (!n || yaml_is_null(n))
        return json_null();
    if (yaml_is_boolean(n))
        return json_boolean(n->text[0] == 't' || n->text[0] == 'T');
    return yaml_is_number(n) ? number(n->text) : json_string(n->text);
}

json_t *yaml_to_json(const struct yaml_node *node)
{
    if (!node || node->kind == YAML_SCALAR)
        return scalar(node);
    json_t *out = node->kind == YAML_SEQUENCE ? json_array() : json_object();
    for (size_t i = 0; i < node->count; i++) {
        json_t *item = yaml_to_json(node->items[i]);
        if (node->kind == YAML_SEQUENCE)
            json_array_append_new(out, item);
        else
            json_object_set_new(out, node->keys[i], item);
    }
    return out;
}

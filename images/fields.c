#include "images/fields.h"

#include "lib/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 63

static bool in_list(const char *const *list, const char *s)
{
    for (; *list; list++)
        if (strcmp(*list, s) == 0)
            return true;
    return false;
}

int fields_kind(const struct yaml_file *f, const struct yaml_node *n, enum yaml_kind kind,
                struct error *err)
{
    static const char *const names[] = {"a string", "a list", "a mapping"};
    if (yaml_is_null(n))
        return yaml_error(f, n, err, "nothing here, expected %s", names[kind]);
    if (n->kind != kind)
        return yaml_error(f, n, err, "found %s, expected %s", names[n->kind], names[kind]);
    return 0;
}

int fields_check(const struct yaml_file *f, const struct yaml_node *map, const char *const *keys,
                 struct error *err)
{
    int r = fields_kind(f, map, YAML_MAPPING, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < map->count; i++) {
        if (in_list(keys, map->keys[i]))
            continue;
        STRV(expected);
        strv_add_all(&expected, keys);
        AUTO_FREE char *list = strv_join(&expected, ", ");
        return yaml_error_key(f, map, i, err, "unknown key \"%s\", expected one of %s",
                              map->keys[i], list);
    }
    return 0;
}

int fields_need(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                const struct yaml_node **out, struct error *err)
{
    const struct yaml_node *n = yaml_get(map, key);
    if (!n)
        return yaml_error(f, map, err, "\"%s\" is missing here", key);
    *out = n;
    return 0;
}

static int read_text(const struct yaml_file *f, const struct yaml_node *n, const char **out,
                     struct error *err)
{
    const char *text;
    int r = yaml_string(f, n, &text, err);
    if (r < 0)
        return r;
    for (const char *p = text; *p; p++)
        if (((unsigned char) *p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            return yaml_error(f, n, err, "control character in text");
    *out = text;
    return 0;
}

int fields_need_string(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                       const char **out, struct error *err)
{
    const struct yaml_node *n = NULL;
    const char *text = "";
    int r;
    if ((r = fields_need(f, map, key, &n, err)) < 0 || (r = read_text(f, n, &text, err)) < 0)
        return r;
    if (!*text)
        return yaml_error(f, n, err, "\"%s\" is empty", key);
    *out = text;
    return 0;
}

int fields_get_string(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                      const char **out, struct error *err)
{
    return yaml_get(map, key) ? fields_need_string(f, map, key, out, err) : 0;
}

bool fields_is_word(const char *s)
{
    static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char all[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~:-";
    size_t len = strlen(s);
    return len > 0 && len <= WORD_MAX && strchr(alnum, s[0]) && strspn(s, all) == len;
}

int fields_need_word(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                     const char **out, struct error *err)
{
    const char *text = "";
    int r = fields_need_string(f, map, key, &text, err);
    if (r < 0)
        return r;
    if (!fields_is_word(text))
        return yaml_error(f, yaml_get(map, key), err,
                          "\"%s\" has to be a word of at most %d letters, digits and ._+~:-", key,
                          WORD_MAX);
    *out = text;
    return 0;
}

int fields_get_path(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                    const char **out, struct error *err)
{
    const char *text = NULL;
    int r = fields_get_string(f, map, key, &text, err);
    if (r < 0 || !text)
        return r;
    if (strcmp(text, ".") == 0)
        text = "";
    else if (!path_is_safe_relative(text))
        return yaml_error(f, yaml_get(map, key), err,
                          "\"%s\" has to be a relative path without \"..\"", key);
    *out = text;
    return 0;
}

int fields_get_strings(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                       struct strv *out, struct error *err)
{
    const struct yaml_node *list = yaml_get(map, key);
    if (!list)
        return 0;
    int r = fields_kind(f, list, YAML_SEQUENCE, err);
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        const char *text;
        r = read_text(f, list->items[i], &text, err);
        if (r == 0 && !*text)
            r = yaml_error(f, list->items[i], err, "empty text in \"%s\"", key);
        if (r == 0)
            strv_add(out, text);
    }
    return r;
}

int fields_need_strings(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                        struct strv *out, struct error *err)
{
    const struct yaml_node *list = NULL;
    int r = fields_need(f, map, key, &list, err);
    if (r < 0 || (r = fields_get_strings(f, map, key, out, err)) < 0)
        return r;
    return list && list->count ? 0 : yaml_error(f, list, err, "\"%s\" is empty", key);
}

int fields_get_mode(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                    mode_t *out, struct error *err)
{
    const char *text = NULL;
    int r = fields_get_string(f, map, key, &text, err);
    if (r < 0 || !text)
        return r;
    size_t len = strlen(text);
    unsigned long mode = strtoul(text, NULL, 8);
    if (len != 4 || strspn(text, "01234567") != len || mode > 01777)
        return yaml_error(f, yaml_get(map, key), err,
                          "\"%s\" has to be four octal digits up to \"1777\", in quotes", key);
    *out = (mode_t) mode;
    return 0;
}

#include "images/lock.h"

#include "lib/digest.h"
#include "lib/fd.h"

#include <errno.h>
#include <string.h>

#define LOCK_FORMAT 1
#define LOCK_MAX (8 * 1024 * 1024)

static const struct {
    const char *name;
    bool sets;
} sections[] = {
    [LOCK_OCI] = {"oci", false},  [LOCK_URL] = {"url", false}, [LOCK_MAVEN] = {"maven", true},
    [LOCK_PYPI] = {"pypi", true}, [LOCK_DEB] = {"deb", true},
};

struct lock {
    char *path;
    json_t *file; /* as it was read or written last */
    json_t *now;
};

/* Reading */

static bool is_digest(const json_t *value)
{
    return json_is_string(value) && digest_is_valid(json_string_value(value));
}

static bool is_set(const json_t *value)
{
    const char *name;
    json_t *digest;
    json_object_foreach((json_t *) value, name, digest)
        if (!*name || !is_digest(digest))
            return false;
    return json_object_size(value) > 0;
}

static int check_section(size_t i, const json_t *section, struct error *err)
{
    const char *request;
    json_t *value;
    if (!json_is_object(section))
        return error_set(err, -EINVAL, "\"%s\" is not an object", sections[i].name);
    json_object_foreach((json_t *) section, request, value)
        if (!(sections[i].sets ? is_set(value) : is_digest(value)))
            return error_set(err, -EINVAL, "\"%s\" of \"%s\" is not %s", request, sections[i].name,
                             sections[i].sets ? "a set of sha256 digests" : "a sha256 digest");
    return 0;
}

static int check_member(const char *key, const json_t *value, struct error *err)
{
    if (strcmp(key, "lock") == 0)
        return json_is_integer(value) && json_integer_value(value) == LOCK_FORMAT
                   ? 0
                   : error_set(err, -EINVAL, "\"lock\" is not %d", LOCK_FORMAT);
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
        if (strcmp(key, sections[i].name) == 0)
            return check_section(i, value, err);
    return error_set(err, -EINVAL, "unknown key \"%s\"", key);
}

static int check(const json_t *json, struct error *err)
{
    const char *key;
    json_t *value;
    if (!json_object_get(json, "lock"))
        return error_set(err, -EINVAL, "is not an object with \"lock\"");
    json_object_foreach((json_t *) json, key, value) {
        int r = check_member(key, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static json_t *empty(void)
{
    return json_pack("{s:i}", "lock", LOCK_FORMAT);
}

static int read_file(const char *path, json_t **out, struct error *err)
{
    STRBUF(text, LOCK_MAX);
    int r = file_read(path, &text, err);
    if (r == -ENOENT) {
        *out = empty();
        return 0;
    }
    if (r < 0)
        return r;
    AUTO_JSON *json = json_parse(text.data, text.len, path, err);
    if (!json)
        return -EINVAL;
    if (check(json, err) < 0)
        return error_prefix(err, "%s", path);
    *out = TAKE_PTR(json);
    return 0;
}

int lock_open(const char *path, bool update, struct lock **out, struct error *err)
{
    json_t *file = NULL;
    int r = read_file(path, &file, err);
    if (r < 0)
        return error_remedy(err, "correct it, or remove it to have everything resolved anew");
    struct lock *l = xcalloc(1, sizeof(*l));
    l->path = xstrdup(path);
    l->file = file;
    l->now = update ? empty() : json_deep_copy(file);
    *out = l;
    return 0;
}

void lock_close(struct lock **l)
{
    if (*l) {
        free((*l)->path);
        json_decref((*l)->file);
        json_decref((*l)->now);
        free(*l);
    }
    *l = NULL;
}

/* Pins */

static json_t *find(const struct lock *l, enum lock_section section, const char *request)
{
    return json_object_get(json_object_get(l->now, sections[section].name), request);
}

const char *lock_get(const struct lock *l, enum lock_section section, const char *request)
{
    return json_string_value(find(l, section, request));
}

const json_t *lock_get_set(const struct lock *l, enum lock_section section, const char *request)
{
    return find(l, section, request);
}

static void add(struct lock *l, enum lock_section section, const char *request, json_t *value)
{
    json_t *map = json_object_get(l->now, sections[section].name);
    if (!map) {
        map = json_object();
        json_object_set_new(l->now, sections[section].name, map);
    }
    json_object_set_new(map, request, value);
}

static int differs(const struct lock *l, const char *name, const char *found, const char *locked,
                   struct error *err)
{
    error_set(err, -EBADMSG, "%s is %s, %s says %s", name, found, l->path, locked);
    return error_remedy(err, "when this change is wanted, build with --update-lock");
}

int lock_pin(struct lock *l, enum lock_section section, const char *request, const char *digest,
             struct error *err)
{
    const char *locked = lock_get(l, section, request);
    if (locked)
        return strcmp(locked, digest) == 0 ? 0 : differs(l, request, digest, locked, err);
    if (!digest_is_valid(digest))
        return error_set(err, -EBADMSG, "%s: \"%s\" is not a sha256 digest", request, digest);
    add(l, section, request, json_string(digest));
    return 0;
}

/* Names the first member that is not the same in both. */
static int compare_sets(const struct lock *l, const json_t *found, const json_t *locked,
                        struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *) found, name, value) {
        const char *other = json_get_string(locked, name, "nothing of it");
        if (strcmp(json_string_value(value), other) != 0)
            return differs(l, name, json_string_value(value), other, err);
    }
    json_object_foreach((json_t *) locked, name, value)
        if (!json_object_get(found, name))
            return differs(l, name, "no longer part of it", json_string_value(value), err);
    return 0;
}

int lock_pin_set(struct lock *l, enum lock_section section, const char *request, const json_t *set,
                 struct error *err)
{
    if (!is_set(set))
        return error_set(err, -EBADMSG, "%s: not a set of sha256 digests", request);
    const json_t *locked = lock_get_set(l, section, request);
    if (!locked) {
        add(l, section, request, json_deep_copy(set));
        return 0;
    }
    return compare_sets(l, set, locked, err) < 0 ? error_prefix(err, "%s", request) : 0;
}

/* Writing: sections in the order of their table, names bytewise. */

int lock_save(struct lock *l, struct error *err)
{
    if (json_equal(l->file, l->now))
        return 0;
    AUTO_FREE char *text = json_dumps(l->now, JSON_INDENT(2) | JSON_SORT_KEYS);
    AUTO_FREE char *line = xasprintf("%s\n", text);
    int r = file_write_atomic(l->path, line, strlen(line), 0644, err);
    if (r < 0)
        return error_remedy(err, "what was resolved has to be kept beside the recipe");
    json_decref(l->file);
    l->file = json_deep_copy(l->now);
    return 0;
}

/* projects: teams that share the cluster. */
#include "coordinator/inventory-keys.h"
#include "coordinator/stack-profile.h"
#include "lib/grammar.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PROJECT_NAME_MAX 40 /* it becomes part of other names, of which S3 allows 63 characters */
#define PROJECTS_MAX 500
#define USER_MAX 63 /* RFC 5280: a common name has 64 at most */

#define DIGITS "0123456789"
#define ALNUM DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Namespaces of Kubernetes (and of its addons: profiles/addons), of the stack and our own. */
static bool is_reserved(const char *s)
{
    static const char *const prefixes[] = {"kube-", "bigtop-", "openshift-", "calico-"};
    static const char *const names[] = {"default",         STACK_NAMESPACE, "local-path-storage",
                                        "nfs-provisioner", "openebs",       "tigera-operator"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (strncmp(s, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(s, names[i]) == 0)
            return true;
    return false;
}

bool inventory_is_project(const char *s)
{
    return grammar_node_name(s) && strlen(s) <= PROJECT_NAME_MAX && !is_reserved(s);
}

/* Becomes a common name of a certificate: no colon, which system users have. */
bool inventory_is_user(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= USER_MAX && strspn(s, ALNUM "-._@") == len &&
           isalnum((unsigned char) s[0]) && isalnum((unsigned char) s[len - 1]);
}

static bool copy_label(const char *s, size_t len, char out[64])
{
    if (len > 63)
        return false;
    memcpy(out, s, len);
    out[len] = '\0';
    return grammar_node_name(out);
}

bool inventory_reach_parse(const char *text, struct reach *out)
{
    struct reach r = {0};
    size_t space = strcspn(text, "/");
    const char *app = text + space + (text[space] == '/');
    size_t len = strcspn(app, ":");
    const char *port = app + len + (app[len] == ':');
    if (!copy_label(text, space, r.space) || (text[space] && !copy_label(app, len, r.app)))
        return false;
    if (app[len] == ':' && !grammar_u16(port, &r.port))
        return false;
    *out = r;
    return true;
}

bool inventory_is_reach(const char *s)
{
    struct reach unused;
    return inventory_reach_parse(s, &unused);
}

bool inventory_is_cpu(const char *s)
{
    size_t whole = strspn(s, DIGITS);
    if (whole == 0 || whole > 9 || strspn(s, "0.m") == strlen(s))
        return false;
    if (s[whole] == '\0' || strcmp(s + whole, "m") == 0)
        return true;
    size_t fraction = s[whole] == '.' ? strspn(s + whole + 1, DIGITS) : 0;
    return fraction > 0 && fraction <= 3 && s[whole + 1 + fraction] == '\0';
}

bool inventory_is_bytes(const char *s)
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "k", "M", "G", "T", "P"};
    size_t digits = strspn(s, DIGITS);
    if (digits == 0 || digits > 15 || s[0] == '0')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(s + digits, units[i]) == 0)
            return true;
    return false;
}

bool inventory_is_count(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= 6 && strspn(s, DIGITS) == len && s[0] != '0';
}

void inventory_project_release(struct project *p)
{
    char *texts[] = {p->name, p->cpu, p->memory, p->storage, p->pods};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    strv_release(&p->owners);
    strv_release(&p->scientists);
    strv_release(&p->reach);
    *p = (struct project){0};
}

static const struct yaml_node *at(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, key);
    return value ? value : node;
}

static int check_one(const struct inventory_reader *r, const struct yaml_node *node,
                     const struct project *p, struct error *err)
{
    for (size_t i = 0; i < p->scientists.count; i++)
        if (strv_contains(&p->owners, p->scientists.items[i]))
            return yaml_error(r->file, at(node, "scientists")->items[i], err,
                              "%s is an owner of %s as well, expected each user once",
                              p->scientists.items[i], p->name);
    for (size_t i = 0; i < p->reach.count; i++) {
        struct reach to;
        const struct yaml_node *item = at(node, "reach")->items[i];
        if (!inventory_reach_parse(p->reach.items[i], &to) || strcmp(to.space, p->name) == 0)
            return yaml_error(r->file, item, err,
                              "%s reaches itself without being told, expected others", p->name);
        if (strcmp(to.space, STACK_NAMESPACE) == 0 && !to.app[0])
            return yaml_error(r->file, item, err,
                              "reach is all of " STACK_NAMESPACE ", expected components of it such "
                              "as " STACK_NAMESPACE "/minio:9000");
    }
    return 0;
}

static int read_project(struct inventory_reader *r, const struct inventory_key *key,
                        const struct yaml_node *node, struct error *err)
{
    struct inventory_key one = *key;
    struct inventory *inv = r->inv;
    one.name = "project";
    one.expected = "a mapping such as {name: risk, owners: [ada]}";
    int rc = inventory_need_kind(r, &one, node, YAML_MAPPING, err);
    if (rc < 0)
        return rc;
    struct project *p = &inv->projects[inv->project_count++];
    rc = inventory_read_section(r, node, PLACE_PROJECT, p, err);
    for (size_t i = 0; rc == 0 && i + 1 < inv->project_count; i++)
        if (strcmp(inv->projects[i].name, p->name) == 0)
            return yaml_error(r->file, at(node, "name"), err,
                              "project %s is named twice, expected each once", p->name);
    return rc < 0 ? rc : check_one(r, node, p, err);
}

static int read_projects(struct inventory_reader *r, const struct inventory_key *key,
                         const struct yaml_node *node, void *target, struct error *err)
{
    (void) target;
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    if (rc == 0 && node->count > PROJECTS_MAX)
        return yaml_error(r->file, node, err, "%zu projects, expected at most %d", node->count,
                          PROJECTS_MAX);
    if (rc == 0)
        r->inv->projects = xcalloc(node->count + 1, sizeof(*r->inv->projects));
    for (size_t i = 0; rc == 0 && i < node->count; i++)
        rc = read_project(r, key, node->items[i], err);
    return rc;
}

static void schema_projects(const struct inventory_key *key, json_t *into)
{
    (void) key;
    json_t *mapping = json_object();
    inventory_schema_section(PLACE_PROJECT, mapping);
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "maxItems", json_integer(PROJECTS_MAX));
    json_object_set_new(into, "items", mapping);
}

const struct inventory_type type_projects = {read_projects, NULL, schema_projects};

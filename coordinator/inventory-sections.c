#include "coordinator/inventory-keys.h"
#include "coordinator/suggest.h"
#include "coordinator/words.h"
#include "images/key-file.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

static int read_roles(struct inventory_reader *r, const struct inventory_key *key,
                      const struct yaml_node *node, void *target, struct error *err)
{
    if (node->kind != YAML_SEQUENCE || node->count == 0)
        return yaml_error(
            r->file, node, err,
            "roles is not a list of roles, expected [control-plane], [worker] or both");
    unsigned roles = 0;
    for (size_t i = 0; i < node->count; i++) {
        int index = -1;
        struct inventory_key role = *key;
        role.name = "role";
        role.type = &type_choice;
        int rc = inventory_read_scalar(r, &role, node->items[i], &index, err);
        if (rc < 0)
            return rc;
        if (roles & (1U << index))
            return yaml_error(r->file, node->items[i], err,
                              "role '%s' is given twice, expected each role once",
                              node->items[i]->text);
        roles |= 1U << index; /* the order of the words is that of enum host_role's bits */
    }
    *(unsigned *) target = roles;
    return 0;
}

static void schema_roles(const struct inventory_key *key, json_t *into)
{
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "items",
                        json_pack("{so}", "enum", inventory_words_json(key->choices)));
    json_object_set_new(into, "minItems", json_integer(1));
    json_object_set_new(into, "uniqueItems", json_true());
}

const struct inventory_type type_roles = {read_roles, NULL, schema_roles};

static bool set_words(const struct inventory_reader *r, const struct inventory_key *key,
                      const char *text, void *target)
{
    (void) r;
    if (words_index(key->choices, text) < 0)
        return false;
    strv_release(target);
    strv_add(target, text);
    return true;
}

/* One word, or a list of different ones of which "none" is none. */
static int read_words(struct inventory_reader *r, const struct inventory_key *key,
                      const struct yaml_node *node, void *target, struct error *err)
{
    if (node->kind != YAML_SEQUENCE)
        return inventory_read_scalar(r, key, node, target, err);
    if (node->count == 0)
        return inventory_wrong(r, key, node, "an empty list", err);
    STRV(words);
    for (size_t i = 0; i < node->count; i++) {
        STRV(word);
        int rc = inventory_read_scalar(r, key, node->items[i], &word, err);
        if (rc < 0)
            return rc;
        if (strv_contains(&words, word.items[0]))
            return yaml_error(r->file, node->items[i], err, "%s is given twice, expected each once",
                              word.items[0]);
        if (node->count > 1 && strcmp(word.items[0], "none") == 0)
            return yaml_error(r->file, node->items[i], err,
                              "none stands beside others, expected it alone");
        strv_add(&words, word.items[0]);
    }
    strv_release(target);
    *(struct strv *) target = words;
    words = STRV_INIT;
    return 0;
}

static void schema_words(const struct inventory_key *key, json_t *into)
{
    json_t *word = json_pack("{so}", "enum", inventory_words_json(key->choices));
    json_t *list = json_pack("{sssOsisb}", "type", "array", "items", word, "minItems", 1,
                             "uniqueItems", 1);
    json_object_set_new(into, "anyOf", json_pack("[oo]", word, list));
}

const struct inventory_type type_words = {read_words, set_words, schema_words};

static int read_labels(struct inventory_reader *r, const struct inventory_key *key,
                       const struct yaml_node *node, void *target, struct error *err)
{
    int rc = inventory_need_kind(r, key, node, YAML_MAPPING, err);
    for (size_t i = 0; rc == 0 && i < node->count; i++) {
        const struct yaml_node *value = node->items[i];
        char shown[INVENTORY_SHOWN_MAX];
        if (!grammar_label_key(node->keys[i]))
            return yaml_error_key(r->file, node, i, err,
                                  "'%s' is no label name, expected "
                                  "[PREFIX/]NAME of letters, digits, '-', '_' and '.'",
                                  inventory_shown(node->keys[i], shown));
        if (value->kind != YAML_SCALAR || yaml_is_null(value) || !grammar_label_value(value->text))
            return yaml_error(r->file, value, err,
                              "label '%s' has a wrong value, expected at most "
                              "63 letters, digits, '-', '_' and '.', or \"\"",
                              node->keys[i]);
        inventory_labels_set(target, node->keys[i], value->text);
    }
    return rc;
}

static void schema_labels(const struct inventory_key *key, json_t *into)
{
    static const char name[] = "^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$";
    static const char value[] = "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$";
    (void) key;
    json_object_set_new(into, "type", json_string("object"));
    json_object_set_new(into, "propertyNames", json_pack("{ss}", "pattern", name));
    json_object_set_new(
        into, "additionalProperties",
        json_pack("{s[sss]ss}", "type", "string", "number", "boolean", "pattern", value));
}

const struct inventory_type type_labels = {read_labels, NULL, schema_labels};

static bool parse_taint(const char *text, struct taint *out)
{
    const char *colon = strrchr(text, ':');
    if (!colon || words_index("NoSchedule|PreferNoSchedule|NoExecute", colon + 1) < 0)
        return false;
    AUTO_FREE char *left = xstrndup(text, (size_t) (colon - text));
    char *equals = strchr(left, '=');
    const char *value = equals ? equals + 1 : "";
    if (equals)
        *equals = '\0';
    if (!grammar_label_key(left) || !grammar_label_value(value))
        return false;
    *out = (struct taint){xstrdup(left), xstrdup(value), xstrdup(colon + 1)};
    return true;
}

/* Kubernetes keeps one taint for each key and effect. */
static bool has_taint(const struct host *h, const struct taint *t)
{
    for (size_t i = 0; i < h->taint_count; i++)
        if (strcmp(h->taints[i].key, t->key) == 0 && strcmp(h->taints[i].effect, t->effect) == 0)
            return true;
    return false;
}

static int read_taints(struct inventory_reader *r, const struct inventory_key *key,
                       const struct yaml_node *node, void *target, struct error *err)
{
    struct host *h = target;
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    for (size_t i = 0; rc == 0 && i < node->count; i++) {
        const struct yaml_node *item = node->items[i];
        struct taint taint = {0};
        if (item->kind != YAML_SCALAR || !parse_taint(item->text, &taint))
            return yaml_error(r->file, item, err,
                              "not a taint, expected \"key=value:Effect\", "
                              "Effect being NoSchedule, PreferNoSchedule or NoExecute");
        bool twice = has_taint(h, &taint);
        h->taints = xrealloc(h->taints, h->taint_count + 1, sizeof(*h->taints));
        h->taints[h->taint_count++] = taint;
        if (twice)
            return yaml_error(r->file, item, err,
                              "taint '%s' with effect %s is given twice, "
                              "expected each once",
                              taint.key, taint.effect);
    }
    return rc;
}

static void schema_taints(const struct inventory_key *key, json_t *into)
{
    (void) key;
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "items",
                        json_pack("{ssss}", "type", "string", "pattern",
                                  "^[^=:]+(=[^=:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$"));
}

const struct inventory_type type_taints = {read_taints, NULL, schema_taints};

/* A key itself, or the file that has it: RW and 54 more of base64 are no likely path. */
static int read_keys(struct inventory_reader *r, const struct inventory_key *key,
                     const struct yaml_node *node, void *target, struct error *err)
{
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    struct inventory_key file = *key;
    file.type = &type_path;
    for (size_t i = 0; rc == 0 && i < node->count; i++) {
        const struct yaml_node *item = node->items[i];
        struct public_key public;
        AUTO_FREE char *path = NULL;
        if (item->kind == YAML_SCALAR && public_key_from_text(item->text, &public))
            path = xstrdup(item->text);
        else
            rc = inventory_read_scalar(r, &file, item, &path, err);
        if (rc == 0)
            strv_add(target, path);
    }
    return rc;
}

static void schema_keys(const struct inventory_key *key, json_t *into)
{
    (void) key;
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "items", json_pack("{ssss}", "type", "string", "pattern", "."));
}

const struct inventory_type type_keys = {read_keys, NULL, schema_keys};

/* A list of texts, each once. */
static int read_list(struct inventory_reader *r, const struct inventory_key *key,
                     const struct inventory_type *item, const struct yaml_node *node,
                     struct strv *target, struct error *err)
{
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    struct inventory_key one = *key;
    one.type = item;
    for (size_t i = 0; rc == 0 && i < node->count; i++) {
        AUTO_FREE char *text = NULL;
        rc = inventory_read_scalar(r, &one, node->items[i], &text, err);
        if (rc == 0 && strv_contains(target, text))
            return yaml_error(r->file, node->items[i], err, "%s is given twice, expected each once",
                              text);
        if (rc == 0)
            strv_add(target, text);
    }
    return rc;
}

static int read_names(struct inventory_reader *r, const struct inventory_key *key,
                      const struct yaml_node *node, void *target, struct error *err)
{
    return read_list(r, key, &type_text, node, target, err);
}

static void schema_names(const struct inventory_key *key, json_t *into)
{
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "uniqueItems", json_true());
    json_object_set_new(into, "items",
                        json_pack("{ssss}", "type", "string", "pattern", key->pattern));
}

const struct inventory_type type_names = {read_names, NULL, schema_names};

/* The number of a card has one spelling, as addresses have. */
static int read_macs(struct inventory_reader *r, const struct inventory_key *key,
                     const struct yaml_node *node, void *target, struct error *err)
{
    return read_list(r, key, &type_address, node, target, err);
}

const struct inventory_type type_macs = {read_macs, NULL, schema_names};

/* A key that is right elsewhere deserves to be told where. */
static int unknown_key(const struct inventory_reader *r, const struct yaml_node *node, size_t i,
                       enum inventory_place place, struct error *err)
{
    static const struct {
        enum inventory_place place;
        const char *words;
    } places[] = {{PLACE_TOP, "at the top"},
                  {PLACE_CLUSTER, "under cluster"},
                  {PLACE_RACK, "under rack"},
                  {PLACE_BOND, "under bond of a host or of rack"},
                  {PLACE_DEFAULTS | PLACE_HOST, "under defaults or a host"},
                  {PLACE_HOST, "under a host"},
                  {PLACE_DISK, "under a disk of a host"},
                  {PLACE_NFS, "under nfs of a host"},
                  {PLACE_INSTALL, "under install of a host"},
                  {PLACE_PROJECT, "under a project"},
                  {PLACE_QUOTA, "under quota of a project"}};
    const char *name = node->keys[i];
    char shown[INVENTORY_SHOWN_MAX], phrase[128];
    inventory_shown(name, shown);
    struct suggestion near;
    suggest_start(&near, name);
    for (const struct inventory_key *key = inventory_keys; key->name; key++)
        if (key->places & place)
            suggest_offer(&near, key->name);
    const struct inventory_key *elsewhere = inventory_key_find(~0U, name);
    for (size_t p = 0; elsewhere && p < ARRAY_SIZE(places); p++)
        if (elsewhere->places == (unsigned) places[p].place)
            return yaml_error_key(r->file, node, i, err,
                                  "key '%s' does not belong here, expected it %s", shown,
                                  places[p].words);
    return yaml_error_key(r->file, node, i, err, "unknown key '%s'%s", shown,
                          suggest_phrase(&near, phrase, sizeof(phrase)));
}

int inventory_read_section(struct inventory_reader *r, const struct yaml_node *node,
                           enum inventory_place place, void *base, struct error *err)
{
    for (size_t i = 0; node && node->kind == YAML_MAPPING && i < node->count; i++)
        if (!inventory_key_find(place, node->keys[i]))
            return unknown_key(r, node, i, place, err);
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        if (!(key->places & place))
            continue;
        const struct yaml_node *value = node ? yaml_get(node, key->name) : NULL;
        if (!value && key->required)
            return yaml_error(r->file, node, err, "%s is missing, expected %s", key->name,
                              key->expected);
        int rc = value ? key->type->read(r, key, value, (char *) base + key->offset, err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_subsection(struct inventory_reader *r, const struct inventory_key *key,
                           const struct yaml_node *node, void *target, struct error *err)
{
    int rc = inventory_need_kind(r, key, node, YAML_MAPPING, err);
    if (rc < 0)
        return rc;
    void *base = target;
    if (key->section == PLACE_DEFAULTS)
        base = &r->defaults;
    else if (key->section == PLACE_CLUSTER || key->section == PLACE_RACK)
        base = r->inv;
    inventory_set_fallbacks(r, key->section, base);
    return inventory_read_section(r, node, key->section, base, err);
}

static void schema_subsection(const struct inventory_key *key, json_t *into)
{
    inventory_schema_section(key->section, into);
}

const struct inventory_type type_section = {read_subsection, NULL, schema_subsection};

static int read_host_keys(struct inventory_reader *r, const struct yaml_node *node, struct host *h,
                          struct error *err)
{
    int rc = inventory_read_section(r, node, PLACE_HOST, h, err);
    if (rc < 0)
        return rc;
    if (!h->address && !inventory_card(h->mac, &h->bond) && !h->serial)
        return yaml_error(r->file, node, err,
                          "address is missing, expected it, or mac or serial to find it by");
    if (h->address && h->serial)
        return yaml_error(r->file, yaml_get(node, "serial"), err,
                          "serial beside address, expected one of them: it is to find the address");
    return 0;
}

static int read_host(struct inventory_reader *r, const struct yaml_node *node, struct host *h,
                     struct error *err)
{
    h->line = node->line;
    if (node->kind == YAML_MAPPING)
        return read_host_keys(r, node, h, err);
    const struct inventory_key *address = inventory_key_find(PLACE_HOST, "address");
    int rc = inventory_read_scalar(r, address, node, &h->address, err);
    if (rc < 0 && node->kind == YAML_SCALAR && strpbrk(node->text, "@:"))
        (void) error_remedy(err, "user and port are keys: {address: 10.0.0.11, user: admin, "
                                 "port: 22}");
    return rc;
}

static int read_hosts(struct inventory_reader *r, const struct inventory_key *key,
                      const struct yaml_node *node, void *target, struct error *err)
{
    (void) target;
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    if (rc < 0)
        return rc;
    if (node->count == 0)
        return inventory_wrong(r, key, node, "an empty list", err);
    if (node->count > INVENTORY_HOSTS_MAX)
        return yaml_error(r->file, node, err, "%zu hosts, expected at most %d", node->count,
                          INVENTORY_HOSTS_MAX);
    r->inv->hosts = xcalloc(node->count, sizeof(*r->inv->hosts));
    for (size_t i = 0; rc == 0 && i < node->count; i++) {
        struct host *h = &r->inv->hosts[r->inv->host_count++];
        inventory_host_copy(h, &r->defaults);
        rc = read_host(r, node->items[i], h, err);
    }
    return rc;
}

static void schema_hosts(const struct inventory_key *key, json_t *into)
{
    (void) key;
    const struct inventory_key *address = inventory_key_find(PLACE_HOST, "address");
    json_t *plain = json_object(), *mapping = json_object();
    address->type->schema(address, plain);
    inventory_schema_section(PLACE_HOST, mapping);
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "minItems", json_integer(1));
    json_object_set_new(into, "maxItems", json_integer(INVENTORY_HOSTS_MAX));
    json_object_set_new(into, "items", json_pack("{s[oo]}", "anyOf", plain, mapping));
}

const struct inventory_type type_hosts = {read_hosts, NULL, schema_hosts};

#include "coordinator/inventory-keys.h"
#include "coordinator/words.h"
#include "lib/base64.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SECRET_MAX 1024
#define API_PORT 6443

const char *inventory_shown(const char *text, char out[INVENTORY_SHOWN_MAX])
{
    STRBUF(safe, 1024);
    strbuf_add_printable(&safe, text, strnlen(text, 200));
    size_t room = INVENTORY_SHOWN_MAX - 4;
    size_t len = safe.len;
    bool cut = len > room || strlen(text) > 200;
    if (len > room)
        len = utf8_start(safe.data, room);
    (void) snprintf(out, INVENTORY_SHOWN_MAX, "%.*s%s", (int) len, safe.data, cut ? "..." : "");
    return out;
}

static void expected(const struct inventory_key *key, struct strbuf *out)
{
    if (key->choices)
        words_phrase(key->choices, out);
    else
        strbuf_adds(out, key->expected);
}

/* "user is a list, expected a user name such as root" */
int inventory_wrong(const struct inventory_reader *r, const struct inventory_key *key,
                    const struct yaml_node *node, const char *found, struct error *err)
{
    STRBUF(want, 512);
    expected(key, &want);
    return yaml_error(r->file, node, err, "%s is %s, expected %s", key->name, found, want.data);
}

static int need_scalar(const struct inventory_reader *r, const struct inventory_key *key,
                       const struct yaml_node *node, struct error *err)
{
    if (node->kind == YAML_MAPPING)
        return inventory_wrong(r, key, node, "a mapping", err);
    if (node->kind == YAML_SEQUENCE)
        return inventory_wrong(r, key, node, "a list", err);
    if (yaml_is_null(node) || node->text[0] == '\0')
        return inventory_wrong(r, key, node, "empty", err);
    return 0;
}

int inventory_need_kind(const struct inventory_reader *r, const struct inventory_key *key,
                        const struct yaml_node *node, enum yaml_kind kind, struct error *err)
{
    static const char *const words[] = {
        [YAML_SCALAR] = "a plain value", [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
    if (node->kind == kind)
        return 0;
    return inventory_wrong(r, key, node, yaml_is_null(node) ? "empty" : words[node->kind], err);
}

int inventory_read_scalar(struct inventory_reader *r, const struct inventory_key *key,
                          const struct yaml_node *node, void *target, struct error *err)
{
    int rc = need_scalar(r, key, node, err);
    if (rc < 0)
        return rc;
    if (key->type->set(r, key, node->text, target))
        return 0;
    char shown[INVENTORY_SHOWN_MAX], found[INVENTORY_SHOWN_MAX + 2];
    (void) snprintf(found, sizeof(found), "'%s'", inventory_shown(node->text, shown));
    return inventory_wrong(r, key, node, found, err);
}

static void replace(void *target, char *text)
{
    free(*(char **) target);
    *(char **) target = text;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* RFC 4253, 6.6: the blob starts with the length and the name of the type. */
bool inventory_is_host_key(const char *s)
{
    if (grammar_fingerprint(s))
        return true;
    size_t type_len = strcspn(s, " ");
    if (s[type_len] != ' ' || type_len > 64)
        return false;
    STRBUF(blob, 16384);
    const char *digits = s + type_len + 1;
    if (base64_decode(&blob, digits, strlen(digits)) < 0 || blob.len < 4 + type_len)
        return false;
    const unsigned char length[4] = {0, 0, 0, (unsigned char) type_len};
    return memcmp(blob.data, length, 4) == 0 && memcmp(blob.data + 4, s, type_len) == 0;
}

static bool set_text(const struct inventory_reader *r, const struct inventory_key *key,
                     const char *text, void *target)
{
    (void) r;
    if (key->grammar && !key->grammar(text))
        return false;
    replace(target, xstrdup(text));
    return true;
}

static void schema_text(const struct inventory_key *key, json_t *into)
{
    json_object_set_new(into, "type", json_string("string"));
    if (key->pattern)
        json_object_set_new(into, "pattern", json_string(key->pattern));
    else
        json_object_set_new(into, "minLength", json_integer(1));
}

const struct inventory_type type_text = {inventory_read_scalar, set_text, schema_text};

/* Text that may look like a number. */
static void schema_quantity(const struct inventory_key *key, json_t *into)
{
    json_object_set_new(into, "type", json_pack("[ss]", "string", "number"));
    json_object_set_new(into, "pattern", json_string(key->pattern));
}

const struct inventory_type type_quantity = {inventory_read_scalar, set_text, schema_quantity};

/* One spelling for one address, so that duplicates are seen. */
static bool set_address(const struct inventory_reader *r, const struct inventory_key *key,
                        const char *text, void *target)
{
    (void) r;
    if (!key->grammar(text))
        return false;
    char *address = xstrdup(text);
    for (char *c = address; *c; c++)
        *c = (char) tolower((unsigned char) *c);
    struct in6_addr ipv6;
    char canonical[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &ipv6) == 1 &&
        inet_ntop(AF_INET6, &ipv6, canonical, sizeof(canonical))) {
        free(address);
        address = xstrdup(canonical);
    }
    replace(target, address);
    return true;
}

const struct inventory_type type_address = {inventory_read_scalar, set_address, schema_text};

/* A value is never shown: it is a secret also when it is a wrong one. */
static int read_secret(struct inventory_reader *r, const struct inventory_key *key,
                       const struct yaml_node *node, void *target, struct error *err)
{
    int rc = need_scalar(r, key, node, err);
    if (rc < 0)
        return rc;
    if (!r->secret)
        r->secret = node;
    if (strlen(node->text) > SECRET_MAX)
        return inventory_wrong(r, key, node, "longer than 1024 bytes", err);
    if (has_control(node->text))
        return inventory_wrong(r, key, node, "text with a control character", err);
    replace(target, xstrdup(node->text));
    return 0;
}

const struct inventory_type type_secret = {read_secret, NULL, schema_text};

static bool set_path(const struct inventory_reader *r, const struct inventory_key *key,
                     const char *text, void *target)
{
    (void) key;
    if (strlen(text) >= PATH_MAX || has_control(text))
        return false;
    if (text[0] == '~' && text[1] == '/')
        replace(target, path_expand_home(text));
    else if (text[0] == '/')
        replace(target, xstrdup(text));
    else
        replace(target, path_join(r->dir, text));
    return true;
}

const struct inventory_type type_path = {inventory_read_scalar, set_path, schema_text};

static bool set_endpoint(const struct inventory_reader *r, const struct inventory_key *key,
                         const char *text, void *target)
{
    (void) r;
    (void) key;
    uint16_t port = API_PORT;
    size_t host_len = strcspn(text, ":");
    if (text[host_len] == ':' && !grammar_u16(text + host_len + 1, &port))
        return false;
    AUTO_FREE char *host = xstrndup(text, host_len);
    if (!grammar_address(host))
        return false;
    replace(target, xasprintf("%s:%u", host, port));
    return true;
}

const struct inventory_type type_endpoint = {inventory_read_scalar, set_endpoint, schema_text};

static bool set_port(const struct inventory_reader *r, const struct inventory_key *key,
                     const char *text, void *target)
{
    (void) r;
    (void) key;
    return grammar_u16(text, target);
}

static int read_number(struct inventory_reader *r, const struct inventory_key *key,
                       const struct yaml_node *node, void *target, struct error *err)
{
    if (node->kind == YAML_SCALAR && node->quoted)
        return inventory_wrong(r, key, node, "text in quotes", err);
    return inventory_read_scalar(r, key, node, target, err);
}

static void schema_port(const struct inventory_key *key, json_t *into)
{
    (void) key;
    json_object_set_new(into, "type", json_string("integer"));
    json_object_set_new(into, "minimum", json_integer(1));
    json_object_set_new(into, "maximum", json_integer(UINT16_MAX));
}

const struct inventory_type type_port = {read_number, set_port, schema_port};

static bool set_mtu(const struct inventory_reader *r, const struct inventory_key *key,
                    const char *text, void *target)
{
    (void) r;
    (void) key;
    uint16_t mtu;
    if (!grammar_u16(text, &mtu) || mtu < INVENTORY_MTU_MIN)
        return false;
    *(uint16_t *) target = mtu;
    return true;
}

static void schema_mtu(const struct inventory_key *key, json_t *into)
{
    schema_port(key, into);
    json_object_set_new(into, "minimum", json_integer(INVENTORY_MTU_MIN));
}

const struct inventory_type type_mtu = {read_number, set_mtu, schema_mtu};

static bool set_vlan(const struct inventory_reader *r, const struct inventory_key *key,
                     const char *text, void *target)
{
    (void) r;
    (void) key;
    uint16_t vlan;
    if (!grammar_u16(text, &vlan) || vlan > INVENTORY_VLAN_MAX)
        return false;
    *(uint16_t *) target = vlan;
    return true;
}

static void schema_vlan(const struct inventory_key *key, json_t *into)
{
    schema_port(key, into);
    json_object_set_new(into, "maximum", json_integer(INVENTORY_VLAN_MAX));
}

const struct inventory_type type_vlan = {read_number, set_vlan, schema_vlan};

static bool set_word(const struct inventory_reader *r, const struct inventory_key *key,
                     const char *text, void *target)
{
    (void) r;
    if (words_index(key->choices, text) < 0)
        return false;
    replace(target, xstrdup(text));
    return true;
}

json_t *inventory_words_json(const char *words)
{
    STRV(list);
    strv_split(&list, words, '|');
    return json_texts(&list);
}

static void schema_words(const struct inventory_key *key, json_t *into)
{
    json_object_set_new(into, "enum", inventory_words_json(key->choices));
}

const struct inventory_type type_word = {inventory_read_scalar, set_word, schema_words};

static bool set_choice(const struct inventory_reader *r, const struct inventory_key *key,
                       const char *text, void *target)
{
    (void) r;
    int index = words_index(key->choices, text);
    if (index < 0)
        return false;
    *(int *) target = index;
    return true;
}

const struct inventory_type type_choice = {inventory_read_scalar, set_choice, schema_words};

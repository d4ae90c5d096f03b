/* The table of hosts.yaml's keys, and what the files inventory-*.c do with it: read, check and
 * describe. A new key is one row in inventory.c. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/json.h"
#include "lib/strbuf.h"
#include "lib/yaml.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a key may stand. Top and cluster keys fill struct inventory; the others struct host, where
 * nothing else is said. */
enum inventory_place {
    PLACE_TOP = 1,
    PLACE_CLUSTER = 2,
    PLACE_DEFAULTS = 4,
    PLACE_HOST = 8,
    PLACE_DISK = 16, /* struct disk */
    PLACE_NFS = 32,
    PLACE_PROJECT = 64, /* struct project, and so is the next */
    PLACE_QUOTA = 128,
    PLACE_RACK = 256, /* struct inventory */
    PLACE_INSTALL = 512,
    PLACE_BOND = 1024, /* struct bond */
};

struct inventory_key;

struct inventory_reader {
    const struct yaml_file *file;
    char *dir; /* of hosts.yaml: relative paths start here */
    struct inventory *inv;
    struct host defaults;           /* what each host starts from */
    const struct yaml_node *secret; /* first secret in the file, or NULL */
};

/* How values of a kind are read, described and told to a schema. */
struct inventory_type {
    /* Fills target; what was there is released. -EINVAL with the position. */
    int (*read)(struct inventory_reader *r, const struct inventory_key *key,
                const struct yaml_node *node, void *target, struct error *err);
    /* Scalars only, else NULL: from text, without position. False: not acceptable. */
    bool (*set)(const struct inventory_reader *r, const struct inventory_key *key, const char *text,
                void *target);
    /* Adds JSON Schema members. */
    void (*schema)(const struct inventory_key *key, json_t *into);
};
extern const struct inventory_type type_text, type_secret, type_path, type_endpoint, type_address,
    type_port, type_mtu, type_vlan, type_word, type_words, type_choice, type_roles, type_labels,
    type_taints, type_keys, type_section, type_hosts, type_disks, type_quantity, type_names,
    type_macs, type_projects;

struct inventory_key {
    const char *name;
    unsigned places; /* enum inventory_place bits */
    const struct inventory_type *type;
    size_t offset;                 /* of the member in the place's struct */
    const char *fallback;          /* the default, as text; NULL: none, or told by `help` */
    const char *expected;          /* "an IPv4 network such as 10.244.0.0/16" */
    const char *help;              /* one sentence for the manual */
    bool (*grammar)(const char *); /* texts: lib/grammar.h's function, or NULL */
    const char *pattern;          /* texts: an ECMA 262 pattern no stricter than grammar, or NULL */
    const char *choices;          /* words: "auto|none|password" */
    enum inventory_place section; /* type_section: the place that its keys stand in */
    const char *example; /* shown commented out by `init`; NULL: the fallback, or nothing */
    bool required;
};
extern const struct inventory_key inventory_keys[]; /* ends with a NULL name */

/* The key of that name in one of the places, or NULL. */
const struct inventory_key *inventory_key_find(unsigned places, const char *name);
/* Reads a mapping's keys of one place into base. */
int inventory_read_section(struct inventory_reader *r, const struct yaml_node *node,
                           enum inventory_place place, void *base, struct error *err);
/* The scalar types' way: text, then type->set, then "NAME is 'x', expected ...". */
int inventory_read_scalar(struct inventory_reader *r, const struct inventory_key *key,
                          const struct yaml_node *node, void *target, struct error *err);
/* 0, or what was found instead and what was expected. */
int inventory_need_kind(const struct inventory_reader *r, const struct inventory_key *key,
                        const struct yaml_node *node, enum yaml_kind kind, struct error *err);
/* "NAME is FOUND, expected ..."; returns -EINVAL. */
int inventory_wrong(const struct inventory_reader *r, const struct inventory_key *key,
                    const struct yaml_node *node, const char *found, struct error *err);
/* Sets every key of the place that has a fallback. */
void inventory_set_fallbacks(const struct inventory_reader *r, enum inventory_place place,
                             void *base);
/* Everything that needs more than one value to be judged, and the defaults that depend on it. */
int inventory_check(struct inventory_reader *r, struct error *err);
/* Of it, what `rack` and the hosts' cards have to agree on. */
int inventory_check_rack(struct inventory_reader *r, struct error *err);

/* Adds the schema of a mapping with one place's keys. */
void inventory_schema_section(enum inventory_place place, json_t *into);
/* "a|b" → ["a","b"]; the caller's. */
json_t *inventory_words_json(const char *words);

void inventory_host_copy(struct host *to, const struct host *from);
void inventory_host_release(struct host *h);
void inventory_labels_set(struct host *h, const char *key, const char *value);
/* "SHA256:" with 43 base64 digits, or "type base64" of a public key whose blob is of that type. */
bool inventory_is_host_key(const char *s);
void inventory_project_release(struct project *p);
bool inventory_is_user(const char *s);
bool inventory_is_reach(const char *s);
bool inventory_is_cpu(const char *s);
bool inventory_is_bytes(const char *s);
bool inventory_is_count(const char *s);
void inventory_disk_release(struct disk *d);
bool inventory_is_wwn(const char *s);
bool inventory_is_disk_path(const char *s);
bool inventory_is_disk_name(const char *s);
bool inventory_is_mount_point(const char *s); /* none of the system's, or of ours */
/* Text from a file, safe to print and short. */
#define INVENTORY_SHOWN_MAX 96
const char *inventory_shown(const char *text, char out[INVENTORY_SHOWN_MAX]);

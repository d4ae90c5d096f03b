#include "coordinator/inventory-keys.h"
#include "coordinator/words.h"

#include <string.h>

#define MANUAL_MAX ((size_t) 256 * 1024)

static void add_default(const struct inventory_key *key, json_t *into)
{
    if (!key->fallback)
        return;
    json_t *value = key->type == &type_port ? json_integer(strtol(key->fallback, NULL, 10))
                                            : json_string(key->fallback);
    json_object_set_new(into, "default", value);
}

void inventory_schema_section(enum inventory_place place, json_t *into)
{
    AUTO_JSON *properties = json_object();
    AUTO_JSON *required = json_array();
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        if (!(key->places & place))
            continue;
        json_t *property = json_pack("{ss}", "description", key->help);
        key->type->schema(key, property);
        add_default(key, property);
        json_object_set_new(properties, key->name, property);
        if (key->required)
            json_array_append_new(required, json_string(key->name));
    }
    json_object_set_new(into, "type", json_string("object"));
    json_object_set_new(into, "additionalProperties", json_false());
    if (json_array_size(required) > 0)
        json_object_set(into, "required", required);
    json_object_set(into, "properties", properties);
}

char *inventory_schema(void)
{
    AUTO_JSON *schema = json_pack("{ssss}", "$schema",
                                  "https://json-schema.org/draft/2020-12/schema", "title",
                                  "hosts.yaml of bigtop-bootstrap");
    inventory_schema_section(PLACE_TOP, schema);
    return json_pretty(schema);
}

/* "|" ends a cell, also inside backquotes. */
static void add_code(struct strbuf *out, const char *text)
{
    strbuf_addc(out, '`');
    strbuf_adds(out, text);
    strbuf_addc(out, '`');
}

static void add_values(struct strbuf *out, const struct inventory_key *key)
{
    if (key->type == &type_roles || key->type == &type_words)
        strbuf_adds(out, key->type == &type_roles ? "a list of " : "one word or a list of ");
    if (key->choices)
        words_phrase(key->choices, out);
    else
        strbuf_adds(out, key->expected);
}

static void manual_section(struct strbuf *out, const char *title, const char *text,
                           enum inventory_place place)
{
    strbuf_addf(out, "\n## %s\n\n%s\n\n| key | value | default | what it is |\n|---|---|---|---|\n",
                title, text);
    for (const struct inventory_key *key = inventory_keys; key->name; key++) {
        if (!(key->places & place))
            continue;
        strbuf_addf(out, "| `%s` | ", key->name);
        add_values(out, key);
        strbuf_adds(out, " | ");
        if (key->fallback)
            add_code(out, key->fallback);
        else
            strbuf_adds(out, key->required ? "required" : "");
        strbuf_addf(out, " | %s |\n", key->help);
    }
}

char *inventory_manual(void)
{
    STRBUF(out, MANUAL_MAX);
    strbuf_adds(
        &out,
        "# hosts.yaml\n\n"
        "<!-- Made by `bigtop-bootstrap schema --markdown`: edit coordinator/inventory.c. -->\n\n"
        "One file says what the cluster should be. The shortest is complete:\n\n"
        "    hosts: [10.0.0.11, 10.0.0.12, 10.0.0.13]\n\n"
        "The first host becomes the control plane, the others workers. It is read strictly: "
        "unknown or repeated keys,\nYAML aliases, anchors and tags, nesting deeper than 32 and "
        "files over 1 MiB are refused, with file, line and column.\n"
        "`bigtop-bootstrap plan --offline hosts.yaml` checks a file; "
        "`bigtop-bootstrap schema` prints its JSON Schema for editors.\n");
    manual_section(&out, "Top level", "All but `hosts` may be left out.", PLACE_TOP);
    manual_section(&out, "cluster", "All may be left out.", PLACE_CLUSTER);
    manual_section(&out, "rack",
                   "Only for machines that start from an image; docs/iso.md. All may be left out.",
                   PLACE_RACK);
    manual_section(&out, "bond of a host, or of rack",
                   "Network cards of a machine that starts from an image, as one.", PLACE_BOND);
    manual_section(&out, "defaults", "Values for hosts that have none of their own.",
                   PLACE_DEFAULTS);
    manual_section(&out, "hosts",
                   "Each entry is an address, or a mapping with these keys, of which address, mac, "
                   "bond or serial is needed. What `defaults` may hold "
                   "starts from there.",
                   PLACE_HOST);
    manual_section(&out, "disks of a host", "Each entry is one whole disk.", PLACE_DISK);
    manual_section(&out, "nfs of a host", "docs/storage.md says what becomes of it.", PLACE_NFS);
    manual_section(&out, "install of a host",
                   "For a machine that starts from an image; docs/iso.md says what becomes of it.",
                   PLACE_INSTALL);
    manual_section(&out, "projects", "Each entry is a team. docs/projects.md says what it gets.",
                   PLACE_PROJECT);
    manual_section(&out, "quota of a project", "What is left out has no limit.", PLACE_QUOTA);
    return strbuf_steal(&out);
}

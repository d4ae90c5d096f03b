#include "coordinator/inventory-keys.h"

#include <errno.h>
#include <string.h>

#define TEMPLATE_MAX ((size_t) YAML_SIZE_MAX)

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_~-";

/* Single quotes need no escape but their own. */
static void add_yaml(struct strbuf *out, const char *text)
{
    if (text[0] != '-' && text[0] != '~' && text[strspn(text, plain)] == '\0') {
        strbuf_adds(out, text);
        return;
    }
    strbuf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            strbuf_addc(out, '\'');
        strbuf_addc(out, *text);
    }
    strbuf_addc(out, '\'');
}

/* Comments are wrapped at words. */
static void add_comment(struct strbuf *out, const char *indent, const char *text)
{
    size_t width = 90 - strlen(indent);
    while (*text) {
        size_t len = strlen(text);
        if (len > width)
            for (len = width; len > 1 && text[len] != ' ';)
                len--;
        strbuf_addf(out, "%s# %.*s\n", indent, (int) len, text);
        text += len + (text[len] == ' ');
    }
}

static void add_key(struct strbuf *out, const struct inventory_key *key, const char *indent)
{
    add_comment(out, indent, key->help);
    const char *value = key->example ? key->example : key->fallback;
    strbuf_addf(out, "%s#%s: %s\n", indent, key->name, value ? value : "...");
}

static void add_section(struct strbuf *out, enum inventory_place place, const char *indent)
{
    for (const struct inventory_key *key = inventory_keys; key->name; key++)
        if ((key->places & place) && key->type != &type_section && !key->required)
            add_key(out, key, indent);
}

static void add_defaults(struct strbuf *out, const char *user, const char *key)
{
    strbuf_adds(out, "\ndefaults:\n");
    strbuf_adds(out, "  user: ");
    add_yaml(out, user ? user : "root");
    strbuf_addc(out, '\n');
    if (key) {
        strbuf_adds(out, "  key: ");
        add_yaml(out, key);
        strbuf_addc(out, '\n');
    }
    for (const struct inventory_key *k = inventory_keys; k->name; k++) {
        bool written = strcmp(k->name, "user") == 0 || (key && strcmp(k->name, "key") == 0);
        if ((k->places & PLACE_DEFAULTS) && !written)
            add_key(out, k, "  ");
    }
}

static void add_hosts(struct strbuf *out, const struct strv *addresses)
{
    strbuf_adds(out, "hosts:\n");
    for (size_t i = 0; i < addresses->count; i++) {
        strbuf_adds(out, "  - address: ");
        add_yaml(out, addresses->items[i]);
        strbuf_adds(out, i == 0 && addresses->count > 1 ? "   # the control plane\n" : "\n");
    }
    strbuf_adds(out, "    # A host may also have:\n");
    for (const struct inventory_key *key = inventory_keys; key->name; key++)
        if (key->places == PLACE_HOST && strcmp(key->name, "address") != 0)
            add_key(out, key, "    ");
    strbuf_adds(out, "    # ... and each key of defaults.\n");
}

/* By the rules of the file, but in words that fit a command line. */
static int check_value(const char *name, const char *text, struct error *err)
{
    const struct inventory_key *key = inventory_key_find(PLACE_HOST, name);
    struct inventory_reader r = {.dir = (char *) "."};
    AUTO_FREE char *scratch = NULL;
    char shown[INVENTORY_SHOWN_MAX];
    if (!text || key->type->set(&r, key, text, &scratch))
        return 0;
    return error_set(err, -EINVAL, "%s is '%s', expected %s", name, inventory_shown(text, shown),
                     key->expected);
}

static int check_values(const struct strv *addresses, const char *user, const char *key,
                        struct error *err)
{
    int rc = check_value("user", user, err);
    if (rc == 0)
        rc = check_value("key", key, err);
    for (size_t i = 0; rc == 0 && i < addresses->count; i++)
        rc = check_value("address", addresses->items[i], err);
    return rc;
}

int inventory_template(const struct strv *addresses, const char *user, const char *key, char **out,
                       struct error *err)
{
    int rc = check_values(addresses, user, key, err);
    if (rc < 0)
        return rc;
    STRBUF(text, TEMPLATE_MAX);
    strbuf_adds(&text,
                "# For bigtop-bootstrap. Lines that begin with # show what else there is, "
                "with its default\n# or an example; docs/hosts.yaml.md has the details.\n\n");
    add_hosts(&text, addresses);
    add_defaults(&text, user, key);
    strbuf_adds(&text, "\n#cluster:\n");
    add_section(&text, PLACE_CLUSTER, "  ");
    strbuf_adds(&text, "\n#rack:\n");
    add_section(&text, PLACE_RACK, "  ");
    strbuf_addc(&text, '\n');
    add_section(&text, PLACE_TOP, "");
    if (strbuf_full(&text))
        return error_set(err, -E2BIG, "too many hosts for one file");
    CLEANUP(yaml_release)
    struct yaml_file file = YAML_FILE_INIT;
    CLEANUP(inventory_release)
    struct inventory checked = INVENTORY_INIT;
    rc = yaml_parse(text.data, text.len, "new hosts.yaml", &file, err);
    if (rc == 0)
        rc = inventory_from_yaml(&file, &checked, err);
    if (rc == 0)
        *out = strbuf_steal(&text);
    return rc;
}

#include "coordinator/inventory-keys.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/secret.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void bond_release(struct bond *b)
{
    strv_release(&b->macs);
    free(b->mode);
}

void inventory_host_release(struct host *h)
{
    char *texts[] = {h->name,    h->address, h->user,       h->key,          h->host_key,    h->mac,
                     h->node_ip, h->serial,  h->nfs_export, h->install_disk, h->install_wipe};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    bond_release(&h->bond);
    secret_free(&h->password);
    secret_free(&h->sudo_password);
    for (size_t i = 0; i < h->label_count; i++) {
        free(h->labels[i].key);
        free(h->labels[i].value);
    }
    for (size_t i = 0; i < h->taint_count; i++) {
        free(h->taints[i].key);
        free(h->taints[i].value);
        free(h->taints[i].effect);
    }
    for (size_t i = 0; i < h->disk_count; i++)
        inventory_disk_release(&h->disks[i]);
    free(h->labels);
    free(h->taints);
    free(h->disks);
    *h = (struct host){0};
}

void inventory_labels_set(struct host *h, const char *key, const char *value)
{
    for (size_t i = 0; i < h->label_count; i++) {
        if (strcmp(h->labels[i].key, key) != 0)
            continue;
        free(h->labels[i].value);
        h->labels[i].value = xstrdup(value);
        return;
    }
    h->labels = xrealloc(h->labels, h->label_count + 1, sizeof(*h->labels));
    h->labels[h->label_count++] = (struct label){xstrdup(key), xstrdup(value)};
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

/* Only what `defaults` may hold can be there to copy. */
void inventory_host_copy(struct host *to, const struct host *from)
{
    *to = (struct host){.port = from->port, .sudo = from->sudo, .state = from->state};
    to->user = copy(from->user);
    to->key = copy(from->key);
    to->password = copy(from->password);
    to->sudo_password = copy(from->sudo_password);
    for (size_t i = 0; i < from->label_count; i++)
        inventory_labels_set(to, from->labels[i].key, from->labels[i].value);
}

void inventory_release(struct inventory *inv)
{
    char *texts[] = {inv->path,         inv->cluster_name,     inv->endpoint,   inv->virtual_ip,
                     inv->pod_cidr,     inv->service_cidr,     inv->dns_domain, inv->network,
                     inv->bundle,       inv->known_hosts,      inv->profile,    inv->rack.cidr,
                     inv->rack.gateway, inv->rack.coordinator, inv->rack.mac};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    bond_release(&inv->rack.bond);
    for (size_t i = 0; i < inv->host_count; i++)
        inventory_host_release(&inv->hosts[i]);
    for (size_t i = 0; i < inv->project_count; i++)
        inventory_project_release(&inv->projects[i]);
    free(inv->projects);
    free(inv->hosts);
    inventory_host_release(&inv->defaults);
    strv_release(&inv->storage);
    strv_release(&inv->bundle_keys);
    *inv = INVENTORY_INIT;
}

const char *inventory_card(const char *mac, const struct bond *bond)
{
    return !mac && bond->macs.count ? bond->macs.items[0] : mac;
}

const char *host_label(const struct host *h)
{
    const char *card = inventory_card(h->mac, &h->bond);
    if (h->name || h->address)
        return h->name ? h->name : h->address;
    return card ? card : h->serial;
}

static void reader_release(struct inventory_reader *r)
{
    free(r->dir);
    inventory_host_release(&r->defaults);
    inventory_release(r->inv);
}

/* mode: of the file when it is a regular one, else 0. */
static int read_inventory(const struct yaml_file *file, mode_t mode, struct inventory *out,
                          struct error *err)
{
    struct inventory inv = {.path = xstrdup(file->name)};
    CLEANUP(reader_release)
    struct inventory_reader r = {.file = file, .dir = path_dirname(file->name), .inv = &inv};
    inventory_set_fallbacks(&r, PLACE_TOP, &inv);
    inventory_set_fallbacks(&r, PLACE_CLUSTER, &inv);
    inventory_set_fallbacks(&r, PLACE_DEFAULTS, &r.defaults);
    if (file->root && file->root->kind != YAML_MAPPING)
        return yaml_error(file, file->root, err, "expected a mapping such as hosts: [10.0.0.11]");
    int rc = inventory_read_section(&r, file->root, PLACE_TOP, &inv, err);
    if (rc < 0)
        return rc;
    if (r.secret && (mode & (S_IRWXG | S_IRWXO))) {
        (void) error_set(err, -EPERM,
                         "%s:%u:%u: a password in a file that others can read (mode "
                         "%04o), expected mode 0600",
                         file->name, r.secret->line, r.secret->column, (unsigned) (mode & 07777));
        (void) error_remedy(err, "chmod 600 %s", file->name);
        return -EPERM;
    }
    rc = inventory_check(&r, err);
    if (rc < 0)
        return rc;
    inv.defaults = r.defaults;
    r.defaults = (struct host){0};
    *out = inv;
    inv = INVENTORY_INIT;
    return 0;
}

int inventory_from_yaml(const struct yaml_file *file, struct inventory *out, struct error *err)
{
    return read_inventory(file, 0, out, err);
}

/* One open descriptor for mode and content, so that neither can be swapped under the other. */
int inventory_load(const char *path, struct inventory *out, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, -errno, "%s", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(err, -errno, "%s", path);
    CLEANUP(strbuf_release_secret)
    struct strbuf text;
    strbuf_init(&text, (size_t) YAML_SIZE_MAX);
    int rc = fd_read_to_end(fd, &text);
    if (rc == -E2BIG)
        return error_set(err, -EINVAL, "%s:1:1: larger than %d bytes, expected a list of hosts",
                         path, YAML_SIZE_MAX);
    if (rc < 0)
        return error_errno(err, rc, "%s", path);
    CLEANUP(yaml_release)
    struct yaml_file file = YAML_FILE_INIT;
    rc = yaml_parse(text.data, text.len, path, &file, err);
    if (rc < 0)
        return rc;
    return read_inventory(&file, S_ISREG(st.st_mode) ? st.st_mode : 0, out, err);
}

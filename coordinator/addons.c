#include "coordinator/addons.h"

#include "coordinator/stack-work.h"
#include "coordinator/storage.h"

#include <errno.h>
#include <string.h>

const struct component *addons_find(const struct bundle *b, const char *name)
{
    const struct component *c = bundle_find(b, name);
    return c && c->kind == COMPONENT_ADDON ? c : NULL;
}

static void missing_images(const struct bundle *b, const struct component *addon, struct strv *out)
{
    const char *value;
    json_t *repository;
    json_object_foreach(addon->images, value, repository) {
        if (!bundle_find_image(b, json_string_value(repository)))
            strv_add(out, json_string_value(repository));
    }
}

static bool is_complete(const struct bundle *b, const char *name)
{
    STRV(missing);
    const struct component *addon = addons_find(b, name);
    if (addon)
        missing_images(b, addon, &missing);
    return addon && missing.count == 0;
}

bool addons_is_network(const char *name)
{
    return strcmp(name, NETWORK_CANAL) == 0 || strcmp(name, NETWORK_FLANNEL) == 0;
}

/* Of any node: the control planes may be others than when it was made. */
static const char *live_network(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const char *found = facts_string(&run->hosts[i].facts, "node", "network", "");
        if (addons_is_network(found))
            return found;
    }
    return NULL;
}

const char *addons_network(const struct run *run)
{
    if (run->network)
        return run->network;
    if (run->inv->network)
        return run->inv->network;
    const char *live = live_network(run);
    return live ? live : is_complete(run->bundle, NETWORK_CANAL) ? NETWORK_CANAL : NETWORK_FLANNEL;
}

static bool wants_addon(const struct run *run, const struct component *addon)
{
    return strcmp(addon->name, addons_network(run)) == 0 || storage_wants(run->inv, addon->name);
}

static bool claims(const struct component *addon, const struct component *image)
{
    const char *value;
    json_t *repository;
    json_object_foreach(addon->images, value, repository) {
        if (component_is_image_of(image, json_string_value(repository)))
            return true;
    }
    return false;
}

static bool is_stack_image(const struct bundle *b, const struct component *image)
{
    size_t k;
    json_t *repository;
    for (size_t i = 0; i < b->component_count; i++)
        if (b->components[i].kind == COMPONENT_STACK)
            json_array_foreach(b->components[i].images, k, repository)
                if (component_is_image_of(image, json_string_value(repository)))
                    return true;
    return false;
}

static bool is_rendered(const struct stack_work *w, const char *ref)
{
    for (size_t i = 0; i < w->stack.count; i++)
        if (strv_contains(&w->rendered[i].images, ref))
            return true;
    return false;
}

static bool wants_image(const struct run *run, const struct component *image)
{
    const struct bundle *b = run->bundle;
    bool claimed = is_stack_image(b, image);
    if (run->stack && is_rendered(run->stack, image->ref))
        return true;
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *addon = &b->components[i];
        if (addon->kind != COMPONENT_ADDON || !claims(addon, image))
            continue;
        if (wants_addon(run, addon))
            return true;
        claimed = true;
    }
    return !claimed;
}

bool addons_wants(const struct run *run, const struct component *c)
{
    return c->kind == COMPONENT_ADDON   ? wants_addon(run, c)
           : c->kind == COMPONENT_IMAGE ? wants_image(run, c)
                                        : true;
}

static int check_addon(const struct bundle *b, const char *key, const char *name, struct error *err)
{
    STRV(missing);
    const struct component *addon = addons_find(b, name);
    if (!addon) {
        error_set(err, -ENOENT, "hosts.yaml asks for `%s: %s`, and the bundle has no such addon",
                  key, name);
        return error_remedy(err, "name a bundle that has it, or another `%s`", key);
    }
    missing_images(b, addon, &missing);
    if (missing.count == 0)
        return 0;
    AUTO_FREE char *list = strv_join(&missing, ", ");
    error_set(err, -ENOENT, "hosts.yaml asks for `%s: %s`, and the bundle lacks its images %s", key,
              name, list);
    return error_remedy(err,
                        "add them: `bundle build` a recipe that names them (for canal: "
                        "images/recipes/canal.yaml) where their registry or a mirror is reached, "
                        "then `bundle merge` it with this bundle; or choose another `%s`",
                        key);
}

/* What a hosts.yaml that says nothing has: not asked for where the bundle does without. */
static bool is_asked_for(const struct inventory *inv, const struct bundle *b, const char *storage)
{
    return storage_wants(inv, storage) &&
           (strcmp(storage, STORAGE_CLASS_LOCAL_PATH) != 0 || addons_find(b, storage));
}

int addons_check(const struct inventory *inv, const struct bundle *b, struct error *err)
{
    int r = inv->network ? check_addon(b, "network", inv->network, err) : 0;
    for (size_t i = 0; r == 0 && i < inv->storage.count; i++)
        if (is_asked_for(inv, b, inv->storage.items[i]))
            r = check_addon(b, "storage", inv->storage.items[i], err);
    return r;
}

void addons_image_values(const struct bundle *b, const struct component *addon, json_t *values)
{
    const char *value;
    json_t *repository;
    json_object_foreach(addon->images, value, repository) {
        const struct component *image = bundle_find_image(b, json_string_value(repository));
        if (image)
            json_object_set_new(values, value, json_string(image->ref));
    }
}

#include "agent/facts.h"
#include "agent/files-param.h"
#include "agent/mounts.h"
#include "agent/program.h"
#include "agent/step.h"
#include "agent/swap.h"
#include "agent/sysctls.h"
#include "lib/protocol.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MODPROBE_TIMEOUT_MS 30000

static bool module_name_valid(const char *name)
{
    size_t len = strlen(name);
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return len > 0 && len < 64 && name[0] != '-' && strspn(name, allowed) == len;
}

static int need_modules(const json_t *params, json_t **out, struct error *err)
{
    *out = NULL;
    if (!json_object_get(params, "modules")) {
        return 0;
    }
    int r = json_need_array(params, "modules", out, err);
    size_t i;
    json_t *item;
    json_array_foreach(*out, i, item) {
        if (!json_is_string(item) || !module_name_valid(json_string_value(item))) {
            return error_set(err, -EINVAL, "modules: not the name of a module");
        }
    }
    return r;
}

/* The modules that are there as files and have to be loaded. */
static int modules_to_load(const json_t *params, struct strv *names, struct error *err)
{
    json_t *modules;
    int r = need_modules(params, &modules, err);
    if (r < 0) {
        return r;
    }
    AUTO_JSON *facts = json_object();
    facts_kernel(facts);
    const json_t *states = json_object_get(facts, "modules");
    size_t i;
    json_t *item;
    json_array_foreach(modules, i, item) {
        const char *name = json_string_value(item);
        const char *state = json_get_string(states, name, "available");
        if (strcmp(state, "missing") == 0) {
            error_set(err, -EOPNOTSUPP, "the kernel of this host has no module %s", name);
            return error_remedy(err, "install the distribution's full kernel package (not a "
                                     "\"cloud\" or minimal one) and boot it");
        }
        if (strcmp(state, "available") == 0) {
            strv_add(names, name);
        }
    }
    return 0;
}

static int load_modules(const struct step_context *ctx, const json_t *params, struct error *err)
{
    STRV(names);
    int r = modules_to_load(params, &names, err);
    for (size_t i = 0; r >= 0 && i < names.count; i++) {
        const char *name = names.items[i];
        step_progress(ctx, (int64_t) i, (int64_t) names.count, "loading module %s", name);
        r = ledger_module(ctx->ledger, name, err);
        if (r >= 0) {
            const char *const argv[] = {"modprobe", "--", name, NULL};
            struct process_options options = program_options(ctx->cancel, MODPROBE_TIMEOUT_MS);
            r = process_run(argv, &options, NULL, err);
        }
    }
    return r < 0 ? r : 0;
}

static int wants_swap_off(const json_t *params, bool *off, struct error *err)
{
    const char *swap = json_get_string(params, "swap", "keep");
    *off = strcmp(swap, "off") == 0;
    if (!*off && strcmp(swap, "keep") != 0) {
        return error_set(err, -EINVAL, "swap: expected \"off\" or \"keep\"");
    }
    return 0;
}

static bool wants_bpf(const json_t *params)
{
    return json_get_bool(params, "bpf", false) && !mounts_have_bpf();
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    (void) ctx;
    size_t before = differences->count;
    STRV(modules);
    bool swap_off = false;
    int r = wants_swap_off(params, &swap_off, err);
    r = r < 0 ? r : modules_to_load(params, &modules, err);
    r = r < 0 ? r : files_param_check(params, differences, err);
    r = r < 0 ? r : sysctls_check(params, differences, err);
    r = r < 0 || !swap_off ? r : swap_check(differences, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < modules.count; i++) {
        strv_addf(differences, "load module %s", modules.items[i]);
    }
    if (!mounts_root_shared()) {
        strv_add(differences, "let mounts below / propagate");
    }
    if (wants_bpf(params)) {
        strv_add(differences, "mount /sys/fs/bpf");
    }
    if (access(AGENT_VOLUMES_DIR, F_OK) != 0) {
        strv_add(differences, "make " AGENT_VOLUMES_DIR);
    }
    return differences->count == before;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    bool swap_off = false;
    int r = wants_swap_off(params, &swap_off, err);
    r = r < 0 ? r : files_param_apply(ctx, params, err);
    /* Modules first: some sysctls are theirs. */
    r = r < 0 ? r : load_modules(ctx, params, err);
    r = r < 0 ? r : sysctls_apply(ctx, params, err);
    if (r >= 0 && swap_off) {
        r = swap_turn_off(ctx, err);
    }
    if (r >= 0 && !mounts_root_shared()) {
        r = mounts_share_root(ctx->ledger, err);
    }
    if (r >= 0 && wants_bpf(params)) {
        r = mounts_bpf(ctx->ledger, err);
    }
    /* Before kubelet does it unrecorded, and open to every user of the host. */
    r = r < 0 ? r : ledger_mkdir(ctx->ledger, AGENT_VOLUMES_DIR, 0700, err);
    return r < 0 ? r : 0;
}

const struct step step_host = {.name = "host", .check = check, .apply = apply};

/* Every node can mount by NFS, and one may serve: agent/nfs.h. */
#include "agent/nfs.h"
#include "agent/paths.h"
#include "agent/program.h"
#include "agent/service.h"
#include "agent/step.h"
#include "agent/units.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODPROBE_TIMEOUT_MS 60000
#define EXPORT_MODE 0755
#define LEDGER_WAS_IDLE "nfs-was-idle"
#define STATE_DIR "/var/lib/nfs"
#define EXPORTS "/etc/exports"
#define FILESYSTEMS_MAX (64 * 1024)

/* What programs of others look for: mount(8) calls mount.nfs by its path, libtirpc reads netconfig.
 * Only where the host has none. */
static const struct {
    const char *path, *target;
} links[] = {
    {"/sbin/mount.nfs", NFS_PREFIX "/sbin/mount.nfs"},
    {"/sbin/mount.nfs4", NFS_PREFIX "/sbin/mount.nfs"},
    {"/sbin/umount.nfs", NFS_PREFIX "/sbin/mount.nfs"},
    {"/sbin/umount.nfs4", NFS_PREFIX "/sbin/mount.nfs"},
    {"/etc/netconfig", NFS_PREFIX "/etc/netconfig"},
};

static bool exists(const char *absolute)
{
    AUTO_FREE char *path = agent_path(absolute);
    return access(path, F_OK) == 0;
}

static int need_programs(const char *program, struct error *err)
{
    if (exists(program)) {
        return 0;
    }
    error_set(err, -ENOENT, "there is no %s: neither this host nor the bundle has nfs-utils",
              program);
    return error_remedy(err, "install nfs-common (nfs-kernel-server on the server), or build the "
                             "bundle from a recipe with the component nfs-utils");
}

static int check_links(struct strv *differences)
{
    int same = 1;
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        if (!exists(links[i].path)) {
            strv_addf(differences, "link %s", links[i].path);
            same = 0;
        }
    }
    return same;
}

static int make_links(const struct step_context *ctx, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(links); i++) {
        if (exists(links[i].path)) {
            continue;
        }
        r = need_programs(links[i].target, err);
        AUTO_FREE char *path = agent_path(links[i].path);
        r = r < 0 ? r : ledger_symlink(ctx->ledger, path, links[i].target, err);
    }
    return r < 0 ? r : 0;
}

/* A kernel module by the file system that it brings. */
static const struct {
    const char *module, *filesystem;
    bool server;
} modules[] = {{"nfsv4", "\tnfs4\n", false}, {"nfsd", "\tnfsd\n", true}};

static bool has_filesystem(const char *line)
{
    STRBUF(text, FILESYSTEMS_MAX);
    (void) file_read("/proc/filesystems", &text, NULL);
    return strstr(text.data, line);
}

static bool is_wanted(size_t i, const struct nfs_params *p)
{
    return (p->export || !modules[i].server) && !has_filesystem(modules[i].filesystem);
}

static int load_modules(const struct step_context *ctx, const struct nfs_params *p,
                        struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        if (!is_wanted(i, p)) {
            continue;
        }
        const char *name = modules[i].module;
        const char *const argv[] = {"modprobe", "--", name, NULL};
        struct process_options options = program_options(ctx->cancel, MODPROBE_TIMEOUT_MS);
        int r = ledger_module(ctx->ledger, name, err);
        r = r < 0 ? r : process_run(argv, &options, NULL, err);
        if (r < 0) {
            return error_prefix(err, "the kernel of this host has no NFS %s",
                                modules[i].server ? "server" : "client");
        }
    }
    return 0;
}

/* The host's own server counts when a package brought its unit. */
struct server {
    bool ours, was_idle;
    json_t *service;
};

static void server_release(struct server *s)
{
    json_decref(s->service);
}
#define AUTO_SERVER CLEANUP(server_release) struct server

static int server_look(const struct step_context *ctx, const struct nfs_params *p,
                       struct server *out, struct error *err)
{
    struct unit_state state;
    int r = unit_state(NFS_HOST_UNIT, &state, err);
    if (r < 0) {
        return r;
    }
    const char *known = ledger_get(ctx->ledger, LEDGER_WAS_IDLE);
    out->ours = !state.fragment[0];
    out->was_idle = known ? strcmp(known, "yes") == 0 : strcmp(state.active, "active") != 0;
    out->service = nfs_service(p, out->ours, out->was_idle);
    return 0;
}

/* Else what is written would go into the file system below. */
static int check_mounted(const struct nfs_params *p, struct error *err)
{
    struct stat here, above;
    AUTO_FREE char *parent = p->mount ? path_dirname(p->mount) : NULL;
    if (!p->mount) {
        return 0;
    }
    if (stat(p->mount, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev) {
        return 0;
    }
    error_set(err, -ENODEV, "%s, which is to hold %s, is not mounted", p->mount, p->export);
    return error_remedy(err, "look at `findmnt %s` and at the disk on the host", p->mount);
}

static int check_server(const struct step_context *ctx, const struct nfs_params *p,
                        struct strv *differences, struct error *err)
{
    AUTO_SERVER server = {0};
    int r = server_look(ctx, p, &server, err);
    if (r < 0) {
        return r;
    }
    struct stat st;
    int same = stat(p->export, &st) == 0;
    if (!same) {
        strv_addf(differences, "make %s", p->export);
    }
    r = service_check(server.service, ctx->ledger, SERVICE_RELOADING, differences, err);
    return r < 0 ? r : r && same;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    AUTO_NFS_PARAMS p = {0};
    int r = nfs_params_read(params, &p, err);
    if (r < 0) {
        return r;
    }
    int same = check_links(differences);
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        if (is_wanted(i, &p)) {
            strv_addf(differences, "load module %s", modules[i].module);
            same = 0;
        }
    }
    r = p.export ? check_server(ctx, &p, differences, err) : 1;
    return r < 0 ? r : r && same;
}

/* The daemons keep their state there, and exportfs wants its file. A host's own nfs-utils have both
 * already. */
static int make_places(const struct step_context *ctx, const struct nfs_params *p,
                       struct error *err)
{
    static const char text[] = "# see exports.d\n";
    int r = exists(STATE_DIR) ? 0 : ledger_will_own_tree(ctx->ledger, STATE_DIR, err);
    r = r < 0 ? r : path_mkdir_p(STATE_DIR, EXPORT_MODE, err);
    if (r >= 0 && !exists(EXPORTS)) {
        r = ledger_write_file(ctx->ledger, EXPORTS, text, strlen(text), 0644, err);
    }
    r = r < 0 ? r : ledger_will_appear(ctx->ledger, "data", p->export, err);
    return r < 0 ? r : path_mkdir_p(p->export, EXPORT_MODE, err);
}

/* Reset stops the newest first: the server before what it needs. */
static int record_helpers(const struct step_context *ctx, struct error *err)
{
    int r = 0;
    for (const char *const *unit = nfs_helper_units; r >= 0 && *unit; unit++) {
        r = ledger_unit(ctx->ledger, *unit, err);
    }
    return r;
}

static int apply_server(const struct step_context *ctx, const struct nfs_params *p,
                        struct error *err)
{
    AUTO_SERVER server = {0};
    int r = check_mounted(p, err);
    r = r < 0 ? r : server_look(ctx, p, &server, err);
    if (r >= 0 && server.ours) {
        r = need_programs(NFS_PREFIX "/usr/sbin/rpc.nfsd", err);
    }
    r = r < 0 ? r : ledger_set(ctx->ledger, LEDGER_WAS_IDLE, server.was_idle ? "yes" : "no", err);
    r = r < 0 ? r : ledger_set(ctx->ledger, NFS_LEDGER_EXPORT, p->export, err);
    r = r < 0 ? r : make_places(ctx, p, err);
    if (r >= 0 && server.ours) {
        r = record_helpers(ctx, err);
    }
    return r < 0 ? r : service_apply(ctx, server.service, SERVICE_RELOADING, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    AUTO_NFS_PARAMS p = {0};
    int r = nfs_params_read(params, &p, err);
    r = r < 0 ? r : make_links(ctx, err);
    r = r < 0 ? r : load_modules(ctx, &p, err);
    return r < 0 || !p.export ? r : apply_server(ctx, &p, err);
}

const struct step step_nfs = {.name = "nfs", .check = check, .apply = apply};

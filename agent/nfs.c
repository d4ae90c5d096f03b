#include "agent/nfs.h"

#include "lib/digest.h"
#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>

#define EXPORTS_FILE "/etc/exports.d/bigtop.exports"
#define EXPORTS_MAX (1024 * 1024)
#define UNIT_DIR "/etc/systemd/system/"
#define FSID_LEN 32
#define PROGRAMS NFS_PREFIX "/usr/sbin/"

void nfs_params_release(struct nfs_params *p)
{
    strv_release(&p->clients);
}

/* What exports(5) and systemd's paths need no quotes for. */
static bool is_plain_path(const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    return grammar_absolute_path(s) && s[1] && s[strspn(s, plain)] == '\0';
}

static int read_clients(const json_t *list, struct strv *out, struct error *err)
{
    size_t i;
    json_t *client;
    json_array_foreach(list, i, client) {
        const char *text = json_string_value(client);
        if (!text || !grammar_ipv4(text)) {
            return error_set(err, -EINVAL, "clients: expected IPv4 addresses");
        }
        strv_add(out, text);
    }
    return out->count > 0 ? 0 : error_set(err, -EINVAL, "clients: expected at least one");
}

int nfs_params_read(const json_t *params, struct nfs_params *out, struct error *err)
{
    AUTO_NFS_PARAMS p = {.export = json_get_string(params, "export", NULL),
                         .mount = json_get_string(params, "mount", NULL)};
    if (p.export) {
        json_t *clients;
        if (!is_plain_path(p.export) || (p.mount && !is_plain_path(p.mount))) {
            return error_set(err, -EINVAL, "export: expected an absolute path of plain characters");
        }
        int r = json_need_array(params, "clients", &clients, err);
        r = r < 0 ? r : read_clients(clients, &p.clients, err);
        if (r < 0) {
            return r;
        }
    }
    *out = p;
    p.clients = STRV_INIT;
    return 0;
}

/* Root of a node is root here: kubelet and the provisioner make and remove folders of all users.
 * fsid: volumes stay known to clients when the disk has another device number or is copied. */
static char *exports_text(const struct nfs_params *p)
{
    STRBUF(text, EXPORTS_MAX);
    char digest[DIGEST_SIZE];
    digest_buffer(p->export, strlen(p->export), digest);
    strbuf_addf(&text, "%s -rw,sync,no_subtree_check,no_root_squash,sec=sys,fsid=%.*s", p->export,
                FSID_LEN, digest + strlen("sha256:"));
    if (p->mount) {
        strbuf_addf(&text, ",mountpoint=%s", p->mount);
    }
    for (size_t i = 0; i < p->clients.count; i++) {
        strbuf_addf(&text, " %s", p->clients.items[i]);
    }
    strbuf_addc(&text, '\n');
    return strbuf_steal(&text);
}

static void add_file(json_t *files, const char *path, const char *content)
{
    json_array_append_new(files, json_pack("{ssss}", "path", path, "content", content));
}

/* A disk that is missing must not be served as an empty folder: its mount unit comes first. */
static char *needs_mount(const struct nfs_params *p)
{
    return xasprintf("[Unit]\nRequiresMountsFor=%s\n", p->export);
}

const char *const nfs_helper_units[] = {"proc-fs-nfsd.mount", "run-bigtop_pipefs.mount",
                                        "bigtop-nfsdcld.service", "bigtop-nfs-mountd.service",
                                        NULL};

static const struct {
    const char *path, *content;
} our_files[] = {
    {UNIT_DIR "proc-fs-nfsd.mount", "[Unit]\nDescription=NFSD's settings\nDefaultDependencies=no\n"
                                    "\n[Mount]\nWhat=nfsd\nWhere=/proc/fs/nfsd\nType=nfsd\n"},
    {UNIT_DIR "run-bigtop_pipefs.mount",
     "[Unit]\nDescription=Kernel's questions to NFS daemons\nDefaultDependencies=no\n"
     "\n[Mount]\nWhat=sunrpc\nWhere=/run/bigtop_pipefs\nType=rpc_pipefs\n"},
    {UNIT_DIR "bigtop-nfsdcld.service",
     "[Unit]\nDescription=NFSv4 clients that may reclaim after a restart\n"
     "Requires=proc-fs-nfsd.mount run-bigtop_pipefs.mount\n"
     "After=proc-fs-nfsd.mount run-bigtop_pipefs.mount\nPartOf=" NFS_OUR_UNIT "\n"
     "\n[Service]\nRestart=on-failure\n"
     "ExecStart=" PROGRAMS "nfsdcld -F -p /run/bigtop_pipefs\n"},
    {UNIT_DIR "bigtop-nfs-mountd.service",
     "[Unit]\nDescription=Who may mount what by NFS\nRequires=proc-fs-nfsd.mount\n"
     "After=proc-fs-nfsd.mount network-online.target\nPartOf=" NFS_OUR_UNIT "\n"
     "\n[Service]\nRestart=on-failure\n"
     "ExecStart=" PROGRAMS "rpc.mountd -F -N 2 -N 3\n"},
    {UNIT_DIR NFS_OUR_UNIT,
     "[Unit]\nDescription=NFS server of the cluster's volumes\n"
     "Requires=proc-fs-nfsd.mount bigtop-nfs-mountd.service\n"
     "Wants=bigtop-nfsdcld.service network-online.target\n"
     "After=proc-fs-nfsd.mount bigtop-nfs-mountd.service bigtop-nfsdcld.service "
     "network-online.target local-fs.target\n"
     "\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
     "ExecStartPre=" PROGRAMS "exportfs -r\n"
     "ExecStart=" PROGRAMS "rpc.nfsd -N 3 -N 4.0 -N 4.1 -V 4.2 8\n"
     "ExecReload=" PROGRAMS "exportfs -r\n"
     "ExecStop=" PROGRAMS "rpc.nfsd 0\n"
     "ExecStopPost=" PROGRAMS "exportfs -au\n"
     "ExecStopPost=" PROGRAMS "exportfs -f\n"
     "\n[Install]\nWantedBy=multi-user.target\n"},
};

static void add_our_files(json_t *files)
{
    for (size_t i = 0; i < ARRAY_SIZE(our_files); i++) {
        add_file(files, our_files[i].path, our_files[i].content);
    }
}

json_t *nfs_service(const struct nfs_params *p, bool ours, bool was_idle)
{
    const char *unit = ours ? NFS_OUR_UNIT : NFS_HOST_UNIT;
    AUTO_FREE char *exports = exports_text(p);
    AUTO_FREE char *order = needs_mount(p);
    AUTO_FREE char *drop_in = xasprintf(UNIT_DIR "%s.d/bigtop.conf", unit);
    json_t *files = json_array();
    add_file(files, EXPORTS_FILE, exports);
    if (ours) {
        add_our_files(files);
    } else if (was_idle) {
        add_file(files, "/etc/nfs.conf.d/bigtop.conf",
                 "[nfsd]\nvers2=n\nvers3=n\nvers4=y\nvers4.0=n\nvers4.1=n\nvers4.2=y\n");
    }
    add_file(files, drop_in, order);
    return json_pack("{soss}", "files", files, "unit", unit);
}

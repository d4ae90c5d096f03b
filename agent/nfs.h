/* What makes a host an NFS server: its exports and its service. Pure.
 *
 * NFSv4.2 alone, in the kernel: no rpcbind, no statd, one port (TCP 2049). The host's own nfs-utils
 * (nfs-server.service) do it where they are installed, else the bundle's programs in NFS_PREFIX,
 * with units of ours. A server that runs already keeps the versions that it offers. Sources:
 * exports(5), rpc.nfsd(8), rpc.mountd(8), nfsdcld(8), nfs.conf(5) of nfs-utils 2.6. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>

#define NFS_PREFIX "/opt/bigtop/nfs" /* component nfs-utils of the recipe */
#define NFS_HOST_UNIT "nfs-server.service"
#define NFS_OUR_UNIT "bigtop-nfs.service"
#define NFS_LEDGER_EXPORT "nfs-export" /* value of the ledger: what this host exports */

/* The parameters of step nfs; strings are borrowed from them. */
struct nfs_params {
    const char *export; /* NULL: this host is a client alone */
    const char *mount;  /* NULL, or the mount point that the export is on */
    struct strv clients;
};
/* -EINVAL when a path or an address is none. */
int nfs_params_read(const json_t *params, struct nfs_params *out, struct error *err);
void nfs_params_release(struct nfs_params *p);
#define AUTO_NFS_PARAMS CLEANUP(nfs_params_release) struct nfs_params

/* The "files" and "unit" of agent/service.h. ours: by the bundle's programs; else the host's, whose
 * versions are set when it was idle before us. The caller owns it. */
json_t *nfs_service(const struct nfs_params *p, bool ours, bool was_idle);
/* Units of ours beside the main one, in the order that they start in; NULL-terminated. */
extern const char *const nfs_helper_units[];

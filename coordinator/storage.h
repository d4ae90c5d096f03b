/* Persistent volumes: what hosts.yaml's `storage`, hosts[].disks[].class and hosts[].nfs mean for
 * the cluster. Pure.
 *
 * Each class of disk becomes a StorageClass of that name, of the first of openebs and local-path
 * that `storage` names, on the nodes that have such a disk: they carry the label
 * STORAGE_LABEL_PREFIX/<class>. A class of a fixed name is on the root file system of every node.
 * One is the default: with nfs first that of NFS; else the first class of disk, in the order of
 * hosts.yaml, of a host that stays; else the one on the root file system.
 *
 * Sources: storage.k8s.io/v1 StorageClass; local-path-provisioner v0.0.30 (config.json,
 * "storageClassConfigs"); dynamic-localpv-provisioner 4.x (annotation cas.openebs.io/config);
 * nfs-subdir-external-provisioner v4.0 (deploy/class.yaml). */
#pragma once

#include "coordinator/inventory.h"
#include "lib/json.h"

#include <stdbool.h>
#include <sys/types.h>

#define STORAGE_CLASS_LOCAL_PATH "local-path"
#define STORAGE_CLASS_OPENEBS "openebs-hostpath"
#define STORAGE_CLASS_NFS "nfs"
#define STORAGE_LABEL_PREFIX "disks.bigtop.apache.org"

/* Whether the addon of that name is one that `storage` names. */
bool storage_wants(const struct inventory *inv, const char *addon);
/* The class that a claim without one gets; NULL with storage: none. Borrowed. */
const char *storage_default_class(const struct inventory *inv);
/* Of the host that is the NFS server: its index, or -1. */
ssize_t storage_nfs_server(const struct inventory *inv);

/* Adds to the parameters of step addon what a provisioner needs: classes as "resources", settings
 * as "values" (which must be there), and, with the one that has it, "default_class". nfs_server is
 * the address of that host. Does nothing for other addons. */
void storage_addon(const struct inventory *inv, const char *addon, const char *nfs_server,
                   json_t *params);
/* The mount point of a disk of this host, the NFS server, that its export is on, or NULL. The
 * caller frees. */
char *storage_nfs_mount(const struct host *h);
/* Adds a label for each class of disk that the host has. */
void storage_labels(const struct host *h, json_t *labels);

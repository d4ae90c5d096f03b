/* What is mounted, and mount propagation. Pods that mount for the host (CSI, Calico) need "/" to be
 * shared, which systemd sees to at boot except in containers. */
#pragma once

#include "agent/step.h"

/* True when the mount at "/" propagates to others (mountinfo(5): "shared:"). */
bool mounts_root_shared(void);
/* Makes "/" and what is below it shared; reset puts back those that were not. */
int mounts_share_root(struct ledger *ledger, struct error *err);
/* True when the kernel's BPF file system is at /sys/fs/bpf, where Calico keeps its maps. */
bool mounts_have_bpf(void);
/* Mounts it there; reset unmounts it. systemd does so at boot, except in containers. */
int mounts_bpf(struct ledger *ledger, struct error *err);

/* Every mount point of this host, in the order of mounting; appended. */
int mounts_list(struct strv *points, struct error *err);
/* From the text of /proc/self/mountinfo: all mount points, and those that do not propagate. */
void mounts_points(const char *mountinfo, struct strv *points);
void mounts_not_shared(const char *mountinfo, struct strv *points);

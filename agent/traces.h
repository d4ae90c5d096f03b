/* What the parts of Kubernetes make on a host by themselves, recorded before they can: folders,
 * mounts, network links, packet filter chains. reset removes exactly these. One table
 * (traces.c). */
#pragma once

#include "agent/step.h"

enum traces_of {
    TRACES_RUNTIME, /* containerd and CNI */
    TRACES_NODE,    /* kubelet, kubeadm and the pods of kube-system */
};

/* 1 when the folders are free or ours; -EEXIST when one that must belong to us whole holds
 * something that we did not make: err names it and the remedy. */
int traces_check(const struct ledger *ledger, enum traces_of of, struct error *err);
/* Records them all; what is recorded already is left. */
int traces_record(const struct step_context *ctx, enum traces_of of, struct error *err);

/* The parameters of each step for one host, from hosts.yaml, the hosts' facts and the bundle.
 * Pure but for reading sizes from bigtop.json. */
#pragma once

#include "coordinator/run.h"
#include "kubeadm/config.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

/* One step to be done: what to call and which blobs the host needs for it. */
struct task {
    const char *step;
    const char *suffix; /* of the job id, or NULL */
    json_t *params;     /* owned */
    struct strv blobs;  /* digests */
    int timeout_ms;
};
#define TASK_INIT ((struct task){0})
void task_release(struct task *t);
#define AUTO_TASK CLEANUP(task_release) struct task

/* The images that kubeadm itself refers to (repository registry.k8s.io), or all the others, which
 * the addons bring. */
enum image_set { IMAGES_OF_KUBEADM, IMAGES_OF_ADDONS };

int params_host(const struct host_run *h, struct task *out, struct error *err);
int params_unpack(const struct host_run *h, struct task *out, struct error *err);
int params_balancer(const struct host_run *h, struct task *out, struct error *err);
int params_runtime(const struct host_run *h, struct task *out, struct error *err);
int params_import(const struct host_run *h, enum image_set set, struct task *out,
                  struct error *err);
/* The NFS server, or one of its clients. */
int params_nfs(const struct host_run *h, struct task *out, struct error *err);
int params_kubelet(const struct host_run *h, struct task *out, struct error *err);
/* token: of this run. */
int params_init(const struct host_run *h, const char *token, struct task *out, struct error *err);
int params_join(const struct host_run *h, struct task *out, struct error *err);
/* On the leader, with run->certificate_key. */
int params_certs(const struct host_run *h, struct task *out, struct error *err);
/* On the leader: the control planes that are about to join. */
int params_members(struct run *run, struct task *out, struct error *err);
int params_addon(const struct host_run *h, const struct component *addon, struct task *out,
                 struct error *err);
/* Labels and taints of the nodes that are there, from the host with the index *next on: as many as
 * fit into one message. *next becomes the first host that is left over. */
int params_label(const struct run *run, size_t *next, struct task *out, struct error *err);
/* "files" of a step. */
json_t *params_files(const struct host_files *files);

/* Workers, and, without any worker in the file, the control planes. */
bool params_takes_pods(const struct host_run *h);

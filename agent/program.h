/* The programs that the bundle put on the host, and how we call them: by their full path, so that
 * another kubectl in PATH is never taken, and with an environment of our own, so that neither a
 * proxy nor a KUBECONFIG of somebody's shell leaks in. Their caches go to AGENT_RUN_DIR: a call
 * that only asks leaves nothing on the disk. */
#pragma once

#include "lib/json.h"
#include "lib/process.h"

#include <stdbool.h>

#define PROGRAM_KUBEADM "/usr/local/bin/kubeadm"
#define PROGRAM_KUBECTL "/usr/local/bin/kubectl"
#define PROGRAM_CTR "/usr/local/bin/ctr"

#define KUBERNETES_DIR "/etc/kubernetes"
#define ADMIN_CONF KUBERNETES_DIR "/admin.conf"
#define KUBELET_CONF KUBERNETES_DIR "/kubelet.conf"
#define CA_CERT KUBERNETES_DIR "/pki/ca.crt"

/* What a program may write to stdout before it is cut: `kubectl get pods -A -o json` of a large
 * cluster stays below. */
#define PROGRAM_OUTPUT_MAX (32UL * 1024 * 1024)

/* Options with the environment, the working folder and the end with the agent set; timeout in
 * milliseconds, cancel may be NULL. */
struct process_options program_options(const bool *cancel, int timeout_ms);
/* kubectl with the arguments up to a NULL, at the API server of this very host. stdout goes to
 * `out` (may be NULL). A server that says that it is too busy to answer is asked again until the
 * timeout: what is asked for has to bear being done twice. */
int kubectl_run(const char *const args[], const bool *cancel, int timeout_ms, struct strbuf *out,
                struct error *err);
/* The same with a text on stdin: `create -f -`. */
int kubectl_feed(const char *const args[], const char *text, const bool *cancel, int timeout_ms,
                 struct error *err);
/* The JSON that it writes to stdout. The caller owns *out. */
int kubectl_json(const char *const args[], const bool *cancel, int timeout_ms, json_t **out,
                 struct error *err);
/* The same of `get … --ignore-not-found`: 1, or 0 when there is no such thing. */
int kubectl_find(const char *const args[], const bool *cancel, int timeout_ms, json_t **out,
                 struct error *err);
/* Whether the API server of this control plane says that it is ready. */
bool kubectl_api_ready(const bool *cancel, int timeout_ms);
/* Waits until the API server of this control plane says that it is ready; -ETIMEDOUT,
 * -ECANCELED. */
int kubectl_api_wait(const bool *cancel, int timeout_ms, struct error *err);

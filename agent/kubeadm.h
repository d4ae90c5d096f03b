/* Running the bundle's kubeadm: its configuration goes through a 0600 file in AGENT_RUN_DIR that is
 * gone afterwards, its phases become progress, and nothing it says ever carries a token further. */
#pragma once

#include "agent/step.h"
#include "lib/digest.h"

/* Ledger key: "yes" while a reset that was begun has not come to its end. */
#define LEDGER_LEAVING "leaving"

/* Above kubeadm's own limits (kubeadm/config.c): kubelet, then the control plane. */
#define KUBEADM_TIMEOUT_MS (30 * 60 * 1000)

/* The params of init and join: the configuration and the node's name, both borrowed. */
int kubeadm_need_params(const json_t *params, const char **config, const char **node,
                        struct error *err);
/* kubeadm VERB --config FILE and the extra arguments (up to a NULL). */
int kubeadm_run(const struct step_context *ctx, const char *verb, const char *config,
                const char *const extra[], struct error *err);
/* `kubeadm init phase upload-certs`, with the key in the configuration. */
int kubeadm_upload_certs(const struct step_context *ctx, const char *config, struct error *err);
/* `kubeadm reset -f`: undoes an init or join of ours that did not come to its end, with the data of
 * an etcd that is a member of nothing. */
int kubeadm_reset(const struct step_context *ctx, struct error *err);
/* "v1.34.4" into out. */
int kubeadm_version(char out[32], struct error *err);
/* "sha256:…" of the cluster's CA on this host: kubeadm's caCertHashes. -ENOENT: there is none. */
int kubeadm_ca_hash(char out[DIGEST_SIZE], struct error *err);
/* Sets "ca_hash" and "kubeconfig" (the admin's: SECRET) of this control plane in an object. */
int kubeadm_admin_access(json_t *result, struct error *err);
/* Writes into the ledger which node of which cluster this host is: the facts report it. */
int kubeadm_remember_node(const struct step_context *ctx, const char *role, const char *node,
                          struct error *err);

/* In place: every bootstrap token ([a-z0-9]{6}.[a-z0-9]{16}), and every certificate key (64 hex
 * digits that are no digest), becomes asterisks. */
void kubeadm_redact(char *text);
/* What a line of kubeadm's output says to a user, as a pointer into it, or NULL when it is of no
 * interest: "[certs] Generating …" is, what follows "[preflight]" and the hints at the end are
 * not. */
const char *kubeadm_progress_line(const char *line);
/* True when one of the caCertHashes in the text of a JoinConfiguration is this hash; *any (may be
 * NULL) tells whether there is one at all. */
bool kubeadm_config_has_hash(const char *config, const char *hash, bool *any);

/* Running kubectl: the only place. It is the bundle's own where there is a bundle for this machine,
 * unpacked into a folder of ours and compared with its hash each time, else the one in PATH. */
#pragma once

#include "images/bundle.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define KUBECTL_TIMEOUT_MS 60000
#define KUBECTL_OUTPUT_MAX ((size_t) 64 * 1024 * 1024)

struct kubectl {
    char *program;
    char *kubeconfig;   /* NULL: only what needs no cluster */
    const bool *cancel; /* may be NULL; true ends what runs, -ECANCELED */
};

/* b and kubeconfig may be NULL; both are read. -ENOENT with a remedy when there is no kubectl. */
int kubectl_open(const struct bundle *b, const char *kubeconfig, const bool *cancel,
                 struct kubectl *out, struct error *err);
void kubectl_release(struct kubectl *k);
#define KUBECTL_INIT ((struct kubectl){0})

/* args: after the program and the kubeconfig, NULL-terminated. input (may be NULL) is its standard
 * input. What it prints is appended to out, which may be NULL. -ETIMEDOUT after `timeout_ms`;
 * -EREMOTEIO when it fails, with what it said; -EHOSTUNREACH when it could not reach the API. */
int kubectl_run(const struct kubectl *k, const char *const args[], const char *input,
                int timeout_ms, struct strbuf *out, struct error *err);
/* The same, with "-o json" added: one object, or NULL where it prints nothing. The caller's. */
int kubectl_json(const struct kubectl *k, const char *const args[], const char *input, json_t **out,
                 struct error *err);
/* One object, or NULL where there is none. space: NULL for a kind that has no namespaces. The
 * caller's. */
int kubectl_find(const struct kubectl *k, const char *kind, const char *name, const char *space,
                 json_t **out, struct error *err);
/* The last line that a pod's container said, also while it waits to be started again. container:
 * NULL where there is one. Empty where it cannot be had. Untrusted text. */
void kubectl_last_line(const struct kubectl *k, const char *pod, const char *space,
                       const char *container, struct strbuf *out);
/* Whether the user has interrupted. */
bool kubectl_cancelled(const struct kubectl *k);

/* A systemd service that is described by the step's "files" and "unit" parameters: containerd,
 * kubelet, the balancers. The ledger remembers with which files it was last started
 * ("service:UNIT"), so that a run cut off between writing a configuration and restarting the
 * service is noticed. */
#pragma once

#include "agent/step.h"

enum service_want {
    SERVICE_RUNNING,    /* enabled and active; restarted when its files changed */
    SERVICE_RELOADING,  /* enabled and active; reloaded when its files changed */
    SERVICE_AS_IT_IS,   /* enabled; restarted when it is active with older files, else left alone */
};

/* As struct step's check. */
int service_check(const json_t *params, const struct ledger *ledger, enum service_want want,
                  struct strv *differences, struct error *err);
/* Writes the files, reloads systemd, enables, starts or restarts and waits for that job's end. */
int service_apply(const struct step_context *ctx, const json_t *params, enum service_want want,
                  struct error *err);

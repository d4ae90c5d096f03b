/* A user's own way into the cluster: a key that is made here and kept nowhere, and a certificate of
 * the cluster's authority for it. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/kubectl.h"
#include "lib/strbuf.h"

#define PROJECT_DAYS_MAX 365 /* kube-controller-manager signs for a year at most */

struct project_login {
    const struct inventory *inv;
    const char *user;
    const char *project; /* that commands mean by default; NULL: the first one of the user's */
    int64_t days;        /* 1 to PROJECT_DAYS_MAX */
};

/* Appends a kubeconfig with a context for each project that the user is in; it is a secret. By
 * kubectl's kubeconfig, which has to be an admin's: it approves. -ENOENT when the user is in no
 * project, or not in that one. */
int project_kubeconfig(const struct kubectl *k, const struct project_login *login,
                       struct strbuf *out, struct error *err);

/* The projects of hosts.yaml, at the end of apply. */
#include "coordinator/job.h"
#include "coordinator/project-apply.h"

int job_apply_projects(struct job *j, const char *kubeconfig, enum view_mode mode)
{
    CLEANUP(kubectl_release) struct kubectl k = KUBECTL_INIT;
    struct error err = ERROR_INIT;
    if (j->inv.project_count == 0)
        return EXIT_DONE;
    if (kubectl_open(&j->bundle, kubeconfig, &interrupted, &k, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    job_show(j, project_view(mode, &j->inv));
    return project_apply_all(&k, &j->inv, j->view, false);
}

/* The projects of hosts.yaml: at the end of apply, and what plan says of them. */
#include "coordinator/job.h"
#include "coordinator/project-apply.h"
#include "coordinator/project-plan.h"

#include <errno.h>
#include <unistd.h>

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

/* Without the kubeconfig that apply writes there has been no cluster; or it is not there any more.
 */
static int plan(struct job *j, const char *kubeconfig, struct strv *lines, struct error *err)
{
    CLEANUP(kubectl_release) struct kubectl k = KUBECTL_INIT;
    if (access(kubeconfig, R_OK) < 0)
        return project_plan(NULL, &j->inv, lines, err);
    int r = kubectl_open(&j->bundle, kubeconfig, &interrupted, &k, err);
    r = r < 0 ? r : project_plan(&k, &j->inv, lines, err);
    return r == -EHOSTUNREACH ? project_plan(NULL, &j->inv, lines, err) : r;
}

size_t job_plan_projects(struct job *j, const char *kubeconfig)
{
    struct error err = ERROR_INIT;
    STRV(lines);
    if (j->inv.project_count == 0)
        return 0;
    if (plan(j, kubeconfig, &lines, &err) < 0)
        view_warn(j->view, NULL, "projects cannot be compared with the cluster: %s", err.text);
    for (size_t i = 0; i < lines.count; i++)
        view_note(j->view, NULL, "%s", lines.items[i]);
    return lines.count;
}

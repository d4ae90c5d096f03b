#include "coordinator/project-live.h"

#include "coordinator/project.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

/* Kinds that are rendered. */
#define OUR_KINDS "networkpolicies,resourcequotas,limitranges,rolebindings,roles"

void project_live_release(struct project_live *l)
{
    json_decref(l->spaces);
    json_decref(l->objects);
    *l = PROJECT_LIVE_INIT;
}

int project_live_get(const struct kubectl *k, struct project_live *out, struct error *err)
{
    static const char *const spaces[] = {"get", "namespaces", NULL};
    static const char *const objects[] = {"get", OUR_KINDS,     "--all-namespaces",
                                          "-l",  PROJECT_LABEL, NULL};
    int r = kubectl_json(k, spaces, NULL, &out->spaces, err);
    return r < 0 ? r : kubectl_json(k, objects, NULL, &out->objects, err);
}

const char *project_owner_of(const json_t *space)
{
    return json_get_string(kube_labels(space), PROJECT_LABEL, "");
}

const json_t *project_live_space(const struct project_live *l, const char *name)
{
    return kube_find(l->spaces, name);
}

int project_live_check(const struct project_live *l, const struct project *p, struct error *err)
{
    const json_t *space = project_live_space(l, p->name);
    if (!space || strcmp(project_owner_of(space), p->name) == 0)
        return 0;
    error_set(err, -EEXIST, "a namespace %s is there already, and is no project's", p->name);
    return error_remedy(err,
                        "give the project another name; or, if all in it may come under the "
                        "project's roles, limits and policies: kubectl label namespace %s %s=%s",
                        p->name, PROJECT_LABEL, p->name);
}

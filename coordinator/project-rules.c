#include "coordinator/project-rules.h"

/* Words separated by blanks; "" is the core group. */
struct rule {
    const char *group, *resources, *verbs;
};

#define READ "get list watch"
#define ALL "get list watch create update patch delete deletecollection"
#define STREAM "get create" /* kubectl asks by GET where it speaks WebSocket */

/* No writing of quotas, limits and network policies, nor of endpoints: a service with endpoints of
 * one's own would be a way around the policies. Roles: the API server lets nobody give what he does
 * not have. */
static const struct rule owner[] = {
    {"",
     "pods services configmaps secrets serviceaccounts persistentvolumeclaims "
     "replicationcontrollers",
     ALL},
    {"", "pods/attach pods/exec pods/portforward", STREAM},
    {"", "pods/eviction serviceaccounts/token", "create"},
    {"", "pods/ephemeralcontainers", "get update patch"},
    {"", "pods/log pods/status events endpoints resourcequotas limitranges namespaces", READ},
    {"apps",
     "deployments statefulsets daemonsets replicasets controllerrevisions deployments/scale "
     "statefulsets/scale replicasets/scale",
     ALL},
    {"batch", "jobs cronjobs", ALL},
    {"autoscaling", "horizontalpodautoscalers", ALL},
    {"policy", "poddisruptionbudgets", ALL},
    {"coordination.k8s.io", "leases", ALL},
    {"networking.k8s.io", "ingresses", ALL},
    {"networking.k8s.io", "networkpolicies", READ},
    {"rbac.authorization.k8s.io", "roles rolebindings", ALL},
    {"authorization.k8s.io", "localsubjectaccessreviews", "create"},
    {"discovery.k8s.io", "endpointslices", READ},
    {"events.k8s.io", "events", READ},
    {"metrics.k8s.io", "pods", READ},
    {0},
};

static const struct rule scientist[] = {
    {"", "pods configmaps services", ALL},
    {"", "persistentvolumeclaims", READ " create"},
    {"", "pods/portforward", STREAM},
    {"",
     "pods/log pods/status events endpoints resourcequotas limitranges namespaces serviceaccounts "
     "replicationcontrollers",
     READ},
    {"batch", "jobs cronjobs", ALL},
    {"apps", "deployments statefulsets daemonsets replicasets", READ},
    {"autoscaling", "horizontalpodautoscalers", READ},
    {"policy", "poddisruptionbudgets", READ},
    {"networking.k8s.io", "ingresses networkpolicies", READ},
    {"discovery.k8s.io", "endpointslices", READ},
    {"events.k8s.io", "events", READ},
    {"metrics.k8s.io", "pods", READ},
    {0},
};

static json_t *words(const char *text)
{
    STRV(list);
    strv_split(&list, text, ' ');
    return json_texts(&list);
}

json_t *project_rules(enum project_role role)
{
    json_t *out = json_array();
    const struct rule *r = role == PROJECT_OWNER ? owner : scientist;
    for (; r->verbs; r++)
        json_array_append_new(out,
                              json_pack("{s:[s], s:o, s:o}", "apiGroups", r->group, "resources",
                                        words(r->resources), "verbs", words(r->verbs)));
    return out;
}

#include "agent/facts.h"

#include "agent/data-disks.h"
#include "agent/firewall.h"
#include "agent/host-bundle.h"
#include "agent/mounts.h"
#include "agent/nfs.h"
#include "agent/pod-network.h"
#include "agent/probe.h"
#include "agent/program.h"
#include "agent/units.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define KUBECONFIG_MAX 65536
#define MANIFESTS "/etc/kubernetes/manifests"
#define CNI_CONFIGURATIONS "/etc/cni/net.d"
#define API_TIMEOUT_MS 5000

/* Services that run beside or against a kubelet. */
static const char *const units[] = {
    "containerd.service",
    "docker.service",
    "crio.service",
    "kubelet.service",
    "k3s.service",
    "rke2-server.service",
    "firewalld.service",
    "ufw.service",
    "nftables.service",
    "chrony.service",
    "chronyd.service",
    "systemd-timesyncd.service",
    "ntp.service",
    "NetworkManager.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
};

static bool is_ours(const struct ledger *ledger, const struct unit_state *state)
{
    return state->fragment[0] && ledger_has_path(ledger, state->fragment);
}

static void set_units(json_t *obj, const struct ledger *ledger)
{
    struct unit_state states[ARRAY_SIZE(units)];
    json_t *found = json_object();
    json_object_set_new(obj, "units", found);
    if (units_states(units, ARRAY_SIZE(units), states, NULL) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(states[i].load, "not-found") != 0)
            json_object_set_new(found, units[i],
                                json_pack("{s:s, s:s, s:b}", "active", states[i].active, "enabled",
                                          states[i].enabled, "ours", is_ours(ledger, &states[i])));
}

/* An empty one comes with the kubelet's distribution package. */
static bool has_files(const char *path)
{
    AUTO_DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            return true;
    return false;
}

/* JSON null for what is not set. */
static json_t *noted(const struct ledger *ledger, const char *key)
{
    const char *value = ledger_get(ledger, key);
    return value ? json_string(value) : json_null();
}

char *facts_api_server(const char *kubeconfig)
{
    static const char key[] = "\n    server: https://";
    const char *at = strstr(kubeconfig, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return xstrndup(at, strcspn(at, "/\r\n "));
}

/* A control plane's kubelet asks its own API server; the admin goes the way of the other nodes. */
static json_t *api_server(void)
{
    STRBUF(text, KUBECONFIG_MAX);
    const char *path = access(ADMIN_CONF, F_OK) == 0 ? ADMIN_CONF : KUBELET_CONF;
    AUTO_FREE char *server = file_read(path, &text, NULL) < 0 ? NULL : facts_api_server(text.data);
    explicit_bzero(text.data, text.len);
    return server ? json_string(server) : json_null();
}

static void set_node(json_t *obj, const struct ledger *ledger)
{
    bool has_kubelet = access(KUBELET_CONF, F_OK) == 0;
    bool has_manifests = has_files(MANIFESTS);
    bool is_foreign = (has_kubelet && !ledger_has_path(ledger, KUBELET_CONF)) ||
                      (has_manifests && !ledger_has_path(ledger, MANIFESTS));
    json_t *node = json_null();
    const char *role = ledger_get(ledger, "role");
    bool is_plane = role && strcmp(role, "control-plane") == 0;
    if (has_kubelet && role)
        node = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "role", noted(ledger, "role"),
                         "name", noted(ledger, "node"), "kubernetes", noted(ledger, "kubernetes"),
                         "cluster", noted(ledger, "cluster"), "api", api_server(), "answers",
                         is_plane && kubectl_api_ready(NULL, API_TIMEOUT_MS), "network",
                         pod_network_name(CNI_CONFIGURATIONS), "pod_cidr",
                         pod_network_cidr(MANIFESTS "/kube-controller-manager.yaml"));
    json_object_set_new(obj, "node", node);
    json_object_set_new(obj, "foreign_kubernetes", json_boolean(is_foreign));
}

int facts_collect(const struct ledger *ledger, json_t *running_job, json_t **out, struct error *err)
{
    (void) err;
    json_t *obj = json_object();
    facts_system(obj);
    facts_network(obj);
    facts_kernel(obj);
    int version = units_systemd_version(NULL);
    json_object_set_new(obj, "systemd", version > 0 ? json_integer(version) : json_null());
    set_units(obj, ledger);
    set_node(obj, ledger);
    json_object_set_new(obj, "bundle", host_bundle_facts());
    json_object_set_new(obj, "data_disks", data_disks_facts());
    json_object_set_new(obj, "firewall", firewall_facts());
    json_object_set_new(obj, "probes", probe_facts());
    json_object_set_new(obj, "nfs_export", noted(ledger, NFS_LEDGER_EXPORT));
    json_object_set_new(obj, "shared_mounts", json_boolean(mounts_root_shared()));
    json_object_set_new(obj, "ledger_entries", json_integer((json_int_t) ledger_count(ledger)));
    json_object_set(obj, "running_job", running_job ? running_job : json_null());
    *out = obj;
    return 0;
}

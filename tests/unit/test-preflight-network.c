/* One host, as its facts say, against what hosts.yaml wants of the pods' network. */
#include "coordinator/addons.h"
#include "coordinator/agent-blob.h"
#include "coordinator/preflight.h"
#include "tests/unit/unit.h"

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

static void expect(const char *json, const char *network, const char *says, const char *remedy)
{
    AUTO_JSON *parsed = json_loads(json, 0, NULL);
    struct inventory inv = {.pod_cidr = (char *) "10.244.0.0/16"};
    struct facts facts = {
        .json = parsed,
        .role = facts_string(&(struct facts){.json = parsed}, "node", "role", NULL)};
    struct findings found = FINDINGS_INIT;
    assert_non_null(parsed);
    preflight_network(&inv, network, &facts, &found);
    assert_int_equal(found.count, says ? 1 : 0);
    if (says) {
        assert_true(found.items[0].refusal);
        assert_non_null(strstr(found.items[0].text, says));
        assert_non_null(strstr(found.items[0].remedy, remedy));
    }
    findings_release(&found);
}

#define NODE(members) "{\"node\":{\"role\":\"worker\"" members "}}"
#define RAW(modules) "{\"node\":null,\"modules\":{" modules "}}"

static void a_cluster_keeps_its_network(void **state)
{
    (void) state;
    expect(NODE(",\"network\":\"flannel\""), "flannel", NULL, NULL);
    expect(NODE(",\"network\":\"canal\""), "canal", NULL, NULL);
    expect(NODE(",\"network\":null"), "canal", NULL, NULL);
    expect(NODE(""), "canal", NULL, NULL);
    expect(NODE(",\"network\":\"own\""), "canal", NULL, NULL); /* not ours to judge */
    expect(NODE(",\"network\":\"flannel\""), "canal",
           "the cluster's network is flannel, hosts.yaml says canal", "set `network: flannel`");
    expect(NODE(",\"network\":\"canal\""), "flannel",
           "the cluster's network is canal, hosts.yaml says flannel", "set `network: canal`");
}

static void a_cluster_keeps_its_pods_addresses(void **state)
{
    (void) state;
    expect(NODE(",\"pod_cidr\":\"10.244.0.0/16\""), "flannel", NULL, NULL);
    expect(NODE(",\"pod_cidr\":null"), "flannel", NULL, NULL);
    expect(NODE(",\"pod_cidr\":\"10.9.0.0/16\""), "flannel",
           "the cluster's pod_cidr is 10.9.0.0/16, hosts.yaml says 10.244.0.0/16",
           "set `pod_cidr: 10.9.0.0/16`");
}

static void canal_needs_more_of_the_kernel(void **state)
{
    (void) state;
    expect(RAW("\"ip_set\":\"builtin\",\"xt_set\":\"available\""), "canal", NULL, NULL);
    expect(RAW("\"ip_set\":\"builtin\",\"xt_set\":\"missing\""), "flannel", NULL, NULL);
    expect(RAW("\"ip_set\":\"builtin\",\"xt_set\":\"missing\""), "canal", "need xt_set",
           "or set `network: flannel`");
    /* A node has shown that it can. */
    expect("{\"node\":{\"role\":\"worker\"},\"modules\":{\"xt_set\":\"missing\"}}", "canal", NULL,
           NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_keeps_its_network),
        cmocka_unit_test(a_cluster_keeps_its_pods_addresses),
        cmocka_unit_test(canal_needs_more_of_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

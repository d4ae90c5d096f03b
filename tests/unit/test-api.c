#include "coordinator/agent-blob.h"
#include "coordinator/api.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

/* No host is ever connected to: no agent to send. */
const unsigned char agent_blob_start[1] = {0}, agent_blob_end[1] = {0};
const char agent_blob_sha256[1] = "";

/* As kubeadm v1.34 writes it; a secret beside it looks like a server. */
#define KUBECONFIG(server) \
    "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: QQ==\n" \
    "    server: " server "\n  name: bigtop\ncontexts: []\ncurrent-context: admin@bigtop\n" \
    "kind: Config\nusers:\n- name: admin\n  user:\n    server: https://127.0.0.1:7443\n"

struct world {
    struct inventory inv;
    struct host hosts[4];
    struct run run;
};

/* n1 by address, n2 by name and probed, n3 by name and silent, n4 a worker. */
static void build(struct world *w)
{
    *w = (struct world){
        .hosts = {{.name = (char *) "n1",
                   .address = (char *) "10.0.0.1",
                   .roles = ROLE_CONTROL_PLANE},
                  {.address = (char *) "two.example", .roles = ROLE_CONTROL_PLANE | ROLE_WORKER},
                  {.address = (char *) "fd00::3", .roles = ROLE_CONTROL_PLANE},
                  {.address = (char *) "10.0.0.4", .roles = ROLE_WORKER}},
        .inv = {.host_count = 4},
    };
    w->inv.hosts = w->hosts;
    assert_int_equal(run_init(&w->run, &w->inv, NULL, NULL, NULL), 0);
    w->run.hosts[1].facts.node_ip = xstrdup("10.0.0.2");
    w->run.hosts[1].facts.node_name = xstrdup("two");
}

static char *list(void (*fill)(const struct run *, struct strv *), const struct world *w)
{
    STRV(v);
    fill(&w->run, &v);
    return strv_join(&v, " ");
}

static void nodes_have_their_own(void **state)
{
    (void) state;
    struct inventory inv = {.endpoint = NULL};
    assert_string_equal(api_for_nodes(&inv), "127.0.0.1:7443");
    assert_true(api_is_balanced(&inv));
    inv.virtual_ip = (char *) "10.0.0.9"; /* is for users */
    assert_string_equal(api_for_nodes(&inv), "127.0.0.1:7443");
    inv.endpoint = (char *) "api.example:443";
    assert_string_equal(api_for_nodes(&inv), "api.example:443");
    assert_false(api_is_balanced(&inv));
}

static void users_by_what_is_best(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    AUTO_FREE char *plain = list(api_for_users, &w);
    assert_string_equal(plain, "10.0.0.1:6443 10.0.0.2:6443 two.example:6443 [fd00::3]:6443");
    w.inv.virtual_ip = (char *) "10.0.0.9";
    w.inv.endpoint = (char *) "api.example:443";
    w.hosts[2].state = STATE_ABSENT;
    AUTO_FREE char *all = list(api_for_users, &w);
    assert_string_equal(all, "api.example:443 10.0.0.9:6443 10.0.0.1:6443 10.0.0.2:6443 "
                             "two.example:6443");
    run_release(&w.run);
}

static void certificate_names_all(void **state)
{
    (void) state;
    struct world w;
    build(&w);
    w.inv.virtual_ip = (char *) "10.0.0.9";
    w.inv.endpoint = (char *) "api.example:443";
    AUTO_FREE char *names = list(api_cert_names, &w);
    assert_string_equal(names, "127.0.0.1 localhost 10.0.0.9 api.example 10.0.0.1 n1 10.0.0.2 "
                               "two.example two fd00::3");
    run_release(&w.run);
}

static void kubeconfig_is_pointed_elsewhere(void **state)
{
    (void) state;
    AUTO_FREE char *out = NULL;
    assert_int_equal(
        api_point_to(KUBECONFIG("https://127.0.0.1:7443"), "[fd00::3]:6443", &out, NULL), 0);
    assert_string_equal(out, KUBECONFIG("https://[fd00::3]:6443"));
}

static void other_texts_are_no_kubeconfig(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "text",
        "a: [",
        "clusters: []\n",
        "clusters: [a]\n",
        "clusters:\n- cluster: {}\n",
        "clusters:\n- cluster: x\n",
        "clusters:\n- cluster: {server: [x]}\n",
        "clusters:\n- cluster: {server: \"x\"}\n",
        "clusters:\n- cluster: {server: x}\n- cluster: {server: y}\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *out = NULL;
        assert_int_equal(api_point_to(bad[i], "a:1", &out, NULL), -EPROTO);
        assert_null(out);
    }
}

static uint16_t listen_here(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *) &a, len), 0);
    assert_int_equal(listen(*fd, 5), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *) &a, &len), 0);
    return ntohs(a.sin_port);
}

static char *chosen(struct world *w)
{
    AUTO_FREE char *text = NULL;
    assert_int_equal(api_kubeconfig(&w->run, &text, NULL), 0);
    const char *at = strstr(text, "https://") + 8;
    return xstrndup(at, strcspn(at, "\n"));
}

/* What takes no connection is passed over; when nothing does, the best is named all the same. */
static void kubeconfig_names_what_answers(void **state)
{
    (void) state;
    struct world w;
    AUTO_FD fd = -1;
    build(&w);
    for (size_t i = 0; i < 3; i++)
        w.hosts[i].state = STATE_ABSENT;
    w.run.kubeconfig = xstrdup(KUBECONFIG("https://127.0.0.1:7443"));
    AUTO_FREE char *live = xasprintf("127.0.0.1:%u", listen_here(&fd));
    w.inv.endpoint = live;
    AUTO_FREE char *first = chosen(&w);
    assert_string_equal(first, live);
    fd_close(&fd);
    AUTO_FREE char *second = chosen(&w);
    assert_string_equal(second, live);
    run_release(&w.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_their_own),
        cmocka_unit_test(users_by_what_is_best),
        cmocka_unit_test(certificate_names_all),
        cmocka_unit_test(kubeconfig_is_pointed_elsewhere),
        cmocka_unit_test(other_texts_are_no_kubeconfig),
        cmocka_unit_test(kubeconfig_names_what_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A cluster and a node that are fine, for tests that then spoil one value; and golden files. To be
 * included after cmocka.h. */
#pragma once

#include "kubeadm/config.h"
#include "lib/fd.h"

#include <stdlib.h>
#include <string.h>

#define FIXTURE_TOKEN "abcdef.0123456789abcdef"
#define FIXTURE_CA_HASH "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define FIXTURE_CERTIFICATE_KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static inline struct cluster_config fixture_cluster(void)
{
    return (struct cluster_config){
        .name = "bigtop",
        .kubernetes_version = "v1.34.4",
        .endpoint = "10.77.0.11:6443",
        .pod_cidr = "10.244.0.0/16",
        .service_cidr = "10.96.0.0/12",
        .dns_domain = "cluster.local",
        .pause_image = "registry.k8s.io/pause:3.10.1",
    };
}

static inline struct node_config fixture_node(void)
{
    return (struct node_config){
        .name = "n1",
        .node_ip = "10.77.0.11",
        .cgroup_version = 2,
        .resolv_conf = "/run/systemd/resolve/resolv.conf",
        .can_set_oom = true,
        .control_plane = true,
    };
}

/* UPDATE_GOLDEN=1 writes the files; look at the difference before you commit it. */
static inline void assert_golden(const char *path, const char *text)
{
    if (getenv("UPDATE_GOLDEN")) {
        assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
    }
    STRBUF(golden, KUBEADM_TEXT_MAX);
    struct error err = ERROR_INIT;
    if (file_read(path, &golden, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(text, golden.data);
}

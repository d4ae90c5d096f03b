#include "kubeadm/balancer.h"

#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

#define UNIT_DIR "/etc/systemd/system/"
#define INTERFACE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:"
#define PRIORITY_FIRST 200 /* of 1 to 254 */
#define PRIORITY_LOSS 100  /* without an API server: below all that have one */

/* Clients and servers may be silent for long (kubectl exec). Who is gone is found by the checks, by
 * keepalive, and by what is sent and not acknowledged (tcp-ut), also in the process that a reload
 * leaves with its connections for ten minutes. */
static const char haproxy_head[] = "global\n"
                                   "    nbthread 1\n"
                                   "    maxconn 512\n"
                                   "    hard-stop-after 10m\n"
                                   "\n"
                                   "defaults\n"
                                   "    mode tcp\n"
                                   "    timeout connect 2s\n"
                                   "    timeout check 2s\n"
                                   "    timeout client 12h\n"
                                   "    timeout server 12h\n"
                                   "    retries 3\n"
                                   "    option redispatch 1\n"
                                   "    option clitcpka\n"
                                   "    option srvtcpka\n"
                                   "\n"
                                   "frontend api\n"
                                   "    bind " BALANCER_ENDPOINT "\n"
                                   "    default_backend control-planes\n"
                                   "\n"
                                   "backend control-planes\n"
                                   "    balance random\n"
                                   "    option allbackups\n"
                                   "    option httpchk GET /readyz\n"
                                   "    http-check expect status 200\n";

/* The check sends no secret and clients verify the server themselves: it needs no CA, which a host
 * that is no node yet does not have. A connection that fails goes on to another server, and has
 * this one looked at every second; it does not count as a check itself, as a server that is found
 * dead has its sessions shut: this one with them. */
#define SERVER_CHECK \
    "check check-ssl verify none inter 5s fastinter 1s downinter 500ms fall 2 rise 1 observe " \
    "layer4 error-limit 1 on-error fastinter on-marked-down shutdown-sessions"

static const char haproxy_unit[] = "[Unit]\n"
                                   "Description=This node's balancer before the Kubernetes API\n"
                                   "Documentation=https://docs.haproxy.org/\n"
                                   "After=network.target\n"
                                   "Before=kubelet.service\n"
                                   "StartLimitIntervalSec=0\n"
                                   "\n"
                                   "[Service]\n"
                                   "Type=notify\n"
                                   "ExecStart=" BALANCER_PROGRAM " -Ws -f " BALANCER_CONFIG "\n"
                                   "ExecReload=" BALANCER_PROGRAM " -c -q -f " BALANCER_CONFIG "\n"
                                   "ExecReload=/bin/kill -USR2 $MAINPID\n"
                                   "KillMode=mixed\n"
                                   "Restart=always\n"
                                   "RestartSec=1\n"
                                   "DynamicUser=yes\n"
                                   "OOMScoreAdjust=-900\n"
                                   "\n"
                                   "[Install]\n"
                                   "WantedBy=multi-user.target\n";

static const char keepalived_unit[] =
    "[Unit]\n"
    "Description=The virtual IP of the Kubernetes API\n"
    "Documentation=https://www.keepalived.org/\n"
    "Wants=network-online.target\n"
    "After=network-online.target\n"
    "StartLimitIntervalSec=0\n"
    "\n"
    "[Service]\n"
    "ExecStart=" VIRTUAL_IP_PROGRAM " --dont-fork --vrrp --use-file " VIRTUAL_IP_CONFIG
    " --pid /run/bigtop-virtual-ip/keepalived.pid --vrrp_pid /run/bigtop-virtual-ip/vrrp.pid\n"
    "ExecReload=" VIRTUAL_IP_PROGRAM " --config-test --use-file " VIRTUAL_IP_CONFIG "\n"
    "ExecReload=/bin/kill -HUP $MAINPID\n"
    "RuntimeDirectory=bigtop-virtual-ip\n"
    "KillMode=mixed\n"
    "Restart=always\n"
    "RestartSec=1\n"
    "OOMScoreAdjust=-900\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

static int check_server(const struct balancer_server *s, const struct balancer_server *before,
                        size_t count, struct error *err)
{
    if (!s->name || !grammar_node_name(s->name))
        return error_set(err, -EINVAL, "a control plane's name is malformed");
    if (!s->address || !grammar_ipv4(s->address))
        return error_set(err, -EINVAL, "the address of control plane %s is no IPv4", s->name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i].name, s->name) == 0 || strcmp(before[i].address, s->address) == 0)
            return error_set(err, -EINVAL, "control planes %s and %s share a name or an address",
                             before[i].name, s->name);
    return 0;
}

static int check_servers(const struct balancer_server *servers, size_t count, struct error *err)
{
    if (count == 0 || count > BALANCER_SERVERS_MAX)
        return error_set(err, -EINVAL, "%zu control planes, expected 1 to %d", count,
                         BALANCER_SERVERS_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = check_server(&servers[i], servers, i, err);
    return r;
}

/* Both files, or none. */
static int give(const char *path, struct strbuf *config, const char *unit_path, const char *unit,
                struct host_files *out, struct error *err)
{
    AUTO_HOST_FILES files = HOST_FILES_INIT;
    int r = host_files_add_buffer(&files, path, config, err);
    if (r < 0)
        return r;
    host_files_add(&files, unit_path, xstrdup(unit));
    *out = files;
    files.count = 0;
    return 0;
}

/* Where no server passes its check, all are tried as they are (the backups): while the first API
 * server starts, and when all of them are in trouble alike, a refusal would help nobody. */
int balancer_files(const struct balancer_server *servers, size_t count, struct host_files *out,
                   struct error *err)
{
    int r = check_servers(servers, count, err);
    if (r < 0)
        return r;
    STRBUF(config, KUBEADM_TEXT_MAX);
    strbuf_adds(&config, haproxy_head);
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&config, "    server %s %s:%d tcp-ut 10s " SERVER_CHECK "\n", servers[i].name,
                    servers[i].address, KUBEADM_API_PORT);
    for (size_t i = 0; i < count; i++)
        strbuf_addf(&config, "    server %s.unchecked %s:%d tcp-ut 10s backup\n", servers[i].name,
                    servers[i].address, KUBEADM_API_PORT);
    return give(BALANCER_CONFIG, &config, UNIT_DIR BALANCER_UNIT, haproxy_unit, out, err);
}

uint8_t virtual_ip_router(uint32_t address)
{
    uint8_t last = (uint8_t) (address & 0xff);
    return last ? last : 255;
}

/* As anybody may ask it (system:public-info-viewer): without the admin's credentials. A dead server
 * refuses at once; a busy machine may need seconds to start the program that asks. */
static void write_check(struct strbuf *b, const struct balancer_server *self)
{
    strbuf_addf(b,
                "vrrp_script api {\n"
                "    script \"/usr/local/bin/kubectl --kubeconfig=/dev/null"
                " --server=https://%s:%d --certificate-authority=/etc/kubernetes/pki/ca.crt"
                " --request-timeout=2s get --raw=/readyz\"\n"
                "    interval 3\n"
                "    timeout 9\n"
                "    fall 2\n"
                "    rise 1\n"
                "    weight -%d\n"
                "}\n\n",
                self->address, KUBEADM_API_PORT, PRIORITY_LOSS);
}

/* A control plane that is alone has nobody to say it to, which keepalived takes no order for. */
static void write_peers(struct strbuf *b, const struct balancer_server *servers, size_t count,
                        size_t self)
{
    if (count == 1)
        return;
    strbuf_addf(b,
                "    check_unicast_src\n"
                "    unicast_src_ip %s\n"
                "    unicast_peer {\n",
                servers[self].address);
    for (size_t i = 0; i < count; i++)
        if (i != self)
            strbuf_addf(b, "        %s\n", servers[i].address);
    strbuf_adds(b, "    }\n");
}

static void write_instance(struct strbuf *b, const char *address, uint32_t number,
                           const char *interface, const struct balancer_server *servers,
                           size_t count, size_t self)
{
    strbuf_addf(b,
                "vrrp_instance api {\n"
                "    interface %s\n"
                "    state BACKUP\n"
                "    virtual_router_id %u\n"
                "    priority %zu\n"
                "    advert_int 1\n",
                interface, virtual_ip_router(number), PRIORITY_FIRST - self);
    write_peers(b, servers, count, self);
    strbuf_addf(b,
                "    virtual_ipaddress {\n"
                "        %s/32 dev %s\n"
                "    }\n"
                "    track_script {\n"
                "        api\n"
                "    }\n"
                "}\n",
                address, interface);
}

int virtual_ip_files(const char *address, const char *interface,
                     const struct balancer_server *servers, size_t count, size_t self,
                     struct host_files *out, struct error *err)
{
    uint32_t number;
    int r = check_servers(servers, count, err);
    if (r < 0)
        return r;
    if (!grammar_ipv4_parse(address, &number))
        return error_set(err, -EINVAL, "the virtual IP is no IPv4");
    if (!interface || !grammar_interface(interface) ||
        strspn(interface, INTERFACE_CHARS) != strlen(interface))
        return error_set(err, -EINVAL, "the interface for the virtual IP has a malformed name");
    STRBUF(config, KUBEADM_TEXT_MAX);
    strbuf_addf(&config,
                "global_defs {\n"
                "    router_id %s\n"
                "    vrrp_version 3\n"
                "    enable_script_security\n"
                "    script_user root\n"
                "}\n\n",
                servers[self].name);
    write_check(&config, &servers[self]);
    write_instance(&config, address, number, interface, servers, count, self);
    return give(VIRTUAL_IP_CONFIG, &config, UNIT_DIR VIRTUAL_IP_UNIT, keepalived_unit, out, err);
}

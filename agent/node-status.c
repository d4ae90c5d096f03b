#include "agent/node-status.h"

#include "agent/program.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define KUBECONFIG_MAX (64 * 1024)
#define CREDENTIALS "/var/lib/kubelet/pki/kubelet-client-current.pem" /* certificate and key */
#define API_SERVER "kube-apiserver" /* CN of its certificate: kubeadm's certs/certlist.go */
#define REQUEST_MAX (16 * 1024)
#define TIMEOUT_MS 15000
#define STATUS_LEN 12 /* "HTTP/1.1 200" */

bool node_status_server(const char *kubeconfig, char address[64], uint16_t *port)
{
    static const char key[] = "server: https://";
    const char *at = strstr(kubeconfig, key);
    unsigned number = 443;
    if (!at)
        return false;
    at += strlen(key);
    bool bracket = *at == '[';
    size_t len = bracket ? strcspn(++at, "]\n") : strcspn(at, ":/\n");
    if (len == 0 || len >= 64)
        return false;
    memcpy(address, at, len);
    address[len] = '\0';
    at += len + (bracket && at[len] == ']');
    if (*at == ':' && (sscanf(at, ":%5u", &number) != 1 || number == 0 || number > UINT16_MAX))
        return false;
    *port = (uint16_t) number;
    return grammar_ip(address);
}

void node_status_request(const char *node, const char *host, const json_t *condition,
                         int64_t now_ms, struct strbuf *out)
{
    char now[21];
    clock_format_utc(now_ms, now);
    AUTO_JSON *full = json_deep_copy(condition);
    json_object_set_new(full, "lastHeartbeatTime", json_string(now));
    json_object_set_new(full, "lastTransitionTime", json_string(now));
    AUTO_JSON *patch = json_pack("{s:{s:[O]}}", "status", "conditions", full);
    AUTO_FREE char *body = json_canonical(patch);
    strbuf_addf(out,
                "PATCH /api/v1/nodes/%s/status HTTP/1.1\r\n"
                "Host: %s\r\n"
                "Content-Type: application/strategic-merge-patch+json\r\n"
                "Accept: application/json\r\n"
                "Connection: close\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                node, host, strlen(body), body);
}

static int dial(const char *address, uint16_t port, int64_t deadline, struct error *err)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return error_set(err, -EINVAL, "%s is no address", address);
    AUTO_FD fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, -errno, "make a socket");
    int r = is_v4 ? connect(fd, (const struct sockaddr *) &v4, sizeof v4)
                  : connect(fd, (const struct sockaddr *) &v6, sizeof v6);
    if (r < 0 && errno != EINPROGRESS)
        return error_errno(err, -errno, "connect to %s", address);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int cause = 0;
    socklen_t len = sizeof cause;
    if (poll(&p, 1, clock_left_ms(deadline)) != 1)
        return error_set(err, -ETIMEDOUT, "%s does not answer", address);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &len) < 0 || cause != 0)
        return error_errno(err, cause ? -cause : -errno, "connect to %s", address);
    return TAKE_FD(fd);
}

/* -EAGAIN once the socket is ready again, -ETIMEDOUT. */
static int wait_ready(const struct tls *t, int64_t deadline, struct error *err)
{
    struct pollfd p = {.fd = tls_fd(t), .events = tls_events(t)};
    int n = poll(&p, 1, clock_left_ms(deadline));
    return n > 0 || (n < 0 && errno == EINTR)
               ? -EAGAIN
               : error_set(err, -ETIMEDOUT, "the API server is slow");
}

static int shake_hands(struct tls *t, int64_t deadline, struct error *err)
{
    int r;
    while ((r = tls_handshake(t, err)) == -EAGAIN)
        if ((r = wait_ready(t, deadline, err)) != -EAGAIN)
            return r;
    if (r < 0)
        return r;
    if (strcmp(tls_peer(t), API_SERVER) != 0)
        return error_set(err, -EKEYREJECTED, "what answers is not the API server");
    return 0;
}

static int send_all(struct tls *t, const struct strbuf *data, int64_t deadline, struct error *err)
{
    for (size_t sent = 0; sent < data->len;) {
        ssize_t n = tls_write(t, data->data + sent, data->len - sent, err);
        if (n == -EAGAIN)
            n = wait_ready(t, deadline, err);
        if (n < 0 && n != -EAGAIN)
            return (int) n;
        sent += n > 0 ? (size_t) n : 0;
    }
    return 0;
}

static int read_status(struct tls *t, int64_t deadline, struct error *err)
{
    char status[STATUS_LEN + 1] = "";
    for (size_t len = 0; len < STATUS_LEN;) {
        ssize_t n = tls_read(t, status + len, STATUS_LEN - len, err);
        if (n == -EAGAIN)
            n = wait_ready(t, deadline, err);
        if (n == 0)
            return error_set(err, -EPIPE, "the API server ended the connection");
        if (n < 0 && n != -EAGAIN)
            return (int) n;
        len += n > 0 ? (size_t) n : 0;
    }
    if (strncmp(status, "HTTP/1.", 7) == 0 && strcmp(status + 8, " 200") == 0)
        return 0;
    return error_set(err, -EREMOTEIO, "the API server answers \"%s\"", status);
}

static int read_identity(struct tls_identity **out, struct error *err)
{
    STRBUF(ca, TLS_PEM_MAX);
    CLEANUP(strbuf_release_secret) struct strbuf own;
    strbuf_init(&own, TLS_PEM_MAX);
    int r = file_read(CA_CERT, &ca, err);
    r = r < 0 ? r : file_read(CREDENTIALS, &own, err);
    return r < 0 ? r : tls_identity_new(ca.data, own.data, own.data, out, err);
}

static int find_server(char address[64], uint16_t *port, struct error *err)
{
    STRBUF(kubeconfig, KUBECONFIG_MAX);
    int r = file_read(KUBELET_CONF, &kubeconfig, err);
    if (r < 0)
        return r;
    if (!node_status_server(kubeconfig.data, address, port))
        return error_set(err, -EOPNOTSUPP, "the API server has no numeric address");
    return 0;
}

int node_status_set_condition(const char *node, const json_t *condition, struct error *err)
{
    STRBUF(request, REQUEST_MAX);
    AUTO_TLS_IDENTITY *identity = NULL;
    AUTO_TLS *tls = NULL;
    char address[64];
    uint16_t port = 0;
    int64_t deadline = clock_monotonic_ms() + TIMEOUT_MS;
    int r = find_server(address, &port, err);
    r = r < 0 ? r : read_identity(&identity, err);
    int fd = r < 0 ? r : dial(address, port, deadline, err);
    if (fd < 0)
        return fd;
    node_status_request(node, address, condition, clock_wall_ms(), &request);
    r = tls_new(identity, fd, false, &tls, err);
    r = r < 0 ? r : shake_hands(tls, deadline, err);
    r = r < 0 ? r : send_all(tls, &request, deadline, err);
    return r < 0 ? r : read_status(tls, deadline, err);
}

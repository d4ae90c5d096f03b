#include "agent/exchange-state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *out,
                         socklen_t *len, struct error *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *) out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) out;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *len = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof *v6;
    } else {
        return error_set(err, -EINVAL, "%.64s is not an address", text);
    }
    return 0;
}

static int read_peer(struct exchange *x, const json_t *item, struct error *err)
{
    const char *id = NULL, *address = NULL;
    int r = json_need_string(item, "id", &id, err);
    if (r >= 0)
        r = json_need_string(item, "address", &address, err);
    if (r < 0)
        return r;
    struct peer *p = &x->peers[x->peer_count];
    if (!*id || strlen(id) > PEER_ID_MAX || strcmp(id, x->self) == 0 || peers_find(x, id))
        return error_set(err, -EINVAL, "a peer's id is empty, too long or not its own");
    snprintf(p->id, sizeof p->id, "%s", id);
    x->peer_count++;
    return parse_address(address, x->port, &p->address, &p->address_len, err);
}

static int read_peers(struct exchange *x, const json_t *params, struct error *err)
{
    json_t *peers = NULL, *item;
    size_t i;
    int r = json_need_array(params, "peers", &peers, err);
    if (r >= 0 && json_array_size(peers) > EXCHANGE_PEERS_MAX)
        r = error_set(err, -EINVAL, "more than %d peers", EXCHANGE_PEERS_MAX);
    if (r < 0)
        return r;
    json_array_foreach(peers, i, item) {
        r = read_peer(x, item, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_port(struct exchange *x, const json_t *params, struct error *err)
{
    int64_t port = 0;
    int r = json_need_int(params, "port", &port, err);
    if (r < 0)
        return r;
    if (port < 1 || port > UINT16_MAX)
        return error_set(err, -EINVAL, "port must be 1 to 65535");
    x->port = (uint16_t) port;
    const char *listen = json_get_string(params, "listen", NULL);
    return listen ? parse_address(listen, x->port, &x->listen_address, &x->listen_len, err) : 0;
}

static int read_identity(struct exchange *x, const json_t *params, struct error *err)
{
    const char *self = NULL, *ca = NULL, *cert = NULL, *key = NULL;
    int r = json_need_string(params, "self", &self, err);
    if (r >= 0)
        r = json_need_string(params, "ca", &ca, err);
    if (r >= 0)
        r = json_need_string(params, "cert", &cert, err);
    if (r >= 0)
        r = json_need_string(params, "key", &key, err);
    if (r < 0)
        return r;
    if (!*self || strlen(self) > PEER_ID_MAX)
        return error_set(err, -EINVAL, "\"self\" is empty or too long");
    snprintf(x->self, sizeof x->self, "%s", self);
    return tls_identity_new(ca, cert, key, &x->identity, err);
}

static int read_manifest(struct exchange *x, const json_t *params, struct error *err)
{
    const char *manifest = NULL;
    int r = json_need_string(params, "manifest", &manifest, err);
    if (r < 0)
        return r;
    digest_buffer(x->bundle.text, x->bundle.text_len, x->manifest);
    if (strcmp(manifest, x->manifest) == 0)
        return 0;
    error_set(err, -EBADMSG, "this host has accepted another bundle: its bigtop.json is %s",
              x->manifest);
    return error_remedy(err, "run again: the bundle is offered first, then sent");
}

int params_read(struct exchange *x, const json_t *params, struct error *err)
{
    int r = read_manifest(x, params, err);
    if (r >= 0)
        r = read_identity(x, params, err);
    if (r >= 0)
        r = read_port(x, params, err);
    return r < 0 ? r : read_peers(x, params, err);
}

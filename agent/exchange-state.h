/* What the files of the exchange share: exchange.c (thread, orders from outside, chunks that came),
 * exchange-peers.c (dialling, who is who), exchange-link.c (the conversation of one connection),
 * exchange-ask.c (who is asked for what), exchange-report.c (progress). No other file includes it.
 * Everything is the thread's, except the orders. */
#pragma once

#include "agent/chunk-store.h"
#include "agent/exchange.h"
#include "agent/wants.h"
#include "lib/protocol.h"
#include "lib/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define PEER_ID_MAX 64
#define WHY_MAX 160
#define LINKS_MAX (2 * EXCHANGE_PEERS_MAX + 32)
#define LINK_OUT_MAX (2 * PROTOCOL_JSON_MAX)
#define ASKS_MAX 8
#define RANGES_MAX 800 /* in a message: at most 18 bytes each */
#define RECORD 16384   /* bytes of a TLS record */

struct ask {
    uint32_t chunk;
    int64_t at; /* monotonic ms */
};

/* A connection. */
struct link {
    struct link *next;
    struct tls *tls;
    struct peer *peer; /* who it is; NULL: somebody who dialled us and has not shown it yet */
    bool dialled;      /* by us */
    bool polled;       /* a dialled one: whether connect(2) came to an end */
    bool open;         /* the handshake is over, and this is the peer's connection */
    bool over;         /* to be closed */
    int64_t since, heard_at, moved_at;
    struct frame_decoder decoder;
    bool greeted; /* their first message came */
    struct chunk_set has;
    uint64_t announced; /* chunks, with repetitions */

    struct strbuf out;
    size_t out_sent;
    int file; /* of the chunk that is being sent */
    uint64_t file_at;
    uint32_t file_left;
    bool introduced; /* our first message is on its way */
    struct chunk_set news;
    bool has_news;
    int64_t told_at;
    struct ask asks[ASKS_MAX]; /* what they owe us, oldest first */
    size_t ask_count, ask_sent, window;
    uint32_t wanted[EXCHANGE_QUEUE]; /* what we owe them, oldest first */
    size_t wanted_count;
    uint32_t lacks[EXCHANGE_QUEUE];
    size_t lack_count;
};

struct peer {
    char id[PEER_ID_MAX + 1];
    struct sockaddr_storage address;
    socklen_t address_len;
    struct link *link; /* the open one */
    struct link *dial; /* ours, on its way */
    int64_t dial_at, backoff_ms;
    int64_t shunned_until, shun_ms; /* it stalled */
    uint64_t served;                /* chunks */
    bool dropped;
    char why[WHY_MAX]; /* dropped, or stalled; "": not yet, or told already */
};

enum order_kind { ORDER_CHUNK, ORDER_WANT, ORDER_WATCH };

struct order {
    struct order *next;
    enum order_kind kind;
    uint32_t number; /* chunk */
    size_t len;
    char *data;
    struct strv digests;
    uint64_t watch;
};

struct exchange {
    struct bundle bundle;
    struct chunk_map *map;
    uint32_t count; /* chunks */
    char manifest[DIGEST_SIZE];
    char self[PEER_ID_MAX + 1];
    struct tls_identity *identity;
    struct exchange_events events;
    uint16_t port;
    struct sockaddr_storage listen_address;
    socklen_t listen_len; /* 0: all */

    pthread_t thread;
    pthread_mutex_t mutex; /* guards the orders */
    struct order *orders, **orders_end;
    size_t orders_bytes;
    int wake; /* eventfd: orders, stop, a patch was applied */
    atomic_bool stop;
    bool drop;

    struct chunk_store *store;
    struct wants *wants;
    struct chunk_set settled; /* here, or asked for */
    struct chunk_set known;   /* here, and told to all links and the report */
    unsigned char *askers;    /* for each chunk, links that owe it */
    bool ask_again;
    int64_t asked_at;

    struct peer peers[EXCHANGE_PEERS_MAX];
    size_t peer_count;
    struct link *links;
    size_t link_count;
    int listener; /* -1: the port is in use */
    int64_t listen_at;
    bool listen_failed; /* and it was said */
    bool busy;          /* bytes may be read without the socket showing it */
    bool looking;       /* at what is here already, still */
    bool looked;        /* at all of it once: blobs are hashed, which takes its time */
    char buffer[RECORD];
    bool failed;

    /* report */
    uint64_t watch;
    bool watch_new, peers_changed;
    struct chunk_set have_news, want_news, want_known;
    size_t done_told;
    json_t *damaged;
    size_t acknowledge; /* bytes of c's chunks since the last report */
    int64_t reported_at;
};

/* exchange.c */
/* Of a frame 'C'; UINT32_MAX: it is too short to have one. */
uint32_t chunk_number(const void *payload, size_t len);
/* A chunk came from a peer: -EBADMSG when it is wrong. Failing otherwise ends the exchange. */
int exchange_take(struct exchange *x, uint32_t number, const void *data, size_t len,
                  struct error *err);
/* Tells everybody about what is here since the last call. */
void exchange_tell(struct exchange *x);
void exchange_fail(struct exchange *x, const struct error *err);

/* exchange-params.c */
/* Fills what the call's params say: manifest, identity, ports and peers. -EINVAL, -EBADMSG. */
int params_read(struct exchange *x, const json_t *params, struct error *err);

/* exchange-peers.c */
void peers_begin(struct exchange *x, int64_t now);
void peers_accept(struct exchange *x, int64_t now);
/* Listens, dials, gives up on who stalls, closes links that are over. */
void peers_turn(struct exchange *x, int64_t now);
/* A handshake is over: whether this connection is the one to keep. */
bool peers_admit(struct exchange *x, struct link *l);
/* Its first message came: a client's handshake is over before the other side has said that it wants
 * to have to do with it, so only now it counts as connected. */
void peers_greeted(struct exchange *x, struct link *l);
/* The peer lied: it is left alone for the rest of the run. */
void peers_drop(struct exchange *x, struct link *l, const char *why);
struct peer *peers_find(struct exchange *x, const char *id);
void peers_close_all(struct exchange *x);

/* exchange-link.c */
struct link *link_new(struct exchange *x, int fd, bool dialled, struct peer *peer, int64_t now);
void link_free(struct exchange *x, struct link *l);
short link_events(const struct link *l);
void link_turn(struct exchange *x, struct link *l, short revents, int64_t now);
void link_flush(struct exchange *x, struct link *l, int64_t now);

/* exchange-ask.c */
void asks_turn(struct exchange *x, int64_t now);
/* Takes the chunk out of what the link owes; false when it does not owe it. */
bool asks_take(struct exchange *x, struct link *l, uint32_t number, int64_t *asked_at);
void asks_forget(struct exchange *x, struct link *l); /* all of them */

/* exchange-report.c */
void report_turn(struct exchange *x, int64_t now);
bool report_has_news(const struct exchange *x);
void report_all(struct exchange *x); /* as if nothing had been reported */

/* The firewalls that hosts run, and what is opened in them for a cluster. A kind is one file
 * (firewall-NAME.c) and one row in firewall.c. What is opened is recorded as "firewall" in the
 * ledger, and reset closes exactly that. */
#pragma once

#include "agent/step.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define FIREWALL_SOURCES_MAX 4096 /* of one step; a cap against a peer's nonsense */
#define FIREWALL_ANYWHERE "0.0.0.0/0"
#define FIREWALL_PODS "pods" /* as a protocol: all that pods send, also what is forwarded */
#define OPENING_TEXT_MAX 160

struct opening {
    char protocol[8];     /* "tcp", "udp", "vrrp" or FIREWALL_PODS */
    unsigned first, last; /* ports; 0: the protocol has none */
    char source[20];      /* IPv4 address or network, or FIREWALL_ANYWHERE */
    char place[96];       /* the kind's: a zone, a chain; "": it has only one */
};
/* "tcp:2379-2380:10.0.0.11:PLACE" and back; what is not exactly of that form is refused. */
void opening_text(const struct opening *o, char out[OPENING_TEXT_MAX]);
bool opening_parse(const char *text, struct opening *out);
/* The same without the place: the comment that marks a rule of ours. */
#define OPENING_MARK "bigtop:"
void opening_mark(const struct opening *o, char out[OPENING_TEXT_MAX]);

struct openings {
    struct opening *items;
    size_t count;
};
void openings_release(struct openings *o);
#define AUTO_OPENINGS CLEANUP(openings_release) struct openings
void openings_add(struct openings *o, const struct opening *item);
/* A copy of the item at that place; false when the place is too long to be one. */
bool openings_add_at(struct openings *o, const struct opening *item, const char *place);
bool openings_has(const struct openings *o, const struct opening *item);
/* "VERB tcp port 22 from 10.0.0.1, 10.0.0.2 in NAME, PLACE", a line for the same ports of several
 * sources that stand together. skip (may be NULL): those that are not told. */
void openings_tell(const struct openings *o, const bool *skip, const char *verb, const char *name,
                   struct strv *out);

struct firewall_kind {
    const char *name; /* in facts, in the ledger, for the user */
    bool (*is_active)(const struct firewall_kind *k);
    /* Each wanted opening at each place where this firewall needs it. interface: of the node. */
    int (*expand)(const struct firewall_kind *k, const struct openings *wanted,
                  const char *interface, struct openings *out, struct error *err);
    /* there[i]: it is open now. */
    int (*look)(const struct firewall_kind *k, const struct openings *all, bool *there,
                struct error *err);
    /* All of these will be open after a reboot; NULL: what is open stays so. */
    bool (*stays)(const struct firewall_kind *k, const struct openings *all);
    /* Opens those that are not there; recorded already. all: everything that shall be open. */
    int (*open)(const struct firewall_kind *k, const struct step_context *ctx,
                const struct openings *all, const bool *there, struct error *err);
    /* Closes what of these is open; what is not is fine, and so is a firewall that is gone. */
    int (*close)(const struct firewall_kind *k, const struct openings *some, struct error *err);
    /* Packet filters: what opens all of these, and the program that is given the path of a file
     * with it (space-separated). */
    void (*script)(const struct openings *all, struct strbuf *out);
    const char *loader;
};
extern const struct firewall_kind firewall_firewalld, firewall_ufw, firewall_nftables,
    firewall_iptables_nft, firewall_iptables_legacy;

/* Those that are at work here, which is one as a rule. A manager (firewalld, ufw) hides the packet
 * filters that it drives. Appended to `out`, which has room for FIREWALL_KINDS. The number. */
#define FIREWALL_KINDS 5
size_t firewall_active(const struct firewall_kind *out[FIREWALL_KINDS]);
/* Their names as an array; the caller owns it. */
json_t *firewall_facts(void);

/* What the ledger has of a kind, open or not. */
void firewall_recorded(const struct ledger *l, const struct firewall_kind *k, struct openings *out);
int firewall_record(struct ledger *l, const struct firewall_kind *k, const struct opening *o,
                    struct error *err);
/* Closes all of the names of "firewall" records. */
int firewall_undo(const struct strv *names, struct error *err);

/* firewall-boot.c: packet filters forget. A unit of ours puts the kind's script in again, after
 * what loads the host's own rules, at boot and whenever that is loaded anew. `stays` and `open` of
 * the kinds that have a script. */
bool firewall_boot_stays(const struct firewall_kind *k, const struct openings *all);
int firewall_boot_open(const struct firewall_kind *k, const struct step_context *ctx,
                       const struct openings *all, const bool *there, struct error *err);

/* Pure parts. */
/* firewall-nft.c: base chains of hook input or forward that end in a drop, from `nft -j list
 * ruleset` or a part of it: "family table chain", appended to those of the hook. */
void firewall_nft_closing(const json_t *ruleset, struct strv *input, struct strv *forward);
void firewall_nft_script(const struct openings *all, struct strbuf *out);
/* firewall-iptables.c: whether this chain of `iptables-save -t filter` ends in a drop. */
bool firewall_iptables_closes(const char *save, const char *chain);
/* The rules of `save` that are marks of these, as -D lines for iptables-restore; nothing when there
 * is none. */
void firewall_iptables_delete(const char *save, const struct openings *some, struct strbuf *out);
void firewall_iptables_script(const struct openings *all, struct strbuf *out);
/* firewall-ufw.c: the words of a rule as `ufw show added` prints them: "allow from A …". */
void firewall_ufw_rule(const struct opening *o, struct strv *words);
bool firewall_ufw_has(const char *added, const struct opening *o);
/* firewall-firewalld.c */
char *firewall_firewalld_rule(const struct opening *o); /* the caller frees */
/* From `--list-all-zones`: the zones that packets from the hosts may come to, which are that of
 * the node's interface (fallback: of those without one) and those with sources; and whether the
 * opening's zone has it. */
void firewall_firewalld_zones(const char *all, const char *interface, const char *fallback,
                              struct strv *out);
bool firewall_firewalld_has(const char *all, const struct opening *o);

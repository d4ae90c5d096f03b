/* Sets of addresses that packet filter rules named. Through netlink: a host need not have the
 * program. Source: linux/netfilter/ipset/ip_set.h, nfnetlink.h. */
#include "agent/ledger-kinds.h"
#include "lib/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define PROTOCOL 6 /* the least that kernels since 2011 take */
#define REPLY_MAX (64 * 1024)
#define ATTRIBUTE_HEADER sizeof(struct nlattr)

static size_t aligned(size_t len)
{
    return (len + NLA_ALIGNTO - 1) & ~(size_t) (NLA_ALIGNTO - 1);
}

struct request {
    struct nlmsghdr header;
    struct nfgenmsg family;
    char attributes[64 + IPSET_MAXNAMELEN];
};

static void begin(struct request *q, unsigned command, unsigned flags)
{
    *q = (struct request){
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof q->family),
                   .nlmsg_type = (uint16_t) (NFNL_SUBSYS_IPSET << 8 | command),
                   .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags)},
        .family = {.nfgen_family = AF_INET, .version = NFNETLINK_V0},
    };
}

static void add(struct request *q, unsigned type, const void *data, size_t len)
{
    struct nlattr a = {.nla_len = (uint16_t) (ATTRIBUTE_HEADER + len), .nla_type = (uint16_t) type};
    char *at = (char *) q + q->header.nlmsg_len;
    memcpy(at, &a, sizeof a);
    memcpy(at + ATTRIBUTE_HEADER, data, len);
    q->header.nlmsg_len += (uint32_t) aligned(a.nla_len);
}

static int send_request(int fd, const struct request *q)
{
    return send(fd, q, q->header.nlmsg_len, 0) < 0 ? -errno : 0;
}

static void take_name(const struct nlmsghdr *m, struct strv *names)
{
    size_t at = NLMSG_LENGTH(sizeof(struct nfgenmsg));
    while (at + ATTRIBUTE_HEADER <= m->nlmsg_len) {
        const struct nlattr *a = (const void *) ((const char *) m + at);
        if (a->nla_len < ATTRIBUTE_HEADER || at + a->nla_len > m->nlmsg_len)
            return;
        if ((a->nla_type & NLA_TYPE_MASK) == IPSET_ATTR_SETNAME) {
            AUTO_FREE char *name = xstrndup((const char *) a + ATTRIBUTE_HEADER,
                                            a->nla_len - ATTRIBUTE_HEADER);
            strv_add(names, name);
        }
        at += aligned(a->nla_len);
    }
}

/* 1: that was the last; 0: more is to come. */
static int take_reply(const char *reply, size_t len, struct strv *names)
{
    const struct nlmsghdr *m = (const void *) reply;
    for (; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
        if (m->nlmsg_type == NLMSG_DONE)
            return 1;
        if (m->nlmsg_type != NLMSG_ERROR) {
            take_name(m, names);
            continue;
        }
        const struct nlmsgerr *e = NLMSG_DATA(m);
        return m->nlmsg_len < NLMSG_LENGTH(sizeof *e) ? -EPROTO : e->error < 0 ? e->error : 1;
    }
    return 0;
}

static int read_replies(int fd, struct strv *names)
{
    AUTO_FREE char *reply = xcalloc(1, REPLY_MAX);
    int r = 0;
    while (r == 0) {
        ssize_t n = recv(fd, reply, REPLY_MAX, 0);
        r = n < 0 ? -errno : take_reply(reply, (size_t) n, names);
    }
    return r < 0 ? r : 0;
}

static int list_sets(int fd, struct strv *names)
{
    struct request q;
    uint8_t protocol = PROTOCOL;
    uint32_t flags = htonl(IPSET_FLAG_LIST_SETNAME);
    begin(&q, IPSET_CMD_LIST, NLM_F_DUMP);
    add(&q, IPSET_ATTR_PROTOCOL, &protocol, sizeof protocol);
    add(&q, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, &flags, sizeof flags);
    int r = send_request(fd, &q);
    return r < 0 ? r : read_replies(fd, names);
}

static int destroy_set(int fd, const char *name)
{
    struct request q;
    STRV(none);
    uint8_t protocol = PROTOCOL;
    size_t len = strlen(name) + 1;
    if (len > IPSET_MAXNAMELEN)
        return -ENAMETOOLONG;
    begin(&q, IPSET_CMD_DESTROY, NLM_F_ACK);
    add(&q, IPSET_ATTR_PROTOCOL, &protocol, sizeof protocol);
    add(&q, IPSET_ATTR_SETNAME, name, len);
    int r = send_request(fd, &q);
    return r < 0 ? r : read_replies(fd, &none);
}

/* A kernel without ipset has none of ours. */
int undo_ipset(const char *pattern, struct error *err)
{
    STRV(names);
    AUTO_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0 || list_sets(fd, &names) < 0)
        return 0;
    int result = 0;
    for (size_t i = 0; i < names.count; i++) {
        int r = name_matches(pattern, names.items[i]) ? destroy_set(fd, names.items[i]) : 0;
        if (r < 0 && r != -ENOENT && result == 0)
            result = error_errno(err, r, "remove the ipset %s", names.items[i]);
    }
    return result;
}

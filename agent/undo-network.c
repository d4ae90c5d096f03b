/* Network links and packet filter chains that Kubernetes' parts made. */
#include "agent/ledger-kinds.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAVE_MAX \
    (64u << 20) /* bytes of iptables-save; kube-proxy writes a lot on large clusters \
                 */
#define IPTABLES_TIMEOUT_MS 60000
#define POD_BRIDGE "cni0"

struct link_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
};
union link_answer {
    struct nlmsghdr header;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
    } ended;
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } found;
    char room[32 * 1024]; /* a card's description of itself is long */
};

/* rtnetlink(7): one request about the link of that index and its answer. */
static int ask_kernel(int fd, uint16_t type, uint16_t flags, unsigned index, union link_answer *got)
{
    struct link_request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = type,
                   .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags)},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int) index},
    };
    if (send(fd, &request, sizeof request, 0) < 0)
        return -errno;
    ssize_t n = recv(fd, got, sizeof *got, 0);
    if (n < (ssize_t) sizeof got->header || n < (ssize_t) got->header.nlmsg_len)
        return n < 0 ? -errno : -EPROTO;
    if (got->header.nlmsg_type == NLMSG_ERROR)
        return n < (ssize_t) sizeof got->ended ? -EPROTO : got->ended.error.error;
    return 0;
}

/* What can't be deleted this way (a card) says EOPNOTSUPP. */
static int delete_link(int fd, unsigned index)
{
    union link_answer got;
    return ask_kernel(fd, RTM_DELLINK, NLM_F_ACK, index, &got);
}

/* The index of the bridge that the link is a port of, 0 for none. */
static unsigned master_of(int fd, unsigned index)
{
    union link_answer got = {0};
    if (ask_kernel(fd, RTM_GETLINK, 0, index, &got) < 0 || got.header.nlmsg_type != RTM_NEWLINK)
        return 0;
    const struct rtattr *a = NULL;
    size_t at = sizeof got.found;
    for (; at + sizeof *a <= got.header.nlmsg_len; at += RTA_ALIGN(a->rta_len)) {
        a = (const struct rtattr *) (got.room + at);
        if (a->rta_len < sizeof *a)
            break;
        if (a->rta_type == IFLA_MASTER)
            return *(const unsigned *) (a + 1);
    }
    return 0;
}

/* Containers of others have such names too ("veth*"), but are ports of another bridge. */
static bool is_port_of_another(int fd, unsigned index)
{
    unsigned master = master_of(fd, index);
    return master != 0 && master != if_nametoindex(POD_BRIDGE);
}

static void free_links(struct if_nameindex **links)
{
    if (*links)
        if_freenameindex(*links);
}

int undo_link(const char *pattern, const json_t *kept, struct error *err)
{
    CLEANUP(free_links) struct if_nameindex *links = if_nameindex();
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (!links || fd < 0) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return error_errno(err, r, "list the network links");
    }
    int result = 0;
    for (const struct if_nameindex *i = links; i->if_index != 0; i++) {
        if (!name_matches(pattern, i->if_name) || json_has_text(kept, i->if_name) ||
            is_port_of_another(fd, i->if_index))
            continue;
        int r = delete_link(fd, i->if_index);
        /* The other end of a veth pair goes with the first. */
        if (r < 0 && r != -ENODEV && result >= 0)
            result = error_errno(err, r, "delete the network link %s", i->if_name);
    }
    close(fd);
    return result;
}

static bool starts_with_any(const char *name, const struct strv *prefixes)
{
    for (size_t i = 0; i < prefixes->count; i++)
        if (strncmp(name, prefixes->items[i], strlen(prefixes->items[i])) == 0)
            return true;
    return false;
}

/* One word of a rule as iptables-save writes it: quoted when it has blanks in it. */
static size_t word_length(const char *word)
{
    size_t len = 0;
    bool is_quoted = false;
    for (; word[len] && (is_quoted || word[len] != ' '); len++) {
        if (word[len] == '\\' && word[len + 1])
            len++;
        else if (word[len] == '"')
            is_quoted = !is_quoted;
    }
    return len;
}

static bool is_word(const char *word, size_t len, const char *wanted)
{
    return len == strlen(wanted) && strncmp(word, wanted, len) == 0;
}

/* The word that follows one of these two, without its quotes, starts so. */
static bool word_after_starts(const char *rule, const char *option, const char *or_option,
                              const struct strv *prefixes)
{
    bool is_next = false;
    size_t len = 0;
    for (const char *word = rule; *word; word += len + strspn(word + len, " ")) {
        len = word_length(word);
        if (is_next) {
            AUTO_FREE char *value = xstrndup(word + (word[0] == '"'), len - (word[0] == '"'));
            return starts_with_any(value, prefixes);
        }
        is_next = is_word(word, len, option) || is_word(word, len, or_option);
    }
    return false;
}

static bool is_ours(const char *rule, const struct undo_filters *ours)
{
    return word_after_starts(rule, "-j", "-g", &ours->chains) ||
           word_after_starts(rule, "--comment", "--comment", &ours->comments);
}

struct table_work {
    const struct undo_filters *ours;
    struct strbuf rules;  /* -D lines: our rules in others' chains */
    struct strbuf flush;  /* -F lines */
    struct strbuf remove; /* -X lines */
};

/* ":KUBE-SERVICES - [0:0]" */
static void take_chain(struct table_work *work, const char *line)
{
    AUTO_FREE char *name = xstrndup(line + 1, strcspn(line + 1, " "));
    if (!starts_with_any(name, &work->ours->chains))
        return;
    strbuf_addf(&work->flush, "-F %s\n", name);
    strbuf_addf(&work->remove, "-X %s\n", name);
}

/* "-A INPUT -m comment --comment \"x\" -j KUBE-FIREWALL"; the text is what restore reads back. */
static void take_rule(struct table_work *work, const char *line)
{
    AUTO_FREE char *chain = xstrndup(line + 3, strcspn(line + 3, " "));
    if (!starts_with_any(chain, &work->ours->chains) && is_ours(line, work->ours))
        strbuf_addf(&work->rules, "-D %s\n", line + 3);
}

static void end_table(struct table_work *work, const char *table, struct strbuf *out)
{
    if (work->rules.len + work->flush.len > 0) {
        strbuf_addf(out, "%s\n", table);
        strbuf_add(out, work->rules.data, work->rules.len);
        strbuf_add(out, work->flush.data, work->flush.len);
        strbuf_add(out, work->remove.data, work->remove.len);
        strbuf_adds(out, "COMMIT\n");
    }
    strbuf_reset(&work->rules);
    strbuf_reset(&work->flush);
    strbuf_reset(&work->remove);
}

void undo_iptables_script(const char *save, const struct undo_filters *ours, struct strbuf *out)
{
    struct table_work work = {.ours = ours};
    strbuf_init(&work.rules, SAVE_MAX);
    strbuf_init(&work.flush, SAVE_MAX);
    strbuf_init(&work.remove, SAVE_MAX);
    STRV(lines);
    strv_split(&lines, save, '\n');
    const char *table = NULL;
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (line[0] == '*')
            table = line;
        else if (line[0] == ':')
            take_chain(&work, line);
        else if (strncmp(line, "-A ", 3) == 0)
            take_rule(&work, line);
        else if (table && strcmp(line, "COMMIT") == 0)
            end_table(&work, table, out);
    }
    strbuf_release(&work.rules);
    strbuf_release(&work.flush);
    strbuf_release(&work.remove);
}

static int clean_variant(const char *variant, const struct undo_filters *ours, struct error *err)
{
    AUTO_FREE char *save = xasprintf("%s-save", variant);
    AUTO_FREE char *restore = xasprintf("%s-restore", variant);
    if (!process_in_path(save) || !process_in_path(restore))
        return 0;
    STRBUF(rules, SAVE_MAX);
    STRBUF(script, SAVE_MAX);
    const char *const save_argv[] = {save, NULL};
    const struct process_options reading = {.out = &rules, .timeout_ms = IPTABLES_TIMEOUT_MS};
    /* A kernel without this table or family has nothing of ours in it. */
    if (process_run(save_argv, &reading, NULL, NULL) < 0)
        return 0;
    undo_iptables_script(rules.data, ours, &script);
    if (strbuf_full(&rules) || strbuf_full(&script))
        return error_set(err, -E2BIG, "%s gives too many rules", save);
    if (script.len == 0)
        return 0;
    const char *const restore_argv[] = {restore, "--noflush", NULL};
    const struct process_options writing = {
        .stdin_data = script.data, .stdin_len = script.len, .timeout_ms = IPTABLES_TIMEOUT_MS};
    return process_run(restore_argv, &writing, NULL, err);
}

int undo_iptables(const struct undo_filters *ours, struct error *err)
{
    static const char *const variants[] = {"iptables-nft", "iptables-legacy", "ip6tables-nft",
                                           "ip6tables-legacy"};
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        int r = clean_variant(variants[i], ours, result < 0 ? NULL : err);
        if (r < 0 && result >= 0)
            result = r;
    }
    return result;
}

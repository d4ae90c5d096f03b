#include "agent/facts.h"
#include "lib/fd.h"
#include "lib/process.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TEXT_MAX (8u << 20) /* bytes; modules.dep of a distribution's kernel is about 700 KiB */
#define STATUS_MAX (64 * 1024)
#define CAP_SYS_RESOURCE_BIT 24 /* linux/capability.h */
#define SYMBOL_LINE_MAX 512

static const char *const programs[] = {
    "conntrack", "iptables", "ip6tables", "ipset",     "mount",    "umount", "ip",
    "losetup",   "ethtool",  "socat",     "tc",        "modprobe", "nft",    "nsenter",
    "swapoff",   "tar",      "chronyd",   "mkfs.ext4", "mkfs.xfs", "cp",
};

/* How a feature shows in a kernel that has it built in and comes without a modules tree: a file, or
 * a symbol of its code in /proc/kallsyms. */
struct module {
    const char *name, *effect, *symbol;
};

static const struct module modules[] = {
    {"overlay", NULL, "ovl_fill_super"},
    {"br_netfilter", "/proc/sys/net/bridge", "br_nf_pre_routing"},
    {"bridge", NULL, "br_dev_setup"},
    {"veth", NULL, "veth_setup"},
    {"vxlan", NULL, "vxlan_setup"},
    {"nf_conntrack", "/proc/sys/net/netfilter/nf_conntrack_max", "nf_conntrack_in"},
    {"nf_nat", NULL, "nf_nat_setup_info"},
    {"ip_tables", "/proc/net/ip_tables_names", "ipt_do_table"},
    {"ip6_tables", "/proc/net/ip6_tables_names", "ip6t_do_table"},
    {"nf_tables", NULL, "nft_do_chain"},
    {"nft_compat", NULL, "nft_match_select_ops"},
    {"ip_set", NULL, "ip_set_test"},
    {"xt_comment", NULL, "comment_mt"},
    {"xt_conntrack", NULL, "conntrack_mt_v3"},
    {"xt_mark", NULL, "mark_mt"},
    {"xt_MASQUERADE", NULL, "masquerade_tg"},
    {"xt_multiport", NULL, "multiport_mt"},
    {"xt_set", NULL, "set_match_v4"},
    {"xt_statistic", NULL, "statistic_mt"},
    {"xt_addrtype", NULL, "addrtype_mt_v1"},
    {"nfsv4", NULL, "nfs4_try_get_tree"},
    {"nfsd", "/proc/fs/nfsd", "nfsd_svc"},
};

static void set_programs(json_t *obj)
{
    json_t *found = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        json_object_set_new(found, programs[i], json_boolean(process_in_path(programs[i])));
    json_object_set_new(obj, "programs", found);
}

/* "overlay 151552 9 - Live 0x…" */
static bool is_loaded(const char *proc_modules, const char *name)
{
    AUTO_FREE char *line = xasprintf("\n%s ", name);
    return strncmp(proc_modules, line + 1, strlen(line) - 1) == 0 || strstr(proc_modules, line);
}

/* "kernel/fs/overlayfs/overlay.ko" in modules.builtin, "….ko.xz: …" in modules.dep. The file's name
 * may have a "-" where the module's has a "_". */
static bool lists_module(const char *list, const char *name)
{
    AUTO_FREE char *file = xasprintf("/%s.ko", name);
    AUTO_FREE char *dashed = xstrdup(file);
    for (char *c = dashed; (c = strchr(c, '_')); c++)
        *c = '-';
    return strstr(list, file) || strstr(list, dashed);
}

static char *read_modules_file(const char *name)
{
    struct utsname uts;
    uname(&uts);
    AUTO_FREE char *path = xasprintf("/lib/modules/%s/%s", uts.release, name);
    STRBUF(text, TEXT_MAX);
    file_read(path, &text, NULL);
    return xstrdup(text.data);
}

static const char *state_of(const struct module *m, const char *loaded, const char *builtin,
                            const char *available)
{
    AUTO_FREE char *sysfs = xasprintf("/sys/module/%s", m->name);
    if (is_loaded(loaded, m->name))
        return "loaded";
    if (access(sysfs, F_OK) == 0 || (m->effect && access(m->effect, F_OK) == 0) ||
        lists_module(builtin, m->name))
        return "builtin";
    return lists_module(available, m->name) ? "available" : "missing";
}

/* "ffffffff81… t comment_mt" or with "\t[module]" behind. */
static void take_symbol(json_t *states, const char *line)
{
    const char *symbol = strrchr(line, ' ');
    for (size_t i = 0; symbol && i < ARRAY_SIZE(modules); i++)
        if (strcmp(symbol + 1, modules[i].symbol) == 0)
            json_object_set_new(states, modules[i].name, json_string("builtin"));
}

static json_t *symbols; /* module → "builtin", as long as the kernel runs */

static void read_symbols(void)
{
    char line[SYMBOL_LINE_MAX];
    FILE *f = fopen("/proc/kallsyms", "re");
    symbols = json_object();
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\t\n")] = '\0';
        take_symbol(symbols, line);
    }
    if (f)
        fclose(f);
}

/* Megabytes to read: once, and only where the lists of modules leave a doubt. */
static void find_symbols(json_t *states)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *name;
    json_t *state;
    pthread_once(&once, read_symbols);
    json_object_foreach(symbols, name, state)
        if (strcmp(json_get_string(states, name, ""), "missing") == 0)
            json_object_set(states, name, state);
}

static void set_modules(json_t *obj)
{
    STRBUF(loaded, TEXT_MAX);
    file_read("/proc/modules", &loaded, NULL);
    AUTO_FREE char *builtin = read_modules_file("modules.builtin");
    AUTO_FREE char *available = read_modules_file("modules.dep");
    json_t *states = json_object();
    bool is_missing = false;
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
        const char *state = state_of(&modules[i], loaded.data, builtin, available);
        json_object_set_new(states, modules[i].name, json_string(state));
        is_missing = is_missing || strcmp(state, "missing") == 0;
    }
    if (is_missing)
        find_symbols(states);
    json_object_set_new(obj, "modules", states);
}

static void set_capabilities(json_t *obj)
{
    STRBUF(text, STATUS_MAX);
    file_read("/proc/self/status", &text, NULL);
    const char *effective = strstr(text.data, "CapEff:");
    unsigned long long bits = effective ? strtoull(effective + strlen("CapEff:"), NULL, 16) : 0;
    bool has = (bits >> CAP_SYS_RESOURCE_BIT) & 1;
    json_object_set_new(obj, "capabilities", json_pack("{s:b}", "sys_resource", has));
}

void facts_kernel(json_t *obj)
{
    set_programs(obj);
    set_modules(obj);
    set_capabilities(obj);
}

/* hosts.yaml as a checked structure: what the user wants. Strict: every unknown key, wrong type and
 * impossible combination is refused with "file:line:column: what, and what was expected".
 * The table in inventory.c is the only list of keys; schema and manual are generated from it. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"
#include "lib/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INVENTORY_HOSTS_MAX 5000
#define INVENTORY_VLAN_MAX 4094 /* IEEE 802.1Q */
#define INVENTORY_MTU_MIN 1330 /* bytes: 1280 for the pods and 50 for VXLAN */

enum host_role { ROLE_CONTROL_PLANE = 1, ROLE_WORKER = 2 };
enum host_state { STATE_PRESENT, STATE_ABSENT };
/* auto: root → none; others → sudo, with the password if it asks for one. */
enum sudo_mode { SUDO_AUTO, SUDO_NONE, SUDO_PASSWORD };

struct label {
    char *key, *value;
};
struct taint {
    char *key;
    char *value;  /* may be "" */
    char *effect; /* NoSchedule | PreferNoSchedule | NoExecute */
};

/* A disk that the host shall use. One of serial, wwn and path names it, the others are NULL; one of
 * class and mount says what for. */
struct disk {
    char *serial, *wwn, *path;
    char *class; /* name of a storage class, for volumes in AGENT_VOLUMES_DIR/<class>; one disk of
                    a class on a host */
    char *mount; /* or an absolute path, such as /var/lib/etcd */
    char *fs;    /* "ext4" (default) or "xfs" */
    char *wipe;  /* serial of this disk: what is on it may go; NULL: nothing may */
};

/* Network cards as one, in a machine that starts from an image. */
struct bond {
    struct strv macs; /* "52:54:00:12:34:56"; none: no bond */
    char *mode;       /* "active-backup" (default) or "802.3ad" */
};

struct host {
    /* Node name; default: the first part of an address that is a name, else NULL: what the host
     * calls itself. */
    char *name;
    /* Where SSH goes: IPv4, IPv6 (canonical) or name (lower case). NULL: to be found by mac, bond
     * and serial (coordinator/find-hosts.h); job_open does it. */
    char *address;
    uint16_t port; /* default 22 */
    char *user;    /* default root */
    /* Private key file, "~/" expanded; NULL: ssh-agent, then ~/.ssh/id_{ed25519,ecdsa,rsa}. */
    char *key;
    char *password; /* SSH password, or NULL */
    enum sudo_mode sudo;
    char *sudo_password; /* default: password */
    char *host_key;      /* "SHA256:…" or "ssh-ed25519 AAAA…": pins; NULL: known_hosts */
    char *mac;           /* of the card that gets `address` when the machine starts from an image;
                            "52:54:00:12:34:56"; or NULL */
    struct bond bond;    /* in place of mac */
    char *serial;        /* of the machine, to find its address by; or NULL */
    char *node_ip;       /* IPv4; NULL: the host's address on the way to the other hosts */
    unsigned roles; /* enum host_role bits; default: the first host control plane, others worker */
    enum host_state state;
    struct label *labels; /* of defaults, and on top of them the host's own */
    size_t label_count;
    struct taint *taints;
    size_t taint_count;
    struct disk *disks; /* only what is named here is ever touched */
    size_t disk_count;
    char *nfs_export; /* `nfs: {export: PATH}`: this host is the NFS server; or NULL */
    char *install_disk; /* serial or WWN of the disk that it installs itself to when it starts from
                           an image (docs/iso.md); NULL: it changes none */
    char *install_wipe; /* what `wipe` of a disk is, for this one; or NULL */
    unsigned line; /* of hosts.yaml, for messages */
    bool remembered; /* it has no line any more (coordinator/applied-hosts.h) */
};

/* A team's part of the cluster: a namespace of that name (docs/projects.md). */
struct project {
    char *name;                     /* DNS label, none that Kubernetes or the stack has */
    struct strv owners, scientists; /* users, each once */
    char *cpu, *memory, *storage, *pods; /* quantities of Kubernetes; NULL: no limit */
    struct strv reach; /* inventory_reach_parse takes them */
};

/* The network of machines that start from an image (docs/iso.md), where no DHCP server is. */
struct rack {
    char *cidr;        /* NULL: DHCP */
    uint16_t vlan;     /* the machines' network is this VLAN of their cards; 0: untagged */
    char *gateway;     /* IPv4 inside cidr, or NULL */
    char *coordinator; /* IPv4 of the machine that has mac or bond, when it is none of the hosts;
                          or NULL */
    char *mac;
    struct bond bond;
};

struct inventory {
    char *path;         /* of hosts.yaml */
    char *cluster_name; /* default "bigtop" */
    char *endpoint;     /* "host:port" of a balancer of the user's before the API; NULL: none, each
                           node has its own (kubeadm/balancer.h) */
    char *virtual_ip;   /* IPv4 that moves among the control planes (keepalived); NULL: none */
    char *pod_cidr;     /* default 10.244.0.0/16 */
    char *service_cidr; /* default 10.96.0.0/12 */
    char *dns_domain;   /* default cluster.local */
    uint16_t mtu;       /* of the hosts' network, bytes; 0: the smallest of their interfaces' */
    char *network;      /* "canal" or "flannel"; NULL: not named (coordinator/addons.h) */
    struct strv storage; /* provisioners, the default class's first: "local-path" (default),
                            "openebs" and "nfs", or "none" alone */
    char *profile;      /* a name in the bundle, or a path relative to hosts.yaml (coordinator/
                           stack-work.h); or NULL */
    char *bundle;       /* folder, relative to hosts.yaml's already resolved; or NULL */
    struct strv bundle_keys; /* public keys ("RW…"), and resolved paths of NAME.pub */
    char *known_hosts;  /* default ~/.ssh/known_hosts */
    struct rack rack;
    struct project *projects;
    size_t project_count;
    struct host defaults; /* what a host has that says nothing itself */
    struct host *hosts;
    size_t host_count;
};

/* "SPACE", "SPACE/APP" or "SPACE/APP:PORT": pods of a namespace, all or those with that
 * app.kubernetes.io/name. False when it is none. */
struct reach {
    char space[64], app[64]; /* app may be "" */
    uint16_t port;           /* 0: all */
};
bool inventory_reach_parse(const char *text, struct reach *out);
bool inventory_is_project(const char *s); /* a DNS label that no part of the system has */

/* Leaves *out untouched on failure: -EINVAL, or another errno when the file cannot be read.
 * A file with a password in it whose mode lets group or others at it is refused with -EPERM. */
int inventory_load(const char *path, struct inventory *out, struct error *err);
int inventory_from_yaml(const struct yaml_file *file, struct inventory *out, struct error *err);
void inventory_release(struct inventory *inv);
#define INVENTORY_INIT ((struct inventory){0})
/* Where the disk is to be mounted; the caller frees. */
char *inventory_disk_mount(const struct disk *d);
/* The number of the card by which a machine is known: mac, or the first one of its bond; NULL: it
 * has neither. Borrowed. */
const char *inventory_card(const char *mac, const struct bond *bond);
/* How the host is called in messages: its name, else its address, else what it is found by. */
const char *host_label(const struct host *h);
/* The JSON Schema (draft 2020-12) of hosts.yaml, from the same table. The caller frees. */
char *inventory_schema(void);
/* The manual of hosts.yaml in Markdown, from the same table. The caller frees. */
char *inventory_manual(void);
/* A hosts.yaml for these addresses with every other key in a comment; user and key may be NULL.
 * Checked by inventory_from_yaml before it is given out. The caller frees *out. */
int inventory_template(const struct strv *addresses, const char *user, const char *key, char **out,
                       struct error *err);

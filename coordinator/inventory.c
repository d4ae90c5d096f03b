#include "coordinator/inventory.h"

#include "coordinator/inventory-keys.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <string.h>

#define INV(member) offsetof(struct inventory, member)
#define HOST(member) offsetof(struct host, member)
#define BOND(member) offsetof(struct bond, member)
#define DISK(member) offsetof(struct disk, member)
#define PROJECT(member) offsetof(struct project, member)
#define LABEL_PATTERN "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
#define USER_PATTERN "^[A-Za-z0-9]([-A-Za-z0-9._@]{0,61}[A-Za-z0-9])?$"
#define BYTES_PATTERN "^[1-9][0-9]{0,14}(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"
#define DOMAIN_PATTERN "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
#define ADDRESS_PATTERN "^[0-9A-Za-z:][-0-9A-Za-z.:]*$"
#define ENDPOINT_PATTERN "^[0-9A-Za-z][-0-9A-Za-z.]*(:[0-9]{1,5})?$"
#define IPV4_PATTERN "^([0-9]{1,3}\\.){3}[0-9]{1,3}$"
#define MAC_PATTERN "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"
#define MAC_EXPECTED "the number of one card such as 52:54:00:12:34:56"
#define SERIAL_PATTERN "^[0-9A-Za-z]([-_.:+/ 0-9A-Za-z]{0,126}[-_.:+/0-9A-Za-z])?$"
#define BOND_EXPECTED "a mapping such as {macs: [52:54:00:00:00:0b, 52:54:00:00:00:0c]}"
#define CIDR_PATTERN "^([0-9]{1,3}\\.){3}[0-9]{1,3}/[0-9]{1,2}$"

static bool is_cidr4(const char *s)
{
    uint32_t network;
    unsigned prefix;
    return grammar_cidr4(s, &network, &prefix);
}

/* On a disk of a class, or elsewhere as a disk's mount may be. exports(5) needs no quotes for it.
 */
static bool is_export(const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    static const char *const others[] = {"/var/lib/containerd", "/var/lib/etcd",
                                         "/var/lib/kubelet"};
    size_t len = strlen(AGENT_VOLUMES_DIR "/");
    if (strncmp(s, AGENT_VOLUMES_DIR "/", len) == 0)
        return path_is_safe_relative(s + len) && s[strspn(s, plain)] == '\0';
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (path_is_at_or_below(s, others[i]))
            return false;
    return inventory_is_mount_point(s);
}

static bool is_profile(const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    size_t len = strlen(s);
    return len > 0 && len <= 255 && s[0] != '-' && strspn(s, plain) == len;
}

/* The order is that of the manual; `defaults` stands before `hosts`, which start from them. */
const struct inventory_key inventory_keys[] = {
    {.name = "cluster",
     .places = PLACE_TOP,
     .type = &type_section,
     .section = PLACE_CLUSTER,
     .expected = "a mapping of cluster keys",
     .help = "The cluster as a whole."},
    {.name = "network",
     .places = PLACE_TOP,
     .type = &type_word,
     .offset = INV(network),
     .choices = "canal|flannel",
     .example = "canal",
     .help = "Pod network, VXLAN between the hosts. canal enforces network policies, flannel does "
             "not. Default: what the cluster has; for a new one canal where the bundle has its "
             "images, else flannel. A live cluster's cannot be changed."},
    {.name = "storage",
     .places = PLACE_TOP,
     .type = &type_words,
     .offset = INV(storage),
     .fallback = "local-path",
     .choices = "local-path|openebs|nfs|none",
     .help = "Where persistent volumes come from, one word or a list. local-path and openebs make "
             "folders on the host that a pod runs on, nfs on the host that has nfs. The first one "
             "gives the default storage class."},
    {.name = "profile",
     .places = PLACE_TOP,
     .type = &type_text,
     .offset = INV(profile),
     .grammar = is_profile,
     .pattern = "^[A-Za-z0-9_./][-A-Za-z0-9_./]*$",
     .expected = "the name of a profile, or DIR/NAME.yaml",
     .example = "minimal",
     .help = "The stack that is started once the cluster is ready, and tested: a profile of the "
             "bundle by its name, or one of your own by its path, relative to hosts.yaml. Default: "
             "none."},
    {.name = "projects",
     .places = PLACE_TOP,
     .type = &type_projects,
     .expected = "a list of projects",
     .example = "[{name: risk, owners: [ada], scientists: [sam], quota: {cpu: 8, memory: 16Gi}}]",
     .help = "Teams that share the cluster, each kept apart in a namespace of its own."},
    {.name = "bundle",
     .places = PLACE_TOP,
     .type = &type_path,
     .offset = INV(bundle),
     .expected = "a path",
     .example = "bundle",
     .help = "Folder of the bundle to install, relative to hosts.yaml. --bundle on the command "
             "line comes first."},
    {.name = "bundle_keys",
     .places = PLACE_TOP,
     .type = &type_keys,
     .offset = INV(bundle_keys),
     .expected = "a list of public keys (RW...) or paths of NAME.pub",
     .example = "[ops-2026.pub]",
     .help = "Who may have signed the bundle: public keys as `bundle keygen` and minisign write "
             "them, or the files that have them, relative to hosts.yaml. --key adds to them."},
    {.name = "known_hosts",
     .places = PLACE_TOP,
     .type = &type_path,
     .offset = INV(known_hosts),
     .fallback = "~/.ssh/known_hosts",
     .expected = "a path",
     .help =
         "OpenSSH known_hosts file that host keys are checked against, relative to hosts.yaml."},
    {.name = "rack",
     .places = PLACE_TOP,
     .type = &type_section,
     .section = PLACE_RACK,
     .expected = "a mapping such as {cidr: 10.9.0.0/24}",
     .help =
         "The network of machines that start from an image (`iso build --hosts`), where no DHCP "
         "server is."},
    {.name = "defaults",
     .places = PLACE_TOP,
     .type = &type_section,
     .section = PLACE_DEFAULTS,
     .expected = "a mapping of host keys",
     .help = "Values for every host that has none of its own."},
    {.name = "hosts",
     .places = PLACE_TOP,
     .type = &type_hosts,
     .required = true,
     .expected = "a list of addresses or mappings",
     .help = "The hosts: each a plain address, or a mapping when there is more to say."},

    {.name = "name",
     .places = PLACE_CLUSTER,
     .type = &type_text,
     .offset = INV(cluster_name),
     .fallback = "bigtop",
     .grammar = grammar_node_name,
     .pattern = LABEL_PATTERN,
     .expected = "lower-case letters, digits and '-', at most 63",
     .help = "Name of the cluster, also in the kubeconfig."},
    {.name = "endpoint",
     .places = PLACE_CLUSTER,
     .type = &type_endpoint,
     .offset = INV(endpoint),
     .pattern = ENDPOINT_PATTERN,
     .expected = "HOST or HOST:PORT",
     .example = "api.example.com:6443",
     .help = "A load balancer of yours before the control planes, HOST or HOST:PORT; port 6443 if "
             "none is given. Default: none is needed, every node has one of its own. It cannot be "
             "changed once the cluster is made."},
    {.name = "virtual_ip",
     .places = PLACE_CLUSTER,
     .type = &type_text,
     .offset = INV(virtual_ip),
     .grammar = grammar_ipv4,
     .pattern = IPV4_PATTERN,
     .expected = "an IPv4 address such as 10.0.0.100",
     .example = "10.0.0.100",
     .help = "A free address in the control planes' network that moves among them, for users of "
             "the API. Nodes do not depend on it. To be set when the cluster is made, as the API's "
             "certificates name it. VRRP (IP protocol 112) must pass between the control planes; "
             "the virtual router's number is the last byte of the address."},
    {.name = "pod_cidr",
     .places = PLACE_CLUSTER,
     .type = &type_text,
     .offset = INV(pod_cidr),
     .fallback = "10.244.0.0/16",
     .grammar = is_cidr4,
     .pattern = CIDR_PATTERN,
     .expected = "an IPv4 network such as 10.244.0.0/16",
     .help = "Addresses of pods. Each host gets a /24 of it. It must not overlap any network that "
             "the hosts use."},
    {.name = "service_cidr",
     .places = PLACE_CLUSTER,
     .type = &type_text,
     .offset = INV(service_cidr),
     .fallback = "10.96.0.0/12",
     .grammar = is_cidr4,
     .pattern = CIDR_PATTERN,
     .expected = "an IPv4 network such as 10.96.0.0/12",
     .help = "Addresses of services, between /12 and /28."},
    {.name = "mtu",
     .places = PLACE_CLUSTER,
     .type = &type_mtu,
     .offset = INV(mtu),
     .expected = "a number of bytes from 1330 to 65535",
     .example = "1450",
     .help = "Largest packet, in bytes, that passes between the hosts, where that is less than "
             "their interfaces' MTU. Pods get 50 less for VXLAN. Default: the smallest MTU among "
             "the hosts' interfaces."},
    {.name = "dns_domain",
     .places = PLACE_CLUSTER,
     .type = &type_text,
     .offset = INV(dns_domain),
     .fallback = "cluster.local",
     .grammar = grammar_hostname,
     .pattern = DOMAIN_PATTERN,
     .expected = "a domain name such as cluster.local",
     .help = "Domain of cluster DNS."},

    {.name = "cidr",
     .places = PLACE_RACK,
     .type = &type_text,
     .offset = INV(rack.cidr),
     .grammar = is_cidr4,
     .pattern = CIDR_PATTERN,
     .expected = "an IPv4 network such as 10.9.0.0/24",
     .example = "10.9.0.0/24",
     .help = "Network that the addresses of hosts with a mac or bond are in. Default: DHCP."},
    {.name = "vlan",
     .places = PLACE_RACK,
     .type = &type_vlan,
     .offset = INV(rack.vlan),
     .expected = "a number from 1 to 4094",
     .example = "20",
     .help = "VLAN that this network is, on the cards of mac and bond: addresses are the VLAN's, "
             "and the card itself has none. Default: untagged."},
    {.name = "gateway",
     .places = PLACE_RACK,
     .type = &type_text,
     .offset = INV(rack.gateway),
     .grammar = grammar_ipv4,
     .pattern = IPV4_PATTERN,
     .expected = "an IPv4 address",
     .example = "10.9.0.1",
     .help = "The way out of it. Default: none."},
    {.name = "coordinator",
     .places = PLACE_RACK,
     .type = &type_text,
     .offset = INV(rack.coordinator),
     .grammar = grammar_ipv4,
     .pattern = IPV4_PATTERN,
     .expected = "an IPv4 address",
     .example = "10.9.0.2",
     .help = "Address of the coordinator's machine, if that is none of the hosts."},
    {.name = "mac",
     .places = PLACE_RACK,
     .type = &type_address,
     .offset = INV(rack.mac),
     .grammar = grammar_mac,
     .pattern = MAC_PATTERN,
     .expected = MAC_EXPECTED,
     .example = "52:54:00:00:00:02",
     .help = "Its network card."},
    {.name = "bond",
     .places = PLACE_RACK,
     .type = &type_section,
     .section = PLACE_BOND,
     .offset = INV(rack.bond),
     .expected = BOND_EXPECTED,
     .help = "Its network cards as one, in place of mac."},

    {.name = "address",
     .places = PLACE_HOST,
     .type = &type_address,
     .offset = HOST(address),
     .grammar = grammar_address,
     .pattern = ADDRESS_PATTERN,
     .expected = "an IPv4 or IPv6 address or a host name",
     .help = "Where SSH reaches the host: IPv4, IPv6 or a name. Default: where the machine is that "
             "started from an image and announces mac, bond or serial."},
    {.name = "name",
     .places = PLACE_HOST,
     .type = &type_text,
     .offset = HOST(name),
     .grammar = grammar_node_name,
     .pattern = LABEL_PATTERN,
     .expected = "lower-case letters, digits and '-', at most 63",
     .example = "db-1",
     .help = "Name of the node in Kubernetes. Default: the first part of the address when that is "
             "a name, else the host's own name."},
    {.name = "port",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_port,
     .offset = HOST(port),
     .fallback = "22",
     .expected = "a number from 1 to 65535",
     .help = "SSH port."},
    {.name = "user",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_text,
     .offset = HOST(user),
     .fallback = "root",
     .grammar = grammar_user,
     .pattern = "^[a-z_][a-z0-9_-]{0,31}$",
     .expected = "a user name such as root",
     .help = "User to log in as; root, or one who may use sudo."},
    {.name = "key",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_path,
     .offset = HOST(key),
     .expected = "a path",
     .example = "~/.ssh/id_ed25519",
     .help = "Private key file, relative to hosts.yaml. Default: ssh-agent, then "
             "~/.ssh/id_ed25519, id_ecdsa and id_rsa."},
    {.name = "password",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_secret,
     .offset = HOST(password),
     .expected = "text without control characters",
     .help = "SSH password. The file must then be readable by its owner alone (chmod 600)."},
    {.name = "sudo",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_choice,
     .offset = HOST(sudo),
     .fallback = "auto",
     .choices = "auto|none|password",
     .help = "How to become root. auto: not at all as root, else sudo, with the password if it "
             "asks for one; none: the user is root; password: sudo always asks."},
    {.name = "sudo_password",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_secret,
     .offset = HOST(sudo_password),
     .expected = "text without control characters",
     .help = "Password for sudo. Default: password."},
    {.name = "labels",
     .places = PLACE_HOST | PLACE_DEFAULTS,
     .type = &type_labels,
     .expected = "a mapping of label names to values",
     .example = "{rack: r1}",
     .help = "Kubernetes labels of the node. A host's own come on top of those in defaults."},
    {.name = "host_key",
     .places = PLACE_HOST,
     .type = &type_text,
     .offset = HOST(host_key),
     .grammar = inventory_is_host_key,
     .pattern = "^(SHA256:[A-Za-z0-9+/]{43}|(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3})$",
     .expected = "SHA256:... or a public key such as \"ssh-ed25519 AAAA...\"",
     .example = "SHA256:...",
     .help = "The host's SSH key, as a fingerprint or a public key. Given, it alone counts; else "
             "known_hosts does."},
    {.name = "mac",
     .places = PLACE_HOST,
     .type = &type_address,
     .offset = HOST(mac),
     .grammar = grammar_mac,
     .pattern = MAC_PATTERN,
     .expected = MAC_EXPECTED,
     .example = "52:54:00:00:00:0b",
     .help = "The network card that gets address, and by which the host gets name, when it starts "
             "from an image with this file. Default: DHCP."},
    {.name = "bond",
     .places = PLACE_HOST,
     .type = &type_section,
     .section = PLACE_BOND,
     .offset = HOST(bond),
     .expected = BOND_EXPECTED,
     .example = "{macs: [52:54:00:00:00:0b, 52:54:00:00:00:0c], mode: active-backup}",
     .help = "Network cards as one, bond0, in place of mac: any of them is enough for the host to "
             "be known."},
    {.name = "serial",
     .places = PLACE_HOST,
     .type = &type_text,
     .offset = HOST(serial),
     .grammar = grammar_serial,
     .pattern = SERIAL_PATTERN,
     .expected = "the machine's serial number, as `dmidecode -s system-serial-number` shows it",
     .example = "CZJ0410ABC",
     .help = "The machine's serial number, to find its address by, in place of mac or beside it."},
    {.name = "node_ip",
     .places = PLACE_HOST,
     .type = &type_text,
     .offset = HOST(node_ip),
     .grammar = grammar_ipv4,
     .pattern = IPV4_PATTERN,
     .expected = "an IPv4 address",
     .example = "192.168.0.11",
     .help = "The host's address inside the cluster. Default: the one on the way to the other "
             "hosts."},
    {.name = "roles",
     .places = PLACE_HOST,
     .type = &type_roles,
     .offset = HOST(roles),
     .choices = "control-plane|worker",
     .example = "[control-plane, worker]",
     .help =
         "A control plane that is a worker too also runs ordinary pods. Default: the first host "
         "is the control plane unless another one says so; all others are workers."},
    {.name = "taints",
     .places = PLACE_HOST,
     .type = &type_taints,
     .expected = "a list of \"key=value:Effect\", Effect being NoSchedule, PreferNoSchedule or "
                 "NoExecute",
     .example = "[\"dedicated=db:NoSchedule\"]",
     .help = "Kubernetes taints of the node, each \"key=value:Effect\" or \"key:Effect\"."},
    {.name = "state",
     .places = PLACE_HOST,
     .type = &type_choice,
     .offset = HOST(state),
     .fallback = "present",
     .choices = "present|absent",
     .help = "absent: the node is drained and removed from the cluster, and the host is reset."},
    {.name = "disks",
     .places = PLACE_HOST,
     .type = &type_disks,
     .expected = "a list of disks",
     .example = "[{serial: S3Z8NB0K, class: fast}]",
     .help = "Whole disks that the host may use; no other one is ever touched. One that carries "
             "anything, is mounted or in use is refused."},
    {.name = "nfs",
     .places = PLACE_HOST,
     .type = &type_section,
     .section = PLACE_NFS,
     .expected = "a mapping such as {export: /srv/nfs}",
     .example = "{export: /srv/nfs}",
     .help = "Makes this host the NFS server of the cluster. At most one host has it."},

    {.name = "install",
     .places = PLACE_HOST,
     .type = &type_section,
     .section = PLACE_INSTALL,
     .expected = "a mapping such as {disk: S3Z8NB0K}",
     .example = "{disk: S3Z8NB0K}",
     .help = "The machine with the card mac, when it starts from an image with this file, installs "
             "itself to this disk and runs from there. Default: it runs from memory and changes no "
             "disk."},

    {.name = "macs",
     .places = PLACE_BOND,
     .type = &type_macs,
     .offset = BOND(macs),
     .required = true,
     .grammar = grammar_mac,
     .pattern = MAC_PATTERN,
     .expected = "a list of cards such as [52:54:00:00:00:0b, 52:54:00:00:00:0c]",
     .help = "The cards, two to eight. The first one's number is that of the bond."},
    {.name = "mode",
     .places = PLACE_BOND,
     .type = &type_word,
     .offset = BOND(mode),
     .fallback = "active-backup",
     .choices = "active-backup|802.3ad",
     .help = "active-backup: one card at a time, with any switch. 802.3ad: all at once, where the "
             "switch's ports are one LACP group."},

    {.name = "serial",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(serial),
     .grammar = grammar_serial,
     .pattern = SERIAL_PATTERN,
     .expected = "a serial number, as `lsblk -o NAME,SERIAL` shows it",
     .help = "The disk with exactly this serial number. One of serial, wwn and path names it."},
    {.name = "wwn",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(wwn),
     .grammar = inventory_is_wwn,
     .pattern = "^[0-9A-Za-z][-_.0-9A-Za-z]{0,127}$",
     .expected = "a World Wide Name such as 0x5000c500a1b2c3d4",
     .help = "The disk with this World Wide Name, with or without 0x, naa. or eui. before it."},
    {.name = "path",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(path),
     .grammar = inventory_is_disk_path,
     .pattern = "^/[-_.:+/@=,0-9A-Za-z]{1,127}$",
     .expected = "an absolute path such as /dev/disk/by-id/...",
     .help = "The disk that this path on the host leads to. Names such as /dev/sdb may go to "
             "another disk at the next boot: take those below /dev/disk/by-id or by-path."},
    {.name = "class",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(class),
     .grammar = grammar_node_name,
     .pattern = LABEL_PATTERN,
     .expected = "lower-case letters, digits and '-', at most 63",
     .help = "For volumes of the storage class of this name. Either class or mount."},
    {.name = "mount",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(mount),
     .grammar = inventory_is_mount_point,
     .pattern = "^/[-_./0-9A-Za-z]{0,126}[-_.0-9A-Za-z]$",
     .expected = "an absolute path that is none of the system's, such as /var/lib/etcd",
     .help = "Where it is mounted. The folder has to be empty or missing."},
    {.name = "fs",
     .places = PLACE_DISK,
     .type = &type_word,
     .offset = DISK(fs),
     .fallback = "ext4",
     .choices = "ext4|xfs",
     .help = "File system to make. A disk that has it, with our label, is attached as it is."},
    {.name = "wipe",
     .places = PLACE_DISK,
     .type = &type_text,
     .offset = DISK(wipe),
     .grammar = inventory_is_disk_name,
     .pattern = "^[/0-9A-Za-z]([-_.:+/@=, 0-9A-Za-z]{0,126}[-_.:+/@=,0-9A-Za-z])?$",
     .expected = "the disk's serial number",
     .help = "What is on this disk may go: its serial number once more (its WWN when it has no "
             "serial number, its path when it has neither). It does not help a disk that is "
             "mounted or in use."},

    {.name = "export",
     .places = PLACE_NFS,
     .type = &type_text,
     .offset = HOST(nfs_export),
     .required = true,
     .grammar = is_export,
     .pattern = "^/[-_./0-9A-Za-z]{0,126}[-_.0-9A-Za-z]$",
     .expected = "an absolute path for data, such as /srv/nfs",
     .help = "Folder that volumes are made in, letters, digits, '.', '_' and '-' in its names. It "
             "may be on a disk that disks mounts."},

    {.name = "disk",
     .places = PLACE_INSTALL,
     .type = &type_text,
     .offset = HOST(install_disk),
     .required = true,
     .grammar = grammar_serial,
     .pattern = SERIAL_PATTERN,
     .expected = "a serial number or a World Wide Name, as `lsblk -o NAME,SERIAL,WWN` shows it",
     .help = "The one disk with this serial number or World Wide Name."},
    {.name = "wipe",
     .places = PLACE_INSTALL,
     .type = &type_text,
     .offset = HOST(install_wipe),
     .grammar = grammar_serial,
     .pattern = SERIAL_PATTERN,
     .expected = "the disk's serial number",
     .help = "What is on this disk may go: its serial number (its WWN when it has none). Default: "
             "a disk that carries anything is refused."},

    {.name = "name",
     .places = PLACE_PROJECT,
     .type = &type_text,
     .offset = PROJECT(name),
     .required = true,
     .grammar = inventory_is_project,
     .pattern = LABEL_PATTERN,
     .expected = "lower-case letters, digits and '-', at most 40, and no namespace of the system",
     .help = "Name of the project and of its namespace."},
    {.name = "owners",
     .places = PLACE_PROJECT,
     .type = &type_names,
     .offset = PROJECT(owners),
     .grammar = inventory_is_user,
     .pattern = USER_PATTERN,
     .expected = "a list of users such as [ada, sam@example.com]",
     .help = "Users who administer the project; its limits, and what keeps it apart, are not "
             "theirs to change."},
    {.name = "scientists",
     .places = PLACE_PROJECT,
     .type = &type_names,
     .offset = PROJECT(scientists),
     .grammar = inventory_is_user,
     .pattern = USER_PATTERN,
     .expected = "a list of users such as [ada, sam@example.com]",
     .help = "Users who run jobs and pods in the project, and see what goes on there."},
    {.name = "quota",
     .places = PLACE_PROJECT,
     .type = &type_section,
     .section = PLACE_QUOTA,
     .expected = "a mapping such as {cpu: 8, memory: 16Gi}",
     .help = "What all of the project may take together."},
    {.name = "reach",
     .places = PLACE_PROJECT,
     .type = &type_names,
     .offset = PROJECT(reach),
     .grammar = inventory_is_reach,
     .pattern =
         "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(:[0-9]{1,5})?)?$",
     .expected = "a list of projects and namespaces, or parts of them such as bigdata/minio:9000",
     .help =
         "Where connections of the project's pods may go, besides the project itself, and MinIO "
         "and Kafka of the stack: a project, a namespace, or NAMESPACE/APP or NAMESPACE/APP:PORT, "
         "which mean pods with "
         "that app.kubernetes.io/name. In bigdata APP is a component of the stack."},

    {.name = "cpu",
     .places = PLACE_QUOTA,
     .type = &type_quantity,
     .offset = PROJECT(cpu),
     .grammar = inventory_is_cpu,
     .pattern = "^[0-9]{1,9}(m|\\.[0-9]{1,3})?$",
     .expected = "a number of CPUs such as 8 or 500m",
     .help = "Sum of the pods' CPU requests."},
    {.name = "memory",
     .places = PLACE_QUOTA,
     .type = &type_quantity,
     .offset = PROJECT(memory),
     .grammar = inventory_is_bytes,
     .pattern = BYTES_PATTERN,
     .expected = "a number of bytes such as 16Gi",
     .help = "Sum of the pods' memory, requests and limits alike."},
    {.name = "storage",
     .places = PLACE_QUOTA,
     .type = &type_quantity,
     .offset = PROJECT(storage),
     .grammar = inventory_is_bytes,
     .pattern = BYTES_PATTERN,
     .expected = "a number of bytes such as 100Gi",
     .help = "Sum of what volume claims ask for; and as much for the bucket, if there is MinIO."},
    {.name = "pods",
     .places = PLACE_QUOTA,
     .type = &type_quantity,
     .offset = PROJECT(pods),
     .grammar = inventory_is_count,
     .pattern = "^[1-9][0-9]{0,5}$",
     .expected = "a number of pods such as 50",
     .help = "Pods that are not through yet."},
    {0},
};

const struct inventory_key *inventory_key_find(unsigned places, const char *name)
{
    for (const struct inventory_key *key = inventory_keys; key->name; key++)
        if ((key->places & places) && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

void inventory_set_fallbacks(const struct inventory_reader *r, enum inventory_place place,
                             void *base)
{
    for (const struct inventory_key *key = inventory_keys; key->name; key++)
        if ((key->places & place) && key->fallback)
            (void) key->type->set(r, key, key->fallback, (char *) base + key->offset);
}

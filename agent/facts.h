/* What a host is and has, read without changing anything and, but for those that list a firewall
 * and kubectl on a control plane, without running a program.
 *
 * {"hostname", "machine_id", "product_uuid"|null, "boot_id",
 *  "os":{"id","version_id","pretty"}, "kernel", "arch", "systemd":252|null, "cpus",
 *  "memory_kib", "memory_available_kib", "cgroup":1|2, "time_ms": wall clock since 1970,
 *  "clock":{"kept":bool,                                         by NTP, the kernel says
 *     "image":bool},                                             the host started from ours
 *  "swap":[{"device","kib"}],
 *  "disks":{"/":{"total_kib","free_kib"}, "/var/lib":{…}},      free: for root
 *  "interfaces":[{"name","mac","mtu","up":bool,"addresses":["10.77.0.11/24"]}],   not lo
 *  "default_route":{"interface","gateway"}|null,
 *  "resolv":{"path":"/run/systemd/resolve/resolv.conf"|"/etc/resolv.conf"|null,   the file that
 *     kubelet should use: one without a loop to 127.0.0.0/8 or ::1; null when none is usable
 *     "nameservers":[],"search":[]},
 *  "listening":[{"protocol":"tcp"|"udp","port"}],
 *  "programs":{"conntrack":bool,…},                              facts-kernel.c has the list
 *  "modules":{"overlay":"builtin"|"loaded"|"available"|"missing",…},
 *  "capabilities":{"sys_resource":bool},
 *  "firewall":["ufw",…],                                         kinds that shut ports: firewall.h
 *  "units":{"containerd.service":{"active","enabled","ours":bool},…},  only units that exist
 *  "data_disks":[{"mount","state":"mounted"|"missing"|"wrong",…},…],    agent/data-disks.h
 *  "probes":[…],                                                of the last call "probe"
 *  "nfs_export":"/srv/nfs"|null,                                 what step nfs made it serve
 *  "shared_mounts":bool,                                         "/" propagates
 *  "node":{"role","name","kubernetes","cluster",                 what the ledger knows, while the
 *     "api":"host:port"|null,                                    kubelet has its kubeconfig; and
 *                                                                how nodes reach the API
 *     "answers":bool,                                            a control plane whose own API does
 *     "network":"canal"|…|null,                                  whose CNI configuration counts
 *     "pod_cidr"|null}|null,                                     of a control plane
 *  "foreign_kubernetes":bool,                                    a node that is not ours
 *  "bundle":null|{"product","architecture","serial":highest so far,
 *     "manifest":"sha256:…"|null: of the accepted bundle, "keys":[ids that may sign the next]}
 *     |{"damaged":"text"},
 *  "ledger_entries":N, "running_job":null|{"job","step","who","since_ms"}}
 *
 * Sources: os-release(5), proc(5), sysfs, modules.builtin(5), rtnetlink(7), resolv.conf(5). */
#pragma once

#include "agent/ledger.h"
#include "lib/error.h"
#include "lib/json.h"

#define FACTS_LIST_MAX 256 /* interfaces, ports: a frame has room for this many */

/* running_job is borrowed and may be NULL. The caller owns *out. */
int facts_collect(const struct ledger *ledger, json_t *running_job, json_t **out,
                  struct error *err);

/* "host:port" of the server in a kubeconfig of kubeadm's; NULL: none. Pure. The caller frees. */
char *facts_api_server(const char *kubeconfig);

/* The parts. Each sets its members in obj and leaves out what cannot be read. */
void facts_system(json_t *obj); /* facts-system.c: name, os, memory, disks, swap, cgroup */
void facts_network(json_t *obj);
void facts_kernel(json_t *obj);

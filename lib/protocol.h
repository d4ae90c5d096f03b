/* What the coordinator and an agent say to each other, over the stdio of `bigtop-agent attach`.
 * The two sides meet only here.
 *
 * FRAME    u32 length (big endian, of what follows), u8 type, payload.
 *          type 'J': one JSON object, ≤ PROTOCOL_JSON_MAX; 'B': bytes, ≤ PROTOCOL_BYTES_MAX;
 *          'C': a chunk: u32 number (big endian, images/chunk-map.h) and its bytes.
 *          Anything else, or a longer frame, ends the connection.
 *
 * SEQUENCE (c = coordinator, a = agent; ids are chosen by c, > 0, never used twice in a session)
 *   c  {"id":1,"call":"hello","params":{"protocol":1,"run":"<32 hex>","lock":true,"who":"ann@pc"}}
 *   a  {"id":1,"result":{"protocol":1,"agent":"sha256:…","pid":123}}
 *   c  {"id":2,"call":"run","params":{"job":"<run>/<step>","step":"host","params":{…}}}
 *   a  {"id":2,"progress":{"text":"loading module overlay","done":1,"total":4}}       any number
 *   a  {"id":2,"result":{"changed":true,…}}
 *      or {"id":2,"error":{"code":-5,"text":"…","remedy":"…"}}
 * Exactly one result or error ends a call. c may have several calls under way; mutating ones are
 * run by the agent one after another. Unknown ids and members are ignored by c, unknown calls are
 * errors from a.
 *
 * LOCK     A session with "lock" owns the host. When a second run asks for it, `a` sends the first
 *          {"ping":N}, says so to the second ("progress" of its hello) and lets it wait: it gets
 *          -EBUSY, saying whose run it is, as soon as the first answers {"pong":N}, and the lock as
 *          soon as the first is gone. The same run may come back at any time and replaces its older
 *          session. A session silent for PROTOCOL_SILENCE_MS is dead; c sends {"ping":1} every
 *          PROTOCOL_PING_MS and a answers {"pong":1}. Calls that change the host need the lock.
 *
 * JOBS     A job goes on when its session is lost. "run" with the id of a job that is under way
 *          or done attaches to it: progress goes on, or its result is given again; it is never run
 *          twice. A new run first waits for a job that a lost run left behind (progress says so).
 *
 * CALLS    params → result
 *   hello   above
 *   facts   {} → struct of agent/facts.h as JSON (documented there)
 *   check   {"step":S,"params":{…}} → {"done":bool,"differences":["…",…]}      changes nothing
 *   run     {"job":J,"step":S,"params":{…}} → {"changed":bool, …what the step returns}
 *           = check, and if not done: do, verify, ledger.
 *   have    {"digests":["sha256:…",…]} → {"have":["sha256:…",…]}      in the blob store, verified
 *   put     {"digest":D,"size":N}; a answers {"id":…,"ready":{"offset":K}}, c sends 'B' frames from
 *           K on, a checks size and digest and ends with a result. One put at a time a session.
 *           A broken put keeps its part: K is where it goes on. For bigtop.json: what it lists
 *           comes by "exchange".
 *   bundle  {"manifest":D,"signature":"<text of bigtop.json.minisig>","keys":["RWQ…",…],
 *            "serial":N,"insecure":bool} → {"changed":bool}
 *           D, a bigtop.json, was put before; keys are minisign public keys as in a NAME.pub. The
 *           host checks the signature before it parses D: by the keys it has pinned or, when it has
 *           none yet, by these; then product, architecture, and that its serial is not older than
 *           what the host had (unless "serial" names exactly this one). Then it is the host's
 *           bundle, its keys (and next_keys) are pinned, and steps take blobs only when it lists
 *           them. "insecure": no signature and no keys; only on a host that never pinned one.
 *           Without "signature", "serial" and "insecure" they are absent.
 *   exchange {"manifest":D,"self":"0","port":P,"ca":PEM,"cert":PEM,"key":PEM,
 *            "peers":[{"id":"1","address":A},…],"want":["sha256:…",…]}
 *           ("listen":A beside them: on that address only, not on all)
 *           begins the exchange of this run's chunks, or attaches to it when it goes on already
 *           (then only "want" is looked at, and added; a second call in a session takes the place
 *           of the first: progress goes on under its id). It lives as long as the run does; every
 *           one of "want" being there is no end of it. `a` sends progress, at most every
 *           EXCHANGE_REPORT_MS (at once when half of EXCHANGE_WINDOW came from c since the last)
 *           and only of what is new since the last (all of it first, once `a` has looked at all
 *           that is here):
 *             {"id":…,"progress":{"have":[[first,count],…],   chunks that are here, by number
 *              "want":[[first,count],…],                      chunks wanted: what is new
 *              "blobs":["sha256:…",…],                         of "want": whole blobs in the store
 *              "peers":["1",…],                                connected now; when it changes
 *              "dropped":[{"id":"1","why":"…"},…],             peers that lied or stalled
 *              "damaged":[n,…],                                sent by c with wrong bytes
 *              "more":true}}                                   "have" or "blobs" go on in the next
 *           c sends 'C' frames at any time after the first progress; "have" acknowledges them. What
 *           is not in "have" of the first progress in a session (and those that go on with it) is
 *           not here any more, whatever was said in former sessions; so with "blobs".
 *           The wanted chunks need not be those of the wanted blobs: what a delta replaces is
 *           not wanted, and what it turns out to need is added.
 *   listen  {"ports":[{"protocol":"tcp","port":6443},…],"seconds":30} → {"listening":[…]} opens
 *           short-lived listeners (TCP accept and close, UDP echo) where nothing listens yet.
 *   reach   {"targets":[{"address":A,"protocol":"tcp","port":P},…],"timeout_ms":2000}
 *           → {"results":[{"address":A,"port":P,"protocol":…,"ok":bool,"cause":"…"},…]}
 *           at most REACH_TARGETS_MAX of them
 *   kubeconfig {} → {"kubeconfig":"…","ca_hash":"sha256:…"}             on a control plane
 *   cluster {"events":bool?} → {"nodes":[{"name":…,"ready":bool,"version":…,"addresses":[…]},…],
 *           "pods":[{"namespace":…,"name":…,"phase":…,"ready":bool,"node":…,
 *                    "trouble":T?},…]}    T: lib/pod.h; with events, of a pod that has none of its
 *           own the newest warning that the cluster has of it ("FailedCreatePodSandBox: …")
 *           on a control plane. More than a frame holds: nodes without addresses, pods that are
 *           not ready first, and "left_out":{"waiting":N,"others":N} counts the other pods
 *   disks   {"wanted":[…]} → {"disks":[…],"occupied":[…]}      lib/disks.h, lib/disk-choice.h
 *   probe   {"paths":[P,…],"seconds":3} → {"probes":[{"path":P,"fsync_p50_us":N,"fsync_p99_us":N,
 *           "write_kib_s":N,"read_kib_s":N,"free_kib":N,"inodes":N,"free_inodes":N}
 *           | {"path":P,"error":TEXT},…],"at_ms":N}
 *           of the file system that P, or the nearest folder above it that exists, is on, all at
 *           the same time: a file of its own, which is gone afterwards. Without the lock: `plan`
 *           asks it as well. agent/probe.h
 *   etcd    {} → {"members":[{"id":"<hex>","name":N,"learner":bool,"started":bool,
 *           "healthy":bool,"leader":bool},…]}      on a control plane; healthy: of voters
 *   ledger  {} → {"entries":N,"steps":[{"step":…,"at":…},…]}
 *
 * STEPS    name: params → what the result has beside "changed". Files: {"path","content","mode"}
 *          with mode an octal string ("0644"), default 0644.
 *   host     {"sysctls":{"net.ipv4.ip_forward":"1",…},"modules":["overlay",…],"swap":"off"|"keep",
 *            "bpf":bool,"files":[…]}  bpf: /sys/fs/bpf gets mounted; swap off also masks swap
 *            units and comments fstab out: it stays off.
 *   clock    {"time_ms":N}   since 1970: sets the clock when it is off by CLOCK_TOLERANCE_MS
 *   unpack   {"archives":[{"name":…,"digest":…,"into":"/"}]}   component tarballs of the blob store
 *   runtime  {"files":[…],"unit":"containerd.service"}   writes, enables, starts, awaits its socket
 *   import   {"images":[{"ref":"registry.k8s.io/pause:3.10","manifest":"sha256:…",
 *            "blobs":["sha256:…",…],"pinned":true},…]}   blobs = config and layers
 *   kubelet  {"files":[…],"unit":"kubelet.service"}   writes and enables; kubeadm starts it
 *   init     {"config":"<yaml>","node":N} → {"fresh":bool,"kubeconfig":"…","ca_hash":"sha256:…"}
 *            fresh: made from this very config, so that the token in it is known to the cluster
 *   token    {"ttl_seconds":900} → {"token":"…","ca_hash":"sha256:…","kubeconfig":"…"}  on a live
 *            control plane, for hosts that join later; never "done" in check
 *   firewall {"interface":"eth0","pods":"10.244.0.0/16","rules":[{"protocol":"tcp"|"udp"|"vrrp",
 *            "first":6443,"last":6443,"sources":["10.0.0.11","10.0.1.0/24",…]},…]}
 *            opens them, and all traffic of pods, in the firewall that the host runs, if it does;
 *            interface: of the node's address. Without ports (vrrp): 0. Everywhere: "0.0.0.0/0"
 *   disks    {"disks":[{"serial"|"wwn"|"path":S,"fs":"ext4"|"xfs","mount":"/var/lib/…",
 *            "label":"bigtop-…","wipe":SERIAL?},…]}   judged again by the agent: lib/disks.h
 *   balancer {"services":[{"unit":U,"files":[…]},…],"unwanted":[U,…]}   writes, enables, starts,
 *            and reloads what runs already; units that an earlier run started and are not wanted
 *            any more stop
 *   certs    {"config":"<yaml>"}   on a control plane: the certificates, encrypted with the key of
 *            this run that is in the configuration, for control planes that join; {} takes them
 *            back
 *   members  {"joining":[{"node":N,"address":A},…]}   on a control plane, before the first of these
 *            joins as one: etcd members that unfinished joins left behind go
 *   join     {"config":"<yaml>","node":N,"control_plane":bool,"attempt":"<run>"}   a control
 *            plane's is done when its etcd member votes. What another attempt left half done is
 *            cleared away first, but nothing of the same one: etcd may count on it
 *   label    {"nodes":[{"name":…,"labels":{…},"taints":["key=value:Effect",…]}]}  control plane
 *   addon    {"name":"flannel","archive":"sha256:…","values":{"pod-cidr":"10.244.0.0/16",…},
 *            "resources":[{…},…]?,"default_class":N?}
 *            kubectl apply -k, by server; whether its pods come up, "cluster" tells. "resources":
 *            further objects (agent/addon.h); "default_class": no other StorageClass of ours is the
 *            default any more
 *   netcheck {"image":REF,"domain":"cluster.local","network":D,"slice":N,"nodes":[N,…],
 *            "namespaces":[S,…],"pairs":[[from,to],…],"policy":bool} → {"pairs":N}   on a control
 *            plane, once the daemons of these namespaces are rolled out: pods on the nodes (pairs
 *            count them as listed) send each other packets as large as they may, ask a service and
 *            cluster DNS, and with "policy" one must stop them. An error names the pairs, the cause
 *            and the remedy. Done when all of these nodes have been tried with the network D, in
 *            the slice of that number
 *   nfs      {"export":"/srv/nfs","clients":["10.0.0.11",…],"mount":"/srv"?}   makes the host the
 *            NFS server; "mount": the mount point that the export has to be on. {}: a client alone
 *   remove   {"node":N}   on a control plane: drains the node, takes its etcd member out first
 *            where it has one, and deletes it
 *   reset    {"delete_volumes":["/var/lib/bigtop-volumes",…]}   undoes the ledger, the agent last:
 *            after the result `a` removes its folders, then ends the connection
 *
 * Secrets travel only in params "config" and "content" and in results "token" and "kubeconfig":
 * neither side logs params or results. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define PROTOCOL_VERSION 1
#define PROTOCOL_JSON_MAX (64 * 1024)
#define PROTOCOL_BYTES_MAX (4 * 1024 * 1024)
#define PROTOCOL_CHUNK_MAX (4 + 512 * 1024)
#define PROTOCOL_BYTES_CHUNK (256 * 1024) /* what we send at once */
#define PROTOCOL_PING_MS 5000
#define PROTOCOL_SILENCE_MS 30000
#define PROTOCOL_HEADER 5

#define CLOCK_TOLERANCE_MS 2000 /* a clock that is off by less is right */

/* Where things are on a host. Everything below is root's, mode 0700. */
#define AGENT_STATE_DIR "/var/lib/bigtop"
#define AGENT_BLOB_DIR "/var/lib/bigtop/blobs/sha256"
#define AGENT_INSTALL_DIR "/var/lib/bigtop/agent" /* /<64 hex of the agent tarball>/{bin,lib} */
#define AGENT_LEDGER "/var/lib/bigtop/ledger"
#define AGENT_BUNDLE_DIR "/var/lib/bigtop/bundle" /* bigtop.json and its signature, accepted */
#define AGENT_TRUST "/var/lib/bigtop/trust.json"    /* agent/trust.h */
#define AGENT_RUN_DIR "/run/bigtop"
#define AGENT_SOCKET "/run/bigtop/agent.sock"
#define AGENT_UNIT "bigtop-agent.service"
#define AGENT_VOLUMES_DIR "/var/lib/bigtop-volumes" /* local-path's data: reset leaves it alone */

#define REACH_TARGETS_MAX 256 /* results of that many fit into a frame three times */

/* The exchange of chunks between agents (agent/exchange.h): TLS with certificates of the run. */
#define EXCHANGE_PORT 10470       /* TCP, on every host, while a run lasts */
#define EXCHANGE_REPORT_MS 100
#define EXCHANGE_WINDOW (4 * 512 * 1024) /* bytes of chunks that c sends ahead of "have" */

enum frame_type { FRAME_JSON = 'J', FRAME_BYTES = 'B', FRAME_CHUNK = 'C' };

struct frame {
    enum frame_type type;
    const char *data; /* borrowed from the decoder until the next call */
    size_t len;
};

/* An incremental decoder: feed it what was read, take frames out. */
struct frame_decoder {
    struct strbuf buf; /* whole frames, and the one that is still coming */
    size_t taken;      /* bytes at the front of buf that were given out already */
    size_t missing;    /* payload bytes of the last frame that have not come yet */
    unsigned char header[PROTOCOL_HEADER]; /* of the next frame, as far as it came */
    size_t header_len;
    enum frame_type refused; /* a type that this peer has no business to send; 0: none */
    bool broken; /* the peer announced nonsense: nothing more is taken from it */
};
void frame_decoder_init(struct frame_decoder *d);
void frame_decoder_release(struct frame_decoder *d);
/* Appends bytes; take the frames out after each call: two of the largest fit. -EPROTO, err set, as
 * soon as a header announces too much or an unknown type: before anything of it is stored. */
int frame_decoder_feed(struct frame_decoder *d, const void *data, size_t len, struct error *err);
/* 1 and *out when a whole frame is there, 0 when more bytes are needed, -EPROTO. */
int frame_decoder_next(struct frame_decoder *d, struct frame *out, struct error *err);

/* Writes the five header bytes. */
void frame_header(enum frame_type type, size_t len, unsigned char out[PROTOCOL_HEADER]);
/* Appends a JSON frame; -E2BIG when the text is over PROTOCOL_JSON_MAX. */
int frame_encode_json(struct strbuf *out, const json_t *message, struct error *err);

/* {"code","text","remedy"} and back; text from a peer is made printable and cut. */
json_t *error_to_json(const struct error *err);
void error_from_json(const json_t *j, struct error *err);

#!/bin/bash
# by-hand.sh LAB BUNDLE: the same cluster as ours, as an expert would script it for these hosts:
# everything in parallel, streamed without temporary files, control-plane images first, joins as
# soon as the API server takes them. Run it with `lab exec`. It is the bench's yardstick: keep it
# as quick as it can be made.
set -euo pipefail
lab=$1 bundle=$2
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'disconnect; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
start=$EPOCHREALTIME

declare -A address user port
while read -r name _ address_ user_ port_ _; do
    case $name in n[123]) ;; *) continue ;; esac
    address[$name]=$address_ user[$name]=$user_ port[$name]=$port_
done <"$here/../lab/hosts.tab"
workers=(n2 n3)
api=${address[n1]}:6443
token=$(od -An -N11 -tx1 /dev/urandom | tr -d ' \n' | sed -E 's/^(.{6})(.{16})$/\1.\2/')

reached()
{
    awk -v what="$*" "BEGIN { printf \"phase %-18s %6.2f s\\n\", what, $EPOCHREALTIME - $start }"
}

# on HOST COMMAND ARG…: as root; stdin goes to the command.
on()
{
    local name=$1 command
    shift
    printf -v command '%q ' "$@"
    local ssh=(ssh -q -F none -i "$lab/id_ed25519" -o "UserKnownHostsFile=$lab/known_hosts"
        -c aes128-gcm@openssh.com -o ControlMaster=auto -o "ControlPath=$work/$name"
        -o ControlPersist=120 -p "${port[$name]}" "${user[$name]}@${address[$name]}")
    if [ "${user[$name]}" = root ]; then
        "${ssh[@]}" "$command"
    else
        { cat "$lab/sudo-password" && echo && cat; } | "${ssh[@]}" "sudo -S -p '' $command"
    fi
}

disconnect()
{
    local socket
    for socket in "$work"/n?; do
        [ ! -S "$socket" ] || ssh -q -o "ControlPath=$socket" -O exit x 2>/dev/null || true
    done
}

components()
{
    jq -r --arg kind "$1" --arg role "$2" '.components[]
        | select(.kind == $kind and (.roles | index($role)))' "$bundle/bigtop.json"
}

blob_path()
{
    sed "s|^sha256:|$bundle/blobs/sha256/|"
}

# An OCI layout with the named images, as a tar on stdout; containerd reads it from a pipe.
image_stream()
{
    local layout images
    layout=$(mktemp -d "$work/layout.XXXX")
    images=$(jq -s .)
    mkdir -p "$layout/blobs/sha256"
    cp "$bundle/oci-layout" "$layout/"
    jq --slurpfile sizes <(jq .blobs "$bundle/bigtop.json") '{schemaVersion: 2, manifests: map({
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: .manifest, size: $sizes[0][.manifest],
        annotations: {"io.containerd.image.name": .ref}})}' <<<"$images" >"$layout/index.json"
    jq -r '.[] | .manifest, .blobs[]' <<<"$images" | sort -u | blob_path |
        xargs -I{} ln -s {} "$layout/blobs/sha256/"
    tar -C "$layout" -ch oci-layout blobs index.json
}

import()
{
    on "$1" ctr -n k8s.io images import --digests - >"$work/$1.import" 2>&1
}

# The hosts have no zstd, and gzip would cost more time than the wire does.
send_files()
{
    components files "$2" | jq -r .blob | blob_path | xargs zstd -qdc |
        on "$1" tar -xi --no-overwrite-dir -C /
}

prepare()
{
    local pause
    pause=$(components image worker | jq -r 'select(.name == "pause").ref')
    on "$1" bash -s "$pause" >"$work/$1.prepare" <<'END'
set -euo pipefail
cgroup_driver=cgroupfs systemd_cgroup=false
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    cgroup_driver=systemd systemd_cgroup=true
fi
swapoff -a
cat >/etc/sysctl.d/90-kubernetes.conf <<CONF
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
CONF
sysctl -q -p /etc/sysctl.d/90-kubernetes.conf
# Without any route to it a ClusterIP is refused before kube-proxy's rules see the packet.
if [ -z "$(ip route show default)" ]; then
    ip route add 10.96.0.0/12 dev host0
fi
mkdir -p /etc/containerd /etc/kubernetes/patches /etc/systemd/system/kubelet.service.d
cat >/etc/containerd/config.toml <<CONF
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = $systemd_cgroup
CONF
cat >/etc/systemd/system/containerd.service <<CONF
[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
LimitNOFILE=infinity
TasksMax=infinity
[Install]
WantedBy=multi-user.target
CONF
cat >/etc/systemd/system/kubelet.service <<CONF
[Unit]
After=containerd.service
[Service]
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
    --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \$KUBELET_KUBEADM_ARGS
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
Restart=always
RestartSec=1
StartLimitInterval=0
[Install]
WantedBy=multi-user.target
CONF
echo "cgroupDriver: $cgroup_driver" >/etc/kubernetes/patches/kubeletconfiguration.yaml
systemctl daemon-reload
systemctl -q enable kubelet.service
systemctl -q enable --now containerd.service
END
}

node_registration()
{
    cat <<END
nodeRegistration:
  name: $1
  criSocket: unix:///run/containerd/containerd.sock
  imagePullPolicy: Never
  kubeletExtraArgs: [{name: node-ip, value: ${address[$1]}}]
patches: {directory: /etc/kubernetes/patches}
END
}

init_config()
{
    cat <<END
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens: [{token: $token, ttl: 15m}]
localAPIEndpoint: {advertiseAddress: ${address[n1]}}
$(node_registration n1)
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $(jq -r .kubernetes "$bundle/bigtop.json")
encryptionAlgorithm: ECDSA-P256
networking: {podSubnet: 10.244.0.0/16}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
serializeImagePulls: false
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {maxPerCore: 0, min: 0}
END
}

join_config()
{
    cat <<END
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: $api
    token: $token
    caCertHashes: ["sha256:$(cat "$work/ca-hash")"]
$(node_registration "$1")
END
}

on_kubeadm()
{
    local name=$1
    shift
    on "$name" bash -c "umask 077 && cat >/etc/kubernetes/run.yaml &&
        kubeadm $* --config /etc/kubernetes/run.yaml" >>"$work/$name.kubeadm" 2>&1
}

ca_hash()
{
    on n1 cat /etc/kubernetes/pki/ca.crt </dev/null | openssl x509 -pubkey -noout |
        openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1
}

addon_values()
{
    cat <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: bigtop-cluster, annotations: {config.kubernetes.io/local-config: "true"}}
data: {pod-cidr: 10.244.0.0/16, mtu: "1500", api-host: ${api%:*}, api-port: "${api#*:}"}
END
}

apply_addons()
{
    local name blob dir
    while read -r name blob; do
        dir=$work/addons/$name
        mkdir -p "$dir"
        zstd -qdc "$bundle/blobs/sha256/${blob#sha256:}" | tar -x -C "$dir"
        [ ! -e "$dir/cluster-values.yaml" ] || addon_values >"$dir/cluster-values.yaml"
    done < <(components addon control-plane | jq -r '"\(.name) \(.blob)"')
    # shellcheck disable=SC2016 # expanded on the host
    tar -C "$work/addons" -c . | on n1 bash -c 'dir=$(mktemp -d) && tar -x -C "$dir" &&
        for addon in "$dir"/*/; do
            kubectl --kubeconfig /etc/kubernetes/admin.conf apply --server-side -k "$addon" || exit 1
        done' >"$work/n1.addons" 2>&1
}

worker_images_of_control_plane()
{
    components image control-plane |
        jq 'select((.roles | index("worker")) and .name != "pause")' | image_stream | import n1
    reached n1 images
}

control_plane()
{
    send_files n1 control-plane
    reached n1 files
    prepare n1
    components image control-plane | jq 'select(.roles == ["control-plane"] or .name == "pause")' |
        image_stream | import n1
    reached n1 images for init
    worker_images_of_control_plane &
    init_config | on_kubeadm n1 init --skip-phases=addon --ignore-preflight-errors=SystemVerification
    ca_hash >"$work/ca-hash.new"
    mv "$work/ca-hash.new" "$work/ca-hash"
    reached n1 init
    init_config | on_kubeadm n1 init phase addon all
    apply_addons
    reached n1 addons applied
    wait $!
}

worker()
{
    send_files "$1" worker
    prepare "$1"
    reached "$1" files
    components image worker | image_stream | import "$1"
    reached "$1" images
    while [ ! -e "$work/ca-hash" ]; do
        sleep 0.05
    done
    join_config "$1" | on_kubeadm "$1" join --ignore-preflight-errors=SystemVerification
    reached "$1" join
}

wait_for_cluster()
{
    on n1 bash -s "${#address[@]}" <<'END' >"$work/n1.wait" 2>&1
set -euo pipefail
export KUBECONFIG=/etc/kubernetes/admin.conf
until [ "$(kubectl get nodes -o name | wc -l)" = "$1" ]; do
    sleep 0.1
done
kubectl wait --for=condition=Ready nodes --all --timeout=180s
kubectl get daemonsets,deployments -A --no-headers -o custom-columns=N:.metadata.namespace,K:.kind,M:.metadata.name |
    while read -r namespace kind name; do
        kubectl -n "$namespace" rollout status "$kind/$name" --timeout=180s
    done
END
    reached all ready
}

fail()
{
    tail -n 15 "$work"/n?.* >&2
    exit 1
}

main()
{
    local pids=() name pid
    control_plane &
    pids+=($!)
    for name in "${workers[@]}"; do
        worker "$name" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail
    done
    wait_for_cluster || fail
}

main

# shellcheck shell=bash
# The lab's network: one namespace that holds a bridge and the coordinator's end of it. There is
# no route out of it, and nothing is forwarded.
# Sourced by lab; needs LAB_ID, die.

LAB_COORDINATOR=10.77.0.1
LAB_PREFIX=24

net_name()
{
    echo "bigtop-$LAB_ID"
}

net_exec()
{
    nsenter --net="/run/netns/$(net_name)" -- "$@"
}

net_up()
{
    ip netns add "$(net_name)"
    net_exec ip -batch - <<END
link set lo up
link add br0 type bridge
link set br0 up
address add $LAB_COORDINATOR/$LAB_PREFIX dev br0
END
}

net_down()
{
    if [ -e "/run/netns/$(net_name)" ]; then
        ip netns delete "$(net_name)"
    fi
}

# The host's side of the bridge; nspawn names it.
net_port()
{
    echo "vb-$LAB_ID-$1"
}

net_ssh_rules()
{
    local action=$1 address=$2 port=$3
    net_exec iptables -w "$action" INPUT -s "$address" -p tcp --sport "$port" -j DROP
    net_exec iptables -w "$action" OUTPUT -d "$address" -p tcp --dport "$port" -j DROP
}

# cut: frames of the host are dropped at the bridge without a word, as a broken switch would do;
# its own link stays up. cut --ssh: only SSH between coordinator and host, the cluster goes on.
net_cut()
{
    local host=$1 address=$2 port=$3 only_ssh=$4
    if [ "$only_ssh" = yes ]; then
        net_exec iptables -w -C INPUT -s "$address" -p tcp --sport "$port" -j DROP 2>/dev/null ||
            net_ssh_rules -A "$address" "$port"
    else
        net_exec bridge link set dev "$(net_port "$host")" state 0
    fi
}

net_mend()
{
    local host=$1 address=$2 port=$3
    while net_exec iptables -w -C INPUT -s "$address" -p tcp --sport "$port" -j DROP 2>/dev/null; do
        net_ssh_rules -D "$address" "$port"
    done
    if net_exec ip link show "$(net_port "$host")" >/dev/null 2>&1; then
        net_exec bridge link set dev "$(net_port "$host")" state 3
    fi
}

# shape: the coordinator's own frames leave by the bridge's own device; what hosts send each other
# only passes its ports. Segments are cut before they are queued, as on a wire; a hundredth of a
# second of burst is enough for any kernel's timers.
net_shape()
{
    local mbit=$1 burst offload=off
    net_exec tc qdisc delete dev br0 root 2>/dev/null || true
    [ "$mbit" != off ] || offload=on
    net_exec ethtool -K br0 tso "$offload" gso "$offload" >/dev/null
    [ "$mbit" != off ] || return 0
    burst=$((mbit * 1250))
    [ "$burst" -ge 16384 ] || burst=16384
    net_exec tc qdisc add dev br0 root tbf rate "${mbit}mbit" burst "$burst" latency 100ms
}

# TCP's payload and all bytes of the frames. A segment has 66 bytes of headers: Ethernet 14, IPv4 20,
# TCP 20 and its time stamps 12.
LAB_HEADERS=66

net_sent()
{
    # Fields 10 and 11: bytes and packets sent.
    net_exec cat /proc/net/dev | awk -v headers=$LAB_HEADERS \
        '$1 == "br0:" { printf "%d %d\n", $10 - $11 * headers, $10 }'
}

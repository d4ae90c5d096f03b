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

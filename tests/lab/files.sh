# shellcheck shell=bash
# What a lab writes into its folder: the files that the product and ssh read, and a setting of the
# machine.
# Sourced by lab; needs LAB_DIR.

# Hosts have settings of their own (boot), but the kernel goes by its only copy: so many watchers of
# files have all hosts' roots together. The first lab remembers what was, the last one puts it back.
MACHINE_WATCHERS=/proc/sys/fs/inotify/max_user_instances
MACHINE_WATCHERS_NEEDED=8192
MACHINE_FORMER=/run/bigtop-lab-watchers

# Once the lab's network is there, which tells labs that end of this one.
watchers_allow()
{
    local lock
    exec {lock}<"$MACHINE_WATCHERS"
    flock "$lock"
    [ -e "$MACHINE_FORMER" ] || cat "$MACHINE_WATCHERS" >"$MACHINE_FORMER"
    [ "$(cat "$MACHINE_WATCHERS")" -ge "$MACHINE_WATCHERS_NEEDED" ] ||
        echo "$MACHINE_WATCHERS_NEEDED" >"$MACHINE_WATCHERS"
    exec {lock}<&-
}

watchers_restore()
{
    local lock
    exec {lock}<"$MACHINE_WATCHERS"
    flock "$lock"
    if ! compgen -G '/run/netns/bigtop-*' >/dev/null && [ -e "$MACHINE_FORMER" ]; then
        cat "$MACHINE_FORMER" >"$MACHINE_WATCHERS"
        rm -f "$MACHINE_FORMER"
    fi
    exec {lock}<&-
}

write_known_hosts()
{
    local name type key where
    for name in "$@"; do
        host_shape "$name"
        where=$shape_address
        [ "$shape_port" = 22 ] || where="[$shape_address]:$shape_port"
        while read -r type key _; do
            echo "$where $type $key"
        done < <(cat "$(host_dir "$name")"/ssh_host_*_key.pub)
    done >"$LAB_DIR/known_hosts"
}

write_hosts_yaml()
{
    local name
    (umask 077 && : >"$LAB_DIR/hosts.yaml")
    {
        echo "cluster:"
        echo "  name: lab"
        echo "known_hosts: $LAB_DIR/known_hosts"
        echo "bundle_keys: [$(lab_bundle_key).pub]"
        echo "defaults:"
        echo "  key: $LAB_DIR/id_ed25519"
        echo "hosts:"
        for name in "$@"; do
            host_shape "$name"
            echo "  - address: $shape_address"
            echo "    name: $name"
            [ "$shape_user" = root ] || echo "    user: $shape_user"
            [ "$shape_port" = 22 ] || echo "    port: $shape_port"
            [ "$shape_sudo" = none ] || echo "    sudo_password: $(cat "$LAB_DIR/sudo-password")"
        done
    } >>"$LAB_DIR/hosts.yaml"
}

write_etc_hosts()
{
    local name
    {
        printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n'
        printf '%s\tcoordinator\n' "$LAB_COORDINATOR"
        for name in "$@"; do
            host_shape "$name"
            printf '%s\t%s\n' "$shape_address" "$name"
        done
    } >"$LAB_DIR/etc-hosts"
}

# shellcheck shell=bash
# What a lab writes into its folder: the files that the product and ssh read, and the machine's
# settings to put back.
# Sourced by lab; needs LAB_DIR.

# kubelet and sysctl.d set these on their host, but the kernel has only one copy for all
# containers and us: the first lab remembers what was, the last one puts it back.
MACHINE_SETTINGS="kernel/panic kernel/panic_on_oops vm/overcommit_memory vm/panic_on_oom"
MACHINE_SETTINGS+=" kernel/keys/root_maxkeys kernel/keys/root_maxbytes"
MACHINE_SETTINGS+=" fs/inotify/max_user_instances"
MACHINE_FORMER=/run/bigtop-lab-settings

settings_save()
{
    local setting
    [ ! -e "$MACHINE_FORMER" ] || return 0
    for setting in $MACHINE_SETTINGS; do
        echo "$setting $(cat "/proc/sys/$setting")"
    done >"$MACHINE_FORMER"
}

settings_restore()
{
    local setting value
    if compgen -G '/run/netns/bigtop-*' >/dev/null || [ ! -e "$MACHINE_FORMER" ]; then
        return 0
    fi
    while read -r setting value; do
        [ "$(cat "/proc/sys/$setting")" = "$value" ] || echo "$value" >"/proc/sys/$setting"
    done <"$MACHINE_FORMER"
    rm -f "$MACHINE_FORMER"
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

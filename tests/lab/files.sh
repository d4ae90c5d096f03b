# shellcheck shell=bash
# What a lab writes into its folder: the files that the product and ssh read, and the machine's
# settings to put back.
# Sourced by lab; needs LAB_DIR.

# kubelet sets these on its host, but the kernel has only one copy for all containers and us.
MACHINE_SETTINGS="kernel/panic kernel/panic_on_oops vm/overcommit_memory vm/panic_on_oom"
MACHINE_SETTINGS+=" kernel/keys/root_maxkeys kernel/keys/root_maxbytes"

settings_save()
{
    local setting
    for setting in $MACHINE_SETTINGS; do
        echo "$setting $(cat "/proc/sys/$setting")"
    done >"$LAB_DIR/settings"
}

settings_restore()
{
    local setting value
    # Another lab's kubelets may still want theirs; its own copy was taken before or is the same.
    if compgen -G '/run/netns/bigtop-*' >/dev/null || [ ! -f "$LAB_DIR/settings" ]; then
        return 0
    fi
    while read -r setting value; do
        [ "$(cat "/proc/sys/$setting")" = "$value" ] || echo "$value" >"/proc/sys/$setting"
    done <"$LAB_DIR/settings"
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

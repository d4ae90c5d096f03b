# shellcheck shell=bash
# One test host: its disk, its identity, power on, power off.
# Sourced by lab; needs LAB_DIR, LAB_ID, say, die.

HOST_DISK_BYTES=20G
HOST_BOOT_SECONDS=120 # some 2 s on an idle machine

host_dir()
{
    echo "$LAB_DIR/hosts/$1"
}

# Reads the row of the host into shape_*; fails when there is none.
host_shape()
{
    read -r _ shape_suite shape_address shape_user shape_port shape_sudo < <(
        awk -v name="$1" '$1 == name' "$LAB_SCRIPTS/hosts.tab") ||
        die "no host $1 in $LAB_SCRIPTS/hosts.tab"
}

host_must_exist()
{
    [ -d "$(host_dir "$1")" ] || die "this lab has no host ${1:-(none named)}"
    host_shape "$1"
}

# A process is known by its id and its start time: ids come back.
process_start_time()
{
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

host_runner()
{
    local pid started
    read -r pid started 2>/dev/null <"$(host_dir "$1")/runner" || return 1
    [ "$(process_start_time "$pid")" = "$started" ] && echo "$pid"
}

# The container's first process, seen from outside.
host_leader()
{
    local pid
    for pid in $(cgroup_processes "bigtop-lab-$LAB_ID/$1"); do
        if grep -qsE '^NSpid:\s+[0-9]+\s+1$' "/proc/$pid/status"; then
            echo "$pid"
            return
        fi
    done
    return 1
}

# A disk of its own: kubelet judges the file system that it lives on. Fresh identity each time.
host_make()
{
    local dir type
    dir=$(host_dir "$1")
    host_shape "$1"
    mkdir -p "$dir"
    echo "$shape_address $LAB_PREFIX $shape_user $shape_port $LAB_COORDINATOR" >"$dir/shape"
    for type in ed25519 ecdsa; do
        ssh-keygen -q -t "$type" -N '' -C "$1" -f "$dir/ssh_host_${type}_key"
    done
    zstd -q -d --sparse "$(image_path "$shape_suite")" -o "$dir/disk.img"
    # Grown before it is mounted: growing a mounted one takes a capability that root may lack.
    resize2fs "$dir/disk.img" "$HOST_DISK_BYTES" >"$dir/console.log" 2>&1
    disk_make "$1" "$LAB_DISKS"
    [ -z "$LAB_MEMORY" ] || echo "$LAB_MEMORY" >"$dir/memory"
}

host_start()
{
    local dir pid
    dir=$(host_dir "$1")
    ! host_runner "$1" >/dev/null || die "$1 is on already"
    setsid nsenter --net="/run/netns/$(net_name)" -- unshare --mount --propagation private -- \
        "$LAB_SCRIPTS/run-host" "$LAB_DIR" "$1" </dev/null >>"$dir/console.log" 2>&1 &
    pid=$!
    echo "$pid $(process_start_time "$pid")" >"$dir/runner"
}

# Until sshd says its first line.
host_wait()
{
    local dir deadline=$((SECONDS + HOST_BOOT_SECONDS))
    dir=$(host_dir "$1")
    host_shape "$1"
    while [ "$SECONDS" -lt "$deadline" ]; do
        if ! host_runner "$1" >/dev/null; then
            tail -n 20 "$dir/console.log" >&2
            die "$1 ended while it booted (log: $dir/console.log)"
        fi
        # shellcheck disable=SC2016 # expanded by the inner shell
        if net_exec timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1" && read -r -u 3 line &&
            [[ $line == SSH-* ]]' "$shape_address" "$shape_port" 2>/dev/null; then
            return
        fi
        sleep 0.1
    done
    tail -n 20 "$dir/console.log" >&2
    die "$1 has no sshd after $HOST_BOOT_SECONDS s (log: $dir/console.log)"
}

# As if the plug was pulled: nothing inside gets to say goodbye.
host_stop()
{
    local pid try
    if pid=$(host_leader "$1"); then
        kill -9 "$pid" 2>/dev/null || true
    fi
    for try in $(seq 100); do
        pid=$(host_runner "$1") || break
        [ "$try" -lt 60 ] || kill -9 "$pid" 2>/dev/null || true
        sleep 0.05
    done
    cgroup_remove "bigtop-lab-$LAB_ID/$1"
    disk_detach "$(host_dir "$1")"/disk*.data
    host_wait_detached "$1"
    rm -f "$(host_dir "$1")/runner"
    rmdir "/run/systemd/nspawn/propagate/$LAB_ID-$1" 2>/dev/null || true
}

# The kernel lets go of the loop devices a moment after the last process of the mount namespace.
host_wait_detached()
{
    local try file busy
    for try in $(seq 100); do
        busy=
        for file in "$(host_dir "$1")"/disk.img "$(host_dir "$1")"/disk*.data; do
            [ -z "$(disk_loop "$file")" ] || busy=yes
        done
        [ -n "$busy" ] || return 0
        sleep 0.05
    done
    die "the disk of $1 is still attached after $try tries"
}

# shellcheck shell=bash
# A subtree of every cgroup hierarchy for each host, so that kubelet inside finds controllers it
# may use. Version 1 has a hierarchy per controller, version 2 a single one.
# Sourced by lab and run-host.

CGROUP_ROOT=/sys/fs/cgroup

cgroup_hierarchies()
{
    if [ -e "$CGROUP_ROOT/cgroup.controllers" ]; then
        echo "$CGROUP_ROOT"
        return
    fi
    local dir
    for dir in "$CGROUP_ROOT"/*/; do
        dir=${dir%/}
        if [ ! -L "$dir" ] && [ -e "$dir/cgroup.procs" ]; then
            echo "$dir"
        fi
    done
}

# In version 2 a child has the controllers that its parent hands down.
cgroup_hand_down()
{
    local controller
    [ -e "$1/cgroup.controllers" ] || return 0
    for controller in $(cat "$1/cgroup.controllers"); do
        { echo "+$controller" >"$1/cgroup.subtree_control"; } 2>/dev/null || true
    done
}

# cgroup_make PATH: in every hierarchy, parents included.
cgroup_make()
{
    local top dir part file
    for top in $(cgroup_hierarchies); do
        dir=$top
        for part in ${1//\// }; do
            [ "$top" != "$CGROUP_ROOT" ] || cgroup_hand_down "$dir"
            mkdir -p "$dir/$part"
            for file in cpuset.cpus cpuset.mems; do
                # Version 1 cannot take a process before these are set.
                if [ -e "$dir/$file" ] && [ "$top" != "$CGROUP_ROOT" ] &&
                    [ -z "$(cat "$dir/$part/$file")" ]; then
                    cat "$dir/$file" >"$dir/$part/$file"
                fi
            done
            dir=$dir/$part
        done
    done
}

cgroup_enter()
{
    local top
    for top in $(cgroup_hierarchies); do
        echo 0 >"$top/$1/cgroup.procs"
    done
}

# cgroup_limit_memory PATH BYTES
cgroup_limit_memory()
{
    if [ -e "$CGROUP_ROOT/cgroup.controllers" ]; then
        echo "$2" >"$CGROUP_ROOT/$1/memory.max"
    else
        echo "$2" >"$CGROUP_ROOT/memory/$1/memory.limit_in_bytes"
    fi
}

cgroup_processes()
{
    local top
    for top in $(cgroup_hierarchies); do
        if [ -d "$top/$1" ]; then
            find "$top/$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true
        fi
    done | sort -u
}

# Ends whatever is left in the subtree and removes it, pods' nested directories too.
cgroup_remove()
{
    local top pid try left
    for try in $(seq 100); do
        for pid in $(cgroup_processes "$1"); do
            kill -9 "$pid" 2>/dev/null || true
        done
        left=
        for top in $(cgroup_hierarchies); do
            [ -d "$top/$1" ] || continue
            find "$top/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ ! -d "$top/$1" ] || left=$top/$1
        done
        [ -n "$left" ] || return 0
        sleep 0.05
    done
    echo "lab: control group $left is still busy after $try tries" >&2
    return 1
}

# shellcheck shell=bash
# Data disks: sparse files behind loop devices, which a host sees as /lab/disk0, /lab/disk1 … There
# is no udev in a host, so the node is made for it.
# Sourced by lab and run-host; needs LAB_DIR, host_dir, host_leader, die.

DISK_BYTES=512M # mkfs.xfs asks for 300 MiB

# disk_make HOST COUNT
disk_make()
{
    local number
    for ((number = 0; number < $2; number++)); do
        truncate -s "$DISK_BYTES" "$(host_dir "$1")/disk$number.data"
    done
}

# disk_loop FILE: the loop device that it is behind, if it is.
disk_loop()
{
    losetup --noheadings --output NAME -j "$1" 2>/dev/null | head -n 1
}

# disk_node FILE ROOT: attaches the file and makes the node in a host's root.
disk_node()
{
    local loop name numbers
    name=$(basename "$1" .data)
    loop=$(disk_loop "$1")
    [ -n "$loop" ] || loop=$(losetup --find --show "$1")
    numbers=$(lsblk --noheadings --nodeps --output MAJ:MIN "$loop" | tr -d ' ')
    mkdir -p "$2/lab"
    rm -f "$2/lab/$name"
    mknod -m 0600 "$2/lab/$name" b "${numbers%:*}" "${numbers#*:}"
}

# disk_nodes FOLDER ROOT: all that the host has, and none that it has not.
disk_nodes()
{
    local file
    rm -rf "$2/lab"
    for file in "$1"/disk*.data; do
        [ ! -e "$file" ] || disk_node "$file" "$2"
    done
}

# disk_detach FILE…: the kernel lets go of it when the last mount is gone.
disk_detach()
{
    local file loop
    for file in "$@"; do
        loop=$(disk_loop "$file")
        [ -z "$loop" ] || losetup --detach "$loop"
    done
}

disk_must_be_named()
{
    [[ ${2:-} =~ ^disk[0-9]$ ]] || die "name a disk: disk0, disk1 …"
    [ -e "$(host_dir "$1")/$2.data" ] || [ -e "$(host_dir "$1")/$2.out" ] || die "$1 has no $2"
}

disk_unplug()
{
    local dir leader
    disk_must_be_named "$@"
    dir=$(host_dir "$1")
    [ ! -e "$dir/$2.out" ] || return 0
    if leader=$(host_leader "$1"); then
        rm -f "/proc/$leader/root/lab/$2"
    fi
    disk_detach "$dir/$2.data"
    mv "$dir/$2.data" "$dir/$2.out"
}

disk_plug()
{
    local dir leader
    disk_must_be_named "$@"
    dir=$(host_dir "$1")
    [ ! -e "$dir/$2.out" ] || mv "$dir/$2.out" "$dir/$2.data"
    if leader=$(host_leader "$1"); then
        disk_node "$dir/$2.data" "/proc/$leader/root"
    fi
}

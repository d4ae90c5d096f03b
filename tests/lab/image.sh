# shellcheck shell=bash
# Root file systems of the test hosts: one pristine ext4 image per Debian suite, made once, kept
# compressed in the user's cache and verified whenever it is used.
# Sourced by lab; needs say, die.

# What a plain server installation has; nothing of Kubernetes.
IMAGE_PACKAGES=systemd,systemd-sysv,dbus,openssh-server,iproute2,iptables,ipset,conntrack,ethtool
IMAGE_PACKAGES+=,socat,kmod,procps,sudo,e2fsprogs
IMAGE_BYTES=1G
IMAGE_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/bigtop-bootstrap/lab

# The mirror and the key ring of this machine's own Debian sources.
image_mirror()
{
    local codename line
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    line=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
        'Created-By: Packages' | grep -m1 "^$codename main ") ||
        die "no Debian source for $codename in /etc/apt: the lab takes its mirror from there"
    echo "${line##* }"
}

image_key()
{
    { echo "$1" "$IMAGE_PACKAGES" "$IMAGE_BYTES"; declare -f image_build_in_namespace; } |
        sha256sum | cut -c1-20
}

# image_path SUITE: where its image is, or will be.
image_path()
{
    echo "$IMAGE_CACHE/$(image_key "$1")/$1.ext4.zst"
}

# Mounts do not outlive the process: it has a mount namespace of its own.
image_build_in_namespace()
{
    local suite=$1 raw=$2 mirror=$3 root=$2.root
    truncate -s "$IMAGE_BYTES" "$raw"
    mkfs.ext4 -q -F -m 1 -L "lab-$suite" -E lazy_itable_init=1 "$raw"
    mkdir "$root"
    mount -o loop "$raw" "$root"
    mmdebstrap --quiet --variant=minbase --include="$IMAGE_PACKAGES" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' "$suite" "$root" "$mirror"
    rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/resolv.conf "$root"/etc/hostname
    : >"$root/etc/machine-id"
    fstrim "$root"
    umount "$root"
    rmdir "$root"
    e2fsck -fp "$raw" >/dev/null
}

# Those who are being killed may still write to it for a moment.
image_remove()
{
    for _ in {1..10}; do
        rm -rf "$1" 2>/dev/null
        sleep 0.2
        [ -e "$1" ] || return 0
    done
}

image_build()
{
    local suite=$1 final=$2 dir raw mirror
    dir=$(dirname "$final")
    raw=$dir/part.$suite
    rm -rf "$dir"
    trap 'image_remove "$dir"' EXIT
    trap 'exit 143' TERM
    mkdir -p "$dir"
    mirror=$(image_mirror)
    export -f image_build_in_namespace
    export IMAGE_BYTES IMAGE_PACKAGES
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
        bash -euc 'trap "exit 143" TERM; image_build_in_namespace "$@"' - \
        "$suite" "$raw" "$mirror" >"$dir/log" 2>&1 || {
        tail -n 20 "$dir/log" >&2
        die "the Debian $suite image could not be made"
    }
    zstd -q -3 -T0 --sparse --rm "$raw" -o "$final.part"
    sha256sum <"$final.part" >"$final.sha256"
    mv "$final.part" "$final"
    trap - EXIT TERM
}

image_good()
{
    [ -f "$1" ] && [ -f "$1.sha256" ] && [ "$(sha256sum <"$1")" = "$(cat "$1.sha256")" ]
}

# image_ensure SUITE: builds it unless a good one is there. Safe to call from several labs at once.
image_ensure()
{
    local suite=$1 final lock
    final=$(image_path "$suite")
    mkdir -p "$IMAGE_CACHE"
    exec {lock}>"$IMAGE_CACHE/lock.$suite"
    flock "$lock"
    if ! image_good "$final"; then
        say "making the Debian $suite image (once; then it is cached)"
        image_build "$suite" "$final"
        say "made the Debian $suite image, $(du -h "$final" | cut -f1)"
    fi
    exec {lock}>&-
}

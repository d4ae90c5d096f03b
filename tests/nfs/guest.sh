#!/bin/bash
# shellcheck source-path=SCRIPTDIR
# The disk, kernel and initial file system of a machine that has an NFS server and client in its
# kernel and no nfs-utils: the lab's Debian image, Debian's kernel, our agent, the bundle's files.
#   usage: guest.sh DIR FILES AGENT.tar.gz     fills DIR; needs root
set -euo pipefail
dir=$1 component=$2 agent=$3
here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/image.sh"

say()
{
    echo "nfs: $*" >&2
}

die()
{
    say "$*"
    exit 1
}

# The kernel's package and busybox, by their versions, unpacked once. No maintainer script is run.
kernel_ensure()
{
    local package version part
    package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
    [ -n "$package" ] || { say "no linux-image-amd64 among this machine's packages"; exit 77; }
    version=$(apt-cache show "$package" | awk '/^Version:/ { print $2; exit }')
    kernel=${IMAGE_CACHE%/lab}/kernel/$package-$version
    [ -d "$kernel" ] && return
    part=$kernel.part.$$
    mkdir -p "$part"
    (cd "$part" && apt-get download -q "$package" busybox-static) >"$part/log" 2>&1 || {
        tail -n 3 "$part/log" >&2
        rm -rf "$part"
        exit 77
    }
    for deb in "$part"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$part" --exclude './usr/share/*' \
            --exclude '*/drivers/gpu/*' --exclude '*/drivers/media/*' --exclude '*/sound/*' \
            --exclude '*/drivers/net/wireless/*' --exclude '*/drivers/net/ethernet/*'
    done
    rm -f "$part"/*.deb
    mv "$part" "$kernel" || rm -rf "$part"
}

# Loads what the root file system is on, sets the address, hands over.
write_init()
{
    cat <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod "$module"; done </modules
/bin/busybox ip link set lo up
/bin/busybox ip address add 10.0.2.15/24 dev eth0
/bin/busybox ip link set eth0 up
/bin/busybox mount -t ext4 /dev/vda /root
exec /bin/busybox switch_root /root /lib/systemd/systemd
END
}

in_namespace()
{
    local root=$dir/root release initrd=$dir/initrd.d
    mkdir "$root" "$initrd"
    mount -o loop "$dir/disk.ext4" "$root"
    release=$(basename "$kernel"/lib/modules/*)
    cp -a "$kernel/lib/modules" "$root/lib/"
    chroot "$root" depmod "$release"
    mkdir -p "$initrd"/{bin,dev,root,lib}
    cp "$kernel/bin/busybox" "$initrd/bin/"
    chroot "$root" modprobe -a -S "$release" --show-depends ext4 virtio_pci virtio_blk virtio_net |
        awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$initrd/modules"
    while read -r module; do
        install -D "$root/$module" "$initrd/$module"
    done <"$initrd/modules"
    write_init >"$initrd/init"
    chmod +x "$initrd/init"
    ssh-keygen -q -A -f "$root"
    install -d -m 0700 "$root/root/.ssh"
    cp "$dir/key.pub" "$root/root/.ssh/authorized_keys"
    cp -a "$component/." "$root/"
    local home
    home=$root/var/lib/bigtop/agent/$(sha256sum <"$agent" | cut -c1-64)
    install -d -m 0700 "$root/var/lib/bigtop" "$root/var/lib/bigtop/agent" "$home"
    tar -xz -f "$agent" -C "$home"
    echo guest >"$root/etc/hostname"
    umount "$root"
}

mkdir -p "$IMAGE_CACHE"
kernel_ensure
image_ensure bookworm
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
zstd -q -d --sparse "$(image_path bookworm)" -o "$dir/disk.ext4"
export -f in_namespace write_init
export dir component agent kernel
unshare --mount --propagation private bash -euc in_namespace
cp "$kernel"/boot/vmlinuz-* "$dir/vmlinuz"

#!/bin/sh
# Before any package is installed: what the kernel's own scripts build the initial file system of,
# and what of the packages is left out.
set -eu
root=$1
live=$(dirname "$(dirname "$(readlink -f "$0")")")

mkdir -p "$root/etc/initramfs-tools" "$root/etc/dpkg/dpkg.cfg.d"
cp -R "$live/initramfs/." "$root/etc/initramfs-tools/"
chmod -R u=rwX,go=rX "$root/etc/initramfs-tools"
chmod 0755 "$root/etc/initramfs-tools/hooks/bigtop"
cp "$live/left-out" "$root/etc/dpkg/dpkg.cfg.d/bigtop"
chmod 0644 "$root/etc/dpkg/dpkg.cfg.d/bigtop"

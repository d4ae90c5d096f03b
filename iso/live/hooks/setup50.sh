#!/bin/sh
# Before any package is installed: what the kernel's own scripts build the initial file system of.
set -eu
root=$1
live=$(dirname "$(dirname "$(readlink -f "$0")")")

mkdir -p "$root/etc/initramfs-tools"
cp -R "$live/initramfs/." "$root/etc/initramfs-tools/"
chmod -R u=rwX,go=rX "$root/etc/initramfs-tools"
chmod 0755 "$root/etc/initramfs-tools/hooks/bigtop"

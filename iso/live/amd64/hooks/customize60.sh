#!/bin/sh
# What a BIOS starts, the medium and a disk that a machine installs itself to.
set -eu
root=$1
boot=$root/boot
grub=$root/usr/lib/grub

cp "$grub/i386-pc/boot_hybrid.img" "$boot/boot_hybrid.img"
chroot "$root" grub-mkimage -O i386-pc-eltorito -p '()/boot/grub' -o /boot/eltorito.img \
    biosdisk iso9660 part_msdos part_gpt normal linux search search_fs_file configfile echo test \
    serial terminal terminfo sleep reboot halt ls cat minicmd fat regexp loadenv
# On the disk the menu is on the second partition.
mkdir -p "$root/usr/lib/bigtop"
cp "$grub/i386-pc/boot.img" "$root/usr/lib/bigtop/boot.img"
chroot "$root" grub-mkimage -O i386-pc -p '(,gpt2)/boot/grub' -o /usr/lib/bigtop/core.img \
    biosdisk part_gpt fat iso9660 normal linux configfile echo test \
    serial terminal terminfo sleep reboot halt ls cat minicmd regexp loadenv

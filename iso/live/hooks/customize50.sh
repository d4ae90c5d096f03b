#!/bin/sh
# After all packages are installed: nothing of this machine or of this moment stays in the root, and
# /boot gets what the medium boots with. The builder takes /boot out of the root.
set -eu
root=$1

# No key, no name: each boot makes its own.
rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed "$root"/etc/*-
: >"$root/etc/machine-id"
echo bigtop >"$root/etc/hostname"
chmod 0644 "$root/etc/machine-id" "$root/etc/hostname"
: >"$root/etc/fstab"
rm -rf "$root"/var/log/* "$root"/var/cache/* "$root"/var/lib/apt "$root"/var/backups/* "$root"/tmp/*
rm -f "$root"/var/lib/dpkg/*-old "$root"/etc/apt/sources.list \
    "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap

# Nothing but our own console has the screen; no disk is looked for to be mounted, trimmed or
# scrubbed.
for unit in getty@.service serial-getty@.service console-getty.service autovt@.service \
    fstrim.timer e2scrub_all.timer e2scrub_reap.service systemd-gpt-auto-generator \
    apt-daily.timer dpkg-db-backup.timer; do
    case $unit in
    *-generator)
        mkdir -p "$root/etc/systemd/system-generators"
        ln -sf /dev/null "$root/etc/systemd/system-generators/$unit"
        ;;
    *) ln -sf /dev/null "$root/etc/systemd/system/$unit" ;;
    esac
done

# A host speaks under its own name, which it has only later: our program starts it.
rm -f "$root"/etc/systemd/system/*.wants/avahi-daemon.* \
    "$root"/etc/systemd/system/dbus-org.freedesktop.Avahi.service "$root"/etc/avahi/services/*

boot=$root/boot
mv "$boot"/vmlinuz-* "$boot/vmlinuz"
mv "$boot"/initrd.img-* "$boot/initrd.img"
# kubeadm looks into the kernel's configuration.
for config in "$boot"/config-*; do
    mv "$config" "$root/usr/lib/modules/${config##*/config-}/config"
done
rm -f "$boot"/System.map-* "$root"/vmlinuz* "$root"/initrd.img*
# One of each, whatever UEFI calls this architecture.
cp "$root"/usr/lib/shim/shim*.efi.signed "$boot/shim.efi"
cp "$root"/usr/lib/grub/*-efi-signed/gcd*.efi.signed "$boot/grub.efi"
rm -rf "$boot/grub"

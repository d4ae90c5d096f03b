#!/bin/bash
# Packs the agent with the shared libraries it needs and their loader, so that it runs on any
# systemd Linux whatever its glibc:
#     lib/ld-linux-x86-64.so.2 --library-path lib bin/bigtop-agent
# Same input, same bytes. Usage: pack.sh AGENT OUT.tar.gz
set -euo pipefail

agent=$1 out=$2
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/bin" "$staging/lib"

strip --strip-all -o "$staging/bin/bigtop-agent" "$agent"

# "name => /path (address)" for libraries, "/path (address)" for the loader.
ldd "$agent" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | sort -u |
    while read -r library; do
        [[ -f $library ]] || { echo "pack.sh: library not found: $library" >&2; exit 1; }
        cp -L "$library" "$staging/lib/"
    done
ls "$staging"/lib/ld-linux-*.so.* >/dev/null
# glibc loads this one by name when a thread is cancelled.
libc=$(ldd "$agent" | awk '$1 == "libc.so.6" { print $3 }')
cp -L "$(dirname "$libc")/libgcc_s.so.1" "$staging/lib/"
chmod 0755 "$staging"/bin/* "$staging"/lib/*

tar -C "$staging" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX -cf - bin lib | gzip -9n >"$out.part"
mv "$out.part" "$out"

#!/bin/bash
# Packs the agent with the shared libraries it needs and their loader, so that it runs on any
# systemd Linux whatever its glibc:
#     lib/ld-linux-x86-64.so.2 --library-path lib bin/bigtop-agent
# Same input, same bytes. Usage: pack.sh AGENT OUT.tar.gz COMPILER...
# The compiler that made it knows where libraries are; it may be one for another architecture.
set -euo pipefail

agent=$1 out=$2 compiler=("${@:3}")
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/bin" "$staging/lib"

"$("${compiler[@]}" -print-prog-name=strip)" --strip-all -o "$staging/bin/bigtop-agent" "$agent"

# A library, and those that it needs.
take() # NAME
{
    local file
    [[ ! -e $staging/lib/$1 ]] || return 0
    file=$("${compiler[@]}" -print-file-name="$1")
    [[ -f $file ]] || { echo "pack.sh: library not found: $1" >&2; exit 1; }
    cp -L "$file" "$staging/lib/"
    take_needed "$file"
}

take_needed() # FILE
{
    local name needed
    needed=$(readelf --dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
    for name in $needed; do
        take "$name"
    done
}

take_needed "$agent"
# glibc loads this one by name when a thread is cancelled.
take libgcc_s.so.1
ls "$staging"/lib/ld-linux-*.so.* >/dev/null
chmod 0755 "$staging"/bin/* "$staging"/lib/*

tar -C "$staging" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX -cf - bin lib | gzip -9n >"$out.part"
mv "$out.part" "$out"

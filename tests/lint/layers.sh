#!/bin/bash
# Who may include whom, how long things may be, what they are called.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

declare -A uses=(
    [lib]="lib"
    [kubeadm]="kubeadm lib"
    [images]="images lib"
    [iso]="iso images lib"
    [agent]="agent images lib"
    [coordinator]="coordinator iso kubeadm images lib"
)

# A third-party header (a prefix) and the only files that may include it.
third_party=(
    "libssh/           coordinator/ssh.c"
    "systemd/          agent/units.c"
    "archive           lib/archive.c lib/archive-write.c lib/archive-zip.c"
    "curl/             images/fetch.c"
    "openssl/          lib/digest.c lib/tls.c"
    "yaml.h            lib/yaml.c"
    "blkid/            lib/disk-probe.c"
    "jansson.h         lib/json.h"
    "zstd              images/zstd-codec.c"
)

includes() { # file:line:"what" or <what>
    sources | xargs grep -nHoE '^ *# *include *("[^"]*"|<[^>]*>)' |
        sed -E 's/ *# *include *//'
}

long_lines() {
    { sources; files 'tests/unit/*.[ch]'; } | LC_ALL=C.UTF-8 xargs grep -nHP '^.{101,}' | cut -c1-120
}

printing() {
    files 'lib/*.c' 'kubeadm/*.c' | xargs grep -nE '\b([fv]?printf|vfprintf|f?puts|putchar|perror)\('
}

# Test data is compared byte by byte.
trailing_blanks() {
    { sources; files tests profiles iso images .ci docs Makefile; } | sort -u |
        grep -v '^tests/data/\|^tests/cli/' | xargs grep -nIE '[[:blank:]]+$' | cut -c1-120
}

layer_violations() {
    includes | grep -F '"' | while IFS=: read -r file line what; do
        module=${file%%/*} target=${what#\"}
        target=${target%%/*}
        [[ " ${uses[$module]} " == *" $target "* ]] ||
            echo "$file:$line: $module includes $what; it may use: ${uses[$module]}"
    done
}

third_party_violations() {
    includes | grep -F '<' | while IFS=: read -r file line what; do
        for rule in "${third_party[@]}"; do
            read -r header allowed <<<"$rule"
            [[ $what == "<$header"* && " $allowed " != *" $file "* ]] &&
                echo "$file:$line: $what belongs to $allowed"
        done
    done
}

longer_than() { # limit, files on stdin
    while read -r file; do
        lines=$(wc -l <"$file")
        ((lines <= $1)) || echo "$file: $lines lines, at most $1"
    done
}

# Lines of each function body, from the brace in column 1 to the one that closes it.
function_lengths() {
    sources | grep '\.c$' | xargs awk '/^\{/ { start = FNR } /^\}/ && start { print FNR - start - 1; start = 0 }'
}

long_functions() {
    local median
    median=$(function_lengths | sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }')
    ((median <= 20)) || echo "the median function has $median lines, at most 20"
}

verdict "modules include only the layers below them" < <(layer_violations)
verdict "each third-party header has one user" < <(third_party_violations)
verdict "no file over 800 lines" < <(sources | longer_than 800)
verdict "main.c within 150 lines" < <(sources | grep '/main\.c$' | longer_than 150)
verdict "Makefile within 150 lines" < <(echo Makefile | longer_than 150)
verdict "half of the functions within 20 lines" < <(long_functions)
verdict "lines within 100 columns" < <(long_lines)
verdict "headers have #pragma once" < <(sources | grep '\.h$' | xargs grep -L '^#pragma once$')
verdict "no typedef hides a struct" < <(sources | xargs grep -nE '^ *typedef +(struct|union|enum)\b')
verdict "file names in kebab-case" < <(sources | grep -vE '^[a-z]+(/[a-z0-9-]+)+\.[ch]$')
verdict "lib and kubeadm never print" < <(printing)
verdict "no blanks at the end of lines" < <(trailing_blanks)
summary

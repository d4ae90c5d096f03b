#!/bin/bash
# clang-format has nothing to change (`make format` does it). Headers are left out: their tables of
# members and comments are set by hand.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

need clang-format
places() {
    { sources; files 'tests/unit/*.c'; } | grep '\.c$' |
        xargs -P "$(nproc)" -n 16 clang-format --dry-run 2>&1 |
        sed -nE 's/^([^:]+):[0-9]+:[0-9]+: warning: code should be.*/\1/p' | sort | uniq -c |
        awk '{ print $2 ": " $1 " places" }'
}

verdict "clang-format" < <(places)
summary

#!/bin/bash
# Compiles everything once more without output, by clang: its warnings, and the banned functions.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

flags=(-std=gnu17 -D_GNU_SOURCE -I. -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Wvla
    -Wformat=2 -Wstrict-prototypes -Werror)
all() {
    { sources; files 'tests/unit/*.c'; } | grep '\.c$'
}

each() { # files at once, command
    local at_once=$1
    shift
    xargs -P "$(nproc)" -n "$at_once" "$@" 2>&1
}

need clang
need gcc
said=$(all | each 8 clang "${flags[@]}" -include tests/lint/banned.h)
verdict "clang has nothing to warn about" < <(grep -v poisoned <<<"$said")
verdict "no banned function is called" < <(grep poisoned <<<"$said")
verdict "every header stands on its own" < <(sources | grep '\.h$' | each 1 gcc -x c "${flags[@]}" -w |
    grep error)
summary

#!/bin/bash
# clang-tidy with .clang-tidy. The analyzer is given a budget for each function: without it the run
# takes five times as long and finds the same.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

need clang-tidy
# Several files a run, whose checks are set up once.
# shellcheck disable=SC2016 # $@ is for the inner bash
verdict "clang-tidy" < <(sources | grep '\.c$' |
    xargs -P "$(nproc)" -n 8 bash -c 'clang-tidy --quiet "$@" -- -std=gnu17 -D_GNU_SOURCE -I. \
        -Xclang -analyzer-config -Xclang max-nodes=20000 2>/dev/null' tidy |
    grep -E '(error|warning):' | sed "s#^$PWD/##" | sort -u)
summary

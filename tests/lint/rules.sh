#!/bin/bash
# Prometheus' rules: they are sound, and fire when they should (tests/rules).
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

need promtool
# It talks when all is well, too.
promtool_errors() {
    local output
    output=$(promtool "$@" 2>&1) || echo "${output:-promtool $1 $2 failed}"
}

verdict "alert rules are sound" < <(promtool_errors check rules profiles/components/*/rules-*.yaml)
verdict "alerts fire when they should" < <(promtool_errors test rules tests/rules/*.yaml)
untested() {
    sed -n 's/^ *- alert: //p' profiles/components/*/rules-*.yaml | while read -r alert; do
        grep -qE "alertname: $alert\b" tests/rules/*.yaml || echo "$alert"
    done
}
verdict "every alert is tested" < <(untested)
summary

#!/bin/bash
# Runs shellcheck on every shell script, and Python that at least parses.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

with_shebang() { # pattern
    files | while read -r file; do
        [[ $file == *.t || $file == *.go ]] && continue
        head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE "^#!.*\b($1)\b" && echo "$file"
    done
}

shell_scripts() {
    { with_shebang 'bash|sh'; files '*.sh'; } | sort -u
}

python_errors() {
    { with_shebang 'python3'; files '*.py'; } | sort -u | while read -r file; do
        python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" 2>&1 |
            tail -n 1
    done
}

# SC2034, SC2154: scripts that are sourced share variables with the one that sources them.
shellcheck_errors() {
    shell_scripts | xargs -r shellcheck -x -f gcc -S warning -e SC2034,SC2154 2>&1
}

need shellcheck
need python3
verdict "shellcheck" < <(shellcheck_errors)
verdict "Python parses" < <(python_errors)
summary

#!/bin/bash
# Runs shellcheck on every shell script, and Python that at least parses.
set -uo pipefail
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

with_shebang() { # pattern
    files | grep -vE '\.(t|go)$' | xargs -r -d '\n' awk -v "program=$1" '
        FNR == 1 && $0 ~ "^#!.*[/ ](" program ")( |$)" { print FILENAME }
        { nextfile }'
}

shell_scripts() {
    { with_shebang 'bash|sh'; files '*.sh'; } | sort -u
}

python_errors() {
    { with_shebang 'python3'; files '*.py'; } | sort -u | python3 -c '
import ast, sys
for path in sys.stdin.read().split():
    try:
        ast.parse(open(path).read(), path)
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}")'
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

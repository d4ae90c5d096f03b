# shellcheck shell=bash
# What the lint scripts share. Each rule ends with `verdict NAME`, fed with its violations: one
# line each, nothing when all is well. The last line of a script is "N passed, N failed".
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

modules=(lib kubeadm images iso agent coordinator)
passed=0 failed=0

# Files of the tree, new ones too; arguments are git pathspecs.
files() {
    git ls-files -co --exclude-standard -- "$@" | while read -r f; do
        [[ -f $f ]] && echo "$f"
    done | sort -u
}

sources() {
    files "${modules[@]/%//*.[ch]}"
}

verdict() {
    local name=$1 violations
    violations=$(cat)
    if [[ -z $violations ]]; then
        ((++passed))
        echo "ok      $name"
    else
        ((++failed))
        echo "not ok  $name"
        echo "        ${violations//$'\n'/$'\n'        }"
    fi
}

# A check whose tool is missing has failed.
need() {
    command -v "$1" >/dev/null || verdict "$1 is installed" <<<"install it: make install-packages"
}

summary() {
    echo "$passed passed, $failed failed"
    ((failed == 0))
}

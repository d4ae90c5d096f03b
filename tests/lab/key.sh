# shellcheck shell=bash
# NAME of the NAME.key and NAME.pub that bundles for the lab are signed with.
lab_bundle_key()
{
    echo "${BUNDLE_KEY:-${XDG_CACHE_HOME:-$HOME/.cache}/bigtop-bootstrap/bundle}"
}

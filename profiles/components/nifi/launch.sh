#!/bin/sh -e
# What the image's own script leaves in conf/, which is new with each container: the flow itself.
# shellcheck source=/dev/null
. /opt/nifi/scripts/common.sh
prop_replace nifi.flow.configuration.file /data/flow/flow.json.gz
prop_replace nifi.flow.configuration.archive.dir /data/flow/archive
exec /opt/nifi/scripts/start.sh

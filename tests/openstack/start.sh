#!/usr/bin/env bash
# Start a real Keystone and Heat (OS_STAGE=nova: and Nova with a fake hypervisor) on free loopback ports.
# Safe to repeat with the same LAB_DIR. README.md names the variables. Status 3: it cannot be installed here.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$HERE/common.sh"
OS_STAGE="${OS_STAGE:-heat}"
umask 077

install_openstack
mkdir -p "$ETC" "$DATA" "$LOGS" "$RUN"
choose_ports
[ -s "$DATA/password" ] || "$B/python" -c 'import secrets; print(secrets.token_urlsafe(18))' >"$DATA/password"
PW="$(cat "$DATA/password")"
KS="http://127.0.0.1:$KEYSTONE_PORT/v3"
watch_owner

. "$HERE/keystone.sh"
. "$HERE/heat.sh"
prepare_keystone & prepare_heat & wait_all
start_keystone
start_heat
if [ "$OS_STAGE" = nova ]; then . "$HERE/nova.sh"; fi
say "ready: . $LAB_DIR/openrc"

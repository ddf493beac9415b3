#!/usr/bin/env bash
# Stop what start.sh started in LAB_DIR. --wipe also removes its data, logs and settings.
set -u
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$HERE/common.sh"

names=()
for file in "$RUN"/*.pid; do
  [ -e "$file" ] || continue
  name="$(basename "$file" .pid)"; names+=("$name")
  if alive "$name"; then kill -TERM -- "-$(cat "$file")" "$(cat "$file")" 2>/dev/null; kill -CONT "$(cat "$file")" 2>/dev/null; fi
done
for name in "${names[@]}"; do
  for _ in $(seq 20); do alive "$name" || break; sleep 0.1; done
  if alive "$name"; then kill -KILL -- "-$(cat "$RUN/$name.pid")" 2>/dev/null; fi
  rm -f "$RUN/$name.pid"
done
[ "${1:-}" = --wipe ] && rm -rf "$DATA" "$LOGS" "$ETC" "$RUN" "$LAB_DIR"/openrc* "$LAB_DIR/ports"
exit 0

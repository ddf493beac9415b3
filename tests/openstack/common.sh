# Sourced by start.sh and stop.sh: where things are, and how a service is installed, started and waited for.
LAB_DIR="${LAB_DIR:-${TMPDIR:-/tmp}/hastexo-lab-openstack-$(id -u)}"
CACHE="${HASTEXO_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hastexo-lab}"
VENV="${LAB_VENV:-$CACHE/openstack-venv}"
B="$VENV/bin"
ETC="$LAB_DIR/etc" DATA="$LAB_DIR/data" LOGS="$LAB_DIR/log" RUN="$LAB_DIR/run"
SERVICES="$HERE/services"

say() { echo "[$(date +%T)] $*"; }
cannot() { echo "$*" >&2; exit 3; }

# The environment's mark is the hash of what it was made from, so a changed list makes it anew.
install_openstack() {
  local python="${LAB_PYTHON:-python3.11}" want
  want="$(cat "$HERE/requirements.txt" "$HERE"/lab-neutron/*.* | sha256sum | cut -c1-16)"
  [ "$(cat "$VENV/.ok" 2>/dev/null)" = "$want" ] && return
  command -v "$python" >/dev/null || cannot "The real Keystone and Heat need Python 3.11: there is no $python (set LAB_PYTHON)."
  mkdir -p "$VENV"
  exec 9>"$VENV.lock"; flock 9  # of several that start at once, one installs
  if [ "$(cat "$VENV/.ok" 2>/dev/null)" != "$want" ]; then
    say "installing OpenStack 2025.1 from PyPI into $VENV"
    "$python" -m venv --clear "$VENV" >"$VENV.log" 2>&1 \
      || cannot "The real Keystone and Heat need a virtual environment, and \"$python -m venv\" fails: install python3-venv."
    pip_install || cannot "The real Keystone and Heat cannot be installed from PyPI: see the end of $VENV.log."
    echo "$want" >"$VENV/.ok"
  fi
  exec 9>&-
}
pip_install() {
  local source; source="$(mktemp -d)"
  cp "$HERE"/lab-neutron/*.* "$source"  # pip leaves a build folder in what it installs
  { "$B/pip" install -q -U pip wheel 'setuptools<81' && "$B/pip" install -q -r "$HERE/requirements.txt" \
      && "$B/pip" install -q --no-deps --no-build-isolation "$source"; } >>"$VENV.log" 2>&1
  local status=$?; rm -rf "$source"; return $status
}

# Ports are chosen once for each LAB_DIR: the catalogue in its database names them.
choose_ports() {
  [ -s "$LAB_DIR/ports" ] || "$B/python" "$SERVICES/free_ports.py" KEYSTONE HEAT PLACEMENT GLANCE NEUTRON NOVA >"$LAB_DIR/ports"
  set -a; . "$LAB_DIR/ports"; set +a
}

# Every service has LAB_DIR in its command line. A process that has ended but was not reaped has an empty one.
alive() { [ -s "$RUN/$1.pid" ] && grep -qsaF "$LAB_DIR" "/proc/$(cat "$RUN/$1.pid")/cmdline"; }
spawn() {  # spawn NAME COMMAND...
  local name="$1"; shift
  if alive "$name"; then say "$name runs already"; return; fi
  setsid "$@" >"$LOGS/$name.out" 2>&1 </dev/null &
  echo $! >"$RUN/$name.pid"
}
serve() {  # serve NAME MODULE:APPLICATION PORT
  spawn "$1" "$B/python" "$SERVICES/serve_wsgi.py" "$LAB_DIR" "$2" "$3"
}
answers() {  # answers NAME URL
  "$B/python" "$SERVICES/wait_http.py" "$2" "$(cat "$RUN/$1.pid")" && return
  echo "$1 does not answer at $2:" >&2; tail -n 20 "$LOGS/$1.out" >&2; exit 1
}
once() {  # once MARK COMMAND...: only if it has not been done in this LAB_DIR
  local mark="$DATA/.$1-ok"; shift
  [ -e "$mark" ] && return
  "$@"; touch "$mark"
}
wal() { "$B/python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")' "$1"; }
wait_all() { local job; for job in $(jobs -p); do wait "$job" || exit 1; done; }

watch_owner() {
  [ -n "${LAB_OWNER_PID:-}" ] || return 0
  LAB_DIR="$LAB_DIR" setsid bash -c 'while [ -d "$LAB_DIR/run" ] && kill -0 "$1" 2>/dev/null; do sleep 1; done; "$2" --wipe' \
    watch "$LAB_OWNER_PID" "$HERE/stop.sh" >/dev/null 2>&1 </dev/null &
  disown
}

auth_block() {  # auth_block USER: how a service signs in
  printf '%s\n' "auth_type = password" "auth_url = $KS" "username = $1" "password = $PW" "user_domain_name = Default"
}
in_service_project() { auth_block "$1"; printf '%s\n' "project_name = service" "project_domain_name = Default"; }

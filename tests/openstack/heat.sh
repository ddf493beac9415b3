# Sourced by start.sh.
prepare_heat() {
  mkdir -p "$ETC/heat-environment.d"
  cp "$VENV/etc/heat/api-paste.ini" "$ETC/heat-api-paste.ini"
  cp "$VENV"/etc/heat/environment.d/*.yaml "$ETC/heat-environment.d/"
  [ -e "$DATA/heat.key" ] || "$B/python" -c 'import secrets; print(secrets.token_hex(16))' >"$DATA/heat.key"
  cat >"$ETC/heat.conf" <<CONF
[DEFAULT]
log_file = $LOGS/heat.log
use_stderr = false
# API and engine live in one process (heat-all), so the in-process driver is enough
transport_url = fake://
rpc_response_timeout = 120
num_engine_workers = 1
auth_encryption_key = $(cat "$DATA/heat.key")
region_name_for_services = RegionOne
deferred_auth_method = trusts
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = $PW
plugin_dirs = $HERE/heat-plugins
environment_dir = $ETC/heat-environment.d
template_dir = $VENV/etc/heat/templates
max_stacks_per_tenant = ${HEAT_MAX_STACKS:-10000}
# Heat's default is 5, with a growing pause: a server that fails then takes 100 s to CREATE_FAILED
action_retry_limit = ${HEAT_ACTION_RETRY_LIMIT:-1}
# from Nova's API 2.92 on, Heat demands a public_key from OS::Nova::KeyPair
max_nova_api_microversion = 2.90
event_purge_batch_size = 200
[heat_all]
enabled_services = engine,api
[heat_api]
bind_host = 127.0.0.1
bind_port = $HEAT_PORT
workers = 1
[paste_deploy]
api_paste_config = $ETC/heat-api-paste.ini
[database]
connection = sqlite:///$DATA/heat.db?timeout=5
sqlite_synchronous = false
[keystone_authtoken]
www_authenticate_uri = $KS
$(in_service_project heat)
[trustee]
$(auth_block heat)
[clients]
endpoint_type = publicURL
[clients_keystone]
auth_uri = http://127.0.0.1:$KEYSTONE_PORT
[clients_heat]
url = http://127.0.0.1:$HEAT_PORT/v1/%(tenant_id)s
[cache]
enabled = false
[oslo_messaging_notifications]
driver = noop
[oslo_concurrency]
lock_path = $RUN
CONF
  once heat sync_heat
}
sync_heat() {
  rm -f "$DATA"/heat.db*
  "$B/heat-manage" --config-file "$ETC/heat.conf" db_sync >"$LOGS/heat-db.out" 2>&1
  wal "$DATA/heat.db"
}
start_heat() {
  PYTHONDONTWRITEBYTECODE=1 spawn heat "$B/heat-all" --config-file "$ETC/heat.conf"
  answers heat "http://127.0.0.1:$HEAT_PORT/"
  say "heat: http://127.0.0.1:$HEAT_PORT/v1"
}

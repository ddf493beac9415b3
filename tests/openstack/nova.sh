# Sourced by start.sh: placement, glance, neutron without agents, nova with a fake hypervisor.
ksauth() { printf '%s\n' "[keystone_authtoken]" "www_authenticate_uri = $KS" "$(in_service_project "$1")"; }
client() { printf '%s\n' "[$1]" "$(in_service_project "$2")" "region_name = RegionOne" "valid_interfaces = public"; }
mkdir -p "$ETC"/{placement,glance,neutron,nova} "$DATA"/{images,glance-staging,glance-tasks,nova,neutron}

# ---- placement
cat >"$ETC/placement/placement.conf" <<CONF
[DEFAULT]
log_file = $LOGS/placement.log
use_stderr = false
[api]
auth_strategy = keystone
[placement_database]
connection = sqlite:///$DATA/placement.db?timeout=30
sqlite_synchronous = false
$(ksauth placement)
CONF
# ---- glance
cat >"$ETC/glance/glance-api.conf" <<CONF
[DEFAULT]
log_file = $LOGS/glance.log
use_stderr = false
enabled_backends = file:file
enabled_import_methods = []
worker_self_reference_url = http://127.0.0.1:$GLANCE_PORT
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = $DATA/images
[os_glance_staging_store]
filesystem_store_datadir = $DATA/glance-staging
[os_glance_tasks_store]
filesystem_store_datadir = $DATA/glance-tasks
[database]
connection = sqlite:///$DATA/glance.db?timeout=30
sqlite_synchronous = false
[paste_deploy]
flavor = keystone
config_file = $ETC/glance/glance-api-paste.ini
[oslo_messaging_notifications]
driver = noop
$(ksauth glance)
CONF
cp "$VENV/etc/glance/glance-api-paste.ini" "$ETC/glance/"
# ---- neutron
cp "$VENV/etc/neutron/api-paste.ini" "$ETC/neutron/"
cat >"$ETC/neutron/neutron.conf" <<CONF
[DEFAULT]
log_file = $LOGS/neutron.log
use_stderr = false
transport_url = fake://
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
api_paste_config = $ETC/neutron/api-paste.ini
state_path = $DATA/neutron
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
dhcp_agent_notification = false
api_workers = 0
rpc_workers = 0
bind_host = 127.0.0.1
bind_port = $NEUTRON_PORT
[ml2]
type_drivers = flat,local
tenant_network_types = local
mechanism_drivers = labnoop
extension_drivers = port_security
[ml2_type_flat]
flat_networks = public
[securitygroup]
enable_security_group = true
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
quota_security_group = -1
quota_security_group_rule = -1
[database]
connection = sqlite:///$DATA/neutron.db?timeout=30
sqlite_synchronous = false
[oslo_concurrency]
lock_path = $RUN
[oslo_messaging_notifications]
driver = noop
$(ksauth neutron)
$(client nova nova)
$(client placement placement)
CONF
# ---- nova
cp "$VENV/etc/nova/api-paste.ini" "$ETC/nova/"
cat >"$ETC/nova/nova.conf" <<CONF
[DEFAULT]
log_file = $LOGS/nova.log
use_stderr = false
transport_url = fake://
host = lab
my_ip = 127.0.0.1
state_path = $DATA/nova
compute_driver = lab.LabDriver
periodic_fuzzy_delay = 0
sync_power_state_interval = -1
heal_instance_info_cache_interval = -1
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $NOVA_PORT
osapi_compute_workers = 1
enabled_apis = osapi_compute
allow_resize_to_same_host = true
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
resume_guests_state_on_host_boot = true
[wsgi]
api_paste_config = $ETC/nova/api-paste.ini
[database]
connection = sqlite:///$DATA/nova.db?timeout=5
sqlite_synchronous = false
[api_database]
connection = sqlite:///$DATA/nova_api.db?timeout=5
sqlite_synchronous = false
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 5
[quota]
instances = -1
cores = -1
ram = -1
key_pairs = -1
[vnc]
enabled = false
[oslo_concurrency]
lock_path = $RUN
[oslo_messaging_notifications]
driver = noop
[filter_scheduler]
track_instance_changes = false
$(ksauth nova)
service_token_roles_required = true
service_token_roles = service
$(client placement placement)
$(client neutron neutron)
$(client glance glance)
$(client service_user nova)
send_service_user_token = true
CONF
sync_db() {  # sync_db NAME DATABASE COMMAND...
  local name="$1" database="$2"; shift 2
  "$@" >"$LOGS/$name-db.out" 2>&1
  wal "$DATA/$database"
}
once placement sync_db placement placement.db "$B/placement-manage" --config-file "$ETC/placement/placement.conf" db sync
once glance sync_db glance glance.db "$B/glance-manage" --config-file "$ETC/glance/glance-api.conf" db_sync
once neutron sync_db neutron neutron.db "$B/python" "$SERVICES/neutron_sqlite.py" "$DATA/neutron.db"
nova_manage() { "$B/nova-manage" --config-file "$ETC/nova/nova.conf" "$@"; }
sync_nova() {
  nova_manage api_db sync
  nova_manage cell_v2 map_cell0 --database_connection "sqlite:///$DATA/nova_cell0.db?timeout=5"
  nova_manage cell_v2 create_cell --name cell1 --database_connection "sqlite:///$DATA/nova.db?timeout=5" --transport-url "fake:///"
  nova_manage db sync
  wal "$DATA/nova_api.db"; wal "$DATA/nova_cell0.db"
}
once nova sync_db nova nova.db sync_nova

OS_PLACEMENT_CONFIG_DIR="$ETC/placement" serve placement placement.wsgi.api:application "$PLACEMENT_PORT"
OS_GLANCE_CONFIG_DIR="$ETC/glance" serve glance glance.wsgi.api:application "$GLANCE_PORT"
OS_NEUTRON_CONFIG_FILES="$ETC/neutron/neutron.conf" OS_NEUTRON_CONFIG_DIR="$ETC/neutron" \
  serve neutron neutron.wsgi.api:application "$NEUTRON_PORT"
answers placement "http://127.0.0.1:$PLACEMENT_PORT/"
answers glance "http://127.0.0.1:$GLANCE_PORT/"
answers neutron "http://127.0.0.1:$NEUTRON_PORT/"
spawn nova "$B/python" "$SERVICES/nova_all.py" --config-file "$ETC/nova/nova.conf"
answers nova "http://127.0.0.1:$NOVA_PORT/"
KS="$KS" PW="$PW" "$B/python" "$SERVICES/seed_nova.py"  # also waits for the compute service
say "placement, glance, neutron, nova"

# Sourced by start.sh.
prepare_keystone() {
  cat >"$ETC/keystone.conf" <<CONF
[DEFAULT]
log_file = $LOGS/keystone.log
use_stderr = false
max_token_size = 255
[database]
connection = sqlite:///$DATA/keystone.db?timeout=30
sqlite_synchronous = false
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = $DATA/fernet-keys
[credential]
key_repository = $DATA/credential-keys
[identity]
# cheap hashes: these passwords live as long as the tests
password_hash_rounds = 4
[security_compliance]
# newer Keystones let application credentials create trusts, as Heat wants, only where an operator says so
allow_insecure_application_credential_trust_escalation = true
[trust]
allow_redelegation = true
[cache]
enabled = true
backend = oslo_cache.dict
CONF
  once keystone bootstrap_keystone
}
bootstrap_keystone() {
  local manage=("$B/keystone-manage" --config-file "$ETC/keystone.conf")
  local owner=(--keystone-user "$(id -un)" --keystone-group "$(id -gn)")
  rm -f "$DATA"/keystone.db*
  mkdir -p -m 700 "$DATA/fernet-keys" "$DATA/credential-keys"
  "${manage[@]}" db_sync >"$LOGS/keystone-db.out" 2>&1
  wal "$DATA/keystone.db"
  "${manage[@]}" fernet_setup "${owner[@]}"
  "${manage[@]}" credential_setup "${owner[@]}"
  OS_BOOTSTRAP_PASSWORD="$PW" "${manage[@]}" bootstrap --bootstrap-username admin \
    --bootstrap-project-name admin --bootstrap-role-name admin --bootstrap-service-name keystone \
    --bootstrap-region-id RegionOne --bootstrap-public-url "$KS" --bootstrap-internal-url "$KS" \
    --bootstrap-admin-url "$KS" >>"$LOGS/keystone-db.out" 2>&1
}
start_keystone() {
  OS_KEYSTONE_CONFIG_FILES="$ETC/keystone.conf" serve keystone keystone.wsgi.api:application "$KEYSTONE_PORT"
  answers keystone "$KS"
  cat >"$LAB_DIR/openrc" <<RC
export OS_AUTH_URL=$KS OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne OS_INTERFACE=public
export OS_USERNAME=demo OS_PASSWORD=$PW OS_PROJECT_NAME=demo OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
RC
  sed 's/=demo/=admin/g' "$LAB_DIR/openrc" >"$LAB_DIR/openrc-admin"
  KS="$KS" PW="$PW" once "catalogue-$OS_STAGE" "$B/python" "$SERVICES/seed_keystone.py" "$OS_STAGE"
  say "keystone: $KS"
}

"""seed_keystone.py STAGE: users, roles, the domain of Heat's own users, the catalogue. Safe to repeat."""

import os
import sys

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

PASSWORD = os.environ["PW"]
SERVICES = {  # name: (type, path, from which stage on)
    "heat": ("orchestration", "/v1/%(tenant_id)s", "heat"),
    "placement": ("placement", "", "nova"),
    "glance": ("image", "", "nova"),
    "neutron": ("network", "", "nova"),
    "nova": ("compute", "/v2.1", "nova"),
}
auth = v3.Password(
    os.environ["KS"],
    username="admin",
    password=PASSWORD,
    project_name="admin",
    user_domain_name="Default",
    project_domain_name="Default",
)
keystone = client.Client(session=session.Session(auth), interface="public")


def ensure(manager, name, **kwargs):
    """The object of that name, made if there is none."""
    for found in manager.list():
        if found.name == name and (
            manager is not keystone.users or found.domain_id == kwargs.get("domain", "default")
        ):
            return found
    return manager.create(name, **kwargs)


def grant(user, project, *roles):
    for role in roles:
        keystone.roles.grant(role, user=user, project=project)


names = ("admin", "member", "heat_stack_owner", "heat_stack_user", "service")
admin, member, owner, _, service = (ensure(keystone.roles, name) for name in names)
services_project = ensure(keystone.projects, "service", domain="default")
demo_project = ensure(keystone.projects, "demo", domain="default")
demo = ensure(keystone.users, "demo", domain="default", password=PASSWORD, default_project=demo_project)
grant(demo, demo_project, member, owner)
grant(ensure(keystone.users, "admin"), ensure(keystone.projects, "admin", domain="default"), owner)

known = {found.name for found in keystone.services.list()}
for name, (kind, path, stage) in SERVICES.items():
    if stage not in ("heat", sys.argv[1]) or name in known:
        continue
    grant(ensure(keystone.users, name, domain="default", password=PASSWORD), services_project, admin, service)
    url = f"http://127.0.0.1:{os.environ[name.upper() + '_PORT']}{path}"
    made = keystone.services.create(name, type=kind)
    for interface in ("public", "internal", "admin"):
        keystone.endpoints.create(made, url, interface=interface, region="RegionOne")

heat_domain = ensure(keystone.domains, "heat")
domain_admin = ensure(keystone.users, "heat_domain_admin", domain=heat_domain.id, password=PASSWORD)
keystone.roles.grant(admin, user=domain_admin, domain=heat_domain)

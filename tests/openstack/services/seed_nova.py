"""A flavor, an image, an external and a private network; wait for the compute host. Safe to repeat."""

import os
import time

import openstack

cloud = openstack.connect(
    auth_url=os.environ["KS"],
    username="admin",
    password=os.environ["PW"],
    project_name="admin",
    user_domain_name="Default",
    project_domain_name="Default",
    region_name="RegionOne",
)
if not cloud.compute.find_flavor("m1.tiny"):
    cloud.compute.create_flavor(name="m1.tiny", ram=64, vcpus=1, disk=1)
if not cloud.image.find_image("cirros"):
    cloud.image.create_image(
        name="cirros", data=b"\0" * 65536, disk_format="raw", container_format="bare", visibility="public"
    )
if not cloud.network.find_network("public"):
    network = cloud.network.create_network(
        name="public",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    cloud.network.create_subnet(
        network_id=network.id, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False, name="public"
    )
if not cloud.network.find_network("lab-net"):
    network = cloud.network.create_network(name="lab-net", is_shared=True)
    cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.200.0.0/16", name="lab-net")
deadline = time.monotonic() + 60
while not any(
    found.binary == "nova-compute" and found.state == "up" for found in cloud.compute.services()
) or not list(cloud.compute.hypervisors()):
    if time.monotonic() > deadline:
        raise SystemExit("nova-compute did not come up: see log/nova.log")
    time.sleep(0.5)

"""nova_all.py --config-file FILE: Nova's conductor, scheduler, compute and API in one process, for `fake://`."""
# ruff: noqa: E402, I001

import nova.monkey_patch  # before anything else

import shlex
import sys

import os_brick
import os_vif
from oslo_log import log as logging
from oslo_privsep import priv_context
from oslo_service import service as oslo_service

import nova.conf
from nova import config, objects, service, utils
from nova.conf import remote_debug

CONF = nova.conf.CONF
remote_debug.register_cli_opts(CONF)

config.parse_args(sys.argv)
logging.setup(CONF, "nova")
priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
objects.register_all()
os_brick.setup(CONF)
os_vif.initialize()
objects.Service.enable_min_version_cache()

import lab_nova_driver

sys.modules["nova.virt.lab"] = lab_nova_driver  # where `compute_driver = lab.LabDriver` looks

launcher = oslo_service.ServiceLauncher(CONF, restart_method="mutate")
for topic in ("conductor", "scheduler", "compute"):
    launcher.launch_service(service.Service.create(binary=f"nova-{topic}", topic=topic))
launcher.launch_service(service.WSGIService("osapi_compute"))
launcher.wait()

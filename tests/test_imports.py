"""What the LMS and Studio load: the block, and nothing of the gateway's or the worker's."""

import os
import subprocess
import sys

FORBIDDEN = ("asyncssh", "heatclient", "keystoneauth1", "openstack", "channels", "uvicorn", "daphne", "guacamole")

CODE = """
import sys, django
django.setup()
import hastexo_lab.xblock, hastexo_lab.admin
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_the_block_needs_no_extra():
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    loaded = subprocess.run(
        [sys.executable, "-c", CODE], env=env, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not set(FORBIDDEN) & set(loaded)
    assert "hastexo_lab" in loaded

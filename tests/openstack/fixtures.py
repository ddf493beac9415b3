"""pytest fixtures: a real Keystone and Heat, started on first use and stopped at the end of the session.

`openstack` is the running cloud, `heat_project` a fresh project in it. Tests that use them carry
`@pytest.mark.openstack`; their time limit does not count the start. HASTEXO_LAB_OPENSTACK_DIR names the
LAB_DIR of one that runs already, which is then left running; with HASTEXO_LAB_OPENSTACK_STAGE=nova Nova is
started as well.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1 import identity
from keystoneauth1.exceptions import NotFound
from keystoneauth1.session import Session

HERE = Path(__file__).parent
CANNOT = 3


def wait_until(condition, within_s: float = 60, every_s: float = 0.1):
    """What `condition()` returns, as soon as it is true; AssertionError when that takes too long."""
    deadline = time.monotonic() + within_s
    while not (met := condition()):
        assert time.monotonic() < deadline, f"not met within {within_s} s: {condition}"
        time.sleep(every_s)
    return met


def session_for(env: dict[str, str]) -> Session:
    """A keystoneauth session for OS_* variables."""
    names = ("username", "password", "project_name", "user_domain_name", "project_domain_name")
    return Session(
        identity.V3Password(env["OS_AUTH_URL"], **{name: env[f"OS_{name.upper()}"] for name in names}),
        timeout=60,
    )


@dataclass
class OpenStack:
    """A running cloud: the OS_* variables of its user and of its administrator."""

    lab_dir: Path
    env: dict[str, str] = field(init=False)
    admin_env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.env, self.admin_env = (
            dict(re.findall(r"(OS_\w+)=(\S+)", (self.lab_dir / name).read_text()))
            for name in ("openrc", "openrc-admin")
        )
        self.admin = session_for(self.admin_env)

    def pid(self, service: str) -> int:
        """The process of "keystone" or "heat" (or "nova", …)."""
        return int((self.lab_dir / "run" / f"{service}.pid").read_text())

    def keystone(self, method: str, path: str, **kwargs: Any) -> Any:
        """A call to Keystone as the administrator, e.g. ("GET", "/roles"); the JSON that it answers."""
        url = self.env["OS_AUTH_URL"] + path
        response = self.admin.request(url, method, **kwargs)
        return response.json() if response.content else None

    def id_of(self, kind: str, name: str) -> str:
        """The id of a "user", "role", … of that name."""
        return self.keystone("GET", f"/{kind}s?name={name}")[f"{kind}s"][0]["id"]


@dataclass(frozen=True)
class HeatProject:
    """A project of its own: as a provider's settings, and as OS_* variables."""

    cloud: OpenStack
    project_id: str
    env: dict[str, str]
    config: dict[str, Any]

    def heat(self, method: str, path: str, **kwargs: Any) -> Any:
        """A call to Heat as the project's user, e.g. ("GET", "/stacks"); the JSON that it answers."""
        response = session_for(self.env).request(
            path, method, endpoint_filter={"service_type": "orchestration", "interface": "public"}, **kwargs
        )
        return response.json() if response.content else None

    def stacks(self) -> dict[str, dict[str, Any]]:
        """All stacks of the project by name, as Heat lists them."""
        return {stack["stack_name"]: stack for stack in self.heat("GET", "/stacks")["stacks"]}

    def empty(self) -> None:
        """Delete all stacks and wait until they are gone."""
        for name, stack in self.stacks().items():
            with suppress(NotFound):  # it was going already
                self.heat("DELETE", f"/stacks/{name}/{stack['id']}")
        wait_until(lambda: not self.stacks())


@pytest.fixture(scope="session")
def openstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStack]:
    """A real Keystone and Heat."""
    if running := os.environ.get("HASTEXO_LAB_OPENSTACK_DIR"):
        yield OpenStack(Path(running))
        return
    lab_dir = tmp_path_factory.mktemp("openstack")
    stage = os.environ.get("HASTEXO_LAB_OPENSTACK_STAGE", "heat")
    env = {**os.environ, "LAB_DIR": str(lab_dir), "OS_STAGE": stage, "LAB_OWNER_PID": str(os.getpid())}
    started = subprocess.run([HERE / "start.sh"], env=env, capture_output=True, text=True, check=False)
    try:
        if started.returncode == CANNOT:
            pytest.fail(started.stderr.strip())
        assert started.returncode == 0, started.stdout + started.stderr
        yield OpenStack(lab_dir)
    finally:
        subprocess.run([HERE / "stop.sh", "--wipe"], env=env, check=True)


@pytest.fixture
def heat_project(openstack: OpenStack) -> Iterator[HeatProject]:
    """A fresh Keystone project, in which the user "demo" may own stacks. Its stacks go with it."""
    name = "t-" + uuid.uuid4().hex[:12]
    project_id = openstack.keystone("POST", "/projects", json={"project": {"name": name}})["project"]["id"]
    user_id = openstack.id_of("user", "demo")
    for role in ("member", "heat_stack_owner"):
        role_id = openstack.id_of("role", role)
        openstack.keystone("PUT", f"/projects/{project_id}/users/{user_id}/roles/{role_id}")
    env = {**openstack.env, "OS_PROJECT_NAME": name}
    keys = ("auth_url", "username", "password", "project_name", "user_domain_name", "project_domain_name")
    auth = {key: env[f"OS_{key.upper()}"] for key in keys}
    config = {"type": "heat", "auth_type": "password", "auth": auth, "region_name": env["OS_REGION_NAME"]}
    project = HeatProject(openstack, project_id, env, config)
    yield project
    project.empty()
    openstack.keystone("DELETE", f"/projects/{project_id}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first start installs OpenStack, which takes minutes: a test's time limit counts the test alone."""
    for item in items:
        if item.get_closest_marker("openstack"):
            own = item.get_closest_marker("timeout")
            limit = (own.args[0] if own.args else own.kwargs["timeout"]) if own else 120
            item.add_marker(pytest.mark.timeout(limit, func_only=True), append=False)

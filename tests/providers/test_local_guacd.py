"""Local labs through a real guacd: a terminal and both desktops draw, and take keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from hastexo_lab.providers.base import Outputs
from hastexo_lab.providers.local.machine import missing_programs
from tests.gateway.fixtures import Program
from tests.providers.guac import Guacd
from tests.providers.local_labs import Lab, becomes

pytestmark = pytest.mark.guacd

DESKTOP = "hosts: [{name: desk, desktop: both}]"
needs_desktop = pytest.mark.skipif(bool(missing_programs("both")), reason="a desktop's programs are not here")


def ssh_by_key(told: Outputs) -> dict[str, str]:
    return {
        "port": str(22 + told.port_offset),
        "username": "training",
        "private-key": told.secrets["private_key"],
    }


def ssh_by_password(told: Outputs) -> dict[str, str]:
    return {
        "port": str(22 + told.port_offset),
        "username": "training",
        "password": told.secrets["password"],
    }


@pytest.mark.parametrize("login", [ssh_by_key, ssh_by_password])
async def test_a_terminal_draws_and_takes_keys(
    new_lab: Callable[..., Awaitable[Lab]], guacd: Program, login: Callable[[Outputs], dict[str, str]]
) -> None:
    lab = await new_lab()
    await lab.answers(22)
    told = await lab.outputs()
    async with Guacd(guacd.port, "ssh", {"hostname": told.address, **login(told)}) as page:
        await page.drawn()
        page.type("touch typed")
        await becomes((lab.home() / "typed").exists)


@needs_desktop
@pytest.mark.parametrize("protocol", ["vnc", "rdp"])
async def test_a_desktop_draws_and_takes_keys(
    new_lab: Callable[..., Awaitable[Lab]], guacd: Program, protocol: str
) -> None:
    lab = await new_lab(template=DESKTOP)
    told = await lab.outputs()
    port = {"vnc": 5900, "rdp": 3389}[protocol]
    await lab.answers(port)
    port += told.port_offset
    values = {"hostname": told.address, "port": str(port), "password": told.secrets["password"]}
    if protocol == "rdp":
        values |= {"username": "learner", "security": "any", "ignore-cert": "true"}
    async with Guacd(guacd.port, protocol, values) as page:
        await page.drawn()
        # Keys go nowhere until the window manager has given the terminal its focus: type until it has.
        await becomes(lambda: page.type("touch typed") or (lab.home("desk") / "typed").exists(), every_s=0.5)

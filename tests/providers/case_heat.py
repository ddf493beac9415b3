"""Heat's case of the contract: a real Keystone and Heat, a fresh project for each test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hastexo_lab.providers.base import Transient
from hastexo_lab.providers.heat import HeatProvider
from tests.openstack.fixtures import HeatProject
from tests.providers.contract import SITE, ProviderCase

VERSION = "heat_template_version: 2018-08-31\n"
OUTPUTS = """
outputs:
  public_ip: {value: {get_attr: [host, output]}}
  private_key: {value: {get_attr: [key, value]}}
  password: {value: hunter2}
  port_offset: {value: 1000}
  reboot_on_resume: {value: [host]}
"""


def template(properties: str = "", outputs: str = OUTPUTS) -> str:
    """A key and a host that is only a name for 127.0.0.2; `properties` are those of OS::Lab::Fault."""
    return f"""{VERSION}
resources:
  key: {{type: OS::Heat::RandomString, properties: {{length: 16}}}}
  host: {{type: OS::Lab::Fault, properties: {{value: 127.0.0.2, {properties}}}}}
{outputs}"""


def make(request: pytest.FixtureRequest) -> Iterator[ProviderCase]:
    """The case; `provider` and `stranger` share a project."""
    project: HeatProject = request.getfixturevalue("heat_project")
    provider = HeatProvider("west", project.config, site=SITE)
    stranger = HeatProvider("west", project.config, site="other")
    yield ProviderCase(
        provider=provider,
        stranger=stranger,
        good=template(),
        slow=template("wait: {CREATE: 4}"),
        failing=template("fail_on: [CREATE]"),
        failing_kind=Transient,
        no_public_ip=template(outputs="outputs: {other: {value: 1}}"),
        rejected=VERSION + "resources: {host: {type: OS::No::Such}}",
        outputs={"address": "127.0.0.2", "port_offset": 1000, "reboot_on_resume": ("host",)},
        unknown_ref="nobody/00000000-0000-4000-8000-000000000000",
    )
    for each in (provider, stranger):
        asyncio.run(each.close())

"""The workbench's Heat templates: whole in themselves, liked by a real Heat, alive on a real Nova."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hastexo_lab.block import check
from hastexo_lab.block.scenarios import scenarios
from hastexo_lab.providers.base import AuthorMistake, CloudState, Launch
from hastexo_lab.providers.heat import HeatProvider
from hastexo_lab.providers.tags import tags
from tests.openstack.fixtures import HeatProject
from tests.providers.contract import eventually

ASSETS = Path(__file__).parents[2] / "workbench" / "assets"
NAMES = sorted(path.name for path in ASSETS.glob("*.heat.yaml"))
ENVIRONMENT = (ASSETS / "heat.env.yaml").read_text()
WITH_NOVA = os.environ.get("HASTEXO_LAB_OPENSTACK_STAGE") == "nova"
# What the Nova of tests/openstack calls them.
THERE = {"image": "cirros", "flavor": "m1.tiny", "public_network": "public"}


def parsed(name: str) -> dict[str, Any]:
    template: dict[str, Any] = yaml.safe_load((ASSETS / name).read_text())
    return template


def calls(node: Any, function: str) -> Iterator[Any]:
    """The arguments of each call of a function within `node`."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == function:
            yield value
        yield from calls(value, function)


def environment(name: str, **parameters: object) -> str:
    """What stands for heat.env.yaml in the test's cloud. Without Nova its types are stood in for as well."""
    types = {resource["type"] for resource in parsed(name)["resources"].values()}
    away = {each: "OS::Heat::None" for each in types if not each.startswith("OS::Heat::")}
    registry = {} if WITH_NOVA else {"resource_registry": away}
    text: str = yaml.safe_dump({"parameter_defaults": {**THERE, **parameters}, **registry})
    return text


def test_each_scenario_has_its_files():
    named = re.findall(r'(?:template|environment)="([^"]+)"', "".join(olx for _, olx in scenarios()))
    assert {name for name in named if name.endswith(".heat.yaml")} == set(NAMES)
    assert all((ASSETS / name).is_file() for name in named)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_names_only_what_it_has(name):
    template = parsed(name)
    parameters, resources = template["parameters"], template["resources"]
    assert set(calls(template, "get_param")) <= {*parameters, "OS::stack_name"}
    assert set(calls(template, "get_resource")) <= set(resources)
    assert {path[0] for path in calls(template, "get_attr")} <= set(resources)
    assert "public_ip" in template["outputs"]
    defaults = yaml.safe_load(ENVIRONMENT)["parameter_defaults"]
    assert {each for each, facts in parameters.items() if "default" not in facts} <= set(defaults)


@pytest.mark.parametrize("name", NAMES)
def test_authors_are_told_of_no_fault(name):
    assert check.template_fault((ASSETS / name).read_text()) is None
    assert check.environment_fault(ENVIRONMENT) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_a_host_is_told_is_a_cloud_config_for_the_labs_user(name):
    for told in calls(parsed(name)["resources"], "str_replace"):
        text = told["template"]
        assert text.startswith("#cloud-config\n")
        config = yaml.safe_load(text)
        assert [user["name"] for user in config["users"]] == ["learner"]
        assert all(isinstance(command, str | list) for command in config.get("runcmd", []))
        assert set(re.findall(r"\$[a-z]\w*", text)) == set(told["params"])


@pytest.mark.openstack
@pytest.mark.parametrize("name", NAMES)
async def test_heat_likes_it(name: str, heat_project: HeatProject) -> None:
    provider = HeatProvider("west", heat_project.config, site="assets")
    try:
        await provider.check((ASSETS / name).read_text(), environment(name))
    finally:
        await provider.close()


async def live(provider: HeatProvider, name: str, **parameters: object) -> None:
    """Through a stack's life: created, asleep, awake with the same outputs, gone."""

    async def until(state: CloudState) -> None:
        async def reached() -> bool:
            return (await provider.observe(ref)).state == state

        await eventually(reached, 60)

    ref = await provider.create(
        Launch(
            name=f"lab-{name.partition('.')[0]}-{len(parameters)}",
            template=(ASSETS / name).read_text(),
            environment=environment(name, **parameters),
            tags=tags("assets", 1),
        )
    )
    await until(CloudState.RUNNING)
    told = await provider.outputs(ref)
    assert told.address.startswith("203.0.113.")
    assert set(told.secrets) == {"password"} | ({"private_key"} if parameters else set())
    await provider.suspend(ref)
    await until(CloudState.SUSPENDED)
    await provider.resume(ref)
    await until(CloudState.RUNNING)
    assert await provider.outputs(ref) == told
    await provider.delete(ref)
    await until(CloudState.ABSENT)


@pytest.mark.openstack
@pytest.mark.timeout(300)
@pytest.mark.skipif(not WITH_NOVA, reason="HASTEXO_LAB_OPENSTACK_STAGE=nova is asked for")
async def test_they_live_on_a_cloud_with_nova(heat_project: HeatProject) -> None:
    provider = HeatProvider("west", heat_project.config, site="assets")
    try:
        for name in NAMES:
            if name != "broken.heat.yaml":
                await live(provider, name)
        await live(provider, "terminal.heat.yaml", nova_makes_key=True)
        with pytest.raises(AuthorMistake, match=r"ubuntu-09\.13"):
            await live(provider, "broken.heat.yaml")
    finally:
        await provider.close()

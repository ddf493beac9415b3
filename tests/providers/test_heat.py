"""What is Heat's own, against a real Keystone and Heat: signing in, outages, other people's actions, secrets."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudState,
    Launch,
    ProviderError,
    Transient,
    UnknownOutcome,
)
from hastexo_lab.providers.heat import HeatProvider
from hastexo_lab.providers.tags import tags
from tests.openstack.fixtures import HeatProject, OpenStack, session_for
from tests.providers.case_heat import VERSION, template
from tests.providers.contract import SITE, ProviderCase

pytestmark = pytest.mark.openstack
SMALL = VERSION + "resources: {v: {type: OS::Heat::Value, properties: {value: 1}}}\n"


def small(name: str = "small") -> Launch:
    return Launch(name=name, template=SMALL, tags=tags(SITE, 1), timeout_s=60)


@pytest.fixture
def make(heat_project: HeatProject) -> Iterator[Callable[..., HeatProvider]]:
    """Makes providers of the project; keywords change its settings."""
    made: list[HeatProvider] = []

    def provider(config: dict[str, Any] | None = None, **changed: Any) -> HeatProvider:
        made.append(HeatProvider("west", {**(config or heat_project.config), **changed}, site=SITE))
        return made[-1]

    yield provider
    for each in made:
        asyncio.run(each.close())


@pytest.fixture
def heat_case(heat_project: HeatProject, make: Callable[..., HeatProvider]) -> ProviderCase:
    """A case to steer with templates of one's own."""
    provider = make()
    empty = dict.fromkeys(("good", "slow", "failing", "no_public_ip", "rejected"), "")
    return ProviderCase(provider=provider, stranger=provider, failing_kind=Transient, **empty)


@contextmanager
def stopped(cloud: OpenStack, service: str) -> Iterator[None]:
    """An outage: the service takes connections and answers nothing."""
    os.kill(cloud.pid(service), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cloud.pid(service), signal.SIGCONT)


def _token(project: HeatProject, auth_type: str) -> dict[str, Any]:
    scope = {key: project.config["auth"][key] for key in ("auth_url", "project_name", "project_domain_name")}
    return {"auth_type": auth_type, "auth": {**scope, "token": session_for(project.env).get_token()}}


def _application_credential(project: HeatProject) -> dict[str, Any]:
    session = session_for(project.env)
    url = f"{project.env['OS_AUTH_URL']}/users/{session.get_user_id()}/application_credentials"
    asked = {"application_credential": {"name": project.env["OS_PROJECT_NAME"], "unrestricted": True}}
    made = session.post(url, json=asked).json()["application_credential"]
    auth = {"application_credential_id": made["id"], "application_credential_secret": made["secret"]}
    return {
        "auth_type": "v3applicationcredential",
        "auth": {"auth_url": project.env["OS_AUTH_URL"], **auth},
    }


@pytest.mark.parametrize("way", ["password", "v3password", "token", "v3token", "application credential"])
async def test_signing_in_with_auth(heat_project: HeatProject, make: Callable[..., HeatProvider], way: str) -> None:
    if way == "application credential":
        config = _application_credential(heat_project)
    elif "token" in way:
        config = _token(heat_project, way)
    else:
        config = {"auth_type": way, "auth": heat_project.config["auth"]}
    provider = make({"type": "heat", **config})
    ref = await provider.create(small())
    assert list(await provider.observe_all()) == [ref]


async def test_signing_in_with_clouds_yaml(
    heat_project: HeatProject,
    make: Callable[..., HeatProvider],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"mine": {"auth": heat_project.config["auth"]}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    provider = make({"type": "heat", "cloud": "mine"})
    assert await provider.create(small())


async def test_signing_in_with_the_environment(
    heat_project: HeatProject, make: Callable[..., HeatProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in heat_project.env.items():
        monkeypatch.setenv(name, value)
    provider = make({"type": "heat", "env": True})
    assert await provider.create(small())


WRONG = "wr0ng-and-s3cret"


@pytest.mark.parametrize(
    ("auth", "changed", "told"),
    [
        ({"password": WRONG}, {}, "were refused"),
        ({"project_name": "nobodys"}, {}, "were refused"),
        ({}, {"region_name": "Nowhere"}, '"region_name"'),
        ({"auth_url": "http://127.0.0.1:1/v3"}, {}, '"auth_url"'),
    ],
)
async def test_credentials_that_do_not_work(
    heat_project: HeatProject, make: Callable[..., HeatProvider], auth: Any, changed: Any, told: str
) -> None:
    provider = make(auth={**heat_project.config["auth"], **auth}, **changed)
    for call in (provider.observe_all(), provider.create(small())):
        with pytest.raises(Transient, match=told) as caught:
            await call
        assert '"west"' in str(caught.value)
        assert WRONG not in str(caught.value)


async def test_an_auth_url_that_is_not_keystone(
    heat_project: HeatProject, make: Callable[..., HeatProvider]
) -> None:
    heat_url = session_for(heat_project.env).get_endpoint(service_type="orchestration")
    provider = make(auth={**heat_project.config["auth"], "auth_url": heat_url}, timeout_s=5)
    with pytest.raises(Transient, match='"auth_url"'):
        await provider.observe_all()


@pytest.mark.parametrize("service", ["heat", "keystone"])
async def test_an_outage(heat_project: HeatProject, make: Callable[..., HeatProvider], service: str) -> None:
    provider = make(timeout_s=1)
    if service == "heat":
        await provider.observe_all()  # has its token
    with stopped(heat_project.cloud, service):
        for call, kind in (
            (provider.observe_all(), Transient),
            (provider.create(small()), UnknownOutcome if service == "heat" else Transient),
        ):
            began = time.monotonic()
            with pytest.raises(ProviderError) as caught:
                await call
            assert type(caught.value) is kind
            assert time.monotonic() - began < 3
    assert await make().create(small())


async def test_more_calls_than_threads(make: Callable[..., HeatProvider]) -> None:
    provider = make(max_concurrency=2)
    seen = await asyncio.gather(*(provider.observe_all() for _ in range(12)))
    assert seen == [{}] * 12


async def test_an_id_alone_is_a_ref_too(heat_case: ProviderCase) -> None:
    ref = await heat_case.up(SMALL)
    found = await heat_case.provider.observe(ref.partition("/")[2])
    assert (found.ref, found.state) == (ref, CloudState.RUNNING)


async def test_a_strangers_stack_without_tags_is_not_adopted(
    heat_project: HeatProject, make: Callable[..., HeatProvider]
) -> None:
    heat_project.heat("POST", "/stacks", json={"stack_name": "small", "template": SMALL})
    provider = make()
    assert await provider.observe_all() == {}
    with pytest.raises(AuthorMistake, match="not ours"):
        await provider.create(small())


async def test_nothing_is_asked_of_a_busy_stack(heat_case: ProviderCase) -> None:
    ref = await heat_case.provider.create(heat_case.launch(template("wait: {CREATE: 3, SUSPEND: 3}")))
    with pytest.raises(Transient, match="creating"):
        await heat_case.provider.suspend(ref)
    await heat_case.until(ref, CloudState.RUNNING)
    await heat_case.provider.suspend(ref)
    await heat_case.provider.suspend(ref)
    with pytest.raises(Transient, match="suspending"):
        await heat_case.provider.resume(ref)
    await heat_case.until(ref, CloudState.SUSPENDED)


async def test_a_failed_resume_is_tried_again(heat_case: ProviderCase) -> None:
    ref = await heat_case.up(template("fail_on: [RESUME], fail_times: 1"))
    await heat_case.provider.suspend(ref)
    await heat_case.until(ref, CloudState.SUSPENDED)
    await heat_case.provider.resume(ref)
    failed = await heat_case.until(ref, CloudState.RESUME_FAILED)
    assert "told to fail" in failed.reason
    await heat_case.provider.resume(ref)
    await heat_case.until(ref, CloudState.RUNNING)


async def test_a_failed_suspend_is_woken_by_way_of_sleep(heat_case: ProviderCase) -> None:
    ref = await heat_case.up(template("fail_on: [SUSPEND], fail_times: 1"))
    await heat_case.provider.suspend(ref)
    await heat_case.until(ref, CloudState.SUSPEND_FAILED)
    await heat_case.provider.resume(ref)
    await heat_case.until(ref, CloudState.SUSPENDED)
    await heat_case.provider.resume(ref)
    await heat_case.until(ref, CloudState.RUNNING)


async def test_a_failed_delete_is_tried_again(heat_case: ProviderCase) -> None:
    ref = await heat_case.up(template("fail_on: [DELETE], fail_times: 1"))
    await heat_case.provider.delete(ref)
    await heat_case.until(ref, CloudState.DELETE_FAILED)
    await heat_case.provider.delete(ref)
    await heat_case.until(ref, CloudState.ABSENT)


async def test_outputs_are_asked_of_a_running_stack(heat_case: ProviderCase) -> None:
    ref = await heat_case.provider.create(heat_case.launch(template("wait: {CREATE: 2}")))
    with pytest.raises(Transient, match="creating"):
        await heat_case.provider.outputs(ref)


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("{type: OS::Heat::Value, properties: {value: {get_file: x.sh}}}", "must be one file"),
        ("{type: x.yaml}", "must be one file"),
        ("{type: OS::Keystone::Project}", "not authorized to use"),
        ("{type: OS::Heat::Value, properties: {colour: 1}}", "colour"),
    ],
)
async def test_templates_that_heat_refuses(make: Callable[..., HeatProvider], resource: str, told: str) -> None:
    launch = Launch(name="refused", template=f"{VERSION}resources: {{r: {resource}}}", tags=tags(SITE, 1))
    with pytest.raises(AuthorMistake, match=told):
        await make().create(launch)


async def test_a_parameter_without_a_value(make: Callable[..., HeatProvider]) -> None:
    provider, wants = make(), template() + "parameters: {colour: {type: string}}\n"
    with pytest.raises(AuthorMistake, match='"colour"'):
        await provider.check(wants, "")
    with pytest.raises(AuthorMistake, match="colour"):
        await provider.create(Launch(name="wants", template=wants, tags=tags(SITE, 1)))
    await provider.check(wants, "parameters: {colour: blue}")
    await provider.check(wants, "parameter_defaults: {colour: blue}")
    assert await provider.create(
        Launch(name="given", template=wants, environment="parameters: {colour: blue}", tags=tags(SITE, 1))
    )
    assert await provider.create(
        Launch(name="passed", template=wants, parameters={"colour": "blue"}, tags=tags(SITE, 1))
    )


async def test_no_secret_is_logged(
    heat_project: HeatProject, heat_case: ProviderCase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ref = await heat_case.up(template())
    told = await heat_case.provider.outputs(ref)
    secrets = [*told.secrets.values(), heat_project.config["auth"]["password"]]
    assert len(secrets) == 3
    assert caplog.records
    assert not [secret for secret in secrets if secret in caplog.text]
    assert not [secret for secret in secrets if secret in f"{told!r} {heat_case.provider!r}"]

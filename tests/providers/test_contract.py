"""The contract of `hastexo_lab.providers.base.Provider`, for every provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hastexo_lab.providers.base import AuthorMistake, CloudState, Lost, Outputs
from tests.providers.contract import ProviderCase, eventually


async def test_a_stack_goes_from_creating_to_running(provider_case: ProviderCase) -> None:
    ref = await provider_case.provider.create(provider_case.launch(provider_case.slow))
    assert (await provider_case.provider.observe(ref)).state == CloudState.CREATING
    assert (await provider_case.until(ref, CloudState.RUNNING)).ref == ref


async def test_the_same_order_again_creates_nothing(provider_case: ProviderCase) -> None:
    launch = provider_case.launch(provider_case.good)
    ref = await provider_case.provider.create(launch)
    assert await provider_case.provider.create(launch) == ref
    assert list(await provider_case.provider.observe_all()) == [ref]


async def test_the_same_order_again_while_it_is_created(provider_case: ProviderCase) -> None:
    launch = provider_case.launch(provider_case.slow)
    refs = await asyncio.gather(*(provider_case.provider.create(launch) for _ in range(3)))
    assert len(set(refs)) == 1


async def test_a_stack_of_that_name_with_other_tags_is_somebody_elses(provider_case: ProviderCase) -> None:
    launch = provider_case.launch(provider_case.good)
    await provider_case.provider.create(launch)
    with pytest.raises(AuthorMistake, match=launch.name):
        await provider_case.provider.create(
            provider_case.launch(provider_case.good, name=launch.name, generation=2)
        )
    with pytest.raises(AuthorMistake, match=launch.name):
        await provider_case.stranger.create(
            provider_case.launch(provider_case.good, name=launch.name, site="other")
        )


async def test_observe_all_tells_of_our_stacks_and_not_of_strangers(provider_case: ProviderCase) -> None:
    launch = provider_case.launch(provider_case.good)
    ours = await provider_case.provider.create(launch)
    theirs = await provider_case.stranger.create(provider_case.launch(provider_case.good, site="other"))
    await provider_case.until(ours, CloudState.RUNNING)
    seen = await provider_case.provider.observe_all()
    assert list(seen) == [ours]
    assert seen[ours] == await provider_case.provider.observe(ours)
    assert (seen[ours].name, seen[ours].state) == (launch.name, CloudState.RUNNING)
    assert set(seen[ours].tags) == set(launch.tags)
    assert list(await provider_case.stranger.observe_all()) == [theirs]


async def test_a_running_stack_tells_its_outputs(provider_case: ProviderCase) -> None:
    ref = await provider_case.up()
    told = await provider_case.provider.outputs(ref)
    assert {name: getattr(told, name) for name in provider_case.outputs} == provider_case.outputs
    assert told.secrets.get("private_key") or told.secrets.get("password")
    assert not any(secret in f"{told!r} {told}" for secret in told.secrets.values())


async def test_a_missing_public_ip_is_the_authors_mistake(provider_case: ProviderCase) -> None:
    ref = await provider_case.up(provider_case.no_public_ip)
    with pytest.raises(AuthorMistake, match="public_ip"):
        await provider_case.provider.outputs(ref)


@pytest.mark.parametrize("which", ["not_yaml", "rejected"])
async def test_a_wrong_template_is_the_authors_mistake(provider_case: ProviderCase, which: str) -> None:
    template = getattr(provider_case, which)
    with pytest.raises(AuthorMistake):
        await provider_case.provider.create(provider_case.launch(template))
    with pytest.raises(AuthorMistake):
        await provider_case.provider.check(template, "")
    assert await provider_case.provider.observe_all() == {}


async def test_check_likes_a_good_template_and_creates_nothing(provider_case: ProviderCase) -> None:
    await provider_case.provider.check(provider_case.good, "")
    assert await provider_case.provider.observe_all() == {}


async def test_check_tells_of_a_missing_public_ip(provider_case: ProviderCase) -> None:
    with pytest.raises(AuthorMistake, match="public_ip"):
        await provider_case.provider.check(provider_case.no_public_ip, "")


async def test_a_stack_sleeps_and_wakes(provider_case: ProviderCase) -> None:
    ref = await provider_case.up()
    for _ in range(2):
        await provider_case.provider.suspend(ref)
        await provider_case.until(ref, CloudState.SUSPENDED)
        await provider_case.provider.suspend(ref)
        assert (await provider_case.provider.observe(ref)).state == CloudState.SUSPENDED
        await provider_case.provider.resume(ref)
        await provider_case.until(ref, CloudState.RUNNING)
        await provider_case.provider.resume(ref)
        assert (await provider_case.provider.observe(ref)).state == CloudState.RUNNING


async def test_a_woken_stack_tells_the_same_outputs(provider_case: ProviderCase) -> None:
    ref = await provider_case.up()
    before: Outputs = await provider_case.provider.outputs(ref)
    await provider_case.provider.suspend(ref)
    await provider_case.until(ref, CloudState.SUSPENDED)
    await provider_case.provider.resume(ref)
    await provider_case.until(ref, CloudState.RUNNING)
    assert await provider_case.provider.outputs(ref) == before


@pytest.mark.parametrize("asleep", [False, True])
async def test_a_stack_is_deleted_awake_or_asleep(provider_case: ProviderCase, asleep: bool) -> None:
    ref = await provider_case.up()
    if asleep:
        await provider_case.provider.suspend(ref)
        await provider_case.until(ref, CloudState.SUSPENDED)
    await provider_case.provider.delete(ref)
    await provider_case.until(ref, CloudState.ABSENT)
    await provider_case.provider.delete(ref)
    assert await provider_case.provider.observe_all() == {}


async def test_a_stack_is_deleted_while_it_is_created(provider_case: ProviderCase) -> None:
    ref = await provider_case.provider.create(provider_case.launch(provider_case.slow))
    await provider_case.provider.delete(ref)
    await provider_case.until(ref, CloudState.ABSENT)


async def test_a_stack_that_was_never_there(provider_case: ProviderCase) -> None:
    provider, ref = provider_case.provider, provider_case.unknown_ref
    assert (await provider.observe(ref)).state == CloudState.ABSENT
    await provider.delete(ref)
    calls: list[Callable[[str], Awaitable[object]]] = [
        provider.outputs,
        provider.suspend,
        provider.resume,
        provider.progress,
    ]
    for call in calls:
        with pytest.raises(Lost):
            await call(ref)


async def test_a_deleted_stack_is_lost(provider_case: ProviderCase) -> None:
    ref = await provider_case.up()
    await provider_case.provider.delete(ref)
    await provider_case.until(ref, CloudState.ABSENT)
    with pytest.raises(Lost):
        await provider_case.provider.outputs(ref)
    with pytest.raises(Lost):
        await provider_case.provider.resume(ref)


async def test_a_failed_create_says_why_and_can_be_deleted(provider_case: ProviderCase) -> None:
    provider = provider_case.provider
    ref = await provider.create(provider_case.launch(provider_case.failing))
    failed = await provider_case.until(ref, CloudState.CREATE_FAILED)
    assert failed.reason
    assert provider.failure_kind(failed.reason) is provider_case.failing_kind
    assert (await provider.observe_all())[ref].state == CloudState.CREATE_FAILED
    await provider.delete(ref)
    await provider_case.until(ref, CloudState.ABSENT)


async def test_progress_ends_with_all(provider_case: ProviderCase) -> None:
    ref = await provider_case.provider.create(provider_case.launch(provider_case.slow))

    async def partly() -> bool:
        progress = await provider_case.provider.progress(ref)
        return progress.total > 0 and progress.done < progress.total

    await eventually(partly, provider_case.within_s)
    await provider_case.until(ref, CloudState.RUNNING)
    progress = await provider_case.provider.progress(ref)
    assert progress.done == progress.total > 0


async def test_many_at_once(provider_case: ProviderCase) -> None:
    launches = [provider_case.launch(provider_case.good) for _ in range(5)]
    refs = await asyncio.gather(*(provider_case.provider.create(launch) for launch in launches))
    assert set(await provider_case.provider.observe_all()) == set(refs)
    assert len(set(refs)) == len(launches)


def test_one_object_serves_one_event_loop_after_the_other(provider_case: ProviderCase) -> None:
    launch = provider_case.launch(provider_case.good)
    ref = asyncio.run(provider_case.provider.create(launch))
    assert asyncio.run(provider_case.provider.create(launch)) == ref
    asyncio.run(provider_case.until(ref, CloudState.RUNNING))
    assert list(asyncio.run(provider_case.provider.observe_all())) == [ref]

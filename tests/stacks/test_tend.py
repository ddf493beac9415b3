"""A tend: bounded, and no stack, cloud or database hiccup keeps the others from being tended."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from hastexo_lab.models import Bell, Phase, Stack
from hastexo_lab.providers.base import Transient
from hastexo_lab.stacks import tasks, tend, watch, wishes
from hastexo_lab.stacks.registry import providers
from hastexo_lab.stacks.tend import tend_slot
from tests.stacks.trouble import Troubled


@pytest.fixture
def short(monkeypatch):
    """A tend's times, shorter than life."""
    monkeypatch.setattr(tend, "BUDGET_S", 2.0)
    monkeypatch.setattr(tend, "END_S", 3.0)


@pytest.fixture
def slow_cloud(labs, tmp_path, settings):
    """A second provider, which lets everybody wait."""
    config = {"type": "local", "root": str(tmp_path / "slow")}
    both = {**settings.HASTEXO_LAB["providers"], "slow": config}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "providers": both}
    provider = Troubled("slow", config, site="test")
    providers()._built |= {"local": labs.provider, "slow": provider}
    provider.always = {"create": 60.0}
    yield provider
    provider.always.clear()
    asyncio.run(provider.destroy_all())


def run_slot() -> float:
    """Tend slot 0 to its end. Returns the seconds it took."""
    tasks.ring_slot(0)
    began = time.monotonic()
    async_to_sync(tend_slot)(0, Bell.objects.get(slot=0).token)
    return time.monotonic() - began


def until_up(labs, stack: Stack) -> None:
    """Tend slot 0 as often as it takes: a busy machine may need more than one short round."""
    deadline = time.monotonic() + 60
    while labs.now(stack).phase != Phase.UP:
        assert time.monotonic() < deadline, labs.now(stack).error_message
        run_slot()


def test_a_tend_ends_in_time_when_a_cloud_says_nothing(labs, short):
    labs.provider.always = {"create": 60.0}
    stack = labs.enter()
    assert run_slot() < 30  # and not the 60 s that the cloud would take
    stack = labs.now(stack)
    assert stack.lease_until is None
    assert stack.attempts == 1
    assert "did not end in time: local" in stack.error_message
    assert Bell.objects.get(slot=0).due_at <= timezone.now()


def test_a_slow_cloud_keeps_only_its_own_stacks_waiting(labs, short, slow_cloud):
    slow = labs.enter(candidates=(wishes.Candidate(provider="slow", template="hosts:\n  - name: web\n"),))
    fast = labs.enter(
        learner_id="8", candidates=(wishes.Candidate(provider="local", template="hosts:\n  - name: web\n"),)
    )
    until_up(labs, fast)
    assert labs.now(slow).phase == Phase.NEW


def test_a_wish_that_comes_while_a_slow_step_is_under_way_is_not_kept_waiting(labs, short, slow_cloud):
    labs.enter(candidates=(wishes.Candidate(provider="slow", template="hosts:\n  - name: web\n"),))

    async def run() -> Stack:
        tending = asyncio.create_task(tend_slot(0, token))
        await asyncio.sleep(0.5)
        candidate = wishes.Candidate(provider="local", template="hosts:\n  - name: web\n")
        stack = await asyncio.to_thread(labs.enter, learner_id="8", candidates=(candidate,))
        await tending
        return stack

    tasks.ring_slot(0)
    token = Bell.objects.get(slot=0).token
    stack = labs.now(async_to_sync(run)())
    assert stack.launched_at is not None  # by this very tend, whose slow step lasts to its end


def test_a_database_that_hiccups_ends_no_tend(labs, short, monkeypatch):
    real, left = Stack.objects.claim, [OperationalError("database is locked"), OperationalError("deadlock")]

    def claim(*args, **kwargs):
        if left:
            raise left.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(Stack.objects, "claim", claim)
    until_up(labs, labs.enter())
    assert not left
    assert DBTaskResult.objects.filter(status="READY").count() >= 1


def test_a_write_that_meets_a_deadlock_is_written_again(labs, monkeypatch):
    real, left = tend.write_back, [OperationalError("deadlock")]

    async def write_back(stack, outcome):
        if left:
            raise left.pop()
        return await real(stack, outcome)

    monkeypatch.setattr(tend, "write_back", write_back)
    stack = labs.enter()
    assert labs.tend() == 1
    assert labs.now(stack).phase == Phase.CREATING


def test_a_step_that_meets_a_deadlock_is_tried_again_soon_and_counts_for_nothing(labs, monkeypatch):
    stack = labs.enter()

    async def deadlock(stack: Stack) -> None:
        raise OperationalError("deadlock")

    with monkeypatch.context() as patch:
        patch.setattr("hastexo_lab.stacks.steps.places", deadlock)
        labs.tend()
    stack = labs.now(stack)
    assert (stack.lease_until, stack.attempts, stack.error_message) == (None, 0, "")
    assert timezone.now() < stack.next_at < timezone.now() + timedelta(seconds=2)
    labs.until(stack, Phase.UP)
    assert len(labs.cloud()) == 1


def test_many_stacks_cost_one_list(labs):
    stacks = [labs.enter(learner_id=str(n), template="hosts:\n  - name: web\ncreate_s: 30\n") for n in range(4)]
    labs.tend()
    labs.provider.calls.clear()
    Stack.objects.update(next_at=timezone.now())
    assert labs.tend() == 4
    assert labs.provider.calls["observe_all"] == 1
    assert labs.provider.calls["observe"] == 4  # the list's own
    assert {labs.now(stack).phase for stack in stacks} == {"creating"}


def test_who_asks_while_a_list_is_under_way_shares_the_next_one(labs):
    labs.provider.always = {"observe_all": 0.2}

    async def run() -> None:
        sweep = watch.Sweep(labs.provider)
        first = asyncio.create_task(sweep.stacks())
        await asyncio.sleep(0.05)
        later = [asyncio.create_task(sweep.stacks()) for _ in range(5)]
        later[0].cancel()
        assert await asyncio.gather(first, *later[1:]) == [{}] * 5

    asyncio.run(run())
    assert labs.provider.calls["observe_all"] == 2


def test_a_provider_that_breaks_its_contract_is_only_not_seen(labs, caplog):
    stack = labs.until(labs.enter(), Phase.UP)
    labs.provider.always = {"observe": KeyError("secret-word")}
    stack = labs.step(stack)
    assert stack.phase == Phase.UP
    assert stack.lease_until is None
    assert 'Provider "local" ended in an error of hastexo_lab (KeyError)' in stack.error_message
    assert "secret-word" not in stack.error_message
    labs.provider.always = {}
    assert labs.step(stack).error_message == ""


def test_a_cloud_that_is_not_to_be_seen_is_not_asked_ten_times_a_second(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    labs.provider.always = {"observe": Transient("away", retry_after_s=120), "observe_all": Transient("away")}
    wishes.sleep(stack)
    stack = labs.step(stack)
    assert stack.phase == Phase.UP
    assert stack.next_at > timezone.now() + timedelta(seconds=100)
    stack = labs.step(stack, phase="suspending")
    assert stack.next_at > timezone.now() + timedelta(seconds=100)
    assert stack.error_message == "away"
    labs.step(stack)
    assert stack.events.filter(kind="setback").count() == 1

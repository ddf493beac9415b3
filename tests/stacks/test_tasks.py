"""The doorbell: no ring is lost, and no slot ever has two chains of tasks."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from hastexo_lab.models import Bell, Stack
from hastexo_lab.stacks import tasks
from hastexo_lab.stacks.supervise import tending
from hastexo_lab.stacks.tend import Tend, _hand_over, tend_slot

pytestmark = pytest.mark.django_db(transaction=True)


def pending() -> list[DBTaskResult]:
    return list(DBTaskResult.objects.filter(status="READY"))


def test_two_rings_make_one_task():
    tasks.ring_slot(0)
    tasks.ring_slot(0)
    assert len(pending()) == 1


def test_a_ring_calls_a_tend_that_is_pending_for_later_and_the_later_one_does_nothing():
    Bell.objects.create(slot=0)
    later = timezone.now() + timedelta(seconds=20)
    tasks.enqueue(Bell.objects.filter(slot=0), 0, later)
    stale = pending()[0].args_kwargs["args"][1]
    tasks.ring_slot(0)
    assert len(pending()) == 2
    assert async_to_sync(tend_slot)(0, stale) == 0
    assert len(pending()) == 2


def test_a_tend_that_was_killed_is_rung_again_after_a_while():
    tasks.ring_slot(0)
    Bell.objects.update(due_at=timezone.now() - tasks.LOST_AFTER * 2)
    tasks.ring_slot(0)
    assert len(pending()) == 2


def test_a_round_with_nothing_to_do_leaves_the_next_one_pending_for_later():
    tasks.ring_slot(0)
    token = Bell.objects.get().token
    assert async_to_sync(tend_slot)(0, token) == 0
    assert Bell.objects.get().token != token
    assert Bell.objects.get().due_at > timezone.now() + timedelta(seconds=5)
    assert pending()[-1].run_after is not None


def test_every_slot_is_reseeded(settings):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 3}
    assert tasks.reseed() == 3
    assert tasks.reseed() == 0
    assert tasks.reseed(force=True) == 3
    Bell.objects.filter(slot=1).update(due_at=timezone.now() - tasks.LOST_AFTER * 2)
    assert tasks.reseed() == 1


def test_labs_are_tended_while_one_slot_shows_itself(settings):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 2}
    tasks.reseed()
    assert not tending()
    Bell.objects.filter(slot=1).update(heartbeat_at=timezone.now())
    assert tending()
    Bell.objects.filter(slot=1).update(heartbeat_at=timezone.now() - timedelta(seconds=90))
    assert not tending()


def test_a_slot_that_is_no_more_ends_and_is_not_missed(settings):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 2}
    tasks.reseed()
    token = Bell.objects.get(slot=1).token
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 1}
    before = len(pending())
    assert async_to_sync(tend_slot)(1, token) == 0
    assert len(pending()) == before
    assert tasks.reseed() == 0
    assert not tending()


def test_who_still_rings_a_slot_that_is_no_more_is_heard(settings):
    """Web processes may be restarted later than workers."""
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 1}
    for _ in range(2):
        tasks.ring_slot(1)
        assert async_to_sync(tend_slot)(1, Bell.objects.get(slot=1).token) == 0
    assert len(pending()) == 2


def test_a_wish_that_came_while_the_slot_was_left_is_seen():
    """It did not ring: the slot was being tended."""
    tasks.ring_slot(0)
    token = Bell.objects.get(slot=0).token
    Stack.objects.create(course_id="c", learner_id="1", lab="l", next_at=timezone.now())
    _hand_over(0, token, timezone.now() + timedelta(seconds=20))
    assert Bell.objects.get(slot=0).due_at <= timezone.now()


def test_a_bell_that_cannot_be_rung_does_not_fail_the_request(settings, caplog):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "task_backend": "no-such-backend"}
    with transaction.atomic():
        tasks.ring()
    assert "no-such-backend" in caplog.text


def test_a_tend_that_fails_says_so_in_the_log(monkeypatch, caplog):
    async def broken(tend: Tend) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Tend, "round", broken)
    tasks.ring_slot(0)
    with pytest.raises(ZeroDivisionError):
        async_to_sync(tasks.tend.func)(0, Bell.objects.get(slot=0).token)
    assert "tend failed slot=0" in caplog.text

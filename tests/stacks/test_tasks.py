"""The doorbell: no ring is lost, and no slot ever has two chains of tasks."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from hastexo_lab.models import Bell
from hastexo_lab.stacks import tasks
from hastexo_lab.stacks.supervise import healthy
from hastexo_lab.stacks.tend import tend_slot

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


def test_every_slot_is_reseeded_and_health_says_when_one_is_silent(settings):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "worker_slots": 3}
    assert not healthy()
    assert tasks.reseed() == 3
    assert tasks.reseed() == 0
    assert tasks.reseed(force=True) == 3
    assert healthy()
    Bell.objects.filter(slot=1).update(due_at=timezone.now() - tasks.LOST_AFTER * 2)
    assert not healthy()

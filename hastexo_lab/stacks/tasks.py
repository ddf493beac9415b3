"""The task engine's side: a doorbell. No fact lives in a task; a lost one costs a moment.

Each slot has one `Bell` row. Its token names the one pending `tend` that is valid, so that a second ring or a
watchdog can never leave two chains of tasks running for a slot.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Bell

try:
    from django.tasks import task  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # Django below 6
    from django_tasks import task

log = logging.getLogger("hastexo_lab.stacks")

QUEUE = "hastexo_lab"
# A tend that has not shown itself for this long is lost: its worker was killed.
LOST_AFTER = timedelta(seconds=40)
# A tend that is due within this time need not be called earlier.
SOON = timedelta(seconds=0.3)


@task(queue_name=QUEUE)
async def tend(slot: int, token: str) -> int:
    """One bounded round of tending (under 25 s); rings again before it ends. Returns the steps carried out."""
    from hastexo_lab.stacks.tend import tend_slot

    return await tend_slot(slot, token)


def ring() -> None:
    """Something is due: see to it that a worker looks now. Cheap when one is looking already."""
    transaction.on_commit(lambda: _ring(secrets.randbelow(lab_settings().worker_slots)))


def _ring(slot: int) -> None:
    now = timezone.now()
    Bell.objects.get_or_create(slot=slot)
    asleep = Q(due_at=None) | Q(due_at__gt=now + SOON) | Q(due_at__lt=now - LOST_AFTER)
    enqueue(slot, now, Bell.objects.filter(asleep, slot=slot))


def enqueue(slot: int, due_at: datetime, bell: object = None) -> bool:
    """Make a tend of this slot at `due_at` the valid one, if `bell` (default: the slot's row) still matches."""
    bells = Bell.objects.filter(slot=slot) if bell is None else bell
    token = secrets.token_hex(8)
    if not bells.update(token=token, due_at=due_at):  # type: ignore[attr-defined]
        return False
    # Never None: django-tasks-db sorts tasks without run_after last.
    tend.using(run_after=due_at, backend=lab_settings().task_backend).enqueue(slot, token)
    return True


def reseed(*, force: bool = False) -> int:
    """Ring each slot whose tend is lost, or with `force` every slot. Returns how many were rung."""
    now = timezone.now()
    rung = 0
    for slot in range(lab_settings().worker_slots):
        Bell.objects.get_or_create(slot=slot)
        lost = Q() if force else Q(due_at=None) | Q(due_at__lt=now - LOST_AFTER)
        rung += enqueue(slot, now, Bell.objects.filter(lost, slot=slot))
    return rung

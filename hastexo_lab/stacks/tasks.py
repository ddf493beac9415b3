"""The task engine's side: a doorbell. No fact lives in a task; a lost one costs a moment.

Each slot has one `Bell` row. Its token names the one pending `tend` that is valid, so that a second ring or a
watchdog can never leave two chains of tasks running for a slot.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Bell

try:
    from django.tasks import task  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # Django below 6
    from django_tasks import task  # type: ignore[no-redef, unused-ignore]

log = logging.getLogger("hastexo_lab.stacks")

QUEUE = "hastexo_lab"
# Whether `lab_worker` has started this process, and starts it again.
SUPERVISED = "HASTEXO_LAB_WORKER" in os.environ
HANGS_AFTER_S = 60
# A tend that has not shown itself for this long is lost: its worker was killed.
LOST_AFTER = timedelta(seconds=40)
# A tend that is due within this time need not be called earlier.
SOON = timedelta(seconds=0.3)


@task(queue_name=QUEUE)
async def tend(slot: int, token: str) -> int:
    """One bounded round of tending (under 25 s); rings again before it ends. Returns the steps carried out."""
    from hastexo_lab.stacks.tend import tend_slot

    if SUPERVISED:
        # Whatever blocks the process for good (a database that is silent, say): it says where and ends.
        faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
    try:
        return await tend_slot(slot, token)
    except Exception:
        # The engine keeps this to its own table. The watchdog rings the slot again.
        log.exception("tend failed slot=%s", slot)
        raise
    finally:
        if SUPERVISED:
            faulthandler.cancel_dump_traceback_later()


def ring() -> None:
    """Something is due: see to it that a worker looks now. Cheap when one is looking already.

    The wish is written by then, so a bell that cannot be rung is logged and costs a moment, never the request.
    """
    transaction.on_commit(lambda: ring_slot(secrets.randbelow(lab_settings().worker_slots)), robust=True)


def ring_slot(slot: int) -> None:
    """Have this slot tended now, unless it is being tended."""
    now = timezone.now()
    Bell.objects.get_or_create(slot=slot)
    asleep = Q(due_at__gt=now + SOON) | _lost(now)
    enqueue(Bell.objects.filter(asleep, slot=slot), slot, now)


def enqueue(bell: QuerySet[Bell], slot: int, due_at: datetime) -> bool:
    """Make a tend of this slot at `due_at` the valid one, if `bell` matches the slot's row. Says if it did."""
    token = secrets.token_hex(8)
    if not bell.update(token=token, due_at=due_at):
        return False
    # Never None: django-tasks-db sorts tasks without run_after last.
    tend.using(run_after=due_at, backend=lab_settings().task_backend).enqueue(slot, token)
    return True


def reseed(*, force: bool = False) -> int:
    """Ring each slot whose tend is lost, or with `force` every slot. Returns how many were rung."""
    now = timezone.now()
    slots = range(lab_settings().worker_slots)
    for slot in slots:
        Bell.objects.get_or_create(slot=slot)
    wanted = Q() if force else _lost(now)
    rung = sum(enqueue(Bell.objects.filter(wanted, slot=slot), slot, now) for slot in slots)
    if rung and not force:
        log.warning("lost tends rung again count=%s", rung)
    return rung


def _lost(now: datetime) -> Q:
    return Q(due_at=None) | Q(due_at__lt=now - LOST_AFTER)

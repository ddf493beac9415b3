"""Carry out what the planner decides: claim due stacks, drive each one step further, all at once.

The guarantees: a row is driven by one worker at a time (its lease, which outlasts a tend); nothing is written
back unless the row's `epoch` is still the one that was claimed; a wish that comes meanwhile makes the row due
again at once; a slow cloud keeps only its own stacks waiting; a worker that dies leaves nothing but leases
that end.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Bell, Phase, Stack
from hastexo_lab.stacks import tasks
from hastexo_lab.stacks.lifeline import told_to_end
from hastexo_lab.stacks.outcome import Outcome, write_back
from hastexo_lab.stacks.setbacks import stumbled
from hastexo_lab.stacks.steps import Drive
from hastexo_lab.stacks.watch import Watch

T = TypeVar("T")
log = logging.getLogger("hastexo_lab.stacks")

# Seconds from a tend's start: no more claims; and the end of every step that is still under way.
BUDGET_S, END_S = 18.0, 23.0
# Counted from the claim, so no step outlives its lease.
LEASE_S = 30.0
IN_HAND = 200
# With at least this many stacks of one provider in hand, one list is cheaper than a look at each.
LIST_FROM = 3
# How soon a wish is seen while other stacks are tended, and how often the database is asked at most.
LOOK_S, PAUSE_S = 0.25, 0.02
BEAT_EVERY_S = 2.0
# What is due within this time is waited for.
STAY_S = 2.0
# Idle workers look this often all the same, as a watchdog over the table.
LOOK_ANYWAY_S = 20.0
DATABASE_TRIES, DATABASE_PAUSE_S = 4, 0.3
# `lab_worker` names each of its workers, so that it can release the leases of one that died.
WORKER = os.environ.get("HASTEXO_LAB_WORKER", f"p{os.getpid()}")[:16]


async def tend_slot(slot: int, token: str) -> int:
    """One bounded round for this slot; afterwards the next one is pending. Returns the steps carried out.

    A token that is not the slot's valid one means that another tend has been rung for it: this one ends.
    """
    tend, beat = Tend(), Beat(slot, token)
    next_at = timezone.now()
    while tend.has_time():
        try:
            if not await beat.is_ours():
                break
            next_at = await tend.round()
        except DatabaseError as error:
            await _recover(error)
            continue
        if not tend.running and next_at > timezone.now() + timedelta(seconds=STAY_S):
            break
        await tend.pause(next_at)
    # What is still under way is due again when it ends: another tend looks for it.
    due_at = timezone.now() if tend.running else next_at
    try:
        await _insist(lambda: sync_to_async(_hand_over)(slot, token, due_at))
    finally:
        await tend.finish()
    return tend.steps


class Beat:
    """Shows now and then that this slot is alive, and sees whether it is still this tend's."""

    def __init__(self, slot: int, token: str) -> None:
        self._bell = Bell.objects.filter(slot=slot, token=token)
        self._next_s = 0.0

    async def is_ours(self) -> bool:
        """False if the slot is somebody else's now."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._next_s:
            return True
        self._next_s = now_s + BEAT_EVERY_S
        now = timezone.now()
        return bool(await self._bell.aupdate(heartbeat_at=now, due_at=now))


class Tend:
    """The stacks that one task has in hand."""

    def __init__(self) -> None:
        self.steps = 0
        self.running: set[asyncio.Task[None]] = set()
        self._watch = Watch()
        self._began = asyncio.get_running_loop().time()

    def has_time(self) -> bool:
        """Whether more may be claimed."""
        return asyncio.get_running_loop().time() < self._began + BUDGET_S and not told_to_end()

    async def round(self) -> datetime:
        """Take in hand what is due. Returns when more is."""
        now = timezone.now()
        next_at = await _next_due(now)
        if next_at <= now and len(self.running) < IN_HAND:
            await self.claim()
        return next_at

    async def claim(self) -> int:
        """Claim what is due and drive each one step further. Returns how many."""
        stacks = await sync_to_async(Stack.objects.claim)(
            timezone.now(), worker=WORKER, lease_s=LEASE_S, limit=IN_HAND - len(self.running)
        )
        at = Counter(stack.provider for stack in stacks if stack.launched_at)
        for stack in stacks:
            task = asyncio.create_task(self._drive(stack, many=at[stack.provider] >= LIST_FROM))
            self.running.add(task)
            task.add_done_callback(self.running.discard)
        self.steps += len(stacks)
        return len(stacks)

    async def pause(self, next_at: datetime) -> None:
        """Until something is due, or a step has ended and may be due again; not longer than LOOK_S."""
        until_s = (next_at - timezone.now()).total_seconds()
        full = len(self.running) >= IN_HAND
        await asyncio.sleep(PAUSE_S)
        wait_s = LOOK_S if full else min(max(until_s - PAUSE_S, 0), LOOK_S)
        if self.running:
            await asyncio.wait(self.running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(wait_s)

    async def finish(self) -> None:
        """Wait for what is under way; each ends by itself before END_S."""
        while self.running:
            await asyncio.wait(set(self.running))

    async def _drive(self, stack: Stack, *, many: bool) -> None:
        """One step of one stack. Whatever goes wrong with it stays its own."""
        try:
            async with asyncio.timeout_at(self._began + END_S):
                outcome = await Drive(stack, await self._watch.see(stack, many=many)).go()
        except DatabaseError as error:
            await _recover(error)
            outcome = Outcome(phase=Phase(stack.phase), in_s=1)
        except Exception as error:
            log.exception("step failed stack=%s phase=%s", stack.name, stack.phase)
            outcome = stumbled(stack, error)
        try:
            await _insist(lambda: write_back(stack, outcome))
        except Exception:
            # The lease ends by itself and the row comes due again; no other stack suffers.
            log.exception("what is so could not be written stack=%s phase=%s", stack.name, outcome.phase)


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    """Write, again if the database does not answer. Raises DatabaseError in the end."""
    for _ in range(DATABASE_TRIES - 1):
        try:
            return await write()
        except DatabaseError as error:
            await _recover(error)
    return await write()


async def _recover(error: DatabaseError) -> None:
    """A deadlock, a lock that was not to be had, a server that is away: what was asked is asked again later."""
    log.warning("the database did not answer error=%s", type(error).__name__)
    await sync_to_async(close_old_connections)()
    await asyncio.sleep(DATABASE_PAUSE_S)


def _hand_over(slot: int, token: str, next_at: datetime) -> None:
    """Leave the slot to a later tend.

    A wish that was made before the bell was set to "later" did not ring; hence the second look.
    """
    mine = Bell.objects.filter(slot=slot, token=token)
    if slot >= lab_settings().worker_slots:
        # There are fewer slots now. A process that has not heard of it may ring this one all the same.
        mine.update(due_at=None)
    else:
        tasks.enqueue(mine, slot, next_at)
    if Stack.objects.due(timezone.now() + tasks.SOON).exists():
        tasks.ring_slot(0)


async def _next_due(now: datetime) -> datetime:
    latest = now + timedelta(seconds=LOOK_ANYWAY_S)
    due = Stack.objects.free(now).filter(next_at__lt=latest).order_by("next_at")
    return await due.values_list("next_at", flat=True).afirst() or latest

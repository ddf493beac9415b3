"""Carry out what the planner decides: claim due stacks, drive each one step further, all at once.

The guarantees: a row is driven by one worker at a time (its lease); nothing is written back unless the row's
`epoch` is still the one that was claimed; a wish that comes meanwhile makes the row due again at once; a
worker that dies leaves nothing but a lease that ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import defaultdict
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.utils import timezone

from hastexo_lab.models import Bell, Stack
from hastexo_lab.providers.base import CloudStack, CloudState, Provider, ProviderError
from hastexo_lab.stacks import tasks
from hastexo_lab.stacks.registry import providers
from hastexo_lab.stacks.steps import Drive

log = logging.getLogger("hastexo_lab.stacks")

BUDGET_S = 20.0
LEASE_S = 30.0
STEP_TIMEOUT_S = 25.0
CLAIM_LIMIT = 200
# With at least this many stacks of one provider in hand, one list is cheaper than a look at each.
LIST_FROM = 3
# Idle workers look this often all the same, as a watchdog over the table.
LOOK_ANYWAY_S = 20.0
# `lab_worker` names each of its workers, so that it can release the leases of one that died.
WORKER = os.environ.get("HASTEXO_LAB_WORKER", f"p{os.getpid()}")[:16]


async def tend_slot(slot: int, token: str) -> int:
    """One bounded round for this slot; afterwards the next one is pending. Returns the steps carried out.

    A token that is not the slot's valid one means that another tend has been rung for it: this one ends.
    """
    ends = time.monotonic() + BUDGET_S
    steps = 0
    while await _beat(slot, token):
        steps += await tend_once()
        now = timezone.now()
        next_at = await _next_due(now)
        if time.monotonic() >= ends or next_at > now + timedelta(seconds=2):
            await sync_to_async(_hand_over)(slot, token, next_at)
            break
        await asyncio.sleep(max(0.05, (next_at - now).total_seconds()))
    return steps


async def _beat(slot: int, token: str) -> bool:
    """Show that this slot is alive. False if it is somebody else's now."""
    now = timezone.now()
    return bool(await Bell.objects.filter(slot=slot, token=token).aupdate(heartbeat_at=now, due_at=now))


def _hand_over(slot: int, token: str, next_at: datetime) -> None:
    """Leave the slot to a later tend.

    A wish that was made before the bell was set to "later" did not ring; hence the second look.
    """
    tasks.enqueue(Bell.objects.filter(slot=slot, token=token), slot, next_at)
    if Stack.objects.due(timezone.now()).exists():
        tasks.ring_slot(slot)


async def _next_due(now: datetime) -> datetime:
    latest = now + timedelta(seconds=LOOK_ANYWAY_S)
    next_at = (
        await Stack.objects.free(now)
        .filter(next_at__lt=latest)
        .order_by("next_at")
        .values_list("next_at", flat=True)
        .afirst()
    )
    return next_at or latest


async def tend_once() -> int:
    """Claim what is due now and drive each stack one step further. Returns how many."""
    now = timezone.now()
    stacks = await sync_to_async(Stack.objects.claim)(now, worker=WORKER, lease_s=LEASE_S, limit=CLAIM_LIMIT)
    if not stacks:
        return 0
    seen = await _observe(stacks)
    await asyncio.gather(*(_drive(stack, seen.get(stack.pk)) for stack in stacks))
    return len(stacks)


async def _drive(stack: Stack, seen: CloudStack | ProviderError | None) -> None:
    """One step of one stack. Whatever goes wrong with it stays its own."""
    try:
        async with asyncio.timeout(STEP_TIMEOUT_S):
            await Drive(stack, seen).go()
    except Exception:
        # The lease ends by itself and the row comes due again; no other stack suffers.
        log.exception("step failed stack=%s phase=%s", stack.pk, stack.phase)


async def _observe(stacks: list[Stack]) -> dict[int, CloudStack | ProviderError]:
    """What the clouds show of these stacks: one list for many, a look for few; or why they could not be seen."""
    by_provider: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        if stack.launched_at:
            by_provider[stack.provider].append(stack)
    seen: dict[int, CloudStack | ProviderError] = {}
    for part in await asyncio.gather(*(_observe_at(name, group) for name, group in by_provider.items())):
        seen.update(part)
    return seen


async def _observe_at(name: str, stacks: list[Stack]) -> dict[int, CloudStack | ProviderError]:
    found = providers().get(name)
    if isinstance(found, ProviderError):
        return dict.fromkeys((stack.pk for stack in stacks), found)
    listed: dict[str, CloudStack] = {}
    if len(stacks) >= LIST_FROM or any(not stack.ref for stack in stacks):
        try:
            listed = {cloud.name: cloud for cloud in (await found.observe_all()).values()}
        except ProviderError as error:
            return dict.fromkeys((stack.pk for stack in stacks), error)
    looks = await asyncio.gather(*(_look(found, stack, listed.get(stack.name)) for stack in stacks))
    return {stack.pk: look for stack, look in zip(stacks, looks, strict=True)}


async def _look(provider: Provider, stack: Stack, listed: CloudStack | None) -> CloudStack | ProviderError:
    """A stack that is missing from the list is gone only after a look at it by its ref says so."""
    if listed is not None:
        return listed
    if not stack.ref:
        return CloudStack(ref="", name=stack.name, state=CloudState.ABSENT)
    try:
        return await provider.observe(stack.ref)
    except ProviderError as error:
        return error

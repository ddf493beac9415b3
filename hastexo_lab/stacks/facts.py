"""What is so with a stack, as the planner needs it; and whether anybody still needs the stack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hastexo_lab.models import ErrorKind, Goal, Phase, Stack, Visit
from hastexo_lab.providers.base import CloudStack, CloudState
from hastexo_lab.stacks.plan import Facts
from hastexo_lab.stacks.presence import INTO, PRESENT_S

# So long a cloud may show what was before the order that it has taken.
ORDER_SHOWS_S = 3.0
# So long a create whose answer never came may still be on its way (Heat stores a stack after it has validated
# it): until then "absent" proves nothing.
CREATE_LANDS_S = 30.0


def facts_of(stack: Stack, cloud: CloudStack | None, now: datetime) -> Facts:
    """The facts of this moment. `cloud`: None where it could not be observed."""
    return Facts(
        goal=Goal(stack.goal),
        phase=Phase(stack.phase),
        seen=_believed(stack, cloud, now),
        stale=stack.generation < stack.wanted_generation,
        ordered=stack.launched_at is not None,
        learned="of" in stack.progress,
        fresh=_since_s(stack.phase_since, now) < ORDER_SHOWS_S,
        ever_ready=stack.ready_at is not None,
        overdue=stack.deadline_at is not None and stack.deadline_at < now,
        told=bool(stack.error_kind),
        keep=stack.error_kind == ErrorKind.UNREACHABLE,
    )


def _since_s(then: datetime, now: datetime) -> float:
    return (now - then).total_seconds()


def _believed(stack: Stack, cloud: CloudStack | None, now: datetime) -> CloudState | None:
    if cloud is None:
        return None
    unanswered = not stack.ref and stack.launched_at and _since_s(stack.launched_at, now) < CREATE_LANDS_S
    return None if cloud.state == CloudState.ABSENT and unanswered else cloud.state


async def let_go(stack: Stack, now: datetime) -> None:
    """Nobody needs the lab any more: it may sleep, or at its age go. Not if somebody came this moment."""
    quiet_s = _since_s(stack.active_at, now)
    present = stack.seen_at is not None and _since_s(stack.seen_at, now) < PRESENT_S
    old = stack.delete_age and quiet_s >= stack.delete_age and not present
    idle = stack.suspend_timeout and quiet_s >= stack.suspend_timeout
    if old and stack.goal != Goal.GONE and stack.phase in (Phase.UP, Phase.ASLEEP, Phase.FAILED):
        await _want(stack, Goal.GONE, gone_reason="age")
    elif idle and stack.goal == Goal.UP and stack.phase == Phase.UP and not await _looked_in(stack, now):
        await _want(stack, Goal.ASLEEP)


async def _looked_in(stack: Stack, now: datetime) -> bool:
    """Whether somebody looks in, or did until just now: then the learner first reads that the lab goes to sleep."""
    lately = now - timedelta(seconds=PRESENT_S)
    return await Visit.objects.filter(stack=stack, looks_in=True, door__in=INTO, seen_at__gt=lately).aexists()


async def _want(stack: Stack, goal: Goal, **fields: Any) -> None:
    still_so = Stack.objects.filter(
        pk=stack.pk, epoch=stack.epoch, wish=stack.wish, active_at=stack.active_at, seen_at=stack.seen_at
    )
    if await still_so.aupdate(goal=goal, **fields):
        stack.goal = goal

"""What is so after a step: written back to the row, if its lease still holds, with the time of the next look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Blueprint, Goal, Phase, Stack, StackEvent

# Seconds until the next look, by phase: short where a learner waits.
LOOK_AGAIN_S = {
    Phase.CREATING: 1.0,
    Phase.BOOTING: 0.5,
    Phase.RESUMING: 0.5,
    Phase.SUSPENDING: 1.0,
    Phase.DELETING: 1.0,
}
UP_LOOK_S, ASLEEP_LOOK_S = 300.0, 3600.0
# Where a phase is not what is wanted, and the cloud leaves nothing to do about it.
ODD_LOOK_S = 60.0
# Where something was due, and it was left because somebody is in the lab.
NOT_SOONER_S = 5.0
# An engine of Heat that dies leaves a stack IN_PROGRESS for good. So long a sleep or a deletion may take.
PATIENCE_S = 900
# Weight of the newest time in what is typical.
NEWEST = 0.3


@dataclass(kw_only=True)
class Outcome:
    """What is so after a step. `in_s`: seconds until the next look, None = the phase's own; `note`: for staff."""

    phase: Phase
    fields: dict[str, Any] = field(default_factory=dict)
    in_s: float | None = None
    note: str = ""


async def write_back(stack: Stack, outcome: Outcome) -> bool:
    """Write what is so. False, and nothing is written, if the lease is somebody else's by now.

    What came after the claim stays: a wish makes the row due at once, and its fields are never written here.
    """
    now = timezone.now()
    changed = outcome.phase != stack.phase
    next_at = Value(next_look(stack, outcome, now), output_field=DateTimeField())
    fields = {
        "attempts": 0 if changed else stack.attempts,
        # A setback that is over is not told any more.
        "error_message": stack.error_message if outcome.phase == Phase.FAILED else "",
        **outcome.fields,
        "phase": outcome.phase,
        "phase_since": now if changed else stack.phase_since,
        "deadline_at": _deadline(stack, outcome.phase, now),
        "next_at": Case(When(wish=stack.wish, then=next_at), default=Value(now, output_field=DateTimeField())),
        "lease_until": None,
    }
    if changed and outcome.phase == Phase.UP:
        # The time in which it could not be used is no time in which it was not used.
        fields["active_at"] = Case(When(active_at__lt=now, then=Value(now)), default=F("active_at"))
    if not await Stack.objects.filter(pk=stack.pk, epoch=stack.epoch).aupdate(**fields):
        return False
    if changed:
        await _note_typical(stack, outcome.phase, now)
    if changed or outcome.note:
        await StackEvent.objects.acreate(
            stack=stack,
            kind="phase" if changed else "setback",
            phase=outcome.phase,
            generation=fields.get("generation", stack.generation),
            message=outcome.note,
        )
    return True


def next_look(stack: Stack, outcome: Outcome, now: datetime) -> datetime | None:
    """When the row is due again. None: only a wish can change anything."""
    phase = outcome.phase
    if outcome.in_s is not None:
        return now + timedelta(seconds=outcome.in_s)
    if phase in LOOK_AGAIN_S:
        return _on_the_beat(now, LOOK_AGAIN_S[phase])
    if (phase, stack.goal) == (Phase.UP, Goal.UP):
        return _when_of_age(stack, stack.suspend_timeout, UP_LOOK_S, now)
    if (phase, stack.goal) in ((Phase.ASLEEP, Goal.ASLEEP), (Phase.FAILED, stack.goal)):
        return _when_of_age(stack, stack.delete_age, ASLEEP_LOOK_S, now)
    if phase in (Phase.UP, Phase.ASLEEP):
        return now if phase != stack.phase else now + timedelta(seconds=ODD_LOOK_S)
    return None


def _on_the_beat(now: datetime, every_s: float) -> datetime:
    """The next multiple: stacks that are looked at together cost one list."""
    return datetime.fromtimestamp((now.timestamp() // every_s + 1) * every_s, UTC)


def _when_of_age(stack: Stack, age_s: int, at_most_s: float, now: datetime) -> datetime:
    latest = now + timedelta(seconds=at_most_s)
    if not age_s:
        return latest
    return max(now + timedelta(seconds=NOT_SOONER_S), min(stack.active_at + timedelta(seconds=age_s), latest))


def _deadline(stack: Stack, phase: Phase, now: datetime) -> datetime | None:
    """Until when the phase may last. A boot has what is left of its launch; NEW ends if an order has no answer."""
    if phase == Phase.NEW:
        launch_s = timedelta(seconds=stack.launch_timeout)
        return stack.launched_at + launch_s if stack.launched_at and launch_s else None
    if phase == stack.phase or (stack.phase, phase) == (Phase.CREATING, Phase.BOOTING):
        return stack.deadline_at
    times = {
        Phase.CREATING: stack.launch_timeout,
        Phase.SUSPENDING: PATIENCE_S,
        Phase.DELETING: PATIENCE_S,
        Phase.RESUMING: lab_settings().resume_timeout,
    }
    timeout_s = times.get(phase, 0)
    return now + timedelta(seconds=timeout_s) if timeout_s else None


async def _note_typical(stack: Stack, phase: Phase, now: datetime) -> None:
    """Remember how long it took, so that the next learner can be told."""
    name, since = "", stack.phase_since
    if phase == Phase.UP and stack.phase in (Phase.CREATING, Phase.BOOTING) and stack.launched_at:
        name, since = "launch_s", stack.launched_at
    elif phase == Phase.UP and stack.phase == Phase.RESUMING and stack.ready_at:
        name = "wake_s"
    elif phase == Phase.ASLEEP and stack.phase == Phase.SUSPENDING:
        name = "sleep_s"
    # What took longer than it may says only that workers or the cloud were away.
    if not name or not stack.blueprint_id or (stack.deadline_at and stack.deadline_at < now):
        return
    took_s = (now - since).total_seconds()
    blended = Case(When(**{name: 0}, then=Value(took_s)), default=F(name) * (1 - NEWEST) + took_s * NEWEST)
    await Blueprint.objects.filter(pk=stack.blueprint_id).aupdate(**{name: blended})

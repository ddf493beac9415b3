"""What the window is told of a stack: one white list of facts, without words and without secrets.

The words belong to the page (`frontend/src/words.js`); the shape is the contract between `status`, the
`events` door and the page:

    phase           one of models.Phase
    steps           [{"step": "place" | "machines" | "answer" | "wake" | "open", "is": "done" | "now" | "",
                      "done"?: int, "total"?: int}]
    done, total     steps' finer count for the bar, or null
    elapsed         seconds since this phase's story began; typical: seconds it usually takes, 0 = not known
    sleep_after     seconds without activity until sleep, 0 = never
    idle            {"left": seconds, "of": seconds} while sleep is announced, else null; a lab that somebody
                    looks in at does not sleep
    visitors        [{"name": str, "read_only": bool}]: who of the course team looks in, or helps; told to the
                    lab's own learner only
    wakes           true while it falls asleep and is wanted up again
    kept_until      ISO date-time until which a sleeping lab is kept, or null
    gone_reason     why there is no lab: "age", "lost", "operator", or ""
    failure         {"kind": models.ErrorKind, "reference": str, "at": ISO, "staff"?: str} or null
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Goal, Phase, Stack

STARTING = (Phase.CREATING, Phase.BOOTING)


def _steps(stack: Stack) -> list[dict[str, Any]]:
    machines = {key: stack.progress[key] for key in ("done", "total") if key in stack.progress}
    answers = {"done": stack.progress["answering"], "total": stack.progress["of"]} if "of" in stack.progress else {}
    opening = {"step": "open", "is": ""}
    if stack.phase == Phase.RESUMING:
        woken = bool(answers)
        return [
            {"step": "wake", "is": "done" if woken else "now"},
            {"step": "answer", "is": "now" if woken else "", **answers},
            opening,
        ]
    if stack.phase not in STARTING:
        return []
    booting = stack.phase == Phase.BOOTING
    return [
        {"step": "place", "is": "done"},
        {"step": "machines", "is": "done" if booting else "now", **({} if booting else machines)},
        {"step": "answer", "is": "now" if booting else "", **(answers if booting else {})},
        opening,
    ]


def _typical_s(stack: Stack) -> float:
    if stack.blueprint is None:
        return 0
    if stack.phase in (Phase.SUSPENDING, Phase.UP):
        return stack.blueprint.sleep_s
    if stack.phase in (Phase.ASLEEP, Phase.RESUMING):
        return stack.blueprint.wake_s
    return stack.blueprint.launch_s


def idle(stack: Stack, now: datetime) -> dict[str, int] | None:
    """What is told of sleep while it is announced, None before."""
    begins = idle_from(stack)
    if begins is None or now < begins:
        return None
    warning_s = _warning_s(stack)
    left_s = stack.suspend_timeout - (now - stack.active_at).total_seconds()
    return {"left": max(0, round(left_s)), "of": warning_s}


def idle_from(stack: Stack) -> datetime | None:
    """When sleep is announced, if nobody does anything until then; None: it is not."""
    if stack.phase != Phase.UP or not stack.suspend_timeout:
        return None
    return stack.active_at + timedelta(seconds=stack.suspend_timeout - _warning_s(stack))


def _warning_s(stack: Stack) -> int:
    return min(lab_settings().idle_warning, stack.suspend_timeout // 2)


def _failure(stack: Stack, *, staff: bool) -> dict[str, Any] | None:
    if stack.phase != Phase.FAILED:
        return None
    told = {
        "kind": stack.error_kind,
        "reference": stack.error_reference,
        "at": stack.error_at and stack.error_at.isoformat(),
    }
    return {**told, "staff": stack.error_message} if staff else told


def window_state(
    stack: Stack,
    now: datetime,
    *,
    staff: bool = False,
    visitors: Sequence[Mapping[str, Any]] = (),
    looks_in: bool = False,
) -> dict[str, Any]:
    """The facts that the window shows. `staff` adds the cause of a failure.

    `visitors`: those of presence.visitors; `looks_in`: this is told to one of them, not to the lab's learner.
    """
    began = stack.launched_at if stack.phase in STARTING and stack.launched_at else stack.phase_since
    kept_until = None
    if stack.phase == Phase.ASLEEP and stack.delete_age:
        kept_until = (stack.active_at + timedelta(seconds=stack.delete_age)).isoformat()
    return {
        "phase": stack.phase,
        "steps": _steps(stack),
        "done": stack.progress.get("done"),
        "total": stack.progress.get("total"),
        "elapsed": max(0, round((now - began).total_seconds())),
        "typical": round(_typical_s(stack)),
        "sleep_after": stack.suspend_timeout,
        "idle": None if visitors else idle(stack, now),
        "visitors": [] if looks_in else [dict(each) for each in visitors],
        "wakes": stack.phase == Phase.SUSPENDING and stack.goal == Goal.UP,
        "kept_until": kept_until,
        "gone_reason": stack.gone_reason if stack.phase == Phase.GONE else "",
        "failure": _failure(stack, staff=staff),
    }

"""The next step of a stack, decided from what is so now: a pure function, with no clock, database or log.

`plan` reads a table: for each phase, what to do for each state that the cloud shows. A step is chosen from
(goal, phase, what was seen), never from what was once asked, so a lost message or a killed worker costs a
moment and not a lab. A lab that was ever ready is deleted only when it is not wanted any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from hastexo_lab.phases import Goal, Phase
from hastexo_lab.providers.base import CloudState as Cloud


class Do(StrEnum):
    """What to carry out. Each is one bounded piece of work, safe to repeat."""

    WAIT = "wait"  # look again later
    CREATE = "create"  # choose a place and order the stack
    LEARN = "learn"  # read the outputs of a running stack, then probe
    PROBE = "probe"  # see whether its hosts answer; when all do, it is up
    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    CLEAR = "clear"  # nothing is left in the cloud: forget it, and begin anew if the lab is wanted
    FORGET = "forget"  # the remains of a failed create are gone; the failure stays to be told
    BLAME_CREATE = "blame_create"  # fail, by the cloud's own reason
    LOSE = "lose"  # fail: the stack is not there any more
    GIVE_UP = "give_up"  # fail: its time is over


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a decision hangs on."""

    goal: Goal
    phase: Phase
    seen: Cloud | None  # None: it could not be observed, which is never read as "gone"
    stale: bool = False  # a newer generation is wanted
    ordered: bool = False  # a create was sent for this generation, so something may be in the cloud
    learned: bool = False  # the outputs were read since it last began to run
    fresh: bool = False  # the last order is so new that the cloud may not show it yet
    ever_ready: bool = False
    overdue: bool = False  # the phase's deadline has passed
    told: bool = False  # FAILED, and nobody has asked to try again
    keep: bool = False  # FAILED, and what is in the cloud may still be reached


@dataclass(frozen=True)
class Step:
    """What to carry out, and the phase the stack is in while that goes on."""

    do: Do
    phase: Phase
    last: bool = False  # its time is over: if this does not bring it up, it has failed


def plan(facts: Facts) -> Step:
    """The next step. Total: every combination of facts has an answer."""
    if not facts.ordered and facts.phase not in (Phase.NEW, Phase.QUEUED, Phase.FAILED):
        return Step(Do.CLEAR, facts.phase)
    if facts.stale or facts.goal == Goal.GONE or facts.phase in (Phase.DELETING, Phase.GONE):
        return _take_down(facts)
    if facts.phase == Phase.FAILED:
        return _after_failure(facts)
    if facts.phase in (Phase.NEW, Phase.QUEUED):
        return _begin(facts)
    if facts.seen == Cloud.ABSENT:
        return _LOSE
    return _in_time(_by_table(facts), facts)


def _by_table(facts: Facts) -> Step:
    wait = Step(Do.WAIT, facts.phase)
    if facts.seen is None:
        # Who wants to wake it is told that it wakes, and after a while that it does not.
        return _TO_RESUMING if (facts.phase, facts.goal) == (Phase.ASLEEP, Goal.UP) else wait
    if facts.fresh and (facts.phase, facts.seen) in _BEFORE_THE_ORDER:
        return wait
    step = _TABLE[facts.phase].get(facts.seen, wait)
    # Heat tells outputs only of a stack that runs; one that could not be suspended has its old ones.
    if step.do == Do.PROBE and not facts.learned and facts.seen == Cloud.RUNNING:
        step = Step(Do.LEARN, step.phase)
    if facts.goal == Goal.ASLEEP:
        return _SLEEPY.get((facts.phase, facts.seen), step)
    return step


def _in_time(step: Step, facts: Facts) -> Step:
    """A start or a wake that is over its time ends, unless it has just come further.

    One look more at its hosts comes first: perhaps it was only the workers that were away. A sleep that is
    over its time is waited for all the same, but not by somebody who wants to come in.
    """
    waited_for = facts.phase in _BOUNDED or (facts.phase, facts.goal) == (Phase.SUSPENDING, Goal.UP)
    if not facts.overdue or not waited_for or step.phase != facts.phase:
        return step
    return replace(step, last=True) if step.do in (Do.PROBE, Do.LEARN) else _GIVE_UP


def _take_down(facts: Facts) -> Step:
    if facts.seen == Cloud.ABSENT or not facts.ordered:
        return Step(Do.CLEAR, facts.phase)
    if facts.seen is None or (facts.seen == Cloud.DELETING and not facts.overdue):
        return Step(Do.WAIT, Phase.DELETING)
    return Step(Do.DELETE, Phase.DELETING)


def _begin(facts: Facts) -> Step:
    if not facts.ordered:
        return Step(Do.CREATE, Phase.NEW) if facts.goal == Goal.UP else Step(Do.WAIT, facts.phase)
    # Whether a create went through is found out first, wanted or not. Sent again, one that is there is ours, but
    # two that are under way at once may both be carried out.
    if facts.seen is None:
        return _GIVE_UP if facts.overdue else Step(Do.WAIT, Phase.NEW)
    return Step(Do.CREATE, Phase.NEW)


def _after_failure(facts: Facts) -> Step:
    if not facts.told:
        return _try_again(facts)
    if facts.ever_ready or facts.keep or not facts.ordered or facts.seen in (None, Cloud.DELETING):
        return Step(Do.WAIT, Phase.FAILED)
    # Heat keeps the resources and the quota of a failed create until somebody deletes it.
    return Step(Do.FORGET if facts.seen == Cloud.ABSENT else Do.DELETE, Phase.FAILED)


def _try_again(facts: Facts) -> Step:
    if facts.seen == Cloud.ABSENT or not facts.ordered:
        return _LOSE
    return _TABLE[Phase.ASLEEP].get(facts.seen, _TO_RESUMING) if facts.seen else _TO_RESUMING


_TO_ASLEEP = Step(Do.WAIT, Phase.ASLEEP)
_TO_SUSPENDING = Step(Do.WAIT, Phase.SUSPENDING)
_TO_RESUMING = Step(Do.WAIT, Phase.RESUMING)
_RESUME = Step(Do.RESUME, Phase.RESUMING)
_SUSPEND = Step(Do.SUSPEND, Phase.SUSPENDING)
_PROBE_AWAKE = Step(Do.PROBE, Phase.RESUMING)
_BLAME = Step(Do.BLAME_CREATE, Phase.FAILED)
_LOSE = Step(Do.LOSE, Phase.FAILED)
_GIVE_UP = Step(Do.GIVE_UP, Phase.FAILED)

# What is done while the lab is wanted up. A cell that is not here waits.
_TABLE: dict[Phase, dict[Cloud, Step]] = {
    Phase.CREATING: {
        Cloud.RUNNING: Step(Do.LEARN, Phase.BOOTING),
        Cloud.CREATE_FAILED: _BLAME,
        Cloud.DELETE_FAILED: _BLAME,
        Cloud.DELETING: _LOSE,
        Cloud.SUSPENDED: _RESUME,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.SUSPENDING: _TO_SUSPENDING,
        Cloud.RESUMING: _TO_RESUMING,
        Cloud.SUSPEND_FAILED: Step(Do.LEARN, Phase.BOOTING),
    },
    Phase.BOOTING: {
        Cloud.RUNNING: Step(Do.PROBE, Phase.BOOTING),
        Cloud.SUSPEND_FAILED: Step(Do.PROBE, Phase.BOOTING),
        Cloud.CREATE_FAILED: _BLAME,
        Cloud.DELETING: _LOSE,
        Cloud.DELETE_FAILED: _LOSE,
        Cloud.SUSPENDED: _RESUME,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.SUSPENDING: _TO_SUSPENDING,
        Cloud.RESUMING: _TO_RESUMING,
    },
    Phase.UP: {
        Cloud.SUSPENDED: _TO_ASLEEP,
        Cloud.SUSPENDING: _TO_SUSPENDING,
        Cloud.RESUMING: _TO_RESUMING,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.DELETING: _LOSE,
        Cloud.DELETE_FAILED: _LOSE,
    },
    # Falling asleep is finished before it wakes again. A stack that could not be suspended is often awake all
    # the same, and Heat refuses to resume it: ask its hosts.
    Phase.SUSPENDING: {
        Cloud.SUSPENDED: _TO_ASLEEP,
        Cloud.RUNNING: _PROBE_AWAKE,
        Cloud.SUSPEND_FAILED: _PROBE_AWAKE,
        Cloud.RESUMING: _TO_RESUMING,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.DELETING: _LOSE,
        Cloud.DELETE_FAILED: _LOSE,
    },
    Phase.ASLEEP: {
        Cloud.SUSPENDED: _RESUME,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.SUSPEND_FAILED: _RESUME,
        Cloud.RUNNING: _TO_RESUMING,
        Cloud.CREATE_FAILED: _TO_RESUMING,
        Cloud.RESUMING: _TO_RESUMING,
        Cloud.SUSPENDING: _TO_SUSPENDING,
        Cloud.DELETING: _LOSE,
        Cloud.DELETE_FAILED: _LOSE,
    },
    Phase.RESUMING: {
        Cloud.RUNNING: _PROBE_AWAKE,
        Cloud.SUSPEND_FAILED: _PROBE_AWAKE,
        Cloud.SUSPENDED: _RESUME,
        Cloud.RESUME_FAILED: _RESUME,
        Cloud.SUSPENDING: _TO_SUSPENDING,
        Cloud.DELETING: _LOSE,
        Cloud.DELETE_FAILED: _LOSE,
    },
}

# Phases with a deadline, whatever is wanted.
_BOUNDED = (Phase.CREATING, Phase.BOOTING, Phase.RESUMING)

# What the cloud may show for a moment after it has taken the order to sleep, or to wake.
_BEFORE_THE_ORDER = {(Phase.SUSPENDING, Cloud.RUNNING), (Phase.RESUMING, Cloud.SUSPENDED)}

# What is done instead while the lab is wanted asleep. RESUME_FAILED is never suspended: Heat refuses it.
_SLEEPY: dict[tuple[Phase, Cloud | None], Step] = {
    (Phase.UP, Cloud.RUNNING): _SUSPEND,
    (Phase.UP, Cloud.SUSPEND_FAILED): _SUSPEND,
    (Phase.SUSPENDING, Cloud.RUNNING): _SUSPEND,
    (Phase.SUSPENDING, Cloud.SUSPEND_FAILED): _SUSPEND,
    (Phase.ASLEEP, Cloud.SUSPENDED): _TO_ASLEEP,
    (Phase.ASLEEP, Cloud.RESUME_FAILED): _TO_ASLEEP,
    (Phase.ASLEEP, Cloud.RUNNING): _SUSPEND,
    (Phase.ASLEEP, Cloud.SUSPEND_FAILED): _SUSPEND,
    (Phase.ASLEEP, Cloud.CREATE_FAILED): _TO_ASLEEP,
    (Phase.RESUMING, Cloud.RUNNING): _SUSPEND,
    (Phase.RESUMING, Cloud.SUSPEND_FAILED): _SUSPEND,
    (Phase.RESUMING, Cloud.SUSPENDED): _TO_ASLEEP,
    (Phase.RESUMING, Cloud.RESUME_FAILED): _TO_ASLEEP,
}

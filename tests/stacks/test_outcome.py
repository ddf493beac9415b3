"""When a row is due again, until when its phase may last, and what is remembered of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Blueprint, ErrorKind, Goal, Phase, Stack
from hastexo_lab.providers.base import CloudStack, CloudState, Transient
from hastexo_lab.stacks.facts import facts_of
from hastexo_lab.stacks.outcome import ODD_LOOK_S, Outcome, _deadline, next_look, write_back
from hastexo_lab.stacks.plan import Do, plan
from hastexo_lab.stacks.steps import UNSEEN_IDLE_LOOK_S, Drive

NOW = datetime(2026, 11, 21, 9, 0, 0, 250_000, tzinfo=UTC)


def row(**so) -> Stack:
    so = {"phase_since": NOW - timedelta(seconds=30), "active_at": NOW, "created_at": NOW, "ref": "r", **so}
    return Stack(**{"launched_at": NOW - timedelta(hours=1), "provider": "nowhere", **so})


def in_s(stack: Stack, outcome: Outcome) -> float | None:
    due = next_look(stack, outcome, NOW)
    return None if due is None else (due - NOW).total_seconds()


@pytest.mark.parametrize(
    ("phase", "goal", "so", "seconds"),
    [
        ("creating", "up", {}, 0.75),
        ("booting", "up", {}, 0.25),
        ("resuming", "up", {}, 0.25),
        ("suspending", "asleep", {}, 0.75),
        ("deleting", "gone", {}, 0.75),
        ("up", "up", {}, 300),
        ("up", "up", {"suspend_timeout": 0}, 300),
        ("up", "up", {"suspend_timeout": 60}, 60),
        ("up", "up", {"suspend_timeout": 60, "active_at": NOW + timedelta(seconds=40)}, 100),
        ("up", "up", {"suspend_timeout": 60, "active_at": NOW - timedelta(hours=1)}, 5),
        ("asleep", "asleep", {}, 3600),
        ("asleep", "asleep", {"delete_age": 0}, 3600),
        ("asleep", "asleep", {"delete_age": 1800}, 1800),
        ("failed", "up", {"delete_age": 1800}, 1800),
        ("up", "asleep", {}, ODD_LOOK_S),
        ("asleep", "up", {}, ODD_LOOK_S),
        ("gone", "gone", {}, None),
        ("new", "asleep", {"launched_at": None}, None),
    ],
)
def test_a_phase_is_looked_at_again(phase, goal, so, seconds):
    stack = row(phase=phase, goal=goal, **so)
    assert in_s(stack, Outcome(phase=Phase(phase))) == seconds


@pytest.mark.parametrize(
    ("before", "after", "goal"),
    [("resuming", "up", "asleep"), ("suspending", "asleep", "up"), ("up", "asleep", "up")],
)
def test_a_phase_that_is_not_what_is_wanted_goes_on_at_once(before, after, goal):
    assert in_s(row(phase=before, goal=goal), Outcome(phase=Phase(after))) == 0


def test_stacks_that_are_watched_are_due_together():
    stack = row(phase="creating", goal="up")
    times = {next_look(stack, Outcome(phase=Phase.CREATING), NOW + timedelta(seconds=n / 10)) for n in range(7)}
    assert times == {NOW.replace(microsecond=0) + timedelta(seconds=1)}


def test_nothing_that_waits_is_forgotten():
    """Every row that is left as it is comes due again, soon where somebody waits for it."""
    errors, seens = ["", ErrorKind.FULL, ErrorKind.UNREACHABLE], [Transient("away"), *CloudState]
    for goal, phase, seen, error, launched, ready, ref in product(
        Goal, Phase, seens, errors, (None, NOW), (None, NOW - timedelta(minutes=1)), ("", "r")
    ):
        stack = row(phase=phase, goal=goal, error_kind=error, launched_at=launched, ready_at=ready, ref=ref)
        cloud = None if isinstance(seen, Transient) else CloudStack(ref="r", name=stack.name, state=seen)
        step = plan(facts_of(stack, cloud, NOW))
        if step.do != Do.WAIT:
            continue
        shown = (cloud or seen) if launched else None
        outcome = asyncio.run(Drive(stack, shown)._wait(step.phase))
        due = in_s(stack, outcome)
        idle = (phase, goal) in (("new", "asleep"), ("queued", "asleep")) and not launched
        kept = ready or error == ErrorKind.UNREACHABLE or not launched
        settled = (step.phase, goal) in (("up", "up"), ("asleep", "asleep")) or (step.phase == "failed" and kept)
        assert (due is None) == idle, (goal, phase, seen)
        if due is not None:
            soon = due <= UNSEEN_IDLE_LOOK_S
            assert soon != bool(settled and not isinstance(shown, Transient)), (goal, phase, seen)


@pytest.mark.parametrize(
    ("before", "after", "so", "seconds"),
    [
        ("new", "new", {"launched_at": None}, None),
        ("new", "new", {"launched_at": NOW, "launch_timeout": 60}, 60),
        ("new", "new", {"launched_at": NOW, "launch_timeout": 0}, None),
        ("new", "creating", {}, 900),
        ("new", "creating", {"launch_timeout": 0}, None),
        ("creating", "booting", {"deadline_at": NOW}, 0),
        ("creating", "creating", {"deadline_at": NOW}, 0),
        ("booting", "up", {"deadline_at": NOW}, None),
        ("booting", "failed", {"deadline_at": NOW}, None),
        ("failed", "resuming", {}, 300),
        ("asleep", "resuming", {}, 300),
        ("resuming", "resuming", {"deadline_at": NOW}, 0),
        ("suspending", "resuming", {"deadline_at": NOW}, 300),
        ("up", "suspending", {"launch_timeout": 0}, 900),
        ("up", "deleting", {}, 900),
        ("deleting", "new", {"deadline_at": NOW, "launched_at": None}, None),
    ],
)
def test_a_phase_has_its_deadline(before, after, so, seconds):
    deadline = _deadline(row(phase=before, **so), Phase(after), NOW)
    assert (deadline and (deadline - NOW).total_seconds()) == seconds


@pytest.mark.parametrize(
    ("before", "after", "so", "noted"),
    [
        ("creating", "up", {}, "launch_s"),
        ("booting", "up", {}, "launch_s"),
        ("resuming", "up", {}, "wake_s"),
        ("suspending", "asleep", {}, "sleep_s"),
        # It had never been ready, so that was no wake; it did not fall asleep, so that was no sleep.
        ("resuming", "up", {"ready_at": None}, ""),
        ("suspending", "resuming", {}, ""),
        ("up", "asleep", {}, ""),
        # Workers were away meanwhile.
        ("booting", "up", {"deadline_at": NOW}, ""),
    ],
)
@pytest.mark.django_db
def test_what_is_typical_is_learnt(before, after, so, noted):
    now = timezone.now()
    blueprint = Blueprint.objects.create(sha256="x", template="t")
    times = {
        "launched_at": now - timedelta(seconds=50),
        "phase_since": now - timedelta(seconds=10),
        "ready_at": now,
    }
    stack = row(phase=before, blueprint=blueprint, **{**times, **so})
    stack.save()

    async def twice() -> None:
        for _ in range(2):
            assert await write_back(stack, Outcome(phase=Phase(after)))

    async_to_sync(twice)()
    blueprint.refresh_from_db()
    known = {name: round(getattr(blueprint, name)) for name in ("launch_s", "wake_s", "sleep_s")}
    took = 50 if noted == "launch_s" else 10
    assert known == {"launch_s": 0, "wake_s": 0, "sleep_s": 0, **({noted: took} if noted else {})}


@pytest.mark.django_db
def test_nothing_is_written_by_whoever_has_lost_the_lease():
    stack = row(phase="creating")
    stack.save()
    Stack.objects.update(epoch=7)
    assert not async_to_sync(write_back)(stack, Outcome(phase=Phase.UP, note="late"))
    assert Stack.objects.get().phase == Phase.CREATING
    assert not stack.events.exists()


@pytest.mark.django_db
def test_a_setback_that_is_over_is_not_told_any_more():
    stack = row(phase="creating", error_message="The cloud was away.")
    stack.save()
    async_to_sync(write_back)(stack, Outcome(phase=Phase.CREATING))
    assert Stack.objects.get().error_message == ""
    stack.phase = Phase.FAILED
    stack.save()
    async_to_sync(write_back)(stack, Outcome(phase=Phase.FAILED))
    assert Stack.objects.get().error_message == "The cloud was away."

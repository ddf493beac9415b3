"""What is wanted: few writes, each right whatever workers and other pages do at the same time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from hastexo_lab.models import Blueprint, Stack, StackEvent
from hastexo_lab.stacks import wishes
from hastexo_lab.stacks.wishes import Candidate, LabOrder

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = LabOrder(course_id="c", learner_id="7", lab="lab", candidates=(Candidate(provider="p", template="t: 1"),))
MENDED = LabOrder(course_id="c", learner_id="7", lab="lab", candidates=(Candidate(provider="p", template="t: 2"),))
LONG_AGO = timezone.now() - timedelta(hours=1)


def stack(**so) -> Stack:
    """The learner's lab, as it is after some time."""
    made = wishes.enter(ORDER)
    Stack.objects.update(**{"next_at": None, "active_at": LONG_AGO, "launched_at": LONG_AGO, **so})
    StackEvent.objects.all().delete()
    return Stack.objects.get(pk=made.pk)


def test_the_first_visit_orders_a_lab_and_rings():
    made = wishes.enter(ORDER)
    assert (made.phase, made.goal, made.generation, made.wish) == ("new", "up", 1, 1)
    assert made.next_at <= timezone.now()
    assert made.candidates == [{"provider": "p", "capacity": -1, "blueprint": Blueprint.objects.get().pk}]
    assert DBTaskResult.objects.filter(status="READY").count() == 1


def test_two_visits_make_one_lab_and_one_blueprint():
    assert wishes.enter(ORDER).pk == wishes.enter(ORDER).pk
    assert wishes.enter(MENDED).pk == Stack.objects.get().pk
    assert Blueprint.objects.count() == 2


@pytest.mark.parametrize("phase", ["creating", "booting", "up", "suspending", "asleep", "resuming"])
def test_who_comes_back_wants_it_up(phase):
    stack(phase=phase, goal="asleep")
    back = wishes.enter(ORDER)
    assert (back.goal, back.phase) == ("up", phase)
    assert back.next_at <= timezone.now()
    assert back.active_at > LONG_AGO


@pytest.mark.parametrize(
    ("so", "again", "then"),
    [
        # phase, kind and so on → what the next visit does: nothing, a try at what is there, or a new lab
        ({"phase": "gone", "goal": "gone"}, False, "nothing"),
        ({"phase": "gone", "goal": "gone"}, True, "start anew"),
        ({"phase": "deleting", "goal": "gone", "gone_reason": "age"}, False, "nothing"),
        ({"phase": "deleting", "goal": "gone", "gone_reason": "age"}, True, "enter"),
        ({"phase": "deleting", "goal": "up"}, False, "enter"),
        ({"phase": "up", "goal": "gone", "gone_reason": "operator"}, False, "nothing"),
        ({"phase": "up", "goal": "gone", "gone_reason": "age"}, False, "enter"),
        ({"phase": "failed", "error_kind": "author"}, False, "nothing"),
        ({"phase": "failed", "error_kind": "author", "error_at": LONG_AGO}, False, "start anew"),
        ({"phase": "failed", "error_kind": "author"}, True, "start anew"),
        ({"phase": "failed", "error_kind": "full"}, False, "nothing"),
        ({"phase": "failed", "error_kind": "full", "error_at": LONG_AGO}, False, "nothing"),
        ({"phase": "failed", "error_kind": "full"}, True, "start anew"),
        ({"phase": "failed", "error_kind": "transient"}, True, "start anew"),
        ({"phase": "failed", "error_kind": "transient", "ready_at": LONG_AGO}, True, "try again"),
        ({"phase": "failed", "error_kind": "unreachable"}, False, "nothing"),
        ({"phase": "failed", "error_kind": "unreachable"}, True, "try again"),
        ({"phase": "failed", "error_kind": "unreachable", "ready_at": LONG_AGO}, True, "try again"),
        ({"phase": "failed", "error_kind": "lost", "ready_at": LONG_AGO}, False, "nothing"),
        ({"phase": "failed", "error_kind": "lost", "ready_at": LONG_AGO}, True, "start anew"),
    ],
)
def test_what_has_ended_begins_again_by_a_click(so, again, then):
    before = stack(**so)
    after = wishes.enter(ORDER, again=again)
    told = list(StackEvent.objects.values_list("message", flat=True))
    assert told == ([] if then == "nothing" else [then])
    assert after.wanted_generation == (2 if then == "start anew" else 1)
    assert after.error_kind == ("" if then == "try again" else before.error_kind)
    assert after.goal == (before.goal if then == "nothing" else "up")


def test_a_mistake_that_the_author_has_mended_is_over_at_the_next_visit():
    stack(phase="failed", error_kind="author")
    assert wishes.enter(MENDED).wanted_generation == 2


def test_another_failure_is_not_over_because_the_course_has_changed():
    stack(phase="failed", error_kind="full")
    assert wishes.enter(MENDED).wanted_generation == 1


def test_two_clicks_in_two_pages_make_one_new_lab():
    lab = stack(phase="up")
    wishes.reset(lab)
    assert wishes.reset(lab).wanted_generation == 2


def test_who_has_asked_to_be_kept_awake_longer_is_not_put_to_sleep_sooner_by_a_visit():
    later = timezone.now() + timedelta(hours=1)
    stack(phase="up", active_at=later)
    assert wishes.enter(ORDER).active_at == later


def test_a_wish_writes_nothing_that_is_the_workers():
    before = stack(phase="resuming", attempts=3, epoch=5, lease_token="w.1", error_message="m")
    after = wishes.enter(ORDER)
    for name in ("phase", "attempts", "epoch", "lease_token", "error_message", "generation", "launched_at"):
        assert getattr(after, name) == getattr(before, name), name


def test_an_operator_removes_and_puts_to_sleep():
    lab = stack(phase="up")
    assert wishes.sleep(lab).goal == "asleep"
    removed = wishes.remove(lab)
    assert (removed.goal, removed.gone_reason) == ("gone", "operator")
    assert wishes.wake(lab).goal == "up"


def test_a_lab_is_found_by_course_learner_and_name():
    lab = stack()
    assert wishes.find("c", "7", "lab") == lab
    assert wishes.find("c", "8", "lab") is None

"""The planner as a table: goals × phases × what the cloud shows."""

from itertools import product

import pytest

from hastexo_lab.phases import Goal, Phase
from hastexo_lab.providers.base import CloudState as Cloud
from hastexo_lab.stacks.plan import Do, Facts, Step, plan

PENDING = [Phase.CREATING, Phase.BOOTING, Phase.SUSPENDING, Phase.RESUMING, Phase.DELETING]
STATES = [None, *Cloud]
FLAGS = ["stale", "ordered", "learned", "fresh", "ever_ready", "overdue", "told", "keep"]


def every_fact():
    for goal, phase, seen in product(Goal, Phase, STATES):
        for values in product((False, True), repeat=len(FLAGS)):
            yield Facts(goal=goal, phase=phase, seen=seen, **dict(zip(FLAGS, values, strict=True)))


def test_every_combination_of_facts_has_a_step():
    assert all(isinstance(plan(facts), Step) for facts in every_fact())


def test_a_lab_that_was_ever_ready_is_deleted_only_when_it_is_not_wanted_any_more():
    for facts in every_fact():
        if plan(facts).do == Do.DELETE and facts.ever_ready:
            assert facts.goal == Goal.GONE or facts.stale or facts.phase in (Phase.DELETING, Phase.GONE), facts


def test_not_seen_is_never_read_as_gone():
    for facts in every_fact():
        if facts.seen is None and facts.ordered:
            assert plan(facts).do not in (Do.CLEAR, Do.FORGET, Do.LOSE), facts


def test_a_start_or_a_wake_that_is_over_its_time_ends():
    for facts in every_fact():
        pending = facts.phase in (Phase.CREATING, Phase.BOOTING, Phase.RESUMING) and facts.ordered
        if pending and facts.overdue and facts.goal != Goal.GONE and not facts.stale:
            step = plan(facts)
            assert step.last or step.phase != facts.phase, facts


def test_who_wants_to_come_in_never_waits_past_the_deadline_for_it_to_fall_asleep():
    for facts in every_fact():
        if (facts.phase, facts.goal) == (Phase.SUSPENDING, Goal.UP) and facts.ordered and facts.overdue:
            assert plan(facts).phase != Phase.SUSPENDING or plan(facts).do == Do.CLEAR, facts


def test_only_what_is_over_its_time_is_looked_at_for_the_last_time():
    for facts in every_fact():
        assert not plan(facts).last or facts.overdue, facts


def test_outputs_are_asked_only_of_a_stack_that_runs_or_was_just_made():
    for facts in every_fact():
        if plan(facts).do == Do.LEARN:
            made = (facts.phase, facts.seen) == (Phase.CREATING, Cloud.SUSPEND_FAILED)
            assert facts.seen == Cloud.RUNNING or made, facts


def test_no_host_is_asked_before_the_outputs_of_a_running_stack_are_known():
    for facts in every_fact():
        if plan(facts).do == Do.PROBE and facts.seen == Cloud.RUNNING:
            assert facts.learned, facts


def test_a_stack_that_could_not_be_resumed_is_never_suspended():
    """Heat refuses to suspend it, and the stack goes FAILED for good."""
    for facts in every_fact():
        if facts.seen == Cloud.RESUME_FAILED:
            assert plan(facts).do != Do.SUSPEND, facts


def test_nothing_is_created_where_something_may_be():
    for facts in every_fact():
        if plan(facts).do == Do.CREATE:
            assert facts.seen or not facts.ordered
            assert facts.phase in (Phase.NEW, Phase.QUEUED)
            assert not facts.stale


CELLS = [
    # goal, phase, seen, further facts → what is done, the phase then
    ("up", "new", None, {}, "create", "new"),
    ("up", "new", None, {"ordered": True}, "wait", "new"),
    ("up", "new", None, {"ordered": True, "overdue": True}, "give_up", "failed"),
    ("up", "new", "absent", {"ordered": True}, "create", "new"),
    ("up", "new", "creating", {"ordered": True}, "create", "new"),
    ("asleep", "new", None, {}, "wait", "new"),
    ("asleep", "new", None, {"ordered": True}, "wait", "new"),
    ("asleep", "new", "creating", {"ordered": True}, "create", "new"),
    ("up", "queued", None, {"ordered": False}, "create", "new"),
    ("gone", "new", None, {}, "clear", "new"),
    ("gone", "new", "running", {"ordered": True}, "delete", "deleting"),
    ("up", "creating", "creating", {}, "wait", "creating"),
    ("up", "creating", None, {}, "wait", "creating"),
    ("up", "creating", "running", {}, "learn", "booting"),
    ("up", "creating", "create_failed", {}, "blame_create", "failed"),
    ("up", "creating", "absent", {}, "lose", "failed"),
    ("up", "creating", "creating", {"overdue": True}, "give_up", "failed"),
    ("up", "creating", None, {"overdue": True}, "give_up", "failed"),
    ("gone", "creating", "creating", {}, "delete", "deleting"),
    ("gone", "creating", "create_failed", {}, "delete", "deleting"),
    ("up", "booting", "running", {"learned": True}, "probe", "booting"),
    ("up", "booting", "running", {}, "learn", "booting"),
    ("up", "creating", "running", {"overdue": True}, "learn", "booting"),
    ("up", "booting", "creating", {"overdue": True}, "give_up", "failed"),
    ("up", "booting", "suspended", {}, "resume", "resuming"),
    ("up", "up", "running", {}, "wait", "up"),
    ("up", "up", None, {}, "wait", "up"),
    ("up", "up", "absent", {}, "lose", "failed"),
    ("up", "up", "suspended", {}, "wait", "asleep"),
    ("up", "up", "resume_failed", {}, "resume", "resuming"),
    ("asleep", "up", "running", {}, "suspend", "suspending"),
    ("asleep", "up", None, {}, "wait", "up"),
    ("asleep", "up", "suspend_failed", {}, "suspend", "suspending"),
    ("asleep", "suspending", "suspending", {}, "wait", "suspending"),
    ("asleep", "suspending", "suspended", {}, "wait", "asleep"),
    ("asleep", "suspending", "suspend_failed", {}, "suspend", "suspending"),
    ("up", "suspending", "suspending", {}, "wait", "suspending"),
    ("up", "suspending", "suspending", {"overdue": True}, "give_up", "failed"),
    ("up", "suspending", None, {"overdue": True}, "give_up", "failed"),
    ("up", "suspending", "suspended", {"overdue": True}, "wait", "asleep"),
    ("asleep", "suspending", "suspending", {"overdue": True}, "wait", "suspending"),
    ("up", "suspending", "running", {"fresh": True, "learned": True}, "wait", "suspending"),
    ("up", "suspending", "running", {}, "learn", "resuming"),
    ("asleep", "suspending", "running", {"fresh": True}, "wait", "suspending"),
    ("asleep", "suspending", "running", {}, "suspend", "suspending"),
    ("up", "suspending", "suspended", {}, "wait", "asleep"),
    ("up", "suspending", "suspend_failed", {"learned": True}, "probe", "resuming"),
    ("asleep", "asleep", "suspended", {}, "wait", "asleep"),
    ("asleep", "asleep", "running", {}, "suspend", "suspending"),
    ("asleep", "asleep", "absent", {}, "lose", "failed"),
    ("up", "asleep", "suspended", {}, "resume", "resuming"),
    ("up", "asleep", "resume_failed", {}, "resume", "resuming"),
    ("up", "asleep", "running", {}, "wait", "resuming"),
    ("up", "asleep", None, {}, "wait", "resuming"),
    ("asleep", "asleep", None, {}, "wait", "asleep"),
    ("up", "asleep", "suspend_failed", {}, "resume", "resuming"),
    ("up", "resuming", "resuming", {}, "wait", "resuming"),
    ("up", "resuming", "running", {}, "learn", "resuming"),
    ("up", "resuming", "running", {"learned": True}, "probe", "resuming"),
    ("up", "resuming", "resume_failed", {}, "resume", "resuming"),
    ("up", "resuming", "resume_failed", {"overdue": True}, "give_up", "failed"),
    ("up", "resuming", "resuming", {"overdue": True}, "give_up", "failed"),
    ("up", "resuming", "suspended", {}, "resume", "resuming"),
    ("up", "resuming", "suspended", {"fresh": True}, "wait", "resuming"),
    ("up", "resuming", "suspend_failed", {}, "probe", "resuming"),
    ("asleep", "resuming", "running", {"learned": True}, "suspend", "suspending"),
    ("asleep", "resuming", "suspended", {}, "wait", "asleep"),
    ("asleep", "resuming", "suspended", {"fresh": True}, "wait", "resuming"),
    ("asleep", "resuming", None, {}, "wait", "resuming"),
    ("gone", "asleep", "suspended", {"ever_ready": True}, "delete", "deleting"),
    ("gone", "deleting", "deleting", {}, "wait", "deleting"),
    ("gone", "deleting", "deleting", {"overdue": True}, "delete", "deleting"),
    ("gone", "deleting", None, {"overdue": True}, "wait", "deleting"),
    ("gone", "deleting", "delete_failed", {}, "delete", "deleting"),
    ("gone", "deleting", "absent", {}, "clear", "deleting"),
    ("up", "deleting", "absent", {}, "clear", "deleting"),
    ("up", "up", "running", {"stale": True, "ever_ready": True}, "delete", "deleting"),
    ("up", "gone", None, {"ordered": False}, "clear", "gone"),
    ("up", "failed", "create_failed", {"told": True}, "delete", "failed"),
    ("up", "failed", "absent", {"told": True}, "forget", "failed"),
    ("up", "failed", "running", {"told": True, "keep": True}, "wait", "failed"),
    ("up", "failed", "running", {"told": True, "ever_ready": True}, "wait", "failed"),
    ("up", "failed", "running", {"ever_ready": True}, "wait", "resuming"),
    ("up", "failed", "suspended", {"ever_ready": True}, "resume", "resuming"),
    ("up", "failed", "absent", {"ever_ready": True}, "lose", "failed"),
    ("up", "failed", None, {"ever_ready": True}, "wait", "resuming"),
    ("up", "failed", None, {"told": True}, "wait", "failed"),
    ("up", "failed", "suspend_failed", {"ever_ready": True}, "resume", "resuming"),
    ("up", "failed", "creating", {"keep": True}, "wait", "resuming"),
    ("gone", "failed", "running", {"told": True, "ever_ready": True}, "delete", "deleting"),
]


@pytest.mark.parametrize(("goal", "phase", "seen", "more", "do", "then"), CELLS)
def test_the_table(goal, phase, seen, more, do, then):
    more = {"ordered": phase != "new", **more}
    facts = Facts(goal=Goal(goal), phase=Phase(phase), seen=Cloud(seen) if seen else None, **more)
    assert plan(facts) == Step(Do(do), Phase(then))

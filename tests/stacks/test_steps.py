"""Steps that do not work: what is known of it then, what staff are told, and how a learner gets out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Phase, Stack
from hastexo_lab.providers.base import AuthorMistake, CloudState, Launch, ProviderFull, Transient, UnknownOutcome
from hastexo_lab.secretbox import seal
from hastexo_lab.stacks import place, setbacks, wishes
from hastexo_lab.stacks.registry import providers
from tests.stacks.trouble import After

SLOW = "hosts:\n  - name: web\ncreate_s: 30\n"


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def test_backoff_ends_at_a_minute_however_often_it_was_tried():
    assert [setbacks.backoff_s(n) for n in (0, 1, 5, 6, 5000)] == [1, 2, 32, 60, 60]


# A create whose outcome is not known


def test_an_order_whose_answer_was_lost_is_found_again_and_ordered_once(labs):
    labs.provider.trouble["create"] = [After(UnknownOutcome("no answer")), UnknownOutcome("no answer")]
    stack = labs.until(labs.enter(), Phase.UP)
    assert labs.provider.calls["create"] == 3
    assert len(labs.cloud()) == 1
    assert stack.error_message == ""


def test_an_order_that_is_perhaps_still_on_its_way_is_not_given_again(labs):
    """Heat looks for the name before it validates, and stores after it: two orders at once are two stacks."""
    stack = labs.enter()
    now = timezone.now()
    [held] = Stack.objects.claim(now, worker="killed", lease_s=30, limit=1)
    [[there], _] = async_to_sync(place.places)(held)
    assert async_to_sync(place.take)(held, there, now)
    Stack.objects.release("killed")
    stack = labs.step(stack)
    assert (stack.phase, labs.provider.calls["create"]) == ("new", 0)
    assert stack.next_at < timezone.now() + timedelta(seconds=2)
    labs.step(stack, launched_at=ago(31))
    assert labs.provider.calls["create"] == 1


def test_an_order_without_an_answer_at_a_cloud_that_is_away_is_told_in_the_end(labs):
    labs.provider.trouble["create"] = [UnknownOutcome("no answer")]
    stack = labs.enter()
    labs.tend()
    labs.provider.always = {"observe_all": Transient("cloud away")}
    stack = labs.step(stack)
    assert stack.deadline_at
    stack = labs.step(stack, deadline_at=ago(1))
    assert (stack.phase, stack.error_kind) == ("failed", "transient")
    assert "could not be observed at local" in stack.error_message


def test_a_create_that_never_gets_an_answer_fails_and_leaves_nothing(labs):
    labs.provider.always = {"create": After(UnknownOutcome("no answer"))}
    stack = labs.enter(template=SLOW)
    for _ in range(setbacks.MOST_ATTEMPTS):
        assert labs.step(stack).phase == Phase.NEW
    stack = labs.step(stack)
    assert (stack.phase, stack.error_kind, stack.error_message) == ("failed", "transient", "no answer")
    labs.provider.always = {}
    labs.until(stack, Phase.FAILED, condition=lambda s: s.launched_at is None)
    assert labs.cloud() == {}


def test_what_may_still_be_on_its_way_is_waited_for_before_it_is_forgotten(labs):
    """Removed while the answer to its create is out: the stack that comes then has no row otherwise."""
    labs.provider.trouble["create"] = [UnknownOutcome("no answer")]
    stack = labs.enter(template=SLOW)
    labs.tend()
    wishes.remove(stack)
    stack = labs.step(stack)
    assert stack.phase == Phase.DELETING
    assert stack.launched_at
    asyncio.run(labs.provider.create(Launch(name=stack.name, template=SLOW, tags=("hastexo-lab", "late"))))
    labs.until(stack, Phase.GONE)
    assert labs.cloud() == {}


def test_after_a_while_what_never_came_is_forgotten(labs):
    labs.provider.trouble["create"] = [UnknownOutcome("no answer")]
    stack = labs.enter(template=SLOW)
    labs.tend()
    wishes.remove(stack)
    assert labs.step(stack, launched_at=ago(31)).phase == Phase.GONE


def test_an_unknown_create_is_asked_for_where_it_was_sent_as_it_was_sent(labs):
    labs.provider.trouble["create"] = [After(UnknownOutcome("no answer"))]
    stack = labs.enter(template=SLOW)
    labs.tend()
    before = labs.now(stack)
    elsewhere = (wishes.Candidate(provider="elsewhere", template="x: 1"),)
    labs.enter(candidates=elsewhere)
    stack = labs.until(stack, Phase.CREATING)
    assert (stack.provider, stack.blueprint_id) == ("local", before.blueprint_id)


def test_a_create_that_was_refused_leaves_no_trace_of_an_order(labs):
    labs.provider.trouble["create"] = [AuthorMistake("no such image")]
    stack = labs.enter()
    labs.tend()
    stack = labs.now(stack)
    assert (stack.phase, stack.launched_at, stack.provider) == ("failed", None, "")


# Where nothing goes on


def test_a_provider_that_lets_us_wait_keeps_nobody_from_the_next(labs, monkeypatch):
    monkeypatch.setattr("hastexo_lab.stacks.steps.LAST_ORDER_AFTER_S", 0.05)
    candidates = tuple(
        wishes.Candidate(provider="local", template=f"hosts:\n  - name: {name}\n") for name in ("one", "two")
    )

    async def slowly(launch):
        await asyncio.sleep(0.1)
        raise Transient("did not answer")

    monkeypatch.setattr(labs.provider, "create", slowly)
    stack = labs.enter(candidates=candidates)
    labs.tend()
    monkeypatch.undo()
    stack = labs.until(stack, Phase.CREATING)
    assert "two" in stack.blueprint.template


def test_full_everywhere_is_told_as_such(labs):
    labs.provider.always = {"create": ProviderFull("512 stacks")}
    stack = labs.enter()
    labs.tend()
    stack = labs.now(stack)
    assert (stack.phase, stack.error_kind, stack.error_message) == ("failed", "full", "512 stacks")


def test_an_error_of_our_own_is_visible_and_in_the_end_told(labs, caplog):
    labs.provider.always = {"create": KeyError("secret-word")}
    stack = labs.enter()
    labs.tend()
    stack = labs.now(stack)
    assert (stack.attempts, stack.lease_until) == (1, None)
    assert "KeyError" in stack.error_message
    assert "KeyError" in caplog.text
    for _ in range(setbacks.MOST_ATTEMPTS):
        stack = labs.step(stack, launched_at=ago(31))
    assert (stack.phase, stack.error_kind) == ("failed", "transient")
    assert stack.events.filter(kind="setback").count() == 1
    assert not any("secret-word" in message for message in stack.events.values_list("message", flat=True))


def test_an_error_of_our_own_fails_no_lab_that_is_up(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    wishes.sleep(stack)
    labs.provider.always = {"suspend": KeyError("x")}
    for _ in range(setbacks.MOST_ATTEMPTS + 2):
        stack = labs.step(stack)
    assert stack.phase == Phase.UP
    assert "KeyError" in stack.error_message
    labs.provider.always = {}
    labs.due_now(stack)
    assert labs.until(stack, Phase.ASLEEP).error_message == ""


def test_secrets_that_cannot_be_read_are_said_to_be_so(labs, settings):
    stack = labs.until(labs.enter(), Phase.UP)
    sealed = seal({"password": "p"})
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "secret_keys": ["another"]}
    providers()._built["local"] = labs.provider
    stack = labs.step(stack, phase="resuming", progress={}, sealed_secrets=sealed)
    assert "secret_keys" in stack.error_message
    assert stack.sealed_secrets == sealed


# Deadlines


def test_workers_that_were_away_too_long_find_the_lab_ready_all_the_same(labs):
    stack = labs.enter(template="hosts:\n  - name: web\ncreate_s: 1\n")
    stack = labs.until(stack, Phase.CREATING)
    while CloudState.RUNNING not in {cloud.state for cloud in labs.cloud().values()}:
        pass
    Stack.objects.filter(pk=stack.pk).update(deadline_at=ago(3600))
    assert labs.until(stack, Phase.UP, Phase.FAILED).phase == Phase.UP


def test_a_boot_that_is_over_its_time_has_one_look_more(labs):
    stack = labs.until(labs.enter(template="hosts:\n  - name: web\nboot_s: 600\n"), Phase.BOOTING)
    stack = labs.step(stack, deadline_at=ago(1))
    assert (stack.phase, stack.error_kind) == ("failed", "unreachable")


def test_outputs_that_cannot_be_read_at_first_are_read_later(labs):
    labs.provider.trouble["outputs"] = [Transient("not yet")]
    stack = labs.until(labs.enter(), Phase.BOOTING)
    assert (stack.address, stack.error_message) == ("", "not yet")
    assert labs.until(stack, Phase.UP).address


def test_a_wake_that_the_cloud_does_not_even_hear_of_ends_too(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    wishes.sleep(stack)
    stack = labs.until(stack, Phase.ASLEEP)
    labs.provider.always = {"observe": Transient("cloud away"), "resume": Transient("cloud away")}
    labs.enter()
    labs.tend()
    assert labs.now(stack).phase == Phase.RESUMING
    stack = labs.step(stack, deadline_at=ago(1))
    assert (stack.phase, stack.error_kind) == ("failed", "unreachable")
    assert "could not be observed at local" in stack.error_message
    assert "cloud away" in stack.error_message
    labs.provider.always = {}
    labs.until(labs.enter(again=True), Phase.UP)


def test_who_tries_again_while_the_cloud_is_away_sees_it_wake_when_it_is_back(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    Stack.objects.filter(pk=stack.pk).update(phase="failed", error_kind="unreachable")
    labs.provider.always = {"observe": Transient("cloud away")}
    labs.enter(again=True)
    labs.tend()
    stack = labs.now(stack)
    assert stack.phase == Phase.RESUMING
    assert stack.next_at < timezone.now() + timedelta(seconds=10)


def test_a_mistake_of_the_author_ends_no_deletion(labs):
    stack = labs.until(labs.enter(template=SLOW), Phase.CREATING)
    labs.provider.trouble["delete"] = [AuthorMistake("odd")]
    wishes.remove(stack)
    stack = labs.step(stack)
    assert (stack.phase, stack.error_kind) == ("deleting", "")
    labs.until(stack, Phase.GONE)


# Who comes and goes


def test_progress_that_cannot_be_had_sets_nothing_back(labs):
    labs.provider.always = {"progress": Transient("no")}
    stack = labs.until(labs.enter(template=SLOW), Phase.CREATING)
    stack = labs.step(stack, phase_since=ago(1.2))
    assert labs.provider.calls["progress"] == 1
    assert (stack.attempts, stack.error_message) == (0, "")


def test_progress_is_noted_now_and_then(labs):
    stack = labs.until(labs.enter(template=SLOW), Phase.CREATING)
    assert labs.step(stack, phase_since=ago(1.2)).progress == {"done": 0, "total": 1}


def test_an_order_that_must_be_given_again_is_given_less_often(labs):
    stack = labs.until(labs.enter(template="hosts:\n  - name: web\nfail: suspend\n"), Phase.UP)
    wishes.sleep(stack)
    waits = []
    for _ in range(4):
        stack = labs.step(stack)
        waits.append(round((stack.next_at - timezone.now()).total_seconds()))
    assert stack.phase == Phase.SUSPENDING
    assert waits[1:] == [1, 2, 4]


def test_a_removal_keeps_its_reason_when_it_meets_a_reset(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    wishes.reset(stack)
    stack = labs.until(stack, Phase.DELETING, Phase.NEW)
    [claimed] = Stack.objects.claim(timezone.now() + timedelta(seconds=5), worker="w", lease_s=30, limit=1)
    wishes.remove(claimed)
    Stack.objects.update(lease_until=None)
    assert labs.until(stack, Phase.GONE).gone_reason == "operator"

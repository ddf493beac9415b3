"""The life of a stack, from the first visit to the last, on real hosts."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import asyncssh
import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Phase, Stack
from hastexo_lab.stacks import wishes
from hastexo_lab.stacks.outcome import write_back
from hastexo_lab.stacks.steps import Drive
from hastexo_lab.stacks.story import window_state

TERMINAL = "hosts:\n  - name: web\n"
REFERENCE = r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}"


def in_lab(stack: Stack, command: str) -> str:
    """What a command prints in the lab, over SSH with the lab's own key."""

    async def run() -> str:
        key = asyncssh.import_private_key(stack.secrets["private_key"])
        address, port = stack.address, 22 + stack.port_offset
        async with asyncssh.connect(address, port, username="learner", client_keys=[key], known_hosts=None) as ssh:
            return str((await ssh.run(command, check=True)).stdout)

    return asyncio.run(run())


def drive(claimed: Stack) -> bool:
    """One step by whoever claimed the stack then. Says whether it was written."""

    async def run() -> bool:
        return await write_back(claimed, await Drive(claimed, None).go())

    return async_to_sync(run)()


def phases(stack: Stack) -> list[str]:
    return list(stack.events.filter(kind="phase").order_by("pk").values_list("phase", flat=True))


def test_a_learner_enters_and_reaches_a_shell(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    assert in_lab(stack, "echo $((6*7))") == "42\n"
    assert stack.ready_at
    assert stack.blueprint.launch_s > 0
    assert "PRIVATE" not in stack.sealed_secrets
    assert phases(stack)[0] == "creating"
    assert phases(stack)[-1] == "up"


def test_the_lab_falls_asleep_when_left_and_wakes_as_it_was(labs):
    stack = labs.until(labs.enter(suspend_timeout=60), Phase.UP)
    in_lab(stack, "echo mine > ~/kept")
    labs.quiet_for(stack, 61)
    asleep = labs.until(stack, Phase.ASLEEP)
    assert asleep.goal == "asleep"
    assert window_state(asleep, timezone.now())["kept_until"]
    woken = labs.until(labs.enter(), Phase.UP)
    assert in_lab(woken, "cat ~/kept") == "mine\n"
    assert woken.ref == stack.ref
    assert woken.blueprint.wake_s > 0


def test_a_lab_with_no_timeout_stays_awake(labs):
    stack = labs.until(labs.enter(suspend_timeout=0), Phase.UP)
    labs.quiet_for(stack, 10**6)
    labs.tend()
    assert labs.now(stack).phase == Phase.UP


def test_somebody_who_comes_back_this_very_moment_keeps_the_lab_awake(labs):
    stack = labs.until(labs.enter(suspend_timeout=60), Phase.UP)
    labs.quiet_for(stack, 61)
    [claimed] = Stack.objects.claim(timezone.now(), worker="w", lease_s=30, limit=10)
    Stack.objects.filter(pk=stack.pk).update(active_at=timezone.now())
    drive(claimed)
    assert labs.now(stack).goal == "up"


def test_who_returns_while_it_falls_asleep_is_told_that_it_wakes_again(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    wishes.sleep(stack)
    stack = labs.until(stack, Phase.SUSPENDING, Phase.ASLEEP)
    back = labs.enter()
    if back.phase == Phase.SUSPENDING:
        assert window_state(back, timezone.now())["wakes"]
    labs.until(stack, Phase.UP)


def test_a_reset_gives_a_new_lab_and_takes_the_old_one_down(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    in_lab(stack, "touch ~/mine")
    wishes.reset(stack)
    wishes.reset(stack)
    fresh = labs.until(stack, Phase.UP, condition=lambda s: s.generation > stack.generation)
    assert fresh.generation == stack.generation + 1
    assert fresh.ref != stack.ref
    assert "mine" not in in_lab(fresh, "ls ~")
    assert [cloud.name for cloud in labs.cloud().values()] == [fresh.name]


def test_an_old_lab_goes_and_comes_back_only_when_asked_for(labs):
    stack = labs.until(labs.enter(delete_age=3600), Phase.UP)
    labs.quiet_for(stack, 3601)
    gone = labs.until(stack, Phase.GONE)
    assert (gone.gone_reason, labs.cloud()) == ("age", {})
    assert not gone.sealed_secrets
    assert labs.enter().phase == Phase.GONE
    again = labs.until(labs.enter(again=True), Phase.UP)
    assert again.generation == 2


def test_an_old_lab_that_somebody_looks_at_is_not_deleted(labs):
    stack = labs.until(labs.enter(delete_age=3600, suspend_timeout=0), Phase.UP)
    Stack.objects.filter(pk=stack.pk).update(seen_at=timezone.now())
    labs.quiet_for(stack, 3601)
    labs.tend()
    assert labs.now(stack).phase == Phase.UP


def test_a_template_that_cannot_work_is_the_authors_to_mend(labs, caplog):
    stack = labs.until(labs.enter(template="hosts: 7\n"), Phase.FAILED)
    assert stack.error_kind == "author"
    assert "hosts" in stack.error_message
    assert re.fullmatch(REFERENCE, stack.error_reference)
    assert stack.error_reference in caplog.text
    assert stack.error_message not in caplog.text
    told = window_state(stack, timezone.now())["failure"]
    assert "staff" not in told
    assert window_state(stack, timezone.now(), staff=True)["failure"]["staff"] == stack.error_message
    assert labs.enter().phase == Phase.FAILED
    mended = labs.enter(template="hosts:\n  - name: web\n")
    labs.until(mended, Phase.UP)


def test_a_create_that_fails_leaves_nothing_in_the_cloud(labs):
    stack = labs.until(
        labs.enter(template="hosts:\n  - name: web\nfail: create\n"),
        Phase.FAILED,
        condition=lambda s: s.launched_at is None,
    )
    assert labs.cloud() == {}
    assert stack.error_message
    assert stack.error_reference


def test_a_lab_that_never_answers_is_kept_and_tried_again(labs):
    stack = labs.until(labs.enter(template="hosts:\n  - name: web\nboot_s: 600\n"), Phase.BOOTING)
    Stack.objects.filter(pk=stack.pk).update(deadline_at=timezone.now())
    stack = labs.until(stack, Phase.FAILED)
    assert stack.error_kind == "unreachable"
    assert f"{stack.address}:" in stack.error_message
    labs.due_now(stack)
    labs.tend()
    assert len(labs.cloud()) == 1
    assert labs.until(labs.enter(again=True), Phase.RESUMING).generation == 1


def test_a_stack_that_is_deleted_behind_our_back_is_said_to_be_lost(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    asyncio.run(labs.provider.delete(stack.ref))
    labs.due_now(stack)
    lost = labs.until(stack, Phase.FAILED)
    assert lost.error_kind == "lost"
    labs.until(labs.enter(again=True), Phase.UP)


def test_a_provider_that_is_unknown_is_skipped(labs):
    candidates = (
        wishes.Candidate(provider="elsewhere", template="x: 1"),
        wishes.Candidate(provider="local", template="hosts:\n  - name: web\n"),
    )
    stack = labs.until(labs.enter(candidates=candidates), Phase.UP)
    assert stack.provider == "local"


def test_with_no_known_provider_staff_are_told_which_is_missing(labs):
    candidates = (wishes.Candidate(provider="elsewhere", template="x: 1"),)
    stack = labs.until(labs.enter(candidates=candidates), Phase.FAILED)
    assert '"elsewhere"' in stack.error_message
    assert stack.error_kind == "transient"


def test_a_course_takes_no_more_places_than_its_capacity(labs):
    candidates = (wishes.Candidate(provider="local", template="hosts:\n  - name: web\n", capacity=1),)
    labs.until(labs.enter(candidates=candidates), Phase.UP)
    second = labs.until(labs.enter(learner_id="8"), Phase.FAILED)
    assert second.error_kind == "full"


def test_a_worker_that_dies_loses_nothing(labs):
    stack = labs.enter()
    now = timezone.now()
    [held] = Stack.objects.claim(now, worker="dead", lease_s=30, limit=10)
    assert labs.tend() == 0
    assert Stack.objects.release("dead") == 1
    labs.until(stack, Phase.UP)
    drive(held)
    assert labs.now(stack).phase == Phase.UP
    assert len(labs.cloud()) == 1


def test_a_worker_that_dies_between_the_order_and_its_record_orders_no_second_stack(labs):
    stack = labs.until(labs.enter(template="hosts:\n  - name: web\ncreate_s: 2\n"), Phase.CREATING)
    Stack.objects.filter(pk=stack.pk).update(phase="new", ref="", next_at=timezone.now())
    up = labs.until(stack, Phase.UP)
    assert up.ref == stack.ref
    assert len(labs.cloud()) == 1


def test_a_lease_that_is_over_ends_by_itself(labs):
    labs.enter()
    now = timezone.now()
    assert Stack.objects.claim(now, worker="dead", lease_s=30, limit=10)
    assert not Stack.objects.claim(now, worker="next", lease_s=30, limit=10)
    assert Stack.objects.claim(now + timedelta(seconds=31), worker="next", lease_s=30, limit=10)


def test_a_wish_that_comes_during_a_step_is_looked_at_at_once(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    labs.due_now(stack)
    [claimed] = Stack.objects.claim(timezone.now(), worker="w", lease_s=30, limit=10)
    wishes.sleep(stack)
    drive(claimed)
    assert labs.now(stack).next_at <= timezone.now()
    labs.until(stack, Phase.ASLEEP)


@pytest.mark.parametrize("phase", [Phase.UP, Phase.ASLEEP])
def test_secrets_never_reach_the_history_or_a_message(labs, phase, caplog):
    stack = labs.until(labs.enter(), Phase.UP)
    if phase == Phase.ASLEEP:
        wishes.sleep(stack)
        stack = labs.until(stack, Phase.ASLEEP)
    told = " ".join(stack.events.values_list("message", flat=True)) + caplog.text + str(vars(stack))
    for secret in stack.secrets.values():
        assert secret not in told


def test_a_lab_that_took_long_to_start_is_not_idle_when_it_is_there(labs):
    stack = labs.until(labs.enter(suspend_timeout=60, template=TERMINAL + "boot_s: 1\n"), Phase.BOOTING)
    labs.quiet_for(stack, 61)
    up = labs.until(stack, Phase.UP)
    assert window_state(up, timezone.now())["idle"] is None
    labs.due_now(up)
    labs.tend()
    assert labs.now(up).goal == "up"


def test_a_reset_makes_the_lab_as_the_author_has_it_now(labs):
    stack = labs.until(labs.enter(), Phase.UP)
    changed = replace(labs.order, candidates=(wishes.Candidate(provider="local", template=TERMINAL + "# new\n"),))
    wishes.reset(stack, changed)
    fresh = labs.until(stack, Phase.UP, condition=lambda s: s.generation > stack.generation)
    assert fresh.blueprint.template.endswith("# new\n")

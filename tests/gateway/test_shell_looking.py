"""Looking in at a learner's shell: seeing what they see, and typing only to help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from hastexo_lab.gateway.shell import RESET
from hastexo_lab.models import Stack
from tests.gateway.fixtures import LabHost, Program, running_gateway, wait_for
from tests.gateway.terminals import in_shell, lab_of, opened, ticket_to

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]
WATCH = {"user_id": "staff-1", "user_name": "Grace", "staff": True, "read_only": True}
HELP = {**WATCH, "read_only": False}


@pytest.fixture
def stack(sshd: LabHost) -> Stack:
    return lab_of(sshd)


async def test_who_looks_in_sees_what_was_and_what_comes_in_the_learners_size(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd), cols=90, rows=20) as learner:
        await learner.run("echo before $((6*7))")
        async with in_shell(gateway.port, ticket_to(stack, sshd, **WATCH), cols=200, rows=60) as staff:
            size = await staff.text("size")
            assert (size["cols"], size["rows"]) == (90, 20)
            await staff.shows("before 42")
            assert await learner.run("stty size") == "20 90\r\n"
            await staff.shows("20 90")
            await learner.tell("size", cols=70, rows=10)
            await staff.until(lambda p: [t for t in p.texts if t["type"] == "size" and t["cols"] == 70])
            assert [t["type"] for t in staff.texts[:2]] == ["ready", "size"]
            await staff.until(lambda p: bytes(p.output) == bytes(learner.output))


async def test_who_may_only_watch_cannot_type_and_is_no_activity(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as learner:
        await learner.prompted()
        await Stack.objects.filter(pk=stack.pk).aupdate(active_at=long_ago)
        async with in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)) as staff:
            await staff.prompted()
            await staff.type("echo no\n")
            await staff.tell("size", cols=33, rows=11)
            await staff.tell("ping")
            assert (await staff.text("pong"))["taken"] == 8
        await learner.tell("ping")
        await learner.text("pong")
    await asyncio.sleep(1.5)  # nothing is to happen: there is nothing to wait for
    assert b"echo no" not in learner.output
    assert (await Stack.objects.aget(pk=stack.pk)).active_at == long_ago


async def test_who_helps_types_into_the_learners_shell(gateway: Program, sshd: LabHost, stack: Stack) -> None:
    async with (
        in_shell(gateway.port, ticket_to(stack, sshd), cols=90, rows=20) as learner,
        in_shell(gateway.port, ticket_to(stack, sshd, **HELP), cols=200, rows=60) as staff,
    ):
        pid = await learner.run("echo $$")
        await staff.until(lambda p: bytes(p.output) == bytes(learner.output))
        await staff.tell("size", cols=33, rows=11)
        assert await staff.run("echo $$; stty size") == pid + "20 90\r\n"
        await learner.shows("20 90")


async def test_a_window_that_is_dragged_about_throws_nobody_out(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with (
        in_shell(gateway.port, ticket_to(stack, sshd)) as learner,
        in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)) as staff,
    ):
        await staff.prompted()
        for cols in range(4000):
            await learner.tell("size", cols=80 + cols % 2, rows=24)
        await learner.tell("size", cols=77, rows=7)
        await staff.until(lambda p: [t for t in p.texts if t["type"] == "size"][-1]["cols"] == 77)
        await staff.tell("ping")
        await staff.text("pong")


async def test_who_leaves_again_disturbs_nobody(gateway: Program, sshd: LabHost, stack: Stack) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as learner:
        pid = await learner.run("echo $$")
        async with in_shell(gateway.port, ticket_to(stack, sshd, **HELP)) as staff:
            await staff.prompted()
        async with in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)) as staff:
            await staff.prompted()
            staff.drop()
        assert await learner.run("echo $$") == pid


async def test_the_learners_shell_ends_for_all(gateway: Program, sshd: LabHost, stack: Stack) -> None:
    async with (
        in_shell(gateway.port, ticket_to(stack, sshd)) as learner,
        in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)) as staff,
    ):
        await learner.prompted()
        await learner.type("echo good''bye; exit\n")
        assert await staff.closed() == ("lab-ended", 4422)
        assert b"goodbye" in staff.output


async def test_a_learner_who_is_away_is_still_looked_at(gateway: Program, sshd: LabHost, stack: Stack) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as learner:
        pid = await learner.run("echo $$")
        learner.drop()
        await learner.closed()
    async with in_shell(gateway.port, ticket_to(stack, sshd, **HELP)) as staff:
        await staff.until(lambda p: bytes(p.output) == bytes(learner.output))
        assert await staff.run("echo $$") == pid


async def test_without_a_learner_there_is_a_shell_of_ones_own(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd, **HELP), cols=66, rows=22) as staff:
        assert await staff.run("stty size") == "22 66\r\n"
        async with in_shell(gateway.port, ticket_to(stack, sshd)) as learner:
            assert await learner.run("stty size") == "30 100\r\n"


async def test_who_watches_and_draws_nothing_does_not_hold_the_learner_up(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with (
        in_shell(gateway.port, ticket_to(stack, sshd)) as learner,
        in_shell(gateway.port, ticket_to(stack, sshd, **WATCH), credits=False) as staff,
    ):
        await learner.prompted()
        await learner.type("seq 300000\n")
        await learner.shows("\n300000\r\n")
        await learner.prompted()
        assert staff.received < 300_000
        staff.draw_from_now_on()
        await staff.credit()
        await staff.shows("\n300000\r\n")
        await staff.prompted()
        _, reset, rest = bytes(staff.output).rpartition(RESET)
        assert reset
        assert bytes(learner.output).endswith(rest)
        assert rest.partition(b"\r\n")[0].isdigit()


async def test_who_looks_in_comes_back_to_what_was_said_meanwhile(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as learner:
        await learner.run("echo before")
        async with in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)) as staff:
            await staff.until(lambda p: bytes(p.output) == bytes(learner.output))
            session = str((await staff.text("ready"))["session"])
            staff.drop()
            await staff.closed()
        await learner.run("echo mean''while")
        async with in_shell(
            gateway.port, ticket_to(stack, sshd, **WATCH), session=session, received=staff.received
        ) as again:
            assert (await again.text("ready"))["resumed"] is True
            await again.until(lambda p: bytes(staff.output + p.output) == bytes(learner.output))


@pytest.fixture(params=["off", "watch"])
def strict(request: pytest.FixtureRequest, database_file: Path, tmp_path: Path) -> Iterator[Program]:
    """A gateway where looking in is not allowed, or not to help."""
    with running_gateway("uvicorn", database_file, tmp_path, looking_in=request.param) as program:
        yield program


async def test_the_site_says_who_may_look_in(strict: Program, sshd: LabHost, stack: Stack) -> None:
    async with opened(strict.port, ticket_to(stack, sshd, **HELP)) as page:
        assert await page.closed() == ("looking-off", 4415)


async def test_the_visit_of_who_looks_in_is_written_down(gateway: Program, sshd: LabHost, stack: Stack) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd, **WATCH)):
        visit = await stack.visits.aget(user_id="staff-1")
        assert (visit.user_name, visit.looks_in, visit.read_only, visit.door) == ("Grace", True, True, "shell")
    await asyncio.to_thread(wait_for, lambda: stack.visits.get(pk=visit.pk).left_at)

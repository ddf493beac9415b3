"""What a gateway takes on, and how it says that it takes no more."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hastexo_lab.models import Stack, Visit
from tests.gateway import labs
from tests.gateway.fixtures import SERVERS, LabHost, Program, running_gateway, wait_for
from tests.gateway.page import Page, in_lab, opened
from tests.gateway.terminals import in_shell
from tests.gateway.test_asgi import get

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]

STAFF = {"user_id": "staff-1", "user_name": "Ann", "staff": True}


@pytest.fixture
def start(guacd: Program, site_database: Path, tmp_path: Path) -> Callable[..., Any]:
    """Starts a gateway of one's own."""

    def running(server: str = "uvicorn", **settings: object) -> Any:
        return running_gateway(server, site_database, tmp_path, guacd_port=guacd.port, **settings)

    return running


@pytest.fixture
def ticket(sshd: LabHost) -> Callable[..., str]:
    """Makes tickets into a terminal lab, of its own unless one is given."""

    def make(stack: Stack | None = None, **said: Any) -> str:
        stack = stack or labs.lab(secrets={"private_key": sshd.keys["rsa"]})
        return labs.ticket(stack, **{"port": sshd.port, "login": sshd.user, **said})

    return make


def events(gateway: Program, **known: Any) -> Any:
    """A page at the door `events` of a lab of its own."""
    return opened(gateway.port, labs.ticket(labs.lab(**known), door="events"), door="events")


async def ready(gateway: Program) -> tuple[int, str]:
    status, body = await asyncio.to_thread(get, gateway.port, "/hastexo-lab/ready")
    return status, json.loads(body)["status"]


async def is_ready(gateway: Program, expected: tuple[int, str]) -> None:
    async with asyncio.timeout(15):
        while await ready(gateway) != expected:
            await asyncio.sleep(0.05)


async def test_a_full_gateway_says_so_to_pages_and_balancers(start: Any) -> None:
    with start(max_sessions=2) as gateway:
        assert await ready(gateway) == (200, "ok")
        async with events(gateway) as one, events(gateway, learner_id="learner-2") as two:
            await one.text("state")
            await two.text("state")
            assert await ready(gateway) == (503, "full")
            async with events(gateway, learner_id="learner-3") as three:
                assert await three.closed() == ("limit", 4435)
                assert "too many" in three.texts[-1]["text"]
        await is_ready(gateway, (200, "ok"))
    assert "raise max_sessions" in gateway.log.read_text()


async def test_one_user_cannot_take_all(start: Any) -> None:
    with start(max_sessions_per_user=2) as gateway:
        async with events(gateway) as one, events(gateway) as two, events(gateway) as three:
            await one.text("state")
            await two.text("state")
            assert await three.closed() == ("limit", 4435)
            async with events(gateway, learner_id="learner-2") as other:
                await other.text("state")
        assert "max_sessions_per_user 2" in gateway.log.read_text()


async def test_pages_of_one_user_that_say_nothing_keep_nobody_out(start: Any, ticket: Callable[..., str]) -> None:
    one, other = await _lab_of(ticket), labs.lab(learner_id="learner-2")
    with start(max_sessions=5, max_sessions_per_user=2) as gateway:
        async with contextlib.AsyncExitStack() as pages:
            for _ in range(4):
                await pages.enter_async_context(opened(gateway.port, ticket(one)))
            for _ in range(2):
                page = await pages.enter_async_context(opened(gateway.port, ticket(one)))
                assert await page.closed() == ("limit", 4435)
            async with opened(gateway.port, labs.ticket(other, door="events"), door="events") as page:
                await page.text("state")


async def test_whoever_has_all_that_one_may_have_can_come_back(start: Any, ticket: Callable[..., str]) -> None:
    stack = await _lab_of(ticket)
    with start(max_sessions_per_user=2) as gateway:
        async with contextlib.AsyncExitStack() as pages:
            first = [await pages.enter_async_context(in_lab(gateway.port, ticket(stack))) for _ in range(2)]
            sessions = [(await page.text("ready"))["session"] for page in first]
            again = [await pages.enter_async_context(opened(gateway.port, ticket(stack))) for _ in range(2)]
            for page, session in zip(again, sessions, strict=True):
                await page.tell("connect", width=800, height=600, session=session)
                assert (await page.text("ready"))["resumed"]


async def test_what_is_held_counts_and_can_still_be_taken_up(start: Any, ticket: Callable[..., str]) -> None:
    stack = Stack.objects.get(pk=(await _lab_of(ticket)).pk)
    with start(max_sessions=1) as gateway:
        async with in_lab(gateway.port, ticket(stack)) as page:
            session = (await page.text("ready"))["session"]
            page.drop()
        assert await ready(gateway) == (503, "full")
        async with opened(gateway.port, ticket(stack)) as page:
            await page.tell("connect", width=800, height=600)
            assert await page.closed() == ("limit", 4435)
        async with in_lab(gateway.port, ticket(stack), session=session) as page:
            assert (await page.text("ready"))["resumed"]


async def _lab_of(ticket: Callable[..., str]) -> Stack:
    await asyncio.to_thread(ticket)
    return await Stack.objects.alatest("pk")


async def test_without_a_database_no_page_is_sent_here(site_database: Path, tmp_path: Path) -> None:
    with running_gateway("uvicorn", tmp_path / "no" / "file", tmp_path) as gateway:
        assert await ready(gateway) == (503, "no database")


async def test_a_page_that_says_nothing_at_all_can_come_back(start: Any, ticket: Callable[..., str]) -> None:
    stack = await _lab_of(ticket)
    with start(silent_timeout=2) as gateway:
        async with in_lab(gateway.port, ticket(stack)) as page:
            session = (await page.text("ready"))["session"]
            page.be_silent()
            assert await page.closed() == ("silent", 4413)
        async with in_lab(gateway.port, ticket(stack), session=session) as page:
            assert (await page.text("ready"))["resumed"]


async def test_a_page_that_never_connects_is_not_waited_for(start: Any, ticket: Callable[..., str]) -> None:
    with start(handshake_timeout=1) as gateway:
        async with opened(gateway.port, ticket()) as page:
            assert await page.closed() == ("protocol", 4410)


async def test_no_timeout_is_none(start: Any, ticket: Callable[..., str]) -> None:
    stack = await _lab_of(ticket)
    with start(silent_timeout=0, handshake_timeout=0) as gateway:
        async with (
            in_lab(gateway.port, ticket(stack)) as desktop,
            in_shell(gateway.port, ticket(stack, door="shell")) as shell,
            opened(gateway.port, labs.ticket(stack, door="events"), door="events") as listener,
        ):
            await asyncio.sleep(2.5)  # nothing is to happen: there is nothing to wait for
            for page in (desktop, shell, listener):
                await page.tell("ping")
                await page.text("pong")


async def test_a_flood_of_pings_is_answered_by_the_end(start: Any) -> None:
    with start() as gateway:
        async with events(gateway) as page:
            await page.text("state")
            for _ in range(200):
                await page.tell("ping")
            assert await page.closed() == ("protocol", 4410)


async def test_messages_are_as_long_as_the_site_says(start: Any, ticket: Callable[..., str]) -> None:
    with start(max_message_bytes=1000) as gateway:
        async with in_lab(gateway.port, ticket()) as page:
            await page.socket.send(b"3.nop;" * 200)
            assert await page.closed() == ("too-long", 4411)


# Who may look in.


@pytest.mark.parametrize(
    ("may", "read_only", "word"),
    [
        ("off", True, "looking-off"),
        ("off", False, "looking-off"),
        ("watch", False, "looking-off"),
        ("watch", True, ""),
    ],
)
async def test_a_site_says_whether_its_course_teams_look_in(
    start: Any, ticket: Callable[..., str], may: str, read_only: bool, word: str
) -> None:
    stack = await _lab_of(ticket)
    with start(looking_in=may) as gateway:
        async with opened(gateway.port, ticket(stack, read_only=read_only, **STAFF)) as page:
            await page.tell("connect", width=800, height=600)
            if word:
                assert await page.closed() == (word, 4415)
                visit = await Visit.objects.alatest("pk")
                assert visit.left_at
            else:
                await page.text("ready")
        async with in_lab(gateway.port, ticket(stack)) as learner:
            await learner.text("ready")


async def test_the_learner_is_told_who_looks_in_and_when_they_leave(
    gateway: Program, ticket: Callable[..., str]
) -> None:
    stack = await _lab_of(ticket)

    def told(page: Page) -> list[dict[str, Any]]:
        states = [text["state"] for text in page.texts if text["type"] == "state"]
        return states[-1]["visitors"] if states else []

    async with opened(gateway.port, labs.ticket(stack, door="events"), door="events") as learner:
        assert (await learner.text("state"))["state"]["visitors"] == []
        async with (
            in_lab(gateway.port, ticket(stack, read_only=True, **STAFF)) as staff,
            opened(gateway.port, labs.ticket(stack, door="events", **STAFF), door="events") as theirs,
        ):
            assert await learner.until(told) == [{"name": "Ann", "read_only": True}]
            await theirs.text("state")
            assert told(theirs) == []
            await staff.tell("ping")
        await learner.until(lambda page: not told(page))


# The key in the path is for balancers.


async def test_the_key_of_the_path_must_be_the_tickets(gateway: Program) -> None:
    stack, other = labs.lab(), labs.lab()
    for door in (f"events/{stack.key}", "events"):
        async with opened(gateway.port, labs.ticket(stack, door="events"), door=door) as page:
            await page.text("state")
    for key in (other.key, "x" * 255, "a/b"):
        async with opened(gateway.port, labs.ticket(stack, door="events"), door=f"events/{key}") as page:
            assert await page.closed() == ("forged", 4401)


# The end of a gateway.


@pytest.mark.parametrize("server", [*sorted(SERVERS), "gunicorn"])
async def test_a_gateway_that_ends_takes_nobody_in_and_says_so(
    start: Any, ticket: Callable[..., str], server: str
) -> None:
    with start(server, drain_timeout=3) as gateway:
        async with in_lab(gateway.port, ticket()) as page, events(gateway) as listener:
            await listener.text("state")
            gateway.process.terminate()
            assert await page.closed() == ("reconnect", 4432)
            assert await listener.closed() == ("reconnect", 4432)
        if server != "gunicorn":  # which closes its port first
            assert await ready(gateway) == (503, "draining")
            async with events(gateway) as late:
                assert await late.closed() == ("reconnect", 4432)
        await asyncio.to_thread(gateway.process.wait, 10)
    assert not await Visit.objects.filter(left_at=None).aexists()


async def test_a_gateway_without_sessions_ends_at_once(start: Any) -> None:
    with start(drain_timeout=60) as gateway:
        async with events(gateway) as page:
            await page.text("state")
            gateway.process.terminate()
            assert await page.closed() == ("reconnect", 4432)
        await asyncio.to_thread(gateway.process.wait, 10)


async def test_who_asks_twice_waits_for_nobody(start: Any, ticket: Callable[..., str]) -> None:
    with start(drain_timeout=60) as gateway:
        async with in_lab(gateway.port, ticket()) as page:
            gateway.process.terminate()
            await page.closed()
        assert await ready(gateway) == (503, "draining")
        gateway.process.terminate()
        await asyncio.to_thread(wait_for, lambda: gateway.process.poll() is not None)

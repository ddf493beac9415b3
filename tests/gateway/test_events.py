"""The door `events` under real servers: changes come, presence is written."""

from __future__ import annotations

import asyncio
import datetime
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from hastexo_lab.models import Stack, Visit
from hastexo_lab.phases import Phase
from tests.gateway import labs
from tests.gateway.fixtures import Program, running_gateway, wait_for
from tests.gateway.page import Page, opened

pytestmark = pytest.mark.usefixtures("site_database")


async def state(
    page: Page, wanted: Callable[[dict[str, Any]], object], *, timeout_s: float = 30.0
) -> dict[str, Any]:
    """The latest state, once it is as wanted."""
    await page.until(
        lambda p: [t for t in p.texts if t["type"] == "state" and wanted(t["state"])], timeout_s=timeout_s
    )
    latest: dict[str, Any] = [t["state"] for t in page.texts if t["type"] == "state"][-1]
    return latest


def events(gateway: Program, stack: Stack, **said: Any) -> Any:
    """The page at the door."""
    return opened(gateway.port, labs.ticket(stack, door="events", **said), door="events")


async def test_the_state_comes_at_once_and_at_each_change(gateway: Program) -> None:
    stack = labs.lab(phase=Phase.CREATING)
    async with events(gateway, stack) as page:
        await state(page, lambda s: s["phase"] == "creating")
        for done in (1, 2):
            Stack.objects.filter(pk=stack.pk).update(progress={"done": done, "total": 2})
            began = time.monotonic()
            await state(page, lambda s, done=done: s["done"] == done)
            assert time.monotonic() - began < 1.5
        Stack.objects.filter(pk=stack.pk).update(phase=Phase.UP)
        told = await state(page, lambda s: s["phase"] == "up")
        assert told["idle"] is None
        assert len([t for t in page.texts if t["type"] == "state"]) == 4


async def test_the_cause_of_a_failure_is_for_staff(gateway: Program) -> None:
    stack = labs.lab(phase=Phase.FAILED, error_kind="author", error_message="line 3")
    async with events(gateway, stack) as learner, events(gateway, stack, user_id="t", staff=True) as staff:
        assert "staff" not in (await state(learner, lambda s: s["failure"]))["failure"]
        assert (await state(staff, lambda s: s["failure"]))["failure"]["staff"] == "line 3"


async def test_sleep_is_announced_and_a_sign_of_life_puts_it_off(gateway: Program) -> None:
    stack = labs.lab(suspend_timeout=20, active_at=timezone.now() - timedelta(seconds=8))
    async with events(gateway, stack) as page:
        await state(page, lambda s: s["idle"] is None)
        told = await state(page, lambda s: s["idle"])
        assert 8 <= told["idle"]["left"] <= 10
        await page.tell("active")
        began = time.monotonic()
        await page.until(lambda p: p.texts[-1]["type"] == "state" and p.texts[-1]["state"]["idle"] is None)
        assert time.monotonic() - began < 1.6
    stack.refresh_from_db()
    assert timezone.now() - stack.active_at < timedelta(seconds=5)


async def test_a_lab_can_be_kept_awake_for_an_hour_at_most(gateway: Program) -> None:
    stack = labs.lab(suspend_timeout=1200)
    async with events(gateway, stack) as page:
        await page.tell("extend", seconds=10**9)
        wanted = timezone.now() + timedelta(seconds=3600 - 1200)
        await asyncio.to_thread(wait_for, lambda: abs(_active_at(stack) - wanted) < timedelta(seconds=5))
        await page.tell("extend", seconds=60)
        await page.tell("ping")
        await page.text("pong")
        assert abs(_active_at(stack) - wanted) < timedelta(seconds=5)


def _active_at(stack: Stack) -> datetime.datetime:
    return Stack.objects.values_list("active_at", flat=True).get(pk=stack.pk)


async def test_who_may_only_look_keeps_no_lab_awake(gateway: Program) -> None:
    before = timezone.now() - timedelta(seconds=15)
    stack = labs.lab(suspend_timeout=20, active_at=before)
    async with events(gateway, stack, read_only=True, user_id="t", staff=True) as page:
        await page.tell("active")
        await page.tell("extend", seconds=3600)
        await page.tell("ping")
        await page.text("pong")
        await asyncio.to_thread(wait_for, lambda: Stack.objects.get(pk=stack.pk).seen_at)
        assert _active_at(stack) == before


async def test_presence_and_the_end_of_a_visit_are_written(gateway: Program) -> None:
    stack = labs.lab()
    async with events(gateway, stack) as page:
        await page.text("state")
        await asyncio.to_thread(wait_for, lambda: Stack.objects.get(pk=stack.pk).seen_at)
        visit = Visit.objects.get(stack=stack)
        assert visit.left_at is None
    await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)


@pytest.mark.parametrize("message", [b"3.nop;", '{"type": "credit", "bytes": 1}', "x", '{"type": "extend"}'])
async def test_rubbish_closes_the_door(gateway: Program, message: str | bytes) -> None:
    async with events(gateway, labs.lab()) as page:
        await page.text("state")
        await page.socket.send(message)
        assert await page.closed() == ("protocol", 4410)


async def test_a_database_that_is_away_for_a_while_closes_nothing(site_database: Path, tmp_path: Path) -> None:
    stack = labs.lab()
    hidden = site_database.with_suffix(".away")
    with running_gateway("uvicorn", site_database, tmp_path) as gateway:
        async with events(gateway, stack) as page:
            await page.text("state")
            lock = sqlite3.connect(site_database)
            lock.execute("ALTER TABLE hastexo_lab_stack RENAME TO away")
            lock.commit()
            try:
                await asyncio.to_thread(wait_for, lambda: gateway.log.read_text().count("watch failed") >= 2)
            finally:
                lock.execute("ALTER TABLE away RENAME TO hastexo_lab_stack")
                lock.commit()
                lock.close()
            Stack.objects.filter(pk=stack.pk).update(phase=Phase.SUSPENDING)
            await state(page, lambda s: s["phase"] == "suspending", timeout_s=10)
    assert "watch goes on" in gateway.log.read_text()
    assert not hidden.exists()
    assert os.path.exists(site_database)

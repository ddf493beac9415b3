"""The credit window, and ending together."""

from __future__ import annotations

import asyncio

import pytest

from hastexo_lab.gateway.relay import Window, together


async def test_the_window_closes_when_full_and_opens_with_credit() -> None:
    window = Window(100)
    await asyncio.wait_for(window.room(), 1)
    window.sent(99)
    await asyncio.wait_for(window.room(), 1)
    window.sent(1)
    waiting = asyncio.create_task(window.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert window.credit(1)
    await asyncio.wait_for(waiting, 1)


def test_credit_is_news_only_when_it_grows_and_never_more_than_was_sent() -> None:
    window = Window(100)
    window.sent(50)
    assert window.credit(10)
    assert not window.credit(10)
    assert not window.credit(5)
    assert window.credit(10**9)
    assert not window.credit(51)
    window.sent(1)
    assert window.credit(51)


async def test_the_first_end_ends_all_and_is_told() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("first")

    with pytest.raises(KeyError):
        await together(forever(), fails(), forever())
    assert ended == [True, True]


async def test_who_is_cancelled_cancels_all() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    task = asyncio.create_task(together(forever(), forever()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True, True]

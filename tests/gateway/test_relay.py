"""The credit window."""

from __future__ import annotations

from hastexo_lab.gateway.relay import Window


def test_the_window_closes_when_full_and_opens_with_credit() -> None:
    window = Window(100)
    assert window.room
    window.sent(99)
    assert window.room
    window.sent(1)
    assert not window.room
    assert window.credit(1)
    assert window.room


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

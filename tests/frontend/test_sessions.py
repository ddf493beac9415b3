"""Sessions that outlive a lost network: what the learner sees, and what goes to the gateway again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import ARGUMENTS, CHROMIUM
from tests.frontend.pretend import Pretend, Visit, picture, until

BLUE = (0, 0, 255)
GREEN = (0, 128, 0)
DOWN = (503, "<h1>down</h1>")
CENTRE = """() => {
  const pane = document.querySelector("hastexo-lab").shadowRoot.querySelector(".hl-pane:not([hidden])");
  const canvas = pane?.querySelector("canvas");
  if (!canvas?.width || pane.matches(".hl-stale")) return null;
  return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""
STALE = "document.querySelector('hastexo-lab').shadowRoot.querySelector('.hl-stale canvas')"
KEY_A = b"3.key,2.97,1.1;3.key,2.97,1.0;"


def expect_colour(page: Page, colour: tuple[int, int, int]) -> None:
    until(lambda: page.evaluate(CENTRE) == list(colour), f"{colour} on the screen")


def opened(page: Page, site: Pretend, **args: Any) -> Visit:
    page.evaluate("args => start(args)", args)
    visit = site.door("desktop")
    visit.draw(picture(BLUE))
    expect_colour(page, BLUE)
    return visit


def lose(site: Pretend, visit: Visit) -> None:
    """The network goes away: the socket breaks, and no ticket comes."""
    site.answers["ticket"] = DOWN
    visit.socket.socket.close()


def hasten(page: Page, site: Pretend) -> None:
    """The network is back."""
    del site.answers["ticket"]
    page.evaluate("dispatchEvent(new Event('online'))")


def asked_for(site: Pretend, door: str = "desktop") -> int:
    return sum(body["door"] == door for body in site.bodies("ticket"))


def test_a_lost_session_is_kept_with_a_countdown_and_goes_on(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    page.locator(".hl-pane").click()
    lose(site, first)
    card = page.locator(".hl-card")
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    expect(page.locator(".hl-stage")).to_be_focused()
    expect(card).to_contain_text(re.compile(r"Your session is kept for 1:5\d\."))
    expect(card).to_contain_text(re.compile(r"Trying again (in 0:0\d|now)\."))
    expect_colour(page, BLUE)
    hasten(page, site)
    again = site.door("desktop")
    assert again.ticket != first.ticket
    assert again.control[0]["session"] == first.session == again.session
    expect(card).to_have_count(0)
    assert page.evaluate(f"!!{STALE}"), "the old picture stays, dimmed, until the new one is there"
    again.draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.locator(".hl-notice")).to_have_count(0)
    expect(page.locator(".hl-pane")).to_be_focused()


def test_what_was_typed_into_a_dead_line_is_sent_again_once(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    page.locator(".hl-pane").click()
    page.keyboard.type("b")
    until(lambda: b"3.key,2.98,1.0;" in first.typed, "the key that arrives")
    first.deaf = True
    page.keyboard.type("a")
    page.evaluate("new Promise(requestAnimationFrame)")
    lose(site, first)
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    page.keyboard.type("c")
    hasten(page, site)
    again = site.door("desktop")
    until(lambda: KEY_A in again.typed, "the key that was lost")
    assert again.typed.count(b"3.key,2.98,1.1;") == again.typed.count(KEY_A) == 1
    assert b"3.key,2.99,1.1;" not in again.typed, "what is typed at a card stays there"


def test_a_key_that_was_down_when_the_line_broke_comes_up(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    page.locator(".hl-pane").click()
    page.keyboard.down("Shift")
    until(lambda: b"3.key,5.65505,1.1;" in first.typed, "the key's press")
    lose(site, first)
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    page.keyboard.up("Shift")
    hasten(page, site)
    again = site.door("desktop")
    until(lambda: b"3.key,5.65505,1.0;" in again.instructions, "its release")


def test_a_session_that_could_not_be_kept_is_never_replaced_in_silence(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    site.kept.clear()
    first.socket.socket.close()
    again = site.door("desktop")
    again.draw(picture(GREEN))
    expect(page.locator(".hl-notice")).to_contain_text("This is a new session. The one before could not be kept.")
    expect(page.locator("[data-role=status]")).to_contain_text("This is a new session.")
    page.get_by_role("button", name="Hide this notice").click()
    expect(page.locator(".hl-notice")).to_have_count(0)
    expect(page.locator(".hl-pane")).to_be_focused()


def test_after_the_time_that_it_is_kept_only_the_learner_tries_again(page: Page, site: Pretend) -> None:
    site.hold = 3
    first = opened(page, site)
    lose(site, first)
    button = page.get_by_role("button", name="Connect again")
    expect(button).to_be_visible()
    expect(page.locator(".hl-card")).to_contain_text("Your session was kept for 5 seconds and is over now.")
    tries = asked_for(site)
    assert tries >= 3
    site.kept.clear()
    page.evaluate("dispatchEvent(new Event('online'))")
    del site.answers["ticket"]
    assert asked_for(site) == tries
    button.click()
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.locator(".hl-notice")).to_have_count(0)


def test_the_learner_need_not_wait_for_the_next_try(page: Page, site: Pretend) -> None:
    page.clock.install()
    first = opened(page, site)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    first.socket.socket.close()
    page.get_by_role("button", name="Try now").click()
    assert site.door("desktop").session == first.session
    expect(page.locator(".hl-card")).to_have_count(0)


@pytest.mark.parametrize(
    "sign", ["window.dispatchEvent(new Event('online'))", "document.dispatchEvent(new Event('visibilitychange'))"]
)
def test_when_the_network_or_the_learner_is_back_nothing_waits(page: Page, site: Pretend, sign: str) -> None:
    page.clock.install()
    first = opened(page, site)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    first.socket.socket.close()
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    assert asked_for(site) == 1
    page.evaluate(sign)
    assert site.door("desktop").session == first.session


def test_a_try_that_hangs_is_given_up_for_the_next(page: Page, site: Pretend) -> None:
    page.clock.install()
    first = opened(page, site)
    site.ready = False
    first.socket.socket.close()
    silent = site.door("desktop")
    site.ready = True
    page.clock.fast_forward(11_000)
    again = site.door("desktop")
    assert again.session == first.session
    assert silent.closed.wait(10)


def test_a_session_in_another_window_is_taken_back_by_hand(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    first.tell(type="error", code="moved", status=0x209, text="This session goes on in another tab.")
    expect(page.get_by_role("heading", name="Your session is open in another window")).to_be_visible()
    expect(page.locator("[data-role=status]")).to_contain_text("In another window")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert asked_for(site) == 1
    page.get_by_role("button", name="Use it here").click()
    assert site.door("desktop").session == first.session


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("host-key", "This lab does not show the key it had before"),
        ("limit", "Too many screens are open"),
        ("lab-login", "This lab does not let the page in"),
    ],
)
def test_what_a_try_would_not_change_is_not_tried(page: Page, site: Pretend, code: str, heading: str) -> None:
    site.ready = False
    page.evaluate("start({})")
    site.door("desktop").tell(type="error", code=code, status=0x200, text="What it is, and what to do.")
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator(".hl-card")).to_contain_text("What it is, and what to do.")
    expect(page.locator(".hl-foot")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('online'))")
    assert asked_for(site) == 1
    site.ready = True
    page.get_by_role("button", name="Try again").click()
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)


def test_a_page_that_goes_away_ends_its_sessions(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    page.goto("about:blank")
    assert first.closed.wait(10)
    assert first.close_code == 1000


def test_a_page_that_the_browser_keeps_leaves_them_and_comes_back(browser: Browser, site: Pretend) -> None:
    keeping = browser.browser_type.launch(
        executable_path=CHROMIUM, args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    page = keeping.new_page()
    page.goto(f"{site.url}/tests/frontend/page.html")
    page.evaluate("window.mark = 'the same page'")
    first = opened(page, site)
    page.goto(f"{site.url}/README.md")
    assert first.closed.wait(10)
    assert first.close_code not in (0, 1000)
    page.go_back(wait_until="commit")
    again = site.door("desktop")
    assert again.session == first.session
    again.draw(picture(GREEN))
    expect_colour(page, GREEN)
    assert page.evaluate("mark") == "the same page"
    keeping.close()


def test_each_machine_has_its_own_door_and_only_what_it_needs(page: Page, site: Pretend) -> None:
    hosts = [
        {"name": "web", "kind": "terminal", "door": "shell"},
        {"name": "db", "kind": "terminal", "door": "shell"},
    ]
    page.evaluate("hosts => start({ hosts })", hosts)
    web = site.door("shell")
    web.socket.send(b"learner@web:~$ ")
    expect(page.locator(".hl-pane").first).to_contain_text("learner@web:~$")
    page.get_by_role("tab", name="db").click()
    db = site.door("shell")
    assert [body["host"] for body in site.bodies("ticket") if body["door"] == "shell"] == [0, 1]
    page.locator(".hl-pane:not([hidden]) .xterm").click()
    page.keyboard.type("ls")
    until(lambda: db.typed == b"ls", "what is typed, where it belongs")
    assert not web.typed
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name.split('/').at(-1))")
    assert "shell.js" in loaded
    assert "desktop.js" not in loaded


def test_a_shell_and_a_desktop_stand_side_by_side_and_come_back_each_for_itself(page: Page, site: Pretend) -> None:
    hosts = [
        {"name": "web", "kind": "terminal", "door": "shell"},
        {"name": "desk", "kind": "desktop", "door": "desktop"},
    ]
    page.evaluate("hosts => start({ hosts })", hosts)
    web = site.door("shell")
    page.get_by_role("tab", name="desk").click()
    desk = site.door("desktop")
    desk.draw(picture(BLUE))
    expect_colour(page, BLUE)
    web.socket.socket.close()
    back = site.door("shell")
    assert back.session == web.session
    expect(page.locator("[data-role=status]")).to_contain_text("Ready")
    assert not desk.closed.is_set()

"""One door in a page of a project that has no XBlock."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import Pretend, picture, until

OPEN = """options => {
  const element = document.createElement("div");
  document.querySelector(".units").append(element);
  window.door = HastexoLabDoor(element, options);
}"""
ASKED = """async options => {
  const ticket = async () => (await fetch("/handler/mine", { method: "POST", body: "{}" })).json();
  const element = document.createElement("div");
  document.querySelector(".units").append(element);
  window.door = HastexoLabDoor(element, { ...options, ticket });
}"""


def status(page: Page) -> Any:
    return page.locator("[data-role=status]")


def test_a_shell_behind_an_address_that_gives_tickets(page: Page, site: Pretend) -> None:
    page.evaluate(OPEN, {"door": "shell", "ticket": "/handler/open", "label": "build server"})
    visit = site.door("shell")
    visit.socket.send(b"root@build:~# ")
    expect(page.get_by_role("region", name="Lab: build server")).to_contain_text("root@build:~#")
    expect(status(page)).to_contain_text("Ready")
    expect(page.get_by_role("button", name="Full screen")).to_be_visible()
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    assert site.asked[0][2]["X-CSRFToken"] == "a-token"
    page.locator(".xterm").click()
    page.keyboard.type("ls")
    until(lambda: visit.typed == b"ls", "what is typed")


def test_it_comes_back_to_its_session(page: Page, site: Pretend) -> None:
    page.evaluate(ASKED, {"door": "shell"})
    first = site.door("shell")
    first.socket.send(b"$ ")
    expect(status(page)).to_contain_text("Ready")
    site.answers["mine"] = (502, "")
    first.socket.socket.close()
    expect(page.locator(".hl-card")).to_contain_text(re.compile(r"Your session is kept for 1:5\d"))
    del site.answers["mine"]
    page.evaluate("dispatchEvent(new Event('online'))")
    again = site.door("shell")
    assert again.control[0]["session"] == first.session
    assert again.control[0]["received"] == 2
    expect(page.locator(".hl-card")).to_have_count(0)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_desktop_to_use_or_to_watch(page: Page, site: Pretend, read_only: bool) -> None:
    ticket = "async () => ({ url: GATEWAY, ticket: 'mine' })".replace("GATEWAY", f"'{site.gateway}/x/desktop/key'")
    options = f"{{ door: 'desktop', readOnly: {str(read_only).lower()}, ticket: {ticket} }}"
    page.evaluate(f"({OPEN})({options})")
    visit = site.door("desktop")
    visit.draw(picture((0, 0, 255)))
    assert visit.ticket == "mine"
    expect(page.get_by_role("application", name="Desktop. Control F6 leaves it.")).to_be_visible()
    expect(page.get_by_text("View only")).to_have_count(int(read_only))
    expect(page.locator(".hl-pane canvas").first).to_be_visible()
    page.locator(".hl-pane").click()
    page.keyboard.type("x")
    page.evaluate("door.close()")
    assert visit.closed.wait(10)
    assert visit.close_code == 1000
    assert (b"3.key,3.120,1.1;" in visit.instructions) is not read_only
    expect(page.locator("hastexo-lab")).to_have_count(0)


def test_a_project_that_says_no_is_heard_and_asked_again_only_by_hand(page: Page, site: Pretend) -> None:
    site.answers["mine"] = (200, {"error": "Your <b>time</b> is up."})
    page.evaluate(ASKED, {"door": "shell"})
    expect(page.get_by_role("heading", name="This lab does not let the page in")).to_be_visible()
    expect(page.locator(".hl-card")).to_contain_text("Your <b>time</b> is up.")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert len(site.bodies("mine")) == 1
    del site.answers["mine"]
    page.get_by_role("button", name="Try again").click()
    site.door("shell")


def test_the_other_files_are_found_beside_it_or_where_the_project_has_them(page: Page, site: Pretend) -> None:
    page.evaluate(
        OPEN, {"door": "shell", "ticket": "/handler/open", "shell_js": "/hastexo_lab/static/shell.js?v=2"}
    )
    site.door("shell")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert f"{site.url}/hastexo_lab/static/lab.css" in loaded
    assert f"{site.url}/hastexo_lab/static/shell.js?v=2" in loaded

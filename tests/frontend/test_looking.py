"""Looking in: what a learner sees of it, and how staff come to a learner's lab and back to their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import Pretend, Visit, picture, story, until

BLUE = (0, 0, 255)
GREEN = (0, 128, 0)
DESK = [{"name": "desk", "kind": "desktop", "door": "desktop"}]
AMARA = {"name": "Amara Okafor", "read_only": True}
BEN = {"name": "Ben Li", "read_only": False}
LABS = [
    {
        "key": "key-of-ada",
        "learner": "Ada Lovelace",
        "phase": "up",
        "active": "2026-01-01T10:00:00+00:00",
        "here": True,
    },
    {
        "key": "key-of-emmy",
        "learner": "Emmy <b>Noether</b>",
        "phase": "asleep",
        "active": "2026-01-01T10:00:00+00:00",
        "here": False,
    },
]
COLOURS = """() => {
  const { shadowRoot } = document.querySelector("hastexo-lab");
  const centre = ({ width, height }) => [width / 2, height / 2, 1, 1];
  return [...shadowRoot.querySelectorAll(".hl-pane:not([hidden]) canvas")]
    .filter(canvas => canvas.width)
    .map(canvas => [...canvas.getContext("2d").getImageData(...centre(canvas)).data].slice(0, 3));
}"""


def expect_colour(page: Page, colour: tuple[int, int, int]) -> None:
    until(lambda: page.evaluate(COLOURS) == [list(colour)], f"{colour} on the screen, and nothing else")


def opened(page: Page, site: Pretend, **args: Any) -> Visit:
    page.evaluate("args => start(args)", {"hosts": DESK, **args})
    visit = site.door("desktop")
    visit.draw(picture(BLUE))
    expect_colour(page, BLUE)
    return visit


def instructor(page: Page, site: Pretend, looking_in: str = "help") -> Visit:
    """Staff in their own lab, with the list of learners' labs open."""
    site.answers["labs"] = (200, {"labs": LABS, "more": False})
    visit = opened(page, site, staff=True, looking_in=looking_in)
    page.get_by_role("button", name="Learners' labs").click()
    expect(page.get_by_role("dialog", name="Learners' labs")).to_contain_text("2 labs")
    return visit


def status(page: Page) -> Any:
    return page.locator("[data-role=status]")


def heard(page: Page) -> None:
    """Keep what the status says from now on."""
    page.evaluate(
        """() => {
          const status = document.querySelector("hastexo-lab").shadowRoot.querySelector("[data-role=status]");
          window.said = [];
          const watch = new MutationObserver(() => said.push(status.textContent));
          watch.observe(status, { childList: true, subtree: true });
        }"""
    )


def test_a_learner_sees_who_looks_in_and_keeps_a_sign_of_it(page: Page, site: Pretend) -> None:
    opened(page, site)
    heard(page)
    site.tell(story("up", visitors=[AMARA]))
    notice = page.locator(".hl-notice")
    words = "Amara Okafor, your instructor, is looking in and can see this screen, but not type."
    expect(notice).to_have_text(words)
    expect(notice.locator("b")).to_have_text("Amara Okafor")
    page.get_by_role("button", name="Hide this notice").press("Enter")
    chip = page.get_by_role("button", name="Amara Okafor is looking in. Show the notice")
    expect(chip).to_be_focused()
    expect(notice).to_have_count(0)
    chip.press("Enter")
    expect(notice).to_have_text(words)
    expect(page.get_by_role("button", name="Hide this notice")).to_be_focused()
    assert page.evaluate("said") == [f"Ready. {words}"], "told once, however often it is shown"
    site.tell(story("up"))
    expect(notice).to_have_count(0)
    expect(chip).to_have_count(0)


def test_several_visitors_are_all_named_and_a_new_one_is_news(page: Page, site: Pretend) -> None:
    opened(page, site)
    site.tell(story("up", visitors=[AMARA]))
    page.get_by_role("button", name="Hide this notice").click()
    site.tell(story("up", visitors=[AMARA, BEN]))
    notice = page.locator(".hl-notice")
    expect(notice).to_contain_text("Amara Okafor, your instructor, is looking in")
    expect(notice).to_contain_text("Ben Li, your instructor, is helping in your lab and can type.")
    page.get_by_role("button", name="Hide this notice").click()
    expect(page.locator("button.hl-chip")).to_have_text(["Amara Okafor", "Ben Li"])
    site.tell(story("up", visitors=[{**AMARA, "read_only": False}, BEN]))
    expect(notice).to_contain_text("Amara Okafor, your instructor, is helping")


def test_sleep_comes_before_visitors_and_a_card_before_both(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    site.tell(story("up", idle={"left": 100, "of": 120}, visitors=[AMARA]))
    expect(page.locator(".hl-notice")).to_have_count(1)
    expect(page.locator(".hl-notice")).to_contain_text("Are you still there?")
    expect(page.locator("button.hl-chip")).to_have_text(["Amara Okafor"])
    site.answers["ticket"] = (503, "")
    desktop.socket.socket.close()
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    expect(page.locator(".hl-notice")).to_have_count(0)
    expect(page.locator("button.hl-chip")).to_have_text(["Amara Okafor"])


def test_learners_have_no_way_to_others(page: Page, site: Pretend) -> None:
    opened(page, site, staff=False, looking_in="help")
    expect(page.get_by_role("button", name="Learners' labs")).to_have_count(0)


def test_nor_have_staff_where_the_site_does_not_want_it(page: Page, site: Pretend) -> None:
    opened(page, site, staff=True, looking_in="off")
    expect(page.get_by_role("button", name="Learners' labs")).to_have_count(0)


def test_staff_watch_a_learners_lab_and_come_back_to_their_own(page: Page, site: Pretend) -> None:
    own = instructor(page, site)
    events = next(visit for visit in site.visits if visit.door == "events")
    page.get_by_role("button", name="Look in: Ada Lovelace").click()
    theirs = site.door("desktop")
    theirs.draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.locator(".hl-name")).to_have_text("Lab of Ada Lovelace")
    expect(page.get_by_text("View only", exact=True)).to_be_visible()
    expect(status(page)).to_contain_text("You can watch this lab, but not type in it.")
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    key = {"lab": "key-of-ada"}
    assert site.bodies("status")[-1] == key
    tickets = site.bodies("ticket")[-2:]
    assert {"door": "events", "host": 0, **key} in tickets
    assert {"door": "desktop", "host": 0, **key, "help": False} in tickets
    until(events.closed.is_set, "the own lab's events to end")
    assert not own.closed.is_set(), "the own session goes on"
    page.locator(".hl-pane:not([hidden])").click()
    page.keyboard.type("x")
    page.get_by_role("button", name="Back to my lab").click()
    expect_colour(page, BLUE)
    assert theirs.closed.wait(10)
    assert theirs.close_code == 1000
    assert b"key" not in theirs.instructions
    assert len([visit for visit in site.visits if visit.door == "desktop"]) == 2
    expect(page.locator(".hl-name")).to_have_text("Web server")
    expect(page.get_by_role("button", name="Reset")).to_be_visible()
    assert site.bodies("enter") == [{"again": False}, {"again": False}]


def test_staff_help_in_a_learners_lab_without_waking_it_or_keeping_it_awake(page: Page, site: Pretend) -> None:
    instructor(page, site)
    page.get_by_role("button", name="Help: Ada Lovelace").click()
    theirs = site.door("desktop")
    theirs.draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.get_by_text("Helping", exact=True)).to_be_visible()
    page.locator(".hl-pane:not([hidden])").click()
    page.keyboard.type("x")
    until(lambda: b"3.key,3.120,1.1;" in theirs.typed, "the key")
    assert site.bodies("ticket")[-1]["help"] or site.bodies("ticket")[-2]["help"]
    page.set_viewport_size({"width": 800, "height": 700})
    page.keyboard.type("y")
    until(lambda: b"3.key,3.121,1.1;" in theirs.typed, "the next key")
    assert b"4.size," not in theirs.typed, "the size is the learner's"
    visits = [visit for visit in site.visits if visit.door == "events"]
    assert not visits[-1].told("active")
    entered = len(site.bodies("enter"))
    site.tell(story("up", idle={"left": 100, "of": 120}))
    site.tell(story("asleep", typical=30))
    expect(page.get_by_role("heading", name="Asleep")).to_be_visible()
    expect(page.get_by_text("Looking in does not start or wake a lab.", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Wake lab")).to_have_count(0)
    assert len(site.bodies("enter")) == entered
    site.tell(story("up"))
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)


def test_one_learners_lab_after_another(page: Page, site: Pretend) -> None:
    instructor(page, site)
    page.get_by_role("button", name="Look in: Ada Lovelace").click()
    ada = site.door("desktop")
    page.get_by_role("button", name="Learners' labs").click()
    page.get_by_role("button", name="Help: Emmy").click()
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)
    assert ada.closed.wait(10)
    expect(page.locator(".hl-name")).to_have_text("Lab of Emmy <b>Noether</b>")
    expect(page.get_by_text("Helping", exact=True)).to_be_visible()


def test_where_the_site_lets_nobody_help_there_is_only_watching(page: Page, site: Pretend) -> None:
    instructor(page, site, looking_in="watch")
    expect(page.get_by_role("button", name=re.compile("^Look in"))).to_have_count(2)
    expect(page.get_by_role("button", name=re.compile("^Help"))).to_have_count(0)


def test_the_list_is_searched_and_keeps_what_is_typed(page: Page, site: Pretend) -> None:
    instructor(page, site)
    search = page.get_by_role("searchbox", name="Search for a learner")
    expect(search).to_be_focused()
    expect(page.get_by_text("Ready · Here now")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Asleep · Active \d+ days ago"))).to_be_visible()
    site.answers["labs"] = (200, {"labs": LABS[:1], "more": True})
    search.press_sequentially("ada")
    expect(page.locator(".hl-found-said")).to_have_text("1 lab")
    expect(page.get_by_text("There are more. Search for a name to find them.")).to_be_visible()
    expect(search).to_have_value("ada")
    expect(search).to_be_focused()
    assert site.bodies("labs")[0] == {"query": ""}
    assert site.bodies("labs")[-1] == {"query": "ada"}
    site.answers["labs"] = (200, {"labs": [], "more": False})
    search.press_sequentially("x")
    expect(page.locator(".hl-found-said")).to_have_text("There is no such lab.")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((502, ""), "The list cannot be had right now."),
        ((403, {"error": "Only the <i>team</i>."}), "Only the <i>team</i>."),
    ],
)
def test_a_list_that_cannot_be_had_can_be_asked_for_again(
    page: Page, site: Pretend, answer: tuple[int, Any], said: str
) -> None:
    site.answers["labs"] = answer
    opened(page, site, staff=True, looking_in="help")
    page.get_by_role("button", name="Learners' labs").click()
    expect(page.locator(".hl-found-said")).to_have_text(said)
    site.answers["labs"] = (200, {"labs": LABS, "more": False})
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".hl-found-said")).to_have_text("2 labs")


def test_the_list_keeps_the_focus_until_it_is_closed(page: Page, site: Pretend) -> None:
    instructor(page, site)
    inside = "document.querySelector('hastexo-lab').shadowRoot.activeElement.closest('.hl-labs') !== null"
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Learners' labs")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("button", name="Learners' labs")).to_be_focused()


def test_the_focus_goes_where_the_instructor_goes(page: Page, site: Pretend) -> None:
    instructor(page, site)
    page.get_by_role("button", name="Look in: Ada Lovelace").press("Enter")
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.locator(".hl-pane:not([hidden])")).to_be_focused()
    page.get_by_role("button", name="Back to my lab").press("Enter")
    expect_colour(page, BLUE)
    expect(page.locator(".hl-pane:not([hidden])")).to_be_focused()


def test_looking_in_that_is_switched_off_says_so_and_leaves_the_way_back(page: Page, site: Pretend) -> None:
    instructor(page, site)
    page.get_by_role("button", name="Help: Ada Lovelace").click()
    theirs = site.door("desktop")
    theirs.tell(
        type="error", code="looking-off", status=0x303, text="This site does not let the course team do that."
    )
    expect(page.get_by_role("heading", name="Looking in is switched off")).to_be_visible()
    expect(page.locator(".hl-card")).to_contain_text("This site does not let the course team do that.")
    page.get_by_role("button", name="Back to my lab").click()
    expect_colour(page, BLUE)


def test_a_lab_that_may_not_be_looked_at_says_why(page: Page, site: Pretend) -> None:
    instructor(page, site)
    site.answers["status"] = (404, {"error": "There is no such lab in this unit."})
    page.get_by_role("button", name="Look in: Emmy").click()
    expect(page.locator(".hl-card")).to_contain_text("There is no such lab in this unit.")
    page.get_by_role("button", name="Back to my lab").click()
    expect_colour(page, BLUE)

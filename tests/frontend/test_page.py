"""The page, from entering to leaving: real bundles in a real browser; course and gateway are played by the test."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import Pretend, Visit, copied, instruction, picture, story, until

BLUE = (0, 0, 255)
GREEN = (0, 128, 0)

CREATING = story(
    "creating",
    steps=[
        {"step": "place", "is": "done"},
        {"step": "machines", "is": "now", "done": 3, "total": 7},
        {"step": "answer", "is": ""},
        {"step": "open", "is": ""},
    ],
    done=3,
    total=7,
    elapsed=48,
    typical=110,
)
CENTRE = """index => {
  const pane = document.querySelectorAll("hastexo-lab")[index].shadowRoot.querySelector(".hl-pane:not([hidden])");
  const canvas = pane?.querySelector("canvas");
  if (!canvas?.width) return null;
  return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""


def start(page: Page, **args: Any) -> None:
    page.evaluate("args => start(args)", args)


def status(page: Page, index: int = 0) -> Any:
    return page.locator("[data-role=status]").nth(index)


def expect_colour(page: Page, colour: tuple[int, int, int], index: int = 0) -> None:
    until(lambda: page.evaluate(CENTRE, index) == list(colour), f"{colour} on the screen")


def opened(page: Page, site: Pretend, **args: Any) -> Visit:
    """A lab that is up, with its first picture."""
    start(page, **args)
    visit = site.door("desktop")
    visit.draw(picture(BLUE))
    expect(status(page)).to_contain_text("Ready")
    expect_colour(page, BLUE)
    return visit


def test_the_entry_declares_three_parameters(page: Page) -> None:
    assert page.evaluate("HastexoLabXBlock.length") == 3


def test_a_lab_is_entered_watched_and_opened(page: Page, site: Pretend) -> None:
    site.tell(CREATING)
    start(page)
    expect(status(page)).to_contain_text("Starting")
    expect(page.get_by_text("3 of 7 ready")).to_be_visible()
    expect(page.get_by_text("so far")).to_contain_text(re.compile(r"0:(48|49|5\d) so far"))
    assert site.bodies("enter") == [{"again": False}]
    assert site.asked[0][2]["X-CSRFToken"] == "a-token"
    assert site.door("events").ticket == "1"
    site.tell(story("up"))
    desktop = site.door("desktop")
    hello = desktop.control[0]
    assert hello["type"] == "connect"
    assert hello["width"] > 600
    assert hello["dpi"] == 96
    assert hello["image"] == ["image/png", "image/jpeg", "image/webp"]
    desktop.draw(picture(BLUE))
    expect(status(page)).to_contain_text("Ready")
    expect_colour(page, BLUE)
    until(lambda: b"4.sync,1.1;" in desktop.instructions, "the answer to sync")


def test_bytes_cut_at_every_place_are_drawn_and_credited(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    sent = len(picture(BLUE))
    stream = instruction("name", "Löwe 😀;,.") + picture(GREEN, 2) + instruction("nop")
    desktop.draw(stream, piece=1)
    expect_colour(page, GREEN)
    before_nop = sent + len(stream) - len(instruction("nop"))
    until(
        lambda: desktop.told("credit") and desktop.told("credit")[-1]["bytes"] >= before_nop - 1,
        "credit for what is drawn",
    )
    large = instruction("blob", 99, "x" * 6000) * 120
    desktop.draw(large, piece=50_000)
    until(lambda: desktop.told("credit")[-1]["bytes"] > len(large) * 2 // 3, "credit without a sync")


def test_what_is_typed_goes_into_the_lab_and_ctrl_f6_leads_out_and_in(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    page.locator(".hl-pane").click()
    page.keyboard.type("l;")
    until(lambda: b"3.key,3.108,1.1;" in desktop.instructions, "the key's press")
    until(lambda: b"3.key,2.59,1.0;" in desktop.instructions, "the key's release")
    assert b"5.mouse," in desktop.instructions
    page.keyboard.press("Control+F6")
    expect(page.get_by_role("button", name="Full screen")).to_be_focused()
    assert b"65475" not in desktop.instructions, "F6 stays with the window"
    until(lambda: b"3.key,5.65507,1.0;" in desktop.instructions, "Ctrl is released")
    page.keyboard.press("Control+F6")
    expect(page.locator(".hl-pane")).to_be_focused()
    page.get_by_label("Elsewhere").fill("")
    page.get_by_label("Elsewhere").press_sequentially("zz")
    assert page.get_by_label("Elsewhere").input_value() == "zz"
    assert b"3.122" not in desktop.instructions, "what is typed elsewhere stays there"


def test_the_wheel_belongs_to_the_page_until_the_lab_has_the_focus(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    page.locator(".hl-pane").hover()
    page.mouse.wheel(0, 120)
    page.locator(".hl-pane").click()
    assert not re.findall(rb"5\.mouse,[^;]*,2\.16;", desktop.instructions)
    page.mouse.wheel(0, 120)
    until(lambda: len(re.findall(rb"5\.mouse,[^;]*,2\.16;", desktop.instructions)) == 2, "two steps down")


def test_the_clipboard_goes_both_ways(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    page.locator(".hl-pane").click()
    desktop.draw(copied("größe 😀"), piece=7)
    until(lambda: page.evaluate("navigator.clipboard.readText()") == "größe 😀", "the lab's text")
    page.evaluate("navigator.clipboard.writeText('né 😀')")
    page.keyboard.press("Control+v")
    until(lambda: b"3.key,3.118,1.1;" in desktop.instructions, "the key")
    said = desktop.instructions
    blob = b"4.blob,1.0,12.bsOpIPCfmIA=;"
    assert blob in said
    assert said.index(b"9.clipboard,1.0,10.text/plain;") < said.index(blob) < said.index(b"3.key,3.118,1.1;")


def test_what_pastes_on_a_mac_pastes_in_guacds_terminal(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    page.locator(".hl-pane").click()
    page.keyboard.press("Meta+v")
    ctrl, shift, v = b"3.key,5.65507,", b"3.key,5.65505,", b"3.key,2.86,"
    pressed = ctrl + b"1.1;" + shift + b"1.1;" + v + b"1.1;"
    until(lambda: pressed + v + b"1.0;" + shift + b"1.0;" + ctrl + b"1.0;" in desktop.instructions, "Ctrl Shift V")


def test_text_that_the_browser_holds_back_waits_for_a_click(page: Page, site: Pretend) -> None:
    page.evaluate(
        """() => {
          window.taken = [];
          window.mayWrite = false;
          navigator.clipboard.writeText = async text => {
            if (!mayWrite) throw new Error("not now");
            taken.push(text);
          };
          Object.defineProperty(navigator, "userActivation", { value: { isActive: false } });
        }"""
    )
    desktop = opened(page, site)
    desktop.draw(copied("secret plan"))
    expect(page.get_by_text("Your lab copied text.")).to_be_visible()
    page.evaluate("window.mayWrite = true")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Your lab copied text.")).to_be_hidden()
    assert page.evaluate("taken") == ["secret plan"]


def test_a_dropped_screen_comes_back_with_a_new_ticket(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    site.answers["ticket"] = (503, "<h1>down</h1>")
    desktop.socket.close()
    expect(status(page)).to_contain_text("Reconnecting")
    expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
    expect_colour(page, BLUE)
    del site.answers["ticket"]
    again = site.door("desktop")
    assert again.ticket != desktop.ticket
    again.draw(picture(GREEN))
    expect(status(page)).to_contain_text("Ready")
    expect_colour(page, GREEN)
    again.socket.close()
    assert site.door("desktop").ticket != again.ticket, "and by itself"


@pytest.mark.parametrize(
    ("code", "word", "button"),
    [
        ("lab-ended", "Closed", "Open it again"),
        ("lab-login", "Not available", "Try again"),
        ("guacd", "Reconnecting", "Try now"),
    ],
)
def test_the_gateways_sentence_is_shown_as_text(
    page: Page, site: Pretend, code: str, word: str, button: str
) -> None:
    desktop = opened(page, site)
    site.ready = False
    desktop.tell(type="error", code=code, status=0x208, text="<b>The way</b> is closed.")
    expect(status(page)).to_contain_text(word)
    expect(page.get_by_role("button", name=button)).to_be_visible()
    if code != "lab-ended":
        expect(page.locator(".hl-card")).to_contain_text("<b>The way</b> is closed.")


@pytest.mark.parametrize("last", [["error", "Aborted. See logs.", 519], ["disconnect"]])
def test_guacds_last_words_bring_the_screen_back(page: Page, site: Pretend, last: list[object]) -> None:
    first = opened(page, site)
    first.draw(instruction(*last))
    first.tell(type="error", code="lab-error", status=519, text="The lab ended the session.")
    again = site.door("desktop")
    again.draw(picture(GREEN))
    expect_colour(page, GREEN)


def test_what_is_not_the_protocol_ends_the_screen_only(page: Page, site: Pretend) -> None:
    opened(page, site).draw(b"this is no instruction")
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)


def test_the_lab_goes_to_sleep_and_wakes_by_a_click(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    site.tell(story("suspending", elapsed=3, typical=20))
    expect(status(page)).to_contain_text("Going to sleep")
    assert desktop.closed.wait(10)
    site.tell(story("asleep", kept_until="2026-12-12T10:00:00+00:00", typical=30))
    expect(page.get_by_text("Kept until December 12.")).to_be_visible()
    site.answers["enter"] = (200, {"state": story("resuming", steps=[{"step": "wake", "is": "now"}])})
    page.get_by_role("button", name="Wake lab").click()
    expect(status(page)).to_contain_text("Waking")
    assert site.bodies("enter")[-1] == {"again": True}
    site.tell(story("up"))
    site.door("desktop").draw(picture(GREEN))
    expect_colour(page, GREEN)
    expect(page.locator(".hl-pane")).to_be_focused()


def test_sleep_is_announced_and_put_off(page: Page, site: Pretend) -> None:
    opened(page, site)
    events = next(visit for visit in site.visits if visit.door == "events")
    site.tell(story("up", idle={"left": 100, "of": 120}))
    expect(page.locator(".hl-notice")).to_contain_text(re.compile(r"goes to sleep in 1:(40|39|38)\."))
    page.get_by_role("button", name="Stay awake for 1 hour").click()
    until(lambda: {"type": "extend", "seconds": 3600} in events.control, "the wish")
    expect(page.locator(".hl-notice")).to_have_count(0)
    assert events.told("active"), "the click was activity as well"


def test_a_reset_is_asked_for_and_can_be_left(page: Page, site: Pretend) -> None:
    opened(page, site)
    page.get_by_role("button", name="Reset", exact=True).click()
    dialog = page.get_by_role("alertdialog", name="Reset this lab?")
    expect(dialog).to_be_visible()
    expect(page.get_by_role("button", name="Keep my lab")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Reset lab")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Keep my lab")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Reset", exact=True)).to_be_focused()
    assert site.bodies("reset") == []
    page.get_by_role("button", name="Reset", exact=True).click()
    site.answers["reset"] = (200, {"state": story("deleting", typical=25)})
    page.get_by_role("button", name="Reset lab").click()
    expect(status(page)).to_contain_text("Resetting")
    assert site.bodies("reset") == [{}]


def test_what_the_course_refuses_is_said_in_its_words_as_text(page: Page, site: Pretend) -> None:
    site.answers["enter"] = (403, {"error": "Enrol in <b>this</b> course first."})
    start(page)
    expect(page.locator(".hl-card")).to_contain_text("Enrol in <b>this</b> course first.")
    expect(status(page)).to_contain_text("Not available")
    site.tell(story("up"))
    page.get_by_role("button", name="Try again").click()
    site.door("desktop")
    assert site.bodies("enter")[:2] == [{"again": False}, {"again": False}]


def test_a_course_that_cannot_be_reached_is_asked_again(page: Page, site: Pretend) -> None:
    site.answers["enter"] = site.answers["status"] = (502, "<h1>Bad gateway</h1>")
    site.answers["ticket"] = (502, "")
    start(page)
    expect(page.locator(".hl-card")).to_contain_text("This page cannot reach the course right now.")
    del site.answers["ticket"]
    site.tell(story("up"))
    site.door("desktop")
    assert len(site.bodies("enter")) >= 2


def test_without_the_events_door_the_course_is_asked(page: Page, site: Pretend) -> None:
    site.tell(CREATING)
    start(page)
    site.door("events")
    site.answers["ticket"] = (503, "")
    for visit in site.visits:
        visit.socket.close()
    site.answers["status"] = (200, {"state": story("gone", gone_reason="age")})
    expect(page.get_by_role("heading", name="There is no lab here now")).to_be_visible(timeout=15_000)


def test_a_failure_offers_what_helps(page: Page, site: Pretend) -> None:
    failure = {
        "kind": "transient",
        "reference": "7F3K-Q2MD",
        "at": "2026-12-12T10:42:00+00:00",
        "staff": "no <quota>",
    }
    site.tell(story("failed", failure=failure))
    start(page)
    expect(page.get_by_role("heading", name="This lab could not start this time")).to_be_visible()
    expect(page.locator(".hl-staff")).to_contain_text("no <quota>")
    page.get_by_role("button", name="Copy").click()
    until(lambda: page.evaluate("navigator.clipboard.readText()") == "7F3K-Q2MD", "the reference")
    page.get_by_role("button", name="Try again").click()
    until(lambda: site.bodies("enter") == [{"again": False}, {"again": True}], "the second try")


def test_each_machine_keeps_its_connection_while_another_is_shown(page: Page, site: Pretend) -> None:
    hosts = [
        {"name": "web", "kind": "terminal", "door": "desktop"},
        {"name": "desk", "kind": "desktop", "door": "desktop"},
    ]
    web = opened(page, site, hosts=hosts)
    page.get_by_role("tab", name="web").press("ArrowRight")
    expect(page.get_by_role("tab", name="desk")).to_be_focused()
    desk = site.door("desktop")
    desk.draw(picture(GREEN))
    expect_colour(page, GREEN)
    assert [body["host"] for body in site.bodies("ticket") if body["door"] == "desktop"] == [0, 1]
    page.keyboard.press("Home")
    expect_colour(page, BLUE)
    expect(page.get_by_role("application", name="Terminal of web. Control F6 leaves it.")).to_be_visible()
    assert not web.closed.is_set()
    assert not desk.closed.is_set()


def test_a_lab_to_watch_takes_nothing(page: Page, site: Pretend) -> None:
    desktop = opened(page, site, read_only=True)
    expect(page.get_by_text("View only")).to_be_visible()
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    page.locator(".hl-pane").click()
    page.keyboard.type("x")
    page.get_by_role("button", name="Full screen").focus()
    assert b"key" not in desktop.instructions
    assert b"mouse" not in desktop.instructions


def test_a_hidden_lab_runs_without_a_window(page: Page, site: Pretend) -> None:
    page.clock.install()
    start(page, hidden=True)
    site.door("events")
    expect(page.locator("hastexo-lab")).to_be_hidden()
    page.clock.run_for(61_000)
    signs = lambda: [*(visit.told("active") for visit in site.visits), *site.bodies("enter")[1:]]  # noqa: E731
    until(lambda: any(signs()), "a sign of life, through whichever door")
    assert {visit.door for visit in site.visits} == {"events"}


def test_two_labs_do_not_disturb_each_other(page: Page, site: Pretend) -> None:
    first = opened(page, site)
    start(page)
    second = site.door("desktop")
    second.draw(picture(GREEN))
    expect_colour(page, GREEN, 1)
    page.locator(".hl-pane").nth(1).click()
    page.keyboard.type("q")
    until(lambda: b"3.key,3.113,1.1;" in second.instructions, "the key")
    assert b"key" not in first.instructions
    page.get_by_role("button", name="Reset", exact=True).nth(1).click()
    expect(page.get_by_role("alertdialog")).to_have_count(1)
    page.keyboard.press("Escape")
    page.evaluate("document.querySelectorAll('hastexo-lab')[1].remove()")
    assert second.closed.wait(10)
    assert not first.closed.is_set()


def test_a_lab_that_leaves_the_page_ends_everything_and_one_that_moves_ends_nothing(
    page: Page, site: Pretend
) -> None:
    opened(page, site)
    page.evaluate("document.body.append(document.querySelector('hastexo-lab'))")
    expect_colour(page, BLUE)
    assert not any(visit.closed.is_set() for visit in site.visits)
    page.evaluate("document.querySelector('hastexo-lab').remove()")
    assert all(visit.closed.wait(10) for visit in site.visits)


def test_the_lab_follows_the_size_of_its_pane(page: Page, site: Pretend) -> None:
    desktop = opened(page, site)
    page.set_viewport_size({"width": 800, "height": 700})
    sizes = until(lambda: re.findall(rb"4\.size,3\.(7\d\d),3\.\d+;", desktop.instructions), "the new size")
    box = page.locator(".hl-pane").bounding_box()
    assert box
    assert int(sizes[-1]) == round(box["width"])


def test_full_screen_and_back(page: Page, site: Pretend) -> None:
    opened(page, site)
    page.get_by_role("button", name="Full screen").click()
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()
    assert page.evaluate("document.fullscreenElement.localName") == "hastexo-lab"
    page.get_by_role("button", name="Leave full screen").click()
    expect(page.get_by_role("button", name="Full screen", exact=True)).to_be_visible()


def test_without_full_screen_there_is_no_button_for_it(page: Page, site: Pretend) -> None:
    opened(page, site, fullscreen=False)
    expect(page.get_by_role("button", name="Full screen")).to_have_count(0)

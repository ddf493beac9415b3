"""What a terminal in the page can do besides: search, settings, keys, links, looking in; all of it accessible."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import ROOT, Pretend
from tests.frontend.terminal import Shell

pytestmark = pytest.mark.usefixtures("shell_bundle")

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# Where pictures go, to be looked at by people; none are taken without it.
SHOTS = os.environ.get("HASTEXO_LAB_SHOTS", "")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.locator("hastexo-lab").screenshot(path=f"{SHOTS}/shell-{name}.png", animations="disabled")


COLOURS = "".join(
    f"\x1b[{bold}{colour}m{name:<9}" + ("\x1b[0m\r\n" if colour in (37, 97) else "")
    for bold, first in (("", 30), ("1;", 30), ("", 90))
    for colour, name in enumerate(["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"], first)
)
SCREEN = (
    "learner@web:~$ ls --color\r\n"
    "\x1b[01;34mDesktop\x1b[0m  \x1b[01;32mdeploy.sh\x1b[0m  index.html  \x1b[30;42mpublic\x1b[0m  link\r\n"
    f"{COLOURS}"
    "24-bit: " + "".join(f"\x1b[48;2;{i * 6};{80 + i * 3};{255 - i * 6}m " for i in range(40)) + "\x1b[0m\r\n"
    "wide: 日本語 😀 é ñ │ ┌──┐ └──┘ ░▒▓\r\n"
    "\x1b[2mdim\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m \x1b[7minverse\x1b[0m\r\n"
    "see https://docs.openedx.org/ for more\r\n"
    "learner@web:~$ "
)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_axe_finds_nothing_whatever_is_open(page: Page, site: Pretend, theme: str, scheme: Any, width: int) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in frontend")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(
        "text => localStorage.setItem('hastexo-lab.terminal', text)", f'{{"theme": "{theme}", "reader": true}}'
    )
    page.add_script_tag(path=str(AXE))
    shell = Shell(page, site)
    shell.says(SCREEN)
    shell.shows("for more")
    found = {}

    def check(what: str) -> None:
        shoot(page, f"{what}-{theme}-{scheme}-{width}")
        answer = page.evaluate("axe.run('hastexo-lab', { resultTypes: ['violations'] })")["violations"]
        if answer:
            found[what] = [
                (each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"]) for each in answer
            ]

    check("plain")
    shell.button("Terminal settings").click()
    expect(shell.pane.get_by_role("dialog", name="Terminal settings")).to_be_visible()
    check("settings")
    shell.button("Find in the terminal").click()
    shell.pane.get_by_role("textbox", name="Find in the terminal").fill("e")
    expect(shell.pane.get_by_role("search").get_by_role("status")).to_have_text(re.compile(r"of \d+"))
    check("find")
    assert found == {}


def test_the_text_is_searched_with_a_count_and_escape_leads_back(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.says("".join(f"line {i}{' needle' if i % 10 == 0 else ''}\r\n" for i in range(100)))
    shell.shows("line 99")
    shell.focus()
    page.keyboard.press("Control+Shift+F")
    field = shell.pane.get_by_role("textbox", name="Find in the terminal")
    expect(field).to_be_focused()
    page.keyboard.type("needle")
    status = shell.pane.get_by_role("search").get_by_role("status")
    expect(status).to_have_text("10 of 10")
    page.keyboard.press("Enter")
    expect(status).to_have_text("9 of 10")
    page.keyboard.press("Shift+Enter")
    shell.button("Next").click()
    expect(status).to_have_text("1 of 10")
    shell.shows("line 0 needle")
    field.fill("nothing of the kind")
    expect(status).to_have_text("Not found")
    field.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.type("q")
    shell.typed(b"q")
    assert shell.visit.instructions == b"q"


def test_settings_are_remembered_and_hold_for_every_terminal(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    other = Shell(page, site, "Other")
    gear = shell.button("Terminal settings")
    gear.press("Enter")
    panel = shell.pane.get_by_role("dialog", name="Terminal settings")
    panel.get_by_role("button", name="Larger text").click()
    panel.get_by_role("button", name="Larger text").click()
    expect(panel).to_contain_text("16 px")
    panel.get_by_role("radio", name="Dark").press("ArrowRight")
    expect(panel.get_by_role("radio", name="Light")).to_be_checked()
    panel.get_by_role("checkbox", name="Screen reader support").check()
    other.says("read this aloud\r\n")
    expect(other.pane.get_by_role("listitem").filter(has_text="read this aloud")).to_have_count(1)
    expect(other.pane.locator(".hl-shell")).to_have_css("background-color", "rgb(255, 255, 255)")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(gear).to_be_focused()
    expect(gear).to_have_attribute("aria-expanded", "false")
    page.reload()
    page.add_script_tag(url="/hastexo_lab/static/shell.js")
    again = Shell(page, site)
    again.button("Terminal settings").click()
    expect(again.pane.get_by_role("dialog")).to_contain_text("16 px")
    expect(again.pane.get_by_role("radio", name="Light")).to_be_checked()
    expect(again.pane.get_by_role("checkbox")).to_be_checked()
    again.button("Normal").click()
    expect(again.pane.get_by_role("dialog")).to_contain_text("14 px")


def test_what_was_remembered_badly_is_forgotten(page: Page, site: Pretend) -> None:
    page.evaluate('localStorage.setItem(\'hastexo-lab.terminal\', \'{"size": 4000, "theme": "constructor"\')')
    shell = Shell(page, site)
    shell.button("Terminal settings").click()
    expect(shell.pane.get_by_role("dialog")).to_contain_text("14 px")


def test_tab_and_escape_belong_to_the_lab_and_ctrl_f6_leads_out_and_in(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.focus()
    field = shell.pane.get_by_role("textbox", name="Terminal. Control F6 leaves it.")
    expect(field).to_be_focused()
    for key in ("Tab", "Shift+Tab", "Escape", "Control+V"):
        page.keyboard.press(key)
    shell.typed(b"\t\x1b[Z\x1b\x16")
    page.keyboard.press("Control+F6")
    expect(page.get_by_role("button", name="Full screen")).to_be_focused()
    page.keyboard.press("Control+F6")
    expect(field).to_be_focused()
    page.keyboard.press("Control+F6")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(shell.button("Terminal settings")).to_be_focused()
    assert shell.visit.instructions == b"\t\x1b[Z\x1b\x16"


def test_links_lead_to_pages_of_the_web_and_nowhere_else(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    address = f"{site.url}/tests/frontend/page.html?linked"
    page.evaluate("window.hacked = 0")
    shell.says(
        "\x1b]8;;javascript:window.hacked=1\x07script\x1b]8;;\x07\r\n"
        f"\x1b]8;;{address}\x07words\x1b]8;;\x07\r\n{address}\r\nfile:///etc/passwd\r\n"
    )
    shell.shows("passwd")
    height = page.evaluate(
        "document.querySelector('hastexo-lab').shadowRoot.querySelector('.xterm-rows > div').offsetHeight"
    )
    hint = shell.pane.locator(".hl-shell-hint")

    def at(row: int) -> None:
        box = shell.rows.bounding_box()
        assert box
        page.mouse.move(box["x"] + 400, box["y"] + 300)
        page.mouse.move(box["x"] + 12, box["y"] + height * (row + 0.5), steps=3)

    for row in (1, 2):
        at(row)
        expect(hint).to_have_text(f"Ctrl and click opens {address}")
        page.mouse.down()
        page.mouse.up()
        page.keyboard.down("Control")
        with page.context.expect_page() as opened:
            page.mouse.down()
            page.mouse.up()
        page.keyboard.up("Control")
        assert opened.value.url == address
        assert opened.value.evaluate("window.opener") is None
        opened.value.close()
    for row in (0, 3):
        at(row)
        expect(hint).to_be_hidden()
        page.keyboard.down("Control")
        page.mouse.down()
        page.mouse.up()
        page.keyboard.up("Control")
    assert page.evaluate("window.hacked") == 0
    assert len(page.context.pages) == 1


def test_output_changes_nothing_but_the_terminal(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    before = page.title()
    shell.says(
        "\x1b]0;<img src=x onerror=alert(1)>\x07\x1b]2;taken over\x07\x1b[21t\x1b[8;10;20t\x1b[5t\x1b[3;0;0t"
        "\x1bP+q544e\x1b\\\x1b]1337;File=inline=1:AAAA\x07\x1b]777;notify;a;b\x07\x1b_Gi=1;AAAA\x1b\\\x1b^pm\x1b\\"
        "<b>not bold</b>"
    )
    shell.shows("<b>not bold</b>")
    assert page.title() == before
    assert page.evaluate("document.head.querySelectorAll('style').length") == 1, "the page's own"
    assert shell.visit.instructions == b""
    assert shell.size == (shell.visit.told("connect")[0]["cols"], shell.visit.told("connect")[0]["rows"])


def test_the_bell_is_seen_and_does_not_flicker(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    frame = shell.pane.locator(".hl-shell")
    shell.says("\x07" * 100)
    expect(frame).to_have_class(re.compile("hl-bell"))
    expect(frame).not_to_have_class(re.compile("hl-bell"))


def test_whoever_only_looks_types_nothing_and_can_still_search(page: Page, site: Pretend) -> None:
    shell = Shell(page, site, readOnly=True, guest=True)
    shell.visit.tell(type="size", cols=132, rows=50)
    shell.says("\x1b[?1000h\x1b[?1004h\x1b[c\x1b[6nwatch me")
    shell.shows("watch me")
    shell.screen.click()
    page.keyboard.type("let me in")
    page.keyboard.press("Control+Shift+F")
    page.keyboard.type("watch")
    expect(shell.pane.get_by_role("search").get_by_role("status")).to_have_text("1 of 1")
    assert shell.visit.instructions == b""


def test_whoever_helps_follows_the_learners_size_and_leaves_answers_to_the_learner(
    page: Page, site: Pretend
) -> None:
    shell = Shell(page, site, guest=True)
    shell.visit.tell(type="size", cols=200, rows=70)
    shell.says("\x1b[1;200H|\x1b[70;1Hbottom\x1b[c\x1b[>c\x1b[6n\x1b[?2026$p\x1b]11;?\x07\x1bP$qm\x1b\\\x1b[?1004h")
    shell.shows("bottom")
    expect(shell.rows.locator("> div")).to_have_count(70)
    screen = shell.pane.locator(".hl-shell").bounding_box()
    rows = shell.rows.bounding_box()
    assert screen
    assert rows
    assert rows["width"] <= screen["width"]
    assert rows["height"] <= screen["height"]
    shell.focus()
    page.set_viewport_size({"width": 900, "height": 700})
    page.keyboard.type("help")
    shell.typed(b"help")
    assert shell.visit.instructions == b"help"
    shell.visit.tell(type="size", cols=80, rows=24)
    expect(shell.rows.locator("> div")).to_have_count(24)
    assert shell.visit.told("size") == []

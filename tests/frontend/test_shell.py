"""The native terminal: the real bundle in a real browser, in the lab's window; the test plays the gateway."""

from __future__ import annotations

import base64
import itertools
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.frontend.pretend import ROOT, Pretend, Visit, until

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# Where pictures go, to be looked at by people; none are taken without it.
SHOTS = os.environ.get("HASTEXO_LAB_SHOTS", "")
STEP = 64 * 1024

OPEN = """async ([name, wanted]) => {
  const hosts = [{ name: "web", kind: "terminal", door: "shell" }];
  show({ phase: "up", name: "Put your page on the web", hosts, active: 0, sleepAfter: 1200, canFull: true }, {});
  const lab = document.querySelector("hastexo-lab");
  await customElements.whenDefined("hastexo-lab");
  const sheet = lab.shadowRoot.querySelector("link");
  if (!sheet.sheet) await new Promise(resolve => sheet.addEventListener("load", resolve));
  const pane = Object.assign(document.createElement("div"), { className: "hl-pane", tabIndex: 0 });
  pane.dataset.kind = "terminal";
  pane.setAttribute("role", "application");
  pane.setAttribute("aria-label", `${name}. Control F6 leaves it.`);
  lab.terminal.append(pane);
  window.shells ??= {};
  window.heard ??= [];
  const told = kind => what => heard.push([kind, what]);
  const does = { onopen: told("open"), onend: told("end"), oncopied: told("copied") };
  shells[name] = HastexoLabShell.open({ pane, readOnly: false, ...does, ...wanted });
}"""


class Shell:
    """One terminal in the page and the gateway's end of it."""

    numbers = itertools.count(1)

    def __init__(self, page: Page, site: Pretend, name: str = "Terminal", **wanted: Any) -> None:
        self.page, self.site, self.name = page, site, name
        site.ready = False
        page.evaluate(OPEN, [name, wanted])
        self.pane = page.get_by_role("application", name=name)
        self.rows = self.pane.locator(".xterm-rows")
        self.screen = self.pane.locator(".xterm-screen")
        self.visit = self.connect()

    def connect(self, resumed: bool = False, taken: int = 0, hold: int = 120) -> Visit:
        url = f"{self.site.gateway}/hastexo-lab/shell"
        ticket = str(next(self.numbers))
        self.page.evaluate("([name, to]) => shells[name].connect(to)", [self.name, {"url": url, "ticket": ticket}])
        self.visit = self.site.door("shell")
        until(lambda: self.visit.told("connect"), "the first message")
        claimed = self.visit.told("connect")[0].get("session")
        session = claimed if resumed else f"session-{ticket}"
        self.visit.tell(type="ready", session=session, hold=hold, resumed=resumed, taken=taken)
        until(lambda: self.heard("open"), "the terminal is open")
        return self.visit

    def heard(self, kind: str) -> list[Any]:
        return [what for which, what in self.page.evaluate("heard") if which == kind]

    def says(self, data: str | bytes) -> None:
        self.visit.draw(data.encode() if isinstance(data, str) else data)

    def shows(self, text: str | re.Pattern[str]) -> None:
        expect(self.rows).to_contain_text(text)

    def focus(self) -> None:
        self.page.evaluate("([name]) => document.querySelector('hastexo-lab').focusInside()", [self.name])

    def typed(self, what: bytes) -> None:
        until(lambda: what in self.visit.instructions, f"{what!r} in the lab")

    def button(self, name: str) -> Locator:
        return self.pane.get_by_role("button", name=name)

    @property
    def size(self) -> tuple[int, int]:
        """As the page said it last."""
        said = (self.visit.told("size") or self.visit.told("connect"))[-1]
        return said["cols"], said["rows"]


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.locator("hastexo-lab").screenshot(path=f"{SHOTS}/shell-{name}.png", animations="disabled")


@pytest.fixture(autouse=True)
def _bundle(page: Page) -> None:
    page.add_script_tag(url="/hastexo_lab/static/shell.js")


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


def test_what_is_typed_goes_into_the_lab_as_utf8_and_what_comes_is_drawn(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    hello = shell.visit.told("connect")[0]
    assert hello["cols"] > 100
    assert hello["rows"] > 20
    assert "session" not in hello
    shell.focus()
    page.keyboard.type("ls é")
    page.keyboard.press("Enter")
    shell.typed("ls é\r".encode())
    for byte in "Löwe 日本 😀".encode():
        shell.says(bytes([byte]))
    shell.shows("Löwe")
    shell.shows("😀")


def test_a_flood_is_credited_as_it_is_drawn_and_ctrl_c_does_not_wait_for_it(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.focus()
    line = b"all work and no play makes a terminal slow\r\n"
    window = line * (4 * STEP // len(line))
    for _ in range(4):
        shell.says(window)
    page.keyboard.press("Control+C")
    shell.typed(b"\x03")
    total = 4 * len(window)
    credits = until(
        lambda: (told := shell.visit.told("credit")) and told[-1]["bytes"] > total - STEP and told, "credit"
    )
    said = [each["bytes"] for each in credits]
    assert said == sorted(said)
    assert said[-1] <= total
    assert len(said) <= total / STEP
    shell.says("the end")
    shell.shows("the end")


def test_a_lost_session_goes_on_at_the_very_byte_and_what_was_typed_arrives_once(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    first = shell.visit
    shell.focus()
    page.keyboard.type("make all")
    shell.typed(b"make all")
    cut = "before 😀".encode()
    shell.says(cut[:-2])
    shell.shows("before")
    first.socket.close(1012)
    until(lambda: shell.heard("end"), "the end of the socket")
    page.keyboard.type("lost in the gap")
    second = shell.connect(resumed=True, taken=5)
    hello = second.told("connect")[0]
    assert hello["session"] == "session-" + first.ticket
    assert hello["received"] == len(cut) - 2
    shell.typed(b"all")
    shell.says(cut[-2:] + b" after")
    shell.shows("before 😀")
    shell.shows("after")
    page.keyboard.type("!")
    shell.typed(b"all!")
    assert second.instructions == b"all!"
    assert [ready["resumed"] for ready in shell.heard("open")] == [False, True]


def test_a_session_that_could_not_be_kept_is_followed_by_a_new_one_below_it(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.focus()
    page.keyboard.type("rm -r old")
    shell.typed(b"rm -r old")
    # vim is open, with the mouse and bracketed paste on, in mid-sequence and in mid-character.
    shell.says(b"kept line\r\n\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[31mvim\x1b]0;tit" + "é".encode()[:1])
    shell.shows("vim")
    shell.visit.socket.close(1012)
    until(lambda: shell.heard("end"), "the end of the socket")
    shell.connect()
    shell.says("learner@web:~$ ")
    shell.shows("The earlier session could not be kept. This is a new one.")
    shell.shows("kept line")
    shell.shows("learner@web:~$")
    shell.screen.click(position={"x": 200, "y": 100})
    page.keyboard.type("x")
    shell.typed(b"x")
    assert shell.visit.instructions == b"x", "neither old keys nor the old program's mouse"


def test_a_new_session_overwrites_no_line_of_the_earlier_one(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.says("first line\r\nsecond line\r\n\x1b[1;2r\x1b[2;1Hhalf a li")
    shell.shows("half a li")
    shell.visit.socket.close(1012)
    until(lambda: shell.heard("end"), "the end of the socket")
    shell.connect()
    shell.says("learner@web:~$ ")
    shell.shows("learner@web:~$")
    lines = [line.strip() for line in shell.rows.locator("> div").all_inner_texts()]
    assert lines[:4] == [
        "first line",
        "half a line",
        "The earlier session could not be kept. This is a new one.",
        "learner@web:~$",
    ]


def test_after_exit_a_new_session_needs_no_explanation(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.says("logout")
    shell.shows("logout")
    shell.visit.tell(type="error", code="lab-ended", status=519, text="The shell was left.")
    assert until(lambda: shell.heard("end"), "the end")[0]["code"] == "lab-ended"
    shell.connect()
    assert "session" not in shell.visit.told("connect")[0]
    shell.says("anew")
    shell.shows("anew")
    assert "could not be kept" not in shell.rows.inner_text()


def test_the_page_says_whether_the_session_may_be_kept(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    page.evaluate("shells['Terminal'].detach()")
    assert shell.visit.closed.wait(10)
    assert shell.visit.close_code != 1000
    shell.connect(resumed=True)
    page.evaluate("shells['Terminal'].close()")
    assert shell.visit.closed.wait(10)
    assert shell.visit.close_code == 1000
    expect(page.locator(".xterm")).to_have_count(0)
    assert shell.heard("end") == []


def test_a_line_that_has_gone_dead_is_noticed(page: Page, site: Pretend) -> None:
    page.clock.install()
    shell = Shell(page, site)
    page.clock.run_for(10_000)
    until(lambda: shell.visit.told("ping"), "the ping")
    page.clock.run_for(10_000)
    until(lambda: len(shell.visit.told("ping")) == 2, "the next ping after the pong")
    assert shell.heard("end") == []
    page.evaluate("() => { WebSocket.prototype.send = () => {}; }")
    page.clock.run_for(20_000)
    assert until(lambda: shell.heard("end"), "the end")[0]["code"] == "lost"


def test_the_lab_knows_the_size_of_its_terminal(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    cols, rows = shell.size
    page.set_viewport_size({"width": 700, "height": 500})
    until(
        lambda: shell.visit.told("size") and shell.size[0] < cols * 2 // 3 and shell.size[1] < rows,
        "a smaller size",
    )
    shell.focus()
    before = shell.size
    for _ in range(4):
        page.keyboard.press("Control+Equal")
    until(lambda: shell.size[0] < before[0] and shell.size[1] < before[1], "larger letters")
    page.keyboard.press("Control+Digit0")
    until(lambda: shell.size == before, "the normal letters")
    assert shell.visit.instructions == b""


def osc52(text: bytes, which: str = "c") -> str:
    return f"\x1b]52;{which};{base64.b64encode(text).decode()}\x07"


def test_the_lab_may_give_text_and_never_asks_for_any(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    page.evaluate("navigator.clipboard.writeText('a secret of the learner')")
    shell.says(osc52("Grüße 😀".encode()))
    until(lambda: shell.heard("copied") == ["Grüße 😀"], "the text")
    shell.says(
        "\x1b]52;c;?\x07" + osc52(b"x" * 300_000) + "\x1b]52;c;no base64!\x07" + osc52(b"primary", "p") + "asked"
    )
    shell.shows("asked")
    shell.says("\x1b[c")
    shell.typed(b"\x1b[?1;2c")
    assert shell.visit.instructions == b"\x1b[?1;2c"
    assert shell.heard("copied") == ["Grüße 😀"]


@pytest.mark.parametrize("wanted", [{"copies": False}, {"guest": True}])
def test_where_the_lab_may_not_copy_it_does_not(page: Page, site: Pretend, wanted: dict[str, bool]) -> None:
    shell = Shell(page, site, **wanted)
    own = Shell(page, site, "Own")
    shell.says(osc52(b"taken over") + "asked")
    shell.shows("asked")
    own.says(osc52(b"allowed"))
    until(lambda: own.heard("copied"), "the other terminal's text")
    assert own.heard("copied") == ["allowed"]


def test_copy_and_paste_have_keys_of_their_own_and_ctrl_c_interrupts(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.says("\x1b[?2004hcopythis")
    shell.shows("copythis")
    shell.screen.dblclick(position={"x": 30, "y": 8})
    page.keyboard.press("Control+Shift+C")
    until(lambda: shell.heard("copied") == ["copythis"], "the selected text")
    page.keyboard.press("Control+C")
    shell.typed(b"\x03")
    assert shell.heard("copied") == ["copythis"]
    page.evaluate("navigator.clipboard.writeText('one\\ntwo \\x1b[201~\\rrm -r ~\\r')")
    page.keyboard.press("Control+Shift+V")
    shell.typed(b"\x1b[200~one\rtwo [201~\rrm -r ~\r\x1b[201~")
    assert b"\x16" not in shell.visit.instructions


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


def test_a_gateway_that_talks_nonsense_is_left(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.visit.tell(type="pong", taken=5)
    assert until(lambda: shell.heard("end"), "the end")[0]["code"] == "protocol"

"""The native terminal: the real bundle in a real browser, in the lab's window; the test plays the gateway."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import Pretend, until
from tests.frontend.terminal import Shell

pytestmark = pytest.mark.usefixtures("shell_bundle")

STEP = 64 * 1024


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


def test_a_gateway_that_talks_nonsense_is_left(page: Page, site: Pretend) -> None:
    shell = Shell(page, site)
    shell.visit.tell(type="pong", taken=5)
    assert until(lambda: shell.heard("end"), "the end")[0]["code"] == "protocol"

"""The window by itself, state by state: its words, its buttons, its keyboard, and what axe-core says of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pretend import ROOT

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# Where pictures of every state go, to be looked at by people; none are taken without it.
SHOTS = os.environ.get("HASTEXO_LAB_SHOTS", "")

WEB = [{"name": "", "kind": "terminal"}]
MANY = [
    {"name": "web", "kind": "terminal"},
    {"name": "db", "kind": "terminal"},
    {"name": "desk", "kind": "desktop"},
]
STEPS = [
    {"is": "done", "text": "Finding a place for your lab", "note": ""},
    {"is": "now", "text": "Building machines and network", "note": "3 of 7 ready"},
    {"is": "", "text": "Starting the machines", "note": ""},
    {"is": "", "text": "Opening the terminal", "note": ""},
]
ALWAYS = ["Full screen", "Reset"]
UP = {"phase": "up", "hosts": WEB, "sleepAfter": 1200, "canFull": True}
CREATING = {"phase": "creating", "steps": STEPS, "done": 3, "total": 7, "typical": 110}


def failure(kind: str, staff: str = "") -> dict[str, Any]:
    told = {"kind": kind, "reference": "7F3K-Q2MD", "at": "10:42", "staff": staff}
    return {"phase": "failed", "failure": told}


def now_ms(seconds: float) -> int:
    return round((time.time() + seconds) * 1000)


AMARA = {"name": "Amara Okafor", "helps": False}
BEN = {"name": "Ben Li", "helps": True}
ADA = "Ada Lovelace"
ROWS = [
    {"key": "a", "learner": ADA, "phase": "up", "here": True, "active": 1},
    {
        "key": "b",
        "learner": "Muhammad ibn Musa al-Khwarizmi",
        "phase": "up",
        "here": False,
        "active": now_ms(-1500),
    },
    {"key": "c", "learner": "Emmy Noether", "phase": "asleep", "here": False, "active": 0},
    {"key": "d", "learner": "Srinivasa Ramanujan", "phase": "failed", "here": False, "active": 0},
]
FAILED = failure("author", 'web-stack.yaml has no output named "public_ip".')


# name → state, header word, heading of the card ("" = none), buttons
STATES: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "new": ({"phase": "new"}, "Getting ready", "Getting ready", []),
    "queued": ({"phase": "queued"}, "In the queue", "Your lab waits for a place", []),
    "creating": ({**CREATING, "since": -48}, "Starting", "Starting your lab", []),
    "late": ({**CREATING, "since": -214}, "Starting", "Starting your lab", []),
    "booting": ({**CREATING, "phase": "booting", "since": -86}, "Starting", "Starting your lab", []),
    "opening": ({**UP, "opening": True}, "Opening", "Opening the terminal", ALWAYS),
    "up": (UP, "Ready", "", ALWAYS),
    "several": ({**UP, "hosts": MANY}, "Ready", "", ALWAYS),
    "watching": ({**UP, "readOnly": True}, "Ready", "", ["Full screen"]),
    "idle": (
        {**UP, "idle": {"until": 105, "of": 120}},
        "Ready",
        "",
        ["I'm here", "Stay awake for 1 hour", *ALWAYS],
    ),
    "copied": ({**UP, "copied": True}, "Ready", "", ["Copy", "Hide this notice", *ALWAYS]),
    "link": ({**UP, "link": {"is": "lost", "until": 4}}, "Reconnecting", "Connection lost", ["Try now", *ALWAYS]),
    "kept": (
        {**UP, "link": {"is": "lost", "until": 4, "kept": 97}},
        "Reconnecting",
        "Connection lost",
        ["Try now", *ALWAYS],
    ),
    "trying": (
        {**UP, "idle": {"until": 105, "of": 120}, "link": {"is": "lost", "kept": 97}},
        "Reconnecting",
        "Connection lost",
        ["Try now", *ALWAYS],
    ),
    "over": (
        {**UP, "link": {"is": "over", "held": 120}},
        "Connection lost",
        "Connection lost",
        ["Connect again", *ALWAYS],
    ),
    "moved": (
        {**UP, "link": {"is": "moved"}},
        "In another window",
        "Your session is open in another window",
        ["Use it here", *ALWAYS],
    ),
    "host-key": (
        {
            **UP,
            "link": {
                "is": "refused",
                "code": "host-key",
                "said": "Another machine answers. Tell your course team.",
            },
        },
        "Not available",
        "This lab does not show the key it had before",
        ["Try again", *ALWAYS],
    ),
    "limit": (
        {**UP, "link": {"is": "refused", "code": "limit", "said": "Close other tabs of the lab, and try again."}},
        "Not available",
        "Too many screens are open",
        ["Try again", *ALWAYS],
    ),
    "fresh": ({**UP, "fresh": True}, "Ready", "", ["Hide this notice", *ALWAYS]),
    "watched": ({**UP, "visitors": [AMARA]}, "Ready", "", ["Hide this notice", *ALWAYS]),
    "helped": ({**UP, "visitors": [AMARA, BEN]}, "Ready", "", ["Hide this notice", *ALWAYS]),
    "greeted": (
        {**UP, "visitors": [AMARA, BEN], "greeted": [AMARA, BEN]},
        "Ready",
        "",
        ["Amara Okafor is looking in. Show the notice", "Ben Li is looking in. Show the notice", *ALWAYS],
    ),
    "idle-watched": (
        {**UP, "idle": {"until": 105, "of": 120}, "visitors": [AMARA]},
        "Ready",
        "",
        ["Amara Okafor is looking in. Show the notice", "I'm here", "Stay awake for 1 hour", *ALWAYS],
    ),
    "staff": ({**UP, "looking": "help"}, "Ready", "", ["Learners' labs", *ALWAYS]),
    "looking-in": (
        {**UP, "looking": "help", "readOnly": True, "resets": False, "visit": {"learner": ADA, "helps": False}},
        "Ready",
        "",
        ["Back to my lab", "Learners' labs", "Full screen"],
    ),
    "helping": (
        {**UP, "looking": "help", "resets": False, "visit": {"learner": ADA, "helps": True}},
        "Ready",
        "",
        ["Back to my lab", "Learners' labs", "Full screen"],
    ),
    "looking-asleep": (
        {"phase": "asleep", "looking": "help", "resets": False, "visit": {"learner": ADA, "helps": True}},
        "Asleep",
        "Asleep",
        ["Back to my lab", "Learners' labs"],
    ),
    "looking-failed": (
        {**FAILED, "looking": "watch", "resets": False, "visit": {"learner": ADA, "helps": False}},
        "Not available",
        "Not available",
        ["Back to my lab", "Learners' labs", "Copy"],
    ),
    "looking-off": (
        {
            **UP,
            "looking": "help",
            "resets": False,
            "visit": {"learner": ADA, "helps": True},
            "link": {
                "is": "refused",
                "code": "looking-off",
                "said": "This site does not let the course team do that.",
            },
        },
        "Not available",
        "Looking in is switched off",
        ["Try again", "Back to my lab", "Learners' labs", "Full screen"],
    ),
    "labs": (
        {**UP, "looking": "help", "labs": {"is": "told", "said": "", "rows": ROWS, "more": True}},
        "Ready",
        "",
        ["Close", *(f"{way}: {row['learner']}" for row in ROWS for way in ("Look in", "Help"))],
    ),
    "labs-none": (
        {**UP, "looking": "watch", "labs": {"is": "told", "said": "", "rows": [], "more": False}},
        "Ready",
        "",
        ["Close"],
    ),
    "labs-failed": (
        {**UP, "looking": "watch", "labs": {"is": "failed", "said": "", "rows": [], "more": False}},
        "Ready",
        "",
        ["Close", "Try again"],
    ),
    "ended": ({**UP, "link": {"is": "ended"}}, "Closed", "This session has ended", ["Open it again", *ALWAYS]),
    "reset": ({**UP, "confirm": True}, "Ready", "Reset this lab?", ["Keep my lab", "Reset lab"]),
    "suspending": (
        {"phase": "suspending", "typical": 20, "since": -8},
        "Going to sleep",
        "Going to sleep",
        ["Wake it again after that"],
    ),
    "asleep": (
        {"phase": "asleep", "keptUntil": "12 December"},
        "Asleep",
        "Your lab is asleep",
        ["Wake lab", "Reset"],
    ),
    "resuming": (
        {"phase": "resuming", "steps": STEPS[2:], "typical": 30, "since": -11},
        "Waking",
        "Waking your lab",
        [],
    ),
    "deleting": ({"phase": "deleting", "typical": 25, "since": -5}, "Resetting", "Clearing away your old lab", []),
    "gone": ({"phase": "gone", "goneReason": "age"}, "No lab", "There is no lab here now", ["Start a new lab"]),
    "author": (
        failure("author", 'web-stack.yaml has no output named "public_ip".'),
        "Not available",
        "This lab cannot start yet",
        ["Copy"],
    ),
    "full": (failure("full"), "Not available", "There is no room for another lab right now", ["Try again", "Copy"]),
    "transient": (
        failure("transient"),
        "Not available",
        "This lab could not start this time",
        ["Try again", "Copy"],
    ),
    "unreachable": (
        failure("unreachable"),
        "Not available",
        "Your lab does not answer",
        ["Try again", "Reset lab", "Copy"],
    ),
    "lost": (failure("lost"), "Not available", "This lab is not there any more", ["Start a new lab", "Copy"]),
    "refused": (
        {"refused": "You are not enrolled in this course."},
        "Not available",
        "This lab does not open here",
        ["Try again"],
    ),
    "course": ({"link": {"is": "lost", "until": 4}}, "Reconnecting", "Connection lost", ["Try now"]),
}

PAINT = """() => {
  const { terminal } = document.querySelector("hastexo-lab");
  if (terminal.childElementCount) return;
  terminal.innerHTML = `<div class="hl-pane" data-kind="terminal" tabindex="0" role="application"
    aria-label="Terminal. Control F6 leaves it."><pre style="margin: .75rem">learner@web:~$ </pre></div>`;
}"""


def timed(state: dict[str, Any]) -> dict[str, Any]:
    """The state with its seconds as the instants they mean now."""
    moved = dict(state)
    if "since" in state:
        moved["since"] = now_ms(state["since"])
    for clock in ("idle", "link"):
        for at in ("until", "kept"):
            if at in state.get(clock, {}):
                moved[clock] = {**moved[clock], at: now_ms(state[clock][at])}
    return moved


def show(page: Page, state: dict[str, Any], theme: str = "light") -> None:
    blank = {"phase": "new", "name": "Put your page on the web", "hosts": WEB, "active": 0}
    page.evaluate("([state, theme]) => show(state, { 'data-theme': theme })", [{**blank, **timed(state)}, theme])
    page.evaluate(PAINT)


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.locator("hastexo-lab").screenshot(path=f"{SHOTS}/{name}.png", animations="disabled")


@pytest.mark.parametrize("name", STATES)
def test_each_state_has_its_words_and_its_buttons(page: Page, name: str) -> None:
    state, word, heading, buttons = STATES[name]
    show(page, state)
    expect(page.locator("[data-role=status]")).to_contain_text(word)
    phase = "failed" if "refused" in state else state.get("phase", "new")
    expect(page.locator("section.hastexo-lab")).to_have_attribute("data-phase", phase)
    if heading:
        expect(page.get_by_role("heading", name=heading)).to_have_attribute("aria-level", "3")
    expect(page.locator(".hl-card")).to_have_count(1 if heading else 0)
    for button in buttons:
        expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
    names = "all => all.filter(b => !b.closest('[inert]')).map(b => b.ariaLabel ?? b.textContent.trim())"
    assert set(page.locator("button:not([role=tab])").evaluate_all(names)) == set(buttons)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing_in_any_state(page: Page, theme: str, width: int) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in frontend")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.add_script_tag(path=str(AXE))
    found = {}
    for name, (state, *_rest) in STATES.items():
        show(page, state, theme)
        page.evaluate("document.activeElement?.blur()")
        expect(page.locator("section.hastexo-lab")).to_be_visible()
        shoot(page, f"{name}-{theme}-{width}")
        violations = page.evaluate("axe.run('hastexo-lab', { resultTypes: ['violations'] })")["violations"]
        if violations:
            found[name] = [
                (each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"]) for each in violations
            ]
    assert found == {}


def test_the_status_says_a_sentence_and_no_seconds(page: Page) -> None:
    show(page, {**UP, "idle": {"until": 105, "of": 120}})
    status = page.locator("[data-role=status]")
    expect(status).to_have_text("Ready. Your lab goes to sleep in 2 minutes unless you go on working.")
    page.evaluate("window.changes = 0")
    page.evaluate(
        """() => {
          const status = document.querySelector("hastexo-lab").shadowRoot.querySelector("[data-role=status]");
          new MutationObserver(() => changes++).observe(status, { childList: true, subtree: true });
        }"""
    )
    expect(page.locator(".hl-notice")).to_contain_text("1:42", timeout=8000)
    assert page.evaluate("changes") == 0


def test_the_terminal_is_never_redrawn(page: Page) -> None:
    show(page, UP)
    page.evaluate("window.pane = document.querySelector('hastexo-lab').terminal.firstElementChild")
    for state, *_rest in STATES.values():
        show(page, state)
    assert page.evaluate("document.querySelector('hastexo-lab').terminal.firstElementChild === pane")


def test_what_covers_the_terminal_makes_it_inert(page: Page) -> None:
    show(page, {**UP, "link": {"is": "lost"}})
    assert page.evaluate("document.querySelector('hastexo-lab').terminal.inert")
    show(page, UP)
    assert not page.evaluate("document.querySelector('hastexo-lab').terminal.inert")


def test_focus_is_not_lost_with_the_button_that_had_it(page: Page) -> None:
    show(page, {"phase": "asleep"})
    page.get_by_role("button", name="Wake lab").press("Enter")
    assert page.evaluate("actions") == ["wake"]
    show(page, {"phase": "resuming"})
    expect(page.locator(".hl-stage")).to_be_focused()
    show(page, UP)
    expect(page.locator(".hl-pane")).to_be_focused()


def test_a_page_that_loads_moves_no_focus(page: Page) -> None:
    for state, *_rest in STATES.values():
        show(page, state)
        assert page.evaluate("document.activeElement === document.body")


def test_tabs_go_round_and_mirror_in_right_to_left(page: Page) -> None:
    show(page, {**UP, "hosts": MANY})
    tab = page.get_by_role("tab", name="web")
    tab.press("ArrowLeft")
    expect(page.get_by_role("tab", name="desk")).to_be_focused()
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.get_by_role("tab", name="desk").press("ArrowRight")
    expect(page.get_by_role("tab", name="db")).to_have_attribute("aria-selected", "true")


def test_an_unknown_phase_reads_as_none(page: Page) -> None:
    show(page, UP)
    page.evaluate("document.querySelector('hastexo-lab').setAttribute('phase', 'dancing')")
    expect(page.locator("section.hastexo-lab")).to_have_attribute("data-phase", "up")


def test_names_that_look_like_markup_stay_text(page: Page) -> None:
    evil = '<img src=x onerror="window.hacked = 1">'
    show(
        page, {**UP, "name": evil, "hosts": [{"name": evil, "kind": "terminal"}, {"name": "b", "kind": "terminal"}]}
    )
    expect(page.get_by_role("tab", name=evil)).to_be_visible()
    show(page, failure("author", evil))
    expect(page.locator(".hl-staff")).to_contain_text(evil)
    assert page.evaluate("window.hacked") is None

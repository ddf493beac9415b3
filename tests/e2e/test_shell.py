"""The terminal of the page itself, sessions that outlive a lost network, several protocols, and looking in."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.bench import Wire, in_home, running_bench, wait_for

TERMINAL, THREE, GUACAMOLE, MIXED = (f"hastexo_lab.{number}" for number in (0, 3, 7, 8))
SOON = {"hold_timeout": 60}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with running_bench(tmp_path_factory.mktemp("shell"), **SOON) as running:
        yield running


@pytest.fixture
def wire(bench):
    made = Wire(bench)
    yield made
    made.close()


def prompted(learner):
    """In a terminal of the page that shows its prompt."""
    learner.open().until_drawn()
    expect(learner.terminal.locator(".xterm-rows")).to_have_count(1)
    return learner


def test_what_is_typed_and_shown_is_exact_in_unicode_and_colour(bench, learners):
    learner = prompted(learners(bench, TERMINAL))
    learner.type("printf 'Löwe 😀 日本語 \\033[38;2;250;200;150mink\\033[0m\\n'; printf 'λ → 😀' > ~/signs")
    learner.until_shown("Löwe 😀 日本語 ink")
    wait_for(lambda: in_home(bench, "signs", "λ → 😀"))
    ink = learner.terminal.locator(".xterm-rows span", has_text=re.compile("^ink$")).last
    expect(ink).to_have_css("color", "rgb(250, 200, 150)")
    assert not learner.faults


def test_the_lab_knows_the_size_and_hears_of_a_new_one(bench, learners):
    learner = prompted(learners(bench, TERMINAL))
    learner.type("clear; stty size")
    [wide] = re.findall(r"(?m)^(\d+) (\d+)$", learner.until_shown(r"\d+ \d+"))
    learner.page.set_viewport_size({"width": 700, "height": 900})
    rows = learner.terminal.locator(".xterm-rows > div")
    wait_for(lambda: rows.count() and learner.terminal.bounding_box()["width"] < 700)
    learner.type("clear; stty size; echo narrow")
    narrow = re.findall(r"(?m)^(\d+) (\d+)$", learner.until_shown("narrow"))[-1]
    assert int(narrow[1]) < int(wide[1])
    assert int(narrow[1]) > 40


def test_ctrl_c_ends_a_flood_at_once(bench, learners):
    learner = prompted(learners(bench, TERMINAL))
    learner.type("yes flood")
    learner.until_shown("flood")
    learner.page.keyboard.press("Control+C")
    learner.type("echo calm-$((1+1))")
    learner.until_shown("calm-2", within_s=10)


def test_a_lost_network_loses_nothing(bench, learners, wire):
    learner = prompted(learners(bench, TERMINAL, "learner_2", by=wire))
    learner.type("echo pid-$$; for i in $(seq 1 300); do echo line-$i; sleep 0.02; done; echo end-$$")
    [pid] = re.findall(r"(?m)^pid-(\d+)$", learner.until_shown(r"pid-\d+"))
    learner.until_shown("line-20")
    wire.cut()
    expect(learner.page.get_by_text("Connection lost").first).to_be_visible()
    expect(learner.page.get_by_text(re.compile("Your session is kept for")).first).to_be_visible()
    wire.mend()
    learner.until_shown(f"end-{pid}")
    expect(learner.page.get_by_text("Connection lost").first).not_to_be_visible()
    # All of it was shown, in order: what is above the screen is in the terminal's memory.
    learner.type(f"clear; echo same-$((pid=$$, pid=={pid}))")
    learner.until_shown("same-1")
    assert not learner.faults


def test_guacamoles_terminal_is_the_same_one_after_a_lost_network(bench, learners, wire):
    learner = learners(bench, GUACAMOLE, "learner_2", by=wire).open().until_drawn()
    learner.type("echo $$ > ~/first")
    pid = wait_for(lambda: [(home / "first").read_text() for home in bench.homes() if (home / "first").exists()])
    wire.cut()
    lost = learner.page.get_by_text("Connection lost").first
    expect(lost).to_be_visible()
    wire.mend()
    expect(lost).not_to_be_visible()
    learner.until_drawn()
    learner.type("echo $$ > ~/second")
    wait_for(lambda: in_home(bench, "second", pid[0]), what=learner.said)


def test_after_the_hold_time_a_new_session_is_opened_by_hand(learners, tmp_path):
    with running_bench(tmp_path / "bench", hold_timeout=2) as bench:
        wire = Wire(bench)
        learner = prompted(learners(bench, TERMINAL, by=wire))
        learner.type("echo before > ~/before")
        wait_for(lambda: in_home(bench, "before", "before\n"))
        wire.cut()
        again = learner.button("Connect again")
        expect(again).to_be_visible()
        wire.mend()
        again.click()
        expect(again).not_to_be_visible()
        learner.type("cat ~/before")
        learner.until_shown("before")
        wire.close()


def test_each_host_has_its_own_protocol_and_all_stay_open(bench, learners):
    learner = learners(bench, MIXED).open()
    learner.until("up")
    for name in ("terminal", "server", "desk", "terminal"):
        learner.page.get_by_role("tab", name=name).click()
        learner.until_drawn()
    learner.type("echo one > ~/one; echo here-$((2+3))")
    learner.until_shown("here-5")
    wait_for(lambda: in_home(bench, "one", "one\n"))
    assert not learner.faults


def test_an_author_can_choose_guacamoles_terminal(bench, learners):
    learner = learners(bench, GUACAMOLE).open().until_drawn()
    assert learner.terminal.locator("canvas").count()
    assert not learner.terminal.locator(".xterm-rows").count()
    learner.type("echo by-guacd > ~/by-guacd")
    wait_for(lambda: in_home(bench, "by-guacd", "by-guacd\n"), what=learner.said)


def looking(learners, bench, scenario, button):
    """The author in the lab of learner 1, which is open."""
    author = learners(bench, scenario, "author").open()
    author.until("up")
    author.button("Learners' labs").click()
    author.page.get_by_role("button", name=f"{button}: Learner 1").click()
    expect(author.page.get_by_text("Lab of").first).to_be_visible()
    return author.until_drawn() or author


@pytest.mark.parametrize("scenario", [TERMINAL, GUACAMOLE])
def test_staff_watch_a_learner_and_the_learner_is_told(bench, learners, scenario):
    learner = learners(bench, scenario).open().until_drawn()
    author = looking(learners, bench, scenario, "Look in")
    notice = learner.page.get_by_text(re.compile("is looking in and can see this screen, but not type")).first
    expect(notice).to_be_visible()
    if scenario == TERMINAL:
        learner.type("echo seen-$((40+2))")
        author.until_shown("seen-42")
    author.type("echo no > ~/by-watcher")
    learner.type("echo yes > ~/by-learner")
    wait_for(lambda: in_home(bench, "by-learner", "yes\n"), what=learner.said)
    assert not in_home(bench, "by-watcher", "no\n")
    author.button("Back to my lab").click()
    expect(notice).not_to_be_visible()


@pytest.mark.parametrize("scenario", [TERMINAL, GUACAMOLE])
def test_staff_help_a_learner_in_the_same_session(bench, learners, scenario):
    learner = learners(bench, scenario).open().until_drawn()
    author = looking(learners, bench, scenario, "Help")
    expect(learner.page.get_by_text(re.compile("is helping in your lab and can type")).first).to_be_visible()
    author.type("echo helped > ~/helped")
    wait_for(lambda: in_home(bench, "helped", "helped\n"), what=author.said)
    if scenario == TERMINAL:
        learner.type("cat ~/helped")
        learner.until_shown("helped")

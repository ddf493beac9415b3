"""Learners in labs on the local provider, in a real browser through a real guacd."""

import re

from tests.e2e.bench import in_home, running_bench, wait_for

TERMINAL, VNC, RDP, THREE, SEVERAL, BROKEN = (f"hastexo_lab.{number}" for number in range(6))


def test_two_learners_at_once_each_reach_their_own_prompt(bench, learners):
    one, two = (learners(bench, TERMINAL, who).open() for who in ("learner_1", "learner_2"))
    for learner, word in ((one, "apricot"), (two, "blueberry")):
        learner.until_drawn()
        learner.type(f"echo {word}-$((6*7)) | tee ~/{word}")
    for learner, word, other in ((one, "apricot", "blueberry"), (two, "blueberry", "apricot")):
        wait_for(lambda word=word: in_home(bench, word, f"{word}-42\n"), what=learner.said)
        assert other not in learner.until_shown(f"{word}-42")
        assert not learner.faults


def test_the_window_says_what_goes_on_and_how_to_leave(bench, learners):
    learner = learners(bench, TERMINAL).open().until_drawn()
    status = learner.page.locator("[data-role=status]").first
    assert "Ready" in status.inner_text()
    assert status.get_attribute("aria-live") == "polite"
    learner.terminal.click()
    learner.page.keyboard.press("Control+F6")
    assert learner.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent").strip()
    assert learner.button("Full screen").is_visible()
    assert learner.button("Reset").is_visible()


def test_a_vnc_desktop_draws_and_takes_keys(bench, learners):
    desktop(bench, learners(bench, VNC), "by-vnc")


def test_an_rdp_desktop_draws_and_takes_keys(bench, learners):
    desktop(bench, learners(bench, RDP), "by-rdp")


def desktop(bench, learner, name):
    learner.open().until("up")
    wait_for(lambda: typed(bench, learner, name), within_s=60, what=learner.said)
    assert learner.drawn()
    assert not learner.faults


def typed(bench, learner, name) -> bool:
    """Type into the xterm of the desktop; it may still be on its way."""
    learner.type(f"echo here > ~/{name}")
    learner.page.wait_for_timeout(1000)
    return in_home(bench, name, "here\n")


def test_three_hosts_are_three_tabs_and_each_is_its_own(bench, learners):
    learner = learners(bench, THREE, "learner_2").open().until_drawn()
    for name in ("web", "db", "app"):
        learner.page.get_by_role("tab", name=name).click()
        learner.until_drawn()
        learner.type("hostname > ~/this; echo $USER@$(basename ~) > ~/mine")
        wait_for(lambda name=name: in_home(bench, "mine", f"learner@{name}\n"), what=learner.said)


def test_several_labs_on_one_page_do_not_disturb_one_another(bench, learners):
    learner = learners(bench, SEVERAL, "author").open()
    labs = learner.page.locator("section.hastexo-lab")
    wait_for(lambda: labs.count() == 2)
    wait_for(lambda: [labs.nth(i).get_attribute("data-phase") for i in (0, 1)] == ["up", "up"], within_s=60)
    assert len({labs.nth(i).locator(".hl-name").inner_text() for i in (0, 1)}) == 2
    assert not learner.faults


def test_a_lab_that_cannot_start_says_what_to_do_and_staff_see_why(bench, learners):
    learner = learners(bench, BROKEN).open()
    learner.until("failed")
    said = learner.lab.inner_text()
    assert "This lab cannot start" in said
    assert re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", said)
    assert "ubuntu-09.13" not in said
    author = learners(bench, BROKEN, "author").open()
    author.until("failed")
    assert "ubuntu-09.13" in author.lab.inner_text()


def test_reset_asks_first_and_then_gives_a_new_lab(bench, learners):
    learner = learners(bench, TERMINAL, "author").open().until_drawn()
    learner.type("echo old > ~/mine")
    wait_for(lambda: in_home(bench, "mine", "old\n"))
    learner.button("Reset").click()
    assert learner.page.get_by_role("alertdialog").is_visible()
    learner.button("Keep my lab").click()
    assert learner.phase == "up"
    learner.button("Reset").click()
    learner.button("Reset lab").click()
    learner.until("deleting", "new", "creating", "booting")
    learner.until_drawn()
    assert not in_home(bench, "mine", "old\n")


def test_it_all_runs_under_daphne_too(learners, tmp_path):
    with running_bench(tmp_path / "bench", "--server", "daphne") as daphne:
        learner = learners(daphne, TERMINAL).open().until_drawn()
        learner.type("echo here > ~/here")
        wait_for(lambda: in_home(daphne, "here", "here\n"), what=learner.said)
        assert not learner.faults

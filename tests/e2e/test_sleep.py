"""A lab that is left falls asleep; who comes back finds it as it was."""

from pathlib import Path

import pytest

from tests.e2e.bench import in_home, running_bench, wait_for

OLX = '<hastexo_lab display_name="Nap" stack_user_name="learner" stack_template_path="lab.yaml" {more}/>'
LAB = "hosts:\n  - name: web\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    course = {
        "nap.xml": OLX.format(more='suspend_timeout="8"'),
        "lab.yaml": LAB,
    }
    with running_bench(tmp_path_factory.mktemp("sleep"), course=course, idle_warning=4) as running:
        yield running


def test_left_it_sleeps_and_on_return_it_wakes_with_the_same_home(bench, learners):
    learner = learners(bench, "nap").open().until_drawn()
    learner.type("echo mine > ~/kept; cd /tmp; exec bash")
    wait_for(lambda: in_home(bench, "kept", "mine\n"))
    learner.leave()
    other = learners(bench, "nap", "learner_2").open().until_drawn()
    wait_for(lambda: stopped(bench, "kept"), within_s=40, what=other.said)
    learner.open().until("resuming", "up")
    learner.until_drawn()
    learner.type("cp ~/kept ~/again")
    wait_for(lambda: in_home(bench, "again", "mine\n"), what=learner.said)


def test_an_idle_learner_is_warned_and_can_stay(bench, learners):
    learner = learners(bench, "nap", "author").open().until_drawn()
    here = learner.button("I'm here")
    wait_for(here.is_visible, within_s=20, what=learner.said)
    here.click()
    wait_for(lambda: not here.is_visible())
    assert learner.phase == "up"
    learner.until("suspending", "asleep", within_s=30)
    learner.until("asleep")
    learner.button("Wake lab").click()
    learner.until_drawn()


def stopped(bench, name: str) -> bool:
    """Whether the host of the lab that has this file in its home is stopped."""
    [home] = [home for home in bench.homes() if (home / name).exists()]
    pid = (home.parents[1] / "host").read_text().split()[0]
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"

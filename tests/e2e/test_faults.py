"""What is killed or missing costs a moment, and never a lab."""

import os
import shutil
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.bench import in_home, running_bench, wait_for

OLX = '<hastexo_lab display_name="Lab" stack_user_name="learner" stack_template_path="lab.yaml" {more}/>'
LAB = "hosts:\n  - name: web\n"
COURSE = {
    "plain.xml": OLX.format(more=""),
    "drawn.xml": OLX.format(more='terminal="guacamole"'),
    "lab.yaml": LAB,
    "slow.xml": OLX.format(more='lab_name="slow"').replace("lab.yaml", "slow.yaml"),
    "slow.yaml": LAB + "create_s: 5\nboot_s: 2\n",
    "mute.xml": OLX.format(more='launch_timeout="6"').replace("lab.yaml", "mute.yaml"),
    "mute.yaml": LAB + "boot_s: 600\n",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with running_bench(tmp_path_factory.mktemp("faults"), course=COURSE) as running:
        yield running


def test_a_worker_that_is_killed_while_a_stack_is_made_costs_no_lab(bench, learners):
    before = set(bench.stacks())
    learner = learners(bench, "slow").open()
    learner.until("creating")
    killed = bench.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    learner.until_drawn()
    learner.type("echo once > ~/arrived")
    wait_for(lambda: in_home(bench, "arrived", "once\n"), what=learner.said)
    assert len(set(bench.stacks()) - before) == 1
    assert not set(killed) & set(bench.workers())


def test_a_supervisor_that_is_killed_takes_its_workers_along_and_comes_back(bench, learners):
    learner = learners(bench, "slow", "learner_2").open()
    learner.until("creating")
    [supervisor] = [pid for pid, words in bench.processes().items() if "lab_worker" in words]
    before = set(bench.workers())
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not before & set(bench.workers()))
    learner.until_drawn()


def test_a_guacd_that_is_killed_is_reconnected_to_with_nothing_lost(bench, learners):
    learner = learners(bench, "drawn").open().until_drawn()
    learner.type("echo before > ~/before")
    wait_for(lambda: in_home(bench, "before", "before\n"))
    for pid, words in bench.processes().items():
        if "guacd" in words:
            os.kill(pid, signal.SIGKILL)
    said = learner.page.get_by_text("Connection lost")
    wait_for(lambda: said.count() and said.first.is_visible(), what=learner.said)
    wait_for(lambda: not said.first.is_visible() and learner.drawn(), within_s=40, what=learner.said)
    learner.type("cp ~/before ~/after")
    wait_for(lambda: in_home(bench, "after", "before\n"), what=learner.said)


def test_a_gateway_that_is_killed_is_reconnected_to(bench, learners):
    learner = learners(bench, "plain", "learner_2").open().until_drawn()
    [web] = [pid for pid, words in bench.processes().items() if "uvicorn" in words]
    os.kill(web, signal.SIGKILL)
    said = learner.page.get_by_text("Connection lost")
    wait_for(lambda: said.count() and said.first.is_visible(), what=learner.said)
    wait_for(lambda: not said.first.is_visible() and learner.drawn(), within_s=60, what=learner.said)
    learner.type("echo again > ~/again")
    wait_for(lambda: in_home(bench, "again", "again\n"), what=learner.said)


def test_a_lab_that_never_answers_is_said_to_be_out_of_reach_and_can_be_tried_again(bench, learners):
    author = learners(bench, "mute", "author").open()
    author.until("failed")
    said = author.lab.inner_text()
    assert "Your lab does not answer" in said
    assert ":22 (ssh)" in said
    author.button("Try again").click()
    author.until("resuming")


def test_without_guacd_terminals_open_and_the_workbench_says_what_does_not(learners, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in os.environ["PATH"].split(":"):
        for path in os.scandir(folder) if os.path.isdir(folder) else ():
            if path.name != "guacd" and not (programs / path.name).exists():
                (programs / path.name).symlink_to(path.path)
    with running_bench(tmp_path / "bench", course=COURSE, env={"PATH": str(programs)}) as bench:
        assert shutil.which("guacd", path=str(programs)) is None
        assert "guacd is not here" in bench.log.read_text()
        learner = learners(bench, "plain").open().until_drawn()
        learner.type("echo here > ~/here")
        wait_for(lambda: in_home(bench, "here", "here\n"), what=learner.said)
        drawn = learners(bench, "drawn").open()
        drawn.until("up")
        expect(drawn.page.get_by_text("Connection lost").first).to_be_visible()


def test_ctrl_c_leaves_no_process_and_no_stack(learners, tmp_path):
    with running_bench(tmp_path / "bench", course=COURSE) as bench:
        learners(bench, "plain").open().until_drawn()
        assert bench.stacks()
    assert bench.processes() == {}
    assert bench.stacks() == []


def test_a_port_that_is_taken_is_said_at_once(tmp_path):
    with (
        running_bench(tmp_path / "one") as bench,
        pytest.raises(AssertionError, match=r"cannot be used .*choose another with --port"),
        running_bench(tmp_path / "two", "--port", bench.url.split(":")[-1].strip("/")),
    ):
        pass


def test_ctrl_c_while_a_stack_is_made_is_quick(learners, tmp_path):
    course = {**COURSE, "slow.yaml": LAB + "create_s: 120\n"}
    with running_bench(tmp_path / "bench", course=course) as bench:
        learners(bench, "slow").open().until("creating")
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert bench.processes() == {}
    assert bench.stacks() == []

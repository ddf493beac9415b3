"""From Heat's CREATE_COMPLETE, or RESUME_COMPLETE, to a prompt that is drawn in the learner's browser.

A real Keystone, Heat, guacd, sshd and Chromium. Heat is asked every 0.1 s, so that a figure may be too small by
as much; the page is looked at every 0.05 s.
"""

import os
import threading
import time

import pytest

from benchmarks.results import note, summary
from tests.e2e.bench import running_bench, wait_for
from tests.e2e.cloud import course

RUNS = int(os.environ.get("RUNS", "20"))

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(1800)]


class Watch:
    """Notes when Heat first showed a status."""

    def __init__(self, project, name: str, status: str):
        self.project, self.name, self.status = project, name, status
        self.at = 0.0
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.project.stacks().get(self.name, {}).get("stack_status") == self.status:
                self.at = time.monotonic()
                return
            time.sleep(0.1)


def measured(project, learner, name: str, status: str) -> float:
    """Seconds from the status to the drawn prompt."""
    watch = Watch(project, name, status)
    learner.until_drawn()
    drawn_at = time.monotonic()
    watch.thread.join()
    return drawn_at - watch.at


def newest(project, before: set[str]) -> str:
    """The name of the stack that was not there before."""
    return wait_for(lambda: next(iter(set(project.stacks()) - before), None))


def test_ready(heat_project, sshd, learners, tmp_path):
    launched, woken = [], []
    files = course(sshd, "wait: {CREATE: 2, RESUME: 2}", suspend_timeout=5)
    bench = running_bench(
        tmp_path / "bench", "--provider", "heat", course=files, env=heat_project.env, idle_warning=2
    )
    with bench as running:
        for number in range(RUNS):
            before = set(heat_project.stacks())
            learner = learners(running, "cloud", f"learner_{number}").open()
            name = newest(heat_project, before)
            launched.append(measured(heat_project, learner, name, "CREATE_COMPLETE"))
            learner.leave()
            wait_for(
                lambda name=name: heat_project.stacks()[name]["stack_status"] == "SUSPEND_COMPLETE", within_s=60
            )
            learner.open()
            woken.append(measured(heat_project, learner, name, "RESUME_COMPLETE"))
            learner.context.close()
            print(f"{number + 1}: launched {launched[-1]:.2f} s, woken {woken[-1]:.2f} s", flush=True)
    rows = [
        f"Seconds from the cloud's word to a drawn prompt in Chromium, {RUNS} runs, median (range); asked for: 3.",
        "",
        "| from | seconds |",
        "|---|---|",
        f"| CREATE_COMPLETE | {summary(launched)} |",
        f"| RESUME_COMPLETE | {summary(woken)} |",
    ]
    note("ready", "./benchmarks/run ready", rows)

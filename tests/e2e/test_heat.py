"""The whole path on a real Keystone and Heat: page, stack, prompt, asleep, awake, reset, gone."""

import pytest

from tests.e2e.bench import running_bench, wait_for
from tests.e2e.cloud import course

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(300)]


def status_of(project) -> list[tuple[str, str]]:
    return sorted((name, stack["stack_status"]) for name, stack in project.stacks().items())


def test_from_the_page_to_a_prompt_and_through_sleep_and_reset(heat_project, sshd, learners, tmp_path):
    files = course(sshd, "wait: {CREATE: 2, SUSPEND: 1, RESUME: 1}", suspend_timeout=8)
    made = tmp_path / "made"
    with running_bench(
        tmp_path / "bench", "--provider", "heat", course=files, env=heat_project.env, idle_warning=3
    ) as bench:
        learner = learners(bench, "cloud").open()
        learner.until("creating")
        learner.until_drawn()
        [(first, status)] = status_of(heat_project)
        assert status == "CREATE_COMPLETE"
        learner.type(f"echo mine >> {made}")
        wait_for(lambda: made.exists() and made.read_text() == "mine\n", what=learner.said)

        learner.leave()
        wait_for(lambda: status_of(heat_project) == [(first, "SUSPEND_COMPLETE")], within_s=60)

        learner.open().until("resuming", "up")
        learner.until_drawn()
        assert status_of(heat_project) == [(first, "RESUME_COMPLETE")]
        learner.type(f"cat {made} {made} > {made}.twice")
        twice = tmp_path / "made.twice"
        wait_for(lambda: twice.exists() and twice.read_text() == "mine\nmine\n", what=learner.said)

        learner.button("Reset").click()
        learner.button("Reset lab").click()
        wait_for(lambda: first not in heat_project.stacks() and heat_project.stacks(), within_s=60)
        learner.until_drawn()
        [(second, status)] = status_of(heat_project)
        assert second != first
        assert status == "CREATE_COMPLETE"
        assert not learner.faults
        log = bench.log.read_text()
    assert heat_project.stacks() == {}
    assert "PRIVATE KEY" not in log
    assert heat_project.env["OS_PASSWORD"] not in log


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {
                "lab.yaml": "heat_template_version: 2018-08-31\nresources: {x: {type: OS::No::Such}}\n"
                "outputs: {public_ip: {value: 127.0.0.1}}\n"
            },
            "OS::No::Such",
        ),
        ({"lab.yaml": "heat_template_version: 2018-08-31\nresources: {}\noutputs: {}\n"}, "public_ip"),
        ({"lab.yaml": "resources:\n\tx: 1\n"}, "lab.yaml"),
    ],
)
def test_a_template_that_cannot_work_is_told_to_staff_and_learners_are_told_what_to_do(
    change, told, heat_project, sshd, learners, tmp_path
):
    files = {**course(sshd), "env.yaml": "parameters: {}\n", **change}
    with running_bench(tmp_path / "bench", "--provider", "heat", course=files, env=heat_project.env) as bench:
        author = learners(bench, "cloud", "author").open()
        wait_for(lambda: told in author.lab.inner_text(), within_s=60, what=author.said)
        learner = learners(bench, "cloud", "learner_2").open()
        learner.until("failed")
        assert told not in learner.lab.inner_text()
        wait_for(lambda: "ourse team" in learner.lab.inner_text(), what=learner.said)
        wait_for(lambda: not heat_project.stacks(), within_s=60)


def test_a_cloud_that_refuses_its_credentials_is_told_to_staff(heat_project, sshd, learners, tmp_path):
    env = {**heat_project.env, "OS_PASSWORD": "not-the-password"}
    with running_bench(tmp_path / "bench", "--provider", "heat", course=course(sshd), env=env) as bench:
        author = learners(bench, "cloud", "author").open()
        author.until("failed", within_s=120)
        said = author.lab.inner_text()
        assert "refused" in said
        assert "not-the-password" not in said + bench.log.read_text()

"""Heat's words in ours."""

from __future__ import annotations

from typing import Any

import pytest

from hastexo_lab.providers.base import AuthorMistake, CloudState, Outputs, Transient
from hastexo_lab.providers.heat_words import STATES, observation, outputs_of

ACTIONS = (
    *("INIT", "CREATE", "ADOPT", "ROLLBACK", "SUSPEND", "RESUME", "DELETE"),
    *("UPDATE", "CHECK", "SNAPSHOT", "RESTORE"),
)
STATUSES = ("IN_PROGRESS", "FAILED", "COMPLETE")


def told(status: str, **more: Any) -> dict[str, Any]:
    return {"stack_name": "lab", "id": "1-2", "stack_status": status, **more}


def listed(**values: Any) -> list[dict[str, Any]]:
    return [{"output_key": key, "output_value": value} for key, value in values.items()]


def test_every_state_of_heat_is_known() -> None:
    assert set(STATES) == {f"{action}_{status}" for action in ACTIONS for status in STATUSES}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATE_COMPLETE", CloudState.RUNNING),
        ("RESUME_COMPLETE", CloudState.RUNNING),
        ("CHECK_COMPLETE", CloudState.RUNNING),
        ("ROLLBACK_COMPLETE", CloudState.CREATE_FAILED),
        ("DELETE_COMPLETE", CloudState.ABSENT),
        ("SUSPEND_COMPLETE", CloudState.SUSPENDED),
    ],
)
def test_states(status: str, state: CloudState) -> None:
    assert observation(told(status)).state == state


def test_an_observation() -> None:
    seen = observation(told("CREATE_FAILED", stack_status_reason="why", tags=["a", "b"]))
    assert (seen.ref, seen.name, seen.reason, seen.tags) == ("lab/1-2", "lab", "why", ("a", "b"))
    assert observation(told("CREATE_COMPLETE", tags=None)).tags == ()
    assert observation(told("CREATE_COMPLETE"), "as/given").ref == "as/given"


def test_a_state_of_a_later_heat_is_not_guessed() -> None:
    with pytest.raises(Transient, match="SHELVE_COMPLETE"):
        observation(told("SHELVE_COMPLETE"))


def test_outputs() -> None:
    assert outputs_of(
        listed(
            public_ip=" 192.0.2.1 ",
            port_offset="2000",
            private_key="PEM",
            password="hunter2",
            host_keys=["ssh-ed25519 A", "ssh-rsa B"],
            reboot_on_resume=["one", "two"],
            other={"ignored": True},
        )
    ) == Outputs(
        address="192.0.2.1",
        port_offset=2000,
        secrets={"private_key": "PEM", "password": "hunter2"},
        host_keys="ssh-ed25519 A\nssh-rsa B",
        reboot_on_resume=("one", "two"),
    )


@pytest.mark.parametrize(
    ("value", "names"), [(False, ()), (None, ()), ("one", ("one",)), ("one, two", ("one", "two")), ([], ())]
)
def test_reboot_on_resume(value: Any, names: tuple[str, ...]) -> None:
    assert outputs_of(listed(public_ip="a", reboot_on_resume=value)).reboot_on_resume == names


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([], "there is none"),
        (listed(public_ip=None), "it is empty"),
        (listed(public_ip=""), "it is empty"),
        (listed(public_ip=["a"]), "it is empty"),
        ([{"output_key": "public_ip", "output_value": None, "output_error": "no such server"}], "no such server"),
        ([{"output_key": "public_ip", "output_error": "no such server"}], "no such server"),
    ],
)
def test_a_missing_public_ip_is_named(outputs: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(AuthorMistake, match=f'"public_ip".*{why}'):
        outputs_of(outputs)


@pytest.mark.parametrize("value", ["x", -1, 65536, [1]])
def test_a_wrong_port_offset_is_named(value: Any) -> None:
    with pytest.raises(AuthorMistake, match='"port_offset"'):
        outputs_of(listed(public_ip="a", port_offset=value))

"""What is ordered for a learner: hosts, the lab's name, what must answer, which scripts run when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hastexo_lab.block import order
from hastexo_lab.block.visitor import visitor_of
from hastexo_lab.block.words import AuthorTrouble
from hastexo_lab.stacks.wishes import Candidate, LabOrder
from tests.block.fixtures import LAB, TEMPLATE

BlockOf = Callable[..., Any]


def ordered(block: Any) -> LabOrder:
    return order.lab_order(block, visitor_of(block))


def lab(attributes: str, inner: str = "") -> str:
    return LAB.replace("<hastexo_lab", f"<hastexo_lab {attributes}").format(inner)


@pytest.mark.parametrize(
    ("protocol", "inner", "probes"),
    [
        ("ssh", "", [(22, "ssh", "")]),
        ("vnc", "", [(22, "ssh", ""), (5900, "tcp", "")]),
        ("rdp", "", [(22, "ssh", ""), (3389, "tcp", "")]),
        ("ssh", '<port name="web" number="22"/>', [(22, "ssh", "web")]),
        ("ssh", '<port name="db" number="2202"/>', [(22, "ssh", ""), (2202, "ssh", "db")]),
        ("rdp", '<port name="pc" number="3390"/>', [(22, "ssh", ""), (3390, "tcp", "pc")]),
        (
            "vnc",
            '<port name="pc" number="5900"/><port name="db" number="2202" protocol="ssh"/>',
            [(22, "ssh", ""), (5900, "tcp", "pc"), (2202, "ssh", "db")],
        ),
        ("ssh", '<port name="pc" number="5900" protocol="vnc"/>', [(22, "ssh", ""), (5900, "tcp", "pc")]),
    ],
)
def test_ready_means_that_ssh_and_every_port_answer(
    block_of: BlockOf, protocol: str, inner: str, probes: list[tuple[int, str, str]]
) -> None:
    found = ordered(block_of(lab(f'stack_protocol="{protocol}"', inner))).probes
    assert [(probe["port"], probe["kind"], probe["name"]) for probe in found] == probes


@pytest.mark.parametrize(
    ("xml", "name"),
    [
        (lab(""), "lab.yaml"),
        (lab('lab_name="web"'), "web"),
        (
            '<hastexo stack_user_name="u"><provider name="off" capacity="0"/>'
            '<provider name="n" template="a.yaml"/></hastexo>',
            "a.yaml",
        ),
    ],
)
def test_a_lab_is_named_by_its_author_or_its_template(block_of: BlockOf, xml: str, name: str) -> None:
    assert order.lab_name(block_of(xml)) == name


def test_without_providers_the_sites_own_order_counts(block_of: BlockOf) -> None:
    assert ordered(block_of()).candidates == (Candidate(provider="", template=TEMPLATE),)


def test_the_old_single_provider_is_the_one_candidate(block_of: BlockOf) -> None:
    assert ordered(block_of(lab('provider="north"'))).candidates == (
        Candidate(provider="north", template=TEMPLATE),
    )


@pytest.mark.parametrize(
    ("inner", "events"),
    [
        ("", ("suspend", "resume", "delete")),
        ('<hook_events resume="false"/>', ("suspend", "delete")),
        ('<hook_events suspend="0" resume="0" delete="0"/>', ()),
    ],
)
def test_a_script_runs_on_the_events_that_are_chosen(
    block_of: BlockOf, course_files: Path, inner: str, events: tuple[str, ...]
) -> None:
    (course_files / "hook.sh").write_text("#!/bin/sh\n")
    assert ordered(block_of(lab('hook_script="hook.sh"', inner))).hook_events == events
    assert ordered(block_of(lab("", inner))).hook_events == ()


def test_times_are_the_blocks_or_the_sites(block_of: BlockOf, settings: Any) -> None:
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "launch_timeout": 111, "delete_age": 222}
    found = ordered(block_of(lab('suspend_timeout="0" delete_age="333"')))
    assert (found.launch_timeout, found.suspend_timeout, found.delete_age) == (111, 0, 333)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ('suspend_timeout="-1"', "suspend_timeout: Give 0 or more whole seconds"),
        ('stack_protocol="telnet"', "stack_protocol: Choose one of"),
        ('terminal="xterm"', "terminal: Choose one of: native, guacamole"),
        ('hook_script="gone.sh"', '"gone.sh" is not among'),
    ],
)
def test_what_old_courses_hold_wrong_is_named(block_of: BlockOf, attributes: str, says: str) -> None:
    with pytest.raises(AuthorTrouble) as raised:
        ordered(block_of(lab(attributes)))
    assert says in str(raised.value)

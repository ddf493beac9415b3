"""The workbench's scenarios: their order is their addresses, and two labs on one page are two stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree
from workbench.runtime import WorkbenchRuntime

from hastexo_lab.block import order
from hastexo_lab.block.scenarios import scenarios


def test_each_scenario_keeps_its_place() -> None:
    assert [title for title, _olx in scenarios()] == [
        "A terminal",
        "A desktop (VNC)",
        "A desktop (RDP)",
        "Three hosts",
        "Several labs on one page",
        "A lab that cannot start",
        "Slow lab",
        "A terminal by Guacamole",
        "A desktop and terminals",
    ]


def test_every_lab_names_its_files_for_both_providers() -> None:
    for title, olx in scenarios():
        for lab in etree.fromstring(olx).iter("hastexo_lab"):
            assert [row.get("name") for row in lab.iter("provider")] == ["local", "heat"], title
            assert all(row.get("template", "").endswith(f".{row.get('name')}.yaml") for row in lab.iter("provider"))


def test_two_labs_on_one_page_are_two_stacks(usage_of: Callable[[str], str]) -> None:
    page = WorkbenchRuntime("learner").get_block(usage_of(dict(scenarios())["Several labs on one page"]))
    labs: list[Any] = page.get_children()
    assert len({order.lab_name(lab) for lab in labs}) == len(labs) == 2

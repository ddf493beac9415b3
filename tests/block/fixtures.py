"""Blocks in xblock-sdk's real runtime, called through their handlers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webob import Request, Response
from workbench.runtime import ID_MANAGER, WorkbenchRuntime

from tests.block import services

COUNT = itertools.count()
TEMPLATE = "heat_template_version: 2021-04-16\noutputs:\n  public_ip:\n    value: 192.0.2.1\n"
LAB = '<hastexo_lab display_name="Web" stack_user_name="learner" stack_template_path="lab.yaml">{}</hastexo_lab>'


@pytest.fixture
def course_files(tmp_path: Path, settings: Any) -> Path:
    """The course's files; lab.yaml is among them. Not a workbench: rights count as in the LMS."""
    (tmp_path / "lab.yaml").write_text(TEMPLATE)
    settings.HASTEXO_LAB = {"site": "test", "workbench": False, "assets_root": str(tmp_path)}
    settings.WORKBENCH = {"reset_state_on_restart": False, "services": services.LMS}
    return tmp_path


@pytest.fixture
def in_studio(course_files: Path, settings: Any) -> None:
    settings.WORKBENCH = {"reset_state_on_restart": False, "services": services.STUDIO}


@pytest.fixture
def usage_of(db: Any, course_files: Path) -> Callable[[str], str]:
    """Store what the OLX describes; the answer is its usage id."""

    def usage_of(xml: str) -> str:
        ID_MANAGER.set_scenario(f"test{next(COUNT)}")
        usage: str = WorkbenchRuntime().parse_xml_string(xml)
        return usage

    return usage_of


@pytest.fixture
def block_of(usage_of: Callable[[str], str]) -> Callable[..., Any]:
    """The block that the OLX describes, as `user` meets it. `more`: what stands inside LAB."""

    def block_of(xml: str = "", user: str = "learner", more: str = "") -> Any:
        return WorkbenchRuntime(user).get_block(usage_of(xml or LAB.format(more)))

    return block_of


def as_user(block: Any, user: str) -> Any:
    """The same block as another user meets it."""
    return WorkbenchRuntime(user).get_block(block.scope_ids.usage_id)


def call(block: Any, handler: str, data: Any = None, **more: Any) -> Response:
    """POST `data` to a handler; `more` goes to the request."""
    body = data if isinstance(data, bytes) else json.dumps({} if data is None else data).encode()
    options = {"method": "POST", "content_type": "application/json", "body": body, **more}
    if options["method"] == "GET":
        options.pop("body")
    return block.runtime.handle(block, handler, Request.blank("/", **options))

"""Who is asking, in each runtime's words. Where a right cannot be made sure of, there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from workbench.runtime import WorkbenchRuntime

from hastexo_lab.block.visitor import admit, visitor_of
from hastexo_lab.block.words import Trouble
from tests.block import services

BlockOf = Callable[..., Any]


def test_ids_are_text(block_of: BlockOf) -> None:
    visitor = visitor_of(block_of(user="learner"))
    assert (visitor.user_id, visitor.username, visitor.name) == (
        str(services.IDS["learner"]),
        "learner",
        "Learner Ω",
    )
    assert (visitor.course_id, visitor.is_staff, visitor.in_studio) == ("workbench", False, False)
    assert isinstance(visitor.usage_id, str)


@pytest.mark.parametrize(("user", "welcome"), [("student_1", True), ("none", False), (None, False)])
def test_the_stock_workbench_knows_users_by_name_only(
    block_of: BlockOf, settings: Any, user: str | None, welcome: bool
) -> None:
    usage = block_of().scope_ids.usage_id
    settings.WORKBENCH = {"reset_state_on_restart": False, "services": {}}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "workbench": True}
    visitor = visitor_of(WorkbenchRuntime(user).get_block(usage))
    assert (visitor.is_authenticated, visitor.is_staff, visitor.user_id) == (
        welcome,
        False,
        user if welcome else "",
    )


def test_without_enrolments_nobody_is_enrolled_but_in_a_workbench(block_of: BlockOf, settings: Any) -> None:
    usage = block_of().scope_ids.usage_id
    settings.WORKBENCH = {"reset_state_on_restart": False, "services": {"user": services.LMS["user"]}}
    block = WorkbenchRuntime("learner").get_block(usage)
    with pytest.raises(Trouble):
        admit(block)
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "workbench": True}
    assert admit(block).user_id == str(services.IDS["learner"])


@pytest.mark.django_db
@pytest.mark.parametrize("writes", [True, False])
def test_in_studios_preview_the_platform_is_asked_for_authorship(
    block_of: BlockOf, monkeypatch: pytest.MonkeyPatch, django_user_model: Any, writes: bool
) -> None:
    block = block_of(user="staff")  # the preview's user service calls everybody staff
    block.runtime.is_author_mode = True
    with pytest.raises(Trouble):
        admit(block)
    django_user_model.objects.create(pk=services.IDS["staff"], username="staff")
    auth = ModuleType("common.djangoapps.student.auth")
    auth.has_studio_write_access = lambda user, key: writes and user.username == "staff"  # type: ignore[attr-defined]
    for name in ("common", "common.djangoapps", "common.djangoapps.student"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, auth.__name__, auth)
    assert visitor_of(block).is_staff is writes

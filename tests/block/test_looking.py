"""Who may look in at which lab, what is listed, and that nothing is done by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from hastexo_lab import tickets
from hastexo_lab.block.looking import MOST_LABS
from hastexo_lab.models import Phase, Stack, Visit
from tests.block.fixtures import LAB, as_user, call
from tests.block.services import IDS, PEOPLE

BlockOf = Callable[..., Any]
STAFF = str(IDS["staff"])
NOW = timezone.now().replace(microsecond=0)


def lab_of(learner: str = "someone", **so: Any) -> Stack:
    """A lab of the unit, up unless said otherwise."""
    known = {"course_id": "workbench", "learner_id": learner, "lab": "lab.yaml", "phase": Phase.UP, **so}
    stack: Stack = Stack.objects.create(**known)
    return stack


def visit(stack: Stack, user_id: str, **so: Any) -> None:
    Visit.objects.create(ticket=f"{stack.pk}-{user_id}", stack=stack, user_id=user_id, **{"door": "desktop", **so})


@pytest.fixture
def team(block_of: BlockOf) -> Any:
    """The block as the course team meets it."""
    return block_of(user="staff")


def site(settings: Any, looking_in: str) -> None:
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "looking_in": looking_in}


# Who may


@pytest.mark.parametrize(
    ("handler", "data"),
    [
        ("labs", {}),
        ("status", {"lab": "KEY"}),
        ("ticket", {"lab": "KEY", "door": "shell"}),
        ("ticket", {"lab": "KEY", "door": "events", "help": True}),
    ],
)
@pytest.mark.parametrize("who", PEOPLE)
def test_only_the_course_team_looks_in(block_of: BlockOf, who: str, handler: str, data: dict[str, Any]) -> None:
    stack = lab_of()
    sent = {**data, "lab": stack.key} if "lab" in data else data
    answer = call(block_of(user=who), handler, sent)
    assert answer.status_code == {"nobody": 401, "staff": 200}.get(who, 403)
    if who != "staff":
        assert set(answer.json) == {"error"}


@pytest.mark.parametrize(
    ("looking_in", "helps", "status"),
    [
        ("help", True, 200),
        ("help", False, 200),
        ("watch", True, 403),
        ("watch", False, 200),
        ("off", True, 403),
        ("off", False, 403),
    ],
)
def test_the_site_says_how_far(team: Any, settings: Any, looking_in: str, helps: bool, status: int) -> None:
    site(settings, looking_in)
    stack = lab_of()
    answer = call(team, "ticket", {"lab": stack.key, "door": "shell", "help": helps})
    assert answer.status_code == status


def test_where_nobody_looks_in_nothing_is_listed_or_told(team: Any, settings: Any) -> None:
    site(settings, "off")
    assert call(team, "labs").status_code == 403
    assert call(team, "status", {"lab": lab_of().key}).status_code == 403


@pytest.mark.parametrize(
    "so",
    [
        {"course_id": "course-v1:Org+Other+Run"},
        {"lab": "other.yaml"},
        {"learner": STAFF},  # the own lab is entered by its own door
    ],
)
@pytest.mark.parametrize(("handler", "more"), [("status", {}), ("ticket", {"door": "shell"})])
def test_only_labs_of_others_in_this_unit_can_be_looked_at(
    team: Any, so: dict[str, Any], handler: str, more: dict[str, Any]
) -> None:
    stack = lab_of(**so)
    assert call(team, handler, {"lab": stack.key, **more}).status_code == 404
    assert call(team, "labs").json == {"labs": [], "more": False}


@pytest.mark.parametrize("key", ["", "no-such-lab"])
def test_a_lab_that_is_not_there_is_said(team: Any, key: str) -> None:
    answer = call(team, "status", {"lab": key})
    assert (answer.status_code, answer.json["error"]) == (404, "There is no such lab in this unit.")


@pytest.mark.parametrize("word", [7, ["a"], "\0", "\ud800", "a\nb", "x" * 300])
@pytest.mark.parametrize(("handler", "name"), [("labs", "query"), ("status", "lab")])
def test_rubbish_is_refused(team: Any, handler: str, name: str, word: Any) -> None:
    assert call(team, handler, {name: word}).status_code == 400


# The right to enter


@pytest.mark.parametrize("helps", [False, True])
def test_who_looks_in_watches_unless_they_help(team: Any, helps: bool) -> None:
    stack = lab_of()
    answer = call(team, "ticket", {"lab": stack.key, "door": "shell", "help": helps}).json
    assert answer["url"].endswith(f"/shell/{stack.key}")
    ticket, seen = tickets.spend(answer["ticket"], door="shell")
    assert ticket == tickets.Ticket(
        stack=stack.pk,
        user_id=STAFF,
        user_name="Staff Ω",
        door="shell",
        protocol="ssh",
        port=22,
        login="learner",
        read_only=not helps,
        staff=True,
    )
    assert (seen.looks_in, seen.read_only) == (True, not helps)


def test_the_team_can_help_in_a_lab_that_its_learners_only_watch(block_of: BlockOf) -> None:
    team = block_of(LAB.replace("<hastexo_lab", '<hastexo_lab read_only="true"').format(""), user="staff")
    text = call(team, "ticket", {"lab": lab_of().key, "door": "shell", "help": True}).json["ticket"]
    assert tickets.spend(text, door="shell")[0].read_only is False


def test_looking_in_wakes_and_changes_nothing(team: Any) -> None:
    stack = lab_of(phase=Phase.ASLEEP, goal="asleep")
    before = Stack.objects.values().get()
    assert call(team, "status", {"lab": stack.key}).json["state"]["phase"] == "asleep"
    assert call(team, "ticket", {"lab": stack.key, "door": "shell"}).status_code == 409
    assert call(team, "ticket", {"lab": stack.key, "door": "events"}).status_code == 200
    assert call(team, "labs").status_code == 200
    assert Stack.objects.values().get() == before


def test_the_team_is_told_why_a_learners_lab_failed(team: Any) -> None:
    stack = lab_of(phase=Phase.FAILED, error_kind="author", error_message="no such image")
    assert call(team, "status", {"lab": stack.key}).json["state"]["failure"]["staff"] == "no such image"


def test_the_learner_is_told_who_is_there_and_who_looks_in_is_not(block_of: BlockOf) -> None:
    block = block_of(user="staff")
    stack = lab_of(str(IDS["learner"]), active_at=NOW - timedelta(seconds=1199))
    visit(stack, STAFF, user_name="Ann", looks_in=True, read_only=True)
    told = call(as_user(block, "learner"), "status").json["state"]
    assert told["visitors"] == [{"name": "Ann", "read_only": True}]
    assert call(block, "status", {"lab": stack.key}).json["state"] == {**told, "visitors": []}


# The list


def listed(team: Any, query: str = "") -> list[str]:
    return [row["learner"] for row in call(team, "labs", {"query": query}).json["labs"]]


def test_a_row_tells_whose_lab_it_is_and_how_it_stands(team: Any) -> None:
    active = NOW - timedelta(hours=1)
    stack = lab_of("7", learner_name="Ann Ω", active_at=active)
    asleep = lab_of("8", phase=Phase.ASLEEP, active_at=NOW + timedelta(hours=1))
    first, second = call(team, "labs").json["labs"]
    assert second == {
        "key": stack.key,
        "learner": "Ann Ω",
        "phase": "up",
        "active": active.isoformat(),
        "here": False,
    }
    assert {**first, "active": ""} == {
        **second,
        "key": asleep.key,
        "learner": "8",
        "phase": "asleep",
        "active": "",
    }
    assert datetime.fromisoformat(first["active"]) <= timezone.now()


def test_learners_who_are_here_come_first_and_then_the_latest_active(team: Any) -> None:
    for name, hours in (("idle", 3), ("here", 4), ("active", 1), ("left", 2), ("watched", 5), ("lost", 6)):
        stack = lab_of(name, active_at=NOW - timedelta(hours=hours))
        if name not in ("idle", "active"):
            so = {"left": {"left_at": NOW}, "lost": {"seen_at": NOW - timedelta(seconds=91)}}.get(name, {})
            visit(stack, STAFF if name == "watched" else name, door="events", **so)
    assert listed(team) == ["here", "active", "left", "idle", "watched", "lost"]


@pytest.mark.parametrize(
    ("query", "found"),
    [("ann", ["Ann", "Joanna"]), ("LEARNER-3", ["Bob"]), (" joa ", ["Joanna"]), ("%", []), ("x", [])],
)
def test_learners_are_found_by_name_or_id(team: Any, query: str, found: list[str]) -> None:
    for number, name in enumerate(("Ann", "Joanna", "Bob"), 1):
        lab_of(f"learner-{number}", learner_name=name, active_at=NOW - timedelta(hours=number))
    assert listed(team, query) == found


def test_of_a_large_class_the_rest_is_found_by_name(team: Any) -> None:
    for number in range(MOST_LABS + 1):
        lab_of(f"learner-{number:02}", active_at=NOW - timedelta(minutes=number))
    answer = call(team, "labs").json
    assert (len(answer["labs"]), answer["more"]) == (MOST_LABS, True)
    last = call(team, "labs", {"query": f"-{MOST_LABS}"}).json
    assert ([row["learner"] for row in last["labs"]], last["more"]) == ([f"learner-{MOST_LABS}"], False)

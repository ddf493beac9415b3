"""Who is in which lab: few queries, and nothing that is lost or turned back."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hastexo_lab.models import Stack, Visit
from hastexo_lab.phases import Phase
from hastexo_lab.stacks import presence
from hastexo_lab.stacks.presence import Notes
from tests.gateway import labs

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
LONG_AGO = NOW - timedelta(hours=1)


def test_a_look_tells_what_has_changed_in_two_queries(
    django_assert_num_queries: type[CaptureQueriesContext],
) -> None:
    one, two, gone = labs.lab(), labs.lab(), labs.lab()
    pks = [one.pk, two.pk, gone.pk]
    gone.delete()
    with django_assert_num_queries(2):
        signs, changed = presence.look(dict.fromkeys(pks))
    assert set(signs) == {one.pk, two.pk} == {stack.pk for stack in changed}
    with django_assert_num_queries(1):
        assert presence.look(signs) == (signs, [])
    Stack.objects.filter(pk=two.pk).update(phase=Phase.SUSPENDING)
    with django_assert_num_queries(2):
        _, changed = presence.look(signs)
    assert [(stack.pk, stack.phase) for stack in changed] == [(two.pk, Phase.SUSPENDING)]


@pytest.mark.parametrize(
    "change",
    [
        {"progress": {"done": 1}},
        {"goal": "asleep"},
        {"generation": 2},
        {"gone_reason": "age"},
        {"error_kind": "lost"},
        {"active_at": LONG_AGO},
        {"suspend_timeout": 5},
    ],
)
def test_all_that_the_page_is_told_of_is_a_sign(change: dict[str, object]) -> None:
    stack = labs.lab()
    signs, _ = presence.look({stack.pk: None})
    Stack.objects.filter(pk=stack.pk).update(**change)
    assert presence.look(signs)[1] == [stack]


def test_presence_is_one_update(django_assert_num_queries: type[CaptureQueriesContext]) -> None:
    watched, used, ahead, other = (labs.lab(active_at=LONG_AGO) for _ in range(4))
    tomorrow = NOW + timedelta(days=1)
    Stack.objects.filter(pk=ahead.pk).update(active_at=tomorrow)
    with django_assert_num_queries(1):
        presence.write(Notes(here={watched.pk, used.pk}, active={used.pk, ahead.pk}), NOW)
    rows = {pk: (seen, active) for pk, seen, active in Stack.objects.values_list("pk", "seen_at", "active_at")}
    assert rows[watched.pk] == (NOW, LONG_AGO)
    assert rows[used.pk] == (NOW, NOW)
    assert rows[ahead.pk] == (NOW, tomorrow)
    assert rows[other.pk] == (None, LONG_AGO)


def test_the_time_of_activity_is_only_ever_raised() -> None:
    stack = labs.lab(active_at=NOW)
    presence.write(Notes(until={stack.pk: LONG_AGO}), NOW)
    stack.refresh_from_db()
    assert stack.active_at == NOW
    presence.write(Notes(until={stack.pk: NOW + timedelta(hours=1)}), NOW)
    stack.refresh_from_db()
    assert stack.active_at == NOW + timedelta(hours=1)
    assert stack.seen_at is None


def test_a_visit_ends_once() -> None:
    stack = labs.lab()
    visits = [Visit.objects.create(ticket=str(n), stack=stack, user_id="u", door="desktop") for n in range(3)]
    presence.write(Notes(left={visits[0].pk, visits[1].pk}), NOW)
    presence.write(Notes(left={visits[0].pk}), NOW + timedelta(hours=1))
    assert list(Visit.objects.order_by("pk").values_list("left_at", flat=True)) == [NOW, NOW, None]


def test_a_visit_that_lasts_is_marked_as_seen_until_it_has_ended() -> None:
    stack = labs.lab()
    lasts, over, other = (visit(stack, user_id=str(n), looks_in=False, seen_at=LONG_AGO) for n in range(3))
    presence.write(Notes(left={over.pk}), LONG_AGO)
    presence.write(Notes(visits={lasts.pk, over.pk}), NOW)
    seen = dict(Visit.objects.values_list("pk", "seen_at"))
    assert seen == {lasts.pk: NOW, over.pk: LONG_AGO, other.pk: LONG_AGO}


def visit(stack: Stack, **said: object) -> Visit:
    """Ann looks in at the lab, unless said otherwise."""
    told = {"user_id": "staff-1", "user_name": "Ann", "door": "desktop", "looks_in": True, "read_only": True}
    row: Visit = Visit.objects.create(
        **{"ticket": secrets.token_hex(16), "stack": stack, "seen_at": NOW, **told, **said}
    )
    return row


def test_visitors_are_told_of_all_labs_in_one_query(
    django_assert_num_queries: type[CaptureQueriesContext],
) -> None:
    one, two, none = labs.lab(), labs.lab(), labs.lab()
    visit(one, user_id="staff-2", user_name="", door="shell", read_only=False, entered_at=NOW)
    visit(one, entered_at=LONG_AGO)
    visit(two)
    with django_assert_num_queries(1):
        found = presence.visitors([one.pk, two.pk, none.pk], NOW)
    assert found == {
        one.pk: [{"name": "Ann", "read_only": True}, {"name": "staff-2", "read_only": False}],
        two.pk: [{"name": "Ann", "read_only": True}],
    }


def test_a_visitor_with_two_tabs_is_one_who_can_type_if_one_tab_can() -> None:
    stack = labs.lab()
    visit(stack)
    visit(stack, door="shell", read_only=False)
    assert presence.visitors([stack.pk], NOW) == {stack.pk: [{"name": "Ann", "read_only": False}]}


@pytest.mark.parametrize(
    "so",
    [
        {"looks_in": False},
        {"left_at": NOW},
        {"seen_at": NOW - timedelta(seconds=91)},  # its gateway was killed
        {"door": "events"},
    ],
)
def test_who_is_not_looking_in_now_is_no_visitor(so: dict[str, object]) -> None:
    stack = labs.lab()
    visit(stack, **so)
    assert presence.visitors([stack.pk], NOW) == {}


def test_the_labs_of_a_class_are_one_query(django_assert_num_queries: type[CaptureQueriesContext]) -> None:
    for learner in ("7", "8", "9"):
        stack = labs.lab(learner_id=learner, lab="web")
        visit(stack, user_id="8", looks_in=False)
    with django_assert_num_queries(1):
        rows = presence.labs("course", "web", "", NOW, but="7", most=2)
    assert [(row["learner_id"], row["here"]) for row in rows] == [("8", True), ("9", False)]


def test_nothing_to_note_is_nothing() -> None:
    assert not Notes()
    assert Notes(left={1})
    assert Notes(visits={1})

"""Where a stack goes: the author's order, capacity, and one answer for one create."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Blueprint, Phase, Stack
from hastexo_lab.providers.base import ProviderFull
from hastexo_lab.stacks import place, wishes
from hastexo_lab.stacks.registry import NoSuchProvider

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


@pytest.fixture
def blueprint(settings, tmp_path):
    names = ("one", "two")
    known = {name: {"type": "local", "root": str(tmp_path / name)} for name in names}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "providers": known}
    return Blueprint.objects.create(sha256="x", template="hosts: []")


def row(blueprint: Blueprint, *rows: tuple[str, int], **so) -> Stack:
    number = Stack.objects.count()
    candidates = [{"provider": name, "capacity": room, "blueprint": blueprint.pk} for name, room in rows]
    return Stack.objects.create(
        **{"course_id": "c", "learner_id": str(number), "lab": "l", "candidates": candidates, **so}
    )


def found(stack: Stack) -> tuple[list[str], list[str]]:
    places, refused = async_to_sync(place.places)(stack)
    return [p.name for p in places], [type(error).__name__ for error in refused]


def take(stack: Stack, capacity: int = -1) -> bool:
    [there, *_], _ = async_to_sync(place.places)(stack)
    there = place.Place("one", there.provider, there.blueprint, capacity)
    return async_to_sync(place.take)(stack, there, timezone.now())


@pytest.mark.parametrize(
    ("rows", "names", "refused"),
    [
        ((("two", -1), ("one", -1)), ["two", "one"], []),
        ((("", -1),), ["one", "two"], []),
        ((("two", 3), ("", -1)), ["two", "one", "two"], []),
        ((("one", 0), ("two", -1)), ["two"], ["NoSuchProvider"]),
        ((("elsewhere", -1), ("two", -1)), ["two"], ["NoSuchProvider"]),
    ],
)
def test_places_are_tried_in_the_authors_order(blueprint, rows, names, refused):
    assert found(row(blueprint, *rows)) == (names, refused)


def test_a_site_without_providers_says_so(blueprint, settings):
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "providers": {}}
    with pytest.raises(NoSuchProvider, match="no providers"):
        found(row(blueprint, ("", -1)))


def test_what_was_ordered_is_ordered_again_there_and_nowhere_else(blueprint):
    other = Blueprint.objects.create(sha256="y", template="hosts: [1]")
    stack = row(blueprint, ("one", -1), ("two", 0), provider="two", blueprint_id="y", launched_at=NOW)
    [[there], _] = async_to_sync(place.places)(stack)
    assert (there.name, there.blueprint) == ("two", other)


def test_a_place_is_taken_before_the_order_goes_out(blueprint):
    stack = row(blueprint, ("one", -1))
    assert take(stack)
    kept = Stack.objects.get(pk=stack.pk)
    assert (kept.provider, kept.blueprint_id, kept.launched_at) == ("one", "x", stack.launched_at)
    async_to_sync(place.leave)(stack)
    kept.refresh_from_db()
    assert (kept.provider, kept.blueprint_id, kept.launched_at) == ("", None, None)


def test_whoever_has_lost_the_lease_takes_nothing(blueprint):
    stack = row(blueprint, ("one", -1))
    Stack.objects.update(epoch=9)
    assert not take(stack)
    assert Stack.objects.get().launched_at is None


def test_orders_that_are_still_going_out_count_for_the_capacity(blueprint):
    for _ in range(3):
        assert take(row(blueprint, ("one", 3)), capacity=3)
    with pytest.raises(ProviderFull, match="its capacity here is 3"):
        take(row(blueprint, ("one", 3)), capacity=3)


@pytest.mark.parametrize(
    ("so", "counts"),
    [
        ({"phase": "new", "launched_at": NOW}, True),
        ({"phase": "asleep", "launched_at": NOW}, True),
        ({"phase": "failed", "error_kind": "unreachable", "launched_at": NOW}, True),
        ({"phase": "failed", "error_kind": "lost", "launched_at": NOW}, False),
        ({"phase": "failed", "error_kind": "full"}, False),
        ({"phase": "gone"}, False),
        ({"phase": "up", "launched_at": NOW, "course_id": "another"}, False),
        ({"phase": "up", "launched_at": NOW, "provider": "two"}, False),
    ],
)
def test_what_takes_a_place(blueprint, so, counts):
    row(blueprint, ("one", 1), **{"provider": "one", **so})
    stack = row(blueprint, ("one", 1))
    if counts:
        with pytest.raises(ProviderFull):
            take(stack, capacity=1)
    else:
        assert take(stack, capacity=1)


def test_many_learners_at_once_take_no_more_places_than_there_are(labs):
    candidates = (wishes.Candidate(provider="local", template="hosts:\n  - name: web\ncreate_s: 30\n", capacity=2),)
    labs.provider.always = {"create": 0.1}
    for number in range(6):
        labs.enter(learner_id=str(number), candidates=candidates)
    assert labs.tend() == 6
    assert sorted(Stack.objects.values_list("phase", flat=True)) == [Phase.CREATING] * 2 + [Phase.FAILED] * 4


@pytest.mark.parametrize(
    ("template", "parameters"),
    [
        ("parameters: {run: {type: string}}", {"run": "2026_T1"}),
        ("parameters: {x: {type: string}}", {}),
        ("parameters:", {}),
        ("[]", {}),
        ("{", {}),
    ],
)
def test_the_course_run_is_given_to_templates_that_ask_for_it(template, parameters):
    stack = Stack(course_id="course-v1:org+course+2026_T1", launch_timeout=0)
    order = async_to_sync(place.launch_order)(stack, Blueprint(template=template))
    assert order.parameters == parameters
    assert order.timeout_s == 86400
    assert order.tags == ("hastexo-lab", "hastexo-lab-site=test", "hastexo-lab-generation=1")

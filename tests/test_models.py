"""The tables: what must hold on every engine."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hastexo_lab import secretbox
from hastexo_lab.models import Stack
from hastexo_lab.stacks import presence


def make(number: int = 0, **fields) -> Stack:
    return Stack.objects.create(course_id="course", learner_id=str(number), lab="lab", **fields)


@pytest.mark.django_db
def test_one_learner_has_one_row_for_a_lab_of_a_course():
    make()
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


@pytest.mark.django_db
def test_the_longest_course_key_and_an_emoji_fit():
    stack = Stack.objects.create(course_id="c" * 255, learner_id="9", lab="l" * 255, learner_name="Zoë 🦉")
    assert Stack.objects.get(course_id="c" * 255).learner_name == "Zoë 🦉"
    assert Stack.objects.get(pk=stack.pk).lab == "l" * 255


@pytest.mark.django_db
def test_rows_are_claimed_in_the_order_in_which_they_are_due():
    now = timezone.now()
    later, first = make(1, next_at=now - timedelta(seconds=1)), make(2, next_at=now - timedelta(seconds=9))
    make(3, next_at=now + timedelta(seconds=9))
    make(4, next_at=None)
    assert [s.pk for s in Stack.objects.claim(now, worker="w", lease_s=30, limit=1)] == [first.pk]
    assert [s.pk for s in Stack.objects.claim(now, worker="w", lease_s=30, limit=9)] == [later.pk]
    assert Stack.objects.claim(now, worker="w", lease_s=30, limit=9) == []


@pytest.mark.django_db
def test_a_claim_raises_the_epoch():
    stack = make()
    [claimed] = Stack.objects.claim(timezone.now(), worker="w", lease_s=30, limit=9)
    assert claimed.epoch == stack.epoch + 1


@pytest.mark.django_db(transaction=True)
def test_of_many_claimers_at_once_each_row_goes_to_one():
    for number in range(60):
        make(number)
    now = timezone.now()

    def claim(number: int) -> list[int]:
        try:
            return [s.pk for s in Stack.objects.claim(now, worker=f"w{number}", lease_s=30, limit=7)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        claimed = [pk for part in pool.map(claim, range(12)) for pk in part]
    assert len(claimed) == len(set(claimed))
    while more := Stack.objects.claim(now, worker="last", lease_s=30, limit=7):
        claimed += [s.pk for s in more]
    assert len(claimed) == len(set(claimed)) == 60


@pytest.mark.django_db
def test_the_question_for_what_is_due_uses_its_index():
    plan = Stack.objects.due(timezone.now()).order_by("next_at").explain()
    if connection.vendor == "sqlite":
        assert "hastexo_lab_stack_due" in plan


@pytest.mark.django_db
def test_the_question_who_looks_in_uses_its_index():
    with CaptureQueriesContext(connection) as asked:
        presence.visitors([1, 2], timezone.now())
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}")
            assert "hastexo_lab_visit_open" in str(cursor.fetchall())


@pytest.mark.django_db
def test_secrets_are_sealed_and_open_only_with_the_sites_keys(settings):
    sealed = secretbox.seal({"private_key": "PEM"})
    assert "PEM" not in sealed
    stack = make(sealed_secrets=sealed)
    assert stack.secrets == {"private_key": "PEM"}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "secret_keys": ["new", settings.SECRET_KEY]}
    assert stack.secrets == {"private_key": "PEM"}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "secret_keys": ["another"]}
    with pytest.raises(secretbox.SecretsUnreadable):
        _ = stack.secrets

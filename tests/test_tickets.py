"""The right to open one door once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from hastexo_lab import tickets
from hastexo_lab.models import Stack, Visit
from tests.gateway import labs

pytestmark = pytest.mark.django_db


@pytest.fixture
def stack() -> Stack:
    return labs.lab()


def refused(text: str, **options: Any) -> str:
    with pytest.raises(tickets.TicketRefused) as refusal:
        tickets.spend(text, **{"door": "desktop", **options})
    return refusal.value.code


def test_a_ticket_opens_its_door_once_and_is_a_visit(stack: Stack) -> None:
    text = labs.ticket(stack, user_name="Ada " + "x" * 300, port=5901, protocol="vnc", read_only=True)
    ticket, visit = tickets.spend(text, door="desktop")
    assert (ticket.stack, ticket.protocol, ticket.port, ticket.read_only) == (stack.pk, "vnc", 5901, True)
    visit.refresh_from_db()
    assert (visit.stack_id, visit.user_id, visit.door, visit.read_only) == (stack.pk, labs.LEARNER, "desktop", True)
    assert len(visit.user_name) == 255
    assert refused(text) == "spent"
    assert Visit.objects.count() == 1


def test_a_ticket_fits_a_subprotocol_and_tells_no_secret(stack: Stack) -> None:
    text = labs.ticket(stack, cookie=labs.COOKIE, user_name="Zoë 😀")
    assert re.fullmatch(r"[A-Za-z0-9._-]+", text)
    assert labs.COOKIE not in text


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "😀", "\x00", "." * 5000])
def test_rubbish_is_forged(text: str) -> None:
    assert refused(text) == "forged"


def test_a_ticket_that_was_changed_is_forged(stack: Stack) -> None:
    text = labs.ticket(stack)
    for at in range(0, len(text) - 1, 7):
        assert refused(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]) == "forged"
    assert not Visit.objects.exists()


@pytest.mark.parametrize("payload", [{}, [], {"id": "a", "to": ""}, {"id": "a", "to": "", "stack": 1, "more": 2}])
def test_a_ticket_of_another_shape_is_forged(payload: Any) -> None:
    assert refused(tickets._signer().sign_object(payload)) == "forged"


def test_a_ticket_of_another_site_is_forged(stack: Stack) -> None:
    with override_settings(HASTEXO_LAB={"secret_keys": ["theirs"]}):
        text = labs.ticket(stack)
    assert refused(text) == "forged"


def test_a_ticket_outlives_a_change_of_keys(stack: Stack) -> None:
    with override_settings(HASTEXO_LAB={"secret_keys": ["old"]}):
        text = labs.ticket(stack)
    with override_settings(HASTEXO_LAB={"secret_keys": ["new", "old"]}):
        tickets.spend(text, door="desktop")


def test_a_late_ticket_opens_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("django.core.signing.time.time", lambda: 1_000_000.0)
        text = labs.ticket(stack)
    assert refused(text) == "late"


def test_a_ticket_of_a_lab_that_is_no_more_is_forged(stack: Stack) -> None:
    text = labs.ticket(stack)
    stack.delete()
    assert refused(text) == "forged"


@pytest.mark.parametrize(
    ("issued", "spent"),
    [
        ({}, {"door": "events"}),
        ({"door": "shell"}, {}),
        ({"user_id": "learner-2"}, {}),
        ({"cookie": labs.COOKIE}, {}),
        ({"cookie": labs.COOKIE}, {"cookie": "another"}),
    ],
)
def test_a_ticket_for_another_opens_nothing_and_stays_good(
    stack: Stack, issued: dict[str, Any], spent: dict[str, Any]
) -> None:
    assert refused(labs.ticket(stack, **issued), **spent) == "another"
    assert not Visit.objects.exists()


def test_staff_may_enter_a_learners_lab(stack: Stack) -> None:
    text = labs.ticket(stack, user_id="teacher", staff=True, cookie=labs.COOKIE)
    ticket, _ = tickets.spend(text, door="desktop", cookie=labs.COOKIE)
    assert ticket.staff


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="threads share no in-memory database: see test_desktop")
def test_of_many_who_try_at_once_one_gets_in(stack: Stack) -> None:
    text = labs.ticket(stack)

    def attempt(_: int) -> str:
        try:
            tickets.spend(text, door="desktop")
        except tickets.TicketRefused as refusal:
            return refusal.code
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(attempt, range(8))) == ["in"] + ["spent"] * 7

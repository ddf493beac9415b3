"""Operators find stacks and read their story; nothing secret is shown and nothing can be changed by a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hastexo_lab import secretbox
from hastexo_lab.admin import MOST_ROWS
from hastexo_lab.models import Blueprint, Phase, Stack, StackEvent, Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def stack() -> Stack:
    sealed = secretbox.seal({"password": "hidden-word"})
    stack = Stack.objects.create(
        course_id="course-v1:Org+Course+Run",
        learner_id="7",
        learner_name="Ann",
        lab="web.yaml",
        phase=Phase.FAILED,
        provider="north",
        ref="ref-1234",
        error_kind="author",
        error_reference="7F3K-Q2MD",
        sealed_secrets=sealed,
        lease_token="lease-word",
    )
    Stack.objects.create(course_id="course-v1:Org+Other+Run", learner_id="8", lab="db.yaml", provider="south")
    Visit.objects.create(stack=stack, ticket="ticket-word", user_id="7", user_name="Ann Visitor", door="desktop")
    return stack


@pytest.mark.parametrize("word", ["Course+Run", "7", "Ann", "web.yaml", "ref-1234", "7F3K-Q2MD"])
def test_a_stack_is_found_by_what_people_know_of_it(admin_client: Client, stack: Stack, word: str) -> None:
    page = admin_client.get(reverse("admin:hastexo_lab_stack_changelist"), {"q": word}).content.decode()
    assert "web.yaml" in page
    assert "db.yaml" not in page


@pytest.mark.parametrize(
    "chosen", [{"phase": "failed"}, {"goal": "up"}, {"provider": "north"}, {"error_kind": "author"}]
)
def test_stacks_are_filtered(admin_client: Client, stack: Stack, chosen: dict[str, str]) -> None:
    exact = {f"{name}__exact" if name != "provider" else name: value for name, value in chosen.items()}
    answer = admin_client.get(reverse("admin:hastexo_lab_stack_changelist"), exact)
    assert answer.status_code == 200
    assert "web.yaml" in answer.content.decode()


def test_a_stack_shows_its_story_and_no_secret(admin_client: Client, stack: Stack) -> None:
    now = timezone.now()
    for index in range(MOST_ROWS + 1):
        StackEvent.objects.create(
            stack=stack,
            kind="phase",
            phase="new",
            generation=1,
            message=f"row-{index:03}",
            at=now - timedelta(index),
        )
    page = admin_client.get(reverse("admin:hastexo_lab_stack_change", args=[stack.pk])).content.decode()
    assert "7F3K-Q2MD" in page
    assert "Ann Visitor" in page
    assert page.index("row-000") < page.index("row-001") < page.index(f"row-{MOST_ROWS - 1:03}")
    for absent in (f"row-{MOST_ROWS:03}", "hidden-word", stack.sealed_secrets, "lease-word", "ticket-word"):
        assert absent not in page


@pytest.mark.parametrize("model", ["stack", "blueprint"])
def test_nothing_is_added_or_deleted_by_a_form(admin_client: Client, stack: Stack, model: str) -> None:
    assert admin_client.get(reverse(f"admin:hastexo_lab_{model}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"admin:hastexo_lab_{model}_add")).status_code == 403


def test_a_stack_is_not_changed_by_a_form(admin_client: Client, stack: Stack) -> None:
    url = reverse("admin:hastexo_lab_stack_change", args=[stack.pk])
    sent: dict[str, Any] = {"phase": "up", "lab": "other"}
    assert admin_client.post(url, sent).status_code == 403
    stack.refresh_from_db()
    assert (stack.phase, stack.lab) == (Phase.FAILED, "web.yaml")
    delete = reverse("admin:hastexo_lab_stack_delete", args=[stack.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


def test_a_blueprint_can_be_read(admin_client: Client) -> None:
    Blueprint.objects.create(sha256="ab" * 32, template="outputs: {}", environment="password: word")
    page = admin_client.get(reverse("admin:hastexo_lab_blueprint_change", args=["ab" * 32])).content.decode()
    assert "outputs: {}" in page
    assert "password: word" not in page

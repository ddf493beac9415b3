"""Operators find stacks and read their story; nothing secret is shown and nothing can be changed by a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hastexo_lab import secretbox
from hastexo_lab.admin import MOST_ROWS
from hastexo_lab.models import Blueprint, HostKey, Phase, Stack, StackEvent, Visit

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
    Visit.objects.create(
        stack=stack,
        ticket="ticket-word",
        user_id="7",
        user_name="Ann Visitor",
        door="desktop",
        protocol="vnc",
        looks_in=True,
        sealed_session="session-word",
    )
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
    assert "session-word" not in page


@pytest.mark.parametrize("model", ["stack", "blueprint", "visit", "hostkey"])
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


def test_the_audit_tells_who_looked_in_where_and_no_secret(admin_client: Client, stack: Stack) -> None:
    Visit.objects.create(ticket="t", place="machine-9", user_id="8", user_name="Bob Owner", door="shell")
    changelist = reverse("admin:hastexo_lab_visit_changelist")
    page = admin_client.get(changelist).content.decode()
    for told in ("Ann Visitor", "web.yaml of 7", "Bob Owner", "machine-9"):
        assert told in page
    looked_in = admin_client.get(changelist, {"looks_in__exact": "1", "q": "Course+Run"}).content.decode()
    assert "Ann Visitor" in looked_in
    assert "Bob Owner" not in looked_in
    for visit in Visit.objects.all():
        page += admin_client.get(reverse("admin:hastexo_lab_visit_change", args=[visit.pk])).content.decode()
        assert admin_client.post(reverse("admin:hastexo_lab_visit_delete", args=[visit.pk])).status_code == 403
    for absent in ("ticket-word", "session-word"):
        assert absent not in page


# The key and fingerprint of `ssh-keygen -lf`.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBFJofzz6dUcQV4ypfUwRF7nnawyA6NEcO0qCHdblwiy"
FINGERPRINT = "SHA256:Y3uswOPHC4gQiYvmHthT0bj3cvPxaLcOK3l4B7n2cDM"


@pytest.fixture
def host_key() -> HostKey:
    row: HostKey = HostKey.objects.create(place="stack/abc/1", port=22, key=KEY)
    return row


def test_a_host_key_is_known_by_its_fingerprint(admin_client: Client, host_key: HostKey) -> None:
    for url in (
        reverse("admin:hastexo_lab_hostkey_changelist"),
        reverse("admin:hastexo_lab_hostkey_change", args=[host_key.pk]),
    ):
        page = admin_client.get(url).content.decode()
        assert "stack/abc/1" in page
        assert FINGERPRINT in page


@pytest.mark.parametrize(("permissions", "status"), [((), 403), (("view",), 403), (("view", "delete"), 302)])
def test_who_may_delete_host_keys_lets_a_changed_host_be_trusted_anew(
    client: Client, django_user_model: Any, host_key: HostKey, permissions: tuple[str, ...], status: int
) -> None:
    operator = django_user_model.objects.create_user("operator", password=None, is_staff=True)
    names = [f"{permission}_hostkey" for permission in permissions]
    operator.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(operator)
    url = reverse("admin:hastexo_lab_hostkey_delete", args=[host_key.pk])
    assert client.post(url, {"post": "yes"}).status_code == status
    assert HostKey.objects.exists() is (status != 302)

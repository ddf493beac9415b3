"""The one truth: what is wanted of each lab, what is so, and what has happened.

The LMS writes wishes (`goal`, `wanted_generation`, `wish`, `active_at`), the worker writes what is so (only
while it holds the row's lease, by `epoch`), the gateway writes presence (`seen_at`, `active_at`) and visits.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hastexo_lab import secretbox
from hastexo_lab.conf import lab_settings
from hastexo_lab.phases import ErrorKind, Goal, Phase

__all__ = [
    "Bell",
    "Blueprint",
    "ErrorKind",
    "Goal",
    "HostKey",
    "Phase",
    "Stack",
    "StackEvent",
    "StackQuerySet",
    "Visit",
]


GOALS = [(Goal.UP.value, _("Up")), (Goal.ASLEEP.value, _("Asleep")), (Goal.GONE.value, _("Gone"))]
PHASES = [
    (Phase.NEW.value, _("New")),
    (Phase.QUEUED.value, _("Queued")),
    (Phase.CREATING.value, _("Creating")),
    (Phase.BOOTING.value, _("Booting")),
    (Phase.UP.value, _("Up")),
    (Phase.SUSPENDING.value, _("Suspending")),
    (Phase.ASLEEP.value, _("Asleep")),
    (Phase.RESUMING.value, _("Resuming")),
    (Phase.DELETING.value, _("Deleting")),
    (Phase.GONE.value, _("Gone")),
    (Phase.FAILED.value, _("Failed")),
]
ERROR_KINDS = [
    (ErrorKind.NONE.value, _("None")),
    (ErrorKind.AUTHOR.value, _("Author's mistake")),
    (ErrorKind.FULL.value, _("No room")),
    (ErrorKind.TRANSIENT.value, _("Cloud trouble")),
    (ErrorKind.UNREACHABLE.value, _("Does not answer")),
    (ErrorKind.LOST.value, _("Lost")),
]


class Blueprint(models.Model):
    """What a stack is made from, stored once by content: workers need neither the LMS nor its files."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    template = models.TextField()
    environment = models.TextField(blank=True)
    hook_script = models.TextField(blank=True)
    hook_events = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Typical times in seconds, learnt from past launches; 0 = not known yet.
    launch_s = models.FloatField(default=0)
    wake_s = models.FloatField(default=0)
    sleep_s = models.FloatField(default=0)

    def __str__(self) -> str:
        return self.sha256[:12]


class StackQuerySet(models.QuerySet["Stack"]):
    """The questions that are asked of the table."""

    def free(self, now: datetime) -> StackQuerySet:
        """Rows that no worker holds."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def due(self, now: datetime) -> StackQuerySet:
        """Rows whose time has come and that no worker holds."""
        return self.free(now).filter(next_at__lte=now)

    def claim(self, now: datetime, *, worker: str, lease_s: float, limit: int) -> list[Stack]:
        """Take a lease on up to `limit` due rows, the longest due first. Each row goes to one claimer only.

        `worker` (at most 16 characters) marks the leases, so that those of a dead worker can be released.
        """
        token = f"{worker}.{secrets.token_hex(6)}"
        with transaction.atomic():
            due = self.due(now).order_by("next_at").select_for_update(skip_locked=True)
            ids = list(due.values_list("pk", flat=True)[:limit])
            if not ids:
                return []
            self.filter(pk__in=ids).due(now).update(
                lease_token=token, lease_until=now + timedelta(seconds=lease_s), epoch=F("epoch") + 1
            )
        return list(self.filter(pk__in=ids, lease_token=token).select_related("blueprint"))

    def release(self, worker: str) -> int:
        """End the leases of a worker that is known to be dead. Returns how many."""
        return self.filter(lease_token__startswith=f"{worker}.").exclude(lease_until=None).update(lease_until=None)


def _new_key() -> str:
    return secrets.token_hex(5)


class Stack(models.Model):
    """One learner's lab in one course run."""

    # Names the row in the cloud: row numbers come again when a database is made anew, and stacks outlive it.
    key = models.CharField(max_length=16, default=_new_key, unique=True, editable=False)

    # Who and what: one row for each (course run, learner, lab).
    course_id = models.CharField(max_length=255)
    learner_id = models.CharField(max_length=128)
    lab = models.CharField(max_length=255)
    learner_name = models.CharField(max_length=255, blank=True)

    # What is wanted.
    goal = models.CharField(max_length=8, choices=GOALS, default=Goal.UP.value)
    wanted_generation = models.PositiveIntegerField(default=1)
    wish = models.PositiveBigIntegerField(default=0)  # counts wishes: a worker sees that one came meanwhile
    # In order of trying: [{"provider": name, "capacity": -1 | 0 | n, "blueprint": sha256}]
    candidates = models.JSONField(default=list)
    # What must answer before the learner is told "ready": [{"port": 22, "kind": "ssh" | "tcp", "name": "web"}]
    probes = models.JSONField(default=list)
    launch_timeout = models.PositiveIntegerField(default=900)
    suspend_timeout = models.PositiveIntegerField(default=1200)
    delete_age = models.PositiveIntegerField(default=60 * 86400)

    # What is so.
    phase = models.CharField(max_length=12, choices=PHASES, default=Phase.NEW.value)
    phase_since = models.DateTimeField(default=timezone.now)
    generation = models.PositiveIntegerField(default=1)
    provider = models.CharField(max_length=64, blank=True)
    ref = models.CharField(max_length=255, blank=True)
    blueprint = models.ForeignKey(Blueprint, null=True, blank=True, on_delete=models.PROTECT, related_name="stacks")
    address = models.CharField(max_length=255, blank=True)
    port_offset = models.PositiveIntegerField(default=0)
    host_keys = models.TextField(blank=True)
    sealed_secrets = models.TextField(blank=True, editable=False)
    launched_at = models.DateTimeField(null=True, blank=True)  # when this generation's create was ordered
    ready_at = models.DateTimeField(null=True, blank=True)  # first ready in this generation
    # How far the phase has come: {"done": 3, "total": 7, "answering": 2, "of": 3}, each as far as it is known.
    progress = models.JSONField(default=dict, blank=True)
    gone_reason = models.CharField(max_length=12, blank=True)  # age, operator

    # The last failure.
    error_kind = models.CharField(max_length=12, choices=ERROR_KINDS, blank=True)
    error_message = models.TextField(blank=True)
    error_reference = models.CharField(max_length=16, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)

    # Who carries it on, and when.
    next_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    deadline_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    epoch = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)

    # Presence: a page is open; somebody does something in it.
    seen_at = models.DateTimeField(null=True, blank=True)
    active_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course_id", "learner_id", "lab"], name="hastexo_lab_one_stack_each")
        ]
        indexes = [
            models.Index(fields=["next_at"], name="hastexo_lab_stack_due"),
            models.Index(fields=["provider", "phase"], name="hastexo_lab_stack_place"),
            models.Index(fields=["lease_token"], name="hastexo_lab_stack_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.lab} of {self.learner_id} in {self.course_id}"

    @property
    def name(self) -> str:
        """The stack's name in the cloud: one for each site, row and generation."""
        return f"hl-{lab_settings().site}-{self.key}-g{self.generation}"

    @property
    def secrets(self) -> dict[str, Any]:
        """`private_key` (PEM) and `password`, as far as there are any. Raises secretbox.SecretsUnreadable."""
        return secretbox.unseal(self.sealed_secrets)


class StackEvent(models.Model):
    """The history of a stack: each wish, change of phase and setback. `message` is for staff."""

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=16)  # wish, phase, setback
    phase = models.CharField(max_length=12, choices=PHASES)
    generation = models.PositiveIntegerField()
    message = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["stack", "at"], name="hastexo_lab_event_story")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Visit(models.Model):
    """A spent ticket: who entered which lab, by which door, when, until when."""

    ticket = models.CharField(max_length=32, unique=True)
    stack = models.ForeignKey(Stack, null=True, blank=True, on_delete=models.CASCADE, related_name="visits")
    # Where a ticket without a stack leads to: the name that the project's own hook knows.
    place = models.CharField(max_length=255, blank=True)
    user_id = models.CharField(max_length=128)
    user_name = models.CharField(max_length=255, blank=True)
    door = models.CharField(max_length=16)
    protocol = models.CharField(max_length=8, blank=True)
    port = models.PositiveIntegerField(default=0)
    read_only = models.BooleanField(default=False)
    # Of the course team, in somebody else's lab.
    looks_in = models.BooleanField(default=False)
    entered_at = models.DateTimeField(default=timezone.now)
    # Raised while it lasts: a gateway that was killed leaves visits that nobody has ended.
    seen_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)
    # guacd's name of the open connection, by which another visitor can join it: never leaves the gateways.
    sealed_session = models.TextField(blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["stack", "entered_at"], name="hastexo_lab_visit_story"),
            # Gateways ask twice a second who looks in.
            models.Index(fields=["stack", "left_at"], name="hastexo_lab_visit_open"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} by {self.door}"


class HostKey(models.Model):
    """The SSH host key that was seen at the first visit, and that every later one must meet."""

    # A stack's is "stack/<its key>/<generation>": a new generation is a new machine.
    place = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    key = models.TextField()  # as in known_hosts: "ssh-ed25519 AAAA…"
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place", "port"], name="hastexo_lab_one_host_key_each")]

    def __str__(self) -> str:
        return f"{self.place}:{self.port}"


class Bell(models.Model):
    """One row for each slot of the task engine: which pending `tend` is the valid one, and when one last ran."""

    slot = models.PositiveSmallIntegerField(primary_key=True)
    token = models.CharField(max_length=16, blank=True)
    due_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"slot {self.slot}"

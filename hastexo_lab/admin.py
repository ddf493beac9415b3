"""The operator's look at stacks in Django's admin: state and story, to read only. No secret is shown.

One thing can be done: a host key that has changed for a good reason is deleted, and the next visit trusts anew.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hastexo_lab.models import Blueprint, HostKey, Stack, StackEvent, Visit

MOST_ROWS = 50
# Who, and by which door to which host; `looks_in` and `read_only`: as a guest of the learner, and how far.
WHO_AND_WHERE = (
    "entered_at",
    "left_at",
    "user_name",
    "user_id",
    "door",
    "protocol",
    "port",
    "looks_in",
    "read_only",
)

if TYPE_CHECKING:  # at run time these take no parameters
    Inline = admin.TabularInline[Any, Stack]
    StackModelAdmin = admin.ModelAdmin[Stack]
    BlueprintModelAdmin = admin.ModelAdmin[Blueprint]
    VisitModelAdmin = admin.ModelAdmin[Visit]
    HostKeyModelAdmin = admin.ModelAdmin[HostKey]
else:
    Inline = admin.TabularInline
    StackModelAdmin = BlueprintModelAdmin = VisitModelAdmin = HostKeyModelAdmin = admin.ModelAdmin


class _ReadOnly:
    """What workers and wishes write is not for a form: two writers of one row would fight."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _Latest(_ReadOnly, Inline):
    """The latest rows of a stack's story, the newest first."""

    by: ClassVar[str]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        stack = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        rows = super().get_queryset(request)
        latest = rows.filter(stack=stack).order_by(f"-{self.by}").values_list("pk", flat=True)[:MOST_ROWS]
        return rows.filter(pk__in=list(latest)).order_by(f"-{self.by}")


class EventInline(_Latest):
    """Wishes, changes of phase, failures."""

    model: type[Model] = StackEvent
    by = "at"
    fields = ("at", "kind", "phase", "generation", "message")


class VisitInline(_Latest):
    """Who was in the lab."""

    model: type[Model] = Visit
    by = "entered_at"
    fields = WHO_AND_WHERE


@admin.register(Stack)
class StackAdmin(_ReadOnly, StackModelAdmin):
    """All labs of the site."""

    list_display = (
        "lab",
        "learner_name",
        "course_id",
        "phase",
        "goal",
        "provider",
        "error_kind",
        "active_at",
        "next_at",
    )
    list_filter = ("phase", "goal", "provider", "error_kind")
    search_fields = ("course_id", "learner_id", "learner_name", "lab", "ref", "error_reference")
    date_hierarchy = "created_at"
    exclude = ("sealed_secrets", "lease_token")
    inlines = (EventInline, VisitInline)
    list_per_page = 50
    show_full_result_count = False


@admin.register(Blueprint)
class BlueprintAdmin(_ReadOnly, BlueprintModelAdmin):
    """What stacks were made from, and how long that takes."""

    list_display = ("sha256", "created_at", "launch_s", "wake_s", "sleep_s")
    exclude = ("environment",)  # authors may have passwords in it
    search_fields = ("sha256",)


@admin.register(Visit)
class VisitAdmin(_ReadOnly, VisitModelAdmin):
    """Who was in which lab or place: the audit. `seen_at` is the last sign of a visit that nobody has ended."""

    list_display = (*WHO_AND_WHERE, "stack", "place")
    list_filter = ("looks_in", "read_only", "door", "protocol")
    search_fields = ("user_id", "user_name", "place", "stack__lab", "stack__course_id", "stack__learner_id")
    exclude = ("ticket",)
    ordering = ("-pk",)
    list_select_related = ("stack",)
    list_per_page = 50
    show_full_result_count = False


@admin.register(HostKey)
class HostKeyAdmin(_ReadOnly, HostKeyModelAdmin):
    """The SSH host keys that are trusted."""

    list_display = ("place", "port", "fingerprint", "seen_at")
    fields = ("place", "port", "fingerprint", "key", "seen_at")
    search_fields = ("place",)
    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description=_("fingerprint"))
    def fingerprint(self, row: HostKey) -> str:
        """As `ssh-keygen -l` prints it."""
        digest = hashlib.sha256(base64.b64decode(row.key.split()[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whom Django lets delete host keys."""
        return HostKeyModelAdmin.has_delete_permission(self, request, obj)

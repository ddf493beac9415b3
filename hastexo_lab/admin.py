"""The operator's look at stacks in Django's admin: state and story, to read only. No secret is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from hastexo_lab.models import Blueprint, Stack, StackEvent, Visit

MOST_ROWS = 50

if TYPE_CHECKING:  # at run time these take no parameters
    Inline = admin.TabularInline[Any, Stack]
    StackModelAdmin = admin.ModelAdmin[Stack]
    BlueprintModelAdmin = admin.ModelAdmin[Blueprint]
else:
    Inline = admin.TabularInline
    StackModelAdmin = BlueprintModelAdmin = admin.ModelAdmin


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
    fields = ("entered_at", "left_at", "user_name", "user_id", "door", "port", "read_only")


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

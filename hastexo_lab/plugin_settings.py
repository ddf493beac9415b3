"""What the LMS and Studio need in their settings so that a wish can ring the workers' bell."""

from __future__ import annotations

from typing import Any

TASK_APPS = ("django_tasks", "django_tasks_db")


def plugin_settings(settings: Any) -> None:
    """Add the tasks framework where it is missing; leave alone what an operator has set."""
    for app in TASK_APPS:
        if app not in settings.INSTALLED_APPS:
            settings.INSTALLED_APPS.append(app)
    if not getattr(settings, "TASKS", None):
        settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

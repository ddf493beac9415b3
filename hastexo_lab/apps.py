"""How Django, the LMS and Studio take this package in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


@checks.register
def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """A setting that cannot be is one sentence at the start of any command, and not a traceback later."""
    from hastexo_lab.conf import lab_settings

    try:
        lab_settings()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="hastexo_lab.E001")]
    return []


class HastexoLabConfig(AppConfig):
    """The Django app; `plugin_app` is how Open edX finds it (edx-django-utils' plugin contract)."""

    name = "hastexo_lab"
    label = "hastexo_lab"
    verbose_name = _("Labs")
    default_auto_field = "django.db.models.BigAutoField"

    # No url_config: the LMS and Studio reach labs through XBlock handlers only.
    plugin_app: ClassVar[dict[str, Any]] = {
        "settings_config": {
            "lms.djangoapp": {"common": {"relative_path": "plugin_settings"}},
            "cms.djangoapp": {"common": {"relative_path": "plugin_settings"}},
        },
    }

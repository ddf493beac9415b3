"""Who is asking: one answer for the LMS, Studio and xblock-sdk's workbench.

Ids are text here, whatever the runtime holds. Under masquerading the runtime's user is the learner, so the
visitor is the learner too. Where a right cannot be made sure of, there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from hastexo_lab.block.words import Sentence, Trouble
from hastexo_lab.conf import lab_settings

WORKBENCH_COURSE = "workbench"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One person at one block.

    `is_staff`: of the course team. `in_studio`: this is Studio (or stands in for it): blocks may be edited.
    """

    user_id: str
    username: str
    name: str
    course_id: str
    usage_id: str
    is_authenticated: bool
    is_staff: bool
    in_studio: bool


def course_key(block: Any) -> Any:
    """The runtime's own key of the course (or library), None in the workbench."""
    return getattr(block.scope_ids.usage_id, "context_key", None)


def _is_author(block: Any, user_id: Any) -> bool:
    """Whether Studio lets this user change the course. Studio itself asks only when it writes a block."""
    permissions = block.runtime.service(block, "studio_user_permissions")
    if permissions is not None:
        return bool(permissions.can_write(course_key(block)))
    try:  # the preview's runtime has no such service
        from common.djangoapps.student.auth import has_studio_write_access  # type: ignore[import-not-found]
    except ImportError:
        return False
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.filter(pk=user_id).first()
    return user is not None and bool(has_studio_write_access(user, course_key(block)))


def _is_studio(block: Any) -> bool:
    runtime = block.runtime
    return (
        getattr(runtime, "is_author_mode", False) is True
        or runtime.service(block, "studio_user_permissions") is not None
    )


def visitor_of(block: Any) -> Visitor:
    """Who is asking this block."""
    user = block.runtime.service(block, "user").get_current_user()
    attributes = user.opt_attrs
    user_id = attributes.get("edx-platform.user_id", attributes.get("xblock-workbench.user_id"))
    stock = user_id is not None and user_id != "none"  # the stock workbench calls nobody "none"
    authenticated = bool(attributes.get("edx-platform.is_authenticated", stock)) and user_id is not None
    studio = _is_studio(block)
    staff = _is_author(block, user_id) if studio else bool(attributes.get("edx-platform.user_is_staff", False))
    username = str(attributes.get("edx-platform.username") or user_id or "")
    return Visitor(
        user_id=str(user_id) if authenticated else "",
        username=username,
        name=getattr(user, "full_name", None) or username,
        course_id=str(course_key(block) or WORKBENCH_COURSE),
        usage_id=str(block.scope_ids.usage_id),
        is_authenticated=authenticated,
        is_staff=authenticated and staff,
        in_studio=studio or lab_settings().workbench,
    )


def _is_enrolled(block: Any) -> bool:
    enrollments = block.runtime.service(block, "enrollments")
    if enrollments is None:  # a workbench has no enrolments; the LMS always has
        return lab_settings().workbench and course_key(block) is None
    user = block.runtime.service(block, "user").get_current_user()
    found = enrollments.get_active_enrollments_by_course_and_user(
        course_key(block) or WORKBENCH_COURSE, user.opt_attrs.get("edx-platform.user_id")
    )
    return bool(found)


def admit(block: Any) -> Visitor:
    """The visitor, who may use this lab. Raises Trouble: 401 not signed in, 403 not of this course."""
    visitor = visitor_of(block)
    if not visitor.is_authenticated:
        raise Trouble(401, Sentence(_("Sign in to use this lab.")))
    if not visitor.is_staff and (_is_studio(block) or not _is_enrolled(block)):
        raise Trouble(403, Sentence(_("Enrol in this course to use its labs.")))
    return visitor


def admit_author(block: Any) -> Visitor:
    """The visitor, who may change this block here. Raises Trouble: 401, 403."""
    visitor = visitor_of(block)
    if not visitor.is_authenticated:
        raise Trouble(401, Sentence(_("Sign in to edit this lab.")))
    if not (visitor.in_studio and visitor.is_staff):
        raise Trouble(403, Sentence(_("Only the course team can edit this lab, in Studio.")))
    return visitor

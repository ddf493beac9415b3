"""What the LMS and Studio give a block, with their names and shapes, over xblock-sdk's runtime.

A test's user is the runtime's `user_id`: a key of PEOPLE.
"""

from __future__ import annotations

from typing import Any

from xblock.reference.user_service import UserService, XBlockUser

# Who: (signed in, enrolled, course team in the LMS, may write in Studio)
PEOPLE = {
    "nobody": (False, False, False, False),
    "stranger": (True, False, False, False),
    "learner": (True, True, False, False),
    "other": (True, True, False, False),
    "staff": (True, False, True, False),
    "author": (True, False, False, True),
}
IDS = {name: 100 + index for index, name in enumerate(PEOPLE)}


class Users(UserService):
    """Answers as edx-platform's DjangoXBlockUserService does."""

    runtime: Any = None

    def __init__(self) -> None:
        pass

    def get_current_user(self) -> XBlockUser:
        name = self.runtime.user_id
        user = XBlockUser(is_current_user=True)
        signed_in, _enrolled, staff, _writes = PEOPLE[name]
        user.opt_attrs["edx-platform.is_authenticated"] = signed_in
        if signed_in:
            user.full_name = f"{name.title()} Ω"
            user.opt_attrs["edx-platform.user_id"] = IDS[name]
            user.opt_attrs["edx-platform.username"] = name
            user.opt_attrs["edx-platform.user_is_staff"] = staff
        return user


class Enrollments:
    """Answers as the LMS's enrollments service does."""

    runtime: Any = None

    def get_active_enrollments_by_course_and_user(self, course_id: Any, user_id: Any) -> object | None:
        enrolled = {IDS[name] for name, rights in PEOPLE.items() if rights[1]}
        return object() if user_id in enrolled else None


class StudioPermissions:
    """Answers as Studio's permissions service does."""

    runtime: Any = None

    def can_write(self, context_key: Any) -> bool:
        return PEOPLE[self.runtime.user_id][3]


LMS = {"user": "tests.block.services.Users", "enrollments": "tests.block.services.Enrollments"}
STUDIO = {"user": "tests.block.services.Users", "studio_user_permissions": "tests.block.services.StudioPermissions"}

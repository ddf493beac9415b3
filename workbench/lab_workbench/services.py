"""What the LMS tells a block of its visitor, told of the workbench's three: two learners and an author."""

from __future__ import annotations

from typing import Any

from xblock.reference.user_service import UserService, XBlockUser

VISITORS = {"learner_1": "Learner 1", "learner_2": "Learner 2", "author": "Author"}


class VisitorService(UserService):  # type: ignore[misc]
    """The visitor is the `student` of the address; the workbench sets `runtime` after it has made this."""

    runtime: Any = None

    def get_current_user(self) -> XBlockUser:
        """The visitor, with the attributes that the LMS gives."""
        visitor = self.runtime.user_id or "none"
        user = XBlockUser(is_current_user=True, full_name=VISITORS.get(visitor, visitor), emails=[])
        user.opt_attrs.update(
            {
                "edx-platform.user_id": visitor,
                "edx-platform.username": visitor,
                "edx-platform.is_authenticated": visitor != "none",
                "edx-platform.user_is_staff": visitor == "author",
                "xblock-workbench.user_id": visitor,
            }
        )
        return user

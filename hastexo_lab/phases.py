"""The words for the life of a stack, shared by the table, the planner and the page. No Django here."""

from enum import StrEnum


class Goal(StrEnum):
    """What is wanted."""

    UP = "up"
    ASLEEP = "asleep"
    GONE = "gone"


class Phase(StrEnum):
    """What is so."""

    NEW = "new"
    QUEUED = "queued"
    CREATING = "creating"
    BOOTING = "booting"
    UP = "up"
    SUSPENDING = "suspending"
    ASLEEP = "asleep"
    RESUMING = "resuming"
    DELETING = "deleting"
    GONE = "gone"
    FAILED = "failed"


class ErrorKind(StrEnum):
    """Why a lab failed, as far as the next step hangs on it."""

    NONE = ""
    AUTHOR = "author"
    FULL = "full"
    TRANSIENT = "transient"
    UNREACHABLE = "unreachable"
    LOST = "lost"

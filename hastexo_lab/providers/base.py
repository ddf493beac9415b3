"""What a provider is: where stacks live. One protocol, one contract test suite for every implementation.

A provider keeps no truth of its own between calls, knows no Django, and sorts its errors where they happen
into five kinds, because the next step hangs on the kind:

    ProviderError
    ├── AuthorMistake    the template or environment is wrong: tell, never retry
    ├── ProviderFull     no place: the next provider, or the queue
    ├── Transient        back off and try again (`retry_after_s` where the cloud named one)
    ├── UnknownOutcome   the call may have worked: observe before anything else
    └── Lost             the stack is not there any more
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class ProviderError(Exception):
    """Base. The text is for course staff and operators: a cause, a remedy, no secret."""


class AuthorMistake(ProviderError):
    """The author's template or environment cannot work; trying again will not help."""


class ProviderFull(ProviderError):
    """The provider has no room for another stack now."""


class Transient(ProviderError):
    """It did not work this time. `retry_after_s`: seconds that the cloud asked us to wait, or None."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnknownOutcome(ProviderError):
    """Whether the cloud did it is not known: observe before anything else."""


class Lost(ProviderError):
    """There is no such stack."""


class CloudState(StrEnum):
    """What a provider says of a stack, in the words that the planner needs."""

    ABSENT = "absent"
    CREATING = "creating"
    RUNNING = "running"
    CREATE_FAILED = "create_failed"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    SUSPEND_FAILED = "suspend_failed"
    RESUMING = "resuming"
    RESUME_FAILED = "resume_failed"
    DELETING = "deleting"
    DELETE_FAILED = "delete_failed"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """An order for a stack. `tags` tell our stacks from others' and one generation from the next."""

    name: str  # [a-zA-Z][a-zA-Z0-9_.-]{0,254}, unique to row and generation
    template: str  # YAML
    environment: str = ""  # YAML, may be empty
    tags: tuple[str, ...] = ()  # at most 80 characters each, no comma
    timeout_s: int = 900
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CloudStack:
    """One observation of one stack. `reason` is the cloud's own sentence, for staff."""

    ref: str
    name: str
    state: CloudState
    reason: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a running stack tells. `address` is the template's `public_ip`; secrets must not be logged."""

    address: str
    # Added to each port that the author names: for labs behind a forwarding address. Template: `port_offset`.
    port_offset: int = 0
    # private_key (PEM), password: each as far as the template gives it.
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    host_keys: str = ""
    reboot_on_resume: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a stack is: resources that are complete, of all."""

    done: int
    total: int


class Provider(Protocol):
    """Where stacks live. Every call may raise any ProviderError, and nothing else.

    No call waits for the cloud to finish: `create`, `suspend`, `resume` and `delete` return when the cloud
    has taken the order. Each is safe to repeat. No call takes longer than 20 s.
    """

    name: str

    async def create(self, launch: Launch) -> str:
        """Order a stack and return its ref (the cloud's id).

        A stack of that name with the same tags is ours already: its ref is returned, nothing is created.
        One with other tags is somebody else's: AuthorMistake.
        """

    async def observe(self, ref: str) -> CloudStack:
        """What the stack is now. A stack that is deleted or was never there is ABSENT, not an error."""

    async def observe_all(self) -> dict[str, CloudStack]:
        """All of our stacks here by ref, in one sweep. One that is missing is *perhaps* gone: observe it."""

    async def suspend(self, ref: str) -> None:
        """Let the stack fall asleep, its memory and disks kept. Asleep already: nothing happens."""

    async def resume(self, ref: str) -> None:
        """Wake the stack as it was. Awake already: nothing happens."""

    async def delete(self, ref: str) -> None:
        """Take the stack down and all that is in it. Gone already: nothing happens."""

    async def outputs(self, ref: str) -> Outputs:
        """What a RUNNING stack tells. AuthorMistake names the output that is missing."""

    async def progress(self, ref: str) -> Progress:
        """How far the action that is under way has come."""

    async def check(self, template: str, environment: str) -> None:
        """Ask the cloud whether the template could work. AuthorMistake says what is wrong with it."""

    def failure_kind(self, reason: str) -> type[ProviderError]:
        """What kind of failure the `reason` of a *_FAILED stack tells of."""

    async def close(self) -> None:
        """Let go of connections."""
